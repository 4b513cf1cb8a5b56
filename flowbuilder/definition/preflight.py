"""Everything that is wrong with a flow, before anybody calls Klaviyo. The editor shows the same list. Pure.

    problems = check(graph, Checking(defaults={...}, contents={...}))

The editor keeps `step_problems` of each step and asks anew only for those that changed; `whole_problems` is linear
and reads no step's model. Rules on one step's settings are its kind's, those on several together.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from flowbuilder.definition.consent import groups_of, messages_in
from flowbuilder.definition.repairs import offered
from flowbuilder.definition.texts import Contents, check_contents, check_texts
from flowbuilder.definition.together import check_together, check_with_trigger
from flowbuilder.graph import Graph, Problem, Step
from flowbuilder.graph.rules import EMPTY_SPLIT, check_completeness, check_shape
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import Place, get_at
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import TRIGGER_KEY, Describer
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.registry import ACTIONS, FORMED, TRIGGERS, action_kind, trigger_kind

Title = Callable[[str], str]
Messages = Sequence[tuple[Path, Mapping[str, Any]]]


@dataclass(frozen=True)
class Checking:
    """What the check knows beside the graph: defaults by requirement key, emails written here (key -> html and
    text; their keys alone where only those matter), names for ids."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    contents: Contents = frozenset()
    words: Words = field(default_factory=Words)


def check(graph: Graph, known: Checking | None = None) -> list[Problem]:
    """All problems, those of the whole first, then step by step; blocking ones and warnings."""
    known = known or Checking()
    found = whole_problems(graph, known)
    for step in graph.steps:
        found += step_problems(step, known)
    return found


def blocking(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.blocks]


# --- The flow as a whole ----------------------------------------------------------------------------------------


def whole_problems(graph: Graph, known: Checking, title: Title | None = None) -> list[Problem]:
    """What is wrong with the flow beyond its single steps: trigger, settings, shape, what steps do together.

    `title` gives the title of a step that is known already; without it only steps that are named are described.
    """
    titles = title or _titles(graph, known)

    def label(key: str) -> str:
        return f"“{titles(key)}”" if key in graph.by_key else f"“{key}”"

    broken = check_shape(graph, label)
    found = [*broken, *_settings(graph, known), *_trigger(graph, known)]
    if not broken:
        found += check_completeness(graph, label)
        found += check_together(graph, label)
    return [offered(graph, one) for one in found]


def part_stops(graph: Graph, known: Checking, title: Title | None = None) -> Iterator[Problem]:
    """What blocks a flow of which parts were taken out, beyond its single steps, and what they leave without use: the
    part of `whole_problems` that can be otherwise then. Its shape stays sound (graph/switching.py)."""
    titles = title or _titles(graph, known)

    def label(key: str) -> str:
        return f"“{titles(key)}”"

    for one in chain(check_completeness(graph, label), check_with_trigger(graph, label)):
        if one.blocks or one.code == EMPTY_SPLIT:
            yield one


def _titles(graph: Graph, known: Checking) -> Title:
    describer = Describer(known.words, known.defaults)
    told: dict[str, str] = {}

    def title(key: str) -> str:
        if key not in told:
            told[key] = describer.title(graph.by_key[key])
        return told[key]

    return title


def _settings(graph: Graph, known: Checking) -> Iterator[Problem]:
    if graph.profile_filter is None and graph.reentry is None:
        return
    settings = {"profile_filter": graph.profile_filter, "reentry": graph.reentry}
    reading = examine(FlowSettings, settings, known.defaults)
    for one in reading.findings:
        yield Problem(one.code, one.text, None, _key_of(one.path), one.blocks)
    for question in _questions(reading.asks, None, known):
        yield replace(question, path=_key_of(question.path))


def _key_of(path: Path) -> Path:
    """The path in a definition, where re-entry has another key than in our settings."""
    return (FlowSettings.KEYS.get(str(path[0]), path[0]), *path[1:]) if path else ()


def _trigger(graph: Graph, known: Checking) -> Iterator[Problem]:
    if graph.trigger is None:
        return
    kind = trigger_kind(graph.trigger.type, graph.trigger.config)
    reading = examine(kind, graph.trigger.config, known.defaults)
    for one in reading.findings:
        yield Problem(one.code, one.text, TRIGGER_KEY, one.path, one.blocks)
    if graph.trigger.type not in TRIGGERS and graph.trigger.type != "low-inventory":
        text = f"Klaviyo knows no trigger of the type “{graph.trigger.type}”."
        yield Problem("unknown-type", text, TRIGGER_KEY)
    yield from _questions(reading.asks, TRIGGER_KEY, known)


# --- One step ---------------------------------------------------------------------------------------------------


def step_problems(step: Step, known: Checking) -> tuple[Problem, ...]:
    """What is wrong with one step, whatever stands around it."""
    kind = action_kind(step.type)
    messages = messages_in(step)
    reading = examine(kind, step.config, known.defaults)
    is_kept = step.type not in FORMED
    found: list[Problem] = []
    if reading.findings or is_kept:  # a condition that may not stand here is a finding of its model
        elsewhere = dict(_not_here(step, messages))
        found += [
            Problem(one.code, one.text, step.key, one.path, one.blocks, one.repair)
            for one in reading.findings
            if one.path not in elsewhere
        ]
        found += [Problem("not-in-flow-here", text, step.key, path) for path, text in elsewhere.items()]
    if step.type not in ACTIONS:
        found.append(Problem("unknown-type", f"Klaviyo knows no step of the type “{step.type}”.", step.key))
    elif is_kept:
        text = f"{kind.LABEL} has no form here yet: it is published as it was imported."
        found.append(Problem("kept", text, step.key, blocks=False))
    if messages:
        written = check_texts(messages)
        if reading.contents:
            written += check_contents(reading.contents, known.contents)
        found += [Problem(one.code, one.text, step.key, one.path, one.blocks) for one in written]
    if reading.asks:
        found += _questions(reading.asks, step.key, known)
    if not found:
        return ()
    alone = Graph(steps=(step,))
    return tuple(offered(alone, one) for one in found)


_FILTERS = (("profile_filter",), ("trigger_filter",))


def _not_here(step: Step, messages: Messages) -> Iterator[tuple[Path, str]]:
    """Conditions that only the flow's own filter may hold: Klaviyo refuses them in splits and messages."""
    places: list[Path] = [*_FILTERS, *((*path, "additional_filters") for path, _ in messages)]
    branches = step.config.get("branches")
    for index in range(len(branches) if isinstance(branches, list) else 0):
        places.append(("branches", index, "branch_filter"))
    for head in places:
        for number, group in enumerate(groups_of(get_at(step.config, head))):
            for index, one in enumerate(group):
                if get_at(one, ("type",)) == "profile-not-in-flow":
                    path: Path = (*head, "condition_groups", number, "conditions", index)
                    text = (
                        "“Has not been in this flow” works only in the flow's own filter: take it away here."
                    )
                    yield path, text


def _questions(asks: Iterable[Place], key: str | None, known: Checking) -> Iterator[Problem]:
    for path, question, _ in asks:
        if question not in known.defaults:
            yield Problem("no-question", f"The question “{question}” is not there any more.", key, path)
