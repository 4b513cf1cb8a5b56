"""What of an email each account is asked for: marked by hand, for one of the flows that use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.middleware import HtmxDetails

from flowbuilder.access import design_or_404, email_or_404, user_of
from flowbuilder.definition.extracting import question_for
from flowbuilder.definition.pieces import pieces_of, places_in
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.models import Email, Flow
from flowbuilder.operations.email_questions import NAMES, ask_in_email, key_of, stop_asking_in_email
from flowbuilder.queries import draft_of
from flowbuilder.queries.emails import uses_of

MOST = 100  # pieces that are listed
ORDER = list(NAMES)


class Request(HttpRequest):
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in the email. `question` is how it is asked for; `is_there` whether the email still says it."""

    what: str
    name: str
    value: str
    number: int
    asked: bool
    question: str
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """For one flow that uses the email; `others` use it as well."""

    flow: Flow
    others: list[Flow]
    rows: list[Row]
    left: int


def asking_of(email: Email, flows: list[Flow], chosen: str) -> Asking | None:
    """`chosen`: the flow, as the address or a form names it. None where no flow uses the email."""
    flow = next((one for one in flows if str(one.pk) == chosen), flows[0] if flows else None)
    if flow is None:
        return None
    questions = draft_of(flow).requirements
    counted: dict[tuple[str, str], int] = {}
    for one in pieces_of({"html": email.html, "text": email.text}):
        counted[one.what, one.value] = counted.get((one.what, one.value), 0) + 1
    places = [place for one in questions.values() for place in places_in(one["limits"], email.key)]
    gone = dict.fromkeys((one["what"], one["value"]) for one in places)
    rows = []
    for what, value in [*(one for one in gone if one not in counted), *counted]:
        key = key_of(questions, email.key, what, value)
        words = str(questions[key]["question"]) if key else question_for(what)
        number = counted.get((what, value), 0)
        rows.append(Row(what, NAMES[what], value, number, bool(key), words, bool(number)))
    rows.sort(key=lambda row: (row.is_there, not row.asked, ORDER.index(row.what)))
    return Asking(flow, [one for one in flows if one != flow], rows[:MOST], max(len(rows) - MOST, 0))


@require_POST
def ask(request: Request, pk: int) -> HttpResponse:
    return _act(request, pk, to_ask=True)


@require_POST
def stop(request: Request, pk: int) -> HttpResponse:
    return _act(request, pk, to_ask=False)


def _act(request: Request, pk: int, *, to_ask: bool) -> HttpResponse:
    user, post = user_of(request), request.POST
    email = email_or_404(user, pk)
    chosen = post.get("flow", "")
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
        raise Http404("There is no such flow.")
    flow = design_or_404(user, int(chosen))
    if flow.workspace_id != email.workspace_id:
        raise Http404("The email is of another workspace.")
    there: dict[str, Any] = {"email": email, "what": post.get("what", ""), "value": post.get("value", "")}
    error = ""
    try:
        if to_ask:
            ask_in_email(flow=flow, by=user, wording=post.get("question", "").strip()[:200], **there)
        else:
            stop_asking_in_email(flow=flow, by=user, **there)
    except UnableToChange as problem:
        error = str(problem)
    if request.htmx:
        asking = asking_of(email, uses_of(email.workspace).get(email.key, []), chosen)
        context = {"email": email, "asking": asking, "asking_error": error, "may_write": True}
        return render(request, "emails/_asked.html", context, status=422 if error else 200)
    if error:
        messages.error(request, error)
    return redirect(f"{reverse('emails:email', args=[pk])}?flow={flow.pk}#asked")
