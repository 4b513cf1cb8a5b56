"""The guided install: connect, answer, preview, confirm, follow. Each view: access, one operation, answer.

Until the confirmation nothing is made in the account; each page can be left and come back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now as right_now
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.access import accounts_of, current_workspace, memberships_of
from accounts.catalog import read_catalog
from accounts.klaviyo.errors import KlaviyoError
from accounts.klaviyo.scopes import SCOPES, missing_scopes
from accounts.models import KlaviyoAccount, User
from flowbuilder import access
from flowbuilder.definition.excluding import EXCLUDED
from flowbuilder.definition.finding import Known
from flowbuilder.definition.frozen import Frozen, tell
from flowbuilder.definition.offering import outside
from flowbuilder.definition.shaping import SETTINGS
from flowbuilder.install import asking
from flowbuilder.install.forms import AnswerForm, form_for
from flowbuilder.install.previewing import collisions_of, html_of, preview_of
from flowbuilder.install.trying import IMAGES
from flowbuilder.kinds.rendering import render as fill_in
from flowbuilder.kinds.samples import SAMPLE, with_pictures
from flowbuilder.models import Install, Publication
from flowbuilder.operations import installs as operations
from flowbuilder.operations.installs import UnableToInstall
from flowbuilder.operations.journeys import confirm_as_read, hash_of
from flowbuilder.operations.returning import remember

A_PAGE = 30
State = Install.State
STEPS = ("Connect", "Your answers", "Preview", "Install")


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


def steps_at(install: Install, now: int) -> list[dict[str, str]]:
    """The stepper; one may go back to what is done."""
    names = ("install:connect", "install:answers", "install:preview")
    return [
        {
            "label": label,
            "state": "done" if index < now else "now" if index == now else "todo",
            "url": reverse(names[index], args=[install.pk]) if index < now else "",
        }
        for index, label in enumerate(STEPS)
    ]


def elsewhere(request: Request, install: Install, account: bool = True) -> HttpResponse | None:
    """Where an install really is, when it is not being set up (or has no connected account yet)."""
    if install.state == State.GIVEN_UP:
        return go(request, "library:page", install.template_flow.slug)
    if install.state != State.CHOOSING:
        return go(request, "install:progress", install.pk)
    if install.version.withdrawn_at:
        return go(request, "install:withdrawn", install.pk)
    if account and (install.account is None or not install.account.is_connected):
        return go(request, "install:connect", install.pk)
    return None


def go(request: Request, name: str, *args: Any) -> HttpResponse:
    """A redirect that htmx follows as a page, not as a fragment."""
    url = reverse(name, args=args)
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


# --- All of them, and beginning one ----------------------------------------------------------------------------------


@require_safe
def show_list(request: Request) -> HttpResponse:
    last = Publication.objects.filter(install=OuterRef("pk")).order_by("-pk").values("state")[:1]
    found = (
        access.installs_of(request.user)
        .exclude(state=State.GIVEN_UP)
        .select_related("workspace", "template_flow__current_version", "version", "account")
        .defer("version__document", "template_flow__current_version__document")
        .annotate(last_state=Subquery(last))
    )
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    mine = {one.workspace_id for one in memberships_of(request) if one.role in access.INSTALLERS}
    return render(request, "install/list.html", {"page": page, "mine": mine})


@require_POST
def start(request: Request, slug: str) -> HttpResponse:
    link = request.POST.get("link", "")
    template = access.template_flow_or_404(request.user, slug, link)
    workspace = current_workspace(request)
    if workspace is None:
        raise PermissionDenied(
            "Make a workspace first: template flows are installed into a workspace's accounts."
        )
    access.require_role(
        request.user, workspace, access.INSTALLERS, "Only merchants and owners install template flows."
    )
    try:
        install = operations.start_install(template=template, workspace=workspace, by=request.user)
    except UnableToInstall as error:
        messages.error(request, str(error))
        return redirect("library:list")
    if address := request.session.pop("return_to", {}).get(slug, ""):
        remember(install=install, address=address)
    return redirect("install:open", install.pk)


@require_safe
def resume(request: Request, pk: int) -> HttpResponse:
    """To the step at which it was left."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    return redirect(
        "install:answers" if operations.open_questions(install) else "install:preview", install.pk
    )


