"""Unions whose member is told by several keys at once (type and operator, channel and status, ...).

    filter: Annotated[Filter, Choice(NumberFilter, NumberRangeFilter, ...)]

The keys that tell are those whose type is a Literal in every member that has them. The form shows such a
union as one choice; `variants` lists what can be chosen and the settings each choice starts from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, GetCoreSchemaHandler, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Variant:
    """One choice of a union: the member and the values of its telling keys."""

    model: type[BaseModel]
    values: tuple[tuple[str, Any], ...]

    @property
    def tag(self) -> str:
        return ":".join(_text(value) for _, value in self.values)

    @property
    def label(self) -> str:
        words: dict[str, str] = getattr(self.model, "CHOICES", {})
        return words.get(self.tag) or words.get("") or self.tag.replace("-", " ").replace(":", " ")

    @property
    def group(self) -> str:
        return getattr(self.model, "GROUP", "")

    def fits(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for key, wanted in self.values:
            held = value[key] if key in value else self.model.model_fields[key].default
            if held != wanted or isinstance(held, bool) != isinstance(
                wanted, bool
            ):  # 1 equals True, and is none
                return False
        return True

    def start(self, old: Any = None) -> dict[str, Any]:
        """Fresh settings of this variant; what the old ones have in common with it, and fits it, is kept."""
        base: dict[str, Any] = getattr(self.model, "START", {})
        fresh = {**dict(self.values), **deepcopy(base)}
        if not isinstance(old, dict) or old.get("type") != fresh.get("type"):
            return fresh
        for key in self.model.model_fields:
            if key in old and key not in dict(self.values) and self._takes(key, {**fresh, key: old[key]}):
                fresh[key] = old[key]
        return fresh

    def _takes(self, key: str, settings: dict[str, Any]) -> bool:
        try:
            self.model.model_validate(settings)
        except ValidationError as error:
            return all(one["loc"][:1] != (key,) for one in error.errors())
        return True


class Choice:
    """Stands in an annotation: the value is one of the members, told apart by the values of their telling keys.

    Annotated[Filter, Choice(NumberFilter, TextFilter)] reads as a Filter and validates as that union. Where it is
    not `offered`, the form shows the member that is there and no choice.
    """

    def __init__(self, *members: type[BaseModel], offered: bool = True) -> None:
        self.members = members
        self.offered = offered
        self.by_member = {member: tuple(variants_of(member)) for member in members}

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        return tuple(variant for variants in self.by_member.values() for variant in variants)

    @cached_property
    def offers(self) -> tuple[tuple[str, str, str], ...]:
        """(tag, label, group) of each variant, made once: a large form asks thousands of times."""
        return tuple((one.tag, one.label, one.group) for one in self.variants)

    @cached_property
    def _first(self) -> str:
        """The key that tells first in every member, nearly always “type”; empty where they differ."""
        firsts = {variant.values[0][0] if variant.values else "" for variant in self.variants}
        return firsts.pop() if len(firsts) == 1 else ""

    @cached_property
    def _by_first(self) -> dict[Any, list[Variant]]:
        """Variants by what their first key wants, so that few have to be tried."""
        found: dict[Any, list[Variant]] = {}
        for variant in self.variants:
            found.setdefault(variant.values[0][1], []).append(variant)
        return found

    def find(self, value: Any) -> Variant | None:
        if not isinstance(value, dict):
            return None
        likely: Iterable[Variant] = self.variants
        if (first := self._first) and isinstance(held := value.get(first), str):
            likely = self._by_first.get(held, ())
        for variant in likely:
            if variant.fits(value):
                return variant
        return None

    def tell(self, value: Any) -> str | None:
        """The member a value is meant to be, or None where nothing fits."""
        if not isinstance(
            value, dict
        ):  # asking each member's class is slow, and a value is rarely one already
            return type(value).__name__ if isinstance(value, self.members) else None
        if (variant := self.find(value)) is not None:
            return variant.model.__name__
        # No member fits by all its keys: judge by the first key, so that the error names the real cause.
        for variant in self.variants:
            key, wanted = variant.values[0]
            if isinstance(value, dict) and value.get(key) == wanted:
                return variant.model.__name__
        return None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        tagged = tuple(Annotated[member, Tag(member.__name__)] for member in self.members)
        named = handler.generate_schema(Annotated[Union[tagged], Discriminator(self.tell)])  # noqa: UP007
        return core_schema.json_or_python_schema(self._quick(self.variants, handler), named)

    def _quick(self, variants: Sequence[Variant], handler: GetCoreSchemaHandler, at: int = 0) -> CoreSchema:
        """For JSON, which is read only to see whether it fits (examine.py): told key by key, without a call into Python
        as long as they are texts. It takes less than `tell`, and nothing else."""
        models = {one.model for one in variants}
        if len(models) == 1:
            return handler.generate_schema(models.pop())
        told = [one.values[at] if at < len(one.values) else ("", None) for one in variants]
        if len({key for key, _ in told}) > 1 or not all(isinstance(value, str) for _, value in told):
            members = {one.__name__: handler.generate_schema(one) for one in models}
            return core_schema.tagged_union_schema(members, self.tell)
        groups: dict[str, list[Variant]] = {}
        for variant, (_, value) in zip(variants, told, strict=True):
            groups.setdefault(str(value), []).append(variant)
        choices = {value: self._quick(group, handler, at + 1) for value, group in groups.items()}
        return core_schema.tagged_union_schema(choices, told[0][0])


def variants_of(member: type[BaseModel]) -> Iterator[Variant]:
    telling = {
        name: values for name, field in member.model_fields.items() if (values := literal_values(field))
    }
    only: tuple[str, ...] | None = getattr(member, "TOLD_BY", None)
    if only is not None:
        telling = {name: telling[name] for name in only}
    for combination in product(*telling.values()):
        yield Variant(member, tuple(zip(telling, combination, strict=True)))


def literal_values(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
