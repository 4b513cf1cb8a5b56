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

import httpx

from accounts.klaviyo import errors, limits

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
    response: httpx.Response,
    *,
    elapsed: float,
    now: datetime,
    hide: Iterable[str] = (),
    may_be_empty: bool = False,
) -> Answer:
    """The Answer, or Throttled, Refused (and below) or Unknown. `hide`: texts the errors may not repeat.

    An empty body is accepted with 202 and 204, and otherwise only if `may_be_empty`.
    """
    headers = dict(response.headers.items())  # their names in small letters
    request_id = _request_id(headers)
    _raise_unless_success(response, request_id, now, hide)
    body = None
    if response.content or not (may_be_empty or response.status_code in (202, 204)):
        body = _json_object(response, request_id)
    return Answer(response.status_code, body, _headers_of_use(headers), request_id, elapsed)


def _raise_unless_success(
    response: httpx.Response, request_id: str | None, now: datetime, hide: Iterable[str]
) -> None:
    status = response.status_code
    if status in (200, 201, 202, 204):
        return
    if status == 429:
        wait = limits.retry_after(response.headers.get("retry-after"), now)
        sentence = f"Klaviyo asks us to slow down; the next call is possible in {wait} seconds."
        raise errors.Throttled(sentence, retry_after=wait, request_id=request_id)
    if status in errors.DEFINITIVE and not _is_html(response):
        raise errors.refusal(status, errors.parse_errors(response.content, status, hide), request_id)
    if 300 <= status < 400:
        sentence = f"Klaviyo's address answered with a redirect ({status}), which is never followed"
    elif status >= 500:
        sentence = f"Klaviyo had a problem of its own ({status})"
    else:
        sentence = f"Something answered that does not speak for Klaviyo ({status})"
    raise errors.Unknown(
        f"{sentence}; the request may have taken effect.", status=status, request_id=request_id
    )


def _json_object(response: httpx.Response, request_id: str | None) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    sentence = "Klaviyo said yes, but its answer could not be read; the request may have taken effect."
    raise errors.Unknown(sentence, status=response.status_code, request_id=request_id)


def _is_html(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return "html" in kind or response.content.lstrip()[:1] == b"<"


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name][:200] for name in _IDS if headers.get(name)), None)


def _headers_of_use(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in _OF_USE or name.startswith(("ratelimit-", "x-ratelimit-"))
    }
