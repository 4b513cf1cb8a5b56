"""The life of a template flow, end to end: taken from a live flow of one account, offered, installed in another with
a guided install, edited there, found out, upgraded with the edit kept, taken away.

Its two workspaces and their accounts are its own: no other story meets them.
"""

from __future__ import annotations

import re
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Workspace
from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.scene import (
    WORKER,
    begin_install,
    build,
    call,
    done,
    edit,
    key_of,
    landed_flow,
    messages,
    room,
    say_yes,
    shops,
)

pytestmark = pytest.mark.browser
NAME = "Basket rescue"
OWN = "Your mill waits, {{ first_name }}"


@pytest.fixture
def desks(chromium: Browser, site: Site) -> Iterator[list[Desk]]:
    """Windows of the partner, the reviewer and the merchant."""
    contexts = [chromium.new_context(viewport={"width": 1440, "height": 900}) for _ in range(3)]
    made = [open_desk(context, site) for context in contexts]
    for desk in made:
        desk.page.set_default_timeout(WORKER)
    yield made
    for context in contexts:
        context.close()
    complaints = [text for desk in made for text in desk.complaints]
    # The preview shows an email's own code, whose pictures have no addresses yet: its frame lets none through.
    assert [one for one in complaints if "/content/" not in one] == []


def places(site: Site) -> tuple[str, str]:
    """The keys of the partner's account and of the merchant's."""
    heron, _ = room("heron", "Heron Studio", "Hanne Vik")
    mill, _ = room("mill", "Mill & Co", "Milo Brandt")
    Workspace.objects.filter(pk=mill.pk).update(kind=Workspace.Kind.MERCHANT)
    studio = shops(site, heron, ["Heron Shop"])[0]
    shop = shops(site, mill, ["Mill Shop"])[0]
    return key_of(studio.klaviyo_id), key_of(shop.klaviyo_id)


def test_a_template_flow_lives_its_life(desks, site, in_site) -> None:
    partner, reviewer, merchant = desks
    key, shop_key = build(site, in_site, lambda: places(site))
    live_flow(site, key)
    partner.sign_in("hanne@heron.example")
    reviewer.sign_in("rowan@flowbuilder.example")
    merchant.sign_in("milo@mill.example")

    editor = extract(partner)
    publish(partner, editor, 1)
    say_yes(reviewer, NAME)

    flow_id, install = installed(merchant)
    there = messages(site, shop_key, flow_id)
    assert there["Email 1"]["data"]["message"]["from_email"] == "hello@orchardlane.example"
    assert there["Email 2"]["data"]["message"]["subject_line"] == "Still in your basket"

    # Milo writes another subject in Klaviyo, and it is seen.
    edit(site, shop_key, there["Email 1"], subject_line=OWN)
    changed(merchant, install)

    # Hanne writes the second version: another subject for the other email, and a shorter wait.
    second_version(partner, editor)
    say_yes(reviewer, NAME)
    upgraded(merchant, install)
    there = messages(site, shop_key, flow_id)
    assert there["Email 1"]["data"]["message"]["subject_line"] == OWN
    assert there["Email 2"]["data"]["message"]["subject_line"] == "Last call for your basket"
    assert delays(site, shop_key, flow_id) == [("hours", 4), ("hours", 20)]

    taken_away(merchant, install, site, shop_key, flow_id)


# --- The partner ---------------------------------------------------------------------------------------------------


def named(site: Site, key: str, kind: str, name: str) -> str:
    """The id of what the account has under this name."""
    path: str | None = f"/api/{kind}s"
    while path:
        page = call(site, key, "GET", path)
        for one in page["data"]:
            if one["attributes"]["name"] == name:
                return str(one["id"])
        path = (page["links"].get("next") or "").removeprefix(site.klaviyo)
    raise AssertionError(f"there is no {kind} “{name}”")


def made(site: Site, key: str, kind: str, **attributes: Any) -> str:
    body = {"data": {"type": kind, "attributes": attributes}}
    return str(call(site, key, "POST", f"/api/{kind}s", body)["data"]["id"])


def live_flow(site: Site, key: str) -> None:
    """[metric] -> <wait 4 h> -> [email 1] -> <wait 1 d> -> [email 2] -> [to a list], made in the partner's Klaviyo."""
    html = "<p>Come back, {{ first_name }}.</p>{% unsubscribe %}"
    template = made(site, key, "template", name="Basket", editor_type="CODE", html=html)
    readers = made(site, key, "list", name="Rescued baskets")
    sender = {"from_email": "hello@heron.example", "from_label": "Heron"}

    def action(id: str, kind: str, then: str | None, **data: Any) -> dict[str, Any]:
        return {"temporary_id": id, "type": kind, "links": {"next": then}, "data": data}

    def mail(id: str, then: str, name: str, subject: str) -> dict[str, Any]:
        message = {**sender, "name": name, "subject_line": subject, "template_id": template}
        return action(id, "send-email", then, status="draft", message=message)

    bought = {
        "type": "profile-metric",
        "metric_id": named(site, key, "metric", "Placed Order"),
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "flow-start"},
        "metric_filters": None,
    }
    definition = {
        "triggers": [
            {"type": "metric", "id": named(site, key, "metric", "Checkout Started"), "trigger_filter": None}
        ],
        "profile_filter": {"condition_groups": [{"conditions": [bought]}]},
        "entry_action_id": "a",
        "actions": [
            action("a", "time-delay", "b", unit="hours", value=4),
            mail("b", "c", "Email 1", "You left something"),
            action("c", "time-delay", "d", unit="hours", value=24),
            mail("d", "e", "Email 2", "Still in your basket"),
            action("e", "list-update", None, name="Note it", on_execution=True, list_id=readers),
        ],
    }
    made(site, key, "flow", name=NAME, definition=definition)


