"""The connections themselves: one pool per process and origin, with a wall-clock deadline on every socket.

Called by wire.py and by webhooks.py, which resolves names itself; a worker and a test may call close_connections.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_give_up_at: ContextVar[float | None] = ContextVar("give_up_at", default=None)
_shared: dict[tuple[int, str], httpx.BaseTransport] = {}
_lock = threading.Lock()


def shared_transport(origin: httpx.URL) -> httpx.BaseTransport:
    """The one connection pool of this process for that origin; a forked child makes its own."""
    key = (os.getpid(), f"{origin.scheme}://{origin.host}:{port_of(origin)}")
    with _lock:
        if key not in _shared:
            _shared[key] = PlainHTTP()
        return _shared[key]


def close_connections() -> None:
    """Close this process's pooled connections, at the end of a worker or a test. They reopen when needed."""
    with _lock:
        for (pid, _), transport in _shared.items():
            if pid == os.getpid():
                transport.close()


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


@contextmanager
def give_up(at: float) -> Iterator[None]:
    """Within this block no socket of PlainHTTP waits beyond `at` (time.monotonic)."""
    token = _give_up_at.set(at)
    try:
        yield
    finally:
        _give_up_at.reset(token)


def _left(timeout: float | None, too_late: type[Exception]) -> float | None:
    at = _give_up_at.get()
    if at is None:
        return timeout
    left = at - time.monotonic()
    if left <= 0:
        raise too_late("deadline")
    return left if timeout is None else min(left, timeout)


class PlainHTTP(httpx.HTTPTransport):
    """httpx's transport with a deadline on every read and write of the socket.

    httpx's own read time-out starts again with every byte, so that headers at one byte a second would hold a
    worker for hours. httpx has no public way to pass httpcore's `network_backend`; test_faults holds this one
    private name.
    """

    def __init__(self, backend: httpcore.NetworkBackend | None = None) -> None:
        super().__init__(trust_env=False, retries=0)
        if not isinstance(self._pool, httpcore.ConnectionPool):
            raise RuntimeError(
                "httpx keeps its connections elsewhere now; the deadline has to be fitted anew."
            )
        self._pool._network_backend = backend or Backend()


class Backend(httpcore.NetworkBackend):
    """The sockets of the machine, each with the deadline of the block it is used in."""

    def __init__(self) -> None:
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *rest: Any, **named: Any
    ) -> Any:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._real.connect_tcp(host, port, left, *rest, **named))

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, real: httpcore.NetworkStream) -> None:
        self._real = real

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._real.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(
            0, len(buffer), 65_536
        ):  # in pieces: a peer that reads slowly must meet the deadline too
            self._real.write(buffer[start : start + 65_536], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._real.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        return _Stream(
            self._real.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout))
        )

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)
