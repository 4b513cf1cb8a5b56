"""Publications a day as bars: numbers for an SVG that the template writes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flowbuilder.history.finding import Day

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
class Column:
    """One day. `x` and `width` are of the whole column, for the pointer."""

    day: Day
    x: str
    width: str
    bars: tuple[Bar, ...]


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
