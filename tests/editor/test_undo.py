"""Every act is kept with its name, can be taken back and brought again: by oneself, by all, tomorrow, from the list."""

from __future__ import annotations

import contextlib
import json

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.graph.change import as_data
from flowbuilder.graph.rules import check_shape
from flowbuilder.models import Action, Edit, Flow
from flowbuilder.operations import acts, clipboard, designs, editing
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.queries import draft_of, edits
from tests import make

pytestmark = pytest.mark.django_db
WAIT, SPLIT, MAIL, TEXT = "time-delay", "conditional-split", "send-email", "send-sms"


@pytest.fixture
def flow(workspace) -> Flow:
    return designs.create_flow(workspace=workspace, by=None, name="Test")


def state(flow: Flow) -> str:
    """All that acts can change, read from the database alone."""
    return json.dumps(as_data(draft_of(Flow.objects.get(pk=flow.pk))), sort_keys=True)


def put(flow: Flow, kind: str = WAIT, source: str = "trigger", port: str = "next", by=None) -> str:
    return designs.insert_step(flow=flow, action_type=kind, source=source, port=port, by=by).key


def test_one_person_takes_back_own_acts(flow, alice, bob):
    empty = state(flow)
    mine = put(flow, by=alice)
    with_mine = state(flow)
    put(flow, source=mine, by=bob)
    acts.undo(flow=flow, by=bob)
    assert state(flow) == with_mine
    with pytest.raises(UnableToChange, match="nothing to undo"):
        acts.undo(flow=flow, by=bob)
    acts.undo(flow=flow, by=alice)
    assert state(flow) == empty
    acts.redo(flow=flow, by=alice)
    assert state(flow) == with_mine
    with pytest.raises(UnableToChange, match="nothing to redo"):
        acts.redo(flow=flow, by=alice)


def test_several_undos_and_redos_go_in_order(flow, alice):
    states = [state(flow)]
    for _ in range(4):
        put(flow, by=alice)
        states.append(state(flow))
    for before in reversed(states[:-1]):
        acts.undo(flow=flow, by=alice)
        assert state(flow) == before
    for after in states[1:]:
        acts.redo(flow=flow, by=alice)
        assert state(flow) == after
    acts.undo(flow=flow, by=alice)
    put(flow, MAIL, by=alice)
    with pytest.raises(UnableToChange, match="nothing to redo"):
        acts.redo(flow=flow, by=alice)


def test_the_last_act_of_anybody(flow, alice, bob):
    put(flow, by=alice)
    before = state(flow)
    put(flow, MAIL, by=bob)
    edit = acts.undo(flow=flow, by=alice, everybodys=True)
    assert state(flow) == before
    assert (edit.author, edit.kind, edit.of.author) == (alice, "undo", bob)
    acts.redo(flow=flow, by=bob, everybodys=True)
    assert flow.actions.filter(type=MAIL).exists()


def test_what_was_changed_again_is_not_taken_back(flow, alice, bob):
    key = put(flow, by=alice)
    editing.apply_form(flow=flow, key=key, posted={"value": ["3"]}, by=alice)
    editing.apply_form(flow=flow, key=key, posted={"value": ["5"]}, by=bob)
    before = state(flow)
    with pytest.raises(UnableToChange, match="changed again since"):
        acts.undo(flow=flow, by=alice)
    assert state(flow) == before
    editing.apply_form(flow=flow, key=key, posted={"unit": ["hours"]}, by=alice)
    acts.undo(flow=flow, by=bob)
    config = flow.actions.get(key=key).config
    assert (config["value"], config["unit"]) == (3, "hours"), "another setting of the same step holds"


def test_an_undo_never_leaves_a_link_to_nowhere(flow, alice, bob):
    """bob puts a step after alice's: hers cannot simply vanish."""
    key = put(flow, by=alice)
    put(flow, MAIL, source=key, by=bob)
    before = state(flow)
    with pytest.raises(UnableToChange):
        acts.undo(flow=flow, by=alice)
    assert state(flow) == before


