"""Collects how flows do, account by account: once a day, inside Klaviyo's limits, a call at a time.

    due_accounts(now, most)        whose turn it is
    collect(account_id, now)       as much as the limits let through now; what has to wait is parked in its row
    forget(now)                    what is older than it is kept

Which flows: those that we published, and those that this app's own metrics start. 9 questions a day for each hundred
of them (two kinds of call, 2 a minute and 225 a day each). Nothing is changed in Klaviyo; no page calls it.

Kept: days, weeks and months 800 days; the rest (whole time frames: only the newest answer; hours; what a person asked
for) 90 days.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.catalog import choices
from accounts.clock import now as right_now
from accounts.counted import counted, is_over
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, MissingScope, NotAuthorized, NotFound, Refused, Throttled
from accounts.klaviyo.reports import MOST_FLOWS, Page, Query, Row, app_metrics, flow_report
from accounts.models import CatalogEntry, KlaviyoAccount
from flowbuilder.definition import frames
from flowbuilder.definition.metric_names import is_shop, role_of
from flowbuilder.definition.performing import STATISTICS
from flowbuilder.models import Figure, Install, Measuring, Publication, Report

SCOPES = ("flows:read", "metrics:read")
ORDERS = "revenue"  # the role of the metric that counts as a conversion where nobody chose one
PATIENCE = 1.5  # seconds: a burst is one call a second
LEASE = timedelta(minutes=3)
A_TURN = timedelta(seconds=20)  # then other accounts' messages come first
LISTED_FOR = timedelta(hours=20)
ASKED_FOR = timedelta(days=30)  # so long a frame that moves on is read for whoever asked
AGAIN = timedelta(hours=1)  # after a failure that may pass
TOMORROW = timedelta(days=1)
EARLIEST, SPREAD = (
    2,
    240,
)  # the hour of the account's own night, and the minutes after it over which accounts are spread
KEPT, KEPT_SHORT = timedelta(days=800), timedelta(days=90)
ClientFor = Callable[..., Klaviyo]


def today_in(account: KlaviyoAccount, now: datetime) -> date:
    return now.astimezone(zone_of(account)).date()


def zone_of(account: KlaviyoAccount) -> ZoneInfo:
    try:
        return ZoneInfo(account.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def missing_scopes(account: KlaviyoAccount) -> list[str]:
    return [one for one in SCOPES if one not in account.scopes] if account.scopes else []


# --- Whose turn it is ------------------------------------------------------------------------------------------


def due_accounts(now: datetime, most: int) -> list[int]:
    """Connected ones with something to do that nobody is at and that does not wait."""
    waits = Q(measuring__not_before__gt=now) | Q(measuring__lease_until__gt=now)
    asked = Report.objects.filter(account=OuterRef("pk"), due_at__lte=now)
    landed = Publication.objects.filter(
        account=OuterRef("pk"),
        kind=Publication.Kind.CREATE,
        state=Publication.State.PUBLISHED,
        ended_at__gt=OuterRef("measuring__listed_at"),
    )
    is_old = Q(measuring__listed_at=None) | Q(measuring__listed_at__lt=now - LISTED_FOR)
    rows = (
        KlaviyoAccount.objects.filter(state=KlaviyoAccount.State.CONNECTED)
        .exclude(waits)
        .filter(is_old | Exists(asked) | Exists(landed))
        .order_by(F("measuring__listed_at").asc(nulls_first=True), "pk")
    )
    return list(rows.values_list("pk", flat=True)[:most])


def collect(
    account_id: int,
    now: datetime,
    *,
    client_for: ClientFor = counted,
    clock: Callable[[], datetime] = right_now,
) -> None:
    """One turn. What the limits do not let through is parked (`not_before`); the row says what went wrong."""
    account = KlaviyoAccount.objects.filter(pk=account_id, state=KlaviyoAccount.State.CONNECTED).first()
    if account is None:
        return
    measuring = Measuring.objects.get_or_create(account=account)[0]
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    lease = now + LEASE
    mine = Measuring.objects.filter(pk=measuring.pk)
    if not mine.filter(free, ready).update(lease_until=lease):
        return
    measuring.refresh_from_db()
    left: dict[str, Any] = {"not_before": None, "problem": ""}
    try:
        _turn(measuring, account, client_for, now, clock)
    except Throttled as error:
        left = {"not_before": clock() + timedelta(seconds=error.retry_after), "problem": ""}
    except MissingScope as error:
        left = {"not_before": clock() + TOMORROW, "problem": f"{error} Reconnect the account."[:500]}
    except UnableToCollect as error:
        left = {"not_before": clock() + AGAIN, "problem": str(error)[:500]}
    except NotAuthorized as error:
        is_over(account)
        left = {"not_before": clock() + AGAIN, "problem": str(error)[:500]}
    except KlaviyoError as error:
        left = {"not_before": clock() + AGAIN, "problem": f"The last try failed: {error}"[:500]}
    finally:
        mine.filter(lease_until=measuring.lease_until).update(lease_until=None, **left)


class UnableToCollect(Exception):
    """str() is a sentence for the account's people."""


