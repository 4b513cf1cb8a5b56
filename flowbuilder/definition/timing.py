"""When a flow reaches its steps, at the earliest: worked out from the delays along every way. Pure; for the preview.

Nobody knows at what hour of which weekday somebody starts. Whoever starts later in a day never gets anywhere sooner,
so the earliest is found by starting at midnight, once for each weekday. Day 1 is the day of the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count as count_from
from typing import Any

from flowbuilder.graph import Graph, Step
from flowbuilder.kinds.base import WEEKDAYS, count

HOUR, DAY = 60, 24 * 60  # minutes
_MINUTES = {"minutes": 1, "hours": HOUR, "days": DAY}
_OPEN = {  # delays whose end only the person's own date or item decides
    "target-date": "not before the date",
    "countdown-delay": "not before its time ahead of the date",
    "back-in-stock-delay": "not before the item is back in stock",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """`minutes` after the midnight before the start. `is_clock`: an hour of the day, because a delay waits for one;
    else so long after the start, whenever that is. `waits`: what it also waits for, in words."""

    minutes: int = 0
    is_clock: bool = False
    waits: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, bool, int]:
        return self.minutes, self.is_clock, len(self.waits)

    @property
    def words(self) -> str:
        """“Day 2, 09:00 at the earliest”, “Day 1, 4 hours after the start”."""
        day, rest = divmod(self.minutes, DAY)
        if self.is_clock:
            text = f"{rest // HOUR:02}:{rest % HOUR:02} at the earliest"
        elif self.minutes:
            text = f"{_span(self.minutes)} after the start at the earliest"
        else:
            text = "at once"
        return ", ".join([f"Day {day + 1}", text, *self.waits])


def earliest(graph: Graph) -> dict[str, Moment]:
    """Step key -> when it is reached at the earliest, of every step that can be reached."""
    found: dict[str, Moment] = {}
    for weekday in range(7):
        for key, moment in _from(graph, weekday).items():
            if key not in found or moment.rank < found[key].rank:
                found[key] = moment
    return found


def _from(graph: Graph, weekday: int) -> dict[str, Moment]:
    """The same for a start at midnight of this weekday."""
    reached: dict[str, Moment] = {}
    todo = [
        (Moment().rank, 0, graph.entry, Moment())
    ]  # whoever is soonest goes on first, so each step is left once
    turn = count_from(1)
    while todo:
        _, _, key, moment = heappop(todo)
        if key is None or key in reached or key not in graph.by_key:
            continue
        reached[key] = moment
        after = through(graph.by_key[key], moment, weekday)
        for _, target in graph.targets(key):
            heappush(todo, (after.rank, next(turn), target, after))
    return reached


def through(step: Step, moment: Moment, weekday: int = 0) -> Moment:
    """When somebody leaves a step that they reach at this moment, having started on this weekday (0 is Monday)."""
    if waits := _OPEN.get(step.type):
        return Moment(moment.minutes, moment.is_clock, tuple(dict.fromkeys((*moment.waits, waits))))
    if step.type != "time-delay":
        return moment
    config = step.config
    unit = config.get("unit", "days")
    minutes = moment.minutes + _number(config.get("value")) * _MINUTES.get(str(unit), 0)
    if unit == "hours":
        minutes += _number(config.get("secondary_value"))
    if unit != "days":
        return Moment(minutes, moment.is_clock, moment.waits)
    day, rest = divmod(minutes, DAY)
    is_clock = moment.is_clock
    if (until := _time(config.get("delay_until_time"))) is not None:
        day, rest, is_clock = day + (rest > until), until, True
    allowed = _weekdays(config)
    while (weekday + day) % 7 not in allowed:
        day += 1
        if until is None:
            rest, is_clock = 0, True
    return Moment(day * DAY + rest, is_clock, moment.waits)


def _weekdays(config: Mapping[str, Any]) -> set[int]:
    days = config.get("delay_until_weekdays")
    named = {WEEKDAYS.index(one) for one in days if one in WEEKDAYS} if isinstance(days, list) else set()
    return named or set(range(7))


def _time(value: Any) -> int | None:
    """Minutes after midnight of “09:30:00”; None for no time."""
    parts = value.split(":")[:2] if isinstance(value, str) else []
    if len(parts) < 2 or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    return min(int(parts[0]) * HOUR + int(parts[1]), DAY - 1)


def _number(value: Any) -> int:
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else 0


def _span(minutes: int) -> str:
    days, rest = divmod(minutes, DAY)
    hours, rest = divmod(rest, HOUR)
    parts = ((days, "day"), (hours, "hour"), (rest, "minute"))
    return " ".join(count(number, word) for number, word in parts if number)
