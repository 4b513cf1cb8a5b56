"""The case files are broad: every filter and every condition that a step or a trigger may hold stands in one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from flowbuilder.kinds import form
from flowbuilder.kinds.conditions import Condition
from flowbuilder.kinds.dates import Filter
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.registry import PALETTE, TRIGGERS
from flowbuilder.kinds.shapes import shape_at
from flowbuilder.kinds.zones import ZONES
from tests.conftest import CASES
from tests.definition.judges import SPEC
from tests.kinds.test_form import kind_of

KINDS: dict[str, type[Any]] = {**TRIGGERS, **{kind.TYPE: kind for kind in PALETTE}}
# Of the flow as a whole; of action-output splits, which are kept whole; of tomorrow; and what narrows a consent down,
# which test_conditions_official.py walks through in Klaviyo's own document.
ELSEWHERE = {
    *("NotInFlowCondition", "OutputCondition", "ItemCondition", "UnknownCondition", "UnknownFilter"),
    *("ShopifyFilter", "ConstantContactFilter", "TextIsFilter", "OneOfFilter"),
}


def cases() -> Iterator[tuple[type[Any], dict[str, Any]]]:
    for path in sorted((CASES / "kinds").glob("*.json")):
        for case in json.loads(path.read_text()):
            config = case["data"] if "data" in case else case["trigger"]
            yield kind_of(path.stem, config), config


def chosen(model: type[BaseModel], config: Any) -> Iterator[tuple[str, str]]:
    """(member, tag) of every choice that settings make."""
    for node in [inner for outer in form.build(model, config) for inner in outer.walk()]:
        if node.widget == "choice":
            shape = shape_at(model, config, node.path)
            variant = shape.choice.find(node.value) if shape.choice else None
            if variant is not None:
                yield variant.model.__name__, variant.tag


MADE = {pair for kind, config in cases() for pair in chosen(kind, config)}


def below(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from below(child)


def test_every_filter_and_condition_has_a_case():
    members = {name for name, _ in MADE}
    all_of_them = {one.__name__ for parent in (Filter, Condition) for one in below(parent)}
    assert all_of_them - members - ELSEWHERE == set()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_new_one_is_whole_but_for_what_a_person_must_choose(kind):
    assert all(one.code.startswith("no-") for one in examine(kind, kind.start(), {}).findings if one.blocks)


def test_time_zones_are_klaviyo_s():
    if not SPEC.exists():
        pytest.skip(f"LOUD: {SPEC} is not here, so nobody compared our time zones with Klaviyo's")
    schemas = json.loads(SPEC.read_text())["components"]["schemas"]
    for name in ("TimeDelayActionData", "TargetDateActionData", "CountdownDelayActionData"):
        assert {*ZONES, "profile"} == set(schemas[name]["properties"]["timezone"]["enum"])
