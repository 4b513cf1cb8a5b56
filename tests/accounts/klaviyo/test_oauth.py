"""The OAuth dance: what is sent, PKCE, what each refusal becomes, and that nothing shows a secret."""

from __future__ import annotations

import base64
import hashlib
import re
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from accounts.klaviyo.errors import (
    BadAppCredentials,
    CodeRefused,
    ConnectionLost,
    KlaviyoError,
    NotAllowed,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from accounts.klaviyo.oauth import OAuthApp, Tokens
from accounts.klaviyo.scopes import SCOPES, missing_scopes
from tests.accounts.klaviyo.stub import Stub, answer, drip, reset
from tests.accounts.klaviyo.test_client import Net

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET, REFRESH, CODE, VERIFIER = "app-s3cret", "r3fresh-token", "c0de-value", "v" * 43
GOOD = {
    "access_token": "acc3ss-token",
    "token_type": "Bearer",
    "expires_in": 3600,
    "refresh_token": "r3fresh-2",
    "scope": "flows:read accounts:read",
}
HERE = "https://app.example/callback"


def make_app(net: Any = None, host: str = "https://a.klaviyo.com", **options: Any) -> OAuthApp:
    return OAuthApp(
        "client-1",
        SECRET,
        "https://www.klaviyo.com/oauth/authorize",
        f"{host}/oauth/token",
        f"{host}/oauth/revoke",
        transport=httpx.MockTransport(net) if net else None,
        clock=lambda: NOW,
        **options,
    )


def form_of(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(request.content.decode(), strict_parsing=True).items()}


def test_the_browser_is_sent_with_pkce() -> None:
    url, verifier = make_app().authorization(HERE, SCOPES, "st&te=1")
    parts = urlsplit(url)
    asked = {name: value for name, (value,) in parse_qs(parts.query, strict_parsing=True).items()}
    digest = hashlib.sha256(verifier.encode()).digest()
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://www.klaviyo.com/oauth/authorize"
    assert asked == {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": HERE,
        "scope": " ".join(SCOPES),
        "state": "st&te=1",
        "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }
    assert verifier not in url
    assert SECRET not in url


def test_every_verifier_is_new_and_well_formed() -> None:
    verifiers = {make_app().authorization(HERE, ["flows:read"], "s")[1] for _ in range(50)}
    assert len(verifiers) == 50
    assert all(re.fullmatch(r"[a-zA-Z0-9\-._~]{43,128}", verifier) for verifier in verifiers)


def test_the_code_is_exchanged() -> None:
    net = Net(GOOD)
    tokens = make_app(net).exchange(CODE, VERIFIER, HERE)
    assert form_of(net.request) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "code_verifier": VERIFIER,
        "redirect_uri": HERE,
    }
    assert str(net.request.url) == "https://a.klaviyo.com/oauth/token"
    assert net.request.method == "POST"
    assert net.request.headers["content-type"] == "application/x-www-form-urlencoded"
    basic = base64.b64encode(f"client-1:{SECRET}".encode()).decode()
    assert net.request.headers["authorization"] == f"Basic {basic}"
    expected = Tokens("acc3ss-token", "r3fresh-2", NOW + timedelta(hours=1), frozenset(GOOD["scope"].split()))  # type: ignore[attr-defined]
    assert tokens == expected


def test_a_refresh_keeps_whatever_comes_back() -> None:
    net = Net(GOOD, {name: value for name, value in GOOD.items() if name != "refresh_token"})
    app = make_app(net)
    assert app.refresh(REFRESH).refresh_token == "r3fresh-2"
    assert app.refresh(REFRESH).refresh_token == REFRESH
    assert form_of(net.requests[0]) == {"grant_type": "refresh_token", "refresh_token": REFRESH}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (3600, 3600),
        ("3600", 3600),
        (59.9, 59),
        (0, 0),
        (-5, 0),
        (10**12, 30 * 86_400),
        (1e308, 30 * 86_400),
        (None, 600),
        ("soon", 600),
        ("Infinity", 600),
        ([], 600),
    ],
)
def test_how_long_a_token_lives(said: Any, seconds: int) -> None:
    tokens = make_app(Net(GOOD | {"expires_in": said})).refresh(REFRESH)
    assert tokens.expires_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"token_type": "mac"},
        {"refresh_token": 7},
    ],
)
def test_an_answer_without_usable_tokens_is_unknown(change: dict[str, Any]) -> None:
    with pytest.raises(Unknown):
        make_app(Net(GOOD | change)).refresh(REFRESH)


def test_scopes_unsaid_are_empty() -> None:
    assert make_app(Net(GOOD | {"scope": None})).refresh(REFRESH).scopes == frozenset()


def says(status: int, error: str, description: str = "") -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": description})


