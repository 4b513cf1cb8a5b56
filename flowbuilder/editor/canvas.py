"""The canvas of one flow: every step as two groups, its card and its ways out, each with its place.

    draw(design) -> Drawing             the whole picture
    patch(old, new) -> Patch            what changed between two pictures: mostly places, and few groups

The script (static/js/canvas-patch.js) applies a patch to the picture that it has; a whole picture comes with a page.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from flowbuilder.drawing import height_of
from flowbuilder.editor.groups import (
    HINT_HEIGHT,
    HINT_WIDTH,
    Mark,
    Way,
    card_group,
    hint_group,
    out_group,
    placed,
)
from flowbuilder.graph import Graph, Problem
from flowbuilder.graph.layout import Layout, place
from flowbuilder.graph.walk import way_to
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, ports_of
from flowbuilder.queries import Design

HINT_KEY = " hint"  # the key of no step
HINT_GAP = 20
Groups = Mapping[str, tuple[int, int, str]]  # key -> x, y, what is inside


@dataclass(frozen=True, slots=True)
class Drawing:
    """`nodes` come in reading order; the way out of a step (`outs`) is placed by the middle of its lower edge."""

    left: int
    width: int
    height: int
    nodes: Groups
    outs: Groups

    @property
    def html(self) -> SafeString:
        """A step, then its ways out, for those who go on with the Tab key. No wire runs over a card."""
        outs = "".join(placed("out", key, *one) for key, one in self.outs.items())
        nodes = "".join(placed("node", key, *one) for key, one in self.nodes.items())
        return SafeString(f'<g id="nodes">{nodes}</g><g id="wires">{outs}</g>')


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a picture was made of. It is compared with what was read, never trusted."""

    graph: Graph
    cards: Mapping[str, Card]
    marks: Mapping[str, Mark]
    base: str
    drawing: Drawing


_seen: OrderedDict[int, tuple[_Seen, ...]] = (
    OrderedDict()
)  # by flow: the latest two, those before and after an act
_lock = Lock()
_FLOWS_SEEN = 64


def draw(design: Design, selected: str = "", at: str = "") -> Drawing:
    """The canvas; for a page without script with the way to the selected step lit up, and the plus at `at` pressed."""
    graph, cards, marks = design.graph, design.cards, marks_of(design.problems)
    base = reverse("editor:editor", args=[design.flow.pk])
    if selected or at:
        return _draw(graph, cards, marks, base, selected, at)
    seen = _seen.get(design.flow.pk, ())
    for one in seen:
        if (one.graph, one.cards, one.marks, one.base) == (graph, cards, marks, base):
            return one.drawing
    drawing = _draw(graph, cards, marks, base)
    with _lock:
        _seen[design.flow.pk] = (_Seen(graph, cards, marks, base, drawing), *seen[:1])
        _seen.move_to_end(design.flow.pk)
        while len(_seen) > _FLOWS_SEEN:
            _seen.popitem(last=False)
    return drawing


