"""A workspace in the running demo with something in every state that a page can show. Built once, by rows.

`shops` are known to the pretend Klaviyo as well, with a key each: what is published to them really lands there. What
is done to a flow by hand in Klaviyo is `edit`.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.test import override_settings
from django.utils.timezone import now as right_now
from playwright.sync_api import Page, expect
from rest_framework.authtoken.models import Token

from accounts.catalog import read_catalog
from accounts.members import link_to
from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.models import (
    Email,
    Install,
    Lane,
    Measuring,
    Publication,
    Report,
    Review,
    Rollout,
    TemplateFlow,
)
from flowbuilder.operations import after
from flowbuilder.operations.installs import answer_question, confirm_install, find_answers, open_questions
from flowbuilder.operations.library import offer_in_library
from flowbuilder.operations.proposals import propose
from flowbuilder.operations.rollouts import cancel_rollout, pause_rollout
from flowbuilder.publisher import publish
from flowbuilder.publisher.approving import ask_for
from flowbuilder.publisher.readings import read_install
from flowbuilder.publisher.states import move
from flowbuilder.sandbox import seed
from flowbuilder.sandbox.store import Store
from tests import make
from tests.browser.conftest import Desk, Site
from tests.hands import put_action_in, take_action_out
from tests.history import make as history
from tests.install.make import offer
from tests.performance import make as numbers
from tests.publisher.versions import PAUSE, another_trigger, everything, next_version
from tests.rollouts import make as rollouts

InSite = Callable[[Callable[[], Any]], Any]
LONG = "Abandoned checkout reminder for returning VIP customers in German-speaking markets, with texts where allowed"
FOUND = [
    {"id": "AaAaA1", "name": "Abandoned cart", "created": "2026-11-20T10:00:00+00:00"},
    {"id": "BbBbB2", "name": "Abandoned cart", "created": "2026-11-20T10:00:04+00:00"},
]


def person(email: str, name: str, *places: tuple[Workspace, str]) -> User:
    """Signs in with the demo's password: tests hash otherwise than the site."""
    password = User.objects.get(email="ada@northwind.example").password
    user = User.objects.create(email=email, name=name, password=password)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    for workspace, role in places:
        Membership.objects.create(user=user, workspace=workspace, role=role)
    return user


def room(slug: str, name: str, owner: str) -> tuple[Workspace, User]:
    """A partner's workspace and its owner, who signs in as first-name@slug.example."""
    home = Workspace.objects.create(slug=slug, name=name, kind=Workspace.Kind.PARTNER)
    email = f"{owner.split()[0].lower()}@{slug}.example"
    return home, person(email, owner, (home, Membership.Role.OWNER))


def key_of(klaviyo_id: str) -> str:
    """The key of one of our `shops`."""
    return f"pk_sandbox_{klaviyo_id.lower()}"


def shops(site: Site, owner: Workspace, names: Iterable[str]) -> list[KlaviyoAccount]:
    """Connected accounts of these names, in the pretend Klaviyo too, each with metrics, lists and templates."""
    store, made = Store(site.database.parent / "sandbox.sqlite3", time.time), []
    for name in names:
        number = store.row("select count(*) as so_far from account")["so_far"]
        id = f"Shop{number:02}"
        about = {**seed.ACCOUNTS[seed.ORCHARD], "public_api_key": id}
        about["contact_information"] = {**about["contact_information"], "organization_name": name}
        seed.ACCOUNTS[id] = about
        with store.transaction():
            store.run("insert into account values (?, ?, ?, ?)", id, number, key_of(id), json.dumps(about))
            seed.fill_account(store, id)
        account = KlaviyoAccount.objects.create(
            klaviyo_id=id,
            name=name,
            owner=owner,
            api_key=key_of(id),
            sender_email="hello@orchardlane.example",
            sender_name=name,
        )
        Grant.objects.create(account=account, workspace=owner, can_publish=True, can_report=True)
        made.append(account)
    store.close()
    return made


def template(workspace: Workspace, document: dict[str, Any], name: str) -> TemplateFlow:
    """Offered to this workspace alone: the other tests' libraries stay as they are."""
    return offer(workspace, {**document, "name": name}, visibility=TemplateFlow.Visibility.WORKSPACE)


def install(template: TemplateFlow, account: KlaviyoAccount, by: User) -> Install:
    """Every question answered."""
    read_catalog(account)
    made = make.install(template, account, by)
    find_answers(install=made)
    if "sender" in {one.key for one in open_questions(made)}:
        sender = {"email": account.sender_email, "label": account.name}
        answer_question(install=made, key="sender", value=sender)
    return made


def landed(template: TemplateFlow, account: KlaviyoAccount, by: User) -> Install:
    """In the account, as a draft."""
    made = install(template, account, by)
    finish(confirm_install(install=made, by=by))
    made.refresh_from_db()
    return made


