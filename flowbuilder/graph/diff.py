"""What differs between two states of a flow, in steps: which are new, gone, changed, or stand elsewhere.

    diff = compare(old, new)
    [edit.path for edit in diff.changed["mail"]]      ("config", "message", "subject_line"), ...

A step is the same step while its key is. A step put in between moves nobody: places are compared past what is new or
gone. Sentences are definition/telling.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowbuilder.graph import change
from flowbuilder.graph.values import Graph

Place = tuple[str | None, str]  # a way: (step or None for the trigger, port)


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that differs; what is missing on a side is None. A list is one value."""

    path: tuple[str, ...]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Diff:
    """Keys of steps stand in the order of their flow. `moved`: step -> (ways that led to it, ways that lead to it)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)
    moved: Mapping[str, tuple[frozenset[Place], frozenset[Place]]] = field(default_factory=dict)
    trigger: tuple[Edit, ...] = ()
    profile_filter: tuple[Edit, ...] = ()
    reentry: tuple[Edit, ...] = ()
    extra: tuple[Edit, ...] = ()

    def __bool__(self) -> bool:
        steps = self.added or self.removed or self.changed or self.moved
        return bool(steps or self.trigger or self.profile_filter or self.reentry or self.extra)


def compare(old: Graph, new: Graph) -> Diff:
    """In proportion to the size of both."""
    added = tuple(step.key for step in new.steps if step.key not in old.by_key)
    removed = tuple(step.key for step in old.steps if step.key not in new.by_key)
    edits: dict[str, list[Edit]] = {}
    for one in change.compare(change.Draft(graph=old), change.Draft(graph=new)):
        root, *rest = one["path"]
        if root == "links":
            continue  # places are compared below
        if root == "steps" and len(rest) == 1:  # new, gone, or of another type
            if rest[0] in old.by_key and rest[0] in new.by_key:
                types = one["before"]["type"], one["after"]["type"]
                edits.setdefault(f"step {rest[0]}", []).append(Edit(("type",), *types))
            continue
        name = f"step {rest[0]}" if root == "steps" else root
        path = tuple(rest[1:]) if root == "steps" else tuple(rest)
        edits.setdefault(name, []).append(Edit(path, one.get("before"), one.get("after")))
    both = {step.key for step in new.steps if step.key in old.by_key}
    before, after = _places(old, both), _places(new, both)
    return Diff(
        added,
        removed,
        {step.key: tuple(edits[f"step {step.key}"]) for step in new.steps if f"step {step.key}" in edits},
        {
            step.key: (before[step.key], after[step.key])
            for step in new.steps
            if step.key in both and before[step.key] != after[step.key]
        },
        *(tuple(edits.get(name, ())) for name in ("trigger", "profile_filter", "reentry", "extra")),
    )


def _places(graph: Graph, both: set[str]) -> dict[str, frozenset[Place]]:
    """step -> the ways into it, seen past steps that stand in one of the two flows only."""
    past: dict[str, frozenset[Place]] = {}
    for key in both:
        found: set[Place] = set()
        seen: set[str] = set()
        todo = [key]
        while todo:
            for link in graph.into.get(todo.pop(), ()):
                if link.source is None or link.source in both:
                    found.add((link.source, link.port))
                elif link.source not in seen:
                    if link.source in past:
                        found |= past[link.source]
                    else:
                        seen.add(link.source)
                        todo.append(link.source)
        past[key] = frozenset(found)
    return past
