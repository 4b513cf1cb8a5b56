"""One form for each kind of question. `answer` of a valid form is what operations.installs keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from flowbuilder.definition import segments
from flowbuilder.definition.answering import (
    LONGEST_ADDRESS,
    LONGEST_DELAY,
    LONGEST_TEXT,
    WrongAnswer,
    as_text,
    checked,
    has_unit,
    options_of,
    range_of,
    units_of,
)
from flowbuilder.definition.finding import Known
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.taken import TAKEN, definition_in
from flowbuilder.operations.installs import (
    LONGEST_NAME,
    MAKE,
    is_to_make,
)
from flowbuilder.publisher.fits import CATALOG_KINDS

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

    what = "list"
    new_name = forms.CharField(label="Its name", max_length=LONGEST_NAME, required=False, empty_value="")

    def clean(self) -> dict[str, Any] | None:
        if self.is_new and not self.cleaned_data.get("new_name"):
            self.add_error("new_name", f"Give the new {self.what} a name.")
        return self.cleaned_data

    @property
    def is_new(self) -> bool:
        value = self.cleaned_data.get("value") or ()
        return value == NEW or (isinstance(value, list) and NEW in value)

    @property
    def answer(self) -> Any:
        return self.made() if self.is_new else self.cleaned_data["value"]

    def made(self) -> dict[str, Any]:
        return {MAKE: "list", "name": self.cleaned_data["new_name"]}


class SegmentForm(ListForm):
    """A segment of the account, or a new one of a plain kind, written with the account's own metrics."""

    what = "segment"
    recipe = forms.ChoiceField(label="Who belongs to it", required=False)
    days = forms.IntegerField(
        label="How many days",
        required=False,
        min_value=1,
        max_value=segments.LONGEST,
        help_text="Where it says so.",
    )
    known = Known([])
    taken: Mapping[str, Any] | None = None  # what came along with the template
    others: tuple[tuple[str, str], ...] = ()

    def offer(self, question: Question, known: Known) -> None:
        """The kinds of segments that this account can have, the likeliest one first chosen."""
        self.known = known
        can = segments.recipes(known)
        likely = segments.likely(question.looks_for or question.question)
        held = self.initial.get("held") or {}
        if held.get(MAKE) == "segment":
            recipe, days = segments.written_by(held["definition"], known)
            self.initial |= {"recipe": recipe, **({"days": days} if days else {})}
        elif held:
            self.initial["recipe"] = held[MAKE]
        self.taken = definition_in(question.limits)
        brought = []
        if self.taken is not None:
            brought = [(TAKEN, f"As in the template: {question.limits[TAKEN]['told']}")]
            if not held or held.get("definition") == self.taken:
                self.initial["recipe"] = TAKEN
        self.recipe_field.choices = [*brought, *self.others, *((one.key, one.label) for one in can)]
        if likely in [one.key for one in can]:
            self.initial.setdefault("recipe", likely)
        self.initial.setdefault("days", segments.BY_KEY[likely].days or 90)
        self.initial.setdefault("new_name", question.looks_for)

    @property
    def recipe_field(self) -> forms.ChoiceField:
        field = self.fields["recipe"]
        assert isinstance(field, forms.ChoiceField)
        return field

    def clean(self) -> dict[str, Any] | None:
        super().clean()
        if self.is_new and not self.errors:
            try:
                self.cleaned_data["made"] = self._made()
            except segments.UnableToWriteSegment as error:
                self.add_error("recipe", str(error))
        return self.cleaned_data

    def _made(self) -> dict[str, Any]:
        given = self.cleaned_data
        definition = (
            self.taken
            if given["recipe"] == TAKEN and self.taken is not None
            else segments.definition_of(given["recipe"], self.known, given["days"] or 90)
        )
        return {MAKE: "segment", "name": given["new_name"], "definition": definition}

    def made(self) -> dict[str, Any]:
        made: dict[str, Any] = self.cleaned_data["made"]
        return made


class GroupForm(SegmentForm):
    """Several lists and segments, or one new list or segment."""

    what = "list or segment"
    others = (("list", "Whom you put into it: a list, empty at first"),)
    value = forms.MultipleChoiceField(
        error_messages={"required": "Choose one or more.", "invalid_choice": NOT_THERE}
    )

    def clean(self) -> dict[str, Any] | None:
        if self.is_new and len(self.cleaned_data["value"]) > 1:
            self.add_error("value", "Choose those that are there, or make a new one: not both.")
        return super().clean()

    def _made(self) -> dict[str, Any]:
        if self.cleaned_data["recipe"] == "list":
            return {MAKE: "list", "name": self.cleaned_data["new_name"]}
        return super()._made()


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


