"""What a merchant does in Klaviyo by hand, past the product: to one action of a flow, or to the flow.

`action` is the whole action as Klaviyo keeps it: {id, type, links, data}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.connection import client_for
from accounts.models import KlaviyoAccount


def action_of(account: KlaviyoAccount, id: str) -> dict[str, Any]:
    body = client_for(account).call("GET", f"/api/flow-actions/{id}").body or {}
    return dict(body["data"]["attributes"]["definition"])


def change_action(account: KlaviyoAccount, action: Mapping[str, Any]) -> None:
    data = {"type": "flow-action", "id": action["id"], "attributes": {"definition": dict(action)}}
    client_for(account).call("PATCH", f"/api/flow-actions/{action['id']}", json={"data": data})


def put_action_in(account: KlaviyoAccount, action: Mapping[str, Any], anchor: Mapping[str, Any]) -> str:
    """Behind the anchor {id, type, links}, whose link names the temporary_id of the new one. Its id."""
    about = {name: value for name, value in anchor.items() if name != "id"}
    before = {"type": "flow-action", "id": anchor["id"], "attributes": {"definition": about}}
    attributes = {"definition": dict(action), "anchor-action": {"data": before}}
    body = {"data": {"type": "flow-action", "attributes": attributes}}
    made = client_for(account).call("POST", "/api/flow-actions", json=body).body or {}
    return str(made["data"]["id"])


def take_action_out(account: KlaviyoAccount, id: str) -> None:
    client_for(account).call("DELETE", f"/api/flow-actions/{id}")


def delete_flow(account: KlaviyoAccount, id: str) -> None:
    client_for(account).call("DELETE", f"/api/flows/{id}")
