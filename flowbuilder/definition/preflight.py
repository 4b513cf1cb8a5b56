"""Everything that is wrong with a flow, before anybody calls Klaviyo. The editor shows the same list. Pure.

problems = check(graph, Checking(requirements={...}, contents={...}))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.graph import Graph, Problem, Step, Trigger
from flowbuilder.graph.rules import check_completeness, check_shape
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import find_asks, find_contents
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import TRIGGER_KEY, Describer
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.logic import Kept, TriggerSplit
from flowbuilder.kinds.registry import ACTIONS, TRIGGERS, action_kind, trigger_kind

SOFT_LIMIT = 500  # Klaviyo's own preview refuses larger flows


@dataclass(frozen=True)
class Checking:
    """What the check knows beside the graph: defaults by requirement key, keys of contents, names for ids."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    contents: frozenset[str] = frozenset()
    words: Words = field(default_factory=Words)


def check(graph: Graph, known: Checking | None = None) -> list[Problem]:
    """All problems, those of the trigger first, then step by step; blocking ones and warnings."""
    known = known or Checking()
    describer = Describer(known.words, known.defaults)

    def label(key: str) -> str:
        return f"“{describer.step(graph.by_key[key]).title}”" if key in graph.by_key else f"“{key}”"

    broken = check_shape(graph, label)
    found = [*_whole(graph, known), *_trigger(graph, known)]
    for step in graph.steps:
        found += _step(graph, step.key, known)
    if broken:
        return [*broken, *found]
    return [*found, *check_completeness(graph, label), *_together(graph, label)]


def blocking(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.blocks]


def _whole(graph: Graph, known: Checking) -> Iterator[Problem]:
    settings = {"profile_filter": graph.profile_filter, "reentry": graph.reentry}
    for one in examine(FlowSettings, settings, known.defaults).findings:
        yield Problem(one.code, one.text, None, _key_of(one.path), one.blocks)
    for question in _questions(settings, None, known):
        yield replace(question, path=_key_of(question.path))
    if len(graph.steps) > SOFT_LIMIT:
        text = f"The flow has {len(graph.steps)} steps; Klaviyo's own editor is slow beyond {SOFT_LIMIT}."
        yield Problem("many-steps", text, None, blocks=False)


def _key_of(path: Path) -> Path:
    """The path in a definition, where re-entry has another key than in our settings."""
    return (FlowSettings.KEYS.get(str(path[0]), path[0]), *path[1:]) if path else ()


_DATE_STARTS = ("target-date", "countdown-delay")
_EVENTS = ("metric", "price-drop", "low-inventory")


def _trigger_split(trigger: Trigger, step: Step) -> Iterator[Problem]:
    if trigger.type not in _EVENTS:
        text = "A trigger split needs a flow that starts with an event; use a conditional split."
        yield Problem("no-event", text, step.key)
    elif trigger.type == "metric" and step.config.get("trigger_id") != trigger.config.get("id"):
        text = "This split speaks of another trigger than the flow's."
        yield Problem("other-trigger", text, step.key, ("trigger_id",))
    if step.config.get("trigger_type") != trigger.type:
        text = f"This split speaks of a trigger of the type “{step.config.get('trigger_type')}”."
        yield Problem("other-trigger", text, step.key, ("trigger_type",))


def _trigger(graph: Graph, known: Checking) -> Iterator[Problem]:
    if graph.trigger is None:
        return
    kind = trigger_kind(graph.trigger.type, graph.trigger.config)
    for one in examine(kind, graph.trigger.config, known.defaults).findings:
        yield Problem(one.code, one.text, TRIGGER_KEY, one.path, one.blocks)
    if graph.trigger.type not in TRIGGERS and graph.trigger.type != "low-inventory":
        text = f"Klaviyo knows no trigger of the type “{graph.trigger.type}”."
        yield Problem("unknown-type", text, TRIGGER_KEY)
    yield from _questions(graph.trigger.config, TRIGGER_KEY, known)


def _step(graph: Graph, key: str, known: Checking) -> Iterator[Problem]:
    step = graph.by_key[key]
    kind = action_kind(step.type)
    for one in examine(kind, step.config, known.defaults).findings:
        yield Problem(one.code, one.text, key, one.path, one.blocks)
    if step.type not in ACTIONS:
        yield Problem("unknown-type", f"Klaviyo knows no step of the type “{step.type}”.", key)
    elif issubclass(kind, Kept):
        text = f"{kind.LABEL} has no form here yet: it is published as it was imported."
        yield Problem("kept", text, key, blocks=False)
    yield from _questions(step.config, key, known)
    for path, content in find_contents(step.config):
        if content not in known.contents:
            yield Problem("no-content", "The email's content is gone: write it again.", key, path)


def _questions(config: Any, key: str | None, known: Checking) -> Iterator[Problem]:
    for path, question, _ in find_asks(config):
        if question not in known.defaults:
            yield Problem("no-question", f"The question “{question}” is not there any more.", key, path)


def _together(graph: Graph, label: Any) -> Iterator[Problem]:
    """What two steps do together, and a step with the trigger."""
    first_step = graph.by_key.get(graph.entry or "")
    if graph.trigger and graph.trigger.type == "date" and first_step and first_step.type not in _DATE_STARTS:
        text = "A flow that starts with a date begins with a target date or a countdown: put one first."
        yield Problem("date-first", text, first_step.key)
    for step in graph.steps:
        if step.type == TriggerSplit.TYPE and graph.trigger:
            yield from _trigger_split(graph.trigger, step)
    for link in graph.links:
        if link.source is None:
            continue
        first, second = graph.by_key[link.source], graph.by_key[link.target]
        if action_kind(first.type).SENDS and action_kind(second.type).SENDS:
            text = f"{label(second.key)} goes out together with {label(first.key)}: put a delay between them."
            yield Problem("no-wait", text, second.key, blocks=False)
