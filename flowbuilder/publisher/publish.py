"""One publication, from the committed intent to its end. Called by its lane; resumes anywhere.

    a new flow   prepare -> send, once -> tag it, read it back -> published       (create.py)
    afterwards   a change of status, an update in place, a removal                (after.py)

Here is what an error means in which state: whatever may have happened is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts import rows
from accounts.budget import MustWait
from accounts.clock import now as right_now
from accounts.connection import client_for
from accounts.counted import is_over
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
from accounts.models import KlaviyoAccount
from flowbuilder.models import Publication
from flowbuilder.publisher import after, approving, create, made
from flowbuilder.publisher.calls import LEASE, MOMENT, Calls, Known
from flowbuilder.publisher.reconcile import quiet_until
from flowbuilder.publisher.states import MOVES, LostLease, S, move, take, take_next
from flowbuilder.publisher.stops import RefusedHere, Stop

ClientFor = Callable[[KlaviyoAccount], Klaviyo]
SOON = LEASE / 9  # 20 seconds by default, until the next try when nothing reached Klaviyo
LATER = timedelta(minutes=10)  # until the next try when a person must do something first
MOST_401 = 5  # of one publication
# A wait that is over before anybody would ask about it: a minute of Klaviyo's, where that is the longer one.
SHORT = timedelta(seconds=75 / min(1.0, settings.KLAVIYO_SPEED))

AHEAD = MOMENT * 5 / 6  # so long before a wait is over a worker gets all ready again


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. `wait_until`: the account's limits let nothing more through before."""

    state: str
    wait_until: datetime | None = None


def run(publication_id: int, *, client_for: ClientFor = client_for, known: Known | None = None) -> Ran | None:
    """Work on one publication if it is due and nobody else does; None if not."""
    return _run(take(publication_id, lease=LEASE), client_for, known)


def run_next(account_id: int, now: datetime, *, client_for: ClientFor, known: Known) -> Ran | None:
    """The same of the next one that is due in an account; None if none is."""
    return _run(take_next(account_id, lease=LEASE, now=now), client_for, known)


def _run(publication: Publication | None, client_for: ClientFor, known: Known | None) -> Ran | None:
    if publication is None:
        return None
    try:
        wait_until = _work(publication, client_for, known)
    except LostLease:
        return None
    return Ran(publication.state, wait_until)


def _work(publication: Publication, client_for: ClientFor, known: Known | None) -> datetime | None:
    if publication.state == S.SENDING:
        # Whoever sent it died before writing what came back.
        _look_later(publication, "The answer was lost while sending.")
        return None
    if approving.has_lapsed(publication):
        approving.lapse(publication)
        return None
    is_first = publication.state in (S.ASKED, S.APPROVED) and publication.attempt_number == 1
    try:
        _check_consent(publication)
        known = known or Known()
        client = _door(publication.account, client_for, known)
        calls = Calls(publication, client, is_first=is_first, known=known)
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


def _door(account: KlaviyoAccount, client_for: ClientFor, known: Known) -> Klaviyo:
    """Made anew when the account got another key, or a token instead; a token is read at each call anyhow."""
    key = account.api_key
    if known.client is None or not (key is known.key or (key and key.is_stored_as(known.key))):
        known.client, known.key = client_for(account), key
    return known.client


def _handle(publication: Publication, error: KlaviyoError) -> None:
    """What an error means: was anything done, and does it help to try again."""
    now, state = right_now(), publication.state
    match error:
        case NotAuthorized() if not _is_over(publication):
            text = "Klaviyo did not accept the connection, though it has not ended it. We try again."
            _park(publication, text, now + SOON)
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


def _is_over(publication: Publication) -> bool:
    """After a 401. One that comes again and again is the end, whatever Klaviyo means by it."""
    times = publication.attempts.filter(status=401).count()
    return times >= MOST_401 or is_over(publication.account)


def _look_later(publication: Publication, reason: str) -> None:
    move(publication, S.UNKNOWN, reason, not_before=quiet_until(publication.sent_at or right_now()))


def _wait(publication: Publication, wait: MustWait) -> datetime | None:
    """Not now, by the account's limits. A short wait holds the lane; a long one only this publication."""
    if wait.until - right_now() > SHORT:
        _park(publication, str(wait), wait.until)
        return None
    until = wait.until - AHEAD if wait.until - right_now() > 2 * AHEAD else wait.until
    if publication.state == S.SENDING:  # another worker was faster with the last call of this moment
        move(publication, S.WAITING, str(wait), not_before=until)
    else:
        known = {"not_before": until, "lease_until": None, "reason": str(wait)}
        Publication.objects.filter(
            pk=publication.pk, state=publication.state, attempt_number=publication.attempt_number
        ).update(**known)
    return until


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


CONSENT = """
SELECT account.*,
    EXISTS (SELECT 1 FROM accounts_grant WHERE account_id = account.id AND workspace_id = %s
        AND can_publish AND withdrawn_at IS NULL) AS is_granted,
    EXISTS (SELECT 1 FROM accounts_membership WHERE workspace_id = %s AND user_id = %s) AS is_member
FROM accounts_klaviyoaccount AS account WHERE id = %s"""


def _check_consent(publication: Publication) -> None:
    """The account and the right to publish to it, looked at again at the time of sending."""
    workspace_id, asked_by_id = publication.workspace_id, publication.asked_by_id
    asked = (workspace_id, workspace_id, asked_by_id, publication.account_id)
    account: Any = rows.read(KlaviyoAccount, CONSENT, *asked)
    publication.account = account
    if not account.is_connected:
        raise Stop(f"{account} is disconnected: {account.state_reason or 'reconnect it'} Then try again.")
    if not account.is_granted:
        raise Stop(f"{publication.workspace} may no longer publish to {account}.")
    if asked_by_id and not account.is_member:
        raise Stop(f"{publication.asked_by}, who asked for this, is no longer in {publication.workspace}.")
