"""The outline: the same flow as nested headings and lists, a sentence a step. And the search over its steps.

Nothing here recurses over steps: a flow may be one chain of a thousand, or splits nested hundreds deep. A row that did
not change is not rendered again, and after an act only what changed is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flowbuilder.graph import Graph, Link, Problem
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, ports_of
from flowbuilder.queries import Design

DEEPEST_HEADING = 6
MOST_HITS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A way on which a step can be put in: `at` is "source:port"."""

    at: str
    source: str
    port: str
    is_end: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """One place up or down: where to, and how the press says it."""

    to: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step, or the trigger. A split has `ways` (port, label) and no place after it: each of its branches has one."""

    card: Card
    note: str
    problems: tuple[tuple[str, str], ...]  # (tone, sentence)
    is_selected: bool
    place: Place | None = None
    ways: tuple[tuple[str, str], ...] = ()
    up: Shift | None = None
    down: Shift | None = None

    @property
    def id(self) -> str:
        return f"item-{self.card.key}"

    @property
    def is_trigger(self) -> bool:
        return self.card.key == TRIGGER_KEY


@dataclass(frozen=True, slots=True)
class Branch:
    """The heading of one way out of a split."""

    label: str
    of: str
    level: int
    place: Place


@dataclass(frozen=True, slots=True)
class Joint:
    """A way that goes on with a step told elsewhere."""

    card: Card
    source: str
    port: str

    @property
    def id(self) -> str:
        return f"joint-{self.source}-{self.port}"


@dataclass(frozen=True, slots=True)
class Loose:
    """The heading above steps that nothing leads to."""

    level: int = 3
    id: str = "item-loose"


@dataclass(frozen=True, slots=True)
class Open:
    """A list begins: the items of one way."""

    id: str


Head = Row | Joint | Loose  # what an item of a list begins with
Piece = Head | Branch
END_LIST, END_ITEM, END_BRANCH = map(SafeString, ("</ol>", "</li>", "</section>"))
Part = Piece | Open | SafeString
ROOT = "list-trigger"


@dataclass(frozen=True)
class Outline:
    """Pieces and the tags between them, in the order of the page."""

    base: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> list[Row]:
        return [one for one in self.parts if isinstance(one, Row)]

    @property
    def html(self) -> SafeString:
        return SafeString("".join(map(self._text, self.parts)))

    def _text(self, part: Part) -> str:
        if isinstance(part, SafeString):
            return part
        if isinstance(part, Open):
            return format_html('<ol id="{}">', part.id)
        return _rendered(part, self.base)

    def shape(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Each item with its lists left empty (id -> HTML), and what stands in each list (id -> ids of items)."""
        items: dict[str, list[str]] = {}
        lists: dict[str, list[str]] = {}
        inside: list[str] = []  # the items around this part
        around: list[str] = []  # the lists around it
        for part in self.parts:
            if isinstance(part, Head):
                lists[around[-1]].append(part.id)
                inside.append(part.id)
                items[part.id] = []
            if inside:
                items[inside[-1]].append(self._text(part))
            if isinstance(part, Open):
                lists[part.id] = []
                around.append(part.id)
            elif part is END_LIST:
                around.pop()
            elif part is END_ITEM:
                inside.pop()
        return {key: "".join(texts) for key, texts in items.items()}, lists


@dataclass(frozen=True)
class Patch:
    """What turns one outline into another: items that are new or read differently, lists in their new order."""

    html: SafeString
    gone: tuple[str, ...]
    lists: Mapping[str, list[str]]

    @property
    def data(self) -> str:
        return json.dumps({"gone": self.gone, "lists": self.lists}, separators=(",", ":"))


def changes(old: Outline, new: Outline) -> Patch | None:
    """The difference; None where it is not worth it: most of the outline is another."""
    items_before, lists_before = old.shape()
    items, lists = new.shape()
    fresh = [key for key, text in items.items() if items_before.get(key) != text]
    if len(fresh) > 20 and len(fresh) > len(items) / 2:
        return None
    return Patch(
        SafeString("".join(items[key] for key in fresh)),
        tuple(key for key in items_before if key not in items),
        {key: ids for key, ids in lists.items() if lists_before.get(key) != ids},
    )


TEMPLATES = {
    Row: "editor/_outline_row.html",
    Branch: "editor/_outline_branch.html",
    Joint: "editor/_outline_joint.html",
    Loose: "editor/_outline_loose.html",
}


@lru_cache(maxsize=4096)
def _rendered(piece: Piece, base: str) -> str:
    icons = {
        "plus": _icon("plus", "sm"),
        "more": _icon("more-horizontal"),
        "on": _icon("arrow-right", "sm"),
        "step": _icon(piece.card.icon) if isinstance(piece, Row) else "",
    }
    acts = f"{base}steps/{piece.card.key}/" if isinstance(piece, Row) else ""
    context = {"one": piece, "base": base, "acts": acts, "icons": icons}
    return render_to_string(TEMPLATES[type(piece)], context)


@lru_cache(maxsize=256)
def _icon(name: str, size: str = "") -> SafeString:
    """Rendered once: a thousand rows have three each."""
    return render_to_string("components/icon.html", {"name": name, "size": size})


