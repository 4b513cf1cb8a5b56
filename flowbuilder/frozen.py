"""A version read back: its graph, its questions, its sentences. Values only; knows no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from flowbuilder.graph import Graph
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.publisher.reading import read_document


@dataclass(frozen=True, slots=True)
class Question:
    """A requirement as a version holds it. `kind` is one of models.Requirement.Kind."""

    key: str
    kind: str
    question: str
    help: str = ""
    looks_for: str = ""
    integration: str = ""
    default: Any = None


@dataclass(frozen=True)
class Frozen:
    """The document of a version, as values."""

    document: Mapping[str, Any]

    @cached_property
    def graph(self) -> Graph:
        graph = read_document(self.document).graph
        names = self.document.get("names", {})
        return graph.with_steps(replace(step, name=names.get(step.key, "")) for step in graph.steps)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        return tuple(Question(**one) for one in self.document.get("requirements", []))

    @property
    def contents(self) -> Mapping[str, Mapping[str, str]]:
        contents: Mapping[str, Mapping[str, str]] = self.document.get("contents", {})
        return contents

    def describer(
        self, answers: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None
    ) -> Describer:
        """Sentences, with an account's answers where there are any, else with what each question stands for."""
        stands_for: dict[str, Any] = {}
        known = dict(names or {})
        for one in self.questions:
            answer = (answers or {}).get(one.key)
            if answer in (None, "", []):
                answer = one.default or stand_in(one.kind, one.looks_for or one.question)
                if isinstance(answer, str) and one.looks_for:
                    known.setdefault(answer, one.looks_for)
            stands_for[one.key] = answer
        return Describer(Words(known), stands_for)


def stand_in(kind: str, name: str) -> Any:
    """What a question stands for in sentences and checks while nobody has answered it."""
    return {"sender": {}, "delay": 1, "group": [name]}.get(kind, name)
