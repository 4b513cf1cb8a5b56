"""What has no form is kept whole, and fit for a new flow; what is nearly right is not taken for right."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.preflight import blocking, check
from flowbuilder.definition.reading import UnableToImport, read_document
from flowbuilder.definition.writing import create_body, to_definition
from flowbuilder.kinds.asks import set_at
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.examine import examine, model_of
from flowbuilder.kinds.logic import Kept
from flowbuilder.kinds.registry import ACTIONS, PALETTE, TRIGGERS, action_kind, trigger_kind
from tests.conftest import CASES, SHARED
from tests.definition.judges import by_schema

METRIC = {"type": "metric", "id": "CheckM", "trigger_filter": None}


def flow(*actions: dict[str, Any], trigger: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "triggers": [trigger or METRIC],
        "profile_filter": None,
        "actions": list(actions),
        "entry_action_id": next(
            iter(actions[0].get(key) for key in ("id", "temporary_id") if key in actions[0])
        ),
    }


def out_of(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return to_definition(read_document(definition).graph)["actions"]


def wait(key: str) -> dict[str, Any]:
    return {"id": key, "type": "time-delay", "links": {"next": None}, "data": {"unit": "days", "value": 1}}


# --- Experiments: nested actions carry ids of their own ------------------------------------------------------------


def keys_of(value: Any) -> set[str]:
    """Every key of an object, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


def test_an_experiment_of_an_account_can_be_made_again():
    """Ids and the state of an experiment are refused on create; allocations name the nested actions."""
    if not SHARED.exists():
        pytest.skip(f"LOUD: {SHARED} is not here, so no real A/B test was read")
    document = json.loads((SHARED / "klaviyo" / "samples" / "ab-test.GET.json").read_text())
    body = create_body("x", to_definition(read_document(document).graph))
    (test,) = (one for one in body["data"]["attributes"]["definition"]["actions"] if one["type"] == "ab-test")
    assert not {"id", "experiment_status"} & keys_of(test)
    running = test["data"]["current_experiment"]
    named = {one["temporary_id"] for one in running["variations"]}
    assert set(running["allocations"]) == named
    assert len({*named, test["data"]["main_action"]["temporary_id"], test["temporary_id"]}) == len(named) + 2
    assert by_schema(body) == []
    assert canonical(document) == canonical(body)


@pytest.mark.parametrize(
    "data",
    [{}, {"main_action": 5}, {"current_experiment": None}, {"current_experiment": {"variations": [None]}}],
)
def test_odd_experiments_are_kept(data):
    definition = flow({"id": "t", "type": "ab-test", "links": {"next": None}, "data": data})
    assert out_of(definition)[0].get("data", {}) == data


def test_old_names_inside_an_experiment_are_renewed():
    sms = {
        "id": "5",
        "type": "send-sms",
        "data": {"message": {"id": "M", "body": "Hi", "respecting_sms_quiet_hours": False}},
    }
    action = {"id": "t", "type": "ab-test", "links": {}, "data": {"main_action": sms}}
    assert out_of(flow(action))[0]["data"]["main_action"] == {
        "temporary_id": "5",
        "type": "send-sms",
        "data": {"message": {"body": "Hi", "sms_quiet_hours_enabled": False}},
    }


@pytest.mark.parametrize("kind", ["send-mobile-push", "send-whatsapp", "send-webhook", "send-internal-alert"])
def test_ids_of_other_messages_are_left_out(kind):
    action = {"id": "m", "type": kind, "links": {}, "data": {"message": {"id": "M", "body": "Hi"}}}
    assert out_of(flow(action))[0]["data"] == {"message": {"body": "Hi"}}


# --- Branches --------------------------------------------------------------------------------------------------------


def branching(*branches: Any) -> dict[str, Any]:
    data = {"name": "Which", "branches": list(branches)}
    return flow({"id": "m", "type": "multi-branch-split", "data": data}, wait("a"), wait("b"))


def branch(key: Any, to: str | None, **more: Any) -> dict[str, Any]:
    return {"branch_id": key, "branch_filter": None, "links": {"next": to}, **more}


@pytest.mark.parametrize(
    "branches",
    [
        (branch("x", "a"), branch("y", "b")),
        (branch("x", "a"), branch("x", "b")),  # one id twice
        (branch(1, "a"), {"links": {"next": "b"}}),  # an id that is another's number
        ({"links": {"next": "a"}}, {"links": {"next": "b"}}),
        (branch("x", "a"), branch("y", "b"), {"branch_id": "else", "is_else": True, "links": None}),
        (branch("x", "a"), branch("y", "b"), {"branch_id": "bare"}, {"branch_id": "dry", "links": {}}),
        (branch("x", "a"), None, "odd", branch(["y"], "b")),
        (branch("x", "a"), branch("y", "b", name="ü" * 300)),
    ],
)
def test_every_branch_keeps_its_own_way(branches):
    """[metric] -> (which) -1-> a
    -2-> b"""
    definition = branching(*branches)
    (split, *_) = out_of(definition)
    assert split["data"]["branches"] == list(branches)
    graph = read_document(definition).graph
    ports = graph.by_key["m"].ports
    assert len(ports) == len(set(ports)) == sum(isinstance(one, dict) for one in branches)
    assert sorted(graph.out["m"].values()) == ["a", "b"]
    assert read_document(to_definition(graph)).graph == graph


