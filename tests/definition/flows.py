"""Flows of any shape for property-based tests: steps of every kind that has a case, linked forward at random.

[metric] -> (split) -yes-> [mail] -> [text]        ways may join, and steps may stand alone
                    -no-------------^
"""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.kinds.registry import action_kind, trigger_kind
from tests.conftest import CASES

GROUPS = {
    "condition_groups": [
        {
            "conditions": [
                {
                    "type": "profile-property",
                    "property": "properties['Tier']",
                    "filter": {"type": "string", "operator": "equals", "value": "gold"},
                }
            ]
        }
    ]
}


def _cases(what: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path.stem, case[what])
        for path in sorted((CASES / "kinds").glob("*.json"))
        for case in json.loads(path.read_text())
        if what in case
    ]


def filter_of(name: str) -> dict[str, Any]:
    """A filter unlike every other name's."""
    fresh = copy.deepcopy(GROUPS)
    fresh["condition_groups"][0]["conditions"][0]["filter"]["value"] = name
    return fresh


def branches(*names: str) -> dict[str, Any]:
    """Settings of a multi-branch split: a branch for each name, then everyone else."""
    some: list[dict[str, Any]] = [
        {
            "branch_id": name,
            "order": index,
            "is_else": False,
            "name": name.upper(),
            "branch_filter": filter_of(name),
            "links": {"next": None},
        }
        for index, name in enumerate(names)
    ]
    some.append({"branch_id": "else", "branch_filter": None, "links": None, "is_else": True})
    return {"name": "Many", "branches": some}


# One kind may have many cases; each kind comes as often as any other.
ACTIONS: dict[str, list[dict[str, Any]]] = {}
for _type, _data in [
    *_cases("data"),
    ("multi-branch-split", branches("a", "b")),
    ("multi-branch-split", branches("a", "b", "c")),
    ("update-profile", {"profile_operations": []}),
    ("send-hologram", {"beam": {"watts": [1, 2.5, None]}}),
]:
    ACTIONS.setdefault(_type, []).append(_data)
# A case of a trigger names no type; that beside an action's case does.
TRIGGERS = [one for one in _cases("trigger") if "type" not in one[1]] + [("full-moon", {"phase": 0.5})]


@st.composite
def graphs(draw: st.DrawFn, most: int = 9, types: tuple[str, ...] = ()) -> Graph:
    number = draw(st.integers(1, most))
    steps: list[Step] = []
    for index in range(number):
        kind = draw(st.sampled_from(types or tuple(ACTIONS)))
        # In the form in which settings are kept: the trip below must then change nothing at all.
        data = draw(st.sampled_from(ACTIONS[kind]))
        config, _ = action_kind(kind).read_links({"type": kind, "data": copy.deepcopy(data)})
        config, _ = action_kind(kind).renew(config)
        ports = tuple(port.name for port in action_kind(kind).ports(config))
        steps.append(Step(f"s{index}", kind, config, ports=ports))
    links = [Link(None, "next", "s0")]
    for index, step in enumerate(steps):
        for port in step.ports:
            target = draw(st.none() | st.integers(index + 1, number))
            if target is not None and target < number:
                links.append(Link(step.key, port, f"s{target}"))
    type_, config = draw(st.sampled_from(TRIGGERS))
    config, _ = trigger_kind(type_, config).renew(copy.deepcopy(config))
    return Graph(
        trigger=Trigger(type_, config),
        steps=tuple(steps),
        links=tuple(links),
        profile_filter=draw(st.sampled_from([None, GROUPS])),
        reentry=draw(st.sampled_from([None, {"duration": 1, "unit": "alltime"}])),
    )
