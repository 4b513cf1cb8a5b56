"""Repairs of a single setting, of a step, of the trigger, or of the flow: the setting is replaced or left out. Pure.

    label, mend = REPAIRS["not-positive"]

repairs.py offers them. A label is "" where the repair does not fit what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flowbuilder.definition.texts import closed
from flowbuilder.graph import Graph, Problem
from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.base import count
from flowbuilder.kinds.conditions import STANDARD_PROPERTIES, check_property
from flowbuilder.kinds.registry import action_kind

Labels = Callable[[Graph, Problem], str]
Mend = Callable[[Graph, Problem], Graph]
_FLOW = {"profile_filter": "profile_filter", "reentry_criteria": "reentry"}  # in a definition -> in a graph


# --- Reading and writing a setting wherever it stands -----------------------------------------------------------


def settings_of(graph: Graph, problem: Problem) -> Config:
    """The settings that the problem's path leads through."""
    if problem.step == "trigger":
        return graph.trigger.config if graph.trigger else {}
    if problem.step is None:
        return {key: getattr(graph, name) for key, name in _FLOW.items()}
    step = graph.by_key.get(problem.step)
    return step.config if step else {}


def with_settings(graph: Graph, problem: Problem, config: Config) -> Graph:
    if problem.step == "trigger" and graph.trigger:
        return replace(graph, trigger=replace(graph.trigger, config=config))
    if problem.step is None:
        return replace(graph, **{name: config[key] for key, name in _FLOW.items()})
    return graph.with_steps(
        replace(step, config=config, ports=tuple(port.name for port in action_kind(step.type).ports(config)))
        if step.key == problem.step
        else step
        for step in graph.steps
    )


def taken_out(value: Any, path: Path) -> Any:
    """A copy without the key or the item at a path."""
    *way, last = path
    parent = get_at(value, tuple(way))
    if isinstance(parent, Mapping):
        return set_at(value, tuple(way), {key: child for key, child in parent.items() if key != last})
    if isinstance(parent, list):
        return set_at(value, tuple(way), [child for index, child in enumerate(parent) if index != last])
    return value


def _here(graph: Graph, problem: Problem) -> Any:
    return get_at(settings_of(graph, problem), problem.path)


def _put(graph: Graph, problem: Problem, new: Any) -> Graph:
    return with_settings(graph, problem, set_at(settings_of(graph, problem), problem.path, new))


def _leave_out(graph: Graph, problem: Problem) -> Graph:
    return with_settings(graph, problem, taken_out(settings_of(graph, problem), problem.path))


def _to(value: Any) -> Mend:
    return lambda graph, problem: _put(graph, problem, value)


def _called(label: str) -> Labels:
    """For a setting that stands there."""
    return lambda graph, problem: label if problem.path and _is_there(graph, problem) else ""


def _is_there(graph: Graph, problem: Problem) -> bool:
    *way, last = problem.path
    parent = get_at(settings_of(graph, problem), tuple(way))
    return last in parent if isinstance(parent, Mapping) else isinstance(parent, list)


# --- Names nearly right -----------------------------------------------------------------------------------------

# What people and older tools write, and what Klaviyo takes.
_NEARLY = {
    **{f"{unit}s": unit for unit in ("hour", "day", "week", "month")},
    **{"startswith": "starts-with", "endswith": "ends-with", "not-startswith": "not-starts-with"},
    **{"is_set": "is-set", "not_set": "not-set", "is-not-set": "not-set", "not_equals": "not-equals"},
    **{"greater_than": "greater-than", "less_than": "less-than", "alltime ": "alltime"},
    **{"paused": "draft", "unique_clicks": "unique-clicks", "unique_opens": "unique-opens"},
}
_PLURALS = {unit: f"{unit}s" for unit in ("minute", "hour", "day", "week", "month")}


def _near(graph: Graph, problem: Problem) -> str | None:
    here = _here(graph, problem)
    if not isinstance(here, str):
        return None
    if problem.step not in (None, "trigger") and problem.path == ("unit",):  # delays count in “days”
        return _PLURALS.get(here)
    return _NEARLY.get(here)


def _near_label(graph: Graph, problem: Problem) -> str:
    near = _near(graph, problem)
    return f"Write “{near}”" if near else ""


def _to_near(graph: Graph, problem: Problem) -> Graph:
    return _put(graph, problem, _near(graph, problem))


def _own_property(graph: Graph, problem: Problem) -> str | None:
    """The form that Klaviyo takes of a property's name, or None."""
    name = _here(graph, problem)
    if not isinstance(name, str) or not name.strip():
        return None
    bare = name.strip()
    if quoted := re.fullmatch(
        r"(?:properties|person)(?:\[[\"']?|\.|\|lookup:[\"'])(.+?)(?:[\"']?\])?[\"']?", bare
    ):
        bare = quoted[1]
    standard = bare.lstrip("$").lower().replace(" ", "_")
    place = re.fullmatch(r"(?:\$|location\.)([a-z0-9_]+)", bare)
    if standard in STANDARD_PROPERTIES:
        right = standard
    elif place and (bare.startswith("location.") or place[1] in ("city", "country", "region", "zip")):
        right = f"location['{place[1]}']"
    else:
        right = f"properties['{bare}']"
    is_right = right != name and "'" not in bare and not check_property(right, ())
    return right if is_right else None


