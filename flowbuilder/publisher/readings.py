"""Flows that landed, read again: are they still what they were left as? By the clock, and when somebody asks.

    reading = read_install(install)          calls Klaviyo inside the account's limits; KlaviyoError
    due_installs(now, most)                  those that nobody looked at for a day, one of each account
    left_of(install)                         how the flow was left: what every reading is compared with

A flow is left as our last call read it back, or as a person accepted it since. Nothing is changed in Klaviyo.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts import catalog
from accounts.access import accounts_of
from accounts.clock import now as right_now
from accounts.counted import counted
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, NotFound
from accounts.models import KlaviyoAccount, User
from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.drifting import (
    Apart,
    apart_in_status,
    differences,
    emails_in,
    in_our_keys,
    with_template,
    worst,
)
from flowbuilder.definition.statuses import statuses_of
from flowbuilder.definition.telling import Told, tell_points
from flowbuilder.definition.updating import graph_in
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Attempt, Install, Made, Publication, Reading, Version
from flowbuilder.publisher.standing import EMAILS, Standing, emails_sent, hash_of_email, standing_of
from flowbuilder.queries import ids_in

EVERY = timedelta(days=1)
PATIENCE = 10.0  # seconds for one answer
AT_ONCE = timedelta(seconds=5)  # between a copy's creation and its first writing
MOST_EMAILS = 60  # of one flow, that are read
DEFINITION = {"additional-fields[flow]": "definition"}
Get = Callable[[str, str, Mapping[str, str] | None], Any]  # (what for, path, query) -> body
Kind, State = Publication.Kind, Publication.State


# --- How it was left -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """`graph` in our keys; `emails`: key -> hash of what it said; `templates`: key -> id of the account's copy;
    `status`: {"flow", "actions"}, empty where nobody read it back; `at`: since when."""

    standing: Standing
    graph: Graph
    name: str
    status: Mapping[str, Any]
    emails: Mapping[str, str]
    templates: Mapping[str, str]
    at: datetime

    @property
    def told(self) -> Graph:
        """The graph, with the names that people gave its steps."""
        return with_names(self.graph, self.standing.version, self.standing.steps)


def left_of(install: Install, standing: Standing | None = None) -> Left | None:
    """None where nothing is known of what was sent."""
    standing = standing or standing_of(install)
    if standing is None:
        return None
    by = standing.by
    accepted = (
        install.readings.filter(flow_id=install.live_flow_id, accepted_at__gt=by.ended_at or by.created_at)
        .order_by("-accepted_at")
        .first()
    )
    backs = _read_back(install)
    landed = next((one for one in backs if one.publication_id == by.pk), None)
    emails = {key: hash_of_email(html) for key, html in emails_sent(install, standing.definition).items()}
    emails |= by.wanted.get(EMAILS, {})
    name, at = by.flow_name, by.ended_at or by.created_at
    if accepted is not None:
        held: Mapping[str, Any] | None = accepted.definition
        name, at = accepted.name, accepted.accepted_at or at
        key_of = standing.key_of
        emails |= {key_of[id]: one["hash"] for id, one in accepted.emails.items() if id in key_of}
    else:
        held = get_at(landed and landed.answer, ("data", "attributes", "definition"))
    graph = in_our_keys(held, standing.definition, standing.steps) if held else graph_in(standing.definition)
    key_of = standing.key_of
    templates = {key_of[id]: one for id, one in emails_in(held or {}).items() if id in key_of}
    last = backs[0] if backs else None
    if accepted is not None and (last is None or last.started_at < (accepted.accepted_at or at)):
        status: Mapping[str, Any] = _status(accepted.status, accepted.definition or {})
    elif last is not None:
        about = get_at(last.answer, ("data", "attributes")) or {}
        status = _status(str(about.get("status")), about.get("definition") or {})
    else:
        status = {}
    return Left(standing, graph, name, status, emails, templates, at)


def _read_back(install: Install) -> list[Attempt]:
    """The answers in which our calls saw this flow last, the newest first: of the last landing and of the last
    change of status."""
    rows = Attempt.objects.filter(
        publication__install=install,
        publication__state=State.PUBLISHED,
        step="read-back",
        outcome=Attempt.Outcome.DONE,
        path__startswith=f"/api/flows/{install.live_flow_id}",
    ).order_by("-pk")
    landing = (Kind.CREATE, Kind.UPDATE)
    found = [
        rows.filter(publication__kind__in=landing).first(),
        rows.filter(publication__kind=Kind.STATUS).first(),
    ]
    return sorted((one for one in found if one is not None), key=lambda one: -one.pk)


def _status(flow: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {"flow": flow, "actions": statuses_of(definition)}


# --- Reading ---------------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What one look at a flow found. `definition` None: it is gone."""

    name: str = ""
    status: str = ""
    definition: dict[str, Any] | None = None
    emails: dict[str, dict[str, Any]] = field(default_factory=dict)


