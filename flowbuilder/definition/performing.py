"""What numbers of messages say together: sums, rates and how sure they are, and one period against another. Pure.

Counts may be added up over messages, flows, days and accounts. A rate is always worked out from counts that were added
up, never a mean of rates. A range is where the rate lies with 95 % certainty; below a stated size there is none.

    sum_of(rows) -> Counts          rate(counts, "open_rate") -> 0.41
    range_of(counts, "open_rate") -> Range(low, high)      wilson(41, 100)
    per_recipient(days) -> Range    bootstrap over days, for money, which no formula knows the spread of
    change_between(before, now, "open_rate") -> Change
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from random import Random

Counts = Mapping[str, float]

Z = 1.959964  # of 95 %
ENOUGH = 200  # messages delivered, below which a rate is chance
ENOUGH_DAYS = 14  # with recipients, below which nothing is said of money
DRAWS = 1000
PLACES = 2  # of money, when it is added up

# What was delivered and can be opened: a text cannot, and must not lower the open rate of the emails beside it. Rows
# that do not say it are of messages that can.
OPENABLE = "openable"
NO_OPENS = frozenset({"sms", "whatsapp"})  # channels

# name: label. Counts are added up; MONEY is of them and has a currency.
COUNTS: Mapping[str, str] = {
    "recipients": "Recipients",
    "delivered": "Delivered",
    "opens": "Opens",
    "opens_unique": "Opened",
    "clicks": "Clicks",
    "clicks_unique": "Clicked",
    "conversions": "Conversions",
    "conversion_uniques": "Converted",
    "conversion_value": "Revenue",
    "bounced": "Bounced",
    "failed": "Failed",
    "bounced_or_failed": "Bounced or failed",
    "unsubscribes": "Unsubscribes",
    "unsubscribe_uniques": "Unsubscribed",
    "spam_complaints": "Spam complaints",
    "message_segment_count_sum": "Text segments",
    "text_message_credit_usage_amount": "Text credits",
    "text_message_spend": "Spent on texts",
}
MONEY = frozenset({"conversion_value", "text_message_spend", "average_order_value", "revenue_per_recipient"})
# name: (label, what is divided, by what)
RATES: Mapping[str, tuple[str, str, str]] = {
    "delivery_rate": ("Delivery rate", "delivered", "recipients"),
    "open_rate": ("Open rate", "opens_unique", OPENABLE),
    "click_rate": ("Click rate", "clicks_unique", "delivered"),
    "click_to_open_rate": ("Click to open rate", "clicks_unique", "opens_unique"),
    "conversion_rate": ("Conversion rate", "conversion_uniques", "delivered"),
    "bounce_rate": ("Bounce rate", "bounced", "recipients"),
    "failed_rate": ("Failed rate", "failed", "recipients"),
    "bounced_or_failed_rate": ("Bounced or failed rate", "bounced_or_failed", "recipients"),
    "unsubscribe_rate": ("Unsubscribe rate", "unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("Spam complaint rate", "spam_complaints", "delivered"),
    "average_order_value": ("Average order value", "conversion_value", "conversions"),
    "revenue_per_recipient": ("Revenue per recipient", "conversion_value", "delivered"),
    "text_message_roi": ("Return on texts", "conversion_value", "text_message_spend"),
}
PROPORTIONS = frozenset(
    name for name, (_, above, below) in RATES.items() if not {above, below} & {"conversion_value"}
)
STATISTICS: Mapping[str, str] = {**COUNTS, **{name: label for name, (label, _, _) in RATES.items()}}


@dataclass(frozen=True, slots=True)
class Range:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """`by`: now minus before, in points for a rate (0.01 is one), as a share for a count (0.1 is a tenth more); None
    where there was nothing. `is_clear`: whether it is more than chance; None where too few say so."""

    before: float | None
    now: float | None
    by: float | None
    is_clear: bool | None


def sum_of(rows: Iterable[Counts]) -> dict[str, float]:
    """All counts, 0 where no row has one. Rates in the rows are left out."""
    found: dict[str, float] = dict.fromkeys((*COUNTS, OPENABLE), 0)
    for row in rows:
        for name in COUNTS:
            found[name] += row.get(name) or 0
        found[OPENABLE] += _below(row, OPENABLE)
    return {name: round(value, PLACES) if name in MONEY else value for name, value in found.items()}


def rate(counts: Counts, name: str) -> float | None:
    """None where there is nothing to divide by: that is no zero."""
    _, above, below = RATES[name]
    of = _below(counts, below)
    return counts.get(above, 0) / of if of else None


def _below(counts: Counts, name: str) -> float:
    return counts.get(name, counts.get("delivered", 0) if name == OPENABLE else 0)


def of_channel(counts: Counts, channel: str | None) -> Counts:
    """The same, as it counts in sums with messages of other channels."""
    return {**counts, OPENABLE: 0} if channel in NO_OPENS else counts


def value_of(counts: Counts, name: str) -> float | None:
    return rate(counts, name) if name in RATES else counts.get(name, 0)


def is_enough(counts: Counts, name: str = "") -> bool:
    """Of all that was delivered; of an open rate, of what can be opened."""
    of = OPENABLE if name in RATES and RATES[name][2] == OPENABLE else "delivered"
    return _below(counts, of) >= ENOUGH


def wilson(successes: float, of: float) -> Range:
    """Wilson's score interval. `of` is above 0; more successes than that count as all."""
    share = min(successes / of, 1.0)
    middle = share + Z * Z / (2 * of)
    wide = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    below = 1 + Z * Z / of
    low = 0.0 if share == 0 else max(0.0, (middle - wide) / below)
    high = 1.0 if share == 1 else min(1.0, (middle + wide) / below)
    return Range(low, high)


def range_of(counts: Counts, name: str) -> Range | None:
    """Of a proportion; None where there is not enough yet."""
    if name not in PROPORTIONS or not is_enough(counts, name):
        return None
    _, above, below = RATES[name]
    of = _below(counts, below)
    return wilson(counts.get(above, 0), of) if of else None


def per_recipient(days: Sequence[Counts], seed: int = 6) -> Range | None:
    """Revenue per recipient of all days: whole days are drawn again and again with replacement (percentile bootstrap),
    since the orders of one day belong together. None where there is not enough yet. The same days give the same."""
    pairs = [(one.get("conversion_value", 0), one.get("delivered", 0)) for one in days]
    pairs = [pair for pair in pairs if pair[1]]
    if len(pairs) < ENOUGH_DAYS or sum(below for _, below in pairs) < ENOUGH:
        return None
    chance = Random(seed)
    drawn = []
    for _ in range(DRAWS):
        sample = chance.choices(pairs, k=len(pairs))
        drawn.append(sum(above for above, _ in sample) / sum(below for _, below in sample))
    drawn.sort()
    return Range(drawn[int(DRAWS * 0.025)], drawn[int(DRAWS * 0.975) - 1])


def change_between(before: Counts, now: Counts, name: str) -> Change:
    """A proportion is compared by Newcombe's interval of the difference (method 10, of two of Wilson's)."""
    was, has = value_of(before, name), value_of(now, name)
    if was is None or has is None:
        return Change(was, has, None, None)
    if name not in PROPORTIONS:
        return Change(was, has, (has - was) / was if was else None, None)
    one, two = range_of(before, name), range_of(now, name)
    if one is None or two is None:
        return Change(was, has, has - was, None)
    difference = has - was
    low = difference - sqrt((has - two.low) ** 2 + (one.high - was) ** 2)
    high = difference + sqrt((two.high - has) ** 2 + (was - one.low) ** 2)
    return Change(was, has, difference, low > 0 or high < 0)
