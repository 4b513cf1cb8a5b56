"""One statistic over time as a line or as bars, and the same for the period before it: numbers for an SVG. Pure.

Now is a full line with dots, before a dashed one without: they differ by more than their colour. Each moment is a
point that the keyboard walks to, one stop for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10

from flowbuilder.definition.performing import COUNTS, Counts, value_of
from flowbuilder.performance.wording import NONE, number

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 14, 36
LABELS = 7  # under the axis, at most


@dataclass(frozen=True, slots=True)
class Point:
    """A moment, over the whole height: easy to meet with a pointer. `text` says its value, and the one before."""

    x: str
    width: str
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table behind."""

    at: datetime
    label: str
    now: str
    before: str


@dataclass(frozen=True)
class Chart:
    label: str
    points: tuple[Point, ...]
    bars: tuple[tuple[str, str, str, str], ...]  # x, y, width, height
    dots: tuple[tuple[str, str], ...]  # x, y
    path: str
    before: str
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    lines: tuple[Line, ...]
    summary: str
    has_before: bool


def chart_of(
    now: Mapping[datetime, Counts],
    before: Mapping[datetime, Counts],
    moments: Sequence[datetime],
    apart: timedelta,
    name: str,
    label: str,
    currency: str = "",
) -> Chart:
    """`moments`: every one of the period, those without numbers too. `before` stands `apart` earlier."""
    values = [_value(now.get(at), name) for at in moments]
    earlier = [_value(before.get(at - apart), name) for at in moments]
    top = _nice(max([one for one in (*values, *earlier) if one is not None], default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(moments), 1)
    xs = [LEFT + step * (index + 0.5) for index in range(len(moments))]

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top

    def text(index: int) -> str:
        value, then = values[index], earlier[index]
        said = "no number" if value is None else number(value, name, currency)
        more = "" if then is None else f"; {number(then, name, currency)} a period before"
        return f"{_day(moments[index])}: {said}{more}"

    has_bars = name in COUNTS
    bars, dots = [], []
    for index, value in enumerate(values):
        if value is None:
            continue
        if has_bars:
            wide, tall = step * 0.64, HEIGHT - BOTTOM - y(value)
            bars.append((_text(xs[index] - wide / 2), _text(y(value)), _text(wide), _text(tall)))
        else:
            dots.append((_text(xs[index]), _text(y(value))))
    every = -(-len(moments) // LABELS) or 1
    shown = [one for one in values if one is not None]
    first, last = (_day(moments[0]), _day(moments[-1])) if moments else ("", "")
    span = (
        f"between {number(min(shown), name, currency)} and {number(max(shown), name, currency)}"
        if shown
        else "no numbers"
    )
    return Chart(
        label,
        tuple(Point(_text(x - step / 2), _text(step), text(index)) for index, x in enumerate(xs)),
        tuple(bars),
        tuple(dots),
        "" if has_bars else _path(xs, [None if one is None else y(one) for one in values]),
        _path(xs, [None if one is None else y(one) for one in earlier]),
        tuple(Tick(_text(y(top * part)), number(top * part, name)) for part in (0, 0.5, 1)),
        tuple(
            Tick(_text(xs[index]), f"{at.day} {at:%b}")
            for index, at in enumerate(moments)
            if index % every == 0
        ),
        tuple(
            Line(at, _day(at), *(NONE if one is None else number(one, name, currency) for one in pair))
            for at, *pair in zip(moments, values, earlier, strict=True)
        ),
        f"{label}, {first} to {last}: {span}.",
        any(one is not None for one in earlier),
    )


def _value(counts: Counts | None, name: str) -> float | None:
    return None if counts is None else value_of(counts, name)


def _nice(most: float) -> float:
    """1, 2 or 5 times a power of ten: what an axis ends with."""
    if most <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(most))
    return next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= most * 0.999)


def _path(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    """A gap where there is no number."""
    parts, is_down = [], False
    for x, y in zip(xs, ys, strict=True):
        if y is not None:
            parts.append(f"{'L' if is_down else 'M'}{_text(x)} {_text(y)}")
        is_down = y is not None
    return " ".join(parts)


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}" + (f", {at:%H}:00" if at.hour else "")


def _text(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
