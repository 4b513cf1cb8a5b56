"""What steps do together, and with the trigger: rules that no single step can see. Linear, and without models. Pure.

Sources: https://help.klaviyo.com/hc/en-us/articles/115002779271 (delays), 115003883992 (splits), and what Create
Flow was seen to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowbuilder.definition.consent import WORDS, groups_of, messages_in, senders, without_consent
from flowbuilder.graph import Graph, Problem, Step, Trigger
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import get_at

Label = Callable[[str], str]
SOFT_LIMIT = 500  # Klaviyo's own preview refuses larger flows
DATE_STARTS = ("target-date", "countdown-delay")
WAITS = frozenset({"time-delay", "back-in-stock-delay", *DATE_STARTS})
EVENTS = ("metric", "price-drop", "low-inventory")


def check_together(graph: Graph, label: Label) -> Iterator[Problem]:
    """For a graph of sound shape: no circles, no links to nowhere."""
    if len(graph.steps) > SOFT_LIMIT:
        text = f"The flow has {len(graph.steps)} steps; Klaviyo's own editor is slow beyond {SOFT_LIMIT}."
        yield Problem("many-steps", text, None, blocks=False)
    yield from check_with_trigger(graph, label)
    sends = senders(graph)
    yield from _too_soon(graph, label, sends)
    for channel, key in without_consent(graph, sends).items():
        text = (
            f"Nothing in this flow makes sure that people agreed to {WORDS[channel]} before {label(key)}: "
            "say so in the profile filter, in a split, or in the message itself."
        )
        yield Problem("no-consent", text, key, blocks=False)
    yield from _loud(graph)
    for step in graph.steps:
        if step.type in WAITS and not graph.out.get(step.key):
            text = f"Nothing comes after {label(step.key)}: people wait, and then leave the flow."
            yield Problem("last-delay", text, step.key, blocks=False)


# --- The trigger ------------------------------------------------------------------------------------------------


def check_with_trigger(graph: Graph, label: Label) -> Iterator[Problem]:
    """The only rules on several steps that block."""
    trigger = graph.trigger
    if trigger is None:
        return
    first = graph.by_key.get(graph.entry or "")
    if trigger.type == "date" and first and first.type not in DATE_STARTS:
        text = "A flow that starts with a date begins with a target date or a countdown: put one first."
        yield Problem("date-first", text, first.key)
    for step in graph.steps:
        if step.type == "trigger-split":
            yield from _trigger_split(trigger, step)
        elif step.type in DATE_STARTS and trigger.type != "date":
            text = f"{label(step.key)} waits for a date, and this flow does not start with one: use a delay."
            yield Problem("no-date", text, step.key, blocks=False)


def _trigger_split(trigger: Trigger, step: Step) -> Iterator[Problem]:
    if trigger.type not in EVENTS:
        text = "A trigger split needs a flow that starts with an event; use a conditional split."
        yield Problem("no-event", text, step.key)
    elif trigger.type == "metric" and step.config.get("trigger_id") != trigger.config.get("id"):
        text = "This split speaks of another trigger than the flow's."
        yield Problem("other-trigger", text, step.key, ("trigger_id",))
    if step.config.get("trigger_type") != trigger.type:
        text = f"This split speaks of a trigger of the type “{step.config.get('trigger_type')}”."
        yield Problem("other-trigger", text, step.key, ("trigger_type",))


# --- Time -------------------------------------------------------------------------------------------------------


def links_too_soon(
    graph: Graph, sends: Mapping[str, str]
) -> dict[str, dict[tuple[str | None, str], str | None]]:
    """step -> the links into it on which nobody has waited -> who wrote to them last (None: nobody, they just came).

    A wait ends it, and is not in it; splits and changes to a profile take no time. `sends` are the senders.
    """
    found: dict[str, dict[tuple[str | None, str], str | None]] = {}
    steps, out, none = graph.by_key, graph.out, dict[str, str]()
    if graph.entry:
        found[graph.entry] = {(None, "next"): None}
    for key in graph.order:
        before = found.get(key)
        if (before is None and key not in sends) or steps[key].type in WAITS:
            continue
        last = key if key in sends else next(filter(None, (before or {}).values()), None)
        for port, target in out.get(key, none).items():
            if steps[target].type not in WAITS:
                found.setdefault(target, {})[key, port] = last
    return found


def _too_soon(graph: Graph, label: Label, sends: Mapping[str, str]) -> Iterator[Problem]:
    soon = links_too_soon(graph, sends)
    for step in graph.steps:
        here = soon.get(step.key)
        if here is None:
            continue
        last = next(filter(None, here.values()), None)
        if last and step.key in sends:
            text = f"{label(step.key)} goes out together with {label(last)}: put a delay between them."
            yield Problem("no-wait", text, step.key, blocks=False)
        for path in reads_later(step):
            after = f"right after {label(last)}" if last else "as soon as people enter"
            text = f"{label(step.key)} looks {after} for what happens later: put a delay before it."
            yield Problem("reads-too-soon", text, step.key, path, blocks=False)
            break


def reads_later(step: Step) -> list[Path]:
    """Paths of a split's conditions on what happens after people entered the flow."""
    return [
        (*path, "condition_groups", number, "conditions", index)
        for path, value in _filters(step)
        for number, group in enumerate(groups_of(value))
        for index, one in enumerate(group)
        if get_at(one, ("type",)) == "profile-metric"
        and get_at(one, ("timeframe_filter", "operator")) == "flow-start"
    ]


def _filters(step: Step) -> list[tuple[Path, Any]]:
    if step.type == "conditional-split":
        return [(("profile_filter",), step.config.get("profile_filter"))]
    if step.type == "multi-branch-split" and isinstance(branches := step.config.get("branches"), list):
        return [
            (("branches", index, "branch_filter"), get_at(branch, ("branch_filter",)))
            for index, branch in enumerate(branches)
        ]
    return []


# --- Status -----------------------------------------------------------------------------------------------------


def is_loud(config: Mapping[str, Any]) -> bool:
    return config.get("status") not in (None, "draft")


def _loud(graph: Graph) -> Iterator[Problem]:
    """One word for the whole flow: an imported one is live in every message."""
    loud = [
        step for step in graph.steps if "status" in step.config and is_loud(step.config) and messages_in(step)
    ]
    if not loud:
        return
    status = str(loud[0].config["status"])
    if len(loud) == 1:
        text = f"This message is set to “{status}”. It lands as a draft: set it live in Klaviyo when it is ready."
    else:
        text = (
            f"{len(loud)} messages are not drafts (this one is “{status}”). All land as drafts: set them live in "
            "Klaviyo when they are ready."
        )
    yield Problem("lands-as-draft", text, loud[0].key, ("status",), blocks=False)
