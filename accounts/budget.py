"""An account's limits, shared by all workers and obeyed before sending. Called by calls.py of the
publisher and by counted.py.

    taken = spend(account_id, "POST", "/api/flows", now)      MustWait where the call would be one too many
    settle(taken, headers, now)                               when its answer is there
    failed(taken, error, now)                                 when there is none:
        give_back(taken, now)                                   it surely never left us
        throttled(taken, seconds, now)                          a 429

Klaviyo counts fixed windows whose starts only it knows, so we never make more calls in ANY stretch of a window's
length than the window allows; a call counts from the moment its answer came, since it may have arrived that late.
Times are of the database's clock as clock.py knows it: within a second they are the workers' own (NTP keeps them
closer than a lane changes hands), since a query for it before each call would cost more than it gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import ceil

from django.conf import settings

from accounts import rows
from accounts.klaviyo.errors import KlaviyoError, NotAllowed, NotSent, Throttled
from accounts.klaviyo.limits import DAILY, Limits, limits_for, parse_windows
from accounts.models import Allowance

MARGIN = 0.01  # seconds at Klaviyo: an answer that comes within needs no second look at the row
AHEAD = 120.0  # a time this far in the future is a clock's that was set back: it counts as now
SEVERAL = 100  # calls in a window from which on those of one stretch are kept as one entry, at its end
GRAIN = 0.25  # seconds of such a stretch
TICK = 0.000_002  # a datetime knows no smaller step: what opens so soon is open
TRIES = 50
MOST_ROWS = 2000  # that used_today reads
ROW = "SELECT * FROM accounts_allowance WHERE account_id = %s AND endpoint = %s"  # see rows.py
_PER = {1: "second", 60: "minute", 86_400: "day"}

Log = list[list[float]]  # [time, calls], oldest first


class MustWait(Exception):
    """Nothing was sent: the account's limits let the next call through at `until`. str() says why."""

    def __init__(self, until: datetime, why: str) -> None:
        super().__init__(why)
        self.until, self.why = until, why


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was counted: in which row, and at which time it counts; when it was about to be sent."""

    row: Allowance
    limits: Limits
    at: float
    sent: float


def spend(
    account_id: int, method: str, path: str, now: datetime, known: dict[str, Allowance] | None = None
) -> Taken:
    """Count one call, or MustWait and count nothing. Two queries.

    `known`: endpoint -> its row as the caller had it last. A row is written only if nobody wrote it since, so one
    that is known need not be read first; before it makes anybody wait it is.
    """
    limits = limits_for(method, path)
    held = {} if known is None else known
    for _ in range(TRIES):
        is_known = limits.endpoint in held
        row = held.pop(limits.endpoint) if is_known else _row(account_id, limits)
        log = _log(row, limits, now)
        until, count, seconds = _opens(row, limits, log)
        if until - now.timestamp() > TICK:
            if is_known:
                continue
            if log and row.log[-1][0] > log[-1][0]:  # or it would be set back anew at each look
                _write(row, log=log)
            raise MustWait(datetime.fromtimestamp(until, UTC), _why(limits, count, seconds))
        at = now.timestamp() + MARGIN / settings.KLAVIYO_SPEED
        if max(_windows(row, limits).values()) > SEVERAL:
            grain = GRAIN / settings.KLAVIYO_SPEED
            at = ceil(at / grain) * grain
        _enter(log, at)
        if _write(row, log=log):
            held[limits.endpoint] = row
            return Taken(row, limits, at, now.timestamp())
    raise MustWait(now, "Too many workers call this account at once.")


def _why(limits: Limits, count: int, seconds: int) -> str:
    if not count:
        return "Klaviyo asked us to wait: this account has used what it may in this time."
    one, of = ("new flow", "") if limits.endpoint == "POST /api/flows" else ("call", f" of {limits.endpoint}")
    what = f"{count} {one}{'s' if count > 1 else ''}{of}"
    return f"Klaviyo lets this account have {what} a {_PER.get(seconds, f'time of {seconds} seconds')}."


def settle(taken: Taken, headers: Mapping[str, str], now: datetime) -> None:
    """The answer came: the call counts from now on, and its headers say what the account is allowed and has used.
    No query, unless that was late or is news."""
    ended, limits = now.timestamp(), taken.limits

    def change(row: Allowance) -> dict[str, object]:
        log, changed = _log(row, limits, now), dict[str, object]()
        mine = _entry(log, taken.at) if ended > taken.at else None
        if mine:
            mine[0] = ended
        allowed = _learned(row, limits, headers)
        if allowed != row.allowed:
            changed["allowed"] = allowed
        others = _others(log, headers, taken.sent, ended)
        if mine or others:
            changed["log"] = sorted(log + others)
        return changed

    _change(taken.row, change)


def failed(taken: Taken, error: KlaviyoError, now: datetime) -> None:
    if isinstance(error, Throttled):
        throttled(taken, error.retry_after, now)
    elif isinstance(error, NotSent | NotAllowed):
        give_back(taken, now)
    else:
        settle(taken, {}, now)


def give_back(taken: Taken, now: datetime) -> None:
    """Nothing left us, so Klaviyo counted nothing: an hour without a network must not cost the hundred of a day."""

    def change(row: Allowance) -> dict[str, object]:
        log = _log(row, taken.limits, now)
        return {"log": log} if _remove(log, taken.at) else {}

    _change(taken.row, change)


def throttled(taken: Taken, seconds: float, now: datetime) -> None:
    """A 429: it counted nothing, and to this endpoint of this account nothing is sent before it said so."""
    until = now.timestamp() + seconds

    def change(row: Allowance) -> dict[str, object]:
        log = _log(row, taken.limits, now)
        _remove(log, taken.at)
        return {"log": log, "blocked_until": max(until, row.blocked_until or 0.0)}

    _change(taken.row, change)


@dataclass(frozen=True, slots=True)
class Used:
    """Of the calls that an account may make to an endpoint in a day. `until`: Klaviyo asked us to wait so long."""

    account_id: int
    endpoint: str
    calls: int
    allowed: int
    until: datetime | None = None


def used_today(account_ids: Collection[int] | None, now: datetime) -> list[Used]:
    """What counts against the limits of a day, None: of all accounts; the fullest first. One query, for those of the
    rows that changed most."""
    used = Allowance.objects.exclude(log=[], blocked_until=None)
    if account_ids is not None:
        used = used.filter(account__in=account_ids)
    found = []
    for row in used.filter(endpoint__in=DAILY).order_by("-version")[:MOST_ROWS]:
        limits = DAILY[row.endpoint]
        calls = int(sum(calls for _, calls in _log(row, limits, now)))
        allowed = _windows(row, limits).get(86_400, limits.daily or 0)
        blocked = row.blocked_until or 0.0
        until = datetime.fromtimestamp(blocked, UTC) if blocked > now.timestamp() else None
        if calls or until:
            found.append(Used(row.account_id, row.endpoint, calls, allowed, until))
    return sorted(found, key=lambda one: (-one.calls / max(one.allowed, 1), one.account_id, one.endpoint))


def _row(account_id: int, limits: Limits) -> Allowance:
    found = rows.read(Allowance, ROW, account_id, limits.endpoint)
    return found or Allowance.objects.get_or_create(account_id=account_id, endpoint=limits.endpoint)[0]


def _write(row: Allowance, **changed: object) -> bool:
    """Only if nobody wrote since it was read."""
    version = row.version + 1
    if not rows.change(Allowance, {"id": row.pk, "version": row.version}, {"version": version, **changed}):
        return False
    row.version = version
    for name, value in changed.items():
        setattr(row, name, value)
    return True


def _change(row: Allowance, change: Callable[[Allowance], dict[str, object]]) -> None:
    """Write what `change` says of the row as it is now; nothing where it says nothing."""
    for _ in range(TRIES):
        changed = change(row)
        if not changed or _write(row, **changed):
            return
        found = Allowance.objects.filter(pk=row.pk).first()
        if found is None:  # the account is gone
            return
        row = found


def _windows(row: Allowance, limits: Limits) -> dict[int, int]:
    """seconds -> calls, as the table says or as the account's own headers said later."""
    if not row.allowed:
        return _listed(limits)
    return _listed(limits) | {int(seconds): calls for seconds, calls in row.allowed.items()}


