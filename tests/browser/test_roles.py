"""Everybody in the rooms that tell what happened: history, receipt, approvals, audit, health, performance, members.
Each role walks them by pressing what its pages offer; no link leads to a refusal, and nobody meets what is not theirs.

Brink is the workspace that is looked into; Hidden Harbour, the stranger's, has one of each as well.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from django.utils.timezone import now as right_now
from playwright.sync_api import Page, expect

from accounts.models import Membership, User, Workspace
from flowbuilder.models import Measuring
from flowbuilder.publisher.approving import ask_for
from flowbuilder.publisher.states import move
from tests.browser import scene
from tests.browser.conftest import Desk, Site
from tests.history import make as history
from tests.performance import make as numbers

pytestmark = pytest.mark.browser
HOME, AWAY = "brink", "hidden"
ROLES = ("owner", "designer", "merchant", "reviewer")
PEOPLE = {role: f"{role}@brink.example" for role in ROLES}
PEOPLE |= {"stranger": "xeno@hidden.example", "operator": "rowan@flowbuilder.example"}
# What only some are offered, as it stands on a link, a button or a heading.
WATCHED = {
    "Approve", "Refuse", "Withdraw it", "When it is needed", "Audit log", "Alerts", "Count this",
    "Send the invitation", "Cancel it",
}  # fmt: skip
DECIDES = {"Approve", "Refuse"}
OWNS = {"When it is needed", "Audit log", "Alerts", "Send the invitation"}
OFFERED = {
    "owner": DECIDES | OWNS | {"Count this", "Cancel it"},
    "designer": {"Withdraw it"},  # it is what she asked for
    "merchant": {"Count this", "Cancel it"},
    "reviewer": DECIDES,
    "operator": {"Audit log", "Cancel it"},
}
A_KIND = 2  # links of a kind that are tried: all rows of a list lead to the same view
SEEN = """() => ({
  text: document.querySelector("main").innerText,
  names: [...document.querySelectorAll("main :is(a, button, h2)")].filter((it) => it.checkVisibility())
    .map((it) => it.textContent.trim()),
  links: [...document.querySelectorAll("a[href]")].map((it) => new URL(it.getAttribute("href"), location).href),
})"""


@dataclass(frozen=True)
class Place:
    """One of each thing in a workspace."""

    slug: str
    publication: int
    waiting: int
    approval: int
    account: int


def fill(site: Site, home: Workspace, owner: User, asker: User) -> Place:
    (account,) = scene.shops(site, home, [f"{home.name} Store"])
    version = history.version(home, f"{home.name} cart", by=owner)
    far = {"not_before": right_now() + timedelta(hours=3)}
    landed = history.publication(version, account, owner, "verifying", **far)
    move(landed, "published")
    waiting = history.publication(version, account, owner, "waiting", **far)
    asked = history.publication(version, account, asker, "asked", needs_approval=True, **far)
    ask_for(asked, [home])
    numbers.measured(account, {"F": {"name": f"{home.name} flow", "ours": True, "metrics": []}})
    Measuring.objects.filter(account=account).update(not_before=far["not_before"])
    numbers.flow(account, "F", "M", days=40)
    return Place(home.slug, landed.pk, waiting.pk, asked.approvals.get().pk, account.pk)


@pytest.fixture(scope="module")
def places(site: Site, in_site: scene.InSite) -> dict[str, Place]:
    def make_it() -> dict[str, Place]:
        home = Workspace.objects.create(slug=HOME, name="Brink", kind=Workspace.Kind.PARTNER)
        members = {role: scene.person(PEOPLE[role], f"{role.title()} of Brink") for role in ROLES}
        for role, person in members.items():
            Membership.objects.create(user=person, workspace=home, role=role)
        away, xeno = scene.room(AWAY, "Hidden Harbour", "Xeno Hide")
        return {
            HOME: fill(site, home, members["owner"], members["designer"]),
            AWAY: fill(site, away, xeno, xeno),
        }

    made: dict[str, Place] = scene.build(site, in_site, make_it)
    return made


@dataclass
class Walk:
    """What somebody met: the words of each room, and what was offered in any of them."""

    page: Page
    words: dict[str, str] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)  # where to -> where it stood

    def look(self, room: str) -> None:
        seen = self.page.evaluate(SEEN)
        self.words[room] = seen["text"]
        self.offered |= WATCHED & set(seen["names"])
        for link in seen["links"]:
            self.links.setdefault(link.partition("#")[0], room)

    def press(self, name: str | re.Pattern[str], room: str, *, heading: str) -> None:
        self.page.get_by_role("main").get_by_role("link", name=name).first.click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading)
        self.look(room)

    def go(self, name: str, room: str, *, heading: str) -> None:
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading)
        self.look(room)

    def dead_ends(self, site: Site) -> list[str]:
        """Links of the pages that lead to a refusal, or nowhere."""
        kinds: Counter[str] = Counter()
        found = []
        for link, room in self.links.items():
            if not link.startswith(site.url):
                continue
            try:
                kind = f"{room} {resolve(urlsplit(link).path).view_name}"
            except Resolver404:
                kind = link
            kinds[kind] += 1
            if kinds[kind] <= A_KIND:
                answer = self.page.request.get(link)
                if answer.status >= 400:
                    found.append(f"{room}: {link} is {answer.status}")
        return found


def walk(desk: Desk, about: str) -> Walk:
    """Through all rooms, by what the pages offer; `about`: a word of what is opened in them."""
    page, made = desk.page, Walk(desk.page)
    made.go("Approvals", "approvals", heading="Approvals")
    made.press(re.compile(f"{about} cart"), "approval", heading=f"{about} cart")
    made.go("History", "history", heading="Publish history")
    page.get_by_role("searchbox").fill(f"{about} cart")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q="))
    made.look("history")
    # The list is newest first: what is asked for, what waits, what landed.
    row = page.locator("#publications tr", has_text="Published").get_by_role("link").first
    row.click()
    made.press("Receipt", "receipt", heading=f"Receipt 1 of {about} Store")
    page.go_back()
    made.look("publication")
    made.go("History", "history", heading="Publish history")
    if page.get_by_role("link", name="Audit log").count():
        made.press("Audit log", "audit", heading="Audit log")
    made.go("Health", "health", heading="Health")
    if page.get_by_role("main").get_by_role("link", name="Alerts").count():
        made.press("Alerts", "alerts", heading="Alerts")
    made.go("Performance", "performance", heading="Performance")
    page.locator("summary.who").click()
    page.get_by_role("link", name=re.compile("^Members of")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")
    made.look("members")
    return made


@pytest.mark.parametrize("role", ROLES)
def test_a_member_sees_their_own_and_what_their_role_may(
    desk: Desk, site: Site, places: dict[str, Place], role: str
):
    desk.sign_in(PEOPLE[role])
    made = walk(desk, "Brink")
    made.go("Performance", "performance", heading="Performance")
    made.press("Brink Store", "numbers", heading="Brink Store")
    desk.page.goto(f"{site.url}/history/{places[HOME].waiting}/")
    made.look("waiting")
    assert made.offered == OFFERED[role]
    for room in ("approvals", "history", "receipt", "performance", "members", "numbers"):
        assert "Brink" in made.words[room], room
    assert [room for room, text in made.words.items() if "Hidden" in text] == []
    assert "audit" not in made.words or "Xeno" not in made.words["audit"]
    assert made.dead_ends(site) == []


def test_the_operator_sees_what_happened_everywhere_and_nobodys_numbers(
    desk: Desk, site: Site, places: dict[str, Place]
):
    desk.sign_in(PEOPLE["operator"])
    made = walk(desk, "Hidden Harbour")
    desk.page.goto(f"{site.url}/history/{places[HOME].waiting}/")
    made.look("waiting")
    assert made.offered == OFFERED["operator"]
    assert "Brink" in made.words["approvals"]
    assert "Hidden" in made.words["approvals"]
    for room in ("performance", "members"):
        assert not re.search("Brink|Hidden", made.words[room]), room
    for place in places.values():
        assert desk.page.request.get(f"{site.url}/performance/accounts/{place.account}/").status == 404
    assert made.dead_ends(site) == []


def addresses(place: Place) -> list[str]:
    return [
        f"/history/{place.publication}/",
        f"/history/{place.publication}/receipt/",
        f"/approvals/{place.approval}/",
        f"/w/{place.slug}/approvals/",
        f"/w/{place.slug}/health/",
        f"/w/{place.slug}/performance/",
        f"/w/{place.slug}/members/",
        f"/performance/accounts/{place.account}/",
    ]


def test_a_stranger_meets_their_own_alone(desk: Desk, site: Site, places: dict[str, Place]):
    desk.sign_in(PEOPLE["stranger"])
    made = walk(desk, "Hidden Harbour")
    assert [room for room, text in made.words.items() if "Brink" in text] == []
    assert made.dead_ends(site) == []
    ask = desk.page.request.get
    assert {path: ask(site.url + path).status for path in addresses(places[HOME])} == dict.fromkeys(
        addresses(places[HOME]), 404
    )


def test_nobody_signs_in_first(desk: Desk, site: Site, places: dict[str, Place]):
    for path in [*addresses(places[HOME]), "/history/", "/history/audit/", "/approvals/"]:
        desk.page.goto(site.url + path)
        assert "/account/login/" in desk.page.url, path
        assert "Brink" not in desk.page.locator("body").inner_text()