def look_at_emails(
    get: Get,
    definition: Mapping[str, Any],
    ids: Mapping[str, str],
    known: Mapping[str, str],
    templates: Mapping[str, str],
    kept: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """action id -> {"hash", "edited", "html" where it was edited or is none of ours}. `ids`: action -> our key;
    `known`: key -> hash of what we wrote; `templates`: key -> the copy that the account had; `kept`: keys of emails
    that are the account's own since before that copy was made."""
    found: dict[str, dict[str, Any]] = {}
    for id, template in list(emails_in(definition).items())[:MOST_EMAILS]:
        try:
            body = get(f"read-email-{ids.get(id, id)}", f"/api/templates/{template}", None)
        except NotFound:
            continue
        about = get_at(body, ("data", "attributes")) or {}
        html = about.get("html")
        key = ids.get(id, "")
        one: dict[str, Any] = {"hash": hash_of_email(html), "edited": False}
        is_known = key in known
        if (is_known and one["hash"] != known[key]) or (not is_known and key in templates):
            # A copy that nobody touched since it was made says what we wrote, however Klaviyo wrote it down; or what
            # the template says that it was made from in the account.
            one["edited"] = key in kept or templates.get(key) != template or _is_touched(about)
        if one["edited"] or not key:  # of a step that is not ours nothing else is known
            one["html"] = html or ""
        found[id] = one
    return found


def _is_touched(template: Mapping[str, Any]) -> bool:
    try:
        made, changed = (datetime.fromisoformat(str(template[name])) for name in ("created", "updated"))
    except (KeyError, ValueError):
        return True
    return changed - made > AT_ONCE


def read_install(
    install: Install,
    *,
    by: User | None = None,
    now: datetime | None = None,
    client_for: Callable[..., Klaviyo] = counted,
) -> Reading | None:
    """None where nothing is known of what was sent. Raises what the client raises, Throttled where the account's limits
    are used up; then nothing is written."""
    left = left_of(install)
    if left is None or install.account is None:
        return None
    seen = _look(install, left, _getter(client_for(install.account, deadline=PATIENCE)))
    return _write(install, left, seen, by, now or right_now())


def _getter(client: Klaviyo) -> Get:
    def get(what: str, path: str, params: Mapping[str, str] | None) -> Any:
        return client.call("GET", path, params=params).body

    return get


def _look(install: Install, left: Left, get: Get) -> Seen:
    try:
        body = get("read", f"/api/flows/{install.live_flow_id}", DEFINITION)
    except NotFound:
        return Seen(left.name)
    about = get_at(body, ("data", "attributes")) or {}
    definition = about.get("definition") or {}
    ids, sent = left.standing.key_of, emails_sent(install, left.standing.definition)
    known = {key: hash_of_email(html) for key, html in sent.items()}
    kept = left.standing.by.wanted.get(EMAILS, {})
    emails = look_at_emails(get, definition, ids, known, left.templates, kept)
    status = "archived" if about.get("archived") else str(about.get("status") or "")
    return Seen(str(about.get("name") or ""), status, definition, emails)


# --- Judging ---------------------------------------------------------------------------------------------------


def graph_of(reading: Reading, left: Left) -> Graph:
    """The flow as it was read, in our keys, to be compared with how it was left."""
    key_of = left.standing.key_of
    changed = {
        key_of[id]
        for id, one in reading.emails.items()
        if id in key_of and one["edited"] and one["hash"] != left.emails.get(key_of[id])
    }
    graph = in_our_keys(reading.definition or {}, left.standing.definition, left.standing.steps)
    return with_names(_with_templates(graph, left.graph, changed), left.standing.version, left.standing.steps)


def _with_templates(graph: Graph, left: Graph, changed: set[str]) -> Graph:
    """Where an email still says what it said, its template is the one that it was left with."""
    there = emails_in(to_definition(graph), "temporary_id")
    for email, before in emails_in(to_definition(left), "temporary_id").items():
        if email in there:
            own = f"{before} " if email in changed else before  # another one, whatever its id
            graph = with_template(graph, email, own)
    return graph


def with_names(graph: Graph, version: Version, steps: Mapping[str, Mapping[str, Any]]) -> Graph:
    """With what a version's steps are called; a step made by shaping is called as the one that it stands for."""
    names = version.document.get("names", {})
    of = {key: str(one.get("of") or key) for key, one in steps.items()}
    return graph.with_steps(replace(one, name=names.get(of.get(one.key, one.key), "")) for one in graph.steps)


def told_by(install: Install, graphs: tuple[Graph, ...]) -> list[Told]:
    """The graphs with what says their sentences: ids in words, those of what we made too. Two queries."""
    ids = {one for graph in graphs for one in ids_in(graph)}
    made = Made.objects.filter(publication__install=install, klaviyo_id__in=ids)
    names = dict(made.values_list("klaviyo_id", "name")) | catalog.names(install.workspace, ids)
    describer = Describer(Words(names), {})
    return [Told(graph, describer) for graph in graphs]


def _judge(install: Install, left: Left, reading: Reading) -> list[dict[str, str]]:
    if reading.definition is None:
        return [_line("gone", "flow gone", "", "The flow is no longer in the account.")]
    was, now = left.told, graph_of(reading, left)
    found: list[Apart] = differences(was, now)
    old, new = told_by(install, (was, now))
    words = tell_points([one.point for one in found], old, new)
    lines = [
        _line(
            one.weight,
            one.point.id,
            one.point.key,
            words[one.point.id] or f"{new.title(one.point.key)} changed.",
        )
        for one in found
    ]
    if reading.name != left.name:
        lines.append(_line("cosmetic", "flow name", "", f"The flow is now called “{reading.name}”."))
    return lines + list(_statuses(left, reading, new))


def _statuses(left: Left, reading: Reading, told: Told) -> list[dict[str, str]]:
    if not left.status:
        return []
    key_of, lines = left.standing.key_of, []
    for id, was, now in apart_in_status(left.status, _status(reading.status, reading.definition or {})):
        key = key_of.get(id, "")
        what = "The flow" if not id else told.title(key) if key in told.graph.by_key else "A step"
        text = f"{what} was {was} and is {now}." if was != now else f"{what}: statuses inside it changed."
        lines.append(_line("status", f"{key or 'flow'} status", key, text))
    return lines


def _line(weight: str, id: str, key: str, text: str) -> dict[str, str]:
    return {"weight": weight, "id": id, "key": key, "text": text}


@transaction.atomic
def _write(install: Install, left: Left, seen: Seen, by: User | None, now: datetime) -> Reading:
    Install.objects.select_for_update().filter(pk=install.pk).update(looked_at=now)
    reading = Reading(
        install=install, flow_id=install.live_flow_id, first_at=now, at=now, by=by, name=seen.name[:300],
        status=seen.status[:10], definition=seen.definition, emails=seen.emails,
    )  # fmt: skip
    reading.differences = _judge(install, left, reading)
    reading.verdict = worst([one["weight"] for one in reading.differences])
    what = [seen.name, seen.status, seen.definition, seen.emails, reading.differences]
    reading.content_hash = content_hash(what)
    last = install.readings.filter(flow_id=install.live_flow_id).order_by("-at", "-pk").first()
    if last is not None and last.content_hash == reading.content_hash:
        Reading.objects.filter(pk=last.pk).update(at=now, by=by)
        last.at, last.by = now, by
        return last
    if reading.verdict != Reading.Verdict.NONE:
        is_longer = last is not None and last.verdict != Reading.Verdict.NONE and last.at > left.at
        reading.since = last.since if is_longer and last is not None else now
    reading.save()
    return reading


# --- By the clock ----------------------------------------------------------------------------------------------


def due_installs(now: datetime, most: int) -> list[int]:
    """One of each account, longest not looked at first; none where a publication is under way."""
    busy = Publication.objects.filter(state__in=Publication.OPEN).values("account_id")
    rows = (
        Install.objects.filter(Q(looked_at=None) | Q(looked_at__lt=now - EVERY), state=Install.State.LIVE)
        .filter(account__state=KlaviyoAccount.State.CONNECTED)
        .exclude(live_flow_id="")
        .exclude(account__in=busy)
        .order_by(F("looked_at").asc(nulls_first=True), "pk")
    )
    found: dict[int, int] = {}
    for pk, account in rows.values_list("pk", "account_id")[: most * 20]:
        found.setdefault(account or 0, pk)
    return list(found.values())[:most]


def read_due(
    install_id: int, now: datetime, *, client_for: Callable[..., Klaviyo] = counted
) -> Reading | None:
    """Read one that is due, unless another worker has just begun to. What cannot be read now is tried again in an
    hour."""
    mine = Install.objects.filter(Q(looked_at=None) | Q(looked_at__lt=now - EVERY), pk=install_id)
    if not mine.update(looked_at=now):
        return None
    install = Install.objects.select_related("workspace", "account", "version").get(pk=install_id)
    if install.account is None or not accounts_of(install.workspace).filter(pk=install.account.pk).exists():
        return None
    try:
        return read_install(install, now=now, client_for=client_for)
    except KlaviyoError:
        Install.objects.filter(pk=install_id).update(looked_at=now - EVERY + timedelta(hours=1))
        return None


def last_reading(install: Install) -> Reading | None:
    """The newest of the flow that is there now."""
    return install.readings.filter(flow_id=install.live_flow_id).order_by("-at", "-pk").first()
