"""Questions and switches as acts on a flow: marked, worded, ordered, shared, taken back; and what stops a version."""

from __future__ import annotations

import pytest
from django.urls import reverse

from flowbuilder.graph.surgery import UnableToChange, UnableToFind
from flowbuilder.graph.switching import Part
from flowbuilder.models import Edit, Version
from flowbuilder.operations import acts, designs, editing, question_acts
from flowbuilder.operations.clipboard import copy_steps, paste_steps
from flowbuilder.operations.library import UnableToPublish, flow_from_document, publish_version
from flowbuilder.queries import Design, draft_of
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(workspace):
    """[metric] -> <wait-1> -> (can-text) -yes-> [text-1], -no-> [mail-1] -> <wait-2> -> [mail-2]"""
    return make.flow(workspace)


def asked(flow):
    return draft_of(flow).requirements


def ask(flow, step, path):
    before = set(asked(flow))
    editing.apply_form(flow=flow, key=step, posted={"act": [f"ask:{path}"]})
    return next(iter(set(asked(flow)) - before))


def test_any_field_is_asked_in_one_press_and_unasked_in_another(flow):
    was = draft_of(flow)
    key = ask(flow, "mail-1", "message.smart_sending_enabled")
    assert asked(flow)[key]["kind"] == "yes-no"
    editing.apply_form(flow=flow, key="mail-1", posted={"act": ["unask:message.smart_sending_enabled"]})
    assert draft_of(flow) == was
    acts.undo(flow=flow, by=None)
    acts.undo(flow=flow, by=None)
    assert draft_of(flow) == was


def test_one_question_serves_several_fields(flow):
    one = ask(flow, "mail-1", "message.subject_line")
    other = ask(flow, "mail-2", "message.subject_line")
    assert one != other
    editing.apply_form(flow=flow, key="mail-2", posted={"same.message.subject_line": [one]})
    assert other not in asked(flow)  # it stood nowhere else
    assert draft_of(flow).graph.by_key["mail-2"].config["message"]["subject_line"] == {"$ask": one}
    with pytest.raises(UnableToChange):  # of another kind
        editing.apply_form(flow=flow, key="mail-2", posted={"same.message.subject_line": ["sender"]})


def test_a_question_is_worded_and_becomes_a_choice(flow):
    key = ask(flow, "mail-1", "message.subject_line")
    posted = {
        "question": "Which tone?",
        "help": "Say it.",
        "who": "A developer",
        "kind": "choice",
        "default": "b",
    }
    question_acts.change_question(
        flow=flow,
        by=None,
        key=key,
        posted={**posted, "option_label": ["Warm", "Brisk", ""], "option_value": ["Hello you", "b", ""]},
    )
    one = asked(flow)[key]
    assert (one["question"], one["help"], one["who"], one["kind"]) == (
        "Which tone?",
        "Say it.",
        "A developer",
        "choice",
    )
    assert one["options"] == [{"value": "Hello you", "label": "Warm"}, {"value": "b", "label": "Brisk"}]
    assert one["default"] == "b"
    with pytest.raises(UnableToChange, match="no answer"):
        question_acts.change_question(flow=flow, by=None, key=key, posted={"default": "c"})
    with pytest.raises(UnableToChange, match="cannot stand"):
        question_acts.change_question(flow=flow, by=None, key=key, posted={"kind": "number"})
    with pytest.raises(UnableToFind):
        question_acts.change_question(flow=flow, by=None, key="ghost", posted={})


def test_a_delay_is_suggested_with_its_unit(flow):
    key = ask(flow, "wait-1", "value")
    assert asked(flow)[key]["kind"] == "delay"
    with pytest.raises(UnableToChange, match="no answer"):
        question_acts.change_question(
            flow=flow, by=None, key=key, posted={"default": "0", "default_unit": "days"}
        )
    question_acts.change_question(
        flow=flow, by=None, key=key, posted={"default": "3", "default_unit": "days"}
    )
    assert asked(flow)[key]["default"] == {"value": 3, "unit": "days"}
    editing.apply_form(flow=flow, key="wait-1", posted={"act": ["unask:value"]})
    assert draft_of(flow).graph.by_key["wait-1"].config["unit"] == "days"


def test_the_order_is_an_act_that_can_be_taken_back(flow):
    before = list(Design(flow).requirements)
    question_acts.move_question(flow=flow, by=None, key=before[1], up=True)
    assert list(Design(flow).requirements) == [before[1], before[0], *before[2:]]
    acts.undo(flow=flow, by=None)
    assert list(Design(flow).requirements) == before


def test_a_question_that_is_dropped_leaves_its_suggestion(flow):
    key = ask(flow, "mail-1", "message.subject_line")
    was = asked(flow)[key]["default"]
    question_acts.drop_question(flow=flow, by=None, key=key)
    assert key not in asked(flow)
    assert draft_of(flow).graph.by_key["mail-1"].config["message"]["subject_line"] == was


def test_a_switch_follows_the_flow(flow):
    """-no-> [mail-1] -> <wait-2> -> [mail-2]: the part from mail-1 to mail-2 loses its ends, and goes with them"""
    key = question_acts.switch_part(flow=flow, by=None, part=Part("mail-1", "mail-2"), wording="Emails?")
    assert asked(flow)[key]["switches"] == [
        {"start": "mail-1", "end": "mail-2", "keep": "", "side": "", "on": [True]}
    ]
    designs.delete_step(flow=flow, by=None, key="mail-2")
    assert asked(flow)[key]["switches"][0]["end"] == "wait-2"
    designs.delete_step(flow=flow, by=None, key="mail-1")
    assert asked(flow)[key]["switches"][0]["start"] == "wait-2"
    designs.delete_step(flow=flow, by=None, key="wait-2")
    assert key not in asked(flow)
    for _ in range(3):
        acts.undo(flow=flow, by=None)
    assert asked(flow)[key]["switches"][0]["end"] == "mail-2"
    assert (
        Edit.objects.filter(flow=flow).order_by("number").first().name
        == "Let “Emails?” switch “Email 1: Did you forget this?”"
    )


