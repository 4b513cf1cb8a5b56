"""What of an account's changes its template could take over: the reading of a flow, said in the design's words. Reads
only; proposals.py offers it and takes it.

    carried = carry(install, reading)       UnableToAct where nothing can be said
    carried.why_not(difference)             why one of the reading's differences cannot be proposed; "" where it can
    carried.document(ids)                   what a proposal of these differences holds
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accounts.catalog import entries_of
from flowbuilder.definition.drifting import THEIRS, emails_in, key_in_design, with_template
from flowbuilder.definition.extracting import Known
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.lifting import FLOW, WRITTEN, Lifted, lift
from flowbuilder.definition.offering import outside
from flowbuilder.definition.proposing import Part, only, parts_of, points_of, renamed
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.shaping import SETTINGS, UnableToShape
from flowbuilder.definition.telling import Told, tell_points
from flowbuilder.definition.unshaping import unshape
from flowbuilder.definition.updating import graph_in
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import find_contents, get_at
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.models import Install, Reading
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.readings import Left, graph_of, left_of
from flowbuilder.publisher.standing import hash_of_email
from flowbuilder.queries import ids_in

STAYS = "This is the account's own: a template has nothing like it."


@dataclass(frozen=True)
class Carried:
    """`base` and `offered` in the design's words; `names`: step of the account -> what it is called there."""

    number: int
    frozen: Frozen
    base: Graph
    offered: Graph
    lifted: Lifted
    asked: tuple[str, ...]
    emails: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    is_shaped: bool = False

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return parts_of(self.base, self.offered)

    @cached_property
    def _ids(self) -> set[str]:
        return {id for part in self.parts for id in part.ids}

    def points_for(self, id: str) -> set[str]:
        """Of one of the reading's differences."""
        key, _, rest = id.partition(" ")
        own = f"{self.names.get(key, key)} {rest}" if rest else id
        if own in self._ids:
            return {own}
        return self._elsewhere(key, rest)

    def _elsewhere(self, key: str, rest: str) -> set[str]:
        """Of a step that was built otherwise in this account, all that was found of it in the design's form."""
        if not self.is_shaped or key in ("flow", "order"):
            return set()
        points = [one for part in self.parts for one in part.points]
        origin = self.names.get(key, key)
        return {one.id for one in points if one.key == origin or (rest == "step" and one.what != "setting")}

    def why_not(self, difference: Mapping[str, str]) -> str:
        id, key = difference["id"], difference["key"]
        if self.points_for(id):
            return ""
        where = self.names.get(key, key) or (TRIGGER_KEY if id == "flow trigger" else FLOW)
        return self.lifted.stays.get(where) or self.lifted.notes.get(where) or STAYS

    def document(self, ids: Collection[str]) -> dict[str, Any]:
        """Empty where none of these differences travels."""
        wanted = {point for id in ids for point in self.points_for(id)}
        chosen = {id for part in self.parts if part.ids & wanted for id in part.ids}
        if not chosen:
            return {}
        offered = only(self.base, self.offered, chosen)
        definition = to_definition(offered)
        used = {key for _, key in find_contents(definition)}
        return {
            "version": self.number,
            "base": to_definition(self.base),
            "offered": definition,
            "requirements": [{"key": key, **one} for key, one in self.lifted.questions.items()],
            "asked": list(self.asked),
            "names": {step.key: step.name for step in offered.steps if step.name},
            "contents": {key: dict(one) for key, one in self.emails.items() if key in used},
            "hashes": {key: hash_of_email(one["html"]) for key, one in self.frozen.contents.items()},
        }


def graphs_in(document: Mapping[str, Any]) -> tuple[Graph, Graph]:
    """(base, offered) of a proposal."""
    names = document["names"]
    graphs = (read_document({"definition": document[name]}).graph for name in ("base", "offered"))
    base, offered = (
        one.with_steps(replace(step, name=names.get(step.key, "")) for step in one.steps) for one in graphs
    )
    return base, offered


def words_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Point -> what it changes, in words that say nothing of the account's own things."""
    base, offered = graphs_in(document)
    describer = outside(Frozen({**document, "definition": document["offered"]}))
    was, now = Told(base, describer), Told(offered, describer)
    points = points_of(base, offered)
    told = tell_points(points, was, now)
    return {one.id: told[one.id] or f"{now.title(one.key)} changed." for one in points}


# --- From the account to the design ------------------------------------------------------------------------------


