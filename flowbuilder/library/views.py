"""The library: what is offered, and the page of one template flow. Reads only; installing is another room's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from accounts.access import current_workspace, memberships_of
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.definition.frozen import Frozen, rules_of, tell
from flowbuilder.kinds.base import count
from flowbuilder.models import Install, TemplateFlow

A_PAGE = 24


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


@dataclass(frozen=True)
class Offer:
    """A template flow as a card shows it."""

    template: TemplateFlow
    frozen: Frozen

    @property
    def sentence(self) -> str:
        return self.template.description or self.frozen.sentence


def offer_of(template: TemplateFlow) -> Offer:
    return Offer(template, Frozen(template.current_version.document))


@require_safe
def show_list(request: Request) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:100]
    offers = access.template_flows_for(request.user).select_related("workspace", "current_version")
    for word in words.split():
        offers = offers.filter(
            Q(name__icontains=word) | Q(description__icontains=word) | Q(workspace__name__icontains=word)
        )
    page = Paginator(offers, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "words": words,
        "page": page,
        "query": f"{urlencode({'q': words})}&" if words else "",
        "offers": [offer_of(one) for one in page.object_list],
    }
    return render(request, "library/_cards.html" if request.htmx else "library/list.html", context)


@require_safe
def show_page(request: Request, slug: str) -> HttpResponse:
    template = access.template_flow_or_404(request.user, slug)
    frozen = Frozen(template.current_version.document)
    describer = frozen.describer()
    roles = {one.workspace_id: one.role for one in memberships_of(request)}
    workspace = current_workspace(request)
    context = {
        "template": template,
        "offer": Offer(template, frozen),
        "frozen": frozen,
        "describer": describer,
        "lines": tell(frozen.graph, describer),
        "rules": rules_of(frozen.graph, describer),
        "made": made_by(frozen),
        "versions": template.flow.versions.filter(number__lte=template.current_version.number)
        .select_related("author")
        .defer("document"),
        "installs": installs_here(template, workspace),
        "may_install": workspace is not None and roles.get(workspace.pk) in access.INSTALLERS,
        "may_design": roles.get(template.workspace_id) in access.DESIGNERS,
    }
    return render(request, "library/page.html", context)


def made_by(frozen: Frozen) -> list[tuple[str, str]]:
    """(icon, what) that an install makes in an account."""
    made = [("flow", "1 flow, as a draft: it sends nothing until somebody sets it live in Klaviyo")]
    if frozen.templates_made:
        made.append(("mail", f"{count(frozen.templates_made, 'email template')}, for its emails"))
    return made


def installs_here(template: TemplateFlow, workspace: Workspace | None) -> list[Install]:
    """What the workspace one stands in has of it, without what was given up."""
    found: Any = Install.objects.filter(template_flow=template, workspace=workspace).exclude(
        state=Install.State.GIVEN_UP
    )
    return list(found.select_related("account", "version").defer("version__document")[:5])
