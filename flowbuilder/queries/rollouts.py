"""Rollouts for their pages: lists, what came of the accounts, waves, and what is in line in each account.

Each is a fixed number of queries, however many accounts a rollout has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, Max, OuterRef, Q, QuerySet, Value, When

from accounts.access import accounts_of
from accounts.models import KlaviyoAccount, Workspace
from flowbuilder.models import Choice, Install, Publication, Rollout, Version

S = Publication.State
TOKENS = ("account__access_token", "account__refresh_token", "account__api_key")
SEEN_LATELY = timedelta(minutes=5)  # over which the pace is measured

# Where an account of a rollout stands. What has no publication stands where the dry run put it.
STANDINGS = (
    "published",
    "under-way",
    "waiting",
    "failed",
    "refused",
    "ready",
    "unchecked",
    "asks",
    "cannot",
)
OF_STATE = {
    S.PUBLISHED: "published",
    S.REFUSED: "refused",
    S.FAILED: "failed",
    S.WAITING: "waiting",
    S.UNKNOWN: "waiting",
    S.CANCELLED: "cannot",  # a person cancelled that one alone
}
NOT_READY = ("unchecked", "asks", "cannot")


# --- Choosing --------------------------------------------------------------------------------------------------------


def choosable(
    workspace: Workspace, version: Version, *, words: str = "", connected: str = "", has: str = ""
) -> QuerySet[KlaviyoAccount]:
    """The accounts that agreed, by name, each with `has_it`: an install of this template flow, there or on its way.

    `connected` and `has` are "yes", "no" or empty for both.
    """
    there = Install.objects.filter(
        Q(state=Install.State.LIVE) | Q(publications__state__in=Publication.OPEN),
        account=OuterRef("pk"),
        template_flow__flow=version.flow_id,
    )
    found = accounts_of(workspace, "publish").annotate(has_it=Exists(there))
    for word in words.split():
        found = found.filter(Q(name__icontains=word) | Q(klaviyo_id__icontains=word))
    if connected:
        state = Q(state=KlaviyoAccount.State.CONNECTED)
        found = found.filter(state if connected == "yes" else ~state)
    if has:
        found = found.filter(has_it=has == "yes")
    return found.defer("access_token", "refresh_token", "api_key")


# --- Lists -----------------------------------------------------------------------------------------------------------


def rollout_rows(workspace: Workspace) -> QuerySet[Rollout]:
    """The rollouts of a workspace, newest first, each with `total`, `published`, `bad` and `on_way`."""
    state = "choices__publication__state"
    return (
        Rollout.objects.filter(workspace=workspace)
        .select_related("version", "asked_by")
        .defer("version__document")
        .annotate(
            total=Count("choices"),
            published=Count("choices", filter=Q(**{state: S.PUBLISHED})),
            bad=Count("choices", filter=Q(**{f"{state}__in": (S.REFUSED, S.FAILED)})),
            on_way=Count("choices", filter=Q(**{f"{state}__in": Publication.OPEN})),
        )
        .order_by("-created_at", "-pk")
    )


def choice_rows(rollout: Rollout) -> Any:
    """The accounts of a rollout, each with `standing`."""
    return (
        with_standing(rollout.choices.all())
        .select_related("account", "publication")
        .defer(*TOKENS, "publication__answers", "publication__shape")
    )


def with_standing(choices: Any) -> Any:
    whens = [When(publication=None, then=F("fit"))]
    whens += [When(publication__state=state, then=Value(standing)) for state, standing in OF_STATE.items()]
    return choices.annotate(standing=Case(*whens, default=Value("under-way"), output_field=CharField()))


def standings_of(rollout: Rollout) -> dict[str, int]:
    """standing -> how many accounts, all standings in their order. One query."""
    rows = with_standing(rollout.choices.all()).order_by().values_list("standing")
    found = dict(rows.annotate(Count("pk")))
    return {name: found.get(name, 0) for name in STANDINGS}


@dataclass(frozen=True, slots=True)
class Wave:
    number: int
    total: int
    open: int
    bad: int


def waves_of(rollout: Rollout) -> list[Wave]:
    """The waves that were sent. One query."""
    rows = (
        rollout.choices.exclude(publication=None)
        .order_by("wave")
        .values("wave")
        .annotate(
            total=Count("pk"),
            open=Count("pk", filter=Q(publication__state__in=Publication.OPEN)),
            bad=Count("pk", filter=Q(publication__state__in=(S.REFUSED, S.FAILED))),
        )
    )
    return [Wave(row["wave"] or 0, row["total"], row["open"], row["bad"]) for row in rows]


# --- What is in line -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """New flows of one account: `ahead` still to be created, ours with them; created in the last minute and day."""

    ahead: int
    minute: int = 0
    day: int = 0


def lines_of(rollout: Rollout, now: datetime) -> list[Line]:
    """The lines that are longer than one, or of accounts that got many flows lately: the others take no time. Two
    queries."""
    left = _left(rollout).values("account_id")
    mine = Publication.objects.filter(account__in=left, kind=Publication.Kind.CREATE).order_by()
    waiting = mine.filter(state__in=Publication.OPEN).values_list("account_id")
    ahead = dict(waiting.annotate(n=Count("pk")).filter(n__gt=1))
    recent = mine.filter(sent_at__gt=now - timedelta(days=1)).values_list("account_id")
    lately = recent.annotate(
        day=Count("pk"), minute=Count("pk", filter=Q(sent_at__gt=now - timedelta(minutes=1)))
    ).filter(day__gt=10)
    used = {account: (minute, day) for account, day, minute in lately}
    return [Line(ahead.get(one, 1), *used.get(one, (0, 0))) for one in {*ahead, *used}]


def parked_for(rollout: Rollout, now: datetime) -> float:
    """Seconds until the last of those that wait for a moment goes on. One query."""
    last = rollout.publications.filter(state__in=Publication.OPEN).aggregate(at=Max("not_before"))["at"]
    return max(0.0, (last - now).total_seconds()) if last else 0.0


def _left(rollout: Rollout) -> QuerySet[Choice]:
    """Accounts that this rollout still has to reach."""
    to_send = Q(publication=None, fit=Choice.Fit.READY)
    return rollout.choices.filter(to_send | Q(publication__state__in=Publication.OPEN))


def pace_of(rollout: Rollout, now: datetime) -> tuple[int, float]:
    """(how many ended in the last minutes, over how many seconds). One query."""
    started = max(rollout.judged_from or rollout.started_at or now, now - SEEN_LATELY)
    ended = rollout.publications.filter(ended_at__gt=started).exclude(state=S.CANCELLED).count()
    return ended, (now - started).total_seconds()
