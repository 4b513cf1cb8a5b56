"""Who hears of what goes wrong in a workspace, and from when on it counts. Keyword-only; sending is for the workers."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import Act, record
from accounts.models import User, Workspace
from accounts.webhooks import wrong_with
from flowbuilder.models import Alert, AlertLimits, Delivery, Listener
from flowbuilder.tasks import ring_deliveries

MOST = 20  # listeners of a workspace
MOST_TESTS = 5  # of one listener that may be under way


class UnableToListen(Exception):
    """The text says why, and what to do."""


def add_listener(
    *, workspace: Workspace, by: User, kind: str, address: str, hears: Collection[str], pace: str
) -> tuple[Listener, str]:
    """(the listener, the secret of a webhook, which is never shown again)."""
    address, secret = address.strip(), ""
    if workspace.listeners.count() >= MOST:
        raise UnableToListen(f"{MOST} already listen here: take one away first.")
    if kind == Listener.Kind.WEBHOOK:
        if wrong := wrong_with(address, allow_private=settings.DEMO):
            raise UnableToListen(wrong)
        secret = _new_secret()
    elif not workspace.members.filter(email__iexact=address).exists():
        raise UnableToListen("Alerts are mailed to people of this workspace alone: choose one of them.")
    try:
        with transaction.atomic():
            made = Listener.objects.create(
                workspace=workspace,
                kind=kind,
                address=address,
                secret=secret or None,
                hears=_kinds(hears),
                pace=pace,
                created_by=by,
            )
    except IntegrityError:
        raise UnableToListen("This address listens here already: change what it hears below.") from None
    _write_down(made, "Hears of alerts from now on.")
    return made, secret


def change_listener(*, listener: Listener, hears: Collection[str], pace: str) -> None:
    listener.hears, listener.pace = _kinds(hears), pace
    listener.save(update_fields=["hears", "pace"])
    _write_down(listener, "Hears of other alerts now, or at another pace.")


def remove_listener(*, listener: Listener) -> None:
    """With what was delivered to it."""
    _write_down(listener, "Hears of alerts no more.")
    listener.delete()


def renew_secret(*, listener: Listener) -> str:
    """A new one; the one before signs nothing from now on."""
    if listener.kind != Listener.Kind.WEBHOOK:
        raise UnableToListen("Only webhooks have a secret.")
    secret = _new_secret()
    listener.secret = secret
    listener.save(update_fields=["secret"])
    _write_down(listener, "Has a new secret.")
    return secret


def send_test(*, listener: Listener) -> Delivery:
    waiting = listener.deliveries.filter(is_test=True, state=Delivery.State.WAITING)
    if waiting.count() >= MOST_TESTS:
        raise UnableToListen("Some tests are still on their way: wait for them.")
    made = listener.deliveries.create(is_test=True)
    transaction.on_commit(ring_deliveries)
    return made


def send_again(*, delivery: Delivery) -> None:
    """What was given up, from its first try."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED)
    changed = mine.update(
        state=Delivery.State.WAITING, tries=0, not_before=timezone.now(), ended_at=None, error=""
    )
    if not changed:
        raise UnableToListen("Only what was given up is sent again.")
    transaction.on_commit(ring_deliveries)


def set_limits(*, workspace: Workspace, failed_above: int, stuck_after: int) -> None:
    """`failed_above`: percent. `stuck_after`: hours."""
    AlertLimits.objects.update_or_create(
        workspace=workspace, defaults={"failed_above": failed_above, "stuck_after": stuck_after}
    )
    detail = f"Alerts: above {failed_above} percent that fail, after {stuck_after} hours."
    record(Act.SETTINGS, workspace=workspace, thing=workspace, detail=detail)


def _write_down(listener: Listener, detail: str) -> None:
    """Where it listens is an address of somebody's, and is not kept."""
    name = listener.get_kind_display()
    record(Act.SETTINGS, workspace=listener.workspace_id, thing=listener, name=name, detail=detail)


def _kinds(hears: Collection[str]) -> list[str]:
    found = [kind for kind in Alert.Kind.values if kind in hears]
    if not found:
        raise UnableToListen("Choose at least one thing to hear of.")
    return found


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
