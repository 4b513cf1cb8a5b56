"""How a flow is built in an account that does not take all shapes. Two settings of a publication, both pure:

    duplicate_tails    (split) -yes-> [a] -> [end]        ->    (split) -yes-> [a] -> [end]
                               -no---------> [end]                      -no---------> [end-2]

    nest_branches      (many) -a-> [x]                    ->    (a?) -yes-> [x]
                              -b-> [y]                               -no--> (b?) -yes-> [y]
                              -else-> [z]                                        -no--> [z]

Every person goes the same way as before: `same_ways` (ways.py) proves it of each flow that is shaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.definition.consent import groups_of
from flowbuilder.definition.excluding import excluding
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.ways import same_ways
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.values import NEXT, NO, YES
from flowbuilder.graph.walk import breadth_first, downwards, find_cycle
from flowbuilder.kinds.asks import get_at

MOST_STEPS = 1000  # of a flow whose tails are copied: twice what Klaviyo's own editor takes well
SETTINGS = {
    "duplicate_tails": "Copy what branches share",
    "nest_branches": "Build branches as yes-or-no splits",
}
HELP = {
    "duplicate_tails": "Some accounts refuse branches that join again. Each branch then gets its own copy of the steps "
    "they share.",
    "nest_branches": "Some accounts refuse splits with many branches. Each branch then becomes a yes-or-no split, one "
    "after the other.",
}
_EVENT_CONDITIONS = (
    "metric-property",
    "price-drop-property",
    "low-inventory-property",
    "custom-object-property",
)

_BRANCH_KEYS = frozenset({"branch_id", "order", "is_else", "branch_filter", "links", "name"})


class UnableToShape(Exception):
    """The flow cannot be built so; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """`origins`: key of a step that shaping made -> the step of the design that it stands for."""

    graph: Graph
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        return self.origins.get(key, key)


def offers(graph: Graph) -> tuple[str, ...]:
    """The settings that would change anything in this flow."""
    joins = any(len(links) > 1 for links in graph.into.values())
    branches = any(step.type == "multi-branch-split" for step in graph.steps)
    nests = "nest_branches" if branches else ""
    return tuple(one for one in ("duplicate_tails" if joins else "", nests) if one)


def shape(graph: Graph, settings: Mapping[str, Any]) -> Shaped:
    """The flow as it is built with these settings. UnableToShape where it cannot be."""
    found = Shaped(graph)
    if settings.get("nest_branches"):
        found = _then(found, nest_branches(found.graph))
    if settings.get("duplicate_tails"):
        found = _then(found, duplicate_tails(found.graph))
    if found.graph is not graph and not same_ways(graph, found.graph):
        raise UnableToShape(
            "This flow cannot be built so without sending people another way. Leave it as it is."
        )
    return found


