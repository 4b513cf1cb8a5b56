"""Pages of this room: a workspace's accounts, one account, one flow, one template flow, one report; and what an
account's people decide. Each begins with access."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_workspace, workspace_or_404, workspaces_of
from accounts.audit import Act, record
from accounts.catalog import choices
from accounts.klaviyo.reports import GROUPS, INTERVALS
from accounts.models import CatalogEntry, User, Workspace
from flowbuilder import access
from flowbuilder.access import Sight
from flowbuilder.definition import frames
from flowbuilder.definition.performing import STATISTICS, value_of
from flowbuilder.models import Figure, Report, Sharing, TemplateFlow
from flowbuilder.operations import performance as operations
from flowbuilder.operations.performance import UnableToSettle
from flowbuilder.performance.story import Asked, FlowNumbers, Numbers, flow_rows
from flowbuilder.performance.versions import TemplateNumbers
from flowbuilder.performance.wording import number
from flowbuilder.publisher.collecting import published, today_in
from flowbuilder.queries.performance import figures_of
from flowbuilder.spreadsheet import as_file, csv_lines

GROUP_LABELS = {
    "send_channel": "Channel",
    "flow_name": "Name of the flow",
    "flow_message_name": "Name of the message",
    "tag_id": "Tag",
    "tag_name": "Name of the tag",
    "text_message_format": "Format of the text",
    "variation": "Variation",
    "variation_name": "Name of the variation",
}
CHUNK = 500  # rows in memory
MOST_ROWS = 500  # of a report, on its page; the file has them all


class Request(HttpRequest):
    user: User


# --- Reading -----------------------------------------------------------------------------------------------------


@require_safe
def workspace(request: Request, slug: str) -> HttpResponse:
    """Every account whose numbers this workspace sees."""
    room = workspace_or_404(request.user, slug)
    now, asked = timezone.now(), Asked.of(request.GET)
    accounts = []
    for account in access.accounts_seen(room):
        is_own = account.owner_id == room.pk
        flows = None if is_own else access.flows_shared(account, room)
        accounts.append((account, Numbers(account, flows, asked, now), is_own))
    designed = TemplateFlow.objects.filter(workspace=room).order_by("name").only("slug", "name")
    context = {"room": room, "accounts": accounts, "asked": asked, "designed": designed}
    return render(request, "performance/workspace.html", context)


@require_safe
def account(request: Request, pk: int) -> HttpResponse:
    return _account(request, access.sight_or_404(request.user, pk))


def _account(request: Request, sight: Sight, wrong: str = "", status: int = 200) -> HttpResponse:
    asked, now = Asked.of(request.GET), timezone.now()
    numbers = Numbers(sight.account, sight.flows, asked, now)
    context: dict[str, Any] = {
        "sight": sight,
        "measuring": getattr(sight.account, "measuring", None),
        "numbers": numbers,
        "asked": asked,
        "rows": flow_rows(sight, numbers),
        "wrong": wrong,
    }
    if sight.is_own:
        shown = Sharing.objects.filter(account=sight.account, withdrawn_at=None).select_related(
            "given_by", "workspace"
        )
        live = {one.workspace_id: one for one in shown}
        partners = operations.partners_of(sight.account)
        context |= {
            "sharings": [(one, live.get(one.pk)) for one in partners],
            "peers": live.get(None),
            "ended": Sharing.objects.filter(account=sight.account)
            .exclude(withdrawn_at=None)
            .select_related("given_by", "withdrawn_by", "workspace")[:10],
            "reports": [
                (one, frames.label_of(one.frame, numbers.today), _parts(one))
                for one in sight.account.reports.filter(is_standing=False).select_related("asked_by")[:20]
            ],
            "metrics": choices(sight.account, CatalogEntry.Kind.METRIC) if sight.may_settle else (),
            "keys": frames.KEY_LABELS.items(),
            "intervals": INTERVALS,
            "groups": [(name, GROUP_LABELS[name]) for name in GROUPS[2:]],
        }
    return render(request, "performance/account.html", context, status=status)


@require_safe
def flow(request: Request, pk: int, flow: str) -> HttpResponse:
    sight = access.sight_or_404(request.user, pk)
    measuring = getattr(sight.account, "measuring", None)
    is_seen = sight.flows is None or flow in sight.flows
    is_known = flow in (measuring.flows if measuring else {}) or flow in published(sight.account)
    if not (is_known and is_seen):
        raise Http404("There is no such flow among those that are measured for you.")
    asked = Asked.of(request.GET)
    numbers = Numbers(sight.account, (flow,), asked, timezone.now())
    context = {
        "sight": sight,
        "asked": asked,
        "numbers": numbers,
        "story": FlowNumbers(sight, flow, numbers),
        "measuring": measuring,
    }
    return render(request, "performance/flow.html", context)


@require_safe
def template(request: Request, slug: str) -> HttpResponse:
    """For those who design it, and for those who have it."""
    found = access.template_flow_or_404(request.user, slug)
    numbers = TemplateNumbers(found, tuple(workspaces_of(request.user)), timezone.now())
    if not numbers.is_designed_here and not numbers.installs:
        raise Http404("You see numbers of template flows that you design, or have in an account.")
    return render(request, "performance/template.html", {"template": found, "numbers": numbers})


@require_safe
def report(request: Request, pk: int) -> HttpResponse:
    """One that somebody asked for, as Klaviyo answered it."""
    one, sight = _report(request, pk)
    given = [name for name in request.GET.getlist("statistic") if name in STATISTICS]
    names = given or [
        "recipients",
        "delivered",
        "open_rate",
        "click_rate",
        "conversion_rate",
        "conversion_value",
    ]
    rows = list(_figures(one)[: MOST_ROWS + 1])
    groups = [name for name in one.groups.split(",") if name not in ("", "flow_id", "flow_message_id")]
    flows = getattr(sight.account, "measuring").flows  # noqa: B009 - a reverse relation that may be missing
    currency = sight.account.currency
    context = {
        "report": one,
        "sight": sight,
        "label": frames.label_of(one.frame, today_in(sight.account, timezone.now())),
        "statistics": [(name, label, name in names) for name, label in STATISTICS.items()],
        "labels": [STATISTICS[name] for name in names],
        "groups": [GROUP_LABELS[name] for name in groups],
        "rows": [
            (
                row,
                flows.get(row.flow_id, {}).get("name", row.flow_id),
                [row.groupings.get(group) for group in groups],
                [number(row.statistics.get(name, 0), name, currency) for name in names],
            )
            for row in rows[:MOST_ROWS]
        ],
        "is_cut": len(rows) > MOST_ROWS,
        "now": timezone.now(),
    }
    return render(request, "performance/report.html", context)


def _report(request: Request, pk: int) -> tuple[Report, Sight]:
    one = get_object_or_404(Report.objects.select_related("asked_by"), pk=pk, is_standing=False)
    sight = access.sight_or_404(request.user, one.account_id)
    if not sight.is_own:
        raise Http404
    return one, sight


def _parts(one: Report) -> str:
    found = [GROUP_LABELS[name].lower() for name in one.groups.split(",") if name in GROUP_LABELS]
    return f"by {', '.join(found)}" if found else "by message"


def _figures(one: Report) -> Any:
    rows = Figure.objects.filter(
        account=one.account_id,
        metric_id=one.metric_id,
        frame=one.frame,
        interval=one.interval,
        groups=one.groups,
    )
    return rows.order_by("flow_id", "message_id", "part", "at")


# --- Files -------------------------------------------------------------------------------------------------------

USUAL_COLUMNS = ("date", "flow_id", "flow", "message_id", "send_channel")


@require_safe
def export(request: Request, pk: int) -> HttpResponseBase:
    """Day by day and message by message, of all that this person sees of the account; of one flow with ?flow=."""
    sight = access.sight_or_404(request.user, pk)
    flows = sight.flows
    if wanted := request.GET.get("flow"):
        if flows is not None and wanted not in flows:
            raise Http404
        flows = frozenset({wanted})
    rows = figures_of(sight.account, frames.DAYS, flows, "daily").order_by(
        "at", "flow_id", "message_id", "part"
    )
    measuring = getattr(sight.account, "measuring", None)
    names = {id: about.get("name", "") for id, about in (measuring.flows if measuring else {}).items()}

    def lines() -> Iterator[list[Any]]:
        for one in rows.iterator(chunk_size=CHUNK):
            about = [one.at.date().isoformat(), one.flow_id, names.get(one.flow_id, ""), one.message_id]
            yield [*about, one.groupings.get("send_channel"), *_plain(one)]

    name = f"performance-{sight.account.klaviyo_id}.csv"
    record(Act.EXPORTED, workspace=current_workspace(request), thing=sight.account, name=name)
    return as_file(csv_lines((*USUAL_COLUMNS, *STATISTICS), lines()), name)


def _plain(one: Figure) -> list[float | None]:
    return [value_of(one.statistics, name) for name in STATISTICS]


@require_safe
def report_export(request: Request, pk: int) -> HttpResponseBase:
    one, sight = _report(request, pk)
    groups = [name for name in one.groups.split(",") if name not in ("", "flow_id", "flow_message_id")]

    def lines() -> Iterator[list[Any]]:
        for row in _figures(one).iterator(chunk_size=CHUNK):
            told = [row.groupings.get(group) for group in groups]
            numbers = [row.statistics.get(name, 0) for name in STATISTICS]
            yield [row.at.strftime("%Y-%m-%dT%H:%M"), row.flow_id, row.message_id, *told, *numbers]

    columns = ("from" if one.interval else "asked_on", "flow_id", "flow_message_id", *groups, *STATISTICS)
    name = f"report-{sight.account.klaviyo_id}-{one.pk}.csv"
    record(Act.EXPORTED, workspace=current_workspace(request), thing=sight.account, name=name)
    return as_file(csv_lines(columns, lines()), name)


# --- Deciding ----------------------------------------------------------------------------------------------------


def _act(request: Request, pk: int, act: Callable[[Sight], str]) -> HttpResponse:
    """One operation; what cannot be done comes back with the page."""
    sight = access.sight_to_settle_or_404(request.user, pk)
    try:
        messages.success(request, act(sight))
    except UnableToSettle as error:
        return _account(request, sight, str(error), 422)
    return redirect("performance:account", pk)


@require_POST
def metric(request: Request, pk: int) -> HttpResponse:
    def act(sight: Sight) -> str:
        chosen = operations.choose_metric(
            account=sight.account, metric_id=request.POST.get("metric", ""), by=request.user
        )
        return f"From now on “{chosen.metric_name}” counts as a conversion. Its numbers come within minutes."

    return _act(request, pk, act)


@require_POST
def ask(request: Request, pk: int) -> HttpResponse:
    def act(sight: Sight) -> str:
        given = request.POST
        frame = given.get("frame", "")
        if frame == "days":
            today = today_in(sight.account, timezone.now())
            try:
                frame = frames.read_frame(given.get("start", ""), given.get("end", ""), today)
            except frames.BadFrame as error:
                raise UnableToSettle(str(error)) from None
        operations.ask_report(
            account=sight.account,
            frame=frame,
            interval=given.get("interval", ""),
            groups=given.getlist("group"),
            by=request.user,
        )
        return "Asked for. Klaviyo lets us ask twice a minute, so it may take a few minutes."

    return _act(request, pk, act)


@require_POST
def share(request: Request, pk: int) -> HttpResponse:
    """Give or withdraw, to one partner or (no partner named) to groups of five."""

    def act(sight: Sight) -> str:
        slug = request.POST.get("workspace", "")
        partner = None
        if slug:
            partner = operations.partners_of(sight.account).filter(slug=slug).first()
            if partner is None:
                raise UnableToSettle("There is no such partner for this account.")
        return _shared(sight, partner, request)

    return _act(request, pk, act)


def _shared(sight: Sight, partner: Workspace | None, request: Request) -> str:
    account, by = sight.account, request.user
    who = str(partner) if partner else "Others with the same template flow"
    if request.POST.get("act") == "withdraw":
        operations.withdraw(account=account, workspace=partner, by=by)
        return f"Ended. {who} no longer see anything of {account}."
    if request.POST.get("act") != "give":
        raise UnableToSettle("Say whether to share or to end it.")
    operations.share(account=account, workspace=partner, by=by)
    return f"Shared. {who} see it until you end it."
