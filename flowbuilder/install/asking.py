"""The questions of one install as the page shows them: answered, or open with what can be chosen. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts import catalog
from accounts.models import CatalogEntry
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.install.forms import AnswerForm, form_for
from flowbuilder.models import Install
from flowbuilder.operations.installs import CATALOG_KINDS, MAKE, is_to_make

FRESH = timedelta(seconds=60)  # what was read that lately is not read again
KIND_ICONS = {
    "metric": "zap",
    "list": "list",
    "segment": "users",
    "group": "users",
    "sender": "mail",
    "template": "file",
    "text": "text",
    "delay": "clock",
    "property": "user",
}
NOTHING = {
    "metric": "This account has no metrics yet.",
    "list": "This account has no lists yet.",
    "segment": "This account has no segments yet. Make one in Klaviyo, then read the choices again.",
    "group": "This account has no lists or segments yet. Make one in Klaviyo, then read the choices again.",
    "template": "This account has no email templates yet. Make one in Klaviyo, then read the choices again.",
}


@dataclass(frozen=True)
class Option:
    """Something that can be chosen; `note` tells two of one name apart."""

    value: str
    name: str
    note: str
    chosen: bool


@dataclass(frozen=True)
class Asked:
    """One question. `form` is None while it is answered and nobody changes it."""

    question: Question
    answer: Mapping[str, Any] | None
    label: str
    options: tuple[Option, ...]
    form: AnswerForm | None

    @property
    def icon(self) -> str:
        return KIND_ICONS.get(self.question.kind, "help")

    @property
    def is_picked(self) -> bool:
        return self.question.kind in CATALOG_KINDS

    @property
    def can_make(self) -> bool:
        """Whether a new one can be made instead of choosing one that is there."""
        return self.question.kind == "list"

    @property
    def makes(self) -> bool:
        return self.answer is not None and is_to_make(self.answer["value"])

    @property
    def is_multiple(self) -> bool:
        return self.question.kind == "group"

    @property
    def is_found(self) -> bool:
        return bool(self.answer) and self.answer is not None and self.answer.get("by") == "found"

    @property
    def nothing(self) -> str:
        return NOTHING.get(self.question.kind, "")

    @property
    def hunch(self) -> str:
        """Why it is asked, where the template says what it looks for."""
        one = self.question
        if not self.is_picked or not one.looks_for:
            return ""
        where = f" from {one.integration}" if one.integration else ""
        same = [option for option in self.options if option.name == one.looks_for]
        if len(same) > 1:
            return f"Your account has {len(same)} named “{one.looks_for}”: choose the one that is meant."
        return f"The template looks for “{one.looks_for}”{where}, which your account does not have."


def kinds_needed(questions: Collection[Question]) -> list[str]:
    """The kinds of catalog entries that the questions are about."""
    found = (kind for one in questions for kind in CATALOG_KINDS.get(one.kind, ()))
    return list(dict.fromkeys(str(kind) for kind in found))


def is_fresh(install: Install, kinds: Collection[str], now: datetime) -> bool:
    """Whether all of these kinds were read a moment ago. A kind of which there is nothing never is."""
    assert install.account is not None
    lately = CatalogEntry.objects.filter(account=install.account, kind__in=kinds, read_at__gt=now - FRESH)
    return set(lately.order_by().values_list("kind", flat=True).distinct()) == set(kinds)


def entries_of(install: Install) -> dict[str, list[CatalogEntry]]:
    """kind of question -> what can be chosen. One query for each kind of entry that is asked for."""
    if install.account is None:
        return {}
    questions = Frozen(install.version.document).questions
    by_kind = {kind: list(catalog.choices(install.account, kind)) for kind in kinds_needed(questions)}
    return {
        question.kind: [entry for kind in CATALOG_KINDS[question.kind] for entry in by_kind[kind]]
        for question in questions
        if question.kind in CATALOG_KINDS
    }


def names_of(install: Install) -> dict[str, str]:
    """Names for the ids in this account that the answers speak of."""
    return {entry.klaviyo_id: entry.name for entries in entries_of(install).values() for entry in entries}


def ask(install: Install, change: str = "", bad: Mapping[str, AnswerForm] | None = None) -> list[Asked]:
    """All questions, open ones first. `change` is the key of one to answer anew, `bad` holds forms with errors."""
    entries = entries_of(install)
    found = [
        _asked(install, one, entries.get(one.kind, []), one.key == change, (bad or {}).get(one.key))
        for one in Frozen(install.version.document).questions
    ]
    return sorted(found, key=lambda one: one.answer is not None)


def _asked(
    install: Install,
    question: Question,
    entries: list[CatalogEntry],
    change: bool,
    bad: AnswerForm | None,
) -> Asked:
    answer = install.answers.get(question.key)
    held = answer["value"] if answer else None
    chosen = set(held if isinstance(held, list) else [held] if isinstance(held, str) else [])
    form = bad
    if form is None and (answer is None or change):
        form = form_for(question, [one.klaviyo_id for one in entries], held)
    return Asked(
        question=question,
        answer=answer,
        label=_label(held, {one.klaviyo_id: str(one) for one in entries}),
        options=tuple(
            Option(
                one.klaviyo_id,
                one.name,
                one.integration or _kind_note(question, one),
                one.klaviyo_id in chosen,
            )
            for one in entries
        )
        if form is not None
        else (),
        form=form,
    )


def _kind_note(question: Question, entry: CatalogEntry) -> str:
    return entry.get_kind_display().lower() if question.kind == "group" else ""


def _label(held: Any, names: Mapping[str, str]) -> str:
    """An answer in words."""
    if is_to_make(held):
        return f"A new {held[MAKE]}, “{held['name']}”"
    if isinstance(held, dict):
        email, label = str(held.get("email", "")), str(held.get("label", ""))
        return email if label in ("", email) else f"{label}, {email}"
    if isinstance(held, list):
        return ", ".join(names.get(one, str(one)) for one in held)
    return names.get(held, held) if isinstance(held, str) else "" if held is None else str(held)
