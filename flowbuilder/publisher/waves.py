"""A rollout on its way: canary, then wave after wave, until all is sent, its rule stops it or a person does.

    advance(rollout, now)   by the clock and after each ended publication; running it twice, or for nothing, is harmless
    take_back(rollout)      what is not sent yet is not sent

Both hold the rollout's row, so that two workers make one wave once. They return the accounts whose lanes have
something to do: whoever calls rings there once it is committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from accounts.access import accounts_of
from accounts.models import CatalogEntry, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.definition.frozen import Frozen
from flowbuilder.kinds.base import count
from flowbuilder.models import Approval, Choice, Install, Publication, Rollout
from flowbuilder.publisher import approving, fits, made
from flowbuilder.publisher.states import LostLease, S, move

MAY_ROLL_OUT = (Membership.Role.OWNER, Membership.Role.MERCHANT)
ENOUGH = 5  # ended publications before the rule judges by them
HELD_BACK = 10  # percent of a wave that may still be open when the next one begins
LONG = timedelta(minutes=10)  # what waits longer does not hold up the next wave
CANARY = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Publications of a rollout. `ended` and `bad` count from the moment on from which the rule judges."""

    ended: int
    bad: int
    open: int
    wave: int  # of the wave under way: all of them,
    wave_open: int  # those that are open,
    wave_pending: int  # and of these the ones that are not parked for long

    @property
    def percent(self) -> float:
        return 100 * self.bad / self.ended if self.ended else 0.0


def under_way() -> list[int]:
    """The rollouts that the clock advances."""
    return list(
        Rollout.objects.filter(state=Rollout.State.RUNNING).order_by("pk").values_list("pk", flat=True)
    )


def lock(rollout_id: int) -> Rollout | None:
    """The rollout as it is now, held until the transaction ends."""
    rows = Rollout.objects.select_for_update(of=("self",))
    return (
        rows.select_related("workspace", "version__flow__template_flow", "asked_by")
        .filter(pk=rollout_id)
        .first()
    )


def advance(rollout_id: int, *, now: datetime) -> list[int]:
    """The next step of a rollout that is under way, if it is time for one."""
    return _advance(rollout_id, now) if _is_time(rollout_id, now) else []


def _is_time(rollout_id: int, now: datetime) -> bool:
    """A look without holding anything: after most publications that end there is nothing to do."""
    rollout = Rollout.objects.filter(pk=rollout_id).first()
    if rollout is None or rollout.state != Rollout.State.RUNNING:
        return rollout is not None
    tally = tally_of(rollout, now)
    return bool(broken_rule(rollout, tally)) or not is_held_up(rollout, tally)


@transaction.atomic
def _advance(rollout_id: int, now: datetime) -> list[int]:
    rollout = lock(rollout_id)
    if rollout is None or rollout.state == Rollout.State.PLANNED:
        return []
    _let_go(rollout)
    if rollout.state != Rollout.State.RUNNING:
        return []
    tally = tally_of(rollout, now)
    if reason := broken_rule(rollout, tally):
        return _stop(rollout, Rollout.State.STOPPED, reason, now)
    if is_held_up(rollout, tally):
        return []
    if reason := _asker_is_gone(rollout):
        return _stop(rollout, Rollout.State.PAUSED, reason, now)
    if missing := approving.lacking(rollout, None, now):
        return _stop(rollout, Rollout.State.PAUSED, _not_approved(missing), now)
    accounts = _make_wave(rollout, now)
    if not accounts and not tally.open and not _is_looking(rollout):
        _end(rollout, Rollout.State.FINISHED, now)
    return accounts


def _is_looking(rollout: Rollout) -> bool:
    """Accounts that came in later may be ready soon."""
    return rollout.choices.filter(fit=Choice.Fit.UNCHECKED, publication=None).exists()


def _let_go(rollout: Rollout) -> None:
    """What a person cancelled alone, in the history, is not sent again unless somebody looks at it again."""
    alone = rollout.choices.filter(publication__state=S.CANCELLED)
    installs = list(alone.values_list("publication__install", flat=True))
    if installs:
        Install.objects.filter(pk__in=installs, state=Install.State.CHOOSING).update(
            state=Install.State.GIVEN_UP
        )
        text = "Its publication was cancelled. Look again to have it sent after all."
        alone.update(publication=None, wave=None, fit=Choice.Fit.CANNOT, reason=text)


