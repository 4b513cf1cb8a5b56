"""What people do with a flow that landed: set it live, pause and restore it, take the next version, go back, remove it.
Each press asks for one publication, which a worker carries out in the pretend Klaviyo."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from flowbuilder.operations.library import offer_in_library
from tests.browser import scene
from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.test_rollouts import SOON, button, tab_to
from tests.publisher.versions import next_version

pytestmark = pytest.mark.browser
IDA = "ida@solund.example"


def second(document: dict[str, Any]) -> None:
    """The next version: a longer wait and other words."""
    wait, text = document["definition"]["actions"]
    wait["data"]["value"], text["data"]["message"]["body"] = 6, "Hello again"


@pytest.fixture(scope="module")
def installs(site: Site, in_site: scene.InSite) -> dict[str, int]:
    """Shop -> an install that landed there as a draft; for the first there is a second version."""

    def make_it() -> dict[str, int]:
        home, ida = scene.room("solund", "Solund", "Ida Moe")
        found = {}
        for shop in scene.shops(site, home, ("Fyr", "Molo", "Skjær")):
            landed = scene.landed(scene.hello(home, f"Hello from {shop.name}"), shop, ida)
            found[shop.name] = landed.pk
            if shop.name == "Fyr":
                offer_in_library(version=next_version(landed, second))
        return found

    return scene.build(site, in_site, make_it)


@pytest.fixture
def ida(desk: Desk, installs: dict[str, int]) -> Desk:
    desk.sign_in(IDA)
    return desk


def told(page: Page, words: str) -> None:
    """The publication's page follows it to its end; then back to the flow."""
    expect(page.locator("#publication .lead")).to_contain_text(words, timeout=SOON)
    expect(page.locator("#publication .lead .chip")).to_have_text("Published")


def back(page: Page) -> None:
    page.get_by_role("link", name="Status, versions, removal").click()
    expect(page.get_by_role("heading", name="Status", exact=True)).to_be_visible()


def status(page: Page) -> Any:
    return expect(page.locator(".page-head .chip"))


def in_klaviyo(page: Page, site: Site) -> str:
    """The status of the flow at the pretend Klaviyo, as its own page says it."""
    href = page.get_by_role("link", name="Show in Klaviyo").get_attribute("href")
    answer = page.request.get(str(href))
    assert answer.ok
    return answer.text()


def test_a_flow_goes_live_and_paused_and_back_to_a_version_and_away(
    ida: Desk, installs: dict[str, int], site: Site
):
    page = ida.page
    page.goto(f"{site.url}/installs/")
    page.get_by_role("link", name="Hello from Fyr").first.click()
    page.goto(f"{site.url}/history/installs/{installs['Fyr']}/")
    status(page).to_have_text("Draft")
    ida.picture("after-1-draft", whole=True)

    button(page, "Set live").click()
    expect(page.locator("#main")).to_contain_text("Asked for. You can follow it here.")
    told(page, "Change of status: done.")
    ida.picture("after-2-followed", whole=True)
    back(page)
    status(page).to_have_text("Live")

    button(page, "Pause").click()
    told(page, "done.")
    back(page)
    status(page).to_have_text("Paused")
    expect(button(page, "Pause")).to_have_count(0)
    ida.picture("after-3-paused", whole=True)
    button(page, "Restore what was before").click()
    told(page, "done.")
    back(page)
    status(page).to_have_text("Live")

    expect(page.locator("#after")).to_contain_text("“Wait 4 hours” is now “Wait 6 hours”.")
    button(page, "Update to version 2").click()
    told(page, "done.")
    back(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("v2")
    expect(button(page, "Update to version 2")).to_have_count(0)
    button(page, "Roll back to version 1").click()
    told(page, "done.")
    back(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("v1")
    expect(button(page, "Update to version 2")).to_be_visible()
    expect(page.get_by_role("heading", name="Go back")).to_have_count(0)  # that would be the same

    page.get_by_text("What is deleted, and what stays").click()
    ida.picture("after-4-remove", whole=True)
    button(page, "Delete it in Klaviyo").click()
    told(page, "what we made is deleted")
    page.goto(f"{site.url}/history/installs/{installs['Fyr']}/")
    expect(page.locator("#publication .lead")).to_contain_text("what we made is deleted")


def test_a_flow_is_paused_and_restored_by_keyboard(ida: Desk, installs: dict[str, int], site: Site):
    page = ida.page
    for name, words in (("Set live", "Live"), ("Pause", "Paused"), ("Restore what was before", "Live")):
        page.goto(f"{site.url}/history/installs/{installs['Molo']}/")
        tab_to(page, button(page, name))
        page.keyboard.press("Enter")
        told(page, "done.")
        tab_to(page, page.get_by_role("link", name="Status, versions, removal"))
        page.keyboard.press("Enter")
        status(page).to_have_text(words)


def test_a_flow_is_set_live_and_removed_without_script(
    chromium: Browser, site: Site, installs: dict[str, int]
):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    desk = open_desk(context, site)
    desk.sign_in(IDA)
    page = desk.page
    here = f"{site.url}/history/installs/{installs['Skjær']}/"
    page.goto(here)
    button(page, "Set live").click()
    _load_until(page, "done.")
    page.goto(here)
    status(page).to_have_text("Live")
    assert "live" in in_klaviyo(page, site)
    page.get_by_text("What is deleted, and what stays").click()
    button(page, "Delete it in Klaviyo").click()
    _load_until(page, "what we made is deleted")
    context.close()
    assert desk.complaints == []


def _load_until(page: Page, words: str) -> None:
    for _ in range(60):
        if words in page.locator("#publication .lead").inner_text():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"it never said “{words}”")
