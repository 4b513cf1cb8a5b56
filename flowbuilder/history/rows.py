"""A page of publications as lines to read. A constant number of queries, however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Func, IntegerField, QuerySet
from django.db.models.expressions import F
from django.urls import reverse

from accounts.models import Membership, User
from flowbuilder.access import DESIGNERS
from flowbuilder.definition.frozen import Frozen
from flowbuilder.history.wording import day, duration, going_on, state_sentence, tone_of
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.models import Attempt, Made, Publication, Version
from flowbuilder.publisher import late

S = Publication.State
TOKENS = ("account__access_token", "account__refresh_token", "account__api_key")


class StepCount(Func):
    """How many actions a version's document holds, counted where it lies: documents are large."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "JSON_ARRAY_LENGTH(%(expressions)s, '$.definition.actions')"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "JSONB_ARRAY_LENGTH(%(expressions)s #> '{definition,actions}')"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Row:
    publication: Publication
    day: str
    hash: str
    tone: str
    name: str  # of the step that was refused
    text: str
    detail: str
    canvas_url: str
    by: str
    role: str
    url: str


@dataclass(frozen=True, slots=True)
class Calls:
    number: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{count(self.number, 'call')} in {duration(self.seconds)}" if self.number else ""


def with_names(rows: QuerySet[Publication]) -> QuerySet[Publication]:
    """All that a row names, in the same query; neither documents nor tokens."""
    related = ("workspace", "version__flow", "account", "asked_by")
    narrow = rows.select_related(*related).defer("version__document", "wanted", *TOKENS)
    return late.with_times(narrow.annotate(steps=StepCount(F("version__document"))))


def rows_of(publications: Sequence[Publication], user: User, now: datetime) -> list[Row]:
    pks = [one.pk for one in publications]
    calls = calls_of(pks)
    emails = Made.objects.filter(publication__in=pks, kind=Made.Kind.TEMPLATE).values_list("publication")
    made = dict(emails.order_by().annotate(Count("pk")))
    roles = _roles(publications)
    designed = set(
        Membership.objects.filter(user=user, role__in=DESIGNERS).values_list("workspace_id", flat=True)
    )
    titles = titles_of(one for one in publications if one.state == S.REFUSED)
    found = []
    for one in publications:
        step = _first_step(one)
        name, text, detail = _happened(
            one, calls.get(one.pk, Calls()), made.get(one.pk, 0), titles.get((one.pk, step), ""), now
        )
        may_design = bool(step) and one.version.flow.workspace_id in designed
        found.append(
            Row(
                one,
                day(one.created_at, now),
                short(one.version.content_hash),
                tone_of(one.state),
                name,
                text,
                detail,
                canvas_url(one.version.flow_id, step) if may_design else "",
                str(one.asked_by or "somebody who left"),
                roles.get((one.asked_by_id, one.workspace_id), ""),
                reverse("history:publication", args=[one.pk]),
            )
        )
    return found


def short(content_hash: str) -> str:
    return f"{content_hash[:4]}…{content_hash[-4:]}"


def canvas_url(flow_id: int, step: str) -> str:
    return f"{reverse('editor:editor', args=[flow_id])}?step={step}"


def calls_of(pks: Iterable[int]) -> dict[int, Calls]:
    """How many calls each made, and how long they took together."""
    found: dict[int, Calls] = {}
    attempts = Attempt.objects.filter(publication__in=pks).order_by()
    for pk, started, ended in attempts.values_list("publication_id", "started_at", "ended_at"):
        before = found.get(pk, Calls())
        took = (ended - started).total_seconds() if ended else 0.0
        found[pk] = Calls(before.number + 1, before.seconds + took)
    return found


def _roles(publications: Iterable[Publication]) -> dict[tuple[int | None, int], str]:
    """(person, workspace) -> the person's role there, now."""
    people = {one.asked_by_id for one in publications if one.asked_by_id}
    workspaces = {one.workspace_id for one in publications}
    found = Membership.objects.filter(user__in=people, workspace__in=workspaces)
    return {(one.user_id, one.workspace_id): one.get_role_display().lower() for one in found}


def _first_step(publication: Publication) -> str:
    return next((one["step"] for one in publication.refusals if one.get("step")), "")


def titles_of(publications: Iterable[Publication]) -> dict[tuple[int, str], str]:
    """(publication, step key) -> the step's title, for every step that was refused. One query, for the documents."""
    refused = [one for one in publications if any(each.get("step") for each in one.refusals)]
    if not refused:
        return {}
    versions = Version.objects.in_bulk({one.version_id for one in refused})
    frozen = {pk: Frozen(version.document) for pk, version in versions.items()}
    found = {}
    for one in refused:
        whole = frozen[one.version_id]
        describer = whole.describer(one.answers)
        for key in {each["step"] for each in one.refusals if each.get("step")}:
            if key == TRIGGER_KEY or key in whole.graph.by_key:
                found[one.pk, key] = describer.card(whole.graph, key).title
    return found


def _happened(one: Publication, calls: Calls, emails: int, title: str, now: datetime) -> tuple[str, str, str]:
    """(the step it is about, one sentence, a line of detail). A flow's id stands before the sentence."""
    if one.state == S.PUBLISHED and one.kind != Publication.Kind.CREATE:
        return "", one.get_kind_display(), " · ".join(part for part in (one.reason, str(calls)) if part)
    if one.state == S.PUBLISHED:
        steps = count(getattr(one, "steps", 0) or 0, "step")
        made = f", {count(emails, 'email')} made" if emails else ""
        note = "landed, but not quite as meant · " if one.reason else ""
        return "", f"{steps}{made}", f"{note}{calls}"
    if one.state == S.REFUSED and one.refusals:
        first = next((each for each in one.refusals if each.get("step")), one.refusals[0])
        more = len(one.refusals) - 1
        return title, first["text"], f"and {more} more · {calls}" if more else str(calls)
    parts = (late.alarm(one, now), going_on(one, now), str(calls))
    detail = " · ".join(part for part in parts if part)
    return "", one.reason or state_sentence(one), detail
