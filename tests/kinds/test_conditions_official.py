"""Klaviyo's own document, walked: every condition, filter and operator it allows in a flow is one that we take.

For each place where conditions stand, the walk makes an example of every value of every enumeration, every member
of every union and every optional part left out. Unions are read as anyOf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any, get_args

import pytest

from flowbuilder.kinds import conditions as c
from flowbuilder.kinds import form
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.dates import UnknownFilter
from flowbuilder.kinds.examine import examine, model_of
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.logic import ConditionalSplit, TriggerSplit
from flowbuilder.kinds.shapes import shapes
from flowbuilder.kinds.unions import Choice
from tests.definition.judges import SPEC, VALIDATE, _schema
from tests.kinds.test_form import as_posted

# Where conditions stand in the document -> what we read them with.
PLACES: dict[str, tuple[list[str], Any]] = {
    "the flow's profile filter": (["FlowDefinition", "profile_filter"], c.FlowConditions),
    "conditional split": (["ConditionalBranchActionData", "profile_filter"], c.PersonConditions),
    "multi-branch split": (["MultiBranchSplitBranch", "branch_filter"], c.BranchConditions),
    "email": (["FlowEmail", "additional_filters"], c.PersonConditions),
    "text": (["FlowSms", "additional_filters"], c.PersonConditions),
    "push": (["FlowPushNotification", "additional_filters"], c.PersonConditions),
    "WhatsApp": (["FlowWhatsApp", "additional_filters"], c.PersonConditions),
    "metric trigger": (["MetricTrigger", "trigger_filter"], c.TriggerConditions),
    "price drop": (["PriceDropTrigger", "trigger_filter"], c.ItemConditions),
    "low inventory": (["LowInventoryTrigger", "trigger_filter"], c.InventoryConditions),
    "trigger split": (["TriggerBranchActionData", "trigger_filter"], c.SplitConditions),
    "action-output split": (["ActionOutputSplitActionData", "action_output_filter"], c.OutputConditions),
}
WORDS = Words({})


@cache
def schemas() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip(f"LOUD: {SPEC} is not here, so nobody compared our conditions with Klaviyo's")
    found: dict[str, Any] = json.loads(SPEC.read_text())["components"]["schemas"]
    return found


def named(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas()[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def examples(schema: dict[str, Any]) -> Iterator[Any]:
    """Every choice there is, each at least once."""
    nullable = schema.get("nullable", False)
    schema = named(schema)
    if "oneOf" in schema:
        for member in schema["oneOf"]:
            yield from examples(member)
    elif "enum" in schema:
        yield from schema["enum"]
    elif "properties" in schema:
        yield from objects(schema)
    elif schema.get("type") == "array":
        yield []
        yield from ([one] for one in examples(schema["items"]))
    else:
        text = "2026-05-01T00:00:00+00:00" if schema.get("format") == "date-time" else "x"
        yield from {"string": [text], "integer": [1], "number": [1.5], "boolean": [True, False]}.get(
            schema.get("type", ""), []
        )
    if nullable or schema.get("nullable"):
        yield None


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One with the first of everything; one for each other value of each property; one without what is optional."""
    choices = {name: list(examples(one)) for name, one in schema["properties"].items()}
    first = {name: values[0] for name, values in choices.items() if values}
    yield first
    for name, values in choices.items():
        for value in values[1:]:
            yield {**first, name: value}
    yield {name: value for name, value in first.items() if name in schema.get("required", [])}


def listed(place: list[str]) -> dict[str, Any]:
    """The union of conditions that the document names for a place."""
    groups = named(schemas()[place[0]]["properties"][place[1]])["properties"]["condition_groups"]
    found: dict[str, Any] = named(groups["items"])["properties"]["conditions"]["items"]
    return found


def allowed(place: list[str]) -> list[dict[str, Any]]:
    """The conditions that the document allows in a place."""
    return list(examples(listed(place)))


def unknown(value: Any) -> bool:
    """Whether anything in it was only kept, and not read."""
    if isinstance(value, c.UnknownCondition | UnknownFilter):
        return True
    if isinstance(value, list):
        return any(map(unknown, value))
    return any(unknown(getattr(value, name)) for name in getattr(type(value), "model_fields", {}))


