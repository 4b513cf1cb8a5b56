"""Which rows a page of the history shows. Reads only; what all of them come to is in sums.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)
from django.db.models.functions import Greatest

PAGE = 50
SPAN = 10_000  # rows
MOMENTS = ("created_at", "at")  # columns that are moments
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[Any, int]  # a value of the column that sorts, and the key of the row
# how the form says it -> (column, whether it rises); the key of the row decides between equals
Orders = Mapping[str, tuple[str, bool]]
ORDERS: Orders = {"": ("created_at", False), "oldest": ("created_at", True), "flow": ("flow_name", True)}


# --- Pages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Rows in their order. `newer` (before them) and `older` (after them) are places for the address; empty where
    there is nothing. `is_part`: it ends where SPAN rows were looked through, and what is beyond them may fit;
    `is_back`: it was come to from what is older."""

    rows: list[Any]
    newer: str = ""
    older: str = ""
    is_part: bool = False
    is_back: bool = field(default=False, compare=False)


Rows = QuerySet[Any]


@dataclass(frozen=True)
class Among:
    """What is looked through, SPAN of these rows at a time. `is_few`: never more, in any order."""

    rows: Rows
    is_few: bool = False


def place_of(row: Model, order: str = "", orders: Orders = ORDERS) -> str:
    """A place in the list, a value and an id: it stays true while rows are added above it."""
    return _place((getattr(row, orders[order][0]), row.pk))


def _place(key: Key, step: int = 0) -> str:
    """`step`: to the place one beside it."""
    value, pk = key
    if isinstance(value, datetime):
        value = (value - EPOCH) // timedelta(microseconds=1)
    return f"{value}-{pk + step}"


def read_place(text: str, order: str = "", orders: Orders = ORDERS) -> Key | None:
    value, dash, pk = text.rpartition("-")
    if not (dash and pk.isascii() and pk.isdigit()) or len(pk) > 18 or "\0" in value:
        return None
    if orders[order][0] not in MOMENTS:
        return value, int(pk)
    if not (value.isascii() and value.isdigit()) or len(value) > 17:
        return None
    return EPOCH + timedelta(microseconds=int(value)), int(pk)


def page_of(
    rows: Rows,
    *,
    after: str = "",
    before: str = "",
    size: int = PAGE,
    order: str = "",
    orders: Orders = ORDERS,
    read: Callable[[Rows], Rows] = lambda rows: rows,
    among: Among | None = None,
) -> Page:
    """The rows after a place or before it, else the first ones. A seek along an index, never an offset.

    `read` says what is read of them. First their keys alone: else PostgreSQL may join all rows before it sorts them.
    With `among` (of which `rows` are a part) the page ends at the latest where SPAN of those were looked through.
    """
    column, is_rising = orders[order]
    behind, ahead = read_place(after, order, orders), read_place(before, order, orders)
    is_back = bool(ahead and not behind)
    goes_up = is_rising != is_back
    place, end = behind or ahead, None
    if place:
        beyond = TupleGreaterThan if goes_up else TupleLessThan
        rows = rows.filter(beyond(Tuple(F(column), F("pk")), place))
    if among:
        if place:
            among = replace(among, rows=among.rows.filter(beyond(Tuple(F(column), F("pk")), place)))
        rows, end = looked_through(rows, among, column, goes_up)
    is_few = among is not None and among.is_few
    keys = list(_sorted(rows, column, goes_up, by_hand=is_few).values_list("pk", flat=True)[: size + 1])
    known = {one.pk: one for one in read(rows.model._default_manager.filter(pk__in=keys).order_by())}
    found = [known[pk] for pk in keys]
    shown, is_more = [_place((getattr(one, column), one.pk)) for one in found[:size]], len(found) > size
    is_part = bool(end and not is_more)
    further = _place(end) if end and is_part else shown[-1] if is_more else ""
    # From where nothing was found one goes back to the place itself, which may be a row of the other side
    back = shown[0] if shown else _place(place, 1 if goes_up else -1) if place else ""
    if is_back:
        return Page(found[:size][::-1], further, back, is_part, is_back=True)
    return Page(found[:size], back if behind else "", further, is_part)


def looked_through(rows: Rows, among: Among, column: str, goes_up: bool) -> tuple[Rows, Key | None]:
    """Those of `rows` which the first SPAN of the others reach, and where these end; None: they are all. One query."""
    last = _sorted(among.rows, column, goes_up, by_hand=among.is_few).values_list(column, "pk")
    end = next(iter(last[SPAN - 1 : SPAN]), None)
    if end is not None:
        within, lookup = (TupleLessThanOrEqual, "lte") if goes_up else (TupleGreaterThanOrEqual, "gte")
        # The value alone as well: along an index SQLite seeks nothing else
        rows = rows.filter(within(Tuple(F(column), F("pk")), end), **{f"{column}__{lookup}": end[0]})
    return rows, end


def sorted_by(rows: Rows, order: str, orders: Orders = ORDERS) -> Rows:
    """All of them in the order of the pages."""
    return _sorted(rows, *orders[order])


def _sorted(rows: Rows, column: str, is_rising: bool, *, by_hand: bool = False) -> Rows:
    """`by_hand`: of a few rows, which lie anywhere. Along an index of all rows PostgreSQL might go through all."""
    by: Any = Greatest(F(column), F(column)) if by_hand else F(column)
    return rows.order_by(by.asc(), "pk") if is_rising else rows.order_by(by.desc(), "-pk")
