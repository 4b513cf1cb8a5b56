"""Settings that become questions for each account: pure, over a flow's questions as plain values.

config, questions = ask_for(questions, config, path, hint)
config = stop_asking(questions, config, path)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import slugify

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import ask, get_at, is_ask, set_at
from flowbuilder.kinds.base import Hint

Questions = Mapping[str, Config]

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
}
_SENDER = {"email": "from_email", "label": "from_label"}


def ask_for(
    questions: Questions, config: Config, path: Path, hint: Hint
) -> tuple[dict[str, Any], dict[str, Config]]:
    """The settings with the value at `path` asked for, and the questions with that one. The value is its default.

    A setting that is part of an answer (the address of a sender) takes its sisters along.
    """
    value = get_at(config, path)
    if is_ask(value):
        return dict(config), dict(questions)
    if hint.part:
        return _ask_parts(questions, config, path, hint)
    same = next((k for k, one in questions.items() if _is_same(one, hint, value)), None) if value else None
    key, now = (same, dict(questions)) if same else _new(questions, hint, value)
    return dict(set_at(config, path, ask(key))), now


def _is_same(question: Config, hint: Hint, value: Any) -> bool:
    return bool(question["kind"] == hint.asks and question["default"] == value)


def _ask_parts(
    questions: Questions, config: Config, path: Path, hint: Hint
) -> tuple[dict[str, Any], dict[str, Config]]:
    """All emails of a flow share one sender question."""
    values = {part: get_at(config, (*path[:-1], name)) for part, name in _SENDER.items()}
    default = {part: value for part, value in values.items() if isinstance(value, str) and value}
    same = next((key for key, one in questions.items() if one["kind"] == hint.asks), None)
    key, now = (same, dict(questions)) if same else _new(questions, hint, default or None)
    for part, name in _SENDER.items():
        config = set_at(config, (*path[:-1], name), ask(key, part))
    return dict(config), now


def _new(questions: Questions, hint: Hint, default: Any) -> tuple[str, dict[str, Config]]:
    stem = slugify(hint.asks)[:30] or "question"
    key, number = stem, 1
    while key in questions:
        number += 1
        key = f"{stem}-{number}"
    made = {
        "kind": hint.asks,
        "question": WORDING.get(hint.asks, "What should stand here?"),
        "help": "",
        "looks_for": "",
        "integration": "",
        "default": default,
    }
    return key, {**questions, key: made}


def stop_asking(questions: Questions, config: Config, path: Path) -> dict[str, Any]:
    """The settings with the default back in place of the question."""
    value = get_at(config, path)
    if not is_ask(value):
        return dict(config)
    default = questions.get(value["$ask"], {}).get("default")
    if not value.get("part"):
        return dict(set_at(config, path, default))
    for part, name in _SENDER.items():
        config = set_at(config, (*path[:-1], name), (default or {}).get(part))
    return dict(config)


def word_question(
    questions: Questions, key: str, *, question: str, help: str, looks_for: str, integration: str
) -> dict[str, Config]:
    """A question said in the partner's own words, and how to find its answer."""
    old = questions[key]
    said = {
        "question": question.strip()[:200] or WORDING.get(old["kind"], "What should stand here?"),
        "help": help.strip()[:300],
        "looks_for": looks_for.strip()[:200],
        "integration": integration.strip()[:200],
    }
    return {**questions, key: {**old, **said}}
