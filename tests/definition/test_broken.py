"""Broken payloads: each is refused by our own check before any call, at the right step, with its place."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from flowbuilder.definition.preflight import blocking, check
from flowbuilder.definition.reading import UnableToImport, read_document
from flowbuilder.definition.writing import pointer_to, to_definition
from tests.definition.good import CONSENT, DROP, GOOD, edited

HEAD = "/data/attributes/definition"
WAIT, SPLIT, TEXT, EVENT, MAIL = (f"actions/{index}" for index in range(5))
CONDITION = f"{SPLIT}/data/profile_filter/condition_groups/0/conditions/0"
NOT_IN_FLOW = {
    "type": "profile-not-in-flow",
    "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 3},
}
LIST_TRIGGER = {"type": "list", "id": "ListID"}
DATE_TRIGGER = {
    "type": "date",
    "date_field_type": "profile-property",
    "date_profile_property": "birthday",
    "timedelta_value_before_date": 1,
    "timedelta_unit_before_date": "weeks",
    "recurrence_frequency": "annually",
    "timezone": "profile",
    "trigger_time": "09:00:00",
}
DROP_TRIGGER = {
    "type": "price-drop",
    "trigger_filter": None,
    "price_drop_amount_value": 10,
    "price_drop_amount_unit": "percent",
    "audience": ["viewed"],
    "timeframe_days": 30,
    "currency_type": "usd",
}


def sample(percentage: int) -> dict[str, Any]:
    return {"type": "profile-sample", "percentage": percentage}


# (what is wrong, edits, step, where in the create body; None: no place beyond the step)
BROKEN: list[tuple[str, list[tuple[str, Any]], str | None, str | None]] = [
    # Shape: these cannot even be kept
    ("two triggers", [("triggers/-", LIST_TRIGGER)], "trigger", None),
    ("a link to nowhere", [(f"{WAIT}/links/next", "ghost")], "wait", None),
    ("an entry to nowhere", [("entry_action_id", "ghost")], None, None),
    ("a circle", [(f"{TEXT}/links/next", "wait")], "split", None),
    ("a link to itself", [(f"{TEXT}/links/next", "text")], "text", None),
    ("one id twice", [(f"{TEXT}/temporary_id", "mail")], "mail", None),
    ("no id", [(f"{TEXT}/temporary_id", DROP)], None, None),
    ("no type", [(f"{TEXT}/type", DROP)], "text", None),
    # Incomplete
    ("no trigger", [("triggers", [])], "trigger", None),
    ("no entry", [("entry_action_id", None)], "trigger", None),
    ("a step nobody reaches", [(f"{SPLIT}/links/next_if_true", None)], "text", None),
    ("no steps", [("actions", []), ("entry_action_id", None)], None, None),
    # The trigger
    ("no metric", [("triggers/0/id", None)], "trigger", "/triggers/0/id"),
    ("a trigger of no known type", [("triggers/0/type", "full-moon")], "trigger", None),
    ("an unknown setting of the trigger", [("triggers/0/colour", "red")], "trigger", "/triggers/0/colour"),
    (
        "a filter with a text for a number",
        [("triggers/0/trigger_filter/condition_groups/0/conditions/0/filter/value", "five")],
        "trigger",
        "/triggers/0/trigger_filter/condition_groups/0/conditions/0/filter/value",
    ),
    (
        "an operator that is not one",
        [("triggers/0/trigger_filter/condition_groups/0/conditions/0/filter/operator", "startswith")],
        "trigger",
        "/triggers/0/trigger_filter/condition_groups/0/conditions/0/filter/operator",
    ),
    ("a filter without groups", [("triggers/0/trigger_filter", {"condition_groups": []})], "trigger", None),
    ("an empty group", [("triggers/0/trigger_filter/condition_groups/0/conditions", [])], "trigger", None),
    (
        "a profile condition in a trigger filter",
        [("triggers/0/trigger_filter/condition_groups/0/conditions/0", CONSENT)],
        "trigger",
        None,
    ),
    (
        "a price drop for nobody",
        [("triggers/0", {**DROP_TRIGGER, "audience": []})],
        "trigger",
        "/triggers/0/audience",
    ),
    (
        "a drop of more than all",
        [("triggers/0", {**DROP_TRIGGER, "price_drop_amount_value": 120})],
        "trigger",
        "/triggers/0/price_drop_amount_value",
    ),
    ("a date flow that begins with a delay", [("triggers/0", DATE_TRIGGER)], "wait", None),
    (
        "a date trigger without a time",
        [("triggers/0", {key: value for key, value in DATE_TRIGGER.items() if key != "trigger_time"})],
        "trigger",
        "/triggers/0/trigger_time",
    ),
    (
        "a time before the date below 0",
        [("triggers/0", {**DATE_TRIGGER, "timedelta_value_before_date": -1})],
        "trigger",
        "/triggers/0/timedelta_value_before_date",
    ),
    # The flow
    ("re-entry in days", [("reentry_criteria/unit", "days")], None, "/reentry_criteria/unit"),
    ("re-entry of 5 for ever", [("reentry_criteria", {"duration": 5, "unit": "alltime"})], None, None),
    (
        "an empty list of event filters",
        [("profile_filter/condition_groups/0/conditions/0/metric_filters", [])],
        None,
        "/profile_filter/condition_groups/0/conditions/0/metric_filters",
    ),
    (
        "a property of one's own by its bare name",
        [("profile_filter/condition_groups/1/conditions/0/property", "Tier")],
        None,
        "/profile_filter/condition_groups/1/conditions/0/property",
    ),
    (
        "a condition of no known type",
        [("profile_filter/condition_groups/1/conditions/0/type", "zodiac")],
        None,
        None,
    ),
    # The delay
    ("a time of day with hours", [(f"{WAIT}/data/unit", "hours")], "wait", f"/{WAIT}/data/delay_until_time"),
    ("a delay of -1", [(f"{WAIT}/data/value", -1)], "wait", f"/{WAIT}/data/value"),
    ("a delay of a text", [(f"{WAIT}/data/value", "1")], "wait", f"/{WAIT}/data/value"),
    ("a delay of half a day", [(f"{WAIT}/data/value", 0.5)], "wait", f"/{WAIT}/data/value"),
    ("no value", [(f"{WAIT}/data/value", DROP)], "wait", f"/{WAIT}/data/value"),
    ("a unit that is not one", [(f"{WAIT}/data/unit", "fortnights")], "wait", f"/{WAIT}/data/unit"),
    (
        "a time that is not one",
        [(f"{WAIT}/data/delay_until_time", "25:00:00")],
        "wait",
        f"/{WAIT}/data/delay_until_time",
    ),
    ("a day that is not one", [(f"{WAIT}/data/delay_until_weekdays", ["funday"])], "wait", None),
    (
        "a time zone that is not one",
        [(f"{WAIT}/data/timezone", "Mars/Olympus")],
        "wait",
        f"/{WAIT}/data/timezone",
    ),
    ("a setting of no delay", [(f"{WAIT}/data/colour", "red")], "wait", f"/{WAIT}/data/colour"),
    ("no data", [(f"{WAIT}/data", None)], "wait", None),
    # The splits
    ("no condition", [(f"{SPLIT}/data/profile_filter", None)], "split", f"/{SPLIT}/data/profile_filter"),
    ("no filter at all", [(f"{SPLIT}/data", {})], "split", f"/{SPLIT}/data/profile_filter"),
    ("not-in-flow in a split", [(CONDITION, NOT_IN_FLOW)], "split", None),
    (
        "a text that can be received by the unsubscribed",
        [(f"{CONDITION}/consent/consent_status/subscription", "unsubscribed")],
        "split",
        None,
    ),
    ("a sample of nobody", [(CONDITION, sample(0))], "split", f"/{CONDITION}/percentage"),
    ("a sample of everybody", [(CONDITION, sample(100))], "split", f"/{CONDITION}/percentage"),
    ("a trigger split in a list flow", [("triggers/0", LIST_TRIGGER)], "event", None),
    (
        "a split on another event",
        [(f"{EVENT}/data/trigger_id", "OrderM")],
        "event",
        f"/{EVENT}/data/trigger_id",
    ),
    (
        "a range that ends before it begins",
        [(f"{EVENT}/data/trigger_filter/condition_groups/0/conditions/0/filter/end", 1)],
        "event",
        f"/{EVENT}/data/trigger_filter/condition_groups/0/conditions/0/filter/end",
    ),
    # The messages
    ("no text", [(f"{TEXT}/data/message/body", "")], "text", f"/{TEXT}/data/message/body"),
    ("no body", [(f"{TEXT}/data/message/body", DROP)], "text", f"/{TEXT}/data/message/body"),
    ("a body that is a number", [(f"{TEXT}/data/message/body", 5)], "text", f"/{TEXT}/data/message/body"),
    ("no message", [(f"{TEXT}/data/message", None)], "text", None),
    (
        "a switch that is a number",
        [(f"{MAIL}/data/message/smart_sending_enabled", 1)],
        "mail",
        f"/{MAIL}/data/message/smart_sending_enabled",
    ),
    (
        "no subject",
        [(f"{MAIL}/data/message/subject_line", None)],
        "mail",
        f"/{MAIL}/data/message/subject_line",
    ),
    (
        "a subject of 251",
        [(f"{MAIL}/data/message/subject_line", "x" * 251)],
        "mail",
        f"/{MAIL}/data/message/subject_line",
    ),
    (
        "the subject by a wrong name",
        [(f"{MAIL}/data/message/subject", "Hi")],
        "mail",
        f"/{MAIL}/data/message/subject",
    ),
    (
        "smart sending by a wrong name",
        [(f"{MAIL}/data/message/smart_sending", True)],
        "mail",
        f"/{MAIL}/data/message/smart_sending",
    ),
    (
        "no template",
        [(f"{MAIL}/data/message/template_id", None)],
        "mail",
        f"/{MAIL}/data/message/template_id",
    ),
    (
        "no address",
        [(f"{MAIL}/data/message/from_email", "hello")],
        "mail",
        f"/{MAIL}/data/message/from_email",
    ),
    ("paused", [(f"{MAIL}/data/status", "paused")], "mail", f"/{MAIL}/data/status"),
    ("an action of no known type", [(f"{MAIL}/type", "send-pigeon")], "mail", None),
]


def refusals(body: dict[str, Any]) -> list[tuple[str | None, str]]:
    """(step, pointer) of everything that our own check refuses."""
    try:
        graph = read_document(body).graph
    except UnableToImport as error:
        return [(one.step, "") for one in error.problems]
    definition = to_definition(graph)
    return [(one.step, pointer_to(definition, one.step, one.path)) for one in blocking(check(graph))]


def test_what_they_break_is_whole():
    assert refusals(GOOD) == []
    assert len(BROKEN) >= 30


@pytest.mark.parametrize(("why", "edits", "step", "place"), BROKEN, ids=[row[0] for row in BROKEN])
def test_each_is_refused_at_its_place(why, edits, step, place):
    found = refusals(edited(*edits))
    assert found, f"nothing refused {why}"
    assert step in [one for one, _ in found]
    if place is not None:
        assert HEAD + place in [pointer for _, pointer in found], found


# What only we refuse: the platform takes it, and somebody would be sorry.
OURS = {
    "no subject",
    "no template",
    "a step nobody reaches",
    "a drop of more than all",
    "no text",
    "no message",
    "no condition",
    "a sample of nobody",
    "a sample of everybody",
    "a range that ends before it begins",
}


@pytest.mark.parametrize(("why", "edits", "step", "place"), BROKEN, ids=[row[0] for row in BROKEN])
def test_the_sandbox_agrees(klaviyo, why, edits, step, place):
    """The strict server, which shares no code with us, refuses them as well."""
    body = edited(*edits)
    answer = post(klaviyo, body)
    if why in OURS:
        return
    assert answer.status_code == 400, (why, answer.status_code)


def test_the_sandbox_takes_what_is_whole(klaviyo):
    assert post(klaviyo, GOOD).status_code == 201


def headers(klaviyo) -> dict[str, str]:
    return {
        "Authorization": f"Klaviyo-API-Key {klaviyo.api_key('harbour')}",
        "revision": "2026-10-15",
        "content-type": "application/vnd.api+json",
    }


def post(klaviyo, body: dict[str, Any]) -> httpx.Response:
    """Create the flow in Harbour & Pine, with ids that are there."""
    metrics = httpx.get(f"{klaviyo.url}/api/metrics", headers=headers(klaviyo)).json()["data"]
    other = next(one["id"] for one in metrics if one["id"] != "UpixsZ")
    text = json.dumps(body).replace("CheckM", "UpixsZ").replace("Templt", "RfgG9g").replace("OrderM", other)
    return httpx.post(f"{klaviyo.url}/api/flows", content=text, headers=headers(klaviyo))
