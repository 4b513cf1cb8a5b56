"""Every step, condition and filter says itself in words; texts are counted as phones count them."""

from __future__ import annotations

import pytest

from flowbuilder.graph import Step, Trigger
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.conditions import PersonConditions
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.messages import segments

WORDS = Words({"OrderM": "Placed Order", "ListId": "Newsletter", "VipSeg": "VIP"})
DESCRIBER = Describer(WORDS, {})


def said(*groups: list[dict]) -> str:
    return PersonConditions.model_validate(
        {"condition_groups": [{"conditions": one} for one in groups]}
    ).sentence(WORDS)


def consent(channel: str, can: bool, status: str) -> dict:
    inner = {"channel": channel, "can_receive_marketing": can, "consent_status": {"subscription": status}}
    return {"type": "profile-marketing-consent", "consent": inner}


def done(operator: str, value: int, when: dict | None = None, **more) -> dict:
    return {
        "type": "profile-metric",
        "metric_id": "OrderM",
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": when or {"type": "date", "operator": "flow-start"},
        **more,
    }


def has(property: str, **filter) -> dict:
    return {"type": "profile-property", "property": property, "filter": filter}


LAST_WEEK = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 7}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (consent("sms", True, "subscribed"), "can receive SMS marketing and is subscribed"),
        (consent("email", False, "any"), "cannot receive email marketing"),
        (consent("email", True, "never_subscribed"), "can receive email marketing and never subscribed"),
        (done("greater-than", 0), "has placed an order at least once since starting this flow"),
        (done("greater-than-or-equal", 1), "has placed an order at least once since starting this flow"),
        (done("equals", 0), "has not placed an order since starting this flow"),
        (done("less-than", 1), "has not placed an order since starting this flow"),
        (done("greater-than", 3, LAST_WEEK), "has placed an order more than 3 times in the last 7 days"),
        (
            done("equals", 1, {"type": "date", "operator": "alltime"}),
            "has placed an order exactly once over all time",
        ),
        (
            done(
                "equals",
                2,
                metric_filters=[
                    {"property": "Brand", "filter": {"type": "string", "operator": "equals", "value": "Oak"}}
                ],
            ),
            "has placed an order exactly 2 times since starting this flow where Brand is “Oak”",
        ),
        (has("properties['Tier']", type="string", operator="equals", value="gold"), "Tier is “gold”"),
        (has("first_name", type="existence", operator="not-set"), "first name is not set"),
        (
            has("created", type="date", operator="in-the-last", unit="week", quantity=1),
            "date of creation is in the last week",
        ),
        (
            has("properties['Age']", type="numeric", operator="less-than-or-equal", value=30),
            "Age is at most 30",
        ),
        (
            has("properties['Size']", type="string", operator="in", value=["S", "M", "L"]),
            "Size is one of “S”, “M” or “L”",
        ),
        (
            {"type": "profile-group-membership", "is_member": True, "group_ids": ["ListId", "VipSeg"]},
            "is in Newsletter or VIP",
        ),
        (
            {"type": "profile-group-membership", "is_member": False, "group_ids": ["ListId"]},
            "is not in Newsletter",
        ),
        (
            {"type": "profile-region", "in_region": False, "region": "european_union"},
            "is not in the European Union",
        ),
        ({"type": "profile-sample", "percentage": 20}, "is in a random 20% of people"),
        (
            {"type": "profile-not-sent-sms", "timeframe_filter": LAST_WEEK},
            "has not been sent a text in the last 7 days",
        ),
    ],
)
def test_conditions(condition, words):
    assert said([condition]) == words


def test_groups_are_and_conditions_are_or():
    one, two, three = ({"type": "profile-sample", "percentage": number} for number in (10, 20, 30))
    say = "is in a random {}% of people".format
    assert said([one], [two]) == f"{say(10)} and {say(20)}"
    assert said([one, two]) == f"{say(10)} or {say(20)}"
    assert said([one, two], [three]) == f"({say(10)} or {say(20)}) and {say(30)}"


@pytest.mark.parametrize(
    ("type", "config", "title", "summary"),
    [
        ("time-delay", {"unit": "hours", "value": 1}, "Wait 1 hour", "In the recipient's time zone."),
        (
            "time-delay",
            {"unit": "hours", "value": 1, "secondary_value": 30},
            "Wait 1 hour 30 minutes",
            "In the recipient's time zone.",
        ),
        (
            "time-delay",
            {"unit": "days", "value": 2, "delay_until_time": "09:05:00", "timezone": "Europe/Berlin"},
            "Wait 2 days",
            "Until 9:05, in Europe/Berlin.",
        ),
        (
            "time-delay",
            {"value": 1, "delay_until_weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"]},
            "Wait 1 day",
            "On weekdays, in the recipient's time zone.",
        ),
        (
            "target-date",
            {"target_time": "18:00:00"},
            "On the date",
            "At 18:00, in the recipient's time zone.",
        ),
        (
            "countdown-delay",
            {"unit": "weeks", "value": 1},
            "1 week before the date",
            "In the recipient's time zone.",
        ),
        ("send-email", {"message": {"subject_line": "Hi"}}, "Hi", "“Hi”"),
        ("send-email", {"message": {"name": "Mail"}}, "Mail", "No subject yet."),
        ("send-sms", {"message": {"name": "Text", "body": "Hello"}}, "Text", "“Hello”"),
        ("conditional-split", {"profile_filter": None}, "Conditional split", "No condition yet."),
        (
            "internal-service",
            {"url": "https://example.org"},
            "Internal service",
            "Kept as it is: it has no form here yet.",
        ),
        ("time-delay", {"unit": "eons"}, "Time delay", "Some settings are not right yet."),
    ],
)
def test_steps(type, config, title, summary):
    card = DESCRIBER.step(Step("s", type, config))
    assert (card.title, card.summary) == (title, summary)


@pytest.mark.parametrize(
    ("type", "config", "title", "summary"),
    [
        ("metric", {"id": "OrderM"}, "Placed Order", "Whenever it happens."),
        ("metric", {"id": None}, "Someone does something", "Whenever it happens."),
        ("list", {"id": "ListId"}, "Someone joins a list", "Added to Newsletter."),
        ("segment", {"id": "VipSeg"}, "Someone enters a segment", "Begins to fit VIP."),
        (
            "date",
            {
                "date_field_type": "profile-property",
                "date_profile_property": "birthday",
                "timedelta_value_before_date": 1,
                "timedelta_unit_before_date": "weeks",
                "recurrence_frequency": "annually",
                "trigger_time": "09:00:00",
            },
            "Birthday",
            "1 week before the date at 9:00, every year.",
        ),
        (
            "price-drop",
            {
                "trigger_filter": None,
                "price_drop_amount_value": 10,
                "price_drop_amount_unit": "percent",
                "audience": ["viewed"],
            },
            "A price drops",
            "By 10% or more, for people who viewed the item in the last 30 days.",
        ),
        ("full-moon", {}, "Full moon", "Kept as it is: it has no form here yet."),
    ],
)
def test_triggers(type, config, title, summary):
    card = DESCRIBER.trigger(Trigger(type, config))
    assert (card.title, card.summary) == (title, summary)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two characters each
        ("€" * 81, 2),
        ("ä" * 160, 1),  # in the basic set
        ("ç" * 70, 1),  # not in it: all of the text in 16 bits
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("😀" * 35, 1),  # two units each
        ("😀" * 36, 2),
        ("a" * 69 + "😀", 2),
    ],
)
def test_segments(text, parts):
    assert segments(text) == parts
