"""The receipt of what landed: one page to print. Reads only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from flowbuilder.access import publication_or_404, user_of
from flowbuilder.history.story import Story
from flowbuilder.models import Receipt
from flowbuilder.publisher.receipts import wrong_with


@require_safe
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """404 for what has none. The link itself is proved as the page is drawn; the whole chain by verify_receipts."""
    user = user_of(request)
    publication = publication_or_404(user, pk)
    found = get_object_or_404(Receipt, publication=publication)
    found.publication = publication
    shown = {
        "story": Story(publication, user, timezone.now()),
        "receipt": found,
        "wrong": wrong_with(found),
    }
    return render(request, "history/receipt.html", shown)
