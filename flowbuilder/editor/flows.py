"""The flows of a workspace: the list, a new one (empty or from a starter), one from a file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import workspace_or_404
from accounts.models import Workspace
from flowbuilder.access import DESIGNERS
from flowbuilder.definition.reading import UnableToImport
from flowbuilder.editor.views import url_of, user_of
from flowbuilder.operations.designs import create_flow, import_flow
from flowbuilder.operations.library import flow_from_document
from flowbuilder.queries import flow_rows
from flowbuilder.starters import starters


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
        "starters": starters(),
        "problems": problems,
    }
    return render(request, "editor/flows.html", context, status=status)


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
