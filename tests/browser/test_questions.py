"""A partner makes a template of a flow: marks a field, words the question, lets the merchant leave a branch out, looks
at it as the merchant will, and publishes it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.test_keyboard import new_flow

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(desk: Desk) -> Desk:
    desk.sign_in("ada@northwind.example")
    return desk


def test_from_a_field_to_a_version(ada: Desk) -> None:
    url, page = new_flow(ada, "canvas"), ada.page
    # a field
    page.goto(f"{url}?step=mail-1")
    page.get_by_role("button", name="Ask each account: Subject").click()
    field = page.locator(".asked-field", has_text="Subject")
    field.get_by_label("Question").fill("What is the subject of the first email?")
    field.get_by_label("Question").press("Tab")
    expect(page.locator("#saved")).to_have_text("Saved")
    # a branch
    page.goto(f"{url}?step=can-text")
    page.locator("details.switches summary").click()
    page.get_by_label("What may be left out").select_option("side:yes")
    page.get_by_label("The new question").fill("Do you send texts?")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator(".switch-line")).to_contain_text("The side “Yes” of")
    expect(page.locator(".step", has_text="Can receive texts?").first).to_contain_text("switched")
    # the panel, by keyboard
    page.locator("#flow-menu summary").press("Enter")
    page.get_by_role("link", name="Questions to each account").press("Enter")
    expect(page.locator("#proof")).to_contain_text("All 2 combinations of answers")
    expect(page.get_by_role("heading", name="What is the subject of the first email?")).to_be_visible()
    page.get_by_role("button", name="Ask this earlier: Do you send texts?").click()
    expect(page.locator("#saved")).to_have_text("Saved")
    assert not Axe().run(page).response["violations"]
    ada.picture("questions")
    # as the merchant sees it
    page.get_by_role("link", name="As the merchant sees it").click()
    expect(page.get_by_text("Nothing is left out.")).to_be_visible()
    page.locator("section", has_text="Do you send texts?").get_by_label("No").check()
    expect(page.get_by_text("1 step left out")).to_be_visible()
    expect(page.locator(".picture")).not_to_contain_text("Text 1")
    assert not Axe().run(page).response["violations"]
    ada.picture("questions-wizard", whole=True)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    # the other branch as well: no version of that
    page.goto(f"{url}?step=can-text")
    page.get_by_label("What may be left out").select_option("side:no")
    page.get_by_label("The new question").fill("Do you send emails?")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator(".switch-line")).to_have_count(2)
    page.goto(f"{url}?panel=publish")
    expect(page.locator("#proof")).to_contain_text("“Do you send texts?” no")
    expect(page.locator("#proof")).to_contain_text("are empty")
    expect(page.get_by_role("button", name="Publish to the library")).to_have_count(0)
    # taken back, and published
    page.locator("#undo").click()
    expect(page.locator("#saved")).to_have_text("Saved")
    page.goto(f"{url}?panel=publish")
    page.get_by_role("button", name="Publish to the library").click()
    expect(page.locator("#inspector")).to_contain_text(re.compile(r"Version \d+ is in the library"))


def test_without_script(ada: Desk) -> None:
    url = new_flow(ada, "outline")
    context = ada.page.context.browser.new_context(
        java_script_enabled=False, storage_state=ada.page.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"{url}?step=text-1")
    page.locator("details.switches summary").click()
    page.get_by_role("button", name="Ask for it").click()
    page.goto(f"{url}?panel=questions")
    row = page.locator(".asked-one", has_text="Do you want “Text 1")
    row.locator("summary").click()
    row.get_by_label("Question").fill("Texts?")
    row.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Texts?", exact=True)).to_be_visible()
    page.get_by_role("link", name="As the merchant sees it").click()
    page.locator("section", has_text="Texts?").get_by_label("No").check()
    page.get_by_role("button", name="See the flow with these answers").click()
    expect(page.get_by_text("1 step left out")).to_be_visible()
    context.close()
