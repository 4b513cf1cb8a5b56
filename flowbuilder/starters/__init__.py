"""Designs to start from, complete with their emails. A folder each: flow.json and the bodies of its emails.

flow.json has the form of a version's document, with a `summary`, a `goal` (a key of GOALS) and, for the foot of its
emails, `because`. An email named mail-1 in `contents` is written in mail-1.html; written.py puts the frame around it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flowbuilder.starters.written import html_of, text_of

FOLDER = Path(__file__).resolve().parent
GOALS = {
    "first-order": "Win the first order",
    "catalog": "Tell them when something changes",
    "customers": "Keep customers close",
    "back": "Win people back, or let them go",
}


@dataclass(frozen=True)
class Starter:
    """`document` is what operations.library.flow_from_document takes."""

    slug: str
    name: str
    summary: str
    document: dict[str, Any]
    goal: str


@cache
def starters() -> tuple[Starter, ...]:
    """In the order of the numbers that their folders begin with."""
    folders = [path.parent for path in FOLDER.glob("*/flow.json")]
    return tuple(_read(one) for one in sorted(folders, key=lambda one: int(one.name.split("-", 1)[0])))


def _read(folder: Path) -> Starter:
    document = json.loads((folder / "flow.json").read_text(encoding="utf-8"))
    summary, goal, because = (document.pop(name) for name in ("summary", "goal", "because"))
    for key, content in document["contents"].items():
        body = (folder / f"{key}.html").read_text(encoding="utf-8")
        content["html"] = html_of(body, title=content["name"], because=because)
        content["text"] = text_of(body, because=because)
    return Starter(folder.name, document["name"], summary, document, goal)
