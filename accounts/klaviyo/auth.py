"""How a request proves who it is: a private key, or an OAuth token that may need renewing.

Made by accounts.connection. Neither shows its secret in a repr, and both refuse a secret that cannot stand in
a header.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import httpx

from accounts.klaviyo.errors import NotSent, Unknown
from accounts.klaviyo.wire import require_header_safe


class ApiKey(httpx.Auth):
    """A private API key, `pk_...`. Source: "Authenticate API requests", private key authentication."""

    def __init__(self, key: str) -> None:
        require_header_safe(key, "API key")
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Klaviyo-API-Key {self._key}"
        yield request

    def __repr__(self) -> str:
        return "ApiKey(•••)"


class BearerToken(httpx.Auth):
    """An OAuth access token. `get_token(renew)` returns one: the stored one, or with renew=True surely a
    newer one.

    A 401 means that nothing was done, so the request, whatever it is, is sent once more with a renewed token;
    a second 401 is final (NotAuthorized). What get_token raises comes through, except that Unknown becomes
    NotSent: it is the renewal whose outcome is unknown, and our own request surely was not sent. Source: "Set
    up OAuth", using and refreshing an access token.
    """

    def __init__(self, get_token: Callable[[bool], str]) -> None:
        self._get_token = get_token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._sign(request, renew=False)
        response = yield request
        if response.status_code == 401:
            self._sign(request, renew=True)
            yield request

    def _sign(self, request: httpx.Request, renew: bool) -> None:
        try:
            token = self._get_token(renew)
        except Unknown as error:
            raise NotSent(
                "The connection to Klaviyo could not be renewed just now, so nothing was sent."
            ) from error
        require_header_safe(token, "access token")
        request.headers["authorization"] = f"Bearer {token}"

    def __repr__(self) -> str:
        return "BearerToken(•••)"
