"""What is left before a flow that landed goes live: a list whose lines check themselves, and one that a person ticks.

Shown on the page of the result. Reads only, but for figures of the trigger's metric, which are read and kept when they
are old (accounts/figures.py); and asks Klaviyo which other flows start from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.timezone import now as right_now

from accounts import figures
from accounts.counted import counted
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import CatalogEntry
from flowbuilder.definition.messages import EMAIL, sent_by
from flowbuilder.graph import Graph
from flowbuilder.models import Install, Publication
from flowbuilder.operations.after import status_of
from flowbuilder.operations.installs import landing_of

DONE, TODO, UNKNOWN = "done", "todo", "waiting"
ICONS = {DONE: "check", TODO: "minus", UNKNOWN: "clock"}
LATELY = timedelta(days=7)
PATIENCE = 5.0  # seconds for one answer, while a page waits
SENDS = {
    "live": "Live: it sends by itself.",
    "manual": "Manual: it collects messages, and a person sends them.",
    "paused": "Paused: it sends nothing.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`key` says which press goes with it: emails (the tick), status, or none."""

    key: str
    text: str
    state: str
    detail: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.state]


@dataclass(frozen=True)
class GoLive:
    lines: list[Line]
    status: str
    under_way: Publication | None

    @property
    def left(self) -> int:
        return sum(line.state != DONE for line in self.lines if line.key != "status")


def golive_of(install: Install) -> GoLive | None:
    """None while there is no flow in the account."""
    if install.state != Install.State.LIVE or install.account is None:
        return None
    graph = landing_of(install).graph
    status = status_of(install)
    lines = [
        *_sender(install, graph),
        *_emails(install, graph),
        *_texts(graph),
        *_trigger(install, graph),
        *_others(install, graph),
        Line("status", "The flow is live", DONE if status == "live" else TODO, _sends(status)),
    ]
    return GoLive(lines, status, install.publications.filter(state__in=Publication.OPEN).first())


def _sends(status: str) -> str:
    return SENDS.get(status, "Draft: it sends nothing until you set it live.")


def _senders(graph: Graph) -> list[str]:
    """The address of each email, empty where it has none of its own."""
    found = []
    for one in (one for step in graph.steps for one in sent_by(step)):
        message = one.config.get("message")
        if one.type == EMAIL and isinstance(message, dict):
            found.append(str(message.get("from_email") or ""))
    return found


def _sender(install: Install, graph: Graph) -> Iterator[Line]:
    senders = _senders(graph)
    if not senders:
        return
    default = install.account.sender_email if install.account else ""
    named = ", ".join(dict.fromkeys(one or default for one in senders if one or default))
    text = "Every email has a sender"
    if all(one or default for one in senders):
        yield Line("sender", text, DONE, f"{named}. Klaviyo sends once its domain is set up there.")
    else:
        missing = "Some emails name no sender, and the account has no default one: set it in Klaviyo, under Settings."
        yield Line("sender", text, TODO, missing)


def _emails(install: Install, graph: Graph) -> Iterator[Line]:
    if not _senders(graph):
        return
    detail = "Read each email in Klaviyo, and send a preview of it to yourself. Then tick it off here."
    if install.reviewed_at:
        detail = (
            f"Ticked by {install.reviewed_by or 'somebody who left'} on {_day(install.reviewed_at.date())}."
        )
    yield Line("emails", "The emails were reviewed", DONE if install.reviewed_at else TODO, detail)


def _texts(graph: Graph) -> Iterator[Line]:
    if any(one.type == "send-sms" for step in graph.steps for one in sent_by(step)):
        unknown = "Klaviyo does not say it here: look there whether it may, and in which countries."
        yield Line("texts", "The account may send texts", UNKNOWN, unknown)


def _others(install: Install, graph: Graph) -> Iterator[Line]:
    """Somebody who starts two live flows gets the messages of both."""
    trigger = graph.trigger
    id = str(trigger.config.get("id") or "") if trigger and trigger.type == "metric" else ""
    if not id or install.account is None:
        return
    text = "No other live flow starts here"
    try:
        flows = counted(install.account, deadline=PATIENCE).flow_triggers(id)
    except KlaviyoError as error:
        yield Line("others", text, UNKNOWN, f"We could not ask: {error}")
        return
    live = [
        one.name
        for one in flows
        if one.status == "live" and not one.is_archived and one.id != install.live_flow_id
    ]
    if live:
        names = ", ".join(f"“{name}”" for name in live)
        yield Line("others", text, TODO, f"{names}: people would get those messages too. Set one to draft.")
    else:
        yield Line("others", text, DONE, "Nobody gets two reminders at once.")


def _trigger(install: Install, graph: Graph) -> Iterator[Line]:
    trigger = graph.trigger
    if trigger is None or trigger.type != "metric" or install.account is None:
        return
    id = str(trigger.config.get("id") or "")
    figures.count(install.account, [id])
    entry = CatalogEntry.objects.filter(account=install.account, kind="metric", klaviyo_id=id).first()
    name = entry.name if entry else "What starts it"
    text = f"“{name}” was seen lately"
    if entry is None or (entry.last_on is None and entry.count is None):
        unknown = "Klaviyo did not say when it was last seen. Look at it there, under Analytics, Metrics."
        yield Line("trigger", text, UNKNOWN, unknown)
    elif entry.last_on is None:
        yield Line("trigger", text, TODO, "It was not seen for a long time: nobody would start this flow.")
    else:
        is_lately = entry.last_on >= right_now().date() - LATELY
        detail = f"Last on {_day(entry.last_on)}."
        if not is_lately:
            detail += " Check that your shop still sends it: nobody starts this flow without it."
        yield Line("trigger", text, DONE if is_lately else TODO, detail)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
