"""A new flow, and what a person does to one: each a named act (operations/acts.py) over values (graph/surgery.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import User, Workspace
from flowbuilder.definition.reading import Read, read_document, read_text
from flowbuilder.graph import Graph, Step, Trigger, surgery
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.kinds.base import count
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.registry import ACTIONS, TRIGGERS, action_kind, can_become, convert, map_ports
from flowbuilder.models import Action, Edit, Flow, Link
from flowbuilder.models import Trigger as TriggerRow
from flowbuilder.operations.acts import perform
from flowbuilder.queries.design import ports_of_type

__all__ = ["UnableToChange"]


# --- New flows -------------------------------------------------------------------------------------------------


def create_flow(*, workspace: Workspace, by: User | None, name: str) -> Flow:
    return Flow.objects.create(workspace=workspace, name=name.strip()[:200] or "New flow", created_by=by)


def import_flow(
    *, workspace: Workspace, by: User | None, text: str | bytes, name: str = ""
) -> tuple[Flow, Read]:
    """A document from outside as a new flow. UnableToImport (definition.reading) leaves nothing behind."""
    read = read_text(text, settings.IMPORT_MAX_BYTES)
    return save_new(workspace=workspace, by=by, read=read, name=name), read


def import_document(
    *, workspace: Workspace, by: User | None, document: Any, name: str = ""
) -> tuple[Flow, Read]:
    read = read_document(document)
    return save_new(workspace=workspace, by=by, read=read, name=name), read


@transaction.atomic
def save_new(*, workspace: Workspace, by: User | None, read: Read, name: str = "") -> Flow:
    graph = read.graph
    flow = Flow.objects.create(
        workspace=workspace,
        name=(name.strip() or read.name or "Imported flow")[:200],
        profile_filter=graph.profile_filter,
        reentry=graph.reentry,
        extra=dict(graph.extra),
        created_by=by,
    )
    if graph.trigger:
        TriggerRow.objects.create(flow=flow, type=graph.trigger.type, config=graph.trigger.config)
    Action.objects.bulk_create(
        Action(
            flow=flow,
            key=step.key,
            type=step.type,
            name=step.name,
            config=step.config,
            note=step.note,
            extra=dict(step.extra),
        )
        for step in graph.steps
    )
    actions = dict(flow.actions.values_list("key", "pk"))
    Link.objects.bulk_create(
        Link(
            flow=flow,
            source_id=actions[link.source] if link.source else None,
            port=link.port,
            target_id=actions[link.target],
        )
        for link in graph.links
    )
    return flow


# --- The flow as a whole ---------------------------------------------------------------------------------------


def rename_flow(*, flow: Flow, name: str, by: User | None = None) -> Edit | None:
    title = name.strip()[:200]
    if not title:
        raise UnableToChange("A flow needs a name.")
    return perform(flow=flow, by=by, name=f"Rename to “{title}”", do=lambda draft: replace(draft, name=title))


def choose_trigger(*, flow: Flow, trigger_type: str, by: User | None = None) -> Edit | None:
    """Begin, or begin anew, with a trigger of this type."""
    kind = TRIGGERS.get(trigger_type)
    if kind is None:
        raise UnableToChange(f"There is no trigger of the type “{trigger_type}”.")
    trigger = Trigger(trigger_type, kind.start())
    return on_graph(
        flow, by, f"Choose the trigger “{kind.LABEL}”", lambda graph: replace(graph, trigger=trigger)
    )


# --- Steps -----------------------------------------------------------------------------------------------------


def new_step(key: str, action_type: str) -> Step:
    kind = ACTIONS.get(action_type)
    if kind is None:
        raise UnableToChange(f"There is no step of the type “{action_type}”.")
    config = kind.start()
    return Step(key, action_type, config, ports=ports_of_type(action_type, config))


def key_maker(flow: Flow, graph: Graph) -> Callable[[], str]:
    """Keys for new steps: s1, s2, ... counted on with the acts, so that the key of a deleted step stays its own."""
    number = flow.revision

    def new_key() -> str:
        nonlocal number
        number += 1
        while f"s{number}" in graph.by_key:
            number += 1
        return f"s{number}"

    return new_key


def insert_step(*, flow: Flow, action_type: str, source: str, port: str, by: User | None = None) -> Step:
    """Put a new step on the way that leaves `source` ("trigger" or a key) by `port`. What came there comes after it:
    below a split, on its first side."""
    made: list[Step] = []

    def do(graph: Graph) -> Graph:
        made.append(new_step(key_maker(flow, graph)(), action_type))
        return surgery.put(graph, made[-1], source_of(source), port)

    label = action_kind(action_type).LABEL
    on_graph(flow, by, lambda old, new: f"Add {label}{_after(old, source)}", do)
    return made[-1]


def delete_step(*, flow: Flow, key: str, keep: str = "", by: User | None = None) -> Edit | None:
    return on_graph(
        flow,
        by,
        lambda old, new: f"Delete {title_of(old, key)}{_others(old, new, 1)}",
        lambda graph: surgery.remove(graph, key, keep),
    )


def delete_branch(*, flow: Flow, key: str, by: User | None = None) -> int:
    """Take out a step and all that only it leads to. Returns how many steps went."""
    gone: list[int] = []

    def do(graph: Graph) -> Graph:
        left = surgery.remove_branch(graph, key)
        gone.append(len(graph.steps) - len(left.steps))
        return left

    on_graph(flow, by, lambda old, new: f"Delete {title_of(old, key)}{_others(old, new, 1)}", do)
    return gone[-1]


def move_step(
    *, flow: Flow, key: str, source: str, port: str, branch: bool = False, by: User | None = None
) -> Edit | None:
    """Put a step, or it and all that only it leads to, on another way."""
    move = surgery.move_branch if branch else surgery.move
    return on_graph(
        flow,
        by,
        lambda old, new: f"Move {title_of(old, key)}{_after(old, source)}",
        lambda graph: move(graph, key, source_of(source), port),
    )


def swap_sides(*, flow: Flow, key: str, by: User | None = None) -> Edit | None:
    """Exchange the two branches of a split."""
    return on_graph(
        flow,
        by,
        lambda old, new: f"Swap the sides of {title_of(old, key)}",
        lambda graph: surgery.swap(graph, key),
    )


def connect_steps(*, flow: Flow, source: str, port: str, target: str, by: User | None = None) -> Edit | None:
    """Let a way that ends go on with a step that is there already."""
    return on_graph(
        flow,
        by,
        lambda old, new: f"Connect {title_of(old, source)} to {title_of(old, target)}",
        lambda graph: surgery.connect(graph, source_of(source), port, target),
    )


def disconnect(*, flow: Flow, source: str, port: str, by: User | None = None) -> Edit | None:
    return on_graph(
        flow,
        by,
        lambda old, new: f"End the way after {title_of(old, source)}",
        lambda graph: surgery.disconnect(graph, source_of(source), port),
    )


def change_type(*, flow: Flow, key: str, action_type: str, by: User | None = None) -> Edit | None:
    """A step of another type in its place; what both have in common is kept."""

    def do(graph: Graph) -> Graph:
        step = surgery.step_of(graph, key)
        if action_type not in can_become(step.type, step.config):
            raise UnableToChange(f"{title_of(graph, key)} cannot become that.")
        config = convert(step.type, action_type, step.config)
        ports = map_ports(step.type, step.config, action_type, config)
        changed = replace(
            step, type=action_type, config=config, ports=ports_of_type(action_type, config), extra={}
        )
        steps = [changed if one.key == key else one for one in graph.steps]
        kept = {port: to for port, to in ports.items() if to in changed.ports}
        if lost := [port for port, target in graph.targets(key) if target and port not in kept]:
            raise UnableToChange(
                f"{count(len(lost), 'way')} out of this step would have no place: empty or move "
                f"{'it' if len(lost) == 1 else 'them'} first."
            )
        return surgery.rewired(graph, key, kept).with_steps(steps)

    label = action_kind(action_type).LABEL
    return on_graph(flow, by, lambda old, new: f"Change {title_of(old, key)} to {label}", do)


# --- Words and helpers -----------------------------------------------------------------------------------------


def source_of(key: str) -> str | None:
    return None if key == TRIGGER_KEY else key


def title_of(graph: Graph, key: str) -> str:
    """A step as acts name it: “Email 2”. Without an account's names, which may change."""
    if key == TRIGGER_KEY:
        return "the trigger"
    step = graph.by_key.get(key)
    if step is None:
        return "a step"
    message: Any = step.config.get("message")
    own = message.get("name") or message.get("subject_line") if isinstance(message, Mapping) else ""
    name = step.name or (own if isinstance(own, str) else "")
    return f"“{name or action_kind(step.type).LABEL}”"


def _after(graph: Graph, source: str) -> str:
    return f" after {title_of(graph, source)}"


def _others(old: Graph, new: Graph, one: int) -> str:
    more = len(old.steps) - len(new.steps) - one
    return f" and {count(more, 'step')} after it" if more > 0 else ""


def on_graph(
    flow: Flow,
    by: User | None,
    name: str | Callable[[Graph, Graph], str],
    do: Callable[[Graph], Graph],
) -> Edit | None:
    """An act that changes nothing but the graph."""

    def named(old: Draft, new: Draft) -> str:
        return name if isinstance(name, str) else name(old.graph, new.graph)

    return perform(flow=flow, by=by, name=named, do=lambda draft: replace(draft, graph=do(draft.graph)))
