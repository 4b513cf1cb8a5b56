"""What stands in an account as we know it, and what the next version of it would be there. Reads rows, calls nobody.

Asked by the publisher before it changes a flow, and by operations and pages that tell what would change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.drifting import THEIRS, emails_in, in_our_keys, key_in_design
from flowbuilder.definition.merging import place_in
from flowbuilder.definition.updating import TEMPLATE, graph_in, is_linear, with_step
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph
from flowbuilder.kinds.asks import get_at
from flowbuilder.models import Install, Made, Publication, Version
from flowbuilder.publisher.made import MAKE, in_place, is_to_make, made_for
from flowbuilder.publisher.recipe import email_of, missing_in_emails, recipe, recipe_of

Kind, State = Publication.Kind, Publication.State
FLOW = "flow"  # in `wanted`: of what it is about
INSTEAD = (
    "instead_of"  # in `wanted` of a new flow: the one beside which it was put, and how its install was then
)
# In `wanted` of an update: what was sent before it, with every change since; what the version is in this account;
# our keys with the account's ids; hashes of emails that were kept as they were written in Klaviyo.
BASE, OFFERED, STEPS, EMAILS = "base", "offered", "steps", "emails"
TO_COME = "to come: "  # stands for the id of what is not made yet


@dataclass(frozen=True)
class Standing:
    """`definition`: what was sent, with every change since; edits made in Klaviyo are not in it. `steps`: key ->
    {"action": id, "message": id}. `by`: the publication that it is the work of, which may have stopped half-way."""

    by: Publication
    definition: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]

    @property
    def version(self) -> Version:
        return self.by.version

    @property
    def key_of(self) -> dict[str, str]:
        """The account's id of each step -> our key; and of each email inside an experiment (emails_in)."""
        found = {str(one["action"]): key for key, one in self.steps.items()}
        for email in emails_in(self.definition, "temporary_id"):
            key, _, inner = email.partition(" ")
            if inner and key in self.steps:
                found[f"{self.steps[key]['action']} {inner}"] = email
        return found

    @property
    def is_whole(self) -> bool:
        return self.by.state == State.PUBLISHED


@dataclass(frozen=True)
class Target:
    """The definition of a version in this account. `make`: keys of contents and clones whose templates are to be made
    first, `answers` those of lists and segments; `templates`: key -> what stands in the definition for its template;
    `missing`: questions without an answer."""

    definition: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    make: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


def standing_of(install: Install) -> Standing | None:
    """None where nothing is known of what was sent: no update can be worked out then."""
    landed = install.publications.filter(kind__in=(Kind.CREATE, Kind.UPDATE)).order_by("-pk")
    for one in landed.select_related("version"):
        if one.kind == Kind.UPDATE and BASE in one.wanted and one.wanted[FLOW] == install.live_flow_id:
            sent = one.wanted[OFFERED if one.state == State.PUBLISHED else BASE]
            return Standing(one, sent, _ours(one.wanted[STEPS]))
        if one.kind == Kind.CREATE and one.klaviyo_flow_id and one.klaviyo_flow_id == install.live_flow_id:
            sent = one.attempts.filter(step="create-flow").order_by("-number").first()
            definition = get_at(sent and sent.request, ("data", "attributes", "definition"))
            definition = one.wanted.get(OFFERED) or definition  # without the edits that it took along
            return Standing(one, definition, install.step_map) if definition else None
    return None