def _draw(
    graph: Graph,
    cards: Mapping[str, Card],
    marks: Mapping[str, Mark],
    base: str,
    selected: str = "",
    at: str = "",
) -> Drawing:
    notes = {step.key: step.note for step in graph.steps}
    layout = place(graph, lambda key: height_of(cards[key], notes.get(key, "")), around_trigger=True)
    nodes = {
        box.key: (
            box.x,
            box.y,
            card_group(
                cards[box.key],
                marks.get(box.key),
                notes.get(box.key, ""),
                box.height,
                base,
                box.key == selected,
            ),
        )
        for box in layout.boxes
    }
    lit = way_to(graph, selected) if selected in graph.by_key else set()
    outs = {
        key: (x, y, out_group(key, cards[key].title, tuple(ways), base))
        for key, (x, y, ways) in _ways(graph, cards, layout, lit, at).items()
    }
    width, height = layout.width, layout.height
    if not graph.steps:
        nodes[HINT_KEY] = (-HINT_WIDTH // 2, height - HINT_GAP, hint_group(graph.trigger is not None))
        width, height = max(width, HINT_WIDTH), height + HINT_HEIGHT
    return Drawing(min(layout.left, -width // 2), width, height, nodes, outs)


def _ways(
    graph: Graph, cards: Mapping[str, Card], layout: Layout, lit: set[tuple[str | None, str]], at: str
) -> dict[str, tuple[int, int, list[Way]]]:
    ends = {(one.source, one.port): one.target for one in layout.exits}
    outs: dict[str, tuple[int, int, list[Way]]] = {}
    names: dict[str, str] = {}
    for source, port, target, x, y, shape, plus, label in layout.wires:
        key = TRIGGER_KEY if source is None else source
        if key not in outs:
            outs[key] = (x, y, [])
            names = ports_of(graph.by_key[key]) if label else {}
        end = None
        if (source, port) in ends:
            on = ends[source, port]
            end = cards[on].title if on else ""
        outs[key][2].append(
            Way(
                port,
                target,
                shape,
                plus,
                names.get(port, port) if label else "",
                label,
                end,
                (source, port) in lit,
                at == f"{key}:{port}",
            )
        )
    return outs


# --- What changed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patch:
    """From one picture to another. Keys are those of steps; a group that is new or has other content comes whole."""

    groups: SafeString
    gone: list[str]
    moves: list[
        tuple[int, int, list[str], list[str], list[str]]
    ]  # by (dx, dy): of both groups, of nodes, of outs
    order: list[tuple[str, str]]  # (key, the key it comes after) in reading order
    bounds: tuple[int, int, int, int]

    @property
    def plan(self) -> str:
        """As the script reads it."""
        return json.dumps(
            {"gone": self.gone, "moves": self.moves, "order": self.order, "bounds": self.bounds},
            separators=(",", ":"),
        )


@dataclass(slots=True)
class _Moves:
    """Which groups moved by how much: mostly both of a step, and many steps alike. None: it comes whole."""

    by: dict[tuple[int, int], tuple[list[str], list[str], list[str]]] = field(default_factory=dict)

    def add(self, key: str, node: tuple[int, int] | None, out: tuple[int, int] | None) -> None:
        if node == out:
            self._add(key, node, 0)
        else:
            self._add(key, node, 1)
            self._add(key, out, 2)

    def _add(self, key: str, by: tuple[int, int] | None, which: int) -> None:
        if by and by != (0, 0):
            self.by.setdefault(by, ([], [], []))[which].append(key)


def patch(old: Drawing, new: Drawing) -> Patch:
    moves, fresh = _Moves(), []
    nothing = (0, 0, "")
    for key, node in new.nodes.items():
        before = old.nodes.get(key)
        out, out_before = new.outs.get(key), old.outs.get(key)
        moved = out_moved = None
        if before is None or node[2] != before[2]:
            fresh.append(placed("node", key, *node))
        else:
            moved = (node[0] - before[0], node[1] - before[1])
        if out and out_before and out[2] == out_before[2]:
            out_moved = (out[0] - out_before[0], out[1] - out_before[1])
        elif out or out_before:  # a step without ways out has none
            fresh.append(placed("out", key, *(out or nothing)))
        else:
            out_moved = moved
        moves.add(key, moved, out_moved)
    return Patch(
        SafeString("".join(fresh)),
        [key for key in old.nodes if key not in new.nodes],
        [(dx, dy, *keys) for (dx, dy), keys in moves.by.items()],
        _reordered(old.nodes, new.nodes),
        (new.left, 0, new.width, new.height),
    )


def _reordered(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The keys that come anew, or elsewhere in the reading order: all but a longest run that kept its order."""
    at = {key: index for index, key in enumerate(old)}
    kept = _longest_rise([(at[key], key) for key in new if key in at])
    order, before = [], ""
    for key in new:
        if key not in kept:
            order.append((key, before))
        before = key
    return order


def _longest_rise(places: list[tuple[int, str]]) -> set[str]:
    """The keys of a longest rising subsequence. Linear where nothing changed its order."""
    if all(one[0] < other[0] for one, other in pairwise(places)):
        return {key for _, key in places}
    lasts: list[
        int
    ] = []  # of the rises of each length: the smallest place that one ends at, and who stands there
    who: list[int] = []
    before: list[int] = []
    for index, (value, _) in enumerate(places):
        length = bisect_left(lasts, value)
        before.append(who[length - 1] if length else -1)
        lasts[length : length + 1] = [value]
        who[length : length + 1] = [index]
    found, at = set(), who[-1] if who else -1
    while at >= 0:
        found.add(places[at][1])
        at = before[at]
    return found


# --- Problems in a word or two -----------------------------------------------------------------------------------


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


SHORT = {
    "date-first": "Date comes first",
    "empty-split": "Empty split",
    "kept": "Kept as it is",
    "lands-as-draft": "Lands as draft",
    "last-delay": "Nothing after it",
    "many-segments": "Long text",
    "no-conditions": "No condition",
    "no-consent": "No consent",
    "no-content": "No content",
    "no-entry": "Leads nowhere",
    "no-list": "No list",
    "no-metric": "No metric",
    "no-recipients": "No recipient",
    "no-segment": "No segment",
    "no-sender": "No sender",
    "no-sender-name": "No sender name",
    "no-subject": "No subject",
    "no-text": "No text",
    "no-trigger": "No trigger",
    "no-url": "No address",
    "no-wait": "No wait",
    "reads-too-soon": "No wait",
    "refused": "Refused",
    "same-sides": "Same sides",
    "unknown-type": "Unknown",
    "unreachable": "Not reached",
}
