"""The control path /_sandbox/ and the overview pages: for tests and for people who look at the demo.

Used by the server. Not part of the pretend API, needs no token; never serve it beyond your own machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from werkzeug import Request, Response

from . import faults, oauth, pages, seed
from .options import Options
from .store import Store


def answer(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document, indent=1), status, mimetype="application/json")


def handle(store: Store, options: Options, request: Request) -> Response:
    path = request.path.rstrip("/")
    act = ACTS.get((request.method, path))
    if act is None:
        known = any(path == there for _, there in ACTS)
        return answer({"error": "No such control."}, 405 if known else 404)
    try:
        given = json.loads(request.get_data() or b"{}")
    except ValueError:
        return answer({"error": "The body is not JSON."}, 400)
    try:
        return act(store, options, given)
    except (ValueError, TypeError, AttributeError, KeyError) as problem:
        return answer({"error": str(problem)}, 400)


def health(store: Store, options: Options, given: Any) -> Response:
    accounts = [row["id"] for row in store.rows("select id from account order by seq")]
    return answer({"status": "ok", "accounts": accounts, "now": store.stamp()})


def list_faults(store: Store, options: Options, given: Any) -> Response:
    rows = [{"id": id, "times": left, **asdict(fault)} for id, left, fault in faults.waiting(store)]
    return answer({"faults": rows})


def add_fault(store: Store, options: Options, given: Any) -> Response:
    fault, times = faults.read(given)
    return answer({"id": faults.add(store, fault, times)}, 201)


def clear_faults(store: Store, options: Options, given: Any) -> Response:
    store.run("delete from fault")
    return answer({"faults": []})


def reset(store: Store, options: Options, given: Any) -> Response:
    with store.transaction():
        store.wipe()
        seed.fill(store)
    return answer({"status": "fresh"})


def list_requests(store: Store, options: Options, given: Any) -> Response:
    rows = store.rows("select at, method, path, query, status, account, fault from request order by seq")
    return answer({"requests": [dict(row) for row in rows]})


def forget_requests(store: Store, options: Options, given: Any) -> Response:
    store.run("delete from request")
    return answer({"requests": []})


def list_flows(store: Store, options: Options, given: Any) -> Response:
    rows = store.rows("select id, account, attributes, created from thing where kind = 'flow' order by seq")
    flows = [
        {
            "account": row["account"],
            "id": row["id"],
            "name": json.loads(row["attributes"])["name"],
            "created": row["created"],
        }
        for row in rows
    ]
    return answer({"flows": flows})


def move_clock(store: Store, options: Options, given: Any) -> Response:
    """{"advance": seconds}: tokens age, rate windows pass, without anybody waiting."""
    store.set_number("clock_offset", store.number("clock_offset") + int(given["advance"]))
    return answer({"now": store.stamp()})


def expire_tokens(store: Store, options: Options, given: Any) -> Response:
    """Every access token is over; refresh tokens still work."""
    store.run("update access set expires = 0")
    return answer({"status": "expired"})


def uninstall(store: Store, options: Options, given: Any) -> Response:
    """{"account": id}: the shop removes the app at Klaviyo's side, without telling the app."""
    oauth.uninstall(store, options.client_id, str(given["account"]))
    return answer({"status": "uninstalled"})


def remove_thing(store: Store, options: Options, given: Any) -> Response:
    """{"account", "kind", "id"}: a list, metric, template ... vanishes, as when a person deletes it in the UI."""
    thing = store.get(given["kind"], given["account"], given["id"])
    if thing is None:
        raise ValueError("There is no such thing in this account.")
    store.remove(thing)
    return answer({"status": "removed"})


def edit_thing(store: Store, options: Options, given: Any) -> Response:
    """{"account", "kind", "id", "attributes", "body"}: what a person does in Klaviyo's own pages and no request can,
    such as writing the email of a flow anew, or giving a flow another name or profile filter."""
    thing = store.get(given["kind"], given["account"], given["id"])
    if thing is None:
        raise ValueError("There is no such thing in this account.")
    thing.attributes.update(given.get("attributes") or {})
    if given.get("body"):
        thing.body.update(given["body"])
    store.save(thing)
    return answer({"status": "edited"})


ACTS = {
    ("GET", "/_sandbox"): health,
    ("GET", "/_sandbox/faults"): list_faults,
    ("POST", "/_sandbox/faults"): add_fault,
    ("DELETE", "/_sandbox/faults"): clear_faults,
    ("POST", "/_sandbox/reset"): reset,
    ("GET", "/_sandbox/requests"): list_requests,
    ("DELETE", "/_sandbox/requests"): forget_requests,
    ("GET", "/_sandbox/flows"): list_flows,
    ("POST", "/_sandbox/clock"): move_clock,
    ("POST", "/_sandbox/expire-tokens"): expire_tokens,
    ("POST", "/_sandbox/uninstall"): uninstall,
    ("POST", "/_sandbox/remove"): remove_thing,
    ("POST", "/_sandbox/edit"): edit_thing,
}


# -- pages for people


def overview(store: Store) -> Response:
    accounts = []
    for row in store.rows("select * from account order by seq"):
        about = json.loads(row["attributes"])
        flows = [
            {
                "id": flow.id,
                "name": flow.attributes["name"],
                "status": flow.attributes["status"],
                "trigger": flow.attributes["trigger_type"],
                "actions": len(flow.body["actions"]),
                "created": flow.created,
            }
            for flow in reversed(store.all("flow", row["id"]))
        ]
        line = f"{about['contact_information']['street_address']['city']}, {about['preferred_currency']}"
        name = about["contact_information"]["organization_name"]
        accounts.append({"id": row["id"], "name": name, "about": line, "key": row["api_key"], "flows": flows})
    return oauth.page(pages.overview(accounts))


def flow_page(store: Store, id: str) -> Response:
    row = store.row("select account from thing where kind = 'flow' and id = ?", id)
    flow = store.get("flow", row["account"], id) if row else None
    owner = store.row("select attributes from account where id = ?", flow.account) if flow else None
    if flow is None or owner is None:
        return oauth.page(pages.refused(f"There is no flow {id} in the sandbox."), 404)
    name = json.loads(owner["attributes"])["contact_information"]["organization_name"]
    given = flow.attributes
    return oauth.page(pages.flow(name, given["name"], id, given["status"], flow.body))
