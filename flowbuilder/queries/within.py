"""What a flow's settings speak of: things of an account by their ids, and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowbuilder.definition.pieces import stands_in
from flowbuilder.definition.taken import asked_within
from flowbuilder.graph import Graph
from flowbuilder.graph.change import Draft
from flowbuilder.kinds.asks import find_open

# Settings that hold ids of things in an account: sentences show their names.
_ID_KEYS = frozenset({"id", "metric_id", "trigger_id", "group_ids", "template_id", "list_id"})


def ids_of(value: Any) -> Iterator[str]:
    """Ids of metrics, lists, segments and templates that settings speak of."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key in _ID_KEYS:
                yield from (
                    one for one in (child if isinstance(child, list) else [child]) if isinstance(one, str)
                )
            else:
                yield from ids_of(child)
    elif isinstance(value, list):
        for child in value:
            yield from ids_of(child)


def ids_in(graph: Graph) -> set[str]:
    """Ids of metrics, lists, segments and templates that a flow speaks of."""
    values: list[Any] = [step.config for step in graph.steps]
    values += [graph.trigger.config if graph.trigger else {}, graph.profile_filter or {}]
    return {found for value in values for found in ids_of(value)}


def questions_used(draft: Draft) -> set[str]:
    """Keys of the questions that stand somewhere in a flow or its emails, switch a part of it, or belong to a segment
    that comes along with one of those."""
    graph, limits = draft.graph, {key: one["limits"] for key, one in draft.requirements.items()}
    values: list[Any] = [step.config for step in graph.steps]
    values += [graph.trigger.config if graph.trigger else {}, graph.profile_filter or {}, graph.reentry or {}]
    found = [find_open(value) for value in values]
    used = {key for asks, _ in found for _, key, _ in asks}
    written = {key for _, contents in found for _, key, _ in contents}
    used |= {key for key, one in limits.items() if stands_in(one, written)}
    used |= {key for key, one in draft.requirements.items() if one["switches"]}
    return used.union(*(asked_within(limits[key]) for key in used & limits.keys()))
