"""Time frames of reports: what is sent to Klaviyo for each, which days it holds, and when its numbers rest. Pure.

    past_30      the 30 days that end with yesterday        prior_30    the 30 days before those
    days, weeks  a standing series, with its own windows    last_week   a key of Klaviyo's
    2026-10-01/2026-10-31   from a day to a day, both included

Days are of the account's own time: Klaviyo ignores offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

DAY = timedelta(days=1)
PERIODS = (7, 30, 90)  # days, each with the same number before it
YEAR = "past_365"
DAYS, WEEKS = "days", "weeks"
STANDING_SERIES = {DAYS: "daily", WEEKS: "weekly"}
# What is asked every day, as frame and interval; what pages show first comes first, of both kinds of call in turn.
STANDING = (
    *(("past_30", ""), (DAYS, "daily"), ("prior_30", ""), (WEEKS, "weekly"), ("past_7", ""), ("prior_7", "")),
    *(("past_90", ""), ("prior_90", ""), (YEAR, "")),
)
# Numbers of a message change while people open, click and buy: Klaviyo lets a conversion count for days after it, as
# each account has it set. So long a day is read again; what is older rests.
SETTLES = 30  # days
FILL = {
    DAYS: 60,
    WEEKS: 52 * 7,
}  # days of the past that a standing series begins with: what one call may ask for
KEY_LABELS: Mapping[str, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "this_week": "This week",
    "last_7_days": "Last 7 days",
    "last_week": "Last week",
    "this_month": "This month",
    "last_30_days": "Last 30 days",
    "last_month": "Last month",
    "last_90_days": "Last 90 days",
    "last_3_months": "Last 3 months",
    "last_365_days": "Last 365 days",
    "last_12_months": "Last 12 months",
    "this_year": "This year",
    "last_year": "Last year",
}


class BadFrame(ValueError):
    """str() is a sentence for the person who chose it."""


def span_of(frame: str, today: date) -> tuple[date, date] | None:
    """The first and the last day; None for a key of Klaviyo's, which knows its own."""
    kind, _, number = frame.partition("_")
    if kind in ("past", "prior") and number.isdigit():
        last = today - DAY * (1 if kind == "past" else 1 + int(number))
        return last - DAY * (int(number) - 1), last
    if "/" in frame:
        first, last = (date.fromisoformat(part) for part in frame.split("/"))
        return first, last
    return None


def window_of(frame: str, today: date, *, whole: bool) -> tuple[date, date]:
    """Of a standing series: all of the past that one call gives, or the days whose numbers still change."""
    last = today - DAY
    back = FILL[frame] if whole else SETTLES
    first = last - DAY * (back - 1)
    if frame == WEEKS:  # or the first week would be half a one
        first += DAY * ((7 - first.weekday()) % 7)
    return first, last


def timeframe(frame: str, today: date, *, whole: bool = True) -> dict[str, str]:
    """What is sent."""
    span = window_of(frame, today, whole=whole) if frame in STANDING_SERIES else span_of(frame, today)
    if span is None:
        return {"key": frame}
    return {"start": f"{span[0]}T00:00:00+00:00", "end": f"{span[1]}T23:59:59+00:00"}


def read_frame(start: str, end: str, today: date) -> str:
    """A frame of two days that a person gave. BadFrame says what is wrong."""
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError:
        raise BadFrame("Give the first and the last day, as 2026-10-31.") from None
    if first > last:
        raise BadFrame("The first day is after the last one.")
    if last > today:
        raise BadFrame("The last day is in the future.")
    if (last - first).days >= 365:
        raise BadFrame("Klaviyo reports on at most a year at once.")
    return f"{first}/{last}"


def days_at_most(frame: str, today: date) -> int:
    """How long a frame is, at its longest: what decides which intervals it may have."""
    span = span_of(frame, today)
    if span:
        return (span[1] - span[0]).days + 1
    spans = {
        **{"today": 1, "yesterday": 1, "this_week": 7, "last_week": 7, "last_7_days": 7},
        **{"this_month": 31, "last_month": 31, "last_30_days": 30, "last_90_days": 90, "last_3_months": 92},
    }
    return spans.get(frame, 366)


def is_settled(frame: str, today: date) -> bool:
    """Whether nothing in it changes any more."""
    span = span_of(frame, today) if "/" in frame else None
    return span is not None and (today - span[1]).days > SETTLES


def label_of(frame: str, today: date) -> str:
    span = span_of(frame, today)
    if span is None:
        return KEY_LABELS.get(frame, frame)
    return f"{told(span[0])} to {told(span[1])}" if span[0] != span[1] else told(span[0])


def told(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
