"""Asking for a publication, and what a person may do to one. The calls are the publisher's."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from accounts.audit import Act, record
from accounts.clock import now as right_now
from accounts.models import KlaviyoAccount, User
from flowbuilder.models import Approval, Install, Made, Publication
from flowbuilder.publisher import approving, made
from flowbuilder.publisher.states import NOT_OURS, found_flows, move
from flowbuilder.tasks import ring

CANCELLABLE = (Publication.State.ASKED, Publication.State.APPROVED, Publication.State.WAITING)


class UnableToAct(Exception):
    """The publication is not in a state for this; the text says why."""


@transaction.atomic
def ask_for_publication(*, install: Install, by: User, answers: dict[str, Any]) -> Publication:
    """The row, then the doorbell once it is committed. If the bell is lost, the sweeper finds the row."""
    assert install.account is not None
    publication = Publication(
        workspace=install.workspace,
        install=install,
        version=install.version,
        account=install.account,
        asked_by=by,
        flow_name=install.version.name,
        answers=answers,
        shape=install.shape,
    )
    return submit(publication)


def submit(publication: Publication) -> Publication:
    """Write it down. Where a second person has to say yes first, that is asked for; else the bell rings."""
    deciders = approving.deciders_of(publication)
    if deciders:
        publication.needs_approval, publication.reason = True, approving.waiting_for(deciders)
    publication.save()
    approving.ask_for(publication, deciders)
    is_removal = publication.kind == Publication.Kind.REMOVE
    _note(Act.REMOVED if is_removal else Act.ASKED, publication, publication.asked_by)
    if not deciders:
        transaction.on_commit(partial(ring, publication.account_id))
    return publication


def _note(act: str, publication: Publication, by: User | None) -> None:
    text = f"{publication.get_kind_display()}, account {publication.account}"
    workspace, name = publication.workspace_id, publication.flow_name
    record(act, workspace=workspace, thing=publication, name=name, detail=text, by=by)


@transaction.atomic
def cancel_publication(*, publication: Publication, by: User) -> None:
    """Give up one that has not been sent. What it made in the account is taken away again."""
    publication = Publication.objects.select_for_update().get(pk=publication.pk)
    if publication.state not in CANCELLABLE:
        raise UnableToAct("Only a publication that waits can be cancelled.")
    if publication.klaviyo_flow_id:
        raise UnableToAct("The flow is in the account already: it is only being read back.")
    withdrawn = publication.awaits_approval and publication.asked_by_id == by.pk
    _call_off(publication, f"{'Withdrawn' if withdrawn else 'Cancelled'} by {by}.", by)
    approving.close(publication.approvals.all(), Approval.Verdict.WITHDRAWN, "", by)
    _note(Act.RECALLED if withdrawn else Act.CANCELLED, publication, by)


@transaction.atomic
def refuse_publication(*, publication: Publication, by: User, reason: str) -> None:
    """A second person said no: nothing is sent, and the asker reads why. The caller holds its row."""
    _call_off(publication, f"{by} did not approve it: {reason}", by)
    approving.close(publication.approvals.all(), Approval.Verdict.LAPSED, f"{by} said no.")


def _call_off(publication: Publication, text: str, by: User) -> None:
    move(publication, Publication.State.CANCELLED, text, by=by)
    under_way = Install.objects.filter(publications=publication, state=Install.State.PUBLISHING)
    under_way.update(state=Install.State.CHOOSING)
    made.give_back(publication, right_now())
    transaction.on_commit(partial(ring, publication.account_id))


@transaction.atomic
def retry_publication(*, publication: Publication, by: User) -> None:
    """Ask again after a failure from which nothing was made."""
    publication = Publication.objects.select_for_update().get(pk=publication.pk)
    if publication.state != Publication.State.FAILED:
        raise UnableToAct("Only a failed publication can be asked for again.")
    if publication.install and publication.install.publications.filter(pk__gt=publication.pk).exists():
        raise UnableToAct("This install went on with a later publication. Look at that one.")
    on_its_way = Install.objects.filter(publications=publication, live_flow_id="")  # else its flow is there
    on_its_way.update(state=Install.State.PUBLISHING)
    approving.ask_again(publication, by, tidy_at=None)
    _note(Act.RETRIED, publication, by)
    transaction.on_commit(partial(ring, publication.account_id))


@transaction.atomic
def decide_publication(*, publication: Publication, flow_id: str | None, by: User) -> None:
    """The answer was lost and several flows look like it: a person says which one it is, or None: none of them.

    The one is read back and finished. None of them: it is sent again, and they are never taken for it.
    """
    publication = Publication.objects.select_for_update().get(pk=publication.pk)
    found = {one["id"]: one for one in found_flows(publication)}
    if not found:
        raise UnableToAct("There is nothing to decide any more: the publication went on by itself.")
    KlaviyoAccount.objects.select_for_update().get(pk=publication.account_id)  # one decision after the other
    if flow_id is None:
        not_ours = [*publication.wanted.get(NOT_OURS, []), *found]
        wanted = {**publication.wanted, NOT_OURS: not_ours}
        text = f"{by} says that none of the flows that were found is this one. Sending again."
        move(publication, Publication.State.WAITING, text, by=by, wanted=wanted)
    elif flow_id not in found:
        raise UnableToAct("Choose one of the flows that were found.")
    elif Made.objects.filter(
        kind=Made.Kind.FLOW, klaviyo_id=flow_id, publication__account=publication.account
    ):
        raise UnableToAct(
            "That flow is another publication's. Choose another one, or say that it is none of them."
        )
    else:
        text = f"{by} says that flow {flow_id} is this one."
        move(
            publication,
            Publication.State.VERIFYING,
            text,
            by=by,
            klaviyo_flow_id=flow_id,
            lease_until=None,
        )
        made.remember(publication, Made.Kind.FLOW, "", flow_id, publication.flow_name)
    _note(Act.DECIDED, publication, by)
    transaction.on_commit(partial(ring, publication.account_id))
