"""JSON:API envelopes: resource objects, sparse fieldsets, cursors and links.

Used by handlers. Documents are built here only, so that every list pages the same way.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .call import Call, Reply
from .errors import bad_parameter

T = TypeVar("T")
Resource = dict[str, Any]


def resource(
    call: Call,
    kind: str,
    id: str,
    attributes: dict[str, Any],
    *,
    path: str | None = None,
    relationships: dict[str, Any] | None = None,
) -> Resource:
    """A resource object; `fields[kind]` of the request narrows the attributes."""
    out: Resource = {"type": kind, "id": id, "attributes": only_asked_fields(call, kind, attributes)}
    if relationships is not None:
        out["relationships"] = relationships
    out["links"] = {"self": call.url(path or f"/api/{kind}s/{id}")}
    return out


def only_asked_fields(call: Call, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    asked = call.query.get(f"fields[{kind}]")
    if asked is None:
        return attributes
    wanted = [part.strip() for part in asked.split(",") if part.strip()]
    heads = {part.split(".")[0] for part in wanted}
    return {key: value for key, value in attributes.items() if key in heads}


def check_fields(call: Call, kind: str, known: set[str]) -> None:
    """Refuse names in `fields[kind]` that the resource does not have."""
    for part in (call.query.get(f"fields[{kind}]") or "").split(","):
        if part.strip() and part.strip().split(".")[0] not in known:
            raise bad_parameter(
                f"fields[{kind}]", f"'{part}' is not a valid field for the resource '{kind}'."
            )


def related(call: Call, owner: str, name: str, data: Any = None) -> Resource:
    """A relationship member. `owner` is the path of the resource, e.g. /api/flows/T23ivh."""
    links = {"self": call.url(f"{owner}/relationships/{name}"), "related": call.url(f"{owner}/{name}")}
    return {"links": links} if data is None else {"data": data, "links": links}


def single(
    call: Call, data: Resource | None, *, status: int = 200, included: list[Resource] | None = None
) -> Reply:
    document: Resource = {"data": data, "links": {"self": call.url(call.path)}}
    if included is not None:
        document["included"] = included
    return Reply(status, document)


def collection(
    call: Call,
    items: Sequence[T],
    render: Callable[[T], Resource],
    *,
    size: int,
    largest: int | None = None,
    included: Callable[[Sequence[T]], list[Resource]] | None = None,
) -> Reply:
    """One page. `size` is the default page size; `largest` what page[size] may ask for (None: not at all)."""
    size = page_size(call, size, largest)
    start = read_cursor(call.query.get("page[cursor]"))
    page = items[start : start + size]
    links = {"self": page_url(call, call.query.get("page[cursor]")), "next": None, "prev": None}
    if start + size < len(items):
        links["next"] = page_url(call, cursor(start + size))
    if start > 0:
        links["prev"] = page_url(call, cursor(max(0, start - size)))
    document: Resource = {"data": [render(item) for item in page], "links": links}
    if included is not None:
        document["included"] = included(page)
    return Reply(200, document)


def page_size(call: Call, default: int, largest: int | None) -> int:
    text = call.query.get("page[size]")
    if text is None or largest is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= largest:
        raise bad_parameter("page[size]", f"Page size must be an integer between 1 and {largest}.")
    return int(text)


def cursor(offset: int) -> str:
    return urlsafe_b64encode(json.dumps({"after": offset}).encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> int:
    if not text:
        return 0
    try:
        return int(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))["after"])
    except (ValueError, KeyError, TypeError):
        raise bad_parameter("page[cursor]", "Invalid input: the cursor is not one of ours.") from None


def page_url(call: Call, position: str | None) -> str:
    query = {name: value for name, value in call.query.items() if name != "page[cursor]"}
    if position:
        query["page[cursor]"] = position
    return call.url(call.path) + (f"?{urlencode(query)}" if query else "")
