"""Conditions on custom objects: whether somebody has some, and those of the object that started the flow.

Klaviyo names object types, relationships and properties by ids of the account; they are typed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds import filters as f
from flowbuilder.kinds.base import Finding, Hint, Settings, Words, both
from flowbuilder.kinds.dates import Filter
from flowbuilder.kinds.groups import Condition

_ID = "Its id in Klaviyo, in the address of its page there."


class ObjectProperty(Settings):
    ROW: ClassVar[str] = "Property"
    START: ClassVar[dict[str, Any]] = {
        "property_id": 0,
        "filter": {"type": "string", "operator": "equals", "value": ""},
    }
    property_id: Annotated[int, Hint("Property of the object", "The number that Klaviyo gave it.")]
    filter: Annotated[Filter, f.OBJECT_PROPERTY, Hint("Comparison")]

    def words(self) -> str:
        return f"property {self.property_id} {self.filter.words()}"

    def rules(self) -> Iterator[Finding]:
        yield from _numbered(self.property_id)


class HasObjectCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "Has a custom object"}
    START: ClassVar[dict[str, Any]] = {
        "object_type_id": "",
        "object_type_relationship_id": "",
        "filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 1},
        "filters": [],
    }
    type: Literal["profile-has-custom-object"]
    object_type_id: Annotated[str, Hint("Type of object", _ID)]
    object_type_relationship_id: Annotated[
        str, Hint("Relationship", "The id of the relationship between people and these objects.")
    ]
    filter: Annotated[Filter, f.WHOLE_COUNT, Hint("How many")]
    filters: Annotated[list[ObjectProperty], Hint("Where the object's")]

    def sentence(self, words: Words) -> str:
        name = words.name(self.object_type_id, "")
        kind = f"“{name}”" if name else "a type"
        where = f" where {both([one.words() for one in self.filters])}" if self.filters else ""
        if not isinstance(self.filter, f.NumberFilter):
            return f"has a number of custom objects of {kind} that {self.filter.words()}{where}"
        if self.filter.never():
            return f"has no custom object of {kind}{where}"
        things = "custom object" if self.filter.how_many().endswith(" 1") else "custom objects"
        return f"has {self.filter.how_many()} {things} of {kind}{where}"

    def rules(self) -> Iterator[Finding]:
        if not self.object_type_id.strip():
            yield Finding("no-object", "Say which type of object.", ("object_type_id",))
        if not self.object_type_relationship_id.strip():
            text = "Say by which relationship a person has it."
            yield Finding("no-relationship", text, ("object_type_relationship_id",))


class ObjectPropertyCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of a custom object"}
    START: ClassVar[dict[str, Any]] = {
        "custom_object_label": "",
        "field": "",
        "filter": {"type": "string", "operator": "equals", "value": ""},
    }
    type: Literal["custom-object-property"]
    custom_object_label: Annotated[str, Hint("Custom object", "Its label in Klaviyo, such as Pet.")]
    field: Annotated[str, Hint("Property of the object")]
    filter: Annotated[Filter, f.EVENT_PROPERTY, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        of = f" of {self.custom_object_label}" if self.custom_object_label else ""
        return f"{self.field or 'a property'}{of} {self.filter.words()}"

    def rules(self) -> Iterator[Finding]:
        if not self.custom_object_label.strip():
            yield Finding("no-object", "Say which custom object.", ("custom_object_label",))
        if not self.field.strip():
            yield Finding("no-property", "Name the property of the object.", ("field",))


class ObjectTriggerCondition(Condition):
    CHOICES: ClassVar[dict[str, str]] = {"": "A property of the custom object that starts the flow"}
    START: ClassVar[dict[str, Any]] = dict(ObjectProperty.START)
    type: Literal["custom-object-trigger-property"]
    property_id: Annotated[int, Hint("Property of the object", "The number that Klaviyo gave it.")]
    filter: Annotated[Filter, f.OBJECT_TRIGGER, Hint("Comparison")]

    def sentence(self, words: Words) -> str:
        return f"property {self.property_id} of the object {self.filter.words()}"

    def rules(self) -> Iterator[Finding]:
        yield from _numbered(self.property_id)


def _numbered(property_id: int) -> Iterator[Finding]:
    if property_id < 1:
        yield Finding("no-property", "Write the number of the property.", ("property_id",))
