"""What the page of health shows: each line says what is wrong, since when, and where one acts. Reads only.

A fixed number of queries, however much there is. An operator's people see all; their presses lead to the history, since
the other pages are their owners' own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from accounts.access import accounts_of
from accounts.budget import Used, used_today
from accounts.models import KlaviyoAccount, Workspace
from accounts.standing import Standing, State, standings
from flowbuilder.access import publications_in
from flowbuilder.alerts.conditions import account_path
from flowbuilder.models import Orphan, Publication, Reading, Rollout
from flowbuilder.publisher import late
from flowbuilder.queries import health
from flowbuilder.queries.counts import by_state
from flowbuilder.queries.health import SHOWN, Rate

S, V = Publication.State, Reading.Verdict
TONES = {State.CONNECTED: "good", State.EXPIRING: "warn", State.SCOPES: "warn", State.DISCONNECTED: "bad"}
LABELS = {
    State.CONNECTED: "connected",
    State.EXPIRING: "expiring",
    State.SCOPES: "permissions missing",
    State.DISCONNECTED: "disconnected",
}
ORPHANS = {Orphan.Kind.UNKNOWN: "Unknown here", Orphan.Kind.GONE: "Gone in Klaviyo"}
CALLS = {  # the endpoints that have a limit of a day
    "POST /api/flows": "New flows",
    "POST /api/lists": "New lists",
    "POST /api/segments": "New segments",
    "POST /api/template-preview-send-jobs": "Test emails",
    "POST /api/flow-values-reports": "Reports of values",
    "POST /api/flow-series-reports": "Reports of series",
}


@dataclass(frozen=True, slots=True)
class Stat:
    number: int
    label: str
    tone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`then`: what happens next by itself. `url` and `press`: where one acts."""

    title: str
    text: str
    tone: str
    label: str
    url: str
    press: str
    since: datetime | None = None
    then: datetime | None = None
    alarm: str = ""
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    account: str
    what: str
    used: Used
    tone: str


@dataclass(frozen=True, slots=True)
class Failing:
    rate: Rate
    url: str
    tone: str


