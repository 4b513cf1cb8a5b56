"""The states of a publication, and the only function that moves one. Legal moves are one table.

The database holds the same table (guards.py): a new row is "asked", and a change of state that is not here is
refused, whoever writes it. A change of this table needs a migration like 0006_moves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.timezone import now as right_now

from accounts.models import User
from flowbuilder.models import Move, Publication

S = Publication.State
MOVES: dict[str, tuple[str, ...]] = {
    S.ASKED: (S.APPROVED, S.PREPARING, S.VERIFYING, S.WAITING, S.FAILED, S.CANCELLED),
    S.APPROVED: (S.PREPARING, S.VERIFYING, S.WAITING, S.FAILED, S.CANCELLED),
    S.PREPARING: (S.SENDING, S.WAITING, S.REFUSED, S.FAILED),
    S.SENDING: (S.VERIFYING, S.WAITING, S.REFUSED, S.FAILED, S.UNKNOWN),
    S.UNKNOWN: (S.VERIFYING, S.WAITING, S.UNKNOWN),  # never given up: a person or a look decides
    S.VERIFYING: (S.PUBLISHED, S.WAITING, S.VERIFYING),
    S.WAITING: (S.PREPARING, S.VERIFYING, S.WAITING, S.CANCELLED, S.FAILED),
    S.FAILED: (S.ASKED,),  # by a person
    S.REFUSED: (),
    S.PUBLISHED: (),
    S.CANCELLED: (),
}
FOUND, NOT_OURS = (
    "found",
    "not_ours",
)  # in `wanted`: flows that may be this one; those of which a person said no
ENDS = (S.PUBLISHED, S.REFUSED, S.FAILED, S.CANCELLED)


class LostLease(Exception):
    """Another worker has the publication now, or its state changed: what we know must not overwrite it."""


def move(
    publication: Publication,
    to: str,
    reason: str = "",
    *,
    not_before: datetime | None = None,
    by: User | None = None,
    wanted: dict[str, Any] | None = None,
    **also: object,
) -> None:
    """Compare and set on (state, attempt number), and write it down; LostLease where somebody else was faster.

    `by`: the person who did it, where it was not the machine. Two queries.
    """
    was, now = publication.state, right_now()
    if to not in MOVES[was]:
        raise AssertionError(f"a publication does not go from {was} to {to}")
    if was in ENDS and by is None:
        raise AssertionError("what has ended is asked for again by a person")
    fields: dict[str, object] = {"state": to, "reason": reason, "not_before": not_before, **also}
    if to in ENDS:
        fields |= {"ended_at": now, "lease_until": None}
    elif to == S.ASKED:
        fields |= {"ended_at": None, "lease_until": None, "refusals": []}
    elif to in (S.WAITING, S.UNKNOWN):
        fields |= {"lease_until": None}
    kept = publication.wanted if wanted is None else wanted
    if to != S.UNKNOWN and FOUND in kept:  # it was for this decision, and never for a later one
        kept = {key: value for key, value in kept.items() if key != FOUND}
    if kept != publication.wanted:
        fields["wanted"] = kept
    with transaction.atomic(savepoint=False):
        changed = Publication.objects.filter(
            pk=publication.pk, state=was, attempt_number=publication.attempt_number
        ).update(**fields)
        if changed:  # the row is ours until this is committed, so the number is too
            last = Move.objects.filter(publication_id=publication.pk).order_by("-number").values("number")[:1]
            Move.objects.create(
                publication_id=publication.pk,
                number=Coalesce(Subquery(last), Value(0)) + 1,
                from_state=was,
                to_state=to,
                reason=reason,
                at=now,
                until=not_before,
                by=by,
                attempt_number=publication.attempt_number,
            )
    if not changed:
        raise LostLease(f"publication {publication.pk} is no longer {was}")
    for name, value in fields.items():
        setattr(publication, name, value)


def found_flows(publication: Publication) -> list[dict[str, str]]:
    """{"id", "name", "created"} of the flows of which a person must say which one is ours; else empty."""
    is_asked = publication.state == S.UNKNOWN and publication.kind == Publication.Kind.CREATE
    return list(publication.wanted.get(FOUND, [])) if is_asked else []


def due(now: datetime) -> Q:
    """Publications that somebody should work on now: new, parked and ripe, or left by a worker that died."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    ripe = Q(not_before=None) | Q(not_before__lte=now)
    return free & ripe & Q(state__in=Publication.OPEN)


def take(publication_id: int, *, lease: timedelta, now: datetime | None = None) -> Publication | None:
    """Lease a due publication for this worker alone, or None. The attempt number tells workers apart."""
    now = now or right_now()
    related = ("version", "account", "install", "workspace", "asked_by")
    found = Publication.objects.select_related(*related).filter(due(now), pk=publication_id).first()
    if found is None:
        return None
    known = {"lease_until": now + lease, "attempt_number": found.attempt_number + 1}
    if not Publication.objects.filter(
        due(now), pk=publication_id, state=found.state, attempt_number=found.attempt_number
    ).update(**known):
        return None
    for name, value in known.items():
        setattr(found, name, value)
    return found
