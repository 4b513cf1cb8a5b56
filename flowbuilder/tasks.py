"""What workers do when the bell rings. The rows say what is to be done; a message only says: look."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.utils.timezone import now as right_now
from kombu.exceptions import OperationalError

from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import KlaviyoAccount
from flowbuilder.publisher import dry_run, lanes, waves

SWEEP_AT_ONCE = 500
# A worker holds a message so long at most; what waits longer, the sweeper finds.
LONGEST_COUNTDOWN = timedelta(seconds=90)
LOOK_FOR = timedelta(seconds=20)  # then another rollout has its turn
# The queues: of what a person waits for, and of what comes in thousands.
ASKED, ROLLOUTS = "celery", "rollouts"
REMOVE_AFTER = 300  # seconds, in which Klaviyo has sent a test email


@shared_task
def run_lane(account_id: int, queue: str = ASKED) -> None:
    """Go along the lane of one account. Running twice, or for nothing, is harmless: the leases decide."""
    again = lanes.run_lane(account_id)
    if again is not None:
        ring(account_id, at=again, queue=queue)
    if queue == ROLLOUTS:
        for rollout_id in lanes.rollouts_in(account_id):
            _advance(rollout_id)


@shared_task
def sweep_publications() -> int:
    """Ring for whatever is due: bells that were lost, waits that are over, workers that died."""
    found = lanes.due_lanes(right_now(), SWEEP_AT_ONCE)
    for account_id, has_people in found:
        ring(account_id, queue=ASKED if has_people else ROLLOUTS)
    return len(found)


def ring(account_id: int, *, at: datetime | None = None, queue: str = ASKED) -> None:
    """Wake a worker for an account's lane, unless that is under way. A broker that is down loses nothing: the
    sweeper comes by."""
    now = right_now()
    wait = max(timedelta(0), (at or now) - now)
    if wait > LONGEST_COUNTDOWN or not lanes.note_ring(account_id, at or now, now):
        return
    try:
        run_lane.apply_async((account_id, queue), countdown=wait.total_seconds() or None, queue=queue)
    except (OperationalError, OSError):
        return


@shared_task
def advance_rollouts() -> None:
    """The next wave of each rollout whose turn it is."""
    for pk in waves.under_way():
        _advance(pk)


def _advance(rollout_id: int) -> None:
    for account_id in waves.advance(rollout_id, now=right_now()):
        ring(account_id, queue=ROLLOUTS)


@shared_task
def look_at_choices(rollout_id: int) -> None:
    """The dry run of a rollout, a moment at a time."""
    if dry_run.check_choices(rollout_id, until=right_now() + LOOK_FOR):
        ring_dry_run(rollout_id)


def ring_dry_run(rollout_id: int) -> None:
    """Its page goes on with it as well, so a broker that is down delays nothing."""
    try:
        look_at_choices.apply_async((rollout_id,), queue=ROLLOUTS)
    except (OperationalError, OSError):
        return


@shared_task
def remove_template(account_id: int, template_id: str) -> None:
    """Take away a template that was made for a test email. One try: left behind, it harms nobody."""
    account = KlaviyoAccount.objects.filter(pk=account_id).first()
    try:
        if account is not None:
            client_for(account).delete_template(template_id)
    except KlaviyoError:
        return


def remove_later(account_id: int, template_id: str) -> None:
    try:
        remove_template.apply_async((account_id, template_id), countdown=REMOVE_AFTER)
    except (OperationalError, OSError):
        return
