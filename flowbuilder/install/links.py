"""Links for those without an account: one question handed to a colleague, and the preview for a reviewer's yes.

What opens without a sign-in shows that question, or that preview, and nothing else of the account. A link that opens
nothing is a sentence with a way on, and says nothing of the install.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from csp.decorators import csp, csp_update
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from flowbuilder import access
from flowbuilder.access import LINK_DAYS, PREVIEW, QUESTION, LinkClosed, shared_install, shared_link
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.install import asking
from flowbuilder.install.forms import AnswerForm, form_for
from flowbuilder.install.previewing import preview_of
from flowbuilder.install.trying import IMAGES
from flowbuilder.install.views import MAIL_POLICY, Request, approval_of, elsewhere, frame_of
from flowbuilder.models import Install
from flowbuilder.operations import installs as operations
from flowbuilder.operations import journeys
from flowbuilder.operations.installs import UnableToInstall


class NameForm(forms.Form):
    """Who answers, or says yes, by a link."""

    name = forms.CharField(
        label="Your name",
        max_length=80,
        help_text="Whoever sent you the link sees it.",
        error_messages={"required": "Write your name."},
    )


# --- For those who set it up


@never_cache
@require_safe
def page(request: Request, pk: int) -> HttpResponse:
    """The links that can be handed on: one for each question, and one to the preview."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    asked = asking.ask(install, asking.known_of(install))
    handed = [
        (one, _address(request, "handed", shared_link(install, QUESTION, one.question.key)))
        for one in asked
        if not journeys.is_answered(install, one.question.key)
    ]
    is_whole = not operations.open_questions(install)
    context = {
        "install": install,
        "handed": handed,
        "shared": _address(request, "shared", shared_link(install, PREVIEW)) if is_whole else "",
        "days": LINK_DAYS,
    }
    return render(request, "install/links.html", context)


@require_POST
def end(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    journeys.end_links(install=install)
    messages.success(request, "All links that were handed on are ended. The ones below are new.")
    return redirect("install:links", install.pk)


def _address(request: Request, name: str, link: str) -> str:
    return request.build_absolute_uri(reverse(f"install:{name}", args=[link]))


# --- For those who have a link


def by_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Whoever comes with a link needs no account; a link that opens nothing is a sentence."""

    @login_not_required
    @never_cache
    @wraps(view)
    def opened(request: Request, link: str, **more: str) -> HttpResponse:
        try:
            response = view(request, link, **more)
        except LinkClosed as error:
            response = render(request, "install/closed.html", {"text": str(error)}, status=error.status)
        response["Referrer-Policy"] = "no-referrer"  # the address is the key
        response["X-Robots-Tag"] = "noindex"
        return response

    return opened


def _handed(link: str) -> tuple[Install, Question]:
    install, key = shared_install(link, QUESTION)
    question = next((one for one in Frozen(install.version.document).questions if one.key == key), None)
    if question is None:
        raise LinkClosed("This question is not asked any more. Nothing is needed from you.")
    if by := journeys.is_answered(install, key):
        raise LinkClosed(f"It was answered already, by {by}. Nothing more is needed from you.")
    return install, question


@by_link
@require_safe
@csp_update(IMAGES)  # type: ignore[arg-type]
def question(request: Request, link: str) -> HttpResponse:
    install, asked = _handed(link)
    looking = asking.Looking(asked.key, request.GET.get("q", "")[:100])
    return _question(request, link, install, asked, NameForm(), looking=looking)


def _question(
    request: Request,
    link: str,
    install: Install,
    question: Question,
    name: NameForm,
    *,
    looking: asking.Looking | None = None,
    bad: AnswerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    known = asking.known_of(install)
    one = asking.ask_one(install, known, question, change=True, looking=looking, bad=bad)
    context = {"link": link, "one": one, "name": name, "from": install.workspace.name}
    return render(request, "install/handed.html", context, status=status)


@by_link
@require_POST
@csp_update(IMAGES)  # type: ignore[arg-type]
def answer(request: Request, link: str) -> HttpResponse:
    install, question = _handed(link)
    known = asking.known_of(install)
    ids = asking.given_ids(install, question, request.POST)
    form, name = form_for(question, ids, data=request.POST, known=known), NameForm(request.POST)
    if form.is_valid() & name.is_valid():
        given = name.cleaned_data["name"]
        try:
            journeys.answer_by_link(install=install, key=question.key, value=form.answer, name=given)
        except UnableToInstall as error:
            form.add_error(None, str(error))
    if form.errors or name.errors:
        return _question(request, link, install, question, name, bad=form, status=422)
    return render(request, "install/thanks.html", {"text": "Your answer is kept."})


@by_link
@require_safe
def preview(request: Request, link: str) -> HttpResponse:
    return _preview(request, link, shared_install(link, PREVIEW)[0], NameForm())


def _preview(
    request: Request, link: str, install: Install, name: NameForm, error: str = "", status: int = 200
) -> HttpResponse:
    if operations.open_questions(install):
        raise LinkClosed("It is being changed just now, and a question is open. Open the link again later.")
    found = preview_of(install)
    context = {
        "link": link,
        "install": install,
        "preview": found,
        "graph": found.landing.graph,
        "describer": found.describer,
        "approval": approval_of(install),
        "hash": journeys.hash_of(install),
        "name": name,
        "error": error,
    }
    return render(request, "install/shared.html", context, status=status)


@by_link
@require_POST
def approve(request: Request, link: str) -> HttpResponse:
    install, _ = shared_install(link, PREVIEW)
    name = NameForm(request.POST)
    if not name.is_valid():
        return _preview(request, link, install, name, status=422)
    try:
        journeys.approve(install=install, read=request.POST.get("hash", ""), name=name.cleaned_data["name"])
    except UnableToInstall as error:
        return _preview(request, link, install, name, str(error), status=422)
    return redirect("install:shared", link)


@by_link
@require_safe
@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]
def content(request: Request, link: str, key: str) -> HttpResponse:
    """One email of the preview, in its frame."""
    return frame_of(request, shared_install(link, PREVIEW)[0], key)
