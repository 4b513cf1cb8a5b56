"""The library: what is offered, the page of one template flow, and two of its versions side by side. Reads only, and
open to the world: what a stranger may see is access's and queries/library.py's to say."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from accounts.access import current_workspace, memberships_of
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.definition.between import Between
from flowbuilder.definition.frozen import Frozen, rules_of, tell
from flowbuilder.definition.offering import made_by, need_of
from flowbuilder.library.filters import FilterForm
from flowbuilder.models import Install, TemplateFlow, Version
from flowbuilder.queries.library import Offer, offer_of

A_PAGE = 24
_SHORTEST = 300  # characters of a description in the address that is shared


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


@login_not_required
@require_safe
def show_list(request: Request) -> HttpResponse:
    shown = access.template_flows_for(request.user)
    filters = FilterForm(request.GET or None, authors=authors_of(shown), knows=request.user.is_authenticated)
    given = filters.given
    rows = filters.narrowed(shown).select_related("workspace", "current_version", "public__version")
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    query = urlencode({key: value for key, value in given.items() if value})
    context = {
        "filters": filters,
        "is_narrowed": bool(query),
        "page": page,
        "query": f"{query}&" if query else "",
        "offers": [offer for one in page.object_list if (offer := offer_of(one))],
        "may_review": request.user.is_authenticated and not request.htmx and access.may_review(request.user),
    }
    return render(request, "library/_cards.html" if request.htmx else "library/list.html", context)


def authors_of(shown: QuerySet[TemplateFlow]) -> list[tuple[str, str]]:
    return list(
        shown.order_by("workspace__name").values_list("workspace__slug", "workspace__name").distinct()
    )


@login_not_required
@require_safe
def show_page(request: Request, slug: str) -> HttpResponse:
    template, offer, link = opened(request, slug)
    frozen, describer = offer.frozen, offer.describer
    roles = {one.workspace_id: one.role for one in memberships_of(request)}
    workspace = current_workspace(request)
    carried = f"?{urlencode({'link': link})}" if link else ""
    context = {
        "template": template,
        "offer": offer,
        "link": link,
        "carried": carried,
        "address": settings.SITE_URL.rstrip("/") + reverse("library:page", args=[slug]),
        "about": Truncator(offer.sentence).chars(_SHORTEST),
        "frozen": frozen,
        "describer": describer,
        "lines": tell(frozen.graph, describer),
        "rules": rules_of(frozen.graph, describer),
        "needs": [(one, *need_of(one)) for one in frozen.questions],
        "made": made_by(frozen, settings.PUBLISH_TAG),
        "versions": versions_of(template, offer),
        "installs": installs_here(template, workspace),
        "may_install": workspace is not None and roles.get(workspace.pk) in access.INSTALLERS,
        "may_design": roles.get(template.workspace_id) in access.DESIGNERS,
        "waiting": template.reviews.filter(verdict="").first() if template.is_mine else None,
    }
    return render(request, "library/page.html", context)


@login_not_required
@require_safe
def compare(request: Request, slug: str) -> HttpResponse:
    """Any two versions that this person may read about: two pictures with marks, and the same in words."""
    template, offer, link = opened(request, slug)
    versions = list(versions_of(template, offer))
    numbers = {str(one.number): one.pk for one in versions}
    newest = [str(one.number) for one in versions]
    new = request.GET.get("new", newest[0] if newest else "")
    old = request.GET.get("old", newest[1] if len(newest) > 1 else new)
    if old not in numbers or new not in numbers:
        raise Http404("There is no such version to read.")
    documents = Version.objects.in_bulk([numbers[old], numbers[new]])
    context = {
        "template": template,
        "offer": offer,
        "link": link,
        "carried": f"?{urlencode({'link': link})}" if link else "",
        "versions": versions,
        **compared(documents[numbers[old]], documents[numbers[new]]),
    }
    return render(request, "library/_compared.html" if request.htmx else "library/compare.html", context)


def compared(old: Version, new: Version) -> dict[str, Any]:
    """What library/_compared.html needs."""
    between = Between(Frozen(old.document), Frozen(new.document))
    return {
        "old": old,
        "new": new,
        "between": between,
    }


def opened(request: Request, slug: str) -> tuple[TemplateFlow, Offer, str]:
    """The template flow, what this person is shown of it, and the share link by which they came, if they did."""
    link = request.GET.get("link", "")[:100]
    template = access.template_flow_or_404(request.user, slug, link)
    offer = offer_of(template)
    if offer is None:
        raise Http404
    return template, offer, link if link and access.opens(template, link) else ""


def versions_of(template: TemplateFlow, offer: Offer) -> QuerySet[Version]:
    return template.versions_for(mine=offer.is_ours).select_related("author").defer("document")


def installs_here(template: TemplateFlow, workspace: Workspace | None) -> list[Install]:
    """What the workspace one stands in has of it, without what was given up."""
    if workspace is None:
        return []
    found: Any = Install.objects.filter(template_flow=template, workspace=workspace).exclude(
        state=Install.State.GIVEN_UP
    )
    return list(found.select_related("account", "version").defer("version__document")[:5])
