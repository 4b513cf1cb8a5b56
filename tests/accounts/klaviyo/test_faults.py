"""Every fault of the network, against a real server: its class, and that no wait outlives the deadline."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
import traceback

import httpx
import pytest

from accounts.klaviyo import sockets, wire
from accounts.klaviyo.auth import ApiKey, BearerToken
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    Conflict,
    KlaviyoError,
    MissingScope,
    NotAllowed,
    NotAuthorized,
    NotFound,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from tests.accounts.klaviyo.stub import Stub, answer, drip, hang_up, reset, silence

KEY = "pk_topsecret0123456789"
FLOW = b'{"data": {"type": "flow", "id": "AbCdEf", "attributes": {"name": "A"}}}'
HTML = b"<html><body><h1>Bad gateway</h1></body></html>"
AS_HTML = {"content-type": "text/html"}
BODY = {"data": {"type": "flow", "attributes": {"name": "A", "definition": {}}}}
CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(FLOW) + FLOW
ENDLESS = b"HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n" + b"x" * 5_000


def open_door(url: str, **options: object) -> Klaviyo:
    options = {"timeout": httpx.Timeout(0.5), "deadline": 0.8} | options
    return Klaviyo(url, ApiKey(KEY), "2026-10-15", **options)  # type: ignore[arg-type]


UNKNOWN = {
    "reset": reset,
    "hang up without a word": hang_up,
    "silence": silence,
    "500": answer(500, b'{"errors": []}'),
    "502": answer(502, HTML, AS_HTML),
    "503": answer(503),
    "503 asking to wait": answer(503, b"", {"retry-after": "1"}),
    "504": answer(504),
    "524": answer(524, HTML, AS_HTML),
    "408": answer(408, b"{}"),
    "425": answer(425, b"{}"),
    "418": answer(418, b"{}"),
    "206": answer(206, FLOW),
    "redirect": answer(307, b"", {"location": "/elsewhere"}),
    "redirect to nonsense": answer(302, b"", {"location": "http://[::bad"}),
    "html with 200": answer(200, HTML, AS_HTML),
    "html with 403": answer(403, HTML, AS_HTML),
    "html with 404 called json": answer(404, b"  <!doctype html>"),
    "short body": answer(201, FLOW, short=10),
    "short head": answer(201, FLOW, short=len(FLOW) + 10),
    "short refusal": answer(400, b'{"errors": []}', short=3),
    "not json": answer(201, b'{"data": {"type": "fl'),
    "a list": answer(201, b"[]"),
    "null": answer(201, b"null"),
    "deep json": answer(201, b"[" * 100_000),
    "not utf-8": answer(201, b'{"data": "\xff\xfe"}'),
    "201 and nothing": answer(201),
    "201 without id": answer(201, b'{"data": {"type": "flow"}}'),
    "201 with a number for id": answer(201, b'{"data": {"type": "flow", "id": 7}}'),
    "204 to a create": answer(204),
    "not http": lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n") or connection.close(),
    "broken gzip": answer(201, b"\x1f\x8bnonsense", {"content-encoding": "gzip"}),
    "headers one by one": drip(CREATED, at_once=20),
    "body one by one": drip(ENDLESS, at_once=80),
}


@pytest.mark.parametrize("fault", UNKNOWN)
def test_whatever_may_have_happened_is_unknown_and_is_sent_once(fault: str) -> None:
    started = time.monotonic()
    with Stub(UNKNOWN[fault]) as stub:
        with pytest.raises(Unknown) as caught:
            open_door(stub.url).create_flow(BODY)
        assert len(stub.requests) == 1, "a create must never be repeated by itself"
    assert time.monotonic() - started < 1.6
    assert not caught.value.is_safe_to_repeat
    assert_reads_well(caught.value)


REFUSED = {
    400: Refused,
    401: NotAuthorized,
    403: MissingScope,
    404: NotFound,
    405: Refused,
    409: Conflict,
    410: Refused,
    413: Refused,
    415: Refused,
    422: Refused,
}


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("body", [b'{"errors": [{"detail": "Because."}]}', b"", b"junk", b"[1, 2"])
def test_a_definitive_no_is_refused_whatever_its_body(status: int, body: bytes) -> None:
    with Stub(answer(status, body, {"x-request-id": "r-1"})) as stub:
        with pytest.raises(Refused) as caught:
            open_door(stub.url).create_flow(BODY)
        assert len(stub.requests) == 1
    assert type(caught.value) is REFUSED[status]
    assert (caught.value.status, caught.value.request_id) == (status, "r-1")
    assert bool(caught.value.errors) == (b"Because" in body)
    assert_reads_well(caught.value)


def test_too_many_is_throttled_even_from_a_proxy() -> None:
    with Stub(answer(429, HTML, {**AS_HTML, "retry-after": "7"})) as stub, pytest.raises(Throttled) as caught:
        open_door(stub.url).create_flow(BODY)
    assert caught.value.retry_after == 7
    assert caught.value.is_safe_to_repeat
    assert_reads_well(caught.value)


def test_a_refused_connection_sent_nothing() -> None:
    with Stub(reset) as stub:
        url = stub.url
    with pytest.raises(NotSent) as caught:
        open_door(url).create_flow(BODY)
    assert caught.value.is_safe_to_repeat
    assert_reads_well(caught.value)


def test_a_name_that_does_not_resolve_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **named: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotSent):
        open_door("https://a.klaviyo.invalid").create_flow(BODY)


def test_a_failed_tls_handshake_sent_nothing() -> None:
    with Stub(answer(200, FLOW)) as stub:
        with pytest.raises(NotSent):
            open_door(stub.url.replace("http:", "https:")).create_flow(BODY)
        assert stub.requests == []


def test_a_silent_tls_handshake_sent_nothing_and_ends() -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(NotSent):
        port = listener.getsockname()[1]
        open_door(f"https://127.0.0.1:{port}", timeout=httpx.Timeout(30)).create_flow(BODY)
    assert time.monotonic() - started < 1.6


def test_a_full_pool_sent_nothing() -> None:
    def full(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout("full")

    with pytest.raises(NotSent):
        open_door("https://a.klaviyo.com", transport=httpx.MockTransport(full)).create_flow(BODY)


@pytest.mark.parametrize(("raw", "at_once"), [(CREATED, 20), (ENDLESS, 80)])
def test_the_deadline_holds_when_every_byte_restarts_the_read_time_out(raw: bytes, at_once: int) -> None:
    """Even with no read time-out at all. This holds sockets.PlainHTTP to httpx's private pool."""
    started = time.monotonic()
    with Stub(drip(raw, at_once)) as stub, pytest.raises(Unknown, match="ReadTimeout"):
        open_door(stub.url, timeout=httpx.Timeout(None), deadline=0.6).create_flow(BODY)
    assert 0.5 < time.monotonic() - started < 1.2


