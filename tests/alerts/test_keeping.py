"""Each thing that is wrong is one alert, told once to each who listens, and closed when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Grant
from accounts.operations import mark_disconnected
from flowbuilder.alerts.keeping import AGAIN, KEPT, look
from flowbuilder.models import Alert, AlertLimits, Delivery, Rollout, Told
from flowbuilder.operations.library import offer_in_library
from tests import make as rows
from tests.alerts.conftest import listener
from tests.history import make
from tests.history.conftest import World
from tests.history.make import S

NOW = timezone.now()


def open_ones(workspace) -> list[tuple[str, str]]:
    found = Alert.objects.filter(workspace=workspace, closed_at=None).order_by("kind", "key")
    return list(found.values_list("kind", "text"))


def disconnect(world: World) -> None:
    mark_disconnected(account=world.account, reason="Klaviyo has ended this connection.", now=NOW)


def test_an_occurrence_is_told_once_however_long_it_lasts(told: World):
    assert look(NOW) == 0
    disconnect(told)
    for minutes in range(5):
        assert look(NOW + timedelta(minutes=minutes)) == 1
    [alert] = Alert.objects.all()
    assert (alert.kind, alert.text) == (
        "disconnected",
        "Harbour & Pine: disconnected. Klaviyo has ended this connection.",
    )
    assert alert.path == f"/w/harbour/accounts/#account-{told.account.pk}"
    [delivery] = Delivery.objects.all()
    assert [one.alert for one in delivery.told.all()] == [alert]


def test_it_is_closed_when_it_is_over_and_opened_anew_much_later(told: World):
    disconnect(told)
    look(NOW)
    connect = lambda: type(told.account).objects.update(state="connected")  # noqa: E731
    connect()
    assert look(NOW + timedelta(minutes=1)) == 0
    [alert] = Alert.objects.all()
    assert alert.closed_at == NOW + timedelta(minutes=1)

    disconnect(told)  # it flutters: the same occurrence, and nobody is told again
    look(NOW + timedelta(minutes=2))
    [alert] = Alert.objects.all()
    assert alert.closed_at is None
    assert Delivery.objects.count() == 1

    connect()
    look(NOW + timedelta(minutes=3))
    disconnect(told)
    look(NOW + timedelta(minutes=4) + AGAIN)
    assert Alert.objects.count() == Delivery.objects.count() == 2
    connect()
    look(NOW + KEPT * 2)
    look(NOW + KEPT * 4)
    assert Alert.objects.count() == 0


def test_two_who_look_at_the_same_moment_tell_it_once(told: World, monkeypatch):
    """The second one has read before the first one wrote."""
    disconnect(told)
    look(NOW)
    monkeypatch.setattr("flowbuilder.alerts.keeping.Told.objects.filter", lambda **_: Told.objects.none())
    look(NOW)
    assert Delivery.objects.count() == Told.objects.count() == 1


def test_everybody_hears_of_their_own_and_the_operator_of_all(told: World):
    listener(told.partner, "ada@example.com")
    operator = told.rowan.workspaces.get()
    listener(operator, "rowan@example.com")
    disconnect(told)
    look(NOW)
    assert [kind for kind, _ in open_ones(told.shop)] == ["disconnected"]
    assert open_ones(told.partner) == []
    assert [kind for kind, _ in open_ones(operator)] == ["disconnected"]
    assert Alert.objects.get(workspace=operator).path == f"/history/?account={told.account.pk}"
    Grant.objects.create(account=told.account, workspace=told.partner)
    look(NOW)
    assert [kind for kind, _ in open_ones(told.partner)] == ["disconnected"]
    Grant.objects.filter(workspace=told.partner).update(withdrawn_at=NOW)
    look(NOW)
    assert open_ones(told.partner) == []


def test_who_does_not_want_to_hear_of_it_does_not(told: World):
    listener(told.shop, "bob@example.com", hears=["drift", "failed"])
    disconnect(told)
    look(NOW)
    [delivery] = Delivery.objects.all()
    assert delivery.listener.address == "mia@example.com"


def test_where_nobody_listens_any_more_nothing_stays_open(told: World):
    disconnect(told)
    look(NOW)
    told.shop.listeners.all().delete()
    assert look(NOW) == 0
    assert open_ones(told.shop) == []


def test_a_hundred_at_once_are_one_message(told: World):
    for number in range(100):
        account = make.account(told.shop, f"X{number:05}", f"Store {number}")
        mark_disconnected(account=account, reason="Over.", now=NOW)
    look(NOW)
    [delivery] = Delivery.objects.all()
    assert delivery.told.count() == 100


def test_missing_permissions(told: World):
    told.account.api_key = None
    told.account.access_token, told.account.refresh_token = "a", "r"
    told.account.scopes = ["flows:read"]
    told.account.save()
    look(NOW)
    [(kind, text)] = open_ones(told.shop)
    assert kind == "scopes"
    assert "flows:write" in text


@pytest.mark.parametrize(
    ("failed", "fine", "is_told"), [(1, 4, False), (2, 4, True), (4, 0, False), (5, 0, True)]
)
def test_a_share_of_failures(told: World, failed: int, fine: int, is_told: bool):
    """More than 20 in a hundred, of five and more."""
    offer_in_library(version=told.version)
    for index in range(failed):
        make.publication(told.version, told.account, told.mia, (S.FAILED, S.REFUSED)[index % 2])
    for _ in range(fine):
        make.publication(told.version, told.account, told.mia)
    make.publication(told.version, told.account, told.mia, S.FAILED, created_at=NOW - timedelta(days=3))
    look(NOW)
    expected = (
        f"“Abandoned cart”: {failed} of {failed + fine} publications failed or were refused since yesterday."
    )
    assert open_ones(told.shop) == ([("failed", expected)] if is_told else [])
    AlertLimits.objects.create(workspace=told.shop, failed_above=99)
    look(NOW)
    assert bool(open_ones(told.shop)) == (failed == failed + fine >= 5)


def test_work_that_is_stuck_is_told_by_account(told: World):
    reason = "Klaviyo lets this account have 100 new flows a day."
    for hours in (11, 13, 20):
        at = NOW - timedelta(hours=hours)
        make.publication(told.version, told.account, told.mia, S.WAITING, created_at=at, reason=reason)
    look(NOW)
    [(kind, text)] = open_ones(told.shop)
    assert (kind, text) == (
        "stuck",
        f"Harbour & Pine: 2 publications wait, the longest for 20 hours. {reason}",
    )
    AlertLimits.objects.create(workspace=told.shop, stuck_after=15)
    look(NOW + timedelta(minutes=1))
    [(_, text)] = open_ones(told.shop)
    assert text.startswith("Harbour & Pine: a publication waits, the longest for 21 hours.")
    assert Delivery.objects.count() == 1


def test_a_rollout_that_its_rule_stopped(told: World):
    made = Rollout.objects.create(
        workspace=told.shop, version=told.version, name="To all", state="stopped", reason="Too many failed."
    )
    Rollout.objects.create(workspace=told.shop, version=told.version, name="Goes on", state="running")
    look(NOW)
    assert open_ones(told.shop) == [("stuck", "Rollout “To all” has stopped. Too many failed.")]
    assert Alert.objects.get().path == f"/rollouts/{made.pk}/"


@pytest.mark.parametrize("verdict", ["none", "cosmetic", "status", "content", "logic", "gone"])
def test_drift_of_the_kinds_that_matter(told: World, verdict: str):
    install = rows.install(make.template(told.partner, name="Birthday"), told.account, told.mia)
    type(install).objects.update(state="live", live_flow_id="F1")
    reading = install.readings.create(flow_id="F1", verdict=verdict, content_hash="x", at=NOW)
    look(NOW)
    found = [(kind, text) for kind, text in open_ones(told.shop) if kind == "drift"]
    assert bool(found) == (verdict in ("logic", "gone"))
    if found:
        assert found[0][1].startswith("“Birthday” in Harbour & Pine: its ")
        assert Alert.objects.get(kind="drift").path == f"/installs/{install.pk}/changes/"
        reading.accepted_at = NOW
        reading.save(update_fields=["accepted_at"])
        look(NOW)
        assert [kind for kind, _ in open_ones(told.shop)] == []


def test_once_a_day_everything_of_the_day(world: World):
    """At seven, once; nothing where nothing happened; what is over again is told as well."""
    day = datetime.combine(NOW.date(), time(12), tzinfo=UTC)
    listener(world.shop, "mia@example.com", pace="daily", created_at=day - timedelta(hours=3))
    mark_disconnected(account=world.account, reason="Over.", now=day)
    look(day)
    assert Delivery.objects.count() == 0
    type(world.account).objects.update(state="connected")
    look(day + timedelta(hours=1))
    other = make.account(world.shop, "QwE92b", "Kettle & Co")
    mark_disconnected(account=other, reason="Over.", now=day)
    for hours in (2, 18.9, 19, 19.1, 30):
        look(day + timedelta(hours=hours))
    [delivery] = Delivery.objects.all()
    assert delivery.is_digest
    assert delivery.created_at == day + timedelta(hours=19)
    assert {one.alert.closed_at is None for one in delivery.told.select_related("alert")} == {True, False}
    look(day + timedelta(hours=43))
    assert Delivery.objects.count() == 1


def test_as_many_queries_for_many_as_for_few(told: World):
    numbers = []
    for start in (0, 20):
        for number in range(start, start + 10 + start):
            shop = make.workspace(f"shop-{number}")
            listener(shop, f"p{number}@example.com", pace="daily")
            account = make.account(shop, f"X{number:05}", f"Store {number}")
            mark_disconnected(account=account, reason="Over.", now=NOW)
            make.publication(told.version, account, told.mia, S.WAITING, created_at=NOW - timedelta(hours=20))
        look(NOW)
        with CaptureQueriesContext(connection) as caught:
            assert look(NOW) >= 2 * 10
        numbers.append(len(caught))
    assert numbers[0] == numbers[1] <= 18
