"""Statuses of actions, those inside an experiment too: read, set, and sent back whole."""

from __future__ import annotations

from typing import Any

from flowbuilder.definition.statuses import all_as, is_mixed, liveliness, statuses_of, with_statuses

MAIL: dict[str, Any] = {
    "id": "1",
    "type": "send-email",
    "links": {"next": "2"},
    "data": {"message": {"id": "M", "name": "Mail"}, "status": "live"},
}
WAIT: dict[str, Any] = {
    "id": "2",
    "type": "time-delay",
    "links": {"next": "3"},
    "data": {"unit": "hours", "value": 1},
}
TEST: dict[str, Any] = {
    "id": "3",
    "type": "ab-test",
    "links": {"next": None},
    "data": {
        "status": "manual",
        "main_action": {"id": "4", "type": "send-email", "data": {"status": "live"}},
        "current_experiment": {
            "variations": [
                {"id": "5", "type": "send-email", "data": {"status": "live"}},
                {"id": "6", "type": "send-email", "data": {"status": "draft"}},
            ]
        },
    },
}
FLOW = {"actions": [MAIL, WAIT, TEST]}
HELD = {"1": {"": "live"}, "3": {"": "manual", "main": "live", "v0": "live", "v1": "draft"}}


def test_each_action_has_its_own_and_a_wait_has_none():
    assert statuses_of(FLOW) == HELD
    assert statuses_of({}) == {}


def test_what_is_set_for_all_and_what_differs():
    drafts = all_as(HELD, "draft")
    assert not is_mixed(drafts, "draft")
    assert is_mixed(drafts, "live")
    assert is_mixed(HELD, "live")
    assert [liveliness(one) for one in (HELD["1"], HELD["3"], drafts["3"])] == [2, 2, 0]


def test_an_action_goes_back_whole_with_other_statuses():
    drafted = with_statuses(TEST, all_as(HELD, "draft")["3"])
    assert statuses_of({"actions": [drafted]}) == {"3": all_as(HELD, "draft")["3"]}
    assert with_statuses(drafted, HELD["3"]) == TEST
    assert statuses_of(FLOW) == HELD, "the action that was given is as it was"


def test_an_experiment_that_is_over_has_no_variations():
    over = {**TEST, "data": {**TEST["data"], "current_experiment": None}}
    assert statuses_of({"actions": [over]}) == {"3": {"": "manual", "main": "live"}}
