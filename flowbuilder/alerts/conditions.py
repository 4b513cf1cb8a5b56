"""What is wrong right now in the workspaces that listen. Reads only: a fixed number of queries, however many listen.

A condition has a key that stays the same as long as it is about the same thing: keeping.py makes occurrences of it. A
workspace has its own; an operator's has everybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from accounts.counted import in_words
from accounts.models import Grant, KlaviyoAccount, Workspace
from accounts.standing import State, standings
from flowbuilder.models import Alert, AlertLimits, Flow, Publication, Reading, Rollout
from flowbuilder.publisher.late import with_times
from flowbuilder.queries.counts import ended, rate_of
from flowbuilder.queries.health import serious_drift

Kind = Alert.Kind
MOST = 5000  # rows of one kind that are looked at in one round
FEWEST = 5  # publications that ended, before a share of them means anything
STATES = {State.DISCONNECTED: Kind.DISCONNECTED, State.SCOPES: Kind.SCOPES}


@dataclass(frozen=True, slots=True)
class Condition:
    workspace_id: int
    kind: str
    key: str
    text: str
    path: str


@dataclass(frozen=True)
class Rooms:
    """Workspaces that listen, by key, with their limits."""

    by_pk: dict[int, Workspace]
    limits: dict[int, AlertLimits]

    @property
    def operators(self) -> list[int]:
        return [pk for pk, one in self.by_pk.items() if one.kind == Workspace.Kind.OPERATOR]

    @property
    def scope(self) -> Collection[int] | None:
        """The workspaces that have to be looked at; None: all."""
        return None if self.operators else list(self.by_pk)

    def hear(self, workspaces: Iterable[int]) -> Iterator[Workspace]:
        """Who is to know of what is in these workspaces."""
        yield from (self.by_pk[pk] for pk in {*workspaces, *self.operators} if pk in self.by_pk)


def rooms_that_listen() -> Rooms:
    """Two queries."""
    found = {one.pk: one for one in Workspace.objects.filter(listeners__isnull=False).distinct()}
    limits = {one.workspace_id: one for one in AlertLimits.objects.filter(workspace__in=found)}
    return Rooms(found, {pk: limits.get(pk) or AlertLimits(workspace_id=pk) for pk in found})


def conditions(rooms: Rooms, now: datetime) -> list[Condition]:
    if not rooms.by_pk:
        return []
    return [
        *_accounts(rooms, now),
        *_failed(rooms, now),
        *_stuck(rooms, now),
        *_rollouts(rooms),
        *_drift(rooms),
    ]


def _accounts(rooms: Rooms, now: datetime) -> Iterator[Condition]:
    """Of the accounts that a workspace may look into."""
    grants = Grant.objects.filter(withdrawn_at=None, can_read=True)
    rows = KlaviyoAccount.objects.all()
    if rooms.scope is not None:
        grants = grants.filter(workspace__in=rooms.scope)
        rows = rows.filter(pk__in=grants.values("account"))
    using: dict[int, set[int]] = {}
    for account, workspace in grants.values_list("account_id", "workspace_id"):
        using.setdefault(account, set()).add(workspace)
    for one in standings(rows, now):
        if one.state in STATES:
            text = f"{one.name}: {'disconnected. ' if one.state == State.DISCONNECTED else ''}{one.reason}"
            for room in rooms.hear(using.get(one.pk, ())):
                yield Condition(
                    room.pk, STATES[one.state], f"account-{one.pk}", text, account_path(room, one.pk)
                )


def _failed(rooms: Rooms, now: datetime) -> Iterator[Condition]:
    """Of what was asked for since yesterday, by template."""
    first = now.date() - timedelta(days=1)
    kept = ended([*rooms.by_pk, *([0] if rooms.operators else [])], first=first)  # 0: of all together
    sums: dict[tuple[int, int], dict[str, int]] = {}
    for room, flow, state, number in kept.filter(of_flow__gt=0).values_list(
        "of_workspace", "of_flow", "state", "number"
    ):
        states = sums.setdefault((room, flow), {})
        states[state] = states.get(state, 0) + number
    found = []
    for (room, flow), states in sums.items():
        failed, total = rate_of(states)
        # An operator's own workspace is part of all.
        heard = rooms.operators if room == 0 else {room} & set(rooms.by_pk) - set(rooms.operators)
        for pk in heard:
            if total >= FEWEST and failed * 100 > rooms.limits[pk].failed_above * total:
                found.append((pk, flow, failed, total))
    names = dict(Flow.objects.filter(pk__in={flow for _, flow, _, _ in found}).values_list("pk", "name"))
    for pk, flow, failed, total in found:
        name = names.get(flow, "A flow")
        text = f"“{name}”: {failed} of {total} publications failed or were refused since yesterday."
        query = urlencode({"outcome": "refused", "from": first.isoformat()})
        yield Condition(pk, Kind.FAILED, f"flow-{flow}", text, f"{reverse('history:list')}?{query}")


def _stuck(rooms: Rooms, now: datetime) -> Iterator[Condition]:
    """Of each account the one that has waited longest."""
    shortest = min(one.stuck_after for one in rooms.limits.values())
    rows: QuerySet[Any] = with_times(Publication.objects.filter(state__in=Publication.OPEN))
    rows = rows.filter(asked_last__lt=now - timedelta(hours=shortest))
    if rooms.scope is not None:
        rows = rows.filter(workspace__in=rooms.scope)
    columns = ("workspace_id", "account_id", "account__name", "asked_last", "reason")
    found: dict[tuple[int, int], list[tuple[str, datetime, str]]] = {}
    for workspace, account, name, asked, reason in rows.order_by("asked_last").values_list(*columns)[:MOST]:
        for room in rooms.hear([workspace]):
            if asked < now - timedelta(hours=rooms.limits[room.pk].stuck_after):
                found.setdefault((room.pk, account), []).append((name, asked, reason))
    for (pk, account), ones in found.items():
        name, asked, reason = ones[0]
        many = f"{len(ones)} publications wait" if len(ones) > 1 else "a publication waits"
        since = in_words((now - asked).total_seconds())
        text = f"{name}: {many}, the longest for {since}. {reason}".strip()
        path = f"{reverse('history:list')}?{urlencode({'account': account, 'outcome': 'waiting'})}"
        yield Condition(pk, Kind.STUCK, f"account-{account}", text, path)


def _rollouts(rooms: Rooms) -> Iterator[Condition]:
    """Those that their own rule has stopped: nothing goes on before somebody decides."""
    rows = Rollout.objects.filter(state=Rollout.State.STOPPED)
    if rooms.scope is not None:
        rows = rows.filter(workspace__in=rooms.scope)
    for pk, workspace, name, reason in rows.values_list("pk", "workspace_id", "name", "reason")[:MOST]:
        for room in rooms.hear([workspace]):
            is_own = room.pk == workspace
            path = reverse("rollouts:rollout", args=[pk]) if is_own else _all_of("rollout", pk)
            yield Condition(
                room.pk, Kind.STUCK, f"rollout-{pk}", f"Rollout “{name}” has stopped. {reason}".strip(), path
            )


def _drift(rooms: Rooms) -> Iterator[Condition]:
    for one in serious_drift(rooms.scope)[:MOST]:
        what = "its flow was deleted" if one["verdict"] == Reading.Verdict.GONE else "its logic was changed"
        text = f"“{one['template_flow__name']}” in {one['account__name']}: {what} in Klaviyo."
        for room in rooms.hear([one["workspace_id"]]):
            is_own = room.pk == one["workspace_id"]
            path = (
                reverse("installed:drift", args=[one["pk"]])
                if is_own
                else _all_of("account", one["account_id"])
            )
            yield Condition(room.pk, Kind.DRIFT, f"install-{one['pk']}", text, path)


def account_path(room: Workspace, account_id: int) -> str:
    """Where one acts on an account: an operator follows what was done to it."""
    if room.kind == Workspace.Kind.OPERATOR:
        return _all_of("account", account_id)
    return f"{reverse('accounts:list', args=[room.slug])}#account-{account_id}"


def _all_of(name: str, pk: int | None) -> str:
    return f"{reverse('history:list')}?{urlencode({name: pk})}"
