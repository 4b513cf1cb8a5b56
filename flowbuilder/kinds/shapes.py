"""What the annotations of a model say to a form: the base type, whether it may be left out, its choice, its hint.

For form.py and form_acts.py. A model's shapes are read once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.base import Hint
from flowbuilder.kinds.unions import Choice


@dataclass(frozen=True, slots=True)
class Shape:
    base: Any
    optional: bool
    choice: Choice | None
    hint: Hint

    @property
    def model(self) -> type[BaseModel] | None:
        return self.base if isinstance(self.base, type) and issubclass(self.base, BaseModel) else None

    @property
    def item(self) -> Shape | None:
        """The shape of one of a list."""
        return _inside(self.base, 0) if get_origin(self.base) is list else None

    @property
    def entry(self) -> Shape | None:
        """The shape of a value of a mapping."""
        return _inside(self.base, 1) if get_origin(self.base) is dict else None


def shape_of(annotation: Any, metadata: Sequence[Any] = ()) -> Shape:
    hints = [one for one in metadata if isinstance(one, Hint)]
    choice = next((one for one in metadata if isinstance(one, Choice)), None)
    if get_origin(annotation) is Annotated:
        base, *inner = get_args(annotation)
        found = shape_of(base, inner)
        return Shape(found.base, found.optional, choice or found.choice, _merge([found.hint, *hints]))
    if get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
        rest = [one for one in get_args(annotation) if one is not NoneType]
        found = shape_of(rest[0] if len(rest) == 1 else Union[tuple(rest)])  # noqa: UP007
        return Shape(found.base, True, choice or found.choice, _merge([found.hint, *hints]))
    return Shape(annotation, False, choice, _merge(hints))


def _merge(hints: list[Hint]) -> Hint:
    merged: dict[str, Any] = {}
    for hint in hints:
        merged |= {name: value for name in Hint.__slots__ if (value := getattr(hint, name))}
    return Hint(**merged)


@lru_cache(maxsize=1024)
def _inside(annotation: Any, argument: int) -> Shape:
    return shape_of(get_args(annotation)[argument])


@lru_cache(maxsize=1024)
def shapes(model: type[BaseModel]) -> Mapping[str, Shape]:
    return {name: shape_of(info.annotation, info.metadata) for name, info in model.model_fields.items()}


def shape_at(model: type[BaseModel], config: Config, path: Path) -> Shape:
    """The shape of the setting at a path, given which members the unions on the way hold now."""
    shape = Shape(model, False, None, Hint())
    value: Any = config
    for step in path:
        inner = _step_into(shape, value, step)
        if inner is None:
            raise ValueError("That setting is not there.")
        shape, value = inner, get_at(value, (step,))
    return shape


def _step_into(shape: Shape, value: Any, step: str | int) -> Shape | None:
    model = shape.model
    if shape.choice is not None:
        variant = shape.choice.find(value)
        model = variant.model if variant else None
    elif isinstance(step, int):
        return shape.item
    elif get_origin(shape.base) is dict:
        return shape.entry
    return shapes(model).get(str(step)) if model else None
