"""The dry run of a rollout: account by account, would it land? Nothing is made or changed in Klaviyo.

`check_choices` is called by the workers (and by operations for the first ones). It can be called by several at once
and stopped anywhere: what was not written down is looked at again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import figures
from accounts.access import accounts_of
from accounts.catalog import read_catalog
from accounts.clock import now as right_now
from accounts.counted import counted, in_words
from accounts.klaviyo.errors import KlaviyoError, Throttled
from accounts.models import CatalogEntry, KlaviyoAccount
from flowbuilder.definition.finding import Known
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.segments import UnableToWriteSegment, definition_of
from flowbuilder.definition.shaping import UnableToShape
from flowbuilder.definition.taken import TAKEN, definition_in
from flowbuilder.graph import Problem
from flowbuilder.kinds.base import count
from flowbuilder.models import Choice, Install, Rollout
from flowbuilder.publisher import fits
from flowbuilder.publisher.made import MAKE, is_to_make

AT_ONCE = 20  # judged before it is written down
FRESH = timedelta(minutes=10)  # what was read of an account that lately is not read again
PATIENCE = 10.0  # seconds for one account's answer
A_MOMENT = 1.5  # seconds for one account's limits: then the others come first, and it later
BY_ITSELF = ("found", "rollout")  # answers that nobody gave for this one account
GOOD, WARN, BAD, OPEN = "good", "warn", "bad", "open"
COLUMNS = ("Connection", "Room for it", "Answers", "The flow", "Beside it")


@dataclass(frozen=True)
class Verdict:
    """What is written into a Choice."""

    fit: str
    reason: str
    checks: list[dict[str, str]]
    answers: dict[str, fits.Answer]
    again_at: datetime | None = None  # it could not be looked at: its limits are used up until then


@dataclass(frozen=True, slots=True)
class Left:
    """Accounts that are not looked at yet. `again_at`: they all wait for their limits, the first until then."""

    number: int = 0
    again_at: datetime | None = None


def check_choices(
    rollout_id: int, *, now: datetime | None = None, until: datetime | None = None, from_end: bool = False
) -> Left:
    """Judge accounts that were not looked at yet, all of them or until then.

    `now` is when what is known of an account counts as fresh; `until` is by the clock. A worker begins with the
    first and a page with the last (`from_end`), so that the two do not read the same account.
    """
    parked: dict[int, datetime] = {}
    while True:
        rollout = Rollout.objects.select_related("workspace", "version__flow__template_flow").get(
            pk=rollout_id
        )
        waiting = rollout.choices.filter(fit=Choice.Fit.UNCHECKED, publication=None)
        ripe = waiting.exclude(pk__in=list(parked)).select_related("account")
        batch = list(ripe.order_by("-pk" if from_end else "pk")[:AT_ONCE])
        if rollout.state == Rollout.State.CANCELLED:
            return Left()
        if not batch:
            return Left(waiting.count(), min(parked.values(), default=None))
        verdicts = _judge(rollout, batch, now or right_now(), until)
        _write(rollout, batch, verdicts)
        parked |= {pk: one.again_at for pk, one in verdicts.items() if one.again_at}
        if until is not None and right_now() >= until:
            return Left(waiting.count())


def waiting_rollouts() -> list[int]:
    """The rollouts with accounts that nobody looked at yet."""
    waiting = Rollout.objects.filter(choices__fit=Choice.Fit.UNCHECKED, choices__publication=None)
    return list(waiting.exclude(state=Rollout.State.CANCELLED).distinct().values_list("pk", flat=True))


def _judge(
    rollout: Rollout, batch: list[Choice], now: datetime, until: datetime | None
) -> dict[int, Verdict]:
    template = rollout.version.flow.template_flow
    ids = [one.account_id for one in batch]
    allowed = set(accounts_of(rollout.workspace, "publish").filter(pk__in=ids).values_list("pk", flat=True))
    taken = fits.room_in(template, rollout.workspace, ids).taken
    judge = Judge(rollout)
    fresh = _fresh(ids, judge.kinds, now)
    found = {}
    for one in batch:
        account = one.account
        if account.pk not in allowed:
            reason = f"{account.owner} has not agreed that {rollout.workspace} publishes to it. Ask them."
            found[one.pk] = judge.cannot(0, "Not agreed", reason, one.answers)
        elif not account.is_connected:
            reason = f"It is disconnected: {account.state_reason or 'reconnect it'} Then look again."
            found[one.pk] = judge.cannot(0, "Disconnected", reason, one.answers)
        elif account.pk in taken:
            found[one.pk] = judge.cannot(1, *_taken(taken[account.pk], account, rollout), one.answers)
        else:
            try:
                found[one.pk] = judge.look_at(account, one.answers, is_fresh=account.pk in fresh, now=now)
            except Throttled as error:
                found[one.pk] = _later(one, error)
        if until is not None and right_now() >= until:
            break
    return found


def _later(choice: Choice, error: Throttled) -> Verdict:
    """It stays one that nobody looked at, and says until when."""
    seconds = error.retry_after
    reason = f"Klaviyo lets us look into it again in {in_words(seconds)}; then it is looked at by itself."
    again_at = right_now() + timedelta(seconds=seconds)
    return Verdict(Choice.Fit.UNCHECKED, reason, [], dict(choice.answers), again_at)


def _taken(install: Install, account: KlaviyoAccount, rollout: Rollout) -> tuple[str, str]:
    short = "Is there already" if install.state == Install.State.LIVE else "On its way already"
    return short, fits.way_is_taken(install, account, rollout.version.flow.template_flow)


def _fresh(accounts: Collection[int], kinds: Collection[str], now: datetime) -> set[int]:
    """The accounts of which every kind was read a moment ago. A kind of which there is nothing never is."""
    rows = CatalogEntry.objects.filter(account__in=accounts, kind__in=kinds, read_at__gt=now - FRESH)
    seen: dict[int, set[str]] = {}
    for account, kind in rows.order_by().values_list("account_id", "kind").distinct():
        seen.setdefault(account, set()).add(kind)
    return {account for account in accounts if seen.get(account, set()) >= set(kinds)}


@transaction.atomic
def _write(rollout: Rollout, batch: list[Choice], verdicts: Mapping[int, Verdict]) -> None:
    """Only where nobody answered something else in the meantime: that is looked at again."""
    now = Rollout.objects.select_for_update().get(pk=rollout.pk)
    if (now.answers, now.shape) != (rollout.answers, rollout.shape):
        return
    rows = {one.pk: one for one in rollout.choices.select_for_update(of=("self",)).filter(pk__in=verdicts)}
    changed = []
    for one in batch:
        row, verdict = rows.get(one.pk), verdicts.get(one.pk)
        if verdict is None or row is None or row.fit != Choice.Fit.UNCHECKED or row.answers != one.answers:
            continue
        row.fit, row.reason = verdict.fit, verdict.reason
        row.checks, row.answers = verdict.checks, verdict.answers
        changed.append(row)
    Choice.objects.bulk_update(changed, ["fit", "reason", "checks", "answers"])


class Judge:
    """Judges accounts for one rollout; what is the same for all of them is worked out once."""

    def __init__(self, rollout: Rollout) -> None:
        self.version = rollout.version
        self.common: Mapping[str, Any] = rollout.answers
        self.shape: Mapping[str, Any] = rollout.shape
        self.frozen = Frozen(rollout.version.document)
        self.kinds = fits.kinds_needed(self.frozen.questions)
        if any(is_to_make(one) and one[MAKE] == "segment" for one in self.common.values()):
            self.kinds = list(dict.fromkeys((*self.kinds, str(CatalogEntry.Kind.METRIC))))

    def cannot(self, column: int, short: str, reason: str, held: Mapping[str, fits.Answer]) -> Verdict:
        checks = [
            *([GOOD, ""] for _ in range(column)),
            [BAD, short],
            *([OPEN, ""] for _ in COLUMNS[column + 1 :]),
        ]
        return Verdict(Choice.Fit.CANNOT, reason, _columns(checks), dict(held))

    def look_at(
        self, account: KlaviyoAccount, held: Mapping[str, fits.Answer], *, is_fresh: bool, now: datetime
    ) -> Verdict:
        """Throttled where the account's limits are used up for longer than a moment."""
        if self.kinds and not is_fresh:
            try:
                read_catalog(account, self.kinds, now=now, patience=A_MOMENT)
            except Throttled:
                raise
            except KlaviyoError as error:
                reason = f"Klaviyo did not show what is in it: {error} Look again later."
                return self.cannot(0, "No answer", reason, held)
        known = fits.known_in(account, self.kinds) if self.kinds else Known([])
        answers = bind(self.frozen.questions, account, held, self.common, known)
        if figures.count(account, self.would_settle(answers, known)):
            known = fits.known_in(account, self.kinds)
            answers = bind(self.frozen.questions, account, held, self.common, known)
        needed = self.frozen.needed(fits.values_of(answers))
        missing = [one for one in needed if one.key not in answers]
        checks = [[GOOD, ""], [GOOD, ""], [GOOD, told(answers)]]
        if missing:
            checks = [*checks[:2], [WARN, f"{len(missing)} open"], [OPEN, ""], [OPEN, ""]]
            names = ", ".join(f"“{one.question}”" for one in missing)
            return Verdict(
                Choice.Fit.ASKS,
                f"Needs {count(len(missing), 'answer')}: {names}.",
                _columns(checks),
                answers,
            )
        if problems := self.problems(answers):
            text = " ".join(problems)
            checks += [[BAD, count(len(problems), "problem")], [OPEN, ""]]
            reason = f"With these answers it cannot be published: {text}"
            return Verdict(Choice.Fit.CANNOT, reason, _columns(checks), answers)
        beside = self.beside(account, answers)
        checks += [[GOOD, ""], beside[:2]]
        return Verdict(Choice.Fit.READY, beside[2], _columns(checks), answers)

    def would_settle(self, answers: Mapping[str, fits.Answer], known: Known) -> list[str]:
        """Metrics whose events may answer what is open."""
        asked = (one for one in self.frozen.questions if one.kind == "metric" and one.key not in answers)
        return [id for one in asked for id in fits.verdict_on(one, known).look_at]

    def problems(self, answers: Mapping[str, fits.Answer]) -> list[str]:
        try:
            landing = fits.landing_of(self.frozen, self.version.name, answers, self.shape)
        except UnableToShape as error:
            return [str(error)]
        stops: list[Problem] = fits.stops(landing)
        return [one.text for one in stops]

    def beside(self, account: KlaviyoAccount, answers: Mapping[str, fits.Answer]) -> list[str]:
        """[tone, short, sentence] about flows of the account that start from the same metric. They stop nothing."""
        trigger = self.frozen.graph.trigger
        if trigger is None or trigger.type != "metric":
            return [GOOD, "", ""]
        graph = fits.landing_of(self.frozen, self.version.name, answers, self.shape).graph
        metric = str(graph.trigger.config.get("id") or "") if graph.trigger else ""
        try:
            flows = counted(account, patience=A_MOMENT, deadline=PATIENCE).flow_triggers(metric)
        except Throttled:
            raise
        except KlaviyoError:
            return [OPEN, "Not known", ""]
        names = [f"“{one.name}”" for one in flows if not one.is_archived]
        if not names:
            return [GOOD, "", ""]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        verb = "starts" if len(names) == 1 else "start"
        return [
            WARN,
            count(len(names), "other flow"),
            f"{', '.join(names[:3])}{more} {verb} the same way there.",
        ]


