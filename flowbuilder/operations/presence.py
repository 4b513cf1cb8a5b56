"""That somebody has a flow open."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from flowbuilder.models import Flow, Presence


def note_presence(*, flow: Flow, user: User, step: str, now: datetime) -> None:
    Presence.objects.update_or_create(flow=flow, user=user, defaults={"step": step[:64], "seen_at": now})
