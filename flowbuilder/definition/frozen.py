"""A version read back: its graph, its questions, its sentences, and what lands in an account. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flowbuilder.definition.excluding import excluding
from flowbuilder.definition.pieces import email_for, missing_in, stands_in
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.shaping import shape
from flowbuilder.definition.switching import without_off
from flowbuilder.definition.taken import asked_by, asked_within
from flowbuilder.definition.writing import bind, create_body, to_definition
from flowbuilder.graph import Graph
from flowbuilder.kinds.asks import find_contents, find_open
from flowbuilder.kinds.base import Words, both, count
from flowbuilder.kinds.describe import Card, Describer, ports_of
from flowbuilder.kinds.examine import model_of
from flowbuilder.kinds.flow import FlowSettings

# What a message is called when it is counted.
MESSAGES = {
    "send-email": ("mail", "email"),
    "send-sms": ("message-square", "text"),
    "send-whatsapp": ("whatsapp", "WhatsApp message"),
    "send-mobile-push": ("bell", "push notification"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A requirement as a version holds it. `kind` is one of models.Requirement.Kind."""

    key: str
    kind: str
    question: str
    help: str = ""
    looks_for: str = ""
    integration: str = ""
    role: str = ""
    default: Any = None
    who: str = ""
    place: int = 0
    options: tuple[Mapping[str, Any], ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    switches: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Question:
        """From plain values, with lists for what comes several times."""
        lists = {name: tuple(values[name]) for name in ("options", "switches") if name in values}
        return cls(**{**values, **lists})

    @property
    def stands_for(self) -> Any:
        """What it is in sentences and checks until somebody answers: the suggestion, or something like it."""
        if self.default not in (None, "", []):
            return self.default
        if self.kind == "choice" and self.options:
            first = self.options[0]["value"]
            return [first] if self.limits.get("many") else first
        if self.kind == "number" and self.limits.get("least") is not None:
            return self.limits["least"]
        name = self.looks_for or self.question
        return [name] if self.limits.get("lines") else stand_in(self.kind, name)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a flow that is told in order. `depth` counts the branches around it; `way` names the branch that
    it begins. Where there is no `card`, `text` says how the branch goes on. After `ends` comes another branch."""

    depth: int
    way: str = ""
    card: Card | None = None
    text: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Landing:
    """What would be made in one account: the flow's graph and the whole request. `missing` are unanswered keys;
    `origins` names the step of the design that each step made by shaping stands for."""

    graph: Graph
    body: dict[str, Any]
    missing: tuple[str, ...]
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frozen:
    """The document of a version, as values."""

    document: Mapping[str, Any]

    @cached_property
    def graph(self) -> Graph:
        return self._named(read_document(self.document).graph)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        found = (Question.of(one) for one in self.document.get("requirements", []))
        return tuple(sorted(found, key=lambda one: one.place))

    @property
    def contents(self) -> Mapping[str, Mapping[str, str]]:
        contents: Mapping[str, Mapping[str, str]] = self.document.get("contents", {})
        return contents

    @cached_property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """(icon, “2 emails”) for each way in which it speaks to people."""
        types = [step.type for step in self.graph.steps]
        return tuple(
            (icon, count(types.count(one), word)) for one, (icon, word) in MESSAGES.items() if one in types
        )

    @cached_property
    def templates_made(self) -> int:
        """How many email templates are made or copied in an account: not those that the account chooses."""
        held = [(step.config.get("message") or {}).get("template_id") for step in self.graph.steps]
        return len(self.contents) + sum(isinstance(one, str) and bool(one) for one in held)

    @cached_property
    def trigger(self) -> Card:
        return self.describer().trigger(self.graph.trigger)

    @cached_property
    def sentence(self) -> str:
        """What it does, for a flow that nobody described."""
        card = self.trigger
        sends = both([text for _, text in self.channels])
        if card.title != card.label:
            start = f"Starts with “{card.title}”"
        else:
            start = f"Starts when {card.label[:1].lower()}{card.label[1:]}"
        return f"{start}, then sends {sends}." if sends else f"{start}."

    def describer(
        self, answers: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None
    ) -> Describer:
        """Sentences, with an account's answers where there are any, else with what each question stands for."""
        stands_for: dict[str, Any] = {}
        known = dict(names or {})
        for one in self.questions:
            answer = (answers or {}).get(one.key)
            if answer in (None, "", []):
                answer = one.stands_for
                if isinstance(answer, str) and one.looks_for:
                    known.setdefault(answer, one.looks_for)
            stands_for[one.key] = answer
        return Describer(Words(known), stands_for)

    def landing(
        self, name: str, answers: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> Landing:
        """With an account's answers in place, built as `settings` say (shaping.py; UnableToShape where it cannot be).

        Templates that are made first stand by their name.
        """
        made = {key: f"(id of the email template “{one['name']}”)" for key, one in self.contents.items()}
        fewer = self.left(answers)
        shaped = shape(fewer, settings or {})
        definition = self.document["definition"]
        if shaped.graph is not self.graph:
            definition = to_definition(shaped.graph)
        bound = bind(excluding(definition, settings or {}), answers, made)
        undecided = [one.key for one in self.questions if one.switches and answers.get(one.key) is None]
        names = {step.key: step.name for step in shaped.graph.steps}
        graph = self._named(read_document({"definition": bound.definition}).graph, names)
        written = {key for _, key in find_contents(definition)}
        inside = missing_in(self.questions, written, answers)
        missing = tuple(dict.fromkeys([*undecided, *bound.missing, *inside]))
        return Landing(graph, create_body(name, bound.definition), missing, shaped.origins)

    def left(self, answers: Mapping[str, Any]) -> Graph:
        """The flow without the parts that these answers switch off."""
        return without_off(self.graph, self.questions, answers)

    def asked(self, answers: Mapping[str, Any]) -> tuple[Question, ...]:
        """The questions that matter with these answers: not those of which all stands in parts that are off. What a
        question switches is judged by those before it, so that two never hide each other."""
        fewer = self.left(answers)
        if fewer is self.graph:
            return self.needed(answers)
        everywhere, left = (self._asked_in(graph) for graph in (self.graph, fewer))
        found: list[Question] = []
        for one in self.questions:
            there = without_off(self.graph, found, answers).by_key if one.switches else {}
            switches = any(switch.get("start") in there for switch in one.switches)
            if one.key in left or switches or not (one.switches or one.key in everywhere):
                found.append(one)
        return self.needed(answers, tuple(found))

    @cached_property
    def _within(self) -> set[str]:
        """Keys of the questions that stand only inside of segments that came along."""
        within = {key for one in self.questions for key in asked_within(one.limits)}
        switching = {one.key for one in self.questions if one.switches}
        return within - self._asked_in(self.graph) - switching if within else within

    def needed(
        self, answers: Mapping[str, Any], questions: tuple[Question, ...] | None = None
    ) -> tuple[Question, ...]:
        """All questions, without those about a segment's own parts where it is not to be made."""
        asked = self.questions if questions is None else questions
        if not self._within:
            return asked
        spoken_of = {key for value in answers.values() for key in asked_by(value)}
        return tuple(one for one in asked if one.key not in self._within or one.key in spoken_of)

    def _asked_in(self, graph: Graph) -> set[str]:
        """Keys of the questions that stand in its steps, or in an email that one of them sends."""
        asks, contents = find_open(to_definition(graph))
        written = {key for _, key, _ in contents}
        return {key for _, key, _ in asks} | {
            one.key for one in self.questions if stands_in(one.limits, written)
        }

    def email(self, key: str, answers: Mapping[str, Any]) -> Mapping[str, str]:
        """An email that is written in it, as an account gets it; empty where there is none."""
        return email_for(self.contents.get(key, {}), key, self.questions, answers)

    def answered(self, answers: Mapping[str, Any]) -> Frozen:
        """With an account's answers in its emails."""
        return Frozen({**self.document, "contents": {key: self.email(key, answers) for key in self.contents}})

    def _named(self, graph: Graph, names: Mapping[str, str] | None = None) -> Graph:
        names = self.document.get("names", {}) if names is None else names
        return graph.with_steps(replace(step, name=names.get(step.key, "")) for step in graph.steps)


def rules_of(graph: Graph, describer: Describer) -> list[str]:
    """Whom a flow is for and how often they may enter, in sentences; empty where it is for everybody."""
    found = [describer.profile_filter(graph.profile_filter)]
    if graph.reentry:
        model = model_of(FlowSettings, {"profile_filter": None, "reentry": graph.reentry}, {})
        if isinstance(model, FlowSettings) and model.reentry:
            found.append(model.reentry.sentence())
    return [one for one in found if one]


def tell(graph: Graph, describer: Describer) -> list[Line]:
    """A flow from its trigger on, branch after branch in port order; a step that branches share is told once."""
    lines = [Line(0, card=describer.trigger(graph.trigger))]
    told: set[str] = set()
    todo: list[tuple[str | None, int, str]] = [(graph.entry, 0, "")]
    while todo:
        key, depth, way = todo.pop()
        if key is None or key not in graph.by_key:
            if way:
                lines.append(Line(depth, way, text="The flow ends here."))
            continue
        step = graph.by_key[key]
        card = describer.step(step)
        if key in told:
            lines.append(Line(depth, way, text=f"Goes on with “{card.title}”."))
            continue
        told.add(key)
        lines.append(Line(depth, way, card))
        targets = graph.targets(key)
        labels = ports_of(step)
        deeper = depth + 1 if len(targets) > 1 else depth
        for port, target in reversed(targets):
            todo.append((target, deeper, labels.get(port, port) if len(targets) > 1 else ""))
    following = [*lines[1:], None]
    return [
        replace(line, ends=after is None or (bool(after.way) and after.depth <= line.depth))
        for line, after in zip(lines, following, strict=True)
    ]


def stand_in(kind: str, name: str) -> Any:
    """What a question stands for in sentences and checks while nobody has answered it."""
    return {"sender": {}, "delay": 1, "number": 1, "yes-no": True, "group": [name]}.get(kind, name)
