"""Numbers that were collected, read for pages: of an account, of a flow message by message, of a template flow version
by version. Whom they may be shown to is access's to say: these take the accounts and flows as they are given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import QuerySet

from accounts.models import KlaviyoAccount, Workspace
from flowbuilder.definition.performing import of_channel, sum_of
from flowbuilder.models import Figure, Install, Publication, Sharing, TemplateFlow

FEWEST = 5  # peers: fewer would say too much of each
Counts = dict[str, float]


def figures_of(
    account: KlaviyoAccount, frame: str, flows: Collection[str] | None, interval: str = ""
) -> QuerySet[Figure]:
    """Of the metric that counts now, grouped as usual. `flows` None: all that are measured."""
    measuring = getattr(account, "measuring", None)
    rows = Figure.objects.filter(
        account=account,
        metric_id=measuring.metric_id if measuring else "",
        frame=frame,
        interval=interval,
        groups="",
    )
    return rows if flows is None else rows.filter(flow_id__in=flows)


def counts_in(one: Figure) -> Mapping[str, float]:
    return of_channel(one.statistics, one.groupings.get("send_channel"))


def by_message(rows: Iterable[Figure]) -> dict[str, dict[str, Counts]]:
    """flow -> message -> its counts, over all of its channels."""
    found: dict[str, dict[str, list[Mapping[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for one in rows:
        found[one.flow_id][one.message_id].append(counts_in(one))
    return {flow: {id: sum_of(rows) for id, rows in messages.items()} for flow, messages in found.items()}


def by_moment(rows: Iterable[Figure]) -> dict[datetime, Counts]:
    """When -> counts of all messages, in order."""
    found: dict[datetime, list[Mapping[str, float]]] = defaultdict(list)
    for one in rows:
        found[one.at].append(counts_in(one))
    return {at: sum_of(found[at]) for at in sorted(found)}


# --- Versions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spell:
    """A version stood in an account from the day after it landed until the day before the next one did; on the days of
    a change nobody can tell which version a message was of."""

    number: int
    after: date
    before: date | None

    def holds(self, day: date) -> bool:
        return self.after < day and (self.before is None or day < self.before)


def spells_of(installs: Sequence[Install]) -> dict[int, list[Spell]]:
    """install -> which version was there when. One query."""
    landings = (
        Publication.objects.filter(
            install__in=[one.pk for one in installs],
            state=Publication.State.PUBLISHED,
            kind__in=(Publication.Kind.CREATE, Publication.Kind.UPDATE),
        )
        .exclude(ended_at=None)
        .order_by("ended_at", "pk")
        .values_list("install_id", "version__number", "ended_at")
    )
    days: dict[int, list[tuple[int, date]]] = defaultdict(list)
    for install, number, ended in landings:
        if install is not None and ended is not None:
            days[install].append((number, ended.date()))
    return {
        install: [
            Spell(number, day, several[index + 1][1] if index + 1 < len(several) else None)
            for index, (number, day) in enumerate(several)
        ]
        for install, several in days.items()
    }


@dataclass
class OfVersion:
    """What one version did: day by day in all accounts together, and in how many of whose."""

    number: int
    days: list[Counts] = field(default_factory=list)
    accounts: set[int] = field(default_factory=set)
    owners: set[int] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)  # money of several is not added up

    @property
    def total(self) -> Counts:
        return sum_of(self.days)


def by_version(installs: Sequence[Install], since: date) -> dict[int, OfVersion]:
    """Version number -> what it did from that day on. `installs` with their accounts and what is measured there. Three
    queries, however many there are. Only days with recipients count."""
    spells = spells_of(installs)
    by_flow = {(one.account_id, one.live_flow_id): one for one in installs if one.account is not None}
    accounts = {one.account.pk: one.account for one in installs if one.account is not None}
    metrics = {pk: one.measuring.metric_id for pk, one in accounts.items() if hasattr(one, "measuring")}
    rows = Figure.objects.filter(
        account__in=list(metrics),
        flow_id__in=[flow for _, flow in by_flow],
        frame="days",
        interval="daily",
        groups="",
        at__date__gte=since,
    )
    found: dict[int, OfVersion] = {}
    parts: dict[tuple[int, int, date], list[Mapping[str, float]]] = defaultdict(list)
    for one in rows.only("account_id", "metric_id", "flow_id", "at", "groupings", "statistics"):
        install = by_flow.get((one.account_id, one.flow_id))
        if (
            install is None
            or one.metric_id != metrics[one.account_id]
            or not one.statistics.get("recipients")
        ):
            continue
        spell = next((each for each in spells.get(install.pk, ()) if each.holds(one.at.date())), None)
        if spell is not None:
            of = found.setdefault(spell.number, OfVersion(spell.number))
            of.accounts.add(one.account_id)
            of.owners.add(accounts[one.account_id].owner_id)
            of.currencies.add(accounts[one.account_id].currency)
            parts[spell.number, one.account_id, one.at.date()].append(counts_in(one))
    for (number, _, _), statistics in parts.items():
        found[number].days.append(sum_of(statistics))
    return found


def installs_in(template: TemplateFlow, accounts: Iterable[KlaviyoAccount]) -> list[Install]:
    """Its live copies in these accounts."""
    live = Install.objects.filter(
        template_flow=template, account__in=[one.pk for one in accounts], state=Install.State.LIVE
    ).exclude(live_flow_id="")
    return list(
        live.select_related("account__measuring", "version", "workspace").order_by("account__name", "pk")
    )


def peers_of(
    template: TemplateFlow, viewers: Collection[Workspace], seen: Iterable[KlaviyoAccount]
) -> list[Install]:
    """Copies whose accounts agreed to stand in a group, without the viewers' own and those that they see by name:
    taking those away must not leave a smaller group. Fewer than five owners: nothing at all."""
    agreed = Sharing.objects.filter(workspace=None, withdrawn_at=None).values("account")
    accounts = (
        KlaviyoAccount.objects.filter(pk__in=agreed)
        .exclude(owner__in=[one.pk for one in viewers])
        .exclude(pk__in=[one.pk for one in seen])
    )
    found = installs_in(template, accounts)
    owners = {one.account.owner_id for one in found if one.account is not None}
    return found if len(owners) >= FEWEST else []
