"""Settings that become questions for each account, and email content of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import ask, get_at, is_ask, set_at
from flowbuilder.kinds.base import Hint
from flowbuilder.models import EmailContent, Flow, Requirement
from flowbuilder.queries import graph_of, questions_used

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


@transaction.atomic
def make_question(
    *,
    flow: Flow,
    config: Mapping[str, Any],
    path: Path,
    hint: Hint,
    looks_for: str = "",
    integration: str = "",
) -> dict[str, Any]:
    """The settings with the value at `path` asked for, and the question itself. The value becomes its default.

    A setting that is part of an answer (the address of a sender) takes its sisters along.
    """
    if hint.part:
        return _ask_parts(flow, config, path, hint)
    value = get_at(config, path)
    if is_ask(value):
        return dict(config)
    same = flow.requirements.filter(kind=hint.asks, default=value).first() if value else None
    requirement = same or _new(flow, hint, value, looks_for, integration)
    return dict(set_at(config, path, ask(requirement.key)))


def _ask_parts(flow: Flow, config: Mapping[str, Any], path: Path, hint: Hint) -> dict[str, Any]:
    """All emails of a flow share one sender question."""
    parts = {"email": "from_email", "label": "from_label"}
    values = {part: get_at(config, (*path[:-1], name)) for part, name in parts.items()}
    default = {part: value for part, value in values.items() if isinstance(value, str) and value}
    requirement = flow.requirements.filter(kind=hint.asks).first() or _new(
        flow, hint, default or None, "", ""
    )
    for part, name in parts.items():
        config = set_at(config, (*path[:-1], name), ask(requirement.key, part))
    return dict(config)


def _new(flow: Flow, hint: Hint, default: Any, looks_for: str, integration: str) -> Requirement:
    keys = set(flow.requirements.values_list("key", flat=True))
    stem = slugify(looks_for)[:30] or hint.asks
    key, number = stem, 1
    while key in keys:
        number += 1
        key = f"{stem}-{number}"
    return Requirement.objects.create(
        flow=flow,
        key=key,
        kind=hint.asks,
        question=WORDING.get(hint.asks, "What should stand here?"),
        looks_for=looks_for,
        integration=integration,
        default=default,
    )


def unmake_question(*, config: Mapping[str, Any], path: Path, flow: Flow) -> dict[str, Any]:
    """The settings with the default back in place of the question."""
    value = get_at(config, path)
    if not is_ask(value):
        return dict(config)
    requirement = flow.requirements.filter(key=value["$ask"]).first()
    default = requirement.default if requirement else None
    if not value.get("part"):
        return dict(set_at(config, path, default))
    for name, part in (("from_email", "email"), ("from_label", "label")):
        config = set_at(config, (*path[:-1], name), (default or {}).get(part))
    return dict(config)


@transaction.atomic
def word_question(
    *, flow: Flow, key: str, question: str, help: str, looks_for: str, integration: str
) -> Requirement:
    """Say a question in the partner's own words, and how to find its answer."""
    requirement = flow.requirements.get(key=key)
    requirement.question = question.strip()[:200] or WORDING.get(requirement.kind, "What should stand here?")
    requirement.help = help.strip()[:300]
    requirement.looks_for = looks_for.strip()[:200]
    requirement.integration = integration.strip()[:200]
    requirement.save()
    return requirement


def drop_unused_questions(flow: Flow) -> None:
    """A question that stands nowhere any more goes, and so does what a deleted email said."""
    graph = graph_of(Flow.objects.get(pk=flow.pk))
    flow.requirements.exclude(key__in=questions_used(graph)).delete()
    flow.contents.exclude(key__in=graph.by_key).delete()


@transaction.atomic
def write_content(*, flow: Flow, key: str, name: str, html: str, text: str = "") -> EmailContent:
    """The content of an email, kept with the flow; made as a template in each account."""
    content, _ = EmailContent.objects.update_or_create(
        flow=flow, key=key, defaults={"name": name.strip()[:200] or "Email", "html": html, "text": text}
    )
    return content
