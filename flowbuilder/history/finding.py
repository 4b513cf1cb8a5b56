"""Which rows a page of the history shows, and what all of them come to. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Model, QuerySet, TextField
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Cast, Substr

from flowbuilder.history.filters import DAYS, OUTCOMES, start_of
from flowbuilder.models import Publication

PAGE = 50
MOMENTS = ("created_at", "at")  # columns that are moments
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# how the form says it -> (column, whether it rises); the key of the row decides between equals
Orders = Mapping[str, tuple[str, bool]]
ORDERS: Orders = {"": ("created_at", False), "oldest": ("created_at", True), "flow": ("flow_name", True)}


# --- Pages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Rows in their order. `newer` (before them) and `older` (after them) are places for the address; empty where
    there is nothing."""

    rows: list[Any]
    newer: str = ""
    older: str = ""


def place_of(row: Model, order: str = "", orders: Orders = ORDERS) -> str:
    """A place in the list, a value and an id: it stays true while rows are added above it."""
    value = getattr(row, orders[order][0])
    if isinstance(value, datetime):
        value = (value - EPOCH) // timedelta(microseconds=1)
    return f"{value}-{row.pk}"


def read_place(text: str, order: str = "", orders: Orders = ORDERS) -> tuple[Any, int] | None:
    value, dash, pk = text.rpartition("-")
    if not (dash and pk.isascii() and pk.isdigit()) or len(pk) > 18 or "\0" in value:
        return None
    if orders[order][0] not in MOMENTS:
        return value, int(pk)
    if not (value.isascii() and value.isdigit()) or len(value) > 17:
        return None
    return EPOCH + timedelta(microseconds=int(value)), int(pk)


Rows = QuerySet[Any]


def page_of(
    rows: Rows,
    *,
    after: str = "",
    before: str = "",
    size: int = PAGE,
    order: str = "",
    orders: Orders = ORDERS,
    read: Callable[[Rows], Rows] = lambda rows: rows,
) -> Page:
    """The rows after a place or before it, else the first ones. A seek along an index, never an offset.

    `read` says what is read of them. First their keys alone: else PostgreSQL may join all rows before it sorts them.
    """
    column, is_rising = orders[order]
    behind, ahead = read_place(after, order, orders), read_place(before, order, orders)
    is_back = bool(ahead and not behind)
    if place := behind or ahead:
        beyond = TupleGreaterThan if is_rising != is_back else TupleLessThan
        rows = rows.filter(beyond(Tuple(F(column), F("pk")), place))
    keys = list(_sorted(rows, column, is_rising != is_back).values_list("pk", flat=True)[: size + 1])
    known = {one.pk: one for one in read(rows.model._default_manager.filter(pk__in=keys).order_by())}
    found = [known[pk] for pk in keys]
    shown, is_more = found[:size], len(found) > size
    if is_back:
        shown, newer, older = shown[::-1], is_more, bool(shown)
    else:
        newer, older = bool(behind and shown), is_more
    return Page(
        shown,
        place_of(shown[0], order, orders) if newer else "",
        place_of(shown[-1], order, orders) if older else "",
    )


def sorted_by(rows: Rows, order: str, orders: Orders = ORDERS) -> Rows:
    """All of them in the order of the pages."""
    return _sorted(rows, *orders[order])


def _sorted(rows: Rows, column: str, is_rising: bool) -> Rows:
    return rows.order_by(column, "pk") if is_rising else rows.order_by(f"-{column}", "-pk")


# --- What they come to -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    asked: int
    published: int
    refused: int
    waiting: int
    cancelled: int


def counts_of(rows: QuerySet[Publication]) -> Counts:
    """One query, one row a state."""
    by_state = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    sums = {name: sum(by_state.get(state, 0) for state in states) for name, (_, states) in OUTCOMES.items()}
    return Counts(
        sum(by_state.values()), sums["published"], sums["refused"], sums["waiting"], sums["cancelled"]
    )


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


def days_of(rows: QuerySet[Publication], today: date) -> list[Day]:
    """The 30 days up to this one, the oldest first. One query."""
    first = today - timedelta(days=DAYS - 1)
    until = start_of(today + timedelta(days=1))
    recent = rows.filter(created_at__gte=start_of(first), created_at__lt=until).order_by()
    found: dict[date, dict[str, int]] = {}
    group = {
        state: name
        for name in ("published", "refused", "waiting", "cancelled")
        for state in OUTCOMES[name][1]
    }
    # The text begins with the day in UTC, on every database; on SQLite TruncDate calls Python for each row.
    text = Substr(Cast("created_at", TextField()), 1, 10)
    counted = recent.annotate(day=text).values_list("day", "state")
    for when, state, number in counted.annotate(Count("pk")):
        sums = found.setdefault(date.fromisoformat(when), {})
        sums[group[state]] = sums.get(group[state], 0) + number
    return [
        Day(when, **found.get(when, {})) for when in (first + timedelta(days=index) for index in range(DAYS))
    ]
