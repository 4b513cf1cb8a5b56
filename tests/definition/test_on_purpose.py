"""Coming in and going out, compared as plain JSON: every difference is one that we make on purpose, and is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import to_definition
from tests.conftest import SHARED
from tests.definition.good import GOOD

FLOWS = [
    path
    for path in sorted((SHARED / "klaviyo" / "samples").glob("*.json"))
    if not path.name.startswith("error")
]
NO_WAY_ON = ({"next": None}, {}, None, "absent")


def definition_of(document: dict[str, Any]) -> dict[str, Any]:
    document = document.get("result", document)
    found: dict[str, Any] = document["data"]["attributes"]["definition"]
    return found


def changes(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from changes(old.get(key, "absent"), new.get(key, "absent"), f"{path}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from changes(*pair, f"{path}/{index}")
    elif json.dumps(old) != json.dumps(new):
        yield path, old, new


def reasons(definition: dict[str, Any]) -> dict[str, str]:
    """path -> why it differs after the trip; the name is “?” where there is no reason."""
    out = to_definition(read_document(definition).graph)
    found: dict[str, str] = {}
    for key in sorted({*definition, *out} - {"actions"}):
        if definition.get(key) is not None or out.get(key) is not None:
            found |= {f"/{key}{path}": "?" for path, *_ in changes(definition.get(key), out.get(key))}
    written = {one["temporary_id"]: one for one in out["actions"]}
    assert len(written) == len(definition["actions"])
    for old in definition["actions"]:
        key = str(old.get("id") or old.get("temporary_id"))
        for path, was, now in changes(old, written[key]):
            found[f"{key}{path}"] = reason(old, path, was, now)
    return found


def reason(action: dict[str, Any], path: str, was: Any, now: Any) -> str:
    data = action.get("data") or {}
    last = path.rsplit("/", 1)[1]
    if last in ("id", "temporary_id") and "absent" in (was, now):
        return "an id of the account, or a temporary one for it"
    if path == "/links" and was in NO_WAY_ON and now in NO_WAY_ON:
        return "no way on, in one form"
    if last == "delay_until_weekdays" and data.get("unit") in ("minutes", "hours") and now == "absent":
        return "weekdays of a delay in hours"
    if last in ("respecting_sms_quiet_hours", "sms_quiet_hours_enabled"):
        return "a new name"
    if last == "experiment_status" and now == "absent":
        return "the state of an experiment"
    return "?"


def test_the_sieve_lets_nothing_through():
    assert reason({}, "/data/value", 1, 2) == "?"
    assert reason({"data": {"unit": "days"}}, "/data/delay_until_weekdays", ["monday"], "absent") == "?"
    assert list(changes({"a": [1, 1.0]}, {"a": [1.0, 1]})) != []


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_real_flows_differ_only_where_we_mean_it(path):
    found = reasons(definition_of(json.loads(path.read_text())))
    assert [where for where, why in found.items() if why == "?"] == []


def test_there_were_real_flows():
    if not SHARED.exists():
        pytest.skip(f"LOUD: {SHARED} is not here, so no real flow was compared")
    assert len(FLOWS) >= 5


def test_a_body_to_create_differs_in_nothing():
    assert reasons(GOOD["data"]["attributes"]["definition"]) == {}


def test_the_seed_differs_in_four_places(seed):
    found = reasons(definition_of(seed))
    assert sorted((where.split("/")[-1], why) for where, why in found.items()) == [
        ("delay_until_weekdays", "weekdays of a delay in hours"),
        ("id", "an id of the account, or a temporary one for it"),
        ("id", "an id of the account, or a temporary one for it"),
        ("respecting_sms_quiet_hours", "a new name"),
        ("sms_quiet_hours_enabled", "a new name"),
    ]
