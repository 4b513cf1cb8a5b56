"""Klaviyo's OAuth: where to send the browser, and the code, refresh and revoke calls.

Made by accounts.connection. The protocol's requests are written by Authlib, the network is wire.py. Authlib's
own httpx client is left out: it keeps the last token on itself (two threads refreshing two accounts could
swap tokens), has no wall-clock deadline, and warns that its httpx support will go. The lock around a refresh
belongs to the caller: one refresh per account at a time. Sources: "Set up OAuth", "Handle your app's OAuth
flow", "Troubleshoot OAuth errors"; RFC 6749, 7009, 7636.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from accounts.klaviyo.answers import Answer, read_answer
from accounts.klaviyo.errors import (
    ApiError,
    BadAppCredentials,
    CodeRefused,
    ConnectionLost,
    NotAllowed,
    Refused,
    Unknown,
)
from accounts.klaviyo.wire import DEADLINE, ENCODING, TIMEOUT, USER_AGENT, Wire, require_safe

FORM = "application/x-www-form-urlencoded"
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
UNSAID_LIFETIME = 600  # seconds, when Klaviyo does not say how long: refresh soon
LONGEST_LIFETIME = 30 * 86_400


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a code or a refresh gave. Store all of it: the refresh token may have changed.

    `expires_at` is aware and counted from before the request. `scopes` is empty when Klaviyo did not say.
    """

    access_token: str
    refresh_token: str
    expires_at: datetime
    scopes: frozenset[str]

    def __repr__(self) -> str:
        return f"Tokens(•••, •••, expires_at={self.expires_at.isoformat()}, scopes={sorted(self.scopes)})"


