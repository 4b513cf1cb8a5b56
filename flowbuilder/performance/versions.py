"""A template flow, version by version, over all accounts whose numbers this person sees; and its peers, as rates, where
at least five let themselves be counted. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from accounts.models import KlaviyoAccount, Workspace
from flowbuilder.access import accounts_seen
from flowbuilder.definition.performing import (
    STATISTICS,
    Range,
    per_recipient,
    range_of,
)
from flowbuilder.models import Install, TemplateFlow
from flowbuilder.performance.wording import NOT_ENOUGH, cannot_open, range_told, told
from flowbuilder.queries.performance import FEWEST, OfVersion, by_version, installs_in, peers_of

PERIOD = timedelta(days=60)  # as far back as a standing series begins
RATES = ("open_rate", "click_rate", "conversion_rate", "unsubscribe_rate")
MONEY = "revenue_per_recipient"
# Where a range is drawn: the scale of each ends with what is seldom passed.
SCALES = {"open_rate": 1.0, "click_rate": 0.4, "conversion_rate": 0.2, "unsubscribe_rate": 0.05}
WIDE = 200


@dataclass(frozen=True)
class Cell:
    """A rate of one version: with its range, and where that is drawn; or why there is none."""

    label: str
    text: str
    range: str
    x: str = ""
    width: str = ""
    at: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    number: int
    accounts: int
    delivered: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class TemplateNumbers:
    template: TemplateFlow
    workspaces: tuple[Workspace, ...]  # the person's
    now: datetime

    @cached_property
    def _seen(self) -> tuple[list[KlaviyoAccount], list[Install]]:
        """Accounts that are seen by name, and the copies in them that may be."""
        accounts: dict[int, KlaviyoAccount] = {}
        installs: dict[int, Install] = {}
        for workspace in self.workspaces:
            seen = list(accounts_seen(workspace))
            accounts |= {one.pk: one for one in seen}
            for one in installs_in(self.template, seen):
                is_own = one.account is not None and one.account.owner_id == workspace.pk
                if is_own or workspace.pk in (self.template.workspace_id, one.workspace_id):
                    installs[one.pk] = one
        return list(accounts.values()), list(installs.values())

    @property
    def installs(self) -> list[Install]:
        return self._seen[1]

    @property
    def is_designed_here(self) -> bool:
        return self.template.workspace_id in {one.pk for one in self.workspaces}

    @cached_property
    def lines(self) -> list[Line]:
        found = by_version(self.installs, (self.now - PERIOD).date())
        return [_line(found[number]) for number in sorted(found, reverse=True)]

    @cached_property
    def peers(self) -> list[Line]:
        """Only versions that at least five others have, and never a sum over versions: what is left of it would be that
        of fewer."""
        group = peers_of(self.template, self.workspaces, self._seen[0])
        found = by_version(group, (self.now - PERIOD).date())
        return [
            _line(found[number], is_group=True)
            for number in sorted(found, reverse=True)
            if len(found[number].owners) >= FEWEST
        ]

    @property
    def fewest(self) -> int:
        return FEWEST


def _line(of: OfVersion, *, is_group: bool = False) -> Line:
    total = of.total
    cells = []
    for name in RATES:
        found = range_of(total, name)
        if found is None:
            note = "Texts cannot be opened." if cannot_open(total, name) else NOT_ENOUGH
            cells.append(Cell(STATISTICS[name], "", "", note=note))
            continue
        value = told(total, name)
        cells.append(Cell(STATISTICS[name], value, range_told(found, name), *_drawn(found, name, total)))
    if not is_group:
        cells.append(_money(of))
    delivered = "" if is_group else told(total, "delivered")
    return Line(of.number, len(of.owners) if is_group else len(of.accounts), delivered, tuple(cells))


def _money(of: OfVersion) -> Cell:
    label = STATISTICS[MONEY]
    if len(of.currencies) > 1:
        return Cell(label, "", "", note="Several currencies: not added up.")
    found = per_recipient(of.days)
    if found is None:
        return Cell(label, "", "", note="Not enough days yet.")
    currency = next(iter(of.currencies), "")
    return Cell(label, told(of.total, MONEY, currency), range_told(found, MONEY, currency))


def _drawn(found: Range, name: str, total: dict[str, float]) -> tuple[str, str, str]:
    scale = WIDE / SCALES[name]
    low, high = (min(one * scale, WIDE) for one in (found.low, found.high))
    at = min((found.low + found.high) / 2 * scale, WIDE)
    return f"{low:.1f}", f"{max(high - low, 2):.1f}", f"{at:.1f}"