def bind(
    questions: Sequence[Question],
    account: KlaviyoAccount,
    held: Mapping[str, fits.Answer],
    common: Mapping[str, Any],
    known: Known,
) -> dict[str, fits.Answer]:
    """The answers of one account: what a person chose for it, else what is given for all, else what is found."""
    answers = {}
    for question in questions:
        own = held.get(question.key)
        if own and own["by"] not in BY_ITSELF and fits.is_there(question, own["value"], known):
            answers[question.key] = own
        elif question.key in common:
            given = common[question.key]
            answer = _given(question, account, given, known)
            if answer is not None:
                answers[question.key] = answer
        elif found := fits.find_answer(account, question, known):
            answers[question.key] = found
    return answers


def _given(question: Question, account: KlaviyoAccount, given: Any, known: Known) -> fits.Answer | None:
    if question.kind not in fits.CATALOG_KINDS:
        return {"value": given, "how": "Given for the whole rollout.", "by": "rollout"}
    named = replace(question, looks_for=given["name"], integration="", role="")
    found = fits.find_answer(account, named, known)
    kinds = fits.CATALOG_KINDS[question.kind]
    if given.get(MAKE) and not any(one.name == given["name"] and one.kind in kinds for one in known.things):
        value = _to_make(question, given, known)
        return value and {
            "value": value,
            "how": "Made there first, as for the whole rollout.",
            "by": "rollout",
        }
    return found and {**found, "how": f"The one named “{given['name']}”, as for the whole rollout."}


def _to_make(question: Question, given: Mapping[str, Any], known: Known) -> dict[str, Any] | None:
    """What one account is to make. None where it has not the metrics that its segment would be about."""
    value = {name: given[name] for name in (MAKE, "name", "many") if name in given}
    if given[MAKE] == "segment":
        definition = definition_in(question.limits) if given["as"] == TAKEN else None
        try:
            value["definition"] = definition or definition_of(given["as"], known, given["days"])
        except UnableToWriteSegment:
            return None
    return value


def told(answers: Mapping[str, fits.Answer]) -> str:
    """“4 found, 1 given, 1 will be made”."""
    made = sum(is_to_make(one["value"]) for one in answers.values())
    found = sum(one["by"] == "found" for one in answers.values())
    numbers = {"found": found, "given": len(answers) - found - made, "will be made": made}
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


def _columns(checks: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    return [
        {"name": name, "tone": tone, "text": text} for name, (tone, text) in zip(COLUMNS, checks, strict=True)
    ]
