"""What every typed model of a setting shares: strictness, hints for the form, and words for sentences.

A kind is one class: a typed model of an action's `data` (or of a trigger), with label, icon, ports, summary
and rules. Field names are Klaviyo's own; a `Hint` beside a field says how the form shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict

from flowbuilder.graph.values import NEXT, Config, Path
from flowbuilder.kinds.zones import ZONES

NOTHING = "nothing"  # is asked for: the setting decides which others there are


@dataclass(frozen=True, slots=True)
class Hint:
    """How a field is shown. `asks` is the kind of question it becomes, where its type does not say that, or NOTHING;
    `part` its part of that answer."""

    label: str = ""
    help: str = ""
    widget: str = ""  # text, textarea, time, picker, percent, email, hidden: chosen by the type where empty
    picks: str = (
        ""  # metric, list, segment, group, template, email, property, event, coupon: what a picker offers
    )
    asks: str = ""
    part: str = ""
    advanced: bool = False
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)  # words for the values of a Literal


@dataclass(frozen=True, slots=True)
class Port:
    """A way out of a step; `key` is its name in Klaviyo's `links`."""

    name: str
    label: str
    key: str


@dataclass(frozen=True)
class Words:
    """Names for ids in sentences: what the connected account calls a metric, a list, a template."""

    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, klaviyo_id: str | None, otherwise: str) -> str:
        if not klaviyo_id:
            return otherwise
        return self.names.get(klaviyo_id, klaviyo_id)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem a kind sees in its own settings; `path` leads to the setting. `repair` is the label of what
    `Kind.mend` can do about it, empty where nothing."""

    code: str
    text: str
    path: Path = ()
    blocks: bool = True
    repair: str = ""

    def below(self, head: Path) -> Finding:
        """The same, seen from the settings around."""
        return replace(self, path=head + self.path)


class Settings(BaseModel):
    """A typed model of settings: no silent conversions, no unknown keys."""

    model_config = ConfigDict(
        strict=True, extra="forbid", use_attribute_docstrings=False, cache_strings="keys"
    )
    ROW: ClassVar[str] = ""  # what one of several is called: “Branch”
    IS_FIXED: ClassVar[bool] = False  # a row that nobody takes away or moves

    @classmethod
    def entries(cls, name: str, settings: Config) -> dict[str, str]:
        """The keys of a mapping that has one field for each, with their labels."""
        held = settings.get(name)
        return {str(key): str(key) for key in held} if isinstance(held, Mapping) else {}

    def rules(self) -> Iterable[Finding]:
        """What is wrong with these settings beyond their types; nested ones have rules of their own."""
        return ()

    def findings(self) -> list[Finding]:
        """What is wrong with these settings and all that are nested in them, the innermost first."""
        found: list[Finding] = []
        held = self.__dict__
        for name in nested_in(type(self)):
            value = held[name]
            if value is None:
                continue
            if isinstance(value, list):
                for index, part in enumerate(value):
                    if not _is_silent(part.__class__) and (inner := part.findings()):
                        found += [one.below((name, index)) for one in inner]
            elif not _is_silent(value.__class__) and (inner := value.findings()):
                found += [one.below((name,)) for one in inner]
        found += self.rules()
        return found


@cache
def _is_silent(kind: type) -> bool:
    """No settings, or settings that no rule of theirs and none of a nested one speaks about."""
    return not issubclass(kind, Settings) or (kind.rules is Settings.rules and not nested_in(kind))


@cache
def nested_in(model: type[Settings]) -> tuple[str, ...]:
    """The fields that may hold settings of their own: not those of texts, numbers and choices."""
    return tuple(name for name, field in model.model_fields.items() if not _is_plain(field.annotation))


def _is_plain(annotation: Any) -> bool:
    if get_origin(annotation) is Literal or annotation in (str, int, float, bool, NoneType):
        return True
    parts = get_args(annotation)
    return bool(parts) and all(map(_is_plain, parts))


LINEAR = (Port(NEXT, "", "next"),)


class Kind(Settings):
    """Base of triggers and actions. The class attributes are what the palette and the canvas show."""

    TYPE: ClassVar[str]
    LABEL: ClassVar[str]
    ICON: ClassVar[str]
    FAMILY: ClassVar[str]
    HELP: ClassVar[str] = ""
    do_not_call_in_templates: ClassVar[bool] = True  # a template shows the class, it does not make one

    def title(self, words: Words) -> str:
        """The name on the card when nobody gave one."""
        return self.LABEL

    def summary(self, words: Words) -> str:
        """One sentence that says what it does."""
        raise NotImplementedError

    @classmethod
    def start(cls) -> dict[str, Any]:
        """The settings of a new one: sensible, and open where a person must choose."""
        raise NotImplementedError

    @classmethod
    def renew(cls, config: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """Settings from outside in today's form: old names, and what the platform adds by itself. Pure."""
        return config, []

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Settings after a person changed them: what follows from what. Pure."""
        return config

    @classmethod
    def again(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Settings of a copy beside this one: what a flow may name only once is named anew. Pure, but for chance."""
        return config

    @classmethod
    def mend(cls, config: dict[str, Any], code: str) -> dict[str, Any]:
        """Settings in which the problem of this code, whose finding offers a repair, is put right. Pure."""
        return config


