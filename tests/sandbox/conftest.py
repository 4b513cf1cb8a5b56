"""One running sandbox for the whole folder, fresh for each test, and a client that speaks to it with a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import client


@pytest.fixture(scope="session")
def _running() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def klaviyo(_running: RunningSandbox) -> RunningSandbox:
    _running.reset()
    return _running


@pytest.fixture
def api(klaviyo: RunningSandbox) -> Iterator[httpx.Client]:
    """Harbour & Pine by its private key, all scopes."""
    with client(klaviyo) as made:
        yield made
