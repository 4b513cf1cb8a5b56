"""The library's filters: a form that reads the address, and narrows what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce

from flowbuilder.definition.offering import CHANNELS
from flowbuilder.models import TemplateFlow

OURS = TemplateFlow.Visibility
WHOSE = (("", "Everything"), ("mine", "My workspaces'"), ("public", "Public"))


class FilterForm(forms.Form):
    """What is not among the choices narrows nothing: an old address never fails."""

    q = forms.CharField(label="Search the library", max_length=100, required=False, empty_value="")
    category = forms.ChoiceField(label="Category", required=False)
    channel = forms.ChoiceField(label="Channel", required=False)
    language = forms.ChoiceField(label="Language", required=False)
    author = forms.ChoiceField(label="Author", required=False)
    whose = forms.ChoiceField(label="Whose", choices=WHOSE, required=False)

    def __init__(self, data: Any, *, authors: Sequence[tuple[str, str]], knows: bool) -> None:
        """`knows`: whether we know who asks, so that some of it may be theirs."""
        super().__init__(data, auto_id="%s")
        self._fields()["category"].choices = [("", "Every category"), *TemplateFlow.Category.choices]
        self._fields()["channel"].choices = [("", "Every channel"), *CHANNELS.items()]
        self._fields()["language"].choices = [("", "Every language"), *TemplateFlow.Language.choices]
        self._fields()["author"].choices = [("", "Every author"), *authors]
        if not knows:
            del self.fields["whose"]
        more = {"placeholder": "Search by name, text or author", "autocomplete": "off", "data-hotkey": "/"}
        self.fields["q"].widget = forms.TextInput(attrs={"type": "search", **more, "maxlength": "100"})

    def _fields(self) -> Any:
        return self.fields

    @property
    def given(self) -> dict[str, str]:
        if not self.is_bound:
            return {}
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}

    def narrowed(self, rows: QuerySet[TemplateFlow]) -> QuerySet[TemplateFlow]:
        given = self.given
        # Of what is not theirs people find what they are shown, and nothing that was written since.
        rows = rows.annotate(
            told=Case(
                When(is_mine=True, then=F("description")),
                default=Coalesce("public__description", "description"),
            ),
            version_channels=Case(
                When(is_mine=True, then=F("current_version__channels")),
                default=F("public__version__channels"),
            ),
        )
        for word in given.get("q", "").split():
            rows = rows.filter(
                Q(name__icontains=word) | Q(told__icontains=word) | Q(workspace__name__icontains=word)
            )
        if category := given.get("category"):
            rows = rows.filter(categories__contains=f" {category} ")
        if language := given.get("language"):
            rows = rows.filter(languages__contains=f" {language} ")
        if channel := given.get("channel"):
            rows = rows.filter(version_channels__contains=f" {channel} ")
        if author := given.get("author"):
            rows = rows.filter(workspace__slug=author)
        if given.get("whose") == "mine":
            rows = rows.filter(is_mine=True)
        elif given.get("whose") == "public":
            rows = rows.filter(visibility=OURS.SITE, public__isnull=False)
        return rows
