"""The acts of the panel of questions: how one is asked and in which order, and what it switches. Each is an Edit.

UnableToChange says in a sentence what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from flowbuilder.definition.answering import WrongAnswer, as_text, checked, options_of
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.switching import KINDS as SWITCHING
from flowbuilder.definition.switching import PART, part_of
from flowbuilder.definition.taken import without
from flowbuilder.graph import Trigger, surgery
from flowbuilder.graph.change import Draft, is_same
from flowbuilder.graph.surgery import UnableToChange, UnableToFind
from flowbuilder.graph.switching import Part, why_not
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import CONTENT, ask, fill, find_asks
from flowbuilder.kinds.asks import part_of as part_of_answer
from flowbuilder.kinds.marking import OF_ACCOUNT, Mark
from flowbuilder.models import Edit, Flow
from flowbuilder.operations.acts import perform
from flowbuilder.operations.designs import title_of
from flowbuilder.operations.questions import kinds_for, new_question, word_question

MOST_OPTIONS, MOST_SWITCHES = 20, 20


def _there(draft: Draft, key: str) -> Config:
    if key not in draft.requirements:
        raise UnableToFind("That question is not there any more. Somebody may have taken it away.")
    return draft.requirements[key]


def _said(draft: Draft, key: str) -> str:
    return f"“{draft.requirements[key]['question']}”"[:120]


def change_question(*, flow: Flow, by: User | None, key: str, posted: Mapping[str, Any]) -> Edit | None:
    """Everything that the panel says of a question: `posted` are its texts, and lists for its options."""

    def do(draft: Draft) -> Draft:
        old = _there(draft, key)
        now = word_question(draft.requirements, key, posted)
        kind = str(posted.get("kind") or old["kind"])
        if kind not in kinds_for(draft, key):
            raise UnableToChange("A question of that kind cannot stand where this one stands.")
        new = {**now[key], "kind": kind}
        new["options"] = _options(kind, old, posted)
        new["limits"] = _limits(kind, old, posted)
        new["default"] = _default(new, old, posted)
        values = [value for value, _ in options_of(Question.of({"key": key, **new}))]
        new["switches"] = [
            {
                **one,
                "on": [on for on in one["on"] if any(is_same(on, value) for value in values)] or values[:1],
            }
            for one in old["switches"]
        ]
        return replace(draft, requirements={**draft.requirements, key: new})

    return perform(flow=flow, by=by, name=lambda old, new: f"Change the question {_said(new, key)}", do=do)


def _options(kind: str, old: Config, posted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of a choice; those that are known keep the type of their value. No label: gone."""
    if kind != "choice":
        return []
    if "option_label" not in posted:
        found = [dict(one) for one in old["options"]]
    else:
        known = {as_text(one["value"]): one["value"] for one in old["options"]}
        found = []
        rows = zip(posted["option_label"], posted.get("option_value", []), strict=False)
        for label, value in rows:
            if label := label.strip()[:100]:
                text = value.strip()[:1000] or label
                found.append({"value": known.get(text, text), "label": label})
    if not found and old["default"] not in (None, "", []) and isinstance(old["default"], str):
        found = [{"value": old["default"], "label": old["default"][:100]}]
    if len(found) > MOST_OPTIONS:
        raise UnableToChange(f"A choice has at most {MOST_OPTIONS} answers.")
    texts = [as_text(one["value"]) for one in found]
    if len(set(texts)) < len(texts):
        raise UnableToChange("Two answers of a choice say the same. Make them differ.")
    if not found:
        raise UnableToChange("A choice needs answers: write at least one.")
    return found


def _limits(kind: str, old: Config, posted: Mapping[str, Any]) -> dict[str, Any]:
    limits = dict(old["limits"])
    if kind == "number":
        for name in ("least", "most"):
            if name in posted:
                limits.pop(name, None)
                if text := str(posted[name]).strip():
                    try:
                        limits[name] = checked(Question("", "number", "", limits=_whole(limits)), text)
                    except WrongAnswer as error:
                        raise UnableToChange(f"The bounds of a number: {_lower(str(error))}") from None
        if limits.get("least", 0) > limits.get("most", limits.get("least", 0)):
            raise UnableToChange("The least of a number is not above the most.")
    return limits


