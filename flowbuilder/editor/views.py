"""The editor of one flow: the whole page, one of its parts, or after an act what can have changed.

A page shows the canvas or the outline, never both, and says so with each request (X-View), with the revision that
it shows (X-Revision): the answer to an act is what changed since then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.timezone import now as right_now
from django.views.decorators.http import require_GET

from accounts.audit import Act, record
from flowbuilder.access import design_or_404, flow_or_404, user_of
from flowbuilder.definition.preflight import blocking
from flowbuilder.definition.writing import create_body, to_definition, with_defaults
from flowbuilder.editor import canvas, inspector, outline, questions
from flowbuilder.graph.change import Draft
from flowbuilder.graph.walk import breadth_first
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.models import Flow, Requirement, TemplateFlow
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.operations.editing import FLOW_KEY, subject_of
from flowbuilder.queries import Design, edits
from flowbuilder.queries.changes import changes_since

CANVAS, OUTLINE = "canvas", "outline"
AWAY_AFTER = timedelta(seconds=35)  # an open page says every ten seconds that somebody is there


@dataclass(frozen=True)
class Look:
    """What a person looks at: a selected step, a place to insert at, a panel, or what they search for."""

    selected: str = ""
    at: str = ""
    panel: str = ""
    query_text: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Look:
        get = request.GET
        return cls(get.get("step", ""), get.get("insert", ""), get.get("panel", ""), get.get("q", "").strip())

    @property
    def words(self) -> str:
        """What an address says of it, after “?” or “&”."""
        said = {"step": self.selected, "insert": self.at, "panel": self.panel, "q": self.query_text}
        return next((urlencode({name: value}, safe=":") for name, value in said.items() if value), "")


@dataclass(frozen=True)
class Published:
    """The latest version, as the bar tells it."""

    number: int
    created_at: datetime


@require_GET
def editor(request: HttpRequest, pk: int) -> HttpResponse:
    flow = design_or_404(user_of(request), pk)
    if request.GET.get("view") in (CANVAS, OUTLINE):
        request.session["editor_view"] = request.GET["view"]
    return show(request, flow, Look.of(request))


def url_of(flow: Flow, look: Look | None = None) -> str:
    url = reverse("editor:editor", args=[flow.pk])
    return f"{url}?{look.words}" if look and look.words else url


def view_of(request: HttpRequest) -> str:
    """What this page shows: as it says, as the person chose, or the outline on a phone."""
    said = request.headers.get("X-View") or request.session.get("editor_view")
    if said in (CANVAS, OUTLINE):
        return str(said)
    is_phone = request.headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobi" in request.headers.get(
        "User-Agent", ""
    )
    return OUTLINE if is_phone else CANVAS


def show(
    request: HttpRequest,
    flow: Flow,
    look: Look,
    *,
    status: int = 200,
    refused: inspector.Refused | None = None,
    error: str = "",
    has_changed: bool = False,
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    """The editor as it is now: the whole page; for htmx the inspector; after an act also what else changed."""
    design = Design(flow)
    selected = look.selected if look.selected in (*design.graph.by_key, TRIGGER_KEY) else ""
    at = look.at if look.at.partition(":")[0] in (*design.graph.by_key, TRIGGER_KEY) else ""
    context: dict[str, Any] = {
        "flow": flow,
        "design": design,
        "look": look,
        "revision": flow.revision,
        "selected": selected,
        "at": at,
        "view": view_of(request),
        "cards": design.cards,
        "problems": design.problems,
        "blocking": blocking(design.problems),
        "place": _place_for_new(design, selected, at),
        "undoable": flow.undoable or "",
        "redoable": flow.redoable or "",
        "last_version": Published(flow.version, flow.version_at) if flow.version else None,
        "error": error,
    }
    is_part = bool(getattr(request, "htmx", False))
    part = request.GET.get("part", "")
    if not is_part or part in ("", "inspector"):
        context |= _panel(request, design, selected, at, look, refused)
    if not is_part or part == CANVAS:
        context |= _picture(context["view"], design, selected, at)
    if not is_part:
        context["families"] = inspector.palette()
        template = "editor/editor.html"
    elif part == CANVAS:
        template = "editor/_canvas.html" if context["view"] == CANVAS else "editor/_outline.html"
    elif has_changed:
        context |= _changes(request, context["view"], design, selected, at)
        context["people"] = edits.people_in(flow, user_of(request), right_now() - AWAY_AFTER)
        template = "editor/fragments.html"
    else:
        template = "editor/inspected.html"
    response = render(request, template, context | (extra or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _picture(view: str, design: Design, selected: str, at: str) -> dict[str, Any]:
    if view == CANVAS:
        return {"drawing": canvas.draw(design, selected, at)}
    return {"rows": outline.outline(design, selected)}


def _changes(request: HttpRequest, view: str, design: Design, selected: str, at: str) -> dict[str, Any]:
    """What changed since the revision that the page shows; the whole picture where that cannot be told."""
    shown = request.headers.get("X-Revision", "")
    old = _draft_shown(design.flow, int(shown)) if shown.isdigit() and len(shown) < 10 else None
    if old is None:
        return _picture(view, design, selected, at)
    before = Design(design.flow, old)
    before.looked_up = design.looked_up  # names and emails as they are today
    if view == OUTLINE:
        outline_patch = outline.changes(outline.outline(before), outline.outline(design))
        if outline_patch:
            return {"outline_patch": outline_patch, "base": int(shown)}
        return _picture(view, design, selected, at)
    patch = canvas.patch(canvas.draw(before), canvas.draw(design))
    return {"patch": patch, "base": int(shown)} if patch else _picture(view, design, selected, at)


def _draft_shown(flow: Flow, revision: int) -> Draft | None:
    return edits.draft_at(flow, revision)


def _panel(
    request: HttpRequest,
    design: Design,
    selected: str,
    at: str,
    look: Look,
    refused: inspector.Refused | None,
) -> dict[str, Any]:
    """Which panel the inspector shows, and what it needs."""
    if look.query_text or look.panel == "search":
        return {"panel": "search", "hits": outline.find(design, look.query_text)}
    is_sound = not blocking(design.problems)
    if look.panel == "questions":
        return {"panel": "questions", "asking": questions.panel(design, is_sound)}
    if look.panel == "publish":
        template = TemplateFlow.objects.filter(flow=design.flow).first()
        version = design.flow.versions.order_by("-number").first()
        kinds = dict(Requirement.Kind.choices)
        return {
            "panel": "publish",
            "template_flow": template,
            "changes": changes_since(design, version.document) if version else None,
            "asked": [(one, kinds.get(one.kind, one.kind)) for one in design.requirements.values()],
            "visibilities": TemplateFlow.Visibility.choices,
            "proof": design.proof if is_sound else None,
        }
    if look.panel == "edits":
        return {"panel": "edits", "edits": edits.rows(design.flow, user_of(request))}
    if look.panel in ("problems", "keys"):
        return {"panel": look.panel}
    if look.panel == "trigger" or (selected == TRIGGER_KEY and design.graph.trigger is None):
        return {"panel": "trigger", "triggers": inspector.trigger_choices()}
    if at:
        source, _, port = at.partition(":")
        return {
            "panel": "insert",
            "insert_source": source,
            "insert_port": port,
            "families": inspector.palette(),
        }
    key = selected or FLOW_KEY
    try:
        subject = subject_of(design.draft, key)
    except UnableToChange:
        subject = subject_of(design.draft, FLOW_KEY)
    found = {"panel": "step", "edited": inspector.step_panel(design, subject, refused)}
    return found | ({"switches": questions.switches_at(design, key)} if key in design.graph.by_key else {})


def _place_for_new(design: Design, selected: str, at: str) -> tuple[str, str]:
    """Where a press in the palette puts a step: at the open +, after the selected step, or at the first exit."""
    graph = design.graph
    if at:
        source, _, port = at.partition(":")
        return source, port
    if selected == TRIGGER_KEY:
        return TRIGGER_KEY, "next"
    if selected in graph.by_key:
        targets = graph.targets(selected)
        return selected, next((port for port, target in targets if target is None), targets[0][0])
    if graph.entry is None:
        return TRIGGER_KEY, "next"
    for key in breadth_first(graph):
        for port, target in graph.targets(key):
            if target is None:
                return key, port
    return TRIGGER_KEY, "next"


@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """The create-flow body as a file, with what stood there before anything became a question."""
    flow = flow_or_404(user_of(request), pk)
    design = Design(flow)
    defaults = {key: one.default for key, one in design.requirements.items()}
    body = create_body(flow.name, with_defaults(to_definition(design.graph), defaults))
    response = JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="flow-{flow.pk}.json"'
    record(Act.EXPORTED, workspace=flow.workspace_id, thing=flow)
    return response


def toast(response: HttpResponse, text: str, tone: str = "good", undo: str = "") -> HttpResponse:
    said = {"text": text, "tone": tone} | ({"undo": undo} if undo else {})
    response["HX-Trigger"] = json.dumps({"toast": said})
    return response
