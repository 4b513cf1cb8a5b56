"""Before the first change of an update: what it needs is made, the flow is read, and what is asked is brought together
with what the account has. Called by updates.py; what it finds out stands in `wanted`, for whoever goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.klaviyo.errors import ConnectionLost, MissingScope, NotAllowed, NotAuthorized, Refused
from flowbuilder.definition.drifting import emails_in, in_our_keys
from flowbuilder.definition.merging import Merged, Point, merge
from flowbuilder.definition.shaping import UnableToShape
from flowbuilder.definition.telling import tell_points
from flowbuilder.definition.updating import drifted, graph_in
from flowbuilder.definition.writing import to_definition
from flowbuilder.kinds.asks import get_at
from flowbuilder.models import Made, Publication
from flowbuilder.publisher import made
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.held import Held, keep, read_flow
from flowbuilder.publisher.readings import left_of, look_at_emails, told_by, with_names
from flowbuilder.publisher.recipe import email_of, recipe_of
from flowbuilder.publisher.standing import (
    BASE,
    EMAILS,
    OFFERED,
    STEPS,
    Standing,
    Target,
    adopting,
    emails_sent,
    hash_of_email,
    standing_of,
    steps_in,
    target_of,
)
from flowbuilder.publisher.stops import RefusedHere, Stop

# In `wanted`: what the account has, and what it is to have; how many changes were made; settings that the account has
# otherwise than they were sent; what was kept as it was edited in Klaviyo, in words, and while this was under way; keys
# of steps that came in; what a person chose where both sides changed something; whether it is to put back what was
# changed in Klaviyo.
NOW, TARGET, CHANGED, DRIFT, WORDS, KEPT, NEW, CHOICES, BACK = (
    "now",
    "target",
    "changed",
    "drift",
    "words",
    "kept",
    "new",
    "choices",
    "back",
)


def begin(publication: Publication, calls: Calls) -> Held:
    """What is made first, and a look at the flow: it must still be what we know of it."""
    install = publication.install
    standing = standing_of(install) if install else None
    if install is None or standing is None:
        raise Stop("What was sent to this account is not known: put a new flow beside it.")
    try:
        version, answers, shape = publication.version, publication.answers, publication.shape
        target = target_of(install, version, answers, shape, standing)
        if target.make or target.answers:
            _make(publication, calls, target)
            target = target_of(install, version, answers, shape, standing, made.made_by(publication))
    except UnableToShape as error:
        raise Stop(str(error)) from None
    if target.missing:
        raise Stop("Some questions have no answer: " + ", ".join(target.missing) + ".")
    held = read_flow(publication, calls, "read-before")
    standing = adopting(standing, target, install.live_flow_id, held.definition)
    both = bring_together(publication, calls, standing, target, held)
    account, steps = both.account, both.steps
    keep(
        publication,
        **{
            BASE: standing.definition,
            OFFERED: target.definition,
            NOW: account,
            TARGET: both.merged.definition,
            STEPS: steps,
            EMAILS: both.kept_emails,
            DRIFT: drift_in(account, steps, held),
            WORDS: both.words,
            KEPT: [],
            NEW: [],
            CHANGED: 0,
        },
    )
    return held


# --- Bringing together -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Together:
    """What is asked, with what the account has: `account` in our keys, `steps` its ids, `words` on what stays as it was
    changed in Klaviyo, `edited` key -> hash of each email that was written anew there."""

    account: Mapping[str, Any]
    merged: Merged
    steps: dict[str, dict[str, Any]]
    words: list[str]
    edited: Mapping[str, str]

    @property
    def kept_emails(self) -> dict[str, str]:
        before = emails_in(self.account, "temporary_id")
        after = emails_in(self.merged.definition, "temporary_id")
        return {
            email: one
            for email, one in self.edited.items()
            if email in before and before[email] == after.get(email)
        }


def bring_together(
    publication: Publication,
    calls: Calls,
    standing: Standing,
    target: Target,
    held: Held,
    *,
    is_new: bool = False,
) -> Together:
    """Stop where both changed something and nobody chose. `is_new`: for a new flow, into which every email goes."""
    edited = _edited(publication, calls, standing, target, held, is_new)
    found = in_our_keys(held.definition, standing.definition, standing.steps, set(edited))
    account = to_definition(found)
    choices = publication.wanted.get(CHOICES, {})
    base, offered = standing.definition, target.definition
    if (
        publication.wanted.get(BACK)
        and publication.install
        and (left := left_of(publication.install, standing))
    ):
        base = offered = to_definition(left.graph)
    both = merge(base, offered, account, choices)
    words = _in_words(publication, standing, target, both)
    if both.open:
        asked = " ".join(words[one.id] for one in both.open)
        raise Stop(
            f"This was changed in Klaviyo, and the version changes it too: {asked} Choose one of the two."
        )
    theirs = [words[one.id] for one in both.points if _is_theirs(one)]
    return Together(account, both, steps_in(found, standing), theirs, edited)


def _is_theirs(point: Point) -> bool:
    return not point.takes_new and not point.is_open


def _edited(
    publication: Publication,
    calls: Calls,
    standing: Standing,
    target: Target,
    held: Held,
    is_new: bool,
) -> dict[str, str]:
    """key -> hash of each email that was written anew in Klaviyo. In a flow that stays, only those are read that this
    version writes anew too: the others stay as they are, whatever they say."""
    before = emails_in(standing.definition, "temporary_id")
    after = emails_in(target.definition, "temporary_id")
    chosen = publication.wanted.get(CHOICES, {})
    ids = {
        id: email
        for id, email in standing.key_of.items()
        if email in before
        and (is_new or before[email] != after.get(email) or f"{email} message.template_id" in chosen)
    }
    actions = [
        one
        for one in held.definition.get("actions") or []
        if any(str(one.get("id")) == id.partition(" ")[0] for id in ids)
    ]
    install = publication.install
    known = emails_sent(install, standing.definition) if install and actions else {}

    def get(step: str, path: str, params: Mapping[str, str] | None) -> Any:
        return calls.call(step, "GET", path, params=params).body

    hashes = {key: hash_of_email(html) for key, html in known.items()}
    kept = standing.by.wanted.get(EMAILS, {})
    found = look_at_emails(get, {"actions": actions}, ids, hashes, _copies(publication, standing), kept)
    return {ids[id]: one["hash"] for id, one in found.items() if one["edited"] and id in ids}


def _copies(publication: Publication, standing: Standing) -> dict[str, str]:
    """key -> the account's copy of its template when the flow landed."""
    back = standing.by.attempts.filter(step="read-back", outcome="done").order_by("-number").first()
    definition = get_at(back and back.answer, ("data", "attributes", "definition")) or {}
    there = emails_in(definition)
    return {email: there[id] for id, email in standing.key_of.items() if id in there}


