"""The door for webhooks: what is sent and signed, and where it refuses to go, whatever a name server says."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import time
from pathlib import Path

import pytest

from accounts import webhooks
from accounts.webhooks import Undelivered, is_outside, post, signature, wrong_with
from tests.accounts.klaviyo.stub import Stub

BODY = b'{"type": "test"}'


def answer(status: int, *headers: str):
    head = "".join(f"{line}\r\n" for line in headers)
    return lambda peer: peer.sendall(f"HTTP/1.1 {status} X\r\n{head}Content-Length: 0\r\n\r\n".encode())


def send(url: str, **more) -> int:
    given = {"secret": "whsec_1", "number": "7", "now": 1_800_000_000.5, "allow_private": True}
    return post(url, BODY, **(given | more))


def test_it_is_signed_so_that_the_receiver_can_tell():
    with Stub(answer(204)) as stub:
        assert send(f"{stub.url}/hook?team=1") == 204
    head, _, body = stub.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?team=1 HTTP/1.1\r\n")
    assert body == BODY
    known = hmac.new(b"whsec_1", b"1800000000." + BODY, hashlib.sha256).hexdigest()
    lines = head.lower().split(b"\r\n")
    assert f"flowbuilder-signature: t=1800000000,v1={known}".encode() in lines
    assert b"flowbuilder-delivery: 7" in lines
    assert b"whsec_1" not in stub.requests[0]


def test_another_moment_is_another_signature():
    assert signature("a", 1, BODY) != signature("a", 2, BODY)
    assert signature("a", 1, BODY) != signature("b", 1, BODY)


@pytest.mark.parametrize("status", [199, 302, 307, 400, 410, 500])
def test_whatever_is_no_yes_is_undelivered_and_nothing_is_followed(status: int):
    with Stub(answer(200)) as elsewhere, Stub(answer(status, f"Location: {elsewhere.url}/")) as stub:
        with pytest.raises(Undelivered) as caught:
            send(stub.url)
        assert elsewhere.requests == []
    assert not caught.value.is_final
    if status > 199:
        assert caught.value.status == status


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Undelivered, match="Nobody answered"):
        send(f"http://127.0.0.1:{port}")


def test_a_receiver_that_drips_is_left(monkeypatch):
    monkeypatch.setattr(webhooks, "DEADLINE", 0.5)

    def drip(peer: socket.socket) -> None:
        for _ in range(40):
            peer.sendall(b"H")
            time.sleep(0.1)

    start = time.monotonic()
    with Stub(drip) as stub, pytest.raises(Undelivered):
        send(stub.url)
    assert time.monotonic() - start < 3


def test_the_body_of_an_answer_is_not_read():
    def endless(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 1000)

    with Stub(endless) as stub:
        assert send(stub.url) == 200


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::"),
    ],
)
def test_what_is_inside_stays_inside(address: str, monkeypatch):
    """By its number, and by a name that stands for it."""
    assert not is_outside(ipaddress.ip_address(address))
    written = f"[{address}]" if ":" in address else address
    assert "private network" in wrong_with(f"https://{written}/")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (address, 443))])
    with pytest.raises(Undelivered, match="private network") as caught:
        send("https://alerts.example.com/", allow_private=False)
    assert caught.value.is_final


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_what_is_outside_may_be_reached(address: str):
    assert is_outside(ipaddress.ip_address(address))


def test_one_inside_among_many_is_enough(monkeypatch):
    both = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(Undelivered, match="private network"):
        send("https://alerts.example.com/", allow_private=False)


def test_the_name_is_asked_once_and_the_connection_goes_where_it_was_looked_at(monkeypatch):
    """A second answer of the name server, which says something else, is never heard."""
    asked: list[str] = []
    real = socket.getaddrinfo
    with Stub(answer(200)) as stub:
        port = int(stub.url.rsplit(":", 1)[1])

        def names(host, *given, **more):
            if host != "alerts.example.com":
                return real(host, *given, **more)
            asked.append(host)
            assert len(asked) == 1
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", names)
        assert send(f"http://alerts.example.com:{port}/") == 200
    assert b"\r\nhost: alerts.example.com" in stub.requests[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        *("", "alerts.example.com", "ftp://example.com", "http://example.com/", "https://", "https:///x"),
        *("https://me:secret@example.com/", "https://example.com/#a", "https://127.0.0.1/", "https://[::1]/"),
        *("file:///etc/passwd", "https://example.com/" + "a" * 500, "https://exa mple.com", "javascript:1"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str):
    assert wrong_with(url).endswith(".")
    with pytest.raises(Undelivered) as caught:
        send(url, allow_private=False)
    assert caught.value.is_final


def test_an_address_of_the_demo():
    assert wrong_with("http://127.0.0.1:9000/hook", allow_private=True) == ""
    assert wrong_with("https://alerts.example.com/hook?team=1") == ""


def test_the_readme_tells_how_to_check_it():
    """Its own lines say yes to what is sent, and no to anything else."""
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    known: dict = {}
    exec(text.split("## Webhooks of alerts")[1].split("```python\n")[1].split("```")[0], known)
    is_ours, at = known["is_ours"], int(time.time())
    signed = lambda moment: {webhooks.SIGNATURE: signature("whsec_1", moment, BODY)}  # noqa: E731
    assert is_ours(signed(at), BODY, "whsec_1")
    assert not is_ours(signed(at), BODY + b" ", "whsec_1")
    assert not is_ours(signed(at), BODY, "whsec_2")
    assert not is_ours(signed(at - 301), BODY, "whsec_1")
