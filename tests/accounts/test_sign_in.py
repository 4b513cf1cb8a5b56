"""Signing in: by email, limited, and the same answer whoever is unknown."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests import make

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def _fresh_limits():
    cache.clear()
    yield
    cache.clear()


def test_by_email(client, alice):
    answer = client.post(LOGIN, {"login": "alice@example.org", "password": make.PASSWORD})
    assert answer.status_code == 302
    assert client.get(reverse("accounts:api_token")).status_code == 200


def test_too_many_tries_are_stopped(client, alice):
    """Even the right password waits, once wrong ones came too often."""
    for _ in range(6):
        client.post(LOGIN, {"login": "alice@example.org", "password": "wrong-password"})
    answer = client.post(LOGIN, {"login": "alice@example.org", "password": make.PASSWORD})
    assert answer.status_code in (200, 429)
    assert client.get(reverse("accounts:api_token")).status_code == 302


def test_nobody_learns_who_has_an_account(client, alice):
    def tried(email: str) -> str:
        return (
            client.post(LOGIN, {"login": email, "password": "wrong-password"})
            .context["form"]
            .errors.as_text()
        )

    assert tried("alice@example.org") == tried("nobody@example.org")


def test_every_sign_in_page_keeps_the_policy(client):
    for name in ("account_login", "account_signup", "account_reset_password"):
        answer = client.get(reverse(name))
        page = answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "<style" not in page
        assert " style=" not in page
