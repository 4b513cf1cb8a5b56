"""Rows of numbers in one line: merchants with a template flow in their accounts, and what its message did each day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import KlaviyoAccount, User
from flowbuilder.models import Figure, Install, Measuring, Publication, Report, TemplateFlow, Version
from tests import make

METRIC = "Order1"
DAY: dict[str, float] = {
    "recipients": 100, "delivered": 100, "opens": 60, "opens_unique": 40, "clicks": 12, "clicks_unique": 10,
    "conversions": 5, "conversion_uniques": 4, "conversion_value": 200.0,
}  # fmt: skip


def today() -> datetime:
    return datetime.combine(timezone.now().date(), time(), UTC)


def merchant(
    name: str,
    template: TemplateFlow,
    *,
    days: int = 60,
    counts: dict[str, float] = DAY,
    landed: int = 70,
    currency: str = "USD",
) -> Install:
    """A merchant's workspace with an owner of the same name, an account, a live copy, and numbers of all frames."""
    owner = make.user(f"{name}@{name}.example", name.title())
    shop = make.workspace(name, "merchant", owner=owner)
    account = make.account(shop, name[:6].title(), f"pk_{name}")
    KlaviyoAccount.objects.filter(pk=account.pk).update(name=f"{name.title()} Shop", currency=currency)
    account.refresh_from_db()
    version = template.current_version
    assert version is not None
    live = Install.objects.create(
        workspace=shop, template_flow=template, version=version, account=account, state="live",
        live_flow_id=f"F{name}", step_map={"mail-1": {"action": "1", "message": f"M{name}"}},
    )  # fmt: skip
    land(live, version, landed)
    measured(account, {live.live_flow_id: {"name": template.name, "ours": True, "metrics": []}})
    flow(account, live.live_flow_id, f"M{name}", days=days, counts=counts)
    return live


def land(install: Install, version: Version, days_ago: int) -> None:
    assert install.account is not None
    publication = Publication.objects.create(
        workspace=install.workspace, install=install, version=version, account=install.account, flow_name="x"
    )
    at = timezone.now() - timedelta(days=days_ago)
    make.bring(publication, "published", ended_at=at, klaviyo_flow_id=install.live_flow_id)


def measured(account: KlaviyoAccount, flows: dict[str, Any]) -> Measuring:
    now = timezone.now()
    about = {"metric_id": METRIC, "metric_name": "Placed Order", "flows": flows, "listed_at": now}
    made = Measuring.objects.create(account=account, **about)
    Report.objects.create(
        account=account, metric_id=METRIC, frame="past_30", is_standing=True, collected_at=now
    )
    return made


def flow(
    account: KlaviyoAccount, flow_id: str, message: str, *, days: int = 60, counts: dict[str, float] = DAY
) -> None:
    """Every day the same; the 30 days before the last 30 had half of it."""
    rows = [figure(account, "past_30", flow_id, message, today(), _times(counts, 30))]
    rows.append(figure(account, "prior_30", flow_id, message, today(), _times(counts, 15)))
    rows += [
        figure(account, "days", flow_id, message, today() - timedelta(days=back), counts, "daily")
        for back in range(1, days + 1)
    ]
    Figure.objects.bulk_create(rows)


def figure(
    account: KlaviyoAccount,
    frame: str,
    flow_id: str,
    message: str,
    at: datetime,
    counts: dict[str, float],
    interval: str = "",
) -> Figure:
    return Figure(
        account=account, metric_id=METRIC, frame=frame, interval=interval, flow_id=flow_id,
        message_id=message, part="x", groupings={"send_channel": "email"}, at=at, statistics=counts,
    )  # fmt: skip


def _times(counts: dict[str, float], many: int) -> dict[str, float]:
    return {name: value * many for name, value in counts.items()}


def owner_of(install: Install) -> User:
    return install.workspace.members.get()
