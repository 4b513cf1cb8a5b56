"""What a person sent from the inspector, put into the flow: settings, questions, content, one act. All or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from flowbuilder.graph.values import Path
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import CONTENT, get_at, is_content, set_at
from flowbuilder.kinds.base import Hint, Kind
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.messages import MessageKind, SendEmail
from flowbuilder.kinds.registry import action_kind, trigger_kind
from flowbuilder.models import Flow
from flowbuilder.operations.designs import (
    UnableToChange,
    change_settings,
    change_step,
    change_trigger,
    get_action,
)
from flowbuilder.operations.questions import make_question, unmake_question, word_question, write_content

FLOW_KEY = "flow"
TEMPLATE = ("message", "template_id")
START_HTML = """<!doctype html>
<html><body>
<p>Hello {{ first_name|default:'there' }},</p>
<p>Write your email here.</p>
<p>{% unsubscribe %}</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the inspector shows: a step, the trigger, or the flow as a whole."""

    key: str
    kind: type[Kind]
    config: dict[str, Any]
    name: str = ""

    @property
    def has_own_name(self) -> bool:
        """Messages carry their name in their settings; Klaviyo has none for other steps, so it is ours."""
        return self.key not in (FLOW_KEY, TRIGGER_KEY) and not issubclass(self.kind, MessageKind)


@dataclass(frozen=True, slots=True)
class Applied:
    """`refused`: path -> (what was typed, why it could not be read)."""

    refused: Mapping[Path, tuple[str, str]] = field(default_factory=dict)


def subject_of(flow: Flow, key: str) -> Subject:
    if key == FLOW_KEY:
        return Subject(key, FlowSettings, {"profile_filter": flow.profile_filter, "reentry": flow.reentry})
    if key == TRIGGER_KEY:
        trigger = getattr(flow, "trigger", None)
        if trigger is None:
            raise UnableToChange("This flow has no trigger yet.")
        return Subject(key, trigger_kind(trigger.type, trigger.config), dict(trigger.config))
    action = get_action(flow, key)
    return Subject(key, action_kind(action.type), dict(action.config), action.name)


@transaction.atomic
def apply_form(*, flow: Flow, key: str, posted: Mapping[str, Sequence[str]]) -> Applied:
    """Put a posted inspector form into the flow. What could not be read is left as it was, and said."""
    Flow.objects.select_for_update().get(pk=flow.pk)
    subject = subject_of(flow, key)
    try:
        config, refused = form.read(subject.kind, subject.config, posted)
        config = _put_content(flow, subject, config, posted)
        for requirement in _questions_in(posted):
            _word(flow, requirement, posted)
        for command in posted.get("act", [])[-1:]:
            config = _act(flow, subject, config, command, posted)
    except (ValueError, KeyError, IndexError):
        raise UnableToChange("The form does not fit the flow as it is now. Look at it again.") from None
    _save(flow, subject, config, posted.get("step_name", [None])[-1])
    return Applied(refused)


def _save(flow: Flow, subject: Subject, config: dict[str, Any], name: str | None) -> None:
    if subject.key == FLOW_KEY:
        change_settings(flow=flow, profile_filter=config["profile_filter"], reentry=config["reentry"])
    elif subject.key == TRIGGER_KEY:
        change_trigger(flow=flow, config=config)
    else:
        change_step(flow=flow, key=subject.key, config=config, name=name if subject.has_own_name else None)


def _act(
    flow: Flow, subject: Subject, config: dict[str, Any], command: str, posted: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    verb, _, name = command.partition(":")
    path = form.parse_path(name)
    if verb == "ask":
        hint = _hint_at(subject.kind, config, path)
        if not hint.asks:
            raise ValueError("that setting cannot be asked for")
        return make_question(flow=flow, config=config, path=path, hint=hint)
    if verb == "unask":
        return unmake_question(flow=flow, config=config, path=path)
    if not verb:
        return config
    return form.act(subject.kind, config, command)


def _hint_at(kind: type[Kind], config: dict[str, Any], path: Path) -> Hint:
    nodes = [inner for outer in form.build(kind, config) for inner in outer.walk()]
    return next((node.hint for node in nodes if node.path == path), Hint())


def _questions_in(posted: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted({name.split(".")[1] for name in posted if name.startswith("ask.") and name.count(".") == 2})


def _word(flow: Flow, key: str, posted: Mapping[str, Sequence[str]]) -> None:
    if not flow.requirements.filter(key=key).exists():
        return

    def said(part: str) -> str:
        return posted.get(f"ask.{key}.{part}", [""])[-1]

    word_question(
        flow=flow,
        key=key,
        question=said("question"),
        help=said("help"),
        looks_for=said("looks_for"),
        integration=said("integration"),
    )


def _put_content(
    flow: Flow, subject: Subject, config: dict[str, Any], posted: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """An email is written here, or clones a Klaviyo template. What was written stays while the other is tried."""
    mode = posted.get("content.mode", [""])[-1]
    if subject.kind is not SendEmail or not mode:
        return config
    current = get_at(config, TEMPLATE)
    if mode == "write":
        written = flow.contents.filter(key=subject.key).first()
        html = posted.get("content.html", [written.html if written else START_HTML])[-1]
        message = config.get("message") or {}
        name = message.get("name") or message.get("subject_line")
        write_content(flow=flow, key=subject.key, name=name if isinstance(name, str) else "Email", html=html)
        return dict(set_at(config, TEMPLATE, {CONTENT: subject.key}))
    if mode == "clone":
        typed = posted.get("content.template", ["" if is_content(current) else current or ""])[-1]
        return dict(set_at(config, TEMPLATE, str(typed).strip() or None))
    return config
