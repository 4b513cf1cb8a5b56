"""Conditions about people and events, and the groups they stand in. Each condition says itself in words.

Groups are AND, conditions in a group are OR. `sentence(words)` has the person as its silent subject:
“can receive SMS marketing”, “has placed an order at least once since starting this flow”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict

from flowbuilder.kinds import dates
from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Settings, Words, both, either, yes_or_no
from flowbuilder.kinds.consent import ANY_CONSENT, Consent
from flowbuilder.kinds.unions import Choice

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
_STANDARD_FORM = re.compile(r"[a-z_]+|location\['[a-z0-9_]+'\]|properties\['.+'\]")


class Condition(Settings):
    CHOICES: ClassVar[dict[str, str]] = {}
    START: ClassVar[dict[str, Any]] = {}

    def sentence(self, words: Words) -> str:
        raise NotImplementedError


# --- About a person ---------------------------------------------------------------------------------------------


class PropertyCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Properties about someone"}
    START: ClassVar[dict[str, Any]] = {
        "property": "",
        "filter": {"type": "string", "operator": "equals", "value": ""},
    }
    type: Literal["profile-property"]
    property: Annotated[
        str, Hint("Property", "A standard one such as first_name, or properties['Your own'].")
    ]
    filter: Annotated[dates.Filter, f.PROFILE_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        own = re.fullmatch(r"(?:properties|location)\['(.+)'\]", self.property)
        return f"{own[1] if own else self.property.replace('_', ' ')} {self.filter.words()}"

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        yield from check_property(self.property, ("property",))


def check_property(name: str, path: tuple[str | int, ...]) -> Iterator[Finding]:
    """Klaviyo takes a property of one's own only as properties['name']."""
    if not name.strip():
        yield Finding("no-property", "Name the property.", path)
    elif not _STANDARD_FORM.fullmatch(name) or (
        name.islower() and "[" not in name and name not in STANDARD_PROPERTIES
    ):
        yield Finding("custom-property", f"Write a property of your own as properties['{name}'].", path)


class MembershipCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {
        "profile-group-membership:true": "Is in a list or segment",
        "profile-group-membership:false": "Is not in a list or segment",
    }
    START: ClassVar[dict[str, Any]] = {"group_ids": []}
    type: Literal["profile-group-membership"]
    is_member: Annotated[Literal[True, False], BeforeValidator(yes_or_no)]
    group_ids: Annotated[list[str], Hint("Lists and segments", picks="group", asks="group")]
    timeframe_filter: Annotated[
        Annotated[dates.Filter, dates.MEMBERSHIP_TIME] | None, Hint("Added", advanced=True)
    ] = None

    def sentence(self, words: Words) -> str:
        groups = either([words.name(group, "a list") for group in self.group_ids]) or "a list or segment"
        return f"is {'' if self.is_member else 'not '}in {groups}"

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        if not self.group_ids:
            yield Finding("no-group", "Choose the list or segment.", ("group_ids",))
        if not self.is_member and self.timeframe_filter is not None:
            yield Finding("no-time-frame", "“Is not in” takes no time frame.", ("timeframe_filter",))


class RegionCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Is or is not in the EU or the US"}
    START: ClassVar[dict[str, Any]] = {"in_region": True, "region": "european_union"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("type",)
    type: Literal["profile-region"]
    in_region: Annotated[bool, Hint("Is in the region")]
    region: Annotated[
        Literal["european_union", "united_states"],
        Hint("Region", choices={"european_union": "European Union", "united_states": "United States"}),
    ]

    def sentence(self, words: Words) -> str:
        place = "the European Union" if self.region == "european_union" else "the United States"
        return f"is {'' if self.in_region else 'not '}in {place}"


class SampleCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Random sample"}
    START: ClassVar[dict[str, Any]] = {"percentage": 50}
    type: Literal["profile-sample"]
    percentage: Annotated[int, Hint("Percent")]

    def sentence(self, words: Words) -> str:
        return f"is in a random {self.percentage}% of people"

    def findings(self) -> Iterator[Finding]:
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
    property: Annotated[str, Hint("Property of the event")]
    filter: Annotated[Annotated[dates.Filter, f.COUNTED_EVENT] | None, Hint("Comparison")] = None

    def words(self) -> str:
        return f"{self.property} {self.filter.words()}" if self.filter else f"any {self.property}"


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
    measurement_filter: Annotated[f.NumberFilter, Choice(f.NumberFilter), Hint("Which is")]
    timeframe_filter: Annotated[dates.Filter, dates.EVENT_TIME, Hint("When")]
    metric_filters: Annotated[list[CountedProperty] | None, Hint("Where the event's", advanced=True)] = None

    def sentence(self, words: Words) -> str:
        metric = words.name(self.metric_id, "a metric")
        how = (
            self.measurement_filter.times()
            if self.measurement == "count"
            else f"with a sum that {self.measurement_filter.words()}"
        )
        where = f" where {both([one.words() for one in self.metric_filters])}" if self.metric_filters else ""
        return f"has done {metric} {how} {dates.when(self.timeframe_filter)}{where}"

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
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
        return f"has not been sent {what} {dates.when(self.timeframe_filter)}"


class NotInFlowCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Has not been in this flow"}
    START: ClassVar[dict[str, Any]] = {
        "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30}
    }
    type: Literal["profile-not-in-flow"]
    timeframe_filter: Annotated[dates.Filter, dates.NOT_SENT_TIME, Hint("When")]

    def sentence(self, words: Words) -> str:
        return f"has not been in this flow {dates.when(self.timeframe_filter)}"


# --- About the event that started the flow ---------------------------------------------------------------------


class EventCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the event"}
    START: ClassVar[dict[str, Any]] = {
        "metric_id": "",
        "field": "",
        "filter": {"type": "numeric", "operator": "greater-than", "value": 0},
    }
    type: Literal["metric-property"]
    metric_id: Annotated[str, Hint(widget="hidden")]  # always the trigger's: `tidy` of the trigger sees to it
    field: Annotated[str, Hint("Property of the event", "As the event carries it, such as price or $value.")]
    filter: Annotated[dates.Filter, f.EVENT_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        return f"{self.field.lstrip('$') or 'a property'} {self.filter.words()}"

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        if not self.field.strip():
            yield Finding("no-property", "Name the property of the event.", ("field",))


class PriceDropCondition(EventCondition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the item"}
    START: ClassVar[dict[str, Any]] = {
        "metric_id": None,
        "field": "",
        "filter": {"type": "string", "operator": "contains", "value": ""},
    }
    type: Literal["price-drop-property"]  # type: ignore[assignment]
    metric_id: Annotated[str | None, Hint(widget="hidden")]  # type: ignore[assignment]


# --- Groups -----------------------------------------------------------------------------------------------------

C = TypeVar("C", bound=Condition)


class Group(Settings, Generic[C]):
    conditions: list[C]

    def sentence(self, words: Words) -> str:
        return either([condition.sentence(words) for condition in self.conditions])


class Conditions(Settings, Generic[C]):
    """All of the groups must hold; in a group, any of the conditions."""

    condition_groups: list[Group[C]]

    def sentence(self, words: Words) -> str:
        several = len(self.condition_groups) > 1
        parts = [group.sentence(words) for group in self.condition_groups if group.conditions]
        if several:
            parts = [
                f"({part})" if len(group.conditions) > 1 else part
                for part, group in zip(parts, (g for g in self.condition_groups if g.conditions), strict=True)
            ]
        return both(parts)

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        if not self.condition_groups:
            yield Finding("no-conditions", "Add a condition, or take the filter away.", ("condition_groups",))
        for index, group in enumerate(self.condition_groups):
            if not group.conditions:
                path = ("condition_groups", index, "conditions")
                yield Finding("no-conditions", "This group has no condition.", path)


class KeptCondition(Condition):
    """Conditions that have no form yet: shown, kept and published as they are."""

    model_config = ConfigDict(extra="allow")
    CHOICES: ClassVar[dict[str, str]] = {
        "profile-postal-code-distance": "Distance from a postal code",
        "profile-predictive-analytics": "Predictive analytics",
        "profile-has-custom-object": "Custom object",
        "profile-permissions": "WhatsApp permission",
    }
    type: Literal[
        "profile-postal-code-distance",
        "profile-predictive-analytics",
        "profile-has-custom-object",
        "profile-permissions",
    ]

    def sentence(self, words: Words) -> str:
        return f"fits a condition on {self.CHOICES[self.type][0].lower()}{self.CHOICES[self.type][1:]}"


class KeptEventCondition(KeptCondition):
    CHOICES: ClassVar[dict[str, str]] = {
        "low-inventory-property": "A property of an item that sells out",
        "custom-object-property": "A property of a custom object",
        "custom-object-trigger-property": "A property of the custom object that starts the flow",
    }
    type: Literal[  # type: ignore[assignment]
        "low-inventory-property", "custom-object-property", "custom-object-trigger-property"
    ]


_PEOPLE = (
    ConsentCondition,
    MetricCondition,
    PropertyCondition,
    MembershipCondition,
    RegionCondition,
    SampleCondition,
    NotSentCondition,
    KeptCondition,
)
# The conditions that go with each type of trigger in a trigger split.
EVENT_TYPES: dict[str, tuple[str, ...]] = {
    "metric": ("metric-property", "custom-object-property"),
    "price-drop": ("price-drop-property",),
    "low-inventory": ("low-inventory-property",),
}
PersonConditions = Conditions[Annotated[Condition, Choice(*_PEOPLE)]]
FlowConditions = Conditions[Annotated[Condition, Choice(*_PEOPLE, NotInFlowCondition)]]
TriggerConditions = Conditions[Annotated[Condition, Choice(EventCondition)]]
ItemConditions = Conditions[Annotated[Condition, Choice(PriceDropCondition)]]
SplitConditions = Conditions[
    Annotated[Condition, Choice(EventCondition, PriceDropCondition, KeptEventCondition)]
]