@pytest.mark.parametrize("branches", [None, "many", {"x": 1}, 5, []])
def test_branches_that_are_none_stay(branches):
    data = {"name": "Which", "branches": branches}
    action = {"id": "m", "type": "multi-branch-split", "data": data}
    assert out_of(flow(action))[0]["data"] == data


# --- Links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["time-delay", "conditional-split", "send-webhook", "internal-service"])
def test_a_way_out_that_a_step_has_not_is_said_and_never_dropped(kind):
    action = {"id": "s", "type": kind, "links": {"onwards": "w"}, "data": {}}
    with pytest.raises(UnableToImport, match="“s” has no way out called “onwards”"):
        read_document(flow(action, wait("w")))


def test_a_type_that_nobody_knows_keeps_its_own_ways_out():
    """[metric] -> (send-hologram) -onwards-> w"""
    action = {"id": "s", "type": "send-hologram", "links": {"onwards": "w"}, "data": {"watts": 1}}
    graph = read_document(flow(action, wait("w"))).graph
    assert graph.out["s"] == {"onwards": "w"}
    assert to_definition(graph)["actions"][0] == {
        "temporary_id": "s",
        "type": "send-hologram",
        "links": {"onwards": "w"},
        "data": {"watts": 1},
    }


ODD_LINKS: list[Any] = [None, 1.5, "a", [], {}, {"onwards": None}, {"next": None}]
ODD_DATA: list[Any] = [None, "x", [], {}, {"message": 5}, {"branches": {"a": 1}}]


@pytest.mark.parametrize("kind", [*ACTIONS, "send-hologram", ""])
def test_odd_steps_are_shown_checked_and_written(kind):
    """Or refused by a sentence: what is neither is lost without a word."""
    for links, data in product(ODD_LINKS, ODD_DATA):
        try:
            graph = read_document(flow({"id": "s", "type": kind, "links": links, "data": data})).graph
        except UnableToImport as error:
            found = error.problems
        else:
            assert Describer(Words(), {}).card(graph, "s").title
            found = check(graph)
            to_definition(graph)
        assert all(one.text.endswith((".", "?")) for one in found)


def test_nameless_types_have_a_label():
    assert action_kind("").LABEL == "Other step"
    assert trigger_kind("-", {}).LABEL == "Other trigger"


# --- Nearly right ------------------------------------------------------------------------------------------------


def test_a_date_trigger_of_no_known_kind_is_not_kept_but_checked():
    assert trigger_kind("date", {"date_field_type": "moon"}) is TRIGGERS["date"]
    config = {**TRIGGERS["date"].start(), "date_field_type": "moon"}
    assert model_of(TRIGGERS["date"], config, {}) is None


def test_a_kept_type_has_one_class():
    """Made once: a flow of a thousand unknown steps asks for it a thousand times."""
    assert action_kind("send-hologram") is action_kind("send-hologram")
    assert trigger_kind("full-moon", {}) is trigger_kind("full-moon", {})


@pytest.mark.parametrize("key", ["$ask", "$content"])
def test_a_setting_klaviyo_has_not_is_no_better_for_being_asked(key):
    definition = flow({**wait("w"), "data": {"unit": "days", "value": 1, "colour": {key: "a"}}})
    codes = [(one.code, one.path) for one in blocking(check(read_document(definition).graph))]
    assert ("extra-forbidden", ("colour",)) in codes


@pytest.mark.parametrize("place", [("id",), ("trigger_filter",), ("trigger_filter", "condition_groups")])
def test_content_of_our_own_stands_in_emails_only(place):
    config = set_at({"id": "M", "trigger_filter": {"condition_groups": []}}, place, {"$content": "mail"})
    assert ("misplaced-content", place) in [
        (one.code, one.path) for one in examine(TRIGGERS["metric"], config, {}).findings
    ]
    mail = {"message": {"subject_line": "Hi", "template_id": {"$content": "mail"}}}
    assert [one for one in examine(action_kind("send-email"), mail, {}).findings if one.blocks] == []


def test_an_item_s_condition_splits_a_price_drop():
    cases = json.loads((CASES / "kinds" / "trigger-split.json").read_text())
    (case,) = (one for one in cases if one["data"]["trigger_type"] == "price-drop")
    assert case["trigger"]["type"] == "price-drop"
    (condition,) = case["data"]["trigger_filter"]["condition_groups"][0]["conditions"]
    assert condition["type"] == "price-drop-property"


def test_every_kind_with_a_form_has_its_cases():
    there = {path.stem for path in (CASES / "kinds").glob("*.json")}
    assert there == {*TRIGGERS, *(kind.TYPE for kind in PALETTE)}
    assert not any(issubclass(kind, Kept) for kind in PALETTE)
