"""Value filters: how a property, a count or a list is compared (dates: dates.py). Each says itself in words.

Names and values are those of the filter schemas in Klaviyo's OpenAPI document (StringOperatorStringFilter and
its neighbours). `words()` continues a sentence whose subject is the property: “price” + “is greater than 5”.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds.base import Finding, Hint, Number, both, count, digits, either
from flowbuilder.kinds.dates import (
    CALENDAR,
    DATES,
    DateFilter,
    DateRangeFilter,
    Filter,
    RelativeDateFilter,
    RelativeDateRangeFilter,
    choice_of,
)

Value = Annotated[Number, Hint("Value")]


NOTHING = "nothing yet"


def _quoted(texts: list[str], join: Callable[[list[str]], str]) -> str:
    return join([f"“{text}”" for text in texts]) if texts else NOTHING


class TextFilter(Filter):
    GROUP = "Text"
    START: ClassVar[dict[str, Any]] = {"value": ""}
    CHOICES: ClassVar[dict[str, str]] = {
        "string:equals": "is",
        "string:not-equals": "is not",
        "string:contains": "contains",
        "string:not-contains": "does not contain",
        "string:starts-with": "starts with",
        "string:not-starts-with": "does not start with",
        "string:ends-with": "ends with",
        "string:not-ends-with": "does not end with",
        "string:regex": "matches the pattern",
        "string:nregex": "does not match the pattern",
    }
    type: Literal["string"]
    operator: Literal[
        "equals",
        "not-equals",
        "contains",
        "not-contains",
        "starts-with",
        "not-starts-with",
        "ends-with",
        "not-ends-with",
        "regex",
        "nregex",
    ]
    value: Annotated[str | None, Hint("Text")]

    def rest(self) -> str:
        return f" “{self.value or ''}”"


class TextListFilter(Filter):
    GROUP = "Text"
    START: ClassVar[dict[str, Any]] = {"value": []}
    CHOICES: ClassVar[dict[str, str]] = {"string:in": "is one of", "string:not-in": "is none of"}
    type: Literal["string"]
    operator: Literal["in", "not-in"]
    value: Annotated[list[str], Hint("Texts", "One a line.")]

    def rest(self) -> str:
        return " " + _quoted(self.value, either)


class PhoneCountryFilter(Filter):
    GROUP = "Phone number"
    START: ClassVar[dict[str, Any]] = {"value": []}
    CHOICES: ClassVar[dict[str, str]] = {
        "string:phone-country-code-in": "has the country code",
        "string:phone-country-code-not-in": "does not have the country code",
    }
    type: Literal["string"]
    operator: Literal["phone-country-code-in", "phone-country-code-not-in"]
    value: Annotated[list[str], Hint("Country codes", "One a line, such as US.")]

    def rest(self) -> str:
        return f" {either(self.value) or NOTHING}"


class NumberFilter(Filter):
    GROUP = "Number"
    START: ClassVar[dict[str, Any]] = {"value": 0}
    CHOICES: ClassVar[dict[str, str]] = {
        "numeric:equals": "equals",
        "numeric:not-equals": "does not equal",
        "numeric:greater-than": "is greater than",
        "numeric:greater-than-or-equal": "is at least",
        "numeric:less-than": "is less than",
        "numeric:less-than-or-equal": "is at most",
    }
    type: Literal["numeric"]
    operator: Literal[
        "equals", "not-equals", "greater-than", "greater-than-or-equal", "less-than", "less-than-or-equal"
    ]
    value: Value

    def rest(self) -> str:
        return f" {digits(self.value)}"

    def amount(self) -> str:
        """After a thing that is measured: an order value “greater than 5”, “of at most 30”."""
        how = {
            "equals": "of",
            "not-equals": "other than",
            "greater-than": "greater than",
            "greater-than-or-equal": "of at least",
            "less-than": "less than",
            "less-than-or-equal": "of at most",
        }
        return f"{how[self.operator]} {digits(self.value)}"

    def never(self) -> bool:
        """Whether it asks for no times at all."""
        return (self.operator, self.value) in {("equals", 0), ("less-than", 1), ("less-than-or-equal", 0)}

    def some(self) -> bool:
        """Whether once is enough."""
        asked = (self.operator, self.value)
        return asked in {("greater-than", 0), ("greater-than-or-equal", 1), ("not-equals", 0)}

    def how_many(self) -> str:
        """Before a number of things: “at least 1”, “exactly 3”, “more than 3”."""
        how = {
            "equals": "exactly",
            "not-equals": "any number but",
            "greater-than": "more than",
            "greater-than-or-equal": "at least",
            "less-than": "fewer than",
            "less-than-or-equal": "at most",
        }
        return "at least 1" if self.some() else f"{how[self.operator]} {digits(self.value)}"

    def times(self) -> str:
        """As a number of times: “at least once”, “zero times”, “more than 3 times”."""
        if self.some():
            return "at least once"
        if self.never():
            return "zero times"
        if self.operator == "not-equals":
            return f"any number of times but {digits(self.value)}"
        how = self.how_many()
        return how.removesuffix(" 1") + " once" if self.value == 1 else f"{how} times"


class WholeNumberFilter(NumberFilter):
    """Where Klaviyo counts whole things."""

    value: Annotated[int, Hint("Value")]


class DistanceFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"value": 25}
    CHOICES: ClassVar[dict[str, str]] = {
        "numeric:less-than": "less than",
        "numeric:greater-than": "more than",
    }
    type: Literal["numeric"]
    operator: Literal["less-than", "greater-than"]
    value: Annotated[Number, Hint("How far")]

    def rules(self) -> Iterator[Finding]:
        if self.value <= 0:
            yield Finding("not-positive", "A distance is more than 0.", ("value",))


class NumberRangeFilter(Filter):
    GROUP = "Number"
    START: ClassVar[dict[str, Any]] = {"start": 0, "end": 1}
    CHOICES: ClassVar[dict[str, str]] = {"numeric:between": "is between"}
    type: Literal["numeric"]
    operator: Literal["between"]
    start: Annotated[Number, Hint("From")]
    end: Annotated[Number, Hint("To")]

    def rest(self) -> str:
        return f" {digits(self.start)} and {digits(self.end)}"

    def rules(self) -> Iterator[Finding]:
        if self.end < self.start:
            yield Finding("empty-range", "The end of the range lies before its start.", ("end",))


class YesNoFilter(Filter):
    GROUP = "Yes or no"
    START: ClassVar[dict[str, Any]] = {"value": True}
    CHOICES: ClassVar[dict[str, str]] = {"boolean:equals": "is"}
    type: Literal["boolean"]
    operator: Literal["equals"]
    value: Annotated[bool, Hint("Yes")]

    def rest(self) -> str:
        return " true" if self.value else " false"


class ListContainsFilter(Filter):
    GROUP = "List"
    START: ClassVar[dict[str, Any]] = {"value": ""}
    CHOICES: ClassVar[dict[str, str]] = {"list:contains": "contains", "list:not-contains": "does not contain"}
    type: Literal["list"]
    operator: Literal["contains", "not-contains"]
    value: Annotated[int | str | None, Hint("Item")]

    def rest(self) -> str:
        return f" “{'' if self.value is None else self.value}”"


class ListLengthFilter(Filter):
    GROUP = "List"
    START: ClassVar[dict[str, Any]] = {"value": 1}
    CHOICES: ClassVar[dict[str, str]] = {
        "list:length-equals": "has exactly this many items",
        "list:length-greater-than": "has more items than",
        "list:length-greater-than-or-equal": "has at least this many items",
        "list:length-less-than": "has fewer items than",
        "list:length-less-than-or-equal": "has at most this many items",
    }
    type: Literal["list"]
    operator: Literal[
        "length-equals",
        "length-greater-than",
        "length-greater-than-or-equal",
        "length-less-than",
        "length-less-than-or-equal",
    ]
    value: Annotated[int, Hint("Items")]

    def words(self) -> str:
        how = {
            "length-equals": "exactly",
            "length-greater-than": "more than",
            "length-greater-than-or-equal": "at least",
            "length-less-than": "fewer than",
            "length-less-than-or-equal": "at most",
        }
        return f"has {how[self.operator]} {count(self.value, 'item')}"


class ListSetFilter(Filter):
    GROUP = "List"
    START: ClassVar[dict[str, Any]] = {"value": []}
    CHOICES: ClassVar[dict[str, str]] = {
        "list:contains-all": "contains all of",
        "list:contains-any": "contains any of",
        "list:not-contains-all": "does not contain all of",
        "list:not-contains-any": "contains none of",
    }
    type: Literal["list"]
    operator: Literal["contains-all", "contains-any", "not-contains-all", "not-contains-any"]
    value: Annotated[list[str], Hint("Items", "One a line.")]

    def rest(self) -> str:
        return " " + _quoted(self.value, either if self.operator.endswith("-any") else both)


class ListSubstringFilter(Filter):
    GROUP = "List"
    START: ClassVar[dict[str, Any]] = {"value": ""}
    CHOICES: ClassVar[dict[str, str]] = {
        "list:contains-substring": "has an item that contains",
        "list:not-contains-substring": "has no item that contains",
    }
    type: Literal["list"]
    operator: Literal["contains-substring", "not-contains-substring"]
    value: Annotated[str | None, Hint("Text")]

    def rest(self) -> str:
        return f" “{self.value or ''}”"


class ExistenceFilter(Filter):
    GROUP = "Is there at all"
    CHOICES: ClassVar[dict[str, str]] = {"existence:is-set": "is set", "existence:not-set": "is not set"}
    type: Literal["existence"]
    operator: Literal["is-set", "not-set"]


class IsSetFilter(Filter):
    GROUP = "Is there at all"
    CHOICES: ClassVar[dict[str, str]] = {"existence:is-set": "is set"}
    type: Literal["existence"]
    operator: Literal["is-set"]


class TextIsFilter(Filter):
    """One text, and no other way to compare it."""

    START: ClassVar[dict[str, Any]] = {"type": "string", "operator": "equals", "value": ""}
    type: Literal["string"]
    operator: Literal["equals"]
    value: Annotated[str | None, Hint("Text")]

    def words(self) -> str:
        return f"is “{self.value or ''}”"


class OneOfFilter(Filter):
    """A list of texts, and no other way to compare it."""

    START: ClassVar[dict[str, Any]] = {"type": "string", "operator": "in", "value": []}
    type: Literal["string"]
    operator: Literal["in"]
    value: Annotated[list[str], Hint("Any of", "One a line.")]

    def words(self) -> str:
        return f"is {_quoted(self.value, either)}"


_LISTS = (ListContainsFilter, ListLengthFilter)
_VALUES = (TextFilter, TextListFilter, NumberFilter, NumberRangeFilter, YesNoFilter)

EVENT_PROPERTY = choice_of(*_VALUES, *DATES, *CALENDAR, *_LISTS, ExistenceFilter)
PROFILE_PROPERTY = choice_of(
    TextFilter,
    TextListFilter,
    PhoneCountryFilter,
    NumberFilter,
    YesNoFilter,
    *DATES,
    *CALENDAR,
    *_LISTS,
    ExistenceFilter,
)
COUNTED_EVENT = choice_of(
    TextFilter,
    TextListFilter,
    ExistenceFilter,
    ListSetFilter,
    ListLengthFilter,
    ListSubstringFilter,
    YesNoFilter,
    NumberFilter,
)
# Of a custom object: when a person has one; and when it is what started the flow.
OBJECT_PROPERTY = choice_of(*_VALUES, *DATES, *_LISTS, ExistenceFilter)
OBJECT_TRIGGER = choice_of(
    TextFilter,
    NumberFilter,
    NumberRangeFilter,
    YesNoFilter,
    DateFilter,
    DateRangeFilter,
    RelativeDateFilter,
    RelativeDateRangeFilter,
    *_LISTS,
    ExistenceFilter,
)
OUTPUT = choice_of(*_VALUES, ExistenceFilter)
COUNT = choice_of(NumberFilter)
WHOLE_COUNT = choice_of(WholeNumberFilter)
DISTANCE = choice_of(DistanceFilter)
