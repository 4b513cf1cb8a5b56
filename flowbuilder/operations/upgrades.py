"""What another version would change in an account, step by step: what comes, what stays, what is to be chosen. Reads
only; asking for it is after.py's.

    offer = offer_of(install, version, choices=..., given=...)
    offer.kind      "in place", "answers" (questions or clashes are open), "beside" (a new flow), "stopped"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.definition.drifting import emails_in, in_our_keys, with_template
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.merging import Merged, Point, merge
from flowbuilder.definition.shaping import UnableToShape
from flowbuilder.definition.telling import Told, tell_points
from flowbuilder.definition.updating import Plan, graph_in, plan_update
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph
from flowbuilder.models import Install, Reading, Version
from flowbuilder.operations.installs import UnableToInstall, checked_answer
from flowbuilder.publisher import fits
from flowbuilder.publisher.readings import last_reading, left_of, told_by, with_names
from flowbuilder.publisher.standing import EMAILS, Standing, adopting, standing_of, steps_in, target_of

OWN = "as it was written in Klaviyo"  # stands for the template of an email that was kept


@dataclass(frozen=True, slots=True)
class Line:
    """A point in words. `yours`: what was done in Klaviyo; `new`: what the version changes; empty where nothing."""

    point: Point
    title: str
    yours: str = ""
    new: str = ""


@dataclass(frozen=True)
class Offer:
    """A version for an install. `open`: questions that nobody answered yet; `wrong`: key -> what is wrong with an
    answer; `stops`: why it cannot be published at all; `reading`: the look at the account that this is reckoned from,
    None where nobody looked since the flow landed."""

    version: Version
    plan: Plan
    answers: Mapping[str, Any]
    open: tuple[Question, ...] = ()
    stops: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    merged: Merged | None = None
    reading: Reading | None = None
    told: Told | None = None

    @property
    def taken(self) -> list[Line]:
        return [one for one in self.lines if one.point.state == "taken"]

    @property
    def kept(self) -> list[Line]:
        return [one for one in self.lines if one.point.state == "kept"]

    @property
    def clashes(self) -> list[Line]:
        return [one for one in self.lines if one.point.state == "clash"]

    @property
    def undecided(self) -> list[Line]:
        return [one for one in self.lines if one.point.is_open]

    @property
    def is_possible(self) -> bool:
        return not self.open and not self.stops and not self.wrong

    @property
    def is_in_place(self) -> bool:
        return self.is_possible and self.plan.is_in_place

    @property
    def kind(self) -> str:
        if self.stops:
            return "stopped"
        if self.open or self.wrong or self.undecided:
            return "answers"
        return "in place" if self.plan.is_in_place else "beside"

    @property
    def texts(self) -> list[str]:
        """What the version changes, in sentences."""
        return [one.new for one in self.lines if one.new and one.point.state != "kept"]


def offer_of(
    install: Install,
    version: Version,
    *,
    choices: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Offer:
    """What another version would change in this account. `choices`: point -> "yours" or "new"; `given`: answers of a
    person to questions that nobody answered yet."""
    answers, unanswered = _answers_for(install, version)
    wrong: dict[str, str] = {}
    for question in list(unanswered):
        value = (given or {}).get(question.key)
        if value in (None, "", [], {}) or install.account is None:
            continue
        try:
            value = checked_answer(install.account, question, value)
        except UnableToInstall as error:
            wrong[question.key] = str(error)
        else:
            answers[question.key] = {"value": value, "how": "Your choice.", "by": "person"}
            unanswered.remove(question)
    standing = standing_of(install)
    found = Offer(version, Plan(reasons=("What was sent to this account is not known.",)), answers)
    stops = tuple[str, ...]()
    try:
        if standing is not None:
            found = _compared(install, standing, version, answers, choices or {})
        if not unanswered:
            landing = fits.landing_of(Frozen(version.document), version.name, answers, install.shape)
            stops = tuple(one.text for one in fits.stops(landing))
    except UnableToShape as error:
        stops = (str(error),)
    return replace(found, answers=answers, open=tuple(unanswered), stops=stops, wrong=wrong)


def _compared(
    install: Install,
    standing: Standing,
    version: Version,
    answers: Mapping[str, Any],
    choices: Mapping[str, str],
) -> Offer:
    target = target_of(install, version, fits.values_of(answers), install.shape, standing)
    seen = last_reading(install)
    standing = adopting(standing, target, install.live_flow_id, seen.definition if seen else None)
    reading, found, steps = account_of(install, standing)
    account = to_definition(found)
    both = merge(standing.definition, target.definition, account, choices)
    called = {**standing.version.document.get("names", {}), **version.document.get("names", {})}
    plan = plan_update(account, both.definition, steps, called)
    own_names, new_names = (standing.version, standing.steps), (version, standing.steps)
    graphs = (
        with_names(graph_in(standing.definition), *own_names),
        with_names(graph_in(target.definition), *new_names),
        with_names(found, *own_names),
        with_names(both.graph, *new_names),
    )
    was, new, own, told = told_by(install, graphs)
    yours = tell_points([one for one in both.points if one.state != "taken"], was, own)
    theirs = tell_points([one for one in both.points if one.state != "kept"], was, new)
    lines = tuple(
        Line(one, _title(one, was, new, own), yours.get(one.id, ""), theirs.get(one.id, ""))
        for one in both.points
    )
    return Offer(version, plan, answers, lines=lines, merged=both, reading=reading, told=told)


def account_of(install: Install, standing: Standing) -> tuple[Reading | None, Graph, dict[str, Any]]:
    """The flow as we saw it last, in our keys, and its steps; where nobody looked since, as it was left."""
    reading = last_reading(install)
    landed_at = standing.by.ended_at or standing.by.created_at
    if reading is None or reading.definition is None or reading.at < landed_at:
        reading, left = None, left_of(install, standing)
        graph = left.graph if left else graph_in(standing.definition)
        emails = emails_in(to_definition(graph), "temporary_id")
        for email in set(standing.by.wanted.get(EMAILS, {})) & emails.keys():
            graph = with_template(graph, email, OWN)
    else:
        key_of = standing.key_of
        edited = {key_of[id] for id, one in reading.emails.items() if one["edited"] and id in key_of}
        graph = in_our_keys(reading.definition, standing.definition, standing.steps, edited)
    return reading, graph, steps_in(graph, standing)


def _title(point: Point, was: Told, new: Told, own: Told) -> str:
    if point.what == "order":
        return "The order of steps"
    if point.what == "flow":
        return {
            "trigger": "The trigger",
            "profile_filter": "Whom it is for",
            "reentry": "Entering again",
        }.get(str(point.path[0]), "The flow")
    told = next((one for one in (new, own, was) if point.key in one.graph.by_key), None)
    return told.card(point.key).title if told else point.key


def _answers_for(install: Install, version: Version) -> tuple[dict[str, Any], list[Question]]:
    """Answers that still fit, what can be found in the account, and the questions that stay open."""
    before = {one.key: one for one in Frozen(install.version.document).questions}
    answers: dict[str, Any] = dict(install.answers)
    unanswered = []
    questions = Frozen(version.document).questions
    known = fits.known_in(install.account, fits.kinds_needed(questions)) if install.account else None
    for question in questions:
        old = before.get(question.key)
        fits_still = old is not None and (old.kind, old.looks_for) == (question.kind, question.looks_for)
        if fits_still and question.key in answers:
            continue
        found = fits.find_answer(install.account, question, known) if install.account and known else None
        if found is not None:
            answers[question.key] = found
        else:
            answers.pop(question.key, None)
            unanswered.append(question)
    needed = Frozen(version.document).needed(fits.values_of(answers))
    return answers, [one for one in unanswered if one in needed]
