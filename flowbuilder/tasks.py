"""What workers do when the bell rings. The rows say what is to be done; a message only says: look."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now as right_now
from kombu.exceptions import OperationalError

from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import KlaviyoAccount
from flowbuilder.models import Publication
from flowbuilder.publisher import publish as publisher
from flowbuilder.publisher.states import due

SWEEP_AT_ONCE = 500
REMOVE_AFTER = 300  # seconds, in which Klaviyo has sent a test email


@shared_task
def publish(publication_id: int) -> str | None:
    """Work on one publication. Running twice, or for nothing, is harmless: the lease decides."""
    return publisher.run(publication_id)


@shared_task
def sweep_publications() -> int:
    """Ring for whatever is due: bells that were lost, waits that are over, workers that died."""
    ids = list(
        Publication.objects.filter(due(right_now()))
        .order_by("pk")
        .values_list("pk", flat=True)[:SWEEP_AT_ONCE]
    )
    for publication_id in ids:
        ring(publication_id)
    return len(ids)


def ring(publication_id: int) -> None:
    """Wake a worker. A broker that is down loses nothing: the sweeper comes by."""
    try:
        publish.delay(publication_id)
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
