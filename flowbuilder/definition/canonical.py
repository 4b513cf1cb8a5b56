"""One form for definitions that mean the same: to compare what was meant with what an account holds. Pure.

What Klaviyo changes by itself is the table in platform.py; everything else is a difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from flowbuilder.definition.platform import SENDER, in_one_form
from flowbuilder.definition.reading import read_document
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import get_at

StepMap = dict[str, dict[str, str | None]]  # step key -> {"action": id, "message": id or null}


def canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    """A definition (or a document that holds one) with steps renumbered as they are reached, and noise taken out."""
    return _canonical(read_document(document).graph)


def _canonical(graph: Graph) -> dict[str, Any]:
    number = {key: f"s{index}" for index, key in enumerate(all_in_order(graph), 1)}
    return {
        "trigger": {"type": graph.trigger.type, **_plain(graph.trigger.config)} if graph.trigger else None,
        "profile_filter": _plain(graph.profile_filter),
        "reentry": _plain(graph.reentry),
        "entry": number.get(graph.entry or ""),
        "steps": {
            number[step.key]: {
                "type": step.type,
                "settings": _plain(in_one_form(step.type, step.config)),
                "links": {
                    way: number[target]
                    for way, (_, target) in zip(_ways(step), graph.targets(step.key), strict=True)
                    if target is not None
                },
                **({"extra": extra} if (extra := _plain(step.extra)) else {}),
            }
            for step in graph.steps
        },
        **({"extra": extra} if (extra := _plain(graph.extra)) else {}),
    }


def _ways(step: Step) -> tuple[str, ...]:
    """The ways out by their names; those of branches, whose names are ids of an account, by their places."""
    if "branches" not in step.config:
        return step.ports
    return tuple(f"branch {index}" for index in range(1, len(step.ports) + 1))


def _plain(value: Any) -> Any:
    """Without keys that are null, with 30.0 as 30: the server writes both forms."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, (dict, Mapping)):  # to ask the abstract one costs more than the rest
        return {key: _plain(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def content_hash(document: Any) -> str:
    """SHA-256 over the document as JSON with sorted keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(meant: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where two canonical forms differ, each as a sentence. What only the account has, and we left open, is fine
    for senders: the account's default stands in."""
    if meant == found:
        return
    if isinstance(meant, Mapping) and isinstance(found, Mapping):
        for key in sorted({*meant, *found}, key=str):
            if key not in meant and path.endswith(".message") and key in SENDER:
                continue
            yield from differences(meant.get(key), found.get(key), f"{path}.{key}")
    elif isinstance(meant, list) and isinstance(found, list) and len(meant) == len(found):
        for index, (one, other) in enumerate(zip(meant, found, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    else:
        yield f"{path.lstrip('.')}: meant {meant!r}, found {found!r}"


def landed_as(sent: Mapping[str, Any], held: Mapping[str, Any]) -> tuple[list[str], StepMap]:
    """What of a flow is not as it was sent, and our step keys -> the ids the account gave."""
    ours, theirs = read_document(sent).graph, read_document(held).graph
    return list(differences(_canonical(ours), _canonical(theirs))), _step_map(ours, theirs, held)


def _step_map(ours: Graph, theirs: Graph, held: Mapping[str, Any]) -> StepMap:
    """Both graphs walked side by side from the entry."""
    raw = {str(action.get("id")): action for action in _definition(held).get("actions") or []}
    pairs = zip(all_in_order(ours), all_in_order(theirs), strict=False)
    found: StepMap = {}
    for own, their in pairs:
        found[own] = {"action": their, "message": get_at(raw.get(their), ("data", "message", "id"))}
    return found


def _definition(document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "data" in document:
        inner: Mapping[str, Any] = document["data"]["attributes"]["definition"]
        return inner
    return document
