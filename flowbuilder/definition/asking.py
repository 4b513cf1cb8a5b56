"""Lines of an extraction made into questions of the flow: extracting.py finds them, a person chooses. Pure.

    graph, questions, originals = ask_all(graph, questions, found.lines, {line.id: Choice("question", "Which list?")})

`originals` are what the new questions stand for: bound with them, the flow is what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowbuilder.definition.extracting import CONSTANT, ROLE, WHOLE_TEXT, Known, Line, Place, line_for
from flowbuilder.definition.pieces import pieces_in, with_place
from flowbuilder.definition.taken import TAKEN, ids_in
from flowbuilder.graph import Graph, Trigger
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import GAP, ask, get_at, set_at
from flowbuilder.kinds.describe import TRIGGER_KEY

Questions = Mapping[str, Config]


@dataclass(frozen=True, slots=True)
class Taken:
    """A segment of the account that a flow comes from: what it is made of, in words too, and what it names there."""

    definition: Mapping[str, Any]
    told: str
    known: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Choice:
    """How to treat a line, and the words of its question."""

    treat: str
    question: str = ""


def ask_all(
    graph: Graph,
    questions: Questions,
    lines: tuple[Line, ...],
    choices: Mapping[str, Choice],
    segments: Mapping[str, Taken] | None = None,
) -> tuple[Graph, dict[str, Config], dict[str, Any]]:
    """The flow with its questions set, all questions, and what each new one stands for: {key: original value}.

    Lines without a choice are treated as proposed; a treatment that a line does not allow counts as a constant.
    `segments`: id -> what it is made of, for those that come along.
    """
    now, originals = dict(questions), dict[str, Any]()
    inside: list[tuple[Line, str]] = []
    along: list[tuple[str, Taken]] = []
    for line in lines:
        choice = choices.get(line.id, Choice(line.proposal))
        if choice.treat not in line.may or choice.treat == CONSTANT:
            continue
        words = choice.question.strip()[:200] or line.question
        if line.is_whole:
            key = _new(now, line, words, line.value, by_itself=choice.treat == ROLE)
            originals[key] = line.value
            now[key] = _in_emails(now[key], line)
            if line.what in ("segment", "group") and (taken := (segments or {}).get(only_id(line.value))):
                along.append((key, taken))
            for place in line.places:
                graph = _put(graph, place, ask(key, place.part))
        else:
            inside.append((line, words))
    crowded = {
        place for place, many in Counter(one for line, _ in inside for one in line.places).items() if many > 1
    }
    for line, words in inside:
        graph = _ask_inside(graph, now, originals, line, words, crowded)
    for key, taken in along:
        _take_along(now, originals, key, taken)
    return graph, now, originals


def only_id(value: Any) -> str:
    """The one id that an answer names; empty where there are several."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else ""
    return str(value)


def _take_along(questions: dict[str, Config], originals: dict[str, Any], key: str, taken: Taken) -> None:
    """What the segment is made of, with its own metrics and lists asked for: by a question that is there, or a new
    one."""
    definition: Any = taken.definition
    for path, id, kind in list(ids_in(definition)):
        what = taken.known[id].kind if id in taken.known else kind
        asks = (other for other, one in questions.items() if one["kind"] == what and one["default"] == id)
        if (inner := next(asks, None)) is None:
            line = line_for(what, id, taken.known)
            inner = _new(questions, line, line.question, id, by_itself=line.proposal == ROLE)
            originals[inner] = id
        definition = set_at(definition, path, ask(inner))
    held = {"definition": definition, "told": taken.told}
    questions[key] = {**questions[key], "limits": {**questions[key].get("limits", {}), TAKEN: held}}


def _ask_inside(
    graph: Graph,
    questions: dict[str, Config],
    originals: dict[str, Any],
    line: Line,
    words: str,
    crowded: Collection[Place],
) -> Graph:
    """One question for what stands inside texts. A text in which there is more than one of them, which is `crowded`, is
    asked for as a whole, once: an answer stands in one gap."""
    key = ""
    for place in line.places:
        text = _get(graph, place)
        if not isinstance(text, str):
            continue
        around = "" if place in crowded else _with_gap(line.what, text, line.value)
        if around:
            key = key or _new(questions, line, words, line.value)
            originals[key] = line.value
            graph = _put(graph, place, ask(key, around))
        else:
            wording = WHOLE_TEXT if words == line.question else words
            whole = _new(questions, replace(line, what="text", asks="text"), wording, text)
            originals[whole] = text
            graph = _put(graph, place, ask(whole))
    if line.emails:
        key = key or _new(questions, line, words, line.value)
        originals[key] = line.value
        questions[key] = _in_emails(questions[key], line)
    return graph


def ask_again(graph: Graph, line: Line, key: str) -> Graph:
    """A question that the flow asks already in every place of a line; in a text, with the text around it."""
    for place in line.places:
        text = _get(graph, place)
        around = "" if line.is_whole or not isinstance(text, str) else _with_gap(line.what, text, line.value)
        if line.is_whole or around:
            graph = _put(graph, place, ask(key, around or place.part))
    return graph


def _in_emails(question: Config, line: Line) -> Config:
    """The question, standing in the line's emails as well."""
    for email in line.emails:
        question = with_place(question, email, line.what, line.value)
    return question


def _with_gap(what: str, text: str, value: str) -> str:
    """The text with a gap wherever this coupon, web address or email address stands in it; empty where it stands
    nowhere, or where the text could not be told from one with a gap."""
    if GAP in text:
        return ""
    parts, at = [], 0
    for piece in pieces_in(text):
        if (piece.what, piece.value) == (what, value):
            parts.append(text[at : piece.start])
            at = piece.end
    return GAP.join((*parts, text[at:])) if parts else ""


def _new(questions: dict[str, Config], line: Line, words: str, value: Any, *, by_itself: bool = False) -> str:
    stem = line.what
    key, number = stem, 1
    while key in questions:
        number += 1
        key = f"{stem}-{number}"
    looks = by_itself or line.asks != "metric"  # a metric that is always asked for is not looked for
    questions[key] = {
        "kind": line.asks,
        "question": words,
        "help": "",
        "looks_for": line.looks_for if looks else "",
        "integration": line.integration if looks else "",
        "default": None if line.is_secret else value,
        **({"limits": {"inside": line.what}} if not line.is_whole and line.what != "text" else {}),
    }
    return key


def _get(graph: Graph, place: Place) -> Any:
    if place.step is None:
        return get_at(graph.profile_filter, place.path)
    if place.step == TRIGGER_KEY:
        return get_at(graph.trigger.config, place.path) if graph.trigger else None
    return get_at(graph.by_key[place.step].config, place.path)


def _put(graph: Graph, place: Place, value: Any) -> Graph:
    if place.step is None:
        return replace(graph, profile_filter=set_at(graph.profile_filter, place.path, value))
    if place.step == TRIGGER_KEY and graph.trigger:
        trigger = Trigger(graph.trigger.type, set_at(graph.trigger.config, place.path, value))
        return replace(graph, trigger=trigger)
    return graph.with_steps(
        replace(one, config=set_at(one.config, place.path, value)) if one.key == place.step else one
        for one in graph.steps
    )
