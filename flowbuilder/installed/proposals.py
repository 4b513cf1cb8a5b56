"""What people changed in their copies of a workspace's template flows, and offered to it: taken or declined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import strip_tags
from django.views.decorators.http import require_POST, require_safe

from accounts.access import workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.models import Proposal
from flowbuilder.operations import proposals
from flowbuilder.operations.proposals import HTML
from flowbuilder.operations.publications import UnableToAct

A_PAGE = 20
TONES = {"open": "accent", "taken": "good", "declined": ""}


class Request(HttpRequest):
    user: User


def _rows(workspace: Workspace) -> Any:
    found = Proposal.objects.filter(template_flow__workspace=workspace)
    return found.select_related("template_flow", "workspace", "by", "decided_by")


@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    return _page(request, workspace_or_404(request.user, slug, access.DESIGNERS))


def _page(request: HttpRequest, workspace: Workspace, wrong: str = "", status: int = 200) -> HttpResponse:
    shown = Paginator(_rows(workspace), A_PAGE).get_page(request.GET.get("page"))
    rows = [
        {"proposal": one, "tone": TONES[one.state], "changes": [_told(change) for change in one.changes]}
        for one in shown.object_list
    ]
    context = {"room": workspace, "page": shown, "rows": rows, "wrong": wrong}
    return render(request, "installed/proposals.html", context, status=status)


def _told(change: dict[str, Any]) -> dict[str, str]:
    is_html = change["path"] == HTML
    return {"text": change["text"], "email": strip_tags(change["after"]).strip()[:2000] if is_html else ""}


def _decide(request: Request, pk: int, act: Callable[..., None], word: str) -> HttpResponse:
    mine = Proposal.objects.filter(template_flow__workspace__memberships__user=request.user)
    proposal = get_object_or_404(mine.select_related("template_flow__workspace"), pk=pk)
    workspace = proposal.template_flow.workspace
    access.require_role(request.user, workspace, access.DESIGNERS, "Only designers and owners change flows.")
    try:
        act(proposal=proposal, by=request.user)
    except UnableToAct as error:
        return _page(request, workspace, str(error), status=422)
    messages.success(request, word)
    return redirect("installed:proposals", workspace.slug)


@require_POST
def take(request: Request, pk: int) -> HttpResponse:
    word = "Taken into the design. Look at it in the editor, then publish a version."
    return _decide(request, pk, proposals.take, word)


@require_POST
def decline(request: Request, pk: int) -> HttpResponse:
    return _decide(request, pk, proposals.decline, "Declined.")
