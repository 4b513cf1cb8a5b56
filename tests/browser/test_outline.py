"""The outline in a browser: its menus, choosing a place with the next press, the list of acts, two people, a phone, and
without script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.test_keyboard import new_flow

pytestmark = pytest.mark.browser
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def phone(chromium: Browser, site: Site) -> Iterator[Desk]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, user_agent=PHONE
    )
    made = open_desk(context, site)
    made.sign_in("ada@northwind.example")
    yield made
    context.close()
    assert made.complaints == []


def press(page: Page, key: str, name: str) -> None:
    """One entry of the menu of a row."""
    page.locator(f"#item-{key} > .outline-row summary").click()
    page.locator(f"#item-{key} > .outline-row .menu-list").get_by_text(name, exact=True).click()


def names(page: Page) -> list[str]:
    return page.locator(".outline-step .step-name").all_text_contents()


def test_every_act_of_a_row(ada: Desk):
    new_flow(ada, "outline")
    page, rows = ada.page, ada.page.locator(".outline-step")
    start = names(page)
    press(page, "wait-1", "Duplicate")
    expect(rows).to_have_count(8)
    press(page, "wait-1", "Delete this step")
    expect(rows).to_have_count(7)
    press(page, "text-1", "Copy")
    expect(page.locator("#announcer")).to_contain_text("Copied 1 step")
    press(page, "mail-2", "Paste after it")
    expect(rows).to_have_count(8)
    press(page, "can-text", "Swap Yes and No")
    expect(page.locator("#way-can-text-yes .step-name").first).to_contain_text("Email 1")
    press(page, "can-text", "Delete, keep No")
    expect(page.locator(".outline-branch")).to_have_count(0)
    press(page, "text-1", "Cut")
    expect(page.locator("#row-text-1")).to_have_count(0)
    press(page, "trigger", "Paste after it")
    expect(rows).to_have_count(3)
    for _ in range(7):
        page.locator("#undo").click()
        expect(page.locator("#saved")).to_have_text("Saved")
        page.wait_for_timeout(150)
    expect(rows).to_have_count(7)
    assert names(page) == start


def test_a_place_is_chosen_with_the_next_press(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    press(page, "wait-1", "Move to…")
    expect(page.locator(".picking")).to_contain_text("Where should “Wait 1 hour” go?")
    page.keyboard.press("Escape")
    expect(page.locator(".picking")).to_have_count(0)
    expect(page.locator("#item-wait-1 > .outline-row summary")).to_be_focused()
    press(page, "wait-1", "Move to…")
    page.locator("#item-text-1 .outline-add").click()
    expect(page.locator("#way-can-text-yes .step-name")).to_have_text([re.compile("Text 1"), "Wait 1 hour"])
    expect(page.locator(".picking")).to_have_count(0)


def test_ways_join_and_part_again(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    page.locator("#item-text-1 .outline-connect").click()
    expect(page.locator(".picking")).to_contain_text("which step comes next?")
    page.locator("#row-wait-2").click()
    joint = page.locator("#way-can-text-yes .outline-joint, #way-can-text-no .outline-joint")
    expect(joint).to_contain_text("Goes on with Wait 1 day")
    joint.get_by_role("link").click()
    expect(page.locator("#row-wait-2")).to_have_attribute("aria-current", "true")
    joint.get_by_role("button", name="End here instead").click()
    expect(joint).to_have_count(0)


def test_a_circle_is_refused_in_a_sentence(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    page.locator("#item-text-1 .outline-connect").click()
    page.locator("#row-wait-1").click()
    expect(page.locator("#inspector .banner.bad")).to_contain_text("in a circle")
    expect(page.locator(".outline-joint")).to_have_count(0)


def test_the_list_of_acts(ada: Desk):
    new_flow(ada, "outline")
    page, rows = ada.page, ada.page.locator(".outline-step")
    press(page, "wait-1", "Duplicate")
    press(page, "mail-2", "Delete this step")
    expect(page.locator("#row-mail-2")).to_have_count(0)
    page.keyboard.press("h")
    acts = page.locator("#edits-form .edit")
    expect(acts.first).to_contain_text("Delete")
    expect(acts.first).to_contain_text("You")
    acts.nth(1).get_by_role("button", name="Undo this").click()
    expect(page.locator(".edit.is-undone")).to_have_count(1)
    expect(page.locator("#row-mail-2")).to_have_count(0)
    expect(rows).to_have_count(6)
    page.locator("#edits-form .edit").last.get_by_role("button", name="Go back").click()
    expect(page.locator("#row-mail-2")).to_be_visible()
    ada.picture("acts")


def test_a_toast_takes_the_act_back(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    press(page, "wait-1", "Delete this step")
    expect(page.locator("#row-wait-1")).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#row-wait-1")).to_be_visible()


def test_only_what_changed_is_sent(ada: Desk):
    new_flow(ada, "outline")
    page = ada.page
    page.evaluate("document.querySelector('#row-mail-2').dataset.kept = 'yes'")
    with page.expect_response(re.compile("/duplicate/")) as answer:
        press(page, "wait-1", "Duplicate")
    assert 'id="outline-patch"' in answer.value.text()
    assert 'id="row-mail-2"' not in answer.value.text()
    expect(page.locator(".outline-step")).to_have_count(8)
    assert page.locator("#row-mail-2").get_attribute("data-kept") == "yes"
    page.locator(".outline-step").nth(2).click()  # what arrived is alive
    expect(page.locator(".outline-step").nth(2)).to_have_attribute("aria-current", "true")
    expect(page.locator(".outline")).to_be_visible()


def test_what_another_window_does_arrives(ada: Desk, chromium: Browser, site: Site):
    """Within ten seconds, without a press; what one is at stays."""
    url = new_flow(ada, "outline")
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    other = open_desk(context, site)
    other.sign_in("ada@northwind.example")
    other.page.goto(f"{url}?view=outline")
    ada.page.locator("#row-mail-2").focus()
    press(other.page, "wait-1", "Delete this step")
    expect(other.page.locator("#row-wait-1")).to_have_count(0)
    expect(ada.page.locator("#row-wait-1")).to_have_count(0, timeout=14_000)
    expect(ada.page.locator("#row-mail-2")).to_be_focused()
    context.close()
    assert other.complaints == []


def test_a_phone_is_an_editor(phone: Desk):
    """The outline is what a phone shows; a step covers it like a sheet and goes away with one press."""
    url = new_flow(phone, "outline")
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.picture("phone-outline", whole=True)
    page.locator("#row-wait-1").tap()
    close = page.get_by_role("link", name="Back to the flow")
    expect(close).to_be_visible()
    expect(page.get_by_label("Wait", exact=True)).to_be_visible()
    phone.picture("phone-step")
    close.tap()
    expect(close).to_be_hidden()
    page.locator("#item-wait-1 > .outline-row summary").tap()
    page.wait_for_timeout(100)
    phone.picture("phone-menu")
    page.locator("#item-wait-1").get_by_text("Duplicate", exact=True).tap()
    expect(page.locator(".outline-step")).to_have_count(8)
    small = page.evaluate(
        """() => [...document.querySelectorAll('.outline a, .outline summary, .topbar :is(a, button, summary)')]
        .filter(it => it.checkVisibility() && it.getBoundingClientRect().width)
        .filter(it => Math.min(it.getBoundingClientRect().width, it.getBoundingClientRect().height) < 24)
        .map(it => it.outerHTML.slice(0, 80))"""
    )
    assert small == []
    page.goto(url)
    expect(page.locator("#outline")).to_be_visible()


def test_a_narrow_window_is_led_to_the_outline_and_keeps_its_panel(ada: Desk, chromium: Browser, site: Site):
    url = new_flow(ada, "canvas")
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    desk.page.goto(f"{url}?panel=questions#said")
    desk.page.wait_for_url(f"{url}?view=outline&panel=questions#said")
    expect(desk.page.get_by_role("heading", name="Questions")).to_be_in_viewport()
    expect(desk.page.get_by_role("link", name="Back to the flow")).to_be_visible()
    context.close()
    assert desk.complaints == []


def test_headings_follow_the_flow(ada: Desk):
    ada.page.goto(f"{new_flow(ada, 'outline')}?view=outline")
    levels = ada.page.evaluate(
        "[...document.querySelectorAll('#main :is(h2, h3, h4)')].map(it => it.tagName)"
    )
    assert levels[:3] == ["H2", "H3", "H3"]


def test_without_script(chromium: Browser, site: Site):
    """Menus open, every entry is a plain form, panels are pages."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    url = new_flow(desk, "outline")
    page, rows = desk.page, desk.page.locator(".outline-step")
    press(page, "wait-1", "Duplicate")
    expect(rows).to_have_count(8)
    press(page, "mail-1", "Delete this step")
    expect(rows).to_have_count(7)
    press(page, "can-text", "Swap Yes and No")
    page.locator("#undo").click()
    page.locator("#undo").click()
    expect(page.locator("#row-mail-1")).to_be_visible()
    press(page, "wait-1", "Move to…")
    page.get_by_role("button", name=re.compile("After Text 1")).click()
    expect(page.locator("#way-can-text-yes #row-wait-1")).to_be_visible()
    page.locator("#item-wait-1 .outline-connect").click()
    page.get_by_role("button", name=re.compile("^Wait 1 day")).click()
    expect(page.locator(".outline-joint")).to_contain_text("Goes on with Wait 1 day")
    page.goto(f"{url}?q=left")
    page.locator(".hit").click()
    expect(page.locator("#row-text-1")).to_have_attribute("aria-current", "true")
    page.goto(f"{url}?panel=edits")
    page.get_by_role("button", name="Undo my last act").click()
    expect(page.locator(".outline-joint")).to_have_count(0)
    page.goto(f"{url}?panel=keys")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    context.close()
    assert desk.complaints == []
