"""What the filters of Klaviyo's templates do to a value, for a preview: the common ones, as near as a preview needs.

A filter gets plain values and gives one. It may raise VALUE_ERRORS, and the preview then shows nothing there; one
that is not here leaves the value as it is. Nothing is evaluated, no attribute is read, and every size is bounded.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from flowbuilder.kinds.tag_dates import as_moment, date_text

VALUE_ERRORS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
LONGEST = 10_000  # characters of a text, and items of a list a tenth of that
MISSING_IMAGE = "https://www.klaviyo.com/media/images/missing_product_image.png"


class Safe(str):
    """A text that is markup already, and is not escaped again."""


def clip(value: Any) -> Any:
    if isinstance(value, Safe):
        return Safe(value[:LONGEST])
    if isinstance(value, str):
        return value[:LONGEST]
    return value[: LONGEST // 10] if isinstance(value, list) else value


def as_text(value: Any) -> str:
    """As Klaviyo prints a value."""
    if isinstance(value, str):
        return value
    try:
        made = json.dumps(value, default=str) if isinstance(value, Mapping | list) else str(value)
    except VALUE_ERRORS:
        return ""
    return made[:LONGEST]


def number(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("no number")
    return found


def _whole(value: Any) -> int:
    return max(-LONGEST, min(LONGEST, int(number(value))))


def tidy_number(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def lookup(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(as_text(key), "")
    if isinstance(value, list):
        return value[int(key)]
    return ""


def floatformat(value: Any, places: Any = None) -> str:
    """Django's: -1 shows one place only where there is one."""
    try:
        given = Decimal(as_text(value).strip())
    except InvalidOperation:
        return ""
    wanted = -1 if places is None else int(re.sub(r"[gu]", "", as_text(places)) or -1)
    wanted = max(-20, min(20, wanted))
    if not given.is_finite() or abs(given.adjusted()) > 50:
        return ""
    if wanted < 0 and given == given.to_integral_value():
        return f"{given:.0f}"
    text = given.quantize(Decimal(1).scaleb(-abs(wanted)), ROUND_HALF_UP)
    return f"{text:,f}" if "g" in as_text(places) else f"{text:f}"


def currency(value: Any) -> str:
    amount = number(value)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _slice(value: Any, argument: Any) -> Any:
    parts = [int(part) if part.strip() else None for part in as_text(argument).split(":")]
    if len(parts) == 1:
        parts = [None, parts[0]]
    return (value if isinstance(value, list) else as_text(value))[slice(*parts[:3])]


def _join(value: Any, joint: Any) -> str:
    made = ""
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        made += (as_text(joint) if index else "") + as_text(one)
        if len(made) > LONGEST:
            break
    return made


def _replace(value: Any, argument: Any, times: int = -1) -> str:
    """One argument with a bar inside it: “,|-”."""
    old, _, new = as_text(argument).partition("|")
    text = as_text(value)
    if not old or text.count(old) * len(new) > LONGEST * 10:
        return text
    return text.replace(old, new, times)


def _truncate(text: str, length: int, mark: str = "…") -> str:
    return text if len(text) <= length else text[: max(0, length - len(mark))] + mark


def _words(value: Any, argument: Any) -> str:
    words, most = as_text(value).split(), _whole(argument)
    return " ".join(words) if len(words) <= most else " ".join(words[: max(0, most)]) + " …"


def _yesno(value: Any, argument: Any) -> str:
    choices = as_text(argument or "yes,no,maybe").split(",")
    if value is None and len(choices) > 2:
        return choices[2]
    return choices[0] if value else choices[1]


def _pluralize(value: Any, argument: Any) -> str:
    one, _, many = (
        ("", "", as_text(argument or "s"))
        if "," not in as_text(argument or "s")
        else as_text(argument).partition(",")
    )
    amount = len(value) if isinstance(value, list) else number(value)
    return one if amount == 1 else many


def _sorted(value: Any, argument: Any) -> Any:
    if not isinstance(value, list):
        return value
    key = (lambda one: as_text(lookup(one, argument))) if argument is not None else as_text
    numbers = argument is None and all(isinstance(one, int | float) for one in value)
    return sorted(value) if numbers else sorted(value, key=key)


