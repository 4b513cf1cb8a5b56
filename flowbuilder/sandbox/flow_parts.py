"""Handlers that read the actions and messages of flows. They are changed in action_changes.py and insertions.py.

Called by the server through routes.py, and by flows.py for included resources.
"""

from __future__ import annotations

from typing import Any

from .call import Call, Reply
from .envelope import Resource, collection, related, resource, single
from .errors import ApiError, Problem
from .filters import ANY, EQUALS, RANGE, Allowed, ordered, select
from .resources import found
from .store import Thing

FIELDS = {"created", "updated", "definition"}
FILTER: Allowed = {
    "id": ANY,
    "action_type": frozenset({"any", "equals"}),
    "status": EQUALS,
    "created": RANGE,
    "updated": RANGE,
}
SORT = ("action_type", "created", "id", "status", "updated")
# The filter speaks an older dialect than the definitions.
TYPE_NAMES = {
    "send-email": "SEND_EMAIL",
    "send-sms": "SEND_SMS",
    "send-mobile-push": "SEND_PUSH_NOTIFICATION",
    "send-internal-alert": "SEND_NOTIFICATION_MESSAGE",
    "send-webhook": "WEBHOOK",
    "update-profile": "UPDATE_CUSTOMER",
    "time-delay": "TIME_DELAY",
    "countdown-delay": "COUNTDOWN_DELAY",
    "back-in-stock-delay": "BACK_IN_STOCK_DELAY",
    "conditional-split": "BOOLEAN_BRANCH",
    "trigger-split": "BOOLEAN_BRANCH",
    "ab-test": "AB_TEST",
}
CHANNELS = {
    "send-email": "email",
    "send-sms": "sms",
    "send-mobile-push": "mobile_push",
    "send-whatsapp": "whatsapp",
    "send-webhook": "webhook",
    "send-internal-alert": "internal_alert",
}
Action = dict[str, Any]


def flow_document(call: Call, flow: Thing, *, definition: bool = False) -> Resource:
    given = flow.attributes
    attributes = {
        "name": given["name"],
        "status": given["status"],
        "archived": given["archived"],
        "created": flow.created,
        "updated": flow.updated,
        "trigger_type": given["trigger_type"],
    }
    if definition:
        attributes["definition"] = flow.body
    owner = f"/api/flows/{flow.id}"
    parts = {name: related(call, owner, name) for name in ("flow-actions", "tags")}
    return resource(call, "flow", flow.id, attributes, relationships=parts)


def action_document(call: Call, flow: Thing, action: Action) -> Resource:
    attributes = {"created": flow.created, "updated": flow.updated, "definition": action}
    owner = f"/api/flow-actions/{action['id']}"
    parts = {name: related(call, owner, name) for name in ("flow", "flow-messages")}
    return resource(call, "flow-action", action["id"], attributes, relationships=parts)


def message_document(call: Call, message: Thing) -> Resource:
    attributes = {
        "channel": CHANNELS[message.attributes["channel"]],
        "created": message.created,
        "updated": message.updated,
        "definition": message.body,
    }
    owner = f"/api/flow-messages/{message.id}"
    parts = {name: related(call, owner, name) for name in ("flow-action", "template")}
    return resource(call, "flow-message", message.id, attributes, relationships=parts)


def list_flow_actions(call: Call, id: str) -> Reply:
    flow = found(call, "flow", id)

    def look(action: Action, field: str) -> Any:
        if field == "action_type":
            return TYPE_NAMES.get(action["type"], action["type"].upper().replace("-", "_"))
        if field == "status":
            return (action.get("data") or {}).get("status")
        return {"id": action["id"], "created": flow.created, "updated": flow.updated}[field]

    actions = ordered(call, select(call, flow.body["actions"], FILTER, look), SORT, look)
    return collection(call, actions, lambda action: action_document(call, flow, action), size=50, largest=50)


def list_flow_action_ids(call: Call, id: str) -> Reply:
    actions = found(call, "flow", id).body["actions"]
    return collection(
        call, actions, lambda action: {"type": "flow-action", "id": action["id"]}, size=50, largest=50
    )


def action_and_flow(call: Call, id: str) -> tuple[Action, Thing]:
    if not id.isdigit():
        raise ApiError(Problem(f"'{id}' is not a valid flow action id.", parameter="id"))
    thing = call.store.get("flow-action", call.account, id)
    flow = call.store.get("flow", call.account, thing.attributes["flow"]) if thing else None
    if flow is None:
        raise ApiError(Problem(f"Flow action with id '{id}' does not exist.", code="not_found", status=404))
    return next(action for action in flow.body["actions"] if action["id"] == id), flow


def messages_of(call: Call, action: str) -> list[Thing]:
    thing = call.store.get("flow-action", call.account, action)
    ids = thing.attributes["messages"] if thing else []
    found_ones = [call.store.get("flow-message", call.account, id) for id in ids]
    return [message for message in found_ones if message]


def get_flow_action(call: Call, id: str) -> Reply:
    names = call.listed("include", {"flow", "flow-messages"})
    action, flow = action_and_flow(call, id)
    extra = [flow_document(call, flow)] if "flow" in names else []
    if "flow-messages" in names:
        extra += [message_document(call, message) for message in messages_of(call, id)]
    return single(call, action_document(call, flow, action), included=extra if names else None)


def list_action_messages(call: Call, id: str) -> Reply:
    action_and_flow(call, id)
    return collection(call, messages_of(call, id), lambda message: message_document(call, message), size=50)


def list_action_message_ids(call: Call, id: str) -> Reply:
    action_and_flow(call, id)
    messages = messages_of(call, id)
    return collection(call, messages, lambda message: {"type": "flow-message", "id": message.id}, size=50)


def flow_of_action(call: Call, id: str) -> Reply:
    _, flow = action_and_flow(call, id)
    return single(call, flow_document(call, flow))


def flow_id_of_action(call: Call, id: str) -> Reply:
    _, flow = action_and_flow(call, id)
    return single(call, {"type": "flow", "id": flow.id})


def get_flow_message(call: Call, id: str) -> Reply:
    thing = call.store.get("flow-message", call.account, id)
    if thing is None:
        raise ApiError(Problem(f"Flow message with id '{id}' does not exist.", code="not_found", status=404))
    return single(call, message_document(call, thing))
