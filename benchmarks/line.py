"""One figure, one JSON line: name, value, unit, what it is held against, their ratio, the goal, whether it is met."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

missed: list[str] = []


def tell(
    name: str,
    value: float,
    unit: str,
    *,
    against: str = "",
    ratio: float | None = None,
    goal: str,
    met: bool,
    **about: Any,
) -> None:
    """`about`: whatever else belongs to this figure."""
    figure: dict[str, Any] = {"name": name, "value": round(value, 3), "unit": unit}
    figure |= {
        "against": against,
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
        **about,
    }
    sys.stdout.write(json.dumps(figure, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    if not met:
        missed.append(name)


Work = Callable[[], Any]


def side_by_side(*works: Work | tuple[Work, Work], rounds: int = 15) -> list[float]:
    """The median milliseconds of each work, taken in turns so that a slow moment of the machine hits them all.

    Of a pair the first is what has to happen before, and is not timed. Nor is what others left to be collected.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for index, one in enumerate(works):
            before, work = one if isinstance(one, tuple) else (None, one)
            if before:
                before()
            gc.collect()
            start = time.perf_counter()
            work()
            times[index].append((time.perf_counter() - start) * 1000)
    return [statistics.median(one) for one in times]
