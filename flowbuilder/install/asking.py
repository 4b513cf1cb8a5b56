"""The questions of one install as the page shows them: answered, or open with what can be chosen. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict

from accounts.models import CatalogEntry
from flowbuilder.definition.answering import told
from flowbuilder.definition.finding import Known
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.install.forms import AnswerForm, form_for
from flowbuilder.install.picking import Option, Picker, picker
from flowbuilder.models import Install
from flowbuilder.operations.installs import MAKE, MAKEABLE, is_to_make, values_of
from flowbuilder.publisher import fits
from flowbuilder.publisher.fits import CATALOG_KINDS

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
    "coupon": "tag",
    "image": "image",
    "number": "text",
    "yes-no": "check-circle",
    "choice": "list",
}
NOTHING = {
    "metric": "This account has no metrics at all: connect your shop in Klaviyo, under Integrations, or send a first "
    "event. Then read the choices again.",
    "list": "This account has no lists yet.",
    "segment": "This account has no segments yet.",
    "group": "This account has no lists or segments yet.",
    "template": "This account has no email templates yet. Make one in Klaviyo, then read the choices again.",
}


@dataclass(frozen=True)
class Asked:
    """One question. `form` is None while it is answered and nobody changes it; `picker` then too, and of questions
    that are not about things of the account. `hunch`: why it is asked."""

    question: Question
    answer: Mapping[str, Any] | None
    label: str
    picker: Picker | None
    form: AnswerForm | None
    hunch: str
    looks: bool

    @property
    def icon(self) -> str:
        return KIND_ICONS.get(self.question.kind, "help")

    @property
    def is_picked(self) -> bool:
        return self.question.kind in CATALOG_KINDS

    @property
    def can_make(self) -> tuple[str, ...]:
        """What can be made instead of choosing one that is there."""
        return MAKEABLE.get(self.question.kind, ())

    @property
    def makes(self) -> bool:
        return self.answer is not None and is_to_make(self.answer["value"])

    @property
    def is_multiple(self) -> bool:
        return self.question.kind == "group"

    @property
    def is_found(self) -> bool:
        return self.answer is not None and self.answer.get("by") == "found"

    @property
    def by(self) -> str:
        """The name of who answered by a link; empty for everybody else."""
        by = str(self.answer.get("by", "")) if self.answer else ""
        return "" if by in ("found", "person") else by

    @property
    def options(self) -> tuple[Option, ...]:
        return self.picker.options if self.picker else ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Whose figures are shown, or would decide."""
        if self.picker is not None:
            return self.picker.ids
        value = self.answer["value"] if self.answer else None
        return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else ()

    @property
    def nothing(self) -> str:
        return NOTHING.get(self.question.kind, "")


@dataclass(frozen=True)
class Looking:
    """What somebody looks for in the choices of one question."""

    key: str = ""
    typed: str = ""


def kinds_needed(questions: Collection[Question]) -> list[str]:
    """The kinds of catalog entries that the questions are about; a segment that is made speaks of metrics."""
    kinds = fits.kinds_needed(questions)
    if any("segment" in MAKEABLE.get(one.kind, ()) for one in questions) and "metric" not in kinds:
        kinds.append("metric")
    return kinds


def is_fresh(install: Install, kinds: Collection[str], now: datetime) -> bool:
    """Whether all of these kinds were read a moment ago. A kind of which there is nothing never is."""
    assert install.account is not None
    lately = CatalogEntry.objects.filter(account=install.account, kind__in=kinds, read_at__gt=now - FRESH)
    return set(lately.order_by().values_list("kind", flat=True).distinct()) == set(kinds)


def known_of(install: Install) -> Known:
    """What its account has of all that the questions are about. One query."""
    kinds = kinds_needed(Frozen(install.version.document).questions)
    return fits.known_in(install.account, kinds) if install.account and kinds else Known([])