@pytest.mark.parametrize("place", PLACES)
def test_every_combination_is_read(place):
    path, model = PLACES[place]
    given = allowed(path)
    assert given
    assert len({json.dumps(one) for one in given}) > 10
    for one in given:
        read = model.model_validate({"condition_groups": [{"conditions": [one]}]})
        assert not unknown(read), one
        sentence = read.sentence(WORDS)
        assert len(sentence) > 5, one
        assert "None" not in sentence, one


def test_the_walk_goes_everywhere():
    """As many operators as the document has: a walk that saw nothing would prove nothing."""
    people = allowed(PLACES["the flow's profile filter"][0])
    assert len({one["type"] for one in people}) == 14
    seen = {
        (one["type"], one["filter"]["type"], one["filter"]["operator"])
        for one in people
        if isinstance(one.get("filter"), dict)
    }
    properties = {pair for pair in seen if pair[0] == "profile-property"}
    # Texts, numbers, yes or no, dates, lists, whether it is there.
    assert len(properties) == 14 + 6 + 1 + 12 + 7 + 2


def test_what_is_left_out_everywhere_is_in_no_place():
    """Not in this flow is said of the flow alone; nothing else differs between places for people."""
    flow = {json.dumps(one, sort_keys=True) for one in allowed(PLACES["the flow's profile filter"][0])}
    split = {json.dumps(one, sort_keys=True) for one in allowed(PLACES["conditional split"][0])}
    assert {json.loads(one)["type"] for one in flow - split} == {"profile-not-in-flow"}
    assert split <= flow


# --- The other way: what we start with, they take -------------------------------------------------------------------


def choice_in(model: Any) -> Choice:
    """The union of the conditions that may stand in a filter."""
    group = get_args(model.model_fields["condition_groups"].annotation)[0]
    listed = get_args(group.model_fields["conditions"].annotation)[0]
    return next(one for one in get_args(listed) if isinstance(one, Choice))


def begun(model: Any) -> Iterator[dict[str, Any]]:
    """Each condition as a person begins it, and with each choice inside it made once."""
    everywhere = set(choice_in(c.PersonConditions).members) if model is not c.PersonConditions else set()
    for variant in choice_in(model).variants:
        if variant.model not in everywhere:  # judged once is enough
            yield variant.start()
            yield from chosen(variant.model, variant.start())


