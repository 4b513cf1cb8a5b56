"""Pages as different people meet them: by screen reader, on a phone, without script, with names that never end."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
LONG = "Abandoned checkout reminder for returning VIP customers in German-speaking markets, with texts where allowed"


def open_cart(desk: Desk) -> str:
    """The address of the demo's abandoned cart in the editor."""
    desk.page.goto(f"{desk.site.url}/w/northwind/flows/")
    href = desk.page.get_by_role("link", name="Abandoned cart", exact=True).first.get_attribute("href")
    return f"{desk.site.url}{href}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_screen_reader_s_way(ada: Desk, scheme: str):
    """axe-core finds nothing on any page."""
    ada.page.emulate_media(color_scheme=scheme)
    cart = open_cart(ada)
    site = ada.site.url
    pages = [
        f"{site}/",
        f"{site}/w/northwind/flows/",
        cart,
        f"{site}/library/",
        f"{site}/library/abandoned-cart/",
        f"{site}/w/northwind/accounts/",
        f"{site}/installs/",
        f"{site}/history/",
        f"{site}/people/token/",
        f"{site}/workspaces/new/",
        f"{site}/account/password/change/",
    ]
    found = {}
    for page in pages:
        ada.page.goto(page)
        ada.page.wait_for_timeout(250)
        violations = Axe().run(ada.page).response["violations"]
        if violations:
            found[page] = [(one["id"], one["nodes"][0]["html"][:120]) for one in violations]
    assert found == {}


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_page_is_wider_than_its_window(ada: Desk, width: int):
    """Even where a name never ends."""
    page = ada.page
    page.goto(f"{ada.site.url}/w/northwind/flows/")
    page.get_by_label("Name", exact=True).fill(LONG)
    page.get_by_role("button", name="Create").click()
    flow = page.url
    page.set_viewport_size({"width": width, "height": 844})
    for address in (
        flow,
        f"{flow}?panel=trigger",
        f"{ada.site.url}/w/northwind/flows/",
        f"{ada.site.url}/library/",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    ada.picture(f"long-name-{width}", whole=True)


def test_keys_go_from_step_to_step(ada: Desk):
    page = ada.page
    page.goto(open_cart(ada))
    page.locator("#step-trigger").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#step-wait-1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#_panel_step")).to_have_attribute("data-step", "wait-1")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find a step")).to_be_focused()
    page.keyboard.type("text")
    expect(page.locator(".pal:visible")).to_have_text(["Text message"])


def test_what_is_typed_wins_over_a_late_answer(ada: Desk):
    """The answer to the first field arrives while the second is full of new text: nothing of it is lost."""
    page = ada.page
    page.goto(f"{open_cart(ada)}?step=text-1")
    page.route("**/steps/text-1/", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.get_by_label("Name", exact=True).fill("Another name")
    page.get_by_label("Text", exact=True).fill("Another text")
    page.get_by_label("Text", exact=True).blur()
    expect(page.locator("#step-text-1")).to_contain_text("“Another text”")
    expect(page.locator("#step-text-1")).to_contain_text("Another name")
    expect(page.get_by_label("Text", exact=True)).to_have_value("Another text")


def test_without_script(chromium: Browser, site: Site):
    """Every act is a plain form: a flow with a trigger and a step, by presses and page loads alone."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    desk = open_desk(context, site)
    desk.sign_in("ada@northwind.example")
    page = desk.page
    page.goto(f"{site.url}/w/northwind/flows/")
    page.get_by_label("Name", exact=True).fill("By hand")
    page.get_by_role("button", name="Create").click()
    page.goto(f"{page.url}?view=outline")
    page.get_by_role("link", name="Choose a trigger").first.click()
    page.get_by_role("button", name="Someone joins a list").click()
    page.get_by_label("List", exact=True).fill("ListId")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#outline")).to_contain_text("Added to ListId.")
    page.get_by_role("link", name="Add a step after").first.click()
    page.locator("#_panel_insert").get_by_role("button", name="Time delay").click()
    page.get_by_label("Wait", exact=True).fill("3")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#outline")).to_contain_text("Wait 3 days")
    desk.picture("without-script", whole=True)
    page.goto(f"{page.url.split('?')[0]}?view=canvas")
    context.close()
    assert desk.complaints == []
