"""From a typed model to a form, and back: one way for every setting of every kind.

    nodes = build(SendSms, config)                   what to show, with today's values
    config, refused = read(SendSms, config, posted)  what a person sent, put into the settings
    config = act(SendSms, config, "add:profile_filter")

The name of a field is its path in the settings (“message.body”). A union is a choice (“filter.@”) followed by
the fields of the chosen member. Knows no Django: templates draw the nodes, views pass the posted texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import ASK, get_at, is_ask, set_at
from flowbuilder.kinds.base import Hint
from flowbuilder.kinds.posted import is_same, is_untouched, read_number
from flowbuilder.kinds.unions import Choice, Variant

Posted = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an annotation says: the base type, whether it may be left out, its choice and its hint."""

    base: Any
    optional: bool
    choice: Choice | None
    hint: Hint


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    group: str = ""
    chosen: bool = False


@dataclass(slots=True)
class Node:
    """One field, or a group of them. `widget` says how it is drawn; `nodes` are what stands inside."""

    widget: str
    path: Path
    hint: Hint
    value: Any = None
    options: list[Option] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    optional: bool = False
    asked: str = ""
    text: str | None = None  # what a person typed that could not be read
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sentence: str = ""

    @property
    def name(self) -> str:
        return ".".join(str(step) for step in self.path)

    @property
    def id(self) -> str:
        return "f-" + "-".join(str(step).replace("@", "kind") for step in self.path)

    @property
    def label(self) -> str:
        last = next((step for step in reversed(self.path) if isinstance(step, str)), "")
        return self.hint.label or last.replace("_", " ").capitalize()

    def walk(self) -> Iterator[Node]:
        yield self
        for node in self.nodes:
            yield from node.walk()


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


def shapes(model: type[BaseModel]) -> dict[str, Shape]:
    return {name: shape_of(info.annotation, info.metadata) for name, info in model.model_fields.items()}


# --- Settings -> nodes -------------------------------------------------------------------------------------------


def build(model: type[BaseModel], config: Config) -> list[Node]:
    """The nodes of a model's form, in the order of its fields."""
    return _fields(model, config, ())


def _fields(model: type[BaseModel], value: Any, path: Path, skip: frozenset[str] = frozenset()) -> list[Node]:
    nodes = []
    for name, shape in shapes(model).items():
        single = get_origin(shape.base) is Literal and len(get_args(shape.base)) == 1
        if name in skip or single or shape.hint.widget == "hidden":
            continue
        given = isinstance(value, Mapping) and name in value
        default = None if model.model_fields[name].is_required() else model.model_fields[name].default
        nodes.append(_node(shape, value[name] if given else default, (*path, name)))
    return nodes


def _node(shape: Shape, value: Any, path: Path) -> Node:
    node = Node("", path, shape.hint, value, optional=shape.optional)
    base = shape.base
    if is_ask(value):
        node.widget, node.asked = "asked", str(value[ASK])
    elif shape.choice is not None:
        _choose(node, shape.choice, value)
    elif isinstance(base, type) and issubclass(base, BaseModel):
        _nest(node, base, value)
    elif get_origin(base) is list:
        _rows(node, base, value)
    elif get_origin(base) is Literal:
        node.widget = "select"
        words = shape.hint.choices
        node.options = [
            Option(
                _as_text(one), words.get(_as_text(one)) or _as_text(one).replace("_", " "), "", one == value
            )
            for one in get_args(base)
        ]
    elif base is bool:
        node.widget = "checkbox"
    else:
        node.widget = shape.hint.widget or ("picker" if shape.hint.picks else _NUMBERS.get(base, "text"))
    return node


_NUMBERS = {int: "number", int | float: "number"}


def _nest(node: Node, model: type[BaseModel], value: Any) -> None:
    """A model inside a model; conditions are drawn as groups, and nothing where there are none yet."""
    if "condition_groups" not in model.model_fields:
        node.widget = "absent" if value is None and node.optional else "group"
        node.nodes = _fields(model, value, node.path) if value is not None else []
    else:
        node.widget = "conditions"
        node.nodes = _fields(model, value, node.path)[0].nodes if value else []


