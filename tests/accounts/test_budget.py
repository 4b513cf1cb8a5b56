"""Limits obeyed before sending: never a call too many, whatever the server's windows, the workers or the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rounds
from hypothesis import strategies as st

from accounts import budget
from accounts.budget import MustWait, give_back, settle, spend, throttled
from accounts.models import Allowance
from tests import make

pytestmark = pytest.mark.django_db
FLOWS = ("POST", "/api/flows")  # 1 a second, 15 a minute, 100 a day
LOOK = ("GET", "/api/flows/AbCdEf")  # 3 a second, 60 a minute
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


def test_the_longest_of_several_429s_is_obeyed_and_only_where_it_was_said(account):
    first, second = spend(account.pk, *LOOK, at(0)), spend(account.pk, *LOOK, at(0.1))
    throttled(first, 40, at(0.2))
    throttled(second, 1, at(0.3))
    assert refused_until(account, 2, what=LOOK) == pytest.approx(40.2)
    call(account, 2)


def test_what_was_refused_or_never_left_us_costs_nothing(account):
    """An hour without a network, tried every twenty seconds, would else cost the hundred of the day."""
    for number in range(60):
        give_back(spend(account.pk, *FLOWS, at(number)), at(number + 0.005))
    for number in range(60):
        throttled(spend(account.pk, *FLOWS, at(100 + 30 * number)), 20, at(100.1 + 30 * number))
    assert Allowance.objects.get().log == []
    assert len(go(account, 2000, 15)) == 15


def test_what_is_given_back_is_one_of_several(account):
    one, _ = spend(account.pk, *LISTS, at(0)), spend(account.pk, *LISTS, at(0))
    give_back(one, at(0))
    assert [calls for _, calls in Allowance.objects.get().log] == [1]


def test_an_account_that_goes_in_the_middle_of_a_call_is_no_error(account):
    taken = spend(account.pk, *FLOWS, at(0))
    Allowance.objects.all().delete()
    settle(taken, {}, at(1))
    give_back(taken, at(1))
    throttled(taken, 5, at(1))
    assert not Allowance.objects.exists()


# --- What headers say ------------------------------------------------------------------------------------------


def test_a_limit_that_the_table_does_not_know_is_believed_too(account):
    call(account, 0, what=LOOK, headers={"ratelimit-limit": "3, 3;w=1, 60;w=60, 2;w=86400"})
    call(account, 100, what=LOOK)
    assert refused_until(account, 200, what=LOOK) == pytest.approx(86_400, abs=0.1)


def test_headers_that_say_what_the_table_says_cost_no_query(account, django_assert_num_queries):
    taken = spend(account.pk, *FLOWS, at(0))
    with django_assert_num_queries(0):
        settle(taken, told("1, 1;w=1, 15;w=60, 100;w=86400", 0, 0), at(0.005))


def test_a_limit_that_is_the_tables_again_is_forgotten(account):
    call(account, 0, headers={"ratelimit-limit": "1, 1;w=1, 2;w=60"})
    assert Allowance.objects.get().allowed == {"60": 2}
    call(account, 10, headers={"ratelimit-limit": "1, 1;w=1, 15;w=60"})
    assert Allowance.objects.get().allowed == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"ratelimit-limit": "0, 0;w=1, 0;w=60"},
        {"ratelimit-limit": "many", "ratelimit-remaining": "few", "ratelimit-reset": "soon"},
        {"ratelimit-limit": "15, 1;w=1, 15;w=60", "ratelimit-remaining": "-3", "ratelimit-reset": "5"},
        {"ratelimit-limit": "15, 1;w=1, 15;w=60", "ratelimit-remaining": "", "ratelimit-reset": "5"},
        {"ratelimit-limit": "15, 1;w=1, 15;w=60", "ratelimit-remaining": "3", "ratelimit-reset": "99999"},
        {"ratelimit-limit": "7, 1;w=1, 15;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "5"},
        {"ratelimit-remaining": "0", "ratelimit-reset": "30"},
    ],
)
def test_headers_that_make_no_sense_are_not_believed(account, headers):
    call(account, 0, headers=headers)
    assert len(go(account, 2, 10)) == 10
    assert go(account, 12, 1)[0] <= 13


def test_what_others_have_used_is_counted(account):
    """Another site with the same app; or ours, of which a database was lost."""
    call(account, 0, headers=told("15, 1;w=1, 15;w=60, 100;w=86400", 3, 40))
    made = go(account, 0, 4)
    assert made[2] < 5, "three are left"
    assert made[3] == pytest.approx(41, abs=0.1), "the next when the window has begun anew"


def test_the_day_that_others_have_used_up_is_over_when_it_says(account):
    call(account, 0, headers=told("100, 1;w=1, 15;w=60, 100;w=86400", 0, 7200))
    assert refused_until(account, 5) == pytest.approx(7201, abs=0.1)


def test_ones_own_calls_are_not_taken_for_those_of_others(account):
    """The answer is slow, and speaks of the second in which the call arrived."""
    call(account, 0, what=LOOK)
    call(account, 0.2, took=20, what=LOOK, headers=told("3, 3;w=1, 60;w=60", 1, 0))
    assert [calls for _, calls in Allowance.objects.get().log] == [1, 1]


def told(limit: str, remaining: int, reset: int) -> dict[str, str]:
    return {"ratelimit-limit": limit, "ratelimit-remaining": str(remaining), "ratelimit-reset": str(reset)}


# --- What the caller knows already ------------------------------------------------------------------------------


def test_a_row_that_is_known_is_not_read_again(account, django_assert_num_queries):
    known: dict[str, Allowance] = {}
    taken = spend(account.pk, *LISTS, at(0), known)
    settle(taken, {}, at(0.5))
    with django_assert_num_queries(1):
        spend(account.pk, *LISTS, at(1), known)
    assert sum(calls for _, calls in Allowance.objects.get().log) == 2


def test_what_another_worker_wrote_meanwhile_is_obeyed(account):
    known: dict[str, Allowance] = {}
    spend(account.pk, *LOOK, at(0), known)
    for _ in range(2):
        call(account, 0.1, what=LOOK)
    with pytest.raises(MustWait):
        spend(account.pk, *LOOK, at(0.2), known)
    other = spend(account.pk, *LOOK, at(5))
    throttled(other, 30, at(5.1))
    with pytest.raises(MustWait) as told:
        spend(account.pk, *LOOK, at(6), known)
    assert told.value.until == at(35.1)


def test_nobody_waits_because_of_what_was_known(account):
    """Another worker's calls never left it: there is room again."""
    known: dict[str, Allowance] = {}
    taken = spend(account.pk, *FLOWS, at(0), known)
    give_back(taken, at(0.1))
    assert known
    spend(account.pk, *FLOWS, at(0.2), known)
    mine = spend(account.pk, *FLOWS, at(2), known)
    row = Allowance.objects.get()
    give_back(budget.Taken(row, mine.limits, mine.at, mine.sent), at(2.1))
    spend(account.pk, *FLOWS, at(2.2), known)


