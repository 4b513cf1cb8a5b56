"""What every condition shares, and the groups that conditions stand in: groups are AND, conditions in one are OR.

`sentence(words)` has the person as its silent subject: “can receive SMS marketing”.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import ConfigDict

from flowbuilder.kinds.base import Finding, Settings, Words, both, either


class Condition(Settings):
    CHOICES: ClassVar[dict[str, str]] = {}
    GROUP: ClassVar[str] = ""
    START: ClassVar[dict[str, Any]] = {}

    def sentence(self, words: Words) -> str:
        raise NotImplementedError


class UnknownCondition(Condition):
    """A condition of a type that came after this was written: kept whole, shown and published as it is."""

    model_config = ConfigDict(extra="allow")
    type: str

    def sentence(self, words: Words) -> str:
        return f"fits a condition of the type “{self.type}” that is not known here"

    def rules(self) -> Iterator[Finding]:
        text = f"The condition “{self.type}” is not known here: it is kept and published as it is."
        yield Finding("unknown-condition", text, ("type",), blocks=False)


C = TypeVar("C", bound=Condition)


class Group(Settings, Generic[C]):
    conditions: list[C]

    def sentence(self, words: Words) -> str:
        return either([condition.sentence(words) for condition in self.conditions])


class Conditions(Settings, Generic[C]):
    """All of the groups must hold; in a group, any of the conditions."""

    condition_groups: list[Group[C]]

    def sentence(self, words: Words) -> str:
        several = len(self.condition_groups) > 1
        parts = [group.sentence(words) for group in self.condition_groups if group.conditions]
        if several:
            parts = [
                f"({part})" if len(group.conditions) > 1 else part
                for part, group in zip(parts, (g for g in self.condition_groups if g.conditions), strict=True)
            ]
        return both(parts)

    def findings(self) -> list[Finding]:
        found: list[Finding] = []
        for number, group in enumerate(self.condition_groups):
            for index, condition in enumerate(group.conditions):
                if inner := condition.findings():
                    found += [one.below(("condition_groups", number, "conditions", index)) for one in inner]
            if not group.conditions:
                text, path = "This group has no condition.", ("condition_groups", number, "conditions")
                found.append(Finding("no-conditions", text, path))
        if not self.condition_groups:
            text = "Add a condition, or take the filter away."
            found.append(Finding("no-conditions", text, ("condition_groups",)))
        return found
