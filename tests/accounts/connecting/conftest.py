"""Mia, her shop, and a running pretend Klaviyo that she makes trips to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.demo import make_people
from accounts.klaviyo import sockets
from accounts.models import User, Workspace
from flowbuilder.sandbox.testing import RunningSandbox


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def klaviyo(_running: RunningSandbox, settings: Any) -> Iterator[RunningSandbox]:
    _running.reset()
    settings.KLAVIYO_BASE_URL = _running.url
    settings.KLAVIYO_AUTHORIZE_URL = f"{_running.url}/oauth/authorize"
    settings.KLAVIYO_CLIENT_ID, settings.KLAVIYO_CLIENT_SECRET = "sandbox-client", "sandbox-secret"
    settings.SITE_URL = "http://127.0.0.1:8000"
    yield _running
    sockets.close_connections()


@pytest.fixture
def mia(klaviyo: RunningSandbox) -> User:
    return make_people()["mia@harbourpine.example"]


@pytest.fixture
def shop(mia: User) -> Workspace:
    return Workspace.objects.get(slug="harbour-pine")


@pytest.fixture
def browser(mia: User) -> Client:
    client = Client()
    client.force_login(mia)
    return client
