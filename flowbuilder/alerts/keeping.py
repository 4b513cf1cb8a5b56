"""Occurrences of what is wrong: opened when it is found, told once to whoever listens, closed when it is over.

Called every minute by tasks.py, and harmless to run twice at once: the database refuses a second open alert of a thing,
and a second telling of it. Writes its own rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from flowbuilder.alerts.conditions import Condition, Rooms, conditions, rooms_that_listen
from flowbuilder.models import Alert, Delivery, Listener, Told

AGAIN = timedelta(hours=6)  # what comes back within is the same occurrence, and is not told anew
A_DAY = timedelta(days=1)
DIGEST_FROM = time(7, 0)  # in UTC
KEPT = timedelta(days=90)  # after it was over


def look(now: datetime) -> int:
    """How many alerts are open. A fixed number of queries, and some for whatever is new."""
    rooms = rooms_that_listen()
    found = {(one.workspace_id, one.kind, one.key): one for one in conditions(rooms, now)}
    rows = Alert.objects.filter(workspace__in=rooms.by_pk, closed_at=None)
    known = {(one.workspace_id, one.kind, one.key): one for one in rows}
    over = [alert.pk for key, alert in known.items() if key not in found]
    Alert.objects.filter(pk__in=over, closed_at=None).update(closed_at=now)
    # Where nobody listens any more, nobody looks
    Alert.objects.filter(closed_at=None).exclude(workspace__in=rooms.by_pk).update(closed_at=now)
    _say_anew([(known[key], found[key]) for key in known if key in found])
    _open([found[key] for key in found if key not in known], now)
    _tell(rooms, now)
    Alert.objects.filter(closed_at__lt=now - KEPT).delete()
    Delivery.objects.filter(ended_at__lt=now - KEPT).delete()
    return len(found)


def _say_anew(both: Iterable[tuple[Alert, Condition]]) -> None:
    """What is shown is as it is now: how many, for how long. What was told stays told."""
    changed = []
    for alert, condition in both:
        if (alert.text, alert.path) != (condition.text, condition.path):
            alert.text, alert.path = condition.text, condition.path
            changed.append(alert)
    Alert.objects.bulk_update(changed, ["text", "path"], batch_size=500)


def _open(new: list[Condition], now: datetime) -> None:
    if not new:
        return
    recent = Alert.objects.filter(
        workspace__in={one.workspace_id for one in new}, closed_at__gt=now - AGAIN
    ).order_by("closed_at")
    before = {(one.workspace_id, one.kind, one.key): one for one in recent}
    for one in new:
        again = before.get((one.workspace_id, one.kind, one.key))
        try:
            with transaction.atomic():
                if again:
                    Alert.objects.filter(pk=again.pk).update(closed_at=None, text=one.text, path=one.path)
                else:
                    Alert.objects.create(
                        workspace_id=one.workspace_id,
                        kind=one.kind,
                        key=one.key,
                        text=one.text,
                        path=one.path,
                        opened_at=now,
                    )
        except IntegrityError:
            continue  # somebody else looks at the same moment


# --- Who is told of what -----------------------------------------------------------------------------------------


def _tell(rooms: Rooms, now: datetime) -> None:
    """One message to each listener with all that is new to it."""
    listeners = list(Listener.objects.filter(workspace__in=rooms.by_pk))
    lately = Q(closed_at=None) | Q(closed_at__gt=now - 2 * A_DAY)  # a digest may be late
    alerts = list(Alert.objects.filter(lately, workspace__in=rooms.by_pk))
    told = set(
        Told.objects.filter(listener__in=listeners, alert__in=alerts).values_list("listener_id", "alert_id")
    )
    for listener in listeners:
        is_daily = listener.pace == Listener.Pace.DAILY
        if is_daily and not _is_time(listener, now):
            continue
        new = [
            alert
            for alert in alerts
            if alert.workspace_id == listener.workspace_id
            and alert.kind in listener.hears
            and (listener.pk, alert.pk) not in told
            and (alert.closed_at is None or (is_daily and alert.opened_at > listener.created_at))
        ]
        if new or is_daily:
            _write(listener, new, now, is_daily=is_daily)


def _is_time(listener: Listener, now: datetime) -> bool:
    due = datetime.combine(now.date(), DIGEST_FROM, tzinfo=now.tzinfo)
    return now >= due and (listener.digest_at or listener.created_at) < due


def _write(listener: Listener, new: list[Alert], now: datetime, *, is_daily: bool) -> None:
    """The message and what it tells, together or not at all."""
    try:
        with transaction.atomic():
            if is_daily:
                Listener.objects.filter(pk=listener.pk).update(digest_at=now)
            if not new:
                return
            delivery = Delivery.objects.create(
                listener=listener, is_digest=is_daily, created_at=now, not_before=now
            )
            Told.objects.bulk_create(Told(alert=one, listener=listener, delivery=delivery) for one in new)
    except IntegrityError:
        return  # told by somebody else at the same moment


def due(now: datetime) -> list[int]:
    """Messages that wait to be sent, the oldest first."""
    rows = Delivery.objects.filter(state=Delivery.State.WAITING, not_before__lte=now)
    return list(rows.order_by("not_before", "pk").values_list("pk", flat=True)[:500])
