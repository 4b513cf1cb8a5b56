# ruff: noqa: E501
"""Opening and saving changes nothing, for values of which a form shows only a part, and for values that are wrong."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flowbuilder.kinds import form
from flowbuilder.kinds.asks import ask, get_at, set_at
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.registry import TRIGGERS, action_kind
from tests.kinds.test_form import ALL, as_posted

ACTION = action_kind


def saved(kind: type[Any], config: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends for an untouched form, read back. Line ends go out as CRLF; an input has no lines."""
    nodes = form.build(kind, config)
    posted = as_posted(nodes)
    for node in [inner for outer in nodes for inner in outer.walk()]:
        ends = "\r\n" if node.widget in ("textarea", "lines") else ""
        for name in (node.name, f"{node.name}.k", f"{node.name}.v"):
            if name in posted:
                posted[name] = [text.replace("\n", ends) for text in posted[name]]
    result, _ = form.read(kind, config, posted)
    return result


def split_on(condition: dict[str, Any]) -> dict[str, Any]:
    return {"profile_filter": {"condition_groups": [{"conditions": [condition]}]}}


def event(**filter: Any) -> dict[str, Any]:
    one = {"type": "metric-property", "metric_id": "M", "field": "price", "filter": filter}
    return {"id": "M", "trigger_filter": {"condition_groups": [{"conditions": [one]}]}}


METRIC = TRIGGERS["metric"]
HELD: list[tuple[str, type[Any], dict[str, Any]]] = [
    ("seconds of a time", ACTION("target-date"), {"target_time": "09:00:30", "timezone": "profile"}),
    ("hours of a date", METRIC, event(type="date", operator="after", date="2026-05-01T13:45:00+02:00")),
    ("a date in Z", METRIC, event(type="date", operator="before", date="2026-05-01T00:00:00Z")),
    ("a date without an hour", METRIC, event(type="date", operator="before", date="2026-05-01")),
    ("many digits", METRIC, event(type="numeric", operator="equals", value=1234567.891)),
    ("a small part", METRIC, event(type="numeric", operator="equals", value=0.123456789)),
    ("30.0", METRIC, event(type="numeric", operator="equals", value=30.0)),
    ("a large number", METRIC, event(type="numeric", operator="equals", value=10**20)),
    ("digits that are a text", METRIC, event(type="list", operator="contains", value="5")),
    ("digits that are a number", METRIC, event(type="list", operator="contains", value=5)),
    ("spaces around a text", METRIC, event(type="string", operator="equals", value="  gold ")),
    ("only spaces", METRIC, event(type="string", operator="equals", value="  ")),
    ("an empty text", METRIC, event(type="string", operator="equals", value="")),
    ("null", METRIC, event(type="string", operator="equals", value=None)),
    ("lines in a text", METRIC, event(type="string", operator="equals", value="one\ntwo")),
    ("texts with spaces and lines", METRIC, event(type="string", operator="in", value=[" a", "", "b\nc", "a"])),
    ("days in their own order", ACTION("time-delay"), {"value": 1, "delay_until_weekdays": ["sunday", "monday", "sunday"]}),
    ("no days", ACTION("time-delay"), {"value": 1, "delay_until_weekdays": []}),
    ("a time without a unit", ACTION("time-delay"), {"value": 1, "delay_until_time": "10:00:00"}),
    ("lines of a text message", ACTION("send-sms"), {"message": {"body": "\n\nHi\r\nthere \n"}}),
    ("a subject of two lines", ACTION("send-email"), {"message": {"subject_line": "Hi\nthere", "preview_text": ""}}),
    ("several lists", ACTION("conditional-split"), split_on({"type": "profile-group-membership", "is_member": True, "group_ids": ["L1", "L2"]})),
    ("an odd time", ACTION("target-date"), {"target_time": "soon"}),
    ("an odd number", ACTION("time-delay"), {"value": "7"}),
    ("an odd switch", ACTION("send-sms"), {"message": {"body": "Hi", "transactional": "no"}}),
    ("odd days", ACTION("time-delay"), {"value": 1, "delay_until_weekdays": ["monday", "funday", 5]}),
    ("a setting nobody knows", ACTION("time-delay"), {"value": 1, "colour": {"hue": [1, None]}}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "config"), HELD, ids=[row[0] for row in HELD])
def test_what_a_form_shows_in_part_stays_whole(what, kind, config):
    before = copy.deepcopy(config)
    assert exactly(saved(kind, config)) == exactly(before)
    assert exactly(kind.tidy(saved(kind, config))) == exactly(before)


def exactly(value: Any) -> str:
    """1, 1.0 and true apart; null and what is not there apart."""
    return json.dumps(value, sort_keys=True)


JUNK = st.sampled_from(
    [None, True, 0, 5, 1.5, -1, "", "x", " y ", "09:00:30", [], [None], ["x"], {}, {"a": 1}, ask("q")]
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, child in inner for one in places(child, (*path, key)))]


