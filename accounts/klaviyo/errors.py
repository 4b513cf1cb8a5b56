"""What can go wrong when we speak to Klaviyo, sorted by what we then know about the effect. Caught by anyone.

KlaviyoError                 .status (int or None), .request_id (str or None); str() is a sentence to show
+-- NotAllowed               we declined to send it (foreign host, plain http, bad id): do not try again
+-- NotSent                  connection refused, no DNS, no TLS, pool full: nothing happened, try later
+-- Throttled                429: nothing happened; not before .retry_after (int, seconds)
+-- Refused                  a definitive 4xx: nothing happened, the same will fail again; .errors says why
|   +-- NotAuthorized        401: the token or key is not accepted
|   +-- MissingScope         403: the connection may not do this
|   +-- NotFound             404
|   +-- Conflict             409
|   +-- CodeRefused          OAuth: the authorization code or its verifier was not accepted: connect again
|   +-- ConnectionLost       OAuth: the refresh token is dead (uninstalled, revoked, long unused): reconnect
|   +-- BadAppCredentials    OAuth: our own client id or secret is wrong: nothing a merchant can do
+-- Unknown                  anything else (5xx, time-out or reset after sending, short or strange body,
                             redirect): it may have happened. Look before sending again

Sources: "Status codes and errors" and "Rate limits, status codes, and errors" at developers.klaviyo.com;
RFC 6749 5.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

DEFINITIVE = frozenset({400, 401, 403, 404, 405, 409, 410, 413, 415, 422})
LONGEST_TEXT = 500
MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class ApiError:
    """One entry of a JSON:API `errors` list, or an OAuth error. Absent parts are empty strings (None for the
    source).

    `pointer` is a JSON pointer into the request body we sent, e.g.
    /data/attributes/definition/actions/0/data.
    """

    status: int
    code: str = ""
    title: str = ""
    detail: str = ""
    pointer: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        return self.detail or self.title or self.code or f"status {self.status}"


class KlaviyoError(Exception):
    """The root. `is_safe_to_repeat` says whether the same request may be sent again without looking first."""

    is_safe_to_repeat: ClassVar[bool] = False

    def __init__(self, sentence: str, *, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.request_id = request_id


class NotAllowed(KlaviyoError):
    """We declined to send it. Nothing happened; trying again gives the same."""


class NotSent(KlaviyoError):
    """Nothing left this machine. Safe to try again later."""

    is_safe_to_repeat = True


class Throttled(KlaviyoError):
    """429. Nothing happened. `retry_after`: seconds, 1 to 86,400; see limits.retry_after."""

    is_safe_to_repeat = True

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: int = 60,
        status: int | None = 429,
        request_id: str | None = None,
    ) -> None:
        super().__init__(sentence, status=status, request_id=request_id)
        self.retry_after = retry_after


class Refused(KlaviyoError):
    """A definitive 4xx. Nothing happened. `errors` is empty when the body explained nothing."""

    def __init__(
        self,
        sentence: str,
        *,
        errors: tuple[ApiError, ...] = (),
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(sentence, status=status, request_id=request_id)
        self.errors = errors


class NotAuthorized(Refused):
    """401 from the API."""


class MissingScope(Refused):
    """403: a scope was not granted, or the account's plan does not include this."""


class NotFound(Refused):
    """404."""


class Conflict(Refused):
    """409."""


class CodeRefused(Refused):
    """The authorization code was not accepted: used, older than five minutes, or another verifier."""


class ConnectionLost(Refused):
    """The refresh token no longer works; only a person can connect the account again."""


class BadAppCredentials(Refused):
    """Klaviyo does not accept this app's client id or secret."""


class Unknown(KlaviyoError):
    """We cannot tell whether it happened. `status` is set when an answer, however strange, did arrive."""


_BY_STATUS: dict[int, tuple[type[Refused], str]] = {
    401: (NotAuthorized, "Klaviyo did not accept the credentials of this connection"),
    403: (MissingScope, "Klaviyo does not let this connection do that"),
    404: (NotFound, "Klaviyo did not find what was asked for"),
    405: (Refused, "Klaviyo does not offer that operation"),
    409: (Conflict, "Klaviyo says this conflicts with what is already there"),
    410: (Refused, "Klaviyo has retired this operation or this revision of its interface"),
    413: (Refused, "Klaviyo says the request is too large"),
}


def refusal(status: int, errors: tuple[ApiError, ...], request_id: str | None) -> Refused:
    """The exception of a definitive 4xx, with the first explanations of Klaviyo in its sentence."""
    kind, sentence = _BY_STATUS.get(status, (Refused, "Klaviyo did not accept the request"))
    return kind(_explain(sentence, status, errors), errors=errors, status=status, request_id=request_id)


def _explain(sentence: str, status: int, errors: tuple[ApiError, ...]) -> str:
    said = "; ".join(str(error).rstrip(".") for error in errors[:3])
    more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
    return f"{sentence} ({status}): {said}{more}." if said else f"{sentence} ({status})."


def parse_errors(body: bytes, status: int, hide: Iterable[str] = ()) -> tuple[ApiError, ...]:
    """The errors in a response body: JSON:API `{"errors": [...]}` or OAuth `{"error", "error_description"}`.

    Any junk gives an empty tuple or skips the entry; it never raises. Each text of `hide` (tokens, secrets)
    is blotted out should the server echo it, and texts are cut at 500 characters.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(content, dict):
        return ()
    secrets = tuple(text for text in hide if text)

    def clean(value: Any) -> str:
        text = value if isinstance(value, str) else ""
        for secret in secrets:
            text = text.replace(secret, "•••")
        return text[:LONGEST_TEXT]

    if isinstance(content.get("error"), str):
        code, detail = clean(content["error"]), clean(content.get("error_description"))
        return (ApiError(status, code, code, detail),)
    entries = content.get("errors")
    found = []
    for entry in entries[:MOST_ERRORS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        source = entry.get("source")
        source = source if isinstance(source, dict) else {}
        own = entry.get("status")
        own_status = own if isinstance(own, int) and not isinstance(own, bool) else status
        found.append(
            ApiError(
                own_status,
                clean(entry.get("code")),
                clean(entry.get("title")),
                clean(entry.get("detail")),
                clean(source.get("pointer")) or None,
                clean(source.get("parameter")) or None,
            )
        )
    return tuple(found)