def _unique(value: Any, argument: Any) -> Any:
    seen: dict[str, Any] = {}
    for one in value if isinstance(value, list) else [value]:
        seen.setdefault(as_text(lookup(one, argument) if argument is not None else one), one)
    return list(seen.values())


def _and_list(value: Any, _: Any) -> str:
    texts = [as_text(one) for one in (value if isinstance(value, list) else [value])]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _date(value: Any, argument: Any) -> str:
    moment = as_moment(value)
    return date_text(moment, as_text(argument or "N j, Y")) if moment else ""


def _later(value: Any, days: Any) -> str:
    moment = as_moment(value) or datetime.now(UTC)
    return (moment + timedelta(days=_whole(days))).isoformat()


def _percent(value: Any, places: Any) -> str:
    return f"{number(value) * 100:.{max(0, min(10, _whole(places or 0)))}f}%"


def _rounded(value: Any, places: Any, how: Callable[[float], int]) -> Any:
    by = 10 ** max(0, min(10, _whole(places or 0)))
    return tidy_number(how(number(value) * by) / by)


def _hashed(name: str) -> Callable[[Any, Any], str]:
    return lambda value, _: hashlib.new(name, as_text(value).encode(), usedforsecurity=False).hexdigest()


def _http(value: Any, scheme: str) -> str:
    text = as_text(value)
    return text if text.startswith(("http://", "https://")) else f"{scheme}://{text.lstrip('/')}"


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(as_text(value))


