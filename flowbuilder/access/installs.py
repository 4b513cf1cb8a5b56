"""Installs, the links to one that are handed on, and rollouts."""

from __future__ import annotations

from django.core import signing
from django.core.signing import BadSignature
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from accounts.models import User
from flowbuilder.access.roles import INSTALLERS, require_role
from flowbuilder.models import (
    Install,
    Rollout,
)


def installs_of(user: User) -> QuerySet[Install]:
    return Install.objects.filter(workspace__memberships__user=user)


def install_or_404(user: User, pk: int) -> Install:
    """An install of one of the person's workspaces; going on with it takes the role."""
    related = (
        "workspace",
        "template_flow__workspace",
        "template_flow__current_version",
        "version",
        "account",
    )
    install = get_object_or_404(
        installs_of(user).select_related(*related, "template_flow__public__version"), pk=pk
    )
    require_role(user, install.workspace, INSTALLERS, "Only merchants and owners install template flows.")
    return install


# A link for somebody without an account: to one question, or to the preview. Its salt says which, so neither opens
# the other; it is void when its time is over, or when the install's links were ended.
QUESTION, PREVIEW = "install.question", "install.preview"
LINK_DAYS = 14


class LinkClosed(Exception):
    """A link that opens nothing; the text says why, and what to do. Nothing of the install is in it."""

    def __init__(self, text: str, status: int = 410) -> None:
        super().__init__(text)
        self.status = status


def shared_link(install: Install, what: str, key: str = "") -> str:
    """The secret part of a link to one question (by its key) or to the preview."""
    return signing.dumps([install.pk, install.link_number, key], salt=what)


def shared_install(link: str, what: str) -> tuple[Install, str]:
    """(the install that is still being set up, the key of the question). LinkClosed where the link opens nothing."""
    try:
        pk, number, key = signing.loads(link, salt=what, max_age=LINK_DAYS * 24 * 3600)
    except signing.SignatureExpired:
        raise LinkClosed(f"This link is older than {LINK_DAYS} days. Ask for a new one.") from None
    except (BadSignature, ValueError, TypeError):
        raise LinkClosed(
            "This link is not complete, or was changed. Open it as it was sent to you.", 404
        ) from None
    related = ("workspace", "template_flow__workspace", "version", "account")
    install = Install.objects.select_related(*related).filter(pk=pk, link_number=number).first()
    if install is None or install.account is None or not install.account.is_connected:
        raise LinkClosed("This link was ended by whoever made it. Ask for a new one.")
    if install.state != Install.State.CHOOSING:
        raise LinkClosed("This was finished meanwhile: nothing is needed from you any more. Thank you.")
    if install.version.withdrawn_at:
        raise LinkClosed(
            "The design was withdrawn by its author. Ask whoever sent you the link how they go on."
        )
    return install, str(key)


def rollout_or_404(user: User, pk: int, *, to_act: bool = False) -> Rollout:
    """A rollout of one of the person's workspaces; starting, stopping and answering for it takes the role."""
    rollout = get_object_or_404(
        Rollout.objects.filter(workspace__memberships__user=user).select_related(
            "workspace", "version__flow__template_flow", "asked_by"
        ),
        pk=pk,
    )
    if to_act:
        require_role(
            user, rollout.workspace, INSTALLERS, "Only merchants and owners publish to many accounts."
        )
    return rollout
