"""One publication as its page tells it: the head, every attempt, what was refused. Values for the templates."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Q

from accounts import catalog
from accounts.models import Membership, User, Workspace
from flowbuilder.access import DESIGNERS, INSTALLERS, REVIEWERS
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.shaping import SETTINGS
from flowbuilder.graph import Graph
from flowbuilder.history.moments import Candidate, TimeLine, candidates, moves_of, time_line
from flowbuilder.history.rows import Calls, calls_of, canvas_url, short
from flowbuilder.history.wording import (
    ATTEMPT_TONES,
    day,
    duration,
    going_on,
    state_sentence,
    step_words,
    tone_of,
)
from flowbuilder.kinds.describe import TRIGGER_KEY, Describer
from flowbuilder.models import Approval, Attempt, Install, Made, Move, Publication, Receipt
from flowbuilder.operations.after import removable
from flowbuilder.operations.leaving import stays
from flowbuilder.operations.publications import CANCELLABLE
from flowbuilder.publisher.after import MADE
from flowbuilder.publisher.late import alarm
from flowbuilder.queries import ids_in
from flowbuilder.queries.approvals import approvals_of, in_words

MOST_SHOWN = 40  # attempts whose bodies stand on the page; of those before them there are downloads
MOST_TEXT = 100_000  # characters of a body that stand on the page
REQUEST_IDS = ("x-klaviyo-request-id", "x-request-id", "request-id", "cf-ray")


@dataclass(frozen=True, slots=True)
class Body:
    """A request or an answer, ready to be read."""

    part: str
    anchor: str  # its id on the page
    title: str
    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """An attempt in words."""

    attempt: Attempt
    words: str
    tone: str
    took: str
    request_id: str
    rates: tuple[tuple[str, str], ...]
    bodies: tuple[Body, ...]
    parts: tuple[str, ...]  # what can be downloaded


@dataclass(frozen=True, slots=True)
class Refusal:
    title: str
    text: str
    pointer: str
    url: str


@dataclass(frozen=True)
class Story:
    publication: Publication
    user: User
    now: datetime
    wrong: str = field(default="")  # what a person asked for and could not be done

    @property
    def tone(self) -> str:
        return tone_of(self.publication.state)

    @property
    def day(self) -> str:
        return day(self.publication.created_at, self.now)

    @property
    def hash(self) -> str:
        return short(self.publication.version.content_hash)

    @property
    def sentence(self) -> str:
        return self.publication.reason or state_sentence(self.publication)

    @property
    def going_on(self) -> str:
        return going_on(self.publication, self.now)

    @cached_property
    def alarm(self) -> str:
        """Why it takes so long, and what one can do."""
        return alarm(self.publication, self.now)

    @cached_property
    def calls(self) -> Calls:
        return calls_of([self.publication.pk]).get(self.publication.pk, Calls())

    @cached_property
    def role(self) -> str:
        one = self.publication
        found = Membership.objects.filter(user=one.asked_by_id, workspace=one.workspace_id).first()
        return found.get_role_display().lower() if found else ""

    # --- The version

    @cached_property
    def frozen(self) -> Frozen:
        return Frozen(self.publication.version.document)

    @property
    def graph(self) -> Graph:
        return self.frozen.graph

    @cached_property
    def describer(self) -> Describer:
        """With the names of metrics, lists and templates as the account had them when we last looked."""
        answers = self.publication.answers
        chosen = {
            str(one) for value in answers.values() for one in (value if isinstance(value, list) else [value])
        }
        names = catalog.names(self.publication.workspace, ids_in(self.graph) | chosen)
        return self.frozen.describer(answers, names)

    @property
    def built(self) -> list[str]:
        """How it was built in the account, where that is not as designed."""
        return [text for key, text in SETTINGS.items() if self.publication.shape.get(key)]

    def title_of(self, key: str) -> str:
        if key == TRIGGER_KEY or key in self.graph.by_key:
            return self.describer.card(self.graph, key).title
        return ""

    @cached_property
    def may_design(self) -> bool:
        workspace = self.publication.version.flow.workspace_id
        mine = Membership.objects.filter(user=self.user, workspace=workspace, role__in=DESIGNERS)
        return mine.exists()

    @property
    def refusals(self) -> list[Refusal]:
        found = []
        for one in self.publication.refusals:
            key = one.get("step") or ""
            title = self.title_of(key)
            url = canvas_url(self.publication.version.flow_id, key) if title and self.may_design else ""
            found.append(Refusal(title, one["text"], one.get("pointer") or "", url))
        return found

    # --- A second person's word

    @cached_property
    def approvals(self) -> list[Approval]:
        """One query where it needed none."""
        one = self.publication
        return approvals_of(one) if one.needs_approval else []

    @cached_property
    def who_can(self) -> str:
        """Who can say yes, while it waits for that."""
        return in_words(self.approvals) if self.publication.awaits_approval else ""

    # --- The way

    @cached_property
    def made(self) -> list[Made]:
        return list(self.publication.made.all())

    @cached_property
    def taken_away(self) -> list[Made]:
        """Of a removal: what it was to delete."""
        return list(Made.objects.filter(pk__in=self.publication.wanted.get(MADE, [])))

    @property
    def stays(self) -> list[str]:
        """Of a removal that is done: what is still in the account."""
        one = self.publication
        if (
            one.kind != Publication.Kind.REMOVE
            or one.state != Publication.State.PUBLISHED
            or one.install is None
        ):
            return []
        ours = [f"{made.get_kind_display()} “{made.name}”, which we made" for made in removable(one.install)]
        return [*ours, *stays(one.install)]

    @cached_property
    def steps(self) -> list[Step]:
        """Three queries, however many attempts: bodies are read only as far as they are shown."""
        attempts = list(self.publication.attempts.defer("request", "answer").order_by("number"))
        newest = self.publication.attempts.order_by("-number").values_list("number", "request", "answer")
        bodies = {number: (request, answer) for number, request, answer in newest[:MOST_SHOWN]}
        titles = {key: content["name"] for key, content in self.frozen.contents.items()}
        titles |= {f"clone-{key}": self.title_of(key) for key in self.graph.by_key}
        return [_step(one, bodies.get(one.number), titles) for one in attempts]

    @property
    def mark(self) -> str:
        """Changes when there is something new to see."""
        one = self.publication
        ended = sum(step.attempt.ended_at is not None for step in self.steps)
        until = int(one.not_before.timestamp()) if one.not_before else ""
        moved = self.moves[-1].number if self.moves else 0
        late = "late-" if self.alarm else ""
        words = "".join(f"-{word.pk}{word.verdict}" for word in self.approvals)
        return f"{late}{one.state}-{moved}-{one.attempt_number}-{len(self.steps)}-{ended}-{until}{words}"

    @cached_property
    def moves(self) -> list[Move]:
        return moves_of(self.publication)

    @property
    def line(self) -> TimeLine:
        return time_line(self.publication, self.moves, self.now)

    @cached_property
    def has_receipt(self) -> bool:
        is_there = self.publication.state == Publication.State.PUBLISHED
        return is_there and Receipt.objects.filter(publication=self.publication.pk).exists()

    # --- What one may do

    @cached_property
    def may_act(self) -> bool:
        return may_act(self.user, self.publication)

    @property
    def may_cancel(self) -> bool:
        return self.publication.state in CANCELLABLE and self.may_act

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Of which a person says which one it is."""
        return candidates(self.publication)

    @cached_property
    def may_answer(self) -> bool:
        """Refused on its way: other answers may be taken. Not for a rollout, whose answers are its own."""
        one = self.publication
        if (
            one.state != Publication.State.REFUSED
            or one.install is None
            or one.rollout_id
            or not self.may_act
        ):
            return False
        is_mine = Membership.objects.filter(user=self.user, workspace=one.workspace_id, role__in=INSTALLERS)
        return one.install.state == Install.State.PUBLISHING and is_mine.exists()

    @cached_property
    def may_retry(self) -> bool:
        """Not when its install was taken up again: then that goes on, and this one is history."""
        one = self.publication
        if one.state != Publication.State.FAILED or not self.may_act:
            return False
        return one.install is None or one.install.publications.latest("pk") == one


