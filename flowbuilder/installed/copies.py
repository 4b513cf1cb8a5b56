"""All copies of template flows in a workspace's accounts: how each stands, which version it could take, and one press
that pauses or restores those of one template flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.installed.drift import TONES
from flowbuilder.kinds.base import count
from flowbuilder.models import Install, Reading, TemplateFlow
from flowbuilder.operations import leaving
from flowbuilder.operations.leaving import Asked
from flowbuilder.queries.copies import (
    ANSWERS,
    BESIDE,
    CURRENT,
    IN_PLACE,
    Step,
    Sum,
    copy_rows,
    next_of,
    steps_between,
    sums_of,
)

A_PAGE = 50
NEXT = {
    IN_PLACE: ("good", "Applies in place"),
    BESIDE: ("accent", "Takes a new flow"),
    CURRENT: ("", "Current"),
}


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class Row:
    install: Install
    tone: str
    verdict: str
    next_tone: str
    next: str
    is_older: bool


@dataclass(frozen=True)
class Group:
    sum: Sum
    rows: list[Row]

    @property
    def sentence(self) -> str:
        """“12 copies of version 1, 3 can take version 2 in place.”"""
        kinds, number = self.sum.kinds, self.sum.newest
        parts = [f"{many} of version {version}" for version, many in self.sum.versions]
        can = [
            f"{kinds[kind]} {'can' if kind == IN_PLACE else 'need' if kinds[kind] > 1 else 'needs'} {words}"
            for kind, words in (
                (IN_PLACE, f"take version {number} in place"),
                (ANSWERS, f"an answer before version {number}"),
                (BESIDE, f"a new flow for version {number}"),
            )
            if kinds.get(kind)
        ]
        return f"{count(self.sum.total, 'copy', 'copies')}: {', '.join(parts)}. {'; '.join(can)}{'.' if can else ''}"


@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    return _page(request, workspace_or_404(request.user, slug, access.INSTALLERS))


def _page(
    request: HttpRequest, workspace: Workspace, asked: Asked | None = None, status: int = 200
) -> HttpResponse:
    shown = Paginator(copy_rows(workspace), A_PAGE).get_page(request.GET.get("page"))
    installs = list(shown.object_list)
    templates = {one.template_flow_id: one.template_flow for one in installs}
    sums = sums_of(workspace, templates.values())
    steps = steps_between((one.version_id, next_of(one)) for one in installs)
    groups = [
        Group(sums[pk], [_row(one, steps.of(one)) for one in rows])
        for pk, rows in groupby(installs, lambda one: one.template_flow_id)
    ]
    context = {"room": workspace, "page": shown, "groups": groups, "asked": asked}
    return render(request, "installed/copies.html", context, status=status)


def _row(install: Install, step: Step) -> Row:
    kind = step.of(install)
    if kind == ANSWERS:
        told = ("warn", f"Needs {count(max(step.open_in(install), 1), 'answer')}")
    else:
        told = NEXT[kind]
    verdict = str(getattr(install, "verdict", None) or "")
    is_accepted = getattr(install, "accepted_at", None) is not None
    words = "Accepted" if is_accepted else dict(Reading.Verdict.choices).get(verdict, "Not read yet")
    if kind in (IN_PLACE, ANSWERS) and verdict in ("content", "logic"):
        told = (told[0], f"{told[1]}; was edited, so it may ask")
    tone = "good" if is_accepted else TONES.get(verdict, "")
    return Row(install, tone, str(words), *told, kind != CURRENT)


def _all(request: Request, slug: str, template: str, act: Callable[..., Asked], word: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, access.INSTALLERS)
    held = TemplateFlow.objects.filter(installs__workspace=workspace).distinct()
    asked = act(template=get_object_or_404(held, slug=template), workspace=workspace, by=request.user)
    if asked.left or not asked.done:
        return _page(request, workspace, asked, status=200 if asked.done else 422)
    messages.success(
        request, f"{count(len(asked.done), 'copy', 'copies')} {word}. Each can be followed in the history."
    )
    return redirect("installed:copies", slug)


@require_POST
def pause(request: Request, slug: str, template: str) -> HttpResponse:
    return _all(request, slug, template, leaving.pause_all, "will be paused")


@require_POST
def restore(request: Request, slug: str, template: str) -> HttpResponse:
    return _all(request, slug, template, leaving.restore_all, "will be restored")
