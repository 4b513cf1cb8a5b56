"""Klaviyo's rate limits: fixed windows per (app, account, endpoint), kept in the store.

Used by the server for the API and by oauth for refreshes. A window opens with its first request and lasts its
full length, whatever comes in between; refused requests do not count.
"""

from __future__ import annotations

from math import ceil

from .errors import ApiError, Problem
from .store import Store

Windows = tuple[tuple[int, int], ...]  # (requests, seconds), shortest window first

XXS: Windows = ((1, 1), (2, 60))
XS: Windows = ((1, 1), (15, 60))
S: Windows = ((3, 1), (60, 60))
M: Windows = ((10, 1), (150, 60))
L: Windows = ((75, 1), (750, 60))
DAY = 86_400


def daily(windows: Windows, number: int) -> Windows:
    return (*windows, (number, DAY))


class Spent(Exception):
    """A window is used up; `seconds` is the wait until the last of the full ones ends."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def take(store: Store, bucket: str, windows: Windows) -> tuple[int, int]:
    """Count one request. Returns (remaining, seconds to reset) of the shortest window, or raises Spent."""
    with store.transaction():
        now = store.now()
        state: list[tuple[int, int, float, int]] = []
        wait = 0.0
        for number, seconds in windows:
            row = store.row("select * from allowance where bucket = ? and seconds = ?", bucket, seconds)
            started, used = (row["started"], row["used"]) if row else (now, 0)
            if now - started >= seconds or started > now:
                started, used = now, 0
            if used >= number:
                wait = max(wait, started + seconds - now)
            state.append((number, seconds, started, used + 1))
        if wait > 0:
            raise Spent(store.waiting_time(wait))
        for _, seconds, started, used in state:
            store.run("insert or replace into allowance values (?, ?, ?, ?)", bucket, seconds, started, used)
    number, seconds, started, used = state[0]
    # Seconds of Klaviyo's own, as its windows are. Observed: a window of one second resets in 0.
    return number - used, ceil(started + seconds - now) - 1


def headers(windows: Windows, remaining: int, reset: int) -> dict[str, str]:
    """The three headers of an answer that was let through."""
    listed = ", ".join(f"{number};w={seconds}" for number, seconds in windows)
    return {
        "RateLimit-Limit": f"{windows[0][0]}, {listed}",
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(reset),
    }


def throttled(seconds: int) -> ApiError:
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    return ApiError(Problem(detail, code="throttled", status=429), headers={"Retry-After": str(seconds)})
