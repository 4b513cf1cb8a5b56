"""What needs a second person's yes, of which content a yes is, and whether it still holds.

    deciders_of(publication), deciders_in(rollout)      the workspaces whose people decide; empty: none is needed
    ask_for(publication, deciders)                      their word is asked for
    lacking(rollout, by)                                the same for a rollout: those whose yes there is not
    lapse(publication)                                  what was approved is not what would be sent any more

A yes of the workspace that owns the account is asked for where that workspace says so, and one of the workspace of
the template flow where that template flow does. Setting a flow to draft needs none: whoever sees a mistake stops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.clock import now as right_now
from accounts.models import User, Workspace
from flowbuilder.definition.canonical import content_hash
from flowbuilder.models import Approval, Letter, Move, Publication, Rollout
from flowbuilder.publisher.after import INSTALL, MADE, RESTORE, STATUS
from flowbuilder.publisher.before import BACK, CHOICES
from flowbuilder.publisher.held import THEN
from flowbuilder.publisher.standing import FLOW
from flowbuilder.publisher.states import S, move
from flowbuilder.queries.approvals import who_can

Verdict = Approval.Verdict
# In `wanted`: what a person asked for. The rest is what the publisher found out on its way.
ASKED = (FLOW, STATUS, RESTORE, CHOICES, BACK, MADE, INSTALL, THEN)


# --- Of what a yes is ----------------------------------------------------------------------------------------------


def fingerprint(publication: Publication) -> str:
    """Of all that would be published: the version, the answers with their ids, how it is built, what is wanted."""
    wanted = {key: one for key, one in publication.wanted.items() if key in ASKED}
    return content_hash(
        {
            "account": publication.account_id,
            "kind": publication.kind,
            "version": publication.version.content_hash,
            "name": publication.flow_name,
            "answers": publication.answers,
            "shape": publication.shape,
            "wanted": wanted,
        }
    )


def fingerprint_in(rollout: Rollout, workspace: Workspace) -> str:
    """Of a version, its answers, and the accounts for which this workspace decides, with what each answers."""
    choices = rollout.choices.order_by("account_id")
    if workspace.pk != rollout.version.flow.template_flow.workspace_id:
        choices = choices.filter(account__owner=workspace)
    accounts = [
        [account_id, {key: one["value"] for key, one in answers.items()}]
        for account_id, answers in choices.values_list("account_id", "answers")
    ]
    return content_hash(
        {
            "version": rollout.version.content_hash,
            "answers": rollout.answers,
            "shape": rollout.shape,
            "accounts": accounts,
        }
    )


# --- Who decides ---------------------------------------------------------------------------------------------------


def _needs_none(publication: Publication) -> bool:
    wanted = publication.wanted
    return (
        publication.kind == Publication.Kind.STATUS and wanted.get(STATUS) == "draft" and THEN not in wanted
    )


def deciders_of(publication: Publication) -> list[Workspace]:
    """One query. By whom it was approved before, where nobody needs to be asked any more."""
    if _needs_none(publication):
        return []
    by_account = Q(owned_accounts=publication.account_id, needs_approval=True)
    by_template = Q(template_flows__flow=publication.version.flow_id, template_flows__needs_approval=True)
    return list(Workspace.objects.filter(by_account | by_template).distinct().order_by("pk"))


def deciders_in(rollout: Rollout) -> list[Workspace]:
    """One query."""
    template = rollout.version.flow.template_flow
    by_account = Q(needs_approval=True, owned_accounts__in=rollout.choices.values("account"))
    by_template = Q(pk=template.workspace_id) if template.needs_approval else Q(pk=None)
    return list(Workspace.objects.filter(by_account | by_template).distinct().order_by("pk"))


def covers(workspace: Workspace, rollout: Rollout, owner_id: int) -> bool:
    """Whether this workspace decides for an account of that owner in the rollout."""
    template = rollout.version.flow.template_flow
    return owner_id == workspace.pk or (template.needs_approval and template.workspace_id == workspace.pk)


# --- Asking --------------------------------------------------------------------------------------------------------


def ask_for(publication: Publication, deciders: Iterable[Workspace], now: datetime | None = None) -> None:
    """Two queries, and one for each workspace."""
    content, now = fingerprint(publication), now or right_now()
    _ask(
        Approval(
            workspace=one,
            asked_in_id=publication.workspace_id,
            publication=publication,
            content_hash=content,
            asked_by_id=publication.asked_by_id,
            asked_at=now,
        )
        for one in deciders
    )


def _ask(approvals: Iterable[Approval]) -> None:
    """With a letter to each who may decide: it goes out once this is committed, and not without."""
    made = Approval.objects.bulk_create(approvals)
    Letter.objects.bulk_create(
        Letter(approval=one, person=person, kind=Letter.Kind.ASKED, not_before=one.asked_at)
        for one in made
        for person in who_can(one.workspace_id, one.asked_by_id)
    )


def waiting_for(deciders: Iterable[Workspace]) -> str:
    """The sentence that stands on what waits."""
    return f"Waits until a second person approves it: of {' and of '.join(str(one) for one in deciders)}."


def lacking(rollout: Rollout, by: User | None, now: datetime) -> list[Workspace]:
    """The workspaces whose yes there is not, asked for now where `by` asks. What was said of something else lapses."""
    open_ones, missing = [], []
    for one in deciders_in(rollout):
        content = fingerprint_in(rollout, one)
        rows = rollout.approvals.filter(workspace=one, verdict__in=("", Verdict.YES))
        let_lapse(rows.exclude(content_hash=content), "What would be sent has changed since.", now)
        same = rows.filter(content_hash=content)
        said = same.filter(verdict=Verdict.YES)
        if (said.exclude(decided_by=by) if by else said).exists():
            continue
        missing.append(one)
        if by is not None and not same.filter(verdict="").exists():
            asked = {"asked_in": rollout.workspace, "asked_by": by, "asked_at": now}
            open_ones.append(Approval(workspace=one, rollout=rollout, content_hash=content, **asked))
    _ask(open_ones)
    return missing


# --- Afterwards ----------------------------------------------------------------------------------------------------


def let_lapse(rows: QuerySet[Approval], reason: str, now: datetime | None = None) -> None:
    """Those that are open, and a yes that does not count any more; who said it, and when, stays."""
    rows.filter(verdict=Verdict.YES).update(verdict=Verdict.LAPSED, reason=reason)
    close(rows, Verdict.LAPSED, reason, now=now)


def close(
    rows: QuerySet[Approval], verdict: str, reason: str, by: User | None = None, now: datetime | None = None
) -> None:
    """What is open needs no word any more."""
    rows.filter(verdict="").update(
        verdict=verdict, reason=reason, decided_by=by, decided_at=now or right_now()
    )


def approve_all(publications: Iterable[Publication], now: datetime) -> None:
    """Of a wave whose rollout has its yes, just written. Two queries, however many: a move for each of them."""
    made = list(publications)
    if not made:
        return
    text = "Approved with its rollout."
    Publication.objects.filter(pk__in=[one.pk for one in made]).update(state=S.APPROVED, reason=text)
    Move.objects.bulk_create(
        Move(publication=one, number=1, from_state=S.ASKED, to_state=S.APPROVED, reason=text, at=now)
        for one in made
    )


def ask_again(publication: Publication, by: User, **also: Any) -> bool:
    """After a failure. Its yes holds while nothing changed, else it is asked for anew. Whether it is due now."""
    move(publication, S.ASKED, f"Asked again by {by}.", by=by, **also)
    if not publication.needs_approval:
        return True
    if publication.approved_hash == fingerprint(publication):
        move(publication, S.APPROVED, "Approved before, and unchanged since.")
        return True
    _ask_anew(publication)
    return False


def has_lapsed(publication: Publication) -> bool:
    """Of one that was approved and has not reached its account: whether it is something else now."""
    if not publication.needs_approval or publication.klaviyo_flow_id:
        return False
    return publication.state in (S.APPROVED, S.WAITING) and publication.approved_hash != fingerprint(
        publication
    )


@transaction.atomic
def lapse(publication: Publication) -> None:
    """Back to whoever decides. The caller has its lease."""
    move(publication, S.ASKED, "It was changed since it was approved: the approval has lapsed.")
    _ask_anew(publication)


def _ask_anew(publication: Publication) -> None:
    mine = Q(publication=publication) | Q(rollout=publication.rollout_id, rollout__isnull=False)
    before = Workspace.objects.filter(approvals__in=Approval.objects.filter(mine)).distinct()
    deciders = deciders_of(publication) or list(before)
    let_lapse(publication.approvals.all(), "What would be sent has changed since.")
    ask_for(publication, deciders)
