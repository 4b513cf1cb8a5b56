"""Steps that change what is known about a person: properties of the profile, membership of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator

from flowbuilder.kinds.base import (
    ActionKind,
    Finding,
    Hint,
    Number,
    Settings,
    StatusField,
    Words,
    both,
    digits,
    few,
    yes_or_no,
)
from flowbuilder.kinds.conditions import check_property
from flowbuilder.kinds.unions import Choice

MOST_BYTES = 100_000  # of all texts of an update together


def property_words(key: str) -> str:
    """“properties['Loyalty tier']” -> “Loyalty tier”."""
    own = re.fullmatch(r"(?:properties|location)\['(.+)'\]", key)
    return own[1] if own else key.replace("_", " ").strip() or "a property"


class Operation(Settings):
    ROW = "Change"
    property_key: Annotated[
        str,
        Hint(
            "Property",
            "A standard one such as first_name, or properties['Your own'].",
            picks="property",
            asks="property",
        ),
    ]

    def sentence(self) -> str:
        raise NotImplementedError

    def texts(self) -> Iterator[str]:
        yield self.property_key
        value = getattr(self, "property_value", None)
        if isinstance(value, str):
            yield value

    def rules(self) -> Iterator[Finding]:
        yield from check_property(self.property_key, ("property_key",))


class WriteOperation(Operation):
    """A value put into a property."""

    operator: Annotated[
        Literal["update", "create"],
        Hint(
            "Property is",
            advanced=True,
            choices={"update": "one that profiles have", "create": "a new one"},
        ),
    ]

    def sentence(self) -> str:
        return f"sets {property_words(self.property_key)} to {self.value_words()}"

    def value_words(self) -> str:
        raise NotImplementedError


class SetText(WriteOperation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Set a text"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("property_type",)
    START: ClassVar[dict[str, Any]] = {"operator": "update", "property_key": "", "property_value": ""}
    property_type: Literal["string"]
    property_value: Annotated[str, Hint("To", asks="text")]

    def value_words(self) -> str:
        return f"“{self.property_value}”"

    def rules(self) -> Iterator[Finding]:
        yield from super().rules()
        if not self.property_value:
            yield Finding("no-value", "Write what the property becomes.", ("property_value",))


class SetYesNo(WriteOperation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Set yes or no"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("property_type",)
    START: ClassVar[dict[str, Any]] = {"operator": "update", "property_key": "", "property_value": True}
    property_type: Literal["boolean"]
    property_value: Annotated[bool, Hint("Yes")]

    def value_words(self) -> str:
        return "yes" if self.property_value else "no"


class SetNumber(WriteOperation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Set a number"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("property_type",)
    START: ClassVar[dict[str, Any]] = {"operator": "update", "property_key": "", "property_value": 0}
    property_type: Literal["numeric"]
    property_value: Annotated[Number, Hint("To")]

    def value_words(self) -> str:
        return digits(self.property_value)


def _today_or_date(value: str) -> str:
    try:
        if value != "today" and not (
            re.fullmatch(r"[\d-]{10}", value, re.ASCII) and date.fromisoformat(value)
        ):
            raise ValueError
    except ValueError:
        raise ValueError(f"“{value}” is no date: write “today”, or a date such as 2026-05-01") from None
    return value


class SetDate(WriteOperation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Set a date"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("property_type",)
    START: ClassVar[dict[str, Any]] = {"operator": "update", "property_key": "", "property_value": "today"}
    property_type: Literal["date"]
    property_value: Annotated[
        str,
        AfterValidator(_today_or_date),
        Hint("To", "“today” is the day this happens; or a date such as 2026-05-01."),
    ]

    def value_words(self) -> str:
        return self.property_value


class ChangeList(WriteOperation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Change a list of texts"}
    TOLD_BY: ClassVar[tuple[str, ...]] = ("property_type",)
    START: ClassVar[dict[str, Any]] = {
        "operator": "update",
        "property_operation": "add",
        "property_key": "",
        "property_value": "",
    }
    property_type: Literal["list"]
    property_operation: Annotated[
        Literal["add", "remove"] | None,
        Hint("Do", choices={"add": "Add to the list", "remove": "Take from the list"}),
    ] = None
    property_value: Annotated[str, Hint("Text", asks="text")]

    def sentence(self) -> str:
        if self.property_operation is None:
            return super().sentence()
        does, way = ("adds", "to") if self.property_operation == "add" else ("takes", "from")
        return f"{does} {self.value_words()} {way} {property_words(self.property_key)}"

    def value_words(self) -> str:
        return f"“{self.property_value}”"

    def rules(self) -> Iterator[Finding]:
        yield from super().rules()
        if not self.property_value:
            yield Finding("no-value", "Write the text.", ("property_value",))


class DeleteProperty(Operation):
    CHOICES: ClassVar[dict[str, str]] = {"": "Delete a property"}
    START: ClassVar[dict[str, Any]] = {"property_key": ""}
    operator: Literal["delete"]

    def sentence(self) -> str:
        return f"deletes {property_words(self.property_key)}"


ANY_OPERATION = Choice(SetText, SetYesNo, SetNumber, SetDate, ChangeList, DeleteProperty)


class UpdateProfile(ActionKind):
    TYPE = "update-profile"
    LABEL = "Update profile"
    ICON = "user-cog"
    FAMILY = "data"
    HELP = "Sets, changes or deletes properties of the person."

    profile_operations: Annotated[list[Annotated[Operation, ANY_OPERATION]], Hint("Changes")]
    status: StatusField = "draft"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"profile_operations": [ANY_OPERATION.variants[0].start()], "status": "draft"}

    def summary(self, words: Words) -> str:
        said = both(
            few([one.sentence() for one in self.profile_operations if one.property_key.strip()], "change")
        )
        return f"{said[:1].upper()}{said[1:]}." if said else "Changes nothing yet."

    def rules(self) -> Iterator[Finding]:
        if not self.profile_operations:
            yield Finding("no-changes", "Say what changes.", ("profile_operations",))
        size = sum(len(text.encode()) for one in self.profile_operations for text in one.texts())
        if size > MOST_BYTES:
            text = f"The texts have {size:,} bytes together; Klaviyo takes {MOST_BYTES:,}."
            yield Finding("too-large", text, ("profile_operations",))


class ListUpdate(ActionKind):
    TYPE = "list-update"
    LABEL = "Update list"
    ICON = "list"
    FAMILY = "data"
    HELP = "Adds the person to a list, or takes them off it."

    on_execution: Annotated[
        Annotated[Literal[True, False], BeforeValidator(yes_or_no)] | None,
        Hint("Do", choices={"true": "Add to the list", "false": "Take off the list"}),
    ]
    list_id: Annotated[str | None, Hint("List", picks="list", asks="list")]
    name: Annotated[str, Hint("Name in Klaviyo", advanced=True)]
    status: StatusField = "draft"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"name": "Update list", "on_execution": True, "list_id": None, "status": "draft"}

    def summary(self, words: Words) -> str:
        named = f"“{words.name(self.list_id, '')}”" if self.list_id else "a list"
        if self.on_execution is None:
            return f"Changes {named}, in a way nobody chose yet."
        return f"Adds the person to {named}." if self.on_execution else f"Takes the person off {named}."

    def rules(self) -> Iterator[Finding]:
        if not self.list_id:
            yield Finding("no-list", "Choose the list.", ("list_id",))
        if self.on_execution is None:
            yield Finding("no-choice", "Choose whether people are added or taken off.", ("on_execution",))
        if not self.name.strip():
            yield Finding("no-name", "Klaviyo needs a name for this step: write one.", ("name",))
