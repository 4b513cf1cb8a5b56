"""The answer to a picker, as one types: a listbox; for tags a menu; for places in the flow a form of its own.

GET /flows/7/pick/metric/?q=placed&name=metric_id&step=s3
"""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from flowbuilder.access import flow_or_404
from flowbuilder.editor import places
from flowbuilder.editor.offers import find
from flowbuilder.editor.tags import tags_for
from flowbuilder.editor.views import user_of
from flowbuilder.kinds.picks import NOUNS
from flowbuilder.queries import Design

LONGEST = 200


@require_GET
def pick(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """A listbox of at most twenty hits; for tags a menu; for places in the flow a form that moves or connects."""
    flow = flow_or_404(user_of(request), pk)
    get = request.GET
    text, name, step = get.get("q", "").strip(), get.get("name", ""), get.get("step", "")
    if any(len(one) > LONGEST or "\0" in one for one in (text, name, step)):
        raise BadRequest("That is too long to look for.")
    if kind in places.KINDS:
        return places.answer(request, flow, kind, text)
    if kind == "tag":
        return render(request, "editor/_tags.html", {"groups": tags_for(Design(flow), step), "into": name})
    if kind not in NOUNS:
        raise Http404
    found = find(flow, kind, text, name=name, step=step)
    return render(request, "editor/_picks.html", {"found": found, "kind": kind, "q": text, "flow": flow})