SMALL = [(kind, config) for _, kind, config in ALL if config and len(exactly(config)) < 2000]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nothing_wrong_is_altered_by_looking_at_it(data):
    """Real settings with a wrong value somewhere: shown, saved, and still the same."""
    kind, config = data.draw(st.sampled_from(SMALL))
    path = data.draw(st.sampled_from(places(config)[1:]))
    broken = set_at(config, path, data.draw(JUNK))
    assert exactly(saved(kind, broken)) == exactly(broken)
    examine(kind, broken, {})
    kind.tidy(broken)


def at_once(kind: type[Any], config: dict[str, Any]) -> Any:
    try:
        return kind.__pydantic_validator__.validate_json(exactly(config))
    except ValidationError:
        return None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_json_is_read_as_is_what_a_careful_look_finds(data):
    """Unions are told apart without Python in JSON (unions.py): the same model, or none."""
    kind, config = data.draw(st.sampled_from(SMALL))
    path = data.draw(st.sampled_from(places(config)[1:]))
    changed = set_at(config, path, data.draw(JUNK))
    if (model := at_once(kind, changed)) is not None:
        assert model == kind.model_validate(changed)
        assert type(model) is kind


def test_what_is_right_is_read_at_once():
    for kind, config in SMALL:
        assert at_once(kind, config) == kind.model_validate(config), (kind.TYPE, config)


def test_asked_settings_survive_at_every_place():
    for kind, config in SMALL:
        for path in places(config)[1:]:
            asked = set_at(config, path, ask("q", "part"))
            assert get_at(saved(kind, asked), path) == ask("q", "part"), (kind.TYPE, path)


# --- What a person does change ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-Infinity", "1e999", "1_000", "9" * 400, "0x10", "٣", "1,000", "--1", "1.2.3"]
)
def test_no_number_gets_in_that_klaviyo_could_not_read(text):
    kind = TRIGGERS["price-drop"]
    config, refused = form.read(kind, kind.start(), {"price_drop_amount_value": [text]})
    assert config == kind.start()
    assert refused[("price_drop_amount_value",)][1].startswith("Write ")


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), (" 7 ", 7), ("-7", -7), ("0.5", 0.5), (",5", 0.5), ("7,25", 7.25)]
)
def test_numbers_are_read_as_people_write_them(text, value):
    kind = TRIGGERS["price-drop"]
    config, refused = form.read(kind, kind.start(), {"price_drop_amount_value": [text]})
    assert exactly(config["price_drop_amount_value"]) == exactly(value)
    assert math.isfinite(config["price_drop_amount_value"])
    assert refused == {}


@pytest.mark.parametrize(
    ("kind", "config", "name", "texts", "path", "value"),
    [
        (ACTION("target-date"), {"target_time": "09:00:30"}, "target_time", ["09:01"], ("target_time",), "09:01:00"),
        (ACTION("time-delay"), {"value": 1, "delay_until_time": "09:00:30"}, "delay_until_time", [""], ("delay_until_time",), None),
        (ACTION("time-delay"), {"value": 1, "delay_until_weekdays": ["sunday", "monday"]}, "delay_until_weekdays", ["", "sunday"], ("delay_until_weekdays",), ["sunday"]),
        (ACTION("send-sms"), {"message": {"body": "Hi"}}, "message.body", ["Hi\r\nthere"], ("message", "body"), "Hi\nthere"),
        (ACTION("send-sms"), {"message": {"body": "Hi", "add_info_link": True}}, "message.add_info_link", [""], ("message", "add_info_link"), False),
        (METRIC, event(type="string", operator="equals", value=" gold "), "trigger_filter.condition_groups.0.conditions.0.filter.value", ["gold"], ("trigger_filter", "condition_groups", 0, "conditions", 0, "filter", "value"), "gold"),
        (METRIC, event(type="string", operator="in", value=["a", "b"]), "trigger_filter.condition_groups.0.conditions.0.filter.value", ["b\r\na"], ("trigger_filter", "condition_groups", 0, "conditions", 0, "filter", "value"), ["b", "a"]),
        (METRIC, event(type="date", operator="after", date="2026-05-01T13:45:00Z"), "trigger_filter.condition_groups.0.conditions.0.filter.date", ["2026-05-02"], ("trigger_filter", "condition_groups", 0, "conditions", 0, "filter", "date"), "2026-05-02T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_what_is_changed_is_changed(kind, config, name, texts, path, value):
    result, refused = form.read(kind, config, {**as_posted(form.build(kind, config)), name: texts})
    assert refused == {}
    assert exactly(get_at(result, path)) == exactly(value)
    assert exactly(set_at(result, path, None)) == exactly(set_at(config, path, None)), "nothing else"


def test_a_trigger_s_filter_follows_its_metric_and_odd_ones_are_left():
    config = event(type="numeric", operator="equals", value=1) | {"id": "New"}
    tidied = METRIC.tidy(config)
    assert get_at(tidied, ("trigger_filter", "condition_groups", 0, "conditions", 0, "metric_id")) == "New"
    for odd in (
        None,
        5,
        [],
        {},
        {"condition_groups": None},
        {"condition_groups": [None, {"conditions": [1.5]}]},
    ):
        assert METRIC.tidy({"id": "New", "trigger_filter": odd}) == {"id": "New", "trigger_filter": odd}
