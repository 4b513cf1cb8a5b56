"""POST /api/flows: what is refused and where the error points."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.examples import all_definitions, ids_of, sms, two_of
from tests.sandbox.talk import (
    CHECKOUT,
    SUBSCRIBED,
    Json,
    definition,
    flow,
    groups,
    mail,
    problems,
    split,
    step,
    wait,
)

AT = "/data/attributes/definition"
FIRST = f"{AT}/actions/0"


def create(api: httpx.Client, about: Json, name: str = "A flow") -> Json:
    """The definition that comes back."""
    answer = api.post("/api/flows", json=flow(about, name))
    assert answer.status_code == 201, answer.text
    stored: Json = answer.json()["data"]["attributes"]["definition"]
    return stored


def without(about: Json, *path: Any) -> Json:
    changed = deepcopy(about)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def branches(*given: Json) -> Json:
    data = {"name": "Way", "branches": list(given)}
    return {"temporary_id": "m", "type": "multi-branch-split", "data": data}


def prop(operator: str = "equals", kind: str = "string", **more: Any) -> Json:
    return {
        "type": "profile-property",
        "property": "email",
        "filter": {"type": kind, "operator": operator, "value": "x", **more},
    }


def bought(**more: Any) -> Json:
    return {
        "type": "profile-metric",
        "metric_id": CHECKOUT,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "flow-start"},
        **more,
    }


def in_split(condition: Json) -> Json:
    return definition(split("s", "mail", None, condition), mail())


NEVER_TWICE = {"type": "profile-not-in-flow", "timeframe_filter": {"type": "date", "operator": "alltime"}}
CONDITION = f"{FIRST}/data/profile_filter/condition_groups/0/conditions/0"
DATED = {
    "type": "date",
    "date_field_type": "profile-property",
    "date_profile_property": "birthday",
    "timedelta_value_before_date": 0,
    "trigger_time": "09:00:00",
}
ALERT = {"from_email": "a@b.example", "from_label": "A", "to_emails": ["c@d.example"], "subject_line": "S"}
ELSE = {"branch_id": "else", "branch_filter": None, "links": None, "is_else": True}
YES = {"branch_id": "yes", "branch_filter": groups(SUBSCRIBED), "links": {"next": "mail"}}
WRITE = {
    "operator": "create",
    "property_type": "string",
    "property_key": "properties['A']",
    "property_value": "x",
}

REFUSED: list[tuple[str, Json, str]] = [
    # the whole
    ("no triggers", definition(triggers=[]), f"{AT}/triggers"),
    ("two triggers", definition(triggers=[{"type": "metric", "id": CHECKOUT}] * 2), f"{AT}/triggers"),
    ("triggers missing", without(definition(), "triggers"), f"{AT}/triggers"),
    ("no actions", {**definition(), "actions": [], "entry_action_id": None}, f"{AT}/actions"),
    ("actions missing", without(definition(), "actions"), f"{AT}/actions"),
    ("entry missing", without(definition(), "entry_action_id"), f"{AT}/entry_action_id"),
    ("entry null", definition(entry_action_id=None), f"{AT}/entry_action_id"),
    ("entry unknown", definition(entry_action_id="nobody"), f"{AT}/entry_action_id"),
    ("unknown key", definition(colour="red"), f"{AT}/colour"),
    (
        "re-entry unit",
        definition(reentry_criteria={"duration": 7, "unit": "days"}),
        f"{AT}/reentry_criteria/unit",
    ),
    ("re-entry without unit", definition(reentry_criteria={"duration": 7}), f"{AT}/reentry_criteria/unit"),
    (
        "re-entry alltime 2",
        definition(reentry_criteria={"duration": 2, "unit": "alltime"}),
        f"{AT}/reentry_criteria/duration",
    ),
    # triggers
    ("trigger type", definition(triggers=[{"type": "back-in-stock"}]), f"{AT}/triggers/0/type"),
    ("foreign metric", definition(triggers=[{"type": "metric", "id": "Zzzzzz"}]), f"{AT}/triggers/0/id"),
    ("no metric", definition(triggers=[{"type": "metric", "id": None}]), f"{AT}/triggers/0/id"),
    ("foreign list", definition(triggers=[{"type": "list", "id": "Zzzzzz"}]), f"{AT}/triggers/0/id"),
    ("foreign segment", definition(triggers=[{"type": "segment", "id": "Zzzzzz"}]), f"{AT}/triggers/0/id"),
    (
        "filter on a list",
        definition(triggers=[{"type": "list", "id": "Zzzzzz", "trigger_filter": None}]),
        f"{AT}/triggers/0/trigger_filter",
    ),
    ("date flow that starts with a mail", definition(triggers=[DATED]), f"{AT}/entry_action_id"),
    (
        "time of day",
        definition(triggers=[{**DATED, "trigger_time": "9:00"}]),
        f"{AT}/triggers/0/trigger_time",
    ),
    (
        "zone of a date",
        definition(triggers=[{**DATED, "timezone": "Mars/Base"}]),
        f"{AT}/triggers/0/timezone",
    ),
    (
        "price drop without its filter",
        definition(triggers=[{"type": "price-drop", "price_drop_amount_value": 1, "audience": ["viewed"]}]),
        f"{AT}/triggers/0/trigger_filter",
    ),
    # actions and links
    ("id on create", definition(mail(), actions=[{**mail(), "id": "1"}]), f"{FIRST}/id"),
    (
        "temporary id missing",
        definition(mail(), actions=[without(mail(), "temporary_id")]),
        f"{FIRST}/temporary_id",
    ),
    ("temporary id twice", definition(wait("a", "b"), mail("b"), mail("b")), f"{AT}/actions/2/temporary_id"),
    ("action type", definition(step("send-fax", {})), f"{FIRST}/type"),
    ("data missing", definition(without(wait(), "data")), f"{FIRST}/data"),
    ("data empty", definition(step("send-email", {})), f"{FIRST}/data"),
    ("key on an action", definition({**wait(), "note": "x"}), f"{FIRST}/note"),
    ("link to nowhere", definition(wait(next="gone")), f"{FIRST}/links/next"),
    ("link of a wrong type", definition(wait(next=5)), f"{FIRST}/links/next"),  # type: ignore[arg-type]
    ("cycle", definition(wait("a", "b"), wait("b", "a")), f"{FIRST}/links"),
    ("itself", definition(wait("a", "a")), f"{FIRST}/links"),
    ("unreachable", definition(wait("a"), mail("b")), f"{AT}/actions/1"),
    (
        "half a split",
        definition(without(split("s", "mail", None), "links", "next_if_false"), mail()),
        f"{FIRST}/links/next_if_false",
    ),
    ("split without links", definition(without(split("s", None, None), "links")), f"{FIRST}/links"),
    (
        "split with next",
        definition({**split("s", None, None), "links": {"next": None}}),
        f"{FIRST}/links/next",
    ),
    # delays
    ("delay until a time in hours", definition(wait(delay_until_time="08:00:00")), f"{FIRST}/data"),
    ("delay until a weekday in hours", definition(wait(delay_until_weekdays=["monday"])), f"{FIRST}/data"),
    ("delay unit", definition(wait(unit="weeks")), f"{FIRST}/data/unit"),
    ("delay value", definition(wait(value="1")), f"{FIRST}/data/value"),
    ("delay value missing", definition(without(wait(), "data", "value")), f"{FIRST}/data/value"),
    ("delay zone", definition(wait(timezone="Berlin")), f"{FIRST}/data/timezone"),
    (
        "weekday",
        definition(wait(unit="days", delay_until_weekdays=["funday"])),
        f"{FIRST}/data/delay_until_weekdays/0",
    ),
    # messages
    ("message id", definition(step("send-email", {"message": {"id": "SxjMx3"}})), f"{FIRST}/data/message/id"),
    (
        "beta key",
        definition(sms(respecting_sms_quiet_hours=True)),
        f"{FIRST}/data/message/respecting_sms_quiet_hours",
    ),
    ("wrong key", definition(mail(subject="Hi")), f"{FIRST}/data/message/subject"),
    ("long subject", definition(mail(subject_line="x" * 251)), f"{FIRST}/data/message/subject_line"),
    ("long preview", definition(mail(preview_text="x" * 251)), f"{FIRST}/data/message/preview_text"),
    ("sender", definition(mail(from_email="hello")), f"{FIRST}/data/message/from_email"),
    ("foreign template", definition(mail(template_id="Zzzzzz")), f"{FIRST}/data/message/template_id"),
    ("status", definition(step("send-email", {"status": "paused"})), f"{FIRST}/data/status"),
    (
        "sms without body",
        definition(step("send-sms", {"message": {"name": "x"}})),
        f"{FIRST}/data/message/body",
    ),
    (
        "webhook by http",
        definition(step("send-webhook", {"message": {"url": "http://a.example"}})),
        f"{FIRST}/data/message/url",
    ),
    (
        "webhook without message",
        definition(step("send-webhook", {"status": "draft"})),
        f"{FIRST}/data/message",
    ),
    (
        "alert to nobody",
        definition(step("send-internal-alert", {"message": {**ALERT, "to_emails": []}})),
        f"{FIRST}/data/message/to_emails",
    ),
    (
        "message filter on the flow",
        definition(mail(additional_filters=groups(NEVER_TWICE))),
        f"{FIRST}/data/message/additional_filters/condition_groups/0/conditions/0/type",
    ),
    # conditions
    ("not-in-flow in a split", in_split(NEVER_TWICE), f"{CONDITION}/type"),
    (
        "trigger filter in a conditional split",
        definition({**split("s", None, None), "data": {"trigger_filter": None}}),
        f"{FIRST}/data/trigger_filter",
    ),
    (
        "event condition in a split",
        in_split({"type": "metric-property", "metric_id": CHECKOUT}),
        f"{CONDITION}/type",
    ),
    ("operator without a dash", in_split(prop("startswith")), f"{CONDITION}/filter/operator"),
    ("filter type", in_split(prop(kind="text")), f"{CONDITION}/filter/type"),
    ("filter value", in_split(prop(kind="numeric")), f"{CONDITION}/filter/value"),
    ("filter key", in_split(prop(colour="red")), f"{CONDITION}/filter/colour"),
    ("custom property", in_split({**prop(), "property": "Shoe size"}), f"{CONDITION}/property"),
    ("metric_filters empty", in_split(bought(metric_filters=[])), f"{CONDITION}/metric_filters"),
    ("metric of a condition", in_split(bought(metric_id="Zzzzzz")), f"{CONDITION}/metric_id"),
    ("measurement", in_split(bought(measurement="value")), f"{CONDITION}/measurement"),
    (
        "group of a condition",
        in_split({"type": "profile-group-membership", "is_member": True, "group_ids": ["Zzzzzz"]}),
        f"{CONDITION}/group_ids/0",
    ),
    (
        "no condition",
        definition(profile_filter={"condition_groups": [{"conditions": []}]}),
        f"{AT}/profile_filter/condition_groups/0/conditions",
    ),
    (
        "no group",
        definition(profile_filter={"condition_groups": []}),
        f"{AT}/profile_filter/condition_groups",
    ),
    # splits on the event, branches, experiments, the rest
    (
        "trigger split on another metric",
        definition(
            step(
                "trigger-split",
                {"trigger_filter": None, "trigger_id": "Zzzzzz", "trigger_type": "metric"},
                links={"next_if_true": None, "next_if_false": None},
            )
        ),
        f"{FIRST}/data/trigger_id",
    ),
    (
        "branches without else",
        definition(branches(YES, {**YES, "branch_id": "b"}), mail()),
        f"{FIRST}/data/branches",
    ),
    ("else not last", definition(branches(ELSE, YES), mail()), f"{FIRST}/data/branches"),
    (
        "else with a filter",
        definition(branches(YES, {**ELSE, "branch_filter": groups(SUBSCRIBED)}), mail()),
        f"{FIRST}/data/branches/1/branch_filter",
    ),
    (
        "branch id twice",
        definition(branches(YES, {**ELSE, "branch_id": "yes"}), mail()),
        f"{FIRST}/data/branches/1/branch_id",
    ),
    ("branch to nowhere", definition(branches(YES, ELSE)), f"{FIRST}/data/branches/0/links/next"),
    (
        "multi-branch with links",
        definition({**branches(YES, ELSE), "links": {"next": None}}, mail()),
        f"{FIRST}/links",
    ),
    ("one branch", definition(branches(ELSE)), f"{FIRST}/data/branches"),
    (
        "allocations",
        definition(two_of("ab-test", mail("m"), mail("a"), mail("b"), allocations={"a": 0.5, "x": 0.5})),
        f"{FIRST}/data/current_experiment/allocations",
    ),
    (
        "allocations of 150%",
        definition(two_of("ab-test", mail("m"), mail("a"), mail("b"), allocations={"a": 0.5, "b": 1.0})),
        f"{FIRST}/data/current_experiment/allocations",
    ),
    (
        "experiment status",
        definition(step("ab-test", {"main_action": mail("m"), "experiment_status": "draft"})),
        f"{FIRST}/data/experiment_status",
    ),
    (
        "experiment id",
        definition(two_of("ab-test", mail("m"), mail("a"), mail("b"), id="01K")),
        f"{FIRST}/data/current_experiment/id",
    ),
    (
        "push in an a/b test",
        definition(
            step("ab-test", {"main_action": step("send-mobile-push", {"message": {"body": "x"}}, "m")})
        ),
        f"{FIRST}/data/main_action/type",
    ),
    (
        "property to write",
        definition(step("update-profile", {"profile_operations": [{**WRITE, "property_key": "A"}]})),
        f"{FIRST}/data/profile_operations/0/property_key",
    ),
    (
        "value to write",
        definition(step("update-profile", {"profile_operations": [{**WRITE, "property_value": 1}]})),
        f"{FIRST}/data/profile_operations/0/property_value",
    ),
    (
        "more than 100 KB to write",
        definition(
            step("update-profile", {"profile_operations": [{**WRITE, "property_value": "x" * 100_001}]})
        ),
        f"{FIRST}/data/profile_operations",
    ),
    (
        "list to update",
        definition(step("list-update", {"name": "x", "on_execution": True, "list_id": "Zzzzzz"})),
        f"{FIRST}/data/list_id",
    ),
]


@pytest.mark.parametrize(
    ("about", "pointer"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused_with_a_pointer(
    klaviyo: RunningSandbox, api: httpx.Client, about: Json, pointer: str
) -> None:
    before = len(klaviyo.flows())
    answer = api.post("/api/flows", json=flow(about))
    assert answer.status_code == 400, answer.text
    assert pointer in [at for at, _ in problems(answer)]
    assert all(error["code"] == "invalid" for error in answer.json()["errors"])
    assert len(klaviyo.flows()) == before


@pytest.mark.parametrize("name", [None, 5, "", "  "])
def test_a_flow_needs_a_name(api: httpx.Client, name: Any) -> None:
    assert problems(api.post("/api/flows", json=flow(definition(), name)))[0][0] == "/data/attributes/name"
    body = flow(definition())
    del body["data"]["attributes"]["name"]
    assert problems(api.post("/api/flows", json=body))[0][0] == "/data/attributes/name"


def test_status_and_archived_cannot_be_set_on_create(api: httpx.Client) -> None:
    body = flow(definition())
    body["data"]["attributes"]["status"] = "live"
    ((pointer, detail),) = problems(api.post("/api/flows", json=body))
    assert pointer == "/data/attributes/status"
    assert detail == "'status' is not a valid field for the resource 'flow'."


def test_all_errors_come_together(api: httpx.Client) -> None:
    about = definition(
        wait(next="mail", delay_until_time="08:00:00"), mail(template_id="Zzzzzz", subject="x")
    )
    pointers = [pointer for pointer, _ in problems(api.post("/api/flows", json=flow(about)))]
    assert sorted(pointers) == [
        f"{AT}/actions/0/data",
        f"{AT}/actions/1/data/message/subject",
        f"{AT}/actions/1/data/message/template_id",
    ]


def test_every_example_is_accepted(api: httpx.Client) -> None:
    for name, about in all_definitions(ids_of(api)).items():
        create(api, about, name)
