"""The second door to the network: one signed POST to an address that a person gave us. Knows no Django.

    post(url, body, secret=..., number=..., now=...)    Undelivered where nobody took it

Such an address may lead anywhere, so it leads outside or nowhere: https alone, no user name, no redirect followed;
every address that its name stands for is looked at, and the connection goes to the one that was looked at, so that a
second answer of the name server changes nothing. Of what is answered only the status is read.

The receiver checks `Flowbuilder-Signature: t=<seconds since 1970>,v1=<hex>`, where v1 is HMAC-SHA256 with the secret
over "<t>.<body>", and refuses a `t` that is minutes old: what was overheard cannot be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import time
from typing import Any

import httpcore
import httpx

from accounts.klaviyo.sockets import Backend, PlainHTTP, give_up

DEADLINE = 15.0  # seconds, of one delivery with all its waiting
SIGNATURE, NUMBER = "Flowbuilder-Signature", "Flowbuilder-Delivery"
LONGEST_URL = 500
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in other clothes
_OUTSIDE_ONLY = "leads into a private network, where webhooks are not sent"


class Undelivered(Exception):
    """Nobody took it; str() is a sentence. `is_final`: to try again would change nothing."""

    def __init__(self, sentence: str, *, status: int | None = None, is_final: bool = False) -> None:
        super().__init__(sentence)
        self.status, self.is_final = status, is_final


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of the header, for this moment: `at` is in seconds since 1970."""
    known = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={known}"


def wrong_with(url: str, *, allow_private: bool = False) -> str:
    """A sentence on why nothing would be sent there; empty where it may be tried. Asks no name server."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return "This is no address. It begins with https:// and names a host."
    if any(one.isspace() for one in url):
        return "An address has no spaces."
    if len(url) > LONGEST_URL:
        return f"An address has at most {LONGEST_URL} characters."
    if not parsed.host or parsed.scheme not in ("https", "http") or parsed.fragment:
        return "This is no address. It begins with https:// and names a host."
    if parsed.scheme == "http" and not allow_private:
        return "Only https addresses are used: what is sent must not be read on its way."
    if parsed.userinfo:
        return "Leave out the user name and the password: the signature says who sends it."
    try:
        literal = ipaddress.ip_address(parsed.host)
    except ValueError:
        return ""
    return "" if allow_private or is_outside(literal) else f"This address {_OUTSIDE_ONLY}."


def is_outside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is an address of the open internet, whichever way it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return is_outside(ipaddress.IPv4Address(address.packed[-4:]))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if inner:
            return is_outside(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def post(url: str, body: bytes, *, secret: str, number: str, now: float, allow_private: bool = False) -> int:
    """The status of the answer, which is one of 200 to 299. `now`: seconds since 1970. `number` stays the same when
    it is sent again, so that the receiver can tell."""
    if wrong := wrong_with(url, allow_private=allow_private):
        raise Undelivered(wrong, is_final=True)
    headers = {
        "content-type": "application/json",
        "user-agent": "flowbuilder",
        SIGNATURE: signature(secret, int(now), body),
        NUMBER: number,
    }
    transport = PlainHTTP(Outside(allow_private=allow_private))
    try:
        with (
            give_up(time.monotonic() + DEADLINE),
            httpx.Client(
                transport=transport, timeout=DEADLINE, trust_env=False, follow_redirects=False
            ) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except Inside:
        raise Undelivered(f"This address {_OUTSIDE_ONLY}.", is_final=True) from None
    except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as error:
        raise Undelivered(f"Nobody answered ({type(error).__name__}).") from None
    if not 200 <= status < 300:
        where = ", which leads elsewhere and is not followed" if 300 <= status < 400 else ""
        raise Undelivered(f"The answer was {status}{where}.", status=status)
    return status


class Inside(Exception):
    """A name stands for an address that is not outside."""


class Outside(Backend):
    """Connects to what the name stands for at this moment, if all of it is outside."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__()
        self.allow_private = allow_private

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *rest: Any, **named: Any
    ) -> Any:
        return super().connect_tcp(self._address(host, port), port, timeout, *rest, **named)

    def _address(self, host: str, port: int) -> str:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("no such name") from None
        addresses = [str(one[4][0]) for one in found]
        if not self.allow_private and not all(
            is_outside(ipaddress.ip_address(one.partition("%")[0])) for one in addresses
        ):
            raise Inside
        return addresses[0]
