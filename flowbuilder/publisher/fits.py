"""Does a template flow fit an account? Answers that can be found there, and what stands in its way.

One set of rules for an install that a person confirms (operations/installs.py), the dry run of a rollout and its
waves. It judges by the catalog as it was last read; nothing here writes or calls Klaviyo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from accounts.models import CatalogEntry, KlaviyoAccount, Workspace
from flowbuilder.definition.frozen import Frozen, Landing, Question
from flowbuilder.definition.preflight import Checking, blocking, check
from flowbuilder.graph import Problem
from flowbuilder.models import Attempt, Install, Publication, TemplateFlow
from flowbuilder.publisher.made import MAKE, is_to_make

CATALOG_KINDS = {
    "metric": (CatalogEntry.Kind.METRIC,),
    "list": (CatalogEntry.Kind.LIST,),
    "segment": (CatalogEntry.Kind.SEGMENT,),
    "group": (CatalogEntry.Kind.LIST, CatalogEntry.Kind.SEGMENT),
    "template": (CatalogEntry.Kind.TEMPLATE,),
}

S = Publication.State
Answer = dict[str, Any]  # {"value", "how": in words, "by": "found" or "person"}


def kinds_needed(questions: Iterable[Question]) -> list[str]:
    """The kinds of catalog entries that the questions are about."""
    found = (kind for one in questions for kind in CATALOG_KINDS.get(one.kind, ()))
    return list(dict.fromkeys(str(kind) for kind in found))


def find_answer(
    account: KlaviyoAccount, question: Question, entries: Iterable[CatalogEntry]
) -> Answer | None:
    """{"value", "how", "by": "found"} where there is one clear answer, else None: never a guess.

    `entries` are the account's, of the question's kinds at least.
    """
    if question.kind == "sender":
        if not account.sender_email:
            return None
        value = {"email": account.sender_email, "label": account.sender_name or account.name}
        return _found(value, "The default sender of your account.")
    if question.kind not in CATALOG_KINDS:
        if question.default in (None, ""):
            return None
        return _found(question.default, "As the template suggests.")
    fits = [
        one
        for one in entries
        if question.looks_for
        and one.kind in CATALOG_KINDS[question.kind]
        and one.name == question.looks_for
        and question.integration in ("", one.integration)
    ]
    if len(fits) != 1:
        return None
    ids = [fits[0].klaviyo_id] if question.kind == "group" else fits[0].klaviyo_id
    where = f"from {fits[0].integration}" if question.integration else "in your account"
    return _found(ids, f"The only one of this name {where}.")


def _found(value: Any, how: str) -> Answer:
    return {"value": value, "how": how, "by": "found"}


def is_there(question: Question, value: Any, entries: Iterable[CatalogEntry]) -> bool:
    """Whether what the answer names is in the account."""
    if question.kind not in CATALOG_KINDS or is_to_make(value):
        return True
    ids = {one.klaviyo_id for one in entries if one.kind in CATALOG_KINDS[question.kind]}
    return set(value if isinstance(value, list) else [value]) <= ids


def values_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """requirement key -> the bare value."""
    return {key: one["value"] for key, one in answers.items()}


def shown_values(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The same to be read: what is made first stands by its name."""
    return {
        key: f"New {value[MAKE]} “{value['name']}”" if is_to_make(value) else value
        for key, value in values_of(answers).items()
    }


def installs_in_the_way(
    template: TemplateFlow, accounts: Iterable[int], *, but: Install | None = None
) -> dict[int, Install]:
    """account -> an install of it that is there or on its way: at most one of a template flow in an account."""
    taken = Install.objects.filter(
        template_flow=template,
        account__in=list(accounts),
        state__in=(Install.State.LIVE, Install.State.PUBLISHING),
    )
    if but is not None:
        taken = taken.exclude(pk=but.pk)
    return {one.account_id: one for one in taken.order_by("-state", "-pk") if one.account_id}


@dataclass(frozen=True)
class Room:
    """account -> an install of the same template flow that keeps another one out; and those that may be taken up
    again instead of making another, because nothing came of their last publication."""

    taken: Mapping[int, Install]
    again: Mapping[int, Install]


def room_in(template: TemplateFlow, workspace: Workspace, accounts: Iterable[int]) -> Room:
    """Two queries. What failed or was refused for sure leaves no flow behind, so it keeps nobody out."""
    taken = installs_in_the_way(template, accounts)
    publications = Publication.objects.filter(install=OuterRef("pk")).order_by("-pk")
    sent = Attempt.objects.filter(publication__install=OuterRef("pk"), step="create-flow")
    rows = Install.objects.filter(
        pk__in=[one.pk for one in taken.values()], state=Install.State.PUBLISHING
    ).annotate(
        last=Subquery(publications.values("state")[:1]),
        flow=Subquery(publications.values("klaviyo_flow_id")[:1]),
        outcome=Subquery(sent.order_by("-publication", "-number").values("outcome")[:1]),
    )
    lost = (Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN)
    free: dict[int, Any] = {
        one.account_id or 0: one
        for one in rows
        if one.last == S.REFUSED or (one.last == S.FAILED and not one.flow and one.outcome not in lost)
    }
    again = {key: one for key, one in free.items() if one.workspace_id == workspace.pk}
    # Another workspace may try its failed one again; what was refused there is only theirs to change.
    out = {key for key, one in free.items() if key in again or one.last == S.REFUSED}
    return Room({key: one for key, one in taken.items() if key not in out}, again)


def way_is_taken(install: Install, account: KlaviyoAccount, template: TemplateFlow) -> str:
    """Why there can be no second one, in a sentence."""
    if install.state == Install.State.LIVE:
        return f"“{template}” is installed in {account} already. Remove that copy first."
    return f"“{template}” is on its way into {account} already."


def stops(landing: Landing) -> list[Problem]:
    """What keeps the flow with these answers from being published, before anybody calls Klaviyo."""
    return blocking(check(landing.graph, Checking()))


def landing_of(frozen: Frozen, name: str, answers: Mapping[str, Any], shape: Mapping[str, Any]) -> Landing:
    """What would be made in an account with these answers; what is made first stands by its name."""
    values = shown_values(answers)
    return frozen.landing(name, values, shape)