def test_the_deadline_covers_the_call_and_its_repetition_after_a_401() -> None:
    def refuse_slowly(connection: socket.socket) -> None:
        time.sleep(0.4)
        answer(401, b"{}")(connection)

    started = time.monotonic()
    with Stub(refuse_slowly, silence) as stub, pytest.raises(Unknown):
        door = Klaviyo(stub.url, BearerToken(lambda renew: "t"), "2026-10-15", timeout=5.0, deadline=0.8)
        door.create_flow(BODY)
    assert time.monotonic() - started < 1.2


def test_no_time_left_for_the_repetition_is_not_sent() -> None:
    def slow_renewal(renew: bool) -> str:
        time.sleep(0.4 if renew else 0)
        return "t"

    with Stub(answer(401, b"{}")) as stub:
        with pytest.raises(NotSent):
            Klaviyo(stub.url, BearerToken(slow_renewal), "2026-10-15", deadline=0.3).create_flow(BODY)
        assert len(stub.requests) == 1


def test_a_peer_that_does_not_read_meets_the_deadline() -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unknown):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        open_door(url, timeout=httpx.Timeout(None)).create_flow({"data": "x" * 4_900_000})
    assert time.monotonic() - started < 1.8


def test_a_huge_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 1000)
    bomb = gzip.compress(b" " * 1_000_000)
    for behaviour in (answer(200, b" " * 2000), answer(200, bomb, {"content-encoding": "gzip"})):
        with Stub(behaviour) as stub, pytest.raises(Unknown, match="too large"):
            open_door(stub.url).get_flow("AbCdEf")


