"""What can start a flow. The settings are those of a trigger in a definition, without its `type`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict

from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.base import (
    NOTHING,
    Finding,
    Hint,
    Number,
    TimeOfDay,
    Timezone,
    TriggerKind,
    Weekday,
    Words,
    clock,
    count,
    digits,
    either,
    weekday_words,
)
from flowbuilder.kinds.conditions import InventoryConditions, ItemConditions, TriggerConditions


def _event_conditions(trigger_filter: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The conditions of a filter that name a metric, with their paths; what is no filter has none."""
    groups = get_at(trigger_filter, ("condition_groups",))
    for number, group in enumerate(groups if isinstance(groups, list) else []):
        conditions = get_at(group, ("conditions",))
        for index, one in enumerate(conditions if isinstance(conditions, list) else []):
            if isinstance(one, Mapping) and one.get("type") == "metric-property":
                yield ("condition_groups", number, "conditions", index), one


class MetricTrigger(TriggerKind):
    TYPE = "metric"
    LABEL = "Someone does something"
    ICON = "zap"
    HELP = "A metric: an event such as Checkout Started or Viewed Product."

    id: Annotated[
        str | None, Hint("Metric", "The event that starts the flow.", picks="metric", asks="metric")
    ] = None
    trigger_filter: Annotated[
        TriggerConditions | None, Hint("Only when the event", "Checked once, when the event happens.")
    ] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"id": None, "trigger_filter": None}

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The filter speaks of the trigger's own event: its metric is always the trigger's."""
        tidied = dict(config)
        for path, one in _event_conditions(config.get("trigger_filter")):
            if config.get("id") and one.get("metric_id") != config["id"]:
                tidied = set_at(tidied, ("trigger_filter", *path, "metric_id"), config["id"])
        return tidied

    def title(self, words: Words) -> str:
        return words.name(self.id, self.LABEL)

    def summary(self, words: Words) -> str:
        if self.trigger_filter is None or not self.trigger_filter.condition_groups:
            return "Whenever it happens."
        return f"When {self.trigger_filter.sentence(words)}."

    def rules(self) -> Iterator[Finding]:
        if not self.id:
            yield Finding("no-metric", "Choose the metric that starts this flow.", ("id",))


class ListTrigger(TriggerKind):
    TYPE = "list"
    LABEL = "Someone joins a list"
    ICON = "list"
    HELP = "Once for each person who is added to a list."

    id: Annotated[str | None, Hint("List", picks="list", asks="list")] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"id": None}

    def summary(self, words: Words) -> str:
        return f"Added to {words.name(self.id, 'a list')}."

    def rules(self) -> Iterator[Finding]:
        if not self.id:
            yield Finding("no-list", "Choose the list that starts this flow.", ("id",))


class SegmentTrigger(TriggerKind):
    TYPE = "segment"
    LABEL = "Someone enters a segment"
    ICON = "users"
    HELP = "Once for each person who begins to fit a segment."

    id: Annotated[str | None, Hint("Segment", picks="segment", asks="segment")] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"id": None}

    def summary(self, words: Words) -> str:
        return f"Begins to fit {words.name(self.id, 'a segment')}."

    def rules(self) -> Iterator[Finding]:
        if not self.id:
            yield Finding("no-segment", "Choose the segment that starts this flow.", ("id",))


DATE_OF = {"profile-property": "of the profile", "custom-object": "of a custom object"}


class AnyDateTrigger(TriggerKind):
    """What both date triggers have in common. Which of them it is follows from `date_field_type`."""

    TYPE = "date"
    LABEL = "A date comes near"
    ICON = "calendar"
    HELP = "A date in the profile, such as a birthday, or of a custom object."
    OF: ClassVar[str]  # its `date_field_type`

    date_field_type: Annotated[
        Literal["profile-property", "custom-object"], Hint("The date is one", choices=DATE_OF, asks=NOTHING)
    ]
    timedelta_value_before_date: Annotated[int, Hint("How long before")]
    timedelta_unit_before_date: Annotated[Literal["days", "weeks", "months"], Hint("Unit")] = "weeks"
    recurrence_frequency: Annotated[
        Literal["never", "weekly", "monthly", "annually"],
        Hint(
            "Repeats",
            choices={
                "never": "Never",
                "weekly": "Every week",
                "monthly": "Every month",
                "annually": "Every year",
            },
        ),
    ] = "monthly"
    timezone: Timezone = "profile"
    trigger_time: Annotated[TimeOfDay, Hint("At", widget="time")]
    trigger_days: Annotated[list[Weekday] | None, Hint("Only on", advanced=True)] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {
            "date_field_type": cls.OF,
            **cls.own(),
            "timedelta_value_before_date": 0,
            "timedelta_unit_before_date": "days",
            "recurrence_frequency": "annually",
            "timezone": "profile",
            "trigger_time": "09:00:00",
            "trigger_days": None,
        }

    @classmethod
    def own(cls) -> dict[str, Any]:
        """The settings that only this one has, in a new one."""
        raise NotImplementedError

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A date of the other sort has other settings."""
        other = DATES.get(str(config.get("date_field_type")))
        if other in (None, cls):
            return config
        kept = {key: value for key, value in config.items() if key not in cls.own()}
        return {**kept, **{key: value for key, value in other.own().items() if key not in kept}}

    def summary(self, words: Words) -> str:
        value, unit = self.timedelta_value_before_date, self.timedelta_unit_before_date
        before = f"{count(value, unit.removesuffix('s'))} before the date" if value else "On the date"
        repeats = {
            "never": "once",
            "weekly": "every week",
            "monthly": "every month",
            "annually": "every year",
        }
        days = weekday_words(self.trigger_days)
        parts = [f"{before} at {clock(self.trigger_time)}", repeats[self.recurrence_frequency]]
        return ", ".join(parts + ([days] if days else [])) + "."

    def rules(self) -> Iterator[Finding]:
        if self.timedelta_value_before_date < 0:
            text = "How long before the date cannot be less than 0."
            yield Finding("negative", text, ("timedelta_value_before_date",))


