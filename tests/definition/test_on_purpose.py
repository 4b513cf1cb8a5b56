"""Coming in and going out, compared as plain JSON: every difference is a line of the table in platform.py.

What comes in once comes out the same for ever, whatever its shape, and whatever in it nobody here knows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.definition import platform
from flowbuilder.definition.canonical import canonical, differences
from flowbuilder.definition.platform import ABSENT, LEFT_OUT, Change, in_one_form, why_left_out
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import create_body, to_definition
from flowbuilder.graph import Graph
from tests.conftest import SHARED
from tests.definition.flows import graphs
from tests.definition.good import GOOD
from tests.definition.judges import by_schema

FLOWS = [
    path
    for path in sorted((SHARED / "klaviyo" / "samples").glob("*.json"))
    if not path.name.startswith("error")
]
calm = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def definition_of(document: dict[str, Any]) -> dict[str, Any]:
    document = document.get("result", document)
    found: dict[str, Any] = document["data"]["attributes"]["definition"]
    return found


def changes(old: Any, new: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from changes(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from changes(*pair, (*path, index))
    elif json.dumps(old) != json.dumps(new):
        yield path, old, new


def again(definition: dict[str, Any]) -> dict[str, Any]:
    return to_definition(read_document(definition).graph)


def reasons(definition: dict[str, Any]) -> list[tuple[tuple[Any, ...], str]]:
    """(path, why it differs after the trip) of every difference; the reason is empty where there is none."""
    out = again(definition)
    found: list[tuple[tuple[Any, ...], str]] = []
    for key in sorted({*definition, *out} - {"actions"}):
        if definition.get(key) is not None or out.get(key) is not None:
            found += [((key, *path), "") for path, *_ in changes(definition.get(key), out.get(key))]
    written = {one["temporary_id"]: one for one in out["actions"]}
    assert len(written) == len(definition["actions"])
    for old in definition["actions"]:
        key = str(old.get("id") or old.get("temporary_id"))
        for path, was, now in changes(old, written[key]):
            found.append(((key, *path), why_left_out(Change(old, path, was, now))))
    return found


def test_the_sieve_lets_nothing_through():
    assert why_left_out(Change({}, ("data", "value"), 1, 2)) == ""
    days = {"data": {"unit": "days"}}
    assert why_left_out(Change(days, ("data", "delay_until_weekdays"), ["monday"], ABSENT)) == ""
    assert why_left_out(Change({}, ("links", "next"), "a", None)) == ""
    assert list(changes({"a": [1, 1.0]}, {"a": [1.0, 1]})) != []


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_real_flows_differ_only_where_we_mean_it(path):
    found = reasons(definition_of(json.loads(path.read_text())))
    assert [where for where, why in found if not why] == []


def test_there_were_real_flows():
    if not SHARED.exists():
        pytest.skip(f"LOUD: {SHARED} is not here, so no real flow was compared")
    assert len(FLOWS) >= 5


def test_a_body_to_create_differs_in_nothing():
    assert reasons(GOOD["data"]["attributes"]["definition"]) == []


def test_the_seed_differs_in_five_places(seed):
    found = reasons(definition_of(seed))
    assert sorted(where[-1] for where, _ in found) == [
        "delay_until_weekdays",
        "id",
        "id",
        "respecting_sms_quiet_hours",
        "sms_quiet_hours_enabled",
    ]
    assert all(why for _, why in found)


ACTION: dict[str, Any] = {"id": "1", "type": "send-email", "links": {"next": None}}
# Of each line, an action that it speaks of.
OF_LINES: dict[str, dict[str, Any]] = {
    "ids of actions, messages, experiments and variations": {**ACTION, "data": {"message": {"id": "M"}}},
    "links that lead nowhere": {**ACTION, "links": None},
    "a way out that is not written": {"id": "1", "type": "conditional-split", "links": {"next_if_true": "2"}},
    "weekdays of delays in hours and minutes": {
        **ACTION,
        "type": "time-delay",
        "data": {"unit": "hours", "value": 1, "delay_until_weekdays": ["monday"]},
    },
    "respecting_sms_quiet_hours": {
        **ACTION,
        "type": "send-sms",
        "data": {"message": {"body": "Hi", "respecting_sms_quiet_hours": True}},
    },
    "the state of an experiment": {
        **ACTION,
        "type": "ab-test",
        "data": {"experiment_status": "live", "main_action": None},
    },
    "an address that is an empty text": {**ACTION, "data": {"message": {"cc_email": ""}}},
    "settings that are an empty object": {**ACTION, "type": "send-hologram", "data": {}},
}


@pytest.mark.parametrize("line", LEFT_OUT, ids=lambda line: line.what)
def test_no_line_of_the_table_is_idle(line):
    first = OF_LINES[line.what]
    second = {"id": "2", "type": "time-delay", "data": {"unit": "days", "value": 1}, "links": {"next": None}}
    definition = {"triggers": [], "actions": [first, second], "entry_action_id": "1"}
    assert line.reason in {why for _, why in reasons(definition)}
    assert all(why for _, why in reasons(definition))


# --- Any flow at all ---------------------------------------------------------------------------------------------


def in_order(graph: Graph) -> Graph:
    return replace(
        graph,
        steps=tuple(sorted(graph.steps, key=lambda one: one.key)),
        links=tuple(sorted(graph.links, key=lambda one: (one.source or "", one.port))),
    )


@calm
@given(graphs())
def test_what_goes_out_comes_in_the_same(graph):
    """Every step, link, setting and key; ways that join stay joined."""
    definition = json.loads(json.dumps(to_definition(graph)))
    read = read_document(definition).graph
    assert again(definition) == definition
    for key in graph.by_key:
        assert read.out.get(key, {}) == graph.out.get(key, {})
        assert (read.by_key[key].type, read.by_key[key].ports) == (
            graph.by_key[key].type,
            graph.by_key[key].ports,
        )
    assert (read.trigger, read.profile_filter, read.reentry) == (
        graph.trigger,
        graph.profile_filter,
        graph.reentry,
    )
    assert in_order(read_document(again(definition)).graph) == in_order(read)


UNKNOWN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("äb<“"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=2)
    ),
    max_leaves=4,
)


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from objects_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from objects_in(child)


@calm
@given(graphs(), st.data())
def test_what_nobody_knows_survives_wherever_it_stands(graph, data):
    definition = json.loads(json.dumps(to_definition(graph)))
    links = [one.get("links") for one in definition["actions"]]
    for number in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.sampled_from(list(objects_in(definition))))
        unknown = data.draw(UNKNOWN)
        if any(place is one for one in links) and isinstance(unknown, str | int):
            unknown = {"value": unknown}  # the name of a step would be a way to it
        place[f"zz_{number}"] = unknown
    assert json.dumps(again(definition), sort_keys=True) == json.dumps(definition, sort_keys=True)
    assert list(differences(canonical(definition), canonical(again(definition)))) == []


def test_an_unknown_type_keeps_its_own_ways():
    """(what) -warm-> [a]; -cold-> [b]; -next_if_lost-> exit: shown as ways, and written as they stood."""
    text = {
        "type": "send-sms",
        "links": {"next": None},
        "data": {"message": {"body": "Hi"}, "status": "draft"},
    }
    definition = {
        "triggers": [{"type": "full-moon", "phase": 0.5}],
        "profile_filter": None,
        "entry_action_id": "what",
        "actions": [
            {
                "temporary_id": "what",
                "type": "weather-split",
                "links": {"warm": "a", "cold": "b", "next_if_lost": None, "odd": {"x": 1}},
                "data": {"place": "Berlin"},
            },
            {"temporary_id": "a", **text},
            {"temporary_id": "b", **text},
        ],
    }
    graph = read_document(definition).graph
    assert graph.by_key["what"].ports == ("warm", "cold", "next_if_lost")
    assert graph.out["what"] == {"warm": "a", "cold": "b"}
    assert json.dumps(again(definition), sort_keys=True) == json.dumps(definition, sort_keys=True)
    assert canonical(again(definition)) == canonical(definition)


# --- What an account changes by itself ---------------------------------------------------------------------------

MESSAGE = {"subject_line": "Hi", "from_email": "a@b.cd"}
# Of each line: (action type, what was sent, what is held).
OF_ACCOUNTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "unit and timezone of a delay": (
        "time-delay",
        {"value": 1},
        {"value": 1, "unit": "days", "timezone": "profile"},
    ),
    "minutes beside a delay": (
        "time-delay",
        {"value": 1, "unit": "hours", "timezone": "profile", "secondary_value": None},
        {"value": 1, "unit": "hours", "timezone": "profile", "secondary_value": 0},
    ),
    "settings of a message": (
        "send-email",
        {"message": MESSAGE},
        {"message": MESSAGE | {"smart_sending_enabled": True}},
    ),
    "transactional": (
        "send-email",
        {"message": MESSAGE | {"transactional": True}},
        {"message": MESSAGE | {"transactional": False}},
    ),
    "the id of a template": (
        "send-email",
        {"message": MESSAGE | {"template_id": "A"}},
        {"message": MESSAGE | {"template_id": "B"}},
    ),
    "reply-to": (
        "send-email",
        {"message": MESSAGE | {"reply_to_email": None}},
        {"message": MESSAGE | {"reply_to_email": "a@b.cd"}},
    ),
    "the status of a message": ("send-email", {"message": MESSAGE}, {"message": MESSAGE, "status": "draft"}),
    "ids and links of branches": (
        "multi-branch-split",
        {"branches": [{"branch_id": "a", "links": {"next": "x"}}]},
        {"branches": [{"branch_id": "WFtauD", "links": {"next": "123"}}]},
    ),
    "ids inside an experiment": (
        "ab-test",
        {
            "main_action": {"temporary_id": "m", "type": "send-email"},
            "current_experiment": {"variations": [{"temporary_id": "v"}], "allocations": {"v": 1.0}},
        },
        {
            "main_action": {"temporary_id": "77", "type": "send-email"},
            "current_experiment": {"variations": [{"temporary_id": "78"}], "allocations": {"78": 1.0}},
        },
    ),
}


@pytest.mark.parametrize("line", platform.FILLED_IN, ids=lambda line: line.what)
def test_every_line_makes_two_answers_one(line, monkeypatch):
    action_type, sent, held = OF_ACCOUNTS[line.what]
    assert in_one_form(action_type, sent) == in_one_form(action_type, held)
    without = tuple(one for one in platform.FILLED_IN if one is not line)
    monkeypatch.setattr(platform, "FILLED_IN", without)
    assert in_one_form(action_type, sent) != in_one_form(action_type, held), "the line does nothing"


def test_unknown_keys_are_written_where_they_stood():
    """The official schema forbids nothing beside its own keys on an action, so nothing of ours stands in the way."""
    body = copy.deepcopy(GOOD)
    definition = body["data"]["attributes"]["definition"]
    definition["colour"] = {"hue": 7}
    definition["actions"][0]["tone"] = "calm"
    read = read_document(body)
    assert (read.graph.extra, read.graph.by_key["wait"].extra) == ({"colour": {"hue": 7}}, {"tone": "calm"})
    assert create_body("Everything", to_definition(read.graph)) == body
    assert by_schema(GOOD) == []
