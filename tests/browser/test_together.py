"""Two people on one flow, each in a window of their own: both see both, nothing is lost, a clash is chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, Page, expect

from accounts.models import Membership, User, Workspace
from tests.browser.conftest import Desk, Site, open_desk
from tests.browser.test_forms import saved
from tests.browser.test_keyboard import new_flow
from tests.browser.test_outline import press

pytestmark = pytest.mark.browser
BEN = "ben@northwind.example"
SOON = 20_000  # an open page asks every few seconds what others did


@pytest.fixture
def ben(chromium: Browser, site: Site, in_site: Callable) -> Iterator[Desk]:
    """A second designer of the same workspace."""

    def invite() -> None:
        if not User.objects.filter(email=BEN).exists():
            ada = User.objects.get(email="ada@northwind.example")
            user = User.objects.create_user(BEN, name="Ben Ode")
            User.objects.filter(pk=user.pk).update(
                password=ada.password
            )  # tests hash otherwise than the site
            EmailAddress.objects.create(user=user, email=BEN, verified=True, primary=True)
            workspace = Workspace.objects.get(slug="northwind")
            Membership.objects.create(user=user, workspace=workspace, role=Membership.Role.DESIGNER)

    in_site(invite)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    made = open_desk(context, site)
    made.sign_in(BEN)
    yield made
    context.close()
    assert [one for one in made.complaints if "status of 409" not in one] == []


def at(desk: Desk, url: str, query: str) -> Page:
    desk.page.goto(f"{url}?{query}")
    expect(desk.page.locator("#saved")).to_have_text("Saved")
    return desk.page


def test_each_sees_what_the_other_does_and_undoes_only_their_own(ada: Desk, ben: Desk):
    """[t] -> wait-1 -> ...: Ada deletes the wait while Ben duplicates the last email; both hold, on both pages."""
    url = new_flow(ada, "outline")
    mine, theirs = at(ada, url, "view=outline"), at(ben, url, "view=canvas")
    press(mine, "wait-1", "Delete this step")
    expect(mine.locator("#row-wait-1")).to_have_count(0)
    theirs.locator("#step-mail-2").focus()
    theirs.keyboard.press("Control+d")
    expect(theirs.locator("#nodes .step")).to_have_count(7 - 1 + 1, timeout=SOON)
    expect(theirs.locator("#step-wait-1")).to_have_count(0)
    expect(mine.locator(".outline-step")).to_have_count(7, timeout=SOON)
    expect(mine.locator("#people")).to_contain_text("Ben Ode", timeout=SOON)
    expect(theirs.locator("#people")).to_contain_text("Ada Brandt", timeout=SOON)

    mine.locator("#undo").click()  # her own act, though his is the later one
    expect(mine.locator("#row-wait-1")).to_have_count(1)
    expect(mine.locator(".outline-step")).to_have_count(8)
    expect(theirs.locator("#step-wait-1")).to_have_count(1, timeout=SOON)
    theirs.locator("#undo").click()
    expect(theirs.locator("#nodes .step")).to_have_count(7)
    expect(mine.locator(".outline-step")).to_have_count(7, timeout=SOON)

    mine.goto(f"{url}?panel=edits")
    rows = mine.locator(".edits")
    expect(rows.first).to_contain_text("Ben Ode")
    expect(rows.first).to_contain_text("You")


def test_one_field_twice_shows_both_values_and_the_later_one_chooses(ada: Desk, ben: Desk):
    url = new_flow(ada, "outline")
    mine, theirs = at(ada, url, "view=outline&step=mail-1"), at(ben, url, "view=outline&step=mail-1")
    mine.route("**/pulse/", lambda route: route.fulfill(status=204))  # her page has not heard of his act yet
    theirs.get_by_label("Subject", exact=True).fill("From Ben")
    theirs.get_by_label("Subject", exact=True).blur()
    theirs.wait_for_timeout(100)
    saved(theirs)
    subject = mine.get_by_label("Subject", exact=True)
    subject.fill("From Ada")
    subject.blur()
    clash = mine.locator(".clash")
    expect(clash).to_be_visible()
    expect(clash.locator(".both > div").nth(0)).to_contain_text(re.compile(r"Ben Ode\s*From Ben"))
    expect(clash.locator(".both > div").nth(1)).to_contain_text(re.compile(r"Ada Brandt \(you\)\s*From Ada"))
    ada.picture("clash")
    clash.get_by_role("button", name="Use “From Ada”").click()
    expect(clash).to_have_count(0)
    expect(mine.get_by_label("Subject", exact=True)).to_have_value("From Ada")
    expect(theirs.get_by_label("Subject", exact=True)).to_have_value("From Ada", timeout=SOON)
    ada.complaints[:] = [one for one in ada.complaints if "status of 409" not in one]


def test_a_step_that_is_gone_is_said_and_the_way_on_is_open(ada: Desk, ben: Desk):
    url = new_flow(ada, "outline")
    mine, theirs = at(ada, url, "view=outline&step=mail-1"), at(ben, url, "view=outline")
    press(theirs, "mail-1", "Delete this step")
    expect(theirs.locator("#row-mail-1")).to_have_count(0)
    subject = mine.get_by_label("Subject", exact=True)
    if subject.count():
        subject.fill("Too late")
        subject.blur()
    expect(mine.locator("#inspector")).to_contain_text("not there any more", timeout=SOON)
    expect(mine.locator("#row-mail-1")).to_have_count(0, timeout=SOON)
    press(mine, "mail-2", "Duplicate")
    expect(mine.locator(".outline-step")).to_have_count(7)
    ada.complaints[:] = [one for one in ada.complaints if "status of 409" not in one]