def _choose(node: Node, choice: Choice, value: Any) -> None:
    """A union: which member, then its fields."""
    node.widget = "choice"
    chosen = choice.find(value)
    node.options = [
        Option(one.tag, one.label, one.group, one is chosen or one == chosen) for one in choice.variants
    ]
    if chosen is not None:
        telling = frozenset(key for key, _ in chosen.values)
        node.nodes = _fields(chosen.model, value, node.path, telling)


def _rows(node: Node, base: Any, value: Any) -> None:
    item = shape_of(get_args(base)[0])
    if get_origin(item.base) is Literal:
        node.widget = "checks"
        words = node.hint.choices
        chosen = value if isinstance(value, list) else []
        node.options = [
            Option(_as_text(one), words.get(_as_text(one)) or _as_text(one).capitalize(), "", one in chosen)
            for one in get_args(item.base)
        ]
    elif item.choice is not None or (isinstance(item.base, type) and issubclass(item.base, BaseModel)):
        node.widget = "rows"
        rows = value if isinstance(value, list) else []
        node.nodes = [_node(item, row, (*node.path, index)) for index, row in enumerate(rows)]
    else:
        node.widget = node.hint.widget or "lines"  # an input would put all lines into one


# --- What a person sent -> settings ----------------------------------------------------------------------------


def read(
    model: type[BaseModel], config: Config, posted: Posted
) -> tuple[dict[str, Any], dict[Path, tuple[str, str]]]:
    """The settings with what was posted put in, and what could not be read: path -> (text, sentence)."""
    refused: dict[Path, tuple[str, str]] = {}
    result: dict[str, Any] = dict(config)
    for node in [inner for outer in build(model, config) for inner in outer.walk()]:
        name = f"{node.name}.@" if node.widget == "choice" else node.name
        if name not in posted or node.widget in ("group", "rows", "conditions", "absent", "asked", "content"):
            continue
        shape = _shape_at(model, config, node.path)
        texts = [text for text in posted[name] if text != ""]
        if get_at(result, node.path[:-1]) is not get_at(config, node.path[:-1]) and _replaced(
            model, config, result, node.path
        ):
            continue
        if node.widget == "choice" and shape.choice is not None:
            variant = next((one for one in shape.choice.variants if texts and one.tag == texts[-1]), None)
            if variant is not None and not variant.fits(get_at(config, node.path)):
                result = set_at(result, node.path, variant.start(get_at(result, node.path)))
            continue
        chosen = {one.value for one in node.options if one.chosen}
        if is_untouched(node.widget, node.value, chosen, texts):
            continue
        try:
            value = _parse(shape, texts)
        except ValueError as error:
            refused[node.path] = (texts[-1] if texts else "", str(error))
            continue
        if not is_same(value, node.value):
            result = set_at(result, node.path, value)
    return result, refused


def _replaced(model: type[BaseModel], config: Config, result: Config, path: Path) -> bool:
    """Whether a choice above this field was just changed, so that what was posted for it no longer counts."""
    for length in range(1, len(path)):
        head = path[:length]
        shape = _shape_at(model, config, head)
        if shape.choice is not None and shape.choice.find(get_at(config, head)) != shape.choice.find(
            get_at(result, head)
        ):
            return True
    return False


def _parse(shape: Shape, texts: list[str]) -> Any:
    base, text = shape.base, (texts[-1].strip() if texts else "")
    if get_origin(base) is list:
        item = shape_of(get_args(base)[0])
        if get_origin(item.base) is Literal:
            values: list[Any] = [one for one in get_args(item.base) if _as_text(one) in texts]
        else:
            values = [line.strip() for one in texts for line in one.splitlines() if line.strip()]
        return values or (None if shape.optional else [])
    if base is bool:
        return bool(text)
    if get_origin(base) is Literal:
        for one in get_args(base):
            if _as_text(one) == text:
                return one
        if not text and shape.optional:
            return None
        raise ValueError("Choose one of the list.")
    if base is str:
        raw = texts[-1] if texts else ""
        if shape.hint.widget == "time" and text:
            text = f"{text}:00" if text.count(":") == 1 else text
        elif shape.hint.widget == "moment" and text:
            text = f"{text}T00:00:00+00:00" if "T" not in text else text
        elif shape.hint.widget == "textarea":
            text = raw.replace("\r\n", "\n")
        return text or (None if shape.optional else "")
    if not text:
        if shape.optional:
            return None
        raise ValueError("Write a number.")
    return read_number(base, text)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- Acts on lists and optional parts ----------------------------------------------------------------------------


