"""What an HTTP answer means: an Answer when it surely is what was asked for, else what we know as an
exception.

Called by client.py and oauth.py. Pure: no network, no clock of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.klaviyo import errors, limits
from accounts.klaviyo.wire import Heard

_IDS = ("x-klaviyo-request-id", "x-request-id", "request-id", "cf-ray")
_OF_USE = frozenset({"retry-after", "date", "revision", *_IDS})


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. `body`: the decoded JSON object, or None when there was none (204). `elapsed`: seconds.

    `headers_of_use`: lower-case names; rate limits, retry-after, request id, date, revision and nothing else.
    """

    status: int
    body: dict[str, Any] | None = field(repr=False)
    headers_of_use: Mapping[str, str]
    request_id: str | None
    elapsed: float


def read_answer(
    heard: Heard,
    *,
    elapsed: float,
    now: datetime,
    hide: Iterable[str] = (),
    may_be_empty: bool = False,
) -> Answer:
    """The Answer, or Throttled, Refused (and below) or Unknown. `hide`: texts the errors may not repeat.

    An empty body is accepted with 202 and 204, and otherwise only if `may_be_empty`.
    """
    request_id = _request_id(heard.headers)
    _raise_unless_success(heard, request_id, now, hide)
    body = None
    if heard.content or not (may_be_empty or heard.status in (202, 204)):
        body = _json_object(heard, request_id)
    return Answer(heard.status, body, _headers_of_use(heard.headers), request_id, elapsed)


def _raise_unless_success(heard: Heard, request_id: str | None, now: datetime, hide: Iterable[str]) -> None:
    status = heard.status
    if status in (200, 201, 202, 204):
        return
    if status == 429:
        wait = limits.retry_after(heard.headers.get("retry-after"), now)
        sentence = f"Klaviyo asks us to slow down; the next call is possible in {wait} seconds."
        raise errors.Throttled(sentence, retry_after=wait, request_id=request_id)
    if status in errors.DEFINITIVE and not _is_html(heard):
        raise errors.refusal(status, errors.parse_errors(heard.content, status, hide), request_id)
    if 300 <= status < 400:
        sentence = f"Klaviyo's address answered with a redirect ({status}), which is never followed"
    elif status >= 500:
        sentence = f"Klaviyo had a problem of its own ({status})"
    else:
        sentence = f"Something answered that does not speak for Klaviyo ({status})"
    raise errors.Unknown(
        f"{sentence}; the request may have taken effect.", status=status, request_id=request_id
    )


def _json_object(heard: Heard, request_id: str | None) -> dict[str, Any]:
    try:
        body = json.loads(heard.content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    sentence = "Klaviyo said yes, but its answer could not be read; the request may have taken effect."
    raise errors.Unknown(sentence, status=heard.status, request_id=request_id)


def _is_html(heard: Heard) -> bool:
    kind = heard.headers.get("content-type", "").lower()
    return "html" in kind or heard.content.lstrip()[:1] == b"<"


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name][:200] for name in _IDS if headers.get(name)), None)


def _headers_of_use(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in _OF_USE or name.startswith(("ratelimit-", "x-ratelimit-"))
    }
