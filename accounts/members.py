"""Who is in a workspace, and as what: invited by mail, joined by the link in it, given another role, removed.

Operations: keyword-only, the only writers. The link goes to the mailbox and nowhere else, so whoever opens it has that
mailbox; it is never shown to those who invite. A workspace always keeps an owner.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from smtplib import SMTPException

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Act, record
from accounts.models import Invitation, Membership, User, Workspace

Role = Membership.Role
DAYS = 14  # that a link is good for
MOST_A_DAY = 50  # invitations of one person: this site is nobody's way to mail strangers
SALT = "accounts.invitation"
MAY = {
    Role.OWNER: "Everything: members, accounts, settings, and all that the others may.",
    Role.DESIGNER: "Designs flows and emails, publishes versions, connects accounts.",
    Role.MERCHANT: "Connects accounts and installs flows in them.",
    Role.REVIEWER: "Reads everything, and approves what others ask for.",
}


class UnableToChange(Exception):
    """str() is a sentence for whoever asked."""


class UnableToMail(Exception):
    """The invitation stands, and its mail did not go out."""


class InvitationClosed(Exception):
    """A link that opens nothing; the text says why, and what to do."""

    def __init__(self, text: str, status: int = 410) -> None:
        super().__init__(text)
        self.status = status


# --- Members ------------------------------------------------------------------------------------------------


@transaction.atomic
def change_role(*, member: Membership, role: str, by: User) -> None:
    """What they may do is another from their next request on."""
    member = _hold(member)
    if role not in Role.values:
        raise UnableToChange("Choose one of the roles.")
    before = member.get_role_display()
    if role == member.role:
        return
    if member.role == Role.OWNER:
        _keep_an_owner(member)
        _take_back_what_they_sent(member)
    member.role = role
    member.save(update_fields=["role"])
    text = f"{member.get_role_display()}, before that {before.lower()}"
    record(Act.ROLE, workspace=member.workspace, thing=member.user, name=str(member.user), detail=text, by=by)


@transaction.atomic
def remove_member(*, member: Membership, by: User) -> None:
    """They are out at once: every page asks for the membership anew."""
    member = _hold(member)
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    _take_back_what_they_sent(member)
    text = f"{member.get_role_display()}: {'left' if member.user_id == by.pk else 'removed'}"
    member.delete()
    record(Act.ROLE, workspace=member.workspace, thing=member.user, name=str(member.user), detail=text, by=by)


def owners_of(workspace: Workspace) -> QuerySet[Membership]:
    """Those who can act: a person who may not sign in any more looks after nothing."""
    return Membership.objects.filter(workspace=workspace, role=Role.OWNER, user__is_active=True)


def _hold(member: Membership) -> Membership:
    """As it is now. The workspace is held first, so that of two last owners one stays."""
    Workspace.objects.select_for_update().get(pk=member.workspace_id)
    found = Membership.objects.select_related("workspace", "user").filter(pk=member.pk).first()
    if found is None:
        raise UnableToChange("That person is not a member any more.")
    return found


def _keep_an_owner(member: Membership) -> None:
    if not owners_of(member.workspace).exclude(pk=member.pk).exists():
        raise UnableToChange(
            f"{member.user} is the only owner of {member.workspace}. Make somebody else an owner first."
        )


def _take_back_what_they_sent(member: Membership) -> None:
    """Who may invite no more has nobody on the way in."""
    sent = Invitation.objects.filter(workspace=member.workspace_id, by=member.user_id, ended_at=None)
    sent.update(ended_at=timezone.now())


# --- Invitations --------------------------------------------------------------------------------------------


def open_invitations(workspace: Workspace, now: datetime | None = None) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        workspace=workspace, ended_at=None, expires_at__gt=now or timezone.now()
    ).select_related("by")


def invite(
    *, workspace: Workspace, email: str, role: str, by: User, now: datetime | None = None
) -> Invitation:
    """A mail with a link goes to that address; an earlier one to it is over. UnableToMail where it did not go out."""
    now, email = now or timezone.now(), email.strip().lower()
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)
        if role not in Role.values:
            raise UnableToChange("Choose one of the roles.")
        if Membership.objects.filter(workspace=workspace, user__email__iexact=email).exists():
            raise UnableToChange(f"{email} is a member already.")
        if Invitation.objects.filter(by=by, created_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise UnableToChange(f"You have invited {MOST_A_DAY} people since yesterday. Go on tomorrow.")
        Invitation.objects.filter(workspace=workspace, email=email, ended_at=None).update(ended_at=now)
        made = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role,
            by=by,
            created_at=now,
            expires_at=now + timedelta(days=DAYS),
        )
        text = f"As {made.get_role_display().lower()}"
        record(Act.INVITED, workspace=workspace, thing=made, name=email, detail=text, by=by, now=now)
    _mail(made)
    return made


def end_invitation(*, invitation: Invitation, by: User) -> None:
    """The link in the mail opens nothing any more."""
    still = Invitation.objects.filter(pk=invitation.pk, ended_at=None)
    with transaction.atomic():
        if still.update(ended_at=timezone.now()):
            text = "Taken back"
            workspace = invitation.workspace
            record(
                Act.INVITED, workspace=workspace, thing=invitation, name=invitation.email, detail=text, by=by
            )


def link_to(invitation: Invitation) -> str:
    key = signing.dumps(invitation.pk, salt=SALT)
    return f"{settings.SITE_URL}{reverse('accounts:join', args=[key])}"


def _mail(invitation: Invitation) -> None:
    context = {
        "invitation": invitation,
        "may": MAY[Role(invitation.role)],
        "link": link_to(invitation),
        "days": DAYS,
    }
    text = render_to_string("accounts/invitation.txt", context)
    subject = " ".join(f"{invitation.by} invites you to {invitation.workspace}".split())[:150]
    try:
        EmailMessage(subject, text, to=[invitation.email]).send()
    except (SMTPException, OSError) as error:
        raise UnableToMail(
            f"{invitation.email} is invited, but the mail could not be handed over "
            f"({type(error).__name__}). Press “Send again” in a while."
        ) from error


# --- Joining ------------------------------------------------------------------------------------------------


def invitation_of(key: str, now: datetime | None = None) -> Invitation:
    """The open invitation of a link. InvitationClosed where it opens nothing."""
    expired = InvitationClosed(f"This invitation is older than {DAYS} days. Ask for a new one.")
    try:
        pk = signing.loads(key, salt=SALT, max_age=timedelta(days=DAYS))
    except signing.SignatureExpired:
        raise expired from None
    except signing.BadSignature:
        text = "This link is not complete, or was changed. Open it as it was sent to you."
        raise InvitationClosed(text, 404) from None
    found = Invitation.objects.select_related("workspace", "by").filter(pk=pk).first()
    if found is None or found.ended_at:
        raise InvitationClosed("This invitation was used, sent anew, or taken back. Ask for a new one.")
    if found.expires_at <= (now or timezone.now()):
        raise expired
    return found


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether it was sent to an address of theirs."""
    if user.email.lower() == invitation.email:
        return True
    return EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists()


