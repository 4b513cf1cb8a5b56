"""What can be chosen for one question: the likeliest first, found by typing, with figures that come after the page.

Values only; called by asking.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flowbuilder.definition.finding import Known, Thing, Verdict
from flowbuilder.definition.frozen import Question
from flowbuilder.publisher.fits import CATALOG_KINDS

SHOWN = 7
SHOWN_FOUND = 24  # of what was typed for


@dataclass(frozen=True)
class Option:
    """Something that can be chosen; `note` tells two of one name apart, `figure` how it is doing."""

    value: str
    name: str
    note: str
    figure: str
    chosen: bool


@dataclass(frozen=True)
class Picker:
    """`total`: how many there are of the kind, `matching` of them what was typed. `ids`: whose figures are shown or
    would decide, the most wanted first; `lacks`: some of them were not read yet."""

    options: tuple[Option, ...]
    total: int
    matching: int
    typed: str
    ids: tuple[str, ...]
    lacks: bool

    @property
    def more(self) -> str:
        """How many match and are not shown; "" where all are."""
        rest = self.matching - sum(not one.chosen for one in self.options)
        return f"{rest:,}" if rest else ""

    @property
    def is_searched(self) -> bool:
        return self.total > SHOWN or bool(self.typed)


def picker(
    question: Question,
    known: Known,
    verdict: Verdict,
    chosen: Iterable[str] = (),
    typed: str = "",
) -> Picker:
    kinds = {str(kind) for kind in CATALOG_KINDS[question.kind]}
    of_kind = [one for one in known.things if one.kind in kinds]
    held = set(chosen)
    words = typed.casefold().split()
    likely = [one.thing for one in verdict.candidates]
    matching = [one for one in of_kind if one.id not in held and _has(one, words)]
    first = {one.id: place for place, one in enumerate(likely)}
    matching.sort(key=lambda one: (first.get(one.id, len(first)), one.name.casefold(), one.integration))
    kept = [one for one in of_kind if one.id in held]
    shown = [*kept, *matching[: SHOWN_FOUND if words else SHOWN]]
    why = {one.thing.id: one.why for one in verdict.candidates}
    options = tuple(
        Option(one.id, one.name, _note(question, one, why.get(one.id, "")), one.figure, one.id in held)
        for one in shown
    )
    ids = tuple(dict.fromkeys((*verdict.look_at, *(one.id for one in shown))))
    lacks = question.kind != "template" and not known.stale.isdisjoint(ids)
    return Picker(options, len(of_kind), len(matching), typed, ids, lacks)


def _has(one: Thing, words: list[str]) -> bool:
    if not words:
        return True
    text = f"{one.name} {one.integration} {one.id}".casefold()
    return all(word in text for word in words)


def _note(question: Question, one: Thing, why: str) -> str:
    kind = {"list": "list", "segment": "segment"}.get(one.kind, "") if question.kind == "group" else ""
    return " · ".join(filter(None, (one.integration or kind, "" if why == "of this name" else why)))
