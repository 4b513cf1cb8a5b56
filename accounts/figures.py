"""How often metrics were seen and how many profiles lists and segments hold: read a few at a time, and kept.

Called by the install after a page is shown, and by the dry run of a rollout. It never waits: what an account's limits
do not let through now is left for the next time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Case, Q, QuerySet, When
from django.utils import timezone

from accounts.counted import counted
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, MissingScope, NotFound
from accounts.klaviyo.figures import count_in, events_query, metric_seen
from accounts.klaviyo.wire import Transport
from accounts.models import CatalogEntry, KlaviyoAccount

Kind = CatalogEntry.Kind
KEPT = timedelta(hours=6)
PATIENCE = 6.0  # seconds: somebody looks at the page
AT_ONCE = 4  # calls
_PATHS = {Kind.LIST: "/api/lists", Kind.SEGMENT: "/api/segments"}


def uncounted(account: KlaviyoAccount, ids: Iterable[str], now: datetime) -> QuerySet[CatalogEntry]:
    """Those of these things that have figures, but none that were read lately; in the order that is given."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return CatalogEntry.objects.none()
    order = Case(*(When(klaviyo_id=one, then=place) for place, one in enumerate(wanted)))
    return (
        CatalogEntry.objects.filter(account=account, klaviyo_id__in=wanted)
        .exclude(kind=Kind.TEMPLATE)
        .filter(Q(counted_at=None) | Q(counted_at__lt=now - KEPT))
        .order_by(order)
    )


def count(
    account: KlaviyoAccount,
    ids: Iterable[str],
    *,
    most: int = AT_ONCE,
    transport: Transport | None = None,
    now: datetime | None = None,
) -> list[CatalogEntry]:
    """Read the figures of these things, as far as limits let it; those that were read, or refused, now.

    Nothing is raised: figures help, and nobody needs them.
    """
    now = now or timezone.now()
    done: list[CatalogEntry] = []
    try:
        client = counted(account, patience=0, transport=transport, deadline=PATIENCE)
    except KlaviyoError:
        return done
    for entry in uncounted(account, ids, now)[:most]:
        try:
            _count(client, entry)
        except (MissingScope, NotFound):
            pass  # it will be refused again: it stays without figures for a while
        except KlaviyoError:
            break
        entry.counted_at = now
        figures = {"count": entry.count, "last_on": entry.last_on, "counted_at": now}
        CatalogEntry.objects.filter(pk=entry.pk).update(**figures)
        done.append(entry)
    return done


def _count(client: Klaviyo, entry: CatalogEntry) -> None:
    if entry.kind == Kind.METRIC:
        now = timezone.now()
        body = events_query(entry.klaviyo_id, now)
        seen = metric_seen(client.call("POST", "/api/metric-aggregates", json=body), now.date())
        entry.count, entry.last_on = seen.events, seen.last_on
    else:
        params = {f"additional-fields[{entry.kind}]": "profile_count"}
        path = f"{_PATHS[Kind(entry.kind)]}/{entry.klaviyo_id}"
        entry.count = count_in(client.call("GET", path, params=params))