# --- Connect ---------------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def connect(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    return elsewhere(request, install, account=False) or _connect_page(request, install)


def _connect_page(request: Request, install: Install, error: str = "", status: int = 200) -> HttpResponse:
    frozen = Frozen(install.version.document)
    accounts = list(accounts_of(install.workspace, "publish"))
    usable = [one for one in accounts if one.is_connected]
    taken = Install.objects.filter(
        template_flow=install.template_flow, account__in=accounts, state__in=(State.LIVE, State.PUBLISHING)
    )
    context = {
        "install": install,
        "steps": steps_at(install, 0),
        "accounts": accounts,
        "usable": usable,
        "taken": set(taken.values_list("account_id", flat=True)),
        "chosen": install.account_id or (usable[0].pk if len(usable) == 1 else None),
        "scopes": SCOPES,
        "lacking": lacking_of(usable),
        "error": error,
        "lines": tell(frozen.graph, outside(frozen)),
    }
    return render(request, "install/connect.html", context, status=status)


def lacking_of(accounts: list[KlaviyoAccount]) -> list[tuple[KlaviyoAccount, dict[str, str]]]:
    """The accounts that were connected with fewer scopes than we ask for now: scope -> what it is for."""
    found = ((one, missing_scopes(one.scopes)) for one in accounts if one.scopes)  # a key does not say
    return [(one, {key: SCOPES[key] for key in SCOPES if key in gone}) for one, gone in found if gone]


@require_POST
def choose(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install, account=False):
        return away
    given = request.POST.get("account", "")
    if not given.isascii() or not given.isdigit():
        return _connect_page(request, install, "Choose the account to install into.", status=422)
    account = get_object_or_404(accounts_of(install.workspace, "publish"), pk=int(given[:18]))
    try:
        operations.choose_account(install=install, account=account)
    except UnableToInstall as error:
        return _connect_page(request, install, str(error), status=422)
    return redirect("install:answers", install.pk)


# --- Answers ---------------------------------------------------------------------------------------------------------


@never_cache
@require_safe
@csp_update(IMAGES)  # type: ignore[arg-type]
def answers(request: Request, pk: int) -> HttpResponse:
    """The questions; what can be chosen is read from the account itself, and what can be found is found."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    assert install.account is not None
    kinds = asking.kinds_needed(Frozen(install.version.document).questions)
    failure = ""
    gone: list[str] = []
    is_asked_again = "again" in request.GET
    if kinds and (is_asked_again or not asking.is_fresh(install, kinds, right_now())):
        try:
            read_catalog(install.account, kinds)
        except KlaviyoError as error:
            failure = str(error)
    known = asking.known_of(install)
    if not failure:
        gone = [one.question for one in operations.find_answers(install=install, known=known)]
    else:
        install.account.refresh_from_db(fields=["state", "state_reason"])
    more = {"failure": failure, "gone": gone}
    looking = asking.Looking(request.GET.get("of", ""), request.GET.get("q", "")[:100])
    change = request.GET.get("change", "")
    return _answers(request, install, known=known, change=change, looking=looking, more=more)


@require_POST
@csp_update(IMAGES)  # type: ignore[arg-type]
def answer(request: Request, pk: int, key: str) -> HttpResponse:
    """Save one answer."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    question = next((one for one in Frozen(install.version.document).questions if one.key == key), None)
    if question is None:
        raise Http404("That question is not part of this template flow.")
    known = asking.known_of(install)
    form = form_for(
        question, asking.given_ids(install, question, request.POST), data=request.POST, known=known
    )
    if form.is_valid():
        try:
            operations.answer_question(install=install, key=key, value=form.answer)
        except UnableToInstall as error:
            form.add_error(None, str(error))
    if form.errors:
        return _answers(request, install, known=known, bad={key: form}, status=422)
    if not request.htmx:
        return redirect("install:answers", install.pk)
    return _answers(request, install, known=known)


