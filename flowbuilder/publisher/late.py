"""When something takes longer than anybody would expect, it says so: why, and what a person can do. Reads rows only.

Everything that waits says until when (`not_before`), and goes on by itself then. That may be repeated for days, so
after half a day there is a sentence more; and after an hour in which nobody came by at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest

from accounts.counted import in_words
from flowbuilder.models import Move, Publication
from flowbuilder.publisher.states import FOUND, S

LONG = timedelta(hours=12)  # since it was asked for; a day's limit may take as long
UNSEEN = timedelta(hours=1)  # since it was due


def with_times(rows: QuerySet[Publication]) -> QuerySet[Publication]:
    """Each with `asked_last`, `due_since` and `must_decide`, in the same query."""
    moves = Move.objects.filter(publication=OuterRef("pk")).order_by("-number")
    asked = Coalesce(Subquery(moves.filter(to_state=S.ASKED).values("at")[:1]), F("created_at"))
    moved = Coalesce(Subquery(moves.values("at")[:1]), F("created_at"))
    due = Greatest(moved, Coalesce(F("not_before"), moved), Coalesce(F("lease_until"), moved))
    decide = Case(When(state=S.UNKNOWN, wanted__has_key=FOUND, then=True), default=False)
    return rows.annotate(asked_last=asked, due_since=due, must_decide=decide)


def late_ones(now: datetime) -> QuerySet[Publication]:
    """All that are open for too long, the oldest first."""
    rows = with_times(Publication.objects.filter(state__in=Publication.OPEN))
    return rows.filter(is_late(now)).order_by("pk")


def is_late(now: datetime) -> Q:
    """Of rows `with_times`."""
    unseen = Q(due_since__lt=now - UNSEEN) & ~Q(state=S.ASKED, needs_approval=True)
    return Q(asked_last__lt=now - LONG) | unseen


def alarm(publication: Any, now: datetime) -> str:
    """A sentence with the next press; empty while nothing is wrong. One query where it is not `with_times`."""
    if publication.state not in Publication.OPEN:
        return ""
    if not hasattr(publication, "asked_last"):
        told = ("asked_last", "due_since", "must_decide")
        for name, value in (
            with_times(Publication.objects.filter(pk=publication.pk)).values(*told).get().items()
        ):
            setattr(publication, name, value)
    if publication.awaits_approval:
        if now - publication.asked_last <= LONG:
            return ""
        waited = in_words((now - publication.asked_last).total_seconds())
        return f"It has waited for {waited} for a second person to approve it. Remind them, or cancel it."
    since = in_words((now - publication.asked_last).total_seconds())
    unseen = now - publication.due_since
    if unseen > UNSEEN:
        left = in_words(unseen.total_seconds())
        return (
            f"Nobody has come by for {left}: the site's workers are very busy, or they are down. Nothing is lost; "
            "tell whoever runs this site."
        )
    if now - publication.asked_last <= LONG:
        return ""
    if publication.must_decide:
        return f"It has waited for {since} for somebody to say which flow is this one. Open it and choose."
    if not publication.account.is_connected:
        return f"It has waited for {since} for {publication.account} to be connected again. Reconnect it."
    press = " You can cancel it." if publication.state in (S.ASKED, S.WAITING) else ""
    return f"It has been on its way for {since}, far longer than it should. It goes on by itself.{press}"
