"""How many publications came to what, by day. For the history and the health of accounts; reads only.

What ended is added up from rows that the database keeps (worked_out.py), as many as there are days; what is open is
counted where it stands, since there is never much of it. Neither grows with the history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.db.models import Count, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Substr

from flowbuilder.models import DayCount, Publication

MOST = 1000  # rows that are counted one by one
Days = Mapping[tuple[date, str], int]  # (day in UTC, state) -> how many


def ended_by_state(
    workspaces: Collection[int] | None,
    *,
    flow: int = 0,
    first: date | None = None,
    last: date | None = None,
) -> dict[str, int]:
    """Of those workspaces, None: of all. `flow`: of its versions alone. One query."""
    rows = ended(workspaces, first=first, last=last).filter(of_flow=flow).order_by()
    return dict(rows.values_list("state").annotate(Sum("number")))


def ended_by_day(
    workspaces: Collection[int] | None, *, flow: int = 0, first: date, last: date
) -> dict[tuple[date, str], int]:
    """The same, for each day."""
    rows = ended(workspaces, first=first, last=last).filter(of_flow=flow).order_by()
    return {(day, state): n for day, state, n in rows.values_list("day", "state").annotate(Sum("number"))}


def ended_by_flow(workspaces: Collection[int] | None, *, first: date) -> dict[int, dict[str, int]]:
    """flow -> state -> how many, of what was asked for since that day. One query."""
    found: dict[int, dict[str, int]] = {}
    rows = ended(workspaces, first=first).filter(of_flow__gt=0).order_by()
    for flow, state, number in rows.values_list("of_flow", "state").annotate(Sum("number")):
        found.setdefault(flow, {})[state] = number
    return found


def ended(
    workspaces: Collection[int] | None, *, first: date | None = None, last: date | None = None
) -> QuerySet[DayCount]:
    rows = DayCount.objects.filter(of_workspace__in=[0] if workspaces is None else workspaces)
    return rows.filter(
        Q(day__gte=first) if first else Q(),
        Q(day__lte=last) if last else Q(),
    )


def by_day(rows: QuerySet[Publication]) -> dict[tuple[date, str], int]:
    """One by one. One query.

    The text of a time begins with its day in UTC, on every database; on SQLite TruncDate calls Python for each row.
    """
    day = Substr(Cast("created_at", TextField()), 1, 10)
    counted = rows.order_by().annotate(day=day).values_list("day", "state").annotate(Count("pk"))
    return {(date.fromisoformat(when), state): number for when, state, number in counted}


def by_state(rows: QuerySet[Publication]) -> dict[str, int]:
    """One by one. One query."""
    return dict(rows.order_by().values_list("state").annotate(Count("pk")))


def newest(rows: QuerySet[Publication]) -> QuerySet[Publication]:
    """The last MOST that were asked for."""
    keys = rows.order_by("-created_at", "-pk").values("pk")[:MOST]
    return Publication.objects.filter(pk__in=keys)


def rate_of(states: Mapping[str, int]) -> tuple[int, int]:
    """(how many failed or were refused, of how many that came to an end)."""
    S = Publication.State
    failed = states.get(S.FAILED, 0) + states.get(S.REFUSED, 0)
    return failed, failed + states.get(S.PUBLISHED, 0)
