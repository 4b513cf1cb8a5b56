"""Another version for an account: what comes, what stays, what is to be chosen; and one press that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import strip_tags
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import CatalogEntry, User
from flowbuilder import access
from flowbuilder.account_form import AccountForm
from flowbuilder.definition.frozen import Frozen
from flowbuilder.models import Install, Publication, Version
from flowbuilder.operations import after
from flowbuilder.operations import drift as looking
from flowbuilder.operations.installs import values_of
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.operations.upgrades import Line, Offer, offer_of
from flowbuilder.publisher.fits import CATALOG_KINDS
from flowbuilder.publisher.standing import standing_of

CHOICE = "choice "  # begins the name of a field; the point's id follows
KINDS = {
    "in place": ("good", "Applies in place"),
    "answers": ("warn", "Needs your answers"),
    "beside": ("accent", "Takes a new flow beside the old"),
    "stopped": ("bad", "Cannot be published"),
}


class Request(HttpRequest):
    user: User


@dataclass(frozen=True)
class Clash:
    """A question: two values of one thing. `own` and `new` are whole texts, where there is more than a sentence."""

    line: Line
    own: str
    new: str

    @property
    def field(self) -> str:
        return f"{CHOICE}{self.line.point.id}"


@dataclass(frozen=True)
class Upgrade:
    install: Install
    version: Version
    offer: Offer
    form: AccountForm | None

    @property
    def kind(self) -> tuple[str, str]:
        return KINDS[self.offer.kind]

    @property
    def is_going_back(self) -> bool:
        return self.version.number < self.install.version.number

    @property
    def is_there(self) -> bool:
        standing = standing_of(self.install)
        return bool(standing and standing.is_whole and standing.version == self.version)

    @property
    def under_way(self) -> Publication | None:
        return self.install.publications.filter(state__in=Publication.OPEN).first()

    @property
    def clashes(self) -> list[Clash]:
        return [Clash(one, *_both(self.install, one, self.offer, self.version)) for one in self.offer.clashes]

    @property
    def marks(self) -> dict[str, tuple[str, str]]:
        """For the picture of what the account will have."""
        found: dict[str, tuple[str, str]] = {}
        for one in self.offer.lines:
            point = one.point
            is_step = point.what == "step" and point.base is None
            if point.state == "clash":
                found[point.key] = ("warn", "To choose")
            elif point.state == "taken":
                found.setdefault(point.key, ("accent", "New" if is_step else "Updated"))
            elif point.key not in found:
                found[point.key] = ("good", "Yours")
        return found


def _both(install: Install, line: Line, offer: Offer, version: Version) -> tuple[str, str]:
    """What an email says, as plain text, on both sides; else nothing: the sentences say it."""
    point = line.point
    if point.path[-1:] != ("template_id",):
        return "", ""
    id = (install.step_map.get(point.key) or {}).get("action")
    own = offer.reading.emails.get(str(id), {}).get("html", "") if offer.reading else ""
    actions = {one["temporary_id"]: one for one in version.document["definition"]["actions"]}
    message = ((actions.get(point.key) or {}).get("data") or {}).get("message") or {}
    held = message.get("template_id")
    key = str(held.get("$content", "")) if isinstance(held, dict) else ""
    content = Frozen(version.document).email(key, values_of(install.answers))
    return _plain(own), _plain(content.get("html", ""))


def _plain(html: str) -> str:
    lines = (line.strip() for line in strip_tags(html).splitlines())
    return "\n".join(line for line in lines if line)[:2000]


def _upgrade(
    request: Request, pk: int, number: int, data: Mapping[str, Any] | None = None
) -> Upgrade | HttpResponse:
    install = access.install_or_404(request.user, pk)
    if install.state != Install.State.LIVE or install.account is None:
        return redirect("history:after", pk)
    template = install.template_flow
    offered = template.versions_for(mine=template.workspace_id == install.workspace_id)
    version = get_object_or_404(offered, number=number)
    choices, form, given = _choices(data), None, dict[str, Any]()
    offer = offer_of(install, version, choices=choices)
    if offer.open:
        kinds = {kind for one in offer.open for kind in CATALOG_KINDS.get(one.kind, ())}
        entries = list(CatalogEntry.objects.filter(account=install.account, kind__in=kinds))
        form = AccountForm(offer.open, {}, entries, data)
        if data is not None and form.is_valid():
            given = form.answers
            offer = offer_of(install, version, choices=choices, given=given)
            for key, text in offer.wrong.items():
                form.add_error(key, text)
    return Upgrade(install, version, offer, form)


def _choices(data: Mapping[str, Any] | None) -> dict[str, str]:
    return {
        name.removeprefix(CHOICE): str(value)
        for name, value in (data or {}).items()
        if name.startswith(CHOICE) and value in ("yours", "new")
    }


@never_cache
@require_safe
def page(request: Request, pk: int, number: int) -> HttpResponse:
    found = _upgrade(request, pk, number)
    return found if isinstance(found, HttpResponse) else _page(request, found)


def _page(request: HttpRequest, upgrade: Upgrade, wrong: str = "", status: int = 200) -> HttpResponse:
    context = {"upgrade": upgrade, "offer": upgrade.offer, "wrong": wrong}
    return render(request, "installed/upgrade.html", context, status=status)


@require_POST
def look(request: Request, pk: int, number: int) -> HttpResponse:
    """Read the flow first: what somebody did in Klaviyo since is then part of what is shown."""
    found = _upgrade(request, pk, number)
    if isinstance(found, HttpResponse):
        return found
    try:
        looking.look(install=found.install, by=request.user)
    except UnableToAct as error:
        return _page(request, found, str(error), status=422)
    return redirect("installed:upgrade", pk, number)


@require_POST
def take(request: Request, pk: int, number: int) -> HttpResponse:
    found = _upgrade(request, pk, number, request.POST)
    if isinstance(found, HttpResponse):
        return found
    offer = found.offer
    if offer.kind == "answers":
        text = "Answer what is asked below, then press again."
        return _page(request, found, text, status=422)
    given = found.form.answers if found.form is not None else {}
    asked: dict[str, Any] = {
        "install": found.install,
        "by": request.user,
        "version": found.version,
        "given": given,
        "choices": _choices(request.POST),
    }
    try:
        ask = after.ask_for_successor if offer.kind == "beside" else after.ask_for_update
        publication = ask(**asked)
    except UnableToAct as error:
        return _page(request, found, str(error), status=422)
    messages.success(request, "Asked for. You can follow it here.")
    return redirect("history:publication", publication.pk)
