"""What was changed in an account as a change of its design: in which parts it can be taken, and laid on the design as
it is now. Pure; lifting.py says in the design's words what the account has.

    parts_of(base, offered)                         each can be taken without the others
    only(base, offered, ids)                        what is offered, with these points alone
    lay_on(base, offered, draft, choices)           a merge of three (merging.py): what the design has stands where
                                                    both changed something, until a person chooses
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from flowbuilder.definition.merging import NEW, Merged, Point, merge_graphs
from flowbuilder.definition.updating import is_linear
from flowbuilder.graph import Graph, Link
from flowbuilder.graph.rules import check_shape


@dataclass(frozen=True)
class Part:
    """Points that make sense together only."""

    points: tuple[Point, ...]

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.points)

    @property
    def id(self) -> str:
        return self.points[0].id


def points_of(base: Graph, offered: Graph) -> tuple[Point, ...]:
    """What differs, as a merge with no other side sees it."""
    return merge_graphs(base, base, offered, {}).points


def only(base: Graph, offered: Graph, ids: Collection[str]) -> Graph:
    left = {one.id: NEW for one in points_of(base, offered) if one.id not in ids}
    return merge_graphs(base, base, offered, left).graph if left else offered


def parts_of(base: Graph, offered: Graph) -> tuple[Part, ...]:
    """Settings stand alone. A step that comes or goes does where the rest holds without it; what is left of the order
    of steps is one part."""
    points = points_of(base, offered)
    steps = [one for one in points if _is_of_the_order(one)]
    alone = [one for one in steps if _is_one_step(one, base, offered)]
    tied = [one for one in steps if one not in alone]
    every = {one.id for one in points}
    for one in list(alone):
        if not (_holds(base, offered, {one.id}) and _holds(base, offered, every - {one.id})):
            alone.remove(one)
            tied.append(one)
    if tied and not _holds(base, offered, {one.id for one in tied}):
        tied, alone = steps, []
    groups = [tied, *([one] for one in alone), *_settings(points, offered)]
    order = {one.id: place for place, one in enumerate(points)}
    parts = (Part(tuple(sorted(group, key=lambda one: order[one.id]))) for group in groups if group)
    return tuple(sorted(parts, key=lambda part: order[part.id]))


def _is_of_the_order(point: Point) -> bool:
    return point.what in ("step", "order") or point.id in (f"{point.key} ways", f"{point.key} kind")


def _is_one_step(point: Point, base: Graph, offered: Graph) -> bool:
    step = base.by_key.get(point.key) or offered.by_key.get(point.key)
    return point.what == "step" and step is not None and is_linear(step)


def _holds(base: Graph, offered: Graph, ids: Collection[str]) -> bool:
    """Whether these alone are a flow in which nothing else differs."""
    graph = only(base, offered, ids)
    if check_shape(graph) or len(graph.reached) < len(graph.steps):
        return False
    return {one.id for one in points_of(base, graph)} == set(ids)


def _settings(points: Collection[Point], offered: Graph) -> list[list[Point]]:
    """A split on the trigger goes with the trigger."""
    starts: list[Point] = []
    groups = [starts]
    has_trigger = any(one.id == "flow trigger" for one in points)
    for one in points:
        if _is_of_the_order(one):
            continue
        step = offered.by_key.get(one.key)
        is_on_it = has_trigger and step is not None and step.type == "trigger-split"
        if one.id == "flow trigger" or is_on_it:
            starts.append(one)
        else:
            groups.append([one])
    return groups


def lay_on(base: Graph, offered: Graph, draft: Graph, choices: Mapping[str, str]) -> Merged:
    """On the design as it is now. What people called its steps and wrote on them stays."""
    both = merge_graphs(base, offered, draft, choices)
    own = draft.by_key
    steps = (
        replace(one, name=own[one.key].name, note=own[one.key].note) if one.key in own else one
        for one in both.graph.steps
    )
    return replace(both, graph=both.graph.with_steps(steps))


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """Steps under other keys."""
    return replace(
        graph,
        steps=tuple(replace(one, key=names.get(one.key, one.key)) for one in graph.steps),
        links=tuple(
            Link(names.get(one.source or "", one.source), one.port, names.get(one.target, one.target))
            for one in graph.links
        ),
    )


def concerns(point: Point, part: Part) -> bool:
    """Whether a point of a merge with the design is about a part: the design may have lost or moved the whole step."""
    if point.id in part.ids:
        return True
    if point.what == "order":
        return any(_is_of_the_order(one) for one in part.points)
    return point.what == "step" and any(point.key == one.key for one in part.points)


def is_settled(merged: Merged, part: Part) -> bool:
    """Whether the design has all of a part already."""
    return not any(one.state != "kept" and concerns(one, part) for one in merged.points)
