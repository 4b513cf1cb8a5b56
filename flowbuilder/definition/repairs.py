"""Problems that one press puts right: what the press is called, and the flow afterwards. Pure.

    problem.repair                            its label; empty where nothing can be pressed
    graph = repair(graph, problem, new_key)   UnableToFind where the flow is no longer so

To add one: a Repair in REPAIRS under the problem's code, and a row in tests/definition/test_repairs.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from flowbuilder.definition import settings_repairs as on_settings
from flowbuilder.definition.consent import condition_for, groups_of, messages_in, senders, sent_by
from flowbuilder.definition.settings_repairs import Labels
from flowbuilder.definition.together import is_loud, links_too_soon
from flowbuilder.graph import Graph, Link, Problem, Step
from flowbuilder.graph.surgery import NewKey, UnableToFind, put, remove, step_of, without
from flowbuilder.graph.values import NEXT
from flowbuilder.graph.walk import breadth_first, find_cycle
from flowbuilder.kinds.asks import set_at
from flowbuilder.kinds.registry import action_kind
from flowbuilder.kinds.timing import TargetDate, TimeDelay

Mend = Callable[[Graph, Problem, NewKey], Graph]


@dataclass(frozen=True, slots=True)
class Repair:
    """`label` answers "" where it does not fit. `mend` is called only where it does."""

    label: Labels
    mend: Mend


def offered(graph: Graph, problem: Problem) -> Problem:
    """The problem with the label of its repair, if it has one. The graph may hold the problem's step alone."""
    one = REPAIRS.get(problem.code)
    label = one.label(graph, problem) if one else ""
    return replace(problem, repair=label) if label else problem


def _mended(graph: Graph, problem: Problem) -> Graph | None:
    """What the step's own kind does about a problem that it found in its settings; None where it does nothing."""
    step = graph.by_key.get(problem.step or "")
    if step is None or not problem.repair:
        return None
    config = action_kind(step.type).mend(dict(step.config), problem.code)
    return None if config == step.config else _changed(graph, replace(step, config=config))


