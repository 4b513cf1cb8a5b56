"""One form for each kind of question. `answer` of a valid form is what operations.installs keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from flowbuilder.definition.frozen import Question
from flowbuilder.operations.installs import (
    CATALOG_KINDS,
    LONGEST_DELAY,
    LONGEST_NAME,
    LONGEST_TEXT,
    MAKE,
    is_to_make,
)

NEW = "+new"  # instead of an id: make one
NOT_THERE = "That is not in this account. Read the choices again and choose."


class AnswerForm(forms.Form):
    @property
    def answer(self) -> Any:
        return self.cleaned_data["value"]


class ChoiceForm(AnswerForm):
    value = forms.ChoiceField(error_messages={"required": "Choose one.", "invalid_choice": NOT_THERE})


class ListForm(ChoiceForm):
    """A list of the account, or a new one that is made when the flow is installed."""

    new_name = forms.CharField(
        label="Name of the new list", max_length=LONGEST_NAME, required=False, empty_value=""
    )

    def clean(self) -> dict[str, Any] | None:
        if self.cleaned_data.get("value") == NEW and not self.cleaned_data.get("new_name"):
            self.add_error("new_name", "Give the new list a name.")
        return self.cleaned_data

    @property
    def answer(self) -> Any:
        given = self.cleaned_data
        return {MAKE: "list", "name": given["new_name"]} if given["value"] == NEW else given["value"]


class GroupForm(AnswerForm):
    value = forms.MultipleChoiceField(
        error_messages={"required": "Choose one or more.", "invalid_choice": NOT_THERE}
    )


class SenderForm(AnswerForm):
    label = forms.CharField(label="Name", max_length=200, help_text="People see it beside the subject.")
    email = forms.EmailField(
        label="Address",
        help_text="Klaviyo sends from addresses of domains that your account has set up.",
        error_messages={"invalid": "Write an email address, such as hello@example.com."},
    )

    @property
    def answer(self) -> Any:
        return {"label": self.cleaned_data["label"], "email": self.cleaned_data["email"]}


class TextForm(AnswerForm):
    value = forms.CharField(label="Your text", max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 3}))


class PropertyForm(AnswerForm):
    value = forms.CharField(label="Property", max_length=200, help_text="Its name, as profiles carry it.")


class DelayForm(AnswerForm):
    value = forms.IntegerField(label="How many", min_value=1, max_value=LONGEST_DELAY)


OTHERS: dict[str, type[AnswerForm]] = {
    "sender": SenderForm,
    "text": TextForm,
    "property": PropertyForm,
    "delay": DelayForm,
}


def form_for(
    question: Question, ids: Sequence[str], held: Any = None, data: QueryDict | None = None
) -> AnswerForm:
    """Bound to `data`, or prefilled with the answer held so far, else with the template's suggestion."""
    initial = held if held not in (None, "") else question.default
    if is_to_make(initial):
        initial = {"value": NEW, "new_name": initial["name"]}
    if not isinstance(initial, dict):
        initial = {"value": initial}
    prefix = f"id_{question.key}_%s"
    if question.kind not in CATALOG_KINDS:
        return OTHERS.get(question.kind, TextForm)(data, auto_id=prefix, initial=initial)
    made = {"group": GroupForm, "list": ListForm}.get(question.kind, ChoiceForm)
    form: AnswerForm = made(data, auto_id=prefix, initial=initial)
    field = form.fields["value"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(one, one) for one in (*ids, *((NEW,) if made is ListForm else ()))]
    return form
