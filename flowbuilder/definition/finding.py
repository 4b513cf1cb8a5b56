"""What a question asks for, found among what an account has: values in, a verdict out. Never a guess.

A metric is found by the role that Klaviyo maps it to, then by integration and exact name, then by how often it was
seen lately. Where these disagree, or nothing decides, the verdict is unsure and says what may be meant, and why.
Called by publisher/fits.py, which reads the values from rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from flowbuilder.definition.metric_names import (
    ROLES,
    is_alike,
    is_aside,
    is_shop,
    other_names,
    role_of,
    spelled,
    what_creates,
)

NEARLY_ALL = 0.95  # of the events of a name: the others are leftovers
ENOUGH = 20  # events that make such a share mean something
OFFERED = 12  # candidates of an unsure verdict


@dataclass(frozen=True, slots=True)
class Thing:
    """A metric, list, segment or email template. `events`: of a metric in the last 30 days, or profiles of a list or
    segment, None where nobody looked; `last_on`: the day of the last event in the last 90 days."""

    id: str
    name: str
    kind: str = "metric"
    integration: str = ""
    events: int | None = None
    last_on: date | None = None
    changed_on: date | None = None

    @property
    def figure(self) -> str:
        """A count or a date that helps to choose; "" where nobody looked."""
        if self.kind == "template":
            return f"changed {self.changed_on:%-d %b %Y}" if self.changed_on else ""
        if self.events is None:
            return ""
        if self.kind != "metric":
            return counted(self.events, "profile")
        if self.events:
            return f"{counted(self.events, 'event')} in 30 days"
        return f"last seen {self.last_on:%-d %b}" if self.last_on else "not seen in 90 days"

    @property
    def is_silent(self) -> bool:
        """Surely without an event in the last 90 days."""
        return self.events == 0 and self.last_on is None

    def __str__(self) -> str:
        return f"“{self.name}” from {self.integration}" if self.integration else f"“{self.name}”"


def counted(number: int, word: str) -> str:
    """“1 profile”, “1,204 profiles”."""
    return f"{number:,} {word if number == 1 else word + 's'}"


@dataclass(frozen=True)
class Known:
    """What an account has. `roles`: role -> id of the metric that Klaviyo maps to it; `stale`: ids of what was not
    counted lately."""

    things: Sequence[Thing]
    roles: Mapping[str, str] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()

    @cached_property
    def by_id(self) -> dict[str, Thing]:
        return {one.id: one for one in self.things}

    @cached_property
    def spelled(self) -> dict[str, list[Thing]]:
        found: dict[str, list[Thing]] = {}
        for one in self.things:
            found.setdefault(spelled(one.name), []).append(one)
        return found

    @cached_property
    def integrations(self) -> frozenset[str]:
        return frozenset(one.integration for one in self.things if one.integration)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `kinds`: of things, such as ("list", "segment")."""

    kinds: tuple[str, ...]
    name: str
    integration: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    thing: Thing
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """found: `thing`, and why; unsure: `candidates`, the likeliest first; missing: `why` says what would create it.

    `look_at`: ids of metrics whose events may settle it.
    """

    state: Literal["found", "unsure", "missing"]
    why: str
    thing: Thing | None = None
    candidates: tuple[Candidate, ...] = ()
    look_at: tuple[str, ...] = ()


def find(wanted: Wanted, known: Known) -> Verdict:
    if not wanted.name and not wanted.role:
        return Verdict("unsure", "")
    return _Metrics(wanted, known).find() if wanted.kinds == ("metric",) else _find_named(wanted, known)


# --- Lists, segments, templates: by name -----------------------------------------------------------------------


