"""Who we say we are: one renewal after a 401, only one, and its troubles never pass for the request's."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest

from accounts.klaviyo.auth import ApiKey, BearerToken
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    ConnectionLost,
    KlaviyoError,
    NotAllowed,
    NotAuthorized,
    NotSent,
    Throttled,
    Unknown,
)
from tests.accounts.klaviyo.test_client import BASE, FLOW_BODY, Net, one


class Tokens:
    """Gives out one token per call, or raises it."""

    def __init__(self, *tokens: Any) -> None:
        self.tokens = list(tokens)
        self.asked: list[bool] = []

    def __call__(self, renew: bool) -> str:
        self.asked.append(renew)
        token = self.tokens.pop(0)
        if isinstance(token, Exception):
            raise token
        return str(token)


def open_door(net: Net, tokens: Tokens) -> Klaviyo:
    return Klaviyo(BASE, BearerToken(tokens), "2026-10-15", transport=httpx.MockTransport(net))


def test_a_good_token_is_asked_for_once_per_call() -> None:
    net, tokens = Net(one()), Tokens("tok-1")
    open_door(net, tokens).create_flow(FLOW_BODY)
    assert tokens.asked == [False]
    assert net.request.headers["authorization"] == "Bearer tok-1"


def test_a_401_renews_once_and_sends_the_same_again() -> None:
    net, tokens = Net(httpx.Response(401), one()), Tokens("tok-1", "tok-2")
    open_door(net, tokens).create_flow(FLOW_BODY)
    assert tokens.asked == [False, True]
    assert [request.headers["authorization"] for request in net.requests] == ["Bearer tok-1", "Bearer tok-2"]
    assert net.requests[0].content == net.requests[1].content


def test_a_second_401_is_final() -> None:
    net, tokens = Net(httpx.Response(401)), Tokens("tok-1", "tok-2", "tok-3")
    with pytest.raises(NotAuthorized):
        open_door(net, tokens).create_flow(FLOW_BODY)
    assert tokens.asked == [False, True]
    assert len(net.requests) == 2


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(500), httpx.Response(429)])
def test_nothing_but_a_401_renews(answer: httpx.Response) -> None:
    net, tokens = Net(answer), Tokens("tok-1", "tok-2")
    with pytest.raises(KlaviyoError):
        open_door(net, tokens).create_flow(FLOW_BODY)
    assert tokens.asked == [False]


def test_an_api_key_is_never_tried_twice() -> None:
    net = Net(httpx.Response(401))
    with pytest.raises(NotAuthorized):
        Klaviyo(BASE, ApiKey("pk_1"), "2026-10-15", transport=httpx.MockTransport(net)).create_flow(FLOW_BODY)
    assert len(net.requests) == 1


@pytest.mark.parametrize("tokens", [Tokens(Unknown("Lost.")), Tokens("tok-1", Unknown("Lost."))])
def test_an_unknown_renewal_means_our_request_was_not_sent(tokens: Tokens) -> None:
    """Else a time-out of the token endpoint would send the publisher looking for a flow that cannot exist."""
    net = Net(httpx.Response(401))
    with pytest.raises(NotSent):
        open_door(net, tokens).create_flow(FLOW_BODY)
    assert len(net.requests) == len(tokens.asked) - 1


@pytest.mark.parametrize(
    "error", [ConnectionLost("Gone."), Throttled("Slow."), NotSent("No."), KeyError("row")]
)
def test_other_troubles_of_the_renewal_come_through(error: Exception) -> None:
    with pytest.raises(type(error)):
        open_door(Net(httpx.Response(401)), Tokens("tok-1", error)).create_flow(FLOW_BODY)


@pytest.mark.parametrize("token", ["", "to\nken-sesame", "token sesame", "sesamé", "sesame\r\nx: y"])
def test_a_token_that_cannot_be_sent_is_not_quoted(token: str) -> None:
    net = Net(one())
    for make in (lambda: open_door(net, Tokens(token)).create_flow(FLOW_BODY), lambda: ApiKey(token)):
        with pytest.raises(NotAllowed) as caught:
            make()
        assert "sesam" not in "".join(traceback.format_exception(caught.value))
    assert net.requests == []


def test_no_repr_shows_a_token() -> None:
    auth = BearerToken(Tokens("tok-1"))
    assert repr(auth) == "BearerToken(•••)"
    assert "pk_1" not in repr(ApiKey("pk_1")) + str(ApiKey("pk_1"))
