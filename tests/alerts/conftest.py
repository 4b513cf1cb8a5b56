"""A shop, its partner, the operator; each with somebody who listens."""

from __future__ import annotations

import pytest

from flowbuilder.models import Alert, Listener
from tests.history.conftest import World, world  # noqa: F401


def listener(workspace, address: str, **more) -> Listener:
    given = {"kind": "email", "hears": Alert.Kind.values, "pace": "at-once"}
    return Listener.objects.create(workspace=workspace, address=address, **(given | more))


@pytest.fixture
def told(world: World) -> World:  # noqa: F811
    listener(world.shop, "mia@example.com")
    return world