def has_sign_in(invitation: Invitation) -> bool:
    """Whether somebody signs in with that address already. For the holder of the link alone."""
    return (
        User.objects.filter(email__iexact=invitation.email).exists()
        or EmailAddress.objects.filter(email__iexact=invitation.email, verified=True).exists()
    )


def join(*, invitation: Invitation, user: User, now: datetime | None = None) -> Workspace:
    """A member from now on. Whoever is one already stays as they are."""
    now = now or timezone.now()
    if not is_for(invitation, user):
        raise UnableToChange(
            f"This invitation is for {invitation.email}, and you are signed in as {user.email}."
        )
    with transaction.atomic():
        still = Invitation.objects.filter(pk=invitation.pk, ended_at=None, expires_at__gt=now)
        if not still.update(ended_at=now):
            raise UnableToChange("This invitation was used, or taken back meanwhile. Ask for a new one.")
        workspace, role = invitation.workspace, invitation.role
        _, is_new = Membership.objects.get_or_create(
            user=user, workspace=workspace, defaults={"role": role, "created_at": now}
        )
        # The link was in their mailbox: the address is theirs.
        for address in EmailAddress.objects.filter(user=user, email__iexact=invitation.email):
            address.set_verified()  # unless somebody else proved it before
        if is_new:
            text = f"As {invitation.get_role_display().lower()}, invited by {invitation.by or 'somebody who left'}"
            record(Act.JOINED, workspace=workspace, thing=user, name=str(user), detail=text, by=user, now=now)
    return workspace
