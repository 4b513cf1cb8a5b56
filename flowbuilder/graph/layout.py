"""Where each step of a flow is drawn: deterministic, and free of crossings for trees.

    place(graph, height_of) -> Layout(boxes, wires, exits, width, height)       in pixels

Every step stands below all that lead to it; branches stand side by side in port order; a parent stands
over the middle of its branches. A rejoined step is drawn below the first branch that reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flowbuilder.graph.values import Graph
from flowbuilder.graph.walk import breadth_first, depths

CARD_WIDTH = 256
GAP_X = 68  # between the cards of two branches
GAP_Y = 60  # room for the + on a link
GAP_SPLIT = 102  # room for the bend, the name of the branch and its +
EXIT_GAP = 58
EXIT_WIDTH, EXIT_HEIGHT = 64, 24
MARGIN = 40
BEND = 12

TRIGGER = "trigger"


@dataclass(frozen=True, slots=True)
class Box:
    """A card: x and y of its upper left corner."""

    key: str
    x: int
    y: int
    height: int
    width: int = CARD_WIDTH

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Wire:
    """A way out of a step, drawn as a path; `plus` is where a step can be put in, `label` where its name stands."""

    source: str | None
    port: str
    target: str | None
    path: str
    plus: tuple[int, int]
    label: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a way: where somebody leaves the flow."""

    source: str | None
    port: str
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    exits: tuple[Exit, ...]
    width: int
    height: int
    left: int = 0  # where the picture begins


@dataclass
class _Tree:
    """A step, or an exit (key None), with the branches drawn below it and the room they take together."""

    key: str | None
    port: str
    branches: list[_Tree] = field(default_factory=list)
    room: int = CARD_WIDTH


