"""Exactly what an install would make in its account, before anything is made. Reads only; one call to Klaviyo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from accounts.counted import counted
from accounts.klaviyo.errors import KlaviyoError
from accounts.klaviyo.shapes import Flow
from accounts.models import KlaviyoAccount
from flowbuilder.definition.excluding import EXCLUDED, METRIC_NAME
from flowbuilder.definition.frozen import Frozen, Landing, Line, rules_of, tell
from flowbuilder.definition.shaping import HELP, SETTINGS, offers
from flowbuilder.definition.timing import Moment, earliest
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.walk import all_in_order
from flowbuilder.install.asking import names_of
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.base import Words, count
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.messages import segments
from flowbuilder.models import Install
from flowbuilder.operations.installs import landing_of, values_of

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


@dataclass(frozen=True, slots=True)
class Collisions:
    """Flows of the account that start from the same metric; `failure` where Klaviyo would not say."""

    metric: str = ""
    flows: tuple[Flow, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A way to build the flow that would change something in it."""

    key: str
    label: str
    help: str
    is_chosen: bool


@dataclass(frozen=True)
class Preview:
    landing: Landing
    describer: Describer
    lines: list[Line]
    rules: list[str]
    messages: list[Message]
    made: list[tuple[str, str]]
    body: str
    shapes: list[Shape]


def preview_of(install: Install) -> Preview:
    frozen = Frozen(install.version.document)
    landing = landing_of(install)
    names = names_of(install)
    names.setdefault(install.shape.get(EXCLUDED, {}).get("metric", ""), METRIC_NAME)
    describer = Describer(Words(names), {})
    # A copy of a step sends what the step sends: it is shown once.
    keys = [key for key in all_in_order(landing.graph) if key not in landing.origins]
    steps = [landing.graph.by_key[key] for key in keys]
    sources = _contents(frozen.graph)
    moments = moments_of(landing)
    steps.sort(key=lambda one: moments.get(one.key, NEVER).rank)
    messages = [
        _mail(step, describer, frozen, sources, names) if step.type == EMAIL else _text(step, describer)
        for step in steps
        if step.type == EMAIL or step.type in _TEXTS
    ]
    whens = {key: moment.words for key, moment in moments.items()}
    return Preview(
        landing=landing,
        describer=describer,
        lines=tell(landing.graph, describer),
        rules=rules_of(landing.graph, describer),
        messages=[replace(one, when=whens.get(one.key, "Nobody gets here")) for one in messages],
        made=list(_made(install, frozen)),
        body=json.dumps(landing.body, indent=2, ensure_ascii=False),
        shapes=[
            Shape(key, SETTINGS[key], HELP[key], bool(install.shape.get(key))) for key in offers(frozen.graph)
        ],
    )


def moments_of(landing: Landing) -> dict[str, Moment]:
    """Step key -> when it is reached at the earliest, by itself or by a copy of it on another way."""
    found = earliest(landing.graph)
    for copy, origin in landing.origins.items():
        if copy in found:
            found[origin] = min(found[copy], found.get(origin, found[copy]), key=lambda one: one.rank)
    return found


def _message(step: Step) -> dict[str, Any]:
    message = step.config.get("message")
    return message if isinstance(message, dict) else {}


def _contents(graph: Graph) -> dict[str, Any]:
    """Step key -> where its content comes from: {"$content": key}, a question, or the id of a template."""
    return {step.key: _message(step).get("template_id") for step in graph.steps if step.type == EMAIL}


def _content_key(source: Any) -> str:
    """The key of a content written with the flow, or empty."""
    return next((key for _, key in find_contents(source)), "")


def _mail(
    step: Step, describer: Describer, frozen: Frozen, sources: dict[str, Any], names: dict[str, str]
) -> Message:
    message = _message(step)
    email, label = message.get("from_email") or "", message.get("from_label") or ""
    source = sources.get(step.key)
    if written := _content_key(source):
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
    message = _message(step)
    body = str(message.get("body") or "")
    if title := str(message.get("title") or ""):
        body = f"{title}\n{body}"
    parts = count(segments(body), "segment") if step.type == "send-sms" else ""
    return Message(step.key, describer.step(step).title, "", _TEXTS[step.type], body=body, parts=parts)


def _made(install: Install, frozen: Frozen) -> Iterator[tuple[str, str]]:
    """(icon, what) for everything that is new in the account afterwards."""
    yield "flow", f"The flow “{install.version.name}”, as a draft"
    sources = _contents(frozen.left(values_of(install.answers))).values()
    for key in dict.fromkeys(key for source in sources if (key := _content_key(source))):
        yield "mail", f"The email template “{frozen.contents[key]['name']}”"
    if copies := sum(isinstance(source, str) and bool(source) for source in sources):
        yield "copy", f"{count(copies, 'copy', 'copies')} of email templates that the design names"


def collisions_of(install: Install, preview: Preview) -> Collisions:
    """Which flows of the account start from the same metric. A failure to ask is no reason to stop."""
    trigger = preview.landing.graph.trigger
    metric = str(trigger.config.get("id") or "") if trigger and trigger.type == "metric" else ""
    if not metric or install.account is None:
        return Collisions()
    name = preview.describer.trigger(trigger).title
    try:
        flows = counted(install.account).flow_triggers(metric)
    except KlaviyoError as error:
        return Collisions(name, failure=str(error))
    return Collisions(name, tuple(flow for flow in flows if not flow.is_archived))


def html_of(install: Install, key: str) -> str | None:
    """The content of the email of one step: written with the flow, or read from the account. None without any.

    Raises KlaviyoError where the account does not show its template.
    """
    frozen = Frozen(install.version.document)
    source = _contents(frozen.graph).get(key)
    if written := _content_key(source):
        return frozen.contents.get(written, {}).get("html")
    step = landing_of(install).graph.by_key.get(key)
    template_id = str(_message(step).get("template_id") or "") if step and step.type == EMAIL else ""
    if not template_id or install.account is None:
        return None
    return _template_html(install.account, template_id)


def _template_html(account: KlaviyoAccount, template_id: str) -> str | None:
    return counted(account).get_template(template_id).html
