"""Pages of this room: the list, one rollout, its acts, the answers of one account. Each begins with access."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from accounts.access import workspace_or_404
from accounts.clock import now as right_now
from accounts.models import CatalogEntry, Membership, User
from flowbuilder import access
from flowbuilder.account_form import AccountForm
from flowbuilder.definition.frozen import Frozen
from flowbuilder.models import Choice, Rollout
from flowbuilder.operations import rollouts as operations
from flowbuilder.operations.rollouts import UnableToRollOut
from flowbuilder.publisher.fits import kinds_needed
from flowbuilder.queries.rollouts import rollout_rows
from flowbuilder.rollouts.forms import AnswersForm, ShapeForm, StartForm
from flowbuilder.rollouts.story import TONES, Story

A_PAGE = 30
A_LOOK = timedelta(seconds=3)  # of the dry run, for each time that the page asks


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


@require_safe
def show_list(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug)
    page = Paginator(rollout_rows(workspace), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "room": workspace,
        "page": page,
        "rows": [(one, TONES[one.state]) for one in page.object_list],
        "may_act": _may_act(request.user, workspace.pk),
    }
    return render(request, "rollouts/list.html", context)


def _may_act(user: User, workspace_id: int) -> bool:
    found = Membership.objects.filter(user=user, workspace_id=workspace_id, role__in=access.INSTALLERS)
    return found.exists()


# --- One ----------------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def rollout(request: Request, pk: int) -> HttpResponse:
    """One rollout. While something may change the page asks again every three seconds: nothing new is 204."""
    one = access.rollout_or_404(request.user, pk)
    story = _story(request, one)
    if request.htmx and request.GET.get("seen") == story.mark:
        return HttpResponse(status=204)
    if request.htmx and story.is_planned != (request.GET.get("was") == Rollout.State.PLANNED):
        # Its forms come or go, and stand outside of the part that is asked for.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return _page(request, story)


def _story(request: Request, one: Rollout, wrong: str = "") -> Story:
    may_act = _may_act(request.user, one.workspace_id)
    params = request.GET if request.method == "GET" else request.POST
    return Story(one, right_now(), params.dict(), may_act=may_act, wrong=wrong)


def _page(
    request: Request,
    story: Story,
    *,
    start_form: StartForm | None = None,
    answers_form: AnswersForm | None = None,
    status: int = 200,
) -> HttpResponse:
    one = story.rollout
    context: dict[str, Any] = {"story": story, "rollout": one}
    if request.htmx:
        return render(request, "rollouts/_rollout.html", context, status=status)
    if story.may_act and one.state != Rollout.State.CANCELLED:
        context["answers_form"] = answers_form or AnswersForm(story.questions, one.answers)
        context["shape_form"] = ShapeForm(Frozen(one.version.document).graph, one.shape)
        if story.is_planned:
            initial = {"canary": one.canary, "wave_size": one.wave_size, "stop_above": one.stop_above}
            context["start_form"] = start_form or StartForm(initial=initial)
    return render(request, "rollouts/rollout.html", context, status=status)


@require_POST
def look(request: Request, pk: int) -> HttpResponse:
    """Go on with the dry run for a moment. The page presses this by itself until all are looked at."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    operations.look_on(rollout=one, at_once=A_LOOK)
    if not request.htmx:
        return redirect("rollouts:rollout", pk)
    return _page(request, _story(request, one))


@require_POST
def again(request: Request, pk: int) -> HttpResponse:
    """Look again at what is not ready."""

    def act(one: Rollout) -> str:
        operations.look_again(rollout=one)
        operations.look_on(rollout=one, at_once=A_LOOK)
        return ""

    return _act(request, pk, act)


