"""One message on its way: to a mailbox, or signed to an address. Tried again after longer and longer waits.

Called by tasks.py. Before it is sent, the try is written down and the next one set, so that a worker that dies in the
middle neither loses the message nor sends it in a loop. No transaction is open over the network.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string

from accounts.connection import text_of
from accounts.models import Membership
from accounts.webhooks import Undelivered, post
from flowbuilder.models import Alert, Delivery, Listener

WAITS = tuple(timedelta(minutes=one) for one in (1, 5, 30, 120, 360))  # after the first, the second try, ...


def send(pk: int, now: datetime) -> None:
    """Nothing where somebody else has it, or its time has not come."""
    delivery = _take(pk, now)
    if delivery is None:
        return
    listener, status, wrong, is_final = delivery.listener, None, "", False
    try:
        if listener.kind == Listener.Kind.WEBHOOK:
            status = _post(delivery, now)
        else:
            _mail(delivery)
    except Undelivered as error:
        status, wrong, is_final = error.status, str(error), error.is_final
    except (SMTPException, OSError) as error:
        wrong = f"The mail could not be handed over ({type(error).__name__})."
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING, tries=delivery.tries)
    state = Delivery.State
    if not wrong:
        mine.update(state=state.SENT, status=status, error="", ended_at=now)
    elif is_final or delivery.tries >= Delivery.MOST_TRIES:
        mine.update(state=state.FAILED, status=status, error=wrong[:300], ended_at=now)
    else:
        mine.update(status=status, error=wrong[:300])


def _take(pk: int, now: datetime) -> Delivery | None:
    """Compare and set: of two workers one sends."""
    row = Delivery.objects.select_related("listener__workspace").filter(pk=pk).first()
    if row is None or row.state != Delivery.State.WAITING or row.not_before > now:
        return None
    mine = Delivery.objects.filter(pk=pk, state=Delivery.State.WAITING, tries=row.tries, not_before__lte=now)
    wait = WAITS[min(row.tries, len(WAITS) - 1)]
    if not mine.update(tries=F("tries") + 1, not_before=now + wait):
        return None
    row.tries += 1
    return row


def _post(delivery: Delivery, now: datetime) -> int:
    listener = delivery.listener
    secret = text_of(listener.secret)
    if not secret:
        raise Undelivered("Its secret cannot be read any more: make a new one.", is_final=True)
    return post(
        listener.address,
        json.dumps(body_of(delivery, now), ensure_ascii=False).encode(),
        secret=secret,
        number=str(delivery.pk),
        now=now.timestamp(),
        allow_private=settings.DEMO,
    )


def body_of(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """What a webhook gets. Names are kept: other people's programs read them."""
    room = delivery.listener.workspace
    kind = "test" if delivery.is_test else "digest" if delivery.is_digest else "alerts"
    return {
        "id": str(delivery.pk),
        "type": kind,
        "sent_at": now.isoformat(),
        "workspace": {"slug": room.slug, "name": room.name},
        "alerts": [
            {
                "id": str(one.pk),
                "kind": one.kind,
                "text": one.text,
                "url": f"{settings.SITE_URL}{one.path}",
                "opened_at": one.opened_at.isoformat(),
                "closed_at": one.closed_at.isoformat() if one.closed_at else None,
            }
            for one in told_in(delivery)
        ],
    }


def told_in(delivery: Delivery) -> list[Alert]:
    return list(Alert.objects.filter(told__delivery=delivery).order_by("opened_at", "pk"))


def _mail(delivery: Delivery) -> None:
    """To a member: whoever left the workspace hears nothing more of it."""
    listener, room = delivery.listener, delivery.listener.workspace
    if not Membership.objects.filter(workspace=room, user__email__iexact=listener.address).exists():
        raise Undelivered("Nobody of the workspace has this address any more.", is_final=True)
    alerts = told_in(delivery)
    context = {"delivery": delivery, "room": room, "alerts": alerts, "site": settings.SITE_URL}
    if delivery.is_test:
        subject = f"A test for {room.name}"
    elif len(alerts) == 1 and not delivery.is_digest:
        subject = f"{room.name}: {alerts[0].text}"
    else:
        subject = f"{room.name}: {len(alerts)} {'alerts' if len(alerts) != 1 else 'alert'}"
    text = render_to_string("health/alerts.txt", context)
    EmailMessage(" ".join(subject.split())[:150], text, to=[listener.address]).send()
