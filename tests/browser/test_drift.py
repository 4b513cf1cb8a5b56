"""A template flow lives on in its account: installed, edited there, found out, upgraded with the edit kept, taken away.

In an account and a workspace of its own, so that nobody else's story meets it.
"""

from __future__ import annotations

import re
import urllib.error

import pytest
from playwright.sync_api import expect

from accounts.models import KlaviyoAccount, User
from flowbuilder.models import TemplateFlow
from flowbuilder.operations.library import offer_in_library, publish_version
from tests import make
from tests.browser.conftest import Desk, Site
from tests.browser.scene import begin_install, call, done, edit, landed_flow, messages

pytestmark = pytest.mark.browser
ACCOUNT, KEY, EMAIL = "ZxT41p", "pk_sandbox_orchard", "olive@orchard.example"


def a_shop() -> None:
    from allauth.account.models import EmailAddress

    password = User.objects.get(email="mia@harbourpine.example").password  # hashed as the demo does it
    olive = User.objects.create(email=EMAIL, name="Olive Reed", password=password)
    EmailAddress.objects.create(user=olive, email=EMAIL, verified=True, primary=True)
    shop = make.workspace("orchard", "merchant", owner=olive)
    made = make.account(shop, ACCOUNT, KEY)
    KlaviyoAccount.objects.filter(pk=made.pk).update(name="Orchard Lane", sender_email="hi@orchard.example")


def a_second_version() -> None:
    """Ada writes another subject for the first email and another wait before the second."""
    template = TemplateFlow.objects.get(name="Abandoned cart", workspace__slug="northwind")
    subject = template.flow.actions.get(key="mail-1")
    subject.config["message"]["subject_line"] = "Your basket is packed"
    subject.save()
    later = template.flow.actions.get(key="mail-2")
    later.config["message"]["preview_text"] = "A new preview"
    later.save()
    ada = User.objects.get(email="ada@northwind.example")
    version = publish_version(flow=template.flow, by=ada, notes="Friendlier words.")
    make.approved(offer_in_library(version=version))


def test_it_lives_on(desk: Desk, in_site):
    site, page = desk.site, desk.page
    in_site(a_shop)
    desk.sign_in(EMAIL)
    flow_id, install = installed(desk)
    # The preview shows the emails' own code, whose pictures have no addresses yet: its frame lets none through.
    desk.complaints[:] = [one for one in desk.complaints if "/content/" not in one]

    # Olive writes another subject for both emails, and sets one step live.
    there = messages(site, KEY, flow_id)
    edit(site, KEY, there["Email 1"], subject_line="Olive's own subject")
    edit(site, KEY, there["Email 2"], subject_line="Olive's second subject")
    changes = f"{site.url}/installs/{install}/changes/"
    page.goto(changes)
    page.get_by_role("button", name="Look now").click()
    expect(page.locator(".lead .chip")).to_have_text("Content changed")
    expect(page.locator(".apart")).to_contain_text("“Olive's own subject”")
    expect(page.locator('.step[data-mark="warn"]')).to_have_count(2)
    desk.picture("drift-1-changes", whole=True)

    # One is put back, the other one stays.
    page.get_by_role("checkbox", name=re.compile("Olive's own subject")).uncheck()
    page.get_by_role("button", name="Put back what is ticked").click()
    done(page)
    subjects = {
        name: one["data"]["message"].get("subject_line") for name, one in messages(site, KEY, flow_id).items()
    }
    assert subjects["Email 1"] == "Olive's own subject"
    assert subjects["Email 2"] != "Olive's second subject"

    # It is proposed to Northwind; then a version comes that changes the same subject.
    edit(site, KEY, messages(site, KEY, flow_id)["Email 2"], subject_line="Olive's third subject")
    page.goto(changes)
    page.get_by_role("button", name="Look now").click()
    page.get_by_text(re.compile("^Propose what is ticked")).click()
    page.get_by_label("What should they know?").fill("This one sells.")
    page.get_by_role("button", name="Propose it for the template").click()
    expect(page.locator("main")).to_contain_text("Proposed to Northwind")
    page.get_by_role("button", name="Accept all of it").click()
    expect(page.locator(".lead .chip")).to_have_text("Accepted")

    in_site(a_second_version)
    upgraded(desk, site, install, flow_id)
    taken_away(desk, site, install, flow_id)


def installed(desk: Desk) -> tuple[str, str]:
    page = desk.page
    begin_install(page, "Abandoned cart")
    if "/answers/" in page.url:
        page.get_by_role("link", name="See the preview").click()
    page.get_by_role("button", name=re.compile("^Install in")).click()
    return landed_flow(page)


def upgraded(desk: Desk, site: Site, install: str, flow_id: str) -> None:
    page = desk.page
    page.goto(f"{site.url}/w/orchard/copies/")
    expect(page.locator("main")).to_contain_text("1 copy: 1 of version 1. 1 can take version 2 in place.")
    desk.picture("drift-2-copies", whole=True)
    page.get_by_role("link", name=re.compile("^Look at version 2")).click()
    page.get_by_role("button", name="Look at the account").click()
    expect(page.locator(".lead .chip")).to_have_text("Needs your answers")
    clash = page.locator(".clash")
    expect(clash).to_have_count(1)
    expect(clash).to_contain_text("“Olive's own subject”")
    expect(clash).to_contain_text("“Your basket is packed”")
    page.get_by_role("button", name="Update to version 2").click()
    expect(page.locator("main")).to_contain_text("Answer what is asked below")
    desk.picture("drift-3-upgrade", whole=True)
    page.get_by_role("radio", name=re.compile("Keep yours")).check()
    page.get_by_role("button", name="Update to version 2").click()
    done(page)
    expect(page.locator("main")).to_contain_text("Kept as it was edited in Klaviyo")
    found = messages(site, KEY, flow_id)
    assert found["Email 1"]["data"]["message"]["subject_line"] == "Olive's own subject"
    assert found["Email 2"]["data"]["message"]["subject_line"] == "Olive's third subject"
    assert found["Email 2"]["data"]["message"]["preview_text"] == "A new preview"
    page.goto(f"{site.url}/installs/{install}/changes/")
    page.get_by_role("button", name="Look now").click()
    expect(page.locator("main")).to_contain_text("It is as it was left")


def taken_away(desk: Desk, site: Site, install: str, flow_id: str) -> None:
    page = desk.page
    page.goto(f"{site.url}/history/installs/{install}/")
    page.get_by_text("What is deleted, and what stays").click()
    expect(page.locator("#remove-title + details")).to_contain_text("Metric “Placed Order”")
    desk.picture("drift-4-removal", whole=True)
    page.get_by_role("button", name="Delete it in Klaviyo").click()
    done(page)
    expect(page.locator("main")).to_contain_text("What stays in Orchard Lane")
    with pytest.raises(urllib.error.HTTPError) as gone:
        call(site, KEY, "GET", f"/api/flows/{flow_id}")
    gone.value.close()
    assert gone.value.code == 404
