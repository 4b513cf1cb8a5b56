"""Settings that become questions for each account: where they stand, and what else they could be.

Pure functions over a flow's questions as plain values, for editing.py and question_acts.py.

    config, questions = ask_for(questions, config, mark)
    config = stop_asking(questions, config, path)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from flowbuilder.definition.metric_names import ROLES, role_of
from flowbuilder.definition.pieces import stands_in
from flowbuilder.definition.switching import KINDS as SWITCHING
from flowbuilder.graph.change import Draft, is_same
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import ASK, ask, fill, find_open, get_at, is_ask, set_at
from flowbuilder.kinds.asks import part_of as part_of_answer
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.marking import PARTS, TEXTS, Mark, fits, mark_of
from flowbuilder.kinds.registry import action_kind, trigger_kind

Questions = Mapping[str, Config]
FLOW_KEY = "flow"
MOST_QUESTIONS = 100

# A question's first wording, by what it asks for.
WORDING: Mapping[str, str] = {
    "metric": "Which metric is it in your account?",
    "list": "Which list?",
    "segment": "Which segment?",
    "group": "Which lists or segments?",
    "sender": "Who should the emails come from?",
    "template": "Which email template?",
    "text": "What should it say?",
    "delay": "How long should it wait?",
    "property": "Which property of the profile?",
    "coupon": "Which coupon?",
    "image": "Which image?",
    "number": "Which number?",
    "yes-no": "Do you want this?",
    "choice": "Which of these?",
}
OTHERWISE = "What should stand here?"


# --- Values of a flow: pure ------------------------------------------------------------------------------------


def ask_for(questions: Questions, config: Config, mark: Mark) -> tuple[dict[str, Any], dict[str, Config]]:
    """The settings with what is marked asked for, and the questions with that one. The value is its suggestion.

    A setting that is part of an answer (the address of a sender) takes its sisters along.
    """
    if any(is_ask(get_at(config, path)) for path in mark.places.values()):
        return dict(config), dict(questions)
    same = next((key for key, one in questions.items() if _is_same(one, mark)), None)
    key, now = (same, dict(questions)) if same else new_question(questions, mark)
    for part, path in mark.places.items():
        config = set_at(config, path, ask(key, part))
    return dict(config), now


def _is_same(question: Config, mark: Mark) -> bool:
    """All emails of a flow share one sender; other values that are equal are asked for once, but not switches."""
    if question["kind"] != mark.kind or mark.kind in ("yes-no", "choice", "number"):
        return False
    return mark.kind == "sender" or (bool(mark.default) and is_same(question["default"], mark.default))


def new_question(questions: Questions, mark: Mark, wording: str = "") -> tuple[str, dict[str, Config]]:
    if len(questions) >= MOST_QUESTIONS:
        raise UnableToChange(f"A flow asks at most {MOST_QUESTIONS} questions. Take one away first.")
    stem = slugify(mark.kind)[:30] or "question"
    key, number = stem, 1
    while key in questions:
        number += 1
        key = f"{stem}-{number}"
    made = {
        "kind": mark.kind,
        "question": wording.strip()[:200] or WORDING.get(mark.kind, OTHERWISE),
        "help": "",
        "looks_for": "",
        "integration": "",
        "role": "",
        "default": mark.default,
        "who": "",
        "place": 1 + max((int(one.get("place", 0)) for one in questions.values()), default=0),
        "options": [dict(one) for one in mark.options],
        "limits": dict(mark.limits),
        "switches": [],
    }
    return key, {**questions, key: made}


def stop_asking(questions: Questions, config: Config, path: Path) -> dict[str, Any]:
    """The settings with the suggestion back in place of the question."""
    value = get_at(config, path)
    if not is_ask(value):
        return dict(config)
    question = questions.get(value[ASK], {})
    default = question.get("default")
    for part, name in _parts(question.get("kind", ""), value, path):
        place = (*path[:-1], name)
        if is_ask(get_at(config, place)):
            config = set_at(config, place, part_of_answer(default, part) if default is not None else None)
    return dict(config)


def ask_same(questions: Questions, config: Config, path: Path, key: str) -> dict[str, Any]:
    """Another question of the flow in place of the one that stands at the path. ValueError where it does not fit."""
    value = get_at(config, path)
    if not is_ask(value) or key not in questions or value[ASK] not in questions:
        raise ValueError("there is no such question")
    old, new = questions[value[ASK]], questions[key]
    mark = Mark(old["kind"], {}, limits=old["limits"], options=tuple(old["options"]))
    if not may_stand_for(new, mark):
        raise ValueError("that question is of another kind")
    for part, name in _parts(old["kind"], value, path):
        config = set_at(config, (*path[:-1], name), ask(key, part))
    return dict(config)


def _parts(kind: str, value: Config, path: Path) -> list[tuple[str, str | int]]:
    """(part, setting that holds it) of all that is filled by the answer of which one part stands at the path."""
    part = value.get("part", "")
    return [*PARTS[kind].items()] if part in PARTS.get(kind, {}) else [(part, path[-1])]


def may_stand_for(question: Config, mark: Mark) -> bool:
    """Whether its answers can stand where the mark is: the kind, and for choices the values."""
    if not fits(question["kind"], question["limits"], mark):
        return False
    if mark.kind != "choice":
        return True
    values = [one["value"] for one in mark.options]
    return all(any(is_same(one["value"], value) for value in values) for one in question["options"])


def word_question(questions: Questions, key: str, said: Mapping[str, str]) -> dict[str, Config]:
    """A question said in the partner's own words, and how to find its answer. What is not said stays; the role of a
    metric is known by its name, unless one is given."""
    old = questions[key]
    lengths = {"question": 200, "help": 300, "looks_for": 200, "integration": 200, "who": 60}
    new = {name: text.strip()[: lengths[name]] for name, text in said.items() if name in lengths}
    if not new.get("question", "-"):
        new["question"] = WORDING.get(old["kind"], OTHERWISE)
    if old["kind"] == "metric":
        role = said.get("role", "")
        if role not in ROLES or role == role_of(old["looks_for"]):  # it follows the name
            role = role_of(str({**old, **new}["looks_for"]))
        new["role"] = role
    return {**questions, key: {**old, **new}}


def with_role(question: Config) -> dict[str, Any]:
    """The role of a metric that is known by its name, where nobody chose one."""
    known = role_of(question.get("looks_for", "")) if question["kind"] == "metric" else ""
    return {**question, "role": question.get("role") or known}


# --- Where a question stands -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stand:
    """A setting that holds a question, or sends an email that does: of a step, the trigger, or the flow."""

    subject: str
    path: Path
    part: str


def settings_in(draft: Draft) -> Iterator[tuple[str, Config]]:
    graph = draft.graph
    yield FLOW_KEY, {"profile_filter": graph.profile_filter, "reentry": graph.reentry}
    if graph.trigger:
        yield TRIGGER_KEY, graph.trigger.config
    for step in graph.steps:
        yield step.key, step.config


def stands_of(draft: Draft) -> dict[str, list[Stand]]:
    """key -> every place of every question, in the order of the flow; one for an answer that fills several."""
    found: dict[str, list[Stand]] = {}
    for subject, config in settings_in(draft):
        asks, contents = find_open(config)
        for path, key, part in asks:
            there = found.setdefault(key, [])
            beside = any(one.subject == subject and one.path[:-1] == path[:-1] and one.part for one in there)
            if not (part and beside):
                there.append(Stand(subject, path, part))
        for path, email, _ in contents:
            for key, one in draft.requirements.items():
                if stands_in(one["limits"], (email,)):
                    found.setdefault(key, []).append(Stand(subject, path, ""))
    return found


def _mark_at(draft: Draft, stand: Stand, answered: Callable[[Any], Any]) -> Mark | None:
    config = dict(settings_in(draft))[stand.subject]
    try:
        kind: Any = FlowSettings
        if stand.subject == TRIGGER_KEY and draft.graph.trigger:
            kind = trigger_kind(draft.graph.trigger.type, config)
        elif stand.subject != FLOW_KEY:
            kind = action_kind(draft.graph.by_key[stand.subject].type)
        return mark_of(kind, answered(config), stand.path)
    except (ValueError, KeyError, TypeError):
        return None


def kinds_for(draft: Draft, key: str) -> list[str]:
    """The kinds that a question may have where it stands, its own first."""
    one = draft.requirements[key]
    own = str(one["kind"])
    if not (own in TEXTS or own in SWITCHING):
        return [own]

    def answered(config: Config) -> Any:
        return fill(
            config,
            lambda key, part: part_of_answer(draft.requirements.get(key, {}).get("default"), part),
            str,
        )

    marks = [_mark_at(draft, stand, answered) for stand in stands_of(draft).get(key, [])]
    offered = list(SWITCHING) if one["switches"] else [*TEXTS, "choice"] if own != "yes-no" else ["yes-no"]
    limits = {
        name: one["limits"][name] for name in ("lines", "many", "form", "inside") if name in one["limits"]
    }
    return [own] + [
        kind
        for kind in offered
        if kind != own and all(mark and mark.kind in TEXTS and fits(kind, limits, mark) for mark in marks)
    ]