def _find_named(wanted: Wanted, known: Known) -> Verdict:
    of_kind = [one for one in known.spelled.get(spelled(wanted.name), ()) if one.kind in wanted.kinds]
    exact = [one for one in of_kind if one.name == wanted.name]
    if len(exact) == 1:
        return Verdict("found", "The only one of this name in your account.", exact[0])
    if len(of_kind) == 1:
        return Verdict("found", "The only one of this name, written a little differently.", of_kind[0])
    if of_kind:
        why = f"Your account has {len(of_kind)} named “{wanted.name}”: choose the one that is meant."
        return Verdict("unsure", why, candidates=_offer((one, "of this name") for one in of_kind))
    why = f"The template looks for “{wanted.name}”, which your account does not have."
    words = set(spelled(wanted.name).split())
    near = [
        one
        for one in known.things
        if one.kind in wanted.kinds and words and not words.isdisjoint(spelled(one.name).split())
    ]
    near.sort(key=lambda one: (-len(words & set(spelled(one.name).split())), one.name))
    state: Literal["unsure", "missing"] = "unsure" if near else "missing"
    return Verdict(state, why, candidates=_offer((one, "its name is similar") for one in near))


def _offer(found: Iterable[tuple[Thing, str]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(thing, why) for thing, why in list(found)[:OFFERED])


# --- Metrics ---------------------------------------------------------------------------------------------------


class _Metrics:
    """The finding of one metric: who may be meant, and what decides."""

    def __init__(self, wanted: Wanted, known: Known) -> None:
        self.wanted, self.known = wanted, known
        self.role = wanted.role or role_of(wanted.name)
        self.mapped = known.by_id.get(known.roles.get(self.role, "")) if self.role else None
        self.named = list(known.spelled.get(spelled(wanted.name), ())) if wanted.name else []
        others = other_names(self.role) - {spelled(wanted.name)} if self.role else frozenset()
        kin = [one for name in sorted(others) for one in known.spelled.get(name, ())]
        # What plays the part under the other name that shops give it; of other software that is no more than likely.
        self.same = self.named + [one for one in kin if is_shop(one.integration)]
        self.rivals = self.named + kin

    def find(self) -> Verdict:
        exact = [one for one in self.named if self._is_from(one)] if self.wanted.integration else []
        if self.mapped is not None:
            return self._by_role(self.mapped, exact)
        if len(exact) == 1:
            return self._by_integration(exact[0])
        if exact:
            return self._by_events(exact, exact)
        if self.wanted.integration:
            return self._not_there()
        if not self.rivals:
            return self._not_there()
        return self._by_events(self.rivals, self.same)

    def _is_from(self, one: Thing) -> bool:
        return one.integration.casefold() == self.wanted.integration.casefold()

    # By role

    def _by_role(self, mapped: Thing, exact: list[Thing]) -> Verdict:
        role = ROLES.get(self.role, self.role)
        why = f"Your account maps it as “{role}”."
        if role_of(mapped.name) not in ("", self.role):
            return self._unsure(f"Your account maps {mapped} as “{role}”, which looks like a mistake.")
        if exact and mapped not in exact:
            return self._unsure(
                f"The template looks for “{self.wanted.name}” from {self.wanted.integration},"
                f" and your account maps {mapped} as “{role}”: choose the one that is meant."
            )
        others = [one for one in self.rivals if one != mapped]
        if not others:
            return self._found(mapped, why)
        if mapped in exact:
            verdict = self._by_integration(mapped)
            return self._found(mapped, why) if verdict.state == "found" else verdict
        if mapped not in self.rivals:
            return self._unsure(
                f"Your account maps {mapped} as “{role}”, and also has “{self.wanted.name}”:"
                " choose the one that is meant."
            )
        verdict = self._by_events(self.rivals, [mapped])
        return self._found(mapped, why) if verdict.state == "found" else verdict

    # By integration and name

    def _by_integration(self, one: Thing) -> Verdict:
        """It is the one, unless it was left for another."""
        others = [other for other in self.rivals if other != one]
        if not one.events and any(other.events != 0 for other in others):
            return self._unsure_if_left(one, others, 30)
        return self._found(one, f"The only one of this name from {one.integration}.")

    def _unsure_if_left(self, one: Thing, others: list[Thing], days: int) -> Verdict:
        unknown = tuple(other.id for other in (one, *others) if other.events is None)
        if one.events is not None:
            why = f"{one} was not seen in the last {days} days: is it still the one that is meant?"
        elif others:
            why = self._several(self.rivals)
        else:
            why = f"Your account has metrics from more than one shop: is {one} the one that is meant?"
        return self._unsure(why, unknown)

    # By how often it was seen

    def _by_events(self, pool: list[Thing], good: list[Thing]) -> Verdict:
        """The one of `good` that has nearly all events of the `pool`."""
        if len(pool) == 1:
            return self._alone(pool[0], good)
        unknown = tuple(one.id for one in pool if one.events is None)
        why = self._several(pool)
        if unknown:
            return self._unsure(why, look_at=unknown)
        best = max(pool, key=lambda one: one.events or 0)
        most, total = best.events or 0, sum(one.events or 0 for one in pool)
        is_clear = most > 0 and (most == total or (most >= ENOUGH and most / total >= NEARLY_ALL))
        is_written = best.name == self.wanted.name or all(one.name != self.wanted.name for one in pool)
        if not is_clear or not is_written or best not in good:
            return self._unsure(why)
        if most == total:
            return self._found(best, f"The only one of {len(pool)} that was seen in the last 30 days.")
        return self._found(best, f"Nearly all events of this name are its: {most:,} of {total:,} in 30 days.")

    def _several(self, pool: list[Thing]) -> str:
        said = "named" if all(one in self.named for one in pool) else "metrics that may be"
        return f"Your account has {len(pool)} {said} “{self.wanted.name}”: choose the one that is meant."

    def _alone(self, one: Thing, good: list[Thing]) -> Verdict:
        if one not in good:
            return self._not_there()
        elsewhere = [shop for shop in self.known.integrations if is_shop(shop) and shop != one.integration]
        if elsewhere and is_shop(one.integration) and (one.is_silent or one.events is None):
            return self._unsure_if_left(one, [], 90)
        if one not in self.named:
            return self._found(one, f"What {one.integration} calls “{self.wanted.name}”.")
        if one.name != self.wanted.name:
            return self._found(one, "The only one of this name, written a little differently.")
        return self._found(one, "The only one of this name in your account.")

    # Verdicts

    def _found(self, one: Thing, why: str) -> Verdict:
        look_at = () if one.events is not None else (one.id,)
        return Verdict("found", why, one, look_at=look_at)

    def _unsure(self, why: str, look_at: tuple[str, ...] = ()) -> Verdict:
        return Verdict("unsure", why, candidates=self._candidates(), look_at=look_at)

    def _not_there(self) -> Verdict:
        name, where = self.wanted.name, self.wanted.integration
        offered = self._candidates()
        looked = f"“{name}” from {where}" if where else f"“{name}”"
        why = f"The template looks for {looked}, which your account does not have."
        if not offered:
            return Verdict("missing", f"{why} {what_creates(name, where, self.known.integrations)}")
        unknown = tuple(one.thing.id for one in offered if one.thing.events is None)
        return Verdict("unsure", why, candidates=offered, look_at=unknown)

    def _candidates(self) -> tuple[Candidate, ...]:
        """The mapped one, those of the name, then those that resemble; each by how often it was seen."""
        alike = [one for one in self.known.things if is_alike(one.name, self.wanted.name, self.role)]
        ranked = [
            *([self.mapped] if self.mapped else []),
            *sorted(self.rivals, key=_by_use),
            *sorted(alike, key=lambda one: (is_aside(one.name), *_by_use(one))),
        ]
        return _offer((one, self._why(one)) for one in dict.fromkeys(ranked))

    def _why(self, one: Thing) -> str:
        if one == self.mapped:
            return f"mapped as “{ROLES.get(self.role, self.role)}”"
        if one in self.named:
            return "of this name"
        if is_aside(one.name):
            return "looks like a test, or left behind"
        return "the same in other words" if one in self.rivals else "its name is similar"


def _by_use(one: Thing) -> tuple[int, str, str]:
    return -(one.events or 0), one.name, one.integration