def outline(design: Design, selected: str = "") -> Outline:
    """The trigger, then the steps in order; a split holds its branches; a step that ways rejoin is told once."""
    graph = design.graph
    teller = _Teller(design, selected)
    parts: list[Part] = [Open(ROOT), teller.trigger(), END_ITEM, *teller.way(graph.entry)]
    loose = [key for key in _loose_heads(graph, teller.told) if key not in teller.told]
    if loose:
        parts += [Loose(), Open("list-loose")]
        for key in loose:
            parts += teller.way(key) if key not in teller.told else ()
        parts += [END_LIST, END_BRANCH, END_ITEM]
    parts.append(END_LIST)
    return Outline(reverse("editor:editor", args=[design.flow.pk]), tuple(parts))


def _loose_heads(graph: Graph, told: set[str]) -> Iterator[str]:
    """Steps that cannot be reached: first those that nothing leads to, then what only leads in a circle."""
    left = [step.key for step in graph.steps if step.key not in told]
    yield from (key for key in left if not graph.into.get(key))
    yield from left


class _Teller:
    """Turns steps into rows, and knows which were told already."""

    def __init__(self, design: Design, selected: str) -> None:
        self.graph = design.graph
        self.cards = design.cards
        self.problems = _by_step(design.problems)
        self.selected = selected
        self.told: set[str] = set()

    def way(self, start: str | None, level: int = 3) -> Iterator[Part]:
        """A chain of steps and all branches below it. What is still to be told waits on a stack."""
        todo: list[Part | tuple[str | None, str, str, int]] = []
        if start:
            todo.append((start, "", "", level))
        while todo:
            part = todo.pop()
            if isinstance(part, tuple):
                todo.extend(reversed(list(self._chain(*part))))
            else:
                yield part

    def _chain(
        self, key: str | None, source: str, port: str, level: int
    ) -> Iterator[Part | tuple[str | None, str, str, int]]:
        """Rows down to a split or an end; the branches of the split are left to be told."""
        while key:
            if key in self.told:
                yield Joint(self.cards[key], source, port)
                yield END_ITEM
                return
            self.told.add(key)
            targets = self.graph.targets(key)
            yield self.row(key, targets)
            if len(targets) == 1:
                source, (port, target) = key, targets[0]
                yield END_ITEM
                key = target
                continue
            labels = ports_of(self.graph.by_key[key])
            for port, target in targets:
                place = Place(f"{key}:{port}", key, port, target is None)
                yield Branch(
                    labels.get(port, port), self.cards[key].title, min(level, DEEPEST_HEADING), place
                )
                yield Open(f"list-{key}-{port}")
                if target:
                    yield (target, key, port, level + 1)
                yield END_LIST
                yield END_BRANCH
            yield END_ITEM
            return

    def trigger(self) -> Row:
        place = Place(f"{TRIGGER_KEY}:next", TRIGGER_KEY, "next", self.graph.entry is None)
        return Row(
            self.cards[TRIGGER_KEY],
            "",
            self.problems.get(TRIGGER_KEY, ()),
            self.selected == TRIGGER_KEY,
            place,
        )

    def row(self, key: str, targets: list[tuple[str, str | None]]) -> Row:
        step = self.graph.by_key[key]
        common = (self.cards[key], step.note, self.problems.get(key, ()), key == self.selected)
        if len(targets) != 1:
            labels = ports_of(step)
            return Row(*common, ways=tuple((port, labels.get(port, port)) for port, _ in targets))
        [(port, target)] = targets
        place = Place(f"{key}:{port}", key, port, target is None)
        return Row(*common, place=place, up=self._up(key), down=self._down(target))

    def _up(self, key: str) -> Shift | None:
        """Before the step above it. Not where ways join: it would then be for some people only."""
        above = self._only_link_to(key)
        before = self._only_link_to(above.source) if above and above.source else None
        if above is None or above.source is None or before is None:
            return None
        is_split = len(self.graph.by_key[above.source].ports) > 1
        label = f"Move up, before “{self.cards[above.source].title}”" if is_split else "Move up"
        return Shift(f"{before.source or TRIGGER_KEY}:{before.port}", label)

    def _down(self, target: str | None) -> Shift | None:
        if target is None or self._only_link_to(target) is None:
            return None
        ports = ports_of(self.graph.by_key[target])
        if not ports:
            return None
        port, name = next(iter(ports.items()))
        return Shift(f"{target}:{port}", f"Move down, into {name}" if len(ports) > 1 else "Move down")

    def _only_link_to(self, key: str) -> Link | None:
        links = self.graph.into.get(key, [])
        return links[0] if len(links) == 1 else None


def _by_step(problems: list[Problem]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for one in problems:
        if one.step:
            found.setdefault(one.step, []).append(("bad" if one.blocks else "warn", one.text))
    return {key: tuple(texts) for key, texts in found.items()}


# --- Search --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    card: Card
    note: str


@dataclass(frozen=True, slots=True)
class Hits:
    """Steps that contain what was looked for: the first of them, and how many there are."""

    query: str
    found: tuple[Hit, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.found)


def find(design: Design, query: str) -> Hits:
    """Steps whose title, sentence, note, type or key contain the text, in the order in which they were made."""
    text = " ".join(query.split()).casefold()
    if not text:
        return Hits("", (), 0)
    cards = design.cards
    found = []
    for key, card in cards.items():
        step = design.graph.by_key.get(key)
        note = step.note if step else ""
        told = (card.title, card.summary, card.label, note, step.type if step else "", key)
        if any(text in one.casefold() for one in told):
            found.append(Hit(card, note))
    return Hits(query, tuple(found[:MOST_HITS]), len(found))
