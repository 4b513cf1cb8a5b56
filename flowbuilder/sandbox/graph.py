"""The links of a definition: who follows whom, and what makes a graph unacceptable.

Used by rules.py (on temporary ids) and effects.py (to number actions breadth-first).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from .shape import Report

Action = dict[str, Any]
Edge = tuple[str | None, str]  # (target, pointer below the action)
EXPERIMENTS = ("ab-test", "content-experiment")


def edges(action: Action) -> list[Edge]:
    """Outgoing links in their order: true before false, branches as listed."""
    links = action.get("links")
    out: list[Edge] = []
    if isinstance(links, dict):
        for name in ("next", "next_if_true", "next_if_false"):
            if name in links and is_target(links[name]):
                out.append((links[name], f"links/{name}"))
    data = action.get("data")
    branches = data.get("branches") if isinstance(data, dict) else None
    for i, branch in enumerate(branches if isinstance(branches, list) else []):
        below = branch.get("links") if isinstance(branch, dict) else None
        if isinstance(below, dict) and "next" in below and is_target(below["next"]):
            out.append((below["next"], f"data/branches/{i}/links/next"))
    return out


def relink(action: Action, old: str | None, new: str | None) -> None:
    """Every link of the action that leads to `old` leads to `new`."""
    data = action.get("data")
    branches = data.get("branches") if isinstance(data, dict) else None
    for holder in (action, *(branches or [])):
        links = holder.get("links") or {}
        for name in [name for name, target in links.items() if target == old]:
            links[name] = new


def is_target(value: Any) -> bool:
    return value is None or isinstance(value, str)


def nested(action: Action, pointer: str = "") -> Iterator[tuple[Action, str]]:
    """The actions inside an experiment: the main one, then its variations."""
    data = action.get("data")
    if action.get("type") not in EXPERIMENTS or not isinstance(data, dict):
        return
    if isinstance(data.get("main_action"), dict):
        yield data["main_action"], f"{pointer}/data/main_action"
    current = data.get("current_experiment")
    variations = current.get("variations") if isinstance(current, dict) else None
    for i, inner in enumerate(variations if isinstance(variations, list) else []):
        if isinstance(inner, dict):
            yield inner, f"{pointer}/data/current_experiment/variations/{i}"


def breadth_first(entry: str | None, actions: dict[str, Action]) -> list[str]:
    """Ids in the order in which the real service numbers them. Each appears once."""
    seen: dict[str, None] = {}
    queue = deque([entry])
    while queue:
        id = queue.popleft()
        if id is None or id in seen or id not in actions:
            continue
        seen[id] = None
        queue.extend(target for target, _ in edges(actions[id]))
    return list(seen)


def check_graph(definition: dict[str, Any], at: str, report: Report, *, tree_only: bool) -> None:
    listed = definition.get("actions")
    if not isinstance(listed, list) or not all(isinstance(action, dict) for action in listed):
        return
    pointers = {id(action): f"{at}/actions/{i}" for i, action in enumerate(listed)}
    by_id: dict[str, Action] = {}
    taken: set[str] = set()
    for action in listed:
        everyone = [(action, pointers[id(action)]), *nested(action, pointers[id(action)])]
        for inner, pointer in everyone:
            name = inner.get("temporary_id")
            if not isinstance(name, str):
                continue
            if name in taken:
                report.add(f"{pointer}/temporary_id", f"The temporary id '{name}' is used more than once.")
            taken.add(name)
        if isinstance(action.get("temporary_id"), str):
            by_id.setdefault(action["temporary_id"], action)
        for inner, pointer in everyone[1:]:
            if any(target is not None for target, _ in edges(inner)):
                report.add(
                    f"{pointer}/links", "An action inside an experiment may not link to another action."
                )

    sound = len(by_id) == len(listed)
    parents: Counter[str] = Counter()
    for action in listed:
        for target, where in edges(action):
            if not isinstance(target, str):
                continue
            parents[target] += 1
            pointer = f"{pointers[id(action)]}/{where}"
            if target not in by_id:
                sound = False
                report.add(pointer, f"The link points to '{target}', but no action has this temporary id.")
            elif tree_only and parents[target] > 1:
                report.add(pointer, f"More than one link leads to '{target}': branches may not rejoin.")
    entry = definition.get("entry_action_id")
    if listed and (not isinstance(entry, str) or entry not in by_id):
        if entry is None or isinstance(entry, str):
            detail = "'entry_action_id' must be the temporary id of one of the actions."
            report.add(f"{at}/entry_action_id", detail)
        return
    if not sound:
        return
    for name in cycles(by_id):
        report.add(f"{pointers[id(by_id[name])]}/links", f"The action '{name}' is part of a cycle.")
    reached = set(breadth_first(entry, by_id))
    for name, action in by_id.items():
        if name not in reached:
            report.add(pointers[id(action)], f"The action '{name}' cannot be reached from the entry action.")


def cycles(actions: dict[str, Action]) -> list[str]:
    """The actions that can reach themselves: what is left after taking away, again and again, those that start or
    end a path."""
    left = dict(actions)
    while True:
        targets = {name: {t for t, _ in edges(action) if t in left} for name, action in left.items()}
        pointed = set().union(*targets.values()) if targets else set()
        inner = {name for name in left if targets[name] and name in pointed}
        if len(inner) == len(left):
            return list(left)
        left = {name: action for name, action in left.items() if name in inner}
