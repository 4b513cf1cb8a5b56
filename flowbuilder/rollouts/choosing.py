"""A new rollout, or more accounts for one: by ticks, by all that a filter finds, or by a list of names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import accounts_of, workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.kinds.base import count
from flowbuilder.models import Rollout, Version
from flowbuilder.operations.rollouts import UnableToRollOut, add_accounts, plan_rollout
from flowbuilder.queries.library import offer_of
from flowbuilder.queries.rollouts import choosable
from flowbuilder.rollouts.table import LARGEST, UnableToRead, match, read_bytes, read_lines
from flowbuilder.rollouts.views import Request

A_PAGE = 100
MOST_TEMPLATES = 100
YES_NO = ("", "yes", "no")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, access.INSTALLERS)
    given = request.POST if request.method == "POST" else request.GET
    version = _version(request.user, given.get("version", ""))
    if version is None:
        return _choose_version(request, workspace, status=422 if request.method == "POST" else 200)
    if request.method != "POST":
        return _choose_accounts(request, workspace, version)
    try:
        rollout = plan_rollout(
            workspace=workspace,
            by=request.user,
            version=version,
            accounts=_accounts(request, workspace, version),
            name=given.get("name", ""),
        )
    except (UnableToRollOut, UnableToRead) as error:
        return _choose_accounts(request, workspace, version, str(error), status=422)
    return redirect("rollouts:rollout", rollout.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request, pk: int) -> HttpResponse:
    """More accounts for a rollout; those that it has are left as they are."""
    one = access.rollout_or_404(request.user, pk, to_act=True)
    if request.method != "POST":
        return _choose_accounts(request, one.workspace, one.version, rollout=one)
    try:
        number = add_accounts(rollout=one, accounts=_accounts(request, one.workspace, one.version))
    except (UnableToRollOut, UnableToRead) as error:
        return _choose_accounts(request, one.workspace, one.version, str(error), status=422, rollout=one)
    messages.success(request, f"{count(number, 'account').capitalize()} came in. Each is looked at first.")
    return redirect("rollouts:rollout", pk)


def _version(user: User, text: str) -> Version | None:
    """A version that the library offers this person."""
    if not text.isascii() or not text.isdigit():
        return None
    offered = access.versions_offered(user)
    return offered.select_related("flow__template_flow").filter(pk=int(text[:18])).first()


def _accounts(request: Request, workspace: Workspace, version: Version) -> list[int]:
    """The accounts that were chosen, in the one of three ways whose button was pressed."""
    which = request.POST.get("which", "ticked")
    if which == "list":
        file = request.FILES.get("file")
        if file is not None and file.size is not None and file.size > LARGEST:
            raise UnableToRead(
                f"The file has {file.size / 1e6:.1f} MB. It may have 1 MB: one account a line."
            )
        text = read_bytes(file.read()) if file is not None else request.POST.get("names", "")
        known = accounts_of(workspace, "publish").values_list("pk", "klaviyo_id", "name")
        return match(read_lines(text), list(known))
    if which == "found":
        return list(_found(workspace, version, _filters(request.POST)).values_list("pk", flat=True))
    ticked = [one for one in request.POST.getlist("account") if one.isascii() and one.isdigit()]
    return [int(one[:18]) for one in ticked]


def _filters(data: Any) -> dict[str, str]:
    found = {"q": data.get("q", "").strip()[:100]}
    for name in ("connected", "has"):
        value = data.get(name, "")
        found[name] = value if value in YES_NO else ""
    return found


def _found(workspace: Workspace, version: Version, filters: dict[str, str]) -> QuerySet[Any]:
    return choosable(
        workspace, version, words=filters["q"], connected=filters["connected"], has=filters["has"]
    )


def _choose_version(request: Request, workspace: Workspace, status: int = 200) -> HttpResponse:
    rows = access.template_flows_for(request.user).select_related(
        "workspace", "current_version", "public__version"
    )
    rows = rows.defer("current_version__document", "public__version__document")[:MOST_TEMPLATES]
    offers = [one for one in map(offer_of, rows) if one and not one.version.withdrawn_at]
    return render(
        request, "rollouts/choose_version.html", {"room": workspace, "offers": offers}, status=status
    )


def _choose_accounts(
    request: Request,
    workspace: Workspace,
    version: Version,
    wrong: str = "",
    status: int = 200,
    rollout: Rollout | None = None,
) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    filters = _filters(data)
    found = _found(workspace, version, filters)
    if rollout is not None:
        found = found.exclude(pk__in=rollout.choices.values("account"))
    page = Paginator(found, A_PAGE).get_page(data.get("page"))
    held = {"version": str(version.pk), **filters}
    context = {
        "room": workspace,
        "rollout": rollout,
        "version": version,
        "template": version.flow.template_flow,
        "page": page,
        "filters": filters,
        "is_narrowed": any(filters.values()),
        "query": urlencode({key: value for key, value in held.items() if value}) + "&",
        "ticked": set(data.getlist("account")) if request.method == "POST" else set(),
        "names": data.get("names", "")[:LARGEST] if request.method == "POST" else "",
        "name": data.get("name", "") or f"{version.name}, version {version.number}",
        "wrong": wrong,
        "has_accounts": page.paginator.count > 0 or accounts_of(workspace, "publish").exists(),
    }
    return render(request, "rollouts/choose_accounts.html", context, status=status)
