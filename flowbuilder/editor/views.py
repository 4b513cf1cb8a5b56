"""The editor of one flow: the whole page, or its parts after an act. Everything is read from the database again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from accounts.models import User
from flowbuilder.access import flow_or_404
from flowbuilder.definition.preflight import blocking
from flowbuilder.definition.writing import create_body, to_definition, with_defaults
from flowbuilder.editor import canvas, inspector
from flowbuilder.graph.walk import breadth_first
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.models import Flow, TemplateFlow
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.operations.editing import FLOW_KEY, subject_of
from flowbuilder.queries import Design

PANELS = ("step", "insert", "trigger", "problems", "publish")


@dataclass(frozen=True)
class Look:
    """What a person looks at: a selected step, a place to insert at, or a panel."""

    selected: str = ""
    at: str = ""
    panel: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Look:
        get = request.GET
        return cls(get.get("step", ""), get.get("insert", ""), get.get("panel", ""))

    @property
    def query(self) -> str:
        for name, value in (("step", self.selected), ("insert", self.at), ("panel", self.panel)):
            if value:
                return f"?{name}={value}"
        return ""


@require_GET
def editor(request: HttpRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(user_of(request), pk)
    if "view" in request.GET:
        request.session["editor_view"] = "outline" if request.GET["view"] == "outline" else "canvas"
    return show(request, flow, Look.of(request))


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def url_of(flow: Flow, look: Look | None = None) -> str:
    return reverse("editor:editor", args=[flow.pk]) + (look.query if look else "")


def show(
    request: HttpRequest,
    flow: Flow,
    look: Look,
    *,
    status: int = 200,
    refused: inspector.Refused | None = None,
    error: str = "",
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    """The editor as it is now: the whole page, or for htmx the parts that can have changed."""
    design = Design(flow)
    selected = look.selected if look.selected in (*design.graph.by_key, TRIGGER_KEY) else ""
    at = look.at if look.at.partition(":")[0] in (*design.graph.by_key, TRIGGER_KEY) else ""
    context = {
        "flow": flow,
        "design": design,
        "look": look,
        "drawing": canvas.draw(design, selected, at),
        "rows": canvas.outline(design, selected),
        "families": inspector.palette(),
        "place": _place_for_new(design, selected, at),
        "cards": canvas.cards_of(design),
        "problems": design.problems,
        "blocking": blocking(design.problems),
        "view": request.session.get("editor_view", "canvas"),
        "last_version": flow.versions.order_by("-number").first(),
        "error": error,
        **_panel(design, selected, at, look.panel, refused),
        **(extra or {}),
    }
    template = "editor/fragments.html" if getattr(request, "htmx", False) else "editor/editor.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _panel(
    design: Design, selected: str, at: str, panel: str, refused: inspector.Refused | None
) -> dict[str, Any]:
    """Which panel the inspector shows, and what it needs."""
    if panel == "publish":
        template = TemplateFlow.objects.filter(flow=design.flow).first()
        return {
            "panel": "publish",
            "template_flow": template,
            "visibilities": TemplateFlow.Visibility.choices,
        }
    if panel == "problems":
        return {"panel": "problems"}
    if panel == "trigger" or (selected == TRIGGER_KEY and design.graph.trigger is None):
        return {"panel": "trigger", "triggers": inspector.trigger_choices()}
    if at:
        source, _, port = at.partition(":")
        return {"panel": "insert", "insert_source": source, "insert_port": port}
    key = selected or FLOW_KEY
    try:
        subject = subject_of(design.flow, key)
    except UnableToChange:
        subject = subject_of(design.flow, FLOW_KEY)
    return {"panel": "step", "edited": inspector.step_panel(design, subject, refused)}


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
    return response


@require_GET
@xframe_options_sameorigin
@csp_replace(
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["https:", "data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": [""],
    }
)
def content(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """An email's HTML alone, for a sandboxed frame: nothing in it runs, nothing in it reaches the site."""
    flow = flow_or_404(user_of(request), pk)
    written = get_object_or_404(flow.contents, key=key)
    return HttpResponse(written.html)


def toast(response: HttpResponse, text: str, tone: str = "good") -> HttpResponse:
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": tone}})
    return response
