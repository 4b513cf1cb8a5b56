"""What must hold for any flow, whatever its steps do. Sentences name the step through `label`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from flowbuilder.graph import walk
from flowbuilder.graph.values import Graph, Link, Problem, Step

Label = Callable[[str], str]
EMPTY_SPLIT = "empty-split"


def check_shape(graph: Graph, label: Label = lambda key: f"“{key}”") -> list[Problem]:
    """What makes a flow impossible to keep: dangling links, cycles, doubled keys and ports."""
    found: list[Problem] = []
    steps, links = graph.by_key, graph.links
    if len(steps) < len(graph.steps):
        for key, count in Counter(step.key for step in graph.steps).items():
            if count > 1:
                text = f"{count} steps share the id “{key}”. Each needs its own."
                found.append(Problem("doubled-id", text, key))
    if sum(map(len, graph.out.values())) < len(links):
        for (source, port), count in Counter((link.source, link.port) for link in links).items():
            if count > 1:
                found.append(Problem("doubled-port", f"The way “{port}” leads to {count} steps.", source))
    for link in links:
        source = link.source
        step = None if source is None else steps.get(source)
        if source is not None and step is None:
            text = f"A link starts at the step “{source}”, which does not exist."
            found.append(Problem("dangling", text))
        elif link.target not in steps:
            text = f"{_where(link, label)} leads to the step “{link.target}”, which does not exist."
            found.append(Problem("dangling", text, source))
        elif source == link.target:
            found.append(Problem("cycle", f"{_where(link, label)} leads to itself.", source))
        elif step is not None and link.port not in step.ports:
            text = f"{_where(link, label)} has no way out called “{link.port}”."
            found.append(Problem("no-such-port", text, source))
    if not found and (cycle := walk.find_cycle(graph)):
        names = " → ".join(label(key) for key in cycle)
        found.append(Problem("cycle", f"These steps lead in a circle: {names}.", cycle[0]))
    return found


def _where(link: Link, label: Label) -> str:
    return "The trigger" if link.source is None else label(link.source)


def check_completeness(graph: Graph, label: Label = lambda key: f"“{key}”") -> list[Problem]:
    """What a flow of sound shape still lacks before it can run."""
    found: list[Problem] = []
    if graph.trigger is None:
        found.append(Problem("no-trigger", "Choose what starts this flow.", "trigger"))
    if not graph.steps:
        found.append(Problem("no-steps", "Add a first step below the trigger."))
        return found
    if graph.entry is None:
        found.append(
            Problem("no-entry", "Nothing comes after the trigger: link it to a first step.", "trigger")
        )
    reached = graph.by_key if len(graph.order) == len(graph.by_key) else set(graph.reached)
    for step in graph.steps:
        if step.key not in reached:
            text = f"{label(step.key)} cannot be reached: no way leads to it."
            found.append(Problem("unreachable", text, step.key))
        if len(step.ports) > 1:
            found += _check_split(graph, step, label)
    return found


def _check_split(graph: Graph, step: Step, label: Label) -> list[Problem]:
    """A split that makes no difference: all of its ways end, or lead to the same step."""
    ways = set(map(graph.out.get(step.key, {}).get, step.ports))
    if len(ways) > 1:
        return []
    target = ways.pop()
    which = "Both ways" if len(step.ports) == 2 else "All ways"
    if target is None:
        text = f"{which} out of {label(step.key)} are empty: it makes no difference."
        return [Problem(EMPTY_SPLIT, text, step.key, blocks=False)]
    text = f"{which} out of {label(step.key)} lead to {label(target)}: it makes no difference."
    return [Problem("same-sides", text, step.key, blocks=False)]