def test_what_cannot_be_switched_is_said(flow):
    key = question_acts.switch_part(flow=flow, by=None, part=Part("text-1"))
    for part, name, sentence in (
        (Part("text-1"), key, "already"),
        (Part("mail-1"), "sender", "yes or no"),
        (Part("mail-1", "text-1"), key, "does not lead"),
        (Part("can-text", side="perhaps"), key, "side"),
    ):
        with pytest.raises(UnableToChange, match=sentence):
            question_acts.switch_part(flow=flow, by=None, part=part, key=name)
    with pytest.raises(UnableToChange, match="Leave one out"):
        question_acts.change_switch(
            flow=flow, by=None, key=key, start="text-1", index=0, on=["true", "false"]
        )
    question_acts.change_switch(flow=flow, by=None, key=key, start="text-1", index=0, on=["false"])
    assert asked(flow)[key]["switches"][0]["on"] == [False]
    question_acts.drop_switch(flow=flow, by=None, key=key, start="text-1", index=0)
    assert key not in asked(flow)


def test_a_version_waits_for_every_combination(flow):
    """Without the text and the email the split has nothing on either side."""
    first = question_acts.switch_part(flow=flow, by=None, part=Part("text-1"), wording="Send texts?")
    question_acts.switch_part(flow=flow, by=None, part=Part("mail-1", "mail-2"), wording="Send emails?")
    with pytest.raises(
        UnableToPublish, match="With “Send texts\\?” no and “Send emails\\?” no: Both ways"
    ) as stopped:
        publish_version(flow=flow, by=None)
    assert stopped.value.problems[0].step == "can-text"
    assert not Version.objects.exists()
    question_acts.drop_question(flow=flow, by=None, key=first)
    version = publish_version(flow=flow, by=None)
    held = next(one for one in version.document["requirements"] if one["question"] == "Send emails?")
    assert held["switches"] == [{"start": "mail-1", "end": "mail-2", "keep": "", "side": "", "on": [True]}]
    again = flow_from_document(workspace=flow.workspace, by=None, document=version.document)
    assert Design(again).proof.total == 2


def test_switches_do_not_travel_with_copies(flow, alice):
    key = ask(flow, "text-1", "message.body")
    posted = {"kind": "choice", "option_label": ["A", "B"], "option_value": ["a", "b"], "default": "a"}
    question_acts.change_question(flow=flow, by=None, key=key, posted=posted)
    question_acts.switch_part(flow=flow, by=None, part=Part("mail-2"), key=key)
    copy_steps(flow=flow, key="text-1", by=alice)
    entry = paste_steps(flow=flow, source="mail-2", port="next", by=alice).entry
    assert draft_of(flow).graph.by_key[entry].config["message"]["body"] == {
        "$ask": key
    }  # the same question, once
    assert len(asked(flow)[key]["switches"]) == 1


def test_the_panels_and_the_wizard_tell_it(as_alice, flow):
    key = ask(flow, "mail-1", "message.subject_line")
    question_acts.switch_part(flow=flow, by=None, part=Part("can-text", keep="no"), wording="Send texts?")
    page = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"panel": "questions"}).content.decode()
    assert "Send texts?" in page
    assert "All 2 combinations" in page
    assert "Off: everybody goes the way “No”" in page
    step = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"step": "can-text"}).content.decode()
    assert "Always keep it" in step
    url = reverse("install:wizard", args=[flow.pk])
    whole = as_alice.get(url)
    assert "Text 1" in whole.content.decode()
    assert "type a part of the name" not in whole.content.decode(), "there is nothing to type in"
    less = as_alice.get(url, {"yes-no-value": "false", f"{key}-value": "Hi"}).content.decode()
    assert "2 steps left out" in less
    assert "img-src 'self' data: https:" in whole["Content-Security-Policy"]


def test_the_doors_of_questions(as_alice, flow):
    key = ask(flow, "mail-1", "message.subject_line")
    url = reverse("editor:question", args=[flow.pk, key])
    assert as_alice.post(url, {"question": "What now?"}).status_code == 302
    assert asked(flow_now(flow))[key]["question"] == "What now?"
    assert as_alice.post(url, {"act": "up"}).status_code == 302
    assert as_alice.post(url, {"kind": "metric"}).status_code == 422
    switch = reverse("editor:switch", args=[flow.pk, "text-1"])
    assert as_alice.post(switch, {"part": "step"}).status_code == 302
    assert "Do you want “Text 1" in asked(flow_now(flow))["yes-no"]["question"]
    assert as_alice.post(switch, {"part": "to:ghost"}).status_code == 422
    switched = reverse("editor:switched", args=[flow.pk, "yes-no"])
    assert as_alice.post(switched, {"start": "text-1", "index": "0", "on": "false"}).status_code == 302
    assert asked(flow_now(flow))["yes-no"]["switches"][0]["on"] == [False]
    assert as_alice.post(switched, {"start": "text-1", "index": "7", "act": "drop"}).status_code == 409
    assert as_alice.post(url, {"act": "drop"}).status_code == 302
    assert key not in asked(flow_now(flow))


def flow_now(flow):
    flow.refresh_from_db()
    return flow
