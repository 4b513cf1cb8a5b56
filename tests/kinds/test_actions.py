# ruff: noqa: E501
"""Messages beyond email and text, and steps that change a profile or a list: what they say, and what they find."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.graph.values import Step, Trigger
from flowbuilder.kinds.asks import set_at
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.registry import ACTIONS, TRIGGERS, action_kind, trigger_kind

DESCRIBER = Describer(Words({"ListId": "VIP"}), {})


def message(**fields: Any) -> dict[str, Any]:
    return {"message": fields}


def changing(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"profile_operations": list(operations)}


def put(key: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {
        "operator": "update",
        "property_type": kind,
        "property_key": key,
        "property_value": value,
        **more,
    }


TIER = "properties['Loyalty tier']"
DELETE = {"operator": "delete", "property_key": "properties['Old']"}
CARDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("send-mobile-push", message(title="Hi", body=" Back "), "Hi", "“Back”"),
    ("send-mobile-push", message(name="P", body=""), "P", "No text yet."),
    ("send-mobile-push", message(body="", push_type="silent"), "Push notification", "Brings data to the app, silently."),
    ("send-whatsapp", message(name="W"), "W", "Its text is written in Klaviyo."),
    ("send-whatsapp", message(vendor_id="V1"), "WhatsApp", "Sends the message V1."),
    ("send-webhook", message(url="https://hooks.example.com/a?b"), "Webhook", "Posts to hooks.example.com."),
    ("send-webhook", message(name="CRM", url=None), "CRM", "No address yet."),
    ("back-in-stock-delay", {}, "Until back in stock", "Waits until the item is back in stock."),
    ("list-update", {"name": "x", "on_execution": True, "list_id": "ListId"}, "Update list", "Adds the person to “VIP”."),
    ("list-update", {"name": "x", "on_execution": False, "list_id": None}, "Update list", "Takes the person off a list."),
    ("update-profile", changing(put(TIER, "string", "gold")), "Update profile", "Sets Loyalty tier to “gold”."),
    ("update-profile", changing(put("first_name", "boolean", True), DELETE), "Update profile", "Sets first name to yes and deletes Old."),
    ("update-profile", changing(put(TIER, "list", "a", property_operation="remove")), "Update profile", "Takes “a” from Loyalty tier."),
    ("update-profile", changing(*[put(TIER, "numeric", 2.5)] * 6), "Update profile", "Sets Loyalty tier to 2.5, sets Loyalty tier to 2.5, sets Loyalty tier to 2.5 and 3 more changes."),
    ("update-profile", changing(put("", "string", "")), "Update profile", "Changes nothing yet."),
    ("update-profile", changing(put(TIER, "date", "soon")), "Update profile", "Some settings are not right yet."),
    ("internal-service", {"x": 1}, "Internal service", "Kept as it is: it has no form here yet."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "config", "title", "summary"), CARDS, ids=[f"{row[0]}: {row[3]}" for row in CARDS]
)
def test_steps_in_words(type, config, title, summary):
    card = DESCRIBER.step(Step("s", type, config))
    assert (card.title, card.summary) == (title, summary)


def alert(*to: str) -> dict[str, Any]:
    return message(from_email="a@example.org", from_label="A", to_emails=list(to), subject_line="Hi")


@pytest.mark.parametrize(
    ("to", "summary"),
    [
        ((), "No recipients yet."),
        (("a@b.cd",), "Tells a@b.cd."),
        (("a@b.cd", "e@f.gh"), "Tells a@b.cd and e@f.gh."),
        (("a@b.cd",) * 5, "Tells 5 colleagues."),
    ],
)
def test_alerts_in_words(to, summary):
    assert DESCRIBER.step(Step("s", "send-internal-alert", alert(*to))).summary == summary


@pytest.mark.parametrize(
    ("type", "config", "title", "summary"),
    [
        (
            "low-inventory",
            {
                "product_level": "variant",
                "trigger_filter": None,
                "inventory_count": 5,
                "audience": ["viewed", "added-to-cart"],
                "timeframe_days": 1,
            },
            "Stock runs low",
            "At most 5 left of a variant, for people who viewed the item or put it into the cart in the last 1 day.",
        ),
        (
            "date",
            {
                "date_field_type": "custom-object",
                "custom_object_label": "Pet",
                "custom_object_property_id": 7,
                "object_type_id": "A",
                "object_type_relationship_id": "B",
                "timedelta_value_before_date": 3,
                "timedelta_unit_before_date": "days",
                "recurrence_frequency": "annually",
                "trigger_time": "08:00:00",
            },
            "Date of Pet",
            "3 days before the date at 8:00, every year.",
        ),
    ],
)
def test_triggers_in_words(type, config, title, summary):
    card = DESCRIBER.trigger(Trigger(type, config))
    assert (card.title, card.summary) == (title, summary)


def found(type: str, config: dict[str, Any]) -> set[tuple[str, tuple[Any, ...], bool]]:
    kind = action_kind(type) if type in ACTIONS else trigger_kind(type, config)
    findings = examine(kind, config, {}).findings
    assert all(one.text.endswith(".") for one in findings)
    return {(one.code, one.path, one.blocks) for one in findings}


def started(type: str, path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    kind = ACTIONS.get(type) or TRIGGERS[type]
    return dict(set_at(kind.start(), path, value))


URL, HEADERS, BODY = ("message", "url"), ("message", "headers"), ("message", "body")
FOUND: list[tuple[str, tuple[Any, ...], Any, str, tuple[Any, ...], bool]] = [
    ("send-webhook", URL, "  ", "no-url", URL, True),
    ("send-webhook", URL, "http://a.example.org", "not-https", URL, True),
    ("send-webhook", URL, "hooks.example.org", "not-https", URL, True),
    ("send-webhook", URL, "https://", "not-a-url", URL, True),
    ("send-webhook", URL, "https://[", "not-a-url", URL, True),
    ("send-webhook", URL, "https://a.example.org/a b", "not-a-url", URL, True),
    ("send-webhook", HEADERS, {"X Key": "1"}, "not-a-header", HEADERS, True),
    ("send-webhook", BODY, "{", "not-json", BODY, False),
    ("send-webhook", BODY, "[" * 100_000, "not-json", BODY, False),
    ("send-internal-alert", ("message", "to_emails"), ["a@b.cd", "nobody"], "not-an-address", ("message", "to_emails", 1), True),
    ("send-internal-alert", ("message", "subject_line"), "x" * 251, "too-long", ("message", "subject_line"), True),
    ("send-mobile-push", ("message", "on_open"), "link", "no-link", ("message", "ios_link"), True),
    ("send-mobile-push", ("message", "on_open"), "open_url", "no-url", ("message", "web_url"), True),
    ("send-mobile-push", ("message", "badge_options"), {"badge_config": "set_property", "set_from_property": ""}, "no-property", ("message", "badge_options", "set_from_property"), True),
    ("send-mobile-push", ("message", "action_buttons"), [{"label": "a", "action_type": "dismiss"}] * 4, "many-buttons", ("message", "action_buttons"), True),
    ("send-mobile-push", ("message", "action_buttons"), [{"label": "", "action_type": "open_url"}], "no-url", ("message", "action_buttons", 0, "url"), True),
    ("send-mobile-push", ("message",), {"body": "a", "image_id": "I", "video_asset_id": "V"}, "image-and-video", ("message", "video_asset_id"), True),
    ("send-mobile-push", ("message",), None, "no-text", BODY, True),
    ("send-whatsapp", ("message",), None, "no-text", ("message", "vendor_id"), False),
    ("list-update", ("on_execution",), None, "no-choice", ("on_execution",), True),
    ("list-update", ("on_execution",), 1, "value-error", ("on_execution",), True),
    ("list-update", ("name",), " ", "no-name", ("name",), True),
    ("update-profile", ("profile_operations",), [], "no-changes", ("profile_operations",), True),
    ("update-profile", ("profile_operations",), [put("Tier", "string", "a")], "custom-property", ("profile_operations", 0, "property_key"), True),
    ("update-profile", ("profile_operations",), [put(TIER, "string", "ä" * 50_000)], "too-large", ("profile_operations",), True),
    ("update-profile", ("profile_operations",), [put(TIER, "date", "2026-02-30")], "value-error", ("profile_operations", 0, "property_value"), True),
    ("update-profile", ("profile_operations",), [put(TIER, "boolean", 1)], "bool-type", ("profile_operations", 0, "property_value"), True),
    ("send-email", ("message", "custom_tracking_params"), [{"param": "", "value": "x"}], "no-parameter", ("message", "custom_tracking_params", 0, "param"), True),
    ("low-inventory", ("audience",), [], "no-audience", ("audience",), True),
    ("low-inventory", ("inventory_count",), -1, "negative", ("inventory_count",), True),
    ("low-inventory", ("timeframe_days",), 0, "not-positive", ("timeframe_days",), True),
]  # fmt: skip


@pytest.mark.parametrize(("type", "path", "value", "code", "at", "blocks"), FOUND, ids=[f"{row[0]} {row[3]} {index}" for index, row in enumerate(FOUND)])  # fmt: skip
def test_what_is_wrong_is_found(type, path, value, code, at, blocks):
    assert (code, at, blocks) in found(type, started(type, path, value))


def _right(type: str) -> dict[str, Any]:
    right: dict[str, Any] = {
        "send-webhook": message(url="https://a.example.org/{{ person.id }}", headers={"Content-Type": "application/json"}, body='{"a": {{ event|tojson }}}'),
        "send-internal-alert": set_at(alert("a@example.org"), ("message", "template_id"), "TmplId"),
        "send-mobile-push": message(title="Hi", body="There"),
        "send-whatsapp": message(vendor_id="V"),
        "send-email": message(subject_line="Hi", from_email="a@b.cd", template_id="T"),
        "list-update": {"name": "x", "on_execution": False, "list_id": "L"},
        "update-profile": changing(put(TIER, "date", "2028-02-29"), put(TIER, "string", "ä" * 49_000)),
        "low-inventory": TRIGGERS["low-inventory"].start(),
    }  # fmt: skip
    return dict(right[type])


@pytest.mark.parametrize("type", sorted({row[0] for row in FOUND}))
def test_what_is_right_is_left_alone(type):
    assert found(type, _right(type)) == set()


def test_a_date_of_the_other_sort_has_other_settings():
    """The choice is a field; the next form is that of the other kind. What both have stays."""
    kind = trigger_kind("date", {"date_field_type": "profile-property"})
    chosen = {**kind.start(), "trigger_time": "10:00:00", "date_field_type": "custom-object"}
    changed = kind.tidy(chosen)
    other = trigger_kind("date", changed)
    assert other is not kind
    assert "date_profile_property" not in changed
    assert changed["trigger_time"] == "10:00:00"
    assert {one.code for one in examine(other, changed, {}).findings} == {
        "no-custom-object-label",
        "no-object-type-id",
        "no-object-type-relationship-id",
        "no-property",
    }
    back = other.tidy({**changed, "date_field_type": "profile-property"})
    assert back == {**kind.start(), "trigger_time": "10:00:00"}


def test_a_badge_of_nothing_is_left_out():
    """Klaviyo's document takes no null there."""
    kind = ACTIONS["send-mobile-push"]
    assert kind.tidy(message(body="a", badge_options=None)) == message(body="a")
    for same in (message(body="a"), {"message": None}, {"message": 5}, {}):
        assert kind.tidy(same) is same
