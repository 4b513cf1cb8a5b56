"""Versions and the library: freeze a flow as it is, and offer it. And the reverse: a flow made from a version."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from accounts.models import User, Workspace
from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.preflight import blocking
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Problem
from flowbuilder.kinds.asks import CONTENT, ask, fill
from flowbuilder.models import Flow, Requirement, TemplateFlow, Version
from flowbuilder.operations.designs import save_new
from flowbuilder.operations.emails import keep_contents
from flowbuilder.queries import Design


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
        "requirements": [{"key": key, **one} for key, one in design.draft.requirements.items()],
        "contents": {
            key: {"name": one.name, "html": one.html, "text": one.text} for key, one in design.emails.items()
        },
        "names": {step.key: step.name for step in design.graph.steps if step.name},
        "notes": {step.key: step.note for step in design.graph.steps if step.note},
    }


@transaction.atomic
def publish_version(*, flow: Flow, by: User | None, notes: str = "") -> Version:
    """The next version of a flow, frozen. UnableToPublish while anything blocks it."""
    Flow.objects.select_for_update().get(pk=flow.pk)
    design = Design(flow)
    if stops := blocking(design.problems):
        raise UnableToPublish(stops)
    document = freeze(design)
    number = (flow.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return Version.objects.create(
        flow=flow,
        number=number,
        name=flow.name,
        notes=notes.strip(),
        document=document,
        content_hash=content_hash(document),
        author=by,
    )


@transaction.atomic
def offer_in_library(
    *, version: Version, description: str = "", visibility: str = TemplateFlow.Visibility.SITE
) -> TemplateFlow:
    """Offer a version in the library; a flow that is there already moves on to it."""
    flow = version.flow
    template = TemplateFlow.objects.filter(flow=flow).first()
    if template is None:
        return TemplateFlow.objects.create(
            slug=_free_slug(version.name),
            workspace=flow.workspace,
            flow=flow,
            name=version.name,
            description=description.strip(),
            visibility=visibility,
            current_version=version,
        )
    template.name = version.name
    template.description = description.strip()
    template.visibility = visibility
    template.current_version = version
    template.save()
    return template


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
    Requirement.objects.bulk_create(Requirement(flow=flow, **one) for one in document.get("requirements", []))
    return flow
