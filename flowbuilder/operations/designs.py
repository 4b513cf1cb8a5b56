"""Acts on one flow. Each locks the flow's row, applies itself whole, and raises the revision counter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.timezone import now as right_now

from accounts.models import User, Workspace
from flowbuilder.definition.reading import Read, read_document, read_text
from flowbuilder.graph.values import NEXT
from flowbuilder.graph.walk import descendants
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.logic import TriggerSplit
from flowbuilder.kinds.registry import ACTIONS, TRIGGERS, action_kind, trigger_kind
from flowbuilder.models import Action, Flow, Link, Trigger
from flowbuilder.operations.questions import drop_unused_questions
from flowbuilder.queries import graph_of, next_key


class UnableToChange(Exception):
    """The act does not fit the flow as it is now; the text says why."""


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
        created_by=by,
    )
    if graph.trigger:
        Trigger.objects.create(flow=flow, type=graph.trigger.type, config=graph.trigger.config)
    Action.objects.bulk_create(
        Action(flow=flow, key=step.key, type=step.type, name=step.name, config=step.config)
        for step in graph.steps
    )
    actions = {action.key: action for action in flow.actions.all()}
    Link.objects.bulk_create(
        Link(
            flow=flow,
            source=actions[link.source] if link.source else None,
            port=link.port,
            target=actions[link.target],
        )
        for link in graph.links
    )
    return flow


def _begin(flow: Flow, now: datetime | None = None) -> None:
    """Lock the flow and count the act: acts on one flow happen one after the other."""
    Flow.objects.select_for_update().get(pk=flow.pk)
    Flow.objects.filter(pk=flow.pk).update(revision=F("revision") + 1, changed_at=now or right_now())
    flow.refresh_from_db(fields=["revision", "changed_at", "profile_filter", "reentry", "name"])


@transaction.atomic
def rename_flow(*, flow: Flow, name: str) -> None:
    if not name.strip():
        raise UnableToChange("A flow needs a name.")
    _begin(flow)
    Flow.objects.filter(pk=flow.pk).update(name=name.strip()[:200])
    flow.refresh_from_db(fields=["name"])


@transaction.atomic
def change_settings(
    *, flow: Flow, profile_filter: Mapping[str, Any] | None, reentry: Mapping[str, Any] | None
) -> None:
    """Whom the flow is for, and how often they may enter."""
    _begin(flow)
    Flow.objects.filter(pk=flow.pk).update(profile_filter=profile_filter, reentry=reentry)
    flow.refresh_from_db(fields=["profile_filter", "reentry"])
    drop_unused_questions(flow)


@transaction.atomic
def choose_trigger(*, flow: Flow, trigger_type: str) -> Trigger:
    """Begin, or begin anew, with a trigger of this type."""
    kind = TRIGGERS.get(trigger_type)
    if kind is None:
        raise UnableToChange(f"There is no trigger of the type “{trigger_type}”.")
    _begin(flow)
    trigger, _ = Trigger.objects.update_or_create(
        flow=flow, defaults={"type": trigger_type, "config": kind.start()}
    )
    flow.refresh_from_db()
    _follow_trigger(flow, trigger)
    drop_unused_questions(flow)
    return trigger


@transaction.atomic
def change_trigger(*, flow: Flow, config: Mapping[str, Any]) -> None:
    _begin(flow)
    trigger = Trigger.objects.filter(flow=flow).first()
    if trigger is None:
        raise UnableToChange("This flow has no trigger yet.")
    trigger.config = trigger_kind(trigger.type, config).tidy(dict(config))
    trigger.save(update_fields=["config"])
    flow.refresh_from_db()
    _follow_trigger(flow, trigger)
    drop_unused_questions(flow)


def _follow_trigger(flow: Flow, trigger: Trigger) -> None:
    """Trigger splits speak of the event that started the flow: keep them on it."""
    for action in flow.actions.filter(type=TriggerSplit.TYPE):
        action.config = {
            **action.config,
            "trigger_type": trigger.type,
            "trigger_id": trigger.config.get("id") or "",
        }
        action.save(update_fields=["config"])


@transaction.atomic
def insert_step(*, flow: Flow, action_type: str, source: str, port: str) -> Action:
    """Put a new step on the way that leaves `source` ("trigger" or a key) by `port`. What came there comes after it:
    below a split, on its first side."""
    kind = ACTIONS.get(action_type)
    if kind is None:
        raise UnableToChange(f"There is no step of the type “{action_type}”.")
    _begin(flow)
    before = _source(flow, source)
    ports = [NEXT] if before is None else [one.name for one in action_kind(before.type).ports(before.config)]
    if port not in ports:
        raise UnableToChange("That way is not there any more. Look at the flow as it is now and try again.")
    action = Action.objects.create(
        flow=flow,
        key=next_key(set(flow.actions.values_list("key", flat=True))),
        type=action_type,
        config=kind.start(),
    )
    _put_on(flow, action, before, port)
    trigger = Trigger.objects.filter(flow=flow).first()
    if trigger and action_type == TriggerSplit.TYPE:
        _follow_trigger(flow, trigger)
        action.refresh_from_db()
    return action


def _put_on(flow: Flow, action: Action, before: Action | None, port: str) -> None:
    """Let a link lead to `action`, and `action` by its first way to where the link led."""
    old = Link.objects.filter(flow=flow, source=before, port=port).first()
    first = action_kind(action.type).ports(action.config)[0].name
    if old is None:
        Link.objects.create(flow=flow, source=before, port=port, target=action)
        return
    after = old.target
    old.target = action
    old.save(update_fields=["target"])
    Link.objects.create(flow=flow, source=action, port=first, target=after)


def _source(flow: Flow, key: str) -> Action | None:
    if key == TRIGGER_KEY:
        return None
    return get_action(flow, key)


def get_action(flow: Flow, key: str) -> Action:
    action = Action.objects.filter(flow=flow, key=key).first()
    if action is None:
        raise UnableToChange("That step is not there any more. Somebody may have deleted it.")
    return action


@transaction.atomic
def change_step(*, flow: Flow, key: str, config: Mapping[str, Any], name: str | None = None) -> Action:
    _begin(flow)
    action = get_action(flow, key)
    action.config = action_kind(action.type).tidy(dict(config))
    if name is not None:
        action.name = name.strip()[:200]
    action.save(update_fields=["config", "name"])
    drop_unused_questions(flow)
    return action


@transaction.atomic
def delete_step(*, flow: Flow, key: str, keep: str = "") -> None:
    """Take one step out. What came after it by the way `keep` (its first way that leads somewhere, where empty)
    moves up; what came only by other ways goes with it."""
    _begin(flow)
    action = get_action(flow, key)
    graph = graph_of(flow)
    ways = graph.out.get(key, {})
    if keep and keep not in graph.by_key[key].ports:
        raise UnableToChange("That way is not there any more.")
    kept = ways.get(keep) if keep else next((t for _, t in graph.targets(key) if t), None)
    into = list(Link.objects.filter(flow=flow, target=action))
    lost = descendants(graph, key)
    if kept:
        lost -= {kept, *descendants(graph, kept)}
    lost -= _reached_without(graph, key)
    for link in into:
        if kept:
            link.target = get_action(flow, kept)
            link.save(update_fields=["target"])
        else:
            link.delete()
    Action.objects.filter(flow=flow, key__in=lost | {key}).delete()
    drop_unused_questions(flow)


@transaction.atomic
def delete_branch(*, flow: Flow, key: str) -> int:
    """Take out a step and all that only it leads to. Returns how many steps went."""
    _begin(flow)
    get_action(flow, key)
    graph = graph_of(flow)
    lost = ({key} | descendants(graph, key)) - _reached_without(graph, key)
    Action.objects.filter(flow=flow, key__in=lost).delete()
    drop_unused_questions(flow)
    return len(lost)


def _reached_without(graph: Any, key: str) -> set[str]:
    """Steps that can still be reached when this one is gone."""
    seen: set[str] = set()
    todo = [graph.entry] if graph.entry and graph.entry != key else []
    while todo:
        one = todo.pop()
        if one in seen or one == key:
            continue
        seen.add(one)
        todo += graph.out.get(one, {}).values()
    return seen


@transaction.atomic
def move_step(*, flow: Flow, key: str, source: str, port: str) -> None:
    """Take a step with one way out from where it is, and put it on another way. What came after it moves up."""
    if source == key:
        raise UnableToChange("A step cannot come after itself.")
    _begin(flow)
    action = get_action(flow, key)
    before = _source(flow, source)
    if len(action_kind(action.type).ports(action.config)) != 1:
        raise UnableToChange(
            "A split moves with its branches; that is not possible yet. Delete it and add it there."
        )
    after = Link.objects.filter(flow=flow, source=action).first()
    for link in Link.objects.filter(flow=flow, target=action):
        if after and (link.source_id, link.port) != (before.pk if before else None, port):
            link.target = after.target
            link.save(update_fields=["target"])
        elif after:
            return  # it is already there
        else:
            link.delete()
    if after:
        after.delete()
    _put_on(flow, action, before, port)


@transaction.atomic
def swap_sides(*, flow: Flow, key: str) -> None:
    """Exchange the two branches of a yes-or-no split."""
    _begin(flow)
    action = get_action(flow, key)
    ports = [port.name for port in action_kind(action.type).ports(action.config)]
    if len(ports) != 2:
        raise UnableToChange("Only a split with two sides can be swapped.")
    links = {link.port: link for link in Link.objects.filter(source=action)}
    targets = {port: links[port].target for port in ports if port in links}
    Link.objects.filter(source=action).delete()
    for port, other in (ports, ports[::-1]):
        if port in targets:
            Link.objects.create(flow=flow, source=action, port=other, target=targets[port])
