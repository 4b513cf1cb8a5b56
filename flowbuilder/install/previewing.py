"""Exactly what an install would make in its account, before anything is made. Reads only; one call to Klaviyo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.connection import client_for
from accounts.klaviyo.errors import KlaviyoError
from accounts.klaviyo.shapes import Flow
from accounts.models import KlaviyoAccount
from flowbuilder.definition.frozen import Frozen, Landing, Line, rules_of, tell
from flowbuilder.definition.shaping import SETTINGS, offers
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.walk import all_in_order
from flowbuilder.install.asking import names_of
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.base import Words, count
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.messages import segments
from flowbuilder.models import Install
from flowbuilder.operations.installs import landing_of

EMAIL, TEXT = "send-email", "send-sms"


@dataclass(frozen=True, slots=True)
class Mail:
    """An email as it lands. `key` is its step's."""

    key: str
    title: str
    subject: str
    preview: str
    sender: str
    source: str


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str
    parts: str


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
    mails: list[Mail]
    texts: list[Text]
    made: list[tuple[str, str]]
    body: str
    shapes: list[Shape]


def preview_of(install: Install) -> Preview:
    frozen = Frozen(install.version.document)
    landing = landing_of(install)
    names = names_of(install)
    describer = Describer(Words(names), {})
    # A copy of a step sends what the step sends: it is shown once.
    keys = [key for key in all_in_order(landing.graph) if key not in landing.origins]
    steps = [landing.graph.by_key[key] for key in keys]
    sources = _contents(frozen.graph)
    mails = [_mail(step, describer, frozen, sources, names) for step in steps if step.type == EMAIL]
    return Preview(
        landing=landing,
        describer=describer,
        lines=tell(landing.graph, describer),
        rules=rules_of(landing.graph, describer),
        mails=mails,
        texts=[_text(step, describer) for step in steps if step.type == TEXT],
        made=list(_made(install, frozen, mails)),
        body=json.dumps(landing.body, indent=2, ensure_ascii=False),
        shapes=[
            Shape(key, SETTINGS[key], _SHAPE_HELP[key], bool(install.shape.get(key)))
            for key in offers(frozen.graph)
        ],
    )


_SHAPE_HELP = {
    "duplicate_tails": "Some accounts refuse branches that join again. Each branch then gets its own copy of the steps "
    "they share.",
    "nest_branches": "Some accounts refuse splits with many branches. Each branch then becomes a yes-or-no split, one "
    "after the other.",
}


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
) -> Mail:
    message = _message(step)
    email, label = message.get("from_email") or "", message.get("from_label") or ""
    source = sources.get(step.key)
    if written := _content_key(source):
        name = frozen.contents.get(written, {}).get("name", "")
        origin = f"Made as the email template “{name}”"
    else:
        held = str(message.get("template_id") or "")
        origin = f"From your email template “{names.get(held, held)}”" if held else "No content yet"
    return Mail(
        key=step.key,
        title=describer.step(step).title,
        subject=str(message.get("subject_line") or ""),
        preview=str(message.get("preview_text") or ""),
        sender=f"{label} <{email}>" if label and email else email or label or "Your account's default sender",
        source=origin,
    )


def _text(step: Step, describer: Describer) -> Text:
    body = str(_message(step).get("body") or "")
    return Text(describer.step(step).title, body, count(segments(body), "segment"))


def _made(install: Install, frozen: Frozen, mails: list[Mail]) -> Iterator[tuple[str, str]]:
    """(icon, what) for everything that is new in the account afterwards."""
    yield "flow", f"The flow “{install.version.name}”, as a draft"
    for one in frozen.contents.values():
        yield "mail", f"The email template “{one['name']}”"
    sources = _contents(frozen.graph).values()
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
        flows = client_for(install.account).flow_triggers(metric)
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
    return client_for(account).get_template(template_id).html