def hello(workspace: Workspace, name: str) -> TemplateFlow:
    """[list] -> <wait 4 h> -> [text]: it asks for nothing but the list."""
    document = rollouts.newsletter()
    wait, text = document["definition"]["actions"]
    wait["data"]["value"], text["data"]["message"]["body"] = 4, "Hello"
    document["requirements"] = document["requirements"][:1]
    return template(workspace, document, name)


def finish(publication: Publication) -> Publication:
    """To its end, by this process or by the site's worker, whoever is faster."""
    until = time.monotonic() + 20
    while publication.is_open:
        assert time.monotonic() < until, (publication.state, publication.reason)
        publish.run(publication.pk)
        publication.refresh_from_db()
        time.sleep(0.02)
    assert publication.state == Publication.State.PUBLISHED, publication.reason
    return publication


def build(site: Site, in_site: InSite, make_it: Callable[[], Any]) -> Any:
    """What a function makes in the demo, with the demo's Klaviyo; nobody is rung for."""

    def unheard() -> Any:
        made = make_it()
        Lane.objects.update(rung_at=None)  # its messages reach nobody: the site must not wait for them
        return made

    with override_settings(KLAVIYO_BASE_URL=site.klaviyo, CELERY_BROKER_URL="memory://"):
        return in_site(unheard)


# --- By hand in Klaviyo -------------------------------------------------------------------------------------------


def call(site: Site, key: str, method: str, path: str, body: Any = None) -> Any:
    """The pretend Klaviyo's answer to the holder of an account's key."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Klaviyo-API-Key {key}", "revision": "2026-10-15"}
    headers["Content-Type"] = "application/json" if path.startswith("/_") else "application/vnd.api+json"
    request = urllib.request.Request(site.klaviyo + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def messages(site: Site, key: str, flow_id: str) -> dict[str, dict[str, Any]]:
    """The actions of a flow that send something, by the first words of their names."""
    held = call(site, key, "GET", f"/api/flows/{flow_id}?additional-fields%5Bflow%5D=definition")
    found = held["data"]["attributes"]["definition"]["actions"]
    return {one["data"]["message"]["name"].split(":")[0]: one for one in found if "message" in one["data"]}


def edit(site: Site, key: str, action: dict[str, Any], **message: Any) -> None:
    """What the owner of an account changes in a message."""
    data = {**action["data"], "message": {**action["data"]["message"], **message}}
    attributes = {"definition": {**action, "data": data}}
    body = {"data": {"type": "flow-action", "id": action["id"], "attributes": attributes}}
    call(site, key, "PATCH", f"/api/flow-actions/{action['id']}", body)


# --- What people do in more than one story --------------------------------------------------------------------------

WORKER = 120_000  # milliseconds for what a worker does, on a machine with much else to do


def done(page: Page) -> None:
    """The publication that the page shows has come to its end."""
    expect(page.locator("#publication .chip").first).to_have_text("Published", timeout=WORKER)


def begin_install(page: Page, name: str) -> None:
    """From any page to the questions of a template flow, or to their end; the workspace has one account."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Library").click()
    page.get_by_role("link", name=re.compile(name)).first.click()
    page.get_by_role("button", name="Install").first.click()
    page.wait_for_url(re.compile("/(connect|answers|preview)/"))
    if "/connect/" in page.url:
        page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile("/(answers|preview)/"))


def landed_flow(page: Page) -> tuple[str, str]:
    """(id in Klaviyo, install) of what the page of an install follows."""
    see = page.get_by_role("link", name="See it in Klaviyo")
    expect(see).to_be_visible(timeout=WORKER)
    found = re.search(r"/installs/(\d+)/", page.url)
    assert found
    return (see.get_attribute("href") or "").rstrip("/").split("/")[-2], found[1]


def say_yes(desk: Desk, name: str, seen: Callable[[], None] = lambda: None) -> None:
    """The reviewer, signed in, lets everybody see what is offered under this name; `seen` looks at it before."""
    page = desk.page
    page.goto(f"{desk.site.url}/reviews/")
    page.get_by_role("link", name=re.compile(name)).first.click()
    expect(page.locator("main")).to_contain_text("May everybody see it?")
    seen()
    page.get_by_role("button", name="Yes, show it").click()
    expect(page.locator("main")).to_contain_text("You said yes")


# --- The whole scene ----------------------------------------------------------------------------------------------


