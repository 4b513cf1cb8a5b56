"""A segment's own definition, taken along from the account that a flow comes from: an account that has no such segment
can have it made, just so.

It stands with the question about the segment, limits["segment"]: {"definition", "told"}. What it names of its account
stands as {"$ask": key} in it, a question of the template like any other; those are asked only where the segment is to
be made, and answered when it is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import fill, find_asks

TAKEN = "segment"  # in the limits of a question
_MAPPED = {
    "metric_id": "metric",
    "group_ids": "list",
}  # setting -> what its ids are, where nobody knows better
_PROPERTIES = frozenset(  # of events: their values are ids of one account
    (
        "$flow",
        "$message",
        "$variation",
        "$campaign",
        "$attributed_flow",
        "$attributed_message",
        "$attributed_variation",
    )
)


def definition_in(limits: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a question's segment is made of, where that came along."""
    held = limits.get(TAKEN)
    return held["definition"] if isinstance(held, Mapping) else None


def why_it_stays(definition: Any) -> str:
    """What of it means nothing in another account; empty where all of it can travel."""
    if not isinstance(definition, Mapping) or not definition.get("condition_groups"):
        return "Klaviyo does not tell what it is made of"
    for _, name, value in _walk(definition):
        if name.endswith(("_id", "_ids")) and name not in _MAPPED and value:
            return "it looks at objects of its account, by numbers that mean nothing elsewhere"
        if name == "property" and value in _PROPERTIES:
            return "it asks for one flow or message of its account"
    return ""


def ids_in(definition: Any) -> Iterator[tuple[Path, str, str]]:
    """(where, id, what it is where nobody knows better) of each thing of the account that it names."""
    for path, name, value in _walk(definition):
        if name in _MAPPED:
            several = value if isinstance(value, list) else None
            for index, one in enumerate(several if several is not None else [value]):
                if isinstance(one, str) and one:
                    yield (*path, index) if several is not None else path, one, _MAPPED[name]


def _walk(value: Any) -> Iterator[tuple[Path, str, Any]]:
    todo: list[tuple[Path, Any]] = [((), value)]
    while todo:
        path, one = todo.pop(0)
        if isinstance(one, Mapping):
            for name, child in one.items():
                yield (*path, name), name, child
                todo.append(((*path, name), child))
        elif isinstance(one, list):
            todo += [((*path, index), child) for index, child in enumerate(one)]


# --- Questions inside ----------------------------------------------------------------------------------------------


def asked_by(value: Any) -> set[str]:
    """Keys of the questions that an answer speaks of: of a segment that is to be made."""
    definition = value.get("definition") if isinstance(value, Mapping) else None
    return {key for _, key, _ in find_asks(definition)} if definition else set()


def asked_within(limits: Mapping[str, Any]) -> set[str]:
    """Keys of the questions that stand inside of what came along with a question."""
    return {key for _, key, _ in find_asks(definition_in(limits))}


def missing_within(answers: Mapping[str, Any]) -> list[str]:
    """What would have to be answered before all that these answers want can be made."""
    wanted = {key: None for value in answers.values() for key in sorted(asked_by(value))}
    return [key for key in wanted if answers.get(key) in (None, "", [])]


def bound(definition: Config, answers: Mapping[str, Any]) -> dict[str, Any]:
    """As Klaviyo takes it, with an account's answers."""
    return dict(fill(definition, lambda key, part: answers.get(key), lambda key: None))


def renamed(limits: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """Where questions were copied, old key -> new key."""
    definition = definition_in(limits)
    if definition is None:
        return dict(limits)
    named = fill(definition, lambda key, part: {"$ask": keys.get(key, key)}, lambda key: None)
    return {**limits, TAKEN: {**limits[TAKEN], "definition": named}}


def without(limits: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Once this question is asked no longer: a segment that needs its answer does not come along any more."""
    if key not in asked_within(limits):
        return limits
    return {name: value for name, value in limits.items() if name != TAKEN}
