"""The lane of an account: its publications one after the other, so that no account waits for another.

    run_lane(account)   by one worker at a time, for a moment; says when to come back
    due_lanes(now)      accounts in which something is to be done, people's own asks first

The lane's lease only keeps two workers from doing the same for nothing: what must not happen twice is kept from it
by each publication's own lease (states.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Count, F, Q
from django.utils.timezone import now as right_now

from accounts.budget import MustWait
from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from flowbuilder.models import Lane, Publication, Rollout
from flowbuilder.publisher import made, publish
from flowbuilder.publisher.calls import LEASE, Calls
from flowbuilder.publisher.publish import ClientFor
from flowbuilder.publisher.states import LostLease, due

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
    until, end = None, clock() + TURN
    while until is None and clock() < end:
        publication_id = _next(account_id, clock())
        if publication_id is None:
            break
        ran = publish.run(publication_id, client_for=client_for)
        if ran is None:
            break
        until = ran.wait_until
    else:
        until = until or clock()
    if until is None:
        _tidy(account_id, client_for, clock())
    freed = Lane.objects.filter(pk=lane.pk, turn=lane.turn).update(lease_until=None, not_before=until)
    if freed and until is None and _next(account_id, clock()) is not None:
        return clock()  # asked for while the lane was being left
    return until


def _take(account_id: int, now: datetime) -> Lane:
    """The lane, with a lease where this worker has it now. Its bell has been heard either way."""
    lane, _ = Lane.objects.get_or_create(account_id=account_id)
    lease = now + LANE_LEASE
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    is_early = lane.not_before is not None and lane.not_before > now
    if not is_early and Lane.objects.filter(free, pk=lane.pk, turn=lane.turn).update(
        lease_until=lease, turn=lane.turn + 1, not_before=None, rung_at=None
    ):
        lane.lease_until, lane.turn, lane.not_before = lease, lane.turn + 1, None
        return lane
    Lane.objects.filter(pk=lane.pk).update(rung_at=None)
    lane.lease_until = None
    return lane


def _next(account_id: int, now: datetime) -> int | None:
    """People's own asks before those of a rollout; each in the order in which it was asked."""
    found = Publication.objects.filter(due(now), account_id=account_id)
    order = F("rollout_id").asc(nulls_first=True)
    return found.order_by(order, "pk").values_list("pk", flat=True).first()


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
    rows = Publication.objects.filter(wanted & free).values("account_id").order_by()
    counted = rows.annotate(asked=Count("pk", filter=Q(rollout=None))).order_by("-asked", "account_id")
    return [(row["account_id"], row["asked"] > 0) for row in counted[:most]]


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
