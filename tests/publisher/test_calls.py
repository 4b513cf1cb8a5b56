"""A call of a publication: what the account's limits let through, and what each outcome costs of them."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts import budget
from accounts.budget import MustWait
from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError, NotFound, NotSent, Refused, Throttled, Unknown
from accounts.models import Allowance
from flowbuilder.models import Attempt, Publication
from flowbuilder.publisher import publish
from flowbuilder.publisher.calls import MOMENT, Calls
from flowbuilder.sandbox.testing import RunningSandbox
from tests import make

pytestmark = pytest.mark.django_db
TAGS = ("GET", "/api/tags")  # 3 a second, 60 a minute
SLOW = 0.001  # a second lasts a quarter of an hour: nothing opens again while a test runs


@pytest.fixture
def publication(workspace, account):
    version = make.template(workspace).current_version
    return Publication.objects.create(
        workspace=workspace, version=version, account=account, flow_name="Test", attempt_number=1
    )


@pytest.fixture
def calls(publication, settings) -> Calls:
    settings.KLAVIYO_SPEED = SLOW
    return Calls(publication, client_for(publication.account), is_first=True)


def spent() -> int:
    row = Allowance.objects.filter(endpoint=" ".join(TAGS)).first()
    return sum(calls for _, calls in row.log) if row else 0


def test_a_call_that_has_to_wait_is_no_attempt_and_is_not_sent(calls, klaviyo):
    for _ in range(3):
        calls.call("look-tag", *TAGS)
    with pytest.raises(MustWait, match="3 calls of GET /api/tags a second") as told:
        calls.call("look-tag", *TAGS)
    assert told.value.until > now()
    assert calls.publication.attempts.count() == 3
    assert sum(one["path"] == TAGS[1] for one in klaviyo.requests()) == 3
    calls.call("look-flow", "GET", "/api/flows")


def test_all_publications_of_an_account_share_its_limits(calls, publication, workspace):
    for _ in range(3):
        calls.call("look-tag", *TAGS)
    other = Publication.objects.create(
        workspace=workspace, version=publication.version, account=publication.account, flow_name="Other"
    )
    with pytest.raises(MustWait):
        Calls(other, client_for(other.account), is_first=True).call("look-tag", *TAGS)
    assert not other.attempts.exists()


def test_the_row_says_done_before_the_limits_are_looked_at_again(calls, monkeypatch):
    """If that fails, what was done is known all the same."""

    def fail(*given):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(budget, "settle", fail)
    with pytest.raises(RuntimeError):
        calls.call("look-tag", *TAGS)
    assert calls.publication.attempts.get().outcome == Attempt.Outcome.DONE


@pytest.mark.parametrize(
    ("fault", "error", "costs"),
    [
        ({"kind": "status", "status": 404}, NotFound, 1),
        ({"kind": "status", "status": 400}, Refused, 1),
        ({"kind": "status", "status": 500}, Unknown, 1),
        ({"kind": "after_reset"}, Unknown, 1),
        ({"kind": "status", "status": 429, "retry_after": 50}, Throttled, 0),
    ],
)
def test_what_may_have_arrived_counts_and_what_was_throttled_does_not(calls, klaviyo, fault, error, costs):
    klaviyo.fault(fault.pop("kind"), *TAGS, **fault)
    with pytest.raises(error):
        calls.call("look-tag", *TAGS)
    assert spent() == costs


def test_what_never_left_us_does_not_count(calls, monkeypatch):
    def fail(*given, **more):
        raise NotSent("Klaviyo could not be reached, so nothing was sent.")

    monkeypatch.setattr(calls.client, "call", fail)
    for _ in range(10):
        with pytest.raises(NotSent):
            calls.call("look-tag", *TAGS)
    assert spent() == 0
    assert set(calls.publication.attempts.values_list("outcome", flat=True)) == {Attempt.Outcome.NOT_SENT}


def test_after_a_429_nothing_is_sent_there_before_it_said_so(calls, klaviyo):
    klaviyo.fault("status", *TAGS, status=429, retry_after=50)
    with pytest.raises(Throttled):
        calls.call("look-tag", *TAGS)
    with pytest.raises(MustWait, match="Klaviyo asked us to wait") as told:
        calls.call("look-tag", *TAGS)
    assert timedelta(seconds=45) < told.value.until - now() <= timedelta(seconds=50)
    assert sum(one["path"] == TAGS[1] for one in klaviyo.requests()) == 1
    calls.call("look-flow", "GET", "/api/flows")


def test_no_429_is_caused_by_us(publication, settings):
    """The pretend Klaviyo counts strictly; a minute of it lasts two seconds here."""
    speed = 30
    settings.KLAVIYO_SPEED = speed
    with RunningSandbox(limits=True, speed=speed) as klaviyo:
        settings.KLAVIYO_BASE_URL = klaviyo.url
        calls = Calls(publication, client_for(publication.account), is_first=True)
        started, waits = time.monotonic(), 0
        while publication.attempts.count() < 40:  # the limits: 15 a minute and 1 a second
            try:
                calls.call("check-account", "GET", "/api/accounts")
            except MustWait as wait:
                waits += 1
                time.sleep(max(0, (wait.until - now()).total_seconds()))
        took = (time.monotonic() - started) * speed
        statuses = [one["status"] for one in klaviyo.requests()]
    assert statuses == [200] * 40
    assert took >= 129, "the limits' own time, or the test tests nothing"
    assert waits < 80, "who waits is told the right moment"


def test_the_last_moment_of_a_wait_is_spent_where_all_is_ready(calls, klaviyo, settings):
    settings.KLAVIYO_SPEED = 5  # a second lasts a fifth of ours
    for _ in range(3):
        calls.call("look-tag", *TAGS)
    with pytest.raises(MustWait) as told:
        budget.spend(calls.publication.account_id, *TAGS, now())
    opens = told.value.until
    assert timedelta(0) < opens - now() < MOMENT
    calls.call("look-tag", *TAGS)
    last = calls.publication.attempts.latest("number")
    assert opens - timedelta(milliseconds=1) <= last.started_at, "not before it opens"


def test_a_worker_comes_a_moment_before_a_wait_is_over(publication):
    """Once: what must wait to the end is not looked at again and again."""
    until = now() + timedelta(seconds=5)
    assert publish._wait(publication, MustWait(until, "15 a minute.")) == until - publish.AHEAD
    assert Publication.objects.get().not_before == until - publish.AHEAD
    soon = now() + publish.AHEAD
    assert publish._wait(publication, MustWait(soon, "An answer was lost.")) == soon


def test_errors_say_nothing_of_limits_that_were_not_reached(calls, klaviyo):
    klaviyo.fault("status", *TAGS, status=503)
    with pytest.raises(KlaviyoError):
        calls.call("look-tag", *TAGS)
    calls.call("look-tag", *TAGS)
    assert Allowance.objects.get(endpoint=" ".join(TAGS)).blocked_until is None
