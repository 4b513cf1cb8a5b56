"""The guided install as its merchants will see it, for the partner who designs the flow: nothing is kept or made.

The questions are those of the working design, drawn by the install's own templates; the answers stand in the address,
and beside them the flow that they leave.
"""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from flowbuilder.access import design_or_404, user_of
from flowbuilder.definition.answering import WrongAnswer, checked
from flowbuilder.definition.frozen import Frozen, Question, tell
from flowbuilder.definition.preflight import blocking
from flowbuilder.definition.switching import parts_off
from flowbuilder.install.asking import Asked
from flowbuilder.install.forms import AnswerForm, form_for
from flowbuilder.install.picking import Option, Picker
from flowbuilder.kinds.base import count
from flowbuilder.operations.library import freeze
from flowbuilder.publisher.fits import CATALOG_KINDS
from flowbuilder.queries import Design

IMAGES = {"img-src": ["'self'", "data:", "https:"]}  # an answer may be the address of an image


@require_safe
@csp_update(IMAGES)  # type: ignore[arg-type]
def wizard(request: HttpRequest, pk: int) -> HttpResponse:
    flow = design_or_404(user_of(request), pk)
    design = Design(flow)
    frozen = Frozen(freeze(design))
    is_answered = any("-" in name for name in request.GET)
    forms = {one.key: _form(one, request.GET if is_answered else None) for one in frozen.questions}
    answers = {key: answer for key, form in forms.items() if (answer := _answer(form)) is not None}
    asked = frozen.asked(answers)
    graph = frozen.left(answers)
    describer = frozen.describer(answers, design.words.names)
    gone = [step.key for step in frozen.graph.steps if step.key not in graph.by_key]
    stops = blocking(design.problems)
    context: dict[str, Any] = {
        "flow": flow,
        "asked": [_asked(one, forms[one.key]) for one in asked],
        "left_out": [one for one in frozen.questions if one not in asked],
        "graph": graph,
        "describer": describer,
        "lines": tell(graph, describer),
        "off": count(len(gone), "step") if parts_off(frozen.questions, answers) else "",
        "gone": [describer.step(frozen.graph.by_key[key]).title for key in gone],
        "proof": None if stops else design.proof,
    }
    template = "install/_trying.html" if getattr(request, "htmx", False) else "install/trying.html"
    return render(request, template, context)


def _form(question: Question, data: QueryDict | None) -> AnswerForm:
    """What can be chosen in an account stands for itself by the name that is looked for."""
    head = f"{question.key}-"
    there = data is not None and any(text for name, text in data.items() if name.startswith(head))
    given = data if there else None
    return form_for(question, [_stand_in(question)], question.default, given, within=question.key)


def _stand_in(question: Question) -> str:
    return question.looks_for or str(question.default or question.key)


def _answer(form: AnswerForm) -> Any:
    if form.is_bound:
        return form.answer if form.is_valid() else None
    question = getattr(form, "question", None)
    try:
        return checked(question, question.default) if question else None
    except WrongAnswer:
        return None


def _asked(question: Question, form: AnswerForm) -> Asked:
    name = _stand_in(question)
    is_picked = question.kind in CATALOG_KINDS and name != question.key
    chosen = form["value"].value() if is_picked else None
    option = Option(
        name, question.looks_for or name, question.integration, "", chosen in (name, [name], None)
    )
    options = (option,) if is_picked else ()
    matching = sum(not one.chosen for one in options)  # as in an account: what is chosen is not looked for
    shown = Picker(options, len(options), matching, "", (), lacks=False)
    return Asked(question, None, "", shown, form, hunch="", looks=False)
