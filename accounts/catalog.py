"""Metrics, lists, segments and email templates of an account as last read: for pickers and for names of ids.
Properties of a metric's events are read when somebody asks for them, and kept for an hour.

Called by editors, the install and queries. Never the truth: the publisher asks the account itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.counted import ON_A_PAGE, counted, is_over
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, NotAuthorized
from accounts.klaviyo.figures import mapped_metrics
from accounts.klaviyo.shapes import Metric, MetricProperty, Named, Template
from accounts.klaviyo.wire import Transport
from accounts.models import CatalogEntry, KlaviyoAccount, Workspace

Kind = CatalogEntry.Kind
ALL_KINDS = tuple(Kind)
_READERS: dict[str, Callable[[Klaviyo], Sequence[Named]]] = {
    Kind.METRIC: Klaviyo.list_metrics,
    Kind.LIST: Klaviyo.list_lists,
    Kind.SEGMENT: Klaviyo.list_segments,
    Kind.TEMPLATE: Klaviyo.list_templates,
}
PROPERTIES_KEPT = 3600  # seconds
REFUSAL_KEPT = 60
PATIENCE = 6.0  # seconds: somebody waits for the list
A_MOMENT = 1.5  # seconds, for the account's limits: without it there are suggestions


def read_catalog(
    account: KlaviyoAccount,
    kinds: Iterable[str] = ALL_KINDS,
    *,
    transport: Transport | None = None,
    now: datetime | None = None,
    patience: float = ON_A_PAGE,
) -> int:
    """Read these kinds from the live account and replace what we knew of them; returns how many.

    `patience`: seconds to wait for the account's limits; a longer wait is Throttled.
    Raises the tree of klaviyo.errors; then nothing was changed, except that an account whose credentials
    have ended is marked as disconnected.
    """
    kinds = list(dict.fromkeys(kinds))
    client = counted(account, patience=patience, transport=transport)
    try:
        found = {kind: _READERS[kind](client) for kind in kinds}
        roles = _roles(client) if found.get(Kind.METRIC) else None
    except NotAuthorized:
        is_over(account, transport=transport)
        raise
    now = now or timezone.now()
    entries = {
        (kind, thing.id): CatalogEntry(
            account=account,
            kind=kind,
            klaviyo_id=thing.id[:40],
            name=thing.name[:300],
            integration=((thing.integration if isinstance(thing, Metric) else None) or "")[:200],
            roles=" ".join(sorted(role for role, id in (roles or {}).items() if id == thing.id))[:200],
            changed_at=thing.updated_at if isinstance(thing, Template) else None,
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
            update_fields=[
                "name",
                "integration",
                "changed_at",
                "read_at",
                *(["roles"] if roles is not None else []),
            ],
        )
        CatalogEntry.objects.filter(account=account, kind__in=kinds, read_at__lt=now).delete()
    return len(entries)


def _roles(client: Klaviyo) -> dict[str, str] | None:
    """role -> id of the metric that Klaviyo maps to it; None where it does not say: then what was known stays."""
    try:
        return mapped_metrics(client)
    except NotAuthorized:
        raise
    except KlaviyoError:
        return None


def choices(account: KlaviyoAccount, kind: str) -> QuerySet[CatalogEntry]:
    """What can be picked in this account, by name."""
    return CatalogEntry.objects.filter(account=account, kind=kind)


def names(workspace: Workspace, ids: Iterable[str]) -> dict[str, str]:
    """The names of these ids, as far as accounts of the workspace know them. At most one query."""
    wanted = set(ids)
    return dict(known(workspace, wanted).values_list("klaviyo_id", "name")) if wanted else {}


def known(workspace: Workspace, ids: Iterable[str]) -> QuerySet[CatalogEntry]:
    """What accounts of the workspace know of these ids, in no order."""
    return CatalogEntry.objects.filter(
        account__grants__workspace=workspace, account__grants__withdrawn_at=None, klaviyo_id__in=set(ids)
    ).order_by()


def find_entries(workspace: Workspace, kinds: Iterable[str], text: str = "") -> QuerySet[CatalogEntry]:
    """What the connected accounts of a workspace have of these kinds: names that hold every word, or one id."""
    found = CatalogEntry.objects.filter(
        account__grants__workspace=workspace, account__grants__withdrawn_at=None, kind__in=list(kinds)
    )
    wanted = Q()
    for word in text.split():
        wanted &= Q(name__icontains=word) | Q(integration__icontains=word) | Q(account__name__icontains=word)
    if wanted:
        found = found.filter(wanted | Q(klaviyo_id__iexact=text.strip()))
    return _told(found)


def entries_of(workspace: Workspace, ids: Iterable[str]) -> dict[str, CatalogEntry]:
    """What these ids are, as far as accounts of the workspace know them. At most one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    known = CatalogEntry.objects.filter(
        account__grants__workspace=workspace, account__grants__withdrawn_at=None, klaviyo_id__in=wanted
    )
    return {one.klaviyo_id: one for one in _told(known)}


def _told(found: QuerySet[CatalogEntry]) -> QuerySet[CatalogEntry]:
    """With the names of their accounts, and nothing else of those: no tokens are read for a list."""
    fields = ("kind", "klaviyo_id", "name", "integration", "account__name", "account__klaviyo_id")
    return found.select_related("account").only(*fields)


def metric_properties(
    workspace: Workspace, metric_id: str, *, transport: Transport | None = None
) -> tuple[MetricProperty, ...]:
    """What events of a metric carry, as Klaviyo tells it. Nothing where no account of the workspace has the metric
    or Klaviyo does not answer in time: then it is not asked again for a minute."""
    entry = (
        find_entries(workspace, (Kind.METRIC,)).filter(klaviyo_id=metric_id).first() if metric_id else None
    )
    if entry is None:
        return ()
    key = f"metric-properties:{entry.account_id}:{metric_id}"
    kept: tuple[MetricProperty, ...] | None = cache.get(key)
    if kept is not None:
        return kept
    try:
        account = KlaviyoAccount.objects.get(pk=entry.account_id)
        client = counted(account, patience=A_MOMENT, transport=transport, deadline=PATIENCE)
        found = tuple(client.list_metric_properties(metric_id))
    except KlaviyoError:
        cache.set(key, (), REFUSAL_KEPT)
        return ()
    cache.set(key, found, PROPERTIES_KEPT)
    return found
