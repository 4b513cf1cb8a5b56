"""What a person does with a rollout: plan it, answer for it, start, pause, resume, cancel, retry what failed.

Each act holds the rollout's row. The waves themselves are publisher/waves.py's, the dry run publisher/dry_run.py's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.timezone import now as right_now

from accounts.access import accounts_of
from accounts.audit import Act, record
from accounts.models import User, Workspace
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.shaping import SETTINGS, UnableToShape, shape
from flowbuilder.kinds.base import count
from flowbuilder.models import Approval, Choice, Install, Publication, Rollout, TemplateFlow, Version
from flowbuilder.operations.installs import UnableToInstall, checked_answer
from flowbuilder.operations.rollout_answers import for_all
from flowbuilder.publisher import approving, dry_run, waves
from flowbuilder.publisher.states import LostLease
from flowbuilder.tasks import ROLLOUTS, ring, ring_dry_run

State = Rollout.State
MOST_ACCOUNTS = 10_000
LARGEST_WAVE = 1_000
LOOK_FOR = timedelta(seconds=8)  # somebody waits for the page


class UnableToRollOut(Exception):
    """The rollout cannot do this; the text says why and what to do."""


# --- Planning ------------------------------------------------------------------------------------------------------


@transaction.atomic
def plan_rollout(
    *, workspace: Workspace, by: User, version: Version, accounts: Collection[int], name: str = ""
) -> Rollout:
    """A version for these accounts (ids). Nothing is sent; the dry run comes next."""
    if not TemplateFlow.objects.filter(flow=version.flow_id).exists():
        raise UnableToRollOut(
            f"“{version.name}” is not in the library. Offer it there first, then roll it out."
        )
    if version.withdrawn_at:
        raise UnableToRollOut(f"Version {version.number} was withdrawn. Choose another one.")
    agreed = _agreed(workspace, accounts)
    rollout = Rollout.objects.create(
        workspace=workspace,
        version=version,
        name=name.strip()[:200] or f"{version.name}, version {version.number}",
        asked_by=by,
    )
    _choose(rollout, agreed)
    _note(rollout, by, f"Planned for {count(len(agreed), 'account')}.")
    return rollout


@transaction.atomic
def add_accounts(*, rollout: Rollout, accounts: Collection[int]) -> int:
    """More accounts (ids) for one that is planned, under way or held. Each is looked at, and then goes with a later
    wave. How many are new to it."""
    rollout = _held(rollout)
    _still_open(rollout)
    there = set(rollout.choices.values_list("account_id", flat=True))
    new = _agreed(rollout.workspace, accounts, there) - there
    if not new:
        raise UnableToRollOut("All of these are in this rollout already. Choose others.")
    _choose(rollout, new)
    return len(new)


def _agreed(workspace: Workspace, accounts: Collection[int], there: Collection[int] = ()) -> set[int]:
    """These ids, once it is sure that there is one, not too many with those that are `there`, and that all agreed."""
    wanted = set(accounts)
    if not wanted:
        raise UnableToRollOut("Choose at least one account.")
    if (total := len(wanted.union(there))) > MOST_ACCOUNTS:
        raise UnableToRollOut(
            f"A rollout is for at most {MOST_ACCOUNTS:,} accounts; these are {total:,}. Make two."
        )
    agreed = set(accounts_of(workspace, "publish").values_list("pk", flat=True)) & wanted
    if missing := wanted - agreed:
        raise UnableToRollOut(
            f"{count(len(missing), 'account').capitalize()} that you chose did not agree, or no longer. "
            "Choose again: only those that agreed are listed."
        )
    return agreed


def _choose(rollout: Rollout, accounts: Iterable[int]) -> None:
    rows = (Choice(rollout=rollout, account_id=pk) for pk in sorted(accounts))
    Choice.objects.bulk_create(rows, batch_size=500)
    _ring_dry_run(rollout)


def look_on(*, rollout: Rollout, at_once: timedelta = LOOK_FOR) -> int:
    """Go on with the dry run for a moment. How many accounts are left."""
    return dry_run.check_choices(rollout.pk, until=right_now() + at_once, from_end=True).number


@transaction.atomic
def look_again(*, rollout: Rollout, choices: Iterable[int] | None = None) -> int:
    """Judge anew what is not ready, or only these. How many."""
    rollout = _held(rollout)
    _still_open(rollout)
    again = _unsent(rollout).exclude(fit=Choice.Fit.UNCHECKED)
    again = again.exclude(fit=Choice.Fit.READY) if choices is None else again.filter(pk__in=list(choices))
    found = again.update(fit=Choice.Fit.UNCHECKED, reason="", checks=[])
    _ring_dry_run(rollout)
    return found


@transaction.atomic
def leave_out(*, rollout: Rollout, choice: Choice) -> None:
    """Without this account, as long as nothing was sent to it."""
    rollout = _held(rollout)
    _still_open(rollout)
    if not _unsent(rollout).filter(pk=choice.pk).delete()[0]:
        raise UnableToRollOut("It was sent already. See how it went.")


# --- Answering -----------------------------------------------------------------------------------------------------


def questions_of(rollout: Rollout) -> tuple[Question, ...]:
    return Frozen(rollout.version.document).questions


@transaction.atomic
def answer_for_all(*, rollout: Rollout, values: Mapping[str, Any]) -> None:
    """The same answer in every account that has none of its own: a text, a number, or the name of a metric, list,
    segment or template that each account is to have. An empty one takes it back. Then all is looked at again.
    """
    rollout = _held(rollout)
    _still_open(rollout)
    questions = {one.key: one for one in questions_of(rollout)}
    answers = dict(rollout.answers)
    for key, value in values.items():
        if key not in questions:
            raise UnableToRollOut("That question is not part of this template flow.")
        if value in (None, ""):
            answers.pop(key, None)
        else:
            try:
                answers[key] = for_all(questions[key], value)
            except UnableToInstall as error:
                raise UnableToRollOut(str(error)) from None
    if answers == rollout.answers:
        return
    rollout.answers = answers
    rollout.save(update_fields=["answers"])
    record(Act.ANSWERED, workspace=rollout.workspace_id, thing=rollout, detail="For every account.")
    _look_at_all(rollout)


def _look_at_all(rollout: Rollout) -> None:
    _unsent(rollout).update(fit=Choice.Fit.UNCHECKED, reason="", checks=[])
    _ring_dry_run(rollout)


@transaction.atomic
def choose_shape(*, rollout: Rollout, settings: Mapping[str, bool]) -> None:
    """How the flow is built in every account that it is not sent to yet: see shaping.SETTINGS."""
    rollout = _held(rollout)
    _still_open(rollout)
    chosen = {key: True for key in SETTINGS if settings.get(key)}
    try:
        shape(Frozen(rollout.version.document).graph, chosen)
    except UnableToShape as error:
        raise UnableToRollOut(str(error)) from None
    if chosen == rollout.shape:
        return
    rollout.shape = chosen
    rollout.save(update_fields=["shape"])
    _look_at_all(rollout)


@transaction.atomic
def answer_choice(*, rollout: Rollout, choice: Choice, key: str, value: Any) -> None:
    """One account's own answer; an empty one takes it back. Then the account is looked at again."""
    rollout = _held(rollout)
    _still_open(rollout)
    choice = _unsent(rollout).select_related("account").filter(pk=choice.pk).first() or _sent_already()
    questions = {one.key: one for one in questions_of(rollout)}
    if key not in questions:
        raise UnableToRollOut("That question is not part of this template flow.")
    answers = dict(choice.answers)
    if value in (None, "", [], {}):
        answers.pop(key, None)
    else:
        try:
            value = checked_answer(choice.account, questions[key], value)
        except UnableToInstall as error:
            raise UnableToRollOut(str(error)) from None
        answers[key] = {"value": value, "how": "Your choice.", "by": "person"}
    choice.answers, choice.fit, choice.reason, choice.checks = answers, Choice.Fit.UNCHECKED, "", []
    choice.save(update_fields=["answers", "fit", "reason", "checks"])
    record(Act.ANSWERED, workspace=rollout.workspace_id, thing=rollout, detail=f"For {choice.account}.")
    _ring_dry_run(rollout)


