"""Texts that a browser posts, against the values that a form showed. For form.py only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from flowbuilder.kinds.asks import CONTENT, is_content


def is_untouched(widget: str, value: Any, chosen: Collection[str], texts: Sequence[str]) -> bool:
    """Whether a field came back as a browser sends it when nobody touched it. It shows less than a value holds: no
    seconds of a time, no hours of a date, no spaces around a text, no kinds of numbers. All of that stays."""
    if widget == "checkbox":
        return bool(texts) == bool(value)
    if widget in ("checks", "select"):
        return set(texts) == set(chosen)
    if widget == "pickers":
        shown = [_one_line(str(one)) for one in value if str(one) != ""] if isinstance(value, list) else []
        if [_one_line(text) for text in texts] == shown:
            return True
    return "\n".join(texts).replace("\r\n", "\n") in set(_as_shown(widget, value))


def _as_shown(widget: str, value: Any) -> Iterator[str]:
    """The texts that a browser may send for a value as it is."""
    values = value if isinstance(value, list) else ["" if value is None else value]
    text = "\n".join(str(one) for one in values)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    yield from (
        text,
        text.removeprefix("\n"),
        text.replace("\n", ""),
    )  # a text area, its first line, an input
    if isinstance(value, float):
        yield f"{value:g}"
    if (length := {"time": 5, "moment": 10}.get(widget)) is not None:
        yield text[:length]
        if not re.match(r"\d\d:\d\d|\d{4}-\d\d-\d\d", text):
            yield ""  # what is no time is not shown at all


def shown_as(widget: str, value: Any) -> Any:
    """What a field shows of a value: a share as percent, an email that is written here by its key."""
    if widget == "percent" and isinstance(value, int | float) and not isinstance(value, bool):
        percent = float(f"{value * 100:.12g}")
        return int(percent) if percent.is_integer() else percent
    if widget == "email" and is_content(value):
        return f"{_WRITTEN}{value[CONTENT]}"
    return value


_WRITTEN = "content:"


def read_email(text: str) -> Any:
    """“content:KEY” is an email of the library; everything else is the id of a Klaviyo template."""
    return {CONTENT: text.removeprefix(_WRITTEN)} if re.fullmatch(f"{_WRITTEN}.+", text) else text


def read_percent(text: str) -> float:
    number: float = read_number(int | float, text.removesuffix("%").strip())
    return float(f"{number / 100:.12g}")


def read_pairs(value: Any, posted: Sequence[tuple[str, str]]) -> Any:
    """A mapping of texts. What was not touched stays as it is, numbers and line ends too; blank keys are left out."""
    held = {str(key): one for key, one in value.items()} if isinstance(value, Mapping) else {}
    shown = [(_one_line(key), _one_line(_plain(one))) for key, one in held.items()]
    rows = [(_one_line(key), _one_line(text)) for key, text in posted if key or text]
    if rows == [row for row in shown if any(row)]:
        return value
    names = {_one_line(key): key for key in held}
    fresh: dict[str, Any] = {}
    for key, text in rows:
        name = names.get(key, key.strip())
        if name.strip():
            fresh[name] = held[name] if name in held and _one_line(_plain(held[name])) == text else text
    return fresh


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def is_same(value: Any, shown: Any) -> bool:
    """Whether a person left a field as it was: nothing, an empty text and an empty list look alike in a form."""
    if value in (None, "", [], {}) and shown in (None, "", [], {}):
        return True
    return bool(value == shown) and (isinstance(value, bool) == isinstance(shown, bool))


def read_number(base: Any, text: str) -> Any:
    """Digits, with a point or a comma before decimals. Not what Python takes beyond that: 1_000, nan, 1e999."""
    if re.fullmatch(r"[+-]?\d{1,15}", text, re.ASCII):
        return int(text)
    if base == int | str:
        return text
    if base is int:
        raise ValueError("Write a whole number.")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text, re.ASCII):
        raise ValueError("Write the number without commas between thousands.")
    if not re.fullmatch(r"[+-]?\d{0,15}[.,]?\d{1,15}", text, re.ASCII):
        raise ValueError("Write a number.")
    return float(text.replace(",", "."))
