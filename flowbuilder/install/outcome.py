"""What became of an install: its progress, and what one may do when it did not go through."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from flowbuilder import access
from flowbuilder.definition.frozen import Frozen, tell
from flowbuilder.install.asking import names_of
from flowbuilder.install.following import progress_of
from flowbuilder.install.golive import golive_of
from flowbuilder.install.views import Request, State, go
from flowbuilder.models import Install, Publication
from flowbuilder.operations import installs as operations
from flowbuilder.operations.installs import UnableToInstall, shown_values
from flowbuilder.operations.journeys import say_reviewed
from flowbuilder.operations.publications import UnableToAct, cancel_publication, retry_publication
from flowbuilder.operations.returning import way_back


@never_cache
@require_safe
def progress(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if install.state in (State.CHOOSING, State.GIVEN_UP):
        return go(request, "install:open", install.pk)
    return _progress(request, install)


def _progress(request: Request, install: Install, error: str = "", status: int = 200) -> HttpResponse:
    publication = _creations(install).select_related("version", "account").latest("pk")
    frozen = Frozen(install.version.document)
    found = progress_of(publication)
    context = {
        "install": install,
        "publication": publication,
        "progress": found,
        "steps": found.steps,
        "frozen": frozen,
        "error": error,
        "golive": golive_of(install) if publication.state == Publication.State.PUBLISHED else None,
        "way_back": way_back(install),
        "quiet_seconds": round(settings.PUBLISH_QUIET_PERIOD + settings.KLAVIYO_TIMEOUT),
    }
    if request.htmx:
        return render(request, "install/_progress.html", context, status=status)
    values = shown_values(install.answers)
    context["lines"] = tell(frozen.left(values), frozen.describer(values, names_of(install)))
    return render(request, "install/progress.html", context, status=status)


def _creations(install: Install) -> QuerySet[Publication]:
    """What is done with a flow that is there has its own pages (history/after.py)."""
    return install.publications.filter(kind=Publication.Kind.CREATE)


@require_POST
def reopen(request: Request, pk: int) -> HttpResponse:
    """Back to the questions, after it was refused or failed."""
    install = access.install_or_404(request.user, pk)
    try:
        operations.reopen_install(install=install)
    except UnableToInstall as error:
        return _progress(request, install, str(error), status=422)
    return go(request, "install:answers", install.pk)


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    return _act(request, access.install_or_404(request.user, pk), retry_publication)


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    """Give up: what is being set up, or a publication that still waits."""
    install = access.install_or_404(request.user, pk)
    if install.state in (State.PUBLISHING, State.LIVE):
        return _act(
            request, install, cancel_publication, "Cancelled: no flow was created. Your answers are kept."
        )
    try:
        operations.give_up_install(install=install)
    except UnableToInstall:
        return go(request, "install:open", install.pk)
    messages.success(request, f"“{install.template_flow}” was given up. Nothing was made in Klaviyo.")
    return go(request, "install:list")


@require_POST
def reviewed(request: Request, pk: int) -> HttpResponse:
    """The tick on the go-live list, set or taken back."""
    install = access.install_or_404(request.user, pk)
    if install.state == State.LIVE:
        say_reviewed(install=install, by=request.user, is_reviewed=bool(request.POST.get("reviewed")))
    return go(request, "install:progress", install.pk)


def _act(request: Request, install: Install, operation: Callable[..., None], done: str = "") -> HttpResponse:
    """An act on the last publication of an install."""
    if install.state in (State.CHOOSING, State.GIVEN_UP):
        return go(request, "install:open", install.pk)
    try:
        operation(publication=_creations(install).latest("pk"), by=request.user)
    except UnableToAct as error:
        return _progress(request, install, str(error), status=422)
    if done:
        messages.success(request, done)
        return go(request, "install:open", install.pk)
    return _progress(request, install) if request.htmx else redirect("install:progress", install.pk)
