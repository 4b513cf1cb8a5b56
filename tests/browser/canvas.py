"""The canvas of one flow for the tests: pointer, rest, what is drawn, and the database that it should agree with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from flowbuilder.graph.change import Draft
from flowbuilder.models import Flow
from flowbuilder.queries import draft_of
from tests.browser.conftest import Desk
from tests.browser.test_keyboard import new_flow

Ways = dict[tuple[str, str], str | None]
SHOWN = """() => ({
  steps: [...document.querySelectorAll("#nodes .step")].map((it) => it.id.slice(5)).sort(),
  ways: [...document.querySelectorAll("#wires path[data-port]")]
    .map((it) => [it.parentNode.id.slice(4), it.dataset.port, it.dataset.target || null]).sort(),
  ends: [...document.querySelectorAll("#wires .way-end:not([data-goto])")]
    .map((it) => [it.parentNode.id.slice(4), it.dataset.port]).sort(),
  revision: Number(document.querySelector("#canvas").dataset.revision),
})"""


class Canvas:
    """The canvas of one flow, and the database that it should agree with."""

    def __init__(self, page: Page, pk: int, in_site: Callable) -> None:
        self.page, self.pk, self.in_site = page, pk, in_site

    def held(self) -> Draft:
        return self.in_site(lambda: draft_of(Flow.objects.get(pk=self.pk)))

    def agrees(self) -> Ways:
        """What the database holds, as {(step, way out): next step}; the picture shows the same, to the last end."""
        until = time.monotonic() + 8
        while (shown := self.page.evaluate(SHOWN)) != (held := self.in_site(self._held)):
            assert time.monotonic() < until, f"shown {shown}\n held {held}"
            self.page.wait_for_timeout(60)
        expect(self.page.locator("#saved")).to_have_text("Saved")
        return {(source, port): target for source, port, target in held["ways"]}

    def _held(self) -> dict:
        flow = Flow.objects.get(pk=self.pk)
        graph = draft_of(flow).graph
        sources = [None, *graph.by_key]
        ways = [[key or "trigger", port, target] for key in sources for port, target in graph.targets(key)]
        return {
            "steps": sorted(["trigger", *graph.by_key]),
            "ways": sorted(ways),
            "ends": sorted([key, port] for key, port, target in ways if target is None),
            "revision": flow.revision,
        }

    def fit(self) -> None:
        """All of it comes into sight."""
        rest(self.page)
        self.page.locator("[data-zoom=fit]").click()
        rest(self.page)

    def open(self, key: str) -> None:
        self.page.locator(f"#step-{key}").click()
        expect(self.panel).to_have_attribute("data-step", key)

    def menu(self, key: str, name: str) -> None:
        """One entry of “More for this step”."""
        self.open(key)
        self.page.locator("#step-menu > summary").click()
        self.page.locator("#step-menu").get_by_text(name, exact=False).first.click()

    def plus(self, key: str, port: str = "next") -> Locator:
        return self.page.locator(f"#plus-{key}-{port} a")

    def insert(self, kind: str, key: str, port: str = "next") -> str:
        """The key of a new step, put by a press on a plus."""
        known = set(self.held().graph.by_key)
        self.plus(key, port).click()
        self.page.locator(f"#insert-form [value={kind}]").click()
        return self.arrived(known)

    def arrived(self, known: set[str]) -> str:
        expect(self.page.locator("#nodes .step")).to_have_count(len(known) + 2)
        self.agrees()
        [key] = set(self.held().graph.by_key) - known
        expect(self.panel).to_have_attribute("data-step", key)
        return key

    @property
    def panel(self) -> Locator:
        return self.page.locator("#inspector > [data-step]")


def number_of(url: str) -> int:
    return int(re.sub(r".*/flows/(\d+)/.*", r"\1", url))


def canvas_of(desk: Desk, in_site: Callable, url: str = "") -> Canvas:
    url = url or new_flow(desk, "canvas")
    if desk.page.url != f"{url}?view=canvas":
        desk.page.goto(f"{url}?view=canvas")
    rest(desk.page)
    return Canvas(desk.page, number_of(url), in_site)


@pytest.fixture
def cart(ada: Desk, in_site: Callable) -> Canvas:
    """[t] -> wait-1 -> (can-text) -yes-> text-1, -no-> mail-1 -> wait-2 -> mail-2"""
    return canvas_of(ada, in_site)


def import_flow(desk: Desk, count: int) -> Page:
    """The canvas of a long flow: waits and texts in a chain, a split in every tenth place."""
    actions: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        after = f"b{number + 1}" if number < count else None
        data: dict[str, Any] = {"unit": "hours", "value": 1}
        kind, links = "time-delay", {"next": after}
        if number % 10 == 0 and after:
            sample = {"conditions": [{"type": "profile-sample", "percentage": 50}]}
            data, kind = {"profile_filter": {"condition_groups": [sample]}}, "conditional-split"
            links = {"next_if_true": after, "next_if_false": None}
        actions.append({"id": f"b{number}", "type": kind, "data": data, "links": links})
    definition = {
        "triggers": [{"type": "list", "id": "L"}],
        "profile_filter": None,
        "entry_action_id": "b1",
        "actions": actions,
    }
    page = desk.page
    page.goto(f"{desk.site.url}/w/northwind/flows/")
    body = json.dumps({"name": f"{count} steps", "definition": definition}).encode()
    with page.expect_navigation(url=re.compile(r"/flows/\d+/")):
        page.locator("input[type=file]").set_input_files(
            {"name": "flow.json", "mimeType": "application/json", "buffer": body}
        )
        page.locator("form:has(input[type=file])").evaluate("form => form.requestSubmit()")
    page.goto(re.sub(r"\?.*", "", page.url) + "?view=canvas")
    rest(page)
    return page


AT_REST = """() => !document.querySelector(".htmx-request") && document.getAnimations().every((one) =>
  one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""


def rest(page: Page) -> None:
    """Answers have come, motion has come to an end, and the address bar has followed."""
    page.wait_for_timeout(200)
    page.wait_for_function(AT_REST)
    page.wait_for_timeout(200)


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None, selector
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: str, end: str, *, drop: bool = True) -> None:
    x, y = middle(page, start)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 8, steps=2)
    page.mouse.move(*middle(page, end), steps=6)
    page.wait_for_timeout(80)
    if drop:
        page.mouse.up()