def chosen(model: Any, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, shape in shapes(model).items():
        value = settings.get(name)
        choice = shape.choice or (shape.item.choice if shape.item else None)
        inner = shape.model or (shape.item.model if shape.item else None)
        if choice is None and value is None and hasattr(inner, "START"):
            made = deepcopy(inner.START)
            yield {**settings, name: made if shape.model else [made]}
        if choice is None:
            continue
        for variant in choice.variants:
            made = variant.start(value)
            for one in (made, *chosen(variant.model, made)):
                yield {**settings, name: one if shape.choice else [one]}


@cache
def judges(names: tuple[str, ...]) -> list[Any]:
    """Judges of some schemas, who read the document so that a key it does not name counts as well."""
    if not VALIDATE.exists():
        pytest.skip(f"LOUD: {VALIDATE} is not here, so nobody official judged what we start with")
    _, (_, strict) = _schema()
    return [strict.named(name) for name in names]


def complaints(place: list[str], condition: dict[str, Any]) -> list[str]:
    """What the document says against a condition in a place, by its schemas of that type of condition."""
    names = tuple(
        name
        for name in (one["$ref"].rsplit("/", 1)[1] for one in listed(place).get("oneOf", [listed(place)]))
        if condition["type"] in schemas()[name]["properties"]["type"]["enum"]
    )
    if not names:
        return [f"{condition['type']} stands in no list"]
    if any(judge.is_valid(condition) for judge in judges(names)):
        return []
    return [error.message for judge in judges(names) for error in judge.iter_errors(condition)]


@pytest.mark.parametrize("place", {model: place for place, (_, model) in reversed(PLACES.items())}.values())
def test_what_we_start_with_is_accepted(place):
    path, model = PLACES[place]
    given = list(begun(model))
    assert given
    for one in given:
        assert complaints(path, one) == [], one
        assert not unknown(model.model_validate({"condition_groups": [{"conditions": [one]}]}))


def test_the_judge_is_awake():
    path, _ = PLACES["conditional split"]
    start = {"type": "profile-region", "in_region": True, "region": "atlantis"}
    assert complaints(path, start)
    assert complaints(path, {**start, "region": "united_states", "planet": "earth"})
    assert not complaints(path, {**start, "region": "united_states"})


# --- Through the form, and back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["conditional split", "trigger split"])
def test_opening_and_saving_changes_nothing(place):
    kind, name, rest = (
        (ConditionalSplit, "profile_filter", {})
        if place == "conditional split"
        else (TriggerSplit, "trigger_filter", {"trigger_id": "x", "trigger_type": "metric"})
    )
    for one in allowed(PLACES[place][0]):
        config = {name: {"condition_groups": [{"conditions": [one]}]}, **rest}
        saved, refused = form.read(kind, config, as_posted(form.build(kind, config)))
        assert refused == {}
        assert saved == config


# --- What a later revision brings -----------------------------------------------------------------------------------

NEWS = {"type": "profile-mood", "mood": "good", "filter": {"type": "string", "deep": [1]}}


def test_an_unknown_condition_is_kept_and_said():
    config = {"profile_filter": {"condition_groups": [{"conditions": [NEWS]}]}}
    model = model_of(ConditionalSplit, config, {})
    assert model is not None
    assert model.model_dump() == config
    assert "a condition of the type “profile-mood” that is not known here" in model.summary(WORDS)
    found = [(one.code, one.path, one.blocks) for one in examine(ConditionalSplit, config, {}).findings]
    path = ("profile_filter", "condition_groups", 0, "conditions", 0, "type")
    assert found == [("unknown-condition", path, False)]
    saved, refused = form.read(ConditionalSplit, config, as_posted(form.build(ConditionalSplit, config)))
    assert (saved, refused) == (config, {})


def test_it_is_shown_as_what_it_is():
    config = {"profile_filter": {"condition_groups": [{"conditions": [NEWS]}]}}
    nodes = [inner for outer in form.build(ConditionalSplit, config) for inner in outer.walk()]
    options = next(node for node in nodes if node.widget == "choice").options
    assert [(one.value, one.label) for one in options if one.chosen] == [
        ("profile-mood", "profile-mood (not known here)")
    ]


def test_an_unknown_comparison_is_kept_and_said():
    mood = {"type": "mood", "operator": "brighter-than", "value": 3}
    one = {"type": "profile-property", "property": "title", "filter": mood}
    config = {"profile_filter": {"condition_groups": [{"conditions": [one]}]}, "reentry": None}
    model = model_of(FlowSettings, config, {})
    assert model is not None
    found = [(one.code, one.blocks) for one in examine(FlowSettings, config, {}).findings]
    assert found == [("unknown-comparison", False)]
    assert "title fits a comparison of the type “mood”" in model.summary(WORDS)


@pytest.mark.parametrize(
    "one",
    [
        {
            "type": "metric-property",
            "metric_id": "x",
            "field": "x",
            "filter": {"type": "existence", "operator": "is-set"},
        },
        {
            "type": "profile-property",
            "property": "title",
            "filter": {"type": "numeric", "operator": "between", "start": 1, "end": 2},
        },
        {
            "type": "profile-property",
            "property": "title",
            "filter": {"type": "string", "operator": "startswith", "value": "a"},
        },
        {"type": "profile-not-in-flow", "timeframe_filter": {"type": "date", "operator": "alltime"}},
        {"type": " ", "mood": "good"},
        {"type": 7},
        {"mood": "good"},
    ],
)
def test_the_known_in_a_wrong_place_is_no_news(one):
    """A condition or an operator that Klaviyo refuses here is refused, and not taken for one of tomorrow."""
    config = {"profile_filter": {"condition_groups": [{"conditions": [one]}]}}
    assert [found.code for found in examine(ConditionalSplit, config, {}).findings if found.blocks]