def _own_label(graph: Graph, problem: Problem) -> str:
    name = _own_property(graph, problem)
    return f"Write {name}" if name else ""


# --- Delays -----------------------------------------------------------------------------------------------------

_IN_A_DAY = {"hours": 24, "minutes": 24 * 60}


def _whole_days(graph: Graph, problem: Problem) -> int:
    config = settings_of(graph, problem)
    value, size = config.get("value"), _IN_A_DAY.get(str(config.get("unit")))
    if not isinstance(value, int) or size is None or config.get("secondary_value"):
        return 0
    return value // size if value > 0 and value % size == 0 else 0


def _days_label(graph: Graph, problem: Problem) -> str:
    days = _whole_days(graph, problem)
    return f"Make it {count(days, 'day')}" if days else "Leave the time of day out"


def _in_days(graph: Graph, problem: Problem) -> Graph:
    """48 hours as 2 days; a delay that is no whole number of days without its time of day and weekdays."""
    config = dict(settings_of(graph, problem))
    if days := _whole_days(graph, problem):
        config |= {"unit": "days", "value": days, "secondary_value": None}
    else:
        config = {
            key: value
            for key, value in config.items()
            if key not in ("delay_until_time", "delay_until_weekdays")
        }
    return with_settings(graph, problem, config)


def _hours(graph: Graph, problem: Problem) -> tuple[int, int] | None:
    config = settings_of(graph, problem)
    value, more = config.get("value"), config.get("secondary_value")
    if not isinstance(value, int) or not isinstance(more, int) or config.get("unit") != "hours":
        return None
    total = value * 60 + more
    return divmod(total, 60) if total > 0 else None


def _hours_label(graph: Graph, problem: Problem) -> str:
    found = _hours(graph, problem)
    return f"Make it {count(found[0], 'hour')} {count(found[1], 'minute')}" if found else ""


def _in_hours(graph: Graph, problem: Problem) -> Graph:
    hours, minutes = _hours(graph, problem) or (1, 0)
    config = {**settings_of(graph, problem), "value": hours, "secondary_value": minutes}
    return with_settings(graph, problem, config)


# --- Conditions -------------------------------------------------------------------------------------------------


def _pruned(value: Any, path: Path) -> tuple[Any, Path, bool]:
    """The settings without a condition or a group; (…, path of its filter, whether a condition is left)."""
    at = path.index("condition_groups")
    head = path[:at]
    fresh = taken_out(value, path) if path[-2:-1] == ("conditions",) else value
    groups = get_at(fresh, (*head, "condition_groups"))
    kept = [one for one in groups if get_at(one, ("conditions",))] if isinstance(groups, list) else []
    return set_at(fresh, (*head, "condition_groups"), kept), head, bool(kept)


def _must_say(graph: Graph, problem: Problem, head: Path) -> bool:
    """Whether the filter may not be empty: a split without one sends everybody the same way."""
    step = graph.by_key.get(problem.step or "")
    return step is not None and step.type.endswith("-split")


def _prune_label(graph: Graph, problem: Problem) -> str:
    if "condition_groups" not in problem.path:
        return ""
    _, head, is_left = _pruned(settings_of(graph, problem), problem.path)
    if not is_left and _must_say(graph, problem, head):
        return ""
    if problem.code == "no-conditions":
        return "Remove the empty group" if is_left else "Take the filter away"
    return "Take the condition away"


def _prune(graph: Graph, problem: Problem) -> Graph:
    fresh, head, is_left = _pruned(settings_of(graph, problem), problem.path)
    return with_settings(graph, problem, fresh if is_left else set_at(fresh, head, None))


def _address_label(graph: Graph, problem: Problem) -> str:
    if problem.path[-1:] == ("from_email",):
        return "Use the account's sender"
    return "Leave it out" if problem.path and isinstance(problem.path[-1], str) else ""


def _unclosed_label(graph: Graph, problem: Problem) -> str:
    return "Close it" if closed(_here(graph, problem)) else ""


REPAIRS: dict[str, tuple[Labels, Mend]] = {
    "extra-forbidden": (_called("Leave it out"), _leave_out),
    "literal-error": (_near_label, _to_near),
    "custom-property": (_own_label, lambda graph, one: _put(graph, one, _own_property(graph, one))),
    "not-positive": (_called("Make it 1"), _to(1)),
    "negative": (_called("Make it 0"), _to(0)),
    "not-0-or-1": (_called("Never again"), _to(1)),
    "no-sample": (_called("Make it 50 percent"), _to(50)),
    "until-needs-days": (_days_label, _in_days),
    "no-minutes": (_hours_label, _in_hours),
    "no-conditions": (_prune_label, _prune),
    "not-in-flow-here": (_prune_label, _prune),
    "empty-filters": (_called("Leave it out"), _to(None)),
    "no-time-frame": (_called("Leave it out"), _to(None)),
    "no-address": (_address_label, _to(None)),
    "tag-unclosed": (_unclosed_label, lambda graph, one: _put(graph, one, closed(_here(graph, one)))),
    "transactional": (_called("Turn it off"), _to(False)),
}