def place(graph: Graph, height_of: Callable[[str], int], *, around_trigger: bool = False) -> Layout:
    """Lay out all reachable steps, then any unreachable ones in a row below, so that nobody loses a step.

    With `around_trigger` the middle of the trigger is x = 0: what is added below never moves it.
    """
    depth = depths(graph)
    drawn: set[str] = set()
    root = _Tree(TRIGGER, "")
    _grow(graph, root, None, depth, drawn)
    boxes: dict[str, Box] = {}
    exits: list[Exit] = []
    left = -(root.room // 2) - MARGIN if around_trigger else 0
    _put(graph, root, left + MARGIN, MARGIN, height_of, boxes, exits)
    _push_down(graph, boxes)
    stray = [step.key for step in graph.steps if step.key not in boxes]
    if stray:
        y = max(box.bottom for box in boxes.values()) + GAP_SPLIT
        for column, key in enumerate(stray):
            boxes[key] = Box(key, left + MARGIN + column * (CARD_WIDTH + GAP_X), y, height_of(key))
    ends = tuple(Exit(one.source, one.port, _below(boxes, one, graph)) for one in exits)
    wires = _wires(graph, boxes, {(one.source, one.port): one.box for one in ends})
    everything = [*boxes.values(), *(one.box for one in ends)]
    return Layout(
        boxes=tuple(boxes.values()),
        wires=tuple(wires),
        exits=ends,
        width=max(box.x + box.width for box in everything) + MARGIN - left,
        height=max(box.bottom for box in everything) + MARGIN,
        left=left,
    )


def _grow(graph: Graph, tree: _Tree, source: str | None, depth: Mapping[str, int], drawn: set[str]) -> None:
    """Hang each step under one parent: the first in port order whose row is right above it."""
    for port, target in graph.targets(source):
        if target is None:
            tree.branches.append(_Tree(None, port))
        elif target not in drawn and target in graph.by_key and _is_home(graph, source, target, depth):
            drawn.add(target)
            branch = _Tree(target, port)
            tree.branches.append(branch)
            _grow(graph, branch, target, depth, drawn)
    rooms = [branch.room for branch in tree.branches]
    tree.room = max(CARD_WIDTH, sum(rooms) + GAP_X * (len(rooms) - 1))


def _is_home(graph: Graph, source: str | None, target: str, depth: Mapping[str, int]) -> bool:
    """A rejoined step hangs under the deepest of its parents, so that no link points upward."""
    links = graph.into.get(target, [])
    if len(links) < 2 or source is None:
        return True
    deepest = max(depth.get(link.source or "", -1) for link in links)
    return depth.get(source, -1) == deepest


def _put(
    graph: Graph,
    tree: _Tree,
    left: int,
    top: int,
    height_of: Callable[[str], int],
    boxes: dict[str, Box],
    exits: list[Exit],
    source: str | None = None,
) -> None:
    middle = left + tree.room // 2
    if tree.key is None:
        exits.append(
            Exit(source, tree.port, Box("exit", middle - EXIT_WIDTH // 2, top, EXIT_HEIGHT, EXIT_WIDTH))
        )
        return
    box = Box(tree.key, middle - CARD_WIDTH // 2, top, height_of(tree.key))
    boxes[tree.key] = box
    own = None if tree.key == TRIGGER else tree.key
    gap = GAP_SPLIT if _is_split(graph, own) else GAP_Y
    used = sum(branch.room for branch in tree.branches) + GAP_X * (len(tree.branches) - 1)
    x = left + (tree.room - used) // 2
    for branch in tree.branches:
        below = box.bottom + (gap if branch.key or gap == GAP_SPLIT else EXIT_GAP)
        _put(graph, branch, x, below, height_of, boxes, exits, own)
        x += branch.room + GAP_X


def _push_down(graph: Graph, boxes: dict[str, Box]) -> None:
    """Move a rejoined step, and all below it, under the lowest of those that lead to it."""
    for key in breadth_first(graph):
        for link in graph.into.get(key, []):
            above = boxes.get(link.source or TRIGGER)
            if above is None or key not in boxes:
                continue
            least = above.bottom + (GAP_SPLIT if _is_split(graph, link.source) else GAP_Y)
            if boxes[key].y < least:
                old = boxes[key]
                boxes[key] = Box(key, old.x, least, old.height)


def _is_split(graph: Graph, key: str | None) -> bool:
    return key is not None and len(graph.by_key[key].ports) > 1


def _below(boxes: Mapping[str, Box], end: Exit, graph: Graph) -> Box:
    """An exit follows its step when that was pushed down."""
    gap = GAP_SPLIT if _is_split(graph, end.source) else EXIT_GAP
    return Box("exit", end.box.x, boxes[end.source or TRIGGER].bottom + gap, end.box.height, end.box.width)


def _wires(graph: Graph, boxes: Mapping[str, Box], ends: Mapping[tuple[str | None, str], Box]) -> list[Wire]:
    wires: list[Wire] = []
    for source in [None, *(key for key in boxes if key != TRIGGER)]:
        above = boxes[source or TRIGGER]
        split = _is_split(graph, source)
        for port, target in graph.targets(source):
            end = boxes.get(target) if target else ends.get((source, port))
            if end is None:
                continue
            x1, y1, x2, y2 = above.middle, above.bottom, end.middle, end.y
            bend = y1 + (GAP_SPLIT // 3 if split else (y2 - y1) // 2)
            plus = (x2, y2 - 22 if split else y1 + (y2 - y1) // 2)
            label = (x2, y1 + 56) if split else None
            wires.append(Wire(source, port, target, _path(x1, y1, x2, y2, bend), plus, label))
    return wires


def _path(x1: int, y1: int, x2: int, y2: int, bend: int) -> str:
    """Down, across with rounded corners, down. Straight lines keep the same commands, so that moves animate."""
    r = min(BEND, abs(x2 - x1) // 2)
    turn = r if x2 > x1 else -r
    return (
        f"M{x1} {y1}V{bend - r}Q{x1} {bend} {x1 + turn} {bend}H{x2 - turn}Q{x2} {bend} {x2} {bend + r}V{y2}"
    )
