"""Whether a template can be published whatever its merchants answer: every combination of its switches, tried. Pure.

    proof = prove(graph, questions, Checking(defaults={...}))
    proof.failure      None, or the first combination that does not hold: its answers in words, and what is wrong

Beyond MOST combinations pairs are covered: each two answers to two questions stand together in at least one that was
tried. Steps are checked once, whatever number of combinations they stand in; combinations that leave the same flow
are tried once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod
from typing import Any

from flowbuilder.definition.answering import WrongAnswer, checked, options_of, told, units_of
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.preflight import (
    Checking,
    Title,
    blocking,
    part_stops,
    step_problems,
    whole_problems,
)
from flowbuilder.definition.switching import is_on, part_of
from flowbuilder.graph import Graph, Problem, Step
from flowbuilder.graph.rules import EMPTY_SPLIT, check_completeness
from flowbuilder.graph.switching import Part, Taken, take, why_not, without
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import CONTENT, ask, fill, find_asks
from flowbuilder.kinds.asks import part_of as part_of_answer
from flowbuilder.kinds.base import both
from flowbuilder.kinds.marking import OF_ACCOUNT

MOST = 1024

Answers = tuple[tuple[Question, Any], ...]
StepProblems = Callable[[Step], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Failure:
    """`answers`: (question, answer in words); `problems` in the flow that they leave."""

    answers: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]

    @property
    def text(self) -> str:
        said = both([f"“{question}” {answer}" for question, answer in self.answers])
        what = " ".join(one.text for one in self.problems[:2])
        return f"With {said}: {what}" if said else what


@dataclass(frozen=True, slots=True)
class Proof:
    """`total` combinations there are, `tried` of them; `is_pairwise` where not all were."""

    total: int
    tried: int
    is_pairwise: bool = False
    failure: Failure | None = None

    @property
    def problems(self) -> list[Problem]:
        """What keeps the template from being published."""
        if self.failure is None:
            return []
        step = next((one.step for one in self.failure.problems if one.step), None)
        return [Problem("switches", self.failure.text, step)]


def prove(
    graph: Graph,
    questions: Sequence[Question],
    known: Checking,
    of_step: StepProblems | None = None,
    title: Title | None = None,
) -> Proof:
    """`of_step` gives the problems of a step, `title` its title, where they are known already."""
    asking = [one for one in questions if one.switches and options_of(one)]
    answers = [[value for value, _ in options_of(one)] for one in asking]
    total = prod(map(len, answers)) if asking else 0
    is_pairwise = total > MOST
    failure = _broken(graph, questions) or _wrong_option(graph, questions, known)
    rows = (
        pairwise([len(one) for one in answers])
        if is_pairwise
        else product(*(range(len(one)) for one in answers))
    )
    trial = _Trial(graph, known, of_step, title)
    tried = 0
    if failure is None and asking:
        for row in rows:
            tried += 1
            given = [(one, values[at]) for one, values, at in zip(asking, answers, row, strict=True)]
            if problems := trial.of(given):
                failure = Failure(_in_words(graph, given, trial), tuple(problems))
                break
    return Proof(total, tried, is_pairwise, failure)


def _broken(graph: Graph, questions: Sequence[Question]) -> Failure | None:
    """A switch of something that the flow does not have any more."""
    for one in questions:
        for switch in one.switches:
            if reason := why_not(graph, part_of(switch)):
                text = f"“{one.question}” switches a part of the flow, but {reason}. Mark the part again."
                start = str(switch.get("start"))
                step = start if start in graph.by_key else None
                return Failure((), (Problem("switch-broken", text, step),))
        if one.switches and not options_of(one):
            text = f"“{one.question}” switches a part of the flow, but has no answers to choose from."
            return Failure((), (Problem("switch-broken", text),))
    return None


def _wrong_option(graph: Graph, questions: Sequence[Question], known: Checking) -> Failure | None:
    """An answer that can be chosen and does not fit where it stands: each is tried alone, in the steps that ask."""
    asked: dict[str, list[Step]] = {}
    for step in graph.steps:
        for key in {key for _, key, _ in find_asks(step.config)}:
            asked.setdefault(key, []).append(step)
    for one in questions:
        for value, label in _choices(one):
            for step in asked.get(one.key, ()):
                before = {(was.code, was.path) for was in step_problems(step, known) if was.blocks}
                answered = replace(step, config=_answered(step.config, one.key, value))
                stops = blocking(list(step_problems(answered, known)))
                if found := [was for was in stops if (was.code, was.path) not in before]:
                    return Failure(((one.question, label),), tuple(found))
        if one.default not in (None, "", []) and one.kind in ("number", "delay", "image", "yes-no", "choice"):
            try:
                checked(one, one.default)
            except WrongAnswer as error:
                text = f"What “{one.question}” suggests is no answer to it. {error}"
                return Failure((), (Problem("no-answer", text),))
    return None


def _answered(config: Config, key: str, value: Any) -> Any:
    return fill(
        config,
        lambda one, part: part_of_answer(value, part) if one == key else ask(one, part),
        lambda content: {CONTENT: content},
    )


def _choices(question: Question) -> Iterator[tuple[Any, str]]:
    """Answers that a merchant may press: the suggestion, and those that are listed."""
    if question.default not in (None, "", []) and question.kind not in OF_ACCOUNT:
        yield question.default, f"as suggested, {told(question, question.default)}"
    if not question.limits.get("many"):
        yield from options_of(question)
    else:
        for value, label in options_of(question):
            yield [value], label
    if question.kind == "delay" and isinstance(question.default, Mapping):
        for unit in units_of(question):
            yield {**question.default, "unit": unit}, f"in {unit}"


def _in_words(
    graph: Graph, given: Sequence[tuple[Question, Any]], trial: _Trial
) -> tuple[tuple[str, str], ...]:
    """The answers that it takes to see the problem: those that switch something off, each left out where it changes
    nothing about it."""
    needed = [one for one in given if any(not is_on(switch, one[1]) for switch in one[0].switches)]
    codes = {(one.code, one.step) for one in trial.of(given)}
    for one in list(needed):
        fewer = [other for other in needed if other is not one]
        if codes & {(found.code, found.step) for found in trial.of(fewer)}:
            needed = fewer
    labels = {id(one): dict(_pairs(one[0])).get(repr(one[1]), str(one[1])) for one in needed}
    return tuple(
        (one[0].question, labels[id(one)].lower() if one[0].kind == "yes-no" else f"“{labels[id(one)]}”")
        for one in needed
    )


def _pairs(question: Question) -> list[tuple[str, str]]:
    return [(repr(value), label) for value, label in options_of(question)]


class _Trial:
    """One flow and what is known of its steps and parts; each combination asks only for what it changes.

    A split that an answer leaves with nothing on any side stops a template, though it is only a warning where somebody
    draws it: the merchant would get a step that does nothing, and the partner can mark the split itself.
    """

    def __init__(
        self, graph: Graph, known: Checking, of_step: StepProblems | None, title: Title | None
    ) -> None:
        self.graph, self.known, self.title = graph, known, title
        find = of_step or (lambda step: step_problems(step, known))
        stops = {step.key: [one for one in find(step) if one.blocks] for step in graph.steps}
        self.steps = {key: found for key, found in stops.items() if found}
        self.always = [one for one in whole_problems(graph, known, title) if one.blocks]
        self.parts: dict[Part, Taken | None] = {}
        self.empty = {one.step for one in check_completeness(graph) if one.code == EMPTY_SPLIT}
        self.found: dict[frozenset[Part], list[Problem]] = {}

    def of(self, given: Sequence[tuple[Question, Any]]) -> list[Problem]:
        off = frozenset(
            part_of(switch)
            for question, answer in given
            for switch in question.switches
            if not is_on(switch, answer)
        )
        if off not in self.found:
            self.found[off] = self._try(off)
        return self.found[off]

    def _try(self, off: frozenset[Part]) -> list[Problem]:
        if not off:
            found = list(self.always)
        else:
            for part in off - self.parts.keys():
                self.parts[part] = take(self.graph, part)
            fewer = without(self.graph, [one for part in off if (one := self.parts[part]) is not None])
            stops = part_stops(fewer, self.known, self.title)
            found = [one for one in stops if one.code != EMPTY_SPLIT or one.step not in self.empty]
            there = fewer.by_key if self.steps else {}
            return found + [one for key in self.steps if key in there for one in self.steps[key]]
        return found + [one for ones in self.steps.values() for one in ones]


def pairwise(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Rows of values so that every two values of every two columns stand in one row together. Few, not the fewest:
    each row is filled column by column with the value that covers most of what is open."""
    if len(sizes) < 2:
        return [(value,) for size in sizes for value in range(size)]
    open_pairs = {
        (one, a, other, b)
        for one, other in combinations(range(len(sizes)), 2)
        for a in range(sizes[one])
        for b in range(sizes[other])
    }
    rows = []
    while open_pairs:
        one, a, other, b = min(open_pairs)
        row = {one: a, other: b}
        for column in range(len(sizes)):
            if column in row:
                continue
            gain = [
                sum(_pair(column, value, at, row[at]) in open_pairs for at in row)
                for value in range(sizes[column])
            ]
            row[column] = gain.index(max(gain))
        rows.append(tuple(row[column] for column in range(len(sizes))))
        open_pairs -= {(x, row[x], y, row[y]) for x, y in combinations(range(len(sizes)), 2)}
    return rows


def _pair(one: int, a: int, other: int, b: int) -> tuple[int, int, int, int]:
    return (one, a, other, b) if one < other else (other, b, one, a)
