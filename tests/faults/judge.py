"""What became of each publication, by Klaviyo's own list and not by what we believe. Pure; used by run.py."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

ENDED = ("published", "refused", "failed", "cancelled")


@dataclass(frozen=True)
class Row:
    """A publication as our database has it. `design` and `account` say what was asked for, and where."""

    id: int
    account: str
    design: int
    state: str
    reason: str = ""
    flow: str = ""
    not_before: datetime | None = None

    @property
    def is_told(self) -> bool:
        """Whether a person can see why there is no flow: a reason, and for what waits until when."""
        return bool(self.reason) and (self.state in ENDED or self.not_before is not None)

    @property
    def is_under_way(self) -> bool:
        return self.state not in (*ENDED, "waiting", "unknown")


@dataclass(frozen=True)
class There:
    """A flow or an email template that is in an account at Klaviyo. `design`: of a flow, by its marker."""

    kind: str
    account: str
    id: str
    name: str = ""
    design: int | None = None


@dataclass
class Verdict:
    states: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.orphaned)


def judge(
    asked: Iterable[tuple[str, int]],
    rows: Iterable[Row],
    there: Iterable[There],
    made: Mapping[tuple[str, str], str],
) -> Verdict:
    """`asked`: (account, design) of every ask that was answered. `made`: (kind, id at Klaviyo) -> account, of all
    that our rows say is ours and still there.

    lost       asked for; neither there, nor does a row say why not, nor is anything under way. Or a row that nobody
               asked for: it went astray
    doubled    more than one flow of one publication, or more than one publication of one ask
    orphaned   there, and no row of ours knows it (the second flow of a publication is doubled instead)
    """
    verdict = Verdict()
    flows: dict[tuple[str, int], list[str]] = defaultdict(list)
    unknown: list[There] = []
    for one in there:
        if one.kind == "flow" and one.design is not None:
            flows[one.account, one.design].append(one.id)
        if made.get((one.kind, one.id)) != one.account:
            unknown.append(one)
    for (account, design), ids in flows.items():
        if len(ids) > 1:
            verdict.doubled.append(f"design {design} in {account}: {', '.join(ids)}")
    for one in unknown:
        if one.design is None or len(flows[one.account, one.design]) == 1:
            verdict.orphaned.append(f"{one.kind} {one.id} “{one.name}” in {one.account}")
    rows = list(rows)
    for (account, design), many in Counter((row.account, row.design) for row in rows).items():
        if many > 1:
            verdict.doubled.append(
                f"design {design} in {account}: {many} publications, and it was asked for once"
            )
    known = {(row.account, row.design): row for row in rows}
    verdict.states.update(row.state for row in rows)
    asked = dict.fromkeys(asked)  # in order
    for row in rows:
        if (row.account, row.design) not in asked:
            what = f"design {row.design} in {row.account}"
            verdict.lost.append(f"{what}: publication {row.id} ({row.state}), and nobody asked for it there")
    for account, design in asked:
        row, landed = known.get((account, design)), flows[account, design]
        what = f"design {design} in {account}"
        if row is None:
            verdict.lost.append(f"{what}: no row")
        elif row.state == "published" and row.flow not in landed:
            verdict.lost.append(f"{what}: published as {row.flow}, which is not there")
        elif row.state != "published" and not row.is_told and not row.is_under_way:
            verdict.lost.append(f"{what}: {row.state}, and nobody is told why")
    return verdict
