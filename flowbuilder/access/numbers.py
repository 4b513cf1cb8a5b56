"""How flows do: whose numbers somebody sees."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.access.roles import INSTALLERS
from flowbuilder.models import (
    Install,
    Sharing,
)


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
