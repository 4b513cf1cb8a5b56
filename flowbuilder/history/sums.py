"""What all that was found comes to, in numbers and day by day. Reads only: two to four queries.

Exact where only what queries/counts.py keeps by day is asked for: days, outcomes, one workspace, one template flow. For
everything else the newest thousand are counted; what is searched for, among as many rows as a page looks through. The
page says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from flowbuilder.history.filters import DAYS, OUTCOMES, Filters, start_of
from flowbuilder.history.finding import SPAN, looked_through
from flowbuilder.models import Publication
from flowbuilder.queries.counts import (
    MOST,
    Days,
    by_day,
    by_state,
    ended_by_day,
    ended_by_state,
    newest,
)

NAMES = ("published", "refused", "waiting", "cancelled")
GROUP = {state: name for name in NAMES for state in OUTCOMES[name][1]}


@dataclass(frozen=True, slots=True)
class Counts:
    """`is_cut`: of the newest MOST alone. `among`: of those that are among so many of the newest; empty: among all."""

    asked: int
    published: int
    refused: int
    waiting: int
    cancelled: int
    is_cut: bool = False
    among: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """How many of a day's publications came to what. `when` is a date in UTC."""

    when: date
    published: int = 0
    waiting: int = 0
    refused: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.published + self.waiting + self.refused + self.cancelled


def sums_of(
    filters: Filters, seen: QuerySet[Publication], workspaces: Collection[int] | None, today: date
) -> tuple[Counts, list[Day]]:
    """Of what the filters find, and of the 30 days up to `today` whatever days they ask for, the oldest first.

    `workspaces`: those of `seen`, None: all.
    """
    first = today - timedelta(days=DAYS - 1)
    found, recent = filters.narrow(seen), filters.narrow(seen, by_day=False)
    of_days = Q(created_at__gte=start_of(first), created_at__lt=start_of(today + timedelta(days=1)))
    recent = recent.filter(of_days)
    if among := filters.among(seen):
        found, end = looked_through(found, among, "created_at", goes_up=False)
        recent, _ = looked_through(
            recent, filters.search.among(seen.filter(of_days)), "created_at", goes_up=False
        )
        return _counts(by_state(found), among=f"{SPAN:,}" if end else ""), _days(by_day(recent), first)
    if not filters.is_kept_by_day:
        sums = by_state(newest(found))
        is_cut = sum(sums.values()) >= MOST
        return _counts(sums, is_cut=is_cut), _days(by_day(newest(recent)), first)
    wanted, given = set(filters.states), filters.cleaned_data
    rooms = [given["workspace"].pk] if given.get("workspace") else workspaces
    flow = given["template"].flow_id if given.get("template") else 0
    ended = ended_by_state(rooms, flow=flow, first=given.get("from"), last=given.get("to"))
    days = ended_by_day(rooms, flow=flow, first=first, last=today)
    # What is open and what ended are never the same state
    sums = {state: number for state, number in ended.items() if state in wanted}
    sums |= by_state(found.filter(state__in=Publication.OPEN))
    kept = {key: number for key, number in days.items() if key[1] in wanted}
    return _counts(sums), _days(kept | by_day(recent.filter(state__in=Publication.OPEN)), first)


def _counts(sums: Mapping[str, int], *, is_cut: bool = False, among: str = "") -> Counts:
    found = dict.fromkeys(NAMES, 0)
    for state, number in sums.items():
        found[GROUP[state]] += number
    return Counts(asked=sum(found.values()), **found, is_cut=is_cut, among=among)


def _days(sums: Days, first: date) -> list[Day]:
    found: dict[date, dict[str, int]] = {}
    for (when, state), number in sums.items():
        day = found.setdefault(when, {})
        day[GROUP[state]] = day.get(GROUP[state], 0) + number
    return [
        Day(when, **found.get(when, {})) for when in (first + timedelta(days=index) for index in range(DAYS))
    ]