def test_going_back_is_an_act_too(flow, alice):
    put(flow, by=alice)
    first = state(flow)
    number = flow.revision
    put(flow, SPLIT, by=alice)
    put(flow, MAIL, by=alice)
    last = state(flow)
    acts.restore(flow=flow, by=alice, number=number)
    assert state(flow) == first
    acts.undo(flow=flow, by=alice)
    assert state(flow) == last
    acts.restore(flow=flow, by=alice, number=0)
    assert not flow.actions.exists()


def test_acts_have_names(flow, alice):
    key = put(flow, MAIL, by=alice)
    post = {"message.subject_line": ["Hello"], "message.name": ["Mail 1"]}
    editing.apply_form(flow=flow, key=key, posted={"message.name": ["Mail 1"]}, by=alice)
    editing.apply_form(flow=flow, key=key, posted=post, by=alice)
    editing.apply_form(flow=flow, key=key, posted={"note": ["Ask Mia"]}, by=alice)
    put(flow, WAIT, by=alice)
    designs.delete_step(flow=flow, key=key, by=alice)
    designs.rename_flow(flow=flow, name="Better", by=alice)
    acts.undo(flow=flow, by=alice)
    assert list(flow.edits.order_by("number").values_list("name", flat=True)) == [
        "Add Email after the trigger",
        "Change name of “Email”",
        "Change subject of “Mail 1”",
        "Write a note on “Mail 1”",
        "Add Time delay after the trigger",
        "Delete “Mail 1”",
        "Rename to “Better”",
        "Undo: Rename to “Better”",
    ]


def test_an_act_that_changes_nothing_is_none(flow, alice):
    key = put(flow, by=alice)
    before = (flow.edits.count(), Flow.objects.get(pk=flow.pk).revision)
    editing.apply_form(flow=flow, key=key, posted={"value": ["1"]}, by=alice)
    designs.rename_flow(flow=flow, name="Test", by=alice)
    assert (flow.edits.count(), Flow.objects.get(pk=flow.pk).revision) == before


