"""The table of moves, kept by the code and by the database; what is written down with each; leases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts import rows
from flowbuilder.guards import GUARDS_OF_MOVES, guards_of_moves
from flowbuilder.models import Move, Publication
from flowbuilder.publisher.states import ENDS, MOVES, LostLease, S, due, move, next_due, take, take_next
from tests import make

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=3)


@pytest.fixture
def publication(workspace, alice) -> Publication:
    return asked(make.template(workspace), make.account(workspace), alice)


def asked(template, account, by=None, **more) -> Publication:
    return Publication.objects.create(
        workspace=account.owner,
        version=template.current_version,
        account=account,
        asked_by=by,
        flow_name="Abandoned cart",
        **more,
    )


def is_taken(publication: Publication, state: str) -> bool:
    """Whether the database lets this row go to the state; the row is left as it was."""
    try:
        with transaction.atomic():
            Publication.objects.filter(pk=publication.pk).update(state=state)
            transaction.set_rollback(True)
    except IntegrityError:
        return False
    return True


# --- The table


def test_the_table_names_every_state_and_none_is_a_trap():
    assert set(MOVES) == set(S.values)
    for state in S.values:
        make.way(S.ASKED, state)
        assert state in ENDS or any(make.way(state, end) for end in (S.PUBLISHED, S.FAILED))
    assert {state for state in ENDS if MOVES[state]} == {S.FAILED}, "what has ended stays so"


@pytest.mark.parametrize("start", S.values)
def test_the_database_allows_what_the_table_says_and_nothing_else(publication, start):
    """Every pair. A row that is written as it was goes nowhere, and may be."""
    make.bring(publication, start)
    allowed = {to for to in S.values if is_taken(publication, to)}
    assert allowed == {*MOVES[start], start}


@pytest.mark.parametrize("state", [one for one in S.values if one != S.ASKED])
def test_a_publication_begins_asked(publication, state):
    twin = Publication.objects.get(pk=publication.pk)
    twin.pk, twin.state = None, state
    with pytest.raises(IntegrityError, match="a publication begins asked"), transaction.atomic():
        twin.save(force_insert=True)
    twin.state = S.ASKED
    twin.save(force_insert=True)


def test_a_row_that_was_read_long_ago_does_not_bring_its_state_back(publication):
    stale = Publication.objects.get(pk=publication.pk)
    make.bring(publication, S.SENDING)
    stale.reason = "What I knew."
    with pytest.raises(IntegrityError, match="does not go that way"), transaction.atomic():
        stale.save()


def test_the_code_refuses_before_the_database(publication):
    with pytest.raises(AssertionError, match="does not go from asked to published"):
        move(publication, S.PUBLISHED)
    assert publication.state == S.ASKED
    assert not publication.moves.exists()


def test_the_guards_can_be_made_again():
    """A later migration that rebuilds a table has to; what stands there then is the same."""

    def standing() -> set[str]:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
            else:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            return {name for (name,) in cursor.fetchall()}

    before = standing()
    assert {name for name, _ in GUARDS_OF_MOVES} <= before
    with connection.cursor() as cursor:
        for statement in guards_of_moves(connection.vendor, MOVES):
            cursor.execute(statement)
    assert standing() == before


# --- What is written down


def test_a_move_is_written_with_its_reason_and_time(publication, alice):
    before, until = now(), now() + timedelta(hours=1)
    move(publication, S.WAITING, "The day's flows are used.", not_before=until)
    move(publication, S.CANCELLED, "Not any more.", by=alice)
    first, second = publication.moves.all()
    assert (first.number, first.from_state, first.to_state, first.until) == (1, "asked", "waiting", until)
    assert (first.reason, first.by, first.attempt_number) == ("The day's flows are used.", None, 0)
    assert (second.number, second.from_state, second.to_state, second.by) == (
        2,
        "waiting",
        "cancelled",
        alice,
    )
    assert before <= first.at <= second.at <= now()
    publication.refresh_from_db()
    assert (publication.state, publication.ended_at) == ("cancelled", second.at)
    assert str(second) == "waiting to cancelled"


def test_moves_are_counted_for_each_publication(publication):
    other = Publication.objects.get(pk=publication.pk)
    other.pk = None
    other.save(force_insert=True)
    for one in (publication, other, publication):
        move(one, S.WAITING, "Wait.")
    assert list(publication.moves.values_list("number", flat=True)) == [1, 2]
    assert list(other.moves.values_list("number", flat=True)) == [1]


def test_who_was_slower_writes_nothing_and_may_go_on(publication):
    slow = Publication.objects.get(pk=publication.pk)
    move(publication, S.PREPARING)
    with pytest.raises(LostLease):
        move(slow, S.FAILED, "I was asleep.")
    assert slow.state == S.ASKED
    assert [one.to_state for one in publication.moves.all()] == ["preparing"]


def test_no_state_without_its_move(publication, monkeypatch):
    def refuse(model, given, **computed):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(rows, "insert", refuse)
    with pytest.raises(RuntimeError), transaction.atomic():
        move(publication, S.PREPARING)
    assert publication.state == S.ASKED
    publication.refresh_from_db()
    assert publication.state == S.ASKED


def test_a_move_costs_two_queries(publication):
    with CaptureQueriesContext(connection) as caught:
        move(publication, S.PREPARING)
    assert len(caught) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "Another story."},
        {"to_state": "published"},
        {"from_state": "failed"},
        {"number": 7},
        {"at": now() - timedelta(days=1)},
        {"until": None, "attempt_number": 4},
        {"id": 999_999},
    ],
)
def test_a_move_never_changes(publication, change):
    move(publication, S.WAITING, "Wait.")
    with pytest.raises(IntegrityError, match="a move never changes"), transaction.atomic():
        Move.objects.update(**change)


def test_a_move_stays(publication):
    move(publication, S.WAITING, "Wait.")
    with pytest.raises(IntegrityError, match="a move stays"), transaction.atomic():
        publication.moves.all().delete()
    with pytest.raises(ProtectedError), transaction.atomic():
        publication.delete()


def test_a_person_who_leaves_is_taken_out_and_nobody_put_in_their_place(publication, bob, charlie):
    move(publication, S.CANCELLED, "Not any more.", by=bob)
    with pytest.raises(IntegrityError, match="a move never changes"), transaction.atomic():
        publication.moves.update(by=charlie)
    bob.delete()
    assert publication.moves.get().by is None
    with pytest.raises(IntegrityError), transaction.atomic():
        publication.moves.update(by=charlie)


# --- Leases


def test_one_of_two_workers_takes_it(publication):
    first = take(publication.pk, lease=LEASE)
    assert first is not None
    assert (first.attempt_number, first.state) == (1, S.ASKED)
    assert take(publication.pk, lease=LEASE) is None


def test_what_a_dead_worker_held_is_taken_again_and_it_writes_no_more(publication):
    moment = now()
    dead = take(publication.pk, lease=LEASE, now=moment)
    assert dead is not None
    assert take(publication.pk, lease=LEASE, now=moment + LEASE) is None
    alive = take(publication.pk, lease=LEASE, now=moment + LEASE + timedelta(seconds=1))
    assert alive is not None
    assert alive.attempt_number == 2
    move(alive, S.PREPARING)
    with pytest.raises(LostLease):
        move(dead, S.PREPARING)
    assert [one.attempt_number for one in publication.moves.all()] == [2]


@pytest.mark.parametrize("state", S.values)
def test_what_is_open_is_due_and_what_has_ended_is_not(publication, state):
    make.bring(publication, state)
    moment = now()
    mine = Publication.objects.filter(pk=publication.pk)
    assert mine.filter(due(moment)).exists() == (state not in ENDS) == publication.is_open
    mine.update(not_before=moment + timedelta(seconds=5))
    assert not mine.filter(due(moment)).exists()
    assert mine.filter(due(moment + timedelta(seconds=5))).exists() == (state not in ENDS)


@pytest.mark.parametrize("not_before", [None, -1, 0, 1])
@pytest.mark.parametrize("lease", [None, -1, 0, 1])
@pytest.mark.parametrize("state", S.values)
def test_what_a_worker_takes_is_what_is_due(publication, state, lease, not_before):
    """The rule stands there twice: for Django's queries, and for the statements of each publication."""
    make.bring(publication, state)
    moment = now()
    leased, ripe = (None if one is None else moment + timedelta(seconds=one) for one in (lease, not_before))
    Publication.objects.update(lease_until=leased, not_before=ripe)
    is_due = Publication.objects.filter(due(moment)).exists()
    assert (next_due(publication.account_id, moment) == publication.pk) == is_due
    assert next_due(publication.account_id + 1, moment) is None
    assert (take(publication.pk, lease=LEASE, now=moment) is not None) == is_due
    Publication.objects.update(lease_until=leased)
    assert take_next(publication.account_id + 1, lease=LEASE, now=moment) is None
    taken = take_next(publication.account_id, lease=LEASE, now=moment)
    assert (taken is not None and taken.pk == publication.pk) == is_due


def test_asked_again_is_a_fresh_start(publication, alice):
    move(publication, S.FAILED, "Broken.")
    with pytest.raises(AssertionError, match="by a person"):
        move(publication, S.ASKED)
    Publication.objects.filter(pk=publication.pk).update(refusals=[{"text": "No."}])
    move(publication, S.ASKED, "Asked again.", by=alice)
    publication.refresh_from_db()
    assert (publication.ended_at, publication.refusals, publication.lease_until) == (None, [], None)


def test_a_row_that_needs_an_approval_is_not_due(publication):
    """Neither by the ORM nor by the statements of workers; tests/approvals have the way on."""
    Publication.objects.filter(pk=publication.pk).update(needs_approval=True)
    assert not Publication.objects.filter(due(now())).exists()
    assert next_due(publication.account_id, now()) is None
    assert take(publication.pk, lease=LEASE) is None
