"""A shop changes its copy in Klaviyo and proposes it; those who design the template take parts of it, one by one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import make
from tests.browser import scene
from tests.browser.conftest import Desk, Site
from tests.hands import action_of, change_action, put_action_in, take_action_out
from tests.publisher.versions import PAUSE

pytestmark = pytest.mark.browser
TOVE = "tove@brygge.example"


@pytest.fixture(scope="module")
def changed(site: Site, in_site: scene.InSite) -> int:
    """An install of the abandoned cart: another subject and a wait behind it, and the text message is gone."""

    def make_it() -> int:
        home, tove = scene.room("brygge", "Brygge Studio", "Tove Lie")
        (shop,) = scene.shops(site, home, ("Brygge Butikk",))
        design = scene.template(home, make.starter("1-abandoned-cart"), "Cart of Brygge")
        landed = scene.landed(design, shop, tove)
        mail = action_of(shop, landed.step_map["mail-1"]["action"])
        message = {**mail["data"]["message"], "subject_line": "Still in your basket"}
        change_action(shop, {**mail, "data": {**mail["data"], "message": message}})
        anchor = {"id": mail["id"], "type": "send-email", "links": {"next": "own"}}
        put_action_in(shop, {**PAUSE, "temporary_id": "own"}, anchor)
        take_action_out(shop, landed.step_map["text-1"]["action"])
        return landed.pk

    return scene.build(site, in_site, make_it)


def test_it_is_proposed_and_taken_in_parts(desk: Desk, changed: int):
    page = desk.page
    desk.sign_in(TOVE)
    page.goto(f"{desk.site.url}/installs/{changed}/changes/")
    page.get_by_role("button", name="Look now").click()
    expect(page.locator(".lead .chip")).to_have_text("Logic changed")
    page.get_by_text(re.compile("^Propose what is ticked")).click()
    page.get_by_label("What should they know?").fill("The text message annoyed people.")
    desk.picture("proposals-1-merchant", whole=True)
    page.get_by_role("button", name="Propose it for the template").click()
    expect(page.locator("main")).to_contain_text("Proposed to Brygge Studio")

    page.goto(f"{desk.site.url}/w/brygge/proposals/")
    desk.picture("proposals-2-list", whole=True)
    page.get_by_role("link", name=re.compile("^Look at it")).click()
    expect(page.locator("main")).to_contain_text("The text message annoyed people.")
    expect(page.locator('#picture .step[data-mark="good"]')).to_have_count(1)
    desk.picture("proposals-3-partner", whole=True)

    # Without the removal: it is shown so, then taken so; what is left stays open.
    page.get_by_role("checkbox", name=re.compile("^Removed")).uncheck()
    page.get_by_role("button", name="Show it so").click()
    expect(page.get_by_role("checkbox", name=re.compile("^Removed"))).not_to_be_checked()
    expect(page.locator(".changes")).not_to_contain_text("Removed")
    page.get_by_role("button", name="Take what is ticked").click()
    expect(page.locator("main")).to_contain_text("In the design")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    desk.picture("proposals-4-phone", whole=True)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Take what is ticked").click()
    expect(page.locator("main")).to_contain_text("Taken into the design")
    page.get_by_role("link", name="Open in the editor").click()
    expect(page.locator("body")).to_contain_text("Still in your basket")
