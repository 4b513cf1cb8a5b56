"""An account's flow in our keys, and in what it is another than it was left. Pure; read by the publisher and by pages.

    found = in_our_keys(held, sent, steps, edited)     the account's answer, named and written as what was sent
    apart = differences(left, found)                   points of merging.py, each with how much it matters

What Klaviyo fills in by itself is no difference (platform.py); ids of branches, messages and copies of templates are
each account's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from flowbuilder.definition.merging import Point, merge_graphs
from flowbuilder.definition.platform import SENDER
from flowbuilder.definition.statuses import Statuses
from flowbuilder.definition.updating import (
    TEMPLATE,
    Definition,
    Steps,
    actions_inside,
    as_sent,
    edits,
    emails_inside,
    graph_in,
)
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.registry import action_kind

Weight = Literal["cosmetic", "status", "content", "logic", "gone"]
WEIGHTS: tuple[Weight, ...] = ("cosmetic", "status", "content", "logic", "gone")  # from the least
THEIRS = "klaviyo-"  # begins the key of a step that somebody put in in Klaviyo


def key_in_design(flow_id: str, step: str) -> str:
    """What a step of one account is called in the design that takes it in: always the same, and says nothing of the
    account."""
    return f"in-{sha256(f'{flow_id} {step}'.encode()).hexdigest()[:12]}"


def in_our_keys(
    held: Definition, sent: Definition, steps: Steps, edited: Collection[str] | None = ()
) -> Graph:
    """`edited`: keys of emails that were written anew in Klaviyo, as emails_in names them; the others are what was
    sent, whatever the id of the account's copy. None: the ids decide."""
    theirs, ours = graph_in(held), graph_in(sent)
    key_of = {str(one["action"]): key for key, one in steps.items() if one.get("action")}
    name = {step.key: key_of.get(step.key, f"{THEIRS}{step.key}") for step in theirs.steps}
    made: list[Step] = []
    ways: dict[tuple[str | None, str], str] = {}
    for step in theirs.steps:
        key = name[step.key]
        was = ours.by_key.get(key)
        config = _as_ours(step, was, edited)
        ports = _names_of_branches(step, was)
        if ports:
            config = {**config, "branches": [
                {**branch, "branch_id": ports[port]}
                for branch, port in zip(config["branches"], step.ports, strict=True)
            ]}  # fmt: skip
        own = tuple(ports.get(port, port) for port in step.ports)
        made.append(Step(key, step.type, config, ports=own, extra=step.extra))
        ways |= {(step.key, port): ports.get(port, port) for port in step.ports}
    links = tuple(
        Link(name.get(one.source or ""), ways.get((one.source, one.port), one.port), name[one.target])
        for one in theirs.links
    )
    return replace(theirs, steps=tuple(made), links=links)


def _as_ours(step: Step, was: Step | None, edited: Collection[str] | None) -> Mapping[str, Any]:
    config: dict[str, Any] = as_sent(step.type, step.config)
    sent = was.config if was is not None and was.type == step.type else {}
    key = was.key if was is not None else step.key
    places: dict[str, Path] = {key: ("message",)}
    places |= {f"{key} {name}": (*path, "data", "message") for name, path in actions_inside(config).items()}
    for name, path in places.items():
        message = get_at(config, path)
        if isinstance(message, Mapping):
            is_as_sent = edited is not None and name not in edited
            config = set_at(config, path, _message_as_ours(message, get_at(sent, path), is_as_sent))
    return config


def _message_as_ours(message: Config, before: Config | None, is_as_sent: bool) -> Config:
    fresh = {key: one for key, one in message.items() if key != "id"}
    if fresh.get("reply_to_email") == fresh.get("from_email"):
        fresh.pop("reply_to_email", None)  # filled in where none was sent
    if before is None:
        return fresh
    # Left out of what was sent, it is the account's default sender.
    fresh = {key: one for key, one in fresh.items() if key not in SENDER or before.get(key) is not None}
    if is_as_sent and fresh.get("template_id") and before.get("template_id"):
        fresh["template_id"] = before["template_id"]
    return fresh


