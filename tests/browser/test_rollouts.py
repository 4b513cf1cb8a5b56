"""What people do with a rollout: choose, look at the dry run, start, pause, go on, retry, cancel. To shops that the
pretend Klaviyo knows: what is sent really lands, and what fails was made to fail there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import KlaviyoAccount
from tests.browser import scene
from tests.browser.conftest import Desk, Site, open_desk

pytestmark = pytest.mark.browser
SOON = 120_000  # workers and their limits, on a machine with much else to do
LEA = "lea@lumen.example"


@dataclass(frozen=True)
class Lumen:
    """A partner with one template flow and a few shops that agreed."""

    version: int
    shops: dict[str, KlaviyoAccount]


@pytest.fixture(scope="module")
def lumen(site: Site, in_site: scene.InSite) -> Lumen:
    def make_it() -> Lumen:
        home, _ = scene.room("lumen", "Lumen Studio", "Lea Marin")
        names = ("Amber One", "Amber Two", "Amber Three", "Birch One", "Birch Two", "Cedar")
        made = scene.shops(site, home, names)
        offered = scene.hello(home, "Hello, reader")
        return Lumen(offered.current_version_id, {one.name: one for one in made})

    return scene.build(site, in_site, make_it)


@pytest.fixture
def lea(desk: Desk, lumen: Lumen) -> Desk:
    desk.sign_in(LEA)
    return desk


@pytest.fixture
def faults(site: Site) -> Iterator[partial[None]]:
    """Ask the pretend Klaviyo to fail: faults("status", shop, "GET", "/api/accounts", status=403)."""

    def send(method: str, body: object = None) -> None:
        data = json.dumps(body).encode() if body else None
        with urlopen(Request(f"{site.klaviyo}/_sandbox/faults", data, method=method), timeout=10):
            pass

    def ask(kind: str, shop: KlaviyoAccount, method: str, path: str, **more: object) -> None:
        match = {"method": method, "path": path, "account": shop.klaviyo_id}
        send("POST", {"kind": kind, "match": match, **more})

    yield partial(ask)
    send("DELETE")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def row(page: Page, shop: str) -> Locator:
    return page.locator(".rollout-accounts tbody tr", has_text=shop)


def sentence(page: Page) -> Locator:
    return page.locator("#rollout .lead [role=status]")


def tab_to(page: Page, target: Locator) -> None:
    """By the Tab key alone, as far as it takes."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if target.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not come to {target}")


def test_a_rollout_stops_by_its_rule_goes_on_waits_and_is_cancelled(lea: Desk, lumen: Lumen, faults):
    """[canary fails] -> stopped -> retried -> [wave 1 waits] -> paused -> resumed -> cancelled."""
    page = lea.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Rollouts").click()
    expect(page.get_by_role("heading", name="No rollouts yet")).to_be_visible()
    page.get_by_role("link", name="New rollout").first.click()
    lea.picture("rollout-1-version", whole=True)
    page.get_by_role("link", name="Choose Hello, reader").click()

    page.get_by_role("searchbox", name="Search accounts").fill("amber")
    button(page, "Filter").click()
    expect(page.locator(".rollout-pick tbody tr")).to_have_count(3)
    lea.picture("rollout-2-accounts", whole=True)
    page.get_by_label("Name of the rollout").fill("Amber first")
    button(page, "Plan for all 3 that the filter finds").click()

    expect(page.get_by_role("heading", name="Amber first")).to_be_visible()
    expect(sentence(page)).to_have_text("All 3 accounts are ready.", timeout=SOON)
    expect(row(page, "Amber One").get_by_role("img", name="fine")).to_have_count(5)
    page.get_by_role("link", name="Go on to the start").click()
    page.get_by_label("Canary", exact=True).fill("1")
    page.get_by_label("Accounts in a wave").fill("1")
    lea.picture("rollout-3-dry-run", whole=True)

    first, second = (sorted(lumen.shops.values(), key=lambda one: one.pk)[place] for place in (0, 1))
    faults("status", first, "GET", "/api/accounts", status=403)
    faults("status", second, "POST", "/api/flows", status=429, retry_after="300")
    button(page, "Start the rollout").click()
    expect(page.locator("#rollout .banner.bad")).to_contain_text("It stopped by its rule", timeout=SOON)
    expect(row(page, first.name)).to_contain_text("Failed")
    expect(page.locator(".stepper li").first).to_contain_text("Canary: 0 of 1")
    lea.picture("rollout-4-stopped", whole=True)
    row(page, first.name).get_by_role("link", name="See why").click()
    expect(page.locator("#publication")).to_contain_text("Reconnect the account and allow it")
    page.go_back()

    button(page, "Retry the 1 that failed").click()
    expect(row(page, first.name)).to_contain_text("Published", timeout=SOON)
    expect(row(page, second.name)).to_contain_text("Waiting", timeout=SOON)
    expect(sentence(page)).to_contain_text("1 of 3 accounts have it")
    lea.picture("rollout-5-under-way", whole=True)

    button(page, "Pause").click()
    expect(sentence(page)).to_contain_text("Paused by Lea Marin.")
    expect(row(page, second.name)).to_contain_text("Ready")
    button(page, "Resume").click()
    expect(row(page, second.name)).to_contain_text("Waiting", timeout=SOON)

    page.on("dialog", lambda dialog: dialog.accept())
    button(page, "Cancel the rest").click()
    expect(sentence(page)).to_have_text("1 of 3 accounts have it. Cancelled by Lea Marin.")
    expect(page.locator("#rollout .page-head button")).to_have_count(0)
    expect(row(page, first.name)).to_contain_text("Published")
    page.get_by_role("link", name="Rollouts").last.click()
    expect(page.locator(".rollouts tbody tr", has_text="Amber first")).to_contain_text("Cancelled")
    lea.picture("rollout-6-list", whole=True)