# --- On its way ----------------------------------------------------------------------------------------------------


@transaction.atomic
def start_rollout(
    *, rollout: Rollout, by: User, canary: int, wave_size: int, stop_above: int, now: datetime
) -> None:
    """The yes: the canary's publications are asked for. Pressed twice it is one start."""
    rollout = _held(rollout)
    if rollout.state == State.RUNNING:
        return
    if rollout.state != State.PLANNED:
        raise UnableToRollOut(
            f"This rollout is {rollout.get_state_display().lower()}: it was started before."
        )
    if not 0 <= canary <= LARGEST_WAVE or not 1 <= wave_size <= LARGEST_WAVE:
        raise UnableToRollOut(f"A wave has 1 to {LARGEST_WAVE:,} accounts, the canary 0 to {LARGEST_WAVE:,}.")
    if not 0 <= stop_above <= 100:
        raise UnableToRollOut("Write a number from 0 to 100 for the percentage.")
    if left := _unsent(rollout).filter(fit=Choice.Fit.UNCHECKED).count():
        raise UnableToRollOut(
            f"{count(left, 'account').capitalize()} must still be looked at. Wait for that."
        )
    if not _unsent(rollout).filter(fit=Choice.Fit.READY).exists():
        raise UnableToRollOut("No account is ready. See below what each of them needs.")
    rollout.canary, rollout.wave_size, rollout.stop_above = canary, wave_size, stop_above
    rollout.started_at = now
    _begin(rollout, by, now)


