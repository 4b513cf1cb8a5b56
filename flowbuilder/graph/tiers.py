"""The order in which a flow is drawn: which step hangs under which.

    [t] -> (s) -yes-> a -> z        z hangs under s, where its two ways part: `joins` is {"s": ["z"]}
               -no-------> z

A step hangs under its immediate dominator: the last step that all ways to it go through. In a flow without circles one
walk finds all of them. Links that would close a circle, or that lead out of the part looked at, are `elsewhere`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from flowbuilder.graph.values import Graph

Ways = list[tuple[str, str | None]]


@dataclass(slots=True)
class Tiers:
    """`order` begins with the top and has each step after all that lead to it, a branch after the other. `ways` are the
    ways out of each step in port order, `joined` the steps that more than one way leads to."""

    order: list[str]
    ways: dict[str, Ways]
    elsewhere: set[tuple[str, str]]
    joined: set[str] = field(default_factory=set)
    joins: dict[str, list[str]] = field(default_factory=dict)


def tiers_of(graph: Graph, top: str, ways: Iterable[tuple[str, Ways]], *, apart: bool = False) -> Tiers:
    """All that can be reached from the top, whose own ways are given. `apart`: the given steps, from those that nothing
    leads to, under a top that is no step."""
    if apart:
        inside = dict(ways)
        led_to = {target for out in inside.values() for _, target in out}
        heads = [key for key in inside if key not in led_to]
        starts = [*reversed(heads), *(key for key in inside if key in led_to)]  # the latter only in circles
    else:
        inside = None
        [(top, out)] = ways
        starts = [target for _, target in reversed(out) if target in graph.by_key]
    found: dict[str, Ways] = {}
    elsewhere: set[tuple[str, str]] = set()
    order: list[str] = []
    roots: list[str] = []
    for start in starts:
        if start not in found:
            roots.append(start)
            _descend(graph, start, inside, found, elsewhere, order)
    tiers = Tiers([top], found, elsewhere)
    found[top] = [(root, root) for root in reversed(roots)] if apart else out
    tiers.order += reversed(order)
    _hang(tiers, top)
    return tiers


def _descend(
    graph: Graph,
    start: str,
    inside: dict[str, Ways] | None,
    found: dict[str, Ways],
    elsewhere: set[tuple[str, str]],
    order: list[str],
) -> None:
    """Depth first, the last way first: read backwards, `order` has the first way first, and joins after branches."""
    open_now: set[str] = set()
    stack: list[tuple[str, Iterator[tuple[str, str | None]]]] = []

    def enter(key: str) -> None:
        found[key] = out = inside[key] if inside is not None else graph.targets(key)
        open_now.add(key)
        stack.append((key, reversed(out)))

    enter(start)
    while stack:
        key, rest = stack[-1]
        for port, target in rest:
            if target is None:
                continue
            if target in open_now or target not in (graph.by_key if inside is None else inside):
                elsewhere.add((key, port))
            elif target not in found:
                enter(target)
                break
        else:
            stack.pop()
            open_now.remove(key)
            order.append(key)


def _hang(tiers: Tiers, top: str) -> None:
    """The immediate dominator of each step: where the ways to it meet, going up."""
    above: dict[str, str] = {top: top}
    depth: dict[str, int] = {top: 0}
    for key in tiers.order:
        depth[key] = depth[above[key]] + 1 if key != top else 0
        if key in tiers.joined:
            tiers.joins.setdefault(above[key], []).append(key)
        for port, target in tiers.ways[key]:
            if target is None or (key, port) in tiers.elsewhere:
                continue
            if target not in above:
                above[target] = key
                continue
            tiers.joined.add(target)
            one, other = above[target], key
            while one != other:
                if depth[one] < depth[other]:
                    other = above[other]
                else:
                    one = above[one]
            above[target] = one
