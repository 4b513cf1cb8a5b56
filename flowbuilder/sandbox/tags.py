"""Handlers of tags and of the tag-flow relationship. Called by the server."""

from __future__ import annotations

from typing import Any

from .call import Call, Reply, unknown_keys
from .envelope import Resource, collection, related, resource, single
from .errors import ApiError, Problem, invalid
from .filters import TEXT, ordered, select
from .resources import found, look, required_text
from .store import Thing

MOST_TAGS = 500
MOST_PER_FLOW = 100


def tag_document(call: Call, tag: Thing) -> Resource:
    names = ("tag-group", "lists", "segments", "campaigns", "flows")
    relationships = {name: related(call, f"/api/tags/{tag.id}", name) for name in names}
    return resource(call, "tag", tag.id, {"name": tag.attributes["name"]}, relationships=relationships)


def list_tags(call: Call) -> Reply:
    tags = select(call, call.store.all("tag", call.account), {"name": TEXT}, look)
    tags = ordered(call, tags, ("id", "name"), look)
    return collection(call, tags, lambda tag: tag_document(call, tag), size=50, largest=50)


def get_tag(call: Call, id: str) -> Reply:
    return single(call, tag_document(call, found(call, "tag", id)))


def create_tag(call: Call) -> Reply:
    name = required_text(call.resource("tag", ("name",)), "name")
    tags = call.store.all("tag", call.account)
    if any(tag.attributes["name"] == name for tag in tags):
        raise invalid(f"A tag named '{name}' already exists.", "/data/attributes/name")
    if len(tags) >= MOST_TAGS:
        raise invalid(f"The account has reached the maximum of {MOST_TAGS} tags.")
    return single(call, tag_document(call, call.store.add("tag", call.account, {"name": name})), status=201)


def delete_tag(call: Call, id: str) -> Reply:
    """The tag leaves its flows with it."""
    tag = found(call, "tag", id)
    call.store.run("delete from tagged where tag = ?", id)
    call.store.remove(tag)
    return Reply(204)


def flows_of_tag(call: Call, id: str) -> Reply:
    found(call, "tag", id)
    rows = call.store.rows("select flow from tagged where tag = ? order by seq", id)
    data = [{"type": "flow", "id": row["flow"]} for row in rows]
    return Reply(200, {"data": data, "links": {"self": call.url(call.path), "next": None, "prev": None}})


def tags_of_flow(call: Call, id: str) -> list[Thing]:
    rows = call.store.rows("select tag from tagged where flow = ? order by seq", id)
    tags = [call.store.get("tag", call.account, row["tag"]) for row in rows]
    return [tag for tag in tags if tag]


def flow_ids(call: Call) -> list[str]:
    """The ids in a relationship body: {"data": [{"type": "flow", "id": ...}]}."""
    data = call.body.get("data") if isinstance(call.body, dict) else None
    if not isinstance(data, list) or not data:
        raise invalid("'data' must be a list of at least one flow.", "/data")
    problems: list[Problem] = unknown_keys(call.body, {"data"}, "flow", "")
    for i, item in enumerate(data):
        problems += check_identifier(call, item, f"/data/{i}")
    if problems:
        raise ApiError(*problems)
    return [item["id"] for item in data]


def check_identifier(call: Call, item: Any, pointer: str) -> list[Problem]:
    if not isinstance(item, dict):
        return [Problem("A resource identifier must be an object.", pointer)]
    problems = unknown_keys(item, {"type", "id"}, "flow", pointer)
    if item.get("type") != "flow":
        problems.append(Problem("'type' must be 'flow'.", f"{pointer}/type"))
    if not isinstance(item.get("id"), str):
        problems.append(Problem("'id' must be a string.", f"{pointer}/id"))
    elif call.store.get("flow", call.account, item["id"]) is None:
        detail = f"Flow with id '{item['id']}' does not exist."
        problems.append(Problem(detail, f"{pointer}/id", code="not_found", status=404))
    return problems


def tag_flows(call: Call, id: str) -> Reply:
    found(call, "tag", id)
    for flow in flow_ids(call):
        row = call.store.row("select count(*) n from tagged where flow = ? and tag != ?", flow, id)
        if row and row["n"] >= MOST_PER_FLOW:
            raise invalid(f"Flow '{flow}' has reached the maximum of {MOST_PER_FLOW} tags.")
        call.store.run("insert or ignore into tagged (tag, flow) values (?, ?)", id, flow)
    return Reply(204)


def untag_flows(call: Call, id: str) -> Reply:
    found(call, "tag", id)
    for flow in flow_ids(call):
        call.store.run("delete from tagged where tag = ? and flow = ?", id, flow)
    return Reply(204)
