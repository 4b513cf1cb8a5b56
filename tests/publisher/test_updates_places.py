"""Where the steps of the next version come in: on ways, branches, joints."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.models import Install
from flowbuilder.operations.installs import confirm_install
from tests import make
from tests.definition.flows import branches
from tests.hands import change_action
from tests.publisher.test_after import asked, flow_of
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import created, run, sent_long_ago
from tests.publisher.versions import (
    INSERT,
    PAUSE,
    TEXT,
    as_meant,
    put,
    step,
    take,
    updated,
)
from tests.sandbox.talk import definition, split, wait
from tests.sandbox.talk import step as a_step

pytestmark = pytest.mark.django_db


def landed_flow(workspace: Any, account: Any, alice: Any, *actions: dict[str, Any]) -> Install:
    install = make.install(make.template(workspace, definition(*actions), "Ways"), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    assert publication.state == "published", publication.reason
    install.refresh_from_db()
    return install


def test_a_step_goes_on_the_one_way_of_a_split_that_it_is_meant_for(workspace, account, alice, klaviyo):
    install = landed_flow(workspace, account, alice, split("s", "w", None), wait("w"))

    def change(document: dict[str, Any]) -> None:
        put(document, TEXT, "s", "next_if_false")
        put(document, {**PAUSE, "temporary_id": "before"}, "s", "next_if_true")

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_a_step_goes_on_its_branch_of_many(workspace, account, alice, klaviyo):
    many = branches("a", "b")
    install = landed_flow(workspace, account, alice, a_step("multi-branch-split", many, "many", links=None))

    def change(document: dict[str, Any]) -> None:
        for index, action in ((1, PAUSE), (2, TEXT)):
            held = step(document, "many")["data"]["branches"][index]
            held["links"] = {"next": action["temporary_id"]}
            document["definition"]["actions"].append({**action, "links": {"next": None}})

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []
    held = flow_of(install).definition["actions"]
    ways = next(one for one in held if one["type"] == "multi-branch-split")["data"]["branches"]
    assert [(one["links"] or {}).get("next") for one in ways] == [
        None,
        install.step_map["pause"]["action"],
        install.step_map["text-2"]["action"],
    ]


def test_a_step_that_branches_share_comes_in_once(workspace, account, alice, klaviyo):
    actions = (
        split("s", "w", "v"),
        wait("w", "t"),
        wait("v", "t"),
        {**TEXT, "temporary_id": "t", "links": {"next": None}},
    )
    install = landed_flow(workspace, account, alice, *actions)

    def change(document: dict[str, Any]) -> None:
        document["definition"]["actions"].append({**PAUSE, "links": {"next": "t"}})
        for key in ("w", "v"):
            step(document, key)["links"]["next"] = "pause"

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_all_steps_may_be_others(workspace, account, alice, klaviyo):
    install = landed_flow(workspace, account, alice, wait("w"))

    def change(document: dict[str, Any]) -> None:
        put(document, PAUSE, "start")
        put(document, TEXT, "pause")
        take(document, "w")

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_a_step_that_came_in_and_was_edited_before_we_looked_is_known_by_its_place(landed, alice, klaviyo):
    klaviyo.fault("after_reset", *INSERT)
    publication, _ = updated(landed, alice, lambda one: put(one, TEXT, "mail-2"))
    known = {one["action"] for one in landed.step_map.values()}
    new = next(one for one in flow_of(landed).definition["actions"] if one["id"] not in known)
    message = {**new["data"]["message"], "body": "Their own words"}
    change_action(landed.account, {**new, "data": {**new["data"], "message": message}})
    sent_long_ago(publication)
    assert run(publication).state == "published"
    assert asked(klaviyo, *INSERT) == 1
    assert "body of “text-2”" in publication.reason


def test_a_flow_with_many_branches_lands_as_meant_and_once(workspace, account, alice, klaviyo):
    """Its branches get ids of the account: that is no difference, and a lost one is known again."""
    klaviyo.fault("after_reset", "POST", "/api/flows")
    flow = definition(a_step("multi-branch-split", branches("a", "b"), "many", links=None))
    install = make.install(make.template(workspace, flow, "Ways"), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    sent_long_ago(publication)
    assert (run(publication).state, publication.reason) == ("published", "")
    assert len(created(klaviyo, "Ways")) == 1