def _names_of_branches(step: Step, was: Step | None) -> dict[str, str]:
    """port -> its name among ours: by the branch's conditions, else by its place where there are as many."""
    branches = step.config.get("branches")
    before = was.config.get("branches") if was else None
    if not isinstance(branches, list) or not isinstance(before, list) or was is None:
        return {}
    free = dict(zip(was.ports, before, strict=True))
    found: dict[str, str] = {}
    for port, branch in zip(step.ports, branches, strict=True):
        alike = [
            name
            for name, one in free.items()
            if _conditions(one) == _conditions(branch)
            and bool(one.get("is_else")) == bool(branch.get("is_else"))
        ]
        if alike:
            found[port] = alike[0]
            del free[alike[0]]
    left = [port for port in step.ports if port not in found]
    if len(left) == len(free):
        found |= dict(zip(left, free, strict=True))
    return {port: found.get(port, port) for port in step.ports}


def _conditions(branch: Mapping[str, Any]) -> Any:
    return branch.get("branch_filter") or None


# --- What differs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Apart:
    """A difference between how a flow was left and how it is: a point, and how much it matters."""

    weight: Weight
    point: Point


def differences(left: Graph, found: Graph) -> list[Apart]:
    """What the account changed since. As a merge with no offer sees it: all of it would be kept."""
    points = merge_graphs(left, left, found, {}).points
    return [Apart(_weight_of(one, left, found), one) for one in points]


def _weight_of(point: Point, left: Graph, found: Graph) -> Weight:
    if point.what != "setting":
        return "logic"
    was, now = left.by_key.get(point.key), found.by_key.get(point.key)
    if was is None or now is None:
        return "logic"
    if point.path[:1] == ("message",):
        if point.path[-1] == "name":
            return "cosmetic"
        return "logic" if point.path[-1] == "additional_filters" else "content"
    if not list(edits(was.type, _unnamed(was.config), _unnamed(now.config))):
        return "cosmetic"
    return "logic" if action_kind(was.type).FAMILY in ("timing", "logic") else "content"


def _unnamed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without the names that people gave to a step and its branches."""
    plain = {key: one for key, one in config.items() if key != "name"}
    if isinstance(branches := plain.get("branches"), list):
        plain["branches"] = [{key: one for key, one in each.items() if key != "name"} for each in branches]
    return plain


def apart_in_status(left: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(action id, its status when it was left, now) of what is there on both sides; "" is the flow itself. Both are
    {"flow": status, "actions": statuses_of(...)}."""
    if left["flow"] != found["flow"]:
        yield "", left["flow"], found["flow"]
    before: Statuses = left["actions"]
    for id, places in found["actions"].items():
        was = before.get(id)
        if was is not None and was != places and (was.get("") != places.get("") or set(was) == set(places)):
            yield id, was.get("", ""), places.get("", "")


def worst(weights: Collection[str]) -> str:
    """The one that decides what a reading is called; "none" where nothing differs."""
    return next((one for one in reversed(WEIGHTS) if one in weights), "none")


def with_template(graph: Graph, email: str, template_id: str) -> Graph:
    """The graph with another template in one email, named as emails_in does."""
    key, _, inner = email.partition(" ")
    step = graph.by_key[key]
    path = emails_inside(step.config)[inner] if inner else TEMPLATE
    fresh = replace(step, config=set_at(step.config, path, template_id))
    return graph.with_steps(fresh if one.key == key else one for one in graph.steps)


def emails_in(definition: Definition, name: str = "id") -> dict[str, str]:
    """id of an action -> the template in it, of every email; of one inside an experiment the id is followed by its
    place there: "12 main", "12 v0". `name`: "temporary_id" for a definition in our keys."""
    found: dict[str, Any] = {}
    for action in definition.get("actions") or []:
        id, data = str(action.get(name)), action.get("data") or {}
        if action.get("type") == "send-email":
            found[id] = get_at(data, TEMPLATE)
        for inner, path in emails_inside(data).items():
            found[f"{id} {inner}"] = get_at(data, path)
    return {id: one for id, one in found.items() if isinstance(one, str) and one}
