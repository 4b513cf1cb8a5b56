"""Does a template flow fit an account? Answers that can be found there, and what stands in its way.

One set of rules for an install that a person confirms (operations/installs.py), the dry run of a rollout and its
waves. It judges by the catalog as it was last read; nothing here writes or calls Klaviyo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.timezone import now as right_now

from accounts import figures
from accounts.models import CatalogEntry, KlaviyoAccount, Workspace
from flowbuilder.definition.finding import Known, Thing, Verdict, Wanted, find
from flowbuilder.definition.frozen import Frozen, Landing, Question
from flowbuilder.definition.preflight import Checking, blocking, check
from flowbuilder.definition.taken import missing_within
from flowbuilder.graph import Problem
from flowbuilder.models import Attempt, Install, Publication, TemplateFlow
from flowbuilder.publisher.made import MAKE, in_place, is_to_make

CATALOG_KINDS = {
    "metric": (CatalogEntry.Kind.METRIC,),
    "list": (CatalogEntry.Kind.LIST,),
    "segment": (CatalogEntry.Kind.SEGMENT,),
    "group": (CatalogEntry.Kind.LIST, CatalogEntry.Kind.SEGMENT),
    "template": (CatalogEntry.Kind.TEMPLATE,),
}

_OF_A_THING = (
    *("klaviyo_id", "name", "kind", "integration", "count", "last_on", "changed_at", "counted_at", "roles"),
)
S = Publication.State
Answer = dict[str, Any]  # {"value", "how": in words, "by": "found", "person" or a name}


def kinds_needed(questions: Iterable[Question]) -> list[str]:
    """The kinds of catalog entries that the questions are about."""
    found = (kind for one in questions for kind in CATALOG_KINDS.get(one.kind, ()))
    return list(dict.fromkeys(str(kind) for kind in found))


def known_in(account: KlaviyoAccount, kinds: Iterable[str]) -> Known:
    """What the account has of these kinds, as values. One query; ask for kinds_needed."""
    return known_of(CatalogEntry.objects.filter(account=account, kind__in=list(kinds)))


def known_of(entries: QuerySet[CatalogEntry] | Iterable[CatalogEntry]) -> Known:
    """Entries of one account as values."""
    if isinstance(entries, QuerySet):
        rows: Iterable[tuple[Any, ...]] = entries.order_by().values_list(*_OF_A_THING)
    else:
        rows = (tuple(getattr(one, field) for field in _OF_A_THING) for one in entries)
    old = right_now() - figures.KEPT
    things, roles, stale = [], {}, set()
    for id, name, kind, integration, events, last_on, changed_at, counted_at, its_roles in rows:
        changed_on = changed_at.date() if changed_at else None
        thing = Thing(id, name, kind, integration, events, last_on, changed_on)
        things.append(thing)
        roles.update(dict.fromkeys(its_roles.split(), thing.id))
        if counted_at is None or counted_at < old:
            stale.add(thing.id)
    return Known(things, roles, frozenset(stale))


def verdict_on(question: Question, known: Known) -> Verdict:
    """What a question of a kind in CATALOG_KINDS finds."""
    kinds = tuple(str(kind) for kind in CATALOG_KINDS[question.kind])
    return find(Wanted(kinds, question.looks_for, question.integration, question.role), known)


def find_answer(account: KlaviyoAccount, question: Question, known: Known) -> Answer | None:
    """{"value", "how", "by": "found"} where there is one clear answer, else None: never a guess.

    `known` is what the account has, of the question's kinds at least.
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
    verdict = verdict_on(question, known)
    if verdict.thing is None:
        return None
    ids = [verdict.thing.id] if question.kind == "group" else verdict.thing.id
    figure = verdict.thing.figure
    return _found(ids, f"{verdict.why} {figure[:1].upper()}{figure[1:]}." if figure else verdict.why)


def _found(value: Any, how: str) -> Answer:
    return {"value": value, "how": how, "by": "found"}


def is_there(question: Question, value: Any, known: Known) -> bool:
    """Whether what the answer names is in the account."""
    if question.kind not in CATALOG_KINDS or is_to_make(value):
        return True
    kinds = {str(kind) for kind in CATALOG_KINDS[question.kind]}
    wanted = set(value if isinstance(value, list) else [value])
    return wanted <= {one.id for one in known.things if one.kind in kinds}


def values_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """requirement key -> the bare value."""
    return {key: one["value"] for key, one in answers.items()}


def shown_values(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The same to be read: what is made first stands by its name."""
    return {
        key: in_place(value, f"New {value[MAKE]} “{value['name']}”") if is_to_make(value) else value
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
    landing = frozen.landing(name, shown_values(answers), shape)
    inside = missing_within(values_of(answers))
    return replace(landing, missing=tuple(dict.fromkeys((*landing.missing, *inside)))) if inside else landing
