"""What changes people, workspaces and the state of accounts. Keyword-only, the only writers, no network.

The trips to Klaviyo that connect and disconnect are in connecting.py.
"""

from __future__ import annotations

from datetime import datetime

from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from rest_framework.authtoken.models import Token

from accounts.audit import Act, record, record_in, workspaces_of
from accounts.models import KlaviyoAccount, Membership, User, Workspace

OPEN_KINDS = (Workspace.Kind.PARTNER, Workspace.Kind.MERCHANT)


class UnableToCreateWorkspace(Exception):
    """str() is a sentence for the person who asked."""


def create_workspace(*, by: User, name: str, kind: str, now: datetime | None = None) -> Workspace:
    """A workspace with a slug of its own, and `by` as its owner. Not of the operator's kind."""
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise UnableToCreateWorkspace("A workspace needs a name of 1 to 120 characters.")
    if kind not in OPEN_KINDS:
        raise UnableToCreateWorkspace("A workspace is a partner's or a merchant's; choose one of the two.")
    now = now or timezone.now()
    for slug in _slugs(name):
        try:
            with transaction.atomic():
                workspace = Workspace.objects.create(slug=slug, name=name, kind=kind, created_at=now)
                Membership.objects.create(
                    user=by, workspace=workspace, role=Membership.Role.OWNER, created_at=now
                )
                record(Act.WORKSPACE, workspace=workspace, thing=workspace, by=by, now=now)
        except IntegrityError:
            continue  # somebody took it between looking and writing
        return workspace
    raise UnableToCreateWorkspace("Many workspaces have this name already; choose another one.")


def ensure_workspace(*, slug: str) -> Workspace:
    """The workspace of this slug, made without people where there is none: for scripts, which no person runs.

    Raises ValidationError where the slug is none.
    """
    validate_slug(slug)
    name = slug.replace("-", " ").replace("_", " ").strip().capitalize() or slug
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def _slugs(name: str) -> list[str]:
    """Free ones, the best first: name, name-2, name-3, ..."""
    base = slugify(name)[:50].strip("-") or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 5))]
    return [slug for slug in numbered if slug not in taken][:3]


def mark_disconnected(
    *,
    account: KlaviyoAccount,
    reason: str,
    holding: datetime | None = None,
    now: datetime | None = None,
) -> bool:
    """The connection is over: its secrets are erased, `reason` (a sentence) is kept. False if it was.

    With `holding` (the `renewing_until` of one's own lease) only if nobody reconnected it meanwhile.
    The instance is brought up to date too.
    """
    over = {
        "state": KlaviyoAccount.State.DISCONNECTED,
        "state_reason": reason[:300],
        "disconnected_at": now or timezone.now(),
        "access_token": None,
        "refresh_token": None,
        "api_key": None,
        "expires_at": None,
        "renewing_until": None,
    }
    still = KlaviyoAccount.objects.filter(pk=account.pk, state=KlaviyoAccount.State.CONNECTED)
    if holding is not None:
        still = still.filter(renewing_until=holding)
    done = still.update(**over) == 1
    if done:
        record(Act.DISCONNECTED, workspace=account.owner_id, thing=account, detail=reason, now=now)
    account.refresh_from_db()
    return done


def renew_api_token(*, user: User) -> str:
    """A new token for our own API; the one before stops working. This is the only time it can be shown."""
    with transaction.atomic():
        Token.objects.filter(user=user).delete()
        token: str = Token.objects.create(user=user).key
        record_in(workspaces_of(user), Act.TOKEN, detail="A new one; the one before is over.", by=user)
    return token


def end_api_token(*, user: User) -> None:
    """No token of this person works any more."""
    Token.objects.filter(user=user).delete()
    record_in(workspaces_of(user), Act.TOKEN, detail="Ended.", by=user)
