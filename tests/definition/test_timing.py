"""When steps are reached at the earliest: cases with a picture, and against walking a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.definition.timing import DAY, Moment, earliest
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.values import NEXT, NO, YES
from flowbuilder.kinds.base import WEEKDAYS

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def delay(key: str, value: int, unit: str = "days", **more) -> Step:
    return Step(key, "time-delay", {"value": value, "unit": unit, "timezone": "profile", **more}, "", (NEXT,))


def mail(key: str) -> Step:
    return Step(key, "send-email", {}, "", (NEXT,))


def row(*steps: Step) -> Graph:
    keys = [None, *(one.key for one in steps)]
    links = [Link(a, NEXT, b) for a, b in pairwise(keys) if b]
    return Graph(steps=steps, links=tuple(links))


def words(graph: Graph, key: str = "mail") -> str:
    return earliest(graph)[key].words


def test_each_kind_of_wait():
    """[wait] -> [mail]"""
    assert words(row(mail("mail"))) == "Day 1, at once"
    assert words(row(delay("a", 4, "hours", secondary_value=30), mail("mail"))) == (
        "Day 1, 4 hours 30 minutes after the start at the earliest"
    )
    assert words(row(delay("a", 2), mail("mail"))) == "Day 3, 2 days after the start at the earliest"
    assert (
        words(row(delay("a", 1, delay_until_time="09:00:00"), mail("mail"))) == "Day 2, 09:00 at the earliest"
    )


def test_waits_add_up_after_an_hour_of_the_day():
    """[4 hours] -> [1 day until 9:00] -> [90 minutes] -> [mail]"""
    graph = row(
        delay("a", 4, "hours"),
        delay("b", 1, delay_until_time="09:00:00"),
        delay("c", 90, "minutes"),
        mail("mail"),
    )
    assert words(graph) == "Day 2, 10:30 at the earliest"


def test_an_hour_that_has_passed_is_the_next_days():
    """[12 hours] -> [0 days until 9:00] -> [mail]: even who starts at midnight is there at noon."""
    graph = row(delay("a", 12, "hours"), delay("b", 0, delay_until_time="09:00:00"), mail("mail"))
    assert words(graph) == "Day 2, 09:00 at the earliest"


def test_two_waits_for_the_same_weekday_are_a_week_apart():
    monday = {"delay_until_time": "08:00:00", "delay_until_weekdays": ["monday"]}
    graph = row(delay("a", 1, **monday), mail("first"), delay("b", 1, **monday), mail("mail"))
    assert words(graph, "first") == "Day 2, 08:00 at the earliest"
    assert words(graph) == "Day 9, 08:00 at the earliest"


def test_of_several_ways_the_earliest():
    """(split) -yes-> [3 days] -> [mail]
    -no--> [1 day until 7:15] ----^
    """
    split = Step("split", "conditional-split", {}, "", (YES, NO))
    slow, fast = delay("slow", 3), delay("fast", 1, delay_until_time="07:15:00")
    links = (
        Link(None, NEXT, "split"),
        Link("split", YES, "slow"),
        Link("split", NO, "fast"),
        Link("slow", NEXT, "mail"),
        Link("fast", NEXT, "mail"),
    )
    assert (
        words(Graph(steps=(split, slow, fast, mail("mail")), links=links)) == "Day 2, 07:15 at the earliest"
    )


def test_what_only_a_date_or_an_item_decides_is_said():
    graph = row(Step("a", "back-in-stock-delay", {}, "", (NEXT,)), mail("mail"))
    assert words(graph) == "Day 1, at once, not before the item is back in stock"


def test_a_circle_and_odd_settings_end():
    first, second = delay("a", 1), Step("b", "time-delay", {"value": "x", "unit": None}, "", (NEXT,))
    links = (Link(None, NEXT, "a"), Link("a", NEXT, "b"), Link("b", NEXT, "a"))
    assert earliest(Graph(steps=(first, second), links=links))["b"] == Moment(DAY)


# --- Against a calendar

times = st.none() | st.sampled_from(["00:00:00", "07:15:00", "09:00:00", "23:59:00"])
weekdays = st.none() | st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True)
delays = st.one_of(
    st.builds(lambda n: {"value": n, "unit": "minutes"}, st.integers(1, 3000)),
    st.builds(
        lambda n, m: {"value": n, "unit": "hours", "secondary_value": m},
        st.integers(1, 80),
        st.integers(0, 59),
    ),
    st.builds(
        lambda n, t, d: {"value": n, "unit": "days", "delay_until_time": t, "delay_until_weekdays": d},
        st.integers(0, 9),
        times,
        weekdays,
    ),
)
ways = st.lists(st.lists(delays, max_size=3), min_size=1, max_size=2)


def walked(now: datetime, way: list[dict]) -> datetime:
    """Minute arithmetic on a real calendar, written apart from what is tested."""
    for one in way:
        now += (
            timedelta(**{one["unit"]: one["value"]}, minutes=one.get("secondary_value") or 0)
            if one["unit"] != "minutes"
            else timedelta(minutes=one["value"])
        )
        if one["unit"] != "days":
            continue
        if one["delay_until_time"]:
            hour, minute = map(int, one["delay_until_time"].split(":")[:2])
            due = now.replace(hour=hour, minute=minute)
            now = due if due >= now else due + timedelta(days=1)
        while one["delay_until_weekdays"] and WEEKDAYS[now.weekday()] not in one["delay_until_weekdays"]:
            now += timedelta(days=1)
            if not one["delay_until_time"]:
                now = now.replace(hour=0, minute=0)
    return now


def graph_of(several: list[list[dict]]) -> Graph:
    """A split with one port for each way; all of them lead to one mail."""
    ports = tuple(f"p{index}" for index in range(len(several)))
    steps, links = (
        [Step("split", "multi-branch-split", {}, "", ports), mail("mail")],
        [Link(None, NEXT, "split")],
    )
    for port, way in zip(ports, several, strict=True):
        source, out = "split", port
        for index, config in enumerate(way):
            key = f"{port}-{index}"
            steps.append(Step(key, "time-delay", config, "", (NEXT,)))
            links.append(Link(source, out, key))
            source, out = key, NEXT
        links.append(Link(source, out, "mail"))
    return Graph(steps=tuple(steps), links=tuple(links))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])  # drawing is slow on a busy machine
@given(several=ways, start=st.integers(0, 7 * DAY - 1))
def test_nobody_is_there_sooner(several, start):
    begun = MIDNIGHT + timedelta(minutes=start)
    there = min(walked(begun, way) for way in several)
    passed = there - begun.replace(hour=0, minute=0)
    assert passed >= timedelta(minutes=earliest(graph_of(several))["mail"].minutes)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])  # drawing is slow on a busy machine
@given(several=ways)
def test_somebody_is_there_then(several):
    starts = [MIDNIGHT + timedelta(days=day) for day in range(7)]
    soonest = min(walked(start, way) - start for start in starts for way in several)
    assert earliest(graph_of(several))["mail"].minutes == soonest / timedelta(minutes=1)