def _ours(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Without the steps that somebody put in in Klaviyo."""
    return {key: one for key, one in steps.items() if not key.startswith(THEIRS)}


def steps_in(graph: Graph, standing: Standing) -> dict[str, dict[str, Any]]:
    """key -> the account's ids of each step of an account's graph; one that is not ours bears its id in its key."""
    return {
        key: dict(standing.steps.get(key) or {"action": key.removeprefix(THEIRS)}) for key in graph.by_key
    }


def adopting(standing: Standing, target: Target, flow_id: str, held: Mapping[str, Any] | None) -> Standing:
    """With the steps that somebody put in in Klaviyo and that the version took over from there: they are the same
    steps, not to be put in again. `held`: the account's flow."""
    wanted = {action["temporary_id"] for action in target.definition["actions"]}
    known = {str(one["action"]) for one in standing.steps.values() if one.get("action")}
    taken: dict[str, dict[str, Any]] = {}
    for action in (held or {}).get("actions") or []:
        id = str(action.get("id"))
        if id not in known and (key := key_in_design(flow_id, id)) in wanted:
            message = get_at(action, ("data", "message", "id"))
            taken[key] = {"action": id, **({"message": message} if message else {})}
    if held is None or not taken:
        return standing
    steps = {**standing.steps, **taken}
    base = graph_in(standing.definition)
    found = in_our_keys(held, standing.definition, steps)
    for key in (one for one in found.order if one in taken):
        where = place_in(base, found, key) if is_linear(found.by_key[key]) else None
        if where is None:
            del steps[key]
        else:
            base = with_step(base, found.by_key[key], where)
    return replace(standing, definition=to_definition(base), steps=steps)


def emails_sent(install: Install, definition: Mapping[str, Any]) -> dict[str, str]:
    """key of a step (as emails_in names it) -> the email in it, as we wrote it. Those that were copied in the account
    are not known."""
    used = emails_in(definition, "temporary_id")
    rows = Made.objects.filter(
        kind=Made.Kind.TEMPLATE, publication__install=install, klaviyo_id__in=set(used.values())
    )
    written = {}
    for one in rows.select_related("publication__version"):
        content = email_of(one.publication.version, one.step, one.publication.answers)
        if content is not None:
            written[one.klaviyo_id] = str(content["html"])
    return {key: written[id] for key, id in used.items() if id in written}


def hash_of_email(html: str | None) -> str:
    """The same for texts that differ in the ends of lines only."""
    return content_hash("\n".join(line.rstrip() for line in (html or "").strip().splitlines()))


def target_of(
    install: Install,
    version: Version,
    answers: Mapping[str, Any],
    shape: Mapping[str, Any],
    standing: Standing,
    made: Mapping[tuple[str, str], str] | None = None,
) -> Target:
    """The version as it would be in this account. An email that did not change keeps the template that it was sent
    with; `made`: (kind, key) -> id of what was made for this version. UnableToShape as recipe_of."""
    built = recipe(version, shape, answers)
    fresh = made or {}
    templates, make = dict[str, str](), []
    before = _templates_of(install, standing)
    for key in (*built.contents, *built.clones):
        content = _content(version, key, built.clones, answers)
        found = fresh.get((Made.Kind.TEMPLATE, key)) or before.get((key, content_hash(content)))
        if not found:
            make.append(key)
        templates[key] = found or f"{TO_COME}{key}"
    filled, lists = dict(answers), []
    for key, value in answers.items():
        if is_to_make(value):
            one = fresh.get((value[MAKE], key)) or made_for(install, key, value)
            if not one:
                lists.append(key)
            filled[key] = in_place(value, one or f"{TO_COME}{key}")
    bound = built.approved.bind(filled, templates)
    missing = (*bound.missing, *missing_in_emails(version, built, answers))
    return Target(bound.definition, missing, tuple(make), tuple(lists), built.origins, templates)


def _content(version: Version, key: str, clones: Mapping[str, str], answers: Mapping[str, Any]) -> Any:
    """What decides whether two templates are the same: the email as it is written, or the one that is copied."""
    return clones[key] if key in clones else email_of(version, key, answers)


def _templates_of(install: Install, standing: Standing) -> dict[tuple[str, str], str]:
    """(key, hash of the content) -> id of the template that stands in what was sent last."""
    used = {
        template
        for action in standing.definition.get("actions", [])
        for template in _templates_in(action.get("data"))
    }
    found = {}
    rows = Made.objects.filter(kind=Made.Kind.TEMPLATE, publication__install=install, klaviyo_id__in=used)
    for one in rows.select_related("publication__version"):
        publication = one.publication
        clones = recipe_of(publication).clones
        content = _content(publication.version, one.step, clones, publication.answers)
        found[one.step, content_hash(content)] = one.klaviyo_id
    return found


def _templates_in(data: Any) -> set[str]:
    """Of a message, and of those inside an experiment."""
    if not isinstance(data, Mapping):
        return set()
    inner = [data.get("main_action"), *(get_at(data, ("current_experiment", "variations")) or [])]
    found = {get_at(data, TEMPLATE)}
    for one in inner:
        found |= _templates_in(one.get("data")) if isinstance(one, Mapping) else set()
    return {one for one in found if isinstance(one, str)}
