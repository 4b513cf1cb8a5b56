"""Closes the shared connections after each test, so that no socket outlives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.klaviyo import sockets


@pytest.fixture(autouse=True)
def _no_open_connections() -> Iterator[None]:
    yield
    sockets.close_connections()
