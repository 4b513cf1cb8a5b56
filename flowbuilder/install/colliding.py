"""Other flows of the account on the same trigger: their people are left out with one press, and let in with another."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from flowbuilder import access
from flowbuilder.install.previewing import collisions_of, preview_of
from flowbuilder.install.views import Request, elsewhere, show_preview
from flowbuilder.operations import installs as operations
from flowbuilder.operations import journeys
from flowbuilder.operations.installs import UnableToInstall


@require_POST
def leave_out(request: Request, pk: int) -> HttpResponse:
    """People of another flow on the same trigger do not get this one, or do again."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    if operations.open_questions(install):
        return redirect("install:answers", install.pk)
    flow_id, is_out, name = request.POST.get("flow", ""), "back" not in request.POST, ""
    try:
        if is_out:
            others = collisions_of(install, preview_of(install)).flows
            name = next((one.name for one in others if one.id == flow_id), "")
            if not name:
                raise UnableToInstall("That flow does not start here any more. Below are those that do.")
        journeys.leave_out(install=install, flow_id=flow_id, name=name, is_out=is_out)
    except UnableToInstall as error:
        return show_preview(request, install, error, status=422)
    return redirect("install:preview", install.pk)
