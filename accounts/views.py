"""The pages of people, workspaces and Klaviyo accounts, and the start page.

Each view begins with access, calls one operation and answers; none of them saves.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from rest_framework.authtoken.models import Token

from accounts import access, refusals
from accounts.connecting import begin_connecting, connect_with_key, disconnect, finish_connecting, local_path
from accounts.context import address, landing
from accounts.demo import PEOPLE
from accounts.forms import KeyForm, WorkspaceForm
from accounts.home import next_steps
from accounts.klaviyo.scopes import SCOPES
from accounts.models import KlaviyoAccount, Workspace
from accounts.operations import UnableToCreateWorkspace, create_workspace, end_api_token, renew_api_token

NONCE_KEY = "klaviyo_nonce"  # binds an OAuth trip to this browser's session


# --- Start --------------------------------------------------------------------------------------------------


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """For nobody: what this is. For the others: what to do next."""
    if not request.user.is_authenticated:
        return render(request, "home.html", {"people": PEOPLE, "is_demo": settings.DEMO})
    workspace = access.current_workspace(request)
    if workspace is None:
        return render(request, "home.html", {"form": WorkspaceForm()})
    accounts = list(access.accounts_of(workspace))
    context = {
        "steps": next_steps(workspace, accounts),
        "broken": [account for account in accounts if not account.is_connected],
        "standing": workspace,
    }
    return render(request, "home.html", context)


# --- Workspaces ---------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def new_workspace(request: HttpRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            workspace = create_workspace(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        except UnableToCreateWorkspace as error:
            form.add_error(None, str(error))
        else:
            access.use_workspace(request, workspace)
            messages.success(request, f"{workspace.name} is ready.")
            return redirect("home")
    return render(
        request, "accounts/new_workspace.html", {"form": form}, status=422 if form.is_bound else 200
    )


@require_POST
def use(request: HttpRequest, slug: str) -> HttpResponse:
    """Stand in another workspace from now on."""
    workspace = access.workspace_or_404(request.user, slug)
    access.use_workspace(request, workspace)
    return HttpResponseRedirect(local_path(request.POST.get("next", "")) or landing(workspace))


# --- Klaviyo accounts ---------------------------------------------------------------------------------------


@require_safe
def accounts(request: HttpRequest, slug: str) -> HttpResponse:
    workspace = access.workspace_or_404(request.user, slug)
    return _accounts_page(request, workspace, next_url=request.GET.get("next", ""))


@require_POST
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Off to Klaviyo's consent page."""
    workspace = access.workspace_or_404(request.user, slug, access.MAY_CONNECT)
    return _to_klaviyo(request, workspace)


@sensitive_post_parameters("key")
@require_POST
def connect_key(request: HttpRequest, slug: str) -> HttpResponse:
    workspace = access.workspace_or_404(request.user, slug, access.MAY_CONNECT)
    next_url = local_path(request.POST.get("next", ""))
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            account = connect_with_key(
                user=request.user,  # type: ignore[arg-type]
                workspace=workspace,
                key=form.cleaned_data["key"],
            )
        except refusals.UnableToConnect as refusal:
            form.add_error("key", str(refusal))
        else:
            messages.success(request, _connected(account, workspace))
            return HttpResponseRedirect(next_url or reverse("accounts:list", args=[slug]))
    return _accounts_page(request, workspace, key_form=form, next_url=next_url)


@login_not_required
@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Back from Klaviyo. Signed out, one is not sent to sign in: that would copy the code into an address."""
    try:
        if not request.user.is_authenticated:
            raise refusals.SignedOut()
        arrival = finish_connecting(
            user=request.user,
            session_nonce=request.session.get(NONCE_KEY, ""),
            params=request.GET.dict(),
            redirect_uri=_redirect_uri(),
        )
    except refusals.UnableToConnect as refusal:
        return _what_happened(request, refusal)
    access.use_workspace(request, arrival.workspace)
    messages.success(request, _connected(arrival.account, arrival.workspace))
    url = arrival.next_url or reverse("accounts:list", args=[arrival.workspace.slug])
    return HttpResponseRedirect(url)


def _connected(account: KlaviyoAccount, workspace: Workspace) -> str:
    if account.owner_id == workspace.pk:
        return f"{account.name} is connected."
    return (
        f"{account.name} is connected. {account.owner} had connected it before, so it stays theirs: both of you may "
        "install into it, and each sees what they installed."
    )


@require_POST
def reconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """The same trip again, for exactly this account."""
    account = access.account_or_404(request.user, pk)
    mine = list(access.memberships_for(account, request.user))  # type: ignore[arg-type]
    standing = access.current_workspace(request)
    membership = next((one for one in mine if one.workspace == standing), mine[0])
    access.require_role(membership, access.MAY_CONNECT)
    return _to_klaviyo(request, membership.workspace, expected=account)


@require_POST
def end_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once more, in a dialog or on a page of its own, then disconnects."""
    account = access.account_or_404(request.user, pk, "own")
    back = reverse("accounts:list", args=[account.owner.slug])
    if request.POST.get("confirm") != "yes":
        template = "accounts/_disconnect.html" if request.htmx else "accounts/disconnect.html"  # type: ignore[attr-defined]
        shown = {"account": account, "back": back, "dialog_id": f"disconnect-{account.pk}"}
        return render(request, template, shown)
    was_key = account.api_key is not None
    is_gone = disconnect(account=account, by=request.user)  # type: ignore[arg-type]
    if is_gone:
        messages.success(
            request, f"{account.name} is disconnected, and the app was removed from it in Klaviyo."
        )
    elif was_key:
        messages.success(
            request,
            f"{account.name} is disconnected here. Delete the key in Klaviyo too, under Settings, API keys.",
        )
    else:
        messages.warning(
            request,
            f"{account.name} is disconnected here, but Klaviyo could not be told. "
            "Remove the app there too, under Integrations.",
        )
    return HttpResponseRedirect(back)