# --- Clocks, workers -------------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_an_hour_delays_by_a_minute_at_most(account):
    go(account, 3600, 15)
    assert refused_until(account, 0) <= 60
    assert go(account, 0, 1)[0] <= 60.1


def test_a_clock_that_jumps_ahead_opens_nothing_twice(account):
    go(account, 0, 15)
    made = go(account, 3600, 15)
    assert made[-1] - made[0] >= 14


def test_a_clock_that_jumped_ahead_is_told_by_the_server_what_was_used(account):
    go(account, 0, 14)
    call(account, 3614, headers=told("15, 1;w=1, 15;w=60, 100;w=86400", 0, 45))
    assert refused_until(account, 3617) == pytest.approx(3660, abs=0.2)


def test_two_workers_at_the_same_moment_take_one_each(account, monkeypatch):
    """Between reading and writing the other one writes: the slower one looks again, and must wait."""
    read, raced = budget._log, []

    def slowly(row, limits, now):
        if not raced:
            raced.append(True)
            spend(account.pk, *FLOWS, now)
        return read(row, limits, now)

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


def test_what_counts_no_more_is_forgotten(account):
    """Looked at every minute for a day: no window is longer than a minute, so no more than that is kept."""
    for minute in range(200):
        call(account, 61 * minute, what=LOOK)
    assert len(Allowance.objects.get().log) == 1


def test_two_queries_a_call(account, django_assert_num_queries):
    call(account, 0)
    with django_assert_num_queries(2):
        call(account, 2)


class Server:
    """Counts as strictly as can be. Its windows open with the first call after the last one (phase None), or at a
    moment of its own (phase: seconds), or are every stretch of their length that there is (sliding)."""

    def __init__(self, *windows: tuple[int, int], phase: float | None = None, sliding: bool = False) -> None:
        self.windows, self.phase, self.sliding = windows, phase, sliding
        self.arrived: list[float] = []
        self.opened = dict.fromkeys(windows, -1_000_000_000.0)

    def take(self, when: float) -> None:
        self.arrived.append(when)
        for allowed, seconds in self.windows:
            if self.sliding:
                start = when - seconds + 0.000_01  # what was sent a window's length ago is not in it
            elif self.phase is not None:
                start = (when - self.phase) // seconds * seconds + self.phase
            else:
                if when - self.opened[allowed, seconds] >= seconds - 0.000_01:  # finer than our times are
                    self.opened[allowed, seconds] = when
                start = self.opened[allowed, seconds]
            used = sum(one >= start for one in self.arrived)
            assert used <= allowed, f"a 429 at {when}: {allowed} in {seconds} s since {start}"


SERVERS = [{}, {"sliding": True}, {"phase": 0.5}, {"phase": 17.3}, {"phase": 59.999}]


@pytest.mark.parametrize("how", SERVERS)
@rounds(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.floats(0.001, 3), st.floats(0, 1), st.booleans()),
        min_size=20,
        max_size=60,
    )
)
def test_no_429_is_ever_caused_whatever_the_answers_take(account, how, steps):
    """(pause, how long the call takes, when within it the call arrives, whether it ever left us)."""
    Allowance.objects.all().delete()
    server, now = Server((1, 1), (15, 60), (100, 86_400), **how), 0.0
    for pause, took, arrives, is_sent in steps:
        now += pause
        while True:
            try:
                taken = spend(account.pk, *FLOWS, at(now))
                break
            except MustWait as wait:
                until = (wait.until - START).total_seconds()
            assert until - now <= 63
            assert until > now, "it would ask for ever"
            now = until
        if not is_sent:
            give_back(taken, at(now + took))
            continue
        server.take(now + took * arrives)
        now += took
        settle(taken, {}, at(now))


@pytest.mark.parametrize("how", SERVERS)
def test_as_fast_as_the_limits_let_it(account, how):
    """A hundred flows: the last one can be made 369 seconds after the first, and is."""
    server = Server((1, 1), (15, 60), (100, 86_400), **how)
    made = go(account, 0, 100)
    for when in made:
        server.take(when)
    assert made[-1] < 369 * 1.01
    assert refused_until(account, 400) == pytest.approx(86_400, abs=0.1)
