"""A step or a trigger as people see it: name, sentence, icon, marks. For the canvas, lists and problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowbuilder.graph.values import Graph, Step, Trigger
from flowbuilder.kinds.asks import fill, find_asks, part_of
from flowbuilder.kinds.base import STATUS_WORDS, Kind, Words, count
from flowbuilder.kinds.conditions import FlowConditions
from flowbuilder.kinds.examine import model_of
from flowbuilder.kinds.messages import SendSms, segments
from flowbuilder.kinds.registry import action_kind, trigger_kind

TRIGGER_KEY = "trigger"


@dataclass(frozen=True, slots=True)
class Card:
    """`summary` is one sentence; `chips` are short facts (tone, text)."""

    key: str
    kind: type[Kind] | None
    title: str
    summary: str
    chips: tuple[tuple[str, str], ...] = ()

    @property
    def family(self) -> str:
        return self.kind.FAMILY if self.kind else "trigger"

    @property
    def icon(self) -> str:
        return self.kind.ICON if self.kind else "plus"

    @property
    def label(self) -> str:
        return self.kind.LABEL if self.kind else "Trigger"


@dataclass(frozen=True)
class Describer:
    """Describes one flow: with names for ids, and what questions stand for until they are answered."""

    words: Words
    defaults: Mapping[str, Any]

    def step(self, step: Step) -> Card:
        kind = action_kind(step.type)
        model = model_of(kind, step.config, self.defaults)
        chips: list[tuple[str, str]] = []
        if questions := {key for _, key, _ in find_asks(step.config)}:
            chips.append(("accent", count(len(questions), "question")))
        if isinstance(model, SendSms) and model.message and model.message.body:
            chips.append(("", count(segments(model.message.body), "segment")))
        if (status := getattr(model, "status", "draft")) != "draft":
            chips.append(("", STATUS_WORDS.get(status, str(status))))
        if model is None:
            return Card(
                step.key, kind, step.name or kind.LABEL, "Some settings are not right yet.", tuple(chips)
            )
        title = step.name or model.title(self.words)
        return Card(step.key, kind, title, model.summary(self.words), tuple(chips))

    def title(self, step: Step) -> str:
        """The name on the card of a step, without the rest of it."""
        if step.name:
            return step.name
        kind = action_kind(step.type)
        model = model_of(kind, step.config, self.defaults)
        return kind.LABEL if model is None else model.title(self.words)

    def trigger(self, trigger: Trigger | None) -> Card:
        if trigger is None:
            return Card(TRIGGER_KEY, None, "Choose a trigger", "What starts this flow?")
        kind = trigger_kind(trigger.type, trigger.config)
        model = model_of(kind, trigger.config, self.defaults)
        questions = {key for _, key, _ in find_asks(trigger.config)}
        chips = (("accent", count(len(questions), "question")),) if questions else ()
        if model is None:
            return Card(TRIGGER_KEY, kind, kind.LABEL, "Some settings are not right yet.", chips)
        return Card(TRIGGER_KEY, kind, model.title(self.words), model.summary(self.words), chips)

    def card(self, graph: Graph, key: str) -> Card:
        return self.trigger(graph.trigger) if key == TRIGGER_KEY else self.step(graph.by_key[key])

    def profile_filter(self, value: Any) -> str:
        """Whom the flow is for, as a sentence; empty where it is for everybody."""
        if not value:
            return ""
        try:
            filled = fill(value, lambda key, part: part_of(self.defaults.get(key), part), str)
            return f"Only if: {FlowConditions.model_validate(filled).sentence(self.words)}."
        except ValueError:
            return "Some conditions are not right yet."


def ports_of(step: Step) -> dict[str, str]:
    """port -> its label, in order."""
    return {port.name: port.label for port in action_kind(step.type).ports(step.config)}