@cache
def _listed(limits: Limits) -> dict[int, int]:
    listed = {1: limits.burst, 60: limits.steady, 86_400: limits.daily}
    return {seconds: calls for seconds, calls in listed.items() if calls}


def _log(row: Allowance, limits: Limits, now: datetime) -> Log:
    """The calls that may still count, by a clock that may have been set back meanwhile. Its entries are new ones."""
    here = now.timestamp()
    oldest = here - max(_windows(row, limits)) / settings.KLAVIYO_SPEED
    return sorted([here if at > here + AHEAD else at, calls] for at, calls in row.log if at > oldest)


def _opens(row: Allowance, limits: Limits, log: Log) -> tuple[float, int, int]:
    """(the time at which a call may be made, the window that says so: its calls and seconds)."""
    best: tuple[float, int, int] = (0.0, 0, 0)
    for seconds, allowed in _windows(row, limits).items():
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


def _entry(log: Log, at: float) -> list[float] | None:
    return next((entry for entry in reversed(log) if entry[0] == at), None)


def _remove(log: Log, at: float) -> bool:
    """One call of that time, if it is still there under it."""
    entry = _entry(log, at)
    if entry is None:
        return False
    entry[1] -= 1
    if entry[1] <= 0:
        log.remove(entry)
    return True


def _learned(row: Allowance, limits: Limits, headers: Mapping[str, str]) -> dict[str, int]:
    """What the account's headers say of its windows, where it is not what the table says."""
    announced = {one.seconds: one.count for one in parse_windows(headers.get("ratelimit-limit")) if one.count}
    listed = _listed(limits)
    known = _windows(row, limits) | announced
    return {str(seconds): calls for seconds, calls in known.items() if listed.get(seconds) != calls}


def _others(log: Log, headers: Mapping[str, str], sent: float, ended: float) -> Log:
    """What the headers say is used and we know nothing of: by another site of ours, or before a clock was set."""
    announced = headers.get("ratelimit-limit", "")
    told = (announced.partition(",")[0], headers.get("ratelimit-remaining"), headers.get("ratelimit-reset"))
    if not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", number or "") for number in told):
        return []
    count, remaining, reset = (int(number or 0) for number in told)
    # `remaining` and `reset` are of one window, which is named by its number of calls alone
    named = [one for one in parse_windows(announced) if one.count == count and reset <= one.seconds]
    if not named:
        return []
    length, speed = named[0].seconds / settings.KLAVIYO_SPEED, settings.KLAVIYO_SPEED
    unknown = count - remaining - sum(int(calls) for at, calls in log if at > sent - length)
    if unknown <= 0:
        return []
    leaves_at = min(
        ended + (reset + 1) / speed, ended + length
    )  # when that window begins anew; rounded down there
    return [[leaves_at - length, unknown]]
