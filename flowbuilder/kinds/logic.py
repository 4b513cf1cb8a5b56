"""Splits: people part ways by who they are, or by the event that started the flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.graph.values import NO, YES, Config, Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.base import ActionKind, Finding, Hint, Port, Words
from flowbuilder.kinds.conditions import EVENT_TYPES, PersonConditions, SplitConditions
from flowbuilder.kinds.messages import MessageKind, SendEmail, SendSms

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

    trigger_filter: Annotated[SplitConditions | None, Hint("Events go to Yes when")]
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
            return
        wanted = EVENT_TYPES.get(self.trigger_type)
        for number, group in enumerate(self.trigger_filter.condition_groups):
            for index, one in enumerate(group.conditions):
                if wanted and getattr(one, "type", wanted) not in wanted:
                    path = ("trigger_filter", "condition_groups", number, "conditions", index)
                    yield Finding("no-such-event", "This condition is about another kind of trigger.", path)


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
            branches = zip(_branch_ports(config), _branches(config), strict=True)
            return tuple(
                Port(name, _branch_label(one, index), "next")
                for index, (name, one) in enumerate(branches)
                if name
            )
        return cls.PORTS

    @classmethod
    def read_links(cls, action: Config) -> tuple[dict[str, Any], dict[str, str]]:
        data, targets = super().read_links(action)
        if cls.TYPE == "multi-branch-split":
            for name, branch in zip(_branch_ports(data), _branches(data), strict=True):
                target = get_at(branch, ("links", "next"))
                if name and target is not None:
                    targets[name] = str(target)
        return data, targets

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        ports = cls.ports(config)
        if cls.TYPE != "multi-branch-split":
            written: dict[str, Any] = {"links": {port.key: targets.get(port.name) for port in ports}}
            return written | ({"data": dict(config)} if config else {})
        branches = []
        for name, branch in zip(_branch_ports(config), _branches(config), strict=True):
            target = targets.get(name)
            if name and get_at(branch, ("links", "next")) != target:
                links = branch["links"] if isinstance(branch.get("links"), Mapping) else {}
                branch = {**branch, "links": {**links, "next": target}}
            branches.append(branch)
        data = {**config, "branches": branches} if branches else dict(config)
        return {"links": None, "data": data}

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """What an account adds and no new flow may send: ids of messages, ids and the state of an experiment."""
        fresh = _without(config, "message", "id")
        if cls.TYPE not in ("ab-test", "content-experiment"):
            return fresh, []
        fresh.pop("experiment_status", None)
        fresh = _without(fresh, "current_experiment", "id")
        for path in (("main_action",), *_variations(fresh)):
            if isinstance(action := get_at(fresh, path), Mapping):
                fresh = set_at(fresh, path, _nested(action))
        return fresh, []

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {}

    def summary(self, words: Words) -> str:
        return "Kept as it is: it has no form here yet."


def _branches(config: Config) -> list[Any]:
    branches = config.get("branches")
    return branches if isinstance(branches, list) else []


def _branch_ports(config: Config) -> list[str]:
    """The name of each branch's way out, in order, each once; empty for what is no branch."""
    names: list[str] = []
    for index, branch in enumerate(_branches(config)):
        name = ""
        if isinstance(branch, Mapping):
            key = branch.get("branch_id")
            name = str(key) if isinstance(key, str | int) and key != "" else f"branch {index + 1}"
            while name in names:
                name += " again"
        names.append(name)
    return names


_IN_EXPERIMENTS: dict[Any, type[MessageKind]] = {"send-email": SendEmail, "send-sms": SendSms}


def _nested(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action inside an experiment, fit for a new flow: its id, which allocations name, as a temporary one."""
    fresh = {key: value for key, value in action.items() if key != "id"}
    if action.get("id") is not None:
        fresh.setdefault("temporary_id", str(action["id"]))
    if isinstance(data := fresh.get("data"), dict):
        kind = _IN_EXPERIMENTS.get(str(fresh.get("type")))
        fresh["data"] = kind.renew(data)[0] if kind else _without(data, "message", "id")
    return fresh


def _variations(config: Config) -> Iterator[Path]:
    path: Path = ("current_experiment", "variations")
    found = get_at(config, path)
    yield from ((*path, index) for index in range(len(found) if isinstance(found, list) else 0))


def _without(config: Config, name: str, key: str) -> dict[str, Any]:
    """A copy in which the object `name` lacks a key."""
    inner = config.get(name)
    if not isinstance(inner, Mapping) or key not in inner:
        return dict(config)
    return {**config, name: {one: value for one, value in inner.items() if one != key}}


def _branch_label(branch: Mapping[str, Any], index: int) -> str:
    return str(branch.get("name") or ("Everyone else" if branch.get("is_else") else f"Branch {index + 1}"))


def kept(action_type: str, label: str, icon: str, family: str) -> type[Kept]:
    """A class for a type that is kept whole."""
    namespace = {"TYPE": action_type, "LABEL": label, "ICON": icon, "FAMILY": family, "__module__": __name__}
    return type(f"Kept_{action_type.replace('-', '_')}", (Kept,), namespace)
