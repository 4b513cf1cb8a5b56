"""The values of a flow: a trigger, steps, and links from a port of one step to another step.

    [metric] -> <wait 1h> -> (split) -yes-> [sms]
                                     -no--> [email]

A link whose source is None leaves the trigger. A port without a link is an exit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

NEXT = "next"
YES = "yes"
NO = "no"

Config = Mapping[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts the flow: its type and settings, without the type."""

    type: str
    config: Config = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One action. `ports` are its ways out, in the order in which they are drawn and numbered.

    `extra` are keys of the action that nobody here knows, kept whole; `note` is what people wrote on it.
    """

    key: str
    type: str
    config: Config = field(default_factory=dict)
    name: str = ""
    ports: tuple[str, ...] = (NEXT,)
    note: str = ""
    extra: Config = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    source: str | None
    port: str
    target: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a flow from being published (`blocks`), or that a person should know.

    `step` is the key of the step, "trigger", or None for the flow as a whole; `path` leads to the
    setting inside it. `code` is stable; `text` is a sentence for people; `repair` names what one press does about
    it, and is empty where there is nothing that a press can do.
    """

    code: str
    text: str
    step: str | None = None
    path: Path = ()
    blocks: bool = True
    repair: str = ""


@dataclass(frozen=True)
class Graph:
    """A whole flow. Steps keep the order in which they were made; it means nothing. `extra` are keys of the
    definition that nobody here knows, kept whole."""

    trigger: Trigger | None = None
    steps: tuple[Step, ...] = ()
    links: tuple[Link, ...] = ()
    profile_filter: Config | None = None
    reentry: Config | None = None
    extra: Config = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, Step]:
        return {step.key: step for step in self.steps}

    @cached_property
    def out(self) -> dict[str | None, dict[str, str]]:
        """source -> port -> target."""
        table: dict[str | None, dict[str, str]] = {}
        for link in self.links:
            table.setdefault(link.source, {})[link.port] = link.target
        return table

    @cached_property
    def into(self) -> dict[str, list[Link]]:
        """target -> the links that lead to it."""
        table: dict[str, list[Link]] = {}
        for link in self.links:
            table.setdefault(link.target, []).append(link)
        return table

    @property
    def entry(self) -> str | None:
        return self.out.get(None, {}).get(NEXT)

    def targets(self, key: str | None) -> list[tuple[str, str | None]]:
        """The ways out of a step, in port order: (port, target or None for an exit)."""
        out = self.out.get(key) or {}
        return [(port, out.get(port)) for port in (self.by_key[key].ports if key is not None else (NEXT,))]

    @cached_property
    def reached(self) -> tuple[str, ...]:
        """Keys of all steps that the trigger leads to, level by level, in port order."""
        steps, out, none = self.by_key, self.out, dict[str, str]()
        order = [self.entry] if self.entry in steps else []
        seen = set(order)
        for key in order:  # grows as it goes
            after = out.get(key, none)
            for port in steps[key].ports:
                target = after.get(port)
                if target in steps and target not in seen:
                    seen.add(target)
                    order.append(target)
        return tuple(order)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The same keys, each after all that lead to it; of a circle, nothing."""
        order = self._in_turn(self.links)  # nearly always each step is reached: then this is all of them
        if len(order) == len(self.by_key):
            return order
        reached = {None, *self.reached}
        return self._in_turn(link for link in self.links if link.source in reached)

    def _in_turn(self, links: Iterable[Link]) -> tuple[str, ...]:
        """Each step once all of these links that lead to it were passed."""
        steps, out, none = self.by_key, self.out, dict[str, str]()
        waits = Counter(map(attrgetter("target"), links))
        order: list[str | None] = [None]
        for key in order:  # grows as it goes
            for after in out.get(key, none).values():
                waits[after] -= 1
                if not waits[after] and after in steps:
                    order.append(after)
        return tuple(order[1:])  # type: ignore[arg-type]

    def with_steps(self, steps: Iterable[Step]) -> Graph:
        return replace(self, steps=tuple(steps))