@transaction.atomic
def pause_rollout(*, rollout: Rollout, by: User, now: datetime) -> None:
    """No new waves, and what is asked and not sent is taken back. What was begun goes on to its end."""
    rollout = _held(rollout)
    if rollout.state != State.RUNNING:
        raise UnableToRollOut("Only a rollout that is under way can be paused.")
    rollout.state, rollout.reason = State.PAUSED, f"Paused by {by}."
    rollout.save(update_fields=["state", "reason"])
    _note(rollout, by, "Paused.")
    _ring(waves.take_back(rollout, f"Taken back: the rollout was paused by {by}.", now, by))


@transaction.atomic
def resume_rollout(*, rollout: Rollout, by: User, now: datetime) -> None:
    """Go on. What failed up to now is no reason to stop again; what became ready meanwhile is sent as well."""
    rollout = _held(rollout)
    if rollout.state == State.RUNNING:
        return
    if rollout.state not in (State.PAUSED, State.STOPPED, State.FINISHED):
        raise UnableToRollOut("Only a rollout that paused or stopped can be resumed.")
    if rollout.state == State.FINISHED and not _unsent(rollout).filter(fit=Choice.Fit.READY).exists():
        raise UnableToRollOut("Every account that is ready has it.")
    _begin(rollout, by, now)


@transaction.atomic
def cancel_rollout(*, rollout: Rollout, by: User, now: datetime) -> None:
    """Give up what is not sent, for good. What landed stays."""
    rollout = _held(rollout)
    if rollout.state == State.CANCELLED:
        return
    if not rollout.is_open:
        raise UnableToRollOut("This rollout is over: there is nothing left to cancel.")
    rollout.state, rollout.reason, rollout.ended_at = State.CANCELLED, f"Cancelled by {by}.", now
    rollout.save(update_fields=["state", "reason", "ended_at"])
    approving.close(rollout.approvals.all(), Approval.Verdict.WITHDRAWN, "", by, now)
    _note(rollout, by, "Cancelled.")
    _ring(waves.take_back(rollout, f"Taken back: the rollout was cancelled by {by}.", now, by))


