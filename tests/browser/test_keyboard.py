"""The editor by keyboard alone: every key of the sheet, where the focus stays, and when a key is the field's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser


def new_flow(desk: Desk, view: str) -> str:
    """A flow of one's own from the starter “abandoned cart”; its address."""
    page = desk.page
    page.goto(f"{desk.site.url}/w/northwind/flows/")
    page.locator("form:has(input[name=starter][value='1-abandoned-cart']) button").first.click()
    page.wait_for_url(re.compile(r"/flows/\d+/$"))
    url = page.url
    page.goto(f"{url}?view={view}")
    return url


@pytest.fixture
def outline(ada: Desk) -> Page:
    new_flow(ada, "outline")
    return ada.page


def titles(page: Page) -> list[str]:
    return page.locator(".outline-step .step-name").all_text_contents()


def test_rows_by_arrows_and_back_by_escape(outline: Page):
    outline.locator("#row-trigger").focus()
    for key, row in (
        ("ArrowDown", "wait-1"),
        ("ArrowDown", "can-text"),
        ("ArrowRight", "text-1"),
        ("ArrowLeft", "can-text"),
        ("ArrowUp", "wait-1"),
        ("End", "mail-2"),
        ("Home", "trigger"),
        ("ArrowDown", "wait-1"),
    ):
        outline.keyboard.press(key)
        expect(outline.locator(f"#row-{row}")).to_be_focused()
    outline.keyboard.press("Enter")
    expect(outline.locator("#inspector > [data-step]")).to_have_attribute("data-step", "wait-1")
    expect(outline.locator("#row-wait-1")).to_have_attribute("aria-current", "true")
    expect(outline.locator("#inspector h2")).to_be_focused()
    outline.keyboard.press("Escape")
    expect(outline.locator("#row-wait-1")).to_be_focused()
    expect(outline.locator("#inspector > [data-step]")).to_have_attribute("data-step", "flow")


def test_delete_undo_redo_and_the_focus_stays_near(outline: Page):
    before = titles(outline)
    outline.locator("#row-wait-1").focus()
    outline.keyboard.press("Delete")
    expect(outline.locator("#row-wait-1")).to_have_count(0)
    expect(outline.locator("#row-can-text")).to_be_focused()
    expect(outline.locator("#announcer")).to_contain_text("Deleted")
    outline.keyboard.press("Control+z")
    expect(outline.locator("#row-wait-1")).to_be_visible()
    assert titles(outline) == before
    expect(outline.locator("#row-can-text")).to_be_focused()
    outline.keyboard.press("Control+y")
    expect(outline.locator("#row-wait-1")).to_have_count(0)
    outline.keyboard.press("Control+z")
    expect(outline.locator("#row-wait-1")).to_be_visible()
    outline.keyboard.press("Control+Shift+Z")
    expect(outline.locator("#row-wait-1")).to_have_count(0)
    outline.reload()
    outline.keyboard.press("Control+z")
    expect(outline.locator("#row-wait-1")).to_be_visible()


def test_copy_cut_paste_duplicate(outline: Page):
    rows = outline.locator(".outline-step")
    outline.locator("#row-wait-1").focus()
    outline.keyboard.press("d")
    expect(rows).to_have_count(8)
    expect(outline.locator("#row-wait-1")).to_be_focused()
    outline.keyboard.press("Control+d")
    expect(rows).to_have_count(9)
    outline.keyboard.press("Control+c")
    expect(outline.locator("#announcer")).to_contain_text("Copied 1 step")
    outline.locator("#row-text-1").focus()
    outline.keyboard.press("Control+v")
    expect(rows).to_have_count(10)
    expect(outline.locator("#row-text-1")).to_be_focused()
    yes = outline.locator("#way-can-text-yes .step-name")
    expect(yes).to_have_text([re.compile("^Text 1"), "Wait 1 hour"])
    outline.keyboard.press("Control+x")
    expect(yes).to_have_text(["Wait 1 hour"])


def test_up_and_down_moves_the_step(outline: Page):
    outline.locator("#row-wait-1").focus()
    outline.keyboard.press("Alt+ArrowDown")
    expect(outline.locator("#way-can-text-yes .step-name").first).to_have_text("Wait 1 hour")
    expect(outline.locator("#row-wait-1")).to_be_focused()
    outline.keyboard.press("Alt+ArrowUp")
    expect(outline.locator("#way-can-text-yes .step-name").first).not_to_have_text("Wait 1 hour")
    assert titles(outline)[1] == "Wait 1 hour"


