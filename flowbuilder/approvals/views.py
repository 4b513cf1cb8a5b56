"""Pages of this room: the queue, one request, and the settings of a workspace. Each begins with access."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.approvals.telling import Shown
from flowbuilder.models import Approval
from flowbuilder.operations import approvals as operations
from flowbuilder.operations.approvals import UnableToApprove
from flowbuilder.queries.approvals import waiting_for, who_can

A_PAGE = 30


class Request(HttpRequest):
    user: User


@never_cache
@require_safe
def show_list(request: Request) -> HttpResponse:
    """What waits for this person, what else waits, the oldest first; below, what was decided."""
    seen = access.approvals_for(request.user)
    mine = seen.filter(pk__in=waiting_for(request.user).values("pk")).order_by("asked_at", "pk")
    context = {
        "mine": list(mine),
        "others": seen.filter(verdict="").exclude(pk__in=mine.values("pk")).order_by("asked_at", "pk"),
        "page": Paginator(seen.exclude(verdict="").order_by("-decided_at", "-pk"), A_PAGE).get_page(
            request.GET.get("page")
        ),
        "owned": Workspace.objects.filter(memberships__user=request.user, memberships__role="owner"),
    }
    return render(request, "approvals/list.html", context)


@never_cache
@require_safe
def show(request: Request, pk: int) -> HttpResponse:
    return _page(request, access.approval_or_404(request.user, pk))


def _page(request: Request, approval: Approval, error: str = "", status: int = 200) -> HttpResponse:
    context = {"approval": approval, "shown": Shown(approval, request.user), "error": error}
    return render(request, "approvals/approval.html", context, status=status)


@require_POST
def decide(request: Request, pk: int) -> HttpResponse:
    approval = access.approval_to_decide_or_404(request.user, pk)
    given = request.POST
    verdict = given.get("verdict", "")

    def act() -> None:
        operations.decide(
            approval=approval,
            by=request.user,
            verdict=verdict,
            reason=given.get("reason", ""),
            seen=given.get("seen", ""),
        )

    said = "Approved: it goes on." if verdict == "yes" else "Refused. Whoever asked reads why."
    return _act(request, approval, act, said)


@require_POST
def withdraw(request: Request, pk: int) -> HttpResponse:
    approval = access.approval_or_404(request.user, pk)

    def act() -> None:
        operations.withdraw(approval=approval, by=request.user)

    return _act(request, approval, act, "Withdrawn. Nothing is sent.")


def _act(request: Request, approval: Approval, act: Callable[[], None], done: str) -> HttpResponse:
    try:
        act()
    except UnableToApprove as error:
        return _page(request, access.approval_or_404(request.user, approval.pk), str(error), status=422)
    messages.success(request, done)
    return redirect("approvals:list")


# --- Who requires it -----------------------------------------------------------------------------------------------


class SettingsForm(forms.Form):
    in_workspace = forms.BooleanField(required=False)
    templates = forms.MultipleChoiceField(required=False)
    sure = forms.BooleanField(required=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: Request, slug: str) -> HttpResponse:
    """Whether a second person must say yes: in this workspace's accounts, and for each of its template flows."""
    workspace = workspace_or_404(request.user, slug, {access.Role.OWNER})
    templates = list(workspace.template_flows.order_by("name", "pk").only("name", "slug", "needs_approval"))
    form = SettingsForm(request.POST or None)
    form.fields["templates"].choices = [(str(one.pk), one.name) for one in templates]  # type: ignore[attr-defined]
    error = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            operations.require(
                workspace=workspace,
                by=request.user,
                in_workspace=given["in_workspace"],
                templates=[int(one) for one in given["templates"]],
                sure=given["sure"],
            )
        except UnableToApprove as refusal:
            error = str(refusal)
        else:
            messages.success(request, "Saved.")
            return redirect("approvals:settings", slug)
    context = {
        "room": workspace,
        "templates": templates,
        "people": who_can(workspace.pk),
        "is_on": form.cleaned_data["in_workspace"] if error else workspace.needs_approval,
        "ticked": {int(one) for one in form.cleaned_data["templates"]}
        if error
        else {one.pk for one in templates if one.needs_approval},
        "error": error,
    }
    return render(request, "approvals/settings.html", context, status=422 if error else 200)
