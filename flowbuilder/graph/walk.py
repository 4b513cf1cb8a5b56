"""Ways through a flow: breadth-first order, what is reachable, cycles, the way to a step."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from flowbuilder.graph.values import Graph


def breadth_first(graph: Graph) -> list[str]:
    """Keys of all steps that can be reached, level by level, in port order."""
    order: list[str] = []
    seen: set[str] = set()
    queue = deque([graph.entry] if graph.entry else [])
    while queue:
        key = queue.popleft()
        if key in seen or key not in graph.by_key:
            continue
        seen.add(key)
        order.append(key)
        queue.extend(target for _, target in graph.targets(key) if target)
    return order


def all_in_order(graph: Graph) -> list[str]:
    """Breadth-first, then what cannot be reached, in the order in which it was made."""
    reached = breadth_first(graph)
    seen = set(reached)
    return reached + [step.key for step in graph.steps if step.key not in seen]


def find_cycle(graph: Graph) -> list[str]:
    """The keys of one cycle, or an empty list."""
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
