"""Beginning from a partner's own site: the link to embed, the way back, and the owner's list of sites for it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import workspace_or_404
from accounts.models import Membership
from flowbuilder import access
from flowbuilder.install.views import Request
from flowbuilder.operations import returning
from flowbuilder.operations.returning import UnableToAllow, is_allowed, origin_of, origins_of

OWNERS = (Membership.Role.OWNER,)
RETURN_TO = "return_to"  # in the session: slug -> address, until the install begins


class AddressesForm(forms.Form):
    addresses = forms.CharField(
        label="Sites",
        required=False,
        max_length=10_000,
        help_text="One in each line, such as https://www.example.com. Each is meant exactly: not its subdomains.",
        widget=forms.Textarea({"rows": 5}),
    )


@login_not_required
@never_cache
@require_safe
def arrive(request: Request, slug: str) -> HttpResponse:
    """From a partner's own site to the template flow's page; the way back is kept until the install begins."""
    link, address = request.GET.get("link", "")[:100], request.GET.get(RETURN_TO, "")
    template = access.template_flow_or_404(request.user, slug, link)
    url = reverse("library:page", args=[slug]) + (f"?{urlencode({'link': link})}" if link else "")
    if address and not is_allowed(template.workspace, address):
        context = {"template": template, "url": url, "site": origin_of(address)}
        return render(request, "install/no_way_back.html", context, status=400)
    if address:
        request.session[RETURN_TO] = {slug: address}
    return redirect(url)


@never_cache
@require_safe
def addresses(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, OWNERS)
    form = AddressesForm(initial={"addresses": "\n".join(origins_of(workspace))})
    return render(request, "install/addresses.html", {"of": workspace, "form": form})


@require_POST
def set_addresses(request: Request, slug: str) -> HttpResponse:
    workspace = workspace_or_404(request.user, slug, OWNERS)
    form = AddressesForm(request.POST)
    if form.is_valid():
        try:
            returning.set_addresses(workspace=workspace, addresses=form.cleaned_data["addresses"].split())
        except UnableToAllow as error:
            form.add_error("addresses", str(error))
    if form.errors:
        return render(request, "install/addresses.html", {"of": workspace, "form": form}, status=422)
    messages.success(request, "Kept. Installs that begin on these sites lead back there.")
    return redirect("install:addresses", slug)
