"""What a flow sends, message by message, as it lands in an account: in the order in which people get them. Pure.

messages_of(landing, frozen, describer, names)      names: of templates of the account, by their ids
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowbuilder.definition.frozen import Frozen, Landing
from flowbuilder.definition.timing import Moment, earliest
from flowbuilder.definition.updating import EXPERIMENTS, actions_inside
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import find_contents, get_at
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.experiments import ALLOCATIONS
from flowbuilder.kinds.messages import segments

EMAIL = "send-email"
RUNNING_NAME = ("current_experiment", "name")
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

    An email has a subject, a preview text, a sender and the source of its content; all others a body. `share`: who gets
    it, of one inside an experiment; its `key` is the step's and its place there."""

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
    share: str = ""

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
    return [
        replace(
            _mail(one, describer, frozen, sources, names) if one.type == EMAIL else _text(one, describer),
            when=moments[step.key].words if step.key in moments else "Nobody gets here",
            share=_share(step, one.key),
        )
        for step in steps
        for one in sent_by(step)
    ]


def moments_of(landing: Landing) -> dict[str, Moment]:
    """Step key -> when it is reached at the earliest, by itself or by a copy of it on another way."""
    found = earliest(landing.graph)
    for copy, origin in landing.origins.items():
        if copy in found:
            found[origin] = min(found[copy], found.get(origin, found[copy]), key=lambda one: one.rank)
    return found


def sent_by(step: Step) -> list[Step]:
    """The step itself where it sends something; of an experiment the messages inside, each as a step."""
    if step.type not in EXPERIMENTS:
        return [step] if step.type == EMAIL or step.type in _TEXTS else []
    found = []
    for place, path in actions_inside(step.config).items():
        inner = get_at(step.config, path)
        called = get_at(inner, ("data", "message", "name"))
        named = called or ("Main message" if place == "main" else f"Variation {int(place[1:]) + 1}")
        found.append(
            Step(
                f"{step.key} {place}",
                str(inner.get("type")),
                inner.get("data") or {},
                name=f"{step.name or get_at(step.config, RUNNING_NAME) or 'Test'}: {named}",
            )
        )
    return [one for one in found if one.type == EMAIL or one.type in _TEXTS]


def _share(step: Step, key: str) -> str:
    """Klaviyo starts no test by itself: until a person does, everybody gets the main message."""
    place = key.removeprefix(step.key).strip()
    if not place:
        return ""
    if place == "main":
        return "Until you start the test" if get_at(step.config, ("current_experiment",)) else ""
    inner = get_at(step.config, actions_inside(step.config)[place])
    share = (get_at(step.config, ALLOCATIONS) or {}).get(str(inner.get("temporary_id")))
    return f"{share * 100:.4g}% of people" if isinstance(share, int | float) else "No share yet"


def message_of(step: Step) -> dict[str, Any]:
    message = step.config.get("message")
    return message if isinstance(message, dict) else {}


def emails_of(graph: Graph) -> dict[str, Step]:
    """Key of an email -> the email as a step, those inside experiments too."""
    return {one.key: one for step in graph.steps for one in sent_by(step) if one.type == EMAIL}


def contents_of(graph: Graph) -> dict[str, Any]:
    """Key of an email -> where its content comes from: {"$content": key}, a question, or the id of a template."""
    return {key: message_of(one).get("template_id") for key, one in emails_of(graph).items()}


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
