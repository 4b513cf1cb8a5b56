"""A publication under two workers and a person, in any order, against a simple reference in plain Python.

Whatever happens: the row is what the reference says, it went only where the table leads, what was written down
leads there too, and of two workers only the one whose turn it is writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now as right_now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from flowbuilder.models import Publication
from flowbuilder.operations.publications import (
    UnableToAct,
    cancel_publication,
    decide_publication,
    retry_publication,
)
from flowbuilder.publisher.states import ENDS, LostLease, S, move, take
from tests import make
from tests.publisher.test_states import asked

LEASE = timedelta(minutes=3)
# Written here once more by hand, so that a slip in the table does not slip through.
LEGAL = {
    "asked": {"approved", "preparing", "verifying", "waiting", "failed", "cancelled"},
    "approved": {"asked", "preparing", "verifying", "waiting", "failed", "cancelled"},
    "preparing": {"sending", "waiting", "refused", "failed"},
    "sending": {"verifying", "waiting", "refused", "failed", "unknown"},
    "unknown": {"verifying", "waiting", "unknown"},
    "verifying": {"published", "waiting", "verifying"},
    "waiting": {"asked", "preparing", "verifying", "waiting", "cancelled", "failed"},
    "failed": {"asked"},
    "refused": set(),
    "published": set(),
    "cancelled": set(),
}
states = st.sampled_from(sorted(LEGAL))


@dataclass
class Reference:
    """What a publication is, without a database."""

    state: str = "asked"
    turn: int = 0
    lease_until: datetime | None = None
    not_before: datetime | None = None
    flow_id: str = ""
    found: list[str] = field(default_factory=list)
    not_ours: list[str] = field(default_factory=list)
    way: list[tuple[str, str, bool, int]] = field(default_factory=list)  # from, to, by a person, turn

    def is_due(self, now: datetime) -> bool:
        is_free = self.lease_until is None or self.lease_until < now
        is_ripe = self.not_before is None or self.not_before <= now
        return is_free and is_ripe and self.state not in ENDS

    def go(self, to: str, *, person: bool = False, not_before: datetime | None = None) -> None:
        assert to in LEGAL[self.state]
        self.way.append((self.state, to, person, self.turn))
        self.state, self.not_before = to, not_before
        if to not in ("approved", "preparing", "sending", "verifying"):
            self.lease_until = None
        if to != "unknown":
            self.found = []


@dataclass
class Held:
    """What a worker believes."""

    publication: Publication
    state: str
    turn: int


class Machine(RuleBasedStateMachine):
    template: Any
    account: Any
    person: User

    def __init__(self) -> None:
        super().__init__()
        self.now = right_now()
        self.begin()

    @precondition(lambda self: self.reference.state in ENDS)
    @rule()
    def begin(self) -> None:
        """Another one, since nothing more happens to that."""
        self.row = asked(self.template, self.account, self.person)
        ids = (f"Aa{self.row.pk}", f"Bb{self.row.pk}")  # as in an account, no two flows have one id
        self.there = [{"id": one, "name": "Abandoned cart", "created": ""} for one in ids]
        self.reference = Reference()
        self.hands: dict[int, Held | None] = {1: None, 2: None}

    # --- Workers

    @rule(seconds=st.sampled_from([1, 60, 180, 181, 600]))
    def time_goes_by(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(worker=st.sampled_from([1, 2]), is_late=st.booleans(), moves=st.integers(0, 8), data=st.data())
    def a_worker_takes_it(self, worker: int, is_late: bool, moves: int, data: st.DataObject) -> None:
        """And goes on with it, or falls asleep; `is_late`: when leases and waits are over."""
        if is_late:
            self.now += timedelta(minutes=11)
        taken = take(self.row.pk, lease=LEASE, now=self.now)
        assert (taken is not None) == self.reference.is_due(self.now)
        if taken is None:
            return
        self.reference.turn += 1
        self.reference.lease_until = self.now + LEASE
        assert (taken.state, taken.attempt_number) == (self.reference.state, self.reference.turn)
        held = self.hands[worker] = Held(taken, taken.state, taken.attempt_number)
        for _ in range(moves):
            self.go_on(held, data)
            if self.reference.lease_until is None:
                break  # it parked it

    @precondition(lambda self: any(self.hands.values()))
    @rule(data=st.data())
    def a_worker_goes_on(self, data: st.DataObject) -> None:
        """It may have slept through its lease."""
        self.go_on(data.draw(st.sampled_from([one for one in self.hands.values() if one])), data)

    def go_on(self, held: Held, data: st.DataObject) -> None:
        """Mostly on; sometimes to an end; sometimes it has gone mad."""
        mood = data.draw(st.sampled_from(["on", "on", "on", "wait", "any", "mad"]), label="mood")
        onward = LEGAL[held.state] - set(ENDS) - {"waiting"} or LEGAL[held.state]
        choices = {"on": onward, "wait": LEGAL[held.state] & {"waiting"}, "any": LEGAL[held.state]}
        to = data.draw(st.sampled_from(sorted(choices.get(mood) or LEGAL)), label="to")
        seconds = data.draw(st.sampled_from([0, 0, 1, 200, 600]), label="wait")
        until = self.now + timedelta(seconds=seconds) if seconds else None
        more: dict[str, Any] = {}
        if held.state == "unknown" == to:
            more["wanted"] = {**held.publication.wanted, "found": self.there}
        if held.state == "sending" and to == "verifying":
            more["klaviyo_flow_id"] = f"Cc{self.row.pk}"
        if to not in LEGAL[held.state] or held.state in ENDS:
            with pytest.raises(AssertionError):
                move(held.publication, to, not_before=until, **more)
            return
        if (held.state, held.turn) != (self.reference.state, self.reference.turn):
            with pytest.raises(LostLease):
                move(held.publication, to, not_before=until, **more)
            assert held.publication.state == held.state
            return
        move(held.publication, to, "As it goes.", not_before=until, **more)
        held.state = to
        self.reference.go(to, not_before=until)
        if "wanted" in more:
            self.reference.found = [one["id"] for one in self.there]
        self.reference.flow_id = more.get("klaviyo_flow_id", self.reference.flow_id)

    @rule(to=states)
    def somebody_writes_a_state_by_hand(self, to: str) -> None:
        if to in LEGAL[self.reference.state] or to == self.reference.state:
            return
        with pytest.raises(IntegrityError), transaction.atomic():
            Publication.objects.filter(pk=self.row.pk).update(state=to)

    # --- People

    @rule(act=st.sampled_from(["approve", "approve", "cancel", "ask again", "decide"]))
    def a_person_acts(self, act: str) -> None:
        if act == "approve":
            self.approve()
        elif act == "cancel":
            self.cancel()
        elif act == "ask again":
            self.ask_again()
        else:
            self.decide(None)

    @precondition(lambda self: self.reference.state == "unknown")
    @rule(choice=st.sampled_from([0, 1, 2, None]))
    def a_person_decides(self, choice: int | None) -> None:
        """Which of the two it is, or another one, or none of them."""
        self.decide(None if choice is None else [*(one["id"] for one in self.there), "Zz"][choice])

    def approve(self) -> None:
        if self.reference.state == "asked":
            move(Publication.objects.get(pk=self.row.pk), S.APPROVED, "Fine.", by=self.person)
            self.reference.go("approved", person=True)

    def cancel(self) -> None:
        if self.reference.state not in ("asked", "approved", "waiting") or self.reference.flow_id:
            with pytest.raises(UnableToAct):
                cancel_publication(publication=self.row, by=self.person)
            return
        cancel_publication(publication=self.row, by=self.person)
        self.reference.go("cancelled", person=True)

    def ask_again(self) -> None:
        if self.reference.state != "failed":
            with pytest.raises(UnableToAct):
                retry_publication(publication=self.row, by=self.person)
            return
        retry_publication(publication=self.row, by=self.person)
        self.reference.go("asked", person=True)

    def decide(self, choice: str | None) -> None:
        if not self.reference.found or choice not in (None, *self.reference.found):
            with pytest.raises(UnableToAct):
                decide_publication(publication=self.row, flow_id=choice, by=self.person)
            return
        decide_publication(publication=self.row, flow_id=choice, by=self.person)
        if choice is None:
            self.reference.not_ours += self.reference.found
            self.reference.go("waiting", person=True)
        else:
            self.reference.go("verifying", person=True)
            self.reference.flow_id, self.reference.lease_until = choice, None

    # --- What always holds

    @invariant()
    def the_row_is_what_the_reference_says(self) -> None:
        row = Publication.objects.get(pk=self.row.pk)
        said = self.reference
        assert (row.state, row.attempt_number, row.klaviyo_flow_id) == (said.state, said.turn, said.flow_id)
        assert (row.lease_until, row.not_before) == (said.lease_until, said.not_before)
        assert [one["id"] for one in row.wanted.get("found", [])] == said.found
        assert row.wanted.get("not_ours", []) == said.not_ours
        assert (row.ended_at is not None) == (row.state in ENDS)

    @invariant()
    def what_was_written_down_leads_there(self) -> None:
        moves = list(self.row.moves.select_related("by"))
        assert [one.number for one in moves] == list(range(1, len(moves) + 1))
        state = "asked"
        for one in moves:
            assert one.from_state == state
            assert one.to_state in LEGAL[state]
            assert state not in ENDS or one.by is not None, "what has ended stays so, but for a person"
            state = one.to_state
        assert state == self.reference.state
        found = [(one.from_state, one.to_state, one.by is not None, one.attempt_number) for one in moves]
        assert found == self.reference.way

    @invariant()
    def each_turn_ends_it_once_at_most(self) -> None:
        ended = [turn for _, to, person, turn in self.reference.way if to in ENDS and not person]
        assert len(ended) == len(set(ended))


@pytest.mark.django_db
def test_it_is_what_the_reference_says_whatever_happens(workspace, alice):
    Machine.template = make.template(workspace)
    Machine.account = make.account(workspace)
    Machine.person = alice
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
