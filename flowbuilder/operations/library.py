"""Versions and the library: freeze a flow as it is, offer it, say for whom it is, share it, withdraw a version. And the
reverse: a flow made from a version. What reviewers do is reviews.py's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils.text import slugify
from django.utils.timezone import now as right_now

from accounts.audit import Act, record
from accounts.models import User, Workspace
from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.offering import channels_of
from flowbuilder.definition.pieces import moved
from flowbuilder.definition.preflight import blocking
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Problem
from flowbuilder.kinds.asks import CONTENT, ask, fill
from flowbuilder.models import Flow, Requirement, TemplateFlow, Version
from flowbuilder.operations.designs import save_new
from flowbuilder.operations.emails import keep_contents
from flowbuilder.operations.questions import with_role
from flowbuilder.operations.reviews import ask_for_review, let_lapse, show_last_yes
from flowbuilder.queries import Design

LONGEST_DESCRIPTION = 5000


class UnableToOffer(Exception):
    """The template flow cannot be that; the text says why and what to do."""


class UnableToPublish(Exception):
    """The flow is not ready for a version; `problems` are what blocks it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "This flow cannot be published yet: " + " ".join(problem.text for problem in problems)
        )
        self.problems = problems


def freeze(design: Design) -> dict[str, Any]:
    """A version's document: the definition with its questions and contents, all that could change what lands.

    Steps stand in breadth-first order, so that two flows that mean the same have the same document.
    """
    return {
        "name": design.flow.name,
        "definition": to_definition(design.graph),
        "requirements": [{"key": key, **with_role(one)} for key, one in design.draft.requirements.items()],
        "contents": {
            key: {"name": one.name, "html": one.html, "text": one.text} for key, one in design.emails.items()
        },
        "names": {step.key: step.name for step in design.graph.steps if step.name},
        "notes": {step.key: step.note for step in design.graph.steps if step.note},
    }


