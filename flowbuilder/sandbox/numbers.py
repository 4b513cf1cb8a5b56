"""How flows do: counts made up for each message and hour, the same in every run, and the rates worked out from them.

Used by reports.py. A flow counts as if it had been sending for 90 days when it was made, whatever its status: a demo
has numbers at once. What people did with a message goes on for five days after it. A flow's attribute `numbers`
changes that (control path, edit):

    {"since": "2026-10-01",       the first day with numbers
     "daily": 40,                 recipients a day of each message, about
     "exactly": {...},            counts of every message on every day instead, all at noon
     "silent": 2}                 the last days that have no numbers yet
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

COUNTS = (
    *("recipients", "bounced", "failed", "bounced_or_failed", "delivered", "opens", "opens_unique"),
    *("clicks", "clicks_unique", "conversions", "conversion_uniques", "conversion_value"),
    *("unsubscribes", "unsubscribe_uniques", "spam_complaints", "message_segment_count_sum"),
    *("text_message_credit_usage_amount", "text_message_spend"),
)
RATES = {  # a rate: what is divided by what
    "average_order_value": ("conversion_value", "conversions"),
    "bounce_rate": ("bounced", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "delivery_rate": ("delivered", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "revenue_per_recipient": ("conversion_value", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
}
STATISTICS = frozenset((*COUNTS, *RATES))
HISTORY = timedelta(days=90)
GROWS_FOR = 5  # days
Counts = dict[str, float]
NOTHING: Counts = dict.fromkeys(COUNTS, 0)


def hours_of(
    flow: str, message: str, channel: str, created: date, numbers: Mapping[str, Any], day: date, today: date
) -> list[Counts]:
    """The 24 hours of one day, in the account's time."""
    since = date.fromisoformat(numbers["since"]) if "since" in numbers else created - HISTORY
    if day < since or (today - day).days < int(numbers.get("silent", 0)):
        return [NOTHING] * 24
    if "exactly" in numbers:
        return [NOTHING] * 12 + [{**NOTHING, **numbers["exactly"]}] + [NOTHING] * 11
    share = min(1.0, ((today - day).days + 1) / (GROWS_FOR + 1))
    return list(_day(flow, message, channel, day, float(numbers.get("daily", 0)), share))


@lru_cache(maxsize=50_000)
def _day(flow: str, message: str, channel: str, day: date, daily: float, share: float) -> tuple[Counts, ...]:
    of_message = Random(f"{flow} {message}")  # what the message is like, every day
    size = daily or of_message.uniform(14, 60)
    opened, clicked, bought = (
        of_message.uniform(*span) for span in ((0.32, 0.58), (0.05, 0.22), (0.12, 0.45))
    )
    chance, money = Random(f"{flow} {message} {day}"), Random(f"{flow} {message} {day} orders")
    busy = size * (1.25 if day.weekday() in (5, 6) else 1.0) * chance.uniform(0.6, 1.4)
    found = []
    for hour in range(24):
        wide = busy * (0.4 if hour < 7 else 1.3) / 24.9
        recipients = _whole(chance, wide)
        failed = _some(chance, recipients, 0.004)
        bounced = _some(chance, recipients - failed, 0.012)
        delivered = recipients - failed - bounced
        readers = _some(chance, delivered, opened * share) if channel == "email" else 0
        clickers = _some(chance, readers if channel == "email" else delivered, clicked * share)
        buyers = min(_whole(chance, max(clickers, delivered / 12) * bought * share), delivered)
        orders = buyers + _whole(chance, buyers * 0.08)
        gone = _some(chance, delivered, 0.004 * share)
        segments = recipients * (2 if channel == "sms" else 0)
        found.append(
            {
                "recipients": recipients,
                "bounced": bounced,
                "failed": failed,
                "bounced_or_failed": bounced + failed,
                "delivered": delivered,
                "opens": readers + _whole(chance, readers * 0.4),
                "opens_unique": readers,
                "clicks": clickers + _whole(chance, clickers * 0.3),
                "clicks_unique": clickers,
                "conversions": orders,
                "conversion_uniques": buyers,
                "conversion_value": sum(round(money.lognormvariate(4.0, 0.6), 2) for _ in range(orders)),
                "unsubscribes": gone,
                "unsubscribe_uniques": gone,
                "spam_complaints": _some(chance, delivered, 0.0005),
                "message_segment_count_sum": segments,
                "text_message_credit_usage_amount": segments,
                "text_message_spend": round(segments * 0.0075, 4),
            }
        )
    return tuple(found)


def _whole(chance: Random, number: float) -> int:
    """The number, rounded up as often as it takes to be right in the long run."""
    return int(number) + (chance.random() < number % 1)


def _some(chance: Random, of: int, share: float) -> int:
    return min(_whole(chance, of * share), of)


def summed(parts: Iterable[Counts]) -> Counts:
    found = dict.fromkeys(COUNTS, 0.0)
    for part in parts:
        if part is not NOTHING:
            for name in COUNTS:
                found[name] += part[name]
    return {
        name: round(value, 2) if name in ("conversion_value", "text_message_spend") else int(value)
        for name, value in found.items()
    }


def statistic(counts: Counts, name: str) -> float:
    if name not in RATES:
        return counts[name]
    above, below = RATES[name]
    return round(counts[above] / counts[below], 6) if counts[below] else 0.0


def day_of(stamp: str) -> date:
    return datetime.fromisoformat(stamp).date()