_STRIPPED = re.compile(r"<[^<>]*>")
Filter = Callable[[Any, Any], Any]
FUNCTIONS: dict[str, Filter] = {
    "abs": lambda v, a: tidy_number(abs(number(v))),
    "add": lambda v, a: int(v) + int(a) if _both_whole(v, a) else as_text(v) + as_text(a),
    "append": lambda v, a: as_text(v) + as_text(a),
    "at_least": lambda v, a: tidy_number(max(number(v), number(a))),
    "at_most": lambda v, a: tidy_number(min(number(v), number(a))),
    "base64_decode": lambda v, a: base64.b64decode(as_text(v)).decode(),
    "base64_encode": lambda v, a: base64.b64encode(as_text(v).encode()).decode(),
    "base64_url_safe_encode": lambda v, a: base64.urlsafe_b64encode(as_text(v).encode()).decode(),
    "capfirst": lambda v, a: as_text(v)[:1].upper() + as_text(v)[1:],
    "ceil": lambda v, a: math.ceil(number(v)),
    "compact": lambda v, a: [one for one in v if one is not None] if isinstance(v, list) else v,
    "concat": lambda v, a: (
        [*v, *a] if isinstance(v, list) and isinstance(a, list) else as_text(v) + as_text(a)
    ),
    "currency_format": lambda v, a: currency(v),
    "cut": lambda v, a: as_text(v).replace(as_text(a), "") if a else v,
    "date": _date,
    "datetime_from_string": lambda v, a: as_moment(v) or "",
    "days_later": _later,
    "default": lambda v, a: v if v else a,
    "default_if_none": lambda v, a: a if v is None else v,
    "divide": lambda v, a: tidy_number(number(v) / number(a)),
    "divisibleby": lambda v, a: number(v) % number(a) == 0,
    "escape": lambda v, a: Safe(html.escape(as_text(v))) if not isinstance(v, Safe) else v,
    "find_replace": _replace,
    "first": lambda v, a: _items(v)[0] if _items(v) else "",
    "floatadd": lambda v, a: tidy_number(round(number(v) + number(a), 10)),
    "floatformat": floatformat,
    "floatsub": lambda v, a: tidy_number(round(number(v) - number(a), 10)),
    "floor": lambda v, a: math.floor(number(v)),
    "format_date_string": lambda v, a: as_moment(v) or "",
    "gt": lambda v, a: number(v) > number(a),
    "gte": lambda v, a: number(v) >= number(a),
    "httpize": lambda v, a: _http(v, "http"),
    "httpsize": lambda v, a: _http(v, "https"),
    "join": _join,
    "last": lambda v, a: _items(v)[-1] if _items(v) else "",
    "length": lambda v, a: len(v) if isinstance(v, Mapping) else len(_items(v)),
    "linebreaksbr": lambda v, a: Safe(_escaped(v).replace("\n", "<br>")),
    "list_to_string": _and_list,
    "lookup": lookup,
    "lower": lambda v, a: as_text(v).lower(),
    "lstrip": lambda v, a: as_text(v).lstrip(),
    "lt": lambda v, a: number(v) < number(a),
    "lte": lambda v, a: number(v) <= number(a),
    "map": lambda v, a: [lookup(one, a) for one in v] if isinstance(v, list) else v,
    "md5_hash": _hashed("md5"),
    "missing_image": lambda v, a: v or MISSING_IMAGE,
    "missing_product_image": lambda v, a: v or MISSING_IMAGE,
    "modulo": lambda v, a: tidy_number(number(v) % number(a)),
    "multiply": lambda v, a: tidy_number(round(number(v) * number(a), 10)),
    "percentize": _percent,
    "pluralize": _pluralize,
    "prepend": lambda v, a: as_text(a) + as_text(v),
    "random": lambda v, a: _items(v)[0] if _items(v) else "",  # a preview does not change by itself
    "remove": lambda v, a: as_text(v).replace(as_text(a), "") if a else v,
    "remove_first": lambda v, a: as_text(v).replace(as_text(a), "", 1) if a else v,
    "replace_first": lambda v, a: _replace(v, a, 1),
    "reverse": lambda v, a: v[::-1] if isinstance(v, list) else as_text(v)[::-1],
    "round": lambda v, a: _rounded(v, a, lambda one: math.floor(one + 0.5)),
    "round_down": lambda v, a: _rounded(v, a, math.floor),
    "round_up": lambda v, a: _rounded(v, a, math.ceil),
    "rstrip": lambda v, a: as_text(v).rstrip(),
    "safe": lambda v, a: Safe(as_text(v)),
    "sha_1": _hashed("sha1"),
    "sha_256": _hashed("sha256"),
    "slice": _slice,
    "slugify": lambda v, a: re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", as_text(v).lower())).strip("-_"),
    "sort": _sorted,
    "split": lambda v, a: as_text(v).split(as_text(a) if a else None),
    "strip": lambda v, a: as_text(v).strip(),
    "strip_html": lambda v, a: _STRIPPED.sub("", as_text(v)),
    "strip_newlines": lambda v, a: as_text(v).replace("\n", ""),
    "sum_list": lambda v, a: tidy_number(sum(map(number, v))) if isinstance(v, list) else v,
    "title": lambda v, a: re.sub(r"[A-Za-z]+('[A-Za-z]+)?", lambda m: m[0].capitalize(), as_text(v)),
    "trim_slash": lambda v, a: as_text(v).rstrip("/"),
    "truncate": lambda v, a: _truncate(as_text(v), _whole(a or 50)),
    "truncatewords": _words,
    "uniq": _unique,
    "upper": lambda v, a: as_text(v).upper(),
    "urldecode": lambda v, a: unquote(as_text(v)),
    "urldecodeplus": lambda v, a: unquote_plus(as_text(v)),
    "urlencode": lambda v, a: quote(as_text(v), safe="/" if a is None else as_text(a)),
    "urlencodeplus": lambda v, a: quote_plus(as_text(v)),
    "wordcount": lambda v, a: len(as_text(v).split()),
    "yesno": _yesno,
}
_ALIASES = {
    "capitalize": "capfirst",
    "count": "length",
    "downcase": "lower",
    "escape_once": "escape",
    "force_escape": "escape",
    "length_is": "length",
    "minus": "floatsub",
    "newline_to_br": "linebreaksbr",
    "plus": "floatadd",
    "remainder": "modulo",
    "size": "length",
    "sort_natural": "sort",
    "striptags": "strip_html",
    "truncatechars": "truncate",
    "upcase": "upper",
    "dictsort": "sort",
}
FUNCTIONS |= {alias: FUNCTIONS[name] for alias, name in _ALIASES.items()}


def apply(name: str, value: Any, argument: Any) -> Any:
    """What a filter makes of a value; nothing where it cannot."""
    function = FUNCTIONS.get(name)
    if function is None:
        return value
    try:
        return clip(function(clip(value), clip(argument)))
    except VALUE_ERRORS:
        return ""


def _escaped(value: Any) -> str:
    return value if isinstance(value, Safe) else html.escape(as_text(value))


def _both_whole(value: Any, argument: Any) -> bool:
    try:
        int(value), int(argument)
    except (ValueError, TypeError, OverflowError):
        return False
    return True
