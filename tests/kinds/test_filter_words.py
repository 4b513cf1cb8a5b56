"""Each filter says itself in words that go on from the name of a property; numbers are written as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from flowbuilder.kinds.base import clock, count, weekday_words
from flowbuilder.kinds.dates import Filter, when
from flowbuilder.kinds.filters import COUNTED_EVENT, EVENT_PROPERTY, PROFILE_PROPERTY, NumberFilter

WORDS: list[tuple[dict[str, Any], str]] = [
    ({"type": "string", "operator": "not-equals", "value": "gold"}, "is not “gold”"),
    ({"type": "string", "operator": "starts-with", "value": "g"}, "starts with “g”"),
    ({"type": "string", "operator": "equals", "value": None}, "is “”"),
    ({"type": "string", "operator": "nregex", "value": "^a"}, "does not match the pattern “^a”"),
    ({"type": "string", "operator": "in", "value": ["a"]}, "is one of “a”"),
    ({"type": "string", "operator": "not-in", "value": ["a", "b", "c"]}, "is none of “a”, “b” or “c”"),
    (
        {"type": "string", "operator": "phone-country-code-in", "value": ["US", "CA"]},
        "has the country code US or CA",
    ),
    ({"type": "numeric", "operator": "equals", "value": 1000000}, "equals 1000000"),
    ({"type": "numeric", "operator": "greater-than", "value": 1234567.5}, "is greater than 1234567.5"),
    ({"type": "numeric", "operator": "less-than-or-equal", "value": 30.0}, "is at most 30"),
    ({"type": "numeric", "operator": "between", "start": 0.5, "end": 10}, "is between 0.5 and 10"),
    ({"type": "boolean", "operator": "equals", "value": False}, "is false"),
    ({"type": "existence", "operator": "is-set"}, "is set"),
    ({"type": "list", "operator": "contains", "value": 5}, "contains “5”"),
    ({"type": "list", "operator": "contains", "value": None}, "contains “”"),
    ({"type": "string", "operator": "in", "value": []}, "is one of nothing yet"),
    ({"type": "list", "operator": "length-equals", "value": 1}, "has exactly 1 item"),
    ({"type": "list", "operator": "length-greater-than", "value": 2}, "has more than 2 items"),
    ({"type": "list", "operator": "length-greater-than-or-equal", "value": 2}, "has at least 2 items"),
    ({"type": "list", "operator": "length-less-than", "value": 2}, "has fewer than 2 items"),
    ({"type": "list", "operator": "length-less-than-or-equal", "value": 0}, "has at most 0 items"),
    ({"type": "list", "operator": "contains-any", "value": ["a", "b"]}, "contains any of “a” or “b”"),
    ({"type": "list", "operator": "not-contains-substring", "value": "a"}, "has no item that contains “a”"),
    ({"type": "date", "operator": "after", "date": "2026-05-01T13:00:00Z"}, "is after 2026-05-01"),
    ({"type": "date", "operator": "in-the-next", "unit": "week", "quantity": 1}, "is in the next week"),
    ({"type": "date", "operator": "at-least", "unit": "day", "quantity": 30}, "is at least 30 days ago"),
    (
        {"type": "date", "operator": "between", "start": 1, "end": 7, "unit": "day"},
        "is between 1 and 7 days ago",
    ),
    ({"type": "date", "operator": "calendar-month", "value": 5}, "is in May"),
    ({"type": "date", "operator": "calendar-month", "value": 13}, "is in month 13"),
    ({"type": "date", "operator": "anniversary"}, "has its anniversary today"),
    (
        {"type": "date", "operator": "anniversary-next", "unit": "day", "quantity": 3},
        "has its anniversary in the next 3 days",
    ),
    (
        {"type": "date", "operator": "between-static", "start": "2026-01-01", "end": "2026-02-01"},
        "is between the dates 2026-01-01 and 2026-02-01",
    ),
]


BY_WORDS = {words: given for given, words in WORDS}


def read(given: dict[str, Any]) -> Filter:
    for choice in (EVENT_PROPERTY, PROFILE_PROPERTY, COUNTED_EVENT):
        if choice.find(given):
            member = choice.find(given)
            assert member is not None
            made: Filter = TypeAdapter(member.model).validate_python(given)
            return made
    raise AssertionError(given)


@pytest.mark.parametrize(("given", "words"), WORDS, ids=[words for _, words in WORDS])
def test_a_filter_in_words(given, words):
    assert read(given).words() == words


def test_as_the_end_of_a_sentence():
    assert when(None) == "over all time"
    assert when(read(BY_WORDS["is in the next week"])) == "in the next week"
    assert when(read(BY_WORDS["is at least 30 days ago"])) == "at least 30 days ago"
    assert when(read(BY_WORDS["is after 2026-05-01"])) == "after 2026-05-01"


@pytest.mark.parametrize(
    ("operator", "value", "times", "amount"),
    [
        ("greater-than", 0, "at least once", "greater than 0"),
        ("greater-than-or-equal", 1, "at least once", "of at least 1"),
        ("not-equals", 0, "at least once", "other than 0"),
        ("equals", 0, "zero times", "of 0"),
        ("less-than", 1, "zero times", "less than 1"),
        ("equals", 1, "exactly once", "of 1"),
        ("greater-than", 1, "more than once", "greater than 1"),
        ("less-than-or-equal", 1, "at most once", "of at most 1"),
        ("equals", 11, "exactly 11 times", "of 11"),
        ("not-equals", 3, "any number of times but 3", "other than 3"),
        ("less-than", 2.5, "fewer than 2.5 times", "less than 2.5"),
    ],
)
def test_a_number_of_times_and_an_amount(operator, value, times, amount):
    one = NumberFilter(type="numeric", operator=operator, value=value)
    assert (one.times(), one.amount()) == (times, amount)


def test_counts():
    for number, digits in ((0, "0"), (1.5, "1.5"), (10**6, "1000000"), (10**400, str(10**400))):
        assert count(number, "day") == f"{digits} days"
    assert count(1, "day") == count(1.0, "day") == "1 day"


def test_times_and_days():
    assert (clock("09:05:00"), clock("00:00:00")) == ("9:05", "0:00")
    assert weekday_words(["sunday", "monday"]) == "on Monday or Sunday"
    assert weekday_words(["friday", "monday", "tuesday", "wednesday", "thursday"]) == "on weekdays"
    assert weekday_words([]) == weekday_words(None) == ""
