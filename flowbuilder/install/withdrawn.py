"""An install whose version was withdrawn while it was being set up: what happened, and the ways on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from flowbuilder import access
from flowbuilder.install.views import Request
from flowbuilder.models import Install
from flowbuilder.operations import installs as operations
from flowbuilder.operations.installs import UnableToInstall
from flowbuilder.operations.moving_on import answers_lost, version_to_take


@never_cache
@require_safe
def show(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if install.state != Install.State.CHOOSING or not install.version.withdrawn_at:
        return redirect("install:open", install.pk)
    context = {
        "install": install,
        "current": version_to_take(install),
        "lost": answers_lost(install),
    }
    return render(request, "install/withdrawn.html", context)


@require_POST
def take(request: Request, pk: int) -> HttpResponse:
    """Go on with the version that is offered now."""
    install = access.install_or_404(request.user, pk)
    try:
        operations.take_current(install=install)
    except UnableToInstall as error:
        messages.error(request, str(error))
        return redirect("install:withdrawn", install.pk)
    return redirect("install:open", install.pk)