class DateTrigger(AnyDateTrigger):
    OF = "profile-property"

    date_profile_property: Annotated[
        str,
        Hint(
            "Date property",
            "A property of the profile that holds a date, such as birthday.",
            picks="property",
            asks="property",
        ),
    ]

    @classmethod
    def own(cls) -> dict[str, Any]:
        return {"date_profile_property": "birthday"}

    def title(self, words: Words) -> str:
        name = self.date_profile_property.replace("_", " ").strip()
        return name[:1].upper() + name[1:] or self.LABEL

    def rules(self) -> Iterator[Finding]:
        yield from super().rules()
        if not self.date_profile_property.strip():
            yield Finding("no-property", "Name the property that holds the date.", ("date_profile_property",))


class CustomObjectDateTrigger(AnyDateTrigger):
    OF = "custom-object"

    custom_object_label: Annotated[str, Hint("Object", "What Klaviyo calls the custom object, such as Pet.")]
    object_type_id: Annotated[
        str, Hint("Id of the object's type", "Of the account; Klaviyo shows it in the object's settings.")
    ]
    custom_object_property_id: Annotated[
        int | None,
        Hint("Id of the date property", "A whole number: the object's property that holds the date."),
    ]
    object_type_relationship_id: Annotated[
        str, Hint("Id of the relationship", "How the object belongs to a person.")
    ]

    @classmethod
    def own(cls) -> dict[str, Any]:
        return {
            "custom_object_label": "",
            "object_type_id": "",
            "custom_object_property_id": None,
            "object_type_relationship_id": "",
        }

    def title(self, words: Words) -> str:
        return f"Date of {self.custom_object_label.strip() or 'a custom object'}"

    def rules(self) -> Iterator[Finding]:
        yield from super().rules()
        for name, text in (
            ("custom_object_label", "Name the custom object."),
            ("object_type_id", "Write the id of the object's type."),
            ("object_type_relationship_id", "Write the id of the relationship to the person."),
        ):
            if not getattr(self, name).strip():
                yield Finding(f"no-{name.replace('_', '-')}", text, (name,))
        if self.custom_object_property_id is None:
            text = "Write the id of the property that holds the date."
            yield Finding("no-property", text, ("custom_object_property_id",))


DATES: dict[str, type[AnyDateTrigger]] = {kind.OF: kind for kind in (DateTrigger, CustomObjectDateTrigger)}


DID = {
    "viewed": "viewed the item",
    "added-to-cart": "put it into the cart",
    "checkout-started": "started to buy it",
}


