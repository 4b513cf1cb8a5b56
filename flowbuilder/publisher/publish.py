"""One publication, from the committed intent to its end. Called by its lane; resumes anywhere.

    a new flow   prepare -> send, once -> tag it, read it back -> published       (create.py)
    afterwards   a change of status, an update in place, a removal                (after.py)

Here is what an error means in which state: whatever may have happened is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import now as right_now

from accounts.budget import MustWait
from accounts.connection import client_for
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    ConnectionLost,
    KlaviyoError,
    MissingScope,
    NotAllowed,
    NotAuthorized,
    NotFound,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from accounts.models import Grant, KlaviyoAccount, Membership
from flowbuilder.models import Publication
from flowbuilder.publisher import after, create, made
from flowbuilder.publisher.calls import LEASE, Calls
from flowbuilder.publisher.create import RefusedHere, Stop
from flowbuilder.publisher.reconcile import quiet_until
from flowbuilder.publisher.states import MOVES, LostLease, S, move, take

ClientFor = Callable[[KlaviyoAccount], Klaviyo]
SOON = LEASE / 9  # 20 seconds by default, until the next try when nothing reached Klaviyo
LATER = timedelta(minutes=10)  # until the next try when a person must do something first
SHORT = timedelta(seconds=75)  # a wait that is over before anybody would ask about it


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. `wait_until`: the account's limits let nothing more through before."""

    state: str
    wait_until: datetime | None = None


def run(publication_id: int, *, client_for: ClientFor = client_for) -> Ran | None:
    """Work on one publication if it is due and nobody else does; None if not."""
    publication = take(publication_id, lease=LEASE)
    if publication is None:
        return None
    try:
        wait_until = _work(publication, client_for)
    except LostLease:
        return None
    return Ran(publication.state, wait_until)


def _work(publication: Publication, client_for: ClientFor) -> datetime | None:
    if publication.state == S.SENDING:
        # Whoever sent it died before writing what came back.
        _look_later(publication, "The answer was lost while sending.")
        return None
    is_first = publication.state == S.ASKED and publication.attempt_number == 1
    try:
        _check_consent(publication)
        calls = Calls(publication, client_for(publication.account), is_first=is_first)
        if publication.state == S.UNKNOWN:
            create.look(publication, calls)
        if publication.state in (S.ASKED, S.APPROVED, S.WAITING):
            move(publication, S.VERIFYING if publication.klaviyo_flow_id else S.PREPARING)
        if publication.state == S.PREPARING and publication.kind == Publication.Kind.CREATE:
            create.prepare_and_send(publication, calls)
        elif publication.state == S.PREPARING:
            after.run(publication, calls)
        if publication.state == S.VERIFYING:
            create.verify(publication, calls)
    except Stop as stop:
        _give_up(publication, S.FAILED, str(stop))
    except RefusedHere as refused:
        create.refuse_email(publication, refused)
    except MustWait as wait:
        return _wait(publication, wait)
    except KlaviyoError as error:
        _handle(publication, error)
    return None


def _handle(publication: Publication, error: KlaviyoError) -> None:
    """What an error means: was anything done, and does it help to try again."""
    now, state = right_now(), publication.state
    match error:
        case ConnectionLost() | NotAuthorized():
            text = "The connection to Klaviyo is broken. Reconnect the account, then try again."
            _give_up(publication, S.FAILED, text)
        case MissingScope():
            _give_up(publication, S.FAILED, f"{error} Reconnect the account and allow it, then try again.")
        case Throttled():
            text = "Klaviyo asked us to wait: this account has used what it may in this time."
            _park(publication, text, now + timedelta(seconds=error.retry_after))
        case NotFound() if state == S.VERIFYING:
            create.publish(publication, "It landed, and was deleted in Klaviyo before we could read it back.")
        case Refused() | NotAllowed() if state in (S.UNKNOWN, S.VERIFYING):
            _park(publication, f"Klaviyo would not show the flow: {error}", now + SOON)
        case Refused() if state == S.SENDING:
            create.refuse(publication, error)
        case Refused() | NotAllowed():
            _give_up(publication, S.REFUSED, str(error))
        case Unknown() if state == S.SENDING:
            _look_later(publication, f"{error} We look whether the flow is there before it is sent again.")
        case NotSent() | _:
            _park(publication, f"{error} We try again.", now + SOON)


def _look_later(publication: Publication, reason: str) -> None:
    move(publication, S.UNKNOWN, reason, not_before=quiet_until(publication.sent_at or right_now()))


def _wait(publication: Publication, wait: MustWait) -> datetime | None:
    """Not now, by the account's limits. A short wait holds the lane; a long one only this publication."""
    if wait.until - right_now() > SHORT:
        _park(publication, str(wait), wait.until)
        return None
    if publication.state == S.SENDING:  # another worker was faster with the last call of this moment
        move(publication, S.WAITING, str(wait), not_before=wait.until)
    else:
        known = {"not_before": wait.until, "lease_until": None, "reason": str(wait)}
        Publication.objects.filter(
            pk=publication.pk, state=publication.state, attempt_number=publication.attempt_number
        ).update(**known)
    return wait.until


def _park(publication: Publication, reason: str, until: datetime) -> None:
    """Wait without holding a worker; what is being looked up stays so."""
    move(publication, S.UNKNOWN if publication.state == S.UNKNOWN else S.WAITING, reason, not_before=until)


def _give_up(publication: Publication, state: str, reason: str) -> None:
    """End it; but what may be in the account is never given up, and what is there has landed."""
    if publication.state == S.UNKNOWN:
        _park(publication, f"{reason} Then we look whether the flow is there.", right_now() + LATER)
    elif publication.state == S.VERIFYING:
        create.publish(publication, f"Landed, but it could not be read back: {reason}")
    else:
        move(publication, state if state in MOVES[publication.state] else S.FAILED, reason)
        if publication.state == S.REFUSED:
            made.give_back(publication, right_now())


def _check_consent(publication: Publication) -> None:
    """The right to publish, looked at again at the time of sending."""
    account = publication.account
    if not account.is_connected:
        raise Stop(f"{account} is disconnected: {account.state_reason or 'reconnect it'} Then try again.")
    if not Grant.objects.filter(
        account=account, workspace=publication.workspace, can_publish=True, withdrawn_at=None
    ).exists():
        raise Stop(f"{publication.workspace} may no longer publish to {account}.")
    if (
        publication.asked_by
        and not Membership.objects.filter(user=publication.asked_by, workspace=publication.workspace).exists()
    ):
        raise Stop(f"{publication.asked_by}, who asked for this, is no longer in {publication.workspace}.")
