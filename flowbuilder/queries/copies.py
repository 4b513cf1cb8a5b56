"""The copies of template flows in a workspace's accounts: how they stand, and which version each could take.

A fixed number of queries, however many copies there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, QuerySet, Subquery

from accounts.models import Workspace
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.updating import plan_update
from flowbuilder.models import Install, Reading, TemplateFlow, Version

IN_PLACE, ANSWERS, BESIDE, CURRENT = "in place", "answers", "beside", "current"


def copy_rows(workspace: Workspace) -> QuerySet[Install]:
    """Those that are there, by template flow and account, each with `verdict`, `since`, `read_at` and `is_accepted`
    of the last look at it."""
    readings = Reading.objects.filter(install=OuterRef("pk"), flow_id=OuterRef("live_flow_id")).order_by(
        "-at", "-pk"
    )
    return (
        Install.objects.filter(workspace=workspace, state=Install.State.LIVE)
        .select_related(
            "template_flow__workspace",
            "template_flow__current_version",
            "template_flow__public__version",
            "account",
            "version",
        )
        .defer(
            "version__document",
            "template_flow__current_version__document",
            "template_flow__public__version__document",
            "account__access_token",
            "account__refresh_token",
            "account__api_key",
        )
        .annotate(
            verdict=Subquery(readings.values("verdict")[:1]),
            since=Subquery(readings.values("since")[:1]),
            read_at=Subquery(readings.values("at")[:1]),
            accepted_at=Subquery(readings.values("accepted_at")[:1]),
        )
        .order_by("template_flow__name", "template_flow_id", "account__name", "pk")
    )


@dataclass(frozen=True, slots=True)
class Step:
    """From one version to the current one, before anybody looked into an account."""

    kind: str
    questions: tuple[Question, ...] = ()
    reasons: tuple[str, ...] = ()

    def of(self, install: Install) -> str:
        """The same for one copy: what it has answered already is not asked."""
        is_open = any(one.key not in install.answers for one in self.questions)
        return ANSWERS if self.kind != CURRENT and is_open else BESIDE if self.reasons else self.kind

    def open_in(self, install: Install) -> int:
        return sum(one.key not in install.answers for one in self.questions)


@dataclass(frozen=True)
class Steps:
    """Which step a copy has to take. One query for all versions that are somewhere."""

    steps: Mapping[tuple[int, int], Step] = field(default_factory=dict)

    def of(self, install: Install) -> Step:
        return self.steps[install.version_id, next_of(install)]


def next_of(install: Install) -> int:
    """The id of the version that a copy could take: its own where there is no newer one."""
    return _next(install.template_flow, install.workspace_id, install.version_id, install.version.number)


def _next(template: TemplateFlow, workspace_id: int, version_id: int, number: int) -> int:
    offered = template.offered_to(workspace_id)
    return offered.pk if offered and offered.number > number else version_id


def steps_between(pairs: Iterable[tuple[int, int]]) -> Steps:
    """`pairs`: (version that is there, version that is offered)."""
    wanted = set(pairs)
    versions = {one.pk: one for one in Version.objects.filter(pk__in={pk for pair in wanted for pk in pair})}
    return Steps({pair: _step(*(versions[pk] for pk in pair)) for pair in wanted})


def _step(old: Version, new: Version) -> Step:
    if old.pk == new.pk:
        return Step(CURRENT)
    before = {one.key for one in Frozen(old.document).questions}
    asked = tuple(
        one
        for one in Frozen(new.document).needed({})
        if one.key not in before and (one.default in (None, "") or one.looks_for)
    )
    was, now = old.document["definition"], new.document["definition"]
    steps = {one["temporary_id"]: {"action": one["temporary_id"]} for one in was["actions"]}
    reasons = plan_update(was, now, steps, new.document.get("names", {})).reasons
    return Step(BESIDE if reasons else ANSWERS if asked else IN_PLACE, asked, reasons)


@dataclass(frozen=True)
class Sum:
    """How many copies of a template flow there are, and which step each of them has to take."""

    template: TemplateFlow
    newest: int  # the number of the version that is offered; 0 where none is
    versions: tuple[tuple[int, int], ...]  # (number, how many), the newest first
    kinds: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(many for _, many in self.versions)

    @property
    def older(self) -> int:
        return self.total - self.kinds.get(CURRENT, 0)


def sums_of(workspace: Workspace, templates: Iterable[TemplateFlow]) -> dict[int, Sum]:
    """template flow -> all of its copies in this workspace, on whatever page they stand. Two queries."""
    by_pk = {one.pk: one for one in templates}
    rows = (
        Install.objects.filter(workspace=workspace, state=Install.State.LIVE, template_flow__in=by_pk)
        .order_by()
        .values("template_flow_id", "version_id", "version__number")
        .annotate(many=Count("pk"))
    )
    found = [
        (row, _next(by_pk[row["template_flow_id"]], workspace.pk, row["version_id"], row["version__number"]))
        for row in rows
    ]
    steps = steps_between((row["version_id"], newer) for row, newer in found)
    sums: dict[int, Sum] = {}
    for pk, template in by_pk.items():
        mine = [(row, newer) for row, newer in found if row["template_flow_id"] == pk]
        kinds: dict[str, int] = {}
        for row, newer in mine:
            kind = steps.steps[row["version_id"], newer].kind
            kinds[kind] = kinds.get(kind, 0) + row["many"]
        numbers = sorted(((row["version__number"], row["many"]) for row, _ in mine), reverse=True)
        offered = template.offered_to(workspace.pk)
        sums[pk] = Sum(template, offered.number if offered else 0, tuple(numbers), kinds)
    return sums
