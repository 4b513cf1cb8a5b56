"""Time frames and intervals of reports: read strictly, in the account's own time. Used by reports.py.

A frame is [start, end) without offset. What the vendor leaves open is settled here: frames of so many days or months
end with today; weeks begin on Monday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .errors import ApiError, Problem, invalid

AT = "/data/attributes"
DAY = timedelta(days=1)
LONGEST = timedelta(days=366)
INTERVALS = ("hourly", "daily", "weekly", "monthly")
MOST = {"hourly": 7 * DAY, "daily": 60 * DAY, "monthly": 52 * 7 * DAY}
LAST = {"last_7_days": 7, "last_30_days": 30, "last_90_days": 90, "last_365_days": 365}
MONTHS = {"last_3_months": 3, "last_12_months": 12}
KEYS = (
    *("today", "yesterday", "this_week", "last_week", "this_month", "last_month", "this_year", "last_year"),
    *LAST,
    *MONTHS,
)
Frame = tuple[datetime, datetime]


def local_now(moment: float, zone: str) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def read_frame(given: Any, now: datetime) -> Frame:
    """`now` in the account's time."""
    if not isinstance(given, dict) or set(given) not in ({"key"}, {"start", "end"}):
        raise invalid("'timeframe' must have either 'key', or 'start' and 'end'.", f"{AT}/timeframe")
    if "key" in given:
        if given["key"] not in KEYS:
            raise invalid(f"'key' must be one of {', '.join(KEYS)}.", f"{AT}/timeframe/key")
        first, last = days_of(given["key"], now.date())
        return datetime.combine(first, time()), datetime.combine(last, time()) + DAY
    start, end = (_moment(given[name], name) for name in ("start", "end"))
    if start >= end:
        raise invalid("'start' must be before 'end'.", f"{AT}/timeframe/start")
    if end - start > LONGEST:
        raise invalid("The timeframe may be of at most 1 year.", f"{AT}/timeframe")
    return start, end


def days_of(key: str, today: date) -> tuple[date, date]:
    """The first and the last day."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    if key in LAST:
        return today - timedelta(days=LAST[key] - 1), today
    if key in MONTHS:
        return _months_before(today, MONTHS[key]) + DAY, today
    return {
        "today": (today, today),
        "yesterday": (today - DAY, today - DAY),
        "this_week": (monday, today),
        "last_week": (monday - 7 * DAY, monday - DAY),
        "this_month": (first, today),
        "last_month": ((first - DAY).replace(day=1), first - DAY),
        "this_year": (today.replace(month=1, day=1), today),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }[key]


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    last = (date((number + 1) // 12, (number + 1) % 12 + 1, 1) - DAY).day
    return date(number // 12, number % 12 + 1, min(day.day, last))


def _moment(text: Any, name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None)  # the offset is ignored
    except ValueError:
        raise invalid(f"'{name}' must be a date and time.", f"{AT}/timeframe/{name}") from None


def check_interval(given: Any, frame: Frame) -> str:
    if given not in INTERVALS:
        raise invalid(f"'interval' must be one of {', '.join(INTERVALS)}.", f"{AT}/interval")
    most = MOST.get(given)
    if most and frame[1] - frame[0] > most:
        detail = f"With the interval '{given}' the timeframe may be of at most {most.days} days."
        raise ApiError(Problem(detail, f"{AT}/interval"))
    return str(given)


def parts_of(frame: Frame, interval: str) -> Iterator[Frame]:
    """The intervals, each from its own beginning, cut to the frame."""
    start, end = frame
    here = start
    while here < end:
        following = min(_next(here, interval), end)
        yield here, following
        here = following


def _next(here: datetime, interval: str) -> datetime:
    midnight = datetime.combine(here.date(), time())
    if interval == "hourly":
        return here.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if interval == "daily":
        return midnight + DAY
    if interval == "weekly":
        return midnight + timedelta(days=7 - here.weekday())
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