def _turn(
    measuring: Measuring,
    account: KlaviyoAccount,
    client_for: ClientFor,
    now: datetime,
    clock: Callable[[], datetime],
) -> None:
    missing = missing_scopes(account)
    if missing:
        raise UnableToCollect(
            f"The connection lacks {' and '.join(missing)}: reconnect the account to see how its flows do."
        )
    client = client_for(account, patience=PATIENCE)
    is_news = set(published(account)) - set(measuring.flows)
    if is_news or measuring.listed_at is None or measuring.listed_at < now - LISTED_FOR:
        _list(measuring, account, client, now)
    if not measuring.metric_id:
        raise UnableToCollect(
            "The account has no metric for orders yet. Choose what counts as a conversion, or wait for the first order."
        )
    waits: dict[
        bool, Throttled
    ] = {}  # whether a series -> what it was told: each kind of call has its own limits
    while measuring.flows and clock() - now < A_TURN:
        due = account.reports.filter(due_at__lte=clock()).order_by("due_at", "pk")
        for is_series in waits:
            due = due.filter(interval="") if is_series else due.exclude(interval="")
        report = due.first()
        if report is None:
            break
        _renew(measuring, clock)
        try:
            _go_on(report, measuring, account, client, clock())
        except Throttled as error:
            waits[bool(report.interval)] = error
    if waits:
        raise min(waits.values(), key=lambda one: one.retry_after)


def _renew(measuring: Measuring, clock: Callable[[], datetime]) -> None:
    """A turn that was held up lost its lease to somebody, who goes on."""
    lease = clock() + LEASE
    mine = Measuring.objects.filter(pk=measuring.pk, lease_until=measuring.lease_until)
    if not mine.update(lease_until=lease):
        raise Throttled("Somebody else goes on with this account.", retry_after=1)
    measuring.lease_until = lease


# --- What is to be measured ------------------------------------------------------------------------------------


def published(account: KlaviyoAccount) -> dict[str, str]:
    """id -> name of the flows that are there from us."""
    live = Install.objects.filter(account=account, state=Install.State.LIVE).exclude(live_flow_id="")
    return dict(live.order_by("pk").values_list("live_flow_id", "template_flow__name"))


