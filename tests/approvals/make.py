"""An install with all its answers, in an account of the sandbox."""

from __future__ import annotations

from accounts.catalog import read_catalog
from accounts.models import CatalogEntry, KlaviyoAccount, User
from flowbuilder.models import Install, TemplateFlow
from tests import make


def answered(template: TemplateFlow, account: KlaviyoAccount, by: User) -> Install:
    read_catalog(account, [CatalogEntry.Kind.METRIC])
    placed = CatalogEntry.objects.get(kind="metric", name="Placed Order", integration="Shopify").klaviyo_id
    return make.install(
        template,
        account,
        by,
        started_checkout="UpixsZ",
        placed_order=placed,
        sender={"email": "mia@harbourpine.example", "label": "Mia"},
    )
