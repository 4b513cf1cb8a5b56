"""The flows of a workspace: the list, a new one (empty or from a starter), one from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from accounts.access import workspace_or_404
from accounts.models import Workspace
from flowbuilder.access import DESIGNERS
from flowbuilder.definition.frozen import Frozen, Line, Question, tell
from flowbuilder.definition.reading import UnableToImport
from flowbuilder.editor.views import url_of, user_of
from flowbuilder.operations.designs import create_flow, import_flow
from flowbuilder.operations.library import flow_from_document
from flowbuilder.queries import flow_rows
from flowbuilder.starters import GOALS, Starter, starters
from flowbuilder.templatetags.picture import flow_sketch


@require_GET
def flows(request: HttpRequest, slug: str) -> HttpResponse:
    workspace = workspace_or_404(user_of(request), slug)
    return _list(request, workspace)


def _list(
    request: HttpRequest, workspace: Workspace, *, status: int = 200, problems: Any = ()
) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    context = {
        "room": workspace,
        "rows": flow_rows(workspace, query),
        "query": query,
        "goals": starters_by_goal(),
        "problems": problems,
    }
    return render(request, "editor/flows.html", context, status=status)


@dataclass(frozen=True, slots=True)
class Shown:
    """A starter as the page shows it. `sends` are (icon, “2 emails”)."""

    starter: Starter
    picture: SafeString
    sends: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    questions: Sequence[Question]


@cache
def starters_by_goal() -> list[tuple[str, list[Shown]]]:
    """Starters never change, and neither do their pictures: worked out once in each process."""
    shown = [_shown(one) for one in starters()]
    return [(title, [one for one in shown if one.starter.goal == goal]) for goal, title in GOALS.items()]


def _shown(starter: Starter) -> Shown:
    frozen = Frozen(starter.document)
    return Shown(
        starter=starter,
        picture=render_to_string("flows/_sketch.html", flow_sketch(frozen.graph)),
        sends=frozen.channels,
        lines=tell(frozen.graph, frozen.describer()),
        questions=frozen.questions,
    )


@require_POST
def new(request: HttpRequest, slug: str) -> HttpResponse:
    workspace = workspace_or_404(user_of(request), slug, roles=DESIGNERS)
    name = request.POST.get("name", "")
    starter = next((one for one in starters() if one.slug == request.POST.get("starter")), None)
    if starter:
        flow = flow_from_document(
            workspace=workspace, by=user_of(request), document=starter.document, name=name
        )
    else:
        flow = create_flow(workspace=workspace, by=user_of(request), name=name)
    return redirect(url_of(flow))


@require_POST
def import_file(request: HttpRequest, slug: str) -> HttpResponse:
    """A JSON file, or pasted text, as a new flow. What cannot be read is said with its place; nothing is kept of it."""
    workspace = workspace_or_404(user_of(request), slug, roles=DESIGNERS)
    upload = request.FILES.get("file")
    text = upload.read(settings.IMPORT_MAX_BYTES + 1) if upload else request.POST.get("text", "")
    try:
        flow, read = import_flow(workspace=workspace, by=user_of(request), text=text)
    except UnableToImport as error:
        return _list(request, workspace, status=422, problems=error.problems)
    for note in read.notes:
        messages.info(request, note.text)
    messages.success(request, f"Imported “{flow.name}”.")
    return redirect(url_of(flow))