class CheckedForm(AnswerForm):
    """An answer that definition.answering judges: its sentence stands at the field."""

    def __init__(self, question: Question, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.question = question
        self.prepare(self.fields["value"])

    def prepare(self, field: forms.Field) -> None:
        """What the question says of its field."""

    def clean(self) -> dict[str, Any] | None:
        if "value" in self.cleaned_data:
            try:
                self.cleaned_data["value"] = checked(self.question, self.given)
            except WrongAnswer as error:
                self.add_error("value", str(error))
        return self.cleaned_data

    @property
    def given(self) -> Any:
        return self.cleaned_data["value"]


class YesNoForm(CheckedForm):
    value = forms.ChoiceField(
        label="Your answer",
        choices=[("true", "Yes"), ("false", "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Answer yes or no.", "invalid_choice": "Answer yes or no."},
    )


class OneOfForm(CheckedForm):
    """A choice with the template's own answers, one or several."""

    value = forms.ChoiceField(label="Your answer", widget=forms.RadioSelect)

    def prepare(self, field: forms.Field) -> None:
        choices = [(as_text(value), label) for value, label in options_of(self.question)]
        messages = {"required": "Choose one.", "invalid_choice": "Choose one of these."}
        made: forms.ChoiceField = forms.ChoiceField(
            label="Your answer", choices=choices, widget=forms.RadioSelect, error_messages=messages
        )
        if self.question.limits.get("many"):
            made = forms.MultipleChoiceField(
                label="Your answers",
                choices=choices,
                widget=forms.CheckboxSelectMultiple,
                error_messages={**messages, "required": "Choose one or more."},
            )
        self.fields["value"] = made


class NumberForm(CheckedForm):
    value = forms.CharField(
        label="Your number", max_length=30, error_messages={"required": "Write a number."}
    )

    def prepare(self, field: forms.Field) -> None:
        limits = self.question.limits
        field.widget.attrs |= {
            "inputmode": "numeric" if limits.get("whole") else "decimal",
            "autocomplete": "off",
        }
        if {"least", "most"} & limits.keys():
            text = range_of(limits)
            field.help_text = f"{text[:1].upper()}{text[1:]}."


class CouponForm(CheckedForm):
    value = forms.CharField(
        label="Coupon", max_length=200, help_text="Its name, as it stands in Klaviyo under Content, Coupons."
    )


class ImageForm(CheckedForm):
    value = forms.CharField(
        label="Address of the image",
        max_length=LONGEST_ADDRESS,
        help_text="It begins with https://, and anybody can open it.",
        widget=forms.URLInput({"placeholder": "https://"}),
    )

    @property
    def picture(self) -> str:
        """The image as far as it is known, to be looked at."""
        try:
            return str(checked(self.question, self["value"].value() or ""))
        except WrongAnswer:
            return ""


class WaitForm(CheckedForm):
    """How long to wait, with the unit."""

    value = forms.CharField(label="How long", max_length=9, widget=forms.TextInput({"inputmode": "numeric"}))
    unit = forms.ChoiceField(label="Unit")

    def prepare(self, field: forms.Field) -> None:
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ChoiceField)
        unit.choices = [(one, one) for one in units_of(self.question)]

    @property
    def given(self) -> Any:
        return {"value": self.cleaned_data["value"], "unit": self.cleaned_data.get("unit", "")}


class FormedForm(CheckedForm):
    """A text with a form of its own: a time of day, or a day."""

    value = forms.CharField(label="Your answer", max_length=40)

    def prepare(self, field: forms.Field) -> None:
        is_time = self.question.limits["form"] == "time"
        field.widget = forms.TextInput()
        field.widget.input_type = "time" if is_time else "date"
        held = str(self.initial.get("value") or "")
        self.initial["value"] = held[:5] if is_time else held[:10]


class LinesForm(CheckedForm):
    value = forms.CharField(
        label="Your texts",
        max_length=LONGEST_TEXT,
        help_text="One in each line.",
        widget=forms.Textarea({"rows": 4}),
    )

    def prepare(self, field: forms.Field) -> None:
        held = self.initial.get("value")
        self.initial["value"] = "\n".join(map(str, held)) if isinstance(held, list) else held


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


CHECKED: dict[str, type[CheckedForm]] = {
    "yes-no": YesNoForm,
    "choice": OneOfForm,
    "number": NumberForm,
    "coupon": CouponForm,
    "image": ImageForm,
}


def _checked_form(question: Question) -> type[CheckedForm] | None:
    if has_unit(question):
        return WaitForm
    if question.kind == "text" and question.limits.get("form"):
        return FormedForm
    if question.kind == "text" and question.limits.get("lines"):
        return LinesForm
    return CHECKED.get(question.kind)


def form_for(
    question: Question,
    ids: Sequence[str],
    held: Any = None,
    data: QueryDict | None = None,
    known: Known | None = None,
    within: str | None = None,
) -> AnswerForm:
    """Bound to `data`, or prefilled with the answer held so far, else with the template's suggestion. `known` is what
    the account has, for what is made of it; `within` begins the names of the fields, where several questions stand in
    one form."""
    initial = held if held not in (None, "") else question.default
    if is_to_make(initial):
        initial = {"value": NEW, "new_name": initial["name"], "held": initial}
    if isinstance(initial, bool) or question.kind == "choice":
        initial = [as_text(one) for one in initial] if isinstance(initial, list) else as_text(initial)
    if not isinstance(initial, dict):
        initial = {"value": initial}
    prefix = f"id_{question.key}_%s"
    if (made_for := _checked_form(question)) is not None:
        return made_for(question, data, auto_id=prefix, initial=dict(initial), prefix=within)
    if question.kind not in CATALOG_KINDS:
        return OTHERS.get(question.kind, TextForm)(data, auto_id=prefix, initial=initial, prefix=within)
    made = {"group": GroupForm, "list": ListForm, "segment": SegmentForm}.get(question.kind, ChoiceForm)
    form: AnswerForm = made(data, auto_id=prefix, initial=initial, prefix=within)
    field = form.fields["value"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(one, one) for one in (*ids, *((NEW,) if made is not ChoiceForm else ()))]
    if isinstance(form, SegmentForm):
        form.offer(question, known or Known([]))
    elif isinstance(form, ListForm):
        form.initial.setdefault("new_name", question.looks_for)
    return form
