"""A text with Klaviyo's template tags -> tokens, and expressions -> their parts. Pure; for tags.py and rendering.py.

Nothing here judges or fails: what cannot be read is handed on as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "tag", "variable", "note"]
_OPEN = re.compile(r"\{[{%#]")
_KINDS: dict[str, tuple[Kind, str]] = {"{%": ("tag", "%}"), "{{": ("variable", "}}"), "{#": ("note", "#}")}
LONGEST = 2_000  # characters of one tag; a longer one is taken for text
_WORD = re.compile(r"""(?:[^\s'"]|"[^"]*"|'[^']*'|['"])+""")
_OPERAND = re.compile(
    r"""_?\(?(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)?"""
    r"""|(?P<number>[-+]?\d+(?:\.\d+)?(?![\w.]))"""
    r"""|(?P<path>[\w.]+)"""
)
_FILTER = re.compile(r"\s*\|\s*(?P<name>\w+)")
_SPACED = re.compile(r"""\|\s*\w+(?:\s+:|:\s)""")
_QUOTES = re.compile("[‘’“”]")


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what stands inside the braces; `raw` is all of it; `at` counts characters."""

    kind: Kind
    text: str
    raw: str
    at: int


@dataclass(frozen=True, slots=True)
class Operand:
    """A text in quotes, a number, or the path of a variable."""

    kind: Literal["text", "number", "path"]
    value: str


@dataclass(frozen=True, slots=True)
class Expression:
    """`person|lookup:'x'|default:0`. `rest` is what could not be read."""

    start: Operand | None
    filters: tuple[tuple[str, Operand | None], ...] = ()
    rest: str = ""


def tokens(text: str) -> Iterator[Token]:
    """As in Django, a tag ends on the line on which it began."""
    done = at = 0
    nearest = {closing: 0 for _, closing in _KINDS.values()}  # looked for once, however many tags are opened
    while (match := _OPEN.search(text, at)) is not None:
        kind, closing = _KINDS[match[0]]
        at = match.end()
        if -1 < nearest[closing] < at:
            nearest[closing] = text.find(closing, at)
        end = nearest[closing]
        if end == -1 or end - at > LONGEST or text.find("\n", at, end) != -1:
            at = match.start() + 1
            continue
        if match.start() > done:
            yield Token("text", text[done : match.start()], text[done : match.start()], done)
        done = end + len(closing)
        yield Token(kind, text[at:end].strip(), text[match.start() : done], match.start())
        at = done
    if done < len(text):
        yield Token("text", text[done:], text[done:], done)


def words(text: str) -> list[str]:
    """Split at spaces, but not inside quotes."""
    return _WORD.findall(text)


def name_of(tag: str) -> str:
    """“if” of “if a == b”."""
    return tag.split(None, 1)[0] if tag.split() else ""


def read_expression(text: str) -> Expression:
    text = text.strip()
    start, at = _operand(text, 0)
    if start is None:
        return Expression(None, (), text)
    filters: list[tuple[str, Operand | None]] = []
    while (match := _FILTER.match(text, at)) is not None:
        at, argument = match.end(), None
        if text[at : at + 1] == ":":
            argument, after = _operand(text, at + 1)
            if argument is None:
                break
            at = after
        filters.append((match["name"], argument))
    return Expression(start, tuple(filters), text[at:].strip())


def _operand(text: str, at: int) -> tuple[Operand | None, int]:
    match = _OPERAND.match(text, at)
    if match is None:
        return None, at
    for kind in ("text", "number", "path"):
        if (value := match[kind]) is not None:
            if kind == "text":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            return Operand(kind, value), match.end()
    return None, at


def without_quoted(text: str) -> str:
    """The same with nothing between straight quotes."""
    return re.sub(r"""'[^']*'|"[^"]*\"""", "''", text)


def is_spaced(text: str) -> bool:
    """A space beside the colon of a filter, which Klaviyo refuses."""
    return _SPACED.search(without_quoted(text)) is not None


def has_curly_quotes(text: str) -> bool:
    return _QUOTES.search(without_quoted(text)) is not None


def filters_in(text: str) -> Iterator[str]:
    """The names of all filters in the arguments of a tag."""
    for match in re.finditer(r"\|\s*([A-Za-z_]\w*)", without_quoted(text)):
        yield match[1]
