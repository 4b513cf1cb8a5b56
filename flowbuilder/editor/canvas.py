"""What the canvas and the outline show: cards in their places, wires, marks. Values for templates; no rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from flowbuilder.drawing import TONES, height_of, lines_of
from flowbuilder.graph import Graph, Problem
from flowbuilder.graph.layout import Box, place
from flowbuilder.graph.walk import all_in_order, way_to
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, ports_of
from flowbuilder.queries import Design

PLUS = 24
PORT_WIDTH, PORT_HEIGHT = 120, 22


@dataclass(frozen=True, slots=True)
class Mark:
    """The chip at the corner of a card with problems."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Node:
    box: Box
    card: Card
    lines: int
    is_selected: bool
    mark: Mark | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a way where a step can be put in."""

    source: str
    port: str
    x: int
    y: int
    label: str
    is_open: bool

    @property
    def at(self) -> str:
        return f"{self.source}:{self.port}"


@dataclass(frozen=True, slots=True)
class Wire:
    id: str
    path: str
    is_lit: bool


@dataclass(frozen=True, slots=True)
class PortLabel:
    id: str
    x: int
    y: int
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Drawing:
    left: int
    width: int
    height: int
    nodes: tuple[Node, ...]
    wires: tuple[Wire, ...]
    spots: tuple[Spot, ...]
    ports: tuple[PortLabel, ...]
    exits: tuple[tuple[str, Box], ...]


def draw(design: Design, selected: str = "", at: str = "") -> Drawing:
    """The canvas with the way to the selected step lit up, and the plus at `at` pressed."""
    graph = design.graph
    cards = cards_of(design)
    marks = marks_of(design.problems)
    layout = place(graph, lambda key: height_of(cards[key]), around_trigger=True)
    lit = way_to(graph, selected) if selected in graph.by_key else set()
    order = [TRIGGER_KEY, *all_in_order(graph)]
    neighbours = dict(zip(order, [*order[1:], ""], strict=True))
    before = {after: key for key, after in neighbours.items() if after}
    nodes = tuple(
        Node(
            box,
            cards[box.key],
            lines_of(cards[box.key]),
            box.key == selected,
            marks.get(box.key),
            before.get(box.key, ""),
            neighbours[box.key],
        )
        for box in layout.boxes
    )
    labels = {key: card.title for key, card in cards.items()}
    wires, spots, ports = [], [], []
    for wire in layout.wires:
        source = wire.source or TRIGGER_KEY
        name = f"{source}-{wire.port}"
        wires.append(Wire(f"link-{name}", wire.path, (wire.source, wire.port) in lit))
        where = _port_label(graph, wire.source, wire.port)
        spot_label = f"Add a step after {labels[source]}" + (f", on {where}" if where else "")
        x, y = wire.plus
        spots.append(
            Spot(source, wire.port, x - PLUS // 2, y - PLUS // 2, spot_label, f"{source}:{wire.port}" == at)
        )
        if wire.label:
            tone = TONES.get(wire.port, "")
            ports.append(
                PortLabel(
                    f"port-{name}",
                    wire.label[0] - PORT_WIDTH // 2,
                    wire.label[1] - PORT_HEIGHT // 2,
                    where,
                    tone,
                )
            )
    exits = tuple((f"exit-{one.source or TRIGGER_KEY}-{one.port}", one.box) for one in layout.exits)
    return Drawing(
        layout.left, layout.width, layout.height, nodes, tuple(wires), tuple(spots), tuple(ports), exits
    )


def cards_of(design: Design) -> dict[str, Card]:
    graph = design.graph
    cards = {step.key: design.describer.step(step) for step in graph.steps}
    return {TRIGGER_KEY: _trigger_card(design), **cards}


def _trigger_card(design: Design) -> Card:
    """The trigger says as well whom the flow is for."""
    card = design.describer.trigger(design.graph.trigger)
    who = design.describer.profile_filter(design.graph.profile_filter)
    return replace(card, summary=f"{card.summary} {who}".strip())


def marks_of(problems: list[Problem]) -> dict[str, Mark]:
    """One chip a card: the only problem in short, or how many there are."""
    by_step: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.step:
            by_step.setdefault(problem.step, []).append(problem)
    return {
        key: Mark(
            "bad" if any(one.blocks for one in found) else "warn",
            SHORT.get(found[0].code, "To do") if len(found) == 1 else count(len(found), "problem"),
        )
        for key, found in by_step.items()
    }


# Problems in a word or two, for the chip on a card.
SHORT = {
    "no-sender": "No sender",
    "no-subject": "No subject",
    "no-content": "No content",
    "no-text": "No text",
    "no-metric": "No metric",
    "no-conditions": "No condition",
    "no-trigger": "No trigger",
    "no-entry": "Leads nowhere",
    "no-wait": "No wait",
    "refused": "Refused",
    "unreachable": "Not reached",
    "many-segments": "Long text",
    "empty-split": "Empty split",
    "kept": "Kept as it is",
    "unknown-type": "Unknown",
}


def _port_label(graph: Graph, source: str | None, port: str) -> str:
    return ports_of(graph.by_key[source]).get(port, "") if source else ""


# --- The outline: the same flow as nested lists -----------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """A step in the outline. `branches` are its ways out when there are several; `again` marks a rejoined step."""

    card: Card
    mark: Mark | None
    is_selected: bool
    branches: list[Branch] = field(default_factory=list)
    again: bool = False
    at: str = ""  # where a step can be put in after it


@dataclass(slots=True)
class Branch:
    label: str
    at: str
    rows: list[Row]


def outline(design: Design, selected: str = "") -> list[Row]:
    """The trigger, then the steps in order; a split holds its branches."""
    cards, marks = cards_of(design), marks_of(design.problems)
    graph = design.graph
    seen: set[str] = set()

    def row(key: str) -> Row:
        return Row(cards[key], marks.get(key), key == selected)

    def follow(key: str | None) -> Iterator[Row]:
        while key:
            one = row(key)
            if key in seen:
                one.again = True
                yield one
                return
            seen.add(key)
            targets = graph.targets(key)
            labels = ports_of(graph.by_key[key])
            if len(targets) == 1:
                port, after = targets[0]
                one.at = f"{key}:{port}"
                yield one
                key = after
                continue
            one.branches = [
                Branch(labels[port], f"{key}:{port}", list(follow(target))) for port, target in targets
            ]
            yield one
            return

    first = row(TRIGGER_KEY)
    first.at = f"{TRIGGER_KEY}:next"
    rows = [first, *follow(graph.entry)]
    stray = [step.key for step in graph.steps if step.key not in seen]
    return rows + [row(key) for key in stray]
