"""What workers do when the bell rings. The rows say what is to be done; a message only says: look."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError

from accounts.clock import now as right_now
from accounts.counted import counted
from accounts.klaviyo.errors import KlaviyoError, Throttled
from accounts.models import KlaviyoAccount
from accounts.tasks import come_back
from flowbuilder.alerts import keeping, letters, sending
from flowbuilder.publisher import collecting, dry_run, lanes, orphans, readings, waves

log = logging.getLogger(__name__)

SWEEP_AT_ONCE = 500
READ_AT_ONCE = 50  # flows that are read again in one round, each of another account
COLLECT_AT_ONCE = 200  # accounts whose numbers are collected in one round
# A worker holds a message so long at most; what waits longer, the sweeper finds. Longer than a minute of Klaviyo's.
LONGEST_COUNTDOWN = timedelta(seconds=90 / min(1.0, settings.KLAVIYO_SPEED))
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


@shared_task
def go_on_in(account_id: int) -> None:
    """The account was connected again: what waits there is tried now."""
    if lanes.wake(account_id, right_now()):
        ring(account_id)


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
        lanes.forget_ring(account_id)  # or the sweeper would wait for this message to come


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
    """The dry run of a rollout, a moment at a time. Accounts whose limits are used up come last, and later."""
    mine = f"dry-run-{rollout_id}"
    if not cache.add(mine, True, 3 * LOOK_FOR.total_seconds()):
        return  # somebody is at it, and goes on
    try:
        left = dry_run.check_choices(rollout_id, until=right_now() + LOOK_FOR)
    finally:
        cache.delete(mine)
    if left.number:
        ring_dry_run(rollout_id, at=left.again_at)


@shared_task
def go_on_with_dry_runs() -> None:
    """Those whose bell was lost, or that waited for longer than a bell rings."""
    for pk in dry_run.waiting_rollouts():
        ring_dry_run(pk)


def ring_dry_run(rollout_id: int, *, at: datetime | None = None) -> None:
    """Its page goes on with it as well, so a broker that is down delays nothing."""
    now = right_now()
    wait = max(timedelta(0), (at or now) - now)
    if wait > LONGEST_COUNTDOWN:
        return
    try:
        look_at_choices.apply_async((rollout_id,), countdown=wait.total_seconds() or None, queue=ROLLOUTS)
    except (OperationalError, OSError):
        return


@shared_task
def compare_accounts() -> None:
    """Whether the accounts hold what our rows say. Each is a message of its own: none waits for another."""
    for pk in orphans.accounts_to_compare():
        try:
            compare_account.apply_async((pk,), queue=ROLLOUTS)
        except (OperationalError, OSError):
            return  # tomorrow is as good


@shared_task(bind=True)  # type: ignore[no-untyped-call]
def compare_account(self: Task, account_id: int) -> None:
    account = KlaviyoAccount.objects.filter(pk=account_id).first()
    if account is None:
        return
    try:
        try:
            orphans.compare(account, right_now())
        except Throttled as error:
            come_back(self, error)
    except KlaviyoError as error:
        log.warning("account %s not compared: %s", account_id, type(error).__name__)


@shared_task
def read_flows() -> int:
    """Have installed flows read again that nobody looked at for a day. Those that are lost come in the next round."""
    found = readings.due_installs(right_now(), READ_AT_ONCE)
    for pk in found:
        try:
            read_flow.apply_async((pk,), queue=ROLLOUTS)
        except (OperationalError, OSError):
            break
    return len(found)


@shared_task
def read_flow(install_id: int) -> None:
    """Twice, or too early, is harmless: the row decides."""
    readings.read_due(install_id, right_now())


@shared_task
def collect_numbers() -> int:
    """Ring for the accounts whose numbers are due; the next round finds those whose bell is lost."""
    found = collecting.due_accounts(right_now(), COLLECT_AT_ONCE)
    for pk in found:
        try:
            collect_account.apply_async((pk,), queue=ROLLOUTS)
        except (OperationalError, OSError):
            break
    return len(found)


@shared_task
def collect_account(account_id: int) -> None:
    """Twice, or too early, is harmless: the row's lease and its wait decide."""
    collecting.collect(account_id, right_now())


@shared_task
def forget_numbers() -> int:
    return collecting.forget(right_now())


@shared_task(bind=True)  # type: ignore[no-untyped-call]
def remove_template(self: Task, account_id: int, template_id: str) -> None:
    """Take away a template that was made for a test email. One try, once it may: left behind, it harms nobody."""
    account = KlaviyoAccount.objects.filter(pk=account_id).first()
    if account is None:
        return
    try:
        try:
            counted(account).delete_template(template_id)
        except Throttled as error:
            come_back(self, error)
    except KlaviyoError:
        return


def remove_later(account_id: int, template_id: str) -> None:
    try:
        remove_template.apply_async((account_id, template_id), countdown=REMOVE_AFTER)
    except (OperationalError, OSError):
        return


@shared_task
def look_for_alerts() -> int:
    """What is wrong, and who has to be told. The messages go out each by itself."""
    found = keeping.look(right_now())
    ring_deliveries()
    return found


def ring_deliveries() -> None:
    """A broker that is down loses none: the next round rings again."""
    for pk in keeping.due(right_now()):
        try:
            send_delivery.apply_async((pk,), queue=ASKED)
        except (OperationalError, OSError):
            return


@shared_task
def send_delivery(delivery_id: int) -> None:
    """Twice, or too early, is harmless: the row decides."""
    sending.send(delivery_id, right_now())


@shared_task
def send_letters() -> int:
    """What is owed to people about approvals; twice is harmless: the rows decide."""
    return letters.send_letters(right_now())