class Story:
    def __init__(self, room: Workspace, now: datetime) -> None:
        self.room, self.now = room, now
        self.sees_all = room.kind == Workspace.Kind.OPERATOR
        self.rooms = None if self.sees_all else [room.pk]
        rows = KlaviyoAccount.objects.all() if self.sees_all else accounts_of(room).select_related(None)
        self.known = {one.pk: one for one in standings(rows, now)}
        self.ids = None if self.sees_all else list(self.known)
        self.account_stats, self.accounts, self.more_accounts = self._accounts()
        self.work_stats, self.work, self.more_work = self._work()
        self.rollouts = self._rollouts()
        self.quotas = self._quotas()
        self.failing = self._failing()
        self.drift_stats, self.drift = self._drift()
        found = list(health.orphans_of(self.ids)[: SHOWN + 1])
        self.orphans, self.more_orphans = [self._orphan(one) for one in found[:SHOWN]], len(found) > SHOWN

    @property
    def troubles(self) -> int:
        """Lines that wait for a person."""
        late_ones = sum(bool(one.alarm) or one.tone == "bad" for one in self.work)
        stopped = sum(one.tone == "bad" for one in self.rollouts)
        accounts = sum(stat.number for stat in self.account_stats if stat.tone in ("warn", "bad"))
        return accounts + late_ones + stopped + len(self.drift) + len(self.orphans)

    # --- Accounts

    def _accounts(self) -> tuple[list[Stat], list[Line], int]:
        numbers = Counter(one.state for one in self.known.values())
        stats = [
            Stat(numbers[state], LABELS[state], TONES[state] if numbers[state] else "") for state in LABELS
        ]
        order = list(State)
        wrong = sorted(
            (one for one in self.known.values() if one.state != State.CONNECTED),
            key=lambda one: order.index(one.state),
        )
        return stats, [self._account(one) for one in wrong[:SHOWN]], max(0, len(wrong) - SHOWN)

    def _account(self, one: Standing) -> Line:
        press = "See its history" if self.sees_all else "Reconnect"
        url = account_path(self.room, one.pk)
        label = LABELS[one.state].capitalize()
        return Line(one.name, one.reason, TONES[one.state], label, url, press, one.since)

    # --- Work

    def _work(self) -> tuple[list[Stat], list[Line], bool]:
        rows = publications_in(self.rooms).filter(state__in=Publication.OPEN)
        numbers = by_state(rows)
        waiting, unknown = numbers.get(S.WAITING, 0), numbers.get(S.UNKNOWN, 0)
        under_way = sum(numbers.values()) - waiting - unknown
        all_of = lambda outcome: f"{reverse('history:list')}?outcome={outcome}"  # noqa: E731
        stats = [
            Stat(under_way, "under way", "", all_of("waiting")),
            Stat(waiting, "waiting", "warn" if waiting else "", all_of("waiting")),
            Stat(unknown, "being looked up", "warn" if unknown else "", all_of("unknown")),
        ]
        stuck = Q(state__in=(S.WAITING, S.UNKNOWN)) | late.is_late(self.now)
        found = late.with_times(rows).filter(stuck).select_related("account")
        found = found.defer("account__access_token", "account__refresh_token", "account__api_key")
        some = list(found.order_by("created_at", "pk")[: SHOWN + 1])
        return stats, [self._stuck(one) for one in some[:SHOWN]], len(some) > SHOWN

    def _stuck(self, one: Any) -> Line:
        alarm = late.alarm(one, self.now)
        must_act = one.must_decide or bool(alarm)
        return Line(
            f"{one.flow_name} to {one.account.name}",
            one.reason or "It goes on by itself.",
            "bad" if must_act else "warn",
            "Needs you" if one.must_decide else one.get_state_display(),
            reverse("history:publication", args=[one.pk]),
            "Choose" if one.must_decide else "Open",
            one.asked_last,
            one.not_before if one.not_before and one.not_before > self.now else None,
            alarm,
        )

    def _rollouts(self) -> list[Line]:
        tones = {Rollout.State.STOPPED: "bad", Rollout.State.PAUSED: "warn"}
        return [
            Line(
                f"Rollout {one.name}",
                one.reason or "Its waves go out.",
                tones.get(Rollout.State(one.state), "accent"),
                one.get_state_display(),
                f"{reverse('history:list')}?rollout={one.pk}"
                if self.sees_all
                else reverse("rollouts:rollout", args=[one.pk]),
                "Open",
                one.started_at,
            )
            for one in health.open_rollouts(self.rooms)[:SHOWN]
        ]

    # --- Limits

    def _quotas(self) -> list[Quota]:
        found = []
        for one in used_today(self.ids, self.now)[:SHOWN]:
            share = one.calls / max(one.allowed, 1)
            tone = "bad" if share >= 1 or one.until else "warn" if share >= 0.8 else ""
            about = self.known.get(one.account_id)
            what = CALLS.get(one.endpoint, one.endpoint)
            found.append(Quota(about.name if about else "An account", what, one, tone))
        return found

    # --- Templates

    def _failing(self) -> Sequence[Failing]:
        first = health.month_before(self.now.date())
        found = []
        for rate in health.failure_rates(self.rooms, first)[:SHOWN]:
            which = {"template": rate.template} if rate.template else {"q": rate.name}
            query = urlencode({"outcome": "refused", "from": first.isoformat(), **which})
            tone = "bad" if rate.percent > 20 else "warn" if rate.failed else "good"
            found.append(Failing(rate, f"{reverse('history:list')}?{query}", tone))
        return found

    # --- Drift, orphans

    def _drift(self) -> tuple[list[Stat], list[Line]]:
        numbers = health.drift_counts(self.rooms)
        tones = {V.LOGIC.value: "bad", V.GONE.value: "bad", V.CONTENT.value: "warn", V.STATUS.value: "warn"}
        stats = [
            Stat(numbers.get(verdict.value, 0), verdict.label.lower(), tones.get(verdict.value, ""))
            for verdict in V
            if verdict == V.NONE or numbers.get(verdict.value)
        ]
        if numbers.get(""):
            stats.append(Stat(numbers[""], "not looked at yet"))
        lines = []
        for one in health.serious_drift(self.rooms)[:SHOWN]:
            verdict = V(one["verdict"])
            own = reverse("installed:drift", args=[one["pk"]])
            url = account_path(self.room, one["account_id"]) if self.sees_all else own
            text = (
                "It counts as installed, and is not there."
                if verdict == V.GONE
                else "Somebody changed in Klaviyo what it does."
            )
            press = "See its history" if self.sees_all else "See what changed"
            title = f"{one['template_flow__name']} in {one['account__name']}"
            lines.append(Line(title, text, "bad", verdict.label, url, press, one["since"]))
        return stats, lines

    def _orphan(self, one: Orphan) -> Line:
        title = f"{one.name or one.klaviyo_flow_id} in {one.account.name}"
        if one.kind == Orphan.Kind.GONE and one.install_id and not self.sees_all:
            url, press, outside = reverse("history:after", args=[one.install_id]), "Open", False
        elif one.kind == Orphan.Kind.GONE:
            url, press, outside = account_path(self.room, one.account_id), "See its history", False
        else:
            url = f"{settings.KLAVIYO_SITE_URL}/flow/{one.klaviyo_flow_id}/edit"
            press, outside = "See it in Klaviyo", True
        return Line(title, one.why, "warn", ORPHANS[one.kind], url, press, one.found_at, is_outside=outside)
