"""How the work of some workspaces stands: rollouts, drift, what does not fit, how often templates fail. Reads only.

`rooms`: ids of workspaces, `accounts`: of accounts; None stands for all. Each is one query, or two.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery

from flowbuilder.models import Flow, Install, Orphan, Reading, Rollout
from flowbuilder.queries.counts import ended_by_flow, rate_of

Ids = Collection[int] | None
SHOWN = 20  # lines of one kind
SERIOUS = (Reading.Verdict.LOGIC, Reading.Verdict.GONE)


def drifted(rooms: Ids) -> QuerySet[Any]:
    """Installed flows that were looked at, each with `verdict`, `since` and `accepted_at` of the last look."""
    last = Reading.objects.filter(install=OuterRef("pk"), flow_id=OuterRef("live_flow_id")).order_by(
        "-at", "-pk"
    )
    rows = Install.objects.filter(state=Install.State.LIVE).annotate(
        verdict=Subquery(last.values("verdict")[:1]),
        since=Subquery(last.values("since")[:1]),
        accepted_at=Subquery(last.values("accepted_at")[:1]),
    )
    return rows if rooms is None else rows.filter(workspace__in=rooms)


def drift_counts(rooms: Ids) -> dict[str, int]:
    """verdict -> how many; "" for those that nobody looked at yet. What was accepted counts as left."""
    found: dict[str, int] = {}
    left = ExpressionWrapper(Q(accepted_at=None), output_field=BooleanField())
    rows = drifted(rooms).annotate(is_open=left).order_by().values_list("verdict", "is_open")
    for verdict, is_open, number in rows.annotate(Count("pk")):
        name = (verdict or "") if is_open else Reading.Verdict.NONE.value
        found[name] = found.get(name, 0) + number
    return found


def serious_drift(rooms: Ids) -> QuerySet[Any, dict[str, Any]]:
    """Logic that was changed, flows that are gone: the longest first."""
    rows = drifted(rooms).filter(verdict__in=SERIOUS, accepted_at=None)
    columns = ("pk", "workspace_id", "template_flow__name", "account__name", "account_id", "verdict", "since")
    return rows.order_by("since", "pk").values(*columns)


def open_rollouts(rooms: Ids) -> QuerySet[Rollout]:
    rows = Rollout.objects.filter(state__in=Rollout.OPEN).exclude(state=Rollout.State.PLANNED)
    rows = rows if rooms is None else rows.filter(workspace__in=rooms)
    return rows.order_by("created_at", "pk")


def orphans_of(accounts: Ids) -> QuerySet[Orphan]:
    rows = Orphan.objects.select_related("account").defer(
        "account__access_token", "account__refresh_token", "account__api_key"
    )
    return rows if accounts is None else rows.filter(account__in=accounts)


@dataclass(frozen=True, slots=True)
class Rate:
    """Of a flow's publications in the last 30 days. `template`: its key in the library; None where it is in none."""

    flow: int
    name: str
    template: int | None
    failed: int
    total: int

    @property
    def percent(self) -> float:
        return self.failed * 100 / self.total if self.total else 0.0


def failure_rates(rooms: Ids, first: date) -> list[Rate]:
    """Of what was asked for since that day; the highest first. Two queries, over rows that are kept by day."""
    sums = {flow: rate_of(states) for flow, states in ended_by_flow(rooms, first=first).items()}
    known = Flow.objects.filter(pk__in=[flow for flow, (_, total) in sums.items() if total])
    found = [
        Rate(pk, name, template, *sums[pk])
        for pk, name, template in known.values_list("pk", "name", "template_flow")
    ]
    return sorted(found, key=lambda one: (-one.percent, -one.total, one.name))


def month_before(today: date) -> date:
    return today - timedelta(days=29)
