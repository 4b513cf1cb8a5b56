"""What an account holds against what our rows say, both ways: flows that look like ours and no row knows, and rows of
flows that are gone. Nothing is changed in Klaviyo: what was found is for the site's staff to look at.

Called at night by tasks.py, and by `manage.py orphans --now`. Writes its own rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from accounts.counted import IN_THE_BACK, counted
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import MissingScope, NotFound
from accounts.klaviyo.shapes import Flow
from accounts.models import KlaviyoAccount
from flowbuilder.models import Attempt, Install, Made, Orphan, Publication
from flowbuilder.publisher.reconcile import SKEW
from flowbuilder.publisher.states import NOT_OURS

Kind = Orphan.Kind


def accounts_to_compare() -> list[int]:
    """Those that can be read, and that something was ever published to."""
    published = Publication.objects.filter(account=OuterRef("pk"))
    found = KlaviyoAccount.objects.filter(Exists(published), state=KlaviyoAccount.State.CONNECTED)
    return list(found.order_by("pk").values_list("pk", flat=True))


def compare(account: KlaviyoAccount, now: datetime) -> list[Orphan]:
    """Read the account's flows and keep what does not fit. Raises what the client raises; then nothing is changed."""
    client = counted(account, patience=IN_THE_BACK)
    meant = _meant_to_be_there(account)  # before the account is read, and what is known of it after: neither
    flows = {one.id: one for one in client.list_flows()}  # calls an orphan what landed in between
    found = [*_gone(meant, flows), *_unknown(account, flows, _tagged(account, client))]
    for one in found:
        one.account, one.found_at, one.seen_at = account, now, now
    with transaction.atomic():
        Orphan.objects.bulk_create(
            found,
            update_conflicts=True,
            unique_fields=["account", "kind", "klaviyo_flow_id"],
            update_fields=["name", "why", "install", "seen_at"],
        )
        Orphan.objects.filter(account=account, seen_at__lt=now).delete()
    return found


# --- Rows without a flow ---------------------------------------------------------------------------------------


def _meant_to_be_there(account: KlaviyoAccount) -> list[Install]:
    """Installs that are live and left alone: of others somebody changes just now what is there."""
    under_way = Publication.objects.filter(install=OuterRef("pk"), state__in=Publication.OPEN)
    live = Install.objects.filter(~Exists(under_way), account=account, state=Install.State.LIVE)
    return list(live.exclude(live_flow_id="").select_related("template_flow"))


def _gone(meant: list[Install], flows: dict[str, Flow]) -> Iterator[Orphan]:
    for one in meant:
        if one.live_flow_id not in flows:
            why = "It counts as installed, and its flow was deleted in Klaviyo. Remove the install, or install it anew."
            yield _orphan(Kind.GONE, one.live_flow_id, one.template_flow.name, why, one)


# --- Flows without a row ---------------------------------------------------------------------------------------


def _unknown(account: KlaviyoAccount, flows: dict[str, Flow], tagged: set[str]) -> Iterator[Orphan]:
    mine = Publication.objects.filter(account=account, kind=Publication.Kind.CREATE).order_by()
    known = set(mine.exclude(klaviyo_flow_id="").values_list("klaviyo_flow_id", flat=True))
    made = Made.objects.filter(kind=Made.Kind.FLOW, publication__account=account)
    removed = set(made.exclude(removed_at=None).values_list("klaviyo_id", flat=True))
    known |= set(made.values_list("klaviyo_id", flat=True))
    # What a person was shown and called somebody else's; what is being looked up right now.
    told = mine.filter(wanted__has_key=NOT_OURS).values_list("wanted", flat=True)
    foreign = {id for wanted in told for id in wanted[NOT_OURS]}
    looked_up = set(mine.filter(state__in=Publication.OPEN).values_list("flow_name", flat=True))
    sent = Attempt.objects.filter(publication=OuterRef("pk"), step="create-flow")
    since = dict(mine.filter(Exists(sent)).values_list("flow_name").annotate(Min("created_at")))
    for flow in flows.values():
        if flow.id in removed:
            why = "We deleted it, and it is there still. Delete it in Klaviyo."
            yield _orphan(Kind.UNKNOWN, flow.id, flow.name, why)
        elif flow.id in known | foreign or flow.name in looked_up:
            continue
        elif flow.id in tagged:
            why = "It has our tag, and no publication knows it: a copy that somebody made, or one that was lost."
            yield _orphan(Kind.UNKNOWN, flow.id, flow.name, why)
        elif flow.name in since and (flow.created is None or flow.created >= since[flow.name] - SKEW):
            why = "It has the name of one that we published here, is not older, and no publication knows it."
            yield _orphan(Kind.UNKNOWN, flow.id, flow.name, why)


def _tagged(account: KlaviyoAccount, client: Klaviyo) -> set[str]:
    """The flows with a tag that we made, where we may know."""
    tags = Made.objects.filter(kind=Made.Kind.TAG, publication__account=account, removed_at=None)
    found: set[str] = set()
    for id in set(tags.values_list("klaviyo_id", flat=True)):
        try:
            found |= set(client.list_tagged_flows(id))
        except (MissingScope, NotFound):
            continue
    return found


def _orphan(kind: str, flow_id: str, name: str, why: str, install: Install | None = None) -> Orphan:
    return Orphan(kind=kind, klaviyo_flow_id=flow_id, name=name[:300], why=why, install=install)


def told(one: Orphan) -> dict[str, Any]:
    """A line for scripts; its names are kept."""
    return {
        "kind": one.kind,
        "account": one.account.klaviyo_id,
        "flow": one.klaviyo_flow_id,
        "name": one.name,
        "install": one.install_id,
        "why": one.why,
        "found_at": one.found_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
    }
