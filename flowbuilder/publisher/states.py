"""The states of a publication, and the only function that moves one. Legal moves are one table.

The database holds the same table (guards.py): a new row is "asked", and a change of state that is not here is
refused, whoever writes it. A change of this table needs a migration like 0014_approvals. What needs a second
person's yes stays "asked" until then, and nobody takes it.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts import rows
from accounts.clock import now as right_now
from accounts.models import User
from flowbuilder.models import Move, Publication, Version
from flowbuilder.publisher.receipts import seal

S = Publication.State
MOVES: dict[str, tuple[str, ...]] = {
    S.ASKED: (S.APPROVED, S.PREPARING, S.VERIFYING, S.WAITING, S.FAILED, S.CANCELLED),
    S.APPROVED: (S.ASKED, S.PREPARING, S.VERIFYING, S.WAITING, S.FAILED, S.CANCELLED),
    S.PREPARING: (S.SENDING, S.WAITING, S.REFUSED, S.FAILED),
    S.SENDING: (S.VERIFYING, S.WAITING, S.REFUSED, S.FAILED, S.UNKNOWN),
    S.UNKNOWN: (S.VERIFYING, S.WAITING, S.UNKNOWN),  # never given up: a person or a look decides
    S.VERIFYING: (S.PUBLISHED, S.WAITING, S.VERIFYING),
    S.WAITING: (S.ASKED, S.PREPARING, S.VERIFYING, S.WAITING, S.CANCELLED, S.FAILED),
    S.FAILED: (S.ASKED,),  # by a person
    S.REFUSED: (),
    S.PUBLISHED: (),
    S.CANCELLED: (),
}
FOUND, NOT_OURS = (
    "found",
    "not_ours",
)  # in `wanted`: flows that may be this one; those of which a person said no
NEXT_NUMBER = "(SELECT COALESCE(MAX(number), 0) + 1 FROM flowbuilder_move WHERE publication_id = %s)"
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

    `by`: the person who did it, where it was not the machine. Two queries; what landed gets its receipt.
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
    made = {
        "publication_id": publication.pk,
        "from_state": was,
        "to_state": to,
        "reason": reason,
        "at": now,
        "until": not_before,
        "by_id": by and by.pk,
        "attempt_number": publication.attempt_number,
    }
    with transaction.atomic(savepoint=False):
        is_mine = _write(publication, fields)
        if is_mine:  # until this is committed, so the number is too
            rows.insert(Move, made, number=(NEXT_NUMBER, publication.pk))
            if to == S.PUBLISHED:
                landed = copy(publication)
                _take_over(landed, fields)
                seal(landed, now)
    if not is_mine:
        raise LostLease(f"publication {publication.pk} is no longer {was}")
    _take_over(publication, fields)


def _take_over(publication: Publication, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(publication, name, value)


def keep(publication: Publication, **known: Any) -> None:
    """Write down what is known of a publication in the state that it is in; LostLease as move."""
    if not _write(publication, known):
        raise LostLease(f"publication {publication.pk} went to another worker")
    _take_over(publication, known)


def _write(publication: Publication, fields: dict[str, Any]) -> bool:
    mine = {
        "id": publication.pk,
        "state": publication.state,
        "attempt_number": publication.attempt_number,
    }
    return rows.change(Publication, mine, fields)


def found_flows(publication: Publication) -> list[dict[str, str]]:
    """{"id", "name", "created"} of the flows of which a person must say which one is ours; else empty."""
    is_asked = publication.state == S.UNKNOWN and publication.kind == Publication.Kind.CREATE
    return list(publication.wanted.get(FOUND, [])) if is_asked else []


def due(now: datetime) -> Q:
    """Publications that somebody should work on now: new, parked and ripe, or left by a worker that died.

    TAKE and NEXT say the same in SQL.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    ripe = Q(not_before=None) | Q(not_before__lte=now)
    held = Q(state=S.ASKED, needs_approval=True)
    return free & ripe & Q(state__in=Publication.OPEN) & ~held


FREE = f"""state IN ({", ".join(f"'{state}'" for state in Publication.OPEN)})
    AND NOT (needs_approval AND state = 'asked') AND (lease_until IS NULL OR lease_until < %s)"""
# In two parts, so that an index leads to what is ripe however much of the account is parked.
NEXT = f"""
SELECT id FROM (
    SELECT id, rollout_id FROM flowbuilder_publication
    WHERE account_id = %s AND {FREE} AND not_before IS NULL
    UNION ALL
    SELECT id, rollout_id FROM flowbuilder_publication
    WHERE account_id = %s AND {FREE} AND not_before <= %s
) AS ripe ORDER BY rollout_id NULLS FIRST, id LIMIT 1"""
TAKE = f"""
UPDATE flowbuilder_publication SET lease_until = %s, attempt_number = attempt_number + 1
WHERE id = {{which}} AND {FREE} AND (not_before IS NULL OR not_before <= %s)
RETURNING *, (SELECT content_hash FROM flowbuilder_version WHERE id = version_id) AS content_hash"""
TAKE_ONE, TAKE_NEXT = TAKE.format(which="%s"), TAKE.format(which=f"({NEXT})")


def take(publication_id: int, *, lease: timedelta, now: datetime | None = None) -> Publication | None:
    """Lease a due publication for this worker alone, or None. The attempt number tells workers apart.

    Of its version only the hash is read, by which what has to be made of it is kept (recipe.py).
    """
    now = now or right_now()
    return _taken(TAKE_ONE, now + lease, publication_id, now, now)


def take_next(account_id: int, *, lease: timedelta, now: datetime) -> Publication | None:
    """The same of the one that is next_due, by one statement."""
    return _taken(TAKE_NEXT, now + lease, account_id, now, account_id, now, now, now, now)


def _taken(sql: str, *values: Any) -> Publication | None:
    found = rows.read(Publication, sql, *values)
    if found is not None:
        known = [found.version_id, found.content_hash]  # type: ignore[attr-defined]
        found.version = Version.from_db("default", ["id", "content_hash"], known)
    return found


def next_due(account_id: int, now: datetime) -> int | None:
    """People's own asks before those of a rollout; each in the order in which it was asked."""
    found = rows.one(NEXT, account_id, now, account_id, now, now)
    return found[0] if found else None
