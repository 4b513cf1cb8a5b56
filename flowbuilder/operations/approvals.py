"""A second person's word: yes, no with a reason, or the asker takes it back. And who requires one.

A yes is for what was read: its hash must be that of what would be published now.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.audit import Act, record
from accounts.clock import now as right_now
from accounts.models import Membership, User, Workspace
from flowbuilder.models import Approval, Letter, Publication, Rollout, TemplateFlow
from flowbuilder.operations import rollouts
from flowbuilder.operations.publications import cancel_publication, refuse_publication
from flowbuilder.publisher import approving, waves
from flowbuilder.publisher.states import move
from flowbuilder.queries.approvals import DECIDERS, who_can
from flowbuilder.tasks import ring

Verdict = Approval.Verdict
LONGEST = 2000  # of a reason
CHANGED = "What would be published has changed since it was asked for. It is asked for anew."


class UnableToApprove(Exception):
    """The text says why, and what to do."""


def decide(
    *,
    approval: Approval,
    by: User,
    verdict: str,
    reason: str = "",
    seen: str = "",
    now: datetime | None = None,
) -> None:
    """A second person's yes or no; `seen` is the content hash of the page that they read. A no says why.

    Where something else would be published meanwhile, what was asked lapses and is asked for anew.
    """
    now, reason = now or right_now(), reason.strip()[:LONGEST]
    with transaction.atomic():
        thing = _hold(approval)
        _may(approval, by)
        if verdict not in (Verdict.YES, Verdict.NO):
            raise UnableToApprove("Say yes or no.")
        if verdict == Verdict.NO and not reason:
            raise UnableToApprove("Say why not: whoever asked reads it.")
        is_same = content_of(approval) == approval.content_hash
        if is_same and verdict == Verdict.YES and seen != approval.content_hash:
            raise UnableToApprove("This is not what was asked for. Open it again from the list.")
        if is_same:
            approval.verdict, approval.reason = verdict, reason
            approval.decided_by, approval.decided_at = by, now
            approval.save(update_fields=["verdict", "reason", "decided_by", "decided_at"])
            if approval.asked_by_id:
                approval.letters.create(person_id=approval.asked_by_id, kind=Letter.Kind.SAID, not_before=now)
            act = Act.APPROVED if verdict == Verdict.YES else Act.DISAPPROVED
            record(
                act,
                workspace=approval.workspace_id,
                thing=thing,
                name=_name(thing),
                detail=reason,
                by=by,
                now=now,
            )
            _go_on(approval, thing, by, now)
        else:
            _ask_anew(approval, thing, now)
    if not is_same:
        raise UnableToApprove(CHANGED)


@transaction.atomic
def withdraw(*, approval: Approval, by: User, now: datetime | None = None) -> None:
    """The asker wants it no more: nothing is sent."""
    thing = _hold(approval)
    _still_open(approval)
    if approval.asked_by_id != by.pk:
        raise UnableToApprove(f"Only {approval.asked_by or 'who asked'} can withdraw it.")
    if isinstance(thing, Publication):
        cancel_publication(publication=thing, by=by)
    else:
        rollouts.withdraw(rollout=thing, by=by, now=now or right_now())
    approval.refresh_from_db()


def content_of(approval: Approval) -> str:
    """The hash of what would be published now."""
    if approval.publication is not None:
        return approving.fingerprint(approval.publication)
    assert approval.rollout is not None
    return approving.fingerprint_in(approval.rollout, approval.workspace)


@transaction.atomic
def require(
    *, workspace: Workspace, by: User, in_workspace: bool, templates: Collection[int], sure: bool = False
) -> None:
    """Whether a second person must say yes: in this workspace's accounts, and wherever its template flows (ids) go.
    Where nobody could, one has to be sure. What waits goes on waiting."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    mine = TemplateFlow.objects.filter(workspace=workspace)
    wanted = set(mine.filter(pk__in=list(templates)).values_list("pk", flat=True))
    before = set(mine.filter(needs_approval=True).values_list("pk", flat=True))
    is_more = (in_workspace and not workspace.needs_approval) or wanted - before
    if is_more and not sure and len(who_can(workspace.pk)) < 2:
        raise UnableToApprove(
            f"{by} is the only one in {workspace} who could approve, and nobody approves what they asked for "
            "themselves. Make somebody else an owner or a reviewer first, or say that you are sure."
        )
    workspace.needs_approval = in_workspace
    workspace.save(update_fields=["needs_approval"])
    mine.update(needs_approval=False)
    mine.filter(pk__in=wanted).update(needs_approval=True)
    text = f"A second person: {'in its accounts' if in_workspace else 'not in its accounts'}, "
    text += f"and for {len(wanted)} of its template flows."
    record(Act.SETTINGS, workspace=workspace, thing=workspace, detail=text, by=by)


# --- Shared --------------------------------------------------------------------------------------------------------


def _hold(approval: Approval) -> Publication | Rollout:
    """What it is about, held, and the approval as it is now."""
    thing: Publication | Rollout | None
    if approval.publication_id:
        rows = Publication.objects.select_for_update(of=("self",)).select_related("version", "account")
        thing = rows.get(pk=approval.publication_id)
    else:
        thing = waves.lock(approval.rollout_id or 0)
        assert thing is not None
    approval.refresh_from_db()
    if isinstance(thing, Publication):
        approval.publication = thing
    else:
        approval.rollout = thing
    return thing


def _name(thing: Publication | Rollout) -> str:
    return thing.flow_name if isinstance(thing, Publication) else thing.name


def _still_open(approval: Approval) -> None:
    if approval.verdict:
        who = f" by {approval.decided_by}" if approval.decided_by else ""
        raise UnableToApprove(
            f"It is {approval.get_verdict_display().lower()}{who} already. {approval.reason}".strip()
        )


def _may(approval: Approval, by: User) -> None:
    _still_open(approval)
    if approval.asked_by_id == by.pk:
        raise UnableToApprove("Somebody else has to decide on what you asked for yourself.")
    mine = Membership.objects.filter(user=by, workspace=approval.workspace_id, role__in=DECIDERS)
    if not mine.exists():
        raise UnableToApprove(f"Owners and reviewers of {approval.workspace} decide on this.")


def _go_on(approval: Approval, thing: Publication | Rollout, by: User, now: datetime) -> None:
    if approval.verdict == Verdict.NO:
        if isinstance(thing, Publication):
            refuse_publication(publication=thing, by=by, reason=approval.reason)
        else:
            rollouts.take_no(rollout=thing, by=by, reason=approval.reason, now=now)
        return
    if thing.approvals.filter(verdict="").exists():
        return  # of another workspace
    if isinstance(thing, Publication):
        text = f"Approved by {by}."
        move(thing, Publication.State.APPROVED, text, by=by, approved_hash=approval.content_hash)
        transaction.on_commit(partial(ring, thing.account_id))
    else:
        rollouts.go_on_approved(rollout=thing, now=now)


def _ask_anew(approval: Approval, thing: Publication | Rollout, now: datetime) -> None:
    reason = "What would be published has changed since."
    if isinstance(thing, Publication):
        rows = thing.approvals.filter(verdict="")
        deciders = list(Workspace.objects.filter(approvals__in=rows))
        approving.let_lapse(rows, reason, now)
        approving.ask_for(thing, deciders, now)
    else:
        approving.lacking(thing, approval.asked_by, now)
    approval.refresh_from_db()
