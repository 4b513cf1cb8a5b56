"""Conditions about people, and which conditions stand in which place of a flow. Each says itself in words.

`sentence(words)` has the person as its silent subject: “can receive SMS marketing”, “has placed an order at
least once since starting this flow”. Others are in places.py, predictions.py, permissions.py, custom_objects.py
and events.py; the groups they stand in, in groups.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from flowbuilder.graph.values import Path
from flowbuilder.kinds import dates
from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Settings, Words, both, either, yes_or_no
from flowbuilder.kinds.consent import ANY_CONSENT, Consent
from flowbuilder.kinds.custom_objects import (
    HasObjectCondition,
    ObjectPropertyCondition,
    ObjectTriggerCondition,
)
from flowbuilder.kinds.deeds import has_done
from flowbuilder.kinds.events import (
    BranchEventCondition,
    EventCondition,
    LowInventoryCondition,
    OutputCondition,
    PriceDropCondition,
)
from flowbuilder.kinds.groups import Condition, Conditions, Group, UnknownCondition
from flowbuilder.kinds.permissions import PermissionCondition
from flowbuilder.kinds.places import PostalCodeCondition, RegionCondition
from flowbuilder.kinds.predictions import PREDICTIONS
from flowbuilder.kinds.unions import literal_values
from flowbuilder.kinds.unknown import OpenChoice

__all__ = [
    "EVENT_TYPES",
    "BranchConditions",
    "Condition",
    "Conditions",
    "FlowConditions",
    "Group",
    "InventoryConditions",
    "ItemConditions",
    "OutputConditions",
    "PersonConditions",
    "SplitConditions",
    "TriggerConditions",
    "UnknownCondition",
    "outputs_in_words",
]

STANDARD_PROPERTIES = frozenset(
    {
        *(
            "email",
            "phone_number",
            "external_id",
            "first_name",
            "last_name",
            "organization",
            "title",
            "image",
        ),
        *("locale", "created", "updated", "last_event_date"),  # not location: only its parts
    }
)
# Where the name alone would read badly: “created is in the last week”.
_NAMES = {
    "email": "email address",
    "created": "date of creation",
    "updated": "date of the last change",
    "last_event_date": "date of the last event",
}
_STANDARD_FORM = re.compile(r"[a-z_]+|location\['[a-z0-9_]+'\]|properties\['.+'\]")


# --- About a person ---------------------------------------------------------------------------------------------


class PropertyCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Properties about someone"}
    START: ClassVar[dict[str, Any]] = {
        "property": "",
        "filter": {"type": "string", "operator": "equals", "value": ""},
    }
    type: Literal["profile-property"]
    property: Annotated[
        str,
        Hint("Property", "A standard one such as first_name, or properties['Your own'].", picks="property"),
    ]
    filter: Annotated[dates.Filter, f.PROFILE_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        own = re.fullmatch(r"(?:properties|location)\['(.+)'\]", self.property)
        name = own[1] if own else _NAMES.get(self.property, self.property.replace("_", " "))
        return f"{name or 'a property'} {self.filter.words()}"

    def rules(self) -> tuple[Finding, ...]:
        return check_property(self.property, ("property",))


@lru_cache(maxsize=1024)
def check_property(name: str, path: Path) -> tuple[Finding, ...]:
    """Klaviyo takes a property of one's own only as properties['name']. A flow speaks of few, and often."""
    if not name.strip():
        return (Finding("no-property", "Name the property.", path),)
    if not _STANDARD_FORM.fullmatch(name) or (
        name.islower() and "[" not in name and name not in STANDARD_PROPERTIES
    ):
        return (Finding("custom-property", f"Write a property of your own as properties['{name}'].", path),)
    return ()


class MemberCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Is in a list or segment"}
    START: ClassVar[dict[str, Any]] = {"group_ids": []}
    type: Literal["profile-group-membership"]
    is_member: Annotated[Literal[True], BeforeValidator(yes_or_no)]
    group_ids: Annotated[list[str], Hint("Lists and segments", picks="group", asks="group")]
    timeframe_filter: Annotated[
        Annotated[dates.Filter, dates.MEMBERSHIP_TIME] | None, Hint("Added", advanced=True)
    ] = None

    def sentence(self, words: Words) -> str:
        since = f", added {dates.when(self.timeframe_filter)}" if self.timeframe_filter else ""
        return f"is in {_groups(self.group_ids, words)}{since}"

    def rules(self) -> Iterator[Finding]:
        if not self.group_ids:
            yield Finding("no-group", "Choose the list or segment.", ("group_ids",))


