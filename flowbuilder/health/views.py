"""The page of health of a workspace; htmx asks for its part again every half minute."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from accounts.access import MAY_CONNECT, membership_or_404
from accounts.clock import now as right_now
from accounts.models import User
from flowbuilder.access import Role
from flowbuilder.health.story import Story


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


@never_cache
@require_safe
@vary_on_headers("HX-Request")
def page(request: Request, slug: str) -> HttpResponse:
    membership = membership_or_404(request.user, slug)
    room = membership.workspace
    context = {
        "room": room,
        "story": Story(room, right_now()),
        "may_connect": membership.role in MAY_CONNECT,
        "may_set_alerts": membership.role == Role.OWNER,
    }
    return render(request, "health/_health.html" if request.htmx else "health/page.html", context)
