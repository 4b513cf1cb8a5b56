"""Lanes: one after the other in an account, none waiting for another; bells that are not rung twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from accounts.budget import MustWait
from flowbuilder import tasks
from flowbuilder.models import Lane, Publication, Rollout
from flowbuilder.publisher import lanes, publish
from flowbuilder.publisher.publish import Ran
from flowbuilder.publisher.states import next_due
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(workspace):
    return make.template(workspace).current_version


@pytest.fixture
def accounts(workspace):
    return [make.account(workspace, f"Acc{number:03}") for number in range(3)]


@pytest.fixture
def asked(workspace, version):
    def ask(account, **more) -> Publication:
        return Publication.objects.create(
            workspace=workspace, version=version, account=account, flow_name="Test", **more
        )

    return ask


@pytest.fixture
def ran(monkeypatch) -> list[int]:
    """The publications that were worked on, in order; each is published at once."""
    done: list[int] = []

    def run_next(account_id: int, at: datetime, **more) -> Ran | None:
        pk = next_due(account_id, at)
        if pk is None:
            return None
        done.append(pk)
        Publication.objects.filter(pk=pk).update(state="preparing")
        Publication.objects.filter(pk=pk).update(state="sending")
        Publication.objects.filter(pk=pk).update(state="verifying")
        Publication.objects.filter(pk=pk).update(state="published")
        return Ran("published")

    monkeypatch.setattr(publish, "run_next", run_next)
    return done


@pytest.fixture
def rung(monkeypatch) -> list[tuple]:
    heard: list[tuple] = []
    monkeypatch.setattr(
        tasks.run_lane,
        "apply_async",
        lambda args, countdown, queue: heard.append((*args, countdown, queue)),
    )
    return heard


def test_all_of_an_account_in_order_people_first(asked, accounts, workspace, version, ran):
    rollout = Rollout.objects.create(workspace=workspace, version=version, name="All")
    pks = [asked(accounts[0], rollout=rollout).pk, asked(accounts[0]).pk, asked(accounts[0]).pk]
    other = asked(accounts[1])
    assert lanes.run_lane(accounts[0].pk) is None
    assert ran == [pks[1], pks[2], pks[0]]
    other.refresh_from_db()
    assert other.state == "asked"


def test_one_worker_at_a_time(asked, accounts, ran):
    asked(accounts[0])
    Lane.objects.create(account=accounts[0], lease_until=now() + timedelta(minutes=1), turn=7)
    assert lanes.run_lane(accounts[0].pk) is None
    assert ran == []
    Lane.objects.update(lease_until=now() - timedelta(seconds=1))
    lanes.run_lane(accounts[0].pk)
    assert len(ran) == 1, "a worker that died does not close the lane"


def test_a_short_wait_closes_the_lane_until_then_and_rings_again(asked, accounts, monkeypatch, rung):
    until = now() + timedelta(seconds=9)
    asked(accounts[0])
    monkeypatch.setattr(publish, "run_next", lambda *given, **more: Ran("preparing", until))
    tasks.run_lane(accounts[0].pk)
    [(account_id, queue, countdown, sent_to)] = rung
    assert (account_id, queue, sent_to) == (accounts[0].pk, "celery", "celery")
    assert 7 < countdown <= 9
    assert lanes.run_lane(accounts[0].pk) == until, "too early: it says when"
    assert lanes.due_lanes(now(), 10) == []
    assert lanes.due_lanes(until + timedelta(minutes=2), 10) == [(accounts[0].pk, True)]


def test_a_turn_ends_so_that_others_have_theirs(asked, accounts, ran):
    first, second = asked(accounts[0]), asked(accounts[0])
    time = iter([now() + timedelta(seconds=15 * step) for step in range(20)])
    again = lanes.run_lane(accounts[0].pk, clock=lambda: next(time))
    assert ran == [first.pk]
    assert again is not None, "there is more to do"
    lanes.run_lane(accounts[0].pk, clock=lambda: now() + timedelta(minutes=9))
    assert ran == [first.pk, second.pk]


def test_what_is_asked_while_a_lane_is_left_is_not_forgotten(asked, accounts, ran, monkeypatch):
    asked(accounts[0])
    tidy = lanes._tidy

    def ask_meanwhile(*args) -> None:
        tidy(*args)
        asked(accounts[0])

    monkeypatch.setattr(lanes, "_tidy", ask_meanwhile)
    assert lanes.run_lane(accounts[0].pk) is not None


def test_a_bell_is_rung_once_until_it_is_heard(accounts, rung):
    tasks.ring(accounts[0].pk)
    tasks.ring(accounts[0].pk)
    assert len(rung) == 1
    lanes.run_lane(accounts[0].pk)
    tasks.ring(accounts[0].pk)
    assert len(rung) == 2
    Lane.objects.update(rung_at=now() - timedelta(minutes=2))
    tasks.ring(accounts[0].pk)
    assert len(rung) == 3, "a lost message does not silence the lane"


def test_the_sweeper_finds_what_the_broker_lost(asked, accounts, workspace, version, rung):
    rollout = Rollout.objects.create(workspace=workspace, version=version, name="All")
    asked(accounts[0], rollout=rollout)
    asked(accounts[1])
    asked(accounts[2], not_before=now() + timedelta(hours=1))
    assert tasks.sweep_publications() == 2
    assert [(one[0], one[3]) for one in rung] == [(accounts[1].pk, "celery"), (accounts[0].pk, "rollouts")]
    assert tasks.sweep_publications() == 0, "under way"


def test_a_broker_that_is_down_loses_nothing(asked, accounts, monkeypatch):
    def fail(*args, **more):
        raise OSError("no broker")

    monkeypatch.setattr(tasks.run_lane, "apply_async", fail)
    asked(accounts[0])
    tasks.ring(accounts[0].pk)
    assert lanes.due_lanes(now(), 10) == [(accounts[0].pk, True)], "the sweeper waits for no message"


def test_a_long_wait_parks_the_row_and_the_others_go_on(asked, accounts, monkeypatch):
    """The hundred of the day are used: that one says until when, a change of status may pass."""
    first, second = asked(accounts[0]), asked(accounts[0])
    tomorrow = now() + timedelta(hours=9)
    seen = []

    def work(publication, client_for, known):
        seen.append(publication.pk)
        publish.move(publication, "preparing")
        raise MustWait(tomorrow, "This account had its hundred flows of today.")

    monkeypatch.setattr(publish, "_work", lambda *given: _caught(work, *given))
    assert lanes.run_lane(accounts[0].pk) is None
    assert seen == [first.pk, second.pk]
    first.refresh_from_db()
    assert (first.state, first.not_before) == ("waiting", tomorrow)
    assert "hundred flows of today" in first.reason


def _caught(work, publication, *given):
    try:
        work(publication, *given)
    except MustWait as wait:
        return publish._wait(publication, wait)
