"""What a field of a form can be chosen from: things of the connected accounts, properties, emails; and the names of
what was chosen. Nothing has to be chosen: every field takes what is typed by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accounts import catalog
from accounts.models import CatalogEntry, Grant, Workspace
from flowbuilder.editor import properties
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.form import Node, Option, parse_path
from flowbuilder.kinds.picks import CATALOG, NOUNS, PICKERS
from flowbuilder.models import Email, Flow
from flowbuilder.queries import Design

MOST = 20
WRITTEN = "content:"  # before the key of an email that is written here: as kinds/posted.py reads it


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing to choose: its value in the settings, its name, and what tells it from others of that name."""

    value: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    hits: tuple[Hit, ...]
    total: int
    hint: str = ""  # where there is nothing: why, and what to do

    @property
    def more(self) -> int:
        return self.total - len(self.hits)


def find(flow: Flow, kind: str, text: str, *, name: str = "", step: str = "") -> Found:
    if kind in CATALOG:
        return _in_accounts(flow.workspace, kind, text)
    if kind == "email":
        return _emails(flow.workspace, text)
    if kind == "property":
        return _own_too(_first(_offers(properties.of_people(flow.workspace), text), text), text)
    if kind == "event":
        metric = properties.metric_of(Design(flow), step or TRIGGER_KEY, parse_path(name))
        found = _offers(properties.of_event(flow.workspace, *metric), text)
        return _first(found, text, "No such property is known. What you typed is used as it is.")
    return Found((), 0, "Coupons are not listed here. Write the name of the coupon as it is in Klaviyo.")


def _in_accounts(workspace: Workspace, kind: str, text: str) -> Found:
    rows = catalog.find_entries(workspace, CATALOG[kind], text)
    total = rows.count()
    hits = tuple(hit_of(row, kind) for row in rows[:MOST])
    if hits:
        return Found(hits, total)
    if Grant.objects.filter(workspace=workspace, withdrawn_at=None).exists():
        return Found((), 0, f"No {NOUNS[kind]} fit that. You can also write the id from Klaviyo.")
    return Found((), 0, "No account is connected, so nothing can be listed. Write the id from Klaviyo.")


def _emails(workspace: Workspace, text: str) -> Found:
    """Emails that are written here, then templates of the accounts, which are cloned."""
    rows = Email.objects.filter(workspace=workspace, name__icontains=text).order_by("name", "pk")
    written = [
        Hit(f"{WRITTEN}{key}", name, "Written here") for key, name in rows.values_list("key", "name")[:MOST]
    ]
    templates = _in_accounts(workspace, "template", text)
    hits = (*written, *templates.hits)[:MOST]
    return Found(hits, rows.count() + templates.total, "No email fits that. Write one on the page “Emails”.")


def hit_of(row: CatalogEntry, kind: str = "") -> Hit:
    what = row.get_kind_display() if kind == "group" else ""
    return Hit(
        row.klaviyo_id,
        row.name,
        " · ".join(part for part in (what, row.integration, str(row.account), row.klaviyo_id) if part),
    )


def _offers(offers: Iterable[properties.Offer], text: str) -> list[Hit]:
    words = text.casefold().split()
    return [
        Hit(value, value, told)
        for value, told in offers
        if all(word in f"{value} {told}".casefold() for word in words)
    ]


def _first(hits: list[Hit], text: str, hint: str = "") -> Found:
    """Those that begin with the text come first."""
    start = text.casefold()
    ranked = sorted(hits, key=lambda one: not one.name.casefold().startswith(start)) if start else hits
    return Found(tuple(ranked[:MOST]), len(hits), hint or "Nothing fits that.")


def _own_too(found: Found, text: str) -> Found:
    """A property that nobody used yet is offered as Klaviyo writes it."""
    bare = text.strip("'\"[]() ")
    if not bare or "properties[" in text or any(text in (one.value, one.name) for one in found.hits):
        return found
    own = Hit(f"properties['{bare}']", f"properties['{bare}']", "A property of your own")
    if any(one.value == own.value for one in found.hits):
        return found
    return Found((*found.hits[: MOST - 1], own), found.total + 1)


# --- Names beside the ids that a form shows ----------------------------------------------------------------------


def name_ids(nodes: Iterable[Node], workspace: Workspace, emails: Mapping[str, Email]) -> None:
    """Give each picker what its ids are called: one query for all of them, none where there are none. `emails` are
    those that the flow uses, by key."""
    pickers = [node for node in nodes if node.widget in PICKERS]
    chosen = {node.name: _ids(node) for node in pickers}
    speaking = [node for node in pickers if node.hint.picks in CATALOG or node.widget == "email"]
    ids = {one for node in speaking for one in chosen[node.name] if not one.startswith(WRITTEN)}
    known = catalog.entries_of(workspace, ids)
    for node in pickers:
        node.options = [_option(one, known.get(one), emails, node.hint.picks) for one in chosen[node.name]]


def _ids(node: Node) -> list[str]:
    values = node.value if isinstance(node.value, list) else [node.value]
    return [one for one in values if isinstance(one, str) and one]


def _option(value: str, row: CatalogEntry | None, emails: Mapping[str, Email], kind: str) -> Option:
    """The value, its name and what tells it apart; a value that nobody knows has no name."""
    if value.startswith(WRITTEN) and (email := emails.get(value.removeprefix(WRITTEN))):
        return Option(value, email.name, "Written here")
    if row is None:
        return Option(value, "")
    hit = hit_of(row, kind)
    return Option(value, hit.name, hit.detail)
