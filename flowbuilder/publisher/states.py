"""The states of a publication, and the only function that moves one. Legal moves are one table."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.timezone import now as right_now

from flowbuilder.models import Publication

S = Publication.State
MOVES: dict[str, tuple[str, ...]] = {
    S.ASKED: (S.PREPARING, S.WAITING, S.FAILED, S.CANCELLED),
    S.PREPARING: (S.SENDING, S.WAITING, S.REFUSED, S.FAILED),
    S.SENDING: (S.VERIFYING, S.WAITING, S.REFUSED, S.FAILED, S.UNKNOWN),
    S.UNKNOWN: (S.VERIFYING, S.WAITING, S.UNKNOWN),  # never given up: a person or a look decides
    S.VERIFYING: (S.PUBLISHED, S.WAITING, S.VERIFYING),
    S.WAITING: (S.PREPARING, S.VERIFYING, S.CANCELLED, S.FAILED),
    S.FAILED: (S.ASKED,),
    S.REFUSED: (),
    S.PUBLISHED: (),
    S.CANCELLED: (),
}
ENDS = (S.PUBLISHED, S.REFUSED, S.FAILED, S.CANCELLED)


class LostLease(Exception):
    """Another worker has the publication now, or its state changed: what we know must not overwrite it."""


def move(
    publication: Publication, to: str, reason: str = "", *, not_before: datetime | None = None, **also: object
) -> None:
    """Compare and set on (state, attempt number); LostLease where somebody else was faster."""
    if to not in MOVES[publication.state]:
        raise AssertionError(f"a publication does not go from {publication.state} to {to}")
    fields: dict[str, object] = {"state": to, "reason": reason, "not_before": not_before, **also}
    if to in ENDS:
        fields |= {"ended_at": right_now(), "lease_until": None}
    elif to == S.ASKED:
        fields |= {"ended_at": None, "lease_until": None, "refusals": []}
    elif to in (S.WAITING, S.UNKNOWN):
        fields |= {"lease_until": None}
    changed = Publication.objects.filter(
        pk=publication.pk, state=publication.state, attempt_number=publication.attempt_number
    ).update(**fields)
    if not changed:
        raise LostLease(f"publication {publication.pk} is no longer {publication.state}")
    for name, value in fields.items():
        setattr(publication, name, value)


def due(now: datetime) -> Q:
    """Publications that somebody should work on now: new, parked and ripe, or left by a worker that died."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    ripe = Q(not_before=None) | Q(not_before__lte=now)
    return free & ripe & Q(state__in=Publication.OPEN)


def take(publication_id: int, *, lease: timedelta, now: datetime | None = None) -> Publication | None:
    """Lease a due publication for this worker alone, or None. The attempt number tells workers apart."""
    now = now or right_now()
    publication = Publication.objects.filter(due(now), pk=publication_id).first()
    if publication is None:
        return None
    taken = Publication.objects.filter(
        due(now), pk=publication_id, state=publication.state, attempt_number=publication.attempt_number
    ).update(lease_until=now + lease, attempt_number=publication.attempt_number + 1)
    if not taken:
        return None
    return Publication.objects.select_related("version", "account", "install", "workspace", "asked_by").get(
        pk=publication_id
    )
