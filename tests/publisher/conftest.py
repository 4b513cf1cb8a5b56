"""An install that is ready to be confirmed, against the running sandbox."""

from __future__ import annotations

import pytest

from accounts.catalog import read_catalog
from accounts.models import CatalogEntry
from tests import make


@pytest.fixture
def merchant(alice, workspace):
    return make.workspace("harbour-pine", "merchant", owner=alice)


@pytest.fixture
def account(merchant, klaviyo):
    made = make.account(merchant)
    read_catalog(made, [CatalogEntry.Kind.METRIC])
    return made


@pytest.fixture
def ready(workspace, account, alice):
    """An install of the abandoned cart, answered."""
    placed = CatalogEntry.objects.get(kind="metric", name="Placed Order", integration="Shopify").klaviyo_id
    return make.install(
        make.template(workspace),
        account,
        alice,
        started_checkout="UpixsZ",
        placed_order=placed,
        sender={"email": "mia@harbourpine.example", "label": "Mia"},
    )
