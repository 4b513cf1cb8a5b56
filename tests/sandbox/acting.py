"""Flows made for tests of single actions, as they are now, and an action as it has to be sent."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import httpx

from tests.sandbox.talk import (
    Json,
    definition,
    flow,
)

AT = "/data/attributes/definition"


def make(api: httpx.Client, *actions: Json, **changes: Any) -> Json:
    """The flow resource as it was created."""
    answer = api.post("/api/flows", json=flow(definition(*actions, **changes)))
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()["data"]
    return made


def actions_of(made: Json) -> list[Json]:
    found: list[Json] = made["attributes"]["definition"]["actions"]
    return found


def read(api: httpx.Client, made: Json) -> Json:
    """The definition as it is now."""
    answer = api.get(f"/api/flows/{made['id']}", params={"additional-fields[flow]": "definition"})
    about: Json = answer.json()["data"]["attributes"]["definition"]
    return about


def path_of(api: httpx.Client, made: Json) -> list[str]:
    """The types of the actions from the start, true branch first: what a person would meet."""
    about = read(api, made)
    by_id = {action["id"]: action for action in about["actions"]}
    out, following = [], about["entry_action_id"]
    while following:
        out.append(by_id[following]["type"])
        links = by_id[following]["links"]
        following = links.get("next") or links.get("next_if_true")
    return out


def sent(action: Json) -> Json:
    """The action as it has to be sent: without the weekdays that the service added to a delay of hours."""
    out = deepcopy(action)
    if out["type"] == "time-delay" and out["data"]["unit"] != "days":
        out["data"].pop("delay_until_weekdays", None)
    return out


def patch(api: httpx.Client, action: Json) -> httpx.Response:
    data = {"type": "flow-action", "id": action.get("id", "0"), "attributes": {"definition": action}}
    return api.patch(f"/api/flow-actions/{action.get('id', '0')}", json={"data": data})


def insertion(action: Json, **more: Any) -> Json:
    relationships = {"relationships": more.pop("relationships")} if "relationships" in more else {}
    anchor = {"anchor-action": more.pop("anchor")} if "anchor" in more else {}
    attributes = {"definition": action, **anchor, **more}
    return {"data": {"type": "flow-action", "attributes": attributes, **relationships}}


def anchor(action: Json, links: Any) -> Json:
    about = {"type": action["type"], "links": links}
    return {"data": {"type": "flow-action", "id": action["id"], "attributes": {"definition": about}}}


def bare(action: Json) -> Json:
    """A new action that does not say where it leads."""
    return {name: value for name, value in action.items() if name != "links"}


def in_flow(id: str) -> Json:
    return {"flow": {"data": {"type": "flow", "id": id}}}
