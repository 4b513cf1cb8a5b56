"""The library in a real browser: a stranger reads and compares, a flow becomes a template, a reviewer says yes."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, Desk, Site, open_desk
from tests.browser.scene import say_yes

pytestmark = pytest.mark.browser
CASE = ROOT / "tests" / "cases" / "extract" / "winback.json"


@pytest.fixture
def people(chromium: Browser, site: Site):
    """Windows of a stranger, the partner and the reviewer."""
    contexts = [chromium.new_context(viewport={"width": 1440, "height": 900}) for _ in range(3)]
    desks = [open_desk(context, site) for context in contexts]
    yield desks
    for context in contexts:
        context.close()
    assert [text for desk in desks for text in desk.complaints] == []


def clean(page: Page) -> None:
    """Nothing stands in a screen reader's way, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(250)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == [], page.url
    page.emulate_media(color_scheme="light")


def fits(page: Page) -> None:
    """No page is wider than a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.url
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_stranger_reads_the_library_without_signing_in(desk: Desk):
    page = desk.page
    page.goto(f"{desk.site.url}/library/", timeout=60_000)  # the first page that the site makes
    clean(page)
    fits(page)
    cards = page.locator("#cards")
    expect(cards.get_by_role("heading", name="Abandoned cart")).to_be_visible()

    # Filters narrow as they are chosen, and the address says so.
    page.get_by_label("Category").select_option("welcome")
    expect(cards).to_contain_text("Nothing fits")
    page.wait_for_url(re.compile("category=welcome"))
    page.get_by_label("Category").select_option("cart")
    page.get_by_label("Channel").select_option("send-sms")
    expect(cards.get_by_role("heading", name="Abandoned cart")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Channel")).to_have_value("send-sms")
    page.get_by_label("Search the library").fill("zebra")
    expect(cards).to_contain_text("Nothing fits")
    page.get_by_role("link", name="Show all").click()

    page.get_by_role("link", name=re.compile("Abandoned cart")).first.click()
    expect(page.get_by_role("heading", name="Abandoned cart", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("What it needs")
    clean(page)
    fits(page)
    desk.picture("library-stranger", whole=True)
    page.get_by_role("link", name="Install", exact=True).click()
    expect(page).to_have_url(re.compile(r"/account/login/\?next=/library/abandoned-cart/|next=%2Flibrary"))


def test_filters_without_script(chromium: Browser, site: Site):
    context = chromium.new_context(java_script_enabled=False)
    desk = open_desk(context, site)
    desk.page.goto(f"{site.url}/library/")
    desk.page.get_by_label("Category").select_option("welcome")
    desk.page.get_by_role("button", name="Search").click()
    expect(desk.page.locator("#cards")).to_contain_text("Nothing fits")
    context.close()
    assert desk.complaints == []


def test_from_a_file_to_a_template_that_strangers_read(people):
    stranger, ada, rowan = people
    for desk in people:
        desk.page.set_default_timeout(60_000)
    extract(ada)
    slug = publish(ada)
    page = stranger.page
    assert page.goto(f"{stranger.site.url}/library/").ok
    expect(page.locator("#cards")).not_to_contain_text("Winback")

    rowan.sign_in("rowan@flowbuilder.example")
    say_yes(rowan, "Winback", lambda: looked_at(rowan))
    page.goto(f"{stranger.site.url}/library/{slug}/")
    expect(page.locator("main")).to_contain_text("Who should be alerted?")
    for hidden in ("hello@harbour.example", "boss@harbour.example", "s3cret"):
        assert hidden not in page.content(), hidden

    # A second version: strangers keep the first until the next yes; then both stand side by side.
    change_and_publish(ada)
    page.reload()
    expect(page.locator("main")).not_to_contain_text("Compare two")
    say_yes(rowan, "Winback")
    page.reload()
    page.get_by_role("link", name="Compare two").click()
    expect(page.locator("#in-words")).to_contain_text("from version 1 to version 2")
    expect(page.locator("#compared")).to_contain_text("Added “Wait 1 day”")
    expect(page.locator("#picture-new [data-mark=good]")).to_have_count(1)
    clean(page)
    fits(page)
    stranger.picture("library-compare", whole=True)
    page.get_by_label("From", exact=True).select_option("2")
    page.get_by_label("to", exact=True).select_option("1")
    expect(page.locator("#in-words")).to_contain_text("from version 2 to version 1")
    expect(page.locator("#compared")).to_contain_text("Removed “Wait 1 day”")


def extract(desk: Desk) -> None:
    page = desk.page
    desk.sign_in("ada@northwind.example")
    page.goto(f"{desk.site.url}/w/northwind/flows/")
    page.get_by_role("link", name="Make a template").click()
    clean(page)
    fits(page)
    page.get_by_label("File", exact=True).set_input_files(CASE)
    page.get_by_role("button", name="Read it").click()
    page.wait_for_url(re.compile("/extract/"))
    expect(page.locator("#stays + *")).to_contain_text("runs code")
    clean(page)
    fits(page)
    desk.picture("library-found", whole=True)
    page.get_by_label(re.compile("The question.*about NewsL1")).fill("Which list do they join?")
    page.get_by_label("In other accounts: Unkn0w").select_option("constant")
    page.get_by_role("button", name="Set the questions").click()
    expect(page.locator("#_panel_publish")).to_contain_text("Which list do they join?")
    expect(page.locator("#_panel_publish")).to_contain_text("Who should be alerted?")


def publish(desk: Desk) -> str:
    page = desk.page
    flow = page.url.split("?")[0]
    page.wait_for_load_state("networkidle")
    page.get_by_label(re.compile("What to call it")).fill("The first")
    page.get_by_role("button", name="Publish to the library").click()
    expect(page.locator("#_panel_publish")).to_contain_text("is in the library.", timeout=60_000)
    page.get_by_role("link", name="say more about what is offered").click()
    page.get_by_label("Win-back and sunset").check()
    page.get_by_label("English").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("A reviewer of this site looks at it")
    clean(page)
    fits(page)
    page.goto(flow)
    return "winback"


def change_and_publish(desk: Desk) -> None:
    page = desk.page
    page.goto(f"{page.url.split('?')[0]}?view=outline")
    page.get_by_role("link", name="Add a step after").first.click()
    page.locator("#_panel_insert").get_by_role("button", name="Time delay").click()
    expect(page.locator("#outline")).to_contain_text("Wait 1 day")
    page.goto(f"{page.url.split('?')[0]}?panel=publish")
    page.get_by_role("button", name="Publish to the library").click()
    expect(page.locator("#_panel_publish")).to_contain_text("Version 2 is in the library.", timeout=60_000)


def looked_at(desk: Desk) -> None:
    clean(desk.page)
    fits(desk.page)
    desk.picture("library-review", whole=True)
