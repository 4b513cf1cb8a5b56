"""The page of a workspace's members, and the way in for whoever was invited. Everybody of it reads, owners act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts import members as operations
from accounts.forms import InvitationForm
from accounts.members import InvitationClosed, UnableToChange, UnableToMail
from accounts.models import Invitation, Membership, User, Workspace


class Request(HttpRequest):
    user: User


@never_cache
@require_safe
def members(request: Request, slug: str) -> HttpResponse:
    return _page(request, access.membership_or_404(request.user, slug))


def _page(
    request: Request, mine: Membership, *, form: InvitationForm | None = None, wrong: str = ""
) -> HttpResponse:
    """422 where something could not be done, with why."""
    workspace = mine.workspace
    rows = workspace.memberships.select_related("user").order_by("user__name", "user__email", "pk")
    owners = set(operations.owners_of(workspace).values_list("pk", flat=True))
    context: dict[str, Any] = {
        "room": workspace,
        "mine": mine,
        "members": [(one, owners == {one.pk}) for one in rows],
        "roles": operations.MAY.items(),
        "wrong": wrong,
    }
    if mine.role in access.MAY_INVITE:
        context["form"] = form or InvitationForm()
        context["invitations"] = operations.open_invitations(workspace)
    return render(request, "accounts/members.html", context, status=422 if wrong or form else 200)


@require_POST
def invite(request: Request, slug: str) -> HttpResponse:
    """Also for sending it anew: the link of the mail before is over."""
    workspace = access.workspace_or_404(request.user, slug, access.MAY_INVITE)
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            made = operations.invite(workspace=workspace, by=request.user, **form.cleaned_data)
        except UnableToChange as error:
            form.add_error("email", str(error))
        except UnableToMail as error:
            messages.warning(request, str(error))
            return redirect("accounts:members", slug)
        else:
            messages.success(request, f"{made.email} was sent an invitation.")
            return redirect("accounts:members", slug)
    return _page(request, access.membership_or_404(request.user, slug), form=form)


@require_POST
def change_role(request: Request, pk: int) -> HttpResponse:
    member = access.member_or_404(request.user, pk)
    role = request.POST.get("role", "")

    def act() -> str:
        operations.change_role(member=member, role=role, by=request.user)
        return f"{member.user} is {Membership.Role(role).label.lower()} from now on."

    return _act(request, member.workspace, act)


@require_POST
def remove(request: Request, pk: int) -> HttpResponse:
    """Asks once more, in a dialog or on a page of its own; whoever leaves by themselves goes to the start."""
    member = access.member_or_404(request.user, pk, or_self=True)
    is_self = member.user_id == request.user.pk
    if request.POST.get("confirm") != "yes":
        template = "accounts/_remove_member.html" if request.htmx else "accounts/remove_member.html"  # type: ignore[attr-defined]
        shown = {"member": member, "is_self": is_self, "dialog_id": f"remove-{member.pk}"}
        return render(request, template, shown)

    def act() -> str:
        operations.remove_member(member=member, by=request.user)
        return f"{'You have' if is_self else f'{member.user} has'} no access to {member.workspace} any more."

    return _act(request, member.workspace, act, to="home" if is_self else "")


def _act(request: Request, workspace: Workspace, act: Callable[[], str], to: str = "") -> HttpResponse:
    try:
        done = act()
    except UnableToChange as error:
        return _page(request, access.membership_or_404(request.user, workspace.slug), wrong=str(error))
    messages.success(request, done)
    if to or not access.workspaces_of(request.user).filter(pk=workspace.pk).exists():
        return redirect(to or "home")
    return redirect("accounts:members", workspace.slug)


@require_POST
def end_invitation(request: Request, pk: int) -> HttpResponse:
    invitation = access.invitation_or_404(request.user, pk)
    operations.end_invitation(invitation=invitation, by=request.user)
    messages.success(request, f"The invitation of {invitation.email} is taken back.")
    return redirect("accounts:members", invitation.workspace.slug)


# --- The way in ---------------------------------------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, key: str) -> HttpResponse:
    """By the link of a mail. Who has no sign-in yet makes one and comes back here."""
    try:
        invitation = operations.invitation_of(key)
    except InvitationClosed as closed:
        return render(request, "accounts/join.html", {"closed": closed}, status=closed.status)
    user = request.user
    if not user.is_authenticated:
        if not operations.has_sign_in(invitation):
            # They have the mailbox: nobody has to send them another link to prove it.
            get_adapter().stash_verified_email(request, invitation.email)
        return _join_page(request, invitation, 422 if request.method == "POST" else 200)
    if request.method != "POST":
        return _join_page(request, invitation)
    try:
        workspace = operations.join(invitation=invitation, user=user)
    except UnableToChange:
        return _join_page(request, invitation, 422)
    access.use_workspace(request, workspace)
    messages.success(request, f"You are a member of {workspace} now.")
    return redirect("home")


def _join_page(request: HttpRequest, invitation: Invitation, status: int = 200) -> HttpResponse:
    user = request.user
    context = {
        "invitation": invitation,
        "may": operations.MAY[Membership.Role(invitation.role)],
        "is_mine": isinstance(user, User) and operations.is_for(invitation, user),
        "has_sign_in": operations.has_sign_in(invitation),
    }
    return render(request, "accounts/join.html", context, status=status)
