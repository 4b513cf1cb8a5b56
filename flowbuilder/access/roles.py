"""Roles, and what it takes to do something."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import Membership, User, Workspace

Role = Membership.Role
DESIGNERS = (Role.OWNER, Role.DESIGNER)
INSTALLERS = (Role.OWNER, Role.MERCHANT)
REVIEWERS = (Role.OWNER, Role.REVIEWER)


def user_of(request: HttpRequest) -> User:
    """The person who asks; every page of the flows is behind the sign-in."""
    assert isinstance(request.user, User)
    return request.user


def require_role(user: User, workspace: Workspace, roles: tuple[str, ...], sentence: str) -> None:
    if not Membership.objects.filter(user=user, workspace=workspace, role__in=roles).exists():
        raise PermissionDenied(sentence)
