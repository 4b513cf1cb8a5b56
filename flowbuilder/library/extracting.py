"""From a live flow of a connected account, or a file, to a template: choose it, see what cannot travel and what belongs
to the account, decide what becomes a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import accounts_of, workspace_or_404
from accounts.counted import counted
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import KlaviyoAccount, Workspace
from flowbuilder import access
from flowbuilder.definition.asking import Choice, only_id
from flowbuilder.definition.extracting import CONSTANT, LABELS, QUESTION, ROLE, Extraction, Line, Stays
from flowbuilder.definition.reading import UnableToImport
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY, Card
from flowbuilder.library.views import Request
from flowbuilder.models import Flow
from flowbuilder.operations import extracting as operations
from flowbuilder.operations.designs import import_flow
from flowbuilder.queries import Design

MOST_FLOWS = 100
WAYS = {
    ROLE: "Found by itself in each account, by its name and where it comes from",
    QUESTION: "A question",
    CONSTANT: "Stays as it is",
}
ALL_WAYS = {ROLE: "all are found by themselves", QUESTION: "all are asked", CONSTANT: "all stay as they are"}


# --- Choosing ------------------------------------------------------------------------------------------------------


@require_safe
def choose(request: Request, slug: str) -> HttpResponse:
    return _choose(request, workspace_or_404(request.user, slug, access.DESIGNERS))


def _choose(request: Request, room: Workspace, status: int = 200, **more: Any) -> HttpResponse:
    context = {"room": room, "accounts": accounts_of(room), **more}
    return render(request, "library/extract.html", context, status=status)


@never_cache
@require_safe
def choose_flow(request: Request, slug: str, pk: int) -> HttpResponse:
    """The flows of an account as they are in Klaviyo now."""
    room, account = _account(request, slug, pk)
    words = request.GET.get("q", "").strip()[:100]
    try:
        flows = counted(account).search_flows(words, MOST_FLOWS + 1)
    except KlaviyoError as error:
        return _choose(request, room, chosen=account, words=words, failure=str(error))
    more = {"chosen": account, "words": words, "flows": flows[:MOST_FLOWS], "is_cut": len(flows) > MOST_FLOWS}
    return _choose(request, room, **more)


def _account(request: Request, slug: str, pk: int) -> tuple[Workspace, KlaviyoAccount]:
    room = workspace_or_404(request.user, slug, access.DESIGNERS)
    return room, get_object_or_404(accounts_of(room), pk=pk)


@require_POST
def take_flow(request: Request, slug: str, pk: int, flow: str) -> HttpResponse:
    room, account = _account(request, slug, pk)
    try:
        brought = operations.bring_in(workspace=room, by=request.user, account=account, flow_id=flow)
    except KlaviyoError as error:
        return _choose(request, room, status=422, chosen=account, failure=str(error))
    except UnableToImport as error:
        return _choose(request, room, status=422, chosen=account, problems=error.problems)
    for note in brought.read.notes:
        messages.info(request, note.text)
    if brought.emails:
        messages.success(request, f"{count(brought.emails, 'email')} came along, to be changed here.")
    if brought.unread:
        names = ", ".join(f"“{one}”" for one in brought.unread[:5])
        messages.warning(request, f"The emails of {names} could not be read: they are asked for below.")
    return redirect("library:found", brought.flow.pk)


@require_POST
def take_file(request: Request, slug: str) -> HttpResponse:
    room = workspace_or_404(request.user, slug, access.DESIGNERS)
    upload = request.FILES.get("file")
    text = upload.read(settings.IMPORT_MAX_BYTES + 1) if upload else request.POST.get("text", "")
    try:
        flow, read = import_flow(workspace=room, by=request.user, text=text)
    except UnableToImport as error:
        return _choose(request, room, status=422, problems=error.problems)
    for note in read.notes:
        messages.info(request, note.text)
    return redirect("library:found", flow.pk)


# --- Deciding ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A line as the page shows it: where it stands, the ways to treat it, what is chosen."""

    line: Line
    where: tuple[tuple[str, str], ...]  # (name, address)
    ways: tuple[tuple[str, str], ...]
    chosen: str
    question: str
    along: str  # of a segment: what it is made of, where that comes along


