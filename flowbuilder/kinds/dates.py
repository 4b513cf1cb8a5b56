"""How dates are compared, and time frames; with the base of all value filters.

Names and values are those of the date filter schemas in Klaviyo's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict

from flowbuilder.kinds.base import Finding, Hint, Settings, count
from flowbuilder.kinds.unknown import OpenChoice


def _a_moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


Moment = Annotated[str, AfterValidator(_a_moment), Hint("Date", widget="moment")]
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
Unit = Annotated[Literal["hour", "day", "week"], Hint("Unit")]


class Filter(Settings):
    CHOICES: ClassVar[dict[str, str]] = {}
    GROUP: ClassVar[str] = ""
    START: ClassVar[dict[str, Any]] = {}

    def words(self) -> str:
        """The rest of a sentence about the thing compared."""
        tag = ":".join(str(getattr(self, key)) for key in ("type", "operator"))
        return self.CHOICES[tag] + self.rest()

    def rest(self) -> str:
        return ""


class UnknownFilter(Filter):
    """A comparison of a type that came after this was written: kept whole."""

    model_config = ConfigDict(extra="allow")
    type: str

    def words(self) -> str:
        return f"fits a comparison of the type “{self.type}”, which is not known here"

    def rules(self) -> Iterator[Finding]:
        text = f"The comparison “{self.type}” is not known here: it is kept and published as it is."
        yield Finding("unknown-comparison", text, ("type",), blocks=False)


FILTER_TYPES = frozenset({"string", "numeric", "boolean", "date", "list", "existence"})


def choice_of(*members: type[Filter]) -> OpenChoice:
    """One of these filters, or one of a type that nobody here has heard of."""
    return OpenChoice(*members, otherwise=UnknownFilter, known=FILTER_TYPES)


def span(quantity: int, unit: str) -> str:
    """“day”, “3 days”: after “the last”."""
    return unit if quantity == 1 else count(quantity, unit)


class DateFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {"date": "2026-01-01T00:00:00+00:00"}
    CHOICES: ClassVar[dict[str, str]] = {"date:after": "is after", "date:before": "is before"}
    type: Literal["date"]
    operator: Literal["after", "before"]
    date: Moment

    def rest(self) -> str:
        return f" {self.date[:10]}"


class DateRangeFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-12-31T00:00:00+00:00",
    }
    CHOICES: ClassVar[dict[str, str]] = {"date:between-static": "is between the dates"}
    type: Literal["date"]
    operator: Literal["between-static"]
    start: Annotated[Moment, Hint("From")]
    end: Annotated[Moment, Hint("To")]

    def rest(self) -> str:
        return f" {self.start[:10]} and {self.end[:10]}"

    def rules(self) -> Iterator[Finding]:
        if self.end[:10] < self.start[:10]:
            yield Finding("empty-range", "The end of the range lies before its start.", ("end",))


class RelativeDateFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {"unit": "day", "quantity": 30}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {
        "date:at-least": "is at least this long ago",
        "date:in-the-last": "is in the last",
        "date:in-the-next": "is in the next",
    }
    type: Literal["date"]
    operator: Literal["at-least", "in-the-last", "in-the-next"]
    unit: Unit
    quantity: Annotated[int, Hint("How many")]

    def words(self) -> str:
        return f"is {self.when()}"

    def when(self) -> str:
        if self.operator == "at-least":
            return f"at least {count(self.quantity, self.unit)} ago"
        return f"in the {self.operator.rsplit('-', 1)[1]} {span(self.quantity, self.unit)}"

    def rules(self) -> Iterator[Finding]:
        if self.quantity < 1:
            yield Finding("not-positive", "The number must be 1 or more.", ("quantity",))


class RelativeAnniversaryFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {"unit": "day", "quantity": 30}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {
        "date:anniversary-last": "has its anniversary in the last",
        "date:anniversary-next": "has its anniversary in the next",
    }
    type: Literal["date"]
    operator: Literal["anniversary-last", "anniversary-next"]
    unit: Unit
    quantity: Annotated[int, Hint("How many")]

    def rest(self) -> str:
        return " " + span(self.quantity, self.unit)

    def when(self) -> str:
        return (
            f"with an anniversary in the {self.operator.rsplit('-', 1)[1]} {span(self.quantity, self.unit)}"
        )

    def rules(self) -> Iterator[Finding]:
        if self.quantity < 1:
            yield Finding("not-positive", "The number must be 1 or more.", ("quantity",))


class RelativeDateRangeFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {"start": 1, "end": 7, "unit": "day"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {"date:between": "is between … and … ago"}
    type: Literal["date"]
    operator: Literal["between"]
    start: Annotated[int, Hint("From")]
    end: Annotated[int, Hint("To")]
    unit: Unit

    def words(self) -> str:
        return f"is {self.when()}"

    def when(self) -> str:
        return f"between {self.start} and {count(self.end, self.unit)} ago"

    def rules(self) -> Iterator[Finding]:
        if self.end < self.start:
            yield Finding("empty-range", "The end of the range lies before its start.", ("end",))


class CalendarMonthFilter(Filter):
    GROUP = "Date"
    START: ClassVar[dict[str, Any]] = {"value": 1}
    CHOICES: ClassVar[dict[str, str]] = {"date:calendar-month": "is in the calendar month"}
    type: Literal["date"]
    operator: Literal["calendar-month"]
    value: Annotated[int, Hint("Month", "1 is January.")]

    def words(self) -> str:
        return f"is in {MONTHS[self.value - 1]}" if 1 <= self.value <= 12 else f"is in month {self.value}"

    def rules(self) -> Iterator[Finding]:
        if not 1 <= self.value <= 12:
            yield Finding("no-such-month", "A month is a number from 1 to 12.", ("value",))


class AnniversaryFilter(Filter):
    GROUP = "Date"
    CHOICES: ClassVar[dict[str, str]] = {
        "date:anniversary": "has its anniversary today",
        "date:anniversary-month": "has its anniversary this month",
    }
    type: Literal["date"]
    operator: Literal["anniversary", "anniversary-month"]


class AllTimeFilter(Filter):
    CHOICES: ClassVar[dict[str, str]] = {"date:alltime": "over all time"}
    type: Literal["date"]
    operator: Literal["alltime"]

    def when(self) -> str:
        return "over all time"


class FlowStartFilter(Filter):
    CHOICES: ClassVar[dict[str, str]] = {"date:flow-start": "since starting this flow"}
    type: Literal["date"]
    operator: Literal["flow-start"]

    def when(self) -> str:
        return "since starting this flow"


class InTheLastFilter(Filter):
    START: ClassVar[dict[str, Any]] = {"unit": "day", "quantity": 30}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type", "operator")
    CHOICES: ClassVar[dict[str, str]] = {"date:in-the-last": "in the last"}
    type: Literal["date"]
    operator: Literal["in-the-last"]
    unit: Unit
    quantity: Annotated[int, Hint("How many")]

    def rest(self) -> str:
        return " " + span(self.quantity, self.unit)

    def when(self) -> str:
        return f"in the last {span(self.quantity, self.unit)}"

    def rules(self) -> Iterator[Finding]:
        if self.quantity < 1:
            yield Finding("not-positive", "The number must be 1 or more.", ("quantity",))


def when(timeframe: Filter | None) -> str:
    """A time frame as the end of a sentence."""
    if timeframe is None:
        return "over all time"
    if hasattr(timeframe, "when"):
        return str(timeframe.when())
    return timeframe.words().removeprefix("is ")


DATES = (DateFilter, DateRangeFilter, RelativeDateFilter, RelativeAnniversaryFilter, RelativeDateRangeFilter)
CALENDAR = (CalendarMonthFilter, AnniversaryFilter)

ANY_DATE = choice_of(*DATES, *CALENDAR)
MEMBERSHIP_TIME = choice_of(DateFilter, DateRangeFilter, RelativeDateFilter, RelativeDateRangeFilter)
EVENT_TIME = choice_of(FlowStartFilter, AllTimeFilter, *DATES)
NOT_SENT_TIME = choice_of(InTheLastFilter, AllTimeFilter)
