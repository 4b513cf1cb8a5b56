"""What a workspace's owners see of its alerts. Reads only."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from accounts.models import Workspace
from flowbuilder.models import Alert, Delivery, Listener

SHOWN = 50


def listeners_of(workspace: Workspace) -> QuerySet[Listener]:
    """Without their secrets."""
    return workspace.listeners.defer("secret").order_by("kind", "address")


def open_alerts(workspace: Workspace) -> QuerySet[Alert]:
    return workspace.alerts.filter(closed_at=None)[:SHOWN]


def deliveries_of(workspace: Workspace) -> QuerySet[Delivery]:
    """The last ones, each with `many`: the alerts that it tells."""
    rows = Delivery.objects.filter(listener__workspace=workspace).select_related("listener")
    return rows.defer("listener__secret").annotate(many=Count("told"))[:SHOWN]