def _accounts_page(
    request: HttpRequest, workspace: Workspace, *, key_form: KeyForm | None = None, next_url: str = ""
) -> HttpResponse:
    """The list, and the ways to connect; 422 when a key was refused."""
    mine = access.memberships_of(request)
    owned = {one.workspace_id for one in mine if one.role in access.MAY_DISCONNECT}
    role = next(one.role for one in mine if one.workspace_id == workspace.pk)
    context: dict[str, Any] = {
        "workspace": workspace,
        "accounts": list(access.accounts_of(workspace)),
        "owned": owned,
        "may_connect": role in access.MAY_CONNECT,
        "has_app": bool(settings.KLAVIYO_CLIENT_ID and settings.KLAVIYO_CLIENT_SECRET),
        "scopes": [(refusals.scope_in_words(scope), scope, why) for scope, why in SCOPES.items()],
        "key_form": key_form or KeyForm(),
        "next": local_path(next_url),
    }
    return render(request, "accounts/list.html", context, status=422 if key_form else 200)


def _to_klaviyo(
    request: HttpRequest, workspace: Workspace, *, expected: KlaviyoAccount | None = None
) -> HttpResponse:
    nonce = request.session.setdefault(NONCE_KEY, secrets.token_urlsafe(32))
    try:
        url = begin_connecting(
            user=request.user,  # type: ignore[arg-type]
            workspace=workspace,
            session_nonce=nonce,
            redirect_uri=_redirect_uri(),
            next_url=request.POST.get("next", ""),
            expected=expected,
        )
    except refusals.UnableToConnect as refusal:
        refusal.workspace = workspace
        return _what_happened(request, refusal)
    return HttpResponseRedirect(url)


def _what_happened(request: HttpRequest, refusal: refusals.UnableToConnect) -> HttpResponse:
    """A page with the sentence and the next press."""
    workspace = refusal.workspace or access.current_workspace(request)
    trip = ""  # where a form begins the trip again
    if refusal.url_name == "accounts:connect" and workspace is not None:
        expected = refusal.expected
        trip = (
            reverse("accounts:reconnect", args=[expected.pk])
            if expected
            else reverse("accounts:connect", args=[workspace.slug])
        )
    url = address(refusal.url_name, workspace) if not trip else ""
    context = {
        "refusal": refusal,
        "trip": trip,
        "press": refusal.press if trip or url else "Go to the start",
        "url": url or reverse("home"),
        "accounts_url": address("accounts:list", workspace),
        "next": refusal.next_url,
    }
    return render(request, "accounts/what_happened.html", context, status=refusal.status)


def _redirect_uri() -> str:
    return settings.SITE_URL + reverse("accounts:callback")


# --- One's own API token ------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api_token(request: HttpRequest) -> HttpResponse:
    """Whether there is one; a new one is shown once, in the answer to the press that made it."""
    fresh = ""
    if request.method == "POST":
        if request.POST.get("act") == "end":
            end_api_token(user=request.user)  # type: ignore[arg-type]
            messages.success(request, "Your token is over. Scripts that used it are refused from now on.")
            return redirect("accounts:api_token")
        fresh = renew_api_token(user=request.user)  # type: ignore[arg-type]
    mine = Token.objects.filter(user=request.user)  # type: ignore[misc]
    made = mine.values_list("created", flat=True).first()
    return render(
        request, "accounts/api_token.html", {"fresh": fresh, "made": made, "site": settings.SITE_URL}
    )
