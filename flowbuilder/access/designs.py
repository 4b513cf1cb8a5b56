"""Flows and emails of a workspace: everybody of it reads, designers and owners write."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import F, JSONField, OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404

from accounts.models import User
from flowbuilder.access.roles import DESIGNERS, require_role
from flowbuilder.models import (
    Email,
    Flow,
    Link,
    Version,
)
from flowbuilder.queries import edits
from flowbuilder.queries.flows import refusals


def flows_of(user: User) -> QuerySet[Flow]:
    return Flow.objects.filter(workspace__memberships__user=user)


def flow_or_404(user: User, pk: int, *, to_design: bool = True) -> Flow:
    """A flow of one of the person's workspaces; designing it takes the role."""
    flow = get_object_or_404(flows_of(user).select_related("workspace"), pk=pk)
    if to_design:
        require_role(user, flow.workspace, DESIGNERS, "Only designers and owners change flows.")
    return flow


def design_or_404(user: User, pk: int) -> Flow:
    """A flow to design, with all that its editor needs of its row: one query.

    `entry`, `refused`, `version` and `version_at` (the last one's), `undoable` and `redoable` (names of this
    person's next acts to take back and bring again, or None).
    """
    version = Version.objects.filter(flow=OuterRef("pk")).order_by("-number")
    flow = get_object_or_404(
        Flow.objects.filter(workspace__memberships__user=user)
        .select_related("workspace", "trigger")
        .annotate(
            role=F("workspace__memberships__role"),
            entry=Subquery(Link.objects.filter(flow=OuterRef("pk"), source=None).values("target__key")[:1]),
            refused=Subquery(refusals(OuterRef("pk")), output_field=JSONField()),
            version=Subquery(version.values("number")[:1]),
            version_at=Subquery(version.values("created_at")[:1]),
            **edits.next_names(user.pk),
        ),
        pk=pk,
    )
    if flow.role not in DESIGNERS:
        raise PermissionDenied("Only designers and owners change flows.")
    return flow


def email_or_404(user: User, pk: int, *, to_write: bool = True) -> Email:
    """An email of one of the person's workspaces; writing it takes the role."""
    email = get_object_or_404(
        Email.objects.filter(workspace__memberships__user=user).select_related("workspace", "changed_by"),
        pk=pk,
    )
    if to_write:
        require_role(user, email.workspace, DESIGNERS, "Only designers and owners write emails.")
    return email
