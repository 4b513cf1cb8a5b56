"""An answer that is given for every account of a rollout at once: judged and as it is kept. The dry run makes each
account's own answer of it. For rollouts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import KlaviyoAccount
from flowbuilder.definition import segments
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.taken import TAKEN, definition_in
from flowbuilder.operations.installs import LONGEST_NAME, MAKEABLE, UnableToInstall, checked_answer
from flowbuilder.publisher.fits import CATALOG_KINDS
from flowbuilder.publisher.made import MAKE, is_to_make


def for_all(question: Question, value: Any) -> Any:
    """A name, where each account has its own thing of it. A list may be given as {"$make": "list", "name"}, a segment
    as {"$make": "segment", "name", "as", "days"}: it is made in each account that has none of the name. `as`: a recipe
    of definition.segments, or TAKEN. UnableToInstall where it is none."""
    if question.kind == "sender":
        raise UnableToInstall("Each account writes as its own sender: answer that account by account.")
    if is_to_make(value) and value[MAKE] == "segment":
        return _segment(question, value)
    if question.kind in CATALOG_KINDS and not is_to_make(value):
        name = str(value).strip()
        if not 1 <= len(name) <= 300:
            raise UnableToInstall(f"“{question.question}” takes a name of at most 300 characters.")
        return {"name": name}
    try:
        return checked_answer(KlaviyoAccount(), question, value)
    except UnableToInstall as error:
        text = str(error)
        raise UnableToInstall(f"“{question.question}” {text[:1].lower()}{text[1:]}") from None


def _segment(question: Question, value: Mapping[str, Any]) -> dict[str, Any]:
    name, how, days = str(value.get("name", "")).strip(), value.get("as"), value.get("days") or 90
    if "segment" not in MAKEABLE.get(question.kind, ()):
        raise UnableToInstall(f"“{question.question}” cannot be answered with a new segment.")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise UnableToInstall(f"Give the new segment a name of at most {LONGEST_NAME} characters.")
    if how not in segments.BY_KEY and not (how == TAKEN and definition_in(question.limits)):
        raise UnableToInstall("Choose who belongs to the new segment.")
    if not isinstance(days, int) or not 1 <= days <= segments.LONGEST:
        raise UnableToInstall(f"Write a whole number of days, at most {segments.LONGEST}.")
    many = {"many": True} if question.kind == "group" else {}
    return {MAKE: "segment", "name": name, "as": how, "days": days, **many}
