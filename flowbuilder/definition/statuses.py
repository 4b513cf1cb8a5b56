"""The statuses of a flow's actions: each has its own, and so have those inside an experiment. Pure.

statuses_of(definition)      {"116466": {"": "live"}, "116467": {"": "draft", "main": "draft", "v0": "live"}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowbuilder.definition.updating import as_sent
from flowbuilder.kinds.asks import get_at, set_at

Statuses = Mapping[str, Mapping[str, str]]  # action id -> place inside it -> status
RANK = {"draft": 0, "disabled": 0, "manual": 1, "live": 2}


def statuses_of(definition: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of each action that has one."""
    found = {}
    for action in definition.get("actions") or []:
        held = {place: status for place, path in _places(action) if (status := get_at(action, path))}
        if held:
            found[str(action["id"])] = held
    return found


def all_as(statuses: Statuses, status: str) -> dict[str, dict[str, str]]:
    return {id: dict.fromkeys(places, status) for id, places in statuses.items()}


def is_mixed(statuses: Statuses, status: str) -> bool:
    """Whether an action has another status than the flow."""
    return any(one != status for places in statuses.values() for one in places.values())


def with_statuses(action: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """An action as the account holds it, whole and as it is taken back, with these statuses."""
    fresh: Any = {**action, "data": as_sent(str(action["type"]), action.get("data") or {})}
    for place, path in _places(action):
        if place in wanted:
            fresh = set_at(fresh, path, wanted[place])
    return dict(fresh)


def liveliness(wanted: Mapping[str, str]) -> int:
    return max((RANK.get(one, 0) for one in wanted.values()), default=0)


def _places(action: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """(name, where it stands) of every status in an action."""
    yield "", ("data", "status")
    if isinstance(get_at(action, ("data", "main_action")), Mapping):
        yield "main", ("data", "main_action", "data", "status")
    variations = get_at(action, ("data", "current_experiment", "variations"))
    for index, _ in enumerate(variations if isinstance(variations, list) else []):
        yield f"v{index}", ("data", "current_experiment", "variations", index, "data", "status")
