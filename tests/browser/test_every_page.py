"""Every page of the site in every state that it has, walked once by whom it is for: nobody, an owner, a designer who
only follows, a newcomer. A page of the access table that is missing here fails the test.

On each: axe finds nothing against WCAG 2.2 AA, light and dark and on a phone; nothing is wider than the window; the
console says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import scene
from tests.browser.conftest import ROOT, Site, open_desk
from tests.test_access import GET, TABLE
from tests.test_access import world as world

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
PEOPLE = {
    "owner": "nora@fjord.example",
    "follower": "odd@fjord.example",
    "newcomer": "new@fjord.example",
    "second": "siv@fjord.example",
    "reviewer": "rowan@flowbuilder.example",
}
WIDTHS = (1440, 768, 390, 360)
ERRORS = sorted(path.name for path in (ROOT / "templates").glob("[45]*.html"))


@dataclass(frozen=True)
class Place:
    """A page in one state. `args`: names in the scene; `says`: what no other state of it says."""

    door: str
    args: str = ""
    query: str = ""
    who: str = "owner"
    says: str = ""
    status: int = 200

    def address(self, scene: dict[str, Any]) -> str:
        return reverse(self.door, args=[scene[name] for name in self.args.split()]) + self.query

    def __str__(self) -> str:
        return " ".join(part for part in (self.door, self.args, self.query, self.who) if part)


nobody, follower = partial(Place, who="nobody"), partial(Place, who="follower")
PLACES = (
    # People
    nobody("home", says="Design a Klaviyo flow once."),
    nobody("account_login"),
    nobody("account_signup"),
    nobody("account_reset_password"),
    nobody("account_reset_password_done"),
    nobody("account_reset_password_from_key", "uid none"),
    nobody("account_reset_password_from_key_done"),
    nobody("account_confirm_email", "none"),
    nobody("account_inactive"),
    nobody("account_email_verification_sent"),
    Place("home", who="newcomer", says="Make your workspace"),
    Place("accounts:new_workspace", who="newcomer"),
    Place("accounts:new_workspace"),
    Place("home"),
    Place("account_logout"),
    Place("account_reauthenticate"),
    Place("account_email"),
    Place("account_change_password"),
    Place("accounts:api_token"),
    Place("accounts:list", "home", says="The key was taken back"),
    follower("accounts:list", "home"),
    Place("accounts:callback", status=400),
    Place("accounts:members", "home", says="eva@fjord.example"),
    follower("accounts:members", "home", says="What a role may do"),
    nobody("accounts:join", "invited", says="Make your sign-in and join"),
    Place("accounts:join", "invited", says="You are signed in as"),
    nobody("accounts:join", "none", status=404),
    # Designs
    Place("editor:flows", "home"),
    Place("editor:editor", "flow", "?view=canvas"),
    Place("editor:editor", "flow", "?view=outline&step=mail-1"),
    Place("emails:list", "home"),
    Place("emails:email", "email"),
    Place("library:list"),
    Place("library:page", "template"),
    follower("library:page", "template"),
    Place("library:compare", "template"),
    Place("library:offer", "template"),
    Place("library:extract", "home"),
    Place("library:extract_from", "home shop"),
    Place("library:found", "flow"),
    Place("library:reviews", who="reviewer"),
    Place("library:review", "review", who="reviewer"),
    # Installs
    Place("install:list"),
    Place("install:wizard", "flow"),
    Place("install:connect", "begun"),
    Place("install:answers", "answered"),
    Place("install:preview", "answered"),
    Place("install:progress", "busy"),
    Place("install:links", "answered"),
    Place("installed:drift", "draft"),
    Place("installed:upgrade", "draft second"),
    Place("installed:copies", "home"),
    Place("installed:proposals", "home"),
    Place("installed:proposal", "proposal", says="What they changed"),
    Place("install:addresses", "home"),
    nobody("install:handed", "none", status=404),
    nobody("install:shared", "none", status=404),
    # Rollouts
    Place("rollouts:grid", "home"),
    Place("rollouts:list", "home"),
    follower("rollouts:list", "home"),
    Place("rollouts:new", "home", says="Which template flow goes out?"),
    Place("rollouts:new", "home", "?version={version}", says="To which accounts?"),
    Place("rollouts:new", "home", "?version={version}&q=nobody", says="Nothing fits"),
    follower("rollouts:new", "home", status=403),
    Place("rollouts:rollout", "dry", says="Start it"),
    Place("rollouts:rollout", "going", says="Under way"),
    Place("rollouts:rollout", "stands", says="Paused by Nora Lind."),
    Place("rollouts:rollout", "stopped", says="It stopped by its rule"),
    Place("rollouts:rollout", "finished", says="4 of 4 accounts have it"),
    Place("rollouts:rollout", "mixed", says="Failed or refused"),
    Place("rollouts:rollout", "mixed", "?show=bad"),
    Place("rollouts:rollout", "given_up", says="Cancelled by Nora Lind."),
    follower("rollouts:rollout", "dry"),
    follower("rollouts:rollout", "going"),
    Place("rollouts:account", "dry asks"),
    Place("rollouts:add", "dry"),
    # Approvals
    Place("approvals:list", says="For you"),
    Place("approvals:approval", "asked", who="second", says="May it be sent?"),
    Place("approvals:approval", "asked", says="Withdraw it"),
    Place("approvals:settings", "home"),
    # Health
    Place("health:page", "home", says="need a look"),
    follower("health:page", "home", says="need a look"),
    Place("health:alerts", "home", says="What was delivered"),
    follower("health:alerts", "home", status=403),
    # History
    Place("history:audit", says="kept for 730 days"),
    follower("history:audit", status=403),
    Place("history:list"),
    Place("history:list", query="?sort=flow&error=refused", says="By flow, A to Z"),
    Place("history:publication", "published"),
    Place("history:receipt", "sealed", says="How it can be proved"),
    Place("history:publication", "refused", says="What Klaviyo refused"),
    Place("history:publication", "lost", says="Which of these flows is it?"),
    follower("history:publication", "lost", says="A merchant or an owner of Fjord Collective decides."),
    Place("history:publication", "failed", says="Try again"),
    Place("history:publication", "waiting", says="Cancel it"),
    Place("history:after", "draft", says="Update to version 2"),
    Place("history:after", "beside", says="Hand over to the new flow"),
    Place("history:after", "paused", says="Restore what was before"),
    Place("history:after", "busy", says="is under way"),
    Place("performance:workspace", "home", says="version by version"),
    Place("performance:account", "measured_account", says="Who sees these numbers"),
    Place("performance:account", "measured_account", query="?statistic=open_rate&interval=weeks&period=90"),
    Place("performance:flow", "measured_account measured_flow", says="On the canvas"),
    Place("performance:template", "measured_template", says="In the accounts that you see"),
    Place("performance:report", "report", says="As Klaviyo answered it"),
    Place("performance:report", "report_that_waits", says="waits for its turn"),
)
# Doors that are opened with GET and show no page of the site, and why.
NO_PAGE = {
    "account_set_password": "leads to the change of the password",
    "account_confirm_login_code": "leads to the sign-in: it takes no codes",
    "editor:export": "a file",
    "editor:pick": "a part of the editor",
    "editor:styleguide": "for developers: not there otherwise",
    "emails:frame": "somebody's email, in a frame",
    "install:open": "leads to where the install is",
    "install:withdrawn": "only of an install whose version was withdrawn: tests/install/test_pages.py",
    "install:choices": "a part of the page of questions",
    "install:figures": "a part of the page of questions",
    "healthz": "for machines",
    "readyz": "for machines",
    "arrive": "leads to the page of the template flow",
    "install:content": "somebody's email, in a frame",
    "install:shared_content": "somebody's email, in a frame",
    "performance:export": "a file",
    "performance:report_export": "a file",
    "history:attempt": "a file",
    "history:export": "a file",
    "history:audit_export": "a file",
}


# --- The list is whole ----------------------------------------------------------------------------------------------


def test_every_page_of_the_access_table_is_walked():
    doors = {name for name, row in TABLE.items() if row[0] == GET and not name.startswith("api:")}
    assert {place.door for place in PLACES} | NO_PAGE.keys() == doors
    assert not {place.door for place in PLACES} & NO_PAGE.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("door", NO_PAGE)
def test_what_is_called_no_page_is_none(world, door: str):
    url = reverse(door, args=[world.arguments[part] for part in TABLE[door][1]])
    answer = world.clients["owner"].get(url)
    assert answer.status_code in (302, 404) or b'<main id="main"' not in answer.getvalue()


# --- The walk ---------------------------------------------------------------------------------------------------------

# Runs axe and hands back only what is wrong. target-size is of 2.2 AA, and axe leaves it out unless it is asked for.
JUDGE = """async (only) => (await axe.run(document, {
  iframes: false, resultTypes: ["violations"], rules: {"target-size": {enabled: true}}, ...only,
})).violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((it) => it.html.slice(0, 140)).join(" | ")}`)"""
COLOURS = {"runOnly": ["color-contrast"], "rules": {}}
BUT_COLOURS = {
    "rules": {"target-size": {"enabled": True}, "color-contrast": {"enabled": False}}
}  # what takes long
# What reaches out of the window and lies in no box that scrolls by itself.
WIDE = """() => {
  const wide = document.documentElement.scrollWidth;
  const boxed = (it) => it && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(it).overflowX)
    || boxed(it.parentElement));
  const out = [...document.querySelectorAll("main *")].filter((it) => it.checkVisibility()
    && it.getBoundingClientRect().width > 2 && it.getBoundingClientRect().right > innerWidth + 1
    && !boxed(it.parentElement));
  return wide > innerWidth || out.length
    ? `${innerWidth}: ${wide} wide, ${out.slice(0, 3).map((it) => it.outerHTML.slice(0, 100)).join(" | ")}` : "";
}"""
OUTLINE = """() => {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter((it) => it.checkVisibility())
    .map((it) => Number(it.tagName[1]));
  const mains = document.querySelectorAll("main").length, firsts = levels.filter((one) => one === 1).length;
  return mains === 1 && firsts === 1 ? "" : `${mains} main, ${firsts} h1`;
}"""


def look_at(page: Page) -> list[str]:
    """Everything that is wrong with the page as it stands, each in a line."""
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wrong.append(page.evaluate(WIDE))
        if width in (1440, 390):
            rules = {} if width == 1440 else BUT_COLOURS
            wrong += [f"{width}: {one}" for one in page.evaluate(JUDGE, rules)]
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="dark")
    wrong += [f"dark: {one}" for one in page.evaluate(JUDGE, COLOURS)]
    page.emulate_media(color_scheme="light")
    wrong.append(page.evaluate(OUTLINE))
    return [one for one in wrong if one]


def told(found: dict[str, list[str]]) -> str:
    return "\n".join(
        f"{place}\n" + "\n".join(f"    {one}" for one in wrong) for place, wrong in found.items()
    )


@pytest.fixture(scope="module")
def shown(site: Site, in_site: scene.InSite) -> dict[str, Any]:
    return scene.build(site, in_site, partial(scene.whole, site))


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """Motion is off, so that nothing is judged half faded in."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_init_script(path=AXE)
    yield context
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("who", ["nobody", *PEOPLE])
def test_every_page_in_every_state(window: BrowserContext, site: Site, shown: dict[str, Any], who: str):
    desk = open_desk(window, site)
    if who in PEOPLE:
        desk.sign_in(PEOPLE[who])
    page, found = desk.page, {}
    said: list[str] = []
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"script: {error}"))
    for place in PLACES:
        if place.who != who:
            continue
        said.clear()
        address = place.address(shown).format_map(shown)
        answer = page.goto(f"{site.url}{address}")
        wrong = look_at(page)
        if answer is None or answer.status != place.status:
            wrong.append(f"answered {answer and answer.status}")
        if resolve(urlsplit(page.url).path).view_name != place.door:
            wrong.append(f"led to {page.url}")
        if place.says not in page.locator("body").inner_text():
            wrong.append(f"does not say “{place.says}”")
        wrong += [one for one in said if place.status == 200 or f"status of {place.status}" not in one]
        if wrong:
            found[str(place)] = wrong
    assert not found, told(found)


@pytest.mark.browser
def test_every_error_page(window: BrowserContext, site: Site):
    """As they are written, with the site's own styles: not every one of them can be provoked."""
    page, found = window.new_page(), {}
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    assert len(ERRORS) >= 6
    pages = {f"/wrong/{name}": render_to_string(name) for name in ERRORS}
    page.route(
        "**/wrong/*",
        lambda route: route.fulfill(body=pages[urlsplit(route.request.url).path], content_type="text/html"),
    )
    for path in pages:
        page.goto(site.url + path)
        if wrong := look_at(page):
            found[path] = wrong
    assert not found, told(found)
    assert said == []


@pytest.mark.browser
def test_a_page_that_is_not_there_and_one_that_is_not_allowed(window: BrowserContext, site: Site, shown: Any):
    desk = open_desk(window, site)
    desk.sign_in(PEOPLE["follower"])
    for path, status in (("/no/such/page/", 404), (f"/w/{shown['home']}/rollouts/new/", 403)):
        answer = desk.page.goto(site.url + path)
        assert answer is not None
        assert answer.status == status
        assert look_at(desk.page) == []
        desk.page.get_by_role("link", name="Go to the start").click()
        desk.page.wait_for_url(f"{site.url}/")