class OAuthApp:
    """This app, as registered at Klaviyo. Addresses are full; token and revoke live on a.klaviyo.com,
    authorize on www.

    `timeout` and `deadline` in seconds. Safe to share between threads. Besides what is named at each method,
    the three calls raise Throttled (about 10 refreshes a minute and account), NotSent, Unknown and plain
    Refused.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        authorize_url: str,
        token_url: str,
        revoke_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        deadline: float = DEADLINE,
        user_agent: str = USER_AGENT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client_id = client_id
        self._secret = client_secret
        self._authorize_url = authorize_url
        self._token_url = httpx.URL(token_url)
        self._revoke_url = httpx.URL(revoke_url)
        self._transport = transport
        self._timeout = timeout
        self._deadline = deadline
        self._user_agent = user_agent
        self._clock = clock
        for url in (httpx.URL(authorize_url), self._token_url, self._revoke_url):
            require_safe(url)

    def __repr__(self) -> str:
        return f"OAuthApp({self.client_id!r}, •••)"

    def authorization(self, redirect_uri: str, scopes: Iterable[str], state: str) -> tuple[str, str]:
        """(address to send the browser to, code verifier to keep until the callback). A new verifier each
        time.

        `state` must be unguessable, single-use and bound to the browser session by the caller.
        """
        verifier = secrets.token_urlsafe(64)
        url = prepare_grant_uri(
            self._authorize_url,
            client_id=self.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=" ".join(scopes),
            state=state,
            code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(verifier),
        )
        return str(url), verifier

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for the code of the callback; `redirect_uri` as in authorization(). A code serves once,
        5 minutes.

        CodeRefused: start again. BadAppCredentials: our id or secret.
        Unknown: the code may be spent; start again.
        """
        if not code or not VERIFIER.fullmatch(verifier):
            raise NotAllowed("The code or its verifier is missing or malformed; start connecting again.")
        form = prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
        )
        return self._tokens(form, CodeRefused, hide=(code, verifier))

    def refresh(self, refresh_token: str) -> Tokens:
        """A new access token. The old one keeps working until it expires; safe to repeat after Unknown.

        ConnectionLost: only a person can reconnect. BadAppCredentials: our id or secret.
        """
        if not refresh_token:
            raise NotAllowed("There is no refresh token to renew this connection with; connect again.")
        form = prepare_token_request("refresh_token", refresh_token=refresh_token)
        return self._tokens(form, ConnectionLost, hide=(refresh_token,), refresh_token=refresh_token)

    def revoke(self, refresh_token: str) -> None:
        """Disconnect: this uninstalls the app in the Klaviyo account. A token already dead counts as done."""
        form, _ = prepare_revoke_token_request(refresh_token, "refresh_token")
        with suppress(ConnectionLost):
            self._post(self._revoke_url, form, ConnectionLost, hide=(refresh_token,), may_be_empty=True)

    def _tokens(
        self, form: str, lost: type[Refused], *, hide: tuple[str, ...], refresh_token: str | None = None
    ) -> Tokens:
        asked_at = self._clock()
        answer = self._post(self._token_url, form, lost, hide=hide)
        said = answer.body or {}
        access, renewed = said.get("access_token"), said.get("refresh_token") or refresh_token
        kind = str(said.get("token_type") or "bearer").lower()
        if not (isinstance(access, str) and access and isinstance(renewed, str) and kind == "bearer"):
            raise Unknown("Klaviyo's answer holds no usable token.", status=answer.status)
        scope = said.get("scope")
        return Tokens(
            access_token=access,
            refresh_token=renewed,
            expires_at=asked_at + timedelta(seconds=_lifetime(said.get("expires_in"))),
            scopes=frozenset(scope.split()) if isinstance(scope, str) else frozenset(),
        )

    def _post(
        self,
        url: httpx.URL,
        form: str,
        lost: type[Refused],
        *,
        hide: tuple[str, ...],
        may_be_empty: bool = False,
    ) -> Answer:
        headers = {"content-type": FORM, "accept": "application/json", "accept-encoding": ENCODING}
        request = httpx.Request(
            "POST", url, content=form, headers={**headers, "user-agent": self._user_agent},
            extensions={"timeout": httpx.Timeout(self._timeout).as_dict()},
        )  # fmt: skip
        started = time.monotonic()
        wire = Wire(self._transport, url.copy_with(raw_path=b"/"), self._deadline)
        heard = wire.send(request, httpx.BasicAuth(self.client_id, self._secret))
        hide = (*hide, self._secret, request.headers["authorization"].split(" ")[-1])
        if may_be_empty and heard.status == 200:  # RFC 7009 2.2: the content is to be ignored
            return Answer(200, None, {}, None, time.monotonic() - started)
        problem: Refused
        try:
            return read_answer(heard, elapsed=time.monotonic() - started, now=self._clock(), hide=hide)
        except Refused as error:
            problem = _sharpen(error, lost)
        raise problem


def _sharpen(error: Refused, lost: type[Refused]) -> Refused:
    """Which of the three OAuth refusals it is; see "Troubleshoot OAuth errors"."""
    code = error.errors[0].code if error.errors else ""
    kind: type[Refused] = Refused
    sentence = str(error)
    if code == "invalid_client" or error.status == 401:
        kind, sentence = BadAppCredentials, "Klaviyo does not accept this app's client id or secret."
    elif lost is CodeRefused and error.status == 400:
        kind, sentence = (
            CodeRefused,
            f"Klaviyo did not accept the authorization code{_because(error.errors)}.",
        )
    elif code == "invalid_grant":
        kind = lost
        sentence = f"Klaviyo has ended this connection{_because(error.errors)}; connect the account again."
    return kind(sentence, errors=error.errors, status=error.status, request_id=error.request_id)


def _because(errors: tuple[ApiError, ...]) -> str:
    return f" ({str(errors[0]).rstrip('.')})" if errors else ""


def _lifetime(value: Any) -> int:
    try:
        seconds = int(json.loads(value) if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return UNSAID_LIFETIME
    return max(0, min(seconds, LONGEST_LIFETIME))
