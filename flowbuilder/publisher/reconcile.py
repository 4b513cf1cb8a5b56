"""After a lost answer: is it in the account? By name and creation time, then by comparing definitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from accounts.klaviyo.errors import Unknown
from flowbuilder.definition.canonical import canonical, differences
from flowbuilder.models import Made, Publication
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.states import NOT_OURS

SKEW = timedelta(minutes=5)  # between our clock and Klaviyo's
MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The flows of the account that may be this publication's: {"id", "name", "created"}. One is ours, several are
    for a person to choose from."""

    flows: tuple[dict[str, str], ...] = ()


def quiet_until(sent_at: datetime) -> datetime:
    """When what was sent then can no longer take effect unseen: from then on a look is worth something."""
    return sent_at + timedelta(seconds=settings.PUBLISH_QUIET_PERIOD + settings.KLAVIYO_TIMEOUT)


def look_for_flow(publication: Publication, calls: Calls) -> Found:
    """Raises what the client raises: an answer that failed says nothing, and the publication stays unknown."""
    sent = calls.sent("create-flow")
    if not sent:
        return Found()
    meant = canonical(sent["data"]["attributes"]["definition"])
    taken = set(
        Made.objects.filter(kind=Made.Kind.FLOW, publication__account=publication.account)
        .exclude(publication=publication)
        .values_list("klaviyo_id", flat=True)
    ) | set(publication.wanted.get(NOT_OURS, []))
    since = calls.first_at("create-flow")
    matches = []
    for row in _flows_named(calls, publication.flow_name):
        if row["id"] in taken or not is_since(row, since):
            continue
        held = calls.call(
            "look-up", "GET", f"/api/flows/{row['id']}", params={"additional-fields[flow]": "definition"}
        ).body
        if held and not list(differences(meant, canonical(held))):
            created = str(row.get("attributes", {}).get("created", ""))
            matches.append({"id": str(row["id"]), "name": publication.flow_name, "created": created})
    return Found(tuple(matches))


def rows_named(calls: Calls, step: str, path: str, name: str) -> list[dict[str, Any]]:
    """All things of exactly this name. A name that no filter can quote is looked for among all."""
    is_quotable = '"' not in name and "\\" not in name
    return _pages(calls, step, path, {"filter": f'equals(name,"{name}")'} if is_quotable else {}, name)


def is_since(row: dict[str, Any], since: datetime) -> bool:
    """Whether Klaviyo made it since then. A thing whose time of creation cannot be read is looked at."""
    try:
        created = datetime.fromisoformat(str(row["attributes"]["created"]))
    except (KeyError, ValueError):
        return True
    return created.tzinfo is None or created >= since - SKEW


def _flows_named(calls: Calls, name: str) -> list[dict[str, Any]]:
    longest = max(name.replace("\\", '"').split('"'), key=len)
    operator = "equals" if longest == name else "contains"
    params = {"filter": f'{operator}(name,"{longest}")', "page[size]": "50"}
    return _pages(calls, "look-up", "/api/flows", params, name)


def _pages(calls: Calls, step: str, path: str, params: dict[str, str], name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        body = calls.call(step, "GET", path, params=params).body or {}
        rows += [row for row in body.get("data", []) if row.get("attributes", {}).get("name") == name]
        following = (body.get("links") or {}).get("next")
        if not following:
            return rows
        params = {**params, "page[cursor]": _cursor_of(following)}
    raise Unknown("There is too much of this name in the account to look through.")


def _cursor_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("page[cursor]", [""])[0]
