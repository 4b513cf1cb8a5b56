"""The body for one account: bound piece by piece, and the same to the byte as what is bound and then written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowbuilder.definition.writing import Approved, create_body, encoded
from flowbuilder.starters import starters

ANSWERS: dict[str, Any] = {
    "sender": {"email": "hello@harbour.example", "label": "Harbour “& Pine”"},
    "metric": "UvWxYz",
    "wait": 3,
}


@pytest.mark.parametrize("number", range(len(starters())))
def test_a_body_is_written_as_if_bound_and_then_written(number: int):
    definition = starters()[number].document["definition"]
    approved = Approved.of(definition)
    asked = {key for _, key, _ in approved.asks}
    templates = {key: f"T-{key}" for _, key, _ in approved.contents}
    assert asked, "there is something to ask"
    assert templates, "there is something to make"
    for answers in (ANSWERS, dict.fromkeys(asked, 'a "text" \\ {"$ask": 1} \x00 é'), {}):
        for made in (templates, {}):
            bound = create_body('A “name”, "quoted"', approved.bind(answers, made).definition)
            body = approved.encode('A “name”, "quoted"', answers, made)
            assert body == encoded(bound)
            assert json.loads(body) == bound


def test_a_value_that_no_json_can_hold_is_no_body():
    approved = Approved.of({"actions": [{"data": {"value": {"$ask": "wait"}}}]})
    with pytest.raises(ValueError, match="JSON"):
        approved.encode("Name", {"wait": float("nan")}, {})
