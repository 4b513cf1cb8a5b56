"""Splits: people part ways by who they are, or by the event that started the flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.graph.values import NO, YES, Config
from flowbuilder.kinds.base import ActionKind, Finding, Hint, Port, Words
from flowbuilder.kinds.conditions import PersonConditions, TriggerConditions

YES_NO = (Port(YES, "Yes", "next_if_true"), Port(NO, "No", "next_if_false"))


class ConditionalSplit(ActionKind):
    TYPE = "conditional-split"
    LABEL = "Conditional split"
    ICON = "split"
    FAMILY = "logic"
    HELP = "Yes or no, by who the person is and what they did."
    PORTS = YES_NO

    profile_filter: Annotated[PersonConditions | None, Hint("People go to Yes when")]

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"profile_filter": None}

    def title(self, words: Words) -> str:
        return "Conditional split"

    def summary(self, words: Words) -> str:
        text = self.profile_filter.sentence(words) if self.profile_filter else ""
        return f"{text[:1].upper()}{text[1:]}." if text else "No condition yet."

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        if self.profile_filter is None:
            yield Finding("no-conditions", "Say who goes to Yes.", ("profile_filter",))


class TriggerSplit(ActionKind):
    TYPE = "trigger-split"
    LABEL = "Trigger split"
    ICON = "zap"
    FAMILY = "logic"
    HELP = "Yes or no, by the event that started the flow."
    PORTS = YES_NO

    trigger_filter: Annotated[TriggerConditions | None, Hint("Events go to Yes when")]
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

    def findings(self) -> Iterator[Finding]:
        yield from super().findings()
        if self.trigger_filter is None:
            yield Finding("no-conditions", "Say which events go to Yes.", ("trigger_filter",))


class Kept(ActionKind):
    """An action without a form: shown, moved and published as it is. One class for each such type.

    Its ways out are read from whatever links it carries.
    """

    LABEL = "Other step"
    ICON = "package"
    FAMILY = "data"
    HELP = "Kept as it is."
    model_config: ClassVar[Any] = {"extra": "allow", "strict": True}

    @classmethod
    def ports(cls, config: Config) -> tuple[Port, ...]:
        if cls.TYPE == "action-output-split":
            return YES_NO
        if cls.TYPE == "multi-branch-split":
            branches = [one for one in config.get("branches") or [] if isinstance(one, Mapping)]
            return tuple(
                Port(str(one.get("branch_id", index)), _branch_label(one, index), "next")
                for index, one in enumerate(branches)
            )
        return cls.PORTS

    @classmethod
    def read_links(cls, action: Config) -> tuple[dict[str, Any], dict[str, str]]:
        if cls.TYPE != "multi-branch-split":
            data, _ = super().read_links(action)
            links = action.get("links") or {}
            targets = {p.name: str(links[p.key]) for p in cls.ports(data) if links.get(p.key) is not None}
            return data, targets
        data, _ = super().read_links(action)
        branches, targets = [], {}
        for index, branch in enumerate(data.get("branches") or []):
            links = branch.get("links") if isinstance(branch, Mapping) else None
            if isinstance(links, Mapping) and links.get("next") is not None:
                targets[str(branch.get("branch_id", index))] = str(links["next"])
            branches.append(branch)
        return {**data, "branches": branches}, targets

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        ports = cls.ports(config)
        if cls.TYPE != "multi-branch-split":
            written: dict[str, Any] = {"links": {port.key: targets.get(port.name) for port in ports}}
            return written | ({"data": dict(config)} if config else {})
        branches = []
        for index, branch in enumerate(config.get("branches") or []):
            target = targets.get(str(branch.get("branch_id", index)))
            bare = target is None and branch.get("links") is None
            branches.append({**branch, "links": None if bare else {"next": target}})
        return {"links": None, "data": {**config, "branches": branches}}

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {}

    def summary(self, words: Words) -> str:
        return "Kept as it is: it has no form here yet."


def _branch_label(branch: Mapping[str, Any], index: int) -> str:
    return str(branch.get("name") or ("Everyone else" if branch.get("is_else") else f"Branch {index + 1}"))


def kept(action_type: str, label: str, icon: str, family: str) -> type[Kept]:
    """A class for a type that is kept whole."""
    namespace = {"TYPE": action_type, "LABEL": label, "ICON": icon, "FAMILY": family, "__module__": __name__}
    return type(f"Kept_{action_type.replace('-', '_')}", (Kept,), namespace)