def ways(page: Page) -> set[str]:
    """ "wait-1 > can-text", as the wires say it."""
    return set(
        page.locator("#wires path[data-target]").evaluate_all(
            "paths => paths.map(it => `${it.parentNode.id.slice(4)}-${it.dataset.port} > ${it.dataset.target}`)"
        )
    )


def picture(page: Page) -> dict[str, Any]:
    """Every group: where it stands and what is in it, and the order of steps; without the marks of the open step."""
    return page.evaluate(
        """() => {
          const { boxes, outs } = editor.canvas.steps.now(), groups = {};
          const told_ = (one) => `${one.name}=${one.value}`;
          const values = (it) => [...it.attributes].filter((one) => one.value).map(told_).sort();
          const inside = (it) => (it.children.length ? [...it.children].map(told) : it.textContent);
          const told = (it) => [it.localName, values(it), inside(it)];
          for (const it of [...boxes.values(), ...outs.values()]) {
            const part = (it.node || it.out).cloneNode(true);
            for (const one of part.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
            for (const one of part.querySelectorAll(".lit, .is-new")) one.classList.remove("lit", "is-new");
            for (const one of part.querySelectorAll("[tabindex]")) one.removeAttribute("tabindex");
            groups[part.id] = [it.x, it.y, ...[...part.children].map(told)];
          }
          return { groups, order: [...document.getElementById("nodes").children].map((it) => it.id) };
        }"""
    )


def alike(draft: Draft) -> tuple:
    """A flow without the order of its rows, which means nothing."""
    steps = sorted(draft.graph.steps, key=lambda step: step.key)
    links = sorted(draft.graph.links, key=lambda link: (link.source or "", link.port))
    return draft.name, draft.graph.trigger, steps, links, dict(draft.requirements)