def _no_time_frame(value: Any) -> Any:
    if value is not None:
        raise PydanticCustomError("no_time_frame", "“is not in” takes no time frame")
    return value


class NotMemberCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Is not in a list or segment"}
    START: ClassVar[dict[str, Any]] = {"group_ids": []}
    type: Literal["profile-group-membership"]
    is_member: Annotated[Literal[False], BeforeValidator(yes_or_no)]
    group_ids: Annotated[list[str], Hint("Lists and segments", picks="group", asks="group")]
    timeframe_filter: Annotated[Any, AfterValidator(_no_time_frame), Hint(widget="hidden")] = None

    def sentence(self, words: Words) -> str:
        return f"is not in {_groups(self.group_ids, words)}"

    def rules(self) -> Iterator[Finding]:
        if not self.group_ids:
            yield Finding("no-group", "Choose the list or segment.", ("group_ids",))


def _groups(group_ids: list[str], words: Words) -> str:
    return either([words.name(group, "a list") for group in group_ids]) or "a list or segment"


class SampleCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Random sample"}
    START: ClassVar[dict[str, Any]] = {"percentage": 50}
    type: Literal["profile-sample"]
    percentage: Annotated[int, Hint("Percent")]

    def sentence(self, words: Words) -> str:
        return f"is in a random {self.percentage}% of people"

    def rules(self) -> Iterator[Finding]:
        if not 0 < self.percentage < 100:
            yield Finding("no-sample", "A sample is more than 0 and less than 100 percent.", ("percentage",))


class ConsentCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Can or cannot receive marketing"}
    START: ClassVar[dict[str, Any]] = {
        "consent": {
            "channel": "email",
            "can_receive_marketing": True,
            "consent_status": {"subscription": "subscribed", "filters": None},
        }
    }
    type: Literal["profile-marketing-consent"]
    consent: Annotated[Consent, ANY_CONSENT, Hint("Consent")]

    def sentence(self, words: Words) -> str:
        return self.consent.words()


class CountedProperty(Settings):
    ROW: ClassVar[str] = "Property"
    property: Annotated[str, Hint("Property of the event", picks="event")]
    filter: Annotated[Annotated[dates.Filter, f.COUNTED_EVENT] | None, Hint("Comparison")] = None

    def words(self) -> str:
        name = self.property.lstrip("$") or "a property"
        return f"{name} {self.filter.words()}" if self.filter else f"there is any {name}"

    def rules(self) -> Iterator[Finding]:
        if not self.property.strip():
            yield Finding("no-property", "Name the property of the event.", ("property",))


class MetricCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "What someone has done (or not done)"}
    START: ClassVar[dict[str, Any]] = {
        "metric_id": "",
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "flow-start"},
        "metric_filters": None,
    }
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type",)
    type: Literal["profile-metric"]
    metric_id: Annotated[str, Hint("Metric", picks="metric", asks="metric")]
    measurement: Annotated[
        Literal["count", "sum"], Hint("Measured by", choices={"count": "How often", "sum": "Sum of value"})
    ]
    measurement_filter: Annotated[dates.Filter, f.COUNT, Hint("Which is")]
    timeframe_filter: Annotated[dates.Filter, dates.EVENT_TIME, Hint("When")]
    metric_filters: Annotated[list[CountedProperty] | None, Hint("Where the event's", advanced=True)] = None

    def sentence(self, words: Words) -> str:
        metric = words.name(self.metric_id, "")
        where = f" where {both([one.words() for one in self.metric_filters])}" if self.metric_filters else ""
        when = dates.when(self.timeframe_filter)
        which = self.measurement_filter
        if self.measurement == "sum" or not isinstance(which, f.NumberFilter):
            how = which.amount() if isinstance(which, f.NumberFilter) else f"that {which.words()}"
            return f"{has_done(metric)} with a total value {how} {when}{where}"
        if which.never():
            if isinstance(self.timeframe_filter, dates.AllTimeFilter):
                return f"{has_done(metric, 'never')}{where}"
            return f"{has_done(metric, 'not')} {when}{where}"
        return f"{has_done(metric)} {which.times()} {when}{where}"

    def rules(self) -> Iterator[Finding]:
        if not self.metric_id:
            yield Finding("no-metric", "Choose the metric to count.", ("metric_id",))
        if self.metric_filters == []:
            text = "An empty list of event filters is refused by Klaviyo: leave it out."
            yield Finding("empty-filters", text, ("metric_filters",))


class NotSentCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {
        "profile-not-sent-email": "Has not been sent an email",
        "profile-not-sent-sms": "Has not been sent a text",
        "profile-not-sent-push": "Has not been sent a push",
    }
    START: ClassVar[dict[str, Any]] = {
        "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 1}
    }
    type: Literal["profile-not-sent-email", "profile-not-sent-sms", "profile-not-sent-push"]
    timeframe_filter: Annotated[dates.Filter, dates.NOT_SENT_TIME, Hint("When")]

    def sentence(self, words: Words) -> str:
        what = {"email": "an email", "sms": "a text", "push": "a push"}[self.type.rsplit("-", 1)[1]]
        return _not_been(f"sent {what}", self.timeframe_filter)


class NotInFlowCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Has not been in this flow"}
    START: ClassVar[dict[str, Any]] = {
        "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30}
    }
    type: Literal["profile-not-in-flow"]
    timeframe_filter: Annotated[dates.Filter, dates.NOT_SENT_TIME, Hint("When")]

    def sentence(self, words: Words) -> str:
        return _not_been("in this flow", self.timeframe_filter)


def _not_been(what: str, timeframe: dates.Filter) -> str:
    if isinstance(timeframe, dates.AllTimeFilter):
        return f"has never been {what}"
    return f"has not been {what} {dates.when(timeframe)}"


_PEOPLE = (
    ConsentCondition,
    MetricCondition,
    PropertyCondition,
    MemberCondition,
    NotMemberCondition,
    RegionCondition,
    PostalCodeCondition,
    SampleCondition,
    NotSentCondition,
    PermissionCondition,
    HasObjectCondition,
    *PREDICTIONS,
)
_STARTS = (
    EventCondition,
    PriceDropCondition,
    LowInventoryCondition,
    ObjectTriggerCondition,
    ObjectPropertyCondition,
)
_TYPES = frozenset(
    value
    for member in (*_PEOPLE, *_STARTS, NotInFlowCondition, OutputCondition)
    for value in literal_values(member.model_fields["type"])
)


def _any_of(*members: type[Condition]) -> OpenChoice:
    return OpenChoice(*members, otherwise=UnknownCondition, known=_TYPES)


# The conditions that go with each type of trigger in a trigger split.
EVENT_TYPES: dict[str, tuple[str, ...]] = {
    "metric": ("metric-property", "custom-object-property"),
    "price-drop": ("price-drop-property",),
    "low-inventory": ("low-inventory-property",),
    "date": ("custom-object-trigger-property",),
}
PersonConditions = Conditions[Annotated[Condition, _any_of(*_PEOPLE)]]
FlowConditions = Conditions[Annotated[Condition, _any_of(*_PEOPLE, NotInFlowCondition)]]
# Klaviyo's document lets a branch of a multi-branch split ask for the event as well.
BranchConditions = Conditions[
    Annotated[Condition, _any_of(*_PEOPLE, BranchEventCondition, ObjectTriggerCondition)]
]
TriggerConditions = Conditions[Annotated[Condition, _any_of(EventCondition)]]
ItemConditions = Conditions[Annotated[Condition, _any_of(PriceDropCondition)]]
InventoryConditions = Conditions[Annotated[Condition, _any_of(LowInventoryCondition)]]
SplitConditions = Conditions[Annotated[Condition, _any_of(*_STARTS)]]
OutputConditions = Conditions[Annotated[Condition, _any_of(OutputCondition)]]


def outputs_in_words(value: Any, words: Words) -> str:
    """The filter of an action-output split as a sentence; empty where it is none that can be read."""
    try:
        return OutputConditions.model_validate(value).sentence(words)
    except ValueError:
        return ""