def _list(measuring: Measuring, account: KlaviyoAccount, client: Klaviyo, now: datetime) -> None:
    """Which metrics are this app's, which flows they start, and what counts as a conversion."""
    ours = published(account)
    flows: dict[str, dict[str, Any]] = {
        id: {"name": name, "ours": True, "metrics": []} for id, name in ours.items()
    }
    metrics = []
    if settings.KLAVIYO_INTEGRATION:
        for one in app_metrics(client, settings.KLAVIYO_INTEGRATION, settings.KLAVIYO_INTEGRATION_CATEGORY):
            started = client.flow_trigger_ids(one.id)
            metrics.append({"id": one.id, "name": one.name, "category": one.category or "", "flows": started})
            if set(started) - set(flows):
                names = {flow.id: flow.name for flow in client.flow_triggers(one.id)}
                flows |= {
                    id: {"name": names.get(id, id), "ours": False, "metrics": []}
                    for id in started
                    if id not in flows
                }
            for id in started:
                flows[id]["metrics"].append(one.id)
    if measuring.chosen_at is None:
        metric = orders_metric(account)
        measuring.metric_id, measuring.metric_name = (metric.klaviyo_id, str(metric)) if metric else ("", "")
    measuring.flows, measuring.metrics, measuring.listed_at = flows, metrics, now
    measuring.save(update_fields=["flows", "metrics", "listed_at", "metric_id", "metric_name"])
    if measuring.metric_id:
        ensure_standing(measuring, now)


def orders_metric(account: KlaviyoAccount) -> CatalogEntry | None:
    """What Klaviyo maps to orders; else what is called so, of a shop first."""
    entries = list(choices(account, CatalogEntry.Kind.METRIC))
    mapped = [one for one in entries if ORDERS in one.roles.split()]
    named = [one for one in entries if role_of(one.name) == ORDERS]
    named.sort(key=lambda one: not is_shop(one.integration))
    return next(iter([*mapped, *named]), None)


def ensure_standing(measuring: Measuring, now: datetime) -> None:
    """The questions of every day, for the metric that counts now; a flow that is new is asked for at once."""
    about = {"account": measuring.account, "metric_id": measuring.metric_id, "groups": ""}
    for frame, interval in frames.STANDING:
        fresh = {"is_standing": True, "due_at": now}
        report, is_new = Report.objects.get_or_create(**about, frame=frame, interval=interval, defaults=fresh)
        if not is_new and (report.due_at is None or set(measuring.flows) - set(report.filled)):
            Report.objects.filter(pk=report.pk).update(due_at=now, progress={})


# --- One question, a call at a time ----------------------------------------------------------------------------


def _go_on(
    report: Report, measuring: Measuring, account: KlaviyoAccount, client: Klaviyo, now: datetime
) -> None:
    """The next call of a report. Its rows and where it stands are written together, so a kill repeats one call."""
    progress = report.progress or _begin(report, measuring, today_in(account, now))
    today, number = date.fromisoformat(progress["today"]), progress["number"]
    part = progress["parts"][number]
    query = Query(
        part["flows"],
        tuple(STATISTICS),
        frames.timeframe(report.frame, today, whole=part["whole"]),
        report.metric_id,
        report.groups.split(",") if report.groups else (),
        report.interval,
    )
    try:
        page = flow_report(client, query, progress["cursor"])
    except (MissingScope, NotAuthorized, NotFound):
        raise
    except Refused as error:
        problem = f"Klaviyo refused this report: {error}"[:500]
        Report.objects.filter(pk=report.pk).update(problem=problem, progress={}, due_at=now + TOMORROW)
        return
    with transaction.atomic():
        _keep(report, page, today, now)
        if page.following:
            left: dict[str, Any] = {"progress": {**progress, "cursor": page.following}}
        elif number + 1 < len(progress["parts"]):
            left = {"progress": {**progress, "number": number + 1, "cursor": ""}}
        else:
            left = _end(report, progress, account, today, now)
        Report.objects.filter(pk=report.pk).update(**left)


def _begin(report: Report, measuring: Measuring, today: date) -> dict[str, Any]:
    """Flows whose past is not known yet are asked for all of it, the others for the days that still change."""
    known = set(report.filled) if report.frame in frames.STANDING_SERIES else set()
    parts = []
    for whole in (True, False):
        flows = sorted(one for one in measuring.flows if (one not in known) is whole)
        parts += [
            {"flows": flows[at : at + MOST_FLOWS], "whole": whole} for at in range(0, len(flows), MOST_FLOWS)
        ]
    return {"parts": parts, "number": 0, "cursor": "", "today": today.isoformat()}


