"""Settings of the flow as a whole: whom it is for, and how often somebody may enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from flowbuilder.kinds.base import Finding, Hint, Kind, Settings, Words, count
from flowbuilder.kinds.conditions import FlowConditions


class Reentry(Settings):
    """How long somebody must stay out before entering again; `alltime` with 1 is never, with 0 always."""

    duration: Annotated[int, Hint("How many")]
    unit: Annotated[
        Literal["hour", "day", "week", "alltime"],
        Hint(
            "Unit",
            choices={"hour": "hours", "day": "days", "week": "weeks", "alltime": "ever (1: never again)"},
        ),
    ]

    def sentence(self) -> str:
        if self.unit == "alltime":
            return "Nobody enters twice." if self.duration else "People may enter again at any time."
        return f"People may enter again after {count(self.duration, self.unit)}."

    def rules(self) -> Iterator[Finding]:
        if self.duration < 0:
            yield Finding(
                "negative", "The time before somebody enters again cannot be less than 0.", ("duration",)
            )
        if self.unit == "alltime" and self.duration not in (0, 1):
            yield Finding(
                "not-0-or-1", "With “ever”, write 1 for never again or 0 for always.", ("duration",)
            )


class FlowSettings(Kind):
    TYPE = "flow"
    LABEL = "Flow settings"
    ICON = "users"
    FAMILY = "trigger"

    profile_filter: Annotated[
        FlowConditions | None, Hint("Only people who", "Checked when they enter, and again before each step.")
    ] = None
    reentry: Annotated[Reentry | None, Hint("Entering again")] = None

    # In a definition the keys are `profile_filter` and `reentry_criteria`.
    KEYS: ClassVar[dict[str, str]] = {"profile_filter": "profile_filter", "reentry": "reentry_criteria"}

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"profile_filter": None, "reentry": None}

    def summary(self, words: Words) -> str:
        who = f"Only if: {self.profile_filter.sentence(words)}." if self.profile_filter else "For everybody."
        return f"{who} {self.reentry.sentence()}" if self.reentry else who
