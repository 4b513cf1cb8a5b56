"""Acts on the shape of a flow: put in, take out, move, copy, connect. Each gives a new graph; links heal.

    [metric] -> <wait> -> [mail]      put(split, "wait", "next")      [metric] -> <wait> -> (split) -yes-> [mail]

What does not fit raises UnableToChange with a sentence for people. Knows no kinds: steps bring their ports along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from flowbuilder.graph.values import Graph, Link, Step
from flowbuilder.graph.walk import descendants

NewKey = Callable[[], str]


IN_A_CIRCLE = "That would lead in a circle: people would never leave the flow."


class UnableToChange(Exception):
    """The act does not fit the flow as it is now; the text says why."""


class UnableToFind(UnableToChange):
    """The place of the act is not there any more: somebody deleted or moved it meanwhile."""


@dataclass(frozen=True)
class Fragment:
    """Steps cut out of a flow, with the links among them; `entry` comes first."""

    entry: str
    steps: tuple[Step, ...]
    links: tuple[Link, ...]


def step_of(graph: Graph, key: str) -> Step:
    step = graph.by_key.get(key)
    if step is None:
        raise UnableToFind("That step is not there any more. Somebody may have deleted it.")
    return step


def check_way(graph: Graph, source: str | None, port: str) -> None:
    ports = ("next",) if source is None else step_of(graph, source).ports
    if port not in ports:
        raise UnableToFind("That way is not there any more. Look at the flow as it is now and try again.")


def put(graph: Graph, step: Step, source: str | None, port: str) -> Graph:
    """A new step on a way. What came there comes after it, by its first way out."""
    return put_all(graph, Fragment(step.key, (step,), ()), source, port)


def put_all(graph: Graph, piece: Fragment, source: str | None, port: str) -> Graph:
    """New steps on a way. What came there comes after them, on the first of their ways that ends."""
    check_way(graph, source, port)
    after = graph.out.get(source, {}).get(port)
    links = [link for link in graph.links if (link.source, link.port) != (source, port)]
    links += [Link(source, port, piece.entry), *piece.links]
    grown = replace(graph, steps=(*graph.steps, *piece.steps), links=tuple(links))
    return grown if after is None else _hang(grown, piece, after)


def _hang(graph: Graph, piece: Fragment, after: str) -> Graph:
    keys = {step.key for step in piece.steps}
    end = _first_end(graph, piece.entry, keys)
    if end is None:
        raise UnableToChange(
            "Every way of these steps goes on elsewhere: there is no place for what comes after."
        )
    return replace(graph, links=(*graph.links, Link(*end, after)))


def _first_end(graph: Graph, entry: str, inside: set[str]) -> tuple[str, str] | None:
    """The first way out of a piece that leads nowhere, looked for down the first ways."""
    todo, seen = [entry], set()
    while todo:
        key = todo.pop()
        if key in seen:
            continue
        seen.add(key)
        ways = graph.targets(key)
        for port, target in ways:
            if target is None:
                return key, port
        todo += [target for _, target in reversed(ways) if target in inside]
    return None


def remove(graph: Graph, key: str, keep: str = "") -> Graph:
    """One step taken out. What came after it by the way `keep` (its first that leads somewhere, where empty) moves
    up; what came only by its other ways goes with it."""
    step = step_of(graph, key)
    if keep and keep not in step.ports:
        raise UnableToFind("That way is not there any more.")
    ways = graph.out.get(key, {})
    kept = ways.get(keep) if keep else next((target for _, target in graph.targets(key) if target), None)
    lost = descendants(graph, key)
    if kept:
        lost -= {kept, *descendants(graph, kept)}
    lost -= _reached_without(graph, {key})
    healed = [
        Link(link.source, link.port, kept) if link.target == key and kept else link
        for link in graph.links
        if link.target != key or kept
    ]
    return without(replace(graph, links=tuple(healed)), lost | {key})


def remove_branch(graph: Graph, key: str) -> Graph:
    """A step and all that only it leads to taken out."""
    return without(graph, branch_of(graph, key))


def branch_of(graph: Graph, key: str) -> set[str]:
    """A step and all that only it leads to."""
    step_of(graph, key)
    return ({key} | descendants(graph, key)) - _reached_without(graph, {key})


def without(graph: Graph, keys: set[str]) -> Graph:
    """The graph without some steps and every link that touches them."""
    return replace(
        graph,
        steps=tuple(step for step in graph.steps if step.key not in keys),
        links=tuple(link for link in graph.links if link.source not in keys and link.target not in keys),
    )


def _reached_without(graph: Graph, gone: set[str]) -> set[str]:
    """Steps that can still be reached when these are gone."""
    seen: set[str] = set()
    todo = [graph.entry] if graph.entry else []
    while todo:
        one = todo.pop()
        if one in seen or one in gone:
            continue
        seen.add(one)
        todo += graph.out.get(one, {}).values()
    return seen


def move(graph: Graph, key: str, source: str | None, port: str) -> Graph:
    """A step with one way out taken from where it is, and put on another way. What came after it moves up."""
    step = step_of(graph, key)
    if source == key:
        raise UnableToChange("A step cannot come after itself.")
    if len(step.ports) != 1:
        return move_branch(graph, key, source, port)
    check_way(graph, source, port)
    if graph.out.get(source, {}).get(port) == key:
        return graph  # it is there
    after = graph.out.get(key, {}).get(step.ports[0])
    healed = [
        Link(link.source, link.port, after) if link.target == key and after else link
        for link in graph.links
        if link.source != key and (link.target != key or after)
    ]
    loose = replace(
        graph,
        steps=tuple(one for one in graph.steps if one.key != key),
        links=tuple(link for link in healed if link.source != link.target),
    )
    return _in_order(graph, put(loose, step, source, port))


def move_branch(graph: Graph, key: str, source: str | None, port: str) -> Graph:
    """A step with all that only it leads to, put on another way."""
    branch = branch_of(graph, key)
    if source in branch:
        raise UnableToChange("A branch cannot come after one of its own steps.")
    if source in descendants(graph, key):  # where the branch joins another way
        raise UnableToChange(IN_A_CIRCLE)
    check_way(graph, source, port)
    if graph.out.get(source, {}).get(port) == key:
        return graph
    piece = cut(graph, branch, key)
    outward = [link for link in graph.links if link.source in branch and link.target not in branch]
    loose = without(graph, branch)
    moved = put_all(loose, replace(piece, links=(*piece.links, *outward)), source, port)
    return _in_order(graph, moved)


def _in_order(old: Graph, new: Graph) -> Graph:
    """Steps in the order in which they were made, whatever was moved."""
    place = {step.key: index for index, step in enumerate(old.steps)}
    return replace(new, steps=tuple(sorted(new.steps, key=lambda step: place.get(step.key, len(place)))))


def cut(graph: Graph, keys: Iterable[str], entry: str) -> Fragment:
    """Some steps with the links among them; the graph stays as it is."""
    inside = set(keys)
    return Fragment(
        entry,
        tuple(step for step in graph.steps if step.key in inside),
        tuple(link for link in graph.links if link.source in inside and link.target in inside),
    )


def renamed(piece: Fragment, new_key: NewKey) -> tuple[Fragment, Mapping[str, str]]:
    """A copy of a piece with keys of its own: the piece, and old key -> new key."""
    keys = {step.key: new_key() for step in piece.steps}
    return Fragment(
        keys[piece.entry],
        tuple(replace(step, key=keys[step.key]) for step in piece.steps),
        tuple(Link(keys[link.source or ""], link.port, keys[link.target]) for link in piece.links),
    ), keys


def swap(graph: Graph, key: str) -> Graph:
    """The two branches of a split exchanged."""
    step = step_of(graph, key)
    if len(step.ports) != 2:
        raise UnableToChange("Only a split with two sides can be swapped.")
    one, other = step.ports
    to = {one: other, other: one}
    return rewired(graph, key, to)


def rewired(graph: Graph, key: str, ports: Mapping[str, str]) -> Graph:
    """The links of a step on other ports; a port that is not named loses its link."""
    return replace(
        graph,
        links=tuple(
            replace(link, port=ports[link.port]) if link.source == key else link
            for link in graph.links
            if link.source != key or link.port in ports
        ),
    )


def connect(graph: Graph, source: str | None, port: str, target: str) -> Graph:
    """An end linked to a step that is there already: two ways join."""
    check_way(graph, source, port)
    step_of(graph, target)
    if graph.out.get(source, {}).get(port):
        raise UnableToChange("Another step follows there already: take that link away first.")
    if source is not None and (source == target or source in descendants(graph, target)):
        raise UnableToChange(IN_A_CIRCLE)
    return replace(graph, links=(*graph.links, Link(source, port, target)))


def disconnect(graph: Graph, source: str | None, port: str) -> Graph:
    """A way that ends here from now on. Steps that nothing else leads to stay, to be connected elsewhere."""
    check_way(graph, source, port)
    if not graph.out.get(source, {}).get(port):
        raise UnableToChange("That way ends there already.")
    return replace(
        graph, links=tuple(link for link in graph.links if (link.source, link.port) != (source, port))
    )


def change(graph: Graph, step: Step) -> Graph:
    """The step of the same key replaced. A way out that it has no longer goes, with all that only it led to."""
    old = step_of(graph, step.key)
    steps = tuple(step if one.key == step.key else one for one in graph.steps)
    gone = [port for port in old.ports if port not in step.ports]
    changed = replace(graph, steps=steps)
    if not gone:
        return changed
    led_to = [target for port, target in graph.targets(step.key) if port in gone and target]
    cut_off = replace(
        changed,
        links=tuple(link for link in graph.links if link.source != step.key or link.port in step.ports),
    )
    reached = _reached_without(cut_off, set())
    lost = {one for target in led_to for one in ({target} | descendants(graph, target))} - reached
    return without(cut_off, lost - {step.key})
