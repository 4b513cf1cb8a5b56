"""Acts on a flow. Each is one form post that works without script: one operation, then the editor as it is now."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from flowbuilder.access import design_or_404, flow_or_404
from flowbuilder.editor.questions import part_from
from flowbuilder.editor.views import Look, show, toast, url_of, user_of
from flowbuilder.graph.surgery import UnableToFind
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Flow
from flowbuilder.operations import acts, clipboard, designs, editing, question_acts, repairs
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.operations.library import UnableToPublish, offer_in_library, publish_version
from flowbuilder.queries import Design, draft_of

P = ParamSpec("P")
Done = tuple[Look, str]  # what to look at next, and a sentence about what was done
UNDO = (
    "switch",
    "switched",
    "delete",
    "paste",
    "cut",
    "move",
    "swap",
    "restore",
    "type",
    "disconnect",
)  # acts that offer it at once


def act(
    do: Callable[Concatenate[HttpRequest, Flow, P], Done | HttpResponse],
) -> Callable[Concatenate[HttpRequest, int, P], HttpResponse]:
    """POST only; the flow by access; what does not fit is the editor again with a sentence: 409 where the place of
    the act is gone, else 422."""

    @require_POST
    @wraps(do)
    def view(request: HttpRequest, pk: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        flow = flow_or_404(user_of(request), pk)
        try:
            done = do(request, flow, *args, **kwargs)
        except UnableToChange as error:
            status = 409 if isinstance(error, UnableToFind) else 422
            flow = design_or_404(user_of(request), pk)
            return show(request, flow, Look(), status=status, error=str(error), has_changed=True)
        return done if isinstance(done, HttpResponse) else _answer(request, flow, *done, do.__name__)

    return view


def _answer(request: HttpRequest, flow: Flow, look: Look, sentence: str, name: str) -> HttpResponse:
    if not getattr(request, "htmx", False):
        if sentence:
            messages.success(request, sentence)
        return redirect(url_of(flow, look))
    flow = design_or_404(user_of(request), flow.pk)  # as it is now
    response = show(request, flow, look, has_changed=True)
    response["X-Url"] = url_of(flow, look)  # for the address bar, by static/js/page.js
    undo_url = reverse("editor:undo", args=[flow.pk]) if name in UNDO else ""
    return toast(response, sentence, undo=undo_url) if sentence else response


# --- The flow --------------------------------------------------------------------------------------------------


@act
def rename(request: HttpRequest, flow: Flow) -> Done:
    designs.rename_flow(flow=flow, by=user_of(request), name=request.POST.get("name", ""))
    return Look(), "Renamed."


@act
def trigger(request: HttpRequest, flow: Flow) -> Done:
    designs.choose_trigger(flow=flow, by=user_of(request), trigger_type=request.POST.get("type", ""))
    return Look(TRIGGER_KEY), ""


@act
def undo(request: HttpRequest, flow: Flow) -> Done:
    number = request.POST.get("number", "")
    edit = acts.undo(
        flow=flow,
        by=user_of(request),
        everybodys=request.POST.get("what") == "all",
        number=_number(number) if number else None,
    )
    return _look_at(request, flow), f"{edit.name}."


@act
def redo(request: HttpRequest, flow: Flow) -> Done:
    edit = acts.redo(flow=flow, by=user_of(request), everybodys=request.POST.get("what") == "all")
    return _look_at(request, flow), f"{edit.name}."


@act
def restore(request: HttpRequest, flow: Flow) -> Done:
    edit = acts.restore(flow=flow, by=user_of(request), number=_number(request.POST.get("number", "")))
    return Look(panel="edits"), f"{edit.name}." if edit else "The flow is like that already."


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UnableToChange("That act is not in the list.")
    return int(text)


def _look_at(request: HttpRequest, flow: Flow) -> Look:
    """Where the person was, if it is still there; the list of acts stays open."""
    key = request.POST.get("step", "")
    if request.POST.get("panel") == "edits":
        return Look(panel="edits")
    return Look(key) if key == TRIGGER_KEY or key in draft_of(flow).graph.by_key else Look()


# --- Steps -----------------------------------------------------------------------------------------------------


@act
def add(request: HttpRequest, flow: Flow) -> Done:
    step = designs.insert_step(
        flow=flow,
        by=user_of(request),
        action_type=request.POST.get("type", ""),
        source=request.POST.get("source", ""),
        port=request.POST.get("port", ""),
    )
    return Look(step.key), f"Added: {action_kind(step.type).LABEL}."


@act
def change(request: HttpRequest, flow: Flow, key: str) -> Done | HttpResponse:
    posted = {name: request.POST.getlist(name) for name in request.POST}
    revision = request.POST.get("revision", "")
    applied = editing.apply_form(
        flow=flow,
        key=key,
        posted=posted,
        by=user_of(request),
        revision=_number(revision) if revision else None,
    )
    look = Look("" if key == "flow" else key)
    if applied.refused or applied.clashes:
        flow = design_or_404(user_of(request), flow.pk)
        return show(
            request,
            flow,
            look,
            status=409 if applied.clashes else 422,
            refused=applied.refused,
            has_changed=True,
            extra={"clashes": applied.clashes},
        )
    return look, ""


@act
def settle(request: HttpRequest, flow: Flow, key: str) -> Done:
    """Of a clash: one's own value in place of the other's."""
    editing.settle(flow=flow, by=user_of(request), token=request.POST.get("token", ""))
    return Look("" if key == "flow" else key), "Your value stands now."


@act
def type(request: HttpRequest, flow: Flow, key: str) -> Done:
    kind = request.POST.get("type", "")
    designs.change_type(flow=flow, by=user_of(request), key=key, action_type=kind)
    return Look(key), f"It is a step of the type “{action_kind(kind).LABEL}” now."


@act
def repair(request: HttpRequest, flow: Flow, key: str) -> Done:
    """What one press can put right about a problem of a step, the trigger or the flow."""
    edit = repairs.repair_problem(
        flow=flow,
        by=user_of(request),
        step="" if key == "flow" else key,
        code=request.POST.get("code", ""),
        path=request.POST.get("path", ""),
    )
    back = Look(panel="problems") if request.POST.get("panel") == "problems" else _look_at(request, flow)
    return back, f"{edit.name}." if edit else "Nothing had to be done."


@act
def delete(request: HttpRequest, flow: Flow, key: str) -> Done:
    if request.POST.get("what") == "branch":
        number = designs.delete_branch(flow=flow, by=user_of(request), key=key)
        return Look(), f"Deleted {count(number, 'step')}."
    designs.delete_step(flow=flow, by=user_of(request), key=key, keep=request.POST.get("keep", ""))
    return Look(), "Deleted the step. What came after it moved up."


@act
def move(request: HttpRequest, flow: Flow, key: str) -> Done:
    source, _, port = request.POST.get("to", "").partition(":")
    designs.move_step(
        flow=flow,
        by=user_of(request),
        key=key,
        source=source,
        port=port,
        branch=request.POST.get("what") == "branch",
    )
    return Look(key), "Moved."


@act
def swap(request: HttpRequest, flow: Flow, key: str) -> Done:
    designs.swap_sides(flow=flow, by=user_of(request), key=key)
    return Look(key), "Swapped the two sides."


def _way(request: HttpRequest) -> tuple[str, str]:
    """A way: as the fields `source` and `port`, or as one, `from`, the value of a button."""
    source, _, port = request.POST.get("from", "").partition(":")
    return request.POST.get("source", source), request.POST.get("port", port)


@act
def connect(request: HttpRequest, flow: Flow) -> Done:
    source, port = _way(request)
    target = request.POST.get("target", "")
    designs.connect_steps(flow=flow, by=user_of(request), source=source, port=port, target=target)
    return Look(target), "Connected."


@act
def disconnect(request: HttpRequest, flow: Flow) -> Done:
    source, port = _way(request)
    designs.disconnect(flow=flow, by=user_of(request), source=source, port=port)
    return Look(source), "That way ends here now."


# --- Copies ----------------------------------------------------------------------------------------------------


@act
def duplicate(request: HttpRequest, flow: Flow, key: str) -> Done:
    return Look(clipboard.duplicate_step(flow=flow, by=user_of(request), key=key)), "Duplicated."


@act
def copy(request: HttpRequest, flow: Flow, key: str) -> Done:
    number = clipboard.copy_steps(
        flow=flow, by=user_of(request), key=key, branch=request.POST.get("what") == "branch"
    )
    return Look(key), f"Copied {count(number, 'step')}. Paste after any step, here or in another flow."


@act
def cut(request: HttpRequest, flow: Flow, key: str) -> Done:
    is_branch = request.POST.get("what") == "branch"
    number = clipboard.copy_steps(flow=flow, by=user_of(request), key=key, branch=is_branch)
    if is_branch:
        designs.delete_branch(flow=flow, by=user_of(request), key=key)
    else:
        designs.delete_step(flow=flow, by=user_of(request), key=key)
    return Look(), f"Cut {count(number, 'step')}. Paste after any step, here or in another flow."


@act
def paste(request: HttpRequest, flow: Flow) -> Done:
    source, port = _way(request)
    pasted = clipboard.paste_steps(flow=flow, by=user_of(request), source=source, port=port)
    return Look(pasted.entry), " ".join([f"Pasted {count(pasted.number, 'step')}.", *pasted.notes])


# --- Questions -------------------------------------------------------------------------------------------------

QUESTIONS = Look(panel="questions")
SEVERAL = ("option_label", "option_value", "on")  # fields that come more than once


@act
def question(request: HttpRequest, flow: Flow, key: str) -> Done:
    """What the panel says of a question; or its place in the order; or ask it no more."""
    verb = request.POST.get("act", "")
    if verb in ("up", "down"):
        question_acts.move_question(flow=flow, by=user_of(request), key=key, up=verb == "up")
        return QUESTIONS, ""
    if verb == "drop":
        question_acts.drop_question(flow=flow, by=user_of(request), key=key)
        return QUESTIONS, "No account is asked for that any more."
    posted = {
        name: request.POST.getlist(name) if name in SEVERAL else request.POST[name] for name in request.POST
    }
    question_acts.change_question(flow=flow, by=user_of(request), key=key, posted=posted)
    return QUESTIONS, ""


@act
def switch(request: HttpRequest, flow: Flow, key: str) -> Done:
    """Let a question switch a part that begins at this step."""
    card = Design(flow).cards.get(key)
    wording = request.POST.get("wording", "").strip() or (f"Do you want “{card.title}”?" if card else "")
    question_acts.switch_part(
        flow=flow,
        by=user_of(request),
        part=part_from(key, request.POST.get("part", "step"), request.POST.get("keep", "")),
        key=request.POST.get("question", ""),
        wording=wording,
    )
    return Look(key), "A question switches this part now."


@act
def switched(request: HttpRequest, flow: Flow, key: str) -> Done:
    """Of a part that a question switches: with which answers it is there, or that it always is."""
    start, index = request.POST.get("start", ""), _number(request.POST.get("index", ""))
    by, back = user_of(request), Look(start) if request.POST.get("back") == "step" else QUESTIONS
    if request.POST.get("act") == "drop":
        question_acts.drop_switch(flow=flow, by=by, key=key, start=start, index=index)
        return back, "That part is always there now."
    on = request.POST.getlist("on")
    question_acts.change_switch(flow=flow, by=by, key=key, start=start, index=index, on=on)
    return back, ""


# --- A version -------------------------------------------------------------------------------------------------


@act
def publish(request: HttpRequest, flow: Flow) -> Done | HttpResponse:
    """A version, and the version in the library."""
    look = Look(panel="publish")
    try:
        given = request.POST
        version = publish_version(
            flow=flow, by=user_of(request), notes=given.get("notes", ""), label=given.get("label", "")
        )
    except UnableToPublish as error:
        flow = design_or_404(user_of(request), flow.pk)
        return show(request, flow, look, status=422, error=str(error), has_changed=True)
    template = offer_in_library(
        version=version,
        description=request.POST.get("description", ""),
        visibility=request.POST.get("visibility", "site"),
    )
    sentence = f"Version {version.number} is in the library."
    if template.reviews.filter(verdict="").exists():
        sentence += " Others see it when a reviewer of this site said yes."
    if not getattr(request, "htmx", False):
        messages.success(request, sentence)
        return redirect(url_of(flow, look))
    flow = design_or_404(user_of(request), flow.pk)
    response = show(
        request, flow, look, has_changed=True, extra={"published": version, "template_flow": template}
    )
    return toast(response, sentence)
