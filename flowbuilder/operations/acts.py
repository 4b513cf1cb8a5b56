"""One act on a flow, whatever it does: locked, applied to values, checked, written as what it changed, remembered.

    edit = perform(flow=flow, by=person, name="Add Email", do=lambda draft: ...)

`do` is pure: a draft in, a draft out. Only what differs is written, in a fixed number of queries. Every act is an
Edit that can be taken back, tomorrow and by somebody else; taking back is an Edit as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now as right_now

from accounts.models import User
from flowbuilder.definition.switching import PART, part_of
from flowbuilder.graph.change import Change, Clash, Draft, apply, compare, inverse
from flowbuilder.graph.rules import check_shape
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.graph.switching import what_is_left
from flowbuilder.kinds.asks import find_open
from flowbuilder.kinds.logic import TriggerSplit
from flowbuilder.models import Action, Edit, Flow, Link, Requirement, Trigger
from flowbuilder.queries import draft_of, edits, questions_used
from flowbuilder.queries.design import QUESTION, ports_of_type, remember

Do = Callable[[Draft], Draft]
Name = str | Callable[[Draft, Draft], str]


def lock(flow: Flow) -> None:
    """Acts on one flow happen one after the other; `flow` is brought up to date."""
    now = Flow.objects.select_for_update(of=("self",)).select_related("trigger").get(pk=flow.pk)
    for name in ("name", "profile_filter", "reentry", "extra", "revision", "changed_at"):
        setattr(flow, name, getattr(now, name))
    flow.__dict__.pop("entry", None)
    trigger = getattr(now, "trigger", None)
    flow._state.fields_cache["trigger"] = trigger  # what select_related would have put there


@transaction.atomic
def perform(
    *,
    flow: Flow,
    by: User | None,
    name: Name,
    do: Do,
    kind: Edit.Kind = Edit.Kind.ACT,
    of: Edit | None = None,
) -> Edit | None:
    """Apply `do`, and remember it under a name. None, and nothing written, where it changes nothing.

    UnableToChange where the result would be no flow; what `do` raises goes through. Then nothing is written.
    """
    lock(flow)
    old = draft_of(flow)
    new = do(old)
    new = _complete(new)
    if kind == Edit.Kind.ACT:
        new = _tidied(old, new)
    change = compare(old, new)
    if not change:
        return None
    if broken := check_shape(new.graph):
        raise UnableToChange(broken[0].text)
    now = right_now()
    flow.revision += 1
    flow.changed_at = now
    _write(flow, new, change)
    edit = Edit.objects.create(
        flow=flow,
        number=flow.revision,
        kind=kind,
        of=of,
        author=by,
        name=(name if isinstance(name, str) else name(old, new))[:300],
        change=change,
        at=now,
    )
    state, before = (flow.revision, now), (flow.revision - 1, old)
    transaction.on_commit(lambda: remember(flow.pk, state, new, before))
    return edit


def _complete(new: Draft) -> Draft:
    """What an earlier act wrote of a question may lack what questions have today."""
    if all(len(one) == len(QUESTION) for one in new.requirements.values()):
        return new
    fresh = Requirement()
    blank = {name: getattr(fresh, name) for name in QUESTION}
    return replace(new, requirements={key: {**blank, **one} for key, one in new.requirements.items()})


def _tidied(old: Draft, new: Draft) -> Draft:
    """What follows from any act: trigger splits stay on the trigger, questions that stand nowhere go."""
    graph = new.graph
    trigger = graph.trigger
    if trigger and graph is not old.graph:
        on = {"trigger_type": trigger.type, "trigger_id": trigger.config.get("id") or ""}
        if any(_strays(step.type, step.config, on) for step in graph.steps):
            steps = [
                replace(step, config={**step.config, **on}) if _strays(step.type, step.config, on) else step
                for step in graph.steps
            ]
            new = replace(new, graph=graph.with_steps(steps))
    if new.requirements and graph is not old.graph:
        new = _switches_kept(old, new)
    if new.requirements and _may_lose_questions(old, new):
        used = questions_used(new)
        if unused := new.requirements.keys() - used:
            kept = {key: one for key, one in new.requirements.items() if key not in unused}
            new = replace(new, requirements=kept)
    return new


def _switches_kept(old: Draft, new: Draft) -> Draft:
    """What was switched and lost its first or last step goes on with what is left of it, or goes."""
    kept = dict(new.requirements)
    for key, one in new.requirements.items():
        if not one["switches"]:
            continue
        switches = [
            {**switch, **{name: getattr(part, name) for name in PART}}
            for switch in one["switches"]
            if (part := what_is_left(old.graph, new.graph, part_of(switch))) is not None
        ]
        if switches != one["switches"]:
            kept[key] = {**one, "switches": switches}
    return replace(new, requirements=kept) if kept != new.requirements else new


def _strays(kind: str, config: Mapping[str, Any], on: Mapping[str, Any]) -> bool:
    return kind == TriggerSplit.TYPE and any(config.get(key) != value for key, value in on.items())


def _may_lose_questions(old: Draft, new: Draft) -> bool:
    """Whether something that was changed or taken out asked for anything, or a question is new."""
    if old.requirements is not new.requirements:
        return True
    before, after = old.graph, new.graph
    if before.trigger is not after.trigger or before.profile_filter is not after.profile_filter:
        return True
    return any(
        after.by_key.get(step.key) is not step and any(find_open(step.config)) for step in before.steps
    )


# --- Writing what changed --------------------------------------------------------------------------------------


def _write(flow: Flow, new: Draft, change: Change) -> None:
    touched: dict[str, set[str]] = {}
    for one in change:
        touched.setdefault(one["path"][0], set()).update(one["path"][1:2])
    if "trigger" in touched:
        _write_trigger(flow, new)
    if keys := touched.get("requirements"):
        _write_requirements(flow, new, keys)
    _write_steps(flow, new, touched.get("steps", set()), touched.get("links", set()))
    graph = new.graph
    flow.name, flow.profile_filter, flow.reentry = new.name, graph.profile_filter, graph.reentry
    flow.extra = dict(graph.extra)
    fields = [name for name in ("name", "profile_filter", "reentry", "extra") if name in touched]
    flow.save(update_fields=["revision", "changed_at", *fields])


def _write_trigger(flow: Flow, new: Draft) -> None:
    trigger = new.graph.trigger
    if trigger is None:
        Trigger.objects.filter(flow=flow).delete()
        flow._state.fields_cache["trigger"] = None
        return
    row, _ = Trigger.objects.update_or_create(
        flow=flow, defaults={"type": trigger.type, "config": dict(trigger.config)}
    )
    flow._state.fields_cache["trigger"] = row


def _write_requirements(flow: Flow, new: Draft, keys: set[str]) -> None:
    Requirement.objects.filter(flow=flow, key__in=keys - new.requirements.keys()).delete()
    Requirement.objects.bulk_create(
        [Requirement(flow=flow, key=key, **new.requirements[key]) for key in new.requirements if key in keys],
        update_conflicts=True,
        unique_fields=["flow", "key"],
        update_fields=list(QUESTION),
    )


def _write_steps(flow: Flow, new: Draft, steps: set[str], sources: set[str]) -> None:
    """Links first away, then steps, then links again: the database never holds a link to nowhere."""
    graph = new.graph
    gone = steps - graph.by_key.keys()
    if sources or gone:
        leaves = Q(source__key__in=(sources | gone) - {""})
        if "" in sources:
            leaves |= Q(source=None)
        Link.objects.filter(leaves | Q(target__key__in=gone), flow=flow).delete()
    if gone:
        Action.objects.filter(flow=flow, key__in=gone).delete()
    Action.objects.bulk_create(
        [
            Action(
                flow=flow,
                key=key,
                type=step.type,
                name=step.name,
                note=step.note,
                config=dict(step.config),
                extra=dict(step.extra),
            )
            for key, step in graph.by_key.items()
            if key in steps
        ],
        update_conflicts=True,
        unique_fields=["flow", "key"],
        update_fields=["type", "name", "note", "config", "extra"],
    )
    links = [
        (source, port, target)
        for source in sources
        for port, target in graph.out.get(source or None, {}).items()
    ]
    if not links:
        return
    keys = {key for source, _, target in links for key in (source, target)}
    rows = dict(Action.objects.filter(flow=flow, key__in=keys).values_list("key", "pk"))
    Link.objects.bulk_create(
        Link(flow=flow, source_id=rows.get(source), port=port, target_id=rows[target])
        for source, port, target in links
    )


# --- Taking back and bringing again ----------------------------------------------------------------------------


def undo(*, flow: Flow, by: User | None, everybodys: bool = False, number: int | None = None) -> Edit:
    """Take an act back: one by its number, or the last of this person, or of everybody."""
    acts = edits.undoable(flow, None if everybodys or number is not None else by)
    act = (acts.filter(number=number) if number is not None else acts).first()
    if act is None:
        raise UnableToChange("There is nothing to undo.")
    return _again(flow, by, act, inverse(act.change), Edit.Kind.UNDO, "Undo")


def redo(*, flow: Flow, by: User | None, everybodys: bool = False) -> Edit:
    """Bring the act that was taken back last again."""
    act = edits.redoable(flow, None if everybodys else by).first()
    if act is None:
        raise UnableToChange("There is nothing to redo.")
    return _again(flow, by, act, act.change, Edit.Kind.REDO, "Redo")


def _again(flow: Flow, by: User | None, act: Edit, change: Change, kind: Edit.Kind, verb: str) -> Edit:
    def do(draft: Draft) -> Draft:
        try:
            return apply(draft, change, ports_of_type)
        except Clash:
            raise UnableToChange(
                f"“{act.name}” cannot be {'undone' if kind == Edit.Kind.UNDO else 'redone'}: what it changed "
                "was changed again since. Undo the later act first, or change it by hand."
            ) from None

    edit = perform(flow=flow, by=by, name=f"{verb}: {act.name}"[:300], do=do, kind=kind, of=act)
    if edit is None:
        raise UnableToChange(f"“{act.name}” changes nothing any more.")
    return edit


def restore(*, flow: Flow, by: User | None, number: int) -> Edit | None:
    """Go back to how the flow was after an act; an act itself, which can be undone."""
    name = (
        "Go back to the beginning"
        if number == 0
        else f"Go back to: {Edit.objects.filter(flow=flow, number=number).values_list('name', flat=True).first()}"
    )

    def do(draft: Draft) -> Draft:
        before = edits.draft_at(flow, number)
        if before is None:
            raise UnableToChange("The flow cannot go back so far: its earlier acts were not kept.")
        return before

    return perform(flow=flow, by=by, name=name, do=do)
