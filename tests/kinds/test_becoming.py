# ruff: noqa: E501
"""A step becomes one of another type: what both have in common stays, and every way out finds its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowbuilder.graph.values import NO, YES
from flowbuilder.kinds.asks import ask
from flowbuilder.kinds.examine import model_of
from flowbuilder.kinds.registry import ACTIONS, PALETTE, action_kind, can_become, convert, map_ports
from tests.conftest import CASES

HALF = {"condition_groups": [{"conditions": [{"type": "profile-sample", "percentage": 50}]}]}
GOLD = {"condition_groups": [{"conditions": [{"type": "profile-sample", "percentage": 5}]}]}
EVENT = {"condition_groups": [{"conditions": [{"type": "metric-property", "metric_id": "CheckM"}]}]}
ELSE = {"branch_id": "e", "branch_filter": None, "links": None, "is_else": True}


def cases() -> list[tuple[str, dict[str, Any]]]:
    found = [(kind.TYPE, kind.start()) for kind in PALETTE]
    for path in sorted((CASES / "kinds").glob("*.json")):
        if path.stem in ACTIONS:
            found += [(path.stem, case["data"]) for case in json.loads(path.read_text())]
    return found


@pytest.mark.parametrize(("type", "config"), cases(), ids=[f"{row[0]}-{n}" for n, row in enumerate(cases())])
def test_every_step_becomes_what_it_may(type, config):
    """The settings make a model of the new kind, and each way out that is left leads from one way in."""
    for new in can_become(type, config):
        assert new != type
        assert not new.startswith(("code", "internal", "action-output"))
        before = json.dumps(config)
        changed = convert(type, new, config)
        assert json.dumps(config) == before
        assert model_of(action_kind(new), changed, {}) is not None
        ports = map_ports(type, config, new, changed)
        old, now = (
            {one.name for one in action_kind(kind).ports(own)}
            for kind, own in ((type, config), (new, changed))
        )
        assert set(ports) == old, "no way out is lost"
        assert len(set(ports.values())) == len(ports)
        assert set(ports.values()) <= now


@pytest.mark.parametrize(
    ("type", "config", "may"),
    [
        (
            "send-sms",
            {},
            {"send-email", "send-mobile-push", "send-whatsapp", "send-internal-alert", "ab-test"},
        ),
        ("send-internal-alert", {}, {"send-email", "send-sms", "send-mobile-push", "send-whatsapp"}),
        ("time-delay", {}, {"target-date", "countdown-delay", "back-in-stock-delay"}),
        ("conditional-split", {}, {"trigger-split", "multi-branch-split"}),
        ("trigger-split", {}, {"conditional-split"}),
        ("multi-branch-split", {"branches": [{"branch_id": "a"}, ELSE]}, {"conditional-split"}),
        ("multi-branch-split", {"branches": [{"branch_id": "a"}, {"branch_id": "b"}, ELSE]}, set()),
        ("multi-branch-split", {"branches": [ELSE, {"branch_id": "a"}]}, set()),
        ("multi-branch-split", {"branches": [None, ELSE]}, {"conditional-split"}),
        ("multi-branch-split", {"branches": [{"branch_filter": EVENT}, ELSE]}, set()),
        ("multi-branch-split", {"branches": "x"}, set()),
        ("ab-test", {"main_action": {"type": "send-sms"}}, {"send-sms"}),
        ("ab-test", {"main_action": {"type": "send-mobile-push"}}, set()),
        ("ab-test", {}, set()),
        ("update-profile", {}, set()),
        ("send-webhook", {}, set()),
        ("code", {}, set()),
        ("send-hologram", {}, set()),
    ],
)
def test_what_may_become_what(type, config, may):
    assert set(can_become(type, config)) == may


def test_what_may_not_become_is_refused():
    with pytest.raises(ValueError, match="cannot become"):
        convert("code", "send-email", {})


def message(**fields: Any) -> dict[str, Any]:
    return {"message": fields, "status": "live"}


def test_messages_keep_name_filter_sender_and_words():
    mail = message(
        name="Hello",
        subject_line="Hi",
        from_email=ask("sender", "email"),
        template_id={"$content": "mail-1"},
        smart_sending_enabled=False,
        additional_filters=HALF,
        cc_email="a@b.cd",
    )
    alert = convert("send-email", "send-internal-alert", mail)
    assert alert["status"] == "live"
    assert {key: alert["message"][key] for key in ("name", "subject_line", "from_email", "template_id")} == {
        key: mail["message"][key] for key in ("name", "subject_line", "from_email", "template_id")
    }
    assert "additional_filters" not in alert["message"]
    push = convert("send-email", "send-mobile-push", mail)["message"]
    assert (push["title"], push["additional_filters"], push["smart_sending_enabled"]) == ("Hi", HALF, False)
    assert convert("send-mobile-push", "send-email", {"message": push})["message"]["subject_line"] == "Hi"
    text = convert("send-mobile-push", "send-sms", message(body="Back", title="T"))["message"]
    assert text["body"] == "Back"
    assert "title" not in text
    assert convert("send-sms", "send-email", {"message": None})["message"]["subject_line"] is None


def test_a_message_is_tried_in_an_experiment_and_comes_out_again():
    mail = message(name="Hello", subject_line="Hi", template_id={"$content": "mail-1"})
    test = convert("send-email", "ab-test", mail)
    inside = [test["main_action"], *test["current_experiment"]["variations"]]
    assert [one["data"]["message"]["subject_line"] for one in inside] == ["Hi"] * 3
    assert [one["data"]["message"]["name"] for one in inside] == ["Hello", "Variation A", "Variation B"]
    assert test["status"] == "live"
    assert convert("ab-test", "send-email", test) == mail
    assert (
        convert("send-whatsapp", "content-experiment", message(name="W"))["main_action"]["type"]
        == "send-whatsapp"
    )


@pytest.mark.parametrize(
    ("old", "config", "new", "holds"),
    [
        (
            "time-delay",
            {"unit": "days", "value": 3, "timezone": "UTC", "delay_until_time": "10:00:00", "delay_until_weekdays": ["monday"]},
            "countdown-delay",
            {"unit": "days", "value": 3, "timezone": "UTC", "delay_until_time": "10:00:00", "delay_until_weekdays": ["monday"]},
        ),
        (
            "time-delay",
            {"value": 3, "delay_until_time": "10:00:00", "delay_until_weekdays": ["monday"]},
            "target-date",
            {"timezone": "profile", "target_time": "10:00:00", "target_days": ["monday"]},
        ),
        (
            "time-delay",
            {"unit": "hours", "value": 3, "secondary_value": 30, "timezone": "UTC"},
            "countdown-delay",
            {"unit": "days", "value": 1, "timezone": "UTC", "delay_until_time": "09:00:00"},
        ),
        (
            "countdown-delay",
            {"unit": "weeks", "value": 2, "timezone": "UTC"},
            "time-delay",
            {"unit": "days", "value": 14, "timezone": "UTC", "secondary_value": None},
        ),
        (
            "target-date",
            {"target_time": "10:00:00", "target_days": ["friday"], "timezone": "UTC"},
            "time-delay",
            {"unit": "days", "value": 1, "timezone": "UTC", "secondary_value": None, "delay_until_time": "10:00:00", "delay_until_weekdays": ["friday"]},
        ),
        (
            "time-delay",
            {"unit": "days", "value": ask("delay"), "timezone": "profile"},
            "countdown-delay",
            {"unit": "days", "value": ask("delay"), "timezone": "profile", "delay_until_time": "09:00:00"},
        ),
        ("time-delay", {"value": 3}, "back-in-stock-delay", {}),
        ("back-in-stock-delay", {}, "time-delay", {"unit": "days", "value": 1, "secondary_value": None, "timezone": "profile"}),
    ],
)  # fmt: skip
def test_delays_keep_how_long_and_when(old, config, new, holds):
    assert convert(old, new, config) == holds


def test_a_split_in_two_becomes_branches_and_back():
    """(gold?) -yes-> a, -no-> b  is  (which) -1-> a, -else-> b."""
    config = {"profile_filter": GOLD}
    branches = convert("conditional-split", "multi-branch-split", config)
    first, last = branches["branches"]
    assert (first["branch_filter"], last["is_else"]) == (GOLD, True)
    ports = map_ports("conditional-split", config, "multi-branch-split", branches)
    assert ports == {YES: first["branch_id"], NO: last["branch_id"]}
    back = convert("multi-branch-split", "conditional-split", branches)
    assert back == config
    assert map_ports("multi-branch-split", branches, "conditional-split", back) == {
        v: k for k, v in ports.items()
    }


def test_conditions_about_people_are_none_about_events():
    changed = convert("conditional-split", "trigger-split", {"profile_filter": GOLD})
    assert changed == ACTIONS["trigger-split"].start()
    assert map_ports("conditional-split", {"profile_filter": GOLD}, "trigger-split", changed) == {
        YES: YES,
        NO: NO,
    }
    assert map_ports("time-delay", {}, "target-date", {}) == {"next": "next"}