def _keep(report: Report, page: Page, today: date, now: datetime) -> None:
    rows: dict[tuple[Any, ...], Figure] = {}
    for row in page.rows:
        one = _figure(report, row, today, now)
        rows[one.flow_id, one.message_id, one.part, one.at] = one
    Figure.objects.bulk_create(
        rows.values(),
        batch_size=500,
        update_conflicts=True,
        unique_fields=[
            *("account", "metric_id", "frame", "interval", "groups"),
            *("flow_id", "message_id", "part", "at"),
        ],
        update_fields=["groupings", "statistics", "collected_at"],
    )


def _figure(report: Report, row: Row, today: date, now: datetime) -> Figure:
    groupings = {
        name: value for name, value in row.groupings.items() if name not in ("flow_id", "flow_message_id")
    }
    text = json.dumps(groupings, sort_keys=True)
    return Figure(
        account_id=report.account_id,
        metric_id=report.metric_id,
        frame=report.frame,
        interval=report.interval,
        groups=report.groups,
        flow_id=row.groupings["flow_id"][:40],
        message_id=row.groupings["flow_message_id"][:40],
        part=hashlib.sha256(text.encode()).hexdigest(),
        groupings=groupings,
        at=(row.at or datetime.combine(today, time())).replace(tzinfo=UTC),
        statistics={name: value for name, value in row.statistics.items() if value},
        collected_at=now,
    )


def _end(
    report: Report, progress: dict[str, Any], account: KlaviyoAccount, today: date, now: datetime
) -> dict[str, Any]:
    """All of it is there: what an older answer said of a whole time frame goes, and the next one is due."""
    if not report.interval:
        older = Figure.objects.filter(
            account=account, metric_id=report.metric_id, frame=report.frame, interval="", groups=report.groups
        )
        older.exclude(at=datetime.combine(today, time(), UTC)).delete()
    flows = sorted({one for part in progress["parts"] for one in part["flows"]})
    is_done = frames.is_settled(report.frame, today) or (
        not report.is_standing and "/" not in report.frame and report.asked_at < now - ASKED_FOR
    )
    due = None if is_done else next_night(account, now)
    return {"progress": {}, "filled": flows, "collected_at": now, "due_at": due, "problem": ""}


def next_night(account: KlaviyoAccount, now: datetime) -> datetime:
    """In the small hours of the account's next day, when yesterday is whole; accounts do not all come at once."""
    tomorrow = today_in(account, now) + TOMORROW
    at = datetime.combine(tomorrow, time(EARLIEST), zone_of(account))
    return (at + timedelta(minutes=account.pk * 7 % SPREAD)).astimezone(UTC)


# --- Keeping ---------------------------------------------------------------------------------------------------


def forget(now: datetime) -> int:
    """What is older than it is kept, and what people asked for long ago. How many rows."""
    long = Q(interval__in=("daily", "weekly", "monthly"), frame__in=tuple(frames.STANDING_SERIES))
    gone = Figure.objects.filter(long, at__lt=now - KEPT).delete()[0]
    gone += Figure.objects.filter(~long, collected_at__lt=now - KEPT_SHORT).delete()[0]
    old = Report.objects.filter(is_standing=False, asked_at__lt=now - KEPT_SHORT)
    return gone + old.filter(Q(due_at=None) | Q(collected_at__lt=now - KEPT_SHORT)).delete()[0]


def settle_metric(measuring: Measuring, now: datetime) -> None:
    """Another metric counts: its questions begin anew, those of the one before are no longer asked."""
    others = Report.objects.filter(account=measuring.account).exclude(metric_id=measuring.metric_id)
    others.update(due_at=None, progress={})
    if measuring.flows:
        ensure_standing(measuring, now)
    Measuring.objects.filter(pk=measuring.pk).update(not_before=None)


def collected(reports: Iterable[Report]) -> datetime | None:
    """When the oldest of them was read; None where one never was."""
    times = [one.collected_at for one in reports]
    return min((one for one in times if one), default=None) if all(times) else None