def whole(site: Site) -> dict[str, Any]:
    """name -> what stands in an address: a pk, a slug, a key."""
    home, nora = room("fjord", "Fjord Collective", "Nora Lind")
    person("odd@fjord.example", "Odd Berg", (home, Membership.Role.DESIGNER))
    person("siv@fjord.example", "Siv Moe", (home, Membership.Role.REVIEWER))
    person("new@fjord.example", "Newcomer")
    Token.objects.create(user=nora)
    later = right_now() + timedelta(days=9)
    eva = home.invitations.create(email="eva@fjord.example", role="designer", by=nora, expires_at=later)
    stores = shops(site, home, ("Fjord Outdoor", "Nordlys", "Skog & Sjø", "Havn", LONG))
    shown: dict[str, Any] = {"home": home.slug, "none": "no-such-key", "uid": "1"}
    shown["invited"] = link_to(eva).split("/")[-2]
    shown |= designs(home, nora, stores)
    shown |= flows_that_landed(home, nora, stores)
    shown |= publications(home, nora, stores[4])
    alerts(home)
    with transaction.atomic():  # the site's worker sees none of it half made
        shown |= roll(home, nora)
    return shown


def designs(home: Workspace, nora: User, stores: list[KlaviyoAccount]) -> dict[str, Any]:
    cart = template(home, make.starter("1-abandoned-cart"), LONG)
    begun = make.install(cart, stores[4], nora)
    begun.account = None
    begun.save()
    asking = template(home, make.starter("1-abandoned-cart"), "Asks much")
    answered = install(asking, stores[3], nora)
    return {
        "flow": cart.flow.pk,
        "shop": stores[0].pk,
        "second": 2,
        "review": Review.objects.earliest("pk").pk,
        "template": cart.slug,
        "email": Email.objects.filter(workspace=home).latest("pk").pk,
        "begun": begun.pk,
        "answered": answered.pk,
    }


def measured(install: Install, by: User) -> dict[str, Any]:
    """Numbers of its flow, by rows: the site's own clock finds nothing to do. It landed long enough ago to have some of
    its version, too."""
    account = install.account
    assert account is not None
    install.publications.filter(kind="create").update(ended_at=right_now() - timedelta(days=50))
    Measuring.objects.filter(account=account).delete()
    Report.objects.filter(account=account).delete()
    about = {"name": install.template_flow.name, "ours": True, "metrics": []}
    numbers.measured(account, {install.live_flow_id: about})
    Measuring.objects.filter(account=account).update(chosen_at=right_now(), chosen_by=by)
    for step in install.step_map.values():
        if step.get("message"):
            numbers.flow(account, install.live_flow_id, step["message"])
    week = {"account": account, "metric_id": numbers.METRIC, "groups": "flow_id,flow_message_id,send_channel"}
    asked = Report.objects.create(**week, frame="last_week", asked_by=by, collected_at=right_now())
    row = numbers.figure(account, "last_week", install.live_flow_id, "M", numbers.today(), numbers.DAY)
    row.groups = asked.groups
    row.save()
    waiting = Report.objects.create(**week, frame="last_year", asked_by=by)
    return {
        "measured_account": account.pk,
        "measured_flow": install.live_flow_id,
        "measured_template": install.template_flow.slug,
        "report": asked.pk,
        "report_that_waits": waiting.pk,
    }


def flows_that_landed(home: Workspace, nora: User, stores: list[KlaviyoAccount]) -> dict[str, Any]:
    """A draft with a newer version, one that takes a flow beside it, one being changed, one that was removed."""
    draft = landed(template(home, make.starter("1-abandoned-cart"), "Cart, newer"), stores[0], nora)
    offer_in_library(version=next_version(draft, everything))
    beside = landed(template(home, make.starter("1-abandoned-cart"), "Cart, beside"), stores[1], nora)
    offer_in_library(version=(next_one := next_version(beside, another_trigger)))
    finish(after.ask_for_successor(install=beside, by=nora, version=next_one))
    moving = landed(template(home, make.starter("1-abandoned-cart"), "Cart, paused"), stores[2], nora)
    before = {"flow": moving.live_flow_id, "status": "draft", "pause": True, "before": {"flow": "live"}}
    history.publication(moving.version, stores[2], nora, kind="status", wanted=before, install=moving)
    busy = landed(template(home, make.starter("1-abandoned-cart"), "Cart, busy"), stores[3], nora)
    under_way = after.ask_for_pause(install=busy, by=nora)
    make.bring(
        under_way, "waiting", not_before=right_now() + timedelta(hours=3), reason="Klaviyo asked us to wait."
    )
    return {
        "draft": draft.pk,
        "beside": beside.pk,
        "paused": moving.pk,
        "busy": busy.pk,
        "proposal": proposed(home, nora, stores[0]),
        **measured(draft, nora),
    }


