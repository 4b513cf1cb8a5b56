"""Who may see and touch what. Every view begins here: what is not yours is 404, a role you lack is 403.

owner, designer     design flows and publish versions in their workspace
owner, merchant     install into their workspace's accounts
everybody           reads their own workspace; an operator's people read every publication
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import F, JSONField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.access import is_operator
from accounts.models import Membership, User, Workspace
from flowbuilder.models import Email, Flow, Install, Link, Publication, Rollout, TemplateFlow, Version
from flowbuilder.queries import edits
from flowbuilder.queries.flows import refusals

Role = Membership.Role
DESIGNERS = (Role.OWNER, Role.DESIGNER)
INSTALLERS = (Role.OWNER, Role.MERCHANT)
REVIEWERS = (Role.OWNER, Role.REVIEWER)


def user_of(request: HttpRequest) -> User:
    """The person who asks; every page of the flows is behind the sign-in."""
    assert isinstance(request.user, User)
    return request.user


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


def require_role(user: User, workspace: Workspace, roles: tuple[str, ...], sentence: str) -> None:
    if not Membership.objects.filter(user=user, workspace=workspace, role__in=roles).exists():
        raise PermissionDenied(sentence)


def template_flows_for(user: User) -> QuerySet[TemplateFlow]:
    """What the library shows this person: everything offered to the site, and their workspaces' own."""
    return TemplateFlow.objects.filter(
        Q(visibility=TemplateFlow.Visibility.SITE) | Q(workspace__memberships__user=user)
    ).distinct()


def template_flow_or_404(user: User, slug: str) -> TemplateFlow:
    return get_object_or_404(
        template_flows_for(user).select_related("workspace", "current_version", "flow"), slug=slug
    )


def versions_for(user: User) -> QuerySet[Version]:
    return Version.objects.filter(flow__workspace__memberships__user=user)


def installs_of(user: User) -> QuerySet[Install]:
    return Install.objects.filter(workspace__memberships__user=user)


def install_or_404(user: User, pk: int) -> Install:
    """An install of one of the person's workspaces; going on with it takes the role."""
    install = get_object_or_404(
        installs_of(user).select_related("workspace", "template_flow__workspace", "version", "account"), pk=pk
    )
    require_role(user, install.workspace, INSTALLERS, "Only merchants and owners install template flows.")
    return install


def publications_for(user: User) -> QuerySet[Publication]:
    """All publications for an operator's people; for everybody else those of their workspaces."""
    if is_operator(user):
        return Publication.objects.all()
    return Publication.objects.filter(workspace__memberships__user=user)


def publication_or_404(user: User, pk: int) -> Publication:
    return get_object_or_404(
        publications_for(user).select_related(
            "workspace", "version__flow", "account", "asked_by", "install__template_flow"
        ),
        pk=pk,
    )


def rollout_or_404(user: User, pk: int, *, to_act: bool = False) -> Rollout:
    """A rollout of one of the person's workspaces; starting, stopping and answering for it takes the role."""
    rollout = get_object_or_404(
        Rollout.objects.filter(workspace__memberships__user=user).select_related(
            "workspace", "version__flow__template_flow", "asked_by"
        ),
        pk=pk,
    )
    if to_act:
        require_role(
            user, rollout.workspace, INSTALLERS, "Only merchants and owners publish to many accounts."
        )
    return rollout
