"""Definitions that are fine: every trigger, action and kind of condition. For test_create_flow and test_spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.sandbox.talk import (
    CHECKOUT,
    SUBSCRIBED,
    TEMPLATE,
    Json,
    definition,
    groups,
    mail,
    split,
    step,
    wait,
)


@dataclass(frozen=True)
class Ids:
    """What stands in the account."""

    list: str
    segment: str
    order: str


def ids_of(api: httpx.Client) -> Ids:
    metrics = api.get("/api/metrics").json()["data"]
    order = next(metric["id"] for metric in metrics if metric["attributes"]["name"] == "Placed Order")
    group = [api.get(path).json()["data"][0]["id"] for path in ("/api/lists", "/api/segments")]
    return Ids(group[0], group[1], order)


def triggers(ids: Ids) -> dict[str, Json]:
    timing = {"timedelta_value_before_date": 0, "trigger_time": "09:00:00"}
    price = {"type": "price-drop-property", "metric_id": None, "field": "Name"}
    stock = {"type": "low-inventory-property", "metric_id": None, "field": "Name"}
    contains = {"filter": {"type": "string", "operator": "contains", "value": "oak"}}
    above = {"type": "numeric", "operator": "greater-than", "value": 5.5}
    return {
        "list": {"type": "list", "id": ids.list},
        "segment": {"type": "segment", "id": ids.segment},
        "metric": {"type": "metric", "id": CHECKOUT},
        "metric with a filter": {
            "type": "metric",
            "id": CHECKOUT,
            "trigger_filter": groups(
                {"type": "metric-property", "metric_id": CHECKOUT, "field": "price", "filter": above}
            ),
        },
        "date of a profile": {
            "type": "date",
            "date_field_type": "profile-property",
            "date_profile_property": "birthday",
            **timing,
        },
        "date of an object": {
            "type": "date",
            "date_field_type": "custom-object",
            "custom_object_label": "Pet",
            "custom_object_property_id": 7,
            "object_type_id": "01ABC",
            "object_type_relationship_id": "01DEF",
            "timedelta_unit_before_date": "days",
            "recurrence_frequency": "annually",
            "timezone": "US/Eastern",
            "trigger_days": ["monday"],
            **timing,
        },
        "price drop": {
            "type": "price-drop",
            "trigger_filter": groups({**price, **contains}),
            "price_drop_amount_value": 10,
            "price_drop_amount_unit": "percent",
            "audience": ["viewed", "checkout-started"],
        },
        "low inventory": {
            "type": "low-inventory",
            "product_level": "variant",
            "trigger_filter": groups({**stock, **contains}),
            "inventory_count": 3,
            "audience": ["added-to-cart"],
        },
    }


def conditions(ids: Ids) -> dict[str, Json]:
    """Every profile condition that may stand in a split."""

    def on(property: str, kind: str, operator: str, **more: Any) -> Json:
        rule = {"type": kind, "operator": operator, **more}
        return {"type": "profile-property", "property": property, "filter": rule}

    def metric(time: Json, **more: Any) -> Json:
        return {
            "type": "profile-metric",
            "metric_id": ids.order,
            "measurement": "count",
            "measurement_filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 1},
            "timeframe_filter": {"type": "date", **time},
            **more,
        }

    def consent(channel: str, can: bool, **status: Any) -> Json:
        about = {"channel": channel, "can_receive_marketing": can, "consent_status": status}
        return {"type": "profile-marketing-consent", "consent": about}

    def predicted(dimension: str, kind: str, operator: str, value: Any, **more: Any) -> Json:
        rule = {"type": kind, "operator": operator, "value": value}
        return {"type": "profile-predictive-analytics", "dimension": dimension, "filter": rule, **more}

    recent = {"operator": "in-the-last", "unit": "day", "quantity": 30}
    custom = "properties['Shoe size']"
    big = {"property": "$value", "filter": {"type": "numeric", "operator": "less-than", "value": 30}}
    distance = {"country_code": "US", "postal_code": "10001", "unit": "miles"}
    return {
        "text": on("email", "string", "contains", value="@example.com"),
        "text in": on(custom, "string", "in", value=["a", "b"]),
        "phone": on("phone_number", "string", "phone-country-code-in", value=["US"]),
        "number": on(custom, "numeric", "less-than", value=4.5),
        "boolean": on(custom, "boolean", "equals", value=True),
        "after": on("created", "date", "after", date="2026-01-01T00:00:00+00:00"),
        "between dates": on(
            *("created", "date", "between-static"),
            start="2026-01-01T00:00:00+00:00",
            end="2026-02-01T00:00:00+00:00",
        ),
        "in the last": on("created", "date", "in-the-last", unit="week", quantity=2),
        "anniversary next": on(custom, "date", "anniversary-next", unit="day", quantity=7),
        "between days": on("created", "date", "between", start=3, end=9, unit="day"),
        "month": on(custom, "date", "calendar-month", value=12),
        "anniversary": on(custom, "date", "anniversary"),
        "list holds": on(custom, "list", "contains", value="x"),
        "list length": on(custom, "list", "length-greater-than", value=2),
        "is set": on("location['country']", "existence", "is-set"),
        "member": {
            "type": "profile-group-membership",
            "is_member": True,
            "group_ids": [ids.list, ids.segment],
            "timeframe_filter": {"type": "date", **recent},
        },
        "no member": {"type": "profile-group-membership", "is_member": False, "group_ids": [ids.list]},
        "region": {"type": "profile-region", "in_region": True, "region": "european_union"},
        "distance": {
            "type": "profile-postal-code-distance",
            **distance,
            "filter": {"type": "numeric", "operator": "less-than", "value": 25},
        },
        "next purchase": {
            "type": "profile-predictive-analytics",
            "dimension": "expected_date_of_next_purchase",
            "filter": {"type": "date", "operator": "in-the-next", "unit": "day", "quantity": 5},
        },
        "gender": predicted("predicted_gender", "string", "equals", "uncertain"),
        "clv": predicted("total_clv", "numeric", "greater-than", 100),
        "affinity": predicted(
            *("channel_affinity", "numeric", "equals", 1), measurement="priority", predicted_channel="email"
        ),
        "affinity rank": predicted(
            *("channel_affinity", "string", "equals", "high"), measurement="rank", predicted_channel="sms"
        ),
        "can email": consent("email", True, subscription="any", filters=None),
        "subscribed by form": consent(
            *("email", True),
            subscription="subscribed",
            filters=[{"field": "method", "method": "form", "filter": None}],
        ),
        "cannot email": consent("email", False, subscription="never_subscribed", filters=[]),
        "can sms": SUBSCRIBED,
        "cannot sms": consent("sms", False, subscription="any"),
        "can push": consent("push", True, subscription="any"),
        "bought since start": metric({"operator": "flow-start"}, metric_filters=None),
        "ever bought small": metric({"operator": "alltime"}, metric_filters=[big]),
        "bought lately": metric(recent),
        "sample": {"type": "profile-sample", "percentage": 50},
        "object": {
            "type": "profile-has-custom-object",
            "object_type_id": "01ABC",
            "object_type_relationship_id": "01DEF",
            "filter": {"type": "numeric", "operator": "greater-than", "value": 0},
            "filters": [{"property_id": 1, "filter": {"type": "existence", "operator": "is-set"}}],
        },
        "whatsapp": {
            "type": "profile-permissions",
            "permission": {"reachable_status": "explicitly_reachable", "filters": []},
            "channel": "whatsapp_marketing",
        },
        "no email lately": {"type": "profile-not-sent-email", "timeframe_filter": {"type": "date", **recent}},
        "no sms ever": {
            "type": "profile-not-sent-sms",
            "timeframe_filter": {"type": "date", "operator": "alltime"},
        },
        "no push ever": {
            "type": "profile-not-sent-push",
            "timeframe_filter": {"type": "date", "operator": "alltime"},
        },
    }


def sms(id: str = "sms", next: str | None = None, **message: Any) -> Json:
    return step("send-sms", {"message": {"body": "Hello", **message}}, id, links={"next": next})


def two_of(kind: str, *actions: Json, **experiment: Any) -> Json:
    """An A/B test or content experiment: the first action is the main one, the others are its variations."""
    inner = [{**action, "links": {"next": None}} for action in actions]
    current = {
        "name": "Which one?",
        "variations": inner[1:],
        "allocations": {action["temporary_id"]: 1 / len(inner[1:]) for action in inner[1:]},
        **experiment,
    }
    return step(kind, {"main_action": inner[0], "current_experiment": current}, "test")


def actions(ids: Ids) -> dict[str, tuple[Json, ...]]:
    """By name: the actions of a whole flow on the checkout metric."""
    paid = {"type": "metric-property", "metric_id": CHECKOUT, "field": "$value"}
    above = {"filter": {"type": "numeric", "operator": "greater-than", "value": 50}}
    output = {"type": "action-output", "output_config_id": 1, "field": "ok"}
    true = {"filter": {"type": "boolean", "operator": "equals", "value": True}}
    both = {"next_if_true": "mail", "next_if_false": None}
    push = step("send-mobile-push", {"message": {"body": "Hi", "title": "T", "on_open": "home"}}, "push")
    winner = {"enabled": True, "automatic_end_date": None, "automatic_end_statistical_certainty": True}
    operations = [
        {
            "operator": "create",
            "property_type": "string",
            "property_key": "properties['A']",
            "property_value": "x",
        },
        {
            "operator": "update",
            "property_type": "numeric",
            "property_key": "properties['B']",
            "property_value": 2,
        },
        {
            "operator": "update",
            "property_type": "boolean",
            "property_key": "properties['C']",
            "property_value": True,
        },
        {
            "operator": "update",
            "property_type": "date",
            "property_key": "properties['D']",
            "property_value": "today",
        },
        {
            "operator": "update",
            "property_type": "list",
            "property_operation": "add",
            "property_key": "properties['E']",
            "property_value": "y",
        },
        {"operator": "delete", "property_key": "properties['F']"},
    ]
    return {
        "delays": (
            wait("h", "d", value=2, secondary_value=30, timezone="Europe/Berlin"),
            wait("d", "m", unit="days", delay_until_time="08:30:00", delay_until_weekdays=["monday"]),
            wait("m", None, unit="minutes", value=10, timezone="profile"),
        ),
        "email": (mail(),),
        "whole email": (
            mail(
                from_email="anna@harbourpine.example",
                from_label="Anna",
                reply_to_email=None,
                cc_email="cc@harbourpine.example",
                bcc_email=None,
                preview_text="",
                smart_sending_enabled=False,
                transactional=True,
                add_tracking_params=True,
                custom_tracking_params=[{"param": "utm_source", "value": "flow"}],
                additional_filters=groups(SUBSCRIBED),
            ),
        ),
        "email without content": (step("send-email", {"status": "manual"}),),
        "sms": (sms(shorten_links=False, message_hierarchy=[{"message_format": "SMS", "message": "Hello"}]),),
        "push": (push,),
        "whatsapp": (step("send-whatsapp", {"message": {"vendor_id": "w1"}, "status": "draft"}),),
        "webhook": (
            step(
                "send-webhook",
                {"message": {"url": "https://hook.example/x", "headers": {"A": "b"}, "body": "{}"}},
            ),
        ),
        "alert": (
            step(
                "send-internal-alert",
                {
                    "message": {
                        "from_email": "a@harbourpine.example",
                        "from_label": "A",
                        "to_emails": ["b@harbourpine.example"],
                        "subject_line": "Look",
                        "template_id": TEMPLATE,
                    }
                },
            ),
        ),
        "update profile": (step("update-profile", {"profile_operations": operations}),),
        "list update": (step("list-update", {"name": "Add", "on_execution": True, "list_id": ids.list}),),
        "countdown": (step("countdown-delay", {"unit": "weeks", "value": 1}),),
        "target date": (step("target-date", {"target_time": "09:00:00", "timezone": "profile"}),),
        "back in stock": ({"temporary_id": "a", "type": "back-in-stock-delay"},),
        "conditional split": (split("s", "a", None), mail("a")),
        "trigger split": (
            step(
                "trigger-split",
                {
                    "trigger_filter": groups({**paid, **above}),
                    "trigger_id": CHECKOUT,
                    "trigger_type": "metric",
                },
                links=both,
            ),
            mail(),
        ),
        "output split": (
            step("action-output-split", {"action_output_filter": groups({**output, **true})}, links=both),
            mail(),
        ),
        "multi branch": (
            {
                "temporary_id": "multi",
                "type": "multi-branch-split",
                "data": {
                    "name": "Which way?",
                    "branches": [
                        {
                            "branch_id": "b1",
                            "order": 0,
                            "name": "SMS",
                            "branch_filter": groups(SUBSCRIBED),
                            "links": {"next": "sms"},
                        },
                        {
                            "branch_id": "b2",
                            "order": 1,
                            "branch_filter": groups({**paid, **above}),
                            "links": {"next": "mail"},
                        },
                        {"branch_id": "else", "branch_filter": None, "links": None, "is_else": True},
                    ],
                },
            },
            sms(),
            mail(),
        ),
        "a/b test": (
            two_of(
                *("ab-test", mail("main"), mail("v1"), mail("v2")),
                winner_metric="unique-clicks",
                automatic_winner_selection_settings=winner,
            ),
        ),
        "a/b test not begun": (step("ab-test", {"main_action": sms("main"), "current_experiment": None}),),
        "content experiment": (
            two_of(
                "content-experiment",
                {**push, "temporary_id": "p0"},
                {**push, "temporary_id": "p1"},
                winner_metric="open-rate",
            ),
        ),
        "internal service": (
            step("internal-service", {"service_configuration": {"service_method_type": "unknown"}}),
        ),
        "code": ({"temporary_id": "a", "type": "code", "links": {"next": None}},),
        "rejoining branches": (split("s", "a", "b"), mail("a", "z"), sms("b", "z"), wait("z")),
    }


def all_definitions(ids: Ids) -> dict[str, Json]:
    date = step("target-date", {"target_time": "09:00:00"})
    found: dict[str, Json] = {}
    for name, trigger in triggers(ids).items():
        steps = (date,) if trigger["type"] == "date" else ()
        found[f"trigger: {name}"] = definition(*steps, triggers=[trigger])
    for name, steps in actions(ids).items():
        found[f"action: {name}"] = definition(*steps)
    for name, condition in conditions(ids).items():
        found[f"condition: {name}"] = definition(split("s", "mail", None, condition), mail())
    never_twice = {"type": "profile-not-in-flow", "timeframe_filter": {"type": "date", "operator": "alltime"}}
    found["profile filter"] = definition(profile_filter=groups(never_twice, SUBSCRIBED))
    for duration, unit in ((7, "day"), (2, "hour"), (1, "week"), (1, "alltime"), (0, "alltime")):
        found[f"re-entry: {duration} {unit}"] = definition(
            reentry_criteria={"duration": duration, "unit": unit}
        )
    found["no re-entry"] = definition(reentry_criteria=None)
    return found
