"""A text with Klaviyo's tags, filled with sample data: for the live preview, and for nothing else.

Safe by what it lacks: no engine of templates, no evaluation, no attributes; values are looked up in plain mappings and
lists, loops and sizes are bounded, and what a variable says is escaped unless the template says otherwise.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flowbuilder.kinds.samples import SAMPLE
from flowbuilder.kinds.tag_dates import date_text
from flowbuilder.kinds.tag_filters import VALUE_ERRORS, Safe, apply, as_text, currency
from flowbuilder.kinds.tag_logic import holds
from flowbuilder.kinds.tag_parsing import Expression, Operand, Token, name_of, read_expression, tokens, words
from flowbuilder.kinds.tag_tables import BLOCKS, CLOSINGS, LINKS, MIDDLES, RAW

MOST_ROUNDS = 100  # of one loop
MOST_STEPS = 20_000  # tags and texts of one preview, counted each time
MOST_TEXT = 2_000_000
DEEPEST = 30  # blocks in blocks; deeper ones stand as they are written
NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
_CONSTANTS: dict[str, Any] = {"True": True, "False": False, "None": None, "true": True, "false": False}
_MISSING: Any = object()


@dataclass(slots=True)
class _Block:
    """`parts` are what stands after the opening tag, and after each tag between: (its text, what stands there)."""

    name: str
    parts: list[tuple[str, list[Any]]]


class _Full(Exception):
    """The preview is as long as one may be."""


def render(
    text: str, context: Mapping[str, Any] = SAMPLE, *, escape: bool = True, now: datetime = NOW
) -> str:
    """The text as a recipient would get it. `escape`: it is HTML, so that what variables say is escaped."""
    renderer = _Renderer([context], escape, now)
    try:
        renderer.put_all(_tree(text))
    except _Full:
        renderer.out.append("…")
    return "".join(renderer.out)


def _tree(text: str) -> list[Any]:
    """Texts, tokens and blocks. What is not closed runs to the end; what closes nothing is nothing."""
    root: list[Any] = []
    here = root
    stack: list[tuple[_Block, list[Any]]] = []
    for token in tokens(text):
        name = name_of(token.text) if token.kind == "tag" else ""
        inside = stack[-1][0].name if stack else ""
        if inside in RAW and name != BLOCKS[inside][0]:
            here.append(token.raw)
        elif name in BLOCKS and len(stack) < DEEPEST:
            block = _Block(name, [(token.text, [])])
            here.append(block)
            stack.append((block, here))
            here = block.parts[0][1]
        elif name in CLOSINGS and any(block.name == CLOSINGS[name] for block, _ in stack):
            while True:
                block, here = stack.pop()
                if block.name == CLOSINGS[name]:
                    break
        elif name in MIDDLES and inside and name in BLOCKS[inside][1]:
            stack[-1][0].parts.append((token.text, []))
            here = stack[-1][0].parts[-1][1]
        elif token.kind != "note":
            here.append(token.raw if token.kind == "text" else token)
    return root


@dataclass
class _Renderer:
    scopes: list[Mapping[str, Any]]
    escape: bool
    now: datetime
    out: list[str] = field(default_factory=list)
    steps: int = 0
    length: int = 0

    def put_all(self, nodes: list[Any]) -> None:
        for node in nodes:
            self._spend(1)
            if isinstance(node, str):
                self.put(node)
            elif isinstance(node, _Block):
                self._block(node)
            elif node.kind == "variable":
                self._say(self.value(read_expression(node.text)))
            else:
                self._tag(node)

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise _Full

    def put(self, text: str) -> None:
        self.length += len(text)
        if self.length > MOST_TEXT:
            raise _Full
        self.out.append(text)

    def _say(self, value: Any) -> None:
        text = as_text("" if value is _MISSING else value)
        self.put(text if isinstance(value, Safe) or not self.escape else html.escape(text))

    # --- Values ------------------------------------------------------------------------------------------------

    def value(self, expression: Expression) -> Any:
        self._spend(1 + len(expression.filters))
        value = self._operand(expression.start)
        for name, argument in expression.filters:
            given = None if argument is None else self._operand(argument)
            value = apply(name, "" if value is _MISSING else value, "" if given is _MISSING else given)
        return value

    def _operand(self, operand: Operand | None) -> Any:
        if operand is None:
            return _MISSING
        if operand.kind == "text":
            return Safe(operand.value)
        if operand.kind == "number":
            try:
                return float(operand.value) if "." in operand.value else int(operand.value)
            except ValueError:
                return _MISSING
        return self._find(operand.value)

    def _find(self, path: str) -> Any:
        if path in _CONSTANTS:
            return _CONSTANTS[path]
        first, *rest = path.split(".")
        value = next((scope[first] for scope in reversed(self.scopes) if first in scope), _MISSING)
        for step in rest:
            value = _step(value, step)
        return value

    def asked(self, text: str) -> Any:
        """A value in a condition: what is not there is None."""
        found = self.value(read_expression(text))
        return None if found is _MISSING else found

    def _arguments(self, texts: list[str]) -> list[str]:
        return [as_text("" if (one := self.asked(text)) is None else one) for text in texts]

    # --- Tags --------------------------------------------------------------------------------------------------

    def _tag(self, token: Token) -> None:
        name, *arguments = words(token.text) or [""]
        if name in LINKS:
            label = (self._arguments(arguments[:1]) or [LINKS[name]])[0]
            self._put_link(name, label)
        elif name.removesuffix("_link") in LINKS:
            self.put(f"#{name.removesuffix('_link')}")
        elif name in _SAYS:
            self._say(_SAYS[name](self.now))
        elif name in ("now", "today"):
            self._today(name, arguments)
        elif name == "currency_format":
            try:
                self._say(currency(self.asked(" ".join(arguments))))
            except VALUE_ERRORS:
                self._say("")
        elif name == "coupon_code":
            self._say("SAMPLE-CODE")
        elif name == "render_variable":
            self._say(self.asked(arguments[0]) if arguments else "")
        elif name == "update_property_link":
            link = (self._arguments(arguments[2:3]) or ["#"])[0]
            self._say(link if link.startswith(("https://", "http://")) else "#")
        elif name == "firstof":
            self._say(next((one for text in arguments if (one := self.asked(text))), ""))
        elif name == "cycle":
            self._cycle(arguments)
        elif name == "has_category" and "as" in arguments[:-1]:
            self.scopes[-1] = {**self.scopes[-1], arguments[arguments.index("as") + 1]: False}
        elif name not in _SILENT:
            self.put(token.raw if not self.escape else html.escape(token.raw))

    def _put_link(self, name: str, label: str) -> None:
        if self.escape:
            self.put(f'<a href="#{name}">{html.escape(label)}</a>')
        else:
            self.put(label)

    def _today(self, name: str, arguments: list[str]) -> None:
        letters = (self._arguments(arguments[:1]) or [""])[0]
        try:
            made = self.now.strftime(letters[:200]) if name == "today" else date_text(self.now, letters)
        except ValueError:
            made = ""
        if "as" in arguments[:-1]:
            self.scopes[-1] = {**self.scopes[-1], arguments[arguments.index("as") + 1]: made}
        else:
            self._say(made)

    def _cycle(self, arguments: list[str]) -> None:
        loop = self._find("forloop")
        at = loop["counter0"] if isinstance(loop, Mapping) else 0
        if arguments:
            self._say(self.asked(arguments[at % len(arguments)]))

    # --- Blocks ------------------------------------------------------------------------------------------------

    def _block(self, block: _Block) -> None:
        head, nodes = block.parts[0]
        match block.name:
            case "if":
                self._if(block)
            case "for":
                self._for(block)
            case "comment":
                return
            case "autoescape":
                before, self.escape = self.escape, self.escape and head.split()[-1] != "off"
                self.put_all(nodes)
                self.escape = before
            case "filter":
                self._filtered(head, nodes)
            case _:
                self.scopes.append(dict(self._named(block.name, head)))
                self.put_all(nodes)
                self.scopes.pop()

    def _named(self, name: str, head: str) -> Iterator[tuple[str, Any]]:
        """The names that a block gives to values: “a=b c=d” or “b as a”."""
        arguments = words(head)[1:]
        if name == "with":
            for text in arguments:
                left, equals, right = text.partition("=")
                if equals:
                    yield left, self.asked(right)
        if name == "catalog":
            yield "catalog_item", self.asked("catalog_item") or SAMPLE["catalog_item"]
        if "as" in arguments[1:-1]:
            at = arguments.index("as", 1)
            found = self.asked(" ".join(arguments[:at])) if name == "with" else {}
            yield arguments[at + 1], [] if name == "customobjects" else found

    def _if(self, block: _Block) -> None:
        for head, nodes in block.parts:
            said = words(head)
            if said[:1] == ["else"] or holds(said[1:], self.asked):
                self.put_all(nodes)
                return

    def _for(self, block: _Block) -> None:
        said = words(block.parts[0][0])
        at = said.index("in") if "in" in said else len(said)
        rows = self._rows(said[at + 1 :])
        names = [name for one in said[1:at] for name in one.split(",") if name]
        above = self._find("forloop")
        for index, row in enumerate(rows):
            loop = {
                "counter": index + 1,
                "counter0": index,
                "revcounter": len(rows) - index,
                "revcounter0": len(rows) - index - 1,
                "first": index == 0,
                "last": index == len(rows) - 1,
                "parentloop": {} if above is _MISSING else above,
            }
            parts = row if len(names) > 1 and isinstance(row, list) else [row]
            self.scopes.append({**dict(zip(names, parts, strict=False)), "forloop": loop})
            self.put_all(block.parts[0][1])
            self.scopes.pop()
        if not rows:
            for head, nodes in block.parts[1:]:
                if name_of(head) == "empty":
                    self.put_all(nodes)

    def _rows(self, said: list[str]) -> list[Any]:
        backwards = len(said) > 1 and said[-1] == "reversed"
        found = self.asked(" ".join(said[:-1] if backwards else said))
        if isinstance(found, Mapping):
            rows = [str(key) for key in list(found)[:MOST_ROUNDS]]
        elif isinstance(found, list | str):
            rows = list(found[:MOST_ROUNDS])
        else:
            rows = []
        return rows[::-1] if backwards else rows

    def _filtered(self, head: str, nodes: list[Any]) -> None:
        before, self.out = self.out, []
        try:
            self.put_all(nodes)
        finally:
            inner, self.out = self.out, before
        made: Any = Safe("".join(inner))
        chain = read_expression(f"x|{head.removeprefix('filter').strip()}")
        self._spend(len(chain.filters))
        for name, argument in chain.filters:
            made = apply(name, made, None if argument is None else self._operand(argument))
        self._say(Safe(as_text(made)))


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        if step in value:
            return value[step]
        pairs = [[key, one] for key, one in list(value.items())[:MOST_ROUNDS]] if step == "items" else None
        return _MISSING if pairs is None else pairs
    if isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
        return value[int(step)]
    return _MISSING


_SAYS: dict[str, Callable[[datetime], Any]] = {
    "current_day": lambda now: now.day,
    "current_month": lambda now: now.month,
    "current_year": lambda now: now.year,
    "current_weekday": lambda now: date_text(now, "l"),
    "current_month_name": lambda now: date_text(now, "F"),
}
_SILENT = frozenset(
    {
        "load",
        "resetcycle",
        "regroup",
        "lorem",
        "barcode",
        "has_category",
        "widthratio",
        "",
        *CLOSINGS,
        *MIDDLES,
    }
)
