"""The one door to workspaces and accounts: all is looked up through a membership of the person who asks.

Called first by every view, here and in flowbuilder. What is not theirs is 404; what their role may not do
in a workspace of theirs is 403 with a sentence. Reads only (but the session remembers where one stands).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest

from accounts.models import Grant, Invitation, KlaviyoAccount, Membership, User, Workspace

Person = User | AnonymousUser
Right = Literal["read", "publish", "report", "own"]
Role = Membership.Role

MAY_CONNECT = frozenset({Role.OWNER, Role.DESIGNER, Role.MERCHANT})
MAY_DISCONNECT = frozenset({Role.OWNER, Role.MERCHANT})
MAY_INVITE = frozenset({Role.OWNER})
SESSION_KEY = "workspace"  # the slug of the workspace one used last


def workspaces_of(user: Person) -> QuerySet[Workspace]:
    """The workspaces a person is a member of, by name."""
    if not user.is_authenticated:
        return Workspace.objects.none()
    return Workspace.objects.filter(memberships__user=user).order_by("name")


def membership_or_404(user: Person, slug: str) -> Membership:
    """Theirs in that workspace, with `.workspace` read along. One query."""
    if not user.is_authenticated:
        raise Http404
    found = (
        Membership.objects.select_related("workspace").filter(user_id=user.pk, workspace__slug=slug).first()
    )
    if found is None:
        raise Http404("There is no such workspace among yours.")
    return found


def workspace_or_404(user: Person, slug: str, roles: Collection[str] | None = None) -> Workspace:
    """The workspace, if the person is in it. With `roles`: PermissionDenied unless theirs is one of them."""
    membership = membership_or_404(user, slug)
    require_role(membership, roles)
    return membership.workspace


def require_role(membership: Membership, roles: Collection[str] | None) -> None:
    """PermissionDenied with a sentence unless the role is one of `roles` (None: any will do)."""
    if roles is not None and membership.role not in roles:
        raise PermissionDenied(
            f"Your role in {membership.workspace.name} is {membership.get_role_display().lower()}, "
            f"and this takes {_one_of(roles)}. An owner of the workspace can change your role."
        )


def member_or_404(user: Person, pk: int, *, or_self: bool = False) -> Membership:
    """Somebody's membership of a workspace of the person's, for its owners; with `or_self` for whose it is, too."""
    found = Membership.objects.select_related("workspace", "user").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such member.")
    mine = membership_or_404(user, found.workspace.slug)
    if not (or_self and mine.pk == found.pk):
        require_role(mine, MAY_INVITE)
    return found


def invitation_or_404(user: Person, pk: int) -> Invitation:
    """One that an owner may take back."""
    found = Invitation.objects.select_related("workspace").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such invitation.")
    workspace_or_404(user, found.workspace.slug, MAY_INVITE)
    return found


def accounts_of(workspace: Workspace, right: Right = "read") -> QuerySet[KlaviyoAccount]:
    """The accounts a workspace may touch by a live grant, connected or not, by name."""
    wanted = {"owner": workspace} if right == "own" else {f"grants__can_{right}": True}
    return (
        KlaviyoAccount.objects.filter(grants__workspace=workspace, grants__withdrawn_at=None, **wanted)
        .select_related("owner")
        .order_by("name", "pk")
    )


def account_or_404(user: Person, pk: int, right: Right = "read") -> KlaviyoAccount:
    """The account, if a live grant gives one of the person's workspaces this right. One query.

    right="own" is for ending the connection: 404 without any grant, PermissionDenied for members of
    workspaces that only use the account, and for roles that may not. Two queries.
    """
    if not user.is_authenticated:
        raise Http404
    which: dict[str, Any] = {} if right == "own" else {f"can_{right}": True}
    grant = Grant.objects.filter(
        account=OuterRef("pk"), withdrawn_at=None, workspace__memberships__user_id=user.pk, **which
    )
    account = KlaviyoAccount.objects.filter(Exists(grant), pk=pk).select_related("owner").first()
    if account is None:
        raise Http404("There is no such account among yours.")
    if right == "own":
        own = Membership.objects.filter(user_id=user.pk, workspace_id=account.owner_id).first()
        if own is None:
            raise PermissionDenied(
                f"{account.name} belongs to another workspace, which lets yours use it: "
                "only someone there can do this."
            )
        own.workspace = account.owner
        require_role(own, MAY_DISCONNECT)
    return account


def memberships_for(account: KlaviyoAccount, user: User) -> QuerySet[Membership]:
    """The person's memberships of workspaces that have a live grant on the account, the oldest first."""
    grant = Grant.objects.filter(account=account, withdrawn_at=None, workspace=OuterRef("workspace"))
    return (
        Membership.objects.filter(Exists(grant), user=user)
        .select_related("workspace")
        .order_by("created_at", "pk")
    )


def is_operator(user: Person) -> bool:
    """Whether the person works for the operator of this site. One query."""
    return (
        user.is_authenticated
        and Membership.objects.filter(user_id=user.pk, workspace__kind=Workspace.Kind.OPERATOR).exists()
    )


# --- Where a request stands ---------------------------------------------------------------------------------


def memberships_of(request: HttpRequest) -> list[Membership]:
    """All of the person's memberships, with their workspaces, oldest first. One query a request."""
    if not request.user.is_authenticated:
        return []
    kept: list[Membership] | None = getattr(request, "_memberships", None)
    if kept is None:
        found = Membership.objects.filter(user_id=request.user.pk).select_related("workspace")
        kept = list(found.order_by("created_at", "pk"))
        request._memberships = kept  # type: ignore[attr-defined]
    return kept


def current_workspace(request: HttpRequest) -> Workspace | None:
    """The workspace of the address (/w/<slug>/...), else the one used last, else the first; None without any.

    Standing in one is using it: the session remembers. One query a request.
    """
    by_slug = {one.workspace.slug: one.workspace for one in memberships_of(request)}
    if not by_slug:
        return None
    match = request.resolver_match
    slug = match.kwargs.get("slug") if match and match.route.startswith("w/") else None
    if slug in by_slug:
        use_workspace(request, by_slug[slug])
        return by_slug[slug]
    return by_slug.get(request.session.get(SESSION_KEY, "")) or next(iter(by_slug.values()))


def use_workspace(request: HttpRequest, workspace: Workspace) -> None:
    """Remember it in the session."""
    if request.session.get(SESSION_KEY) != workspace.slug:
        request.session[SESSION_KEY] = workspace.slug


def _one_of(roles: Collection[str]) -> str:
    words = [str(role.label).lower() for role in Role if role in roles]
    listed = ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else "".join(words)
    return f"{'an' if listed[:1] in 'aeiou' else 'a'} {listed}"
