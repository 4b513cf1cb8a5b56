"""The flow of an install in its account: what it is set to, what a new version would change, and what may be done.

Each view: access, one operation, the new publication's page. What cannot be done comes back as a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from flowbuilder import access
from flowbuilder.models import Install, Publication, Reading, Version
from flowbuilder.operations import after as operations
from flowbuilder.operations.leaving import Leaving, leaving
from flowbuilder.operations.moving_on import version_to_take
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.operations.upgrades import Offer, offer_of
from flowbuilder.publisher.readings import last_reading
from flowbuilder.publisher.standing import Standing, standing_of

WORDS = {"live": "Live", "manual": "Manual", "draft": "Draft", "paused": "Paused"}
TONES = {"live": "good", "manual": "accent", "paused": "warn"}


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class After:
    install: Install
    wrong: str = ""

    @cached_property
    def standing(self) -> Standing | None:
        return standing_of(self.install)

    @cached_property
    def under_way(self) -> Publication | None:
        return self.install.publications.filter(state__in=Publication.OPEN).first()

    @cached_property
    def status(self) -> str:
        return operations.status_of(self.install)

    @property
    def status_words(self) -> str:
        return WORDS.get(self.status, self.status)

    @property
    def tone(self) -> str:
        return TONES.get(self.status, "")

    @property
    def statuses(self) -> list[str]:
        """What it can be set to. All of them: a person in Klaviyo may have set it otherwise."""
        return list(operations.STATUSES)

    @cached_property
    def last(self) -> Publication:
        return self.install.publications.latest("pk")

    @property
    def flow_url(self) -> str:
        return Publication(klaviyo_flow_id=self.install.live_flow_id).flow_url

    @property
    def may_restore(self) -> bool:
        return operations.restorable(self.install) is not None

    @property
    def half(self) -> Version | None:
        """The version of an update that stopped half-way."""
        return self.standing.version if self.standing and not self.standing.is_whole else None

    @cached_property
    def offer(self) -> Offer | None:
        """The newest version, or the one that stopped half-way, where it is not what is there."""
        version = self.half or version_to_take(self.install)
        if version is None:
            return None
        if self.standing and self.standing.is_whole and self.standing.version == version:
            return None
        if self.half is None and version.number < self.install.version.number:
            return None
        return offer_of(self.install, version)

    @property
    def predecessor(self) -> str:
        """The id of the flow that has not handed over, or could take over again."""
        before = operations.predecessor(self.install)
        return str(before["flow"]) if before else ""

    @cached_property
    def back(self) -> Version | None:
        return operations.version_before(self.install)

    @cached_property
    def leaving(self) -> Leaving:
        """What a removal takes and leaves."""
        return leaving(self.install)

    @cached_property
    def reading(self) -> Reading | None:
        return last_reading(self.install)

    @property
    def reading_tone(self) -> str:
        is_well = self.reading and (self.reading.accepted_at or self.reading.verdict == Reading.Verdict.NONE)
        return "good" if is_well else "warn"


@never_cache
@require_safe
def page(request: Request, pk: int) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    return _elsewhere(install) or _page(request, install)


def _page(request: Request, install: Install, wrong: str = "", status: int = 200) -> HttpResponse:
    return render(request, "history/after.html", {"after": After(install, wrong)}, status=status)


def _elsewhere(install: Install) -> HttpResponseRedirect | None:
    """Where an install is without a flow in its account."""
    if install.state == Install.State.LIVE:
        return None
    removal = install.publications.filter(kind=Publication.Kind.REMOVE).order_by("-pk").first()
    if removal is not None and install.state == Install.State.GIVEN_UP:
        return redirect("history:publication", removal.pk)
    return redirect("install:open", install.pk)


Act = Callable[[Install, User, QueryDict], Publication]


def _version(ask: Callable[..., Publication]) -> Act:
    def act(install: Install, by: User, given: QueryDict) -> Publication:
        number = given.get("version", "")
        template = install.template_flow
        rows = template.versions_for(mine=template.workspace_id == install.workspace_id)
        version = rows.filter(number=number[:9]).first() if number.isascii() and number.isdigit() else None
        if version is None:
            raise UnableToAct("Choose a version of this template flow.")
        return ask(install=install, by=by, version=version)

    return act


def _status(install: Install, by: User, given: QueryDict) -> Publication:
    return operations.ask_for_status(install=install, by=by, status=given.get("status", ""))


def _remove(install: Install, by: User, given: QueryDict) -> Publication:
    chosen = set(given.getlist("delete"))
    keep = [one.pk for one in leaving(install).choices if str(one.pk) not in chosen]
    return operations.ask_for_removal(install=install, by=by, keep=keep)


def _plainly(ask: Callable[..., Publication]) -> Act:
    return lambda install, by, given: ask(install=install, by=by)


ACTS: dict[str, Act] = {
    "status": _status,
    "pause": _plainly(operations.ask_for_pause),
    "restore": _plainly(operations.ask_for_restore),
    "update": _version(operations.ask_for_update),
    "beside": _version(operations.ask_for_successor),
    "hand-over": _plainly(operations.ask_for_handover),
    "back": _plainly(operations.roll_back),
    "remove": _remove,
}


@require_POST
def act(request: Request, pk: int, act: str) -> HttpResponse:
    install = access.install_or_404(request.user, pk)
    if act not in ACTS:
        raise Http404("There is no such act.")
    if away := _elsewhere(install):
        return away
    try:
        publication = ACTS[act](install, request.user, request.POST)
    except UnableToAct as error:
        return _page(request, install, str(error), status=422)
    messages.success(request, "Asked for. You can follow it here.")
    return redirect("history:publication", publication.pk)