@require_http_methods(["GET", "HEAD", "POST"])
def found(request: Request, pk: int) -> HttpResponse:
    flow = access.design_or_404(request.user, pk)
    extraction = operations.find_in(flow)
    if request.method != "POST":
        return _found(request, flow, extraction, {})
    choices, wrong = _choices(extraction, request.POST)
    if wrong:
        return _found(request, flow, extraction, choices, wrong, status=422)
    try:
        edit = operations.ask_for_all(flow=flow, by=request.user, choices=choices)
    except UnableToChange as error:
        return _found(request, flow, extraction, choices, str(error), status=422)
    if edit is None:
        messages.info(request, "Nothing is asked: everything stays as it is.")
        return redirect("library:found", flow.pk)
    return redirect(f"{reverse('editor:editor', args=[flow.pk])}?panel=publish")  # it lists what is asked


def _choices(extraction: Extraction, given: Mapping[str, str]) -> tuple[dict[str, Choice], str]:
    """What was pressed for each line, or for all of a group; and a sentence where something is none of the ways."""
    choices, wrong = {}, ""
    for line in extraction.lines:
        way = given.get(f"way-{line.id}", line.proposal)
        group = given.get(f"all-{line.what}", "")
        if group in line.may:
            way = group
        if way not in line.may:
            way, wrong = (
                line.proposal,
                "Choose for each what becomes of it. What was none of the ways is as proposed.",
            )
        choices[line.id] = Choice(way, given.get(f"question-{line.id}", "")[:200])
    return choices, wrong


def _found(
    request: Request,
    flow: Flow,
    extraction: Extraction,
    choices: Mapping[str, Choice],
    wrong: str = "",
    status: int = 200,
) -> HttpResponse:
    design = Design(flow)
    emails = {
        key: (f"the email “{one.name}”", reverse("emails:email", args=[one.pk]))
        for key, one in design.emails.items()
    }
    segments = operations.segments_of(flow, extraction)
    along = {id: one.told for id, one in segments.taken.items()}
    rows = [_row(line, flow, design.cards, emails, along, choices.get(line.id)) for line in extraction.lines]
    groups = []
    for what, lines in groupby(rows, key=lambda row: row.line.what):
        held = list(lines)
        ways = [one for one in ALL_WAYS if any(one in row.line.may for row in held)]
        bulk = [(one, ALL_WAYS[one]) for one in ways] if len(held) > 1 and len(ways) > 1 else []
        groups.append((what, LABELS[what], held, bulk))
    stays = [*extraction.stays, *map(Stays, segments.stays.values())]
    context = {
        "flow": flow,
        "stays": stays,
        "groups": groups,
        "wrong": wrong,
        "total": len(rows),
    }
    return render(request, "library/found.html", context, status=status)


def _row(
    line: Line,
    flow: Flow,
    cards: Mapping[str, Card],
    emails: Mapping[str, tuple[str, str]],
    along: Mapping[str, str],
    choice: Choice | None,
) -> Row:
    editor = reverse("editor:editor", args=[flow.pk])
    keys = dict.fromkeys(place.step for place in line.places)
    where = [(_name(key, cards), f"{editor}?step={key}" if key else editor) for key in keys]
    where += [emails[key] for key in line.emails]
    return Row(
        line,
        tuple(where),
        tuple((way, WAYS[way]) for way in line.may),
        choice.treat if choice else line.proposal,
        choice.question if choice and choice.question else line.question,
        along.get(only_id(line.value), ""),
    )


def _name(key: str | None, cards: Mapping[str, Card]) -> str:
    if key is None:
        return "whom the flow is for"
    if key == TRIGGER_KEY:
        return "the trigger"
    return f"“{cards[key].title}”" if key in cards else "a step"
