"""Ways through a flow: breadth-first order, what is reachable, cycles, the way to a step.

Nothing here calls itself: a flow may be a chain of thousands of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from flowbuilder.graph.values import Graph


def breadth_first(graph: Graph) -> list[str]:
    """Keys of all steps that can be reached, level by level, in port order."""
    return list(graph.reached)


def all_in_order(graph: Graph) -> list[str]:
    """Breadth-first, then what cannot be reached, in the order in which it was made."""
    reached = breadth_first(graph)
    seen = set(reached)
    return reached + [step.key for step in graph.steps if step.key not in seen]


def downwards(graph: Graph) -> list[str]:
    """Reachable steps, each after all that lead to it; of a circle, nothing."""
    return list(graph.order)


def find_cycle(graph: Graph) -> list[str]:
    """The keys of one cycle, or an empty list. Counting tells quickly that there is none."""
    if len(graph.order) == len(graph.steps):
        return []
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for link in graph.links:
        if link.source is not None:
            sorter.add(link.target, link.source)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def descendants(graph: Graph, key: str) -> set[str]:
    """All steps after this one, itself left out."""
    seen: set[str] = set()
    todo = [key]
    while todo:
        for target in graph.out.get(todo.pop(), {}).values():
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def way_to(graph: Graph, key: str) -> set[tuple[str | None, str]]:
    """The links (source, port) on any way from the trigger to this step."""
    way: set[tuple[str | None, str]] = set()
    todo = [key]
    seen = {key}
    while todo:
        for link in graph.into.get(todo.pop(), []):
            way.add((link.source, link.port))
            if link.source is not None and link.source not in seen:
                seen.add(link.source)
                todo.append(link.source)
    return way


def depths(graph: Graph) -> Mapping[str, int]:
    """Longest way from the entry to each reachable step: a rejoined step stands below all that lead to it."""
    reached = set(breadth_first(graph))
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key in reached:
        sorter.add(key)
    for link in graph.links:
        if link.source in reached and link.target in reached and link.source is not None:
            sorter.add(link.target, link.source)
    depth: dict[str, int] = {}
    for key in sorter.static_order():
        above = [
            depth[link.source] for link in graph.into.get(key, []) if link.source and link.source in reached
        ]
        depth[key] = max(above, default=-1) + 1
    return depth
