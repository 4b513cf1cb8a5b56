"""What a flow sends, message by message, as it lands in an account: in the order in which people get them. Pure.

messages_of(landing, frozen, describer, names)      names: of templates of the account, by their ids
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowbuilder.definition.frozen import Frozen, Landing
from flowbuilder.definition.timing import Moment, earliest
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.messages import segments

EMAIL = "send-email"
NEVER = Moment(10**9)
_TEXTS = {
    "send-sms": "message-square",
    "send-whatsapp": "whatsapp",
    "send-mobile-push": "bell",
    "send-internal-alert": "bell",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent by one step, as it lands. `key` is the step's, `when` the earliest day and hour.

    An email has a subject, a preview text, a sender and the source of its content; all others a body."""

    key: str
    title: str
    when: str
    icon: str = "mail"
    subject: str = ""
    preview: str = ""
    sender: str = ""
    source: str = ""
    body: str = ""
    parts: str = ""

    @property
    def is_email(self) -> bool:
        return self.icon == "mail"


def messages_of(
    landing: Landing, frozen: Frozen, describer: Describer, names: Mapping[str, str]
) -> list[Message]:
    # A copy of a step sends what the step sends: it is shown once.
    keys = [key for key in all_in_order(landing.graph) if key not in landing.origins]
    steps = [landing.graph.by_key[key] for key in keys]
    sources = contents_of(frozen.graph)
    moments = moments_of(landing)
    steps.sort(key=lambda one: moments.get(one.key, NEVER).rank)
    messages = [
        _mail(step, describer, frozen, sources, names) if step.type == EMAIL else _text(step, describer)
        for step in steps
        if step.type == EMAIL or step.type in _TEXTS
    ]
    whens = {key: moment.words for key, moment in moments.items()}
    return [replace(one, when=whens.get(one.key, "Nobody gets here")) for one in messages]


def moments_of(landing: Landing) -> dict[str, Moment]:
    """Step key -> when it is reached at the earliest, by itself or by a copy of it on another way."""
    found = earliest(landing.graph)
    for copy, origin in landing.origins.items():
        if copy in found:
            found[origin] = min(found[copy], found.get(origin, found[copy]), key=lambda one: one.rank)
    return found


def message_of(step: Step) -> dict[str, Any]:
    message = step.config.get("message")
    return message if isinstance(message, dict) else {}


def contents_of(graph: Graph) -> dict[str, Any]:
    """Step key -> where its content comes from: {"$content": key}, a question, or the id of a template."""
    return {step.key: message_of(step).get("template_id") for step in graph.steps if step.type == EMAIL}


def content_key(source: Any) -> str:
    """The key of a content written with the flow, or empty."""
    return next((key for _, key in find_contents(source)), "")


def _mail(
    step: Step, describer: Describer, frozen: Frozen, sources: dict[str, Any], names: Mapping[str, str]
) -> Message:
    message = message_of(step)
    email, label = message.get("from_email") or "", message.get("from_label") or ""
    source = sources.get(step.key)
    if written := content_key(source):
        name = frozen.contents.get(written, {}).get("name", "")
        origin = f"Made as the email template “{name}”"
    else:
        held = str(message.get("template_id") or "")
        origin = f"From your email template “{names.get(held, held)}”" if held else "No content yet"
    return Message(
        key=step.key,
        title=describer.step(step).title,
        when="",
        subject=str(message.get("subject_line") or ""),
        preview=str(message.get("preview_text") or ""),
        sender=f"{label} <{email}>" if label and email else email or label or "Your account's default sender",
        source=origin,
    )


def _text(step: Step, describer: Describer) -> Message:
    message = message_of(step)
    body = str(message.get("body") or "")
    if title := str(message.get("title") or ""):
        body = f"{title}\n{body}"
    parts = count(segments(body), "segment") if step.type == "send-sms" else ""
    return Message(step.key, describer.step(step).title, "", _TEXTS[step.type], body=body, parts=parts)
