"""Values that are not there yet: questions each account answers, and content that is made at publishing.

    {"$ask": "sender", "part": "email"}     the answer to the requirement `sender`, or a part of it
    {"$ask": "coupon", "part": "15% off with ⟦answer⟧ today"}      the answer, with the text around it
    {"$content": "mail-1"}                  the id of the email template made from our own content

Any setting may hold one. Pure functions over plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic_core import to_json

from flowbuilder.graph.values import Path

ASK = "$ask"
CONTENT = "$content"
_MARKS = b'"$ask"', b'"$content"'  # how they stand in JSON
_MISSING = object()
GAP = "⟦answer⟧"  # in a text that stands around an answer


def ask(key: str, part: str = "") -> dict[str, str]:
    return {ASK: key, "part": part} if part else {ASK: key}


def is_ask(value: Any) -> bool:
    return isinstance(value, Mapping) and ASK in value


def is_content(value: Any) -> bool:
    return isinstance(value, Mapping) and CONTENT in value


Place = tuple[Path, str, str]  # (where it stands, the key, the part of the answer)


def find_open(value: Any) -> tuple[list[Place], list[Place]]:
    """The places of every question and of every content in a value, in order. One pass, on the way of every check."""
    asks: list[Place] = []
    contents: list[Place] = []
    if not _may_be_open(value):
        return asks, contents
    todo: list[tuple[Path, Any]] = [((), value)]
    while todo:
        path, one = todo.pop()
        if isinstance(one, dict):
            if ASK in one:
                asks.append((path, str(one[ASK]), str(one.get("part", ""))))
            elif CONTENT in one:
                contents.append((path, str(one[CONTENT]), ""))
            else:
                for key in reversed(one):
                    child = one[key]
                    if isinstance(child, dict | list):
                        todo.append(((*path, key), child))
        elif isinstance(one, list):
            for index in range(len(one) - 1, -1, -1):
                if isinstance(one[index], dict | list):
                    todo.append(((*path, index), one[index]))
    return asks, contents


def _may_be_open(value: Any) -> bool:
    """Whether it is worth looking: written as JSON, a key stands between quotes that a text's own never do."""
    try:
        text = to_json(value)
    except ValueError:
        return True
    return is_open(text)


def is_open(text: bytes) -> bool:
    """Whether settings, written as JSON, hold a question or a content. Most hold no “$” at all."""
    return b"$" in text and any(mark in text for mark in _MARKS)


def find_asks(value: Any) -> Iterator[Place]:
    """(path, key, part) of every question in a value, in order."""
    yield from find_open(value)[0]


def find_contents(value: Any) -> Iterator[tuple[Path, str]]:
    for path, key, _ in find_open(value)[1]:
        yield path, key


def fill(value: Any, answer: Callable[[str, str], Any], content: Callable[[str], Any]) -> Any:
    """A copy with every question and content replaced; what the functions answer None for becomes null."""
    if isinstance(value, dict):
        if ASK in value:
            return answer(str(value[ASK]), str(value.get("part", "")))
        if CONTENT in value:
            return content(str(value[CONTENT]))
        return {
            key: fill(child, answer, content) if isinstance(child, dict | list) else child
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [fill(child, answer, content) if isinstance(child, dict | list) else child for child in value]
    return value


def part_of(answer: Any, part: str) -> Any:
    """The part of an answer that a setting holds; an answer without parts is its own only part. Where the part is a
    text around the answer, that text with the answer in it."""
    if GAP in part:
        return None if answer in (None, "") else part.replace(GAP, str(answer))
    if part and isinstance(answer, Mapping):
        return answer.get(part)
    return answer


def get_at(value: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step, _MISSING)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
        if value is _MISSING:
            return None
    return value


def set_at(value: Any, path: Path, new: Any) -> Any:
    """A copy with one value replaced; missing objects on the way are made."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(value) if isinstance(value, list) else []
        items[step : step + 1] = [set_at(items[step] if step < len(items) else None, rest, new)]
        return items
    copy = dict(value) if isinstance(value, Mapping) else {}
    copy[step] = set_at(copy.get(step), rest, new)
    return copy


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
