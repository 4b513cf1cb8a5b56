"""An account's limits, shared by all workers and obeyed before sending. Called by whoever calls Klaviyo in the back.

    taken = spend(account_id, "POST", "/api/flows", now)      MustWait where the call would be one too many
    settle(taken, headers, now)                               when its answer is there

Klaviyo counts fixed windows whose starts only it knows, so we never make more calls in ANY stretch of a window's
length than the window allows; a call counts from the moment its answer came, since it may have arrived that late.
Times are of the workers' clocks (NTP keeps them closer than a lane changes hands): a query of its own for the
database's clock before each call would cost more than it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from django.conf import settings
from django.db.models import F

from accounts.klaviyo.limits import Limits, limits_for, parse_windows
from accounts.models import Allowance

MARGIN = 0.01  # seconds at Klaviyo: an answer that comes within needs no second look at the row
AHEAD = 120.0  # a time this far in the future is a clock's that was set back: it counts as now
SEVERAL = 100  # calls in a window from which on those of one stretch are kept as one entry, at its end
GRAIN = 0.25  # seconds of such a stretch
TRIES = 50
_PER = {1: "second", 60: "minute", 86_400: "day"}

Log = list[list[float]]  # [time, calls], oldest first


class MustWait(Exception):
    """Nothing was sent: the account's limits let the next call through at `until`. str() says why."""

    def __init__(self, until: datetime, why: str) -> None:
        super().__init__(why)
        self.until, self.why = until, why


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was counted: in which row, and at which time it counts."""

    row: Allowance
    at: float


def spend(account_id: int, method: str, path: str, now: datetime) -> Taken:
    """Count one call, or MustWait and count nothing. Two queries."""
    limits = limits_for(method, path)
    for _ in range(TRIES):
        row = _row(account_id, limits)
        log = _log(row, now)
        until, count, seconds = _opens(row, limits, log)
        if until > now.timestamp():
            if log and row.log[-1][0] > log[-1][0]:  # or it would be set back anew at each look
                _write(row, log=log)
            what = "new flows" if limits.endpoint == "POST /api/flows" else f"calls of {limits.endpoint}"
            why = (
                f"Klaviyo lets this account have {count} {what} a {_PER.get(seconds, f'{seconds} seconds')}."
            )
            raise MustWait(datetime.fromtimestamp(until, UTC), why if count else _BLOCKED)
        at = now.timestamp() + MARGIN / settings.KLAVIYO_SPEED
        if max(count for count, _ in _windows(row, limits)) > SEVERAL:
            grain = GRAIN / settings.KLAVIYO_SPEED
            at = ceil(at / grain) * grain
        _enter(log, at)
        if _write(row, log=log):
            return Taken(row, at)
    raise MustWait(now, "Too many workers call this account at once.")


_BLOCKED = "Klaviyo asked us to wait: this account has used what it may in this time."


def settle(taken: Taken, headers: Mapping[str, str], now: datetime) -> None:
    """The answer came: the call counts from now on, and its headers say what the account is allowed."""
    ended, row = now.timestamp(), taken.row
    for _ in range(TRIES):
        changed: dict[str, object] = {}
        if ended > taken.at:
            log = _log(row, now)
            mine = next((entry for entry in reversed(log) if entry[0] == taken.at), None)
            if mine:
                mine[0] = ended
                changed["log"] = sorted(log)
        allowed = _learned(row, headers)
        if allowed != row.allowed:
            changed["allowed"] = allowed
        if not changed or _write(row, **changed):
            return
        row = Allowance.objects.get(pk=row.pk)


def throttled(taken: Taken, seconds: float, now: datetime) -> None:
    """A 429: nothing is sent to this endpoint of this account before it said so."""
    until = now.timestamp() + seconds
    Allowance.objects.filter(pk=taken.row.pk).update(blocked_until=until, version=F("version") + 1)


def opens_at(account_id: int, method: str, path: str, now: datetime) -> datetime:
    """When such a call could be made, as far as we know; not before now. Counts nothing."""
    limits = limits_for(method, path)
    row = Allowance.objects.filter(account_id=account_id, endpoint=limits.endpoint).first()
    if row is None:
        return now
    return max(now, datetime.fromtimestamp(_opens(row, limits, _log(row, now))[0], UTC))


def _row(account_id: int, limits: Limits) -> Allowance:
    row = Allowance.objects.filter(account_id=account_id, endpoint=limits.endpoint).first()
    return row or Allowance.objects.get_or_create(account_id=account_id, endpoint=limits.endpoint)[0]


def _write(row: Allowance, **changed: object) -> bool:
    """Only if nobody wrote since it was read."""
    version = row.version + 1
    same = Allowance.objects.filter(pk=row.pk, version=row.version)
    if not same.update(version=version, **changed):
        return False
    row.version = version
    for name, value in changed.items():
        setattr(row, name, value)
    return True


def _windows(row: Allowance, limits: Limits) -> list[tuple[int, int]]:
    """(calls, seconds), as the table says or as the account's own headers said later."""
    listed = [(limits.burst, 1), (limits.steady, 60), *([(limits.daily, 86_400)] if limits.daily else [])]
    return [(row.allowed.get(str(seconds), count), seconds) for count, seconds in listed]


def _log(row: Allowance, now: datetime) -> Log:
    """The calls that may still count, by a clock that may have been set back meanwhile."""
    here = now.timestamp()
    oldest = here - 86_400 / settings.KLAVIYO_SPEED
    times = [[here if at > here + AHEAD else at, calls] for at, calls in row.log if at > oldest]
    return sorted(times)


def _opens(row: Allowance, limits: Limits, log: Log) -> tuple[float, int, int]:
    """(the time at which a call may be made, the window that says so: its calls and seconds)."""
    best: tuple[float, int, int] = (0.0, 0, 0)
    for allowed, seconds in _windows(row, limits):
        room = allowed
        for at, calls in reversed(log):
            room -= int(calls)
            if room <= 0:  # one call more fits when this one has left the window
                best = max(best, (at + seconds / settings.KLAVIYO_SPEED, allowed, seconds))
                break
    return max(best, (row.blocked_until or 0.0, 0, 0))


def _enter(log: Log, at: float) -> None:
    if log and log[-1][0] == at:
        log[-1][1] += 1
    else:
        log.append([at, 1])


def _learned(row: Allowance, headers: Mapping[str, str]) -> dict[str, int]:
    """What the account's headers say of its windows: Klaviyo gives some accounts more, and some less."""
    announced = {str(one.seconds): one.count for one in parse_windows(headers.get("ratelimit-limit"))}
    return {**row.allowed, **announced} if announced else row.allowed
