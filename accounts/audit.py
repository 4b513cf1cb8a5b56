"""The audit log: who did what, when, in which workspace. One function writes it, and nothing changes it.

    record(Act.EXPORTED, workspace=..., thing=..., name=..., detail=...)

`by` is whoever makes the request, where nothing else is said (`Audit`, a middleware, knows); None is the machine. What
a person may not do (403) is written down as well. Never a token, an address of a computer, nor what somebody typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import current_workspace
from accounts.models import AuditDoor, AuditEntry, Membership, User, Workspace

Act = AuditEntry.Act
SHOWN = 200  # characters of a name
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
NOBODY_SAID: Any = object()


def record(
    act: str,
    *,
    workspace: Workspace | int | None,
    thing: Model | None = None,
    name: str = "",
    detail: str = "",
    by: User | None = NOBODY_SAID,
    now: datetime | None = None,
) -> None:
    """One row, one query. `name` is what the thing is called, by itself where nothing is given."""
    record_in([workspace], act, thing=thing, name=name, detail=detail, by=by, now=now)


def record_in(
    workspaces: Iterable[Workspace | int | None],
    act: str,
    *,
    thing: Model | None = None,
    name: str = "",
    detail: str = "",
    by: User | None = NOBODY_SAID,
    now: datetime | None = None,
) -> None:
    """The same act once in each of these workspaces. One query."""
    person = _whoever() if by is NOBODY_SAID else by
    AuditEntry.objects.bulk_create(
        AuditEntry(
            act=act,
            at=now or timezone.now(),
            person=person,
            workspace_id=one.pk if isinstance(one, Workspace) else one,
            kind=str(thing._meta.verbose_name) if thing is not None else "",
            thing_id=thing.pk if thing is not None else None,
            name=(name or (str(thing) if thing is not None else ""))[:SHOWN],
            detail=detail,
        )
        for one in workspaces
    )


def forget_old(now: datetime) -> int:
    """Clear away what was kept for as long as the site says, by the one door that the database has. How many."""
    until = now - timedelta(days=settings.AUDIT_KEPT_DAYS)
    with transaction.atomic():
        door = AuditDoor.objects.create(until=until)
        gone, _ = AuditEntry.objects.filter(at__lt=until).delete()
        door.delete()
        if gone:
            text = f"{gone} from before {until:%d %B %Y}"
            record(Act.CLEARED, workspace=None, name=text, by=None, now=now)
    return gone


def _whoever() -> User | None:
    request = _request.get()
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


# --- Who asks, and what they may not -----------------------------------------------------------------------------


class Audit:
    """A middleware, after the one that knows the person: acts are by them, and a 403 of a page is written down."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        if isinstance(error, PermissionDenied):
            record_refusal(request, str(error))


def record_refusal(request: HttpRequest, why: str) -> None:
    """What a signed-in person tried and may not. The address says of what; what was sent with it is not kept."""
    if request.user.is_authenticated:
        name = f"{request.method} {request.path}"
        record(Act.REFUSED, workspace=current_workspace(request), name=name, detail=why)


# --- Signing in and out: in each workspace of the person -------------------------------------------------------------


def workspaces_of(user: User) -> list[int | None]:
    """In which an act that belongs to none is written down."""
    return list(Membership.objects.filter(user=user).values_list("workspace_id", flat=True)) or [None]


@receiver(user_logged_in)
def _signed_in(sender: Any, user: User, **more: Any) -> None:
    record_in(workspaces_of(user), Act.SIGNED_IN, by=user)


@receiver(user_logged_out)
def _signed_out(sender: Any, user: User | None, **more: Any) -> None:
    if user is not None:
        record_in(workspaces_of(user), Act.SIGNED_OUT, by=user)


@receiver(user_login_failed)
def _not_signed_in(sender: Any, credentials: dict[str, Any], **more: Any) -> None:
    """What was typed is not kept: it may be a password in the wrong place. Only whose door it was."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    user = User.objects.filter(email__iexact=email).first() if email else None
    record_in(workspaces_of(user) if user else [None], Act.SIGN_IN_FAILED, by=user)