def names_of(install: Install) -> dict[str, str]:
    """Names for the ids in this account that the answers speak of. One query."""
    if install.account is None:
        return {}
    ids = {
        one
        for answer in install.answers.values()
        for one in (answer["value"] if isinstance(answer["value"], list) else [answer["value"]])
        if isinstance(one, str)
    }
    found = CatalogEntry.objects.filter(account=install.account, klaviyo_id__in=ids).order_by()
    return dict(found.values_list("klaviyo_id", "name")) if ids else {}


def given_ids(install: Install, question: Question, data: QueryDict) -> list[str]:
    """Those of the posted ids that are in the account. One query, however much it has."""
    kinds = CATALOG_KINDS.get(question.kind)
    if not kinds or install.account is None:
        return []
    posted = [one for one in data.getlist("value")[:500] if one and len(one) <= 40 and "\x00" not in one]
    found = CatalogEntry.objects.filter(account=install.account, kind__in=kinds, klaviyo_id__in=posted)
    return list(found.order_by().values_list("klaviyo_id", flat=True))


def ask(
    install: Install,
    known: Known,
    change: str = "",
    bad: Mapping[str, AnswerForm] | None = None,
    looking: Looking | None = None,
) -> list[Asked]:
    """All questions, open ones first. `change` is the key of one to answer anew, `bad` holds forms with errors."""
    found = [
        _asked(install, one, known, one.key == change, (bad or {}).get(one.key), looking or Looking())
        for one in Frozen(install.version.document).asked(values_of(install.answers))
    ]
    return sorted(found, key=lambda one: one.answer is not None)


def ask_one(
    install: Install,
    known: Known,
    question: Question,
    *,
    change: bool = False,
    looking: Looking | None = None,
    bad: AnswerForm | None = None,
) -> Asked:
    return _asked(install, question, known, change, bad, looking or Looking())


def counts(asked: Collection[Asked]) -> dict[str, Any]:
    """What the head and the foot of the page speak of."""
    return {
        "all": len(asked),
        "open": sum(one.answer is None for one in asked),
        "found": sum(one.is_found for one in asked),
    }


def _asked(
    install: Install, question: Question, known: Known, change: bool, bad: AnswerForm | None, looking: Looking
) -> Asked:
    answer = install.answers.get(question.key)
    held = answer["value"] if answer else None
    chosen = held if isinstance(held, list) else [held] if isinstance(held, str) else []
    is_picked = question.kind in CATALOG_KINDS
    verdict = fits.verdict_on(question, known) if is_picked else None
    is_open = bad is not None or answer is None or change
    shown = None
    form = bad
    looks = False
    if is_open and verdict is not None:
        if bad is not None and bad.is_bound:
            chosen = [one for one in dict(bad.data).get("value", []) if isinstance(one, str)]
        typed = looking.typed if looking.key == question.key else ""
        shown = picker(question, known, verdict, chosen, typed)
        looks = shown.lacks
    elif verdict is not None:
        looks = question.kind != "template" and not known.stale.isdisjoint(chosen)
    if form is None and is_open:
        form = form_for(question, [one.value for one in shown.options] if shown else [], held, known=known)
    return Asked(
        question=question,
        answer=answer,
        label=_label(question, held, known),
        picker=shown,
        form=form,
        hunch=verdict.why if verdict is not None and answer is None else "",
        looks=looks,
    )


def _label(question: Question, held: Any, known: Known) -> str:
    """An answer in words."""
    if is_to_make(held):
        return f"A new {held[MAKE]}, “{held['name']}”"
    if isinstance(held, list):
        return ", ".join(_called(question, one, known) for one in held)
    return _called(question, held, known)


def _called(question: Question, held: Any, known: Known) -> str:
    one = known.by_id.get(held) if isinstance(held, str) else None
    if one is None:
        return told(question, held)
    return f"{one.name} ({one.integration})" if one.integration else one.name
