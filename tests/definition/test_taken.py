"""What a segment is made of comes along with its question, its metrics and lists as questions; or why it does not."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.definition.asking import Choice, Taken, ask_all
from flowbuilder.definition.extracting import Known, extract
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.taken import (
    TAKEN,
    asked_by,
    asked_within,
    bound,
    definition_in,
    ids_in,
    missing_within,
    renamed,
    why_it_stays,
    without,
)

KNOWN = {
    "VipS01": Known("segment", "VIPs"),
    "PlaceD": Known("metric", "Placed Order", "Shopify"),
    "NewsL1": Known("list", "Newsletter"),
}


def bought(metric: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 1},
        "timeframe_filter": {"type": "date", "operator": "alltime"},
        "metric_filters": None,
        **more,
    }


def member(*groups: Any) -> dict[str, Any]:
    return {"type": "profile-group-membership", "is_member": True, "group_ids": list(groups)}


def segment(*conditions: Any) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": [one]} for one in conditions]}


def document(trigger: str = "VipS01", metric: str = "") -> dict[str, Any]:
    """[segment] -> <wait>, for those who bought, where a metric is given."""
    wait = {"temporary_id": "wait", "type": "time-delay", "links": {"next": None}}
    return {
        "name": "VIPs",
        "definition": {
            "triggers": [{"type": "segment", "id": trigger}],
            "profile_filter": segment(bought(metric)) if metric else None,
            "entry_action_id": "wait",
            "actions": [{**wait, "data": {"unit": "days", "value": 1}}],
        },
    }


def asked(definition: dict[str, Any], flow: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
    graph = read_document(flow or document()).graph
    lines = extract(graph, KNOWN).lines
    taken = {"VipS01": Taken(definition, "has done Placed Order.", KNOWN)}
    graph, questions, originals = ask_all(graph, {}, lines, {}, taken)
    return originals, questions


def test_what_it_names_becomes_questions_of_the_template():
    made_of = segment(bought("PlaceD"), member("NewsL1", "Unkn0w"))
    originals, questions = asked(made_of)
    assert {key: one["kind"] for key, one in questions.items()} == {
        "segment": "segment",
        "metric": "metric",
        "list": "list",
        "list-2": "list",
    }
    assert (questions["metric"]["looks_for"], questions["metric"]["integration"]) == (
        "Placed Order",
        "Shopify",
    )
    assert questions["list"]["looks_for"] == "Newsletter"
    limits = questions["segment"]["limits"]
    assert definition_in(limits) == segment(
        bought({"$ask": "metric"}), member({"$ask": "list"}, {"$ask": "list-2"})
    )
    assert bound(definition_in(limits), originals) == made_of, (
        "bound with what stood there, it is what it was"
    )


def test_a_metric_that_is_asked_for_already_is_asked_once():
    _, questions = asked(segment(bought("PlaceD")), document(metric="PlaceD"))
    assert sorted(questions) == ["metric", "segment"]
    assert asked_within(questions["segment"]["limits"]) == {"metric"}


def test_what_stays_a_constant_takes_nothing_along():
    graph = read_document(document()).graph
    (line,) = extract(graph, KNOWN).lines
    taken = {"VipS01": Taken(segment(bought("PlaceD")), "", KNOWN)}
    assert ask_all(graph, {}, (line,), {line.id: Choice("constant")}, taken)[1] == {}


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        (None, "does not tell"),
        ({"condition_groups": []}, "does not tell"),
        (segment({"type": "profile-has-custom-object", "object_type_id": "7"}), "numbers that mean nothing"),
        (segment({"type": "profile-something-new", "form_id": "F1"}), "numbers that mean nothing"),
        (
            segment(bought("PlaceD", metric_filters=[{"property": "$message", "filter": {}}])),
            "one flow or message",
        ),
    ],
)
def test_what_cannot_travel_is_said(definition, why):
    assert why in why_it_stays(definition)


def test_what_can_travel_is_not_kept_back():
    assert (
        why_it_stays(segment(bought("PlaceD", metric_filters=[{"property": "Size"}]), member("NewsL1"))) == ""
    )
    assert [(id, kind) for _, id, kind in ids_in(segment(bought("A"), member("B", "C")))] == [
        ("A", "metric"),
        ("B", "list"),
        ("C", "list"),
    ]


def test_its_parts_are_asked_only_where_it_is_to_be_made():
    _, questions = asked(segment(bought("PlaceD")))
    flow = document({"$ask": "segment"})
    frozen = Frozen({**flow, "requirements": [{"key": key, **one} for key, one in questions.items()]})
    new = {"$make": "segment", "name": "VIPs", "definition": definition_in(questions["segment"]["limits"])}
    keys = {"nothing": {}, "one that is there": {"segment": "VipX"}, "a new one": {"segment": new}}
    assert {said: [one.key for one in frozen.asked(answers)] for said, answers in keys.items()} == {
        "nothing": ["segment"],
        "one that is there": ["segment"],
        "a new one": ["segment", "metric"],
    }
    assert asked_by(new) == {"metric"}
    assert missing_within({"segment": new}) == ["metric"]
    assert missing_within({"segment": new, "metric": "M1"}) == missing_within({"segment": "VipX"}) == []


def test_copied_questions_keep_to_each_other_and_a_dropped_one_ends_it():
    limits = {"x": 1, TAKEN: {"definition": segment(bought({"$ask": "metric"})), "told": ""}}
    assert asked_within(renamed(limits, {"metric": "metric-2"})) == {"metric-2"}
    assert without(limits, "metric") == {"x": 1}
    assert without(limits, "other") is limits
