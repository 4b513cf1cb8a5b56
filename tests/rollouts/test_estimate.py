"""When it will be done: from the limits of the accounts and the pace, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now as right_now

from accounts.klaviyo.limits import Limits
from flowbuilder.models import Publication
from flowbuilder.publisher.states import S
from flowbuilder.queries.rollouts import Line, lines_of, pace_of, parked_for
from flowbuilder.rollouts.estimate import CREATE, in_words, seconds_in_line, seconds_left
from tests.rollouts.make import accounts, end, planned, sent, started
from tests.rollouts.make import template as offered

SLOW = (0, 0.0)  # no pace was measured


def test_the_limits_are_klaviyos_for_a_new_flow():
    assert Limits("POST /api/flows", 1, 15, 100) == CREATE


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (Line(1), 1),
        (Line(15), 15),
        (Line(16), 60),  # the sixteenth waits for the next minute
        (Line(31), 120),
        (Line(1, minute=15), 60),
        (Line(100), 360),
        (Line(101), 86_400),  # and the hundred and first for the next day
        (Line(1, day=100), 86_400),
        (Line(201, day=100), 3 * 86_400),
    ],
)
def test_a_line_takes_as_long_as_the_slowest_limit(line: Line, seconds: float):
    assert seconds_in_line(line) == seconds


def test_an_endpoint_without_a_daily_limit_waits_for_no_day():
    assert seconds_in_line(Line(1000), Limits("x", 10, 150)) == 360


def test_the_longest_line_decides_when_it_is_slower_than_the_work():
    assert seconds_left([Line(1), Line(31)], left=2, waves=1, pace=SLOW) == 120


def test_many_accounts_go_at_the_pace_that_was_measured():
    assert seconds_left([], left=100, waves=1, pace=(50, 60.0)) == 120


def test_two_that_ended_are_no_pace():
    assert seconds_left([], left=80, waves=1, pace=(2, 1.0)) == 30


def test_each_wave_takes_its_time():
    assert seconds_left([], left=20, waves=20, pace=SLOW) == 60


def test_what_is_parked_for_longer_decides():
    assert seconds_left([Line(31)], left=2, waves=1, pace=SLOW, parked=600) == 600
    assert seconds_left([Line(31)], left=2, waves=1, pace=SLOW, parked=5) == 120


def test_nothing_left_takes_no_time():
    assert seconds_left([Line(50)], left=0, waves=0, pace=SLOW) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "about 1 minute"),
        (240, "about 4 minutes"),
        (5399, "about 90 minutes"),
        (7200, "about 2 hours"),
        (129_599, "about 36 hours"),
        (259_200, "about 3 days"),
    ],
)
def test_in_words(seconds: float, words: str):
    assert in_words(seconds) == words


# --- What is in line ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_lines_count_all_that_waits_in_an_account_in_two_queries(workspace, alice, django_assert_num_queries):
    chosen = accounts(workspace, 3)
    first = started(offered(workspace), alice, chosen, canary=0)
    started(offered(workspace), alice, chosen[:1], canary=0)
    started(offered(workspace), alice, chosen[:1], canary=0)
    with django_assert_num_queries(2):
        assert lines_of(first, right_now()) == [Line(3)]


@pytest.mark.django_db
def test_it_waits_for_the_last_that_is_parked(workspace, alice, django_assert_num_queries):
    one, now = started(offered(workspace), alice, accounts(workspace, 3), canary=0), right_now()
    assert parked_for(one, now) == 0
    for seconds, publication in zip((30, 3600, 90), one.publications.order_by("pk"), strict=True):
        Publication.objects.filter(pk=publication.pk).update(not_before=now + timedelta(seconds=seconds))
    with django_assert_num_queries(1):
        assert parked_for(one, now) == 3600
    assert parked_for(one, now + timedelta(hours=2)) == 0


@pytest.mark.django_db
def test_what_was_sent_lately_counts(workspace, alice):
    chosen = accounts(workspace, 1)
    now = right_now()
    for place in range(12):
        one = sent(started(offered(workspace), alice, chosen, canary=0)).get()
        end(one, S.PUBLISHED)
        ago = timedelta(seconds=30) if place < 2 else timedelta(hours=2)
        Publication.objects.filter(pk=one.pk).update(sent_at=now - ago)
    rollout = planned(offered(workspace), alice, chosen)
    assert lines_of(rollout, now) == [Line(1, minute=2, day=12)]


@pytest.mark.django_db
def test_the_pace_is_of_the_last_minutes(workspace, alice):
    rollout = started(offered(workspace), alice, accounts(workspace, 4), canary=0, wave_size=4)
    for one in sent(rollout)[:3]:
        end(one, S.PUBLISHED)
    later = rollout.judged_from + timedelta(minutes=2)
    assert pace_of(rollout, later) == (3, 120.0)
    assert pace_of(rollout, later + timedelta(minutes=30)) == (0, 300.0)
