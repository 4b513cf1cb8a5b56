"""The `filter` and `sort` parameters: read them, check them against what an endpoint allows, apply them.

Used by the list handlers. Grammar: op(field,value), joined by and(...) or by commas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from .call import Call
from .errors import bad_parameter

T = TypeVar("T")
Allowed = dict[str, frozenset[str]]  # field -> operators
RANGE = frozenset({"equals", "greater-or-equal", "greater-than", "less-or-equal", "less-than"})
TEXT = frozenset({"contains", "ends-with", "equals", "starts-with"})
ANY = frozenset({"any"})
EQUALS = frozenset({"equals"})
DATES = ("created", "updated")

TOKEN = re.compile(
    r"""\s*(?:([A-Za-z_][\w.\-]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([(),\[\]])|([^\s(),\[\]"']+))"""
)

Test = tuple[str, str, Any]  # operator, field, value


class Reader:
    """Recursive descent over the filter text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = TOKEN.match(text, position)
            if not match:
                raise self.error()
            self.tokens.append(next(group for group in match.groups() if group is not None))
            position = match.end()
        self.at = 0

    def error(self) -> Exception:
        return bad_parameter("filter", f"Invalid filter provided: {self.text}")

    def take(self, expected: str | None = None) -> str:
        if self.at >= len(self.tokens) or (expected and self.tokens[self.at] != expected):
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def tests(self, end: str | None) -> list[Test]:
        out: list[Test] = []
        while True:
            operator = self.take()
            self.take("(")
            if operator == "and":
                out += self.tests(")")
            else:
                field = self.take()
                self.take(",")
                out.append((operator, field, self.value()))
            self.take(")")
            if self.peek() != ",":
                break
            self.take(",")
        if self.peek() != end:
            raise self.error()
        return out

    def value(self) -> Any:
        if self.peek() == "[":
            self.take("[")
            out = [self.scalar()]
            while self.peek() == ",":
                self.take(",")
                out.append(self.scalar())
            self.take("]")
            return out
        return self.scalar()

    def scalar(self) -> Any:
        word = self.take()
        if word[0] == '"':
            try:
                return json.loads(word)
            except ValueError:
                raise self.error() from None
        if word[0] == "'":
            return word[1:-1]
        if word in ("true", "false"):
            return word == "true"
        if word in "(),[]":
            raise self.error()
        return word


def moment(text: Any, name: str) -> datetime:
    try:
        value = datetime.fromisoformat(str(text))
    except ValueError:
        raise bad_parameter("filter", f"'{text}' is not a valid date for the field '{name}'.") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda have, want: have == want,
    "any": lambda have, want: have in want,
    "contains": lambda have, want: want.lower() in have.lower(),
    "starts-with": lambda have, want: have.lower().startswith(want.lower()),
    "ends-with": lambda have, want: have.lower().endswith(want.lower()),
    "greater-than": lambda have, want: have > want,
    "greater-or-equal": lambda have, want: have >= want,
    "less-than": lambda have, want: have < want,
    "less-or-equal": lambda have, want: have <= want,
}


def read_filter(call: Call, allowed: Allowed) -> list[Test]:
    text = call.query.get("filter")
    if text is None:
        return []
    tests = Reader(text).tests(None)
    checked: list[Test] = []
    for operator, field, value in tests:
        if field not in allowed:
            raise bad_parameter("filter", f"'{field}' is not a filterable field.")
        if operator not in allowed[field]:
            known = ", ".join(sorted(allowed[field]))
            raise bad_parameter(
                "filter", f"Operator '{operator}' is not allowed on '{field}'. Allowed: {known}."
            )
        if (operator == "any") != isinstance(value, list):
            raise bad_parameter("filter", f"Operator '{operator}' got the wrong kind of value.")
        if field in DATES:
            value = moment(value, field)
            # Observed: a bound in the future is refused, and a date filter dictates the sort.
            if value.timestamp() > call.store.now():
                raise bad_parameter(
                    "filter", f"The date of the filter on '{field}' may not be in the future."
                )
            if (call.query.get("sort") or field).lstrip("-") != field:
                raise bad_parameter("sort", f"With a filter on '{field}', sort must be '{field}' or absent.")
        elif field in ("archived", "is_active", "is_starred"):
            if not isinstance(value, bool) and operator == "equals":
                raise bad_parameter("filter", f"'{field}' takes true or false.")
        elif not all(isinstance(part, str) for part in (value if isinstance(value, list) else [value])):
            raise bad_parameter("filter", f"'{field}' takes a string.")
        checked.append((operator, field, value))
    return checked


def select(call: Call, items: Sequence[T], allowed: Allowed, look: Callable[[T, str], Any]) -> list[T]:
    """The items that pass the request's filter; `look(item, field)` gives a field's value."""
    out = list(items)
    for operator, field, value in read_filter(call, allowed):
        compare = COMPARE[operator]

        def passes(item: T, field: str = field, value: Any = value, compare: Any = compare) -> bool:
            have = look(item, field)
            if have is None:
                return False
            return bool(compare(moment(have, field) if field in DATES else have, value))

        out = [item for item in out if passes(item)]
    return out


def ordered(call: Call, items: list[T], fields: tuple[str, ...], look: Callable[[T, str], Any]) -> list[T]:
    """The items in the order of the `sort` parameter; without one, in the order of creation."""
    sort = call.query.get("sort")
    if sort is None:
        return items
    field = sort.lstrip("-")
    if field not in fields or sort.startswith("--"):
        raise bad_parameter("sort", f"'{sort}' is not a sortable field. Allowed: {', '.join(fields)}.")
    return sorted(items, key=lambda item: str(look(item, field) or ""), reverse=sort.startswith("-"))
