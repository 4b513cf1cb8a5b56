"""What differs between two versions: the sentences, and the marks in both pictures."""

from __future__ import annotations

import copy
from typing import Any

from flowbuilder.definition.between import ADDED, CHANGED, REMOVED, Between
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.offering import channels_of, description_of, made_by, need_of, outside
from tests.install.make import everything, requirement


def changed(**more: Any) -> Between:
    """[wait -> split -yes-> mail-1, -no-> mail-2 -> text-1] and the same without the text, with another subject."""
    old = everything()
    new = copy.deepcopy(old)
    actions = {one["temporary_id"]: one for one in new["definition"]["actions"]}
    actions["mail-1"]["data"]["message"]["subject_line"] = "Another subject"
    actions["mail-2"]["links"] = {"next": "wait-2"}
    new["definition"]["actions"] = [one for one in actions.values() if one["temporary_id"] != "text-1"]
    wait = {
        "temporary_id": "wait-2",
        "type": "time-delay",
        "links": {"next": None},
        "data": {"unit": "days", "value": 2},
    }
    new["definition"]["actions"].append(wait)
    new.update(more)
    return Between(Frozen(old), Frozen(new))


def test_marks_stand_where_the_words_say():
    between = changed()
    assert between.old_marks["text-1"] == REMOVED
    assert between.new_marks["wait-2"] == ADDED
    assert between.old_marks["mail-1"] == between.new_marks["mail-1"] == CHANGED
    assert "text-1" not in between.new_marks
    told = " ".join(between.sentences)
    for words in ("Added “Wait 2 days”", "Removed “", "Another subject"):
        assert words in told, words


def test_nothing_differs_from_itself():
    one = Frozen(everything())
    assert (Between(one, one).sentences, Between(one, one).old_marks) == ((), {})


def test_an_email_whose_words_differ_marks_its_steps():
    old = everything()
    new = copy.deepcopy(old)
    key = next(iter(new["contents"]))
    new["contents"][key]["html"] += "<p>More.</p>"
    between = Between(Frozen(old), Frozen(new))
    assert between.sentences == (f"The email “{new['contents'][key]['name']}” says something else.",)
    assert CHANGED in between.new_marks.values()


def test_questions_are_told_and_the_designers_own_answers_are_not():
    new = [*everything()["requirements"], requirement("more", "text", "What is it called?")]
    between = changed(requirements=[{**one, "default": "secret@x.example"} for one in new])
    told = " ".join(between.sentences)
    assert "Asks “What is it called?”." in told
    assert "secret" not in told


def test_a_description_is_written_from_the_design():
    frozen = Frozen(everything())
    text = description_of(frozen)
    assert "Sends 2 emails and 1 text, and waits once on the way." in text
    assert "Splits people once" in text
    assert f"Asks each account {len(frozen.questions)} questions." in text


def test_channels_are_read_from_the_design_experiments_too():
    assert channels_of(everything()["definition"]) == ("send-email", "send-sms")
    inside = {"actions": [{"type": "ab-test", "data": {"main_action": {"type": "send-sms"}}}]}
    assert channels_of(inside) == ("send-sms",)
    assert channels_of({"actions": []}) == ()


def test_what_it_needs_and_makes_in_words():
    frozen = Frozen(everything())
    assert any("Lists or segments" in what for _, what in map(need_of, frozen.questions))
    made = " ".join(text for _, text in made_by(frozen, "Ours"))
    for words in ("1 flow, as a draft", "The tag “Ours”", "A list, if you have none"):
        assert words in made, words
    assert "tag" not in " ".join(text for _, text in made_by(frozen, ""))


def test_strangers_read_the_question_where_the_designer_has_an_id():
    document = everything()
    for one in document["requirements"]:
        if one["kind"] in ("metric", "group", "list"):
            one["default"] = ["Own1D9"] if one["kind"] == "group" else "Own1D9"
            one["looks_for"] = ""
        if one["kind"] == "text":
            one["default"] = "Own1D9@shop.example"
    frozen = Frozen(document)
    told = " ".join(outside(frozen).card(frozen.graph, key).summary for key in frozen.graph.by_key)
    assert "Own1D9" not in told
