"""Every panel of the editor: nothing stands in a screen reader's way, light and dark; nothing is wider than a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Desk
from tests.browser.test_keyboard import new_flow
from tests.browser.test_outline import press

pytestmark = pytest.mark.browser
STEPS = ("trigger", "wait-1", "can-text", "text-1", "mail-1")
PANELS = ("publish", "problems", "edits", "keys", "search")
QUERIES = (
    "?view=outline",
    "?view=canvas",
    *(f"?step={key}" for key in STEPS),
    *(f"?panel={name}" for name in PANELS),
    "?insert=wait-1:next",
    "?q=left",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_screen_reader_s_way(ada: Desk, scheme: str):
    url, page, found = new_flow(ada, "outline"), ada.page, {}
    page.emulate_media(color_scheme=scheme)
    press(page, "wait-1", "Duplicate")  # something to see among what was done
    for query in QUERIES:
        page.goto(url + query)
        page.wait_for_timeout(200)
        if violations := Axe().run(page).response["violations"]:
            found[query] = [(one["id"], one["nodes"][0]["html"][:160]) for one in violations]
    assert found == {}


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_wider_than_its_window(ada: Desk, width: int):
    """Neither the page nor anything to press that stands in no scrolling box of its own."""
    url, page, found = new_flow(ada, "outline"), ada.page, {}
    page.set_viewport_size({"width": width, "height": 740})
    for query in QUERIES:
        page.goto(url + query)
        page.wait_for_timeout(100)
        beyond = page.evaluate(
            """() => [...document.querySelectorAll(":is(#topbar, #inspector, #outline) *")]
            .filter((it) => it.matches("a, button, input, select, textarea, summary, h1, h2, h3"))
            .filter((it) => it.checkVisibility() && it.getBoundingClientRect().width > 2
              && it.getBoundingClientRect().right > innerWidth + 1)
            .map((it) => it.outerHTML.slice(0, 120))"""
        )
        wide = page.evaluate("document.documentElement.scrollWidth")
        if beyond or wide > width:
            found[query] = (wide, beyond[:3])
    assert found == {}
