"""How the connection of each account stands, and why. Reads rows only; for the pages and alerts of health.

A private key never runs out, and does not say what it may do. An OAuth connection is renewed once a week though nobody
uses it (tasks.py); one that was not is about to be ended by Klaviyo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from accounts.klaviyo.scopes import missing_scopes
from accounts.models import KlaviyoAccount

UNRENEWED = timedelta(days=10)  # a week, and three days of tries
ENDED_AFTER = timedelta(days=90)  # by Klaviyo, counted from the last renewal


class State(StrEnum):
    DISCONNECTED = "disconnected"
    SCOPES = "scopes"
    EXPIRING = "expiring"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class Standing:
    """`since`: of what is wrong, where that is known. `reason`: a sentence; empty where nothing is."""

    pk: int
    name: str
    klaviyo_id: str
    owner_id: int
    state: State
    reason: str = ""
    since: datetime | None = None


def standings(accounts: QuerySet[KlaviyoAccount], now: datetime) -> list[Standing]:
    """One query: no token is read."""
    is_oauth = ExpressionWrapper(Q(refresh_token__isnull=False), output_field=BooleanField())
    rows = accounts.order_by("name", "pk").annotate(is_oauth=is_oauth).distinct()
    columns = (
        *("pk", "name", "klaviyo_id", "owner_id", "state"),
        *("state_reason", "disconnected_at", "expires_at", "scopes", "is_oauth"),
    )
    return list(_judged(rows.values_list(*columns), now))


def _judged(rows: Iterable[Any], now: datetime) -> Iterator[Standing]:
    for *known, state, reason, ended, expires, scopes, is_oauth in rows:
        lacking = missing_scopes(scopes) if is_oauth and scopes else frozenset()
        if state != KlaviyoAccount.State.CONNECTED:
            about = (State.DISCONNECTED, reason or "The connection is over.", ended)
        elif lacking:
            about = (State.SCOPES, f"It was connected without {', '.join(sorted(lacking))}.", None)
        elif is_oauth and expires and expires < now - UNRENEWED:
            over = (expires + ENDED_AFTER).date()
            about = (
                State.EXPIRING,
                f"Its connection could not be renewed. Klaviyo ends it on {over.day} {over:%B}.",
                expires,
            )
        else:
            about = (State.CONNECTED, "", None)
        pk, name, klaviyo_id, owner = known
        yield Standing(pk, name, klaviyo_id, owner, *about)