@transaction.atomic
def publish_version(*, flow: Flow, by: User | None, notes: str = "", label: str = "") -> Version:
    """The next version of a flow, frozen. UnableToPublish while anything blocks it, or would with some answers."""
    Flow.objects.select_for_update().get(pk=flow.pk)
    design = Design(flow)
    if stops := blocking(design.problems) or design.proof.problems:
        raise UnableToPublish(stops)
    document = freeze(design)
    number = (flow.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version = Version.objects.create(
        flow=flow,
        number=number,
        name=flow.name,
        label=label.strip()[:80],
        notes=notes.strip(),
        channels=_words(channels_of(document["definition"])),
        document=document,
        content_hash=content_hash(document),
        author=by,
    )
    record(Act.VERSION, workspace=flow.workspace_id, thing=version, by=by)
    return version


def _words(words: Iterable[str]) -> str:
    """As they are kept: each between spaces, so that one can be looked for."""
    found = " ".join(dict.fromkeys(words))
    return f" {found} " if found else ""


# --- Offering ------------------------------------------------------------------------------------------------------


@transaction.atomic
def offer_in_library(
    *, version: Version, description: str = "", visibility: str = TemplateFlow.Visibility.SITE
) -> TemplateFlow:
    """Offer a version in the library; a flow that is there already moves on to it. What everybody is to see asks for
    its review."""
    flow = version.flow
    template = TemplateFlow.objects.select_for_update().filter(flow=flow).first() or TemplateFlow(
        slug=_free_slug(version.name), workspace=flow.workspace, flow=flow
    )
    if template.public_id is None or visibility != TemplateFlow.Visibility.SITE:
        template.name = version.name  # else strangers know it by the name that was said yes to
    template.description = description.strip()[:LONGEST_DESCRIPTION]
    template.visibility = visibility
    template.current_version = version
    template.save()
    ask_for_review(template=template, by=version.author)
    text = f"Version {version.number}, for: {template.get_visibility_display()}"
    record(Act.OFFERED, workspace=template.workspace_id, thing=template, detail=text, by=version.author)
    return template


@transaction.atomic
def settle_offer(
    *,
    template: TemplateFlow,
    by: User,
    visibility: str,
    categories: Iterable[str],
    languages: Iterable[str],
    description: str = "",
) -> None:
    """What a template's page says beside its design, and who may read it. An empty description is generated."""
    _lock(template)
    text = description.replace("\0", "").strip()
    if len(text) > LONGEST_DESCRIPTION:
        raise UnableToOffer(f"A description may have at most {LONGEST_DESCRIPTION:,} characters.")
    if visibility not in TemplateFlow.Visibility.values:
        raise UnableToOffer("Choose who may read and install it.")
    template.description, template.visibility = text, visibility
    template.categories = _words(one for one in TemplateFlow.Category.values if one in set(categories))
    template.languages = _words(one for one in TemplateFlow.Language.values if one in set(languages))
    template.save(update_fields=["description", "visibility", "categories", "languages"])
    ask_for_review(template=template, by=by)
    text = f"For: {template.get_visibility_display()}"
    record(Act.OFFERED, workspace=template.workspace_id, thing=template, detail=text, by=by)


def renew_link(*, template: TemplateFlow) -> None:
    """A new share link; the old one leads nowhere from now on."""
    TemplateFlow.objects.filter(pk=template.pk).update(link_number=F("link_number") + 1)
    template.refresh_from_db(fields=["link_number"])


@transaction.atomic
def withdraw_version(
    *, template: TemplateFlow, version: Version, by: User, reason: str, now: datetime | None = None
) -> None:
    """Nobody begins with this version any more. The one before it takes its place, where there is one; installs that
    were being set up with it are told, and can take that. What is live in accounts stays."""
    _lock(template)
    version = Version.objects.select_for_update().get(pk=version.pk)
    if version.flow_id != template.flow_id:
        raise UnableToOffer("That version is of another template flow.")
    if version.withdrawn_at:
        raise UnableToOffer(f"Version {version.number} was withdrawn already.")
    why = reason.strip()[:300]
    if not why:
        raise UnableToOffer("Say why: people who are installing it read this.")
    version.withdrawn_at, version.withdrawn_by, version.withdrawn_reason = now or right_now(), by, why
    version.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    let_lapse(template=template, version=version, reason="The version was withdrawn.")
    if template.current_version_id == version.pk:
        before = Version.objects.filter(flow=template.flow_id, withdrawn_at=None)
        if last := before.filter(number__lt=version.number).order_by("-number").first():
            template.current_version = last
            template.save(update_fields=["current_version"])
    show_last_yes(template=template)
    record(Act.WITHDREW, workspace=template.workspace_id, thing=version, detail=why, by=by)


def _lock(template: TemplateFlow) -> None:
    rows = TemplateFlow.objects.select_for_update(of=("self",))
    template.refresh_from_db(from_queryset=rows.select_related("workspace", "current_version"))


def _free_slug(name: str) -> str:
    stem = slugify(name)[:60] or "flow"
    slug, number = stem, 1
    while TemplateFlow.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    return slug


@transaction.atomic
def flow_from_document(
    *, workspace: Workspace, by: User | None, document: dict[str, Any], name: str = ""
) -> Flow:
    """A working flow from a version's document (or a starter, which has the same form)."""
    keys = keep_contents(workspace=workspace, by=by, contents=document.get("contents", {}))
    read = read_document({"name": document.get("name", ""), "definition": document["definition"]})
    names, notes = document.get("names", {}), document.get("notes", {})
    steps = [
        replace(
            step,
            name=names.get(step.key, ""),
            note=notes.get(step.key, ""),
            config=fill(step.config, lambda key, part: ask(key, part), lambda key: {CONTENT: keys[key]}),
        )
        for step in read.graph.steps
    ]
    flow = save_new(
        workspace=workspace, by=by, read=replace(read, graph=read.graph.with_steps(steps)), name=name
    )
    asked = [moved(with_role(one), keys) for one in document.get("requirements", [])]
    Requirement.objects.bulk_create(Requirement(flow=flow, **one) for one in asked)
    return flow
