"""The pages of health and alerts: whose, what they show, where each line leads; and that secrets are shown once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.budget import spend
from accounts.models import AuditEntry, KlaviyoAccount, Membership, Workspace
from accounts.operations import mark_disconnected
from flowbuilder.models import Alert, Delivery, Listener, Orphan, Rollout
from flowbuilder.operations.library import offer_in_library
from tests import make as rows
from tests.alerts.conftest import listener
from tests.history import make
from tests.history.conftest import World, signed_in, world  # noqa: F401
from tests.history.make import S

NOW = timezone.now()
URL, ALERTS = "/w/harbour/health/", "/w/harbour/alerts/"


@pytest.fixture(autouse=True)
def _at_our_pace(monkeypatch, settings):
    """Nobody is rung, and what was used of a day stays used."""
    settings.KLAVIYO_SPEED = 1.0
    monkeypatch.setattr("flowbuilder.operations.alerts.ring_deliveries", lambda: None)


def text(user, url: str = URL, **headers: str) -> str:
    answer = signed_in(user).get(url, headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def break_all(world: World, number: int = 1) -> None:  # noqa: F811
    """So many of each thing that can be wrong."""
    template = world.partner.template_flows.filter(name="Birthday").first() or make.template(
        world.partner, name="Birthday"
    )
    offer_in_library(version=world.version)
    for index in range(number):
        at = f"{number}{index:03}"
        account = make.account(world.shop, f"X{at}", f"Store {at}")
        install = rows.install(template, account, world.mia)
        type(install).objects.filter(pk=install.pk).update(state="live", live_flow_id=f"F{at}")
        since = NOW - timedelta(days=2)
        install.readings.create(flow_id=f"F{at}", verdict="logic", content_hash="x", since=since)
        Orphan.objects.create(
            account=account, kind="unknown", klaviyo_flow_id=f"O{at}", name="Lost", why="Why."
        )
        spend(account.pk, "POST", "/api/flows", NOW)
        make.publication(world.version, account, world.mia, S.FAILED)
        make.publication(world.version, account, world.mia)
        long_ago, later = NOW - timedelta(hours=20), NOW + timedelta(hours=3)
        make.publication(
            world.version,
            account,
            world.mia,
            S.WAITING,
            created_at=long_ago,
            not_before=later,
            reason="Klaviyo asked us to wait.",
        )
        Rollout.objects.create(
            workspace=world.shop,
            version=world.version,
            name=f"R{at}",
            state="stopped",
            reason="Too many failed.",
        )
        mark_disconnected(account=account, reason="Klaviyo has ended this connection.", now=NOW)


def test_nothing_is_wrong(world: World):  # noqa: F811
    html = text(world.mia)
    assert "All is well" in html
    assert "<b>1</b><span>connected</span>" in html
    assert "Nothing has ended in the last 30 days." in html


def test_where_no_account_is_nothing_is_called_well(world: World):  # noqa: F811
    html = text(world.charlie, "/w/elsewhere/health/")
    assert "No account is connected yet" in html
    assert "All is well" not in html
    assert 'href="/w/elsewhere/accounts/">Connect an account<' in html
    ruth = rows.user("ruth@example.com")
    Membership.objects.create(user=ruth, workspace=Workspace.objects.get(slug="elsewhere"), role="reviewer")
    html = text(ruth, "/w/elsewhere/health/")
    assert 'href="/w/elsewhere/members/">See who can connect one<' in html
    KlaviyoAccount.objects.all().delete()
    assert "Nobody on this site has connected one" in text(world.rowan, "/w/site/health/")


def test_each_line_says_what_is_wrong_and_leads_to_where_one_acts(world: World):  # noqa: F811
    break_all(world)
    html = text(world.mia)
    account = world.shop.owned_accounts.get(klaviyo_id="X1000")
    waiting = world.shop.publications.get(state=S.WAITING)
    install = account.installs.get()
    for part in (
        "<b>1</b><span>disconnected</span>",
        "Klaviyo has ended this connection.",
        f'href="/w/harbour/accounts/#account-{account.pk}">Reconnect<',
        "Klaviyo asked us to wait.",
        "for Store 1000 to be connected again. Reconnect it.",
        f'href="/history/{waiting.pk}/">Open<',
        "Too many failed.",
        f'href="/rollouts/{Rollout.objects.get().pk}/">Open<',
        f'href="/installs/{install.pk}/changes/">See what changed<',
        "/flow/O1000/edit",
        "1 of 100",
        "50 %",
        "need a look",
    ):
        assert part in html, part
    assert re.search(r'outcome=refused&amp;from=[\d-]{10}&amp;template=\d+">Abandoned cart<', html)
    for link in set(re.findall(r'href="(/(?!static)[^"#]*)', html)):
        assert signed_in(world.mia).get(link.replace("&amp;", "&")).status_code in (200, 302), link


def test_everybody_sees_their_own_and_the_operator_all(world: World):  # noqa: F811
    break_all(world)
    assert "Store 1000" in text(world.bob)
    assert "Store 1000" not in text(world.ada, "/w/northwind/health/")
    assert "Store 1000" not in text(world.charlie, "/w/elsewhere/health/")
    html = text(world.rowan, "/w/site/health/")
    account = world.shop.owned_accounts.get(klaviyo_id="X1000")
    for part in ("Store 1000", "Too many failed.", "1 of 100", f'href="/history/?account={account.pk}"'):
        assert part in html, part
    for link in set(re.findall(r'href="(/(?!static)[^"#]*)', html)):
        assert signed_in(world.rowan).get(link.replace("&amp;", "&")).status_code in (200, 302), link
    assert signed_in(world.charlie).get(URL).status_code == 404
    assert signed_in(world.ada).get(URL).status_code == 404


def test_htmx_is_given_the_part(world: World):  # noqa: F811
    html = text(world.mia, **{"HX-Request": "true"})
    assert html.startswith('<div id="health"')
    assert "<html" not in html


def test_as_many_queries_for_many_as_for_few(world: World):  # noqa: F811
    numbers = []
    for more in (2, 12):
        break_all(world, more)
        client = signed_in(world.mia)
        client.get(URL)
        with CaptureQueriesContext(connection) as caught:
            client.get(URL)
        numbers.append(len(caught))
    assert numbers[0] == numbers[1] <= 22


# --- Alerts ------------------------------------------------------------------------------------------------------


def add(world: World, **more):  # noqa: F811
    given = {
        "kind": "webhook",
        "address": "https://alerts.example.com/hook",
        "hears": ["stuck"],
        "pace": "daily",
    }
    return signed_in(world.mia).post(f"{ALERTS}add/", given | more)


def test_the_secret_of_a_webhook_is_shown_once(world: World):  # noqa: F811
    first = add(world).content.decode()
    [secret] = re.findall(r"whsec_[\w-]{43}", first)
    made = Listener.objects.get()
    assert made.secret.reveal() == secret
    assert (made.hears, made.pace, made.workspace) == (["stuck"], "daily", world.shop)
    assert "whsec_" not in text(world.mia, ALERTS)
    again = signed_in(world.mia).post(f"/listeners/{made.pk}/secret/").content.decode()
    [renewed] = re.findall(r"whsec_[\w-]{43}", again)
    made.refresh_from_db()
    assert made.secret.reveal() == renewed != secret


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"address": "http://alerts.example.com/"}, "Only https addresses are used"),
        ({"address": "https://127.0.0.1/"}, "leads into a private network"),
        ({"address": ""}, "This field is required."),
        ({"hears": []}, "This field is required."),
        ({"hears": ["all"]}, "Select a valid choice"),
        ({"kind": "email", "address": "somebody@elsewhere.example"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(world: World, more, says: str):  # noqa: F811
    answer = add(world, **more)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Listener.objects.exists()


def test_an_address_listens_once(world: World):  # noqa: F811
    add(world)
    answer = add(world)
    assert answer.status_code == 422
    assert "listens here already" in answer.content.decode()


def test_a_member_is_mailed_and_what_they_hear_is_changed(world: World):  # noqa: F811
    assert add(world, kind="email", address="mia@example.com").status_code == 302
    made = Listener.objects.get()
    assert made.secret is None
    client = signed_in(world.mia)
    client.post(f"/listeners/{made.pk}/change/", {"hears": ["drift", "failed"], "pace": "at-once"})
    made.refresh_from_db()
    assert (made.hears, made.pace) == (["failed", "drift"], "at-once")
    assert client.post(f"/listeners/{made.pk}/change/", {"hears": [], "pace": "at-once"}).status_code == 422
    client.post(f"/listeners/{made.pk}/test/")
    assert made.deliveries.get().is_test
    assert "A test" in text(world.mia, ALERTS)
    client.post(f"/listeners/{made.pk}/remove/")
    assert not Listener.objects.exists()


def test_from_when_on_it_counts(world: World):  # noqa: F811
    client = signed_in(world.mia)
    assert client.post(f"{ALERTS}limits/", {"failed_above": 5, "stuck_after": 48}).status_code == 302
    limits = world.shop.alert_limits
    assert (limits.failed_above, limits.stuck_after) == (5, 48)
    assert client.post(f"{ALERTS}limits/", {"failed_above": 500, "stuck_after": 0}).status_code == 422


def test_what_was_given_up_is_sent_again(world: World):  # noqa: F811
    hook = listener(world.shop, "https://alerts.example.com/", kind="webhook", secret="whsec_1")
    failed = hook.deliveries.create(state="failed", tries=6, error="The answer was 500.", status=500)
    html = text(world.mia, ALERTS)
    assert "The answer was 500." in html
    assert signed_in(world.charlie).post(f"/deliveries/{failed.pk}/again/").status_code == 404
    assert signed_in(world.bob).post(f"/deliveries/{failed.pk}/again/").status_code == 403
    signed_in(world.mia).post(f"/deliveries/{failed.pk}/again/")
    failed.refresh_from_db()
    assert (failed.state, failed.tries) == (Delivery.State.WAITING, 0)


def test_only_owners(world: World):  # noqa: F811
    Alert.objects.create(workspace=world.shop, kind="stuck", key="x", text="Something waits.", path="/")
    assert "Something waits." in text(world.mia, ALERTS)
    for user, status in ((world.bob, 403), (world.charlie, 404), (world.rowan, 404)):
        assert signed_in(user).get(ALERTS).status_code == status
        assert signed_in(user).post(f"{ALERTS}add/").status_code == status
    assert "Alerts</a>" not in text(world.bob)


def test_who_listens_is_written_down_without_the_address(world: World):  # noqa: F811
    add(world)
    made = Listener.objects.get()
    signed_in(world.mia).post(f"/listeners/{made.pk}/secret/")
    signed_in(world.mia).post(f"/listeners/{made.pk}/remove/")
    written = AuditEntry.objects.filter(workspace=world.shop, act="settings", person=world.mia).order_by("pk")
    assert list(written.values_list("detail", flat=True)) == [
        "Hears of alerts from now on.",
        "Has a new secret.",
        "Hears of alerts no more.",
    ]
    assert "example.com" not in str(list(written.values()))
