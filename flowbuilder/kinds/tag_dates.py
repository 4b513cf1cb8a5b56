"""Dates in previews: ISO texts read, and Django's letters written (“F d, o” -> “May 01, 2026”).

Letters: https://docs.djangoproject.com/en/stable/ref/templates/builtins/#date
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flowbuilder.kinds.dates import MONTHS

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# As the Associated Press shortens them.
_AP = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")


def as_moment(value: Any) -> datetime | None:
    """A date, a moment or an ISO text as a moment; None where it is none of these."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def _suffix(day: int) -> str:
    return "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02}" if at.minute else f"{at.hour % 12 or 12}"


_LETTERS: dict[str, Callable[[datetime], str]] = {
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "D": lambda at: _DAYS[at.weekday()][:3],
    "F": lambda at: MONTHS[at.month - 1],
    "G": lambda at: str(at.hour),
    "H": lambda at: f"{at.hour:02}",
    "M": lambda at: MONTHS[at.month - 1][:3],
    "N": lambda at: _AP[at.month - 1],
    "P": lambda at: f"{_clock(at)} {'a.m.' if at.hour < 12 else 'p.m.'}",
    "S": lambda at: _suffix(at.day),
    "Y": lambda at: f"{at.year:04}",
    "a": lambda at: "a.m." if at.hour < 12 else "p.m.",
    "d": lambda at: f"{at.day:02}",
    "g": lambda at: str(at.hour % 12 or 12),
    "h": lambda at: f"{at.hour % 12 or 12:02}",
    "i": lambda at: f"{at.minute:02}",
    "j": lambda at: str(at.day),
    "l": lambda at: _DAYS[at.weekday()],
    "m": lambda at: f"{at.month:02}",
    "n": lambda at: str(at.month),
    "o": lambda at: str(at.isocalendar().year),
    "s": lambda at: f"{at.second:02}",
    "w": lambda at: str(at.isoweekday() % 7),
    "y": lambda at: f"{at.year % 100:02}",
    "z": lambda at: str(at.timetuple().tm_yday),
}


def date_text(moment: datetime, letters: str) -> str:
    made, quoted = [], False
    for letter in letters[:200]:
        if quoted or letter not in _LETTERS:
            made.append("" if letter == "\\" and not quoted else letter)
        else:
            made.append(_LETTERS[letter](moment))
        quoted = letter == "\\" and not quoted
    return "".join(made)
