"""Three-way: what was sent to an account (base), what is offered now, and what the account has (found). Pure.

    merged = merge(base, offered, found, {"mail-1 message.subject_line": "yours"})
    merged.definition      what the account is to have
    merged.points          everything in which the three differ: taken from the offer, kept as found, or a clash
    merged.open            clashes that nobody decided: until then the account's own stands in `definition`

The three name their steps by the same keys, in `temporary_id`. A message is merged setting by setting; anything else
is one value, because half of one delay and half of another is neither. Steps that came in or went are woven into one
order; where that cannot be, the order is one question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from flowbuilder.definition.updating import (
    Definition,
    Where,
    edits,
    graph_in,
    is_linear,
    put_setting,
    same,
    with_step,
    without,
)
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Step
from flowbuilder.graph.diff import compare
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import get_at

State = Literal["taken", "kept", "clash"]
YOURS, NEW = "yours", "new"
ORDER = "order"
FLOW = ("trigger", "profile_filter", "reentry", "extra")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing in which the three differ. `what`: a setting of a step (at `path`), a whole step that is there or not,
    something of the flow, or the order of steps. None stands for what is not there."""

    id: str
    what: Literal["setting", "step", "flow", "order"]
    state: State
    key: str = ""
    path: Path = ()
    base: Any = None
    offered: Any = None
    found: Any = None
    choice: str = ""

    @property
    def is_open(self) -> bool:
        return self.state == "clash" and not self.choice

    @property
    def takes_new(self) -> bool:
        return self.state == "taken" or self.choice == NEW


@dataclass(frozen=True)
class Merged:
    graph: Graph
    points: tuple[Point, ...]

    @cached_property
    def definition(self) -> dict[str, Any]:
        return to_definition(self.graph)

    @property
    def open(self) -> tuple[Point, ...]:
        return tuple(one for one in self.points if one.is_open)

    def of(self, state: State) -> tuple[Point, ...]:
        return tuple(one for one in self.points if one.state == state)


def merge(
    base: Definition, offered: Definition, found: Definition, choices: Mapping[str, str] | None = None
) -> Merged:
    return merge_graphs(graph_in(base), graph_in(offered), graph_in(found), choices or {})


def merge_graphs(base: Graph, offered: Graph, found: Graph, choices: Mapping[str, str]) -> Merged:
    merging = _Merging(base, offered, found, choices)
    flow = {name: merging.of_the_flow(name) for name in FLOW}
    keys = merging.keys()
    order = merging.order(keys)
    steps = tuple(merging.step(one, order) for one in order.steps)
    return Merged(replace(order, steps=steps, **flow), tuple(merging.points))


