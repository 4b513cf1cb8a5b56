"""The site's admin shows our rows and changes none of them."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.history import make
from tests.history.conftest import World, signed_in

NAMES = ("flow", "version", "templateflow", "install", "publication", "attempt", "move", "orphan")


@pytest.mark.parametrize("name", NAMES)
def test_everything_can_be_looked_at_and_nothing_changed(world: World, name: str):
    world.rowan.is_staff = world.rowan.is_superuser = True
    world.rowan.save()
    make.publication(world.version, world.account, world.mia)
    make.template(world.partner)
    client = signed_in(world.rowan)
    assert client.get(reverse(f"admin:flowbuilder_{name}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:flowbuilder_{name}_add")).status_code == 403
    model = next(one for one in admin.site._registry if one._meta.label_lower == f"flowbuilder.{name}")
    row = model.objects.first()
    if row is None:
        return
    page = reverse(f"admin:flowbuilder_{name}_change", args=[row.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"name": "x"}).status_code == 403
    assert client.post(reverse(f"admin:flowbuilder_{name}_delete", args=[row.pk])).status_code == 403