def tally_of(rollout: Rollout, now: datetime) -> Tally:
    """One query, whatever the number of accounts."""
    bad = Q(state__in=(S.REFUSED, S.FAILED))
    ended = bad | Q(state=S.PUBLISHED)
    judged = Q(ended_at__gte=rollout.judged_from) if rollout.judged_from else Q()
    is_open = Q(state__in=Publication.OPEN)
    here = Q(wave=rollout.wave) & ~Q(state=S.CANCELLED)
    parked = Q(not_before__gt=now + LONG)
    found = rollout.publications.order_by().aggregate(
        n_ended=Count("pk", filter=ended & judged),
        n_bad=Count("pk", filter=bad & judged),
        n_open=Count("pk", filter=is_open),
        n_wave=Count("pk", filter=here),
        n_wave_open=Count("pk", filter=here & is_open),
        n_parked=Count("pk", filter=here & is_open & parked),
    )
    pending = found["n_wave_open"] - found.pop("n_parked")
    return Tally(**{name[2:]: number for name, number in found.items()}, wave_pending=pending)


def broken_rule(rollout: Rollout, tally: Tally) -> str:
    """Why the rollout stops by its rule, in a sentence; empty while it may go on."""
    is_canary_over = rollout.wave == CANARY and not tally.wave_open
    if tally.ended < ENOUGH and not is_canary_over:
        return ""
    if not tally.bad or tally.percent <= rollout.stop_above:
        return ""
    were = "was" if tally.bad == 1 else "were"
    return (
        f"{tally.bad} of {count(tally.ended, 'publication')} failed or {were} refused: {tally.percent:.0f} %, and it "
        f"stops above {rollout.stop_above} %. See why, then resume it or cancel the rest."
    )


def is_held_up(rollout: Rollout, tally: Tally) -> bool:
    """Whether the wave under way has not ended well enough for the next one. The canary must have ended wholly."""
    if rollout.wave is None:
        return False
    if rollout.wave == CANARY:
        return tally.wave_open > 0
    return tally.wave_pending * 100 > HELD_BACK * tally.wave


def _asker_is_gone(rollout: Rollout) -> str:
    may = Membership.objects.filter(
        user=rollout.asked_by_id, workspace=rollout.workspace, role__in=MAY_ROLL_OUT
    )
    if rollout.asked_by_id and may.exists():
        return ""
    who = rollout.asked_by or "Who started it"
    return f"{who} may no longer publish for {rollout.workspace}. Somebody else can resume it."


# --- One wave --------------------------------------------------------------------------------------------------


def _not_approved(missing: list[Workspace]) -> str:
    whose = " and of ".join(str(one) for one in missing)
    return f"What would be sent has changed since it was approved: resume it, and somebody of {whose} is asked again."


def _make_wave(rollout: Rollout, now: datetime) -> list[int]:
    """The rows of the next wave: accounts that are ready, each looked at once more. Their accounts."""
    is_first = rollout.wave is None
    size = rollout.canary if is_first and rollout.canary else rollout.wave_size
    number = 0 if is_first and rollout.canary else (rollout.wave or 0) + 1
    ready = rollout.choices.filter(fit=Choice.Fit.READY, publication=None).order_by("pk")
    sent: list[Choice] = []
    while len(sent) < size and (batch := list(ready[: size - len(sent)])):
        sent += _send(rollout, batch, number, now)
    if sent:
        rollout.wave = number
        rollout.save(update_fields=["wave"])
    return [one.account_id for one in sent]


def _send(rollout: Rollout, batch: list[Choice], wave: int, now: datetime) -> list[Choice]:
    """Install and publication of each of these that may still have one; the others cannot, and say why."""
    version, ids = rollout.version, [one.account_id for one in batch]
    # Nobody else confirms an install into one of these accounts meanwhile.
    rows = KlaviyoAccount.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    accounts = {one.pk: one for one in rows}
    room = fits.room_in(version.flow.template_flow, rollout.workspace, ids)
    reasons = _obstacles(rollout, batch, accounts, room.taken)
    going = [one for one in batch if one.pk not in reasons]
    for one in batch:
        if one.pk in reasons:
            one.fit, one.reason = Choice.Fit.CANNOT, reasons[one.pk]
    Choice.objects.bulk_update([one for one in batch if one.pk in reasons], ["fit", "reason"])
    installs = _installs(rollout, going, room.again)
    publications = [
        Publication(
            workspace=rollout.workspace,
            install=install,
            version=version,
            account_id=one.account_id,
            asked_by=rollout.asked_by,
            rollout=rollout,
            wave=wave,
            flow_name=version.name,
            answers=fits.values_of(install.answers),
            shape=install.shape,
        )
        for one, install in zip(going, installs, strict=True)
    ]
    deciders = approving.deciders_in(rollout)
    for made_now in publications:
        owner_id = accounts[made_now.account_id].owner_id
        if any(approving.covers(decider, rollout, owner_id) for decider in deciders):
            made_now.needs_approval, made_now.approved_hash = True, approving.fingerprint(made_now)
    Publication.objects.bulk_create(publications)
    approving.approve_all([one for one in publications if one.needs_approval], now)
    for one, publication in zip(going, publications, strict=True):
        one.publication, one.wave = publication, wave
    Choice.objects.bulk_update(going, ["publication", "wave"])
    return going