def _answers(
    request: Request,
    install: Install,
    *,
    known: Known,
    change: str = "",
    bad: Mapping[str, AnswerForm] | None = None,
    looking: asking.Looking | None = None,
    more: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    asked = asking.ask(install, known, change, bad, looking)
    shown = next(
        (one.question.key for one in asked if one.form and one.question.key in (change, *(bad or ()))), ""
    )
    context: dict[str, Any] = {
        **asking.counts(asked),
        "install": install,
        "steps": steps_at(install, 1),
        "asked": asked,
        "focus": shown if request.htmx else None,
        **(more or {}),
    }
    if request.htmx:
        return render(request, "install/_answers.html", context, status=status)
    frozen = Frozen(install.version.document)
    values = operations.shown_values(install.answers)
    describer = frozen.describer(values, asking.names_of(install))
    context["lines"] = tell(frozen.left(values), describer)
    return render(request, "install/answers.html", context, status=status)


# --- Preview and confirmation ----------------------------------------------------------------------------------------


@never_cache
@require_safe
def preview(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    if operations.open_questions(install):
        messages.info(request, "Answer the open questions first: then there is something to preview.")
        return redirect("install:answers", install.pk)
    return show_preview(request, install)


def show_preview(
    request: Request, install: Install, error: UnableToInstall | None = None, status: int = 200
) -> HttpResponse:
    found = preview_of(install)
    graph, describer = found.landing.graph, found.describer
    problems = [
        {"text": one.text, "step": describer.card(graph, one.step).title if one.step else ""}
        for one in (error.problems if error else ())
    ]
    context = {
        "install": install,
        "steps": steps_at(install, 2),
        "preview": found,
        "hash": hash_of(install),
        "graph": graph,
        "describer": describer,
        "collisions": collisions_of(install, found),
        "approval": approval_of(install),
        "left_out": install.shape.get(EXCLUDED, {}).get("flows", {}),
        "answers": [one for one in asking.ask(install, asking.known_of(install)) if one.answer is not None],
        "error": str(error) if error else "",
        "problems": problems,
    }
    return render(request, "install/preview.html", context, status=status)


def approval_of(install: Install) -> dict[str, Any] | None:
    """A reviewer's yes by link: who, when, and whether it is for what would land now. None without one."""
    held = install.approval
    if not held:
        return None
    holds = held["hash"] == hash_of(install)
    return {"name": held["name"], "at": datetime.fromisoformat(held["at"]), "holds": holds}


@require_POST
def choose_shape(request: Request, pk: int) -> HttpResponse:
    """How the flow is built in this account: the two boxes of the preview."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    if operations.open_questions(install):
        return redirect("install:answers", install.pk)
    try:
        operations.choose_shape(install=install, settings={key: key in request.POST for key in SETTINGS})
    except UnableToInstall as error:
        return show_preview(request, install, error, status=422)
    return redirect("install:preview", install.pk)


MAIL_POLICY = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["https:", "data:"],
    "font-src": ["https:", "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": [""],
}


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]
def content(request: Request, pk: int, key: str) -> HttpResponse:
    """One email as it will look, with the cart of the sample: somebody else's HTML, so it may run and reach nothing."""
    return frame_of(request, access.install_or_404(request.user, pk), key)


def frame_of(request: HttpRequest, install: Install, key: str) -> HttpResponse:
    try:
        html = html_of(install, key)
    except KlaviyoError as error:
        response = render(request, "install/no_content.html", {"text": str(error)})
    else:
        if html is None:
            raise Http404("There is no such email in this flow.")
        response = HttpResponse(with_pictures(fill_in(html, SAMPLE)))
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_POST
def confirm(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    try:
        confirm_as_read(install=install, by=request.user, read=request.POST.get("hash", ""))
    except UnableToInstall as error:
        install.refresh_from_db()  # as it is now
        return show_preview(request, install, error, status=422)
    return redirect("install:progress", install.pk)
