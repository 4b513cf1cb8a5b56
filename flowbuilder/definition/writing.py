"""A graph written as the definition that Create Flow takes, and questions replaced by an account's answers.

    body = create_body("Abandoned cart", bind(to_definition(graph), answers, templates).definition)

Shape: https://developers.klaviyo.com/en/reference/create_flow (revision in settings.KLAVIYO_REVISION). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowbuilder.graph import Graph
from flowbuilder.graph.values import Path
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import fill, find_asks, find_contents, part_of
from flowbuilder.kinds.registry import action_kind

HEAD = ("data", "attributes", "definition")


def to_definition(graph: Graph) -> dict[str, Any]:
    """Questions and contents are left in place. Steps stand in breadth-first order, Yes before No."""
    definition: dict[str, Any] = {
        "triggers": [{"type": graph.trigger.type, **graph.trigger.config}] if graph.trigger else [],
        "profile_filter": graph.profile_filter,
        "actions": [_action(graph, key) for key in all_in_order(graph)],
        "entry_action_id": graph.entry,
    }
    if graph.reentry is not None:
        definition["reentry_criteria"] = graph.reentry
    return definition


def _action(graph: Graph, key: str) -> dict[str, Any]:
    step = graph.by_key[key]
    written = action_kind(step.type).write_links(step.config, graph.out.get(key, {}))
    return {"temporary_id": key, "type": step.type, **written}


def create_body(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {"type": "flow", "attributes": {"name": name, "definition": dict(definition)}}}


@dataclass(frozen=True, slots=True)
class Bound:
    """`missing` are the keys of questions without an answer, `unmade` those of contents without a template."""

    definition: dict[str, Any]
    missing: tuple[str, ...]
    unmade: tuple[str, ...]


def bind(definition: Mapping[str, Any], answers: Mapping[str, Any], templates: Mapping[str, str]) -> Bound:
    """Replace every question by the account's answer, every content by the id of the template made from it.

    Messages land as drafts, whatever the design says: nobody's customers hear from a flow nobody set live.
    """
    missing = [
        key for _, key, part in find_asks(definition) if part_of(answers.get(key), part) in (None, "", [])
    ]
    unmade = [key for _, key in find_contents(definition) if key not in templates]
    filled = fill(definition, lambda key, part: part_of(answers.get(key), part), templates.get)
    for action in filled["actions"]:
        _draft(action)
    return Bound(filled, tuple(dict.fromkeys(missing)), tuple(dict.fromkeys(unmade)))


def _draft(action: Any) -> None:
    """An action as a draft, with the actions that stand inside it: an experiment holds messages of its own."""
    data = action.get("data") if isinstance(action, dict) else None
    if not isinstance(data, dict):
        return
    if "status" in data:
        data["status"] = "draft"
    _draft(data.get("main_action"))
    experiment = data.get("current_experiment")
    variations = experiment.get("variations") if isinstance(experiment, dict) else None
    for one in variations if isinstance(variations, list) else []:
        _draft(one)


def with_defaults(definition: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The definition as it stood before anything became a question; content of our own has no id outside an account."""
    filled = fill(definition, lambda key, part: part_of(defaults.get(key), part), lambda key: None)
    return dict(filled)


# --- Pointers --------------------------------------------------------------------------------------------------


def pointer_to(definition: Mapping[str, Any], step: str | None, path: Path) -> str:
    """The JSON pointer of a setting in the create body."""
    places: tuple[str | int, ...] = HEAD
    if step == "trigger":
        places += ("triggers", 0, *path)
    elif step is not None:
        keys = [action.get("temporary_id") for action in definition["actions"]]
        places += ("actions", keys.index(step) if step in keys else 0, "data", *path)
    else:
        places += path
    return "/" + "/".join(str(place).replace("~", "~0").replace("/", "~1") for place in places)


def place_of(definition: Mapping[str, Any], pointer: str) -> tuple[str | None, Path]:
    """The reverse: which step (or "trigger", or None) a pointer of Klaviyo's means, and the path in its settings."""
    steps: list[str | int] = [
        int(part) if part.isdigit() else part.replace("~1", "/").replace("~0", "~")
        for part in pointer.strip("/").split("/")
        if part
    ]
    if tuple(steps[:3]) != HEAD:
        return None, tuple(steps)
    rest = steps[3:]
    if rest[:1] == ["triggers"]:
        return "trigger", tuple(rest[2:])
    if (
        rest[:1] == ["actions"]
        and len(rest) > 1
        and isinstance(rest[1], int)
        and rest[1] < len(definition["actions"])
    ):
        key = definition["actions"][rest[1]].get("temporary_id")
        return key, tuple(rest[3:] if rest[2:3] == ["data"] else rest[2:])
    return None, tuple(rest)