def test_closed_connections_reopen() -> None:
    with Stub(answer(200, FLOW)) as stub:
        door = open_door(stub.url)
        door.get_flow("AbCdEf")
        sockets.close_connections()
        assert door.get_flow("AbCdEf").id == "AbCdEf"
        assert stub.connections == 2


def test_gzip_is_read() -> None:
    with Stub(answer(200, gzip.compress(FLOW), {"content-encoding": "gzip"})) as stub:
        assert open_door(stub.url).get_flow("AbCdEf").name == "A"


def test_the_connection_is_shared_and_cookies_are_not() -> None:
    with Stub(answer(200, FLOW, {"set-cookie": "__cf_bm=tracked; Path=/"})) as stub:
        one, other = open_door(stub.url), open_door(stub.url)
        for door in (one, one, other):
            door.get_flow("AbCdEf")
        assert stub.connections == 1
        assert not any(b"cookie" in request.lower() for request in stub.requests)


def test_after_a_broken_answer_the_connection_is_not_used_again() -> None:
    with Stub(drip(ENDLESS, at_once=80), answer(200, FLOW)) as stub:
        door = open_door(stub.url)
        with pytest.raises(Unknown):
            door.get_flow("AbCdEf")
        assert door.get_flow("AbCdEf").id == "AbCdEf"
        assert stub.connections == 2


def test_many_threads_share_a_door() -> None:
    found = []
    with Stub(answer(200, FLOW)) as stub:
        door = open_door(stub.url, deadline=5.0)
        threads = [
            threading.Thread(target=lambda: found.append(door.get_flow("AbCdEf").id)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == ["AbCdEf"] * 8


def test_a_forked_child_does_not_use_its_parents_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = httpx.URL("http://127.0.0.1:1")
    ours = sockets.shared_transport(origin)
    assert sockets.shared_transport(origin) is ours
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    assert sockets.shared_transport(origin) is not ours
    sockets.close_connections()


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Stub(answer(200, FLOW)) as stub:
        assert open_door(stub.url).get_flow("AbCdEf").id == "AbCdEf"


def test_certificates_are_checked() -> None:
    transport = sockets.PlainHTTP()
    context = transport._pool._ssl_context  # type: ignore[attr-defined]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    transport.close()


@pytest.mark.parametrize(
    "base", ["http://a.klaviyo.com", "ftp://a.klaviyo.com", "a.klaviyo.com", "https://u:p@a.klaviyo.com", ""]
)
def test_only_https_or_this_machine(base: str) -> None:
    with pytest.raises(NotAllowed):
        open_door(base)


@pytest.mark.parametrize(
    "path", ["//evil.example/api", "https://evil.example/api", "api/flows", "", "\\\\evil"]
)
def test_a_path_cannot_lead_elsewhere(path: str) -> None:
    sent = []
    door = open_door("https://a.klaviyo.com", transport=httpx.MockTransport(sent.append))  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        door.call("GET", path)
    assert sent == []


def assert_reads_well(error: KlaviyoError) -> None:
    text = str(error)
    assert text[0].isupper()
    assert text.endswith(".")
    everything = text + repr(error) + repr(vars(error)) + "".join(traceback.format_exception(error))
    assert KEY not in everything
    assert "pk_" not in everything
