"""Waiting: for a while, or until a date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import is_ask
from flowbuilder.kinds.base import (
    ActionKind,
    Finding,
    Hint,
    TimeOfDay,
    Timezone,
    Weekday,
    Words,
    clock,
    count,
    weekday_words,
)

_UNTIL = ("delay_until_time", "delay_until_weekdays")


class TimeDelay(ActionKind):
    TYPE = "time-delay"
    LABEL = "Time delay"
    ICON = "clock"
    FAMILY = "timing"
    HELP = "Wait minutes, hours or days."

    value: Annotated[int, Hint("Wait", asks="delay", part="value")]
    unit: Annotated[Literal["minutes", "hours", "days"], Hint("Unit", asks="delay", part="unit")] = "days"
    secondary_value: Annotated[int | None, Hint("And minutes", "Only with hours.", advanced=True)] = None
    timezone: Timezone = "profile"
    delay_until_time: Annotated[TimeOfDay | None, Hint("Then until", "Only with days.", widget="time")] = None
    delay_until_weekdays: Annotated[
        list[Weekday] | None, Hint("Only on", "Only with days.", advanced=True)
    ] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"unit": "days", "value": 1, "secondary_value": None, "timezone": "profile"}

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """Klaviyo adds all seven weekdays to delays of hours and minutes, and refuses them when they come back."""
        days = config.get("delay_until_weekdays")
        if config.get("unit", "days") == "days" or "delay_until_weekdays" not in config:
            return config, []
        fresh = {key: value for key, value in config.items() if key != "delay_until_weekdays"}
        if not isinstance(days, list) or len(days) in (0, 7):
            return fresh, []
        text = "The weekdays of this delay were left out: they count only for delays in days."
        return fresh, [Finding("weekdays-left-out", text, ("delay_until_weekdays",), blocks=False)]

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A time of day and weekdays go with days only; minutes beside go with hours only."""
        unit = config.get("unit", "days")
        if is_ask(unit):  # nobody knows it yet
            return config
        drop = set(_UNTIL) if unit != "days" else set()
        fresh = {key: value for key, value in config.items() if key not in drop or is_ask(value)}
        minutes = fresh.get("secondary_value")
        if unit != "hours" and minutes and not is_ask(minutes):
            fresh["secondary_value"] = None
        return fresh

    def title(self, words: Words) -> str:
        more = (
            f" {count(self.secondary_value, 'minute')}"
            if self.unit == "hours" and self.secondary_value
            else ""
        )
        return f"Wait {count(self.value, self.unit.removesuffix('s'))}{more}"

    def summary(self, words: Words) -> str:
        zone = "the recipient's time zone" if self.timezone == "profile" else self.timezone
        parts = [f"until {clock(self.delay_until_time)}"] if self.delay_until_time else []
        if days := weekday_words(self.delay_until_weekdays):
            parts.append(days)
        text = ", ".join(parts)
        return f"{text[:1].upper()}{text[1:]}, in {zone}." if parts else f"In {zone}."

    def rules(self) -> Iterator[Finding]:
        if self.value < 0 or (self.value == 0 and not self.secondary_value and not self.delay_until_time):
            yield Finding("not-positive", "Wait for 1 or more.", ("value",))
        if self.unit != "days":
            for name in _UNTIL:
                if getattr(self, name):
                    text = "A time of day or weekdays need a delay in days."
                    yield Finding("until-needs-days", text, (name,))
        if self.secondary_value is not None and not 0 <= self.secondary_value < 60:
            yield Finding("no-minutes", "The minutes beside the hours go from 0 to 59.", ("secondary_value",))


class TargetDate(ActionKind):
    TYPE = "target-date"
    LABEL = "Target date"
    ICON = "calendar"
    FAMILY = "timing"
    HELP = "Wait for the date that started a date flow."

    target_time: Annotated[TimeOfDay | None, Hint("At", widget="time")] = None
    target_days: Annotated[list[Weekday] | None, Hint("Only on", advanced=True)] = None
    timezone: Timezone = "profile"

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"timezone": "profile", "target_time": "09:00:00", "target_days": None}

    def title(self, words: Words) -> str:
        return "On the date"

    def summary(self, words: Words) -> str:
        days = weekday_words(self.target_days)
        zone = "the recipient's time zone" if self.timezone == "profile" else self.timezone
        at = f"At {clock(self.target_time)}, in" if self.target_time else "In"
        return f"{at} {zone}{', ' + days if days else ''}."

    def rules(self) -> Iterator[Finding]:
        if (
            self.target_time is None and "target_time" in self.model_fields_set
        ):  # it may be left out, not empty
            yield Finding("missing", "Choose a time of day.", ("target_time",))


class CountdownDelay(ActionKind):
    TYPE = "countdown-delay"
    LABEL = "Countdown"
    ICON = "hourglass"
    FAMILY = "timing"
    HELP = "Wait until so long before the date that started a date flow."

    value: Annotated[int, Hint("Until this long before the date")] = 0
    unit: Annotated[Literal["days", "weeks", "months"], Hint("Unit")] = "days"
    timezone: Timezone = "profile"
    delay_until_time: Annotated[TimeOfDay | None, Hint("At", widget="time")] = None
    delay_until_weekdays: Annotated[list[Weekday] | None, Hint("Only on", advanced=True)] = None

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"unit": "days", "value": 1, "timezone": "profile", "delay_until_time": "09:00:00"}

    def title(self, words: Words) -> str:
        return f"{count(self.value, self.unit.removesuffix('s'))} before the date"

    def summary(self, words: Words) -> str:
        zone = "the recipient's time zone" if self.timezone == "profile" else self.timezone
        days = weekday_words(self.delay_until_weekdays)
        at = f"At {clock(self.delay_until_time)}, in" if self.delay_until_time else "In"
        return f"{at} {zone}{', ' + days if days else ''}."

    def rules(self) -> Iterator[Finding]:
        if not self.model_fields_set:  # all of it has defaults, but Klaviyo refuses an empty object
            yield Finding("missing", "Say how long before the date.", ("value",))
        if self.value < 0:
            yield Finding("negative", "The time before the date cannot be less than 0.", ("value",))


class BackInStockDelay(ActionKind):
    TYPE = "back-in-stock-delay"
    LABEL = "Back in stock"
    ICON = "package"
    FAMILY = "timing"
    HELP = "Wait until the item that somebody asked for is back in stock."

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        """This step has no settings, and Klaviyo takes none."""
        written = super().write_links(config, targets)
        return written if config else {"links": written["links"]}

    def title(self, words: Words) -> str:
        return "Until back in stock"

    def summary(self, words: Words) -> str:
        return "Waits until the item is back in stock."