class PriceDropTrigger(TriggerKind):
    TYPE = "price-drop"
    LABEL = "A price drops"
    ICON = "tag"
    HELP = "The price of an item that somebody looked at, or began to buy, goes down."

    trigger_filter: Annotated[ItemConditions | None, Hint("Only when the item")]
    price_drop_amount_value: Annotated[Number, Hint("By at least")]
    price_drop_amount_unit: Annotated[
        Literal["percent", "currency"],
        Hint("Unit", choices={"percent": "percent", "currency": "of the currency"}),
    ] = "currency"
    audience: Annotated[
        list[Literal["viewed", "checkout-started"]],
        Hint("For people who", choices=DID),
    ]
    timeframe_days: Annotated[int, Hint("In the last (days)")] = 30
    currency_type: Annotated[Literal["usd"], Hint(widget="hidden")] = "usd"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {
            "trigger_filter": None,
            "price_drop_amount_value": 10,
            "price_drop_amount_unit": "percent",
            "audience": ["viewed"],
            "timeframe_days": 30,
            "currency_type": "usd",
        }

    def summary(self, words: Words) -> str:
        amount = digits(self.price_drop_amount_value) + (
            "%" if self.price_drop_amount_unit == "percent" else ""
        )
        who = either([DID[one] for one in self.audience]) or "nobody yet"
        text = f"By {amount} or more, for people who {who} in the last {count(self.timeframe_days, 'day')}"
        if self.trigger_filter and self.trigger_filter.condition_groups:
            text += f", when {self.trigger_filter.sentence(words)}"
        return text + "."

    def rules(self) -> Iterator[Finding]:
        if self.price_drop_amount_value <= 0:
            yield Finding("not-positive", "The drop must be more than 0.", ("price_drop_amount_value",))
        if self.price_drop_amount_unit == "percent" and self.price_drop_amount_value > 100:
            yield Finding(
                "over-100", "A price cannot drop by more than 100 percent.", ("price_drop_amount_value",)
            )
        if not self.audience:
            yield Finding("no-audience", "Choose whom a price drop is for.", ("audience",))
        if self.timeframe_days < 1:
            yield Finding("not-positive", "The time must be a day or more.", ("timeframe_days",))


class LowInventoryTrigger(TriggerKind):
    TYPE = "low-inventory"
    LABEL = "Stock runs low"
    ICON = "package"
    HELP = "Few are left of an item that somebody looked at, or put into the cart."

    product_level: Annotated[
        Literal["product", "variant"],
        Hint("Counted for", choices={"product": "the product", "variant": "each variant"}),
    ]
    inventory_count: Annotated[int, Hint("When at most so many are left")]
    audience: Annotated[
        list[Literal["viewed", "added-to-cart", "checkout-started"]],
        Hint("For people who", choices=DID),
    ]
    timeframe_days: Annotated[int, Hint("In the last (days)")] = 30
    trigger_filter: Annotated[InventoryConditions | None, Hint("Only when the item")]

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {
            "product_level": "product",
            "trigger_filter": None,
            "inventory_count": 10,
            "audience": ["viewed"],
            "timeframe_days": 30,
        }

    def summary(self, words: Words) -> str:
        who = either([DID[one] for one in self.audience]) or "nobody yet"
        of = "a variant" if self.product_level == "variant" else "an item"
        text = f"At most {self.inventory_count} left of {of}, for people who {who} in the last "
        text += count(self.timeframe_days, "day")
        if self.trigger_filter and self.trigger_filter.condition_groups:
            text += f", when {self.trigger_filter.sentence(words)}"
        return text + "."

    def rules(self) -> Iterator[Finding]:
        if self.inventory_count < 0:
            yield Finding("negative", "The number that is left cannot be less than 0.", ("inventory_count",))
        if not self.audience:
            yield Finding("no-audience", "Choose whom it is for.", ("audience",))
        if self.timeframe_days < 1:
            yield Finding("not-positive", "The time must be a day or more.", ("timeframe_days",))


class KeptTrigger(TriggerKind):
    """A trigger without a form: shown and published as it is."""

    model_config = ConfigDict(extra="allow", strict=True)
    LABEL = "Other trigger"
    ICON = "package"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {}

    def summary(self, words: Words) -> str:
        return "Kept as it is: it has no form here yet."


@lru_cache(maxsize=1024)
def kept_trigger(trigger_type: str, label: str) -> type[KeptTrigger]:
    """A class for a type that is kept whole."""
    namespace = {"TYPE": trigger_type, "LABEL": label, "__module__": __name__}
    return type(f"Kept_{trigger_type.replace('-', '_')}", (KeptTrigger,), namespace)
