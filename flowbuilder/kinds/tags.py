"""Klaviyo's template tags in texts: what is wrong with them, and what they say with sample data.

    list(check_tags("Hi {{ person.first_name|default:'you' }"))  ->  [TagProblem("tag-unclosed", ..., line=1, column=4)]
    render("Hi {{ first_name }}", SAMPLE)                         ->  "Hi Alex"

Unclosed and mismatched tags block: Klaviyo refuses such a template, or prints it as it stands. A tag or filter that
is in no table is only a warning.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from flowbuilder.graph.values import Path
from flowbuilder.kinds.base import Finding
from flowbuilder.kinds.rendering import render
from flowbuilder.kinds.samples import SAMPLE
from flowbuilder.kinds.tag_parsing import (
    LONGEST,
    Token,
    filters_in,
    has_curly_quotes,
    is_spaced,
    name_of,
    read_expression,
    tokens,
)
from flowbuilder.kinds.tag_tables import BLOCKS, CLOSINGS, FILTERS, INSTEAD, LINKS, MIDDLES, RAW, TAGS

__all__ = ["SAMPLE", "TagProblem", "check_tags", "has_unsubscribe", "render", "tag_findings"]

MOST_PROBLEMS = 100
_BRACES = {"{{": "}}", "{%": "%}"}  # “{#” alone is common in style sheets
_OPENED = re.compile(r"\{\{|\{%")
_LINKS = frozenset({*LINKS, *(f"{name}_link" for name in LINKS)})


@dataclass(frozen=True, slots=True)
class TagProblem:
    """`line` and `column` count from 1."""

    code: str
    text: str
    line: int
    column: int
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class _Wrong:
    code: str
    text: str
    at: int
    blocks: bool = True


def check_tags(text: str) -> Iterator[TagProblem]:
    """Everything that is wrong with the tags of a text, in its order; at most MOST_PROBLEMS."""
    found = sorted(islice(_Checker(text).run(), MOST_PROBLEMS * 10), key=lambda one: one.at)[:MOST_PROBLEMS]
    starts = [0, *(match.end() for match in re.finditer("\n", text))] if found else []
    for one in found:
        line = bisect_right(starts, one.at)
        yield TagProblem(one.code, one.text, line, one.at - starts[line - 1] + 1, one.blocks)


def tag_findings(text: str | None, path: Path) -> Iterator[Finding]:
    """The same as findings of the setting at `path`."""
    several = "\n" in (text or "")
    for one in check_tags(text or ""):
        yield Finding(one.code, f"Line {one.line}: {one.text}" if several else one.text, path, one.blocks)


def has_unsubscribe(text: str) -> bool:
    """Whether a recipient finds a way out in it, as every marketing email must offer."""
    ways = {"unsubscribe", "unsubscribe_link", "manage_preferences", "manage_preferences_link"}
    return any(one.kind == "tag" and name_of(one.text) in ways for one in tokens(text))


class _Checker:
    """Goes through the tokens of one text with the blocks that are open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[tuple[str, int]] = []
        self.count: Counter[str] = Counter()  # of those that are open, by name
        self.closed_by_else: set[int] = set()

    def run(self) -> Iterator[_Wrong]:
        for token in tokens(self.text):
            inside = self.open[-1][0] if self.open else ""
            if inside in RAW and not (token.kind == "tag" and name_of(token.text) == BLOCKS[inside][0]):
                continue
            if token.kind == "text":
                yield from self._stray(token)
            elif token.kind == "variable":
                yield from self._variable(token)
            elif token.kind == "tag":
                yield from self._tag(token)
        for name, at in self.open:
            yield _Wrong(
                "block-unclosed", f"“{{% {name} %}}” is never closed: add “{{% {BLOCKS[name][0]} %}}”.", at
            )

    def _stray(self, token: Token) -> Iterator[_Wrong]:
        for match in _OPENED.finditer(token.text):
            closing = _BRACES[match[0]]
            at = token.at + match.start()
            end = self.text.find(closing, at + 2, at + LONGEST)
            if end != -1 and not _OPENED.search(self.text, at + 2, end):
                text = f"“{match[0]}” and its “{closing}” must stand on one line."
                yield _Wrong("tag-across-lines", text, at, blocks=False)
            else:
                yield _Wrong("tag-unclosed", f"“{match[0]}” is never closed: add “{closing}”.", at)

    def _variable(self, token: Token) -> Iterator[_Wrong]:
        if not token.text:
            yield _Wrong("tag-empty", "Nothing stands between “{{” and “}}”: name a variable.", token.at)
            return
        if (wrong := self._marks(token)) is not None:
            yield wrong
            return
        expression = read_expression(token.text)
        if expression.rest:
            text = f"“{_short(token.raw)}” cannot be read from “{_short(expression.rest)}” on."
            yield _Wrong("tag-unreadable", text, token.at, blocks=False)
        elif expression.start and expression.start.value in _LINKS:
            name = expression.start.value
            text = f"“{name}” is a tag and no variable: write “{{% {name} %}}”."
            yield _Wrong("tag-as-variable", text, token.at, blocks=False)
        yield from self._filters((name for name, _ in expression.filters), token)

    def _tag(self, token: Token) -> Iterator[_Wrong]:
        name = name_of(token.text)
        if not name:
            yield _Wrong("tag-empty", "Nothing stands between “{%” and “%}”: name a tag.", token.at)
            return
        if (wrong := self._marks(token)) is not None:
            yield wrong
        if name in CLOSINGS:
            yield from self._close(name, token)
        elif name in MIDDLES:
            yield from self._between(name, token)
        elif name in BLOCKS:
            self.open.append((name, token.at))
            self.count[name] += 1
        elif name not in TAGS:
            instead = INSTEAD.get(name)
            hint = f"Klaviyo writes “{instead}” for it." if instead else "Klaviyo may refuse it."
            yield _Wrong(
                "tag-unknown", f"“{{% {_short(name)} %}}” is no tag known here. {hint}", token.at, False
            )
        yield from self._filters(filters_in(token.text), token)

    def _marks(self, token: Token) -> _Wrong | None:
        if has_curly_quotes(token.text):
            text = f"“{_short(token.raw)}” has curly quotes: write straight ones, ' or \"."
            return _Wrong("tag-quotes", text, token.at)
        if is_spaced(token.text):
            text = f"“{_short(token.raw)}” has a space beside the colon of a filter: take it out."
            return _Wrong("tag-filter-space", text, token.at)
        return None

    def _close(self, name: str, token: Token) -> Iterator[_Wrong]:
        wanted = CLOSINGS[name]
        if not self.count[wanted]:
            yield _Wrong(
                "block-unopened",
                f"“{{% {name} %}}” closes nothing: there is no “{{% {wanted} %}}”.",
                token.at,
            )
            return
        while self.open:
            opened, at = self.open.pop()
            self.count[opened] -= 1
            self.closed_by_else.discard(at)
            if opened == wanted:
                return
            closing = BLOCKS[opened][0]
            yield _Wrong(
                "block-mismatched",
                f"“{{% {opened} %}}” must be closed by “{{% {closing} %}}” before “{{% {name} %}}”.",
                at,
            )

    def _between(self, name: str, token: Token) -> Iterator[_Wrong]:
        opened, at = self.open[-1] if self.open else ("", -1)
        if name == "else" and token.text != "else":
            yield _Wrong("tag-misplaced", f"“{_short(token.raw)}”: write “{{% elif … %}}” instead.", token.at)
        elif opened not in BLOCKS or name not in BLOCKS[opened][1]:
            where = f"in “{{% {opened} %}}”" if opened else "outside of any block"
            yield _Wrong("tag-misplaced", f"“{{% {name} %}}” has no place {where}.", token.at)
        elif at in self.closed_by_else:
            yield _Wrong(
                "tag-misplaced", f"“{{% {name} %}}” comes after “{{% else %}}”, which must be last.", token.at
            )
        elif name in ("else", "empty"):
            self.closed_by_else.add(at)

    def _filters(self, names: Iterator[str], token: Token) -> Iterator[_Wrong]:
        for name in names:
            if name not in FILTERS:
                text = f"“{_short(name)}” is no filter known here. Klaviyo may refuse it."
                yield _Wrong("tag-filter-unknown", text, token.at, blocks=False)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
