"""tests/cases/conditions: one file for each type of condition, each case with the words that are said of it.

Each is read, said, judged by Klaviyo's document, and opened and saved in a form without a change.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowbuilder.graph import Step
from flowbuilder.kinds import conditions as c
from flowbuilder.kinds import form
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.branches import MultiBranchSplit
from flowbuilder.kinds.dates import Filter
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.events import ItemCondition
from flowbuilder.kinds.examine import model_of
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.logic import ConditionalSplit, TriggerSplit
from flowbuilder.kinds.sources import Method, NarrowMethod, Source
from tests.conftest import CASES
from tests.kinds.test_conditions_official import PLACES, complaints
from tests.kinds.test_form import as_posted

WORDS = Words(
    {
        "OrderM": "Placed Order",
        "CheckM": "Checkout Started",
        "ViewedM": "Viewed Product",
        "ListId": "Newsletter",
        "VipSeg": "VIP",
        "01PET": "Pet",
    }
)
# How a case is told -> (the place in Klaviyo's document, what we read it with).
WHERE = {
    "split": PLACES["conditional split"],
    "flow": PLACES["the flow's profile filter"],
    "trigger-split": PLACES["trigger split"],
    "branch": PLACES["multi-branch split"],
    "output": PLACES["action-output split"],
}
ALL: list[dict[str, Any]] = [
    one for path in sorted((CASES / "conditions").glob("*.json")) for one in json.loads(path.read_text())
]
IDS = [one["words"] for one in ALL]
BASES = {
    "Source",
    "Method",
    "NarrowMethod",
    "ItemCondition",
    "Condition",
    "UnknownCondition",
    "UnknownFilter",
}


def groups(condition: dict[str, Any]) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": [condition]}]}


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_said_and_found_good(case):
    place, model = WHERE[case["place"]]
    read = model.model_validate(groups(case["condition"]))
    assert read.sentence(WORDS) == case["words"]
    assert list(read.findings()) == []
    assert complaints(place, case["condition"]) == []


def settings_of(case: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    match case["place"]:
        case "split":
            return ConditionalSplit, {"profile_filter": groups(case["condition"])}
        case "flow":
            return FlowSettings, {"profile_filter": groups(case["condition"]), "reentry": None}
        case "branch":
            branch = {"branch_id": "a", "order": 1, "name": "A", "branch_filter": groups(case["condition"])}
            last = {"branch_id": "else", "branch_filter": None, "links": None, "is_else": True}
            return MultiBranchSplit, {"name": "Split", "branches": [branch, last]}
        case _:
            on = {"trigger_id": "CheckM", "trigger_type": "metric"}
            return TriggerSplit, {"trigger_filter": groups(case["condition"]), **on}


@pytest.mark.parametrize(
    "case", [one for one in ALL if one["place"] != "output"], ids=lambda one: one["words"]
)
def test_opening_and_saving_changes_nothing(case):
    kind, config = settings_of(case)
    assert model_of(kind, config, {}) is not None
    saved, refused = form.read(kind, config, as_posted(form.build(kind, config)))
    assert (saved, refused) == (config, {})


def made_of(value: Any) -> set[str]:
    """The names of all classes that a model holds."""
    if isinstance(value, list):
        return set().union(*map(made_of, value))
    inner = [made_of(getattr(value, name)) for name in getattr(type(value), "model_fields", {})]
    return {type(value).__name__}.union(*inner)


def below(parent: type[Any]) -> set[str]:
    return {parent.__name__}.union(*(below(child) for child in parent.__subclasses__()))


def test_every_condition_and_every_narrowing_has_a_case():
    made = set().union(
        *(made_of(WHERE[one["place"]][1].model_validate(groups(one["condition"]))) for one in ALL)
    )
    wanted = below(c.Condition) | below(Source)
    assert wanted - made - BASES == set()
    assert {one.__name__ for one in (Method, NarrowMethod, Source, ItemCondition, Filter)} - made


# --- What a person has still to say --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "condition", "codes"),
    [
        (c.PersonConditions, {"type": "profile-postal-code-distance"}, {"no-postal-code"}),
        (c.PersonConditions, {"type": "profile-has-custom-object"}, {"no-object", "no-relationship"}),
        (c.PersonConditions, {"type": "profile-metric"}, {"no-metric"}),
        (c.PersonConditions, {"type": "profile-property"}, {"no-property"}),
        (c.SplitConditions, {"type": "custom-object-property"}, {"no-object", "no-property"}),
        (c.SplitConditions, {"type": "custom-object-trigger-property"}, {"no-property"}),
        (c.SplitConditions, {"type": "low-inventory-property"}, {"no-property"}),
        (c.BranchConditions, {"type": "metric-property"}, {"no-metric", "no-property"}),
        (c.PersonConditions, {"type": "profile-permissions"}, set()),
        (
            c.PersonConditions,
            {"type": "profile-predictive-analytics", "dimension": "churn_probability"},
            set(),
        ),
    ],
)
def test_a_new_one_asks_for_what_is_missing(model, condition, codes):
    variants = next(
        one.variants
        for one in model.model_fields["condition_groups"]
        .annotation.__args__[0]
        .model_fields["conditions"]
        .annotation.__args__[0]
        .__metadata__
    )
    variant = next(one for one in variants if condition.items() <= dict(one.values).items())
    assert {one.code for one in model.model_validate(groups(variant.start())).findings()} == codes


@pytest.mark.parametrize(
    ("filter", "code"),
    [
        ({"type": "date", "operator": "anniversary-next", "unit": "day", "quantity": 0}, "not-positive"),
        ({"type": "date", "operator": "between", "start": 9, "end": 2, "unit": "day"}, "empty-range"),
        (
            {"type": "date", "operator": "between-static", "start": "2026-02-01", "end": "2026-01-01"},
            "empty-range",
        ),
    ],
)
def test_dates_that_make_no_sense(filter, code):
    one = {"type": "profile-property", "property": "created", "filter": filter}
    (found,) = c.PersonConditions.model_validate(groups(one)).findings()
    assert (found.code, found.blocks) == (code, True)


def test_two_ways_of_narrowing_that_klaviyo_takes_only_apart():
    method = {"field": "method", "method": "spam_complaint"}
    date = {"field": "bounce_date", "filter": {"type": "existence", "operator": "is-set"}}
    status = {"subscription": "unsubscribed", "filters": [method, date]}
    consent = {"channel": "email", "can_receive_marketing": False, "consent_status": status}
    one = {"type": "profile-marketing-consent", "consent": consent}
    (found,) = c.PersonConditions.model_validate(groups(one)).findings()
    assert found.code == "mixed-filters"
    assert found.path[-3:] == ("consent", "consent_status", "filters")
    assert complaints(WHERE["split"][0], one)  # as the document says


def test_a_list_is_not_asked_since_when_somebody_is_not_in_it():
    when = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 3}
    one = {
        "type": "profile-group-membership",
        "is_member": True,
        "group_ids": ["a"],
        "timeframe_filter": when,
    }
    config = {"profile_filter": groups(one)}
    here = "profile_filter.condition_groups.0.conditions.0.@"
    posted = as_posted(form.build(ConditionalSplit, config)) | {here: ["profile-group-membership:false"]}
    saved, _ = form.read(ConditionalSplit, config, posted)
    assert saved == {
        "profile_filter": groups({"type": "profile-group-membership", "is_member": False, "group_ids": ["a"]})
    }


def test_an_action_output_split_says_what_it_asks():
    case = next(one for one in ALL if one["place"] == "output")
    step = Step("s", "action-output-split", {"action_output_filter": groups(case["condition"])})
    assert Describer(WORDS, {}).step(step).summary == "The output “score” is greater than 5."
    odd = Step("s", "action-output-split", {"action_output_filter": {"condition_groups": 5}})
    assert Describer(WORDS, {}).step(odd).summary.startswith("Kept as it is")
