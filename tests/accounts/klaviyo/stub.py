"""A real server on 127.0.0.1 that misbehaves as told: what mocks cannot show. Used by this folder's tests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

Behaviour = Callable[[socket.socket], None]


class Stub:
    """`with Stub(behaviour) as stub`: each request is read in full, kept, and given to behaviour(socket)."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self.requests: list[bytes] = []
        self._sockets: list[socket.socket] = []
        self._closing = threading.Event()

    @property
    def connections(self) -> int:
        return len(self._sockets)

    def __enter__(self) -> Stub:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self._thread.join(2)
        self._listener.close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while request := _read_request(connection):
                self.requests.append(request)
                index = min(len(self.requests), len(self._behaviours)) - 1
                self._behaviours[index](connection)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def answer(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None, short: int = 0
) -> Behaviour:
    """A whole answer; `short` leaves out that many of its last bytes and closes."""
    fields = {"content-type": "application/vnd.api+json", "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw = f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body

    def behave(connection: socket.socket) -> None:
        connection.sendall(raw[: len(raw) - short])
        if short:
            connection.shutdown(socket.SHUT_RDWR)

    return behave


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def silence(connection: socket.socket) -> None:
    time.sleep(3)


def drip(raw: bytes, at_once: int = 0, pause: float = 0.1) -> Behaviour:
    """The first bytes at once, then one byte each pause."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(raw[:at_once])
        for index in range(at_once, len(raw)):
            connection.sendall(raw[index : index + 1])
            time.sleep(pause)

    return behave
