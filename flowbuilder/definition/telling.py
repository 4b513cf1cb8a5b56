"""What changed between two states of a flow, in sentences: for lists of versions and of acts. Pure.

tell_diff(compare(old, new), Told(old, describer), Told(new, describer))
["Added “Wait 1 day”.", "“Email 2”: subject changed from “a” to “b”."]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from flowbuilder.definition.merging import Point
from flowbuilder.graph import Graph
from flowbuilder.graph.diff import Diff, Edit, Place, compare
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.base import Hint, Settings, both, digits
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, Describer, ports_of
from flowbuilder.kinds.examine import model_of
from flowbuilder.kinds.flow import FlowSettings
from flowbuilder.kinds.registry import action_kind, trigger_kind

LONGEST = 60  # characters of a value that stand in a sentence


@dataclass(frozen=True)
class Told:
    """One of the two states, with what says its sentences."""

    graph: Graph
    describer: Describer

    def card(self, key: str) -> Card:
        return self.describer.card(self.graph, key)

    def title(self, key: str | None) -> str:
        if key is None:
            return "the trigger"
        return f"“{self.card(key).title}”" if key in self.graph.by_key else "a step that is gone"

    def reentry(self) -> str:
        model = model_of(FlowSettings, {"profile_filter": None, "reentry": self.graph.reentry}, {})
        held = model.reentry if isinstance(model, FlowSettings) else None
        return held.sentence() if held else "As the account has it."


def tell_diff(diff: Diff, old: Told, new: Told) -> list[str]:
    """A sentence or more for everything that differs; empty where nothing does."""
    return list(_tell(diff, old, new))


def _tell(diff: Diff, old: Told, new: Told) -> Iterator[str]:
    if diff.trigger:
        yield from _tell_trigger(diff.trigger, old, new)
    if diff.profile_filter:
        was = old.describer.profile_filter(old.graph.profile_filter) or "For everybody."
        now = new.describer.profile_filter(new.graph.profile_filter) or "For everybody."
        yield f"Whom it is for: “{now}” instead of “{was}”"
    if diff.reentry:
        yield f"Entering again: “{new.reentry()}” instead of “{old.reentry()}”"
    if diff.extra:
        yield f"Settings that are not known here changed: {both(sorted({one.path[0] for one in diff.extra}))}."
    for key in diff.added:
        yield f"Added {new.title(key)}{_after(new, key)}."
    for key in diff.removed:
        yield f"Removed {old.title(key)}."
    for key, edits in diff.changed.items():
        yield from _tell_step(key, edits, old, new)
    for key, (_, places) in diff.moved.items():
        yield f"{new.title(key)} now comes {_places(new, places)}."


def _tell_trigger(edits: tuple[Edit, ...], old: Told, new: Told) -> Iterator[str]:
    if old.graph.trigger is None or new.graph.trigger is None:
        yield f"Starts with “{new.card(TRIGGER_KEY).title}” instead of “{old.card(TRIGGER_KEY).title}”."
        return
    was, now = old.card(TRIGGER_KEY), new.card(TRIGGER_KEY)
    if old.graph.trigger.type != new.graph.trigger.type or was.title != now.title:
        yield f"Starts with “{now.title}” instead of “{was.title}”."
        return
    trigger = new.graph.trigger
    kind = trigger_kind(trigger.type, trigger.config)
    yield from (f"Trigger: {text}" for text in _values(kind, edits, was, now))


def _tell_step(key: str, edits: tuple[Edit, ...], old: Told, new: Told) -> Iterator[str]:
    was, now, name = old.card(key), new.card(key), new.title(key)
    of = {one.path[0] for one in edits}
    if "type" in of:
        yield f"{old.title(key)} became {now.label.lower()}: {name}."
        return
    if "name" in of:
        yield f"{old.title(key)} is now called {name}."
    if "note" in of:
        yield f"The note on {name} changed."
    if "extra" in of:
        yield f"{name}: settings that are not known here changed."
    config = tuple(one for one in edits if one.path[0] == "config")
    if not config:
        return
    step = new.graph.by_key[key]
    if now.family == "timing" and not step.name and was.title != now.title:
        yield f"“{was.title}” is now “{now.title}”."
        return
    yield from (f"{name}: {text}" for text in _values(action_kind(step.type), config, was, now))


def _values(kind: type[BaseModel], edits: tuple[Edit, ...], was: Card, now: Card) -> Iterator[str]:
    """What each edit of some settings says; of conditions, the sentences that they make on the card."""
    told = False
    for one in edits:
        path = one.path[1:] if one.path[:1] == ("config",) else one.path
        label = label_of(kind, path)
        if _is_plain(one.before) and _is_plain(one.after):
            yield f"{label} changed from {_shown(one.before)} to {_shown(one.after)}."
        elif was.summary != now.summary:
            if not told:
                yield f"“{_short(now.summary)}” instead of “{_short(was.summary)}”"
            told = True
        else:
            yield f"{label} changed."


@cache
def label_of(kind: type[BaseModel], path: tuple[str, ...]) -> str:
    """What the form calls a setting, in small letters; its own name where it has no label."""
    model: Any = kind
    label = ""
    for name in path:
        field = (
            model.model_fields.get(name) if isinstance(model, type) and issubclass(model, BaseModel) else None
        )
        hints = [one for one in field.metadata if isinstance(one, Hint)] if field else []
        label = next((one.label for one in hints if one.label), "") or name.replace("_", " ")
        model = _model_in(field.annotation) if field else None
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _model_in(annotation: Any) -> Any:
    """The typed model in an annotation such as `Email | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    inner = (_model_in(one) for one in getattr(annotation, "__args__", ()))
    return next((one for one in inner if one is not None), None)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return digits(value) if isinstance(value, int | float) else f"“{_short(str(value))}”"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _after(told: Told, key: str) -> str:
    places = frozenset((link.source, link.port) for link in told.graph.into.get(key, ()))
    return f" {_places(told, places)}" if places else ""


def _places(told: Told, places: frozenset[Place]) -> str:
    """“after “Email 1”, and on “Yes” of “Split””."""
    if not places:
        return "nowhere: no way leads to it"
    parts = []
    for source, port in sorted(places, key=lambda one: (one[0] or "", one[1])):
        step = told.graph.by_key.get(source or "")
        if step is not None and len(step.ports) > 1:
            parts.append(f"on “{ports_of(step).get(port, port)}” of {told.title(source)}")
        else:
            parts.append(f"after {told.title(source)}")
    return both(parts)


# --- Points ------------------------------------------------------------------------------------------------------


def tell_points(points: Iterable[Point], old: Told, new: Told) -> dict[str, str]:
    """Point -> what became of it between two of the three states of a merge; "" where nothing did."""
    diff = compare(old.graph, new.graph)
    return {one.id: " ".join(_tell_point(one, diff, old, new)) for one in points}


def _tell_point(point: Point, diff: Diff, old: Told, new: Told) -> Iterator[str]:
    key = point.key
    if point.what == "flow":
        name = str(point.path[0])
        yield from _tell(Diff(**{name: getattr(diff, name)}), old, new)
    elif point.what == "order":
        yield from _tell(Diff(moved=diff.moved), old, new)
    elif key in diff.added or key in diff.removed:
        mine = Diff((key,) if key in diff.added else (), (key,) if key in diff.removed else ())
        yield from _tell(mine, old, new)
    elif point.path[-2:] == ("message", "template_id"):
        if get_at(_config(old, key), point.path) != get_at(_config(new, key), point.path):
            yield f"{new.title(key)}: the email is written anew."
    elif key in diff.changed:
        edits = diff.changed[key]
        if point.path and point.path != ("extra",):
            inside = ("config", *point.path)
            edits = tuple(one for one in edits if one.path[: len(inside)] == inside)
        yield from _tell_step(key, edits, old, new)


def _config(told: Told, key: str) -> Mapping[str, Any]:
    step = told.graph.by_key.get(key)
    return step.config if step else {}
