"""Metrics, lists, segments and email templates of an account as last read: for pickers and for names of ids.

Called by editors, the install and queries. Never the truth: the publisher asks the account itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.connection import client_for
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import NotAuthorized
from accounts.klaviyo.shapes import Metric, Named
from accounts.klaviyo.wire import Transport
from accounts.models import CatalogEntry, KlaviyoAccount, Workspace
from accounts.operations import mark_disconnected

Kind = CatalogEntry.Kind
ALL_KINDS = tuple(Kind)
_READERS: dict[str, Callable[[Klaviyo], Sequence[Named]]] = {
    Kind.METRIC: Klaviyo.list_metrics,
    Kind.LIST: Klaviyo.list_lists,
    Kind.SEGMENT: Klaviyo.list_segments,
    Kind.TEMPLATE: Klaviyo.list_templates,
}


def read_catalog(
    account: KlaviyoAccount,
    kinds: Iterable[str] = ALL_KINDS,
    *,
    transport: Transport | None = None,
    now: datetime | None = None,
) -> int:
    """Read these kinds from the live account and replace what we knew of them; returns how many.

    Raises the tree of klaviyo.errors; then nothing was changed, except that a key which Klaviyo no longer
    accepts marks the account as disconnected.
    """
    kinds = list(dict.fromkeys(kinds))
    client = client_for(account, transport=transport)
    try:
        found = {kind: _READERS[kind](client) for kind in kinds}
    except NotAuthorized:
        mark_disconnected(
            account=account, reason="Klaviyo no longer accepts the credentials of this account."
        )
        raise
    now = now or timezone.now()
    entries = {
        (kind, thing.id): CatalogEntry(
            account=account,
            kind=kind,
            klaviyo_id=thing.id[:40],
            name=thing.name[:300],
            integration=((thing.integration if isinstance(thing, Metric) else None) or "")[:200],
            read_at=now,
        )
        for kind, things in found.items()
        for thing in things
    }
    with transaction.atomic():
        CatalogEntry.objects.bulk_create(
            entries.values(),
            batch_size=500,
            update_conflicts=True,
            unique_fields=["account", "kind", "klaviyo_id"],
            update_fields=["name", "integration", "read_at"],
        )
        CatalogEntry.objects.filter(account=account, kind__in=kinds, read_at__lt=now).delete()
    return len(entries)


def choices(account: KlaviyoAccount, kind: str) -> QuerySet[CatalogEntry]:
    """What can be picked in this account, by name."""
    return CatalogEntry.objects.filter(account=account, kind=kind)


def names(workspace: Workspace, ids: Iterable[str]) -> dict[str, str]:
    """The names of these ids, as far as accounts of the workspace know them. At most one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    known = CatalogEntry.objects.filter(
        account__grants__workspace=workspace, account__grants__withdrawn_at=None, klaviyo_id__in=wanted
    )
    return dict(known.order_by().values_list("klaviyo_id", "name"))
