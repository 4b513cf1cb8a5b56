"""The law of the wire: one host, one deadline, a cap on the answer, and every fault sorted into errors.py.

Around an httpx transport, used by client.py and oauth.py alone. It answers with the whole body already read and
unpacked, or raises KlaviyoError. It never sends anything twice, but where the signature says so (auth.py). What
httpx.Client does beside that, cookies, redirects, proxies, we do not want, and it costs as much as all the rest.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from accounts.klaviyo.errors import KlaviyoError, NotAllowed, NotSent, Unknown
from accounts.klaviyo.sockets import give_up, port_of, shared_transport

TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=15.0, pool=10.0)  # seconds, of one step
DEADLINE = 60.0  # seconds, of one call
MOST_BYTES = 10_000_000  # of a decoded answer; Klaviyo's own payloads end at 5 MB
USER_AGENT = "flowbuilder"
ENCODING = "gzip"  # the one way of packing that is asked for and understood
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)


# What carries requests, and what signs them: for signatures outside this package, which does not know httpx.
Transport = httpx.BaseTransport
Auth = httpx.Auth


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, whatever its status. `headers`: names in small letters; `content`: unpacked."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """`inner` is a transport that really sends, None: the process's own; `origin` the only scheme, host and port it
    may reach.

    The deadline (seconds) starts with each request, unless `extensions["give_up_at"]` (time.monotonic) is
    set: then several requests, such as the second one after a 401, share it.
    """

    def __init__(
        self, inner: httpx.BaseTransport | None, origin: httpx.URL, deadline: float = DEADLINE
    ) -> None:
        self.inner = shared_transport(origin) if inner is None else inner
        self.origin = origin
        self.deadline = deadline
        require_safe(origin)

    def send(self, request: httpx.Request, auth: httpx.Auth) -> Heard:
        signed = auth.auth_flow(request)
        response, body = self._answer(next(signed))
        try:
            while True:
                response, body = self._answer(signed.send(response))
        except StopIteration:
            return Heard(response.status_code, dict(response.headers.items()), body)

    def _answer(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        require_same_origin(request.url, self.origin)
        give_up_at = request.extensions.get("give_up_at", time.monotonic() + self.deadline)
        remaining = give_up_at - time.monotonic()
        if remaining <= 0:
            raise NotSent("The time for this call ran out before it could be sent to Klaviyo.")
        _limit_timeouts(request, remaining)
        problem: KlaviyoError
        with give_up(give_up_at):
            try:
                return self._exchange(request, give_up_at)
            except NEVER_SENT as error:
                problem = NotSent(f"Klaviyo could not be reached, so nothing was sent ({_name(error)}).")
            except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as error:
                problem = Unknown(
                    f"The connection to Klaviyo failed after the request was sent ({_name(error)}); "
                    "it may have taken effect."
                )
        raise problem  # outside the except: what httpx says may quote a header, so it is not chained

    def _exchange(self, request: httpx.Request, give_up_at: float) -> tuple[httpx.Response, bytes]:
        response = self.inner.handle_request(request)
        try:
            return response, _read(response, give_up_at)
        finally:
            response.close()


def _read(response: httpx.Response, give_up_at: float) -> bytes:
    """The body, unpacked here and no further than the cap: a little gzip stands for a thousand times as much."""
    encoding = response.headers.get("content-encoding", "").lower()
    if encoding not in ("", "identity", ENCODING) or not isinstance(response.stream, httpx.SyncByteStream):
        raise httpx.DecodingError(f"nobody asked for {encoding}")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16) if encoding == ENCODING else None
    body = bytearray()
    for chunk in response.stream:
        body += _unpacked(unpacker, chunk, MOST_BYTES + 1 - len(body)) if unpacker else chunk
        if len(body) > MOST_BYTES:
            raise Unknown(
                "Klaviyo's answer was too large to read; the request may have taken effect.",
                status=response.status_code,
            )
        if time.monotonic() > give_up_at:
            raise httpx.ReadTimeout("deadline")
    if unpacker and body and not unpacker.eof:
        raise httpx.DecodingError("it ends in the middle")
    return bytes(body)


def _unpacked(unpacker: Any, chunk: bytes, most: int) -> bytes:
    try:
        return bytes(unpacker.decompress(chunk, most))
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None


def require_safe(url: httpx.URL) -> None:
    """NotAllowed unless the address is https (or http to this very machine) with a host and without a user
    name.
    """
    is_loopback = url.host in LOOPBACK
    if not url.host or url.userinfo or not (url.scheme == "https" or (url.scheme == "http" and is_loopback)):
        raise NotAllowed(
            f"'{url.scheme}://{url.host}' is not an address this app may speak to: https is required."
        )


def require_same_origin(url: httpx.URL, origin: httpx.URL) -> None:
    """NotAllowed unless scheme, host and port are those of `origin`."""
    if (url.scheme, url.host, port_of(url)) != (origin.scheme, origin.host, port_of(origin)) or url.userinfo:
        raise NotAllowed(
            f"An address on '{url.host}' was not followed: only '{origin.host}' is Klaviyo here."
        )


def require_header_safe(secret: str, what: str) -> None:
    """NotAllowed unless the text can stand in a header. Checked here, since httpx's complaint would quote the
    secret.
    """
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise NotAllowed(f"The stored {what} is empty or has characters that cannot be sent; connect again.")


def _limit_timeouts(request: httpx.Request, remaining: float) -> None:
    given = request.extensions.get("timeout") or {}
    steps = ("connect", "read", "write", "pool")
    capped = {step: remaining if given.get(step) is None else min(given[step], remaining) for step in steps}
    request.extensions = {**request.extensions, "timeout": capped}


def _name(error: BaseException) -> str:
    return type(error).__name__


def hidden_texts(request: httpx.Request, also: Iterable[str] = ()) -> tuple[str, ...]:
    """The texts of a sent request that no error may repeat."""
    return tuple(also) + tuple(request.headers.get("authorization", "").split(" ")[1:])
