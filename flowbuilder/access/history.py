"""Publications, approvals, the audit log and saved views."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from accounts.access import is_operator
from accounts.models import AuditEntry, Membership, User, Workspace
from flowbuilder.access.roles import REVIEWERS, Role, require_role
from flowbuilder.models import (
    Approval,
    Publication,
    SavedView,
)


def workspaces_seen(user: User) -> list[int] | None:
    """The workspaces whose publications this person may see; None for an operator's people: all. They are asked for
    first: with their ids the database goes along an index, however many rows there are."""
    if is_operator(user):
        return None
    return list(Membership.objects.filter(user=user).values_list("workspace_id", flat=True))


def publications_in(workspaces: list[int] | None) -> QuerySet[Publication]:
    return (
        Publication.objects.all()
        if workspaces is None
        else Publication.objects.filter(workspace__in=workspaces)
    )


def publications_for(user: User) -> QuerySet[Publication]:
    return publications_in(workspaces_seen(user))


def publication_or_404(user: User, pk: int) -> Publication:
    return get_object_or_404(
        publications_for(user).select_related(
            "workspace", "version__flow", "account", "asked_by", "install__template_flow"
        ),
        pk=pk,
    )


def may_audit(memberships: Iterable[Membership]) -> bool:
    return any(one.role == Role.OWNER or one.workspace.kind == Workspace.Kind.OPERATOR for one in memberships)


def audit_for(user: User) -> tuple[QuerySet[AuditEntry], QuerySet[Workspace]]:
    """(entries, of which workspaces): all for an operator's people, for an owner those of what they own."""
    if is_operator(user):
        return AuditEntry.objects.all(), Workspace.objects.all()
    owned = Membership.objects.filter(user=user, role=Role.OWNER).values_list("workspace_id", flat=True)
    mine = list(owned)
    if not mine:
        raise PermissionDenied("Only owners read what was done in their workspace.")
    return AuditEntry.objects.filter(workspace__in=mine), Workspace.objects.filter(pk__in=mine)


def approvals_for(user: User) -> QuerySet[Approval]:
    """Where this person may decide, and what their workspaces asked for; all of them for an operator's people."""
    related = ("workspace", "asked_in", "asked_by", "decided_by", "publication__account", "rollout")
    rows = Approval.objects.select_related(*related, "publication__version", "rollout__version").defer(
        "publication__version__document", "rollout__version__document", "publication__wanted"
    )
    if is_operator(user):
        return rows
    mine = list(Membership.objects.filter(user=user).values_list("workspace_id", "role"))
    decided = [pk for pk, role in mine if role in REVIEWERS]
    return rows.filter(Q(workspace__in=decided) | Q(asked_in__in=[pk for pk, _ in mine]))


def approval_or_404(user: User, pk: int) -> Approval:
    related = (
        *("publication__version__flow", "publication__install__template_flow", "publication__account"),
        "rollout__version__flow__template_flow",
    )
    return get_object_or_404(
        approvals_for(user)
        .select_related("workspace", "asked_in", "asked_by", "decided_by", *related)
        .defer(None),
        pk=pk,
    )


def approval_to_decide_or_404(user: User, pk: int) -> Approval:
    approval = approval_or_404(user, pk)
    text = f"Owners and reviewers of {approval.workspace} decide on this."
    require_role(user, approval.workspace, REVIEWERS, text)
    return approval


def saved_views_of(user: User, workspace: Workspace | None) -> QuerySet[SavedView]:
    """A person's own, of the workspace in which they stand."""
    return SavedView.objects.filter(person=user, workspace=workspace, workspace__memberships__user=user)


def saved_view_or_404(user: User, pk: int) -> SavedView:
    return get_object_or_404(SavedView, pk=pk, person=user)
