"""Work for Celery that belongs to accounts: reading a new account's catalog, keeping connections alive.

Each is harmless to run twice. Errors are ids in a log, never tokens.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import Task, shared_task
from django.utils import timezone

from accounts import audit
from accounts.catalog import read_catalog
from accounts.connection import StoredToken
from accounts.counted import IN_THE_BACK
from accounts.klaviyo.errors import KlaviyoError, Throttled
from accounts.models import KlaviyoAccount

log = logging.getLogger(__name__)

LONGEST_COUNTDOWN = 90  # seconds that a message is held; what must wait for longer is left for its next time
TRIES = 4  # of one message
UNUSED = timedelta(days=7)  # Klaviyo ends what was not used for 90 days


def come_back(task: Task, error: Throttled) -> None:
    """The limits of an account are used up: end, and have the same message come again when they are free."""
    if error.retry_after <= LONGEST_COUNTDOWN:
        raise task.retry(  # type: ignore[no-untyped-call]
            countdown=error.retry_after, exc=error, max_retries=TRIES - 1
        )
    raise error


@shared_task(name="accounts.tasks.read_account", bind=True)  # type: ignore[no-untyped-call]
def read_account(self: Task, pk: int) -> None:
    """Fill the catalog of one account."""
    account = KlaviyoAccount.objects.filter(pk=pk, state=KlaviyoAccount.State.CONNECTED).first()
    if account is None:
        return
    try:
        try:
            read_catalog(account, patience=IN_THE_BACK)
        except Throttled as error:
            come_back(self, error)
    except KlaviyoError as error:
        log.warning("catalog of account %s not read: %s", pk, type(error).__name__)


@shared_task(name="accounts.tasks.keep_connections")  # type: ignore[no-untyped-call]
def keep_connections() -> int:
    """Renew every OAuth connection whose token ran out a week ago or more. Run it daily; returns how many."""
    idle = KlaviyoAccount.objects.filter(
        state=KlaviyoAccount.State.CONNECTED,
        refresh_token__isnull=False,
        expires_at__lt=timezone.now() - UNUSED,
    )
    kept = 0
    for pk in idle.values_list("pk", flat=True):
        try:
            StoredToken(pk)(False)
        except KlaviyoError as error:
            log.warning("account %s not kept alive: %s", pk, type(error).__name__)
        else:
            kept += 1
    return kept


@shared_task(name="accounts.tasks.forget_old_entries")  # type: ignore[no-untyped-call]
def forget_old_entries() -> int:
    """What the audit log kept for as long as the site says."""
    return audit.forget_old(timezone.now())
