"""Numbers as people read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowbuilder.definition.performing import (
    ENOUGH,
    MONEY,
    OPENABLE,
    PROPORTIONS,
    Change,
    Counts,
    Range,
    change_between,
    is_enough,
    range_of,
    value_of,
)

NONE = "–"  # nothing to divide by, nothing was sent
WORSE_IF_MORE = frozenset(
    {
        *("bounce_rate", "failed_rate", "bounced_or_failed_rate", "unsubscribe_rate", "spam_complaint_rate"),
        *("bounced", "failed", "bounced_or_failed", "unsubscribes", "unsubscribe_uniques", "spam_complaints"),
    }
)
NOT_ENOUGH = f"Not enough yet: fewer than {ENOUGH} were delivered."
NO_OPENS = "texts cannot be opened"


@dataclass(frozen=True)
class Tile:
    """A number with how sure it is and how it stands to the period before."""

    label: str
    text: str
    range: str = ""
    change: str = ""
    tone: str = ""


def number(value: float, name: str = "", currency: str = "") -> str:
    """12,400, 41.2 %, 1,250.50 USD."""
    if name in PROPORTIONS:
        return percent(value)
    if name in MONEY:
        return f"{value:,.2f} {currency}".strip()
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}"


def percent(share: float) -> str:
    """One place; two where it is small."""
    shown = share * 100
    return f"{shown:.2f} %" if 0 < shown < 1 else f"{shown:.1f} %"


def told(counts: Counts, name: str, currency: str = "") -> str:
    value = value_of(counts, name)
    return NONE if value is None else number(value, name, currency)


def range_told(found: Range | None, name: str = "open_rate", currency: str = "") -> str:
    if found is None:
        return ""
    return f"{number(found.low, name, currency)} to {number(found.high, name, currency)}"


def change_told(change: Change, name: str) -> tuple[str, str]:
    """(words, tone). Only what is more than chance has a tone."""
    if change.by is None:
        return "", ""
    if name not in PROPORTIONS:
        if abs(change.by) < 0.005:
            return "as much as before", ""
        return f"{abs(change.by) * 100:,.0f} % {'more' if change.by > 0 else 'less'} than before", ""
    points = abs(change.by) * 100
    words = f"{points:.1f} points {'up' if change.by > 0 else 'down'}"
    if change.is_clear is None:
        return f"{words}, too few to tell", ""
    if not change.is_clear:
        return f"{words}, may be chance", ""
    is_good = (change.by > 0) is (name not in WORSE_IF_MORE)
    return words, "good" if is_good else "bad"


def tile(now: Counts, before: Counts, name: str, label: str, currency: str) -> Tile:
    words, tone = change_told(change_between(before, now, name), name)
    sure = range_told(range_of(now, name), name)
    if not sure and name in PROPORTIONS and now.get("delivered") and not is_enough(now, name):
        sure = NO_OPENS if cannot_open(now, name) else "not enough yet"
    return Tile(label, told(now, name, currency), sure, words, tone)


def cannot_open(counts: Counts, name: str) -> bool:
    """Whether all that was delivered were texts."""
    return name == "open_rate" and bool(counts.get("delivered")) and not counts.get(OPENABLE, 1)


def message_line(counts: Mapping[str, float], currency: str) -> str:
    """On a card of the canvas: three lines at most."""
    if not counts.get("recipients"):
        return "Nobody got it in this time."
    parts = [
        f"{number(counts['recipients'])} got it",
        f"{told(counts, 'open_rate')} opened" if counts["opens_unique"] else "",
        f"{told(counts, 'click_rate')} clicked",
        f"{told(counts, 'conversion_rate')} converted",
        f"{counts['conversion_value']:,.0f} {currency}".strip(),
    ]
    return ", ".join(part for part in parts if part)