class _Merging:
    def __init__(self, base: Graph, offered: Graph, found: Graph, choices: Mapping[str, str]) -> None:
        self.base, self.offered, self.found, self.choices = base, offered, found, choices
        self.points: list[Point] = []

    def decide(self, point: Point) -> bool:
        """Whether the offer's is taken; the point is noted."""
        choice = self.choices.get(point.id, "") if point.state != "taken" else ""
        point = replace(point, choice=choice if choice in (YOURS, NEW) else "")
        self.points.append(point)
        return point.takes_new

    # --- The flow ---

    def of_the_flow(self, name: str) -> Any:
        base, offered, found = (getattr(one, name) for one in (self.base, self.offered, self.found))
        plain = (_plain(base), _plain(offered), _plain(found))
        state = _state(*(same(one, other) for one, other in _pairs(*plain)))
        if state is None:
            return found
        point = Point(f"flow {name}", "flow", state, "", (name,), *plain)
        return offered if self.decide(point) else found

    # --- Which steps ---

    def keys(self) -> set[str]:
        """Of the steps that the merged flow has."""
        base, offered, found = self.base.by_key, self.offered.by_key, self.found.by_key
        kept = {key for key in offered if key in found}
        for key in [*(key for key in offered if key not in found), *(k for k in found if k not in offered)]:
            was, new, own = base.get(key), offered.get(key), found.get(key)
            there = new or own
            assert there is not None
            if was is None:
                state: State = "taken" if new else "kept"
            elif alike(was, there):
                state = "kept" if new else "taken"
            else:
                state = "clash"
            is_new = self.decide(Point(f"{key} step", "step", state, key, (), was, new, own))
            if (new if is_new else own) is not None:
                kept.add(key)
        return kept

    # --- In which order ---

    def order(self, keys: set[str]) -> Graph:
        """A graph of these steps, as far as that can be: its links hold, its settings are decided later."""
        moved_new, moved_own = _is_moved(self.base, self.offered), _is_moved(self.base, self.found)
        is_tangled = self._is_tangled()
        state: State | None = None
        if (moved_new and moved_own and _is_moved(self.found, self.offered)) or is_tangled:
            state = "clash"
        elif moved_own and _is_moved(self.found, self.offered):
            state = "kept"
        elif moved_new and _is_moved(self.found, self.offered):
            state = "taken"
        sides = {True: (self.offered, self.found), False: (self.found, self.offered)}
        tries = [True, False]
        if state is not None:
            tries = [self.decide(self._order_point(state))]
        for is_new in tries:
            skeleton, other = sides[is_new]
            if (woven := _weave(skeleton, other, keys)) is not None:
                return woven
        if state is None:
            tries = [self.decide(self._order_point("clash"))]
        skeleton, other = sides[tries[0]]
        return _weave(skeleton, other, keys, as_far_as_it_goes=True) or skeleton

    def _order_point(self, state: State) -> Point:
        return Point(ORDER, "order", state, "", (), self.base, self.offered, self.found)

    def _is_tangled(self) -> bool:
        """A split with other ways out on one side, and changed on the other: its settings decide where ways lead."""
        for key, new in self.offered.by_key.items():
            own, was = self.found.by_key.get(key), self.base.by_key.get(key)
            if own is None or new.ports == own.ports:
                continue
            if was is None or not (alike(was, new) or alike(was, own)):
                return True
        return False

    # --- What is in a step ---

    def step(self, one: Step, order: Graph) -> Step:
        """`one` is of the side whose order it is: where the two have other ways out, it decides."""
        key = one.key
        was, new, own = (each.by_key.get(key) for each in (self.base, self.offered, self.found))
        if new is None or own is None or alike(new, own):
            return own or one
        if new.ports != own.ports:
            return self._whole(one, was, new, own)
        if was is None or was.type != new.type or was.type != own.type:
            state = _state(was is not None and alike(was, new), was is not None and alike(was, own), False)
            assert state is not None
            return new if self.decide(Point(f"{key} kind", "step", state, key, (), was, new, own)) else own
        config = self._settings(key, was, new, own)
        extra = self._extra(key, was, new, own)
        return replace(own, config=config, extra=extra)

    def _whole(self, one: Step, was: Step | None, new: Step, own: Step) -> Step:
        """Of two that have other ways out. It goes with the order, which was a point of its own where both changed."""
        if was is not None and not self._is_tangled():
            state: State = "kept" if alike(was, new) else "taken"
            values = {"base": was.config, "offered": new.config, "found": own.config}
            choice = YOURS if one is own else NEW
            self.points.append(
                Point(f"{one.key} ways", "setting", state, one.key, (), **values, choice=choice)
            )
        return one

    def _settings(self, key: str, was: Step, new: Step, own: Step) -> dict[str, Any]:
        result = dict(own.config)
        theirs = list(changes(was, new))
        mine = list(changes(was, own))
        for path in dict.fromkeys(_widest([*theirs, *mine])):
            by_new, by_own = _touches(theirs, path), _touches(mine, path)
            base, offered, found = (
                get_at(one.config, path) if path else one.config for one in (was, new, own)
            )
            is_same = by_new and by_own and not list(_under(changes(own, new), path))
            state = _state(not by_new, not by_own, is_same)
            if state is None:
                continue
            name = ".".join(map(str, path)) or "settings"
            point = Point(f"{key} {name}", "setting", state, key, path, base, offered, found)
            if self.decide(point):
                result = put_setting(result, path, offered) if path else _with_own_status(new, own)
        return result

    def _extra(self, key: str, was: Step, new: Step, own: Step) -> Mapping[str, Any]:
        state = _state(*(same(one, other) for one, other in _pairs(was.extra, new.extra, own.extra)))
        if state is None:
            return own.extra
        point = Point(f"{key} extra", "setting", state, key, ("extra",), was.extra, new.extra, own.extra)
        return new.extra if self.decide(point) else own.extra


# --- Comparing -------------------------------------------------------------------------------------------------


def _pairs(base: Any, offered: Any, found: Any) -> tuple[tuple[Any, Any], ...]:
    return (base, offered), (base, found), (offered, found)