def may_act(user: User, publication: Publication) -> bool:
    """Those who may install in its workspace; and the operator's owners and reviewers, for every one."""
    return Membership.objects.filter(
        Q(workspace=publication.workspace_id, role__in=INSTALLERS)
        | Q(workspace__kind=Workspace.Kind.OPERATOR, role__in=REVIEWERS),
        user=user,
    ).exists()


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _step(attempt: Attempt, bodies: tuple[Any, Any] | None, titles: dict[str, str]) -> Step:
    headers = {str(name).lower(): str(value) for name, value in attempt.headers.items()}
    rates = tuple((name, value) for name, value in headers.items() if name not in REQUEST_IDS)
    shown = []
    for part, title, value in zip(
        ("request", "answer"), ("Exact request", "Exact answer"), bodies or (None, None), strict=True
    ):
        if value is not None:
            text = pretty(value)
            note = f"{len(text.encode()):,} bytes"
            if len(text) > MOST_TEXT:
                text, note = text[:MOST_TEXT] + "\n…", f"{note}; the download has all of it"
            shown.append(Body(part, f"attempt-{attempt.number}-{part}", title, text, note))
    parts = tuple(one.part for one in shown)
    return Step(
        attempt,
        step_words(attempt.step, titles),
        ATTEMPT_TONES.get(attempt.outcome, "warn"),
        duration(attempt.seconds) if attempt.seconds is not None else "",
        next((headers[name] for name in REQUEST_IDS if name in headers), ""),
        rates,
        tuple(shown),
        parts if bodies is not None else ("request", "answer"),
    )
