"""When a rollout will be done, from the limits of its accounts and its pace up to now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from accounts.klaviyo.limits import Limits, limits_for
from flowbuilder.kinds.base import count
from flowbuilder.queries.rollouts import Line

CREATE = limits_for("POST", "/api/flows")
MINUTE, HOUR, DAY = 60, 3600, 86_400
SECONDS_EACH = 3.0  # for one publication, while nothing was measured
AT_ONCE = 8  # so many are worked on at a time
ENOUGH = 3  # ended ones make a pace


def seconds_in_line(line: Line, limits: Limits = CREATE) -> float:
    """How long until the last of this line is created: the slowest of its account's limits decides."""
    found = line.ahead / limits.burst
    if (over := line.ahead - max(limits.steady - line.minute, 0)) > 0:
        found = max(found, MINUTE * ceil(over / limits.steady))
    if limits.daily and (over := line.ahead - max(limits.daily - line.day, 0)) > 0:
        found = max(found, DAY * ceil(over / limits.daily))
    return found


def seconds_left(
    lines: Iterable[Line],
    *,
    left: int,
    waves: int,
    pace: tuple[int, float],
    parked: float = 0.0,
    limits: Limits = CREATE,
) -> float:
    """Until `left` publications in so many waves have ended. `pace`: so many ended in so many seconds. `parked`: until
    the last of them that waits goes on."""
    if not left:
        return 0.0
    ended, seconds = pace
    if ended >= ENOUGH and seconds > 0:
        worked = left * seconds / ended
    else:
        worked = max(left / AT_ONCE, waves, 1) * SECONDS_EACH
    return max([worked, parked, *(seconds_in_line(one, limits) for one in lines)])


def in_words(seconds: float) -> str:
    """less than a minute, about 4 minutes, about 2 hours, about 3 days."""
    if seconds < MINUTE:
        return "less than a minute"
    if seconds < 90 * MINUTE:
        return f"about {count(round(seconds / MINUTE), 'minute')}"
    if seconds < 36 * HOUR:
        return f"about {count(round(seconds / HOUR), 'hour')}"
    return f"about {count(round(seconds / DAY), 'day')}"
