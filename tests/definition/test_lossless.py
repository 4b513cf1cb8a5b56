"""What comes in goes out: real definitions, the seed of the beta, starters. Two official judges read every payload."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from flowbuilder.definition.canonical import canonical, content_hash, differences, landed_as
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.preflight import Checking, blocking, check
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import (
    bind,
    create_body,
    place_of,
    pointer_to,
    to_definition,
    with_defaults,
)
from flowbuilder.starters import starters
from tests.definition.good import GOOD
from tests.definition.judges import SHARED, by_schema, by_sdk

CASES = Path(__file__).resolve().parents[1] / "cases" / "kinds"
SAMPLES = sorted((SHARED / "klaviyo" / "samples").glob("*.json"))
FLOWS = [path for path in SAMPLES if not path.name.startswith("error")]


def again(document: Any) -> dict[str, Any]:
    read = read_document(document)
    return create_body(read.name or "x", to_definition(read.graph))


def kinds() -> list[tuple[str, dict[str, Any]]]:
    """(name, create body) of every case: one step, or one trigger, in the smallest flow around it."""
    found = []
    for path in sorted(CASES.glob("*.json")):
        for index, case in enumerate(json.loads(path.read_text())):
            found.append((f"{path.stem}-{index}", smallest(path.stem, case)))
    return found


def smallest(kind: str, case: dict[str, Any]) -> dict[str, Any]:
    wait = {
        "temporary_id": "w",
        "type": "time-delay",
        "links": {"next": None},
        "data": {"unit": "days", "value": 1},
    }
    target = {
        "temporary_id": "w",
        "type": "target-date",
        "links": {"next": None},
        "data": {"target_time": "09:00:00", "timezone": "profile"},
    }
    trigger: dict[str, Any] = {"type": "metric", "id": "CheckM", "trigger_filter": None}
    if "data" in case:
        split = kind.endswith("split")
        links = {"next_if_true": "w", "next_if_false": None} if split else {"next": None}
        links = None if "branches" in case["data"] else links  # they stand in the branches
        actions = [{"temporary_id": "s", "type": kind, "links": links}]
        actions[0] |= {"data": case["data"]} if case["data"] else {}
        actions += [wait] if split else []
        trigger = case.get("trigger", trigger)
    else:
        trigger = {"type": kind, **case["trigger"]}
        actions = [target if kind == "date" else wait]
    definition = {
        "triggers": [trigger],
        "profile_filter": None,
        "actions": actions,
        "entry_action_id": actions[0]["temporary_id"],
    }
    return create_body(kind, definition)


KINDS = kinds()


@pytest.mark.parametrize(("name", "body"), KINDS, ids=[name for name, _ in KINDS])
def test_every_kind_in_every_shape(name, body):
    """Valid for both judges, whole for our own check, and unchanged by coming in and going out."""
    assert by_sdk(body) == []
    assert blocking(check(read_document(body).graph)) == []
    assert again(body)["data"]["attributes"]["definition"] == body["data"]["attributes"]["definition"]
    assert by_schema(body) == []


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_real_flows_come_out_as_they_came_in(path):
    document = json.loads(path.read_text())
    out = again(document)
    assert list(differences(canonical(document), canonical(out))) == []
    assert by_sdk(out) == []
    assert by_schema(out) == []


def test_there_were_real_flows():
    if not SHARED.exists():
        pytest.skip("LOUD: no real flows are here, so none was read back")
    assert len(FLOWS) >= 5


def test_the_seed_is_written_in_todays_form(seed):
    read = read_document(seed)
    out = create_body(read.name, to_definition(read.graph))
    wanted = copy.deepcopy(seed)
    definition = wanted["data"]["attributes"]["definition"]
    wait, _, text, mail = definition["actions"]
    del wait["data"]["delay_until_weekdays"]  # refused for hours
    text["data"]["message"]["sms_quiet_hours_enabled"] = text["data"]["message"].pop(
        "respecting_sms_quiet_hours"
    )
    del text["data"]["message"]["id"], mail["data"]["message"]["id"]  # refused on create
    assert out == wanted
    assert [note.code for note in read.notes] == ["weekdays-left-out"]
    assert by_sdk(out) == []
    assert by_schema(out) == []


@pytest.mark.parametrize("starter", starters(), ids=lambda one: one.slug)
def test_starters_are_ready(starter):
    frozen = Frozen(starter.document)
    describer = frozen.describer()
    known = Checking(describer.defaults, frozenset(frozen.contents), describer.words)
    assert check(frozen.graph, known) == []
    answers = {
        one.key: one.default
        or ({"email": "a@example.org", "label": "A"} if one.kind == "sender" else "MetrId")
        for one in frozen.questions
    }
    bound = bind(frozen.document["definition"], answers, dict.fromkeys(frozen.contents, "TmplId"))
    assert (bound.missing, bound.unmade) == ((), ())
    for definition in (bound.definition, with_defaults(frozen.document["definition"], describer.defaults)):
        body = create_body(frozen.document["name"], definition)
        assert by_sdk(body) == []
        assert by_schema(body) == []


def test_what_nobody_knows_survives():
    """Types and settings of a future revision are kept as they are."""
    body = copy.deepcopy(GOOD)
    definition = body["data"]["attributes"]["definition"]
    definition["actions"][4] = {
        "temporary_id": "mail",
        "type": "send-hologram",
        "links": {"next": None},
        "data": {"beam": {"watts": [1, 2.5, None]}, "status": "draft"},
    }
    definition["actions"][0]["data"]["colour"] = {"hue": 7}
    definition["triggers"][0]["moon"] = "full"
    assert again(body)["data"]["attributes"]["definition"] == definition


# --- Questions ---------------------------------------------------------------------------------------------------


def test_binding_replaces_all_or_names_what_is_left():
    body = copy.deepcopy(GOOD)
    definition = body["data"]["attributes"]["definition"]
    definition["triggers"][0]["id"] = {"$ask": "metric"}
    message = definition["actions"][4]["data"]["message"]
    message |= {"from_email": {"$ask": "sender", "part": "email"}, "template_id": {"$content": "mail"}}
    definition["actions"][4]["data"]["status"] = "live"
    bound = bind(definition, {}, {})
    assert (bound.missing, bound.unmade) == (("metric", "sender"), ("mail",))
    bound = bind(definition, {"metric": "M1", "sender": {"email": "a@b.cd"}}, {"mail": "T1"})
    assert (bound.missing, bound.unmade) == ((), ())
    sent = bound.definition["actions"][4]["data"]
    assert (sent["message"]["from_email"], sent["message"]["template_id"]) == ("a@b.cd", "T1")
    assert sent["status"] == "draft", "nothing goes live by itself"
    assert definition["triggers"][0]["id"] == {"$ask": "metric"}, "the design is left alone"


def test_pointers_lead_there_and_back():
    definition = GOOD["data"]["attributes"]["definition"]
    for step, path in (
        ("trigger", ("id",)),
        ("mail", ("message", "subject_line")),
        ("split", ("profile_filter", "condition_groups", 0, "conditions", 0)),
        (None, ("reentry_criteria", "unit")),
    ):
        assert place_of(definition, pointer_to(definition, step, path)) == (step, path)


# --- Comparing ---------------------------------------------------------------------------------------------------


def held(body: dict[str, Any]) -> dict[str, Any]:
    """What an account answers: other ids, other order, what the server fills in."""
    definition = copy.deepcopy(body["data"]["attributes"]["definition"])
    text = json.dumps(definition)
    for number, action in enumerate(definition["actions"], 100):
        text = text.replace(f'"{action["temporary_id"]}"', f'"{number}"')
    definition = json.loads(text.replace("temporary_id", "id"))
    definition["actions"].reverse()
    for action in definition["actions"]:
        if action["type"] == "send-email":
            action["data"]["message"] |= {
                "id": "MsgAbc",
                "template_id": "Copied",
                "reply_to_email": "hello@example.org",
            }
            action["data"]["message"]["add_tracking_params"] = False
    return {"data": {"type": "flow", "id": "F", "attributes": {"name": "x", "definition": definition}}}


def test_what_the_server_changes_is_no_difference():
    answer = held(GOOD)
    assert canonical(answer) == canonical(GOOD)
    found, steps = landed_as(GOOD, answer)
    assert found == []
    assert steps["mail"] == {"action": "104", "message": "MsgAbc"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("actions", 0, "data", "value"), 2),
        (("actions", 2, "data", "message", "body"), "Bye"),
        (("actions", 1, "links", "next_if_true"), "mail"),
        (("profile_filter",), None),
        (("reentry_criteria", "duration"), 8),
        (("triggers", 0, "id"), "Other"),
    ],
)
def test_every_other_change_is_one(path, value):
    changed = copy.deepcopy(GOOD)
    at = changed["data"]["attributes"]["definition"]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert list(differences(canonical(GOOD), canonical(changed))) != []


def test_the_hash_covers_what_lands():
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