def _whole(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {"whole": True} if limits.get("whole") else {}


def _default(new: Config, old: Config, posted: Mapping[str, Any]) -> Any:
    """The suggestion: as it was typed, else as it was, as long as it is an answer."""
    question = Question.of({"key": "", **new})
    kind = question.kind
    given = posted.get("default")
    if kind == "sender" and "default_email" in posted:
        email, label = str(posted["default_email"]).strip()[:200], str(posted["default_label"]).strip()[:200]
        return {"email": email, "label": label} if email else None
    if kind == "delay" and "default_unit" in posted:
        given = {"value": given, "unit": posted["default_unit"]}
    if kind in OF_ACCOUNT or kind == "sender" or given is None:
        given = old["default"]
        if kind in OF_ACCOUNT or kind == "sender":
            return given
        try:
            return checked(question, given) if given not in (None, "", []) else _first(question)
        except WrongAnswer:
            return _first(question)
    if given in ("", []) and kind not in ("yes-no", "choice", "number", "delay"):
        return None
    try:
        return checked(question, given)
    except WrongAnswer as error:
        raise UnableToChange(f"The suggestion is no answer to this question: {_lower(str(error))}") from None


def _first(question: Question) -> Any:
    options = options_of(question)
    return options[0][0] if options and not question.limits.get("many") else None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def move_question(*, flow: Flow, by: User | None, key: str, up: bool) -> Edit | None:
    """One place up or down in the order in which they are asked."""

    def do(draft: Draft) -> Draft:
        _there(draft, key)
        questions = draft.requirements
        order = sorted(questions, key=lambda one: int(questions[one]["place"]))
        at = order.index(key)
        to = at + (-1 if up else 1)
        if not 0 <= to < len(order):
            return draft
        order[at], order[to] = order[to], order[at]
        placed = {one: {**questions[one], "place": place} for place, one in enumerate(order, 1)}
        return replace(draft, requirements={one: placed[one] for one in questions})

    way = "up" if up else "down"
    return perform(
        flow=flow, by=by, name=lambda old, new: f"Move the question {_said(old, key)} {way}", do=do
    )


def drop_question(*, flow: Flow, by: User | None, key: str) -> Edit | None:
    """Ask no account any more: its suggestion stands where it stood, and what it switched is always there."""

    def do(draft: Draft) -> Draft:
        default = _there(draft, key)["default"]

        def back(config: Any) -> Any:
            if not any(one == key for _, one, _ in find_asks(config)):
                return config
            return fill(
                config,
                lambda one, part: part_of_answer(default, part) if one == key else ask(one, part),
                lambda content: {CONTENT: content},
            )

        graph = draft.graph
        steps = [
            step if (config := back(step.config)) is step.config else replace(step, config=config)
            for step in graph.steps
        ]
        trigger = graph.trigger and Trigger(graph.trigger.type, back(graph.trigger.config))
        settings = {"profile_filter": back(graph.profile_filter), "reentry": back(graph.reentry)}
        return replace(
            draft,
            graph=replace(graph, steps=tuple(steps), trigger=trigger, **settings),
            requirements={
                one: {**value, "limits": without(value["limits"], key)}
                for one, value in draft.requirements.items()
                if one != key
            },
        )

    return perform(
        flow=flow, by=by, name=lambda old, new: f"Ask no longer {_said(old, key)}: answer it here", do=do
    )


# --- Switches --------------------------------------------------------------------------------------------------


def switch_part(
    *, flow: Flow, by: User | None, part: Part, key: str = "", wording: str = "", on: list[str] | None = None
) -> str:
    """Let the answers `on` to a question decide whether a part is there; without a key to a new yes-or-no question.
    Returns the question's key."""
    keys: list[str] = []

    def do(draft: Draft) -> Draft:
        graph = draft.graph
        step = surgery.step_of(graph, part.start)
        if reason := why_not(graph, part):
            raise UnableToChange(f"That part cannot be switched: {reason}.")
        questions = dict(draft.requirements)
        name = key
        if not name:
            text = wording.strip() or f"Do you want “{step.name or title_of(graph, part.start).strip('“”')}”?"
            name, questions = new_question(questions, Mark("yes-no", {}, True), text)
        one = _there(replace(draft, requirements=questions), name)
        if one["kind"] not in SWITCHING or one["limits"].get("many"):
            raise UnableToChange("Only a question with a yes or no, or a choice of one, can switch a part.")
        if len(one["switches"]) >= MOST_SWITCHES:
            raise UnableToChange(f"A question switches at most {MOST_SWITCHES} parts.")
        if any(part_of(switch) == part for switch in one["switches"]):
            raise UnableToChange("That question switches this part already.")
        made = {field: getattr(part, field) for field in PART} | {"on": _on(name, one, on)}
        keys.append(name)
        return replace(draft, requirements={**questions, name: {**one, "switches": [*one["switches"], made]}})

    perform(
        flow=flow,
        by=by,
        name=lambda old, new: f"Let {_said(new, keys[-1])} switch {title_of(old.graph, part.start)}",
        do=do,
    )
    return keys[-1]


def _on(key: str, question: Config, texts: list[str] | None) -> list[Any]:
    """The answers with which a part is there: as posted, else Yes, or the first of a choice."""
    values = [value for value, _ in options_of(Question.of({"key": key, **question}))]
    chosen = values[:1] if texts is None else [one for one in values if as_text(one) in texts]
    if not chosen:
        raise UnableToChange("Choose the answers with which this part is there.")
    if len(chosen) == len(values):
        raise UnableToChange("With every answer chosen, the part would always be there. Leave one out.")
    return chosen


def _switch(draft: Draft, key: str, start: str, index: int) -> tuple[Config, list[dict[str, Any]]]:
    one = _there(draft, key)
    switches = [dict(switch) for switch in one["switches"]]
    if not 0 <= index < len(switches) or switches[index]["start"] != start:
        raise UnableToFind("That switch is not there any more.")
    return one, switches


def change_switch(
    *, flow: Flow, by: User | None, key: str, start: str, index: int, on: list[str]
) -> Edit | None:
    """Other answers with which a part is there."""

    def do(draft: Draft) -> Draft:
        one, switches = _switch(draft, key, start, index)
        switches[index]["on"] = _on(key, one, on)
        return replace(draft, requirements={**draft.requirements, key: {**one, "switches": switches}})

    return perform(flow=flow, by=by, name=lambda old, new: f"Change what {_said(old, key)} switches", do=do)


def drop_switch(*, flow: Flow, by: User | None, key: str, start: str, index: int) -> Edit | None:
    """The part is always there from now on."""

    def do(draft: Draft) -> Draft:
        one, switches = _switch(draft, key, start, index)
        del switches[index]
        return replace(draft, requirements={**draft.requirements, key: {**one, "switches": switches}})

    return perform(
        flow=flow, by=by, name=lambda old, new: f"Switch {title_of(old.graph, start)} no longer", do=do
    )
