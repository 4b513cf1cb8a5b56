"""Limits obeyed before sending: never a call too many, whatever the server's windows, the workers or the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rounds
from hypothesis import strategies as st

from accounts import budget
from accounts.budget import MustWait, opens_at, settle, spend, throttled
from accounts.models import Allowance
from tests import make

pytestmark = pytest.mark.django_db
FLOWS = ("POST", "/api/flows")  # 1 a second, 15 a minute, 100 a day
LISTS = ("GET", "/api/lists")  # 75 a second, 750 a minute
START = datetime(2026, 11, 21, 23, 59, 30, tzinfo=UTC)  # half a minute before midnight


@pytest.fixture(autouse=True)
def _real_time(settings):
    settings.KLAVIYO_SPEED = 1


@pytest.fixture
def account(workspace):
    return make.account(workspace)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def call(account, when: float, took: float = 0.01, what=FLOWS, headers=None) -> None:
    settle(spend(account.pk, *what, at(when)), headers or {}, at(when + took))


def refused_until(account, when: float, what=FLOWS) -> float:
    with pytest.raises(MustWait) as told:
        spend(account.pk, *what, at(when))
    return (told.value.until - START).total_seconds()


def go(account, when: float, times: int) -> list[float]:
    """So many calls, each as soon as it may be made. When each was made."""
    made = []
    while len(made) < times:
        try:
            call(account, when)
            made.append(when)
        except MustWait as wait:
            when = max(when + 0.001, (wait.until - START).total_seconds())
    return made


def test_one_a_second_then_fifteen_a_minute(account):
    made = go(account, 0, 17)
    assert made[14] == pytest.approx(14, abs=0.6), "fifteen at one a second"
    assert made[15] == pytest.approx(60, abs=0.2), "and the next when the first is a minute old"
    assert made[16] == pytest.approx(61, abs=0.3)


def test_a_hundred_a_day_also_over_midnight(account):
    row = Allowance.objects.create(account=account, endpoint="POST /api/flows")
    row.log = [[at(-3600).timestamp() + second, 1] for second in range(100)]
    row.save()
    with pytest.raises(MustWait, match="100 new flows a day") as told:
        spend(account.pk, *FLOWS, at(0))
    assert told.value.until == at(-3600 + 86_400)


def test_accounts_and_endpoints_do_not_wait_for_each_other(account, workspace):
    other = make.account(workspace, "Other1")
    call(account, 0)
    call(other, 0)
    call(account, 0, what=("GET", "/api/accounts"))
    assert refused_until(account, 0.5) == pytest.approx(1.01, abs=0.01)


def test_a_call_counts_from_when_its_answer_came(account):
    """It may have arrived that late: the next one would otherwise be the second in its second."""
    call(account, 0, took=2.5)
    assert refused_until(account, 2.6) == pytest.approx(3.5)


def test_nothing_is_counted_while_it_waits(account):
    call(account, 0)
    for tenth in range(9):
        refused_until(account, 0.1 * tenth)
    assert Allowance.objects.get().log == [[at(0.01).timestamp(), 1]]


def test_an_account_that_is_allowed_less_or_more_is_believed(account):
    call(account, 0, headers={"ratelimit-limit": "1, 1;w=1, 2;w=60"})
    call(account, 5)
    assert refused_until(account, 10) == pytest.approx(60.01)
    call(account, 61, headers={"ratelimit-limit": "1, 5;w=1, 50;w=60"})
    for second in range(4):
        call(account, 61.2 + second / 100)


def test_after_a_429_nothing_is_sent_before_it_said_so(account):
    taken = spend(account.pk, *FLOWS, at(0))
    throttled(taken, 40, at(0.2))
    assert refused_until(account, 39) == pytest.approx(40.2)
    call(account, 40.3)


def test_when_it_opens_can_be_asked_without_counting(account):
    assert opens_at(account.pk, *FLOWS, at(0)) == at(0)
    call(account, 0)
    assert opens_at(account.pk, *FLOWS, at(0.5)) == at(1.01)
    assert opens_at(account.pk, *FLOWS, at(7)) == at(7)


def test_a_clock_that_is_set_back_an_hour_delays_by_a_minute_at_most(account):
    go(account, 3600, 15)
    assert refused_until(account, 0) <= 60
    assert go(account, 0, 1)[0] <= 60.1


def test_a_clock_that_jumps_ahead_opens_nothing_twice(account):
    go(account, 0, 15)
    made = go(account, 3600, 15)
    assert made[-1] - made[0] >= 14


def test_two_workers_at_the_same_moment_take_one_each(account, monkeypatch):
    """Between reading and writing the other one writes: the slower one looks again, and must wait."""
    read, raced = budget._log, []

    def slowly(row, now):
        if not raced:
            raced.append(True)
            spend(account.pk, *FLOWS, now)
        return read(row, now)

    Allowance.objects.create(account=account, endpoint="POST /api/flows")
    monkeypatch.setattr(budget, "_log", slowly)
    with pytest.raises(MustWait):
        spend(account.pk, *FLOWS, at(0))
    assert len(Allowance.objects.get().log) == 1


def test_many_calls_are_kept_in_few_entries(account):
    for number in range(300):
        call(account, number / 50, what=LISTS)
    assert len(Allowance.objects.get().log) <= 40
    assert sum(calls for _, calls in Allowance.objects.get().log) == 300


def test_two_queries_a_call(account, django_assert_num_queries):
    call(account, 0)
    with django_assert_num_queries(2):
        call(account, 2)


class Server:
    """Counts fixed windows as strictly as can be: each opens with the first call that arrives after the last."""

    def __init__(self, *windows: tuple[int, int]) -> None:
        self.open = dict.fromkeys(windows, (-1000000000.0, 0))

    def take(self, when: float) -> None:
        for (allowed, seconds), (started, used) in self.open.items():
            if when - started >= seconds:
                started, used = when, 0
            assert used < allowed, f"a 429 at {when}: {allowed} in {seconds} s since {started}"
            self.open[allowed, seconds] = started, used + 1


@rounds(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.floats(0.001, 3), st.floats(0, 1)), min_size=20, max_size=60
    )
)
def test_no_429_is_ever_caused_whatever_the_answers_take(account, steps):
    """(pause, how long the call takes, when within it the call arrives)."""
    Allowance.objects.all().delete()
    server, now = Server((1, 1), (15, 60), (100, 86_400)), 0.0
    for pause, took, arrives in steps:
        now += pause
        while True:
            try:
                taken = spend(account.pk, *FLOWS, at(now))
                break
            except MustWait as wait:
                until = (wait.until - START).total_seconds()
            assert until - now <= 63
            now = max(now + 0.001, until)
        server.take(now + took * arrives)
        now += took
        settle(taken, {}, at(now))
