"""Sums, rates and ranges against values worked out by hand (each stands in the test with how it came about)."""

from __future__ import annotations

import pytest

from flowbuilder.definition.performing import (
    COUNTS,
    ENOUGH,
    RATES,
    STATISTICS,
    Range,
    change_between,
    is_enough,
    of_channel,
    per_recipient,
    range_of,
    rate,
    sum_of,
    wilson,
)

# Two messages. By hand: 1,000 + 200 recipients, 950 + 190 delivered, 380 + 19 opened, ...
ONE = {
    "recipients": 1000, "delivered": 950, "bounced": 40, "failed": 10, "bounced_or_failed": 50,
    "opens": 500, "opens_unique": 380, "clicks": 120, "clicks_unique": 95, "conversions": 25,
    "conversion_uniques": 20, "conversion_value": 1250.50, "unsubscribes": 4, "unsubscribe_uniques": 3,
    "spam_complaints": 1, "message_segment_count_sum": 0, "text_message_credit_usage_amount": 0,
    "text_message_spend": 0, "open_rate": 0.4,
}  # fmt: skip
TWO = {
    "recipients": 200, "delivered": 190, "bounced": 6, "failed": 4, "bounced_or_failed": 10,
    "opens": 20, "opens_unique": 19, "clicks": 20, "clicks_unique": 19, "conversions": 5,
    "conversion_uniques": 4, "conversion_value": 149.50, "unsubscribes": 2, "unsubscribe_uniques": 2,
    "spam_complaints": 1, "message_segment_count_sum": 400, "text_message_credit_usage_amount": 400,
    "text_message_spend": 7.0, "open_rate": 0.1,
}  # fmt: skip

SUMS = {
    "recipients": 1200, "delivered": 1140, "bounced": 46, "failed": 14, "bounced_or_failed": 60, "opens": 520,
    "opens_unique": 399, "clicks": 140, "clicks_unique": 114, "conversions": 30, "conversion_uniques": 24,
    "conversion_value": 1400.0, "unsubscribes": 6, "unsubscribe_uniques": 5, "spam_complaints": 2,
    "message_segment_count_sum": 400, "text_message_credit_usage_amount": 400, "text_message_spend": 7.0,
}  # fmt: skip
BY_HAND = {
    "delivery_rate": 0.95,  # 1140 / 1200
    "open_rate": 0.35,  # 399 / 1140; the mean of 0.4 and 0.1 would be 0.25
    "click_rate": 0.1,  # 114 / 1140
    "click_to_open_rate": 0.285714,  # 114 / 399
    "conversion_rate": 0.0210526,  # 24 / 1140
    "bounce_rate": 0.0383333,  # 46 / 1200
    "failed_rate": 0.0116667,  # 14 / 1200
    "bounced_or_failed_rate": 0.05,  # 60 / 1200
    "unsubscribe_rate": 0.00438596,  # 5 / 1140
    "spam_complaint_rate": 0.00175439,  # 2 / 1140
    "average_order_value": 46.666667,  # 1400 / 30
    "revenue_per_recipient": 1.228070,  # 1400 / 1140
    "text_message_roi": 200.0,  # 1400 / 7
}


def test_every_statistic_of_the_revision_is_known():
    assert len(STATISTICS) == 31
    assert set(SUMS) == set(COUNTS)
    assert set(BY_HAND) == set(RATES)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_add_up(name: str):
    assert sum_of([ONE, TWO])[name] == SUMS[name]


@pytest.mark.parametrize("name", RATES)
def test_rates_are_worked_out_from_sums(name: str):
    assert rate(sum_of([ONE, TWO]), name) == pytest.approx(BY_HAND[name], rel=1e-5)


@pytest.mark.parametrize("name", RATES)
def test_nothing_to_divide_by_is_no_zero(name: str):
    assert rate(sum_of([]), name) is None


def test_texts_cannot_be_opened_and_do_not_lower_the_rate_of_emails():
    text = of_channel({"recipients": 500, "delivered": 500, "clicks_unique": 50}, "sms")
    total = sum_of([of_channel(ONE, "email"), text])
    assert rate(total, "open_rate") == 0.4  # 380 / 950, not 380 / 1450
    assert rate(total, "click_rate") == 0.1  # (95 + 50) / 1450
    assert rate(sum_of([text]), "open_rate") is None
    assert range_of(sum_of([text]), "open_rate") is None


def test_money_is_not_worn_by_adding_up():
    assert sum_of([{"conversion_value": 0.1}] * 30)["conversion_value"] == 3.0


@pytest.mark.parametrize(
    ("successes", "of", "low", "high"),
    [
        (10, 100, 0.0552, 0.1744),  # (0.1 + 0.01921 +- 0.06183) / 1.03841
        (0, 50, 0.0, 0.0713),  # 3.8415 / 53.8415
        (50, 50, 0.9287, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe (1998), table I
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_s_interval(successes: int, of: int, low: float, high: float):
    found = wilson(successes, of)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_below_a_stated_size_nothing_is_said():
    few = {"delivered": ENOUGH - 1, "opens_unique": 90}
    assert not is_enough(few)
    assert range_of(few, "open_rate") is None
    assert range_of({**few, "delivered": ENOUGH}, "open_rate") is not None
    assert range_of(sum_of([ONE]), "average_order_value") is None  # money is no proportion


def test_revenue_per_recipient_by_drawing_days():
    same = [{"conversion_value": 50.0, "delivered": 100}] * 20
    assert per_recipient(same) == Range(0.5, 0.5)  # whatever is drawn
    mixed = [{"conversion_value": 0.0, "delivered": 100}, {"conversion_value": 100.0, "delivered": 100}] * 15
    found = per_recipient(mixed)
    assert found is not None
    # The mean of 30 draws of 0 or 1 lies within 0.5 +- 1.96 * sqrt(0.25 / 30) = 0.5 +- 0.179
    assert (found.low, found.high) == (pytest.approx(0.321, abs=0.04), pytest.approx(0.679, abs=0.04))
    assert per_recipient(mixed) == found
    assert per_recipient(same[:13]) is None
    assert per_recipient([{"conversion_value": 5.0, "delivered": 1}] * 20) is None
    assert per_recipient([{"conversion_value": 5.0, "delivered": 0}] * 40) is None


def test_one_period_against_another():
    # Newcombe (1998), table II, method 10: 56/70 against 48/80 gives 0.0524 to 0.3339
    before, now = {"delivered": 800, "opens_unique": 480}, {"delivered": 700, "opens_unique": 560}
    change = change_between(before, now, "open_rate")
    assert (change.before, change.now, change.by) == (0.6, 0.8, pytest.approx(0.2))
    assert change.is_clear is True
    near = change_between(before, {"delivered": 800, "opens_unique": 490}, "open_rate")
    assert near.is_clear is False
    few = change_between({"delivered": 10, "opens_unique": 1}, now, "open_rate")
    assert few.is_clear is None
    assert change_between({"recipients": 200}, {"recipients": 250}, "recipients").by == 0.25
    assert change_between({"recipients": 0}, {"recipients": 250}, "recipients").by is None
    assert change_between({"delivered": 0}, now, "open_rate").by is None
