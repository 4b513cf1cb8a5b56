"""The forms of this room: how it goes, answers for all accounts, answers of one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms

from accounts.models import CatalogEntry
from flowbuilder.definition.frozen import Question
from flowbuilder.operations.installs import LONGEST_DELAY, LONGEST_TEXT
from flowbuilder.operations.rollouts import LARGEST_WAVE
from flowbuilder.publisher.fits import CATALOG_KINDS

WHOLE = {"invalid": "Write a whole number."}
THING = {"metric": "metric", "list": "list", "segment": "segment", "group": "list or segment"}


class StartForm(forms.Form):
    canary = forms.IntegerField(
        label="Canary",
        min_value=0,
        max_value=LARGEST_WAVE,
        error_messages=WHOLE,
        help_text="So many accounts first, and nothing else until they have all ended.",
    )
    wave_size = forms.IntegerField(
        label="Accounts in a wave",
        min_value=1,
        max_value=LARGEST_WAVE,
        error_messages=WHOLE,
        help_text="The next wave begins when nearly all of the one before has ended.",
    )
    stop_above = forms.IntegerField(
        label="Stop above, in percent",
        min_value=0,
        max_value=100,
        error_messages=WHOLE,
        help_text="Of those that ended, failed or were refused. Judged after the canary, and from five on.",
    )


class AnswersForm(forms.Form):
    """Answers for every account. Fields are named by the questions' keys; a sender is each account's own."""

    def __init__(self, questions: Iterable[Question], held: Mapping[str, Any], data: Any = None) -> None:
        super().__init__(data, prefix="all")
        for one in questions:
            if one.kind == "sender":
                continue
            value = held.get(one.key)
            initial = value.get("name") if isinstance(value, dict) else value
            self.fields[one.key] = _field_for_all(one, initial)

    @property
    def answers(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


def _field_for_all(question: Question, initial: Any) -> forms.Field:
    shared: dict[str, Any] = {"label": question.question, "required": False, "initial": initial}
    suggested = str(question.looks_for or question.default or "")[:60]
    if question.kind == "delay":
        number = forms.NumberInput({"placeholder": suggested})
        return forms.IntegerField(
            min_value=1, max_value=LONGEST_DELAY, widget=number, error_messages=WHOLE, **shared
        )
    if question.kind in CATALOG_KINDS:
        thing = THING.get(question.kind, "email template")
        shared["help_text"] = f"The name of a {thing} that each account has."
    widget = forms.TextInput({"placeholder": suggested, "autocomplete": "off"})
    return forms.CharField(max_length=LONGEST_TEXT, widget=widget, **shared)


class AccountForm(forms.Form):
    """The questions of one account: what can be chosen there, or written. An empty answer takes it back."""

    def __init__(
        self,
        questions: Sequence[Question],
        held: Mapping[str, Any],
        entries: Sequence[CatalogEntry],
        data: Any = None,
    ) -> None:
        super().__init__(data, prefix="own")
        self.questions = {one.key: one for one in questions}
        for one in questions:
            answer = held.get(one.key)
            self._add(one, answer["value"] if answer else None, entries, answer["how"] if answer else "")

    def _add(self, question: Question, value: Any, entries: Sequence[CatalogEntry], how: str) -> None:
        shared: dict[str, Any] = {"label": question.question, "required": False, "initial": value}
        shared["help_text"] = how or question.help
        if question.kind in CATALOG_KINDS:
            kinds = CATALOG_KINDS[question.kind]
            options = [(one.klaviyo_id, str(one)) for one in entries if one.kind in kinds]
            if question.kind == "group":
                widget = forms.CheckboxSelectMultiple
                self.fields[question.key] = forms.MultipleChoiceField(
                    choices=options, widget=widget, **shared
                )
            else:
                choices = [("", "Choose one"), *options]
                self.fields[question.key] = forms.ChoiceField(choices=choices, **shared)
        elif question.kind == "sender":
            held = value if isinstance(value, dict) else {}
            shared |= {"initial": held.get("email", ""), "label": f"{question.question} Address"}
            self.fields[question.key] = forms.EmailField(**shared)
            self.fields[f"{question.key}-label"] = forms.CharField(
                label=f"{question.question} Name", max_length=200, required=False, initial=held.get("label")
            )
        elif question.kind == "delay":
            self.fields[question.key] = forms.IntegerField(
                min_value=1, max_value=LONGEST_DELAY, error_messages=WHOLE, **shared
            )
        else:
            self.fields[question.key] = forms.CharField(max_length=LONGEST_TEXT, **shared)

    @property
    def answers(self) -> dict[str, Any]:
        """key -> what a person changed: what was found stays found."""
        found = {}
        for key, question in self.questions.items():
            if question.kind == "sender":
                if {key, f"{key}-label"} & set(self.changed_data):
                    email, label = self.cleaned_data[key], self.cleaned_data[f"{key}-label"]
                    found[key] = {"email": email, "label": label} if email else ""
            elif key in self.changed_data:
                found[key] = self.cleaned_data[key]
        return found
