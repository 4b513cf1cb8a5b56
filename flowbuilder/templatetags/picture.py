"""{% flow_picture graph describer %}: a flow as a still picture. For the library, the install and the history.
{% flow_sketch graph %}: its shape alone, as small as a stamp. For starters.

The editor draws its own, with ways to act on it. Places come from graph.layout; the numbers of a card's height are
those of static/css/editor.css.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import template

from flowbuilder.drawing import TONES, height_of, lines_of
from flowbuilder.graph import Graph
from flowbuilder.graph.layout import CARD_WIDTH, GAP_X, MARGIN, Box, place
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, Describer, ports_of
from flowbuilder.kinds.registry import action_kind

register = template.Library()

LEAST_THUMB = 600
TALL, MOST_COLUMNS = 1250, 4  # beyond, a picture is not squeezed into the page: it scrolls
LABEL_WIDTH, LABEL_HEIGHT = 150, 22
SKETCHED_HEIGHT = 64  # of a card
LEAST_SKETCH = 460  # of the whole, so that short flows are not blown up


@dataclass(frozen=True, slots=True)
class Drawn:
    """A card and where it stands."""

    card: Card
    box: Box
    lines: int
    mark: str = ""  # the tone in which it stands out


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a way out of a split."""

    text: str
    tone: str
    x: int
    y: int


@register.inclusion_tag("flows/_picture.html")
def flow_picture(
    graph: Graph,
    describer: Describer,
    name: str = "",
    thumb: bool = False,
    picture_id: str = "picture",
    marks: Mapping[str, tuple[str, str]] | None = None,
    said: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`name` is the flow's; a `thumb` is cut off at the bottom and says nothing to screen readers. `marks`: step ->
    (tone, word) of those that stand out. `said`: step -> what its card says in place of its summary."""
    marks = marks or {}
    cards = {key: describer.card(graph, key) for key in (TRIGGER_KEY, *graph.by_key)}
    cards |= {
        key: replace(cards[key], summary=text, chips=()) for key, text in (said or {}).items() if key in cards
    }
    cards |= {
        key: replace(cards[key], chips=(mark, *cards[key].chips))
        for key, mark in marks.items()
        if key in cards
    }
    layout = place(graph, lambda key: height_of(cards[key]))
    labels = []
    for wire in layout.wires:
        if wire.label and wire.source:
            ports = ports_of(graph.by_key[wire.source])
            x, y = wire.x + wire.label[0], wire.y + wire.label[1]
            text = ports.get(wire.port, wire.port)
            labels.append(Label(text, TONES.get(wire.port, ""), x - LABEL_WIDTH // 2, y - LABEL_HEIGHT // 2))
    width = max(layout.width, LEAST_THUMB) if thumb else layout.width
    columns = -(-(layout.width - 2 * MARGIN + GAP_X) // (CARD_WIDTH + GAP_X))
    about = f"Picture of the flow “{name}”" if name else "Picture of the flow"
    return {
        "picture_id": picture_id,
        "thumb": thumb,
        "columns": min(
            columns, MOST_COLUMNS + 1
        ),  # a narrow picture is not blown up to the width of the page
        "scrolls": layout.height > TALL or columns > MOST_COLUMNS,
        "is_tall": layout.height > TALL,
        "title": f"{about}: a trigger and {count(len(graph.steps), 'step')}",
        "x": (layout.width - width) // 2,
        "width": width,
        "height": layout.height,
        "wires": layout.wires,
        "labels": labels,
        "label_width": LABEL_WIDTH,
        "label_height": LABEL_HEIGHT,
        "steps": [
            Drawn(cards[box.key], box, lines_of(cards[box.key]), marks.get(box.key, ("", ""))[0])
            for box in layout.boxes
        ],
        "exits": [one.box for one in layout.exits],
    }


@register.inclusion_tag("flows/_sketch.html")
def flow_sketch(graph: Graph) -> dict[str, Any]:
    """Cards without words, all of one height, in the colours of their families. It says nothing to screen readers."""
    layout = place(graph, lambda key: SKETCHED_HEIGHT)
    families = {step.key: action_kind(step.type).FAMILY for step in graph.steps}
    width, height = (max(one - MARGIN, LEAST_SKETCH) for one in (layout.width, layout.height))
    return {
        "x": (layout.width - width) // 2,
        "y": (layout.height - height) // 2,
        "width": width,
        "height": height,
        "wires": layout.wires,
        "exits": [one.box for one in layout.exits],
        "cards": [(families.get(box.key, "trigger"), box) for box in layout.boxes],
    }
