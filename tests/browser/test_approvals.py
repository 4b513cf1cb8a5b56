"""One asks, another says yes: two people in two windows, and the flow really lands."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from flowbuilder.operations import after
from flowbuilder.operations.library import offer_in_library
from tests.browser import scene
from tests.browser.conftest import Desk, Site, open_desk
from tests.publisher.versions import everything, next_version

pytestmark = pytest.mark.browser
SOON = 120_000
TOVE, PER = "tove@tandem.example", "per@tandem.example"


@dataclass(frozen=True)
class Tandem:
    """A partner with an owner and a reviewer; an install that is ready, and an update that waits."""

    slug: str
    ready: int
    update: int


@pytest.fixture(scope="module")
def tandem(site: Site, in_site: scene.InSite) -> Tandem:
    def make_it() -> Tandem:
        home, tove = scene.room("tandem", "Tandem", "Tove Berg")
        scene.person(PER, "Per Dahl", (home, "reviewer"))
        first, second = scene.shops(site, home, ("Tandem Shop", "Tandem Outlet"))
        cart = scene.template(home, scene.make.starter("1-abandoned-cart"), "Cart, with care")
        there = scene.landed(cart, second, tove)
        offer_in_library(version=(newer := next_version(there, everything)))
        ready = scene.install(scene.hello(home, "Hello, with care"), first, tove)
        home.needs_approval = True
        home.save()
        update = after.ask_for_update(install=there, by=tove, version=newer)
        return Tandem(home.slug, ready.pk, update.approvals.get().pk)

    return scene.build(site, in_site, make_it)


def count(page: Page) -> str:
    """What the navigation says beside “Approvals”."""
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals")
    found = re.search(r"\d+", link.inner_text())
    return found[0] if found else ""


def test_one_asks_another_approves_and_it_lands(desk: Desk, tandem: Tandem, chromium: Browser, site: Site):
    desk.sign_in(TOVE)
    asking = desk.page
    asking.goto(f"{site.url}/installs/{tandem.ready}/preview/")
    asking.get_by_role("button", name="Install in Tandem Shop").click()
    expect(asking.get_by_role("heading", level=1)).to_have_text("It waits for a second person")
    expect(asking.locator(".sentence")).to_contain_text("Per Dahl of Tandem can approve it.")
    desk.picture("approvals-1-waits")

    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    other = open_desk(context, site)
    other.sign_in(PER)
    page = other.page
    assert count(page) == "2"
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals").click()
    other.picture("approvals-2-queue", whole=True)
    page.get_by_role("link", name="Hello, with care, version 1").click()
    expect(page.get_by_role("heading", name="Everything is new")).to_be_visible()
    expect(page.locator(".bubble")).to_contain_text("Hello")
    other.picture("approvals-3-new", whole=True)
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why not")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: it goes on.")).to_be_visible()
    assert count(page) == "1"

    expect(asking.get_by_role("heading", level=1)).to_have_text("It is in your account", timeout=SOON)
    asking.get_by_role("link", name="Every call we made").click()
    word = asking.locator("section", has=asking.get_by_role("heading", name="A second person's word"))
    expect(word).to_contain_text("Per Dahl of Tandem")
    desk.picture("approvals-4-history", whole=True)
    asking.get_by_role("link", name="Receipt").click()
    expect(asking.get_by_text("What was approved")).to_be_visible()
    context.close()
    assert other.complaints == []


def test_a_difference_is_read_and_refused_with_a_reason(desk: Desk, tandem: Tandem, site: Site):
    desk.sign_in(PER)
    page = desk.page
    page.goto(f"{site.url}/approvals/{tandem.update}/")
    expect(page.locator("#differs")).to_contain_text("to what is there")
    assert page.locator("ul.changes li").count() > 1
    expect(page.locator("#picture-new")).to_be_visible()
    desk.picture("approvals-5-difference", whole=True)
    page.emulate_media(color_scheme="dark")
    desk.picture("approvals-6-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    desk.picture("approvals-7-phone", whole=True)
    page.goto(f"{site.url}/approvals/")
    desk.picture("approvals-8-queue-phone", whole=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site.url}/approvals/{tandem.update}/")
    page.get_by_label("Your words").fill("The waits are too short.")
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("Whoever asked reads why.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Per Dahl, ")
    expect(page.get_by_role("main")).to_contain_text("The waits are too short.")


def test_the_owner_says_when_it_is_needed_and_reads_who_did_what(desk: Desk, tandem: Tandem, site: Site):
    desk.sign_in(TOVE)
    page = desk.page
    page.goto(f"{site.url}/approvals/")
    page.get_by_role("link", name="When it is needed").click()
    expect(page.get_by_label("In every account of Tandem")).to_be_checked()
    page.get_by_label("Hello, with care").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Hello, with care")).to_be_checked()
    desk.picture("approvals-9-settings")
    page.goto(f"{site.url}/history/")
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("table.audit tbody tr").first).to_contain_text("Changed settings")
    desk.picture("audit-1", whole=True)
    page.get_by_label("Act").select_option("signed-in")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("table.audit tbody tr").first).to_contain_text("Signed in")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    desk.picture("audit-2-phone")
