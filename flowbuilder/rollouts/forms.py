"""The forms of this room: how it goes, answers for all accounts. Those of one account are account_form.py's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from flowbuilder.account_form import WHOLE
from flowbuilder.definition import segments
from flowbuilder.definition.answering import LONGEST_DELAY, LONGEST_TEXT, has_unit, told
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.shaping import HELP, SETTINGS, offers
from flowbuilder.definition.taken import TAKEN, definition_in
from flowbuilder.graph import Graph
from flowbuilder.operations.installs import MAKEABLE
from flowbuilder.operations.rollouts import LARGEST_WAVE
from flowbuilder.publisher.fits import CATALOG_KINDS
from flowbuilder.publisher.made import MAKE

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
            is_named = isinstance(value, dict) and "name" in value
            initial = value["name"] if is_named else told(one, value) if not isinstance(value, int) else value
            self.fields[one.key] = _field_for_all(one, initial)
            making = value if isinstance(value, dict) and MAKE in value else {}
            if one.kind == "list":
                self.fields[f"{one.key}-make"] = forms.BooleanField(
                    label="Make that list first in accounts that have none of this name",
                    required=False,
                    initial=bool(making),
                )
            elif one.kind in MAKEABLE:
                self._offer(one, making)

    def _offer(self, question: Question, making: Mapping[str, Any]) -> None:
        """What is made of a segment, or a list, where an account has none of the name."""
        plain = [(one.key, f"Make a segment: {one.label}") for one in segments.RECIPES]
        if definition_in(question.limits) is not None:
            plain.insert(0, (TAKEN, f"Make a segment as in the template: {question.limits[TAKEN]['told']}"))
        if "list" in MAKEABLE[question.kind]:
            plain.append(("list", "Make a list of this name"))
        self.fields[f"{question.key}-make"] = forms.ChoiceField(
            label="In accounts that have none of this name",
            choices=[("", "Each account needs an answer of its own"), *plain],
            required=False,
            initial=making.get("as", making.get(MAKE, "")),
        )
        self.fields[f"{question.key}-days"] = forms.IntegerField(
            label="How many days, where it says so",
            min_value=1,
            max_value=segments.LONGEST,
            required=False,
            initial=making.get("days", 90),
        )

    @property
    def answers(self) -> dict[str, Any]:
        beside = ("-make", "-days")
        given = {key: value for key, value in self.cleaned_data.items() if not key.endswith(beside)}
        for key, value in given.items():
            how = self.cleaned_data.get(f"{key}-make") if value else ""
            if how in (True, "list"):
                given[key] = {MAKE: "list", "name": value}
            elif how:
                days = self.cleaned_data.get(f"{key}-days") or 90
                given[key] = {MAKE: "segment", "name": value, "as": how, "days": days}
        return given


def _field_for_all(question: Question, initial: Any) -> forms.Field:
    shared: dict[str, Any] = {"label": question.question, "required": False, "initial": initial}
    suggested = (question.looks_for or told(question, question.default))[:60]
    if question.kind == "delay" and not has_unit(question):
        number = forms.NumberInput({"placeholder": suggested})
        return forms.IntegerField(
            min_value=1, max_value=LONGEST_DELAY, widget=number, error_messages=WHOLE, **shared
        )
    if question.kind in CATALOG_KINDS:
        thing = THING.get(question.kind, "email template")
        shared["help_text"] = f"The name of a {thing} that each account has."
    widget = forms.TextInput({"placeholder": suggested, "autocomplete": "off"})
    return forms.CharField(max_length=LONGEST_TEXT, widget=widget, **shared)


class ShapeForm(forms.Form):
    """How it is built, as far as that changes anything in this flow."""

    def __init__(self, graph: Graph, held: Mapping[str, Any], data: Any = None) -> None:
        super().__init__(data, prefix="shape")
        for key in offers(graph):
            self.fields[key] = forms.BooleanField(
                label=SETTINGS[key], help_text=HELP[key], required=False, initial=bool(held.get(key))
            )