def test_edits_are_appended_and_never_changed(flow, alice):
    put(flow, by=alice)
    for changes in ({"change": []}, {"name": "Other"}, {"number": 9}, {"kind": "undo"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Edit.objects.filter(flow=flow).update(**changes)
    flow.delete()


def test_a_note_stays_with_its_step(flow, alice):
    key = put(flow, by=alice)
    editing.apply_form(flow=flow, key=key, posted={"note": ["Wait for legal"]}, by=alice)
    other = put(flow, MAIL, source=key, by=alice)
    designs.move_step(flow=flow, key=key, source=other, port="next", by=alice)
    assert draft_of(flow).graph.by_key[key].note == "Wait for legal"
    designs.delete_step(flow=flow, key=key, by=alice)
    acts.undo(flow=flow, by=alice)
    assert Action.objects.get(flow=flow, key=key).note == "Wait for legal"


# --- In the browser's words ------------------------------------------------------------------------------------


def test_the_list_tells_who_did_what(as_alice, flow, alice, bob):
    put(flow, by=alice)
    put(flow, MAIL, by=bob)
    url = reverse("editor:editor", args=[flow.pk])
    as_alice.post(reverse("editor:undo", args=[flow.pk]), {"what": "all"})
    page = as_alice.get(url, {"panel": "edits"}).content.decode()
    assert "Add Email after the trigger" in page
    assert str(bob) in page
    rows = edits.rows(Flow.objects.get(pk=flow.pk), alice)
    assert [(one.is_undone, one.is_mine, one.can_undo) for one in rows] == [
        (False, True, False),
        (True, False, False),
        (False, True, True),
    ]


@pytest.mark.parametrize("htmx", [True, False])
def test_undo_and_redo_by_post(as_alice, flow, alice, htmx):
    put(flow, by=alice)
    headers = {"HX-Request": "true"} if htmx else {}
    for act, steps in (("undo", 0), ("redo", 1), ("undo", 0)):
        answer = as_alice.post(reverse(f"editor:{act}", args=[flow.pk]), headers=headers)
        assert answer.status_code == (200 if htmx else 302)
        assert flow.actions.count() == steps


# --- Any acts --------------------------------------------------------------------------------------------------

ACT = st.tuples(
    st.sampled_from(
        [
            "put",
            "put",
            "set",
            "delete",
            "branch",
            "move",
            "swap",
            "name",
            "copy",
            "paste",
            "undo",
            "redo",
            "ask",
        ]
    ),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from([WAIT, SPLIT, MAIL, TEXT]),
    st.booleans(),
)


def perform(flow: Flow, people, act) -> None:
    name, one, other, kind, first = act
    by = people[0] if first else people[1]
    graph = draft_of(flow).graph
    places = [("trigger", "next"), *((step.key, port) for step in graph.steps for port in step.ports)]
    source, port = places[other % len(places)]
    keys = [step.key for step in graph.steps]
    if name in ("undo", "redo"):
        getattr(acts, name)(flow=flow, by=by, everybodys=bool(other % 2))
    elif name == "name":
        designs.rename_flow(flow=flow, by=by, name=f"Flow {other % 3}")
    elif name == "paste":
        clipboard.paste_steps(flow=flow, by=by, source=source, port=port)
    elif name == "put" or not keys:
        put(flow, kind, source, port, by=by)
    else:
        key = keys[one % len(keys)]
        step = graph.by_key[key]
        if name == "set":
            field = "value" if step.type == WAIT else "message.name"
            revision = max(0, flow.revision - one % 3)
            editing.apply_form(flow=flow, key=key, by=by, posted={field: [str(other)]}, revision=revision)
        elif name == "ask" and step.type == MAIL:
            editing.apply_form(flow=flow, key=key, by=by, posted={"act": ["ask:message.from_email"]})
        elif name == "delete":
            designs.delete_step(flow=flow, by=by, key=key)
        elif name == "branch":
            designs.delete_branch(flow=flow, by=by, key=key)
        elif name == "move":
            designs.move_step(flow=flow, by=by, key=key, source=source, port=port, branch=first)
        elif name == "swap":
            designs.swap_sides(flow=flow, by=by, key=key)
        elif name == "copy":
            clipboard.copy_steps(flow=flow, by=by, key=key, branch=first)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts_done=st.lists(ACT, max_size=14))
def test_any_acts_of_two_people_can_be_taken_back(workspace, alice, bob, acts_done):
    with transaction.atomic():
        flow = designs.create_flow(workspace=workspace, by=None, name="Any")
        first = state(flow)
        for act in acts_done:
            with contextlib.suppress(UnableToChange):
                perform(flow, (alice, bob), act)
            assert check_shape(draft_of(Flow.objects.get(pk=flow.pk)).graph) == []
            assert Flow.objects.get(pk=flow.pk).revision == flow.edits.count()
            for person in (alice, bob):  # the names in the bar are those of the acts that would be taken
                bar = Flow.objects.annotate(**edits.next_names(person.pk)).get(pk=flow.pk)
                assert bar.undoable == getattr(edits.undoable(flow, person).first(), "name", None)
                assert bar.redoable == getattr(edits.redoable(flow, person).first(), "name", None)
        # Replaying what is kept, from the last edit to the first, gives the flow as it was made.
        flow = Flow.objects.get(pk=flow.pk)
        for number in range(flow.revision, -1, -1):
            assert edits.draft_at(flow, number) is not None
        assert json.dumps(as_data(edits.draft_at(flow, 0)), sort_keys=True) == first
        if flow.revision:
            acts.restore(flow=flow, by=alice, number=0)
            assert state(flow) == first
        transaction.set_rollback(True)


def test_large_flows_take_no_more_queries(flow, alice, workspace, django_assert_max_num_queries):
    large = make.big_flow(workspace, 120)
    for one in (flow, large):
        with django_assert_max_num_queries(16):
            put(one, by=alice)
