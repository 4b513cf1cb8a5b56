"""A coupon, a link, an image or an address inside an email, made a question of a flow that sends the email; and back.

The email stays as it is written. Which question stands for what in it is kept with the flow's question, so that another
flow may use the same email as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from flowbuilder.definition.extracting import question_for
from flowbuilder.definition.pieces import (
    EMAILS,
    KIND_OF,
    email_for,
    pieces_of,
    places_in,
    with_place,
    without_place,
)
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.marking import Mark
from flowbuilder.models import Edit, Email, Flow
from flowbuilder.operations.acts import perform
from flowbuilder.operations.questions import new_question
from flowbuilder.queries import Design

NAMES = {"coupon": "Coupon", "url": "Link", "picture": "Image", "address": "Email address"}


def ask_in_email(
    *, flow: Flow, by: User | None, email: Email, what: str, value: str, wording: str = ""
) -> Edit | None:
    """Ask each account for what stands there. The same thing in two emails of a flow is one question."""
    there = {(one.what, one.value) for one in pieces_of({"html": email.html, "text": email.text})}

    def do(draft: Draft) -> Draft:
        if not any(email.key == key for step in draft.graph.steps for _, key in find_contents(step.config)):
            raise UnableToChange(f"“{draft.name}” does not send this email any more.")
        if (what, value) not in there:
            raise UnableToChange("The email does not say that any more: look at what it says now.")
        questions: Mapping[str, Any] = draft.requirements
        if key_of(questions, email.key, what, value):
            return draft
        key = next((key for key, one in questions.items() if _is_about(one, what, value)), "")
        if not key:
            mark = Mark(KIND_OF[what], {}, value)
            key, questions = new_question(questions, mark, wording or question_for(what))
        asked = with_place(questions[key], email.key, what, value)
        return replace(draft, requirements={**questions, key: asked})

    return perform(flow=flow, by=by, name=f"Ask for “{value[:80]}” in “{email.name}”", do=do)


def _is_about(question: Mapping[str, Any], what: str, value: str) -> bool:
    """Whether it asks for just this already, in another email or inside a text of a step."""
    if any(one["what"] == what and one["value"] == value for one in question["limits"].get(EMAILS, ())):
        return True
    return bool(question["limits"].get("inside") == what and question["default"] == value)


def stop_asking_in_email(*, flow: Flow, by: User | None, email: Email, what: str, value: str) -> Edit | None:
    """What is written in the email stays for everybody. A question that stands nowhere else goes."""

    def do(draft: Draft) -> Draft:
        key = key_of(draft.requirements, email.key, what, value)
        if not key:
            return draft
        left = without_place(draft.requirements[key], email.key, what, value)
        return replace(draft, requirements={**draft.requirements, key: left})

    return perform(flow=flow, by=by, name=f"Ask no longer for “{value[:80]}” in “{email.name}”", do=do)


def key_of(questions: Mapping[str, Any], email: str, what: str, value: str) -> str:
    """The question that stands there; empty where none does."""
    for key, one in questions.items():
        for place in places_in(one["limits"], email):
            if (place["what"], place["value"]) == (what, value):
                return key
    return ""


def as_suggested(flow: Flow | None, email: Email) -> Email:
    """The email as an account gets it that takes every suggestion of this flow."""
    if flow is None:
        return email
    design = Design(flow)
    words = {"name": email.name, "html": email.html, "text": email.text}
    filled = email_for(words, email.key, design.requirements.values(), design.defaults)
    return Email(workspace=email.workspace, key=email.key, **filled)
