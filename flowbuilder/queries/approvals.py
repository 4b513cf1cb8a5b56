"""What waits for a second person's yes, and who could say it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import Membership, User
from flowbuilder.models import Approval, Publication

DECIDERS = (Membership.Role.OWNER, Membership.Role.REVIEWER)
MOST_NAMED = 3


def who_can(workspace_id: int, but: int | None = None) -> list[User]:
    """Owners and reviewers of a workspace, without whoever asked. One query."""
    mine = Membership.objects.filter(workspace=workspace_id, role__in=DECIDERS).exclude(user=but)
    return [one.user for one in mine.select_related("user").order_by("pk") if one.user.is_active]


def in_words(approvals: Iterable[Approval]) -> str:
    """Who can say yes to what is open, in a sentence for each workspace; empty where nothing is."""
    texts = []
    for one in approvals:
        if one.verdict:
            continue
        found = [str(person) for person in who_can(one.workspace_id, one.asked_by_id)]
        names = found[:MOST_NAMED] + ([f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else [])
        if names:
            texts.append(f"{' or '.join(names)} of {one.workspace} can approve it.")
        else:
            texts.append(
                f"Nobody else in {one.workspace} can approve it: it takes another owner or reviewer there."
            )
    return " ".join(texts)


def approvals_of(publication: Publication) -> list[Approval]:
    """Its own and those of its rollout that are for it, oldest first. One query."""
    of_rollout = Q(rollout=publication.rollout_id, rollout__isnull=False) & (
        Q(workspace=publication.account.owner_id)
        | Q(workspace__template_flows__flow=publication.version.flow_id)
    )
    rows = Approval.objects.filter(Q(publication=publication) | of_rollout)
    return list(rows.select_related("workspace", "asked_by", "decided_by").distinct().order_by("pk"))


def waiting_for(user: User, mine: Iterable[int] | None = None) -> QuerySet[Approval]:
    """Open ones on which this person may say a word: none that they asked for. `mine`: the workspaces in which they
    decide, where that is known."""
    if mine is None:
        rows = Membership.objects.filter(user=user, role__in=DECIDERS)
        mine = list(rows.values_list("workspace_id", flat=True))
    return Approval.objects.filter(verdict="", workspace__in=mine).exclude(asked_by=user)
