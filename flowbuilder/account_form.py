"""The questions of a template flow as one plain form, for one account. For rooms that ask several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from accounts.models import CatalogEntry
from flowbuilder.definition.answering import LONGEST_DELAY, LONGEST_TEXT, has_unit, told
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.taken import TAKEN, definition_in
from flowbuilder.operations.installs import LONGEST_NAME, MAKEABLE
from flowbuilder.publisher.fits import CATALOG_KINDS
from flowbuilder.publisher.made import MAKE, is_to_make

WHOLE = {"invalid": "Write a whole number."}


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
        if is_to_make(value):
            shared["initial"] = None  # it stands in the field of its own
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
            if "list" in MAKEABLE.get(question.kind, ()):
                self.fields[f"{question.key}-new"] = forms.CharField(
                    label="Or the name of a new list, which is made first",
                    max_length=LONGEST_NAME,
                    required=False,
                    initial=value["name"] if is_to_make(value) and value[MAKE] == "list" else "",
                )
            if definition_in(question.limits) is not None:
                self.fields[f"{question.key}-taken"] = forms.CharField(
                    label="Or the name of a new segment, which is made first",
                    help_text=f"As in the template: {question.limits[TAKEN]['told']}",
                    max_length=LONGEST_NAME,
                    required=False,
                    initial=value["name"] if is_to_make(value) and value[MAKE] == "segment" else "",
                )
        elif question.kind == "sender":
            held = value if isinstance(value, dict) else {}
            shared |= {"initial": held.get("email", ""), "label": f"{question.question} Address"}
            self.fields[question.key] = forms.EmailField(**shared)
            self.fields[f"{question.key}-label"] = forms.CharField(
                label=f"{question.question} Name", max_length=200, required=False, initial=held.get("label")
            )
        elif question.kind == "delay" and not has_unit(question):
            self.fields[question.key] = forms.IntegerField(
                min_value=1, max_value=LONGEST_DELAY, error_messages=WHOLE, **shared
            )
        else:  # read as people write it: “no”, “3 days”, the label of a choice
            shared["initial"] = told(question, value)
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
            elif f"{key}-new" in self.changed_data and (name := self.cleaned_data[f"{key}-new"].strip()):
                found[key] = {MAKE: "list", "name": name}
            elif f"{key}-taken" in self.changed_data and (name := self.cleaned_data[f"{key}-taken"].strip()):
                definition = definition_in(question.limits)
                found[key] = {MAKE: "segment", "name": name, "definition": definition}
            elif {key, f"{key}-new", f"{key}-taken"} & set(self.changed_data):
                found[key] = self.cleaned_data[key]
        return found
