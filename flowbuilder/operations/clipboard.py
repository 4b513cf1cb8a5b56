"""Copy, cut, paste and duplicate: a step or a whole branch, within a flow and between flows.

What was copied is kept per person in the database, so that it works between two windows and without script. What
will not resolve in the new place (names of another workspace's account, emails, questions) is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.timezone import now as right_now

from accounts import catalog
from accounts.models import User
from flowbuilder.definition.pieces import moved, stands_in
from flowbuilder.definition.taken import asked_within, renamed
from flowbuilder.graph import Graph, Link, Step, surgery
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import Fragment, UnableToChange
from flowbuilder.kinds.asks import fill, find_asks, find_contents
from flowbuilder.kinds.base import count
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Clip, Email, Flow
from flowbuilder.operations.acts import perform
from flowbuilder.operations.designs import key_maker, source_of, title_of
from flowbuilder.operations.emails import keep_contents
from flowbuilder.queries import draft_of
from flowbuilder.queries.design import ports_of_type
from flowbuilder.queries.within import ids_of


@dataclass(frozen=True, slots=True)
class Pasted:
    """`entry`: the key of the first pasted step; `notes`: what does not resolve here, in sentences."""

    entry: str
    number: int
    notes: tuple[str, ...]


def duplicate_step(*, flow: Flow, key: str, by: User | None = None) -> str:
    """A copy of one step, right after it on its first way. Returns its key."""
    made: list[str] = []

    def do(graph: Graph) -> Graph:
        step = surgery.step_of(graph, key)
        config = action_kind(step.type).again(dict(step.config))
        copy = replace(step, key=key_maker(flow, graph)(), config=config)
        made.append(copy.key)
        return surgery.put(graph, copy, key, step.ports[0])

    perform(
        flow=flow,
        by=by,
        name=lambda old, new: f"Duplicate {title_of(old.graph, key)}",
        do=lambda draft: replace(draft, graph=do(draft.graph)),
    )
    return made[-1]


@transaction.atomic
def copy_steps(*, flow: Flow, key: str, by: User, branch: bool = False) -> int:
    """Remember a step, or it and all that only it leads to, for this person. Returns how many steps."""
    draft = draft_of(flow)
    keys = surgery.branch_of(draft.graph, key) if branch else {surgery.step_of(draft.graph, key).key}
    piece = surgery.cut(draft.graph, keys, key)
    asked = {name for step in piece.steps for _, name, _ in find_asks(step.config)}
    written = {name for step in piece.steps for _, name in find_contents(step.config)}
    contents = Email.objects.filter(workspace=flow.workspace_id, key__in=written)
    asked |= {key for key, one in draft.requirements.items() if stands_in(one["limits"], written)}
    asked |= {inner for key in list(asked) for inner in asked_within(draft.requirements[key]["limits"])}
    document = {
        "entry": key,
        "steps": [
            {
                "key": one.key,
                "type": one.type,
                "name": one.name,
                "note": one.note,
                "config": one.config,
                "extra": dict(one.extra),
            }
            for one in piece.steps
        ],
        "links": [[one.source, one.port, one.target] for one in piece.links],
        # What a question switches stays behind: those parts are of this flow.
        "requirements": {
            name: {**one, "switches": []} for name, one in draft.requirements.items() if name in asked
        },
        "contents": {one.key: {"name": one.name, "html": one.html, "text": one.text} for one in contents},
    }
    Clip.objects.update_or_create(
        user=by, defaults={"workspace": flow.workspace, "document": document, "at": right_now()}
    )
    return len(piece.steps)


def paste_steps(*, flow: Flow, source: str, port: str, by: User) -> Pasted:
    """Put what this person copied on a way, with keys of its own."""
    clip = Clip.objects.filter(user=by).select_related("workspace").first()
    if clip is None:
        raise UnableToChange("There is nothing to paste: copy a step first.")
    document = clip.document
    emails: Mapping[str, str] = {}
    with transaction.atomic():
        if clip.workspace_id != flow.workspace_id and document["contents"]:
            emails = keep_contents(workspace=flow.workspace, by=by, contents=document["contents"])
        made: list[Fragment] = []

        def do(draft: Draft) -> Draft:
            copied = {key: moved(one, emails) for key, one in document["requirements"].items()}
            requirements, asked = _questions(draft, copied)
            piece = _piece(document, asked, emails)
            fresh, _ = surgery.renamed(piece, key_maker(flow, draft.graph))
            made.append(fresh)
            return replace(
                draft,
                graph=surgery.put_all(draft.graph, fresh, source_of(source), port),
                requirements=requirements,
            )

        number = len(document["steps"])
        perform(
            flow=flow,
            by=by,
            name=lambda old, new: f"Paste {count(number, 'step')} after {title_of(old.graph, source)}",
            do=do,
        )
    return Pasted(made[-1].entry, number, tuple(_unresolved(flow, clip, made[-1])))


def _piece(document: Mapping[str, Any], asked: Mapping[str, str], emails: Mapping[str, str]) -> Fragment:
    steps = []
    for one in document["steps"]:
        config = fill(
            one["config"],
            lambda key, part: {"$ask": asked.get(key, key)} | ({"part": part} if part else {}),
            lambda key: {"$content": emails.get(key, key)},
        )
        config = action_kind(one["type"]).again(config)
        ports = ports_of_type(one["type"], config)
        steps.append(Step(one["key"], one["type"], config, one["name"], ports, one["note"], one["extra"]))
    return Fragment(document["entry"], tuple(steps), tuple(Link(*link) for link in document["links"]))


def _questions(
    draft: Draft, copied: Mapping[str, Mapping[str, Any]]
) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """The flow's questions with the copied ones, and copied key -> key here. The same question is asked once."""
    here, asked = dict(draft.requirements), {}
    for key, one in copied.items():
        name, number = key, 1
        while name in here and _says(here[name]) != _says(one):
            number += 1
            name = f"{key}-{number}"
        here.setdefault(name, dict(one))
        asked[key] = name
    for key in set(asked.values()) - draft.requirements.keys():
        here[key] = {**here[key], "limits": renamed(here[key]["limits"], asked)}
    return (here if copied else draft.requirements), asked


def _says(question: Mapping[str, Any]) -> dict[str, Any]:
    """A question apart from what it is in one flow alone: its place, and what it switches."""
    return {name: value for name, value in question.items() if name not in ("place", "switches")}


def _unresolved(flow: Flow, clip: Clip, piece: Fragment) -> list[str]:
    if clip.workspace_id == flow.workspace_id:
        return []
    ids = {one for step in piece.steps for one in ids_of(step.config)}
    missing = ids - catalog.names(flow.workspace, ids).keys()
    if not missing:
        return []
    return [
        f"{count(len(missing), 'metric, list, segment or template', 'metrics, lists, segments or templates')} "
        f"of “{clip.workspace}” {'is' if len(missing) == 1 else 'are'} not known in the accounts of "
        f"“{flow.workspace}”: choose them anew, or ask for them."
    ]
