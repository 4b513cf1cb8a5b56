"""Which revision of the API a request gets. Used by the server.

The sandbox behaves as the newest revision whatever is asked; the header decides between going on and failing, and
which endpoints there are yet.
"""

from __future__ import annotations

import re

from .errors import ApiError, Problem

NEWEST = "2026-10-15"
SUPPORTED = (
    "2025-01-15",
    "2025-04-15",
    "2025-07-15",
    "2025-10-15",
    "2026-01-15",
    "2026-04-15",
    "2026-07-15",
    NEWEST,
)
FORM = re.compile(r"(\d{4}-\d{2}-\d{2})(\.pre)?")


def choose(asked: str | None, opted_out: bool) -> str:
    """The revision to answer with. Retired and unknown ones fall forward unless the caller opted out of that."""
    if not asked:
        raise ApiError(Problem("The revision header is required.", parameter="revision"))
    match = FORM.fullmatch(asked.strip())
    if match is None:
        detail = f"'{asked}' is not a revision: use the form YYYY-MM-DD."
        raise ApiError(Problem(detail, parameter="revision"))
    if match[1] in SUPPORTED:
        return asked.strip()
    if opted_out:
        detail = f"Revision {asked} is retired or unknown. The newest is {NEWEST}."
        raise ApiError(Problem(detail, parameter="revision", code="gone", status=410))
    return next((revision for revision in SUPPORTED if revision > match[1]), NEWEST)
