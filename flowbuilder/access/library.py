"""Template flows, their versions, and reviews."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import Person
from accounts.models import Membership, User, Workspace
from flowbuilder.access.roles import DESIGNERS, REVIEWERS, require_role
from flowbuilder.models import (
    Review,
    TemplateFlow,
    Version,
)

_LINKS = Signer(salt="library.link")
_SITE, _LINK = TemplateFlow.Visibility.SITE, TemplateFlow.Visibility.LINK


def _is_mine(user: Person) -> Exists:
    """Whether a template flow is of one of the person's workspaces."""
    pk = user.pk if user.is_authenticated else None
    return Exists(Membership.objects.filter(workspace=OuterRef("workspace"), user=pk))


def template_flows_for(user: Person) -> QuerySet[TemplateFlow]:
    """What the library shows this person: their workspaces' own (`is_mine`), and what a reviewer said yes to."""
    return TemplateFlow.objects.annotate(is_mine=_is_mine(user)).filter(
        Q(is_mine=True) | Q(visibility=_SITE, public__isnull=False)
    )


def template_flow_or_404(user: Person, slug: str, link: str = "") -> TemplateFlow:
    """A template flow that the library shows this person, or that they have the share link of; queries.library says
    what of it."""
    rows = TemplateFlow.objects.annotate(is_mine=_is_mine(user))
    template = get_object_or_404(
        rows.select_related("workspace", "current_version", "public__version", "flow"), slug=slug
    )
    is_public = template.visibility == _SITE and template.public is not None
    if not (template.is_mine or is_public or (link and opens(template, link))):
        raise Http404
    return template


def template_to_design_or_404(user: User, slug: str) -> TemplateFlow:
    """One of the person's workspaces; saying for whom it is takes the role."""
    template = template_flow_or_404(user, slug)
    if not template.is_mine:
        raise Http404
    require_role(user, template.workspace, DESIGNERS, "Only designers and owners change what is offered.")
    return template


def link_of(template: TemplateFlow) -> str:
    """The secret part of its share link: signed, and void when a new link is made."""
    return _LINKS.signature(f"{template.pk}:{template.link_number}")


def opens(template: TemplateFlow, link: str) -> bool:
    if template.visibility != _LINK:
        return False
    try:
        _LINKS.unsign(f"{template.pk}:{template.link_number}:{link}")
    except BadSignature:
        return False
    return True


def versions_for(user: User) -> QuerySet[Version]:
    return Version.objects.filter(flow__workspace__memberships__user=user)


def versions_offered(user: User) -> QuerySet[Version]:
    """The versions that this person may begin with, of everything that the library shows them."""
    mine = Membership.objects.filter(workspace=OuterRef("flow__workspace"), user=user)
    said = Review.objects.filter(version=OuterRef("pk"), verdict=Review.Verdict.YES)
    return Version.objects.filter(
        Q(Exists(mine), number__lte=F("flow__template_flow__current_version__number"))
        | Q(Exists(said), flow__template_flow__visibility=_SITE),
        withdrawn_at=None,
    )


def may_review(user: Person) -> bool:
    """Whether the person decides for this site what everybody sees. One query."""
    return (
        user.is_authenticated
        and Membership.objects.filter(
            user_id=user.pk, workspace__kind=Workspace.Kind.OPERATOR, role__in=REVIEWERS
        ).exists()
    )


def reviews_for(user: Person) -> QuerySet[Review]:
    """All of them for those who decide; 404 for everybody else."""
    if not may_review(user):
        raise Http404
    return Review.objects.select_related(
        "template_flow__workspace", "template_flow__public__version", "version", "asked_by", "decided_by"
    )
