"""The fit grid: which template flow fits which account, and why; an install or a rollout begins from it.

Judged by the catalogs as they were last read, by the rules of publisher/fits.py; nobody is called to show it. The dry
run of a rollout looks closer. A fixed number of queries for a page of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now as right_now
from django.views.decorators.http import require_POST, require_safe

from accounts.access import accounts_of, workspace_or_404
from accounts.catalog import read_catalog
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import CatalogEntry, KlaviyoAccount, User, Workspace
from flowbuilder import access
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.shaping import UnableToShape
from flowbuilder.definition.taken import definition_in
from flowbuilder.kinds.base import count
from flowbuilder.models import Install, TemplateFlow, Version
from flowbuilder.operations import installs
from flowbuilder.operations.installs import UnableToInstall
from flowbuilder.publisher import fits

DOWN, ACROSS = 50, 8  # accounts and template flows on a page
A_LOOK = timedelta(seconds=3)
FITS, ASKS, CANNOT, UNKNOWN, THERE = "fits", "asks", "cannot", "unknown", "there"
TONES = {FITS: "good", ASKS: "warn", CANNOT: "bad", UNKNOWN: "", THERE: "accent"}


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class Cell:
    """`short` stands on the chip, `why` behind it."""

    template: TemplateFlow
    kind: str
    short: str
    why: str
    install: Install | None = None

    @property
    def tone(self) -> str:
        return TONES[self.kind]

    @property
    def may_start(self) -> bool:
        return self.kind in (FITS, ASKS, UNKNOWN)


@dataclass(frozen=True)
class Row:
    account: KlaviyoAccount
    cells: list[Cell]
    is_ticked: bool = False


@dataclass(frozen=True)
class Head:
    template: TemplateFlow
    version: Version
    fits: int  # on this page


class Judge:
    """Cells of a page: two queries, then values."""

    def __init__(self, templates: Sequence[TemplateFlow], accounts: Sequence[KlaviyoAccount]) -> None:
        offered = {one.pk: one.version_for(mine=one.is_mine) for one in templates}
        self.offered = {pk: one for pk, one in offered.items() if one}
        self.frozen = {pk: Frozen(one.document) for pk, one in self.offered.items()}
        questions = [question for one in self.frozen.values() for question in one.questions]
        kinds = fits.kinds_needed(questions)
        there: dict[int, list[CatalogEntry]] = {}
        for entry in CatalogEntry.objects.filter(account__in=accounts, kind__in=kinds).order_by("pk"):
            there.setdefault(entry.account_id, []).append(entry)
        self.read = {pk: {entry.kind for entry in entries} for pk, entries in there.items()}
        self.known = {pk: fits.known_of(entries) for pk, entries in there.items()}
        self.taken: dict[tuple[int, int | None], Install] = {}
        states = (Install.State.LIVE, Install.State.PUBLISHING)
        installs = Install.objects.filter(template_flow__in=templates, account__in=accounts, state__in=states)
        for install in installs.select_related("version").defer("version__document").order_by("state"):
            self.taken.setdefault((install.template_flow_id, install.account_id), install)
        self.problems: dict[int, str] = {}

    def cell(self, template: TemplateFlow, account: KlaviyoAccount) -> Cell:
        if install := self.taken.get((template.pk, account.pk)):
            if install.state == Install.State.LIVE:
                number, newest = install.version.number, self.offered[template.pk].number
                more = f" Version {newest} is out." if newest > number else ""
                return Cell(template, THERE, f"Version {number}", f"It is there already.{more}", install)
            return Cell(template, THERE, "On its way", "It is on its way already.", install)
        if self.offered[template.pk].withdrawn_at:
            return Cell(template, CANNOT, "Withdrawn", "All versions of it are withdrawn.")
        if not account.is_connected:
            why = f"It is disconnected: {account.state_reason or 'reconnect it.'}"
            return Cell(template, CANNOT, "Cannot", why)
        questions = self.frozen[template.pk].questions
        unread = set(fits.kinds_needed(questions)) - self.read.get(account.pk, set())
        answers = self._answers(questions, account)
        needed = self.frozen[template.pk].needed(fits.values_of(answers))
        missing = [one for one in needed if one.key not in answers]
        if missing and any(set(fits.CATALOG_KINDS.get(one.kind, ())) & unread for one in missing):
            why = (
                "What is in this account was not read yet, or there is nothing of that kind. Read it to know."
            )
            return Cell(template, UNKNOWN, "Not read yet", why)
        if missing:
            names = " ".join(f"“{one.question}”" for one in missing)
            why = f"Nothing there fits: {names}"
            if all(definition_in(one.limits) is not None for one in missing):
                why += " It can be made there, as the template brings it along."
            return Cell(template, ASKS, f"Needs {count(len(missing), 'answer')}", why)
        if why := self._problem(template, answers):
            return Cell(template, CANNOT, "Cannot", f"The flow cannot be published: {why}")
        return Cell(template, FITS, "Fits", "Every question has one clear answer there.")

    def _answers(self, questions: Sequence[Question], account: KlaviyoAccount) -> dict[str, fits.Answer]:
        known = self.known.get(account.pk) or fits.known_of(())
        found = {one.key: fits.find_answer(account, one, known) for one in questions}
        return {key: one for key, one in found.items() if one is not None}

    def _problem(self, template: TemplateFlow, answers: Mapping[str, fits.Answer]) -> str:
        """What stops the flow, looked for once: with whose answers makes no difference to its form."""
        if template.pk not in self.problems:
            frozen = self.frozen[template.pk]
            try:
                stops = fits.stops(fits.landing_of(frozen, self.offered[template.pk].name, answers, {}))
                self.problems[template.pk] = " ".join(one.text for one in stops)
            except UnableToShape as error:
                self.problems[template.pk] = str(error)
        return self.problems[template.pk]


def _pages(request: HttpRequest, workspace: Workspace, user: User) -> tuple[Any, Any, dict[str, str]]:
    given = {
        name: request.GET.get(name, "").strip()[:100] for name in ("account", "template", "across", "tick")
    }
    accounts = accounts_of(workspace, "publish").defer("access_token", "refresh_token", "api_key")
    for word in given["account"].split():
        accounts = accounts.filter(Q(name__icontains=word) | Q(klaviyo_id__icontains=word))
    templates = access.template_flows_for(user).select_related(
        "current_version", "public__version", "workspace"
    )
    for word in given["template"].split():
        templates = templates.filter(name__icontains=word)
    down = Paginator(accounts, DOWN).get_page(request.GET.get("page"))
    across = Paginator(templates, ACROSS).get_page(given["across"])
    return down, across, given


@require_safe
def grid(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, access.INSTALLERS)
    down, across, given = _pages(request, workspace, request.user)
    templates, accounts = list(across.object_list), list(down.object_list)
    judge = Judge(templates, accounts)
    rows = []
    for account in accounts:
        cells = [judge.cell(one, account) for one in templates]
        is_ticked = any(one.template.slug == given["tick"] and one.kind == FITS for one in cells)
        rows.append(Row(account, cells, is_ticked))
    heads = [
        Head(one, judge.offered[one.pk], sum(row.cells[index].kind == FITS for row in rows))
        for index, one in enumerate(templates)
    ]
    held = {name: given[name] for name in ("account", "template") if given[name]}
    context = {
        "room": workspace,
        "page": down,
        "across": across,
        "heads": heads,
        "rows": rows,
        "filters": given,
        "is_unread": any(cell.kind == UNKNOWN for row in rows for cell in row.cells),
        "query": urlencode({**held, **({"across": given["across"]} if given["across"] else {})}) + "&",
        "across_query": urlencode({**held, "page": str(down.number)}) + "&",
    }
    return render(request, "rollouts/grid.html", context)


@require_POST
def read(request: Request, slug: str) -> HttpResponse:
    """Read, for a moment, what is in the accounts of this page of which something was never read."""
    workspace = workspace_or_404(request.user, slug, access.INSTALLERS)
    down, across, _ = _pages(request, workspace, request.user)
    accounts, until = list(down.object_list), right_now() + A_LOOK
    judge = Judge(list(across.object_list), accounts)
    kinds = fits.kinds_needed(question for one in judge.frozen.values() for question in one.questions)
    failed = 0
    for account in KlaviyoAccount.objects.filter(pk__in=[one.pk for one in accounts]).order_by("name", "pk"):
        if not account.is_connected or set(kinds) <= judge.read.get(account.pk, set()):
            continue
        try:
            read_catalog(account, kinds)
        except KlaviyoError:
            failed += 1
        if right_now() >= until:
            messages.info(request, "That is all for now: press again to read more accounts.")
            break
    if failed:
        messages.warning(request, f"Klaviyo did not answer for {count(failed, 'account')}. Try again later.")
    query = request.GET.urlencode()
    answer = redirect("rollouts:grid", slug)
    answer["Location"] += f"?{query}" if query else ""
    return answer


@require_POST
def install(request: Request, slug: str, account: int, template: str) -> HttpResponse:
    """Begin an install of one template flow in one account."""
    workspace = workspace_or_404(request.user, slug, access.INSTALLERS)
    chosen = get_object_or_404(accounts_of(workspace, "publish"), pk=account)
    offered = access.template_flow_or_404(request.user, template)
    begun = installs.start_install(template=offered, workspace=workspace, by=request.user)
    try:
        installs.choose_account(install=begun, account=chosen)
    except UnableToInstall as error:
        messages.error(request, str(error))
        return redirect("rollouts:grid", slug)
    return redirect("install:open", begun.pk)
