"""Publications a day as bars: numbers for an SVG that the template writes, and where a press on each leads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from flowbuilder.history.sums import Counts, Day

WIDTH, HEIGHT = 760, 84
FLOOR = 80.0  # where the bars stand
TALLEST = 72.0
LEAST = 2.5  # one refusal among thousands is still seen
GAP = 1.5
# From the ground up: outcome, tone.
LAYERS = (("published", "good"), ("cancelled", "quiet"), ("waiting", "warn"), ("refused", "bad"))


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    radius: str
    tone: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the address of what it counts. Chosen: the list is narrowed to it."""

    number: int
    query: str
    label: str = ""
    tone: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One day. `x` and `width` are of the whole column, for the pointer. `cells`: as in the table's head."""

    day: Day
    x: str
    width: str
    bars: tuple[Bar, ...]
    query: str = ""
    is_chosen: bool = False
    cells: tuple[Figure, ...] = ()


class Asked(Protocol):
    """The filters as they stand."""

    @property
    def given(self) -> dict[str, str]: ...

    def but(self, *without: str, **changed: str) -> str: ...


CELLS = ("published", "refused", "waiting", "cancelled")
STATS = (("published", "good"), ("refused", "bad"), ("waiting", "warn"))


def stats(counts: Counts, asked: Asked) -> list[Figure]:
    """The sums. What is chosen already leads back."""
    now = asked.given.get("outcome", "")
    found = [Figure(counts.asked, asked.but("outcome"), "asked")]
    for name, tone in STATS:
        is_chosen = now == name
        query = asked.but("outcome") if is_chosen else asked.but(outcome=name)
        found.append(Figure(getattr(counts, name), query, name, tone, is_chosen))
    return found


def pressable(days: Sequence[Day], asked: Asked) -> list[Column]:
    """The columns with where they lead: to their day; and back to all days from the one that is chosen."""
    chosen = {asked.given.get("from"), asked.given.get("to")}
    found = []
    for column in columns(days):
        when = column.day.when.isoformat()
        day = {"from": when, "to": when}
        is_chosen = chosen == {when}
        query = asked.but("from", "to") if is_chosen else asked.but(**day)
        cells = (Figure(getattr(column.day, name), asked.but(**day, outcome=name)) for name in CELLS)
        found.append(replace(column, query=query, is_chosen=is_chosen, cells=tuple(cells)))
    return found


def columns(days: Sequence[Day]) -> list[Column]:
    most = max((day.total for day in days), default=0) or 1
    step = WIDTH / max(len(days), 1)
    wide = step * 0.68
    return [
        Column(
            day,
            _text(index * step),
            _text(step),
            tuple(_bars(day, index * step + (step - wide) / 2, wide, most)),
        )
        for index, day in enumerate(days)
    ]


def _bars(day: Day, x: float, wide: float, most: int) -> Iterator[Bar]:
    top = FLOOR
    for name, tone in LAYERS:
        number: int = getattr(day, name)
        if not number:
            continue
        tall = max(number / most * (TALLEST - 3 * (LEAST + GAP)), LEAST)
        top -= tall
        radius = "3" if tall > 6 else "1"
        yield Bar(_text(x), _text(top), _text(wide), _text(tall), radius, tone)
        top -= GAP


def _text(number: float) -> str:
    """SVG wants a point, whatever the language of the page."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
