"""What Klaviyo counts in an account: which metric plays which role, how often one was seen, how many profiles a list
or segment holds. One call each, through a client; the caller keeps to the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import Unknown

LATELY, LONG = 30, 90  # days


@dataclass(frozen=True, slots=True)
class Seen:
    """`events` of a metric in the last 30 days; `last_on`: the day of the last one in the last 90."""

    events: int
    last_on: date | None


def mapped_metrics(klaviyo: Klaviyo) -> dict[str, str]:
    """get_mapped_metrics: role -> id of the metric; roles that are mapped to no metric, or to a custom metric, are
    left out. Scope metrics:read; 3/s, 60/m."""
    found = {}
    for one in _list(klaviyo.call("GET", "/api/mapped-metrics", params={"include": "metric"})):
        target = ((one.get("relationships") or {}).get("metric") or {}).get("data")
        if isinstance(target, dict) and isinstance(target.get("id"), str) and isinstance(one.get("id"), str):
            found[one["id"]] = target["id"]
    return found


def metric_seen(answer: Answer, today: date) -> Seen:
    """The answer to a call as events_query describes it, read."""
    attributes = _attributes(answer)
    dates, rows = attributes.get("dates"), attributes.get("data")
    if not isinstance(dates, list) or not isinstance(rows, list):
        raise Unknown("Klaviyo's answer does not say how often the metric was seen.")
    days: dict[date, float] = {}
    for row in rows:
        counts = (row.get("measurements") or {}).get("count") if isinstance(row, dict) else None
        for when, number in zip(dates, counts or (), strict=False):
            day = datetime.fromisoformat(when).date()
            days[day] = days.get(day, 0) + number
    lately = today - timedelta(LATELY)
    seen = [day for day, number in days.items() if number > 0]
    return Seen(round(sum(number for day, number in days.items() if day > lately)), max(seen, default=None))


def events_query(metric_id: str, now: datetime) -> dict[str, Any]:
    """query_metric_aggregates: its events day by day, 90 days back. Scope metrics:read; 3/s, 60/m."""
    since = (now - timedelta(LONG)).strftime("%Y-%m-%dT00:00:00")
    attributes = {
        "metric_id": metric_id,
        "measurements": ["count"],
        "interval": "day",
        "filter": [
            f"greater-or-equal(datetime,{since})",
            f"less-than(datetime,{now.strftime('%Y-%m-%dT%H:%M:%S')})",
        ],
        "timezone": "UTC",
    }
    return {"data": {"type": "metric-aggregate", "attributes": attributes}}


def count_in(answer: Answer) -> int:
    """profile_count of a list or segment that was asked for with it (1/s, 15/m)."""
    count = _attributes(answer).get("profile_count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise Unknown("Klaviyo's answer does not say how many profiles there are.")
    return count


def _list(answer: Answer) -> Sequence[dict[str, Any]]:
    data = (answer.body or {}).get("data")
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def _attributes(answer: Answer) -> dict[str, Any]:
    data = (answer.body or {}).get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}
