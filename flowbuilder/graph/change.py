"""What an act changed in a flow, as plain data: to store it, take it back, bring it again, and see two acts clash.

    change = compare(old, new)      [{"path": ["steps", "s3", "config", "unit"], "before": "days", "after": "hours"}]
    new = apply(old, change, ports)
    old = apply(new, inverse(change), ports)

A path leads through objects only: a list is one value. A missing "before" or "after" is a value that is not there.
`apply` raises Clash where the flow holds something else than what the change was made against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.graph.values import Config, Graph, Link, Step, Trigger

Entry = dict[str, Any]
Change = list[Entry]
Ports = Callable[[str, Config], tuple[str, ...]]
_MISSING: Any = object()


@dataclass(frozen=True)
class Draft:
    """Everything of a flow that acts can change. `requirements`: key -> the question as plain values."""

    name: str = ""
    graph: Graph = field(default_factory=Graph)
    requirements: Mapping[str, Config] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One value that two acts want: `mine` comes second, `theirs` is there."""

    path: tuple[str, ...]
    theirs: Any
    mine: Any


class Clash(Exception):
    """The flow is not as the change expects it to be; `conflicts` says where."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__(", ".join(".".join(one.path) for one in conflicts))
        self.conflicts = tuple(conflicts)


# --- Two drafts -> a change ------------------------------------------------------------------------------------


def compare(old: Draft, new: Draft) -> Change:
    """In proportion to what differs: steps that are the same object are not looked into."""
    return list(_compare(old, new))


def _compare(old: Draft, new: Draft) -> Iterator[Entry]:
    yield from _values(("name",), old.name, new.name)
    before, after = old.graph, new.graph
    yield from _values(("trigger",), _trigger(before.trigger), _trigger(after.trigger))
    for name in ("profile_filter", "reentry", "extra"):
        yield from _values((name,), getattr(before, name), getattr(after, name))
    for key in dict.fromkeys([*before.by_key, *after.by_key]):
        one, other = before.by_key.get(key), after.by_key.get(key)
        if one is not other:
            yield from _values(("steps", key), _step(one), _step(other))
    if before.links is not after.links:
        for source in dict.fromkeys([*before.out, *after.out]):
            ways, others = before.out.get(source, {}), after.out.get(source, {})
            for port in dict.fromkeys([*ways, *others]):
                way = ("links", source or "", port)
                yield from _values(way, ways.get(port, _MISSING), others.get(port, _MISSING))
    if old.requirements is not new.requirements:
        for key in dict.fromkeys([*old.requirements, *new.requirements]):
            path = ("requirements", key)
            yield from _values(path, old.requirements.get(key, _MISSING), new.requirements.get(key, _MISSING))


def _values(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Entry]:
    if old is new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping) and _is_one_thing(old, new):
        for key in dict.fromkeys([*old, *new]):
            yield from _values((*path, str(key)), old.get(key, _MISSING), new.get(key, _MISSING))
    elif not is_same(old, new):
        yield entry(path, old, new)


def _is_one_thing(old: Config, new: Config) -> bool:
    """Objects of another type, and questions, are replaced whole: half of one and half of the other is neither."""
    return old.get("type") == new.get("type") and not ("$ask" in old or "$ask" in new)


def entry(path: Iterable[str], old: Any, new: Any) -> Entry:
    made: Entry = {"path": list(path)}
    if old is not _MISSING:
        made["before"] = old
    if new is not _MISSING:
        made["after"] = new
    return made


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return (
            isinstance(one, Mapping)
            and isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(is_same(one[key], other[key]) for key in one)
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


def as_data(draft: Draft) -> dict[str, Any]:
    """A draft as plain values, in one form: two drafts that mean the same give equal data."""
    graph = draft.graph
    return {
        "name": draft.name,
        "trigger": _trigger(graph.trigger),
        "profile_filter": graph.profile_filter,
        "reentry": graph.reentry,
        "extra": dict(graph.extra),
        "steps": {key: _step(graph.by_key[key]) for key in sorted(graph.by_key)},
        "links": {
            source or "": dict(sorted(ways.items()))
            for source, ways in sorted(graph.out.items(), key=lambda one: one[0] or "")
            if ways
        },
        "requirements": {key: dict(draft.requirements[key]) for key in sorted(draft.requirements)},
    }


def _trigger(trigger: Trigger | None) -> Any:
    return {"type": trigger.type, "config": trigger.config} if trigger else None


def _step(step: Step | None) -> Any:
    if step is None:
        return _MISSING
    return {
        "type": step.type,
        "name": step.name,
        "note": step.note,
        "config": step.config,
        "extra": step.extra,
    }


# --- A change -> a draft ---------------------------------------------------------------------------------------


def inverse(change: Change) -> Change:
    """What takes the change back."""
    return [
        entry(one["path"], one.get("after", _MISSING), one.get("before", _MISSING))
        for one in reversed(change)
    ]


def apply(draft: Draft, change: Change, ports: Ports, *, force: bool = False) -> Draft:
    """The draft with the change made. `ports` says which ways out a step of some type and settings has.

    With `force` what is there gives way; otherwise anything unexpected raises Clash with all conflicts.
    """
    graph = draft.graph
    values: dict[str, Any] = {
        "name": draft.name,
        "trigger": _trigger(graph.trigger),
        "profile_filter": graph.profile_filter,
        "reentry": graph.reentry,
        "extra": graph.extra,
        "requirements": draft.requirements,
        "steps": {},
        "links": {},
    }
    for one in change:  # only what is touched is turned into plain values
        root, *rest = one["path"]
        if root == "steps" and rest[0] not in values["steps"]:
            values["steps"][rest[0]] = _step(graph.by_key.get(rest[0]))
        elif root == "links" and rest[0] not in values["links"]:
            values["links"][rest[0]] = graph.out.get(rest[0] or None, {})
    conflicts = [
        Conflict(tuple(one["path"]), _shown(found), _shown(one.get("after", _MISSING)))
        for one in change
        if (
            not is_same(found := _at(values, one["path"]), one.get("before", _MISSING))
            and not is_same(found, one.get("after", _MISSING))
        )
        or not _has_home(values, one["path"])
    ]
    if conflicts and not (force and all(_has_home(values, one["path"]) for one in change)):
        raise Clash(conflicts)
    touched = set(values["steps"])
    values["steps"] = {key: one for key, one in values["steps"].items() if one is not _MISSING}
    for one in change:
        values = _put(values, one["path"], one.get("after", _MISSING))
    trigger = values["trigger"]
    return Draft(
        values["name"],
        replace(
            graph,
            trigger=_as_trigger(graph.trigger, trigger),
            profile_filter=values["profile_filter"],
            reentry=values["reentry"],
            extra=values["extra"],
            steps=_steps(graph, touched, values["steps"], ports),
            links=_links(graph, values["links"]),
        ),
        values["requirements"],
    )


def _has_home(values: Mapping[str, Any], path: Sequence[str]) -> bool:
    """A setting of a step, a trigger or a question needs that to be there: half of one is none."""
    owner = {"steps": 2, "requirements": 2, "trigger": 1}.get(path[0], 0)
    return not owner or len(path) <= owner or isinstance(_at(values, path[:owner]), Mapping)


def _shown(value: Any) -> Any:
    return None if value is _MISSING else value


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _put(value: Any, path: Sequence[str], new: Any) -> dict[str, Any]:
    """A copy with one value put in, or taken out where `new` is missing."""
    copy = dict(value) if isinstance(value, Mapping) else {}
    head, rest = path[0], path[1:]
    if rest:
        copy[head] = _put(copy.get(head), rest, new)
    elif new is _MISSING:
        copy.pop(head, None)
    else:
        copy[head] = new
    return copy


def _as_trigger(old: Trigger | None, new: Any) -> Trigger | None:
    if old and new and new["type"] == old.type and new["config"] is old.config:
        return old
    return Trigger(new["type"], new["config"]) if new else None


def _steps(
    graph: Graph, touched: set[str], steps: Mapping[str, Mapping[str, Any]], ports: Ports
) -> tuple[Step, ...]:
    """The steps as they were, but for those touched: changed in their place, gone, or new at the end."""
    if not touched:
        return graph.steps
    made = {
        key: Step(key, ports=ports(steps[key]["type"], steps[key]["config"]), **steps[key])
        for key in steps
        if key in touched
    }
    kept = [made.pop(step.key, step) for step in graph.steps if step.key not in touched or step.key in made]
    return (*kept, *made.values())


def _links(graph: Graph, touched: Mapping[str, Mapping[str, str]]) -> tuple[Link, ...]:
    if not touched:
        return graph.links
    kept = [link for link in graph.links if (link.source or "") not in touched]
    made = [
        Link(source or None, port, target)
        for source, ways in touched.items()
        for port, target in ways.items()
    ]
    return (*kept, *made)
