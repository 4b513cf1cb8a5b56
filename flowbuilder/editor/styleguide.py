"""The gallery: every trigger, action, condition and filter with its form, and the parts that pages are built from.

For people who build the site: where DEBUG and DEMO are off there is no such page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from pydantic import BaseModel

from flowbuilder.editor.inspector import annotate, counts, flat
from flowbuilder.graph.values import Step, Trigger
from flowbuilder.kinds import form
from flowbuilder.kinds.base import Kind, Words
from flowbuilder.kinds.describe import Card, Describer
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.form import Node
from flowbuilder.kinds.registry import ACTIONS, PALETTE, TRIGGERS
from flowbuilder.kinds.shapes import shape_at, shapes
from flowbuilder.kinds.unions import Variant

DESCRIBER = Describer(Words(), {})


@dataclass(frozen=True, slots=True)
class Piece:
    """One form in the gallery. `anchor` leads to it and keeps the ids of its fields apart from those of others."""

    anchor: str
    title: str
    card: Card | None
    nodes: list[Node]
    counted: frozenset[str]


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    if not (settings.DEBUG or settings.DEMO):
        raise Http404
    actions = [kind for kind in ACTIONS.values() if kind in PALETTE]
    context = {
        "triggers": [_piece("trigger", kind) for kind in TRIGGERS.values()],
        "actions": [_piece("action", kind) for kind in actions],
        "kept": [kind for kind in ACTIONS.values() if kind not in PALETTE],
        "flow_settings": _piece("flow", FlowSettings, _filled(FlowSettings)),
        "conditions": list(_conditions()),
        "tones": ("good", "warn", "bad", "accent"),
        "families": ("trigger", "message", "timing", "logic", "data"),
    }
    return render(request, "editor/styleguide.html", context)


def _piece(family: str, kind: type[Kind], config: dict[str, Any] | None = None) -> Piece:
    config = kind.start() if config is None else config
    anchor = f"{family}-{kind.TYPE}"
    nodes = form.build(kind, config)
    if family == "trigger":
        card = DESCRIBER.trigger(Trigger(kind.TYPE, config))
    elif family == "action":
        card = DESCRIBER.step(Step(anchor, kind.TYPE, config))
    else:
        card = Card(anchor, kind, kind.LABEL, "")
    return _drawn(anchor, kind.LABEL, card, nodes)


def _drawn(anchor: str, title: str, card: Card | None, nodes: list[Node]) -> Piece:
    nodes = flat(nodes)
    every = [inner for outer in nodes for inner in outer.walk()]
    annotate(every, [], {})
    counted = counts(every)
    for node in every:
        node.path = (anchor, *node.path)
    return Piece(
        anchor,
        title,
        card,
        nodes,
        frozenset(f"{anchor}.{name}" for name in counted),
    )


def _filled(kind: type[Kind]) -> dict[str, Any]:
    """Settings with every optional part begun, so that its form can be seen."""
    config = kind.start()
    for node in form.build(kind, config):
        if node.widget in ("absent", "conditions"):
            config = form.act(kind, config, f"add:{node.name}")
    return config


def _conditions() -> Iterator[Piece]:
    """Every condition of every union, each variant once, as a filter with it alone would show it."""
    seen: set[tuple[type[BaseModel], str]] = set()
    kinds: list[type[Kind]] = [FlowSettings, *TRIGGERS.values(), *PALETTE]
    for kind in kinds:
        for node in form.build(kind, kind.start()):
            for inner in node.walk():
                if inner.widget != "conditions":
                    continue
                for variant in _variants(kind, inner):
                    if (variant.model, variant.tag) in seen:
                        continue
                    seen.add((variant.model, variant.tag))
                    anchor = f"condition-{len(seen)}-{variant.tag.replace(':', '-')}"
                    yield _drawn(anchor, variant.label, None, form.build(variant.model, variant.start()))


def _variants(kind: type[Kind], node: Node) -> Iterator[Variant]:
    """The conditions that a filter may hold: read from the annotation of its groups."""
    model = shape_at(kind, kind.start(), node.path).model
    for name in ("condition_groups", "conditions"):
        item = shapes(model)[name].item if model else None
        if item and item.choice:
            yield from item.choice.variants
        model = item.model if item else None
