"""Which rows a page of the history shows. Reads only; what all of them come to is in sums.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

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
