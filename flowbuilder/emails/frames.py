"""An email as its reader sees it, alone in a sandboxed frame: nothing in it runs, nothing in it reaches the site."""

from __future__ import annotations

from collections.abc import Callable

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from flowbuilder.access import email_or_404, user_of
from flowbuilder.emails.judging import judge
from flowbuilder.emails.samples import UnableToRead, data_of
from flowbuilder.emails.showing import page
from flowbuilder.kinds.samples import SAMPLE
from flowbuilder.operations.emails import LIMIT

View = Callable[..., HttpResponseBase]
POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["https:", "data:"],
    "font-src": ["https:", "data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": [""],
}


def framed(view: View) -> View:
    def with_policy(request: HttpRequest, pk: int) -> HttpResponseBase:
        response = view(request, pk)
        response["Referrer-Policy"] = "no-referrer"  # pictures are fetched from anywhere
        return response

    in_frame: View = xframe_options_sameorigin(csp_replace(POLICY)(with_policy))  # type: ignore[arg-type]
    return in_frame


@require_GET
@framed
def frame(request: HttpRequest, pk: int) -> HttpResponse:
    """What is saved, filled with sample data."""
    email = email_or_404(user_of(request), pk, to_write=False)
    return HttpResponse(
        page(email.html, email.text, data=SAMPLE, scheme=_scheme(request.GET.get("scheme", "")))
    )


@require_POST
@framed
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What stands in the form now, saved or not: with sample data, or with its tags as they are written."""
    email_or_404(user_of(request), pk, to_write=False)
    post = request.POST
    try:
        data = data_of(post.get("who", ""), post.get("sample", ""))
    except UnableToRead:
        data = SAMPLE  # the page says what is wrong with it
    at = post.get("at", "")
    shown = page(
        post.get("html", "")[:LIMIT].replace("\r\n", "\n"),
        post.get("text", "")[:LIMIT],
        as_text=post.get("part") == "text",
        data=None if post.get("tags") == "raw" else data,
        scheme=_scheme(post.get("scheme", "")),
        at=int(at) if at.isascii() and at.isdigit() and len(at) < 9 else None,
    )
    return HttpResponse(shown)


def _scheme(said: str) -> str:
    return "dark" if said == "dark" else "light"


@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """What is wrong with what stands in the form now."""
    email = email_or_404(user_of(request), pk, to_write=False)
    post, wrong = request.POST, ""
    try:
        data_of(post.get("who", ""), post.get("sample", ""))
    except UnableToRead as error:
        wrong = str(error)
    html, text = (post.get(name, "")[:LIMIT].replace("\r\n", "\n") for name in ("html", "text"))
    return render(
        request, "emails/_judged.html", {"email": email, "judged": judge(html, text, wrong_data=wrong)}
    )
