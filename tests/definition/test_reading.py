"""Documents that are no flow: each is a sentence that names the place, never a traceback, and nothing is kept."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.preflight import check
from flowbuilder.definition.reading import UnableToImport, read_document, read_text
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph.layout import place
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from tests.definition.good import GOOD

LIMIT = 100_000
ACTION = {"id": "a", "type": "time-delay", "data": {"unit": "days", "value": 1}, "links": {"next": None}}


def flow(**parts: Any) -> str:
    return json.dumps({"triggers": [], "actions": [], "entry_action_id": None, **parts})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "line 1, column 2"),
        ('{\n "a": 1,\n}', "line 3"),
        (b"\xff\xfe{}", "UTF-8"),
        ("nonsense", "not JSON"),
        ("[]", "a list"),
        ("5", "a number"),
        ("null", "nothing"),
        ('"flow"', "a text"),
        ("{}", "no flow"),
        ('{"data": []}', "a list"),
        ('{"data": {"type": "template", "attributes": {}}}', "template"),
        ('{"data": {"type": "flow"}}', "data.attributes"),
        ('{"data": {"type": "flow", "attributes": {"name": "x"}}}', "no definition"),
        ('{"result": null}', "no definition"),
        ('{"result": {"data": {"type": "flow", "attributes": {"definition": 5}}}}', "no definition"),
        ('{"value": NaN, "triggers": [], "actions": []}', "NaN"),
        ('{"value": Infinity, "triggers": [], "actions": []}', "Infinity"),
        ('{"triggers": [], "actions": [], "x": ' + "9" * 5000 + "}", "number"),
        ('{"triggers": [], "actions": [], "x": "\\ud800"}', "character"),
        ('{"triggers": [], "actions": [], "x": "a\\u0000b"}', "character"),
        ("[" * 100_000, "nested"),
        ('{"triggers":[],"actions":[],"x":' + "[" * 500 + "]" * 500 + "}", "nested"),
        (flow(actions=[{**ACTION, "data": {"x": json.loads("[" * 300 + "]" * 300)}}]), "nested"),
        ('{"triggers":[],"actions":' + "[" * 1000 + "]" * 1000 + "}", "nested"),
        (flow(actions=[{**ACTION, "data": {"name": "x" * 5_000_000}}]), "5,000,"),
        (
            flow(
                actions=[
                    {**ACTION, "links": {"next": "b"}},
                    {**ACTION, "id": "b", "links": {"next": "c"}},
                    {**ACTION, "id": "c", "links": {"next": "b"}},
                ],
                entry_action_id="a",
            ),
            "in a circle",
        ),
        (flow(triggers="metric"), "“triggers” is a text"),
        (flow(actions={}), "“actions”"),
        (flow(triggers=[None]), "no type"),
        (flow(triggers=[{"type": "list", "id": "a"}, {"type": "list", "id": "b"}]), "2 triggers"),
        (flow(actions=[None]), "Action 1 is nothing"),
        (flow(actions=[ACTION, "x"]), "Action 2 is a text"),
        (flow(actions=[{"type": "time-delay"}]), "Action 1 has no id"),
        (flow(actions=[{**ACTION, "id": {}}]), "Action 1 has no id"),
        (flow(actions=[{**ACTION, "id": "x" * 65}]), "64"),
        (flow(actions=[{**ACTION, "type": 5}]), "has no type"),
        (flow(actions=[ACTION, ACTION], entry_action_id="a"), "share the id"),
        (flow(actions=[{**ACTION, "links": {"next": "ghost"}}]), "does not exist"),
        (flow(actions=[ACTION], entry_action_id="ghost"), "The trigger leads to the step “ghost”"),
        (flow(actions=[{**ACTION, "links": {"next": "a"}}], entry_action_id="a"), "itself"),
        (flow(profile_filter="everybody"), "“profile_filter” is a text"),
        (flow(reentry_criteria=[1]), "“reentry_criteria” is a list"),
        (flow(x="y" * LIMIT), "at most 100,000"),
    ],
)
def test_what_is_no_flow_is_said(text, says):
    with pytest.raises(UnableToImport) as caught:
        read_text(text, LIMIT)
    assert says in str(caught.value), str(caught.value)


def test_three_forms_and_a_wrapping():
    body = copy.deepcopy(GOOD)
    definition = body["data"]["attributes"]["definition"]
    wanted = canonical(body)
    for document in (body, {"result": body}, definition, {"name": "x", "definition": definition}):
        assert canonical(document) == wanted
    assert read_document({"result": body}).name == "Everything"


def test_ids_may_be_numbers_and_odd_texts():
    for key in (5, "a/b", "ä ö", "x.y", "~1"):
        action = {**ACTION, "id": key}
        graph = read_document({"triggers": [], "actions": [action], "entry_action_id": key}).graph
        assert graph.entry == str(key)


def test_markup_in_names_is_only_text():
    """It is kept as it is; templates escape it wherever it is shown."""
    wild = "<img src=x onerror=alert(1)> {{ name }} {% if %}"
    action = {
        **ACTION,
        "type": "send-sms",
        "data": {"message": {"name": wild, "body": wild}, "status": "draft"},
    }
    read = read_document(
        {"name": wild, "definition": json.loads(flow(actions=[action], entry_action_id="a"))}
    )
    assert read.name == wild
    assert to_definition(read.graph)["actions"][0]["data"] == action["data"]


# --- Anything at all ---------------------------------------------------------------------------------------------

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "next", "profile", "2026-01-01"]),
    st.just([]),
    st.just({}),
    st.just({"$ask": "a"}),
    st.just({"$content": "b"}),
    st.lists(st.integers(0, 3), max_size=3),
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(one for key, child in children for one in places(child, (*path, key)))]


PLACES = places(GOOD["data"]["attributes"]["definition"])[1:]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK, st.booleans()), min_size=1, max_size=4))
def test_whatever_comes_in_nothing_breaks(edits):
    """A real definition with values replaced or gone: it is refused with sentences, or everything can look at it."""
    definition = copy.deepcopy(GOOD["data"]["attributes"]["definition"])
    for path, junk, gone in edits:
        at = definition
        try:
            for step in path[:-1]:
                at = at[step]
            if gone:
                del at[path[-1]]
            else:
                at[path[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue
    try:
        graph = read_document(definition).graph
    except UnableToImport as error:
        graph, refused = None, error.problems
    if graph is None:
        assert all(problem.text.endswith(".") for problem in refused)
        return
    describer = Describer(Words(), {})
    for key in ("trigger", *graph.by_key):
        card = describer.card(graph, key)
        assert card.title
    describer.profile_filter(graph.profile_filter)
    assert all(problem.text.endswith((".", "?")) for problem in check(graph))
    place(graph, lambda key: 60)
    again = to_definition(graph)
    assert read_document(again).graph.out == graph.out
    canonical(again)


@pytest.mark.parametrize("extra", [{"a": "x\0y"}, {"a\0": 1}, {"a": ["\ud800"]}, {"\udfff": {}}])
def test_characters_that_no_database_keeps_are_refused(extra):
    with pytest.raises(UnableToImport, match="cannot be kept"):
        read_document({"triggers": [], "actions": [], "later": extra})


def test_how_a_broken_character_is_written_is_no_broken_character():
    assert (
        read_document({"triggers": [], "actions": [], "later": "\\u0000"}).graph.extra["later"] == "\\u0000"
    )


@pytest.mark.parametrize(("levels", "refused"), [(58, False), (59, True), (1000, True)])
def test_levels_that_no_flow_has_are_refused(levels, refused):
    value: object = 1
    for _ in range(levels):
        value = [value]
    document = {"triggers": [], "actions": [], "later": value}
    if not refused:
        assert read_document(document).graph.extra["later"] == value
        return
    with pytest.raises(UnableToImport, match="nested too deeply"):
        read_document(document)
