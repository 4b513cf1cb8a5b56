"""The lane of an account: its publications one after the other, so that no account waits for another.

    run_lane(account)   by one worker at a time, for a moment; says when to come back
    due_lanes(now)      accounts in which something is to be done, people's own asks first

The lane's lease only keeps two workers from doing the same for nothing: what must not happen twice is kept from it
by each publication's own lease (states.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Count, Q

from accounts import rows
from accounts.budget import MustWait
from accounts.clock import now as right_now
from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from flowbuilder.models import Lane, Publication, Rollout
from flowbuilder.publisher import made, publish
from flowbuilder.publisher.calls import LEASE, Calls, Known
from flowbuilder.publisher.publish import ClientFor
from flowbuilder.publisher.reconcile import quiet_until
from flowbuilder.publisher.states import LostLease, due, next_due

State = Publication.State
LANE = "SELECT * FROM flowbuilder_lane WHERE account_id = %s"
LANE_LEASE = LEASE * 7 / 6
TURN = timedelta(seconds=20)  # then others' lanes have their turn
RING_AGAIN = LEASE / 3  # a message that nobody took in this time is taken for lost
TIDY_AGAIN = timedelta(minutes=10)


def run_lane(
    account_id: int, *, client_for: ClientFor = client_for, clock: Callable[[], datetime] = right_now
) -> datetime | None:
    """Work on what is due in one account. When to come back, or None when nothing waits for a moment to pass."""
    lane = _take(account_id, clock())
    if (
        lane.lease_until is None
    ):  # another worker has it, and looks once more when it leaves; or it is too early
        return lane.not_before
    until, end, known = None, clock() + TURN, Known()
    while until is None and clock() < end:
        ran = publish.run_next(account_id, clock(), client_for=client_for, known=known)
        if ran is None:
            break
        until = ran.wait_until
    else:
        until = until or clock()
    if until is None:
        _tidy(account_id, client_for, clock())
    left = {"lease_until": None, "not_before": until}
    freed = rows.change(Lane, {"id": lane.pk, "turn": lane.turn}, left)
    if freed and until is None and next_due(account_id, clock()) is not None:
        return clock()  # asked for while the lane was being left
    return until


def _take(account_id: int, now: datetime) -> Lane:
    """The lane, with a lease where this worker has it now. Its bell has been heard either way."""
    lane = rows.read(Lane, LANE, account_id) or Lane.objects.get_or_create(account_id=account_id)[0]
    lease = now + LANE_LEASE
    is_free = lane.lease_until is None or lane.lease_until < now
    is_early = lane.not_before is not None and lane.not_before > now
    known = {"id": lane.pk, "turn": lane.turn, "lease_until": lane.lease_until}
    mine = {"lease_until": lease, "turn": lane.turn + 1, "not_before": None, "rung_at": None}
    if is_free and not is_early and rows.change(Lane, known, mine):
        lane.lease_until, lane.turn, lane.not_before = lease, lane.turn + 1, None
        return lane
    Lane.objects.filter(pk=lane.pk).update(rung_at=None)
    lane.lease_until = None
    return lane


def _tidy(account_id: int, client_for: ClientFor, now: datetime) -> None:
    """Take away what given-up publications left in this account."""
    given_up = Publication.objects.filter(account_id=account_id, tidy_at__lte=now)
    for publication in given_up.select_related("account").order_by("pk")[:20]:
        account, again = publication.account, now + TIDY_AGAIN
        Publication.objects.filter(pk=publication.pk).update(tidy_at=again if account.is_connected else None)
        if not account.is_connected:
            continue  # what is there stays listed
        try:
            made.tidy(publication, Calls(publication, client_for(account)))
        except (KlaviyoError, MustWait, LostLease):
            return


def due_lanes(now: datetime, most: int) -> list[tuple[int, bool]]:
    """(account id, whether a person waits there) for each lane that should be gone along now and that no message
    is under way for."""
    free = Q(account__lane=None) | (
        (Q(account__lane__lease_until=None) | Q(account__lane__lease_until__lt=now))
        & (Q(account__lane__not_before=None) | Q(account__lane__not_before__lte=now))
        & (Q(account__lane__rung_at=None) | Q(account__lane__rung_at__lt=now - RING_AGAIN))
    )
    wanted = due(now) | Q(tidy_at__lte=now)
    found = Publication.objects.filter(wanted & free).values("account_id").order_by()
    counted = found.annotate(asked=Count("pk", filter=Q(rollout=None))).order_by("-asked", "account_id")
    return [(row["account_id"], row["asked"] > 0) for row in counted[:most]]


def wake(account_id: int, now: datetime) -> int:
    """What is parked in this account is due now, whatever it waits for: a wait that still holds is found again before
    anything is sent. But a lost answer is not looked for before it can be found. How many."""
    parked = Publication.objects.filter(
        account_id=account_id, state__in=(State.WAITING, State.UNKNOWN), not_before__gt=now
    )
    woken = 0
    for pk, state, number, sent_at in parked.values_list("pk", "state", "attempt_number", "sent_at"):
        at = max(now, quiet_until(sent_at)) if state == State.UNKNOWN and sent_at else now
        same = Publication.objects.filter(pk=pk, state=state, attempt_number=number, not_before__gt=at)
        woken += same.update(not_before=at)
    Lane.objects.filter(account_id=account_id).update(not_before=None)
    return woken


def rollouts_in(account_id: int) -> list[int]:
    """Rollouts under way that this account has a part in: what ended here may begin their next wave."""
    mine = Rollout.objects.filter(state=Rollout.State.RUNNING, publications__account_id=account_id)
    return list(mine.distinct().order_by("pk").values_list("pk", flat=True))


def note_ring(account_id: int, at: datetime, now: datetime) -> bool:
    """Whether a message is to be sent for this lane: not when one is under way already."""
    lane, made_now = Lane.objects.get_or_create(account_id=account_id, defaults={"rung_at": at})
    if made_now:
        return True
    quiet = Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN)
    return bool(Lane.objects.filter(quiet, pk=lane.pk).update(rung_at=at))


def forget_ring(account_id: int) -> None:
    """No message is under way after all."""
    Lane.objects.filter(account_id=account_id).update(rung_at=None)
