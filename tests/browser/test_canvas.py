"""The canvas in a browser: acts by mouse, finger and key, what stays where it is, and that a patched picture is the
picture that a reload brings."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.canvas import (
    drag,
    import_flow,
    middle,
    picture,
    rest,
    ways,
)
from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
WAIT, SMS = "time-delay", "send-sms"


@pytest.fixture
def cart(ada: Desk) -> Page:
    """The canvas of an abandoned cart of one's own:
    [t] -> wait-1 -> (can-text) -yes-> text-1, -no-> mail-1 -> wait-2 -> mail-2"""
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/flows/")
    page.locator("form:has(input[name=starter][value='1-abandoned-cart']) button").first.click()
    page.wait_for_url(re.compile(r"/flows/\d+/$"))
    page.goto(f"{page.url}?view=canvas")
    rest(page)
    return page


def test_a_patched_picture_is_what_a_reload_brings(cart: Page):
    """Insert, move, connect, delete, undo: after each act the page shows what a new page shows."""
    page = cart
    documents: list[str] = []
    page.on("response", lambda answer: documents.append(answer.url) if "part=canvas" in answer.url else None)
    page.locator("#plus-wait-1-next a").click()
    page.locator("#inspector .pick", has_text="Time delay").first.click()
    expect(page.locator("#inspector [data-step]").first).not_to_have_attribute("data-step", "")
    expect(page.locator("#nodes .step")).to_have_count(8)
    drag(page, "#step-text-1", "#plus-wait-1-next a")
    expect(page.locator("#link-wait-1-next")).to_have_attribute("data-target", "text-1")
    page.locator("[data-zoom=fit]").click()
    rest(page)
    drag(page, "#exit-can-text-yes", "#step-wait-2")
    expect(page.locator("#link-can-text-yes")).to_have_attribute("data-target", "wait-2")
    page.locator("#step-mail-1").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#step-mail-1")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.locator("#step-mail-1")).to_have_count(1)
    rest(page)
    shown = picture(page)
    page.reload()
    rest(page)
    fresh = picture(page)
    assert shown["order"] == fresh["order"]
    assert shown["groups"].keys() == fresh["groups"].keys()
    for name, group in fresh["groups"].items():
        assert shown["groups"][name] == group, name
    assert documents == [], "patches were enough"


def test_a_step_is_carried_and_only_where_it_may_go(cart: Page):
    page = cart
    drag(page, "#step-text-1", "#plus-trigger-next a", drop=False)
    expect(page.locator(".drag-ghost")).to_contain_text("Text 1")
    expect(page.locator("#plus-trigger-next.is-over")).to_have_count(1)
    assert page.locator("#wires .is-no").evaluate_all("all => all.map(it => it.id)") == [
        "plus-can-text-yes",
        "plus-text-1-next",
    ]
    page.keyboard.press("Escape")
    expect(page.locator(".drag-ghost")).to_have_count(0)
    page.mouse.up()
    assert "can-text-yes > text-1" in ways(page)
    assert "step=text-1" not in page.url, "a drag that was given up opens nothing"
    drag(page, "#step-text-1", "#plus-trigger-next a")
    expect(page.locator("#link-trigger-next")).to_have_attribute("data-target", "text-1")
    assert {"trigger-next > text-1", "text-1-next > wait-1"} <= ways(page)


def test_a_split_takes_all_below_it_along(cart: Page):
    page = cart
    drag(page, "#step-can-text", "#plus-trigger-next a", drop=False)
    expect(page.locator(".drag-ghost .chip")).to_have_text("+ 4")
    assert set(
        page.locator("#wires g:not(.is-no) > .plus").evaluate_all("all => all.map(it => it.dataset.source)")
    ) == {
        "trigger",
    }
    page.mouse.up()
    expect(page.locator("#link-trigger-next")).to_have_attribute("data-target", "can-text")


def test_alt_takes_the_whole_branch(cart: Page):
    page = cart
    drag(page, "#step-mail-1", "#plus-can-text-yes a", drop=False)
    expect(page.locator(".drag-ghost .chip")).to_be_hidden()
    page.keyboard.down("Alt")
    expect(page.locator(".drag-ghost .chip")).to_have_text("+ 2")
    page.mouse.up()
    page.keyboard.up("Alt")
    expect(page.locator("#link-can-text-yes")).to_have_attribute("data-target", "mail-1")
    assert {"mail-1-next > wait-2", "wait-2-next > mail-2", "mail-2-next > text-1"} <= ways(page)


def test_a_kind_from_the_palette_onto_a_wire(cart: Page):
    """Beside the plus, on the wire itself."""
    page = cart
    x, y = middle(page, ".palette [data-add='time-delay']")
    page.mouse.move(x, y)
    page.mouse.down()
    to_x, to_y = middle(page, "#plus-wait-1-next a")
    page.mouse.move(to_x + 6, to_y + 26, steps=6)
    expect(page.locator("#link-wait-1-next.is-over")).to_have_count(1)
    page.mouse.up()
    expect(page.locator("#nodes .step")).to_have_count(8)
    assert not any(way.startswith("wait-1-next > can-text") for way in ways(page))


def test_an_end_is_drawn_to_a_step_but_never_in_a_circle(cart: Page):
    page = cart
    drag(page, "#exit-text-1-next", "#step-mail-1", drop=False)
    assert set(page.locator("#nodes .is-no").evaluate_all("all => all.map(it => it.id)")) == {
        *("step-trigger", "step-wait-1", "step-can-text", "step-text-1"),
    }
    page.mouse.up()
    expect(page.locator("#link-text-1-next")).to_have_attribute("data-target", "mail-1")


def test_choosing_a_step_asks_only_for_its_panel(cart: Page):
    page = cart
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: sizes.update({answer.url: len(answer.body())}) if "step=" in answer.url else None,
    )
    page.locator("#step-mail-1").click()
    expect(page.locator("#inspector [data-step='mail-1']")).to_have_count(1)
    assert page.url.endswith("?step=mail-1")
    expect(page.locator("#step-mail-1")).to_have_attribute("aria-current", "true")
    assert set(page.locator(".link.lit").evaluate_all("all => all.map(it => it.id)")) == {
        *("link-trigger-next", "link-wait-1-next", "link-can-text-no"),
    }
    page.locator("#plus-text-1-next a").click()
    expect(page.locator("#plus-text-1-next a")).to_have_attribute("aria-current", "true")
    expect(page.locator(".step[aria-current], .link.lit")).to_have_count(0)
    assert len(sizes) == 1
    assert not any("canvas" in url for url in sizes)


def test_arrows_walk_the_flow(cart: Page):
    page = cart
    page.locator("#step-trigger").focus()
    for key, step in (
        ("ArrowDown", "wait-1"),
        ("ArrowDown", "can-text"),
        ("ArrowDown", "text-1"),
        ("ArrowRight", "mail-1"),
        ("ArrowDown", "wait-2"),
        ("ArrowUp", "mail-1"),
        ("ArrowLeft", "text-1"),
        ("ArrowUp", "can-text"),
    ):
        page.keyboard.press(key)
        expect(page.locator(f"#step-{step}")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#plus-can-text-yes a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#step-can-text")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#inspector [data-step='can-text']")).to_have_count(1)
    assert page.locator("#canvas a[tabindex='0']").count() == 3, (
        "the step and its two pluses; the rest is for arrows"
    )


def test_a_step_is_added_from_the_keyboard_and_the_focus_stays(cart: Page):
    page = cart
    page.locator("#step-wait-1").focus()
    page.keyboard.press("a")
    expect(page.locator("#plus-wait-1-next a")).to_have_attribute("aria-current", "true")
    expect(page.locator("#inspector .pick").first).to_be_focused()
    page.locator("#step-mail-2").focus()
    page.keyboard.press("Control+d")
    expect(page.locator("#nodes .step")).to_have_count(8)
    expect(page.locator("#step-mail-2")).to_be_focused()


def test_zoom_by_keys_and_the_view_is_kept(cart: Page):
    page = cart
    percent = page.locator("[data-zoom='100']")
    page.locator("#step-trigger").focus()
    before = int((percent.text_content() or "").rstrip("%"))
    page.keyboard.press("+")
    expect(percent).to_have_text(f"{round(before * 1.25)}%")
    page.keyboard.press("-")
    expect(percent).to_have_text(f"{before}%")
    page.keyboard.press("0")
    rest(page)
    wrap, seen = page.locator("#main").bounding_box(), page.locator("#nodes").bounding_box()
    assert wrap is not None
    assert seen is not None
    assert wrap["y"] <= seen["y"]
    assert seen["y"] + seen["height"] <= wrap["y"] + wrap["height"], "all of it is in sight"
    kept = page.evaluate("editor.canvas.view()")
    page.reload()
    rest(page)
    assert page.evaluate("editor.canvas.view()") == kept


def test_a_far_step_is_gone_to_and_panning_is_smooth(ada: Desk):
    page = import_flow(ada, 300)
    assert page.locator("#nodes > .node:not(.is-away)").count() < 60, "what is far away is not laid out"
    page.evaluate("window.dispatchEvent(new CustomEvent('canvas:goto', { detail: { key: 'b250' } }))")
    rest(page)
    expect(page.locator("#step-b250")).to_be_focused()
    expect(page.locator("#step-b250")).to_have_class(re.compile("is-found"))
    x, y = middle(page, "#step-b250")
    assert 300 < x < 1100
    assert 100 < y < 850
    page.evaluate(
        """() => {
          window.frames_ = []; let last = performance.now();
          const next = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(next); };
          requestAnimationFrame(next);
        }"""
    )
    for _ in range(40):
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(16)
    frames = sorted(page.evaluate("window.frames_"))
    assert frames[len(frames) // 2] < 50, frames
    page.locator("#step-b290").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#step-b291")).to_be_focused()
    page.locator(".minimap canvas").click(position={"x": 60, "y": 1})
    rest(page)
    expect(page.locator("#step-trigger")).to_be_in_viewport()


def test_a_page_that_missed_an_act_asks_for_the_whole(cart: Page):
    """A patch that starts from another picture than the one that is shown is not applied to it."""
    page = cart
    page.evaluate("editor.post('steps/add/', { type: 'time-delay', source: 'wait-1', port: 'next' })")
    expect(page.locator("#nodes .step")).to_have_count(8)
    known = page.evaluate("document.getElementById('canvas').dataset.revision")
    page.route(
        "**/steps/**", lambda route: route.continue_(headers={**route.request.headers, "x-revision": known})
    )
    page.evaluate(
        "document.getElementById('canvas').dataset.revision = '0'; document.getElementById('node-mail-2').remove()"
    )
    with page.expect_response(re.compile("part=canvas")):
        page.evaluate("editor.post('steps/add/', { type: 'time-delay', source: 'wait-1', port: 'next' })")
    expect(page.locator("#nodes .step")).to_have_count(9)
    expect(page.locator("#step-mail-2")).to_have_count(1)
    drag(page, "#step-wait-1", "#plus-trigger-next a", drop=False)
    expect(page.locator(".drag-ghost")).to_have_count(1)
    page.keyboard.press("Escape")
    page.mouse.up()


def test_without_motion_nothing_moves_by_itself(cart: Page):
    page = cart
    page.emulate_media(reduced_motion="reduce")
    page.locator("#plus-trigger-next a").click()
    page.locator("#inspector .pick", has_text="Time delay").first.click()
    expect(page.locator("#nodes .step")).to_have_count(8)
    assert (
        page.evaluate("document.getAnimations().filter(it => it.effect.target.closest('#canvas')).length")
        == 0
    )


def test_by_finger_a_long_press_carries_and_a_short_drag_looks_around(chromium: Browser, site: Site):
    context = chromium.new_context(viewport={"width": 1024, "height": 900}, has_touch=True)
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    page = desk.page
    page.goto(f"{site.url}/w/northwind/flows/")
    page.locator("form:has(input[name=starter][value='1-abandoned-cart']) button").first.click()
    page.wait_for_url(re.compile(r"/flows/\d+/$"))
    page.goto(f"{page.url}?view=canvas")
    rest(page)
    finger = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        finger.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        )

    before = page.evaluate("editor.canvas.view()")
    x, y = middle(page, "#step-wait-1")
    touch("touchStart", (x, y))
    for step in range(1, 8):
        touch("touchMove", (x + step * 6, y + step * 4))
    touch("touchEnd")
    rest(page)
    after = page.evaluate("editor.canvas.view()")
    assert (after["x"] - before["x"], after["y"] - before["y"]) != (0, 0)
    assert "step=" not in page.url

    x, y = middle(page, "#step-text-1")
    to_x, to_y = middle(page, "#plus-wait-1-next a")
    touch("touchStart", (x, y))
    page.wait_for_timeout(450)
    expect(page.locator(".drag-ghost")).to_have_count(1)
    for step in range(1, 9):
        touch("touchMove", (x + (to_x - x) * step / 8, y + (to_y - y) * step / 8))
    page.wait_for_timeout(80)
    touch("touchEnd")
    expect(page.locator("#link-wait-1-next")).to_have_attribute("data-target", "text-1")
    context.close()
    assert desk.complaints == []
