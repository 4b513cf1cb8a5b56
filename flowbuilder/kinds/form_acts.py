"""Acts on the lists and optional parts of a form: add, drop, move up and down. Pure; for form.py.

config = act(ConditionalSplit, config, "add:profile_filter")
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, get_origin

from pydantic import BaseModel

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import get_at, set_at
from flowbuilder.kinds.shapes import Shape, shape_at, shapes


def act(model: type[BaseModel], config: Config, command: str) -> dict[str, Any]:
    """`add:PATH` puts a new item into a list or begins an optional part; `drop:PATH` takes one away; `copy:PATH` puts
    its like after it; `up:PATH` and `down:PATH` change places with a neighbour."""
    verb, _, name = command.partition(":")
    path = parse_path(name)
    if verb == "add":
        return _add(model, config, path)
    if verb == "drop":
        return _drop(model, config, path)
    if verb == "copy":
        return _copy(model, config, path)
    if verb in ("up", "down"):
        return _move(model, config, path, -1 if verb == "up" else 1)
    raise ValueError(f"“{command}” is no act on a form.")


def parse_path(name: str) -> Path:
    return tuple(int(step) if step.isdecimal() else step for step in name.split(".") if step)


def _add(model: type[BaseModel], config: Config, path: Path) -> dict[str, Any]:
    shape = shape_at(model, config, path)
    current = get_at(config, path)
    if (item := shape.item) is not None:
        there = current if isinstance(current, list) else []
        return dict(set_at(config, path, [*there, _start(item)]))
    if shape.model and "condition_groups" in shape.model.model_fields:
        group = shape_at(model, config, (*path, "condition_groups")).item
        there = (current or {}).get("condition_groups") or []
        groups = [*there, _start(group)] if group else there
        return dict(set_at(config, path, {**(current or {}), "condition_groups": groups}))
    return dict(set_at(config, path, _start(shape)))


def _start(shape: Shape) -> Any:
    if shape.choice is not None:
        return shape.choice.variants[0].start()
    if shape.model is None:
        return _blank(shape)
    fresh = {
        name: ([_start(one.item)] if one.item else _blank(one))
        for name, one in shapes(shape.model).items()
        if shape.model.model_fields[name].is_required()
    }
    return fresh | deepcopy(getattr(shape.model, "START", {}))


def _blank(shape: Shape) -> Any:
    return None if shape.optional else {str: "", int: 0, bool: False}.get(shape.base)


def _drop(model: type[BaseModel], config: Config, path: Path) -> dict[str, Any]:
    shape = shape_at(model, config, path)
    parent, last = path[:-1], path[-1]
    above = get_at(config, parent)
    if not isinstance(last, int):
        if not shape.optional:
            raise ValueError("That setting cannot be taken away.")
        return dict(set_at(config, path, None))
    if not isinstance(above, list) or last >= len(above) or is_fixed(shape, above[last]):
        return dict(config)
    rest = [item for index, item in enumerate(above) if index != last]
    if rest or not parent:
        return dict(set_at(config, parent, rest))
    # The last condition takes its group along, the last group its filter, the last row its list.
    if parent[-1] == "conditions" or (parent[-1] == "condition_groups" and len(parent) > 1):
        return _drop(model, config, parent[:-1])
    return dict(set_at(config, parent, None if shape_at(model, config, parent).optional else []))


def _copy(model: type[BaseModel], config: Config, path: Path) -> dict[str, Any]:
    """Only of conditions and their groups: other rows have ids of their own."""
    parent, last = path[:-1], path[-1] if path else None
    above = get_at(config, parent)
    if not isinstance(last, int) or not isinstance(above, list) or not parent:
        raise ValueError("Only what stands in a list can be copied.")
    if parent[-1] not in ("conditions", "condition_groups") or last >= len(above):
        raise ValueError("Only conditions and their groups can be copied.")
    shape_at(model, config, path)
    return dict(set_at(config, parent, [*above[: last + 1], deepcopy(above[last]), *above[last + 1 :]]))


def _move(model: type[BaseModel], config: Config, path: Path, by: int) -> dict[str, Any]:
    parent, last = path[:-1], path[-1] if path else None
    listing, above = shape_at(model, config, parent), get_at(config, parent)
    if not isinstance(last, int) or get_origin(listing.base) is not list or not isinstance(above, list):
        raise ValueError("Only what stands in a list can be moved.")
    item, other = shape_at(model, config, path), last + by
    if not 0 <= last < len(above) or not 0 <= other < len(above):
        return dict(config)
    if is_fixed(item, above[last]) or is_fixed(item, above[other]):
        return dict(config)
    moved = list(above)
    moved[last], moved[other] = moved[other], moved[last]
    return dict(set_at(config, parent, moved))


def is_fixed(shape: Shape, value: Any) -> bool:
    """Whether a row stays where it is, whatever a person does: “Everyone else”."""
    variant = shape.choice.find(value) if shape.choice else None
    return bool(getattr(variant.model if variant else shape.model, "IS_FIXED", False))
