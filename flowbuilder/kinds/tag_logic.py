"""The condition of an `if` tag: and, or, not, in, and comparisons, as Django reads them. Pure; for rendering.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 100  # words of a condition
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
    "in": lambda a, b: _within(a, b),
    "not in": lambda a, b: not _within(a, b),
    "is": lambda a, b: a is b,
    "is not": lambda a, b: a is not b,
}


def holds(said: list[str], value: Callable[[str], Any]) -> bool:
    """Whether a condition, in words, is true; one that makes no sense is not."""
    if not said or len(said) > LONGEST:
        return False
    return any(all(_one(part, value) for part in _split(side, "and")) for side in _split(said, "or"))


def _split(said: list[str], joint: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in said:
        if word == joint:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _one(said: list[str], value: Callable[[str], Any]) -> bool:
    """`not`s, then a value, or two with a comparison between them."""
    turned = False
    while said and said[0] == "not":
        turned, said = not turned, said[1:]
    return turned != _compare(said, value)


def _compare(said: list[str], value: Callable[[str], Any]) -> bool:
    for at in range(1, len(said) - 1):
        for length in (2, 1):
            sign = " ".join(said[at : at + length])
            if sign in _COMPARED and at + length < len(said):
                left, right = value(" ".join(said[:at])), value(" ".join(said[at + length :]))
                try:
                    return _COMPARED[sign](left, right)
                except TypeError:
                    return False
    return bool(value(" ".join(said))) if said else False


def _within(one: Any, many: Any) -> bool:
    if isinstance(many, str):
        return isinstance(one, str) and one in many
    return isinstance(many, list | Mapping) and one in many
