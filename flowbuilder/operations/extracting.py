"""A live flow of an account, or a file, brought in to become a template; and its account's things made questions.

Reading an account happens before anything is written. What was brought in is a flow like any other: it can be left and
come back to, and setting the questions is an act that can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts.access import accounts_of
from accounts.catalog import entries_of, read_catalog
from accounts.counted import counted
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, NotFound
from accounts.klaviyo.shapes import Template
from accounts.klaviyo.wire import Transport
from accounts.models import CatalogEntry, KlaviyoAccount, User, Workspace
from flowbuilder.definition.asking import Choice, Taken, ask_all, only_id
from flowbuilder.definition.extracting import Extraction, Known, Line, extract
from flowbuilder.definition.pieces import EMAILS
from flowbuilder.definition.reading import Read, read_document
from flowbuilder.definition.taken import ids_in as inside
from flowbuilder.definition.taken import why_it_stays
from flowbuilder.graph import Graph
from flowbuilder.graph.change import Draft
from flowbuilder.kinds.asks import CONTENT
from flowbuilder.kinds.base import Words, count
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Edit, Flow
from flowbuilder.operations.acts import perform
from flowbuilder.operations.designs import save_new
from flowbuilder.operations.emails import LIMIT, keep_contents
from flowbuilder.queries import Design, ids_in

MOST_EMAILS, MOST_SEGMENTS = 60, 20
KEPT = 600  # seconds that a definition is not read again
_NAMED = (CatalogEntry.Kind.METRIC, CatalogEntry.Kind.LIST, CatalogEntry.Kind.SEGMENT)


@dataclass(frozen=True)
class Brought:
    """`unread` are names of the messages whose email could not be read: they keep the id of their template."""

    flow: Flow
    read: Read
    emails: int
    unread: tuple[str, ...]


def bring_in(
    *,
    workspace: Workspace,
    by: User,
    account: KlaviyoAccount,
    flow_id: str,
    transport: Transport | None = None,
) -> Brought:
    """A flow of a connected account as a flow of the workspace, with its emails. KlaviyoError, UnableToImport."""
    client = counted(account, transport=transport)
    live = client.get_flow(flow_id)
    read = read_document({"name": live.name, "definition": live.definition or {}})
    read_catalog(account, _NAMED, transport=transport)
    contents, unread = _emails_of(client, live.definition or {})
    with transaction.atomic():
        keys = keep_contents(workspace=workspace, by=by, contents=contents)
        graph = read.graph.with_steps(
            replace(step, config=_with_contents(step.config, keys)) for step in read.graph.steps
        )
        flow = save_new(workspace=workspace, by=by, read=replace(read, graph=graph))
    return Brought(flow, read, len(contents), tuple(unread))


def _emails_of(client: Klaviyo, definition: Mapping[str, Any]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Template id -> what it says, of every message that has one; and the names of those that cannot be read."""
    contents: dict[str, dict[str, str]] = {}
    unread: list[str] = []
    for message in _messages(definition):
        template, name = message["template_id"], str(message.get("name") or "Email")[:200]
        if template in contents:
            continue
        held = _read(client, message) if len(contents) < MOST_EMAILS else None
        if held is None or not held.html or max(len(held.html), len(held.text or "")) > LIMIT:
            unread.append(name)
        else:
            contents[template] = {"name": name, "html": held.html, "text": held.text or ""}
    return contents, unread


def _read(client: Klaviyo, message: Mapping[str, Any]) -> Template | None:
    """A message's own copy, which no list shows, else the template by its id. Nothing where neither is there."""
    for get, key in ((client.get_message_template, "id"), (client.get_template, "template_id")):
        if isinstance(message.get(key), str):
            try:
                return get(message[key])
            except NotFound:
                continue
            except KlaviyoError:
                return None
    return None


def _messages(definition: Any) -> Iterator[Mapping[str, Any]]:
    """Every object with a template, wherever it stands."""
    todo = [definition]
    while todo:
        one = todo.pop(0)
        if isinstance(one, Mapping):
            if isinstance(one.get("template_id"), str) and one["template_id"]:
                yield one
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _with_contents(value: Any, keys: Mapping[str, str]) -> Any:
    """Settings in which the emails that were brought along stand in place of their templates."""
    if isinstance(value, Mapping):
        return {
            name: {CONTENT: keys[child]}
            if name == "template_id" and isinstance(child, str) and child in keys
            else _with_contents(child, keys)
            for name, child in value.items()
        }
    return [_with_contents(one, keys) for one in value] if isinstance(value, list) else value


