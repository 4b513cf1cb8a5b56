"""The way back from shaping.py: an account's flow in the form of its design, whatever was changed in it since. Pure.

    unshape(found, design, settings)     Shaped: copies that still say the same are one step again, rows of
                                         yes-or-no splits one split

A copy that somebody changed, or after which people go another way, stays a step of its own: its origin says of which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from flowbuilder.definition.drifting import THEIRS
from flowbuilder.definition.merging import alike
from flowbuilder.definition.shaping import Shaped, UnableToShape, duplicate_tails, nest_branches
from flowbuilder.definition.updating import EXPERIMENTS
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.values import NO, YES
from flowbuilder.kinds.asks import get_at


def unshape(found: Graph, design: Graph, settings: Mapping[str, Any]) -> Shaped:
    """`design` with what the account's answers leave of it. UnableToShape where a row was taken apart."""
    nested = nest_branches(design) if settings.get("nest_branches") else Shaped(design)
    copied = duplicate_tails(nested.graph) if settings.get("duplicate_tails") else Shaped(nested.graph)
    folded = _fold(found, copied.origins) if copied.origins else Shaped(found)
    graph = folded.graph
    for split in design.steps:
        if split.type == "multi-branch-split" and nested.graph is not design:
            row = [split.key, *(key for key, origin in nested.origins.items() if origin == split.key)]
            graph = _gather(graph, nested.graph, split, row)
    return Shaped(graph, folded.origins)


# --- Copies ------------------------------------------------------------------------------------------------------


def _fold(graph: Graph, origins: Mapping[str, str]) -> Shaped:
    """From the last step up: what says the same and leads to the same is one. So are steps that somebody put into
    several copies of one tail."""
    one_of: dict[str, str] = {}
    there: dict[str, list[str]] = {}  # origin -> steps that stay
    ways: dict[str, dict[str, str]] = {}
    for key in reversed(graph.order):
        step = graph.by_key[key]
        group = f"{THEIRS}{step.type}" if key.startswith(THEIRS) else origins.get(key, key)
        ways[key] = {port: one_of[to] for port, to in graph.out.get(key, {}).items()}
        alike_one = (
            other
            for other in there.setdefault(group, [])
            if ways[other] == ways[key] and alike(_bare(graph.by_key[other]), _bare(step))
        )
        one_of[key] = next(alike_one, key)
        if one_of[key] == key:
            there[group].append(key)
    names = {key: key for keys in there.values() for key in keys}
    for origin, keys in there.items():
        if origin not in names and not origin.startswith(THEIRS):
            names[keys[0]] = origin  # the design's own step went with its branch, or was folded into a copy
            if (same := one_of.get(origin)) in names:
                names[keys[0]], names[same] = keys[0], origin
    steps = tuple(replace(one, key=names[one.key]) for one in graph.steps if one.key in names)
    links = tuple(
        Link(None if one.source is None else names[one.source], one.port, names[one_of[one.target]])
        for one in graph.links
        if one.source is None or one.source in names
    )
    return Shaped(
        replace(graph, steps=steps, links=links),
        {names[key]: origin for key, origin in origins.items() if key in names and names[key] != origin},
    )


def _bare(step: Step) -> Step:
    """Without the ids of actions inside an experiment, of which each copy has its own."""
    return replace(step, config=_without_ids(step.config)) if step.type in EXPERIMENTS else step


def _without_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: sorted(map(str, one.values()))
            if key == "allocations" and isinstance(one, Mapping)
            else _without_ids(one)
            for key, one in value.items()
            if key not in ("id", "temporary_id")
        }
    return [_without_ids(one) for one in value] if isinstance(value, list) else value


# --- Rows --------------------------------------------------------------------------------------------------------


def _gather(graph: Graph, nested: Graph, split: Step, row: list[str]) -> Graph:
    """One split with many branches in place of its row; each branch asks what its split asks now."""
    if not _is_whole(graph, nested, row):
        raise UnableToShape(
            f"The branches of “{split.name or split.config.get('name') or 'a split'}” were built as yes-or-no splits "
            "in this account, and somebody put others in their place."
        )
    branches: list[Any] = []
    ways: dict[str, str | None] = {}
    asking = iter(row)
    for port, branch in zip(split.ports, split.config["branches"], strict=True):
        if branch.get("is_else"):
            ways[port] = graph.out.get(row[-1], {}).get(NO)
        elif branch.get("branch_filter"):
            step = graph.by_key[key := next(asking)]
            ways[port] = graph.out.get(key, {}).get(YES)
            asks = get_at(step.config, ("profile_filter",)) or get_at(step.config, ("trigger_filter",))
            branch = {**branch, "branch_filter": asks}
        branches.append(branch)
    whole = replace(split, config={**split.config, "branches": branches})
    kept = [one for one in graph.links if one.source not in row]
    made = [Link(split.key, port, to) for port, to in ways.items() if to]
    steps = [whole if one.key == split.key else one for one in graph.steps if one.key not in row[1:]]
    return replace(graph, steps=tuple(steps), links=(*kept, *made))


def _is_whole(graph: Graph, nested: Graph, row: list[str]) -> bool:
    if any(key not in graph.by_key or graph.by_key[key].type != nested.by_key[key].type for key in row):
        return False
    return all(
        [(link.source, link.port) for link in graph.into.get(key, ())] == [(before, NO)]
        for before, key in pairwise(row)
    )
