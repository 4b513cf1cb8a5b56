"""Handlers of email templates: create, read, change, delete, clone.

Called by the server. A flow keeps its own copy of a template (see effects.py); such a copy can be read by id, is
in no list, and can be neither changed nor deleted.
"""

from __future__ import annotations

from typing import Any

from .call import Call, Reply
from .envelope import Resource, collection, resource, single
from .errors import ApiError, Problem, conflict, invalid, not_found
from .filters import RANGE, Allowed, ordered, select
from .resources import look, required_text
from .store import Thing

MOST = 1000
FILTER: Allowed = {
    "id": frozenset({"any", "equals"}),
    "name": frozenset({"any", "contains", "equals"}),
    "created": RANGE,
    "updated": RANGE,
}
SORT = ("created", "id", "name", "updated")
EDITORS = ("CODE", "USER_DRAGGABLE", "SYSTEM_DRAGGABLE")


def template_document(call: Call, thing: Thing) -> Resource:
    given = thing.attributes
    attributes: dict[str, Any] = {
        key: given.get(key) for key in ("name", "editor_type", "html", "text", "amp")
    }
    attributes |= {"created": thing.created, "updated": thing.updated}
    if "definition" in call.listed("additional-fields[template]", {"definition"}):
        attributes["definition"] = given.get("definition")
    return resource(call, "template", thing.id, attributes)


def list_templates(call: Call) -> Reply:
    things = ordered(call, select(call, call.store.all("template", call.account), FILTER, look), SORT, look)
    return collection(call, things, lambda thing: template_document(call, thing), size=10, largest=10)


def found(call: Call, id: str) -> Thing:
    thing = call.store.get("template", call.account, id)
    if thing is None:
        raise not_found("Template", id)
    return thing


def get_template(call: Call, id: str) -> Reply:
    return single(call, template_document(call, found(call, id)))


def template_of_message(call: Call, id: str) -> Reply:
    """The message's own copy. 404 when the message or its template is not there."""
    message = call.store.get("flow-message", call.account, id)
    if message is None:
        raise not_found("Flow message", id)
    copy = message.body.get("template_id")
    if copy is None:
        raise not_found("Template of flow message", id)
    return single(call, template_document(call, found(call, copy)))


def create_template(call: Call) -> Reply:
    given = call.resource("template", ("name", "editor_type"), ("html", "text", "amp", "definition"))
    check_content(given, given["editor_type"], creating=True)
    return stored(call, {**given, "name": required_text(given, "name")}, status=201)


def check_content(given: dict[str, Any], editor: Any, *, creating: bool) -> None:
    problems = []
    if editor not in EDITORS:
        detail = f"'editor_type' must be one of {', '.join(EDITORS)}."
        raise invalid(detail, "/data/attributes/editor_type")
    for name in ("html", "text", "amp"):
        if given.get(name) is not None and not isinstance(given[name], str):
            problems.append(Problem(f"'{name}' must be a string.", f"/data/attributes/{name}"))
    if editor == "SYSTEM_DRAGGABLE":
        if "html" in given:
            detail = "'html' is not allowed when editor_type is SYSTEM_DRAGGABLE."
            problems.append(Problem(detail, "/data/attributes/html"))
        if creating and not isinstance(given.get("definition"), dict):
            detail = "'definition' is required when editor_type is SYSTEM_DRAGGABLE."
            problems.append(Problem(detail, "/data/attributes/definition"))
    elif "definition" in given:
        detail = "'definition' is only allowed when editor_type is SYSTEM_DRAGGABLE."
        problems.append(Problem(detail, "/data/attributes/definition"))
    if problems:
        raise ApiError(*problems)


def stored(call: Call, given: dict[str, Any], *, status: int) -> Reply:
    if call.store.count("template", call.account) >= MOST:
        raise invalid(f"The account has reached the maximum of {MOST} templates.")
    attributes = {
        "name": given["name"],
        "editor_type": given["editor_type"],
        "html": given.get("html") or "",
        "text": given.get("text"),
        "amp": given.get("amp"),
    }
    if given.get("definition") is not None:
        attributes["definition"] = given["definition"]
    thing = call.store.add("template", call.account, attributes)
    return single(call, template_document(call, thing), status=status)


def update_template(call: Call, id: str) -> Reply:
    given = call.resource("template", (), ("name", "html", "text", "amp", "definition"), id=id)
    thing = found(call, id)
    if thing.is_copy:  # observed: to a PATCH, a flow's own copy is not there
        raise not_found("Template", id)
    if "name" in given:
        required_text(given, "name")
    check_content(given, thing.attributes["editor_type"], creating=False)
    thing.attributes |= given
    call.store.save(thing)
    return single(call, template_document(call, thing))


def delete_template(call: Call, id: str) -> Reply:
    thing = found(call, id)
    if thing.is_copy:
        message = thing.attributes.get("attached_to", "")
        raise conflict(f"Cannot delete template {id} while it is attached to FlowMessage {message}")
    call.store.remove(thing)
    return Reply(200)  # observed 200 where the document says 204


def clone_template(call: Call) -> Reply:
    given = call.resource("template", (), ("name",), needs_id=True)
    source = found(call, call.body["data"]["id"])
    name = (
        required_text(given, "name")
        if given.get("name") is not None
        else f"{source.attributes['name']} (clone)"
    )
    return stored(call, {**source.attributes, "name": name}, status=200)  # observed 200, documented 201
