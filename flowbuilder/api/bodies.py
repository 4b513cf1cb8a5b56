"""What may be sent: JSON of a bounded size and depth that can be stored as it is. Used by the views of this room."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from flowbuilder.api.errors import TooLarge

MAX_DEPTH = 80  # levels; a flow has at most 60, and stands inside a body
_ODD = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")  # halves of letters, and the letter that ends a text


class Json(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.IMPORT_MAX_BYTES
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise TooLarge(f"At most {limit:,} bytes may be sent.")
        try:
            value = json.loads(content, parse_constant=_no_number)
        except RecursionError:
            raise ParseError("This JSON is nested too deeply.") from None
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise ParseError(f"This is not JSON: {error.msg} at {place}.") from None
        except ValueError as error:  # not UTF-8, NaN, a number of a thousand digits
            raise ParseError(f"This is not JSON: {error}.") from None
        if _is_deep(value):
            raise ParseError("This JSON is nested too deeply.")
        if _ODD.search(content) and not _is_text(value):
            raise ParseError("This JSON holds characters that are no text.")
        return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _is_deep(value: Any) -> bool:
    todo = [(value, 1)]
    while todo:
        one, level = todo.pop()
        if level > MAX_DEPTH:
            return True
        children = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        todo += [(child, level + 1) for child in children]
    return False


def _is_text(value: Any) -> bool:
    """Whether databases keep every text in it."""
    try:
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in plain
