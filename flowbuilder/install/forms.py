"""One form for each kind of question. `answer` of a valid form is what operations.installs keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from flowbuilder.definition.frozen import Question
from flowbuilder.operations.installs import CATALOG_KINDS, LONGEST_DELAY, LONGEST_TEXT

NOT_THERE = "That is not in this account. Read the choices again and choose."


class AnswerForm(forms.Form):
    @property
    def answer(self) -> Any:
        return self.cleaned_data["value"]


class ChoiceForm(AnswerForm):
    value = forms.ChoiceField(error_messages={"required": "Choose one.", "invalid_choice": NOT_THERE})


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
    if not isinstance(initial, dict):
        initial = {"value": initial}
    prefix = f"id_{question.key}_%s"
    if question.kind not in CATALOG_KINDS:
        return OTHERS.get(question.kind, TextForm)(data, auto_id=prefix, initial=initial)
    form: AnswerForm = (GroupForm if question.kind == "group" else ChoiceForm)(
        data, auto_id=prefix, initial=initial
    )
    field = form.fields["value"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(one, one) for one in ids]
    return form
