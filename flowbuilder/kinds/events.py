"""Conditions on what started the flow, or on what a step of it answered: events, items, outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Words
from flowbuilder.kinds.dates import Filter
from flowbuilder.kinds.groups import Condition


class EventCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the event"}
    START: ClassVar[dict[str, Any]] = {
        "metric_id": "",
        "field": "",
        "filter": {"type": "numeric", "operator": "greater-than", "value": 0},
    }
    type: Literal["metric-property"]
    metric_id: Annotated[str, Hint(widget="hidden")]  # always the trigger's: `tidy` of the trigger sees to it
    field: Annotated[
        str,
        Hint("Property of the event", "As the event carries it, such as price or $value.", picks="event"),
    ]
    filter: Annotated[Filter, f.EVENT_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        return f"{self.field.lstrip('$') or 'a property'} {self.filter.words()}"

    def rules(self) -> Iterator[Finding]:
        if not self.field.strip():
            yield Finding("no-property", "Name the property of the event.", ("field",))


class BranchEventCondition(EventCondition):
    """The same in a branch of a multi-branch split, which does not know the trigger: it names the metric itself."""

    metric_id: Annotated[
        str, Hint("Metric", "The event that starts the flow.", picks="metric", asks="metric")
    ]

    def rules(self) -> Iterator[Finding]:
        yield from super().rules()
        if not self.metric_id:
            yield Finding("no-metric", "Choose the metric whose event is meant.", ("metric_id",))


class ItemCondition(Condition):
    """A property of the item whose price drops or whose stock runs out."""

    START: ClassVar[dict[str, Any]] = {
        "metric_id": None,
        "field": "",
        "filter": {"type": "string", "operator": "contains", "value": ""},
    }
    metric_id: Annotated[str | None, Hint(widget="hidden")]
    field: Annotated[str, Hint("Property of the item", "As the catalog names it, such as title or price.")]
    filter: Annotated[Filter, f.EVENT_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        return f"{self.field.lstrip('$') or 'a property of the item'} {self.filter.words()}"

    def rules(self) -> Iterator[Finding]:
        if not self.field.strip():
            yield Finding("no-property", "Name the property of the item.", ("field",))


class PriceDropCondition(ItemCondition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the item"}
    type: Literal["price-drop-property"]


class LowInventoryCondition(ItemCondition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the item that runs low"}
    type: Literal["low-inventory-property"]


class OutputCondition(Condition):
    """What an earlier step answered, in an action-output split."""

    CHOICES: ClassVar[dict[str, str]] = {"": "An output of an earlier step"}
    START: ClassVar[dict[str, Any]] = {
        "output_config_id": 0,
        "field": "",
        "filter": {"type": "string", "operator": "equals", "value": ""},
    }
    type: Literal["action-output"]
    output_config_id: Annotated[int, Hint("Output", "The number that Klaviyo gave it.")]
    field: Annotated[str, Hint("Field of the output")]
    filter: Annotated[Filter, f.OUTPUT, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        return f"the output “{self.field or self.output_config_id}” {self.filter.words()}"
