"""Where each step of a flow is drawn: deterministic, in linear time, free of crossings for trees, never overlapping.

    place(graph, height_of) -> Layout(boxes, wires, exits, width, height, left)       in pixels

A step stands in the block of its immediate dominator, the last step that every way to it goes through: below it, beside
its other branches in port order; where ways join, below all the branches that join and in their middle. Blocks stand
side by side or one under the other, so nothing can overlap, whatever the flow. A way that goes on further down has a
column of its own to get there. Nothing here calls itself: a flow may be a chain of thousands of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from flowbuilder.graph.tiers import Tiers, tiers_of
from flowbuilder.graph.values import Graph

CARD_WIDTH = 256
GAP_X = 68  # between the cards of two branches
GAP_Y = 60  # room for the + on a link
GAP_SPLIT = 102  # room for the bend, the name of the branch and its +
GAP_JOIN = 94  # room for the + of each way that joins, and for the bend
LANE = 28  # a way that passes beside a step on which others join
EXIT_WIDTH, EXIT_HEIGHT = 64, 24
MARGIN = 40
BEND = 12
HALF, COLUMN = CARD_WIDTH // 2, CARD_WIDTH + GAP_X
SPLIT_BEND, JOIN_BEND = 34, 34  # where wires turn: under a split, above a step on which ways join
PLUS, SPLIT_PLUS, SPLIT_LABEL = 30, 80, 56  # under the step

TRIGGER = "trigger"
LOOSE = " loose"  # stands for the top of all that nothing leads to

Shape = tuple[int, ...]


class Box(NamedTuple):
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


class Wire(NamedTuple):
    """A way out of a step. It leaves at (x, y), the middle of the step's lower edge; all else is told from there:
    `shape` goes down, across, down, ...; a step can be put in at `plus`; the name of the way stands at `label`."""

    source: str | None
    port: str
    target: str | None
    x: int
    y: int
    shape: Shape
    plus: tuple[int, int]
    label: tuple[int, int] | None

    @property
    def path(self) -> str:
        return path_of(self.shape, self.x, self.y)


class Exit(NamedTuple):
    """The end of a way: where somebody leaves the flow, or a note that it goes on with a step drawn elsewhere."""

    source: str | None
    port: str
    box: Box
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """`boxes` come in reading order: a branch after the other, then the step on which they join."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    exits: tuple[Exit, ...]
    width: int
    height: int
    left: int = 0  # where the picture begins


def place(graph: Graph, height_of: Callable[[str], int], *, around_trigger: bool = False) -> Layout:
    """Lay out all reachable steps, then below them any others, so that nobody loses a step.

    With `around_trigger` the middle of the trigger is x = 0: what is added below never moves it.
    """
    main = _Picture(graph, tiers_of(graph, TRIGGER, [(TRIGGER, graph.targets(None))]), height_of)
    left = -main.top.left - MARGIN if around_trigger else 0
    main.put(left + MARGIN + main.top.left, MARGIN)
    right, bottom = left + 2 * MARGIN + main.top.left + main.top.right, main.bottom
    pictures = [main]
    rest = [step.key for step in graph.steps if step.key not in main.tiers.ways]
    if rest:
        ways = ((key, graph.targets(key)) for key in rest)
        loose = _Picture(graph, tiers_of(graph, LOOSE, ways, apart=True), height_of)
        loose.put(left + MARGIN + loose.top.left, bottom + GAP_SPLIT)
        pictures.append(loose)
        right, bottom = max(right, left + 2 * MARGIN + loose.top.left + loose.top.right), loose.bottom
    return Layout(
        boxes=tuple(box for one in pictures for box in one.boxes),
        wires=tuple(wire for one in pictures for wire in one.wires),
        exits=tuple(end for one in pictures for end in one.exits),
        width=right - left,
        height=bottom + MARGIN,
        left=left,
    )


@dataclass(slots=True)
class _Lane:
    """A way to a step on which ways join. `turns` are the bends to columns beside other such steps: (block, y, x)."""

    source: str
    port: str
    target: str
    turns: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    """A step with everything that hangs under it: how far that reaches to both sides of the step's middle and down, and
    the ways that lead out of it at the bottom."""

    own: int
    gap: int
    height: int
    left: int = HALF
    right: int = HALF
    child: str | None = None  # where its one way leads straight down
    cells: Sequence[_Cell] = ()  # where its ways part
    lanes: list[_Lane] = field(default_factory=list)
    is_forked: bool = False


@dataclass(slots=True)
class _Cell:
    """A column in the row below a step: a block (`key`), an end or a lane (`port`), or several cells with the step on
    which they join (`parts` and `key`). `middle` is told from the middle of the step, `top` from the top of the row;
    `near` is how far the middles of its first and last column are from its own."""

    key: str | None
    port: str
    left: int = HALF
    right: int = HALF
    bottom: int = 0
    lanes: list[_Lane] = field(default_factory=list)
    is_end: bool = False
    is_forked: bool = False
    middle: int = 0
    top: int = 0
    near: tuple[int, int] = (0, 0)
    parts: Sequence[_Cell] = ()
    passing: tuple[list[_Lane], list[_Lane]] = ([], [])


