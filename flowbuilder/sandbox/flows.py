"""Handlers of flows: create, list, read, set the status, delete, and which flows a metric or group starts.

Called by the server through routes.py. What may be created is in rules.py, what becomes of it in effects.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .call import Call, Reply
from .effects import TRIGGER_LABELS, Realised
from .envelope import Resource, check_fields, collection, single
from .errors import ApiError, Problem
from .filters import ANY, EQUALS, RANGE, TEXT, Allowed, ordered, select
from .flow_parts import action_document, flow_document
from .resources import found, look, required_text
from .rules import check_definition
from .shape import words
from .store import Store, Thing
from .tags import tag_document, tags_of_flow

FIELDS = {"name", "status", "archived", "created", "updated", "trigger_type", "definition"}
FILTER: Allowed = {
    "id": ANY,
    "name": TEXT,
    "status": EQUALS,
    "archived": EQUALS,
    "created": RANGE,
    "updated": RANGE,
    "trigger_type": EQUALS,
}
SORT = ("created", "id", "name", "status", "trigger_type", "updated")
STATUSES = ("draft", "manual", "live")
WITH_STATUS = frozenset(
    words(
        "send-email send-sms send-mobile-push send-whatsapp send-webhook send-internal-alert update-profile list-update"
        " ab-test content-experiment internal-service"
    )
)


def included(call: Call, flows: Sequence[Thing], names: set[str]) -> list[Resource]:
    out: dict[tuple[str, str], Resource] = {}
    for flow in flows:
        if "flow-actions" in names:
            for action in flow.body["actions"]:
                out["flow-action", action["id"]] = action_document(call, flow, action)
        if "tags" in names:
            for tag in tags_of_flow(call, flow.id):
                out["tag", tag.id] = tag_document(call, tag)
    return list(out.values())


def list_flows(call: Call) -> Reply:
    check_fields(call, "flow", FIELDS - {"definition"})
    names = call.listed("include", {"flow-actions", "tags"})
    flows = ordered(call, select(call, call.store.all("flow", call.account), FILTER, look), SORT, look)
    return collection(
        call,
        flows,
        lambda flow: flow_document(call, flow),
        size=50,
        largest=50,
        included=(lambda page: included(call, page, names)) if names else None,
    )


def get_flow(call: Call, id: str) -> Reply:
    check_fields(call, "flow", FIELDS)
    more = call.listed("additional-fields[flow]", {"definition"})
    names = call.listed("include", {"flow-actions", "tags"})
    flow = found(call, "flow", id)
    extra = included(call, [flow], names) if names else None
    return single(call, flow_document(call, flow, definition="definition" in more), included=extra)


def create_flow(call: Call) -> Reply:
    check_fields(call, "flow", FIELDS)
    call.listed("additional-fields[flow]", {"definition"})
    given = call.resource("flow", ("name", "definition"))
    definition = given["definition"]

    def exists(kind: str, id: str) -> bool:
        return call.store.get(kind, call.account, id) is not None

    report = check_definition(definition, exists, tree_only=call.options.tree_only)
    problems = list(report.problems)
    if not isinstance(given["name"], str) or not given["name"].strip():
        problems.insert(0, Problem("'name' must be a non-empty string.", "/data/attributes/name"))
    if problems:
        raise ApiError(*problems)
    if call.options.multi_branch_fails and any(
        a["type"] == "multi-branch-split" for a in definition["actions"]
    ):
        raise ApiError(Problem("A server error occurred.", code="error", status=500))  # two teams saw this
    flow = store_flow(call.store, call.account, required_text(given, "name"), definition)
    return single(call, flow_document(call, flow, definition=True), status=201)


def store_flow(store: Store, account: str, name: str, definition: dict[str, Any], **more: Any) -> Thing:
    """Keep an accepted definition as a new flow with its actions and messages. `more`: id, created, status."""
    realised = Realised(store, account, definition)
    trigger = realised.definition["triggers"][0]
    attributes = {
        "name": name,
        "status": more.get("status", "draft"),
        "archived": False,
        "trigger_type": TRIGGER_LABELS[trigger["type"]],
        "trigger": {"kind": trigger["type"], "id": trigger.get("id")},
    }
    body = realised.definition
    flow = store.add("flow", account, attributes, body=body, id=more.get("id"), created=more.get("created"))
    for action in body["actions"]:
        messages = [message["id"] for message in realised.messages if message["action"] == action["id"]]
        store.add("flow-action", account, {"flow": flow.id, "messages": messages}, id=action["id"])
    for message in realised.messages:
        kept = {"flow": flow.id, "action": message["action"], "channel": message["channel"]}
        store.add("flow-message", account, kept, body=message["definition"], id=message["id"])
    return flow


def set_statuses(action: dict[str, Any], status: str) -> None:
    """The status of one action and of those inside it."""
    data = action.get("data")
    if action["type"] in WITH_STATUS and isinstance(data, dict):
        data["status"] = status
        inner = [data.get("main_action"), *((data.get("current_experiment") or {}).get("variations") or [])]
        for each in inner:
            if each:
                set_statuses(each, status)


def update_flow(call: Call, id: str) -> Reply:
    given = call.resource("flow", ("status",), id=id)
    flow = found(call, "flow", id)
    if given["status"] not in STATUSES:
        detail = f"'{given['status']}' is not a valid choice. Choices: {', '.join(STATUSES)}."
        raise ApiError(Problem(detail, "/data/attributes/status"))
    flow.attributes["status"] = given["status"]
    for action in flow.body["actions"]:
        set_statuses(action, given["status"])
    call.store.save(flow)
    return single(call, flow_document(call, flow))


def delete_flow(call: Call, id: str) -> Reply:
    """Messages and their template copies stay behind, as they do at Klaviyo."""
    flow = found(call, "flow", id)
    for action in flow.body["actions"]:
        thing = call.store.get("flow-action", call.account, action["id"])
        if thing:
            call.store.remove(thing)
    call.store.run("delete from tagged where flow = ?", id)
    call.store.remove(flow)
    return Reply(204)


def flow_tags(call: Call, id: str) -> Reply:
    found(call, "flow", id)
    tags = tags_of_flow(call, id)
    return collection(call, tags, lambda tag: tag_document(call, tag), size=50)


def flow_tag_ids(call: Call, id: str) -> Reply:
    found(call, "flow", id)
    data = [{"type": "tag", "id": tag.id} for tag in tags_of_flow(call, id)]
    return Reply(200, {"data": data, "links": {"self": call.url(call.path), "next": None, "prev": None}})


# -- flow triggers: which flows start from a metric, list or segment


def started_by(call: Call, kind: str, id: str) -> list[Thing]:
    found(call, kind, id)
    wanted = {"kind": kind, "id": id}
    return [flow for flow in call.store.all("flow", call.account) if flow.attributes["trigger"] == wanted]


def kind_in_path(call: Call) -> str:
    return call.path.split("/")[2].removesuffix("s")


def flow_triggers(call: Call, id: str) -> Reply:
    flows = started_by(call, kind_in_path(call), id)
    return collection(call, flows, lambda flow: flow_document(call, flow), size=50)


def flow_trigger_ids(call: Call, id: str) -> Reply:
    flows = started_by(call, kind_in_path(call), id)
    return collection(call, flows, lambda flow: {"type": "flow", "id": flow.id}, size=50)
