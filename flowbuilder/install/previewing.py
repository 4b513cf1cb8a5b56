"""Exactly what an install would make in its account, before anything is made. Reads only; one call to Klaviyo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.counted import counted
from accounts.klaviyo.errors import KlaviyoError
from accounts.klaviyo.shapes import Flow
from accounts.models import KlaviyoAccount
from flowbuilder.definition.excluding import EXCLUDED, METRIC_NAME
from flowbuilder.definition.frozen import Frozen, Landing, Line, rules_of, tell
from flowbuilder.definition.messages import (
    Message,
    content_key,
    contents_of,
    emails_of,
    message_of,
    messages_of,
)
from flowbuilder.definition.shaping import HELP, SETTINGS, offers
from flowbuilder.install.asking import names_of
from flowbuilder.kinds.base import Words, count
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Install
from flowbuilder.operations.installs import landing_of, values_of


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
    return Preview(
        landing=landing,
        describer=describer,
        lines=tell(landing.graph, describer),
        rules=rules_of(landing.graph, describer),
        messages=messages_of(landing, frozen, describer, names),
        made=list(_made(install, frozen)),
        body=json.dumps(landing.body, indent=2, ensure_ascii=False),
        shapes=[
            Shape(key, SETTINGS[key], HELP[key], bool(install.shape.get(key))) for key in offers(frozen.graph)
        ],
    )


def _made(install: Install, frozen: Frozen) -> Iterator[tuple[str, str]]:
    """(icon, what) for everything that is new in the account afterwards."""
    yield "flow", f"The flow “{install.version.name}”, as a draft"
    sources = contents_of(frozen.left(values_of(install.answers))).values()
    for key in dict.fromkeys(key for source in sources if (key := content_key(source))):
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
    """The content of one email: written with the flow, or read from the account. None without any.

    Raises KlaviyoError where the account does not show its template.
    """
    frozen = Frozen(install.version.document)
    source = contents_of(frozen.graph).get(key)
    if written := content_key(source):
        return frozen.email(written, values_of(install.answers)).get("html")
    step = emails_of(landing_of(install).graph).get(key)
    template_id = str(message_of(step).get("template_id") or "") if step else ""
    if not template_id or install.account is None:
        return None
    return _template_html(install.account, template_id)


def _template_html(account: KlaviyoAccount, template_id: str) -> str | None:
    return counted(account).get_template(template_id).html