@pytest.mark.parametrize(
    ("said", "exchanged", "refreshed"),
    [
        (says(400, "invalid_grant", "Expired."), CodeRefused, ConnectionLost),
        (says(400, "invalid_request", "Invalid code_verifier"), CodeRefused, Refused),
        (says(400, "invalid_client"), BadAppCredentials, BadAppCredentials),
        (says(401, "invalid_client"), BadAppCredentials, BadAppCredentials),
        (httpx.Response(401), BadAppCredentials, BadAppCredentials),
        (says(401, "invalid_grant"), BadAppCredentials, BadAppCredentials),
        (says(400, "invalid_grant_type"), CodeRefused, Refused),
        (httpx.Response(400, text="Code challenge failed."), CodeRefused, Refused),
        (httpx.Response(429, headers={"retry-after": "9"}), Throttled, Throttled),
        (httpx.Response(500), Unknown, Unknown),
        (httpx.Response(403, text="<html>"), Unknown, Unknown),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), Unknown, Unknown),
        (httpx.Response(200, text="<html>"), Unknown, Unknown),
        (httpx.Response(200), Unknown, Unknown),
        (httpx.ReadTimeout("late"), Unknown, Unknown),
        (httpx.ConnectError("no"), NotSent, NotSent),
    ],
)
def test_what_each_refusal_becomes(
    said: Any, exchanged: type[KlaviyoError], refreshed: type[KlaviyoError]
) -> None:
    for act, kind in (
        (lambda app: app.exchange(CODE, VERIFIER, HERE), exchanged),
        (lambda app: app.refresh(REFRESH), refreshed),
    ):
        net = Net(said)
        with pytest.raises(kind) as caught:
            act(make_app(net))
        assert type(caught.value) is kind
        assert len(net.requests) == 1
        assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("code", "verifier"), [("", VERIFIER), (CODE, ""), (CODE, "short"), (CODE, "ä" * 43)]
)
def test_a_hopeless_exchange_is_not_sent(code: str, verifier: str) -> None:
    net = Net(GOOD)
    with pytest.raises(NotAllowed):
        make_app(net).exchange(code, verifier, HERE)
    with pytest.raises(NotAllowed):
        make_app(net).refresh("")
    assert net.requests == []


def test_revoke() -> None:
    net = Net(httpx.Response(200))
    make_app(net).revoke(REFRESH)
    assert str(net.request.url) == "https://a.klaviyo.com/oauth/revoke"
    assert form_of(net.request) == {"token": REFRESH, "token_type_hint": "refresh_token"}
    assert net.request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("said", [httpx.Response(200, text="OK"), {}, says(400, "invalid_grant")])
def test_what_is_already_revoked_counts_as_done(said: Any) -> None:
    make_app(Net(said)).revoke(REFRESH)


@pytest.mark.parametrize(
    ("said", "kind"), [(says(401, "invalid_client"), BadAppCredentials), (httpx.Response(503), Unknown)]
)
def test_a_failed_revocation_is_told(said: Any, kind: type[KlaviyoError]) -> None:
    with pytest.raises(kind):
        make_app(Net(said)).revoke(REFRESH)


def test_no_error_or_repr_shows_a_secret() -> None:
    basic = base64.b64encode(f"client-1:{SECRET}".encode()).decode()
    hidden = (SECRET, REFRESH, CODE, VERIFIER, basic, "acc3ss-token", "r3fresh-2")
    seen = (
        repr(make_app())
        + repr(make_app(Net(GOOD)).refresh(REFRESH))
        + str(make_app(Net(GOOD)).refresh(REFRESH))
    )
    for act, sent in (
        (lambda app: app.exchange(CODE, VERIFIER, HERE), f"{CODE} {VERIFIER}"),
        (lambda app: app.refresh(REFRESH), REFRESH),
    ):
        with pytest.raises(Refused) as caught:
            act(make_app(Net(says(400, "invalid_grant", f"No {sent} {SECRET} {basic}."))))
        seen += "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert not [text for text in hidden if text in seen]


def test_the_same_law_of_the_wire_holds() -> None:
    for behaviour in (reset, drip(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", 5)):
        with Stub(behaviour) as stub, pytest.raises(Unknown):
            make_app(host=stub.url, timeout=httpx.Timeout(None), deadline=0.4).refresh(REFRESH)
    with Stub(answer(307, b"", {"location": "/oauth/token2"})) as stub:
        with pytest.raises(Unknown):
            make_app(host=stub.url).refresh(REFRESH)
        assert len(stub.requests) == 1
    with pytest.raises(NotSent):
        make_app(host=stub.url).refresh(REFRESH)
    with pytest.raises(NotAllowed):
        make_app(host="http://a.klaviyo.com")


def test_scopes() -> None:
    assert all(re.fullmatch(r"[a-z]+:(read|write)", scope) for scope in SCOPES)
    assert all(why.startswith("To ") and why.endswith(".") for why in SCOPES.values())
    assert missing_scopes(SCOPES) == frozenset()
    assert missing_scopes(["flows:read"]) == frozenset(SCOPES) - {"flows:read"}
