"""What people changed in their copies of a workspace's template flows, and offered to it: looked at, taken or declined.

A page of one proposal is the design as it would be. What is ticked and chosen there stands in the address, so that it
can be looked at again before it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import strip_tags
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.models import Proposal, Version
from flowbuilder.operations import proposals
from flowbuilder.operations.laying import Asked, Clash, Laid, Line, Picked, lay
from flowbuilder.operations.publications import UnableToAct

A_PAGE = 20
TONES = {"open": "accent", "taken": "good", "declined": ""}
CHOICE, QUESTION = (
    "choice ",
    "question ",
)  # begin names of fields; the point's id, or the question's key, follows


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class Looked:
    """One proposal as its page shows it. `laid` None: it is decided, or `wrong` says why it cannot be laid."""

    proposal: Proposal
    picked: Picked
    laid: Laid | None
    wrong: str = ""

    @property
    def tone(self) -> str:
        return TONES[self.proposal.state]

    @cached_property
    def lines(self) -> list[tuple[Line, list[str]]]:
        return [(one, [_plain(html) for html in one.emails]) for one in self.laid.lines] if self.laid else []

    @property
    def clashes(self) -> list[tuple[str, Clash, str, str]]:
        """(name of the field, clash, the design's email as plain text, theirs)."""
        return [
            (f"{CHOICE}{one.point.id}", one, _plain(one.own_email), _plain(one.new_email))
            for one in (self.laid.clashes if self.laid else ())
        ]

    @property
    def asked(self) -> list[tuple[str, Asked]]:
        return [(f"{QUESTION}{one.key}", one) for one in (self.laid.asked if self.laid else ())]

    @cached_property
    def withdrawn(self) -> Version | None:
        """The version it was made from, where nobody is to begin with that any more."""
        flow, number = self.proposal.template_flow.flow_id, self.proposal.document.get("version")
        return Version.objects.filter(flow=flow, number=number).exclude(withdrawn_at=None).first()


def _plain(html: str) -> str:
    lines = (line.strip() for line in strip_tags(html).splitlines())
    return "\n".join(line for line in lines if line)[:2000]


# --- All of them ---------------------------------------------------------------------------------------------------


@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, access.DESIGNERS)
    found = Proposal.objects.filter(template_flow__workspace=workspace).defer("document")
    found = found.select_related("template_flow", "workspace", "by", "decided_by")
    shown = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    rows = [{"proposal": one, "tone": TONES[one.state]} for one in shown.object_list]
    return render(request, "installed/proposals.html", {"room": workspace, "page": shown, "rows": rows})


# --- One -----------------------------------------------------------------------------------------------------------


def _proposal(request: Request, pk: int) -> tuple[Proposal, Workspace]:
    mine = Proposal.objects.filter(template_flow__workspace__memberships__user=request.user)
    related = ("template_flow__workspace", "template_flow__flow__workspace", "template_flow__flow__trigger")
    found = mine.select_related(*related, "workspace", "by", "decided_by")
    proposal = get_object_or_404(found, pk=pk)
    workspace = proposal.template_flow.workspace
    access.require_role(request.user, workspace, access.DESIGNERS, "Only designers and owners change flows.")
    return proposal, workspace


def _picked(data: QueryDict) -> Picked:
    """From a form that says so itself; without one all of it is meant."""

    def named(prefix: str) -> Mapping[str, str]:
        return {
            name.removeprefix(prefix): str(value) for name, value in data.items() if name.startswith(prefix)
        }

    choices = {key: value for key, value in named(CHOICE).items() if value in ("yours", "new")}
    return Picked(data.getlist("part") if "picked" in data else None, choices, named(QUESTION))


def _looked(proposal: Proposal, picked: Picked, wrong: str = "") -> Looked:
    if proposal.state != Proposal.State.OPEN:
        return Looked(proposal, picked, None, wrong)
    try:
        return Looked(proposal, picked, lay(proposal, picked), wrong)
    except UnableToAct as error:
        return Looked(proposal, picked, None, wrong or str(error))


@never_cache
@require_safe
def one(request: Request, pk: int) -> HttpResponse:
    proposal, workspace = _proposal(request, pk)
    return _one(request, workspace, _looked(proposal, _picked(request.GET)))


def _one(request: HttpRequest, workspace: Workspace, looked: Looked, status: int = 200) -> HttpResponse:
    return render(request, "installed/proposal.html", {"room": workspace, "looked": looked}, status=status)


def _decide(request: Request, pk: int, act: Callable[[Proposal], Any], word: str) -> HttpResponse:
    proposal, workspace = _proposal(request, pk)
    try:
        act(proposal)
    except UnableToAct as error:
        proposal.refresh_from_db()
        return _one(request, workspace, _looked(proposal, _picked(request.POST), str(error)), status=422)
    messages.success(request, word)
    proposal.refresh_from_db()
    if proposal.state == Proposal.State.OPEN:
        return redirect("installed:proposal", pk)
    return redirect("installed:proposals", workspace.slug)


@require_POST
def take(request: Request, pk: int) -> HttpResponse:
    picked = _picked(request.POST)
    word = "Taken into the design. Look at it in the editor, then publish a version."
    return _decide(
        request, pk, lambda proposal: proposals.take(proposal=proposal, by=request.user, picked=picked), word
    )


@require_POST
def decline(request: Request, pk: int) -> HttpResponse:
    return _decide(
        request, pk, lambda proposal: proposals.decline(proposal=proposal, by=request.user), "Declined."
    )
