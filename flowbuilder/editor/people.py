"""Who else has the flow open, and what they did meanwhile: asked for every few seconds by an open page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now as right_now
from django.views.decorators.http import require_POST

from flowbuilder.access import design_or_404
from flowbuilder.editor.views import AWAY_AFTER, Look, show, user_of
from flowbuilder.operations.presence import note_presence
from flowbuilder.queries.edits import people_in


@require_POST
def pulse(request: HttpRequest, pk: int) -> HttpResponse:
    """I am here, at this step. The answer: who else is, and what changed since the revision that the page shows."""
    flow = design_or_404(user_of(request), pk)
    now = right_now()
    step, panel = request.POST.get("step", ""), request.POST.get("panel", "")
    note_presence(flow=flow, user=user_of(request), step=step, now=now)
    has_changed = request.headers.get("X-Revision", "") != str(flow.revision)
    extra = {"people": people_in(flow, user_of(request), now - AWAY_AFTER), "is_pulse": True}
    return show(request, flow, Look(step, panel=panel), has_changed=has_changed, extra=extra)
