"""Changes in sentences, as a list of versions shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowbuilder.definition.telling import Told, label_of, tell_diff
from flowbuilder.graph import Graph, Step, Trigger
from flowbuilder.graph.diff import compare
from flowbuilder.graph.surgery import put, remove, swap
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.messages import SendEmail
from tests.definition.drawn import GOLD, NOT_IN_FLOW, flow, groups, mail, split, text, wait

DESCRIBER = Describer(Words({"CheckM": "Started Checkout", "OrderM": "Placed Order"}), {})
OLD = flow(
    *(wait(), split(), mail("Email"), text("Text")),
    links=">wait wait>split split.yes>Email split.no>Text",
)


def told(new: Graph, old: Graph = OLD) -> list[str]:
    return tell_diff(compare(old, new), Told(old, DESCRIBER), Told(new, DESCRIBER))


def config(key: str, **more: Any) -> Graph:
    step = OLD.by_key[key]
    return OLD.with_steps(
        replace(one, config={**one.config, **more}) if one is step else one for one in OLD.steps
    )


def message(key: str, **more: Any) -> Graph:
    return config(key, message={**OLD.by_key[key].config["message"], **more})


def step(key: str, **more: Any) -> Graph:
    return OLD.with_steps(replace(one, **more) if one.key == key else one for one in OLD.steps)


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (OLD, []),
        (message("Email", subject_line="Bye"), ["“Email”: subject changed from “Hello” to “Bye”."]),
        (message("Email", preview_text="Look"), ["“Email”: preview text changed from nothing to “Look”."]),
        (message("Text", shorten_links=False), ["“Text”: shorten links changed from nothing to no."]),
        (config("wait", value=2), ["“Wait 1 day” is now “Wait 2 days”."]),
        (step("wait", name="A pause"), ["“Wait 1 day” is now called “A pause”."]),
        (step("wait", note="Why?"), ["The note on “Wait 1 day” changed."]),
        (step("wait", extra={"x": 1}), ["“Wait 1 day”: settings that are not known here changed."]),
        (
            put(OLD, wait("new", value=3), "split", "yes"),
            ["Added “Wait 3 days” on “Yes” of “Conditional split”."],
        ),
        (put(OLD, wait("new", value=3), None, "next"), ["Added “Wait 3 days” after the trigger."]),
        (remove(OLD, "wait"), ["Removed “Wait 1 day”."]),
        (
            swap(OLD, "split"),
            [
                "“Email” now comes on “No” of “Conditional split”.",
                "“Text” now comes on “Yes” of “Conditional split”.",
            ],
        ),
        (
            replace(OLD, trigger=Trigger("metric", {"id": "OrderM", "trigger_filter": None})),
            ["Starts with “Placed Order” instead of “Started Checkout”."],
        ),
        (replace(OLD, trigger=None), ["Starts with “Choose a trigger” instead of “Started Checkout”."]),
        (
            replace(OLD, reentry={"duration": 1, "unit": "alltime"}),
            ["Entering again: “Nobody enters twice.” instead of “As the account has it.”"],
        ),
        (replace(OLD, extra={"moon": 1}), ["Settings that are not known here changed: moon."]),
    ],
)
def test_every_change_is_a_sentence(new, says):
    assert told(new) == says


def test_conditions_are_told_by_what_they_say():
    (only,) = told(config("split", profile_filter=groups(GOLD | {"property": "properties['Level']"})))
    assert only.startswith("“Conditional split”: “Level")
    assert "instead of “Tier" in only


def test_whom_it_is_for_is_told():
    (only,) = told(replace(OLD, profile_filter=groups(NOT_IN_FLOW)))
    assert only.startswith("Whom it is for: “Only if: ")
    assert only.endswith("instead of “For everybody.”")


def test_another_type_is_told_once():
    new = OLD.with_steps(text("Email") if one.key == "Email" else one for one in OLD.steps)
    assert [one for one in told(new) if "became" in one] == ["“Email” became text message: “Email”."]
    assert len(told(new)) == 1


def test_long_texts_are_shortened():
    (only,) = told(message("Email", subject_line="x" * 300))
    assert len(only) < 150


def test_labels_are_those_of_the_form():
    assert label_of(SendEmail, ("message", "subject_line")) == "subject"
    assert label_of(SendEmail, ("message", "what_is_this")) == "what is this"
    assert label_of(SendEmail, ("message", "what", "this")) == "this"


def test_unknown_steps_are_told_too():
    new = put(OLD, Step("h", "send-hologram", {"beam": 1}), None, "next")
    assert told(new) == ["Added “Send hologram” after the trigger."]
    brighter = new.with_steps(
        replace(one, config={"beam": 2}) if one.key == "h" else one for one in new.steps
    )
    assert told(brighter, new) == ["“Send hologram”: beam changed from 1 to 2."]
