"""From a typed model to a form, and back: one way for every setting of every kind.

    nodes = build(SendSms, config)                   what to show, with today's values
    config, refused = read(SendSms, config, posted)  what a person sent, put into the settings
    config = act(SendSms, config, "add:profile_filter")

The name of a field is its path in the settings (“message.body”). A union is a choice (“filter.@”) followed by
the fields of the chosen member. A mapping of texts is posted as repeated “NAME.k” and “NAME.v”, a list of picked ids
as repeated “NAME”. Knows no Django: templates draw the nodes, views pass the posted texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import ASK, GAP, get_at, is_ask, set_at
from flowbuilder.kinds.base import Hint, Settings
from flowbuilder.kinds.form_acts import act, is_fixed, parse_path
from flowbuilder.kinds.marking import kind_at
from flowbuilder.kinds.posted import (
    is_same,
    is_untouched,
    read_email,
    read_number,
    read_pairs,
    read_percent,
    shown_as,
)
from flowbuilder.kinds.shapes import Shape, shape_at, shapes
from flowbuilder.kinds.unions import Choice

__all__ = ["Node", "Option", "act", "build", "parse_path", "read"]

Posted = Mapping[str, Sequence[str]]


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
    asks: str = ""  # the kind of question that it becomes when each account is asked for it
    asked: str = ""
    is_fixed: bool = False  # a row that nobody takes away or moves
    is_lowest: bool = False  # a row with nothing below it that it may change places with
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
        node = _node(shape, value[name] if given else default, (*path, name))
        if shape.hint.widget == "each" and node.widget != "asked" and issubclass(model, Settings):
            _each(node, shape, model.entries(name, value) if isinstance(value, Mapping) else {})
        nodes.append(node)
    return sorted(nodes, key=lambda one: one.hint.advanced)  # what few people need comes last


def _node(shape: Shape, value: Any, path: Path) -> Node:
    node = Node("", path, shape.hint, value, optional=shape.optional, asks=kind_at(shape))
    base = shape.base
    if is_ask(value):
        node.widget, node.asked = "asked", str(value[ASK])
        part = str(value.get("part", ""))
        node.sentence = part.replace(GAP, "…") if GAP in part else ""
    elif shape.choice is not None:
        _choose(node, shape.choice, value)
    elif shape.model is not None:
        _nest(node, shape.model, value)
    elif shape.item is not None:
        _rows(node, shape.item, value)
    elif get_origin(base) is Literal:
        node.widget = "select"
        node.options = _options(get_args(base), shape.hint, lambda one: bool(one == value))
    elif base is bool:
        node.widget = "checkbox"
    elif shape.entry is not None:
        node.widget = "pairs"
    else:
        node.widget = shape.hint.widget or ("picker" if shape.hint.picks else _NUMBERS.get(base, "text"))
        node.value = shown_as(node.widget, value)
    return node


def _options(values: Iterable[Any], hint: Hint, is_chosen: Callable[[Any], bool]) -> list[Option]:
    texts = [(one, _as_text(one)) for one in values]
    return [
        Option(text, hint.choices.get(text) or text.replace("_", " "), "", is_chosen(one))
        for one, text in texts
    ]


def _each(node: Node, shape: Shape, entries: Mapping[str, str]) -> None:
    """A mapping with one field for each of the things it speaks of."""
    node.widget, held = "group", node.value if isinstance(node.value, Mapping) else {}
    node.optional = False
    for key, label in entries.items():
        if (entry := shape.entry) is not None:
            inner = _node(entry, held.get(key), (*node.path, key))
            inner.hint = replace(inner.hint, label=label)
            node.nodes.append(inner)


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
    """A union: which member, then its fields. Where there is nothing to choose, only the fields."""
    chosen = choice.find(value)
    node.widget = "choice" if choice.offered else "group"
    if choice.offered:
        tag = chosen.tag if chosen else None
        node.options = [Option(own, label, group, own == tag) for own, label, group in choice.offers]
        if chosen is not None and chosen not in choice.variants:
            node.options.append(Option(chosen.tag, chosen.label, chosen.group, True))
    if chosen is not None:
        node.nodes = _fields(chosen.model, value, node.path, frozenset(key for key, _ in chosen.values))


def _rows(node: Node, item: Shape, value: Any) -> None:
    rows = value if isinstance(value, list) else []
    if get_origin(item.base) is Literal:
        node.widget = "checks"
        words = {text: text.capitalize() for text in map(_as_text, get_args(item.base))} | dict(
            node.hint.choices
        )
        node.options = _options(
            get_args(item.base), replace(node.hint, choices=words), lambda one: one in rows
        )
    elif item.choice is not None or item.model is not None:
        node.widget = "rows"
        node.nodes = [_row(item, row, (*node.path, index), index) for index, row in enumerate(rows)]
        for row, below in zip_longest(node.nodes, node.nodes[1:]):
            row.is_lowest = below is None or below.is_fixed
    else:  # an input would put all lines into one
        node.widget = node.hint.widget or ("pickers" if node.hint.picks else "lines")


def _row(item: Shape, value: Any, path: Path, index: int) -> Node:
    node = _node(item, value, path)
    variant = item.choice.find(value) if item.choice else None
    called = getattr(variant.model if variant else item.model, "ROW", "")
    node.is_fixed = is_fixed(item, value)
    if called and node.widget != "asked":
        node.hint = replace(node.hint, label=called if node.is_fixed else f"{called} {index + 1}")
    return node


# --- What a person sent -> settings ----------------------------------------------------------------------------


_SILENT = ("group", "rows", "conditions", "absent", "asked", "content")  # nothing of their own is posted


def read(
    model: type[BaseModel], config: Config, posted: Posted
) -> tuple[dict[str, Any], dict[Path, tuple[str, str]]]:
    """The settings with what was posted put in, and what could not be read: path -> (text, sentence)."""
    refused: dict[Path, tuple[str, str]] = {}
    result: dict[str, Any] = dict(config)
    for node in [inner for outer in build(model, config) for inner in outer.walk()]:
        name = node.name + {"choice": ".@", "pairs": ".k"}.get(node.widget, "")
        if name not in posted or node.widget in _SILENT:
            continue
        shape = shape_at(model, config, node.path)
        texts = [text for text in posted[name] if text != ""]
        if get_at(result, node.path[:-1]) is not get_at(config, node.path[:-1]) and _replaced(
            model, config, result, node.path
        ):
            continue
        if node.widget == "choice" and shape.choice is not None:
            result = _choose_again(shape.choice, shape.optional, config, result, node.path, texts)
            continue
        try:
            if node.widget == "pairs":
                pairs = zip(posted[name], posted.get(f"{node.name}.v", ()), strict=False)
                value = read_pairs(node.value, list(pairs))
                value = None if value == {} and shape.optional else value
            elif is_untouched(
                node.widget, node.value, {one.value for one in node.options if one.chosen}, texts
            ):
                continue
            else:
                value = _parse(shape, texts)
        except ValueError as error:
            refused[node.path] = (texts[-1] if texts else "", str(error))
            continue
        if not is_same(
            value, get_at(config, node.path) if node.widget in ("percent", "email") else node.value
        ):
            result = set_at(result, node.path, value)
    return result, refused


def _choose_again(
    choice: Choice, optional: bool, config: Config, result: dict[str, Any], path: Path, texts: list[str]
) -> dict[str, Any]:
    """The member of a union that a person chose; nothing chosen leaves an optional one out."""
    variant = next((one for one in choice.variants if texts and one.tag == texts[-1]), None)
    if variant is not None and not variant.fits(get_at(config, path)):
        return dict(set_at(result, path, variant.start(get_at(result, path))))
    if not texts and optional and choice.find(get_at(config, path)) is not None:
        return dict(set_at(result, path, None))
    return result


def _replaced(model: type[BaseModel], config: Config, result: Config, path: Path) -> bool:
    """Whether a choice above this field was just changed, so that what was posted for it no longer counts."""
    for length in range(1, len(path)):
        head = path[:length]
        shape = shape_at(model, config, head)
        if shape.choice is not None and shape.choice.find(get_at(config, head)) != shape.choice.find(
            get_at(result, head)
        ):
            return True
    return False


def _parse(shape: Shape, texts: list[str]) -> Any:
    base, text = shape.base, (texts[-1].strip() if texts else "")
    if get_origin(base) is list:
        item = shape.item.base if shape.item else str
        if get_origin(item) is Literal:
            values: list[Any] = [one for one in get_args(item) if _as_text(one) in texts]
        else:
            values = [line.strip() for one in texts for line in one.splitlines() if line.strip()]
            values = list(dict.fromkeys(values)) if shape.hint.picks else values
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
        elif shape.hint.widget == "email":
            return read_email(text) or (None if shape.optional else "")
        return text or (None if shape.optional else "")
    if not text:
        if shape.optional:
            return None
        raise ValueError("Write a number.")
    return read_percent(text) if shape.hint.widget == "percent" else read_number(base, text)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
