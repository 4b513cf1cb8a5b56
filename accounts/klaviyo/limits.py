"""How often Klaviyo lets us call, per account and endpoint, and what its headers say about it.

Called by the client (retry_after) and by whoever spends the budget; nothing here waits, counts or enforces.
Numbers: x-klaviyo-ratelimit of each operation in Klaviyo's public OpenAPI document, revision 2026-07-15
(github.com/klaviyo/openapi). POST /api/flow-actions: "Create Flow Action", revision 2026-10-15.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEFAULT_WAIT = 60
LONGEST_WAIT = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls allowed per second (burst), minute (steady) and day (None: no daily limit), for one account and
    endpoint.

    `endpoint`, e.g. "POST /api/flows", is the name to count under.
    """

    endpoint: str
    burst: int
    steady: int
    daily: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """`count` calls in `seconds`, as announced by a ratelimit-limit header."""

    count: int
    seconds: int


# fmt: off
_TABLE = (
    Limits("GET /api/accounts", 1, 15),
    Limits("GET /api/flows", 3, 60),
    Limits("POST /api/flows", 1, 15, 100),
    Limits("GET /api/flows/{id}", 3, 60),
    Limits("PATCH /api/flows/{id}", 3, 60),
    Limits("DELETE /api/flows/{id}", 3, 60),
    Limits("GET /api/flows/{id}/flow-actions", 3, 60),
    Limits("GET /api/flows/{id}/tags", 3, 60),
    Limits("POST /api/flow-actions", 3, 60),  # since 2026-10-15
    Limits("GET /api/flow-actions/{id}", 3, 60),
    Limits("PATCH /api/flow-actions/{id}", 3, 60),
    Limits("DELETE /api/flow-actions/{id}", 3, 60),
    Limits("GET /api/flow-actions/{id}/flow-messages", 3, 60),
    Limits("GET /api/flow-messages/{id}", 3, 60),
    Limits("GET /api/flow-messages/{id}/template", 3, 60),
    Limits("POST /api/flow-values-reports", 1, 2, 225),
    Limits("POST /api/flow-series-reports", 1, 2, 225),
    Limits("GET /api/metrics", 10, 150),
    Limits("GET /api/metrics/{id}", 10, 150),
    Limits("GET /api/metrics/{id}/flow-triggers", 10, 150),
    Limits("GET /api/metrics/{id}/relationships/flow-triggers", 10, 150),
    Limits("GET /api/mapped-metrics", 3, 60),
    Limits("POST /api/metric-aggregates", 3, 60),
    Limits("GET /api/metrics/{id}/metric-properties", 1, 15),
    Limits("GET /api/lists", 75, 750),
    Limits("POST /api/lists", 10, 150, 150),
    Limits("GET /api/lists/{id}", 75, 750),
    Limits("GET /api/lists/{id}?profile_count", 1, 15),  # as an additional field
    Limits("DELETE /api/lists/{id}", 10, 150),
    Limits("GET /api/lists/{id}/flow-triggers", 3, 60),
    Limits("GET /api/segments", 75, 750),
    Limits("POST /api/segments", 1, 15, 100),
    Limits("GET /api/segments/{id}", 75, 750),
    Limits("GET /api/segments/{id}?profile_count", 1, 15),
    Limits("DELETE /api/segments/{id}", 3, 60),
    Limits("GET /api/segments/{id}/flow-triggers", 3, 60),
    Limits("GET /api/templates", 75, 750),
    Limits("POST /api/templates", 75, 750),
    Limits("GET /api/templates/{id}", 75, 750),
    Limits("PATCH /api/templates/{id}", 75, 750),
    Limits("DELETE /api/templates/{id}", 75, 750),
    Limits("POST /api/template-clone", 75, 750),
    Limits("POST /api/template-render", 3, 60),
    Limits("POST /api/template-preview-send-jobs", 1, 15, 100),
    Limits("GET /api/tags", 3, 60),
    Limits("POST /api/tags", 3, 60),
    Limits("GET /api/tags/{id}", 3, 60),
    Limits("GET /api/tags/{id}/relationships/flows", 3, 60),
    Limits("POST /api/tags/{id}/relationships/flows", 3, 60),
    Limits("DELETE /api/tags/{id}/relationships/flows", 3, 60),
)
# fmt: on
DAILY = {row.endpoint: row for row in _TABLE if row.daily}
_BY_NAME = {row.endpoint: row for row in _TABLE}
_ID = re.compile(r"^(/api/[^/]+/)[^/]+")  # it always stands there
NAMED = r"\1{id}"


def limits_for(method: str, path: str) -> Limits:
    """The limits of a call; `path` as given to Klaviyo.call, with or without a query.

    A call that is not in the table gets Klaviyo's smallest tier (1/s, 15/min) under its method and first two
    path parts. A query that asks for a count of profiles has limits of its own.
    """
    path, _, query = path.partition("?")
    call = f"{method.upper()} {_ID.sub(NAMED, path.rstrip('/'))}"
    row = _BY_NAME.get(call + "?profile_count" * ("profile_count" in query))
    return row or Limits("/".join(call.split("/")[:3]), 1, 15)


def parse_windows(header: str | None) -> tuple[Window, ...]:
    """The windows of a `ratelimit-limit: 1, 1;w=1, 15;w=60, 100;w=86400` header, shortest first; junk is
    skipped.

    The first item without `w` repeats the limit nearest to being reached and is no window of its own.
    """
    found = re.findall(r"(?<![\w.-])([0-9]{1,9})\s*;\s*w=([0-9]{1,9})(?![\w.])", header or "")
    windows = {Window(int(count), int(seconds)) for count, seconds in found if int(seconds) > 0}
    return tuple(sorted(windows, key=lambda window: (window.seconds, window.count)))


def retry_after(header: str | None, now: datetime) -> int:
    """Whole seconds to wait, from 1 to 86,400, by a Retry-After header (seconds or an HTTP date; RFC 9110
    10.2.3).

    Absent, negative or unreadable gives 60. `now` is aware. The daily limit is announced in hours: park, do
    not sleep.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        seconds = float(text[:20])
        return LONGEST_WAIT if len(text.partition(".")[0]) > 9 else _within(seconds)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return DEFAULT_WAIT
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return _within((then - now).total_seconds())


def _within(seconds: float) -> int:
    return max(1, min(LONGEST_WAIT, math.ceil(seconds)))