# --- Questions -----------------------------------------------------------------------------------------------------


def find_in(flow: Flow) -> Extraction:
    """What of this flow belongs to an account, with the names that the workspace's accounts know."""
    design = Design(flow)
    return _extract(design, design.draft)


def _extract(design: Design, draft: Draft) -> Extraction:
    emails = {key: (one.name, one.html, one.text) for key, one in design.emails.items()}
    asked = {
        (place["email"], place["what"], place["value"])
        for one in draft.requirements.values()
        for place in one["limits"].get(EMAILS, ())
    }
    return extract(draft.graph, _known(design.flow, draft.graph), emails, asked)


def _known(flow: Flow, graph: Graph) -> dict[str, Known]:
    found = entries_of(flow.workspace, ids_in(graph))
    return {key: Known(one.kind, one.name, one.integration) for key, one in found.items()}


@dataclass(frozen=True)
class Segments:
    """`taken`: id -> what comes along; `stays`: id -> why that does not."""

    taken: Mapping[str, Taken]
    stays: Mapping[str, str]


def segments_of(flow: Flow, found: Extraction, *, transport: Transport | None = None) -> Segments:
    """What the segments that this flow names are made of, read in the account that has them."""
    lines = [line for line in found.lines if line.what in ("segment", "group")]
    ids = {only_id(line.value) for line in lines}
    rows = CatalogEntry.objects.filter(
        kind=CatalogEntry.Kind.SEGMENT, klaviyo_id__in=ids, account__in=accounts_of(flow.workspace)
    ).select_related("account")
    entries = {one.klaviyo_id: one for one in rows.order_by("pk")}
    definitions, stays = dict[str, Any](), _of_several(lines)
    for id, entry in list(entries.items())[:MOST_SEGMENTS]:
        try:
            definition = _definition(entry, transport)
        except KlaviyoError as error:
            stays[id] = f"What the segment “{entry.name}” is made of could not be read: {error}"
            continue
        if why := why_it_stays(definition):
            stays[id] = (
                f"The segment “{entry.name}” cannot be made in another account: {why}. Each account chooses its own."
            )
        else:
            definitions[id] = definition
    named = entries_of(flow.workspace, (id for one in definitions.values() for _, id, _ in inside(one)))
    known = {key: Known(one.kind, one.name, one.integration) for key, one in named.items()}
    words = Describer(Words({key: one.name for key, one in known.items()}), {})
    return Segments({id: Taken(one, _told(one, words), known) for id, one in definitions.items()}, stays)


def _of_several(lines: Iterable[Line]) -> dict[str, str]:
    """Of those that one question asks for together nothing comes along."""
    several = (line for line in lines if isinstance(line.value, list) and len(line.value) > 1)
    return {
        line.id: f"{line.shown}: what they are made of does not come along, since one question asks for all of them. "
        "Each account chooses its own."
        for line in several
    }


def _told(definition: Mapping[str, Any], words: Describer) -> str:
    """“has placed an order more than 2 times over all time.”"""
    said = words.profile_filter(definition)
    return said.removeprefix("Only if: ") if said.startswith("Only if: ") else "as Klaviyo has it there."


def _definition(entry: CatalogEntry, transport: Transport | None) -> Any:
    """Read once for the page and the press on it."""
    key = f"segment-{entry.account_id}-{entry.klaviyo_id}"
    if (held := cache.get(key)) is None:
        held = counted(entry.account, transport=transport).get_segment(entry.klaviyo_id).definition or {}
        cache.set(key, held, KEPT)
    return held


def ask_for_all(*, flow: Flow, by: User, choices: Mapping[str, Choice]) -> Edit | None:
    """Make questions of what was found, as chosen: one act. Lines are named by what they hold, so what somebody changed
    meanwhile is left as it is. None where nothing becomes a question."""
    made: list[int] = []
    design = Design(flow)
    segments = segments_of(flow, _extract(design, design.draft)).taken

    def do(draft: Draft) -> Draft:
        lines = _extract(design, draft).lines
        chosen = tuple(line for line in lines if line.id in choices)
        graph, questions, originals = ask_all(draft.graph, draft.requirements, chosen, choices, segments)
        made.append(len(originals))
        return replace(draft, graph=graph, requirements=questions)

    return perform(flow=flow, by=by, name=lambda old, new: f"Ask {count(made[-1], 'question')}", do=do)
