"""Two fragments of the page of questions: choices that have what is typed, and figures that come after the page.

Figures are read a few at a time, as the account's limits allow; with them a question may answer itself.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import reswap, retarget

from accounts.figures import count
from flowbuilder import access
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.install import asking
from flowbuilder.install.views import Request, elsewhere
from flowbuilder.models import Install
from flowbuilder.operations import installs as operations

MOST_ROUNDS = 20  # of figures for one showing of a question


@never_cache
@require_safe
def choices(request: Request, pk: int, key: str) -> HttpResponse:
    """What can be chosen and has every word of `q`; what is chosen stays."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    question = _question_or_404(install, key)
    one = asking.ask_one(
        install, asking.known_of(install), question, change=True, looking=_typed(request, key)
    )
    return render(request, "install/_choices.html", {"install": install, "one": one, "round": 0})


@never_cache
@require_safe
def figures(request: Request, pk: int, key: str) -> HttpResponse:
    """Reads some figures of what is shown for one question, and shows what is new; it is asked for until all are
    there. `open`: the question is shown with its choices; `change`: somebody is changing its answer."""
    install = access.install_or_404(request.user, pk)
    if away := elsewhere(request, install):
        return away
    assert install.account is not None
    question = _question_or_404(install, key)
    given = request.GET.get("round", "")
    number = int(given[:4]) + 1 if given.isascii() and given.isdigit() else 1
    is_open, is_changed = "open" in request.GET, "change" in request.GET
    typed = _typed(request, key)
    known = asking.known_of(install)
    before = asking.ask_one(install, known, question, change=is_open, looking=typed)
    read = count(install.account, before.ids)
    if read:
        known = asking.known_of(install)
        operations.find_answers(install=install, known=known)
    one = asking.ask_one(install, known, question, change=is_changed, looking=typed)
    settled = bool(read) and not (is_open and (is_changed or one.answer is None))
    context = {
        **asking.counts(asking.ask(install, known)),
        "install": install,
        "one": one,
        "read": [option for option in one.options if option.value in {entry.klaviyo_id for entry in read}],
        "settled": settled,
        "round": number,
        "goes_on": one.looks and number < MOST_ROUNDS,
    }
    response = render(request, "install/_figures.html", context)
    return reswap(retarget(response, "closest section"), "outerHTML") if settled else response


def _question_or_404(install: Install, key: str) -> Question:
    for question in Frozen(install.version.document).questions:
        if question.key == key and question.kind in asking.CATALOG_KINDS:
            return question
    raise Http404("That question has no choices.")


def _typed(request: Request, key: str) -> asking.Looking:
    return asking.Looking(key, request.GET.get("q", "")[:100])
