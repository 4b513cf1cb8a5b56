"""Values that are not there yet: questions each account answers, and content that is made at publishing.

    {"$ask": "sender", "part": "email"}     the answer to the requirement `sender`, or a part of it
    {"$content": "mail-1"}                  the id of the email template made from our own content

Any setting may hold one. Pure functions over plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowbuilder.graph.values import Path

ASK = "$ask"
CONTENT = "$content"
_MISSING = object()


def ask(key: str, part: str = "") -> dict[str, str]:
    return {ASK: key, "part": part} if part else {ASK: key}


def is_ask(value: Any) -> bool:
    return isinstance(value, Mapping) and ASK in value


def is_content(value: Any) -> bool:
    return isinstance(value, Mapping) and CONTENT in value


def find_asks(value: Any, path: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """(path, key, part) of every question in a value, in order."""
    if is_ask(value):
        yield path, str(value[ASK]), str(value.get("part", ""))
    else:
        for step, child in _children(value):
            yield from find_asks(child, (*path, step))


def find_contents(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if is_content(value):
        yield path, str(value[CONTENT])
    else:
        for step, child in _children(value):
            yield from find_contents(child, (*path, step))


def fill(value: Any, answer: Callable[[str, str], Any], content: Callable[[str], Any]) -> Any:
    """A copy with every question and content replaced; what the functions answer None for becomes null."""
    if is_ask(value):
        return answer(str(value[ASK]), str(value.get("part", "")))
    if is_content(value):
        return content(str(value[CONTENT]))
    if isinstance(value, Mapping):
        return {key: fill(child, answer, content) for key, child in value.items()}
    if isinstance(value, list):
        return [fill(child, answer, content) for child in value]
    return value


def part_of(answer: Any, part: str) -> Any:
    """The part of an answer that a setting holds; an answer without parts is its own only part."""
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
