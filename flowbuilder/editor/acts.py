"""Acts on a flow. Each is one form post that works without script: one operation, then the editor as it is now."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from flowbuilder.access import flow_or_404
from flowbuilder.editor.views import Look, show, toast, url_of, user_of
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Flow
from flowbuilder.operations import designs
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.operations.editing import apply_form
from flowbuilder.operations.library import UnableToPublish, offer_in_library, publish_version

P = ParamSpec("P")
Done = tuple[Look, str]  # what to look at next, and a sentence about what was done


def act(
    do: Callable[Concatenate[HttpRequest, Flow, P], Done | HttpResponse],
) -> Callable[Concatenate[HttpRequest, int, P], HttpResponse]:
    """POST only; the flow by access; what does not fit is the editor again with a sentence and status 422."""

    @require_POST
    @wraps(do)
    def view(request: HttpRequest, pk: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        flow = flow_or_404(user_of(request), pk)
        try:
            done = do(request, flow, *args, **kwargs)
        except UnableToChange as error:
            return show(request, flow, Look(), status=422, error=str(error))
        if isinstance(done, HttpResponse):
            return done
        return _answer(request, flow, *done)

    return view


def _answer(request: HttpRequest, flow: Flow, look: Look, sentence: str) -> HttpResponse:
    if not getattr(request, "htmx", False):
        if sentence:
            messages.success(request, sentence)
        return redirect(url_of(flow, look))
    flow = flow_or_404(user_of(request), flow.pk)  # as it is now
    response = show(request, flow, look)
    response["HX-Push-Url"] = url_of(flow, look)
    return toast(response, sentence) if sentence else response


@act
def rename(request: HttpRequest, flow: Flow) -> Done:
    designs.rename_flow(flow=flow, name=request.POST.get("name", ""))
    return Look(), "Renamed."


@act
def trigger(request: HttpRequest, flow: Flow) -> Done:
    designs.choose_trigger(flow=flow, trigger_type=request.POST.get("type", ""))
    return Look(TRIGGER_KEY), ""


@act
def add(request: HttpRequest, flow: Flow) -> Done:
    action = designs.insert_step(
        flow=flow,
        action_type=request.POST.get("type", ""),
        source=request.POST.get("source", ""),
        port=request.POST.get("port", ""),
    )
    return Look(action.key), f"Added: {action_kind(action.type).LABEL}."


@act
def change(request: HttpRequest, flow: Flow, key: str) -> Done | HttpResponse:
    posted = {name: request.POST.getlist(name) for name in request.POST}
    applied = apply_form(flow=flow, key=key, posted=posted)
    look = Look("" if key == "flow" else key)
    if applied.refused:
        flow = flow_or_404(user_of(request), flow.pk)
        return show(request, flow, look, status=422, refused=applied.refused)
    return look, ""


@act
def delete(request: HttpRequest, flow: Flow, key: str) -> Done:
    if request.POST.get("what") == "branch":
        number = designs.delete_branch(flow=flow, key=key)
        return Look(), f"Deleted {count(number, 'step')}."
    designs.delete_step(flow=flow, key=key, keep=request.POST.get("keep", ""))
    return Look(), "Deleted the step. What came after it moved up."


@act
def move(request: HttpRequest, flow: Flow, key: str) -> Done:
    source, _, port = request.POST.get("to", "").rpartition(":")
    designs.move_step(flow=flow, key=key, source=source, port=port)
    return Look(key), "Moved."


@act
def swap(request: HttpRequest, flow: Flow, key: str) -> Done:
    designs.swap_sides(flow=flow, key=key)
    return Look(key), "Swapped Yes and No."


@act
def publish(request: HttpRequest, flow: Flow) -> Done | HttpResponse:
    """A version, and the version in the library."""
    look = Look(panel="publish")
    try:
        version = publish_version(flow=flow, by=user_of(request), notes=request.POST.get("notes", ""))
    except UnableToPublish as error:
        return show(request, flow, look, status=422, error=str(error))
    template = offer_in_library(
        version=version,
        description=request.POST.get("description", ""),
        visibility=request.POST.get("visibility", "site"),
    )
    sentence = f"Version {version.number} is in the library."
    if not getattr(request, "htmx", False):
        messages.success(request, sentence)
        return redirect(url_of(flow, look))
    response = show(request, flow, look, extra={"published": version, "template_flow": template})
    return toast(response, sentence)
