"""Splits in two: people part ways by who they are, or by the event that started the flow. And what is kept whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.graph.values import NO, YES, Config
from flowbuilder.kinds.base import ActionKind, Finding, Hint, Port, Words
from flowbuilder.kinds.conditions import (
    EVENT_TYPES,
    PersonConditions,
    SplitConditions,
    UnknownCondition,
    outputs_in_words,
)

YES_NO = (Port(YES, "Yes", "next_if_true"), Port(NO, "No", "next_if_false"))


class ConditionalSplit(ActionKind):
    TYPE = "conditional-split"
    LABEL = "Conditional split"
    ICON = "split"
    FAMILY = "logic"
    HELP = "Yes or no, by who the person is and what they did."
    PORTS = YES_NO

    profile_filter: Annotated[
        PersonConditions | None, Hint("People go to Yes when", "Without a condition everybody goes to No.")
    ]

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"profile_filter": None}

    def title(self, words: Words) -> str:
        return "Conditional split"

    def summary(self, words: Words) -> str:
        text = self.profile_filter.sentence(words) if self.profile_filter else ""
        return f"{text[:1].upper()}{text[1:]}." if text else "No condition yet."

    def rules(self) -> Iterable[Finding]:
        if self.profile_filter is None:
            return [Finding("no-conditions", "Say who goes to Yes.", ("profile_filter",))]
        return ()


class TriggerSplit(ActionKind):
    TYPE = "trigger-split"
    LABEL = "Trigger split"
    ICON = "zap"
    FAMILY = "logic"
    HELP = "Yes or no, by the event that started the flow."
    PORTS = YES_NO

    trigger_filter: Annotated[
        SplitConditions | None, Hint("Events go to Yes when", "Without a condition everybody goes to No.")
    ]
    trigger_id: Annotated[str, Hint(widget="hidden", asks="metric")]
    trigger_type: Annotated[
        Literal["metric", "list", "segment", "date", "price-drop", "low-inventory", "scheduled"],
        Hint(widget="hidden"),
    ]
    trigger_subtype: Annotated[
        Literal["custom-object", "legacy-custom-object", "profile-property", "profile-trait"] | None,
        Hint(widget="hidden"),
    ] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"trigger_filter": None, "trigger_id": "", "trigger_type": "metric"}

    def summary(self, words: Words) -> str:
        text = self.trigger_filter.sentence(words) if self.trigger_filter else ""
        return f"{text[:1].upper()}{text[1:]}." if text else "No condition yet."

    def rules(self) -> Iterator[Finding]:
        if self.trigger_filter is None:
            yield Finding("no-conditions", "Say which events go to Yes.", ("trigger_filter",))
            return
        wanted = EVENT_TYPES.get(self.trigger_type)
        for number, group in enumerate(self.trigger_filter.condition_groups):
            for index, one in enumerate(group.conditions):
                if isinstance(one, UnknownCondition):
                    continue
                if wanted and getattr(one, "type", wanted) not in wanted:
                    path = ("trigger_filter", "condition_groups", number, "conditions", index)
                    yield Finding("no-such-event", "This condition is about another kind of trigger.", path)


class Kept(ActionKind):
    """An action without a form: shown, moved and published as it is. One class for each such type.

    A type that nobody here knows may have ways out of its own; their names in `links` are kept under WAYS.
    """

    WAYS: ClassVar[str] = "$ways"

    LABEL = "Other step"
    ICON = "package"
    FAMILY = "data"
    HELP = "Kept as it is."
    model_config: ClassVar[Any] = {"extra": "allow", "strict": True}

    @classmethod
    def ports(cls, config: Config) -> tuple[Port, ...]:
        if isinstance(ways := config.get(cls.WAYS), list):
            return tuple(
                Port(str(key), str(key).removeprefix("next_if_").replace("_", " "), str(key)) for key in ways
            )
        return YES_NO if cls.TYPE == "action-output-split" else cls.PORTS

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        written: dict[str, Any] = {"links": {port.key: targets.get(port.name) for port in cls.ports(config)}}
        data = {key: value for key, value in config.items() if key != cls.WAYS}
        return written | ({"data": data} if data else {})

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """The id of a message is an account's own: no new flow may send it."""
        message = config.get("message")
        if not isinstance(message, Mapping) or "id" not in message:
            return config, []
        return {**config, "message": {key: one for key, one in message.items() if key != "id"}}, []

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {}

    def summary(self, words: Words) -> str:
        if said := outputs_in_words((self.model_extra or {}).get("action_output_filter"), words):
            return f"{said[:1].upper()}{said[1:]}."
        return "Kept as it is: it has no form here yet."


@lru_cache(maxsize=1024)
def kept(action_type: str, label: str, icon: str, family: str) -> type[Kept]:
    """A class for a type that is kept whole; made once."""
    namespace = {"TYPE": action_type, "LABEL": label, "ICON": icon, "FAMILY": family, "__module__": __name__}
    return type(f"Kept_{action_type.replace('-', '_')}", (Kept,), namespace)
