"""Whether two flows send every person the same way: both walked side by side, over every outcome. Pure.

A split is what it asks: each question has one answer for a person at one moment, however the split is built. Steps
that do something must be equal, one after the other; after each of them every question may be answered anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowbuilder.graph import Graph, Step
from flowbuilder.graph.values import NO, YES
from flowbuilder.kinds.asks import get_at

MOST_PAIRS = 200_000  # pairs of places that are looked at before we give up and call them different
Known = frozenset[tuple[str, bool]]
Question = tuple[str, str | None]  # (what is asked, where those go who fit)


def same_ways(one: Graph, other: Graph) -> bool:
    """False as well where it is too much to prove. The keys of steps mean nothing."""
    if (one.trigger, one.profile_filter, one.reentry, one.extra) != (
        other.trigger,
        other.profile_filter,
        other.reentry,
        other.extra,
    ):
        return False
    left, right = _Side(one), _Side(other)
    todo: list[tuple[str | None, str | None, Known]] = [(one.entry, other.entry, frozenset())]
    seen = set(todo)
    while todo:
        if len(seen) > MOST_PAIRS:
            return False
        here, there, known = todo.pop()
        a, asks = left.follow(here, dict(known))
        b, asks_too = right.follow(there, dict(known))
        following: list[tuple[str | None, str | None, Known]] = []
        if question := asks or asks_too:  # both answers of what is not known yet
            following = [(a, b, known | {(question, answer)}) for answer in (True, False)]
        elif a is None or b is None:
            if a is not b:
                return False
        else:
            ways, others = left.does(a), right.does(b)
            if ways is None or others is None or ways[0] != others[0]:
                return False
            after: Known = frozenset()
            following = [(to, others_to, after) for to, others_to in zip(ways[1], others[1], strict=True)]
        fresh = [place for place in dict.fromkeys(following) if place not in seen]
        seen.update(fresh)
        todo += fresh
    return True


class _Side:
    """One of the two flows, with what its steps do worked out once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._asked: dict[str, tuple[tuple[Question, ...], str | None] | None] = {}
        self._done: dict[str, tuple[str, tuple[str | None, ...]]] = {}

    def follow(self, key: str | None, known: Mapping[str, bool]) -> tuple[str | None, str]:
        """(where somebody gets with what is known, the question that has to be answered first, or "")."""
        passed: set[str] = set()
        while key is not None and key not in passed:
            passed.add(key)
            split = self.asked(key)
            if split is None:
                return key, ""
            questions, otherwise = split
            for question, target in questions:
                if question not in known:
                    return key, question
                if known[question]:
                    key = target
                    break
            else:
                key = otherwise
        return key, ""

    def asked(self, key: str) -> tuple[tuple[Question, ...], str | None] | None:
        """What a split asks, in order, and where all others go; None for a step that is no such split."""
        if key not in self._asked:
            step = self.graph.by_key[key]
            self._asked[key] = None if step.extra else self._split(step)
        return self._asked[key]

    def _split(self, step: Step) -> tuple[tuple[Question, ...], str | None] | None:
        targets = dict(self.graph.targets(step.key))
        name = self._asks(step)
        if name:
            asks = step.config.get(name)
            return (((_text(asks), targets.get(YES)),) if asks else ()), targets.get(NO)
        if step.type != "multi-branch-split":
            return None
        branches = step.config.get("branches")
        questions: list[Question] = []
        otherwise: str | None = None
        for port, branch in zip(step.ports, branches if isinstance(branches, list) else [], strict=False):
            if get_at(branch, ("is_else",)):
                otherwise = targets.get(port)
            elif asks := get_at(branch, ("branch_filter",)):
                questions.append((_text(asks), targets.get(port)))
        return tuple(questions), otherwise

    def _asks(self, step: Step) -> str:
        """The setting that holds the one question of a split; empty for a step that holds anything else."""
        if step.type == "conditional-split" and set(step.config) <= {"profile_filter"}:
            return "profile_filter"
        trigger = self.graph.trigger
        if step.type == "trigger-split" and trigger is not None:
            rest = {key: value for key, value in step.config.items() if key != "trigger_filter"}
            if rest == {"trigger_id": trigger.config.get("id", ""), "trigger_type": trigger.type}:
                return "trigger_filter"
        return ""

    def does(self, key: str) -> tuple[str, tuple[str | None, ...]] | None:
        """(what a step does, where its ways lead, in order)."""
        if key not in self._done:
            step = self.graph.by_key[key]
            ways = tuple(target for _, target in self.graph.targets(key))
            what = _text([step.type, _by_place(step.config), step.extra, len(ways)])
            self._done[key] = what, ways
        return self._done[key]


def _by_place(config: Mapping[str, Any]) -> Any:
    """Settings in which the actions of an experiment stand by their place: their ids mean nothing."""
    running = config.get("current_experiment")
    main = config.get("main_action")
    if not isinstance(running, Mapping) and not isinstance(main, Mapping):
        return config
    fresh = {**config, "main_action": _nameless(main)}
    if isinstance(running, Mapping):
        variations = running.get("variations")
        if isinstance(variations, list):
            names = {str(get_at(one, ("temporary_id",))): str(index) for index, one in enumerate(variations)}
            running = {**running, "variations": [_nameless(one) for one in variations]}
            names[str(get_at(main, ("temporary_id",)))] = "main"
            if isinstance(shares := running.get("allocations"), Mapping):
                running["allocations"] = {names.get(str(key), key): share for key, share in shares.items()}
        fresh["current_experiment"] = running
    return fresh


def _nameless(action: Any) -> Any:
    if not isinstance(action, Mapping):
        return action
    return {key: value for key, value in action.items() if key != "temporary_id"}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
