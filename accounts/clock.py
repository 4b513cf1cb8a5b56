"""The clock that all workers share: the database's. Called by whoever writes or reads a lease, a limit or a wait.

A host's own clock may be set by an hour while a worker runs. Two workers that disagree about the time would both
have a lease, or would look for a flow before it can be there, and send it again.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import local

from django.db import connection
from django.utils import timezone

AGAIN = 60.0  # seconds, between two looks at the database's clock
LITTLE = (
    1.0  # seconds; hosts that keep time are closer, and to correct them would be less exact than they are
)
_TICKS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # nobody can set it
_known = local()


def now() -> datetime:
    """Aware. One query a minute and whenever this host's clock was set; none on SQLite, which has no other clock."""
    if not _has_a_clock():
        return timezone.now()
    ticks, wall = time.clock_gettime(_TICKS), time.time()
    looked, between, offset = getattr(_known, "state", (ticks - AGAIN, 0.0, 0.0))
    if ticks - looked >= AGAIN or abs(wall - ticks - between) > LITTLE:
        offset = _offset()
        ticks, wall = time.clock_gettime(_TICKS), time.time()
        _known.state = ticks, wall - ticks, offset
    return datetime.fromtimestamp(wall + offset, UTC)


@cache
def _has_a_clock() -> bool:
    return connection.vendor != "sqlite"


def _offset() -> float:
    """Seconds by which the database's clock is ahead of this host's; 0 where they agree as far as can be told."""
    began, wall = time.clock_gettime(_TICKS), time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: datetime = cursor.fetchone()[0]
    took = time.clock_gettime(_TICKS) - began
    offset = (there - datetime.fromtimestamp(wall, UTC)) / timedelta(seconds=1) - took / 2
    return 0.0 if abs(offset) < LITTLE + took / 2 else offset
