"""A very small language for "what may this JSON value be", which reports every error at once with its pointer.

Used by conditions.py, steps.py and rules.py. A shape is a function (value, pointer, report) -> None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from .errors import Problem


class Report:
    """Collects problems in the order in which they are found."""

    def __init__(self, kind: str = "flow") -> None:
        self.kind = kind
        self.problems: list[Problem] = []

    def add(self, pointer: str, detail: str) -> None:
        self.problems.append(Problem(detail, pointer))


Shape = Callable[[Any, str, Report], None]


def words(text: str) -> tuple[str, ...]:
    """Names in a row: easier to read than a list of quoted strings."""
    return tuple(text.split())


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(
    *, longest: int | None = None, pattern: str | None = None, blank: bool = True, hint: str = ""
) -> Shape:
    compiled = re.compile(pattern) if pattern else None

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(pointer, "Not a valid string.")
        elif not blank and not value.strip():
            report.add(pointer, "This field may not be blank.")
        elif longest is not None and len(value) > longest:
            report.add(pointer, f"Ensure this field has no more than {longest} characters.")
        elif compiled and not compiled.fullmatch(value):
            report.add(pointer, hint or f"'{value}' does not have the required form.")

    return check


def integer(low: int | None = None, high: int | None = None) -> Shape:
    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(pointer, "A valid integer is required.")
        elif low is not None and value < low:
            report.add(pointer, f"Ensure this value is greater than or equal to {low}.")
        elif high is not None and value > high:
            report.add(pointer, f"Ensure this value is less than or equal to {high}.")

    return check


def number(value: Any, pointer: str, report: Report) -> None:
    if not is_number(value):
        report.add(pointer, "A valid number is required.")


def boolean(value: Any, pointer: str, report: Report) -> None:
    if not isinstance(value, bool):
        report.add(pointer, "Must be a valid boolean.")


def moment(value: Any, pointer: str, report: Report) -> None:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        report.add(pointer, "Not a valid date and time in ISO 8601 form.")


def day(value: Any, pointer: str, report: Report) -> None:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        report.add(pointer, "Not a valid date of the form YYYY-MM-DD.")


def anything(value: Any, pointer: str, report: Report) -> None:
    """No check."""


def any_object(value: Any, pointer: str, report: Report) -> None:
    if not isinstance(value, dict):
        report.add(pointer, "Not a valid object.")


def one_of(*values: Any) -> Shape:
    def check(value: Any, pointer: str, report: Report) -> None:
        # type() too, since True == 1 in Python
        if not any(type(value) is type(known) and value == known for known in values):
            listed = ", ".join(repr(known) for known in values[:12])
            report.add(pointer, f"'{value}' is not a valid choice. Choices: {listed}.")

    return check


def null(value: Any, pointer: str, report: Report) -> None:
    if value is not None:
        report.add(pointer, "This field must be null.")


def maybe(shape: Shape) -> Shape:
    def check(value: Any, pointer: str, report: Report) -> None:
        if value is not None:
            shape(value, pointer, report)

    return check


def either(first: Shape, *others: Shape) -> Shape:
    """Passes if one of the shapes passes; otherwise the first one's complaint stands."""

    def check(value: Any, pointer: str, report: Report) -> None:
        for shape in (first, *others):
            trial = Report(report.kind)
            shape(value, pointer, trial)
            if not trial.problems:
                return
        first(value, pointer, report)

    return check


def listing(shape: Shape, *, least: int = 0, most: int | None = None) -> Shape:
    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(pointer, "Expected a list of items.")
            return
        if len(value) < least:
            report.add(
                pointer,
                "This list may not be empty." if least == 1 else f"At least {least} items are required.",
            )
        if most is not None and len(value) > most:
            report.add(pointer, f"At most {most} items are allowed.")
        for i, item in enumerate(value):
            shape(item, f"{pointer}/{i}", report)

    return check


def each_value(shape: Shape) -> Shape:
    """An object with free keys and checked values."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "Not a valid object.")
            return
        for key, item in value.items():
            shape(item, f"{pointer}/{key}", report)

    return check


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these keys and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "Not a valid object.")
            return
        for key in value:
            if key not in known:
                report.add(
                    f"{pointer}/{key}", f"'{key}' is not a valid field for the resource '{report.kind}'."
                )
        for key in required:
            if key not in value:
                report.add(
                    f"{pointer}/{key}", f"'{key}' is a required field for the resource '{report.kind}'."
                )
        for key, shape in known.items():
            if key in value:
                shape(value[key], f"{pointer}/{key}", report)

    return check


def tagged(tag: str, variants: Mapping[Any, Shape]) -> Shape:
    """An object whose key `tag` says which of the shapes applies."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "Not a valid object.")
        elif tag not in value:
            report.add(f"{pointer}/{tag}", f"'{tag}' is a required field for the resource '{report.kind}'.")
        elif not isinstance(value[tag], str | bool) or value[tag] not in variants:
            listed = ", ".join(str(name) for name in variants)
            report.add(f"{pointer}/{tag}", f"'{value[tag]}' is not a valid choice. Choices: {listed}.")
        else:
            variants[value[tag]](value, pointer, report)

    return check


def all_of(*shapes: Shape) -> Shape:
    def check(value: Any, pointer: str, report: Report) -> None:
        for shape in shapes:
            shape(value, pointer, report)

    return check
