"""The acts on a flow: what a person can take back or bring again, and how the flow was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from accounts.models import User
from flowbuilder.graph.change import Clash, Draft, apply, inverse
from flowbuilder.models import Edit, Flow, Presence
from flowbuilder.queries.design import draft_before, draft_of, ports_of_type

Kind = Edit.Kind


def acts_of(flow: Any) -> QuerySet[Any]:
    """The acts on a flow, newest first, each with `last`: "undo" where it is taken back now."""
    latest = Edit.objects.filter(of=OuterRef("pk")).order_by("-number")
    return (
        Edit.objects.filter(flow=flow, kind=Kind.ACT)
        .annotate(last=Coalesce(Subquery(latest.values("kind")[:1]), Value(""), output_field=CharField()))
        .order_by("-number")
    )


def undoable(flow: Any, by: Any = None) -> QuerySet[Any]:
    """Acts that can be taken back, the next one first: this person's, or everybody's."""
    acts = acts_of(flow).exclude(last=Kind.UNDO)
    return acts.filter(author=by) if by is not None else acts


def redoable(flow: Any, by: Any = None) -> QuerySet[Any]:
    """Acts that were taken back and nothing new was done since, the last one first."""
    last_act = Edit.objects.filter(flow=flow, kind=Kind.ACT).order_by("-number")
    undos = Edit.objects.filter(of=OuterRef("pk"), kind=Kind.UNDO).order_by("-number")
    acts = acts_of(flow).filter(last=Kind.UNDO).annotate(undone_at=Subquery(undos.values("number")[:1]))
    if by is not None:
        last_act = last_act.filter(author=by)
        acts = acts.annotate(undone_by=Subquery(undos.values("author")[:1])).filter(undone_by=by)
    newest = Coalesce(Subquery(last_act.values("number")[:1]), Value(0))
    found: QuerySet[Any] = acts.filter(undone_at__gt=newest).order_by("-undone_at")
    return found


# The same two as names in one column of a query for flows, for the bar of every page. Written as SQL since Django takes
# ten times as long to put it together as a database to answer it; tests hold the two to each other.
UNDOABLE = """(
  SELECT act.name FROM flowbuilder_edit act
  WHERE act.flow_id = flowbuilder_flow.id AND act.kind = 'act' AND act.author_id = %s
    AND COALESCE((SELECT last.kind FROM flowbuilder_edit last WHERE last.of_id = act.id
                  ORDER BY last.number DESC LIMIT 1), '') <> 'undo'
  ORDER BY act.number DESC LIMIT 1)"""
REDOABLE = """(
  SELECT act.name FROM flowbuilder_edit undo JOIN flowbuilder_edit act ON act.id = undo.of_id
  WHERE undo.flow_id = flowbuilder_flow.id AND undo.kind = 'undo' AND undo.author_id = %s
    AND undo.number = (SELECT MAX(last.number) FROM flowbuilder_edit last WHERE last.of_id = act.id)
    AND undo.number > COALESCE((SELECT MAX(newer.number) FROM flowbuilder_edit newer
                                WHERE newer.flow_id = undo.flow_id AND newer.kind = 'act'
                                  AND newer.author_id = %s), 0)
  ORDER BY undo.number DESC LIMIT 1)"""


def next_names(by: int) -> dict[str, RawSQL]:
    """For `annotate` on flows: the names of this person's next acts to take back and bring again, or null."""
    text = CharField()
    return {
        "undoable": RawSQL(UNDOABLE, [by], output_field=text),
        "redoable": RawSQL(REDOABLE, [by, by], output_field=text),
    }


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the visible list of acts."""

    number: int
    name: str
    kind: str
    author: str
    at: object
    is_undone: bool
    is_mine: bool

    @property
    def can_undo(self) -> bool:
        return self.kind == Kind.ACT and not self.is_undone


def rows(flow: Flow, user: User, limit: int = 200) -> list[Row]:
    """The latest edits, newest first. One query."""
    latest = Edit.objects.filter(of=OuterRef("pk")).order_by("-number").values("kind")[:1]
    found: QuerySet[Any] = (
        Edit.objects.filter(flow=flow)
        .select_related("author")
        .annotate(last=Subquery(latest))
        .order_by("-number")[:limit]
    )
    return [
        Row(
            one.number,
            one.name,
            one.kind,
            str(one.author or "Somebody"),
            one.at,
            one.last == Kind.UNDO,
            one.author_id == user.pk,
        )
        for one in found
    ]


def since(flow: Flow, revision: int) -> Sequence[Edit]:
    """The edits after a revision, newest first."""
    return list(
        Edit.objects.filter(flow=flow, number__gt=revision).select_related("author").order_by("-number")
    )


def draft_at(flow: Flow, revision: int, edits: Sequence[Edit] | None = None) -> Draft | None:
    """How the flow was after the edit of this number; None where its edits do not reach back so far."""
    draft = draft_of(flow)
    if revision == flow.revision:
        return draft
    if (before := draft_before(flow, revision)) is not None:
        return before
    edits = since(flow, revision) if edits is None else edits
    if not 0 <= revision < flow.revision or len(edits) != flow.revision - revision:
        return None
    try:
        for edit in edits:
            draft = apply(draft, inverse(edit.change), ports_of_type)
    except Clash:
        return None
    return draft


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody else who has the flow open."""

    name: str
    step: str

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()


def people_in(flow: Flow, user: User, seen_since: datetime) -> list[Person]:
    """Who else was seen in the flow since then. One query."""
    rows = Presence.objects.filter(flow=flow, seen_at__gte=seen_since).exclude(user=user)
    return [
        Person(str(one.user), one.step) for one in rows.select_related("user").order_by("user__name", "pk")
    ]
