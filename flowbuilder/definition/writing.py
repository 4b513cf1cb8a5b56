"""A graph written as the definition that Create Flow takes, and questions replaced by an account's answers.

    body = create_body("Abandoned cart", bind(to_definition(graph), answers, templates).definition)

Shape: https://developers.klaviyo.com/en/reference/create_flow (revision in settings.KLAVIYO_REVISION). Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

from flowbuilder.graph import Graph
from flowbuilder.graph.values import Path
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import Place, fill, find_open, part_of
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
    return {**graph.extra, **definition} if graph.extra else definition


def _action(graph: Graph, key: str) -> dict[str, Any]:
    step = graph.by_key[key]
    written = action_kind(step.type).write_links(step.config, graph.out.get(key, {}))
    if not step.extra:
        return {"temporary_id": key, "type": step.type, **written}
    extra = dict(step.extra)
    if isinstance(links := extra.pop("links", None), Mapping):  # ways out that nobody here knows
        written = {**written, "links": {**links, **(written.get("links") or {})}}
    return {**extra, "temporary_id": key, "type": step.type, **written}


def create_body(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {"type": "flow", "attributes": {"name": name, "definition": dict(definition)}}}


@dataclass(frozen=True, slots=True)
class Bound:
    """`missing` are the keys of questions without an answer, `unmade` those of contents without a template."""

    definition: dict[str, Any]
    missing: tuple[str, ...]
    unmade: tuple[str, ...]


@dataclass(frozen=True)
class Approved:
    """A definition made ready for many accounts: what is open in it is looked for once.

    Messages are drafts, whatever the design says: nobody's customers hear from a flow nobody set live.
    """

    definition: Mapping[str, Any]
    asks: tuple[Place, ...]
    contents: tuple[Place, ...]

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Approved:
        drafted = {**definition, "actions": [as_draft(action) for action in definition["actions"]]}
        asks, contents = find_open(drafted)
        return cls(drafted, tuple(asks), tuple(contents))

    def bind(self, answers: Mapping[str, Any], templates: Mapping[str, str]) -> Bound:
        """Every question replaced by the account's answer, every content by the id of the template made from it.

        What is not open is shared with the approved definition, so nobody may change it.
        """
        missing: dict[str, None] = {}
        filled = _Copy(self.definition)
        for path, key, part in self.asks:
            found = part_of(answers.get(key), part)
            if found in (None, "", []):
                missing[key] = None
            filled.put(path, found)
        for path, key, _ in self.contents:
            filled.put(path, templates.get(key))
        unmade = dict.fromkeys(key for _, key, _ in self.contents if key not in templates)
        return Bound(filled.root, tuple(missing), tuple(unmade))

    def encode(self, name: str, answers: Mapping[str, Any], templates: Mapping[str, str]) -> bytes:
        """create_body of what `bind` makes, as JSON. What is the same for every account was written once."""
        pieces, holes = self._pieces
        written = {
            hole: encoded(templates.get(key) if made else part_of(answers.get(key), part))
            for hole in set(holes)
            for made, key, part in (hole,)
        }
        parts = [encoded(create_body(name, {})).removesuffix(b"{}}}}")]
        for piece, hole in zip(pieces, holes, strict=False):
            parts += (piece, written[hole])
        return b"".join((*parts, pieces[-1], b"}}}"))

    @cached_property
    def _pieces(self) -> tuple[list[bytes], list[tuple[bool, str, str]]]:
        """The definition as JSON, cut at what is open; and what goes between: (is it a template, key, part)."""
        mark = uuid4().hex  # stands nowhere else
        holes = [(made, *one) for made, ones in ((False, self.asks), (True, self.contents)) for one in ones]
        filled = _Copy(self.definition)
        for number, (_, path, _, _) in enumerate(holes):
            filled.put(path, f"{mark}{number}")
        found = re.split(f'"{mark}([0-9]+)"'.encode(), encoded(filled.root))
        order = [holes[int(number)] for number in found[1::2]]
        return found[::2], [(made, key, part) for made, _, key, part in order]


def encoded(value: Any) -> bytes:
    """As it is sent. ValueError where no JSON can hold it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


class _Copy:
    """A copy of plain values, made as deep as something in it is replaced."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.root: dict[str, Any] = dict(value)
        self._own: dict[Path, Any] = {(): self.root}

    def put(self, path: Path, new: Any) -> None:
        at = self._container(path[:-1])
        at[path[-1]] = new

    def _container(self, path: Path) -> Any:
        own = self._own.get(path)
        if own is None:
            outer = self._container(path[:-1])
            old = outer[path[-1]]
            own = outer[path[-1]] = dict(old) if isinstance(old, dict) else list(old)
            self._own[path] = own
        return own


def bind(definition: Mapping[str, Any], answers: Mapping[str, Any], templates: Mapping[str, str]) -> Bound:
    """For one account: see Approved."""
    return Approved.of(definition).bind(answers, templates)


def as_draft(action: Any) -> Any:
    """An action as a draft, with the actions that stand inside it: an experiment holds messages of its own."""
    data = action.get("data") if isinstance(action, dict) else None
    if not isinstance(data, dict):
        return action
    fresh = dict(data)
    if "status" in fresh:
        fresh["status"] = "draft"
    if "main_action" in fresh:
        fresh["main_action"] = as_draft(fresh["main_action"])
    experiment = fresh.get("current_experiment")
    if isinstance(experiment, dict) and isinstance(experiment.get("variations"), list):
        variations = [as_draft(one) for one in experiment["variations"]]
        fresh["current_experiment"] = {**experiment, "variations": variations}
    return {**action, "data": fresh}


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