class _Picture:
    """One connected part: blocks from the bottom up, then places from the top down."""

    def __init__(self, graph: Graph, tiers: Tiers, height_of: Callable[[str], int]) -> None:
        self.graph, self.tiers, self.height_of = graph, tiers, height_of
        self.blocks: dict[str, _Block] = {}
        self.lane_of: dict[tuple[str, str], _Lane] = {}
        for key in reversed(tiers.order):
            self.blocks[key] = self._block(key)
        self.top = self.blocks[tiers.order[0]]
        self.boxes: list[Box] = []
        self.wires: list[Wire] = []
        self.exits: list[Exit] = []

    # --- From the bottom up: how wide and high, and where in their block ------------------------------------------

    def _block(self, key: str) -> _Block:
        ways = self.tiers.ways[key]
        if key == LOOSE:
            return self._forked(key, _Block(0, 0, 0))
        own = self.height_of(key)
        if len(ways) > 1:
            return self._forked(key, _Block(own, GAP_SPLIT, own))
        block = _Block(own, GAP_Y, own)
        for port, target in ways:
            if target is None or (key, port) in self.tiers.elsewhere:
                block.height = own + GAP_Y + EXIT_HEIGHT
            elif target in self.tiers.joined:
                lane = self.lane_of[key, port] = _Lane(key, port, target)
                block.lanes = [lane]
            else:
                under = self.blocks[target]
                block.child, block.lanes, block.is_forked = target, under.lanes, under.is_forked
                block.left, block.right, block.height = under.left, under.right, own + GAP_Y + under.height
        return block

    def _forked(self, key: str, block: _Block) -> _Block:
        row = [self._cell(key, port, target) for port, target in self.tiers.ways[key]]
        joined: list[_Cell] = []
        for join in self.tiers.joins.get(key, ()):
            row = self._join(row, join, self.blocks[join], joined)
        _spread(row)
        going_on = [cell for cell in row if not cell.is_end]
        if (
            len(going_on) == 1 and going_on[0].is_forked
        ):  # what parts again stays straight below, ends stand beside it
            middle = going_on[0].middle
        else:
            middle = _middle(row)
        for cell in row:
            cell.middle -= middle
        for cell in reversed(joined):
            for part in cell.parts:
                part.middle += cell.middle
        for cell in joined:
            self._pass(key, block, cell)
        block.cells = [*row, *(part for cell in joined for part in cell.parts)]
        block.left = max(HALF, *(cell.left - cell.middle for cell in row))
        block.right = max(HALF, *(cell.right + cell.middle for cell in row))
        block.height = block.own + block.gap + max(cell.bottom for cell in row)
        block.lanes = row[0].lanes if len(row) == 1 else [lane for cell in row for lane in cell.lanes]
        block.is_forked = True
        return block

    def _cell(self, key: str, port: str, target: str | None) -> _Cell:
        if target is None or (key, port) in self.tiers.elsewhere:
            return _Cell(None, port, bottom=EXIT_HEIGHT, is_end=True)
        if target in self.tiers.joined:
            lane = self.lane_of[key, port] = _Lane(key, port, target)
            return _Cell(None, port, lanes=[lane])
        under = self.blocks[target]
        return _Cell(
            target, port, under.left, under.right, under.height, under.lanes, is_forked=under.is_forked
        )

    def _join(self, row: list[_Cell], join: str, under: _Block, joined: list[_Cell]) -> list[_Cell]:
        """The columns from which ways lead to `join`, and those between them, as one column with it at the bottom."""
        leading = [at for at, cell in enumerate(row) if any(lane.target == join for lane in cell.lanes)]
        first, last = leading[0], leading[-1]
        cell = _Cell(join, "")
        cell.parts = parts = row[first : last + 1]
        _spread(parts)
        middle = _middle(parts)
        for part in parts:
            part.middle -= middle
        cell.near = (parts[0].near[0] - parts[0].middle, parts[-1].middle + parts[-1].near[1])
        before, after = _passing([lane for part in parts for lane in part.lanes], join)
        cell.passing = (before, after)
        cell.lanes = [*before, *under.lanes, *after]
        cell.left = max(under.left + LANE * len(before), *(part.left - part.middle for part in parts))
        cell.right = max(under.right + LANE * len(after), *(part.right + part.middle for part in parts))
        cell.top = max(part.bottom for part in parts) + GAP_JOIN + BEND * (len(before) + len(after))
        cell.bottom = cell.top + under.height
        cell.is_forked = True
        joined.append(cell)
        return [*row[:first], cell, *row[last + 1 :]]

    def _pass(self, key: str, block: _Block, cell: _Cell) -> None:
        """Columns for the ways that go on beside the step on which others join."""
        under = self.blocks[cell.key or ""]
        y = block.own + block.gap + cell.top - JOIN_BEND
        before, after = cell.passing
        for count, lane in enumerate(reversed(before), 1):
            x = cell.middle - under.left - LANE * count + LANE // 2
            lane.turns.append((key, y - BEND * count, x))
        for count, lane in enumerate(after, 1):
            x = cell.middle + under.right + LANE * count - LANE // 2
            lane.turns.append((key, y - BEND * (len(before) + count), x))

    # --- From the top down: where on the picture ------------------------------------------------------------------

    def put(self, middle: int, top: int) -> None:
        tiers, blocks = self.tiers, self.blocks
        places = {tiers.order[0]: (middle, top)}
        for key in tiers.order:
            x, y = places[key]
            block = blocks[key]
            below = y + block.own + block.gap
            if block.child is not None:
                places[block.child] = (x, below)
            for cell in block.cells:
                if cell.key is not None:
                    places[cell.key] = (x + cell.middle, below + cell.top)
        for key in tiers.order:
            if key != LOOSE:
                self._draw(key, *places[key], places)
        self.bottom = top + self.top.height

    def _draw(self, key: str, x: int, top: int, places: dict[str, tuple[int, int]]) -> None:
        block, ways = self.blocks[key], self.tiers.ways[key]
        self.boxes.append(Box(key, x - HALF, top, block.own))
        source = None if key == TRIGGER else key
        y, gap = top + block.own, block.gap
        if block.child is not None:
            [(port, target)] = ways
            self.wires.append(Wire(source, port, target, x, y, (gap,), (0, PLUS), None))
            return
        across = {cell.port: cell.middle for cell in block.cells if cell.port}
        for port, target in ways:
            dx = across.get(port, 0)
            lane = self.lane_of.get((key, port))
            shape: Shape = (SPLIT_BEND, dx, gap) if dx else (gap,)
            if lane is not None:
                shape = self._way_of(lane, x, y, (SPLIT_BEND, dx) if dx else (), places)
            elif target is None or (key, port) in self.tiers.elsewhere:
                end = Box("exit", x + dx - EXIT_WIDTH // 2, y + gap, EXIT_HEIGHT, EXIT_WIDTH)
                self.exits.append(Exit(source, port, end, target if target in self.graph.by_key else None))
            plus, label = ((dx, SPLIT_PLUS), (dx, SPLIT_LABEL)) if across else ((0, PLUS), None)
            self.wires.append(Wire(source, port, target, x, y, shape, plus, label))

    def _way_of(self, lane: _Lane, x: int, y: int, shape: Shape, places: dict[str, tuple[int, int]]) -> Shape:
        """Down the lane's column, beside what it passes, and into the step on which it joins."""
        at = shape[-1] if shape else 0
        for block, turn_y, turn_x in lane.turns:
            block_x, block_y = places[block]
            if block_x + turn_x - x != at:
                at = block_x + turn_x - x
                shape = (*shape, block_y + turn_y - y, at)
        target_x, target_y = places[lane.target]
        if target_x - x != at:
            shape = (*shape, target_y - JOIN_BEND - y, target_x - x)
        return (*shape, target_y - y)


def _spread(cells: list[_Cell]) -> None:
    """Side by side from x = 0. An end is only as high as a card: what hangs under its neighbours may reach below it."""
    column, edge = -COLUMN, None  # the last column; how far right anything goes that reaches further down
    for cell in cells:
        cell.middle = column + COLUMN + cell.near[0]
        if not cell.is_end:
            if edge is not None:
                cell.middle = max(cell.middle, edge + GAP_X + cell.left)
            edge = cell.middle + cell.right
        column = cell.middle + cell.near[1]


def _middle(cells: list[_Cell]) -> int:
    """Between the first and the last column."""
    return (cells[0].middle - cells[0].near[0] + cells[-1].middle + cells[-1].near[1]) // 2


def _passing(lanes: list[_Lane], join: str) -> tuple[list[_Lane], list[_Lane]]:
    """Of the ways that come down here those that go on elsewhere: left and right of the middle of those that join."""
    coming = [at for at, lane in enumerate(lanes) if lane.target == join]
    middle = (coming[0] + coming[-1]) / 2
    before = [lane for at, lane in enumerate(lanes) if lane.target != join and at < middle]
    after = [lane for at, lane in enumerate(lanes) if lane.target != join and at >= middle]
    return before, after


@lru_cache(maxsize=8192)
def path_of(shape: Shape, x: int = 0, y: int = 0) -> str:
    """Down, across with rounded corners, down: as many bends, the same commands, so that browsers can animate it."""
    parts = [f"M{x} {y}"]
    at_x, at_y = x, y
    for index in range(0, len(shape) - 1, 2):
        bend, to = y + shape[index], x + shape[index + 1]
        after = y + shape[index + 2]
        r = max(0, min(BEND, abs(to - at_x) // 2, bend - at_y, after - bend))
        turn = r if to > at_x else -r
        parts.append(
            f"V{bend - r}Q{at_x} {bend} {at_x + turn} {bend}H{to - turn}Q{to} {bend} {to} {bend + r}"
        )
        at_x, at_y = to, bend + r
    return "".join(parts) + f"V{y + shape[-1]}"