def act(model: type[BaseModel], config: Config, command: str) -> dict[str, Any]:
    """`add:PATH` puts a new item into a list or begins an optional part; `drop:PATH` takes one away."""
    verb, _, name = command.partition(":")
    path = parse_path(name)
    if verb == "add":
        return _add(model, config, path)
    if verb == "drop":
        return _drop(model, config, path)
    raise ValueError(f"“{command}” is no act on a form.")


def parse_path(name: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in name.split(".") if step)


def _add(model: type[BaseModel], config: Config, path: Path) -> dict[str, Any]:
    shape = _shape_at(model, config, path)
    current = get_at(config, path)
    if get_origin(shape.base) is list:
        item = shape_of(get_args(shape.base)[0])
        return dict(set_at(config, path, [*(current or []), _start(item)]))
    if isinstance(shape.base, type) and "condition_groups" in getattr(shape.base, "model_fields", {}):
        groups = _shape_at(model, config, (*path, "condition_groups"))
        fresh = _start(shape_of(get_args(groups.base)[0]))
        there = (current or {}).get("condition_groups") or []
        return dict(set_at(config, path, {**(current or {}), "condition_groups": [*there, fresh]}))
    return dict(set_at(config, path, _start(shape)))


def _start(shape: Shape) -> Any:
    if shape.choice is not None:
        return shape.choice.variants[0].start()
    if isinstance(shape.base, type) and issubclass(shape.base, BaseModel):
        inner = shapes(shape.base)
        return {
            name: ([_start(shape_of(get_args(one.base)[0]))] if get_origin(one.base) is list else _blank(one))
            for name, one in inner.items()
            if shape.base.model_fields[name].is_required()
        }
    return _blank(shape)


def _blank(shape: Shape) -> Any:
    return None if shape.optional else {str: "", int: 0, bool: False}.get(shape.base)


def _drop(model: type[BaseModel], config: Config, path: Path) -> dict[str, Any]:
    shape = _shape_at(model, config, path)
    parent, last = path[:-1], path[-1]
    above = get_at(config, parent)
    if not isinstance(last, int):
        if not shape.optional:
            raise ValueError("That setting cannot be taken away.")
        return dict(set_at(config, path, None))
    if not isinstance(above, list) or last >= len(above):
        return dict(config)
    rest = [item for index, item in enumerate(above) if index != last]
    if rest or not parent:
        return dict(set_at(config, parent, rest))
    # The last condition takes its group along, the last group its filter, the last row its list.
    if parent[-1] == "conditions" or (parent[-1] == "condition_groups" and len(parent) > 1):
        return _drop(model, config, parent[:-1])
    return dict(set_at(config, parent, None if _shape_at(model, config, parent).optional else []))


def _shape_at(model: type[BaseModel], config: Config, path: Path) -> Shape:
    """The shape of the setting at a path, given which members the unions on the way hold now."""
    shape = Shape(model, False, None, Hint())
    value: Any = config
    for step in path:
        base = shape.base
        if shape.choice is not None:
            variant: Variant | None = shape.choice.find(value)
            if variant is None:
                raise ValueError("That setting is not there.")
            base = variant.model
        if get_origin(base) is list and isinstance(step, int):
            shape = shape_of(get_args(base)[0])
        elif isinstance(base, type) and issubclass(base, BaseModel) and step in base.model_fields:
            shape = shapes(base)[str(step)]
        else:
            raise ValueError("That setting is not there.")
        value = get_at(value, (step,))
    return shape
