"""For the reviewers of this site: what wants to be seen by everybody, and their yes or no."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from flowbuilder import access
from flowbuilder.definition.frozen import Frozen, rules_of, tell
from flowbuilder.definition.offering import description_of, outside
from flowbuilder.library.views import Request, compared
from flowbuilder.models import Review
from flowbuilder.operations import reviews as operations
from flowbuilder.operations.reviews import UnableToReview

A_PAGE = 30


@never_cache
@require_safe
def show_list(request: Request) -> HttpResponse:
    """What waits, the oldest first; below, what was decided."""
    rows = access.reviews_for(request.user).defer(
        "version__document", "template_flow__public__version__document"
    )
    decided = Paginator(rows.exclude(verdict="").order_by("-decided_at", "-pk"), A_PAGE)
    context = {
        "waiting": rows.filter(verdict="").order_by("asked_at", "pk"),
        "page": decided.get_page(request.GET.get("page")),
    }
    return render(request, "library/reviews.html", context)


@never_cache
@require_safe
def show(request: Request, pk: int) -> HttpResponse:
    return _page(request, get_object_or_404(access.reviews_for(request.user), pk=pk))


def _page(request: Request, review: Review, error: str = "", status: int = 200) -> HttpResponse:
    frozen = Frozen(review.version.document)
    describer = outside(frozen)
    public = review.template_flow.public
    earlier = public.version if public and public.version_id != review.version_id else None
    context = {
        "review": review,
        "template": review.template_flow,
        "frozen": frozen,
        "describer": describer,
        "sentence": review.description or description_of(frozen),
        "lines": tell(frozen.graph, describer),
        "rules": rules_of(frozen.graph, describer),
        "earlier": earlier,
        "said_before": public.description if public else None,
        "error": error,
        **(compared(earlier, review.version) if earlier else {}),
    }
    return render(request, "library/review.html", context, status=status)


@require_POST
def decide(request: Request, pk: int) -> HttpResponse:
    review = get_object_or_404(access.reviews_for(request.user), pk=pk)
    given = request.POST
    try:
        operations.decide(
            review=review,
            by=request.user,
            verdict=given.get("verdict", ""),
            reason=given.get("reason", "")[:2000],
            seen=given.get("seen", ""),
        )
    except UnableToReview as error:
        return _page(request, review, str(error), status=422)
    said = "Everybody can see it now." if review.verdict == "yes" else "Its author reads why."
    messages.success(request, f"You said {review.verdict} to {review.version}. {said}")
    return redirect("library:reviews")
