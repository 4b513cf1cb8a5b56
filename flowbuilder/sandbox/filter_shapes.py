"""The filters inside conditions: which operators a type has, and what else such a filter carries.

Used by conditions.py and consent.py. From the official OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .shape import (
    Report,
    Shape,
    anything,
    boolean,
    either,
    integer,
    listing,
    maybe,
    moment,
    number,
    one_of,
    record,
    text,
    words,
)

STRING = text()
STRINGS = listing(STRING)
UNIT = one_of("hour", "day", "week")

# (type, operator) -> the other keys of such a filter
FILTERS: dict[tuple[str, str], dict[str, Shape]] = {}


def define(kind: str, operators: str, **fields: Shape) -> frozenset[tuple[str, str]]:
    """Register one family of filters; returns its (type, operator) pairs."""
    pairs = frozenset((kind, operator) for operator in words(operators))
    for pair in pairs:
        FILTERS[pair] = fields
    return pairs


TEXT = define(
    "string",
    "contains ends-with equals not-contains not-ends-with not-equals not-starts-with nregex regex starts-with",
    value=maybe(STRING),
)
TEXT_IN = define("string", "in not-in", value=STRINGS)
PHONE = define("string", "phone-country-code-in phone-country-code-not-in", value=STRINGS)
NUMERIC = define(
    "numeric",
    "equals greater-than greater-than-or-equal less-than less-than-or-equal not-equals",
    value=number,
)
NUMERIC_RANGE = define("numeric", "between", start=number, end=number)
BOOLEAN = define("boolean", "equals", value=boolean)
DATE = define("date", "after before", date=moment)
DATE_RANGE = define("date", "between-static", start=moment, end=moment)
RELATIVE = define("date", "at-least in-the-last in-the-next", unit=UNIT, quantity=integer(0))
RELATIVE_ANNIVERSARY = define("date", "anniversary-last anniversary-next", unit=UNIT, quantity=integer(0))
RELATIVE_RANGE = define("date", "between", start=integer(), end=integer(), unit=UNIT)
CALENDAR = define("date", "calendar-month", value=integer(1, 12))
ANNIVERSARY = define("date", "anniversary anniversary-month")
ALLTIME = define("date", "alltime")
FLOW_START = define("date", "flow-start")
LIST_CONTAINS = define("list", "contains not-contains", value=maybe(either(STRING, integer())))
LIST_LENGTH = define(
    "list",
    "length-equals length-greater-than length-greater-than-or-equal length-less-than length-less-than-or-equal",
    value=integer(),
)
LIST_SET = define("list", "contains-all contains-any not-contains-all not-contains-any", value=STRINGS)
LIST_SUBSTRING = define("list", "contains-substring not-contains-substring", value=maybe(STRING))
EXISTENCE = define("existence", "is-set not-set")

IN_THE_LAST = frozenset({("date", "in-the-last")})
ANY_DATE = DATE | DATE_RANGE | RELATIVE | RELATIVE_ANNIVERSARY | RELATIVE_RANGE | CALENDAR | ANNIVERSARY
COMMON = TEXT | TEXT_IN | NUMERIC | BOOLEAN | ANY_DATE | LIST_CONTAINS | LIST_LENGTH | EXISTENCE
EVENT = COMMON | NUMERIC_RANGE
METRIC = TEXT | TEXT_IN | EXISTENCE | LIST_SET | LIST_LENGTH | LIST_SUBSTRING | BOOLEAN | NUMERIC
SPAN = DATE | DATE_RANGE | RELATIVE | RELATIVE_RANGE


def filter_of(pairs: Iterable[tuple[str, str]]) -> Shape:
    """A filter object whose (type, operator) is one of `pairs`."""
    allowed = frozenset(pairs)
    kinds = sorted({kind for kind, _ in allowed})

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "Not a valid object.")
            return
        kind, operator = value.get("type"), value.get("operator")
        if kind not in kinds:
            report.add(f"{pointer}/type", f"'{kind}' is not a valid choice. Choices: {', '.join(kinds)}.")
            return
        if not isinstance(operator, str) or (kind, operator) not in allowed:
            known = ", ".join(sorted(name for family, name in allowed if family == kind))
            report.add(f"{pointer}/operator", f"'{operator}' is not a valid choice. Choices: {known}.")
            return
        record({"type": anything, "operator": anything, **FILTERS[kind, operator]})(value, pointer, report)

    return check
