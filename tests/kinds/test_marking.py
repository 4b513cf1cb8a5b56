"""Any field becomes a question: every field of every step and trigger, and back again."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.definition.preflight import Checking, check
from flowbuilder.definition.writing import Approved, to_definition
from flowbuilder.graph import Graph, Step, Trigger
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import get_at, is_ask
from flowbuilder.kinds.base import NOTHING, Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.marking import fits, mark_of
from flowbuilder.kinds.messages import SendEmail
from flowbuilder.kinds.registry import TRIGGERS
from flowbuilder.kinds.timing import TimeDelay
from flowbuilder.operations.questions import ask_for, stop_asking
from tests.kinds.test_form import ALL

HOLDERS = ("group", "rows", "conditions", "absent", "choice", "pairs")  # what holds other fields


def fields(kind: Any, config: Any) -> list[form.Node]:
    nodes = [inner for outer in form.build(kind, config) for inner in outer.walk()]
    return [node for node in nodes if node.widget not in HOLDERS]


def graph_with(kind: Any, config: Any) -> Graph:
    if kind.TYPE in TRIGGERS:
        return Graph(Trigger(kind.TYPE, config))
    ports = tuple(port.name for port in kind.ports(config))
    return Graph(Trigger("list", {"id": "Abc123"}), (Step("s1", kind.TYPE, config, ports=ports),))


@pytest.mark.parametrize(("kind", "config"), [one[1:] for one in ALL], ids=[one[0] for one in ALL])
def test_every_field_becomes_a_question_and_back(kind: Any, config: dict[str, Any]) -> None:
    was = {one.path for one in check_of(kind, config, {})}
    for node in fields(kind, config):
        if node.hint.asks == NOTHING:
            assert not node.asks
            continue
        assert node.asks, f"{node.name} ({node.widget}) cannot be asked for"
        mark = mark_of(kind, config, node.path)
        asked, questions = ask_for({}, config, mark)
        assert is_ask(get_at(asked, node.path))
        assert is_ask(get_at(kind.tidy(asked), node.path)), node.name
        (key,) = questions
        shown = next(
            one for outer in form.build(kind, asked) for one in outer.walk() if one.path == node.path
        )
        assert (shown.widget, shown.asked) == ("asked", key)
        defaults = {key: mark.default}
        # with its own value for an answer, nothing is wrong that was not wrong before
        for one in check_of(kind, asked, defaults):
            assert not one.blocks or one.path in was or one.path == node.path or mark.default is None, one
        graph = graph_with(kind, kind.tidy(asked))
        describer = Describer(Words(), defaults)
        _ = [describer.step(step) for step in graph.steps], describer.trigger(graph.trigger)
        bound = Approved.of(to_definition(graph)).bind(defaults, {})
        assert "$ask" not in str(bound.definition)
        again = stop_asking(questions, asked, node.path)
        for path in mark.places.values():
            old, new = get_at(config, path), get_at(again, path)
            assert new == old or (old is None and new is False), f"{node.name}: {old!r} became {new!r}"


def check_of(kind: Any, config: Any, defaults: dict[str, Any]) -> list[Any]:
    return check(graph_with(kind, config), Checking(defaults))


def test_settings_of_the_flow_become_questions() -> None:
    config = {
        "profile_filter": {
            "condition_groups": [
                {
                    "conditions": [
                        {
                            "type": "profile-property",
                            "property": "properties['Tier']",
                            "filter": {"type": "string", "operator": "equals", "value": "gold"},
                        }
                    ]
                }
            ]
        },
        "reentry": {"duration": 7, "unit": "day"},
    }
    kinds = {node.path[-1]: node.asks for node in fields(FlowSettings, config)}
    assert kinds["property"] == "property"
    assert kinds["value"] == "text"
    assert kinds["duration"] == "number"


def test_a_delay_is_asked_with_its_unit() -> None:
    config = {"unit": "days", "value": 2, "delay_until_time": "10:00:00"}
    for name in ("value", "unit"):
        mark = mark_of(TimeDelay, config, (name,))
        assert mark.kind == "delay"
        assert mark.default == {"value": 2, "unit": "days"}
        assert mark.limits == {"units": ["days"]}  # a time of day goes with days only
        asked, questions = ask_for({}, config, mark)
        assert asked["value"] == {"$ask": "delay", "part": "value"}
        assert asked["unit"] == {"$ask": "delay", "part": "unit"}
        assert TimeDelay.tidy(asked)["delay_until_time"] == "10:00:00"
        assert stop_asking(questions, asked, (name,)) == config


def test_the_same_value_is_asked_for_once_and_a_switch_never() -> None:
    config = {"message": {"subject_line": "Hello", "preview_text": "Hello", "smart_sending_enabled": True}}
    asked, questions = ask_for({}, config, mark_of(SendEmail, config, ("message", "subject_line")))
    asked, questions = ask_for(questions, asked, mark_of(SendEmail, asked, ("message", "preview_text")))
    assert list(questions) == ["text"]
    path = ("message", "smart_sending_enabled")
    asked, questions = ask_for(questions, asked, mark_of(SendEmail, asked, path))
    assert questions["yes-no"]["default"] is True


def test_what_may_stand_in_anothers_place() -> None:
    config = {"message": {"subject_line": "Hello"}, "status": "draft"}
    text = mark_of(SendEmail, config, ("message", "subject_line"))
    status = mark_of(SendEmail, config, ("status",))
    assert all(fits(kind, {}, text) for kind in ("text", "coupon", "image", "property", "choice"))
    assert not fits("number", {}, text)
    assert not fits("text", {"lines": True}, text)
    assert fits("choice", {}, status)
    assert not fits("text", {}, status)
