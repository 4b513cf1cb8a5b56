"""For whom a preview is filled in: people to choose from, or data of one's own as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowbuilder.kinds.samples import SAMPLE

OWN = "own"
LONGEST = 100_000  # characters of one's own data


@dataclass(frozen=True, slots=True)
class Sample:
    key: str
    label: str
    data: Mapping[str, Any]


class UnableToRead(Exception):
    """The data cannot be used; the text says why, and what to do."""


def _someone_else() -> dict[str, Any]:
    """One item, and a name that is longer than most designs expect."""
    first, last = "Maximiliane-Friederike", "Oberhollenzer-Wintermantel"
    event = dict(SAMPLE["event"])
    items = event["Items"][:1]
    lines = event["extra"]["line_items"][:1]
    event |= {
        "Items": items,
        "items": items,
        "ItemNames": [items[0]["ProductName"]],
        "$value": 36.0,
        "value": 36.0,
    }
    event["extra"] = {
        **event["extra"],
        "line_items": lines,
        "total_price": "36.00",
        "subtotal_price": "36.00",
    }
    names = {"first_name": first, "last_name": last}
    person = {**SAMPLE["person"], **names, "full_name": f"{first} {last}"}
    return {**SAMPLE, **names, "person": person, "event": event}


def _stranger() -> dict[str, Any]:
    """An address and nothing else: what a design says where names and events are missing."""
    known = {"email": "someone@example.com"}
    kept = {key: SAMPLE[key] for key in ("organization", "preview_text")}
    return {**kept, **known, "person": dict(known), "event": {}}


SAMPLES = (
    Sample("full", "Alex, with two items", SAMPLE),
    Sample("one", "A long name, one item", _someone_else()),
    Sample("stranger", "Somebody without a name", _stranger()),
)


def data_of(who: str, own: str) -> Mapping[str, Any]:
    """What tags say for the chosen one. Data of one's own may leave out what the first sample has."""
    if who != OWN:
        return next((one.data for one in SAMPLES if one.key == who), SAMPLE)
    if len(own) > LONGEST:
        raise UnableToRead(
            f"Your sample data is longer than {LONGEST:,} characters. Leave out what no tag names."
        )
    try:
        given = json.loads(own or "{}")
        json.dumps(
            given, allow_nan=False, ensure_ascii=False
        ).encode()  # numbers and texts that nobody can send
    except json.JSONDecodeError as error:
        raise UnableToRead(
            f"Your sample data is not JSON: look at line {error.lineno}, {error.msg}."
        ) from None
    except (ValueError, RecursionError):
        raise UnableToRead(
            "Your sample data holds what cannot be read as JSON. Look at its numbers."
        ) from None
    if not isinstance(given, dict):
        raise UnableToRead('Your sample data must be an object: {"person": …, "event": …}.')
    return {**SAMPLE, **given}