def shape_definition(
    definition: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The same for a definition: (it, origins). Nothing to shape leaves it as it is, down to the order of its steps;
    flows that are left out stand in its filter."""
    if not any(settings.get(one) for one in SETTINGS):
        return excluding(definition, settings), {}
    graph = read_document({"definition": definition}).graph
    shaped = shape(graph, settings)
    if shaped.graph is graph:
        return excluding(definition, settings), {}
    return excluding(to_definition(shaped.graph), settings), dict(shaped.origins)


def _then(first: Shaped, second: Shaped) -> Shaped:
    later = {key: first.origin(origin) for key, origin in second.origins.items()}
    kept = {key: origin for key, origin in first.origins.items() if key in second.graph.by_key}
    return Shaped(second.graph, kept | later)


def _check_circles(graph: Graph) -> None:
    if find_cycle(graph):
        raise UnableToShape("The steps of this flow lead in a circle: take a link of it away first.")


class _Names:
    """New keys that read like the old ones: “mail”, “mail-2”, “mail-3”."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.last: dict[str, int] = {}

    def new(self, key: str) -> str:
        number = self.last.get(key, 1)
        while True:
            number += 1
            name = f"{key[:56]}-{number}"
            if name not in self.taken:
                self.taken.add(name)
                self.last[key] = number
                return name


# --- What branches share, copied ---------------------------------------------------------------------------------


def duplicate_tails(graph: Graph) -> Shaped:
    """A strict tree: each step that several links lead to is copied with all that follows, for each link but one."""
    _check_circles(graph)
    order = downwards(graph)
    if all(len(graph.into.get(key, ())) < 2 for key in order):
        return Shaped(graph)
    size: dict[str, int] = {}
    for key in reversed(order):
        size[key] = 1 + sum(size[target] for _, target in graph.targets(key) if target)
    if (steps := size[order[0]]) > MOST_STEPS:
        raise UnableToShape(
            f"With everything that branches share copied, this flow would have {steps:,} steps, and {MOST_STEPS:,} is "
            "the most that we build. Let fewer branches join, or publish it as it is."
        )
    names = _Names(graph.by_key)
    kept: set[str] = set()
    steps_made: list[Step] = []
    links: list[Link] = []
    origins: dict[str, str] = {}
    todo: list[tuple[str | None, str, str]] = [(None, NEXT, order[0])]
    while todo:
        source, port, key = todo.pop()
        step = graph.by_key[key]
        if key in kept:
            copy = names.new(key)
            origins[copy] = key
            step = replace(step, key=copy, config=_own_ids(step.config, copy))
        kept.add(key)
        steps_made.append(step)
        links.append(Link(source, port, step.key))
        todo += [(step.key, out, to) for out, to in reversed(graph.targets(key)) if to]
    alone = [step for step in graph.steps if step.key not in kept]  # what cannot be reached stays as it is
    links += [link for link in graph.links if link.source is not None and link.source not in kept]
    return Shaped(replace(graph, steps=(*steps_made, *alone), links=tuple(links)), origins)


def _own_ids(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The actions inside a copied experiment need ids of their own: each may be used once in a flow."""
    names: dict[str, str] = {}

    def renamed(action: Any, place: str) -> Any:
        old = action.get("temporary_id") if isinstance(action, Mapping) else None
        if old is None:
            return action
        names[str(old)] = f"{key}-{place}"
        return {**action, "temporary_id": names[str(old)]}

    main, running = config.get("main_action"), config.get("current_experiment")
    if not isinstance(main, Mapping) and not isinstance(running, Mapping):
        return config
    fresh = {**config, "main_action": renamed(main, "main")}
    if isinstance(running, Mapping):
        variations = running.get("variations")
        running = {
            **running,
            "variations": [renamed(one, f"v{index}") for index, one in enumerate(variations)]
            if isinstance(variations, list)
            else variations,
        }
        if isinstance(shares := running.get("allocations"), Mapping):
            running["allocations"] = {names.get(str(one), one): share for one, share in shares.items()}
        fresh["current_experiment"] = running
    return fresh


# --- Branches, nested --------------------------------------------------------------------------------------------


def nest_branches(graph: Graph) -> Shaped:
    """Each multi-branch split as a row of yes-or-no splits: the first branch that fits is taken, else the last."""
    many = [step for step in graph.steps if step.type == "multi-branch-split"]
    if not many:
        return Shaped(graph)
    _check_circles(graph)
    names = _Names(graph.by_key)
    steps = {step.key: [step] for step in graph.steps}
    instead: dict[str, str | None] = {}  # a split in which no branch can fit -> where everybody goes
    links = [link for link in graph.links if link.source not in {step.key for step in many}]
    origins: dict[str, str] = {}
    for step in many:
        asked, otherwise = _asked(graph, step)
        if not asked:
            steps[step.key], instead[step.key] = [], otherwise
            continue
        row = [_split(graph, step, value, name) for _, value, name in asked]
        row = [row[0], *(replace(one, key=names.new(step.key)) for one in row[1:])]
        origins |= {one.key: step.key for one in row[1:]}
        steps[step.key] = row
        for index, (one, (target, _, _)) in enumerate(zip(row, asked, strict=True)):
            following = row[index + 1].key if index + 1 < len(row) else otherwise
            links += [Link(one.key, port, to) for port, to in ((YES, target), (NO, following)) if to]
    for index, link in enumerate(links):
        to: str | None = link.target
        while to in instead:
            to = instead[to]
        links[index] = replace(link, target=to or "")
    grown = replace(
        graph,
        steps=tuple(one for row in steps.values() for one in row),
        links=tuple(link for link in links if link.target),
    )
    # What only a branch led to that nobody can take is left out.
    lost = set(breadth_first(graph)) & set(grown.by_key) - set(breadth_first(grown))
    return Shaped(
        replace(
            grown,
            steps=tuple(step for step in grown.steps if step.key not in lost),
            links=tuple(one for one in grown.links if one.source not in lost and one.target not in lost),
        ),
        origins,
    )


def _asked(graph: Graph, step: Step) -> tuple[list[tuple[str | None, Any, str]], str | None]:
    """((target, filter, name) of each branch that somebody can take, in order; where everyone else goes)."""
    branches = step.config.get("branches")
    branches = branches if isinstance(branches, list) else []
    targets = dict(graph.targets(step.key))
    unknown = {*step.extra, *step.config} - {"name", "branches"}
    unknown |= {key for one in branches if isinstance(one, Mapping) for key in one} - _BRANCH_KEYS
    if unknown:
        raise UnableToShape(
            f"A split with many branches has the setting “{min(unknown)}”, which no yes-or-no split can carry. "
            "Publish the flow as it is."
        )
    asked: list[tuple[str | None, Any, str]] = []
    otherwise: str | None = None
    for port, branch in zip(step.ports, branches, strict=False):
        if get_at(branch, ("is_else",)):
            otherwise = targets.get(port)
        elif value := get_at(branch, ("branch_filter",)):  # a branch that asks nothing fits nobody
            asked.append((targets.get(port), value, str(get_at(branch, ("name",)) or "")))
    return asked, otherwise


def _split(graph: Graph, step: Step, value: Any, name: str) -> Step:
    """One branch as a split of its own: on the person, or on the event where that is what it asks."""
    about = {get_at(one, ("type",)) in _EVENT_CONDITIONS for group in groups_of(value) for one in group}
    title = f"{step.name}: {name}" if step.name and name else name or step.name
    if about == {True} and graph.trigger is not None:
        config = {
            "trigger_filter": value,
            "trigger_id": graph.trigger.config.get("id", ""),
            "trigger_type": graph.trigger.type,
        }
        return Step(step.key, "trigger-split", config, title[:200], (YES, NO), step.note)
    if True in about:
        raise UnableToShape(
            f"The branch “{name}” asks about the person and the event at once: no yes-or-no split does. Make two "
            "branches of it, or publish the flow as it is."
        )
    return Step(step.key, "conditional-split", {"profile_filter": value}, title[:200], (YES, NO), step.note)
