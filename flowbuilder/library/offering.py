"""For the designers of a template flow: who may read it, what its page says, its share link, withdrawing a version."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from flowbuilder import access
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.offering import description_of
from flowbuilder.library.views import Request
from flowbuilder.models import TemplateFlow
from flowbuilder.operations import library as operations
from flowbuilder.operations.library import LONGEST_DESCRIPTION, UnableToOffer


class OfferForm(forms.Form):
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Generated from the design, and kept up with it until you change a word. Empty: generated again.",
    )
    categories = forms.MultipleChoiceField(
        choices=TemplateFlow.Category.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    languages = forms.MultipleChoiceField(
        label="Languages of its messages",
        choices=TemplateFlow.Language.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    visibility = forms.ChoiceField(
        label="Who may read and install it", choices=TemplateFlow.Visibility.choices, widget=forms.RadioSelect
    )


@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: Request, slug: str) -> HttpResponse:
    template = access.template_to_design_or_404(request.user, slug)
    generated = description_of(Frozen(template.current_version.document))
    if request.method != "POST":
        initial = {
            "description": template.description or generated,
            "categories": template.categories.split(),
            "languages": template.languages.split(),
            "visibility": template.visibility,
        }
        return _page(request, template, OfferForm(initial=initial), generated)
    form = OfferForm(request.POST)
    if form.is_valid():
        given: dict[str, Any] = dict(form.cleaned_data)
        if _same(given["description"], generated):
            given["description"] = ""
        try:
            operations.settle_offer(template=template, by=request.user, **given)
        except UnableToOffer as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _said(template))
            return redirect("library:offer", slug)
    return _page(request, template, form, generated, status=422)


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def _said(template: TemplateFlow) -> str:
    if template.reviews.filter(verdict="").exists():
        return "Saved. A reviewer of this site looks at it before others see it."
    return "Saved."


def _page(
    request: Request, template: TemplateFlow, form: OfferForm, generated: str, status: int = 200, **more: Any
) -> HttpResponse:
    reviews = template.reviews.select_related("version", "decided_by").defer("version__document")
    is_linked = template.visibility == TemplateFlow.Visibility.LINK
    context = {
        "template": template,
        "form": form,
        "generated": generated,
        "is_generated": not template.description,
        "share": f"{_address(template)}?link={access.link_of(template)}" if is_linked else "",
        "reviews": list(reviews[:10]),
        "versions": template.flow.versions.select_related("author", "withdrawn_by").defer("document"),
        **more,
    }
    return render(request, "library/offer.html", context, status=status)


def _address(template: TemplateFlow) -> str:
    return settings.SITE_URL.rstrip("/") + reverse("library:page", args=[template.slug])


@require_POST
def renew_link(request: Request, slug: str) -> HttpResponse:
    template = access.template_to_design_or_404(request.user, slug)
    operations.renew_link(template=template)
    messages.success(request, "There is a new link. The old one leads nowhere now.")
    return redirect("library:offer", slug)


@require_POST
def withdraw(request: Request, slug: str, number: int) -> HttpResponse:
    template = access.template_to_design_or_404(request.user, slug)
    version = get_object_or_404(template.flow.versions, number=number)
    reason = request.POST.get("reason", "")
    try:
        operations.withdraw_version(template=template, version=version, by=request.user, reason=reason)
    except UnableToOffer as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            f"Version {number} was withdrawn. Those who were installing it are told, and shown the way on.",
        )
    return redirect("library:offer", slug)