def test_letters_open_panels(outline: Page):
    outline.locator("#row-wait-1").focus()
    outline.keyboard.press("a")
    expect(outline.get_by_role("heading", name="Add a step")).to_be_visible()
    assert outline.evaluate("document.activeElement.closest('#inspector') !== null")
    outline.keyboard.press("Escape")
    outline.keyboard.press("p")
    expect(outline.get_by_role("heading", name="Problems")).to_be_visible()
    outline.keyboard.press("h")
    expect(outline.get_by_role("heading", name="What was done")).to_be_visible()
    outline.keyboard.press("f")
    expect(outline.locator("#search-text")).to_be_focused()
    outline.keyboard.type("you left")
    expect(outline.locator(".hit")).to_have_count(1)
    outline.keyboard.press("Enter")
    expect(outline.locator("#inspector > [data-step]")).to_have_attribute("data-step", "text-1")
    outline.keyboard.press("n")
    expect(outline.locator("[name=note]")).to_be_focused()
    outline.keyboard.type("Ask Bob about this one")
    outline.keyboard.press("Tab")
    expect(outline.locator("#item-text-1 .outline-note")).to_contain_text("Ask Bob about this one")


def test_views_by_number(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    page.keyboard.press("1")
    expect(page.locator("#canvas")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("#outline")).to_be_visible()


def test_the_sheet_and_switching_letters_off(outline: Page):
    outline.keyboard.press("Shift+?")
    sheet = outline.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    outline.keyboard.press("d")  # nothing happens behind a sheet
    sheet.get_by_label("Keys of one letter work").uncheck()
    outline.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    outline.locator("#row-wait-1").focus()
    outline.keyboard.press("d")
    outline.keyboard.press("p")
    outline.keyboard.press("Control+d")
    expect(outline.locator(".outline-step")).to_have_count(8)
    expect(outline.get_by_role("heading", name="Problems")).to_have_count(0)
    outline.keyboard.press("ArrowDown")
    expect(outline.locator(".outline-step").nth(2)).to_be_focused()


def test_a_field_keeps_its_keys(outline: Page):
    """Ctrl+Z, Delete, letters and Ctrl+C in a field are the field's; marked text is copied, not the step."""
    posts: list[str] = []
    outline.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    outline.locator("#row-text-1").click()
    text = outline.get_by_label("Text", exact=True)
    text.click()
    outline.keyboard.press("Control+End")
    outline.keyboard.type(" dnpf12?")
    expect(text).to_have_value(re.compile(r" dnpf12\?$"))
    outline.keyboard.press("Control+z")
    expect(text).not_to_have_value(re.compile(r" dnpf12\?$"))
    outline.keyboard.press("Backspace")
    outline.keyboard.press("Control+a")
    outline.keyboard.press("Control+c")
    expect(outline.locator(".outline-step")).to_have_count(7)
    # Who leaves the field saves it: no answer takes the selection away.
    with outline.expect_response(lambda answer: answer.request.method == "POST" and answer.ok):
        outline.locator("#row-text-1").focus()
    expect(outline.locator("#saved")).to_have_text("Saved")
    outline.evaluate("getSelection().selectAllChildren(document.querySelector('#row-text-1'))")
    outline.locator("#row-text-1").focus()
    outline.keyboard.press("Control+c")
    outline.wait_for_timeout(200)
    assert [url for url in posts if re.search(r"/(copy|undo|delete|duplicate)/", url)] == []


def test_keys_on_the_canvas(ada: Desk):
    new_flow(ada, "canvas")
    page = ada.page
    page.locator("#step-wait-1").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#step-wait-1")).to_have_count(0)
    expect(page.locator(".step:focus")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator("#step-wait-1")).to_be_visible()
    page.locator("#step-mail-2").focus()
    page.keyboard.press("Control+d")
    expect(page.locator(".canvas .step")).to_have_count(8)
    expect(page.locator("#step-mail-2")).to_be_focused()


def test_from_nothing_to_a_published_version_without_a_mouse(ada: Desk):
    """Trigger, a wait, a text: every press is a key."""
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/flows/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/flows/\d+/$"))
    page.goto(f"{page.url}?view=outline")
    page.locator("#row-trigger").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Someone joins a list").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#inspector > [data-step]")).to_have_attribute("data-step", "trigger")
    page.get_by_label("List", exact=True).first.focus()
    page.keyboard.type("ListId")
    page.keyboard.press("Tab")
    expect(page.locator("#row-trigger")).to_contain_text("ListId")
    for kind, title in (("Time delay", "Wait"), ("Text message", "Text")):
        page.locator(".outline-step").last.focus()
        page.keyboard.press("a")
        page.locator("#inspector .pick", has_text=kind).first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".outline-step").last).to_contain_text(title)
    field = page.get_by_label("Text", exact=True)
    field.focus()
    page.keyboard.type("Hello {{ first_name }}. Reply STOP to opt out.")
    page.keyboard.press("Tab")
    expect(page.locator(".outline-step").last).to_contain_text("Hello")
    page.locator("#open-publish").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Publish to the library").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#inspector")).to_contain_text("Version 1 is in the library")