@transaction.atomic
def retry_failed(*, rollout: Rollout, by: User, now: datetime) -> int:
    """Ask again for what failed, and for nothing else: what Klaviyo refused would be refused again. How many."""
    rollout = _held(rollout)
    if rollout.state in (State.PLANNED, State.CANCELLED):
        raise UnableToRollOut("Nothing of this rollout can be tried again.")
    later = Publication.objects.filter(install=OuterRef("install"), pk__gt=OuterRef("pk"))
    failed = rollout.publications.filter(~Exists(later), state=Publication.State.FAILED)
    again = []
    for publication in failed:
        try:
            with transaction.atomic():
                approving.ask_again(publication, by)
        except LostLease:
            continue
        again.append(publication)
    if not again:
        raise UnableToRollOut("Nothing failed that could be tried again.")
    _note(rollout, by, f"Asked again for {count(len(again), 'publication')}.")
    Install.objects.filter(publications__in=again).update(state=Install.State.PUBLISHING)
    _ring([one.account_id for one in again])
    if rollout.state in (State.FINISHED, State.STOPPED):
        _begin(rollout, by, now)
    return len(again)


def _note(rollout: Rollout, by: User, text: str) -> None:
    record(Act.ROLLOUT, workspace=rollout.workspace_id, thing=rollout, detail=text, by=by)


def _begin(rollout: Rollout, by: User, now: datetime) -> None:
    """Under way, or first to whoever has to say yes to the version and all answers."""
    _note(rollout, by, "Asked to send it.")
    missing = approving.lacking(rollout, by, now)
    if not missing:
        _go(rollout, by, now)
        return
    rollout.asked_by, rollout.reason = by, approving.waiting_for(missing)
    rollout.save()


def go_on_approved(*, rollout: Rollout, now: datetime) -> bool:
    """The last yes was said: what its asker began goes on. The caller holds the rollout."""
    by = rollout.asked_by
    if by is None or rollout.state == State.CANCELLED or approving.lacking(rollout, by, now):
        return False
    _go(rollout, by, now)
    return True


def take_no(*, rollout: Rollout, by: User, reason: str, now: datetime) -> None:
    """A second person said no: it stays as it is, and its asker reads why. The caller holds the rollout."""
    approving.close(rollout.approvals.all(), Approval.Verdict.LAPSED, f"{by} said no.", now=now)
    rollout.reason = f"{by} did not approve it: {reason}"
    rollout.save(update_fields=["reason"])


def withdraw(*, rollout: Rollout, by: User, now: datetime) -> None:
    """Nobody is asked any more; it can be started again."""
    rollout = _held(rollout)
    approving.close(rollout.approvals.all(), Approval.Verdict.WITHDRAWN, "", by, now)
    rollout.reason = f"Withdrawn by {by}."
    rollout.save(update_fields=["reason"])
    record(Act.RECALLED, workspace=rollout.workspace_id, thing=rollout, by=by)


def _go(rollout: Rollout, by: User, now: datetime) -> None:
    rollout.state, rollout.reason, rollout.ended_at = State.RUNNING, "", None
    rollout.asked_by, rollout.judged_from = by, now
    rollout.save()
    _ring(waves.advance(rollout.pk, now=now))


def _ring(accounts: Iterable[int]) -> None:
    for account_id in accounts:
        transaction.on_commit(partial(ring, account_id, queue=ROLLOUTS))


def _ring_dry_run(rollout: Rollout) -> None:
    transaction.on_commit(partial(ring_dry_run, rollout.pk))


# --- Shared --------------------------------------------------------------------------------------------------------


def _held(rollout: Rollout) -> Rollout:
    held = waves.lock(rollout.pk)
    assert held is not None
    return held


def _still_open(rollout: Rollout) -> None:
    if rollout.state == State.CANCELLED:
        raise UnableToRollOut("This rollout was cancelled. Plan a new one.")


def _unsent(rollout: Rollout) -> QuerySet[Choice]:
    return rollout.choices.filter(publication=None)


def _sent_already() -> Choice:
    raise UnableToRollOut("It was sent already. See how it went.")
