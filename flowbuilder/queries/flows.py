"""Lists of flows, and what an account refused of one."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from accounts.models import Workspace
from flowbuilder.models import Flow, Publication, Version


def flow_rows(workspace: Workspace, query: str = "") -> QuerySet[Flow]:
    """The flows of a workspace for its list, each with `steps` and `last_version`. One query."""
    rows = Flow.objects.filter(workspace=workspace).select_related("trigger", "template_flow")
    if query:
        rows = rows.filter(name__icontains=query)
    return rows.annotate(steps=Count("actions"), last_version=Subquery(last_number(OuterRef("pk"))))


def last_number(flow: Any) -> QuerySet[Version, int]:
    return Version.objects.filter(flow=flow).order_by("-number").values_list("number", flat=True)[:1]


def refusals(flow: Any) -> QuerySet[Publication, Any]:
    """What Klaviyo refused of the latest version: the `refusals` of one publication. Gone with the next version."""
    return (
        Publication.objects.filter(version__flow=flow, state=Publication.State.REFUSED)
        .exclude(version__number__lt=Subquery(last_number(OuterRef("version__flow"))))
        .order_by("-created_at", "-pk")
        .values_list("refusals", flat=True)[:1]
    )