def repair(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    one = REPAIRS.get(problem.code)
    if problem.step not in (None, "trigger"):
        step_of(graph, str(problem.step))
    if one is None and (mended := _mended(graph, problem)) is not None:
        return mended
    if one is None or not one.label(graph, problem):
        raise UnableToFind("Nothing can be put right here by itself any more. Look at the step's settings.")
    return one.mend(graph, problem, new_key)


def _called(label: str) -> Labels:
    return lambda graph, problem: label


def _new(kind: type[TimeDelay] | type[TargetDate], new_key: NewKey) -> Step:
    config = kind.start()
    return Step(new_key(), kind.TYPE, config, ports=tuple(port.name for port in kind.ports(config)))


# --- Links ------------------------------------------------------------------------------------------------------


def _roots(graph: Graph) -> list[str]:
    return [step.key for step in graph.steps if step.key not in graph.into]


def _begin(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return replace(graph, links=(Link(None, NEXT, _roots(graph)[0]), *graph.links))


def _cut_off(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return without(graph, set(graph.by_key) - set(breadth_first(graph)))


def _keep_links(graph: Graph, keep: Callable[[Link], bool]) -> Graph:
    return replace(graph, links=tuple(link for link in graph.links if keep(link)))


def _undangle(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return _keep_links(
        graph,
        lambda link: (
            (link.source is None or link.source in graph.by_key)
            and link.target in graph.by_key
            and (link.source is None or link.port in graph.by_key[link.source].ports)
        ),
    )


def _uncircle(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    """Of each circle the link that leads back to the step that people reach first."""
    graph = _keep_links(graph, lambda link: link.source != link.target)
    while circle := set(find_cycle(graph)):
        order = [key for key in breadth_first(graph) if key in circle] or sorted(circle)
        first = order[0]
        graph = _keep_links(graph, lambda link: not (link.target == first and link.source in circle))  # noqa: B023
    return graph


def _take_out(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return remove(graph, str(problem.step))


# --- Steps that are missing -------------------------------------------------------------------------------------


def _wait_first(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    """A delay on each way on which nobody has waited; for two messages, only where one was sent."""
    key = str(problem.step)
    too_soon = links_too_soon(graph, senders(graph)).get(key, {})
    sends = problem.code == "no-wait"
    for (source, port), last in too_soon.items():
        if last or not sends:
            graph = put(graph, _new(TimeDelay, new_key), source, port)
    return graph


def _date_first(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return put(graph, _new(TargetDate, new_key), None, NEXT)


_DAYS = {"days": 1, "weeks": 7, "months": 30}


def _as_delay(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    """A step that waits for a date as a delay: as long as it counted down, else a day."""
    old = step_of(graph, str(problem.step))
    value, unit = old.config.get("value"), old.config.get("unit", "days")
    days = value * _DAYS.get(str(unit), 1) if isinstance(value, int) and value > 0 else 1
    config = {**TimeDelay.start(), "value": days, "unit": "days"}
    return _changed(graph, replace(old, type=TimeDelay.TYPE, config=config))


# --- The trigger, and who is written to -------------------------------------------------------------------------


def _same_trigger(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    """The split speaks of the flow's trigger, and its conditions of that trigger's metric."""
    assert graph.trigger is not None
    step = step_of(graph, str(problem.step))
    config = {**step.config, "trigger_type": graph.trigger.type}
    if graph.trigger.type == "metric":
        config["trigger_id"] = graph.trigger.config.get("id")
        for number, group in enumerate(groups_of(config.get("trigger_filter"))):
            for index, one in enumerate(group):
                if isinstance(one, dict) and "metric_id" in one:
                    place = ("trigger_filter", "condition_groups", number, "conditions", index, "metric_id")
                    config = set_at(config, place, config["trigger_id"])
    return _changed(graph, replace(step, config=config))


def _has_trigger(graph: Graph, problem: Problem) -> str:
    return "Use the flow's trigger" if graph.trigger else ""


def _ask_consent(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    condition = condition_for(sent_by(step_of(graph, str(problem.step))))
    old = graph.profile_filter or {}
    groups = old.get("condition_groups")
    groups = list(groups) if isinstance(groups, list) else []
    return replace(graph, profile_filter={**old, "condition_groups": [*groups, {"conditions": [condition]}]})


def _as_drafts(graph: Graph, problem: Problem, new_key: NewKey) -> Graph:
    return graph.with_steps(
        replace(step, config={**step.config, "status": "draft"})
        if is_loud(step.config) and messages_in(step)
        else step
        for step in graph.steps
    )


def _changed(graph: Graph, step: Step) -> Graph:
    """A step replaced, with the ways out that its settings give it."""
    ports = tuple(port.name for port in action_kind(step.type).ports(step.config))
    return graph.with_steps(replace(step, ports=ports) if one.key == step.key else one for one in graph.steps)


def _on_settings(names: Iterable[str]) -> dict[str, Repair]:
    """Repairs of one setting, which need neither links nor new steps."""
    found: dict[str, Repair] = {}
    for code in names:
        label, mend = on_settings.REPAIRS[code]

        def do(graph: Graph, problem: Problem, new_key: NewKey, mend: on_settings.Mend = mend) -> Graph:
            return mend(graph, problem)

        found[code] = Repair(label, do)
    return found


REPAIRS: dict[str, Repair] = {
    "no-entry": Repair(lambda graph, _: "Link it to the first step" if _roots(graph) else "", _begin),
    "unreachable": Repair(_called("Delete what cannot be reached"), _cut_off),
    "dangling": Repair(_called("Take the link away"), _undangle),
    "no-such-port": Repair(_called("Take the link away"), _undangle),
    "cycle": Repair(_called("Take the link back away"), _uncircle),
    "empty-split": Repair(_called("Remove the split"), _take_out),
    "same-sides": Repair(_called("Remove the split"), _take_out),
    "no-event": Repair(_called("Remove the split"), _take_out),
    "last-delay": Repair(_called("Remove the delay"), _take_out),
    "no-wait": Repair(_called("Wait a day before it"), _wait_first),
    "reads-too-soon": Repair(_called("Wait a day before it"), _wait_first),
    "date-first": Repair(_called("Put a target date first"), _date_first),
    "no-date": Repair(_called("Make it a delay"), _as_delay),
    "other-trigger": Repair(_has_trigger, _same_trigger),
    "no-consent": Repair(_called("Ask for consent in the profile filter"), _ask_consent),
    "lands-as-draft": Repair(_called("Make them drafts"), _as_drafts),
    **_on_settings(on_settings.REPAIRS),
}
