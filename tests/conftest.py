"""What the tests share: three people (alice owns, bob is a teammate, charlie a stranger) and a running sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.test import Client

from accounts.models import User, Workspace
from flowbuilder.sandbox.testing import RunningSandbox
from tests import make

SHARED = Path(__file__).resolve().parents[2] / "shared"
CASES = Path(__file__).resolve().parent / "cases"

hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _calm_settings(settings, tmp_path):
    """No broker and no waiting in tests; files of their own."""
    settings.CELERY_BROKER_URL = "memory://"
    settings.VAR_DIR = tmp_path
    settings.KLAVIYO_SPEED = 1_000_000  # limits are tests/accounts/test_budget.py's and the fault suite's
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast


@pytest.fixture
def alice(db) -> User:
    return make.user("alice@example.org", "Alice")


@pytest.fixture
def bob(db) -> User:
    return make.user("bob@example.org", "Bob")


@pytest.fixture
def charlie(db) -> User:
    return make.user("charlie@example.org", "Charlie")


@pytest.fixture
def workspace(alice: User, bob: User) -> Workspace:
    """Alice's, with Bob as a designer."""
    return make.workspace("northwind", owner=alice, designer=bob)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_alice(alice: User) -> Client:
    return client_of(alice)


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def klaviyo(_sandbox: RunningSandbox, settings) -> RunningSandbox:
    """The pretend Klaviyo, fresh, with the settings that lead to it."""
    _sandbox.reset()
    _sandbox.clear_faults()
    settings.KLAVIYO_BASE_URL = _sandbox.url
    settings.KLAVIYO_AUTHORIZE_URL = f"{_sandbox.url}/oauth/authorize"
    settings.KLAVIYO_SITE_URL = _sandbox.url
    settings.KLAVIYO_CLIENT_ID = _sandbox.client_id
    settings.KLAVIYO_CLIENT_SECRET = _sandbox.client_secret
    return _sandbox


@pytest.fixture
def seed() -> dict:
    """The example of the beta's page, as it was given: old names, message ids, weekdays on an hour's delay."""
    return json.loads((CASES / "seed.json").read_text())
