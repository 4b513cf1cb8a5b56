"""Places in a flow to move a step to, and steps that an open end can go on with: found as one types, pressed once.

Both are a form of their own, so that a flow of a thousand steps does not put a thousand choices into each answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from flowbuilder.graph import Graph
from flowbuilder.graph.surgery import branch_of
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, ports_of
from flowbuilder.models import Flow
from flowbuilder.queries import Design

KINDS = ("place", "step")
MOST = 20


@dataclass(frozen=True, slots=True)
class Spot:
    """`value` is what is posted: "source:port", or the key of a step."""

    value: str
    name: str
    detail: str
    card: Card


@dataclass(frozen=True, slots=True)
class Spots:
    found: tuple[Spot, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.found)


def answer(request: HttpRequest, flow: Flow, kind: str, text: str) -> HttpResponse:
    """The form; for htmx a part of the panel, else a page of its own."""
    design = Design(flow)
    step, at = request.GET.get("step", ""), request.GET.get("at", "")
    source, _, port = at.rpartition(":")
    what = "branch" if request.GET.get("what") == "branch" else ""
    subject = step if kind == "place" else source
    if subject not in design.graph.by_key and (kind == "place" or subject != TRIGGER_KEY):
        raise Http404("That step is not there any more.")
    spots = places(design, step, what) if kind == "place" else steps(design, source)
    words = text.casefold().split()
    fitting = [one for one in spots if all(word in f"{one.name} {one.detail}".casefold() for word in words)]
    context = {
        "flow": flow,
        "revision": flow.revision,
        "kind": kind,
        "step": step,
        "at": at,
        "source": source,
        "port": port,
        "what": what,
        "q": text,
        "card": design.cards[subject],
        "spots": Spots(tuple(fitting[:MOST]), len(fitting)),
    }
    is_part = bool(getattr(request, "htmx", False))
    return render(request, "editor/_places.html" if is_part else "editor/places.html", context)


def places(design: Design, key: str, what: str = "") -> list[Spot]:
    """Every way on which a step, or with `what` its whole branch, can be put; not where it is now."""
    graph, cards = design.graph, design.cards
    inside = branch_of(graph, key) if what == "branch" or len(graph.by_key[key].ports) > 1 else {key}
    spots = []
    for source in (TRIGGER_KEY, *all_in_order(graph)):
        if source in inside:
            continue
        ports = {"next": ""} if source == TRIGGER_KEY else ports_of(graph.by_key[source])
        ways = graph.out.get(None if source == TRIGGER_KEY else source, {})
        for port, label in ports.items():
            after = ways.get(port)
            if after == key:
                continue
            name = f"After {cards[source].title}" + (f", at {label}" if label else "")
            detail = f"before {cards[after].title}" if after in cards else "at the end"
            spots.append(Spot(f"{source}:{port}", name, detail, cards[source]))
    return spots


def steps(design: Design, source: str) -> list[Spot]:
    """Steps that a way out of `source` can lead to without going in a circle."""
    above = _above(design.graph, source)
    cards = design.cards
    return [
        Spot(key, cards[key].title, cards[key].summary, cards[key])
        for key in all_in_order(design.graph)
        if key not in above
    ]


def _above(graph: Graph, key: str) -> set[str]:
    """A step and everything that leads to it."""
    above, todo = {key}, [key]
    while todo:
        for link in graph.into.get(todo.pop(), []):
            if link.source is not None and link.source not in above:
                above.add(link.source)
                todo.append(link.source)
    return above
