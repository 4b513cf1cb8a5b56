"""Lists of several pages: followed to the end, never to another host, never for ever, never half."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from accounts.klaviyo import pages
from accounts.klaviyo.errors import NotAllowed, NotFound, Throttled, Unknown
from tests.accounts.klaviyo.test_client import BASE, Net, many, one, open_door

NEXT = f"{BASE}/api/lists?page%5Bcursor%5D=abc%3D%3D"


def test_pages_are_followed_with_the_same_headers() -> None:
    net = Net(many(one(name="A"), following=NEXT), many(one(name="B")))
    assert [entry.name for entry in open_door(net).list_lists()] == ["A", "B"]
    assert str(net.requests[1].url) == NEXT
    assert net.requests[1].headers["revision"] == "2026-10-15"
    assert net.requests[1].headers["authorization"] == "Klaviyo-API-Key pk_secret"


def test_a_relative_next_link_is_followed() -> None:
    net = Net(many(one(), following="/api/lists?page=2"), many())
    assert len(open_door(net).list_lists()) == 1
    assert str(net.requests[1].url) == f"{BASE}/api/lists?page=2"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/lists?page=2",
        "http://a.klaviyo.com/api/lists?page=2",
        "https://a.klaviyo.com:8443/api/lists",
        "https://a.klaviyo.com.evil.example/api/lists",
        "https://a.klaviyo.com@evil.example/api/lists",
        "https://me:secret@a.klaviyo.com/api/lists",
        "//evil.example/api/lists",
    ],
)
def test_a_foreign_next_link_is_refused(link: str) -> None:
    net = Net(many(one(), following=link), many(one()))
    with pytest.raises(NotAllowed):
        open_door(net).list_lists()
    assert len(net.requests) == 1


@pytest.mark.parametrize("link", [7, ["x"], {"href": "x"}, "http://[::bad", "https://a.klaviyo.com:port/"])
def test_a_next_link_that_is_no_address_is_unknown(link: Any) -> None:
    with pytest.raises(Unknown):
        open_door(Net(many(one(), following=link))).list_lists()


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": "x"}])
def test_a_page_that_is_no_list_is_unknown(body: Any) -> None:
    with pytest.raises(Unknown):
        open_door(Net(body)).list_lists()


@pytest.mark.parametrize("links", [None, [], "x", {}, {"next": None}, {"next": ""}])
def test_no_next_link_ends_the_list(links: Any) -> None:
    assert len(open_door(Net(many(one()) | {"links": links})).list_lists()) == 1


def test_a_list_that_turns_in_circles_is_unknown() -> None:
    net = Net(many(one(), following=NEXT))
    with pytest.raises(Unknown, match="already read"):
        open_door(net).list_lists()
    assert len(net.requests) == 2


def test_a_list_without_end_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", 0))
        return httpx.Response(200, json=many(one(), following=f"/api/lists?page={page + 1}"))

    net = Net()
    net.__class__ = type("Endless", (Net,), {"__call__": lambda self, request: endless(request)})
    walk = pages.walk_pages(
        lambda path, params: open_door(net).call("GET", path, params=params),
        httpx.URL(BASE),
        "/api/lists",
        most_pages=3,
    )
    with pytest.raises(Unknown, match="3 pages"):
        list(walk)


def test_a_page_is_asked_for_three_times() -> None:
    pauses: list[float] = []
    wait = httpx.Response(429, headers={"retry-after": "2"})
    net = Net(wait, httpx.ReadTimeout("late"), many(one()))
    assert len(open_door(net, sleep=pauses.append).list_lists()) == 1
    assert pauses == [2, 1.0]

    net = Net(httpx.Response(502))
    with pytest.raises(Unknown):
        open_door(net).list_lists()
    assert len(net.requests) == 3


def test_a_long_wait_or_a_refusal_is_not_waited_for() -> None:
    for answer, error in (
        (httpx.Response(429, headers={"retry-after": "3600"}), Throttled),
        (httpx.Response(404), NotFound),
    ):
        net = Net(answer)
        with pytest.raises(error):
            open_door(net).list_lists()
        assert len(net.requests) == 1
