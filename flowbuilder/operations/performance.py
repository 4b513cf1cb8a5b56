"""What an account's people decide about its numbers: what counts as a conversion, what else is collected, who sees it.

Nothing here calls Klaviyo: the collector does, when it is an account's turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit import Act, record
from accounts.catalog import choices
from accounts.clock import now as right_now
from accounts.klaviyo.reports import GROUPS, INTERVALS, KEYS, LONGEST
from accounts.models import CatalogEntry, KlaviyoAccount, User, Workspace
from flowbuilder.definition.frames import days_at_most
from flowbuilder.models import Install, Measuring, Report, Sharing
from flowbuilder.publisher.collecting import settle_metric, today_in

MOST_ASKED = 20  # open questions of people, in one account: a day's calls are for all
REQUIRED = GROUPS[:2]


class UnableToSettle(Exception):
    """str() is a sentence for the person, with what to do."""


@transaction.atomic
def choose_metric(*, account: KlaviyoAccount, metric_id: str, by: User) -> Measuring:
    """From the next turn on. What was collected for the metric before is kept and no longer shown."""
    metric = choices(account, CatalogEntry.Kind.METRIC).filter(klaviyo_id=metric_id).first()
    if metric is None:
        raise UnableToSettle("This account has no such metric. Choose one from the list.")
    measuring = Measuring.objects.select_for_update().get_or_create(account=account)[0]
    now = right_now()
    measuring.metric_id, measuring.metric_name = metric.klaviyo_id, str(metric)
    measuring.chosen_by, measuring.chosen_at, measuring.problem = by, now, ""
    measuring.save(update_fields=["metric_id", "metric_name", "chosen_by", "chosen_at", "problem"])
    settle_metric(measuring, now)
    _write_down(account, f"Counts as a conversion: {metric}.", by)
    return measuring


@transaction.atomic
def ask_report(
    *, account: KlaviyoAccount, frame: str, interval: str, groups: Sequence[str], by: User
) -> Report:
    """Another time frame, interval or grouping: collected when the limits let it through. Asked again it is the same
    report, read anew. `frame`: a key of Klaviyo's, or two days (frames.read_frame)."""
    measuring = Measuring.objects.select_for_update().filter(account=account).exclude(metric_id="").first()
    if measuring is None:
        raise UnableToSettle("Nothing is collected for this account yet. Choose what counts as a conversion.")
    now = right_now()
    today = today_in(account, now)
    if "/" not in frame and frame not in KEYS:
        raise UnableToSettle("Choose a time frame from the list, or give two days.")
    if interval:
        if interval not in INTERVALS:
            raise UnableToSettle("Choose hours, days, weeks or months.")
        most = LONGEST[interval]
        if days_at_most(frame, today) > most:
            raise UnableToSettle(f"Klaviyo gives {interval} numbers for at most {most} days at once.")
    wanted = [one for one in GROUPS if one in {*groups, *REQUIRED}]
    open_ones = Report.objects.filter(account=account, is_standing=False, due_at__lte=now)
    if open_ones.count() >= MOST_ASKED:
        raise UnableToSettle(f"{MOST_ASKED} reports wait already. Ask again when some of them are there.")
    return Report.objects.update_or_create(
        account=account,
        metric_id=measuring.metric_id,
        frame=frame,
        interval=interval,
        groups=",".join(wanted),
        defaults={"asked_by": by, "asked_at": now, "due_at": now, "problem": ""},
    )[0]


# --- Consent ---------------------------------------------------------------------------------------------------


def partners_of(account: KlaviyoAccount) -> QuerySet[Workspace]:
    """Who could be shown numbers of this account: designers and installers of flows in it, and who was shown some."""
    live = Install.objects.filter(account=account).exclude(state=Install.State.GIVEN_UP)
    return (
        Workspace.objects.filter(
            Q(pk__in=live.values("template_flow__workspace"))
            | Q(pk__in=live.values("workspace"))
            | Q(pk__in=Sharing.objects.filter(account=account, withdrawn_at=None).values("workspace"))
        )
        .exclude(pk=account.owner_id)
        .order_by("name")
    )


@transaction.atomic
def share(*, account: KlaviyoAccount, workspace: Workspace | None, by: User) -> Sharing:
    """With one partner; without one, in groups of at least five."""
    KlaviyoAccount.objects.select_for_update().get(pk=account.pk)
    if workspace is not None and not partners_of(account).filter(pk=workspace.pk).exists():
        raise UnableToSettle(f"{workspace} has no flow in {account}, so there is nothing to show them.")
    live = Sharing.objects.filter(account=account, workspace=workspace, withdrawn_at=None).first()
    if live is not None:
        return live
    _write_down(account, f"{_whom(workspace)} may see its numbers.", by)
    return Sharing.objects.create(account=account, workspace=workspace, given_by=by, given_at=right_now())


@transaction.atomic
def withdraw(*, account: KlaviyoAccount, workspace: Workspace | None, by: User) -> bool:
    """From this moment on. Whether there was anything to withdraw."""
    live = Sharing.objects.filter(account=account, workspace=workspace, withdrawn_at=None)
    if not live.update(withdrawn_at=right_now(), withdrawn_by=by):
        return False
    _write_down(account, f"{_whom(workspace)} may see its numbers no more.", by)
    return True


def _whom(workspace: Workspace | None) -> str:
    return str(workspace or "Whoever compares groups of at least five")


def _write_down(account: KlaviyoAccount, detail: str, by: User) -> None:
    record(Act.SETTINGS, workspace=account.owner_id, thing=account, detail=detail, by=by)