def _installs(rollout: Rollout, going: list[Choice], again: Mapping[int, Install]) -> list[Install]:
    """One for each, in their order: taken up again where nothing came of it before, else new."""
    found = []
    for one in going:
        install = again.get(one.account_id) or Install(
            workspace=rollout.workspace,
            template_flow=rollout.version.flow.template_flow,
            account_id=one.account_id,
            created_by=rollout.asked_by,
        )
        install.version, install.answers = rollout.version, one.answers
        install.shape = dict(rollout.shape)
        install.state = Install.State.PUBLISHING
        found.append(install)
    Install.objects.bulk_update([one for one in found if one.pk], ["version", "answers", "shape", "state"])
    Install.objects.bulk_create([one for one in found if not one.pk])
    return found


def _obstacles(
    rollout: Rollout,
    batch: list[Choice],
    accounts: Mapping[int, KlaviyoAccount],
    taken: Mapping[int, Install],
) -> dict[int, str]:
    """choice -> why it cannot be sent now, though it was ready in the dry run.

    What depends on nothing but the design and the answers was judged there, and neither has changed since.
    """
    allowed = set(
        accounts_of(rollout.workspace, "publish").filter(pk__in=accounts).values_list("pk", flat=True)
    )
    frozen = Frozen(rollout.version.document)
    entries = _entries(accounts, batch)
    known = {account: fits.known_of(entries.get(account, [])) for account in accounts}
    found = {}
    for one in batch:
        account = accounts[one.account_id]
        gone = [
            question.question
            for question in frozen.questions
            if (held := one.answers.get(question.key))
            and not fits.is_there(question, held["value"], known[account.pk])
        ]
        if rollout.version.withdrawn_at:
            found[one.pk] = (
                f"Version {rollout.version.number} was withdrawn: {rollout.version.withdrawn_reason} "
                "Roll out another one."
            )
        elif account.pk not in allowed:
            found[one.pk] = f"{rollout.workspace} may no longer publish to {account}. Ask {account.owner}."
        elif not account.is_connected:
            found[one.pk] = f"{account} was disconnected. Reconnect it, then look again."
        elif account.pk in taken:
            found[one.pk] = fits.way_is_taken(taken[account.pk], account, rollout.version.flow.template_flow)
        elif gone:
            found[one.pk] = f"“{gone[0]}” needs a new answer: it is not in {account} any more."
        elif any(question.key not in one.answers for question in frozen.needed(fits.values_of(one.answers))):
            found[one.pk] = "Some questions are open again. Look again."
    return found


def _entries(accounts: Mapping[int, KlaviyoAccount], batch: list[Choice]) -> dict[int, list[CatalogEntry]]:
    """account -> what its answers may name."""
    ids = set()
    for one in batch:
        for answer in one.answers.values():
            value = answer["value"]
            ids |= {each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)}
    found: dict[int, list[CatalogEntry]] = {}
    for entry in CatalogEntry.objects.filter(account__in=accounts, klaviyo_id__in=ids).order_by():
        found.setdefault(entry.account_id, []).append(entry)
    return found


# --- Ends ------------------------------------------------------------------------------------------------------


def _stop(rollout: Rollout, state: str, reason: str, now: datetime) -> list[int]:
    rollout.state, rollout.reason = state, reason
    rollout.save(update_fields=["state", "reason"])
    return take_back(rollout, "Taken back: the rollout stopped before it was sent.", now)


def take_back(rollout: Rollout, reason: str, now: datetime, by: User | None = None) -> list[int]:
    """Cancel what is asked and not sent; its accounts wait for their turn again. The caller holds the rollout. `by`:
    the person who stopped it, where it was not the machine.

    What a worker has begun goes on to its end. Returns the accounts, in which something may be to tidy.
    """
    waiting = rollout.publications.filter(
        state__in=(S.ASKED, S.APPROVED, S.WAITING), klaviyo_flow_id="", kind=Publication.Kind.CREATE
    )
    back = []
    for publication in waiting.select_related("install"):
        try:
            with transaction.atomic():
                move(publication, S.CANCELLED, reason, by=by)
        except LostLease:
            continue
        made.give_back(publication, now)
        back.append(publication)
    approving.close(
        Approval.objects.filter(publication__in=back), Approval.Verdict.WITHDRAWN, reason, now=now
    )
    Install.objects.filter(pk__in=[one.install_id for one in back]).update(state=Install.State.GIVEN_UP)
    Choice.objects.filter(publication__in=back).update(publication=None, wave=None)
    return [one.account_id for one in back]


def _end(rollout: Rollout, state: str, now: datetime) -> None:
    rollout.state, rollout.reason, rollout.ended_at = state, "", now
    rollout.save(update_fields=["state", "reason", "ended_at"])
