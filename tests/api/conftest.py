"""The world of the history tests, and clients that speak to the API for its people."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from accounts.models import CatalogEntry, User
from tests.history.conftest import World, world

__all__ = ["world"]


@pytest.fixture(autouse=True)
def _no_limits_left_over() -> None:
    cache.clear()


def speak(user: User | None, **more: Any) -> APIClient:
    client = APIClient(**more)
    if user:
        client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}")
    return client


def know_metric(world: World) -> None:
    CatalogEntry.objects.create(
        account=world.account, kind=CatalogEntry.Kind.METRIC, klaviyo_id="Chk111", name="Checkout Started"
    )


def schema(path: Any) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(path))
