"""Designs to start from: JSON files in the form of a version's document, each with a `summary`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Starter:
    """`document` is what operations.library.flow_from_document takes."""

    slug: str
    name: str
    summary: str
    document: dict[str, Any]


@cache
def starters() -> tuple[Starter, ...]:
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        document = json.loads(path.read_text())
        found.append(Starter(path.stem, document["name"], document.pop("summary"), document))
    return tuple(found)
