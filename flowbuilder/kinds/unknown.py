"""What a revision of tomorrow may bring: a type nobody here has heard of is kept whole, and said to be unknown.

    Annotated[Condition, OpenChoice(A, B, otherwise=UnknownCondition, known=every_type)]

Only a type that is known nowhere is taken for news. A known one in the wrong place stays an error.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from flowbuilder.kinds.unions import Choice, Variant


class UnknownVariant(Variant):
    """The choice that a kept value already made; nobody can make it anew."""

    @property
    def label(self) -> str:
        return f"{self.tag} (not known here)"


class OpenChoice(Choice):
    """A choice with a last resort. `known` grows as types are declared, so it is read when it is asked."""

    def __init__(
        self, *members: type[BaseModel], otherwise: type[BaseModel], known: Collection[str] = ()
    ) -> None:
        super().__init__(*members)
        self.members = (*members, otherwise)
        self.otherwise = otherwise
        self.known = known

    def find(self, value: Any) -> Variant | None:
        found = super().find(value)
        if found is None and self._is_news(value):
            return UnknownVariant(self.otherwise, (("type", value["type"]),))
        return found

    def _is_news(self, value: Any) -> bool:
        given = value.get("type") if isinstance(value, dict) else None
        if not isinstance(given, str) or not given.strip() or given in self.known:
            return False
        return all(variant.values[0] != ("type", given) for variant in self.variants)
