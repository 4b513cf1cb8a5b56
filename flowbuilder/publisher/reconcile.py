"""After a lost answer: is the flow in the account? By name and creation time, then by comparing definitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flowbuilder.definition.canonical import canonical, differences
from flowbuilder.models import Made, Publication
from flowbuilder.publisher.calls import Calls

SKEW = timedelta(minutes=5)  # between our clock and Klaviyo's
MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Found:
    flow_id: str = ""
    several: bool = False


def look_for_flow(publication: Publication, calls: Calls) -> Found:
    """Raises what the client raises: an answer that failed says nothing, and the publication stays unknown."""
    sent = publication.attempts.filter(step="create-flow").order_by("-number").first()
    if sent is None or sent.request is None:
        return Found()
    meant = canonical(sent.request["data"]["attributes"]["definition"])
    taken = set(
        Made.objects.filter(kind=Made.Kind.FLOW, publication__account=publication.account)
        .exclude(publication=publication)
        .values_list("klaviyo_id", flat=True)
    )
    since = publication.created_at - SKEW
    matches = []
    for row in _flows_named(calls, publication.flow_name):
        if row["id"] in taken or not _is_since(row, since):
            continue
        held = calls.call(
            "look-up", "GET", f"/api/flows/{row['id']}", params={"additional-fields[flow]": "definition"}
        ).body
        if held and not list(differences(meant, canonical(held))):
            matches.append(str(row["id"]))
    return Found(matches[0] if len(matches) == 1 else "", len(matches) > 1)


def _flows_named(calls: Calls, name: str) -> list[dict[str, Any]]:
    """All flows of exactly this name, whatever the number of pages."""
    longest = max(name.replace("\\", '"').split('"'), key=len)
    operator = "equals" if longest == name else "contains"
    params = {"filter": f'{operator}(name,"{longest}")', "page[size]": "50"}
    rows: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        body = calls.call("look-up", "GET", "/api/flows", params=params).body or {}
        rows += [row for row in body.get("data", []) if row.get("attributes", {}).get("name") == name]
        following = (body.get("links") or {}).get("next")
        if not following:
            return rows
        params = {**params, "page[cursor]": _cursor_of(following)}
    return rows


def _cursor_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("page[cursor]", [""])[0]


def _is_since(row: dict[str, Any], since: datetime) -> bool:
    """A flow whose time of creation cannot be read is looked at."""
    try:
        created = datetime.fromisoformat(str(row["attributes"]["created"]))
    except (KeyError, ValueError):
        return True
    return created.tzinfo is None or created >= since