def carry(install: Install, reading: Reading, left: Left | None = None) -> Carried:
    left = left or left_of(install)
    if reading.definition is None:
        raise UnableToAct("The flow is gone: there is nothing left of it that could be proposed.")
    if left is None:
        raise UnableToAct("What was sent to this account is not known, so nothing can be told apart.")
    standing = left.standing
    if not standing.is_whole:
        raise UnableToAct("The last update of this flow stopped half-way. Finish it, then propose.")
    frozen, by = Frozen(standing.version.document), standing.by
    design = frozen.left(by.answers)
    found, emails = _with_emails(graph_of(reading, left), reading, left)
    flow = install.live_flow_id
    try:
        shaped = [unshape(one, design, by.shape) for one in (graph_in(standing.definition), left.told, found)]
    except UnableToShape as error:
        raise UnableToAct(f"{error} Tell {install.template_flow.workspace} in words.") from None
    sent, was, now = (one.graph for one in shaped)
    if sent.by_key.keys() != design.by_key.keys():
        raise UnableToAct("The flow was built in this account in a form that cannot be read back.")
    questions = _questions(frozen)
    known = _known(install, (was, now))
    sender = install.account.sender_email if install.account else ""
    base = lift(design, sent, was, questions, known, origins=shaped[1].origins, sender=sender)
    offered = lift(base.graph, was, now, base.questions, known, origins=shaped[2].origins, sender=sender)
    names = {
        key: key_in_design(flow, key.removeprefix(THEIRS))
        for key in (*was.by_key, *now.by_key)
        if key.startswith(THEIRS) or key not in design.by_key
    }
    before, after = renamed(base.graph, names), renamed(offered.graph, names)
    lifted = replace(
        offered,
        notes={names.get(key, key): text for key, text in offered.notes.items()},
        stays={names.get(key, key): text for key, text in offered.stays.items()},
    )
    origins = {**shaped[1].origins, **shaped[2].origins}
    return Carried(
        standing.version.number,
        frozen,
        before,
        _without(before, after, lifted),
        lifted,
        (*base.asked, *offered.asked),
        emails,
        {
            **{key: names.get(key, origin) for key, origin in _origins(standing.steps, origins).items()},
            **names,
        },
        any(by.shape.get(one) for one in SETTINGS),
    )


def _origins(steps: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]) -> dict[str, str]:
    """Step of the account -> the step of the design that it is or was made from."""
    return {**{key: str(one.get("of") or key) for key, one in steps.items()}, **origins}


def _without(base: Graph, offered: Graph, lifted: Lifted) -> Graph:
    """What cannot travel is left out, with all that hangs together with it."""
    if not lifted.stays:
        return offered
    flow = {
        f"flow {name}"
        for name, key in (("trigger", TRIGGER_KEY), ("profile_filter", FLOW))
        if key in lifted.stays
    }
    left = {
        id
        for part in parts_of(base, offered)
        if not any(one.id in flow or (one.key and one.key in lifted.stays) for one in part.points)
        for id in part.ids
    }
    return only(base, offered, left)


def _questions(frozen: Frozen) -> dict[str, Config]:
    held = frozen.document.get("requirements", [])
    return {one["key"]: {name: value for name, value in one.items() if name != "key"} for one in held}


def _known(install: Install, graphs: Collection[Graph]) -> dict[str, Known]:
    ids = {one for graph in graphs for one in ids_in(graph)}
    found = entries_of(install.workspace, ids)
    return {key: Known(one.kind, one.name, one.integration) for key, one in found.items()}


def _with_emails(graph: Graph, reading: Reading, left: Left) -> tuple[Graph, dict[str, dict[str, str]]]:
    """The graph, with emails that were written in the account under names of their own, and what they say."""
    contents: dict[str, dict[str, str]] = {}
    before = emails_in(to_definition(left.graph), "temporary_id")
    id_of = {email: id for id, email in left.standing.key_of.items()}
    for email, template in emails_in(to_definition(graph), "temporary_id").items():
        if before.get(email) == template or (email in before and not template.endswith(" ")):
            continue
        written = reading.emails.get(id_of.get(email, email.removeprefix(THEIRS)), {})
        if (html := written.get("html")) is not None:
            key = f"{WRITTEN}{written['hash'][:12]}"
            message = get_at(graph.by_key[email.partition(" ")[0]].config, ("message", "name"))
            contents[key] = {"name": str(message or "Email")[:200], "html": html, "text": ""}
            graph = with_template(graph, email, key)
    return graph, contents
