"""What an answer to a question must be, and how it is said. Pure; what an account has is looked up elsewhere.

    value = checked(question, "3 days")      {"value": 3, "unit": "days"}, or WrongAnswer with a sentence
    told(question, True)                     "Yes"

Called by operations for every answer, whatever form or file it came from: texts are read as people write them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

from flowbuilder.kinds.base import count, digits, either

LONGEST_TEXT = 5000
LONGEST_ADDRESS = 2000  # of an image
LONGEST_DELAY = 10_000
UNITS = ("minutes", "hours", "days")
YES_NO = {True: "Yes", False: "No"}
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


class WrongAnswer(ValueError):
    """The sentence says what would be one."""


class Asking(Protocol):
    """A question, as far as its answers go: definition.frozen.Question is one."""

    @property
    def kind(self) -> str: ...
    @property
    def options(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def limits(self) -> Mapping[str, Any]: ...
    @property
    def default(self) -> Any: ...


def options_of(question: Asking) -> list[tuple[Any, str]]:
    """(value, label) of everything that can be answered; empty where it is anything."""
    if question.kind == "yes-no":
        return list(YES_NO.items())
    if question.kind == "choice":
        return [(one["value"], str(one["label"])) for one in question.options]
    return []


def has_unit(question: Asking) -> bool:
    """Whether a delay is answered with its unit; an older one asks for the amount alone."""
    return question.kind == "delay" and isinstance(question.default, Mapping)


def units_of(question: Asking) -> tuple[str, ...]:
    units = tuple(one for one in UNITS if one in (question.limits.get("units") or UNITS))
    return units or UNITS


def checked(question: Asking, value: Any) -> Any:
    """The answer as it is kept. WrongAnswer where it is none. Senders and things of an account are not judged here."""
    match question.kind:
        case "yes-no":
            return _yes_or_no(value)
        case "choice":
            return _choice(question, value)
        case "number":
            return _number(value, question.limits)
        case "delay":
            return _delay(question, value) if has_unit(question) else _amount(value)
        case "image":
            return _image(value)
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise WrongAnswer("Write something.")
    if len(text) > LONGEST_TEXT:
        raise WrongAnswer(f"Write at most {LONGEST_TEXT:,} characters.")
    if what := question.limits.get("inside"):
        return _inside(text, what)
    if form := question.limits.get("form"):
        return _time(text) if form == "time" else _day(text)
    if question.limits.get("lines"):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if "\n" in text and question.kind in ("coupon", "property"):
        raise WrongAnswer("Write it in one line.")
    return text


def _yes_or_no(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise WrongAnswer("Answer yes or no.")


def _choice(question: Asking, value: Any) -> Any:
    if question.limits.get("many"):
        given = value if isinstance(value, list) else [value]
        found = [_one_of(question, one) for one in given]
        return [option for option, _ in options_of(question) if option in found]
    if isinstance(value, list):
        raise WrongAnswer("Choose one.")
    return _one_of(question, value)


def _one_of(question: Asking, value: Any) -> Any:
    """By the value, else by what it is written as, else by its label."""
    options = options_of(question)
    text = as_text(value).strip()
    for is_it in (
        lambda option, label: type(option) is type(value) and option == value,
        lambda option, label: as_text(option) == text,
        lambda option, label: label.casefold() == text.casefold(),
    ):
        for option, label in options:
            if is_it(option, label):
                return option
    raise WrongAnswer(f"Choose {either([f'“{label}”' for _, label in options[:8]])}.")


def as_text(value: Any) -> str:
    """A value as a form posts it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, limits: Mapping[str, Any]) -> int | float:
    least, most = limits.get("least"), limits.get("most")
    text = str(value).strip().replace(",", ".")
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    number: int | float = int(found) if math.isfinite(found) and found == int(found) else found
    is_whole = isinstance(number, int)
    is_fine = not isinstance(value, bool) and math.isfinite(found) and text.isascii()
    if (
        not is_fine
        or (limits.get("whole") and not is_whole)
        or (least is not None and number < least)
        or (most is not None and number > most)
    ):
        raise WrongAnswer(f"Write {range_of(limits)}.")
    return number


def range_of(limits: Mapping[str, Any]) -> str:
    """“a whole number from 1 to 30”."""
    what = "a whole number" if limits.get("whole") else "a number"
    least, most = limits.get("least"), limits.get("most")
    if least is not None and most is not None:
        return f"{what} from {digits(least)} to {digits(most)}"
    if least is not None:
        return f"{what}, {digits(least)} or more"
    return f"{what}, {digits(most)} or less" if most is not None else what


def _amount(value: Any) -> int:
    text = str(value).strip()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LONGEST_DELAY:
        raise WrongAnswer(f"Write a whole number from 1 to {LONGEST_DELAY:,}.")
    return int(text)


def _delay(question: Asking, value: Any) -> dict[str, Any]:
    units = units_of(question)
    if isinstance(value, Mapping):
        amount, unit = value.get("value"), str(value.get("unit", ""))
    else:
        found = re.fullmatch(r"\s*(\d{1,9})\s*([a-z]*)\s*", str(value), re.ASCII | re.IGNORECASE)
        amount, unit = (found[1], found[2].lower() or units[-1]) if found else (value, units[-1])
        unit = unit if unit.endswith("s") else f"{unit}s"
    if unit not in units:
        raise WrongAnswer(f"Say how long in {either(list(units))}.")
    return {"value": _amount(amount), "unit": unit}


def _inside(text: str, what: str) -> str:
    """One that stands inside a longer text, or inside a tag or an attribute there: it ends none of them."""
    if any(one in "'\"{}<>\\" or not one.isprintable() for one in text):
        raise WrongAnswer("Write it in one line, without quotes, brackets and backslashes.")
    is_whole = " " not in text
    if what == "url" and not (is_whole and re.fullmatch(r"https?://[^/\s]+\S*", text)):
        raise WrongAnswer("Write a web address, beginning with https://.")
    if what == "address" and not (is_whole and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text)):
        raise WrongAnswer("Write an email address, such as hello@example.com.")
    return text


def _time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", text, re.ASCII):
        raise WrongAnswer("Write a time of day, such as 09:30.")
    return text if text.count(":") == 2 else f"{text}:00"


def _day(text: str) -> str:
    try:
        return f"{date.fromisoformat(text[:10]).isoformat()}T00:00:00+00:00"
    except ValueError:
        raise WrongAnswer("Write a day, such as 2026-03-31.") from None


def _image(value: Any) -> str:
    text = str(value).strip()
    sentence = "Write the address of an image, beginning with https://."
    if len(text) > LONGEST_ADDRESS or any(one.isspace() or one in "\"'<>" for one in text):
        raise WrongAnswer(sentence)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise WrongAnswer(sentence) from None
    if parts.scheme != "https" or not parts.hostname or "." not in parts.hostname:
        raise WrongAnswer(sentence)
    return text


def told(question: Asking, value: Any) -> str:
    """An answer in words."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(told(question, one) for one in value)
    for option, label in options_of(question):
        if type(option) is type(value) and option == value:
            return label
    if isinstance(value, Mapping):
        if question.kind == "delay":
            return count(value.get("value") or 0, str(value.get("unit", "")).removesuffix("s"))
        email, label = str(value.get("email", "")), str(value.get("label", ""))
        return email if label in ("", email) else f"{label}, {email}"
    if isinstance(value, bool):
        return YES_NO[value]
    return digits(value) if isinstance(value, int | float) else str(value)
