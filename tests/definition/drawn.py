"""Flows drawn in one line, and what is found in them: for the tests of the rules, of shaping and of telling.

A chain is `flow(wait(), mail("m"))`; a tree names its links: `flow(split(), mail("a"), links=">split split.yes>a")`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from flowbuilder.definition.preflight import check
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.kinds.registry import action_kind

METRIC = Trigger("metric", {"id": "CheckM", "trigger_filter": None})
DATE = Trigger(
    "date",
    {
        "date_field_type": "profile-property",
        "date_profile_property": "properties['Birthday']",
        "timedelta_value_before_date": 0,
        "timedelta_unit_before_date": "days",
        "recurrence_frequency": "annually",
        "timezone": "profile",
        "trigger_time": "09:00:00",
    },
)
LIST = Trigger("list", {"id": "ListID"})


def groups(*conditions: Any) -> dict[str, Any]:
    """All of these."""
    return {"condition_groups": [{"conditions": [one]} for one in conditions]}


def consent(channel: str, can: bool = True, why: str = "subscribed") -> dict[str, Any]:
    status = {"subscription": why, "filters": None}
    return {
        "type": "profile-marketing-consent",
        "consent": {"channel": channel, "can_receive_marketing": can, "consent_status": status},
    }


def ordered(operator: str = "flow-start") -> dict[str, Any]:
    return {
        "type": "profile-metric",
        "metric_id": "OrderM",
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 0},
        "timeframe_filter": {"type": "date", "operator": operator},
        "metric_filters": None,
    }


NOT_IN_FLOW = {
    "type": "profile-not-in-flow",
    "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30},
}
GOLD = {
    "type": "profile-property",
    "property": "properties['Tier']",
    "filter": {"type": "string", "operator": "equals", "value": "gold"},
}
EVENT = {
    "type": "metric-property",
    "metric_id": "CheckM",
    "field": "price",
    "filter": {"type": "numeric", "operator": "greater-than", "value": 5},
}


def mail(key: str, **more: Any) -> Step:
    message = {
        "name": key,
        "from_email": "hello@example.org",
        "from_label": "Hello",
        "subject_line": "Hello",
        "template_id": "Templt",
    }
    return step(key, "send-email", {"message": message | more, "status": "draft"})


def text(key: str, **more: Any) -> Step:
    return step(key, "send-sms", {"message": {"name": key, "body": "Hello"} | more, "status": "draft"})


def wait(key: str = "wait", **more: Any) -> Step:
    return step(key, "time-delay", {"unit": "days", "value": 1, "timezone": "profile"} | more)


def split(key: str = "split", filter: Any = None) -> Step:
    return step(key, "conditional-split", {"profile_filter": filter or groups(GOLD)})


def step(key: str, type: str, config: dict[str, Any]) -> Step:
    return Step(key, type, config, ports=tuple(port.name for port in action_kind(type).ports(config)))


def flow(*steps: Step, trigger: Trigger | None = METRIC, links: str = "", **more: Any) -> Graph:
    """A chain in the order given, or the links that are named: "split.yes>mail split.no>text"."""
    made: list[Link] = []
    if links:
        for one in links.split():
            source, _, target = one.partition(">")
            key, _, port = source.partition(".")
            made.append(Link(key or None, port or "next", target))
    else:
        keys = [None, *(one.key for one in steps)]
        for source, target in pairwise(keys):
            ports = next((one.ports for one in steps if one.key == source), ("next",))
            assert target is not None
            made.append(Link(source, ports[0], target))
    return Graph(trigger=trigger, steps=steps, links=tuple(made), **more)


AGREED = groups(consent("email", why="any"), consent("sms"))
TREE = ">split split.yes>a split.no>b"


def codes(graph: Graph) -> list[tuple[str, str | None]]:
    return [(one.code, one.step) for one in check(graph)]


def found(graph: Graph, code: str) -> Problem:
    return next(one for one in check(graph) if one.code == code)


def multi(key: str, **filters: Any) -> Step:
    """Branches by their filters; the last is everyone else."""
    branches = [
        {"branch_id": name, "name": name, "order": index, "is_else": False, "branch_filter": one}
        for index, (name, one) in enumerate(filters.items())
    ]
    branches.append({"branch_id": "else", "branch_filter": None, "links": None, "is_else": True})
    return step(key, "multi-branch-split", {"name": key, "branches": branches})