@require_POST
def answers(request: Request, pk: int) -> HttpResponse:
    """The same answers for every account that has none of its own."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    form = AnswersForm(operations.questions_of(one), one.answers, request.POST)
    if form.is_valid():
        try:
            operations.answer_for_all(rollout=one, values=form.answers)
        except UnableToRollOut as error:
            form.add_error(None, str(error))
        else:
            return redirect("rollouts:rollout", pk)
    return _page(request, _story(request, one), answers_form=form, status=422)


@require_POST
def shape(request: Request, pk: int) -> HttpResponse:
    """How the flow is built in every account that it is not sent to yet."""

    def act(one: Rollout) -> str:
        form = ShapeForm(Frozen(one.version.document).graph, one.shape, request.POST)
        form.is_valid()  # ticks are either there or not
        operations.choose_shape(rollout=one, settings=form.cleaned_data)
        return ""

    return _act(request, pk, act)


# --- Acts ---------------------------------------------------------------------------------------------------------


@require_POST
def start(request: Request, pk: int) -> HttpResponse:
    """The yes. A publication to many accounts: the place to ask who is there to sign in again first."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    form = StartForm(request.POST)
    wrong = ""
    if form.is_valid():
        try:
            operations.start_rollout(rollout=one, by=request.user, now=right_now(), **form.cleaned_data)
        except UnableToRollOut as error:
            wrong = str(error)
        else:
            return redirect("rollouts:rollout", pk)
    return _page(request, _story(request, one, wrong), start_form=form, status=422)


@require_POST
def pause(request: Request, pk: int) -> HttpResponse:
    def act(one: Rollout) -> str:
        operations.pause_rollout(rollout=one, by=request.user, now=right_now())
        return "Paused. What was begun goes on to its end; nothing else is sent."

    return _act(request, pk, act)


@require_POST
def resume(request: Request, pk: int) -> HttpResponse:
    def act(one: Rollout) -> str:
        operations.resume_rollout(rollout=one, by=request.user, now=right_now())
        return "Under way again."

    return _act(request, pk, act)


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    def act(one: Rollout) -> str:
        operations.cancel_rollout(rollout=one, by=request.user, now=right_now())
        return "Cancelled. What landed stays; nothing else is sent."

    return _act(request, pk, act)


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    def act(one: Rollout) -> str:
        number = operations.retry_failed(rollout=one, by=request.user, now=right_now())
        return f"Asked again for {number:,} that failed."

    return _act(request, pk, act)


def _act(request: Request, pk: int, act: Callable[[Rollout], str]) -> HttpResponse:
    """One act on a rollout; what stands against it is said on its page."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    try:
        done = act(one)
    except UnableToRollOut as error:
        one.refresh_from_db()
        return _page(request, _story(request, one, str(error)), status=422)
    if request.htmx:
        one.refresh_from_db()
        return _page(request, _story(request, one))
    if done:
        messages.success(request, done)
    return redirect("rollouts:rollout", pk)


# --- One account --------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: Request, pk: int, choice: int) -> HttpResponse:
    """The questions of one account. What is saved is looked at at once."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    chosen = _choice_or_404(one, choice)
    questions = operations.questions_of(one)
    entries = list(CatalogEntry.objects.filter(account=chosen.account_id, kind__in=kinds_needed(questions)))
    form = AccountForm(questions, chosen.answers, entries, request.POST or None)
    if request.method == "POST" and form.is_valid():
        for key, value in form.answers.items():
            try:
                operations.answer_choice(rollout=one, choice=chosen, key=key, value=value)
            except UnableToRollOut as error:
                form.add_error(key, str(error))
        if not form.errors:
            return _looked_at(request, one, chosen)
    context = {"rollout": one, "choice": chosen, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "rollouts/account.html", context, status=status)


def _looked_at(request: Request, one: Rollout, chosen: Choice) -> HttpResponse:
    operations.look_again(rollout=one, choices=[chosen.pk])
    operations.look_on(rollout=one, at_once=A_LOOK)
    chosen.refresh_from_db()
    if chosen.fit == Choice.Fit.READY:
        messages.success(request, f"{chosen.account} is ready.")
    elif chosen.reason:
        messages.warning(request, f"{chosen.account}: {chosen.reason}")
    return redirect("rollouts:rollout", one.pk)


@require_POST
def leave_out(request: Request, pk: int, choice: int) -> HttpResponse:
    def act(one: Rollout) -> str:
        chosen = _choice_or_404(one, choice)
        operations.leave_out(rollout=one, choice=chosen)
        return f"{chosen.account} is left out."

    return _act(request, pk, act)


def _choice_or_404(one: Rollout, pk: int) -> Choice:
    return get_object_or_404(one.choices.select_related("account"), pk=pk)
