"""What a page of numbers shows: a period and the one before it, a chart, messages, and how late it is. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from django.http import QueryDict
from django.urls import reverse

from accounts.catalog import names
from accounts.models import KlaviyoAccount
from flowbuilder.access import Sight
from flowbuilder.definition import frames
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.performing import STATISTICS, Counts, sum_of
from flowbuilder.graph import Graph
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Figure, Install, Measuring, Report
from flowbuilder.performance.chart import Chart, chart_of
from flowbuilder.performance.wording import Tile, message_line, tile, told
from flowbuilder.publisher.collecting import missing_scopes, today_in
from flowbuilder.queries import ids_in
from flowbuilder.queries.performance import by_message, by_moment, figures_of

SHOWN = (
    "recipients",
    "open_rate",
    "click_rate",
    "conversion_rate",
    "conversion_value",
    "revenue_per_recipient",
)
COLUMNS = ("recipients", "open_rate", "click_rate", "conversion_rate", "conversion_value")
LATE = timedelta(hours=36)
INTERVALS = {"days": "Days", "weeks": "Weeks"}


@dataclass(frozen=True)
class Asked:
    """Period, statistic and interval, as the address says; what makes no sense is what is usual."""

    period: int
    statistic: str
    interval: str

    @classmethod
    def of(cls, given: QueryDict) -> Asked:
        period = given.get("period", "")
        statistic, interval = given.get("statistic", ""), given.get("interval", "")
        return cls(
            int(period) if period in {str(one) for one in frames.PERIODS} else 30,
            statistic if statistic in STATISTICS else "recipients",
            interval if interval in INTERVALS else "days",
        )

    @property
    def periods(self) -> list[tuple[int, str, bool]]:
        return [(one, f"Last {one} days", one == self.period) for one in frames.PERIODS]

    @property
    def statistics(self) -> list[tuple[str, str, bool]]:
        return [(name, label, name == self.statistic) for name, label in STATISTICS.items()]

    @property
    def intervals(self) -> list[tuple[str, str, bool]]:
        return [(name, label, name == self.interval) for name, label in INTERVALS.items()]

    @property
    def label(self) -> str:
        return STATISTICS[self.statistic]


@dataclass(frozen=True)
class Row:
    name: str
    url: str
    cells: tuple[str, ...]
    sub: str = ""


@dataclass(frozen=True)
class State:
    """How far the collecting of an account is, in a sentence. `tone` warns where numbers are late or missing."""

    text: str
    tone: str = ""
    at: datetime | None = None


def state_of(account: KlaviyoAccount, now: datetime, period: int) -> State:
    measuring: Measuring | None = getattr(account, "measuring", None)
    if not account.is_connected:
        return State("The account is disconnected, so nothing new comes. Reconnect it.", "warn")
    missing = missing_scopes(account)
    if missing:
        return State(f"The connection lacks {' and '.join(missing)}. Reconnect the account.", "warn")
    if measuring is None:
        return State("Nothing was collected yet. The first numbers come within minutes.")
    if not measuring.flows and measuring.listed_at:
        return State("There is no flow of ours in this account yet, so there is nothing to measure.")
    about = {"account": account, "metric_id": measuring.metric_id, "interval": "", "groups": ""}
    report = Report.objects.filter(**about, frame=f"past_{period}").first()
    at = report.collected_at if report else None
    problem = measuring.problem or (report.problem if report else "")
    waits = measuring.not_before if measuring.not_before and measuring.not_before > now else None
    wait = f" The next try is at {waits:%H:%M} UTC." if waits else ""
    if at is None:
        return State(
            f"{problem or 'These numbers are being collected: Klaviyo lets us ask twice a minute.'}{wait}",
            "warn" if problem else "",
        )
    if now - at > LATE:
        return State(f"These numbers are late. {problem}{wait}".strip(), "warn", at)
    return State(f"{problem}{wait}" if problem else "", "warn" if problem else "", at)


@dataclass(frozen=True)
class Numbers:
    """Of some flows of an account. `flows` None: all that are measured."""

    account: KlaviyoAccount
    flows: Collection[str] | None
    asked: Asked
    now: datetime

    @cached_property
    def today(self) -> date:
        return today_in(self.account, self.now)

    @cached_property
    def state(self) -> State:
        return state_of(self.account, self.now, self.asked.period)

    @property
    def span(self) -> str:
        return frames.label_of(f"past_{self.asked.period}", self.as_of)

    @property
    def span_before(self) -> str:
        return frames.label_of(f"prior_{self.asked.period}", self.as_of)

    @cached_property
    def _past(self) -> list[Figure]:
        return list(figures_of(self.account, f"past_{self.asked.period}", self.flows))

    @cached_property
    def as_of(self) -> date:
        """The day on which the newest answer was asked for: its days end the day before."""
        return max((one.at.date() for one in self._past), default=self.today)

    @cached_property
    def messages(self) -> dict[str, dict[str, dict[str, float]]]:
        """flow -> message -> counts."""
        return by_message(self._past)

    @cached_property
    def messages_before(self) -> dict[str, dict[str, dict[str, float]]]:
        return by_message(figures_of(self.account, f"prior_{self.asked.period}", self.flows))

    def total(self, flow: str | None = None) -> dict[str, float]:
        return _total(self.messages, flow)

    def total_before(self, flow: str | None = None) -> dict[str, float]:
        return _total(self.messages_before, flow)

    @property
    def has_any(self) -> bool:
        return bool(self._past)

    @cached_property
    def tiles(self) -> list[Tile]:
        now, before = self.total(), self.total_before()
        return [tile(now, before, name, STATISTICS[name], self.account.currency) for name in SHOWN]

    @property
    def every(self) -> list[tuple[Tile, str]]:
        """All statistics of the period, each with the number before."""
        now, before, money = self.total(), self.total_before(), self.account.currency
        return [
            (tile(now, before, name, label, money), told(before, name, money))
            for name, label in STATISTICS.items()
        ]

    @cached_property
    def chart(self) -> Chart:
        days, frame = self.asked.period, self.asked.interval
        interval = frames.STANDING_SERIES[frame]
        last = datetime.combine(self.today - timedelta(days=1), time(), UTC)
        step, number = timedelta(days=1), days
        if frame == "weeks":
            last -= timedelta(days=last.weekday())
            step, number = timedelta(days=7), max(days // 7, 8)
        moments = [last - step * back for back in reversed(range(number))]
        apart = step * number
        rows = figures_of(self.account, frame, self.flows, interval).filter(at__gte=moments[0] - apart)
        found = by_moment(rows)
        return chart_of(
            found, found, moments, apart, self.asked.statistic, self.asked.label, self.account.currency
        )


def _total(messages: Mapping[str, Mapping[str, Counts]], flow: str | None) -> dict[str, float]:
    chosen = messages.values() if flow is None else [messages.get(flow, {})]
    return sum_of(counts for one in chosen for counts in one.values())


def cells(counts: Counts, currency: str) -> tuple[str, ...]:
    return tuple(told(counts, name, currency) for name in COLUMNS)


def flow_rows(sight: Sight, numbers: Numbers) -> list[Row]:
    """Every flow that is measured and seen, those without numbers too."""
    measuring: Measuring | None = getattr(sight.account, "measuring", None)
    known = measuring.flows if measuring else {}
    found = []
    for id, about in sorted(
        known.items(), key=lambda item: (not item[1].get("ours"), item[1].get("name", ""))
    ):
        if sight.flows is not None and id not in sight.flows:
            continue
        url = reverse("performance:flow", args=[sight.account.pk, id])
        sub = "" if about.get("ours") else "not from here: one of this app's metrics starts it"
        found.append(Row(about.get("name") or id, url, cells(numbers.total(id), sight.account.currency), sub))
    return found


# --- One flow ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FlowNumbers:
    """A flow's messages, on the picture of the version that is there where it is one of ours."""

    sight: Sight
    flow_id: str
    numbers: Numbers

    @cached_property
    def install(self) -> Install | None:
        live = Install.objects.filter(
            account=self.sight.account, live_flow_id=self.flow_id, state=Install.State.LIVE
        )
        return live.select_related("template_flow", "version").first()

    @property
    def name(self) -> str:
        measuring: Measuring | None = getattr(self.sight.account, "measuring", None)
        about = measuring.flows.get(self.flow_id, {}) if measuring else {}
        return str(about.get("name") or (self.install and self.install.template_flow.name) or self.flow_id)

    @cached_property
    def frozen(self) -> Frozen | None:
        return Frozen(self.install.version.document) if self.install else None

    @property
    def graph(self) -> Graph | None:
        return self.frozen.graph if self.frozen else None

    @cached_property
    def describer(self) -> Describer | None:
        if self.frozen is None or self.install is None:
            return None
        if not self.sight.is_own:  # what an account answered is its own
            return self.frozen.describer()
        answers = {key: one.get("value") for key, one in self.install.answers.items()}
        ids = ids_in(self.frozen.graph) | {str(value) for value in answers.values()}
        return self.frozen.describer(answers, names(self.install.workspace, ids))

    @cached_property
    def keys(self) -> dict[str, str]:
        """message -> the step of the design that it stands for."""
        steps = self.install.step_map if self.install else {}
        return {
            str(one["message"]): str(one.get("of") or key) for key, one in steps.items() if one.get("message")
        }

    @cached_property
    def said(self) -> dict[str, str]:
        """step -> its numbers, for the picture."""
        found: dict[str, list[Counts]] = {key: [] for key in self.keys.values()}
        for id, counts in self.numbers.messages.get(self.flow_id, {}).items():
            if id in self.keys:
                found[self.keys[id]].append(counts)
        return {
            key: message_line(sum_of(several), self.sight.account.currency) for key, several in found.items()
        }

    @property
    def rows(self) -> list[Row]:
        """Message by message: in the order of the flow, then what cannot be found in it."""
        have = self.numbers.messages.get(self.flow_id, {})
        order = {key: place for place, key in enumerate(self.graph.by_key)} if self.graph else {}
        ids = sorted({*have, *self.keys}, key=lambda id: (order.get(self.keys.get(id, ""), len(order)), id))
        return [
            Row(self._title(id), "", cells(have.get(id, {}), self.sight.account.currency), id) for id in ids
        ]

    def _title(self, id: str) -> str:
        key = self.keys.get(id, "")
        if self.graph and self.describer and key in self.graph.by_key:
            return self.describer.card(self.graph, key).title
        return "A message that is not in the design" if self.install else "Message"
