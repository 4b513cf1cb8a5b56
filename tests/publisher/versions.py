"""The next versions of a flow that landed, for the tests of what is done with them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from flowbuilder.definition.canonical import canonical, content_hash, differences
from flowbuilder.models import Install, Publication, Version
from flowbuilder.operations import after
from flowbuilder.publisher.standing import standing_of
from tests.hands import action_of, change_action
from tests.publisher.test_after import flow_of
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import run

INSERT = ("POST", "/api/flow-actions")
PAUSE = {
    "temporary_id": "pause",
    "type": "time-delay",
    "data": {"unit": "hours", "value": 6, "secondary_value": 0, "timezone": "profile"},
}
TEXT = {
    "temporary_id": "text-2",
    "type": "send-sms",
    "data": {"message": {"name": "Text 2", "body": "Last call"}, "status": "draft"},
}


def next_version(install: Install, change: Callable[[dict[str, Any]], None]) -> Version:
    """The version that is there, changed, as the flow's next one."""
    flow = install.template_flow.flow
    document = copy.deepcopy(install.version.document)
    change(document)
    number = flow.versions.latest("number").number + 1
    return Version.objects.create(
        flow=flow,
        number=number,
        name=install.version.name,
        document=document,
        content_hash=content_hash(document),
    )


def step(document: dict[str, Any], key: str) -> dict[str, Any]:
    actions = document["definition"]["actions"]
    return next(one for one in actions if one["temporary_id"] == key)


def put(document: dict[str, Any], action: dict[str, Any], source: str, link: str = "next") -> None:
    """A new step on one way out of a step, or as the first."""
    definition = document["definition"]
    holder, name = (
        (definition, "entry_action_id") if source == "start" else (step(document, source)["links"], link)
    )
    definition["actions"].append({**copy.deepcopy(action), "links": {"next": holder[name]}})
    holder[name] = action["temporary_id"]


def take(document: dict[str, Any], key: str) -> None:
    gone = step(document, key)
    document["definition"]["actions"].remove(gone)
    for one in document["definition"]["actions"]:
        one["links"] = {name: gone["links"]["next"] if to == key else to for name, to in one["links"].items()}
    if document["definition"]["entry_action_id"] == key:
        document["definition"]["entry_action_id"] = gone["links"]["next"]


def everything(document: dict[str, Any]) -> None:
    """Something of each kind: three in, three changed, one out."""
    put(document, PAUSE, "mail-1")
    put(document, TEXT, "mail-2")
    put(document, {**PAUSE, "temporary_id": "first"}, "start")
    step(document, "mail-1")["data"]["message"]["subject_line"] = "Still yours"
    step(document, "wait-2")["data"]["value"] = 2
    content = step(document, "mail-2")["data"]["message"]["template_id"]["$content"]
    document["contents"][content]["html"] += "<p>New</p>"
    take(document, "wait-1")


def as_meant(install: Install, version: Version) -> list[str]:
    """Where the account's flow is not what a new flow of this version would be, statuses apart."""
    standing = standing_of(install)
    assert standing is not None
    assert standing.version == version
    found = differences(canonical(standing.definition), canonical(flow_of(install).definition))
    return [one for one in found if ".settings.status:" not in one]


def updated(
    install: Install, by: Any, change: Callable[[dict[str, Any]], None]
) -> tuple[Publication, Version]:
    version = next_version(install, change)
    publication = run(after.ask_for_update(install=install, by=by, version=version))
    install.refresh_from_db()
    return publication, version


def edit(install: Install, key: str, **message: Any) -> None:
    action = action_of(install.account, install.step_map[key]["action"])
    data = {**action["data"], "message": {**action["data"]["message"], **message}}
    change_action(install.account, {**action, "data": data})


def held_message(install: Install, key: str) -> dict[str, Any]:
    action = action_of(install.account, install.step_map[key]["action"])
    return dict(action["data"]["message"])


def another_trigger(document: dict[str, Any]) -> None:
    document["definition"]["reentry_criteria"] = {"duration": 30, "unit": "day"}
