"""Is the flow still what it was left as? What differs, on the canvas and in words, and the three answers to it.

Each view: access, one operation, the page again or the new publication's. What cannot be done comes back as a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from flowbuilder import access
from flowbuilder.definition.telling import Told
from flowbuilder.models import Install, Proposal, Publication, Reading
from flowbuilder.operations import drift as operations
from flowbuilder.operations import proposals
from flowbuilder.operations.proposing import Carried
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.readings import Left, graph_of, last_reading, left_of, told_by

TONES = {
    "none": "good",
    "cosmetic": "",
    "status": "accent",
    "content": "warn",
    "logic": "warn",
    "gone": "bad",
}
WORDS = {"cosmetic": "Name", "status": "Status", "content": "Content", "logic": "Logic", "gone": "Gone"}
Marks = dict[str, tuple[str, str]]


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class Changes:
    install: Install
    wrong: str = ""

    @cached_property
    def reading(self) -> Reading | None:
        return last_reading(self.install)

    @cached_property
    def left(self) -> Left | None:
        return left_of(self.install)

    @cached_property
    def under_way(self) -> Publication | None:
        return self.install.publications.filter(state__in=Publication.OPEN).first()

    @property
    def is_old(self) -> bool:
        """Whether something was done from here since it was read: what differed then says nothing now."""
        return bool(self.reading and self.left and self.reading.at < self.left.standing.by.created_at)

    @property
    def is_accepted(self) -> bool:
        return self.reading is not None and self.reading.accepted_at is not None

    @property
    def is_open(self) -> bool:
        """Whether there is something to be answered."""
        differs = self.reading is not None and self.reading.verdict != Reading.Verdict.NONE
        return differs and not self.is_accepted and not self.is_old and self.under_way is None

    @property
    def tone(self) -> str:
        return "good" if self.is_accepted else TONES.get(self.reading.verdict if self.reading else "", "")

    @property
    def lines(self) -> list[dict[str, Any]]:
        assert self.reading is not None
        return [
            {
                **one,
                "word": WORDS[one["weight"]],
                "tone": TONES[one["weight"]],
                "may_go_back": one["id"] not in ("flow name", "flow gone"),
                "stays": carried.why_not(one) if (carried := self.carried) else "",
            }
            for one in self.reading.differences
        ]

    @cached_property
    def _proposable(self) -> Carried | str:
        return proposals.proposable(self.install, self.reading, self.left) if self.reading else ""

    @property
    def carried(self) -> Carried | None:
        return self._proposable if isinstance(self._proposable, Carried) else None

    @property
    def is_proposable(self) -> bool:
        return self.carried is not None and bool(self.carried.parts)

    @property
    def why_not_proposable(self) -> str:
        return self._proposable if isinstance(self._proposable, str) else ""

    @property
    def proposal(self) -> Proposal | None:
        return self.reading.proposals.first() if self.reading else None

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why not all of it can be put back in the flow that is there."""
        if self.left is None or self.reading is None or self.reading.definition is None:
            return ()
        ids = [one["id"] for one in self.reading.differences if one["weight"] not in ("status", "gone")]
        return operations.reasons_against(self.left, self.reading, [one for one in ids if one != "flow name"])

    # --- On the canvas

    @cached_property
    def told(self) -> tuple[Told, Told] | None:
        """How it was left, how it is."""
        if self.left is None or self.reading is None or self.reading.definition is None:
            return None
        was, now = told_by(self.install, (self.left.told, graph_of(self.reading, self.left)))
        return was, now

    @property
    def marks(self) -> Marks:
        assert self.reading is not None
        found: Marks = {}
        was, now = (one.graph.by_key for one in self.told) if self.told else ({}, {})
        for one in self.reading.differences:
            key = one["key"] or ("trigger" if one["id"] in ("flow trigger", "flow profile_filter") else "")
            if not key or (key in found and one["weight"] == "status"):
                continue
            is_new = key in now and key not in was and key != "trigger"
            is_status = one["weight"] == "status"
            found[key] = (
                ("good", "New") if is_new else ("accent", "Status") if is_status else ("warn", "Changed")
            )
        return found

    @property
    def gone(self) -> Marks:
        """Steps that were taken out, to be marked where the flow is drawn as it was left."""
        if self.told is None:
            return {}
        was, now = (one.graph.by_key for one in self.told)
        return {key: ("bad", "Taken out") for key in was if key not in now}


def _page(request: HttpRequest, install: Install, wrong: str = "", status: int = 200) -> HttpResponse:
    return render(request, "installed/drift.html", {"changes": Changes(install, wrong)}, status=status)


@never_cache
@require_safe
def page(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if install.state != Install.State.LIVE:
        return redirect("history:after", pk)
    return _page(request, install)


def _act(request: Request, pk: int, do: Callable[[Install], HttpResponse]) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if install.state != Install.State.LIVE:
        return redirect("history:after", pk)
    try:
        return do(install)
    except UnableToAct as error:
        return _page(request, install, str(error), status=422)


def _reading(request: HttpRequest) -> int:
    text = request.POST.get("reading", "")
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


@require_POST
def look(request: Request, pk: int) -> HttpResponse:
    def do(install: Install) -> HttpResponse:
        operations.look(install=install, by=request.user)
        return redirect("installed:drift", pk)

    return _act(request, pk, do)


@require_POST
def accept(request: Request, pk: int) -> HttpResponse:
    def do(install: Install) -> HttpResponse:
        operations.accept(install=install, by=request.user, reading_id=_reading(request))
        messages.success(request, "Accepted. From now on it is right as it is.")
        return redirect("installed:drift", pk)

    return _act(request, pk, do)


@require_POST
def put_back(request: Request, pk: int) -> HttpResponse:
    def do(install: Install) -> HttpResponse:
        ids = request.POST.getlist("id")
        asked = operations.put_back(install=install, by=request.user, reading_id=_reading(request), ids=ids)
        messages.success(request, "Asked for. You can follow it here.")
        return redirect("history:publication", asked.pk)

    return _act(request, pk, do)


@require_POST
def propose(request: Request, pk: int) -> HttpResponse:
    def do(install: Install) -> HttpResponse:
        proposals.propose(
            install=install,
            by=request.user,
            reading_id=_reading(request),
            ids=request.POST.getlist("id"),
            note=request.POST.get("note", ""),
        )
        messages.success(request, f"Proposed to {install.template_flow.workspace}.")
        return redirect("installed:drift", pk)

    return _act(request, pk, do)
