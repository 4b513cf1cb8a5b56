"""The library of emails: the list, one email, a copy, a test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import islice
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.middleware import HtmxDetails

from accounts.access import accounts_of, membership_or_404, workspace_or_404
from flowbuilder.access import DESIGNERS, email_or_404, user_of
from flowbuilder.emails.asking import asking_of
from flowbuilder.emails.designs import starts
from flowbuilder.emails.judging import judge
from flowbuilder.emails.samples import OWN, SAMPLES, UnableToRead, data_of
from flowbuilder.kinds.samples import SAMPLE
from flowbuilder.models import Email, Flow
from flowbuilder.operations.email_questions import as_suggested
from flowbuilder.operations.emails import (
    UnableToSave,
    WrittenMeanwhile,
    check_words,
    copy_email,
    delete_email,
    start_email,
    write_email,
)
from flowbuilder.operations.trial_sends import MOST, UnableToSend, read_recipients, send_test
from flowbuilder.queries.emails import uses_of

WORDS = ("name", "html", "text")
MOST_LINES = 3000  # of an email, to be compared line by line
MOST_SHOWN = 200


class Request(HttpRequest):
    htmx: HtmxDetails


@require_GET
def emails(request: HttpRequest, slug: str) -> HttpResponse:
    membership = membership_or_404(user_of(request), slug)
    workspace = membership.workspace
    query = request.GET.get("q", "").replace("\0", "").strip()
    rows = (
        Email.objects.filter(workspace=workspace)
        .defer("html", "text")
        .select_related("changed_by")
        .order_by("-changed_at", "-pk")
    )
    if query:
        rows = rows.filter(name__icontains=query)
    uses = uses_of(workspace)
    return render(
        request,
        "emails/list.html",
        {
            "room": workspace,
            "query": query,
            "rows": [(one, uses.get(one.key, [])) for one in rows],
            "starts": starts(),
            "may_write": membership.role in DESIGNERS,
        },
    )


@require_POST
def new(request: HttpRequest, slug: str) -> HttpResponse:
    workspace = workspace_or_404(user_of(request), slug, roles=DESIGNERS)
    known = {one.key: one for one in starts()}
    start = known.get(request.POST.get("kind", ""), known["html"])
    name = request.POST.get("name", "").strip() or "New email"
    made = start_email(workspace=workspace, by=user_of(request), name=name, html=start.html, text=start.text)
    return redirect("emails:email", made.pk)


# --- One email --------------------------------------------------------------------------------------------------


@dataclass
class Said:
    """What the page has to say besides the email: why it was not saved, what somebody else saved, the test."""

    error: str = ""
    revision: str | None = (
        None  # what the page is based on, where it was not saved: theirs is never lost unseen
    )
    clash: Email | None = None
    difference: list[tuple[str, str]] = field(default_factory=list)
    test_error: str = ""
    test_sent: str = ""


@require_http_methods(["GET", "POST"])
def email(request: Request, pk: int) -> HttpResponse:
    """The editor of one email; a POST saves it."""
    if request.method == "GET":
        return _editor(request, email_or_404(user_of(request), pk, to_write=False), Said())
    held = email_or_404(user_of(request), pk)
    words = _words(request, held)
    revision = request.POST.get("revision", "")
    chosen = (
        request.POST.get("over") or revision
    )  # “over” is the revision that the person saw, and chose to replace
    try:
        if not chosen.isascii() or not chosen.isdigit() or len(chosen) > 9:
            raise UnableToSave("The page is too old: copy what you wrote, and open the email again.")
        name, html, text = (words[key] for key in WORDS)
        held = write_email(
            email=held, by=user_of(request), name=name, html=html, text=text, revision=int(chosen)
        )
    except WrittenMeanwhile as error:
        held = email_or_404(user_of(request), pk)
        difference = _difference(held.html or held.text, words["html"] or words["text"])
        said = Said(error=str(error), revision=revision, clash=held, difference=difference)
        return _after_saving(request, held, said, status=409)
    except UnableToSave as error:
        return _after_saving(request, held, Said(error=str(error), revision=revision), status=422)
    if request.htmx:
        return _after_saving(request, held, Said())
    messages.success(request, "Saved.")
    return redirect(_address(request, pk))


def _words(request: HttpRequest, held: Email) -> dict[str, str]:
    """What stands in the form; what it does not hold, as it is saved."""
    return {name: request.POST.get(name, getattr(held, name)).replace("\r\n", "\n") for name in WORDS}


def _difference(theirs: str, mine: str) -> list[tuple[str, str]]:
    """Lines from theirs to mine: (“+”, “-” or “ ”, the line). None where they are too long to compare."""
    before, after = theirs.splitlines(), mine.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        return []
    lines = islice(unified_diff(before, after, lineterm="", n=1), 2, MOST_SHOWN)
    return [("…", "") if line.startswith("@@") else (line[:1], line[1:]) for line in lines]


def _address(request: HttpRequest, pk: int) -> str:
    back = _back(request)
    return reverse("emails:email", args=[pk]) + (f"?{urlencode({'back': back})}" if back else "")


def _back(request: HttpRequest) -> str:
    """Where the person came from: a page of this site, or nothing."""
    url = request.POST.get("back") or request.GET.get("back", "")
    return url if url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""


def _after_saving(request: Request, held: Email, said: Said, *, status: int = 200) -> HttpResponse:
    """To htmx what is to be said, with the revision that the next saving is based on; else the whole page."""
    if not request.htmx:
        return _editor(request, held, said, status=status)
    asking = asking_of(held, uses_of(held.workspace).get(held.key, []), request.POST.get("flow", ""))
    context = {"email": held, "said": said, "back": _back(request), "is_answer": True, "asking": asking}
    context["may_write"] = True
    return render(request, "emails/_saved.html", context, status=status)


def _editor(request: HttpRequest, held: Email, said: Said, *, status: int = 200) -> HttpResponse:
    post = request.POST
    words = _words(request, held)
    membership = membership_or_404(user_of(request), held.workspace.slug)
    who = post.get("who", SAMPLES[0].key)
    flows = uses_of(held.workspace).get(held.key, [])
    return render(
        request,
        "emails/email.html",
        {
            "email": held,
            "written": words,
            "said": said,
            "judged": judge(words["html"], words["text"]),
            "samples": SAMPLES,
            "own": OWN,
            "who": who,
            "sample": post.get("sample") or json.dumps(SAMPLE, indent=2, ensure_ascii=False),
            "flows": flows,
            "asking": asking_of(held, flows, request.GET.get("flow", "")),
            "may_write": membership.role in DESIGNERS,
            "back": _back(request),
            **_testing(request, held),
        },
        status=status,
    )


@require_POST
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    made = copy_email(email=email_or_404(user_of(request), pk), by=user_of(request))
    messages.success(request, f"Copied as “{made.name}”.")
    return redirect("emails:email", made.pk)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    held = email_or_404(user_of(request), pk)
    slug = held.workspace.slug
    try:
        delete_email(email=held)
    except UnableToSave as error:
        return _editor(request, held, Said(error=str(error)), status=409)
    messages.success(request, f"Deleted “{held.name}”.")
    return redirect("emails:list", slug)


# --- A test email -----------------------------------------------------------------------------------------------


def _testing(request: HttpRequest, held: Email) -> dict[str, object]:
    accounts = accounts_of(held.workspace, "publish").filter(state="connected")
    recipients = request.POST.get("recipients", "")
    return {
        "test_flow": request.POST.get("flow") or request.GET.get("flow", ""),
        "accounts": accounts,
        "most": MOST,
        "recipients": recipients,
        "chosen": request.POST.get("account"),
    }


def _flow_of(held: Email, chosen: str) -> Flow | None:
    """The flow whose suggestions a test takes: as the form names it, of those that use the email."""
    return next((one for one in uses_of(held.workspace).get(held.key, []) if str(one.pk) == chosen), None)


@require_POST
def test(request: Request, pk: int) -> HttpResponse:
    """Send what stands in the form, saved or not, to a few addresses, by Klaviyo."""
    held = email_or_404(user_of(request), pk)
    post, said = request.POST, Said()
    chosen = post.get("account", "")
    is_number = chosen.isascii() and chosen.isdigit() and len(chosen) < 19
    account = get_object_or_404(accounts_of(held.workspace, "publish"), pk=int(chosen)) if is_number else None
    try:
        if account is None:
            raise UnableToSend("Choose the account that sends it.")
        words = _words(request, held)
        check_words(**words)
        if not (words["html"] + words["text"]).strip():
            raise UnableToSend("The email says nothing yet: write it first.")
        recipients = read_recipients(post.get("recipients", ""))
        written = Email(workspace=held.workspace, key=held.key, **words)
        data = data_of(post.get("who", ""), post.get("sample", ""))
        send_test(
            email=as_suggested(_flow_of(held, post.get("flow", "")), written),
            account=account,
            recipients=recipients,
            context=data,
        )
    except (UnableToSend, UnableToSave, UnableToRead) as error:
        said.test_error = str(error)
    else:
        said.test_sent = f"{account} sends the test email now. It can take a minute to arrive."
    status = 422 if said.test_error else 200
    if request.htmx:
        context = {"email": held, "said": said, **_testing(request, held)}
        return render(request, "emails/_test.html", context, status=status)
    if said.test_sent and "html" not in post:
        messages.success(request, said.test_sent)
        return redirect("emails:email", pk)
    return _editor(request, held, said, status=status)