class ActionKind(Kind):
    """Base of actions: `data` typed, links apart from it."""

    PORTS: ClassVar[tuple[Port, ...]] = LINEAR
    SENDS: ClassVar[bool] = False  # a message: two in a row with no wait go out together

    @classmethod
    def ports(cls, config: Config) -> tuple[Port, ...]:
        return cls.PORTS

    @classmethod
    def read_links(cls, action: Config) -> tuple[dict[str, Any], dict[str, str]]:
        """From one action of a definition: (its data without links, port -> target)."""
        data = action.get("data")
        links = action.get("links")
        links = links if isinstance(links, Mapping) else {}
        data = dict(data) if isinstance(data, Mapping) else {}
        names = {port.key: port.name for port in cls.ports({})}
        # A link of a name that it has not stays under that name: the flow's shape is refused then, not changed.
        targets = {names.get(str(k), str(k)): str(to) for k, to in links.items() if to is not None}
        return data, targets

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        """The reverse: {"links": ..., "data": ...} as the API takes them."""
        return {"links": {port.key: targets.get(port.name) for port in cls.PORTS}, "data": dict(config)}


class TriggerKind(Kind):
    FAMILY: ClassVar[str] = "trigger"


# --- Small types used by many -----------------------------------------------------------------------------------

Number = int | float
Status = Literal["draft", "manual", "live", "disabled"]
STATUS_WORDS = {"draft": "Draft", "manual": "Manual", "live": "Live", "disabled": "Disabled"}
StatusField = Annotated[
    Status,
    Hint(
        "Status after publishing",
        "Drafts send nothing until somebody sets them live in Klaviyo.",
        choices=STATUS_WORDS,
        advanced=True,
    ),
]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def yes_or_no(value: Any) -> Any:
    """For a Literal of True or False, which would take 1 and 0 as well."""
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def _known_timezone(value: str) -> str:
    if value != "profile" and value not in ZONES:
        raise ValueError(f"“{value}” is no time zone: use “profile” or a name such as Europe/Berlin")
    return value


def _time_of_day(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", value, re.ASCII):
        raise ValueError(f"“{value}” is no time of day: write it as 09:30:00")
    return value


Timezone = Annotated[
    str,
    AfterValidator(_known_timezone),
    Hint(
        "Time zone",
        "“profile” is the recipient's own time zone; or a name such as Europe/Berlin.",
        advanced=True,
    ),
]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day), Hint(widget="time")]


def digits(number: Number) -> str:
    """“5”, “2.5”, “1000000”: as a person writes it, whatever its size."""
    return str(number) if isinstance(number, int) else f"{number:.15g}"


def count(number: Number, one: str, many: str = "") -> str:
    """“1 hour”, “2 hours”."""
    return f"{digits(number)} {one if number == 1 else many or one + 's'}"


def either(parts: list[str]) -> str:
    """“a”, “a or b”, “a, b or c”."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}" if parts else ""


def both(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def few(parts: list[str], one: str, most: int = 3) -> list[str]:
    """At most so many of them, and how many more there are: [“a”, “b”, “c”, “4 more changes”]."""
    more = len(parts) - most
    return parts if more < 2 else [*parts[:most], f"{more} more {one}s"]


def clock(time_of_day: str) -> str:
    """“09:00:00” -> “9:00”."""
    hour, minute = time_of_day.split(":")[:2]
    return f"{int(hour)}:{minute}"


def weekday_words(days: list[Weekday] | None) -> str:
    if not days or len(days) == 7:
        return ""
    if set(days) == set(WEEKDAYS[:5]):
        return "on weekdays"
    return "on " + either([day.capitalize() for day in WEEKDAYS if day in days])
