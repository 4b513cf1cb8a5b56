"""Pages of this room: the list, one publication, its bodies, and what may be done to it. Each begins with access."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from accounts.access import current_workspace, memberships_of
from accounts.models import User
from flowbuilder.access import (
    may_audit,
    publication_or_404,
    publications_in,
    saved_view_or_404,
    saved_views_of,
    workspaces_seen,
)
from flowbuilder.history import chart
from flowbuilder.history.filters import Filters
from flowbuilder.history.finding import SPAN, page_of
from flowbuilder.history.rows import rows_of, with_names
from flowbuilder.history.story import Story, may_act, pretty
from flowbuilder.history.sums import sums_of
from flowbuilder.operations import saved_views as operations
from flowbuilder.operations.publications import (
    UnableToAct,
    cancel_publication,
    decide_publication,
    retry_publication,
)
from flowbuilder.operations.saved_views import UnableToSave

LOOKED_THROUGH = f"{SPAN:,} publications were looked through. Others beyond them may fit."


class Request(HttpRequest):
    """What the middleware makes of a request."""

    htmx: HtmxDetails
    user: User


@require_safe
@vary_on_headers("HX-Request")
def publications(request: Request) -> HttpResponse:
    """All that this person may see. htmx asks for the part that its press changes."""
    now = timezone.now()
    workspaces = workspaces_seen(request.user)
    seen = publications_in(workspaces)
    filters = Filters(request.GET, workspaces=workspaces)
    found = filters.narrow(seen)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    among = filters.among(seen)
    page = page_of(found, after=after, before=before, order=filters.order, read=with_names, among=among)
    query = filters.query
    shown = {
        "page": page,
        "rows": rows_of(page.rows, request.user, now),
        "query": query,
        "filters": filters,
        "is_narrowed": bool(query),
        "looked_through": LOOKED_THROUGH,
    }
    status = 200 if filters.is_valid() else 422
    if request.htmx and (after or before):
        return render(request, "history/_publications.html", shown, status=status)
    counts, days = sums_of(filters, seen, workspaces, filters.last_day(now.date()))
    shown |= {
        "counts": counts,
        "stats": chart.stats(counts, filters),
        "columns": chart.pressable(days, filters),
        "has_chart": any(day.total for day in days),
        "views": saved_views_of(request.user, current_workspace(request)),
    }
    if not request.htmx:
        shown["may_audit"] = may_audit(memberships_of(request))
        return render(request, "history/list.html", shown, status=status)
    answer = render(request, "history/_found.html", shown, status=status)
    answer["HX-Push-Url"] = f"{request.path}?{query}" if query else request.path
    return answer


@require_POST
def save_view(request: Request) -> HttpResponse:
    """The filters as they stand, under a name: back to them."""
    workspaces = workspaces_seen(request.user)
    query = QueryDict(request.POST.get("query", ""))
    filters = Filters(query, workspaces=workspaces)
    workspace = current_workspace(request)
    try:
        if workspace is None:
            raise UnableToSave("Views belong to a workspace: make one first.")
        query = filters.query if filters.is_valid() else ""
        name = request.POST.get("name", "")
        view = operations.save_view(person=request.user, workspace=workspace, name=name, query=query)
        messages.success(request, f"“{view.name}” is saved.")
    except UnableToSave as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('history:list')}?{filters.query}")


@require_POST
def forget_view(request: Request, pk: int) -> HttpResponse:
    view = saved_view_or_404(request.user, pk)
    operations.forget_view(view=view)
    messages.success(request, f"“{view.name}” is forgotten.")
    return redirect("history:list")


@require_safe
@vary_on_headers("HX-Request")
def publication(request: Request, pk: int) -> HttpResponse:
    """One publication. While it is open the page asks again every two seconds: nothing new is 204."""
    story = Story(publication_or_404(request.user, pk), request.user, timezone.now())
    if not request.htmx:
        return render(request, "history/publication.html", {"story": story})
    if request.GET.get("seen") == story.mark:
        return HttpResponse(status=204)
    return render(request, "history/_publication.html", {"story": story})


@require_safe
def attempt(request: Request, pk: int, number: int, part: str) -> HttpResponse:
    """The exact request or answer of one call, as a file."""
    one = publication_or_404(request.user, pk)
    found = one.attempts.filter(number=number).values_list(part, flat=True).first()
    if found is None:
        raise Http404("Nothing was sent or answered there.")
    answer = HttpResponse(pretty(found), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="publication-{pk}-attempt-{number}-{part}.json"'
    return answer


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    return _act(request, pk, cancel_publication, "Cancelled. Nothing more is sent.")


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    return _act(request, pk, retry_publication, "Asked for again.")


@require_POST
def decide(request: Request, pk: int) -> HttpResponse:
    """Which of the flows that were found it is; decision=none says that it is none of them."""
    is_none = request.POST.get("decision") == "none"
    chosen = None if is_none else request.POST.get("flow", "")
    done = "It is sent again." if is_none else "Thank you. We read it back and finish."
    return _act(request, pk, partial(decide_publication, flow_id=chosen), done)


def _act(request: Request, pk: int, operation: Callable[..., None], done: str) -> HttpResponse:
    one = publication_or_404(request.user, pk)
    if not may_act(request.user, one):
        raise PermissionDenied("Only merchants and owners of its workspace, and the operator, may do that.")
    wrong = ""
    try:
        if one.state == one.State.FAILED and not Story(one, request.user, timezone.now()).may_retry:
            raise UnableToAct("Its install was taken up again since: follow that one.")
        operation(publication=one, by=request.user)
    except UnableToAct as error:
        wrong = str(error)
    if request.htmx:
        story = Story(publication_or_404(request.user, pk), request.user, timezone.now(), wrong)
        template = "history/_publication.html"
        return render(request, template, {"story": story}, status=422 if wrong else 200)
    if wrong:
        messages.error(request, wrong)
    else:
        messages.success(request, done)
    return redirect(reverse("history:publication", args=[pk]))
