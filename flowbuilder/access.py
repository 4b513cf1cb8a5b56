"""Who may see and touch what. Every view begins here: what is not yours is 404, a role you lack is 403.

owner, designer     design flows and publish versions in their workspace
owner, merchant     install into their workspace's accounts
everybody           reads their own workspace; an operator's people read every publication
nobody in particular  reads template flows that a reviewer said yes to, or that they have the link of
an operator's owners and reviewers say yes or no to template flows
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.db.models import Exists, F, JSONField, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.access import Person, is_operator
from accounts.models import AuditEntry, Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.models import (
    Approval,
    Delivery,
    Email,
    Flow,
    Install,
    Link,
    Listener,
    Publication,
    Review,
    Rollout,
    SavedView,
    Sharing,
    TemplateFlow,
    Version,
)
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


# --- The library ---------------------------------------------------------------------------------------------------

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


# --- Installs and publications -------------------------------------------------------------------------------------


def installs_of(user: User) -> QuerySet[Install]:
    return Install.objects.filter(workspace__memberships__user=user)


def install_or_404(user: User, pk: int) -> Install:
    """An install of one of the person's workspaces; going on with it takes the role."""
    related = (
        "workspace",
        "template_flow__workspace",
        "template_flow__current_version",
        "version",
        "account",
    )
    install = get_object_or_404(
        installs_of(user).select_related(*related, "template_flow__public__version"), pk=pk
    )
    require_role(user, install.workspace, INSTALLERS, "Only merchants and owners install template flows.")
    return install


# A link for somebody without an account: to one question, or to the preview. Its salt says which, so neither opens
# the other; it is void when its time is over, or when the install's links were ended.
QUESTION, PREVIEW = "install.question", "install.preview"
LINK_DAYS = 14


class LinkClosed(Exception):
    """A link that opens nothing; the text says why, and what to do. Nothing of the install is in it."""

    def __init__(self, text: str, status: int = 410) -> None:
        super().__init__(text)
        self.status = status


def shared_link(install: Install, what: str, key: str = "") -> str:
    """The secret part of a link to one question (by its key) or to the preview."""
    return signing.dumps([install.pk, install.link_number, key], salt=what)


def shared_install(link: str, what: str) -> tuple[Install, str]:
    """(the install that is still being set up, the key of the question). LinkClosed where the link opens nothing."""
    try:
        pk, number, key = signing.loads(link, salt=what, max_age=LINK_DAYS * 24 * 3600)
    except signing.SignatureExpired:
        raise LinkClosed(f"This link is older than {LINK_DAYS} days. Ask for a new one.") from None
    except (BadSignature, ValueError, TypeError):
        raise LinkClosed(
            "This link is not complete, or was changed. Open it as it was sent to you.", 404
        ) from None
    related = ("workspace", "template_flow__workspace", "version", "account")
    install = Install.objects.select_related(*related).filter(pk=pk, link_number=number).first()
    if install is None or install.account is None or not install.account.is_connected:
        raise LinkClosed("This link was ended by whoever made it. Ask for a new one.")
    if install.state != Install.State.CHOOSING:
        raise LinkClosed("This was finished meanwhile: nothing is needed from you any more. Thank you.")
    if install.version.withdrawn_at:
        raise LinkClosed(
            "The design was withdrawn by its author. Ask whoever sent you the link how they go on."
        )
    return install, str(key)


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


# --- Alerts: for the owners of a workspace -------------------------------------------------------------------------


def listener_or_404(user: User, pk: int) -> Listener:
    listener = get_object_or_404(
        Listener.objects.filter(workspace__memberships__user=user).select_related("workspace"), pk=pk
    )
    require_role(user, listener.workspace, (Role.OWNER,), "Only owners say who hears of what.")
    return listener


def delivery_or_404(user: User, pk: int) -> Delivery:
    delivery = get_object_or_404(
        Delivery.objects.filter(listener__workspace__memberships__user=user).select_related(
            "listener__workspace"
        ),
        pk=pk,
    )
    require_role(user, delivery.listener.workspace, (Role.OWNER,), "Only owners send an alert again.")
    return delivery


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


# --- How flows do --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sight:
    """What of an account's numbers a person sees: all of them as its owner's (`flows` None), or those of flows that
    their workspace designed or installed, as long as the owner shares them. `shown`: the workspace that may."""

    account: KlaviyoAccount
    shown: Workspace
    flows: frozenset[str] | None
    role: str

    @property
    def is_own(self) -> bool:
        return self.flows is None

    @property
    def may_settle(self) -> bool:
        return self.is_own and self.role in INSTALLERS


def _live_grant() -> Exists:
    """Its owner may still report on it."""
    live = Grant.objects.filter(
        account=OuterRef("pk"), workspace=OuterRef("owner"), withdrawn_at=None, can_report=True
    )
    return Exists(live)


def accounts_seen(workspace: Workspace) -> QuerySet[KlaviyoAccount]:
    """Those whose numbers a workspace sees: its own (`is_own`), and those that are shared with it."""
    shared = Sharing.objects.filter(account=OuterRef("pk"), workspace=workspace, withdrawn_at=None)
    return (
        KlaviyoAccount.objects.annotate(is_shared=Exists(shared))
        .filter(_live_grant(), Q(owner=workspace) | Q(is_shared=True))
        .select_related("owner", "measuring")
        .order_by("name", "pk")
    )


def flows_shared(account: KlaviyoAccount, workspace: Workspace) -> frozenset[str]:
    """The flows in an account that a workspace designed or put there."""
    theirs = Q(template_flow__workspace=workspace) | Q(workspace=workspace)
    live = Install.objects.filter(theirs, account=account, state=Install.State.LIVE)
    return frozenset(live.exclude(live_flow_id="").values_list("live_flow_id", flat=True))


def sight_or_404(user: User, pk: int) -> Sight:
    """Asked anew for each page and act: what was withdrawn is gone at once."""
    mine = Membership.objects.filter(user=user).select_related("workspace").order_by("created_at", "pk")
    found: Sight | None = None
    for one in mine:
        account = accounts_seen(one.workspace).filter(pk=pk).first()
        if account is None:
            continue
        if account.owner_id == one.workspace_id:
            return Sight(account, one.workspace, None, one.role)
        flows = flows_shared(account, one.workspace)
        if found is None:
            found = Sight(account, one.workspace, flows, one.role)
        elif found.flows is not None:
            found = Sight(account, found.shown, found.flows | flows, found.role)
    if found is None:
        raise Http404("There are no such numbers that you may see.")
    return found


def sight_to_settle_or_404(user: User, pk: int) -> Sight:
    """What counts as a conversion, what else is collected, and who sees it: for merchants and owners of the account's
    own workspace."""
    sight = sight_or_404(user, pk)
    if not sight.is_own:
        raise PermissionDenied(f"Only {sight.account.owner} decides that for {sight.account}.")
    if not sight.may_settle:
        raise PermissionDenied("Only merchants and owners decide that.")
    return sight
