"""What workers do when the bell rings. The rows say what is to be done; a message only says: look."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now as right_now
from kombu.exceptions import OperationalError

from flowbuilder.models import Publication
from flowbuilder.publisher import publish as publisher
from flowbuilder.publisher.states import due

SWEEP_AT_ONCE = 500


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
