"""What a setting becomes when each account is asked for it: the kind of question, its limits and its options. Pure.

    mark = mark_of(TimeDelay, config, ("value",))     Mark("delay", {"value": ("value",), "unit": ("unit",)}, ...)

Every field that holds a value can be asked for; what holds other fields (a group, a list of rows, a choice between
them) is asked for field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.base import NOTHING, Hint
from flowbuilder.kinds.shapes import Shape, shape_at

# Kinds that are answered by things of an account: an id, or several.
OF_ACCOUNT = ("metric", "list", "segment", "group", "template")
# Kinds whose answers are texts, so that one may stand in another's place; and a choice of texts in all of theirs.
TEXTS = ("text", "property", "coupon", "image")
PICKED = {
    "event": "property",
    "email": "template",
}  # by what the picker of the field offers, where it has another name
PARTS: Mapping[str, Mapping[str, str]] = {  # of an answer that fills several settings: part -> their names
    "sender": {"email": "from_email", "label": "from_label"},
    "delay": {"value": "value", "unit": "unit"},
}


@dataclass(frozen=True, slots=True)
class Mark:
    """`places`: part -> path of the setting that holds it; the one part of most answers is called “”."""

    kind: str
    places: Mapping[str, Path]
    default: Any = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[Mapping[str, Any], ...] = ()


def kind_at(shape: Shape) -> str:
    """The kind of question that a setting of this shape becomes; empty where it holds other settings."""
    hint = shape.hint
    if hint.asks:
        return "" if hint.asks == NOTHING else hint.asks
    if hint.picks:
        return PICKED.get(hint.picks, hint.picks)
    base, item = shape.base, shape.item
    if get_origin(base) is Literal:
        return "choice" if len(get_args(base)) > 1 else ""
    if base is bool:
        return "yes-no"
    if item is not None:
        if get_origin(item.base) is Literal:
            return "choice"
        return "text" if item.base is str and not item.choice and not item.model else ""
    if shape.choice is not None or shape.model is not None or shape.entry is not None:
        return ""
    return "number" if base in (int, int | float) else "text" if base in (str, int | str) else ""


def mark_of(model: type[BaseModel], config: Config, path: Path) -> Mark:
    """ValueError where nothing can be asked for at this path."""
    shape = shape_at(model, config, path)
    kind, hint = kind_at(shape), shape.hint
    if not kind:
        raise ValueError("that setting cannot be asked for")
    if hint.part:
        places = {part: (*path[:-1], name) for part, name in PARTS[kind].items()}
        found = {part: get_at(config, place) for part, place in places.items()}
        default = {part: value for part, value in found.items() if value not in (None, "")}
        return Mark(kind, places, default or None, _limits(kind, shape, config))
    value = get_at(config, path)
    if kind == "yes-no" and not isinstance(value, bool):
        value = False
    return Mark(kind, {"": path}, value, _limits(kind, shape, config), _options(shape))


def _limits(kind: str, shape: Shape, config: Config) -> dict[str, Any]:
    if kind == "number":
        return {"whole": True} if shape.base is int else {}
    if kind == "choice":
        return {"many": True} if shape.item is not None else {}
    if kind == "text" and shape.item is not None:
        return {"lines": True}
    if shape.hint.widget in ("time", "moment"):
        return {"form": shape.hint.widget}
    if (
        kind == "delay"
        and shape.hint.part
        and (config.get("delay_until_time") or config.get("delay_until_weekdays"))
    ):
        return {"units": ["days"]}  # a time of day goes with days only
    return {}


def _options(shape: Shape) -> tuple[Mapping[str, Any], ...]:
    base = shape.item.base if shape.item is not None else shape.base
    if get_origin(base) is not Literal:
        return ()
    return tuple({"value": one, "label": _label(one, shape.hint)} for one in get_args(base))


def _label(value: Any, hint: Hint) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return hint.choices.get(text) or text.replace("_", " ").capitalize()


def fits(kind: str, limits: Mapping[str, Any], mark: Mark) -> bool:
    """Whether the answer to a question of this kind can stand where the mark is."""
    many = [bool(one.get("many")) for one in (limits, mark.limits)]
    lines = [bool(one.get("lines")) for one in (limits, mark.limits)]
    if many[0] != many[1] or lines[0] != lines[1]:
        return False
    same_form = all(limits.get(name) == mark.limits.get(name) for name in ("form", "inside"))
    if kind in TEXTS and mark.kind in TEXTS:
        return same_form
    if kind == "choice" and mark.kind in TEXTS:
        return same_form
    return kind == mark.kind and same_form
