"""An account's flow in our keys: what is each account's own is no difference, and the others weigh what they should."""

from __future__ import annotations

import copy
from typing import Any

from flowbuilder.definition.drifting import apart_in_status, differences, in_our_keys, worst
from flowbuilder.definition.updating import graph_in
from tests.definition.flows import branches, filter_of

WAIT = {"unit": "hours", "value": 3, "secondary_value": 0, "timezone": "profile"}
MESSAGE = {"name": "Email 1", "subject_line": "Hello", "template_id": "T1"}
STEPS = {"many": {"action": "10"}, "mail": {"action": "11"}, "wait": {"action": "12"}}


def sent() -> dict[str, Any]:
    """(many) -a-> [mail] -> <wait>      -b->      -else->"""
    many = branches("a", "b")
    many["branches"][0]["links"] = {"next": "mail"}
    return {
        "triggers": [{"type": "metric", "id": "M1"}],
        "profile_filter": None,
        "entry_action_id": "many",
        "actions": [
            {"temporary_id": "many", "type": "multi-branch-split", "data": many},
            {
                "temporary_id": "mail",
                "type": "send-email",
                "links": {"next": "wait"},
                "data": {"message": dict(MESSAGE), "status": "draft"},
            },
            {"temporary_id": "wait", "type": "time-delay", "links": {"next": None}, "data": dict(WAIT)},
        ],
    }


def held() -> dict[str, Any]:
    """The same, as an account gives it back: ids of its own, and what it fills in."""
    definition = copy.deepcopy(sent())
    many, mail, wait = definition["actions"]
    for one, id in ((many, "10"), (mail, "11"), (wait, "12")):
        del one["temporary_id"]
        one["id"] = id
    for index, branch in enumerate(many["data"]["branches"]):
        branch["branch_id"] = f"own-{index}"
    many["data"]["branches"][0]["links"] = {"next": "11"}
    mail["links"] = {"next": "12"}
    mail["data"]["message"] |= {
        "id": "X1",
        "template_id": "COPY",
        "from_email": "hello@shop.example",
        "from_label": "Shop",
        "reply_to_email": "hello@shop.example",
        "smart_sending_enabled": True,
    }
    wait["data"]["delay_until_weekdays"] = ["monday", "tuesday"]
    definition["entry_action_id"] = "10"
    return definition


def weights(account: dict[str, Any], **more: Any) -> dict[str, str]:
    found = in_our_keys(account, sent(), STEPS, **more)
    return {one.point.id: one.weight for one in differences(graph_in(sent()), found)}


def part(definition: dict[str, Any], id: str) -> dict[str, Any]:
    return next(one for one in definition["actions"] if one["id"] == id)


def test_what_an_account_fills_in_is_no_difference():
    found = in_our_keys(held(), sent(), STEPS)
    assert set(found.by_key) == {"many", "mail", "wait"}
    assert found.by_key["many"].ports == graph_in(sent()).by_key["many"].ports
    assert weights(held()) == {}


def test_an_email_written_anew_is_content_and_only_where_it_is_known():
    assert weights(held(), edited={"mail"}) == {"mail message.template_id": "content"}
    assert weights(held(), edited=None) == {"mail message.template_id": "content"}


def test_each_difference_weighs_what_it_should():
    account = held()
    part(account, "11")["data"]["message"]["name"] = "Another name"
    assert weights(account) == {"mail message.name": "cosmetic"}
    part(account, "11")["data"]["message"]["subject_line"] = "Ours"
    assert weights(account)["mail message.subject_line"] == "content"
    part(account, "11")["data"]["message"]["additional_filters"] = filter_of("gold")
    assert weights(account)["mail message.additional_filters"] == "logic"
    part(account, "12")["data"]["value"] = 9
    assert weights(account)["wait settings"] == "logic"
    account["profile_filter"] = filter_of("gold")
    assert weights(account)["flow profile_filter"] == "logic"


def test_a_branch_by_another_name_is_cosmetic_and_by_other_conditions_logic():
    account = held()
    part(account, "10")["data"]["branches"][0]["name"] = "Gold"
    assert weights(account) == {"many settings": "cosmetic"}
    part(account, "10")["data"]["branches"][0]["branch_filter"] = filter_of("silver")
    assert weights(account) == {"many settings": "logic"}


def test_a_branch_more_is_logic():
    account = held()
    more = {**part(account, "10")["data"]["branches"][1], "branch_id": "new", "branch_filter": filter_of("c")}
    part(account, "10")["data"]["branches"].insert(2, more)
    assert set(weights(account).values()) == {"logic"}


def test_a_step_that_came_in_and_one_that_went():
    account = held()
    account["actions"] = [one for one in account["actions"] if one["id"] != "12"]
    account["actions"].append({"id": "77", "type": "time-delay", "links": {"next": None}, "data": dict(WAIT)})
    part(account, "11")["links"] = {"next": "77"}
    assert weights(account) == {"wait step": "logic", "klaviyo-77 step": "logic"}


def test_statuses_are_compared_where_both_sides_have_them():
    left = {"flow": "draft", "actions": {"1": {"": "draft"}, "2": {"": "live"}, "gone": {"": "live"}}}
    found = {"flow": "live", "actions": {"1": {"": "live"}, "2": {"": "live"}, "new": {"": "live"}}}
    assert list(apart_in_status(left, found)) == [("", "draft", "live"), ("1", "draft", "live")]


def test_the_worst_one_counts():
    assert worst(["cosmetic", "logic", "status"]) == "logic"
    assert worst([]) == "none"
