"""What Klaviyo counts, read from its answers; a strange answer is Unknown, and never a number."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.auth import ApiKey
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import Unknown
from accounts.klaviyo.figures import Seen, count_in, events_query, mapped_metrics, metric_seen

TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def answer(attributes: Any) -> Answer:
    return Answer(200, {"data": {"type": "x", "id": "1", "attributes": attributes}}, {}, None, 0.0)


def aggregates(*days: tuple[str, float]) -> Answer:
    dates = [f"2026-{day}T00:00:00+00:00" for day, _ in days]
    counts = [number for _, number in days]
    return answer({"dates": dates, "data": [{"dimensions": [], "measurements": {"count": counts}}]})


@pytest.mark.parametrize(
    ("days", "seen"),
    [
        ((("11-01", 3.0), ("11-02", 1.0)), Seen(4, date(2026, 11, 2))),
        ((("09-01", 900.0), ("10-20", 2.0)), Seen(2, date(2026, 10, 20))),
        ((("09-01", 900.0), ("10-20", 0.0)), Seen(0, date(2026, 9, 1))),
        ((("10-03", 5.0), ("10-04", 7.0)), Seen(7, date(2026, 10, 4))),
        ((("10-20", 0.0),), Seen(0, None)),
        ((), Seen(0, None)),
    ],
)
def test_events_of_a_month_and_the_day_of_the_last(days, seen):
    assert metric_seen(aggregates(*days), TODAY) == seen


@pytest.mark.parametrize("attributes", [None, {}, {"dates": []}, {"dates": "x", "data": []}, []])
def test_a_strange_answer_is_no_number(attributes):
    with pytest.raises(Unknown):
        metric_seen(answer(attributes), TODAY)


@pytest.mark.parametrize("count", [None, -1, True, "7", 1.5])
def test_a_strange_count_is_no_number(count):
    with pytest.raises(Unknown):
        count_in(answer({"profile_count": count}))


def test_on_the_sandbox(klaviyo):
    client = Klaviyo(klaviyo.url, ApiKey("pk_sandbox_harbour"), "2026-10-15")
    roles = mapped_metrics(client)
    assert roles["started_checkout"] == "UpixsZ"
    assert set(roles) == {
        *("revenue", "ordered_product", "refunded_sales", "cancelled_sales"),
        *("viewed_product", "added_to_cart", "started_checkout"),
    }
    now = datetime.now(UTC)
    found = client.call("POST", "/api/metric-aggregates", json=events_query("UpixsZ", now))
    assert metric_seen(found, now.date()) == Seen(1200, now.date())


def test_ninety_days_to_this_second():
    assert events_query("a", NOW)["data"]["attributes"]["filter"] == [
        "greater-or-equal(datetime,2026-08-04T00:00:00)",
        "less-than(datetime,2026-11-02T09:30:00)",
    ]
