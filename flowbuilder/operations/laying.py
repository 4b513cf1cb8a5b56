"""A proposal laid on the design as it is now, as somebody picked: what it would be, in words and as a flow. Reads only;
proposals.py takes it.

    laid = lay(proposal, Picked(...))

By the merge that upgrades use: base is the version that was installed, one side the design since, the other the
account's flow in the design's words (proposing.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.definition.between import Between
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.lifting import UNREAD
from flowbuilder.definition.merging import Merged, Point
from flowbuilder.definition.proposing import Part, is_settled, lay_on, only, parts_of
from flowbuilder.definition.telling import Told, tell_points
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Trigger
from flowbuilder.graph.change import Draft
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import CONTENT, ask, fill, find_contents
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Proposal
from flowbuilder.operations.proposing import graphs_in, words_of
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.operations.questions import with_role
from flowbuilder.publisher.standing import hash_of_email
from flowbuilder.queries import Design, questions_used

SINCE = " since"  # ends what stands for an email that the design wrote anew after the version


@dataclass(frozen=True)
class Picked:
    """What a person chose. `parts`: ids of those to take, None for all; `choices`: point -> "yours" (as the design has
    it) or "new"; `questions`: a new question -> one of the design to ask in its place."""

    parts: Collection[str] | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A part in words. `is_there`: the design has it already; `emails`: what was written anew, as HTML."""

    part: Part
    texts: tuple[str, ...]
    is_taken: bool
    is_there: bool
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """What the design changed as well since the version; `own` and `new` in words and, of an email, its HTML."""

    point: Point
    own: str
    new: str
    own_email: str = ""
    new_email: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that the design would ask newly; `others` are those of its own that could be asked instead."""

    key: str
    question: Config
    others: tuple[tuple[str, str], ...]
    choice: str


@dataclass(frozen=True)
class Laid:
    """`draft`: the design with what was picked, its emails under the keys of `contents`; `notes`: what will not
    resolve."""

    design: Design
    draft: Draft
    merged: Merged
    lines: tuple[Line, ...]
    clashes: tuple[Clash, ...]
    asked: tuple[Asked, ...]
    contents: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]

    @property
    def between(self) -> Between:
        """As the design is, and as it would be."""
        design, now = self.design, self.draft.requirements
        fresh = {key: Question.of({"key": key, **now[key]}).stands_for for key in now}
        old = _frozen(design, design.graph)
        new = _frozen(design, self.draft.graph, self.contents)
        names = {step.key: step.name for step in self.draft.graph.steps}
        graph = new.graph.with_steps(replace(one, name=names[one.key]) for one in new.graph.steps)
        told = Told(graph, Describer(design.words, {**fresh, **design.defaults}))
        return Between(old, new, Told(design.graph, design.describer), told)

    @property
    def left(self) -> list[Line]:
        return [one for one in self.lines if not one.is_there]


EVERYTHING = Picked()


def lay(proposal: Proposal, picked: Picked) -> Laid:
    """UnableToAct where nothing can be laid on anything."""
    document = proposal.document
    if not document:
        raise UnableToAct(
            "This proposal holds nothing that could be taken. Decline it, and ask for it again."
        )
    flow = proposal.template_flow.flow
    design = Design(flow)
    names = _names_here(document, design, picked)
    base, whole = (_asking(one, names) for one in graphs_in(document))
    marks = _marks(design, document)
    draft = with_contents(design.graph, lambda key: {CONTENT: marks.get(key, key)})
    parts = parts_of(base, whole)
    everything = lay_on(base, whole, draft, {})
    kept = document.get("kept", [])
    there = {one.id for one in parts if one.id in kept or is_settled(everything, one)}
    open_parts = [one for one in parts if one.id not in there]
    chosen = [one for one in open_parts if picked.parts is None or one.id in picked.parts]
    offered = only(base, whole, {id for part in chosen for id in part.ids})
    merged = lay_on(base, offered, draft, picked.choices)
    here = {mark: key for key, mark in marks.items()}
    graph = with_contents(merged.graph, lambda key: {CONTENT: here.get(key, key)})
    notes = _unread(graph)
    graph = _without_unread(graph)
    laid = replace(design.draft, graph=graph, requirements=_questions(document, design, graph, names))
    words = words_of(document)
    lines = tuple(
        Line(
            one,
            tuple(dict.fromkeys(words.get(point.id, "") for point in one.points)),
            one in chosen,
            one.id in there,
            tuple(_written(document, whole, one)),
        )
        for one in parts
    )
    used = {key for step in graph.steps for _, key in find_contents(step.config)}
    return Laid(
        design,
        laid,
        merged,
        lines,
        tuple(_clashes(merged, base, offered, draft, design, document)),
        tuple(_asked(document, design, offered, names, picked)),
        {key: one for key, one in document["contents"].items() if key in used},
        tuple(notes),
    )


def _names_here(document: Mapping[str, Any], design: Design, picked: Picked) -> dict[str, str]:
    """A new question -> the key that it has in the design: as picked, as one that says the same, else a free one."""
    here = design.draft.requirements
    found: dict[str, str] = {}
    for key in document["asked"]:
        one = _question(document, key)
        pick = picked.questions.get(key, document.get("picked", {}).get(key, ""))
        if pick in here and _fits(here[pick], one):
            found[key] = pick
            continue
        name, number = key, 1
        while name in found.values() or (name in here and not _says_the_same(here[name], one)):
            number += 1
            name = f"{key}-{number}"
        found[key] = name
    return found


def _question(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    held = next(one for one in document["requirements"] if one["key"] == key)
    return {name: value for name, value in held.items() if name != "key"}


def _fits(here: Config, new: Config) -> bool:
    limits = (one.get("limits") or {} for one in (here, new))
    return bool(here["kind"] == new["kind"] and len({one.get("inside", "") for one in limits}) == 1)


def _says_the_same(here: Config, new: Config) -> bool:
    return all(here.get(name) == new.get(name) for name in ("kind", "question", "looks_for"))


def _asking(graph: Graph, names: Mapping[str, str]) -> Graph:
    return _filled(graph, lambda key, part: ask(names.get(key, key), part), lambda key: {CONTENT: key})


def _filled(graph: Graph, answer: Any, content: Any) -> Graph:
    trigger = graph.trigger and Trigger(graph.trigger.type, fill(graph.trigger.config, answer, content))
    steps = tuple(replace(one, config=fill(one.config, answer, content)) for one in graph.steps)
    flow = {name: fill(getattr(graph, name), answer, content) for name in ("profile_filter", "reentry")}
    return replace(graph, trigger=trigger, steps=steps, **flow)


def with_contents(graph: Graph, content: Any) -> Graph:
    return _filled(graph, ask, content)


def _marks(design: Design, document: Mapping[str, Any]) -> dict[str, str]:
    """Email of the design -> what stands for it in a merge: one that was written anew since the version is told apart
    from what it was, one that says what was written in the account is that one."""
    hashes = document.get("hashes", {})
    taken = {hash_of_email(one["html"]): key for key, one in document["contents"].items()}
    found = {}
    for key, one in design.emails.items():
        says = hash_of_email(one.html)
        if says in taken:
            found[key] = taken[says]
        elif says != hashes.get(key, says):
            found[key] = f"{key}{SINCE}"
    return found


def _unread(graph: Graph) -> Iterator[str]:
    return (
        f"The email of “{(step.config.get('message') or {}).get('name') or step.key}” could not be read in the "
        "account: choose one in the editor."
        for step in graph.steps
        if any(key == UNREAD for _, key in find_contents(step.config))
    )


def _without_unread(graph: Graph) -> Graph:
    return with_contents(graph, lambda key: None if key == UNREAD else {CONTENT: key})


def _questions(
    document: Mapping[str, Any], design: Design, graph: Graph, names: Mapping[str, str]
) -> Mapping[str, Any]:
    """Those of the design, and those that came with what was taken."""
    here = dict(design.draft.requirements)
    place = max((int(one.get("place", 0)) for one in here.values()), default=0)
    held = {names.get(one["key"], one["key"]): one["key"] for one in document["requirements"]}
    asked = {key: {"limits": {}, **_question(document, own), "switches": []} for key, own in held.items()}
    used = questions_used(Draft(graph=graph, requirements={**asked, **here}))
    missing = [key for key in held if key in used and key not in here]
    for number, key in enumerate(missing, place + 1):
        here[key] = with_role({**asked[key], "place": number})
    return here if missing else design.draft.requirements


def _written(document: Mapping[str, Any], offered: Graph, part: Part) -> Iterator[str]:
    for point in part.points:
        if point.what == "step" or point.path[-1:] == ("template_id",):
            step = offered.by_key.get(point.key)
            for _, key in find_contents(step.config) if step else ():
                if key in document["contents"]:
                    yield document["contents"][key]["html"]


def _clashes(
    merged: Merged, base: Graph, offered: Graph, draft: Graph, design: Design, document: Mapping[str, Any]
) -> Iterator[Clash]:
    points = merged.of("clash")
    if not points:
        return
    was, new, own = (Told(one, design.describer) for one in (base, offered, draft))
    theirs, ours = tell_points(points, was, new), tell_points(points, was, own)
    for one in points:
        emails = ["", ""]
        if one.path[-1:] == ("template_id",):
            emails = [_html(one.found, design, document), _html(one.offered, design, document)]
        yield Clash(one, ours[one.id], theirs[one.id], *emails)


def _html(value: Any, design: Design, document: Mapping[str, Any]) -> str:
    key = str(value.get(CONTENT, "")).removesuffix(SINCE) if isinstance(value, Mapping) else ""
    if key in document["contents"]:
        return str(document["contents"][key]["html"])
    return design.emails[key].html if key in design.emails else ""


def _asked(
    document: Mapping[str, Any], design: Design, offered: Graph, names: Mapping[str, str], picked: Picked
) -> Iterator[Asked]:
    here, used = design.requirements, questions_used(replace(design.draft, graph=offered))
    for key in document["asked"]:
        question = _question(document, key)
        if names[key] in used:
            others = tuple(
                (one.key, one.question)
                for one in here.values()
                if _fits(design.draft.requirements[one.key], question)
            )
            yield Asked(key, question, others, names[key] if names[key] in here else "")


def _frozen(design: Design, graph: Graph, contents: Mapping[str, Mapping[str, str]] | None = None) -> Frozen:
    """A state of the design like a version. An email that takes another's place is that one, written anew."""
    emails: dict[str, Any] = {
        key: {"name": one.name, "html": one.html, "text": one.text} for key, one in design.emails.items()
    }
    instead: dict[str, str] = {}
    for step in graph.steps:
        before = design.graph.by_key.get(step.key)
        was, now = ([key for _, key in find_contents(one.config)] if one else [] for one in (before, step))
        for old, new in zip(was, now, strict=False):
            if contents and new in contents and old in emails:
                instead[new] = old
                emails[old] = {**emails[old], "html": contents[new]["html"]}
    shown = with_contents(graph, lambda key: {CONTENT: instead.get(key, key)})
    return Frozen({"definition": to_definition(shown), "contents": {**(contents or {}), **emails}})