def extract(desk: Desk) -> str:
    """The address of the flow that was made of the live one."""
    page = desk.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Flows").click()
    page.get_by_role("link", name="Make a template").click()
    page.get_by_role("link", name="Show its flows").click()
    page.get_by_role("button", name=re.compile(f"Take it.*{NAME}")).click()
    page.wait_for_url(re.compile("/extract/"))
    expect(page.locator("main")).to_contain_text("Nothing: every step can be installed in any account.")
    expect(page.locator("#found")).to_contain_text("Checkout Started")
    expect(page.locator("#found")).to_contain_text("Heron <hello@heron.example>")
    page.get_by_label(re.compile("The question.*Rescued baskets")).fill("Where do rescued people go?")
    desk.picture("long-1-extracted", whole=True)
    page.get_by_role("button", name="Set the questions").click()
    expect(page.locator("#_panel_publish")).to_contain_text("Where do rescued people go?")
    return page.url.split("?")[0]


def publish(desk: Desk, editor: str, number: int) -> None:
    """From the panel to the library, offered to everybody."""
    page = desk.page
    page.goto(f"{editor}?panel=publish")
    page.get_by_label(re.compile("Everybody")).check()
    page.get_by_role("button", name="Publish to the library").click()
    expect(page.locator("#_panel_publish")).to_contain_text(
        f"Version {number} is in the library.", timeout=WORKER
    )


def second_version(desk: Desk, editor: str) -> None:
    setting(desk, editor, "Email 2", "Subject", "Last call for your basket")
    setting(desk, editor, "Wait 24 hours", "Wait", "20")
    publish(desk, editor, 2)


def setting(desk: Desk, editor: str, step: str, label: str, value: str) -> None:
    page = desk.page
    page.goto(f"{editor}?view=outline")
    page.locator("#outline").get_by_role("link", name=re.compile(step)).first.click()
    box = page.locator("#inspector").get_by_label(label, exact=True)
    box.fill(value)
    box.press("Tab")
    expect(page.locator("#saved")).to_have_text("Saved")


# --- The merchant --------------------------------------------------------------------------------------------------


def installed(desk: Desk) -> tuple[str, str]:
    """(flow, install). All is found but the list, which is made."""
    page = desk.page
    begin_install(page, NAME)
    expect(page.locator("#answers-head")).to_contain_text("One question left")
    asked = page.locator("section.question", has_text="Where do rescued people go?")
    asked.get_by_role("radio", name=re.compile("Make a new list")).check()
    desk.picture("long-2-asked", whole=True)
    asked.get_by_role("button", name="Save this answer").click()
    expect(asked).to_contain_text("A new list, “Rescued baskets”")
    page.get_by_role("link", name="See the preview").click()
    expect(page.locator("#messages")).to_contain_text("2 messages")
    desk.picture("long-3-preview", whole=True)
    page.get_by_role("button", name=re.compile("^Install in")).click()
    return landed_flow(page)


def look_now(page: Page, verdict: str) -> None:
    page.get_by_role("button", name="Look now").click()
    expect(page.locator(".lead .chip")).to_have_text(verdict)


def changed(desk: Desk, install: str) -> None:
    page = desk.page
    page.goto(f"{desk.site.url}/installs/{install}/changes/")
    look_now(page, "Content changed")
    expect(page.locator(".apart")).to_contain_text(f"“{OWN}”")
    expect(page.locator('.step[data-mark="warn"]')).to_have_count(1)
    desk.picture("long-4-drift", whole=True)


def upgraded(desk: Desk, install: str) -> None:
    page = desk.page
    page.goto(f"{desk.site.url}/w/mill/copies/")
    page.get_by_role("link", name=re.compile("^Look at version 2")).click()
    expect(page.locator(".lead .chip")).to_have_text("Applies in place")
    expect(page.locator("main")).to_contain_text(OWN)
    expect(page.locator("main")).to_contain_text("Adds the person to “Rescued baskets”.")
    desk.picture("long-5-upgrade", whole=True)
    page.get_by_role("button", name="Update to version 2").click()
    done(page)
    expect(page.locator("main")).to_contain_text("Kept as it was edited in Klaviyo")
    page.goto(f"{desk.site.url}/installs/{install}/changes/")
    look_now(page, "As it was left")


def delays(site: Site, key: str, flow_id: str) -> list[tuple[str, int]]:
    held = call(site, key, "GET", f"/api/flows/{flow_id}?additional-fields%5Bflow%5D=definition")
    found = held["data"]["attributes"]["definition"]["actions"]
    return [(one["data"]["unit"], one["data"]["value"]) for one in found if one["type"] == "time-delay"]


def taken_away(desk: Desk, install: str, site: Site, key: str, flow_id: str) -> None:
    page = desk.page
    rescued = named(site, key, "list", "Rescued baskets")
    page.goto(f"{site.url}/history/installs/{install}/")
    page.get_by_text("What is deleted, and what stays").click()
    removal = page.locator("#remove-title + details")
    for text in ("Deleted in Mill Shop, for good", OWN, "Metric “Placed Order”"):
        expect(removal).to_contain_text(text)
    removal.get_by_role("checkbox", name=re.compile("Rescued baskets")).check()
    desk.picture("long-6-removal", whole=True)
    page.get_by_role("button", name="Delete it in Klaviyo").click()
    done(page)
    expect(page.locator("main")).to_contain_text("What stays in Mill Shop")
    for path in (f"/api/flows/{flow_id}", f"/api/lists/{rescued}"):
        with pytest.raises(urllib.error.HTTPError) as gone:
            call(site, key, "GET", path)
        gone.value.close()
        assert gone.value.code == 404
    assert named(site, key, "metric", "Placed Order")