def _state(new_is_base: bool, own_is_base: bool, is_same: bool) -> State | None:
    """None where nothing is to be done: both are as before, or both became the same."""
    if is_same or (new_is_base and own_is_base):
        return None
    return "kept" if new_is_base else "taken" if own_is_base else "clash"


def _plain(value: Any) -> Any:
    """A trigger as plain values."""
    return {"type": value.type, **value.config} if hasattr(value, "config") else value


def changes(old: Step, new: Step) -> Iterator[Path]:
    """Where the settings of two steps of one type differ, status apart; () for all of what is no message."""
    paths = list(edits(old.type, old.config, new.config))
    if paths and not isinstance(old.config.get("message"), Mapping):
        yield ()
    else:
        yield from paths


def alike(one: Step, other: Step) -> bool:
    """Nothing that a person would see differs; statuses are each account's own."""
    if one.type != other.type or one.ports != other.ports or not same(one.extra, other.extra):
        return False
    return not list(edits(one.type, one.config, other.config))


def _widest(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie inside another one."""
    every = list(paths)
    return [one for one in every if not any(other != one and one[: len(other)] == other for other in every)]


def _touches(paths: Iterable[Path], path: Path) -> bool:
    return any(_under([one], path) for one in paths)


def _under(paths: Iterable[Path], path: Path) -> list[Path]:
    return [one for one in paths if one[: len(path)] == path]


def _with_own_status(new: Step, own: Step) -> dict[str, Any]:
    config = {key: one for key, one in new.config.items() if key != "status"}
    return {**config, "status": own.config["status"]} if "status" in own.config else config


# --- Weaving ---------------------------------------------------------------------------------------------------


def _is_moved(old: Graph, new: Graph) -> bool:
    """Whether steps of both stand elsewhere or have other ways out, past what came in and went."""
    if any(one.ports != new.by_key[one.key].ports for one in old.steps if one.key in new.by_key):
        return True
    return bool(compare(_bare(old), _bare(new)).moved)


def _bare(graph: Graph) -> Graph:
    """Without settings: only the order counts."""
    return replace(
        graph, trigger=None, profile_filter=None, reentry=None, extra={},
        steps=tuple(Step(one.key, "", ports=one.ports) for one in graph.steps),
    )  # fmt: skip


def _weave(skeleton: Graph, other: Graph, keys: set[str], *, as_far_as_it_goes: bool = False) -> Graph | None:
    """The skeleton with exactly these steps: those it lacks where the other has them. None where that cannot be."""
    now = skeleton
    for key in [one.key for one in skeleton.steps if one.key not in keys]:
        if is_linear(now.by_key[key]):
            now = without(now, key)
        elif not as_far_as_it_goes:
            return None
    missing = [key for key in (*other.reached, *other.by_key) if key in keys and key not in now.by_key]
    for key in dict.fromkeys(missing):
        step = other.by_key[key]
        where = place_in(now, other, key) if is_linear(step) else None
        if where is not None:
            now = with_step(now, step, where)
        elif not as_far_as_it_goes:
            return None
    return now


def place_in(now: Graph, other: Graph, key: str) -> Where | None:
    """Where a step of the other flow belongs in this one: behind what comes before it there, else before what
    follows."""
    ways = {_upward(now, other, link.source, link.port) for link in other.into.get(key, ())}
    if not ways or None in ways:
        return None
    if len(ways) == 1:
        source, port = next(iter(ways))  # type: ignore[misc]
        if source is not None:
            return Where(after=source, port=port)
        return Where(before=now.entry) if now.entry else Where()
    leads_to = {now.out.get(source, {}).get(port) for source, port in ways}  # type: ignore[misc]
    target = leads_to.pop()
    if target is None or leads_to:
        return None
    return Where(before=target) if {(one.source, one.port) for one in now.into[target]} == ways else None


def _upward(now: Graph, other: Graph, source: str | None, port: str) -> tuple[str | None, str] | None:
    """The way as this flow has it: past steps above that only the other one has. None where that is no one way, or one
    branch of a split would become everybody's."""
    while source is not None and source not in now.by_key:
        above = other.into.get(source, ())
        if len(above) != 1 or not is_linear(other.by_key[source]):
            return None
        source, port = above[0].source, above[0].port
    if source is not None and port not in now.by_key[source].ports:
        return None
    return source, port
