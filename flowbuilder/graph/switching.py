"""Marked parts of a flow switched off: their steps go, and links heal. Pure; the answers are somebody else's.

    [metric] -> <wait> -> (split) -yes-> [text] -> [end]
                                  -no--> [mail] -> [end]

    the step “text” off          (split) -yes-> [end]
    the side “yes” off           (split) -yes-> [end]: people go straight on where the sides join; where they never
                                 join, the side is empty
    “wait” to “text” off         [metric] -> [end]
    the split off, “no” kept     <wait> -> [mail] -> [end]

Everything is worked out from the flow with all its parts, so the order of switches means nothing. A new link always
leads further down a way that was there, so a flow without circles stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from flowbuilder.graph.values import NEXT, Graph, Link
from flowbuilder.graph.walk import descendants

Way = tuple[str | None, str]  # a step and one of its ways out


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """The step `start` and all that stands between it and `end`; people go on where `end` leads, by its way `keep`
    where it has several. Or, with a `side`, all that only that way out of `start` leads to."""

    start: str
    end: str = ""
    keep: str = ""
    side: str = ""

    @property
    def last(self) -> str:
        return self.end or self.start


@dataclass(frozen=True, slots=True)
class Taken:
    """What a part is in one flow: the steps that go with the way on after them, or ways that lead elsewhere."""

    part: Part
    steps: frozenset[str] = frozenset()
    onward: Way = (None, NEXT)
    ways: Mapping[Way, str | None] = field(default_factory=dict)


def why_not(graph: Graph, part: Part) -> str:
    """Why a flow has no such part, as the end of a sentence; empty where it has."""
    steps = graph.by_key
    if part.start not in steps or part.last not in steps:
        return "its step is not there any more"
    if part.side and part.side not in steps[part.start].ports:
        return "that side is not there any more"
    if part.keep and part.keep not in steps[part.last].ports:
        return "the side that stays is not there any more"
    if part.last != part.start and part.last not in descendants(graph, part.start):
        return "its first step does not lead to its last one any more"
    return ""


def what_is_left(old: Graph, new: Graph, part: Part) -> Part | None:
    """The part after an act on the flow: without its first or last step when that was deleted. None where nothing is
    left. A part whose steps are all there is left as it is, even where its way was broken: a person sees to it."""
    steps = new.by_key
    taken = take(old, part)
    inside = taken.steps if taken else frozenset()
    start, last = part.start, part.last
    while start not in steps:
        onward = [to for _, to in old.targets(start) if to in inside] if start in old.by_key else []
        if not onward or part.side:
            return None
        start = str(onward[0])
    while last not in steps:
        above = [str(link.source) for link in old.into.get(last, ()) if link.source in inside]
        if not above:
            return None
        last = above[0]
    if part.side and part.side not in steps[start].ports:
        return None
    keep = part.keep if part.keep in steps[last].ports and last == part.last else ""
    return Part(start, "" if last == start else last, keep, part.side)


def take(graph: Graph, part: Part) -> Taken | None:
    """None where the flow has no such part: then nothing is switched."""
    if why_not(graph, part):
        return None
    if part.side:
        way: Way = (part.start, part.side)
        return Taken(part, ways={way: _join(graph, way)})
    inside = {part.start}
    if part.last != part.start:
        inside |= {part.last} | (descendants(graph, part.start) & _ancestors(graph, part.last))
    return Taken(part, frozenset(inside), (part.last, part.keep or _first_way(graph, part.last)))


def switch_off(graph: Graph, parts: Iterable[Part]) -> Graph:
    """The flow without these parts. Steps that nothing leads to any more go with them."""
    return without(graph, [one for part in frozenset(parts) if (one := take(graph, part))])


def without(graph: Graph, taken: Iterable[Taken]) -> Graph:
    """The same, for parts that were worked out before."""
    onward: dict[str, Way] = {}
    ways: dict[Way, str | None] = {}
    for one in sorted(taken, key=lambda one: (len(one.steps), one.part)):  # the largest has the last word
        onward |= dict.fromkeys(one.steps, one.onward)
        ways |= one.ways
    if not onward and not ways:
        return graph
    steps, out = graph.by_key, graph.out

    def follow(source: str | None, port: str) -> str | None:
        seen: set[str] = set()
        while True:
            target = ways[source, port] if (source, port) in ways else out.get(source, {}).get(port)
            if target is None or target not in onward:
                return target
            if target in seen:  # only where the flow leads in a circle, which is no flow
                return None
            seen.add(target)
            source, port = onward[target]

    links = [
        Link(link.source, link.port, target)
        for link in graph.links
        if link.source not in onward and (target := follow(link.source, link.port)) is not None
    ]
    healed = replace(
        graph, steps=tuple(step for step in graph.steps if step.key not in onward), links=tuple(links)
    )
    lost = set(graph.reached) - set(healed.reached) - onward.keys()
    if not lost:
        return healed
    return replace(
        healed,
        steps=tuple(step for step in healed.steps if step.key not in lost),
        links=tuple(
            link
            for link in links
            if link.source not in lost and (link.target not in lost or link.target not in steps)
        ),
    )


def _first_way(graph: Graph, key: str) -> str:
    """The first way out that leads somewhere, else the first."""
    targets = graph.targets(key)
    return next((port for port, target in targets if target), targets[0][0] if targets else NEXT)


def _ancestors(graph: Graph, key: str) -> set[str]:
    found: set[str] = set()
    todo = [key]
    while todo:
        for link in graph.into.get(todo.pop(), ()):
            if link.source is not None and link.source not in found:
                found.add(link.source)
                todo.append(link.source)
    return found


def _join(graph: Graph, way: Way) -> str | None:
    """The nearest step behind a way that people reach by other ways as well; None where there is none."""
    others: set[str] = set()
    todo: list[str | None] = [None]
    while todo:
        source = todo.pop()
        for port, target in graph.out.get(source, {}).items():
            if (source, port) != way and target not in others:
                others.add(target)
                todo.append(target)
    level = [target for target in (graph.out.get(way[0], {}).get(way[1]),) if target is not None]
    seen = set(level)
    while level:
        for key in level:
            if key in others:
                return key
        below = [to for key in level if key in graph.by_key for _, to in graph.targets(key) if to]
        level = [key for key in dict.fromkeys(below) if key not in seen]
        seen.update(level)
    return None