def proposed(home: Workspace, nora: User, account: KlaviyoAccount) -> int:
    """A step that came in and one that went, offered to those who design the flow."""
    install = landed(template(home, make.starter("1-abandoned-cart"), "Cart, changed"), account, nora)
    take_action_out(account, install.step_map["text-1"]["action"])
    anchor = {"id": install.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    put_action_in(account, {**PAUSE, "temporary_id": "own"}, anchor)
    reading = read_install(install)
    assert reading is not None
    ids = [one["id"] for one in reading.differences]
    return propose(install=install, by=nora, reading_id=reading.pk, ids=ids, note="People liked it.").pk


def publications(home: Workspace, nora: User, account: KlaviyoAccount) -> dict[str, Any]:
    version = history.version(home, "Abandoned cart, read", by=nora)
    far = {"not_before": right_now() + timedelta(hours=3)}
    of = partial(history.publication, version, account, nora)
    refused = of("refused", refusals=history.REFUSALS, reason="Klaviyo refused it.", flow_name=LONG)
    lost = of("unknown", wanted={"found": FOUND}, reason="Several flows look like it.", **far)
    sealed = of("verifying", **far)
    move(sealed, "published")
    asked = of("asked", needs_approval=True, flow_name=LONG, **far)
    ask_for(asked, [home])
    return {
        "published": of("published").pk,
        "sealed": sealed.pk,
        "refused": refused.pk,
        "lost": lost.pk,
        "failed": of("failed", reason="The connection to Klaviyo is broken.").pk,
        "asked": asked.approvals.get().pk,
        "waiting": of("waiting", reason="This account has used what it may today.", **far).pk,
    }


def alerts(home: Workspace) -> None:
    """Somebody who is mailed, a webhook, and a message in each state; one alert that is open."""
    found = {"hears": ["disconnected", "stuck"], "pace": "at-once"}
    home.listeners.create(kind="email", address="nora@fjord.example", **found)
    hook = home.listeners.create(kind="webhook", address="https://alerts.example.com/" + "a" * 60, **found)
    hook.deliveries.create(is_test=True, state="sent", status=204, tries=1)
    hook.deliveries.create(state="failed", status=500, tries=6, error="The answer was 500.")
    later = right_now() + timedelta(hours=3)
    hook.deliveries.create(error="Nobody answered (ConnectError).", tries=2, not_before=later)


def roll(home: Workspace, nora: User) -> dict[str, Any]:
    """A rollout in each state, of accounts that only we know: nothing of them is ever due, so that nobody calls."""
    hello = template(home, rollouts.newsletter(), "Newsletter hello")
    number = iter(range(0, 10_000, 100))

    def some(many: int, **more: Any) -> list[KlaviyoAccount]:
        return rollouts.accounts(home, many, first=next(number), **more)

    def begin(many: int, **how: Any) -> Rollout:
        return rollouts.started(hello, nora, some(many), **how)

    dry = rollouts.planned(hello, nora, [*some(3), *some(2, lists=("Gazette",)), *_disconnected(some(1))])
    asks = dry.choices.filter(fit="asks").first()
    assert asks is not None

    going = begin(9, canary=2, wave_size=4)
    rollouts.end_wave(going, "published")
    _hold(going)
    paused = begin(5, canary=1, wave_size=3)
    rollouts.end_wave(paused, "published")
    pause_rollout(rollout=paused, by=nora, now=right_now())
    stopped = begin(5, canary=1)
    rollouts.end_wave(stopped, "refused")
    finished = begin(4, canary=0, wave_size=10, stop_above=100)
    rollouts.end_wave(finished, "published")
    mixed = begin(6, canary=0, wave_size=10, stop_above=100)
    rollouts.end_wave(mixed, "failed", "refused", "published")
    given_up = rollouts.planned(hello, nora, some(2))
    cancel_rollout(rollout=given_up, by=nora, now=right_now())
    Rollout.objects.filter(pk=dry.pk).update(name=LONG)
    return {
        "version": hello.current_version_id,
        "dry": dry.pk,
        "asks": asks.pk,
        "going": going.pk,
        "stands": paused.pk,
        "stopped": stopped.pk,
        "finished": finished.pk,
        "mixed": mixed.pk,
        "given_up": given_up.pk,
    }


def _disconnected(accounts: list[KlaviyoAccount]) -> list[KlaviyoAccount]:
    for one in accounts:
        one.state, one.state_reason = "disconnected", "The key was taken back in Klaviyo."
        one.api_key, one.disconnected_at = "", right_now()
        one.save()
    return accounts


def _hold(rollout: Rollout) -> None:
    """The wave under way as it is in the middle of it: one being sent, one waiting, one failed, one done."""
    first, second, third, fourth = rollouts.sent(rollout).filter(state="asked")
    make.bring(first, "sending", lease_until=right_now() + timedelta(hours=3))
    make.bring(
        second, "waiting", not_before=right_now() + timedelta(hours=3), reason="Klaviyo asked us to wait."
    )
    rollouts.end(third, "published")
    rollouts.end(fourth, "failed", "The connection to Klaviyo is broken.")