def test_a_rollout_by_keyboard_from_a_pasted_list(lea: Desk, lumen: Lumen):
    """A line that nobody agreed to is named, then the list is put right; to the end with Tab, Enter and letters."""
    page = lea.page
    page.goto(f"{lea.site.url}/w/lumen/rollouts/new/?version={lumen.version}")
    names = page.get_by_label("Klaviyo account ids or names, one a line")
    tab_to(page, names)
    page.keyboard.insert_text(f"account,city\n{lumen.shops['Birch One'].klaviyo_id},Oslo\nNobody,Rome\n")
    tab_to(page, button(page, "Plan for the list"))
    page.keyboard.press("Enter")
    expect(page.locator(".banner.bad")).to_contain_text("Nobody")
    tab_to(page, names)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(f"account,city\n{lumen.shops['Birch One'].klaviyo_id},Oslo\nBirch Two,Rome\n")
    tab_to(page, button(page, "Plan for the list"))
    page.keyboard.press("Enter")

    expect(sentence(page)).to_have_text("All 2 accounts are ready.", timeout=SOON)
    tab_to(page, page.get_by_role("link", name="Go on to the start"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Canary", exact=True))
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    tab_to(page, button(page, "Start the rollout"))
    page.keyboard.press("Enter")
    expect(sentence(page)).to_have_text("2 of 2 accounts have it.", timeout=SOON)
    expect(row(page, "Birch One").get_by_role("link", name="Show in Klaviyo")).to_be_visible()
    expect(page.locator("#rollout .chip").first).to_have_text("Finished")
    lea.picture("rollout-7-finished", whole=True)


def test_a_rollout_without_script(chromium: Browser, site: Site, lumen: Lumen):
    """Plain forms and page loads: tick, plan, leave one out, start, and load the page again until it is there."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    desk = open_desk(context, site)
    desk.sign_in(LEA)
    page = desk.page
    page.goto(f"{site.url}/w/lumen/rollouts/new/?version={lumen.version}&q=e")
    page.get_by_label(re.compile("^Cedar")).check()
    page.get_by_label(re.compile("^Amber Three")).check()
    button(page, "Plan for the ticked ones").click()
    look = button(page, "Go on looking")
    for _ in range(30):
        if not look.count():
            break
        look.click()
    expect(sentence(page)).to_have_text("All 2 accounts are ready.")
    button(page, "Leave out Amber Three").click()
    expect(sentence(page)).to_have_text("The account is ready.")
    desk.picture("rollout-8-phone", whole=True)
    button(page, "Start the rollout").click()
    for _ in range(60):
        if "1 of 1 account has it" in sentence(page).inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(sentence(page)).to_have_text("1 of 1 account has it.")
    context.close()
    assert desk.complaints == []