def _in_words(publication: Publication, standing: Standing, target: Target, both: Merged) -> dict[str, str]:
    """Point -> what was done in Klaviyo; only where something was."""
    theirs = [one for one in both.points if not one.takes_new]
    if not theirs or publication.install is None:
        return {}
    was = with_names(graph_in(standing.definition), standing.version, standing.steps)
    now = with_names(both.graph, standing.version, standing.steps)
    old, new = told_by(publication.install, (was, now))
    return {id: text or "Something was changed." for id, text in tell_points(theirs, old, new).items()}


def _make(publication: Publication, calls: Calls, target: Target) -> None:
    recipe = recipe_of(publication)
    there = made.made_by(publication)
    for key in target.make:
        if (Made.Kind.TEMPLATE, key) in there:
            continue
        try:
            if key in recipe.clones:
                made.clone_template(publication, calls, key, recipe.clones[key])
            else:
                content = email_of(publication.version, key, publication.answers)
                made.make_template(publication, calls, key, content)
        except (ConnectionLost, MissingScope, NotAuthorized):
            raise
        except (NotAllowed, Refused) as error:
            raise RefusedHere(key, error) from error
    if target.answers:
        made.make_answers(publication, calls, there)


def drift_in(definition: Mapping[str, Any], steps: Mapping[str, Any], held: Held) -> dict[str, list[str]]:
    """key -> settings that the account has otherwise than they were sent."""
    found = {}
    for action in definition["actions"]:
        key = action["temporary_id"]
        there = held.actions.get(str(get_at(steps, (key, "action"))))
        if there and (paths := drifted(action["type"], action.get("data") or {}, there.get("data") or {})):
            found[key] = [".".join(map(str, path)) for path in paths]
    return found
