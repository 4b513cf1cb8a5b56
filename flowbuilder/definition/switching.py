"""Questions that switch parts of a flow: from an account's answers to the parts that are off. Pure.

A question holds {"start", "end", "keep", "side", "on": [answers]} for each part it switches; a part is there while
all questions that switch it say so. What stands in a part that is off is neither asked nor made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph
from flowbuilder.graph.change import is_same
from flowbuilder.graph.switching import Part, switch_off

PART = ("start", "end", "keep", "side")
KINDS = ("yes-no", "choice")  # of questions that may switch


class Switching(Protocol):
    """A question, as far as its switches go."""

    @property
    def key(self) -> str: ...
    @property
    def switches(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def default(self) -> Any: ...


def part_of(switch: Mapping[str, Any]) -> Part:
    return Part(*(str(switch.get(name, "")) for name in PART))


def is_on(switch: Mapping[str, Any], answer: Any) -> bool:
    """An answer that nobody gave switches nothing off. Of several answers, one is enough."""
    given = answer if isinstance(answer, list) else [answer]
    return answer is None or any(is_same(one, on) for one in given for on in switch.get("on", []))


def parts_off(questions: Iterable[Switching], answers: Mapping[str, Any]) -> frozenset[Part]:
    """With these answers; where there is none, the template's suggestion counts."""
    return frozenset(
        part_of(switch)
        for question in questions
        for switch in question.switches
        if not is_on(switch, answers.get(question.key, question.default))
    )


def switched(definition: Mapping[str, Any], off: Iterable[Part]) -> Mapping[str, Any]:
    """The definition without these parts; nothing off leaves it as it is, down to the order of its steps."""
    parts = frozenset(off)
    if not parts:
        return definition
    graph = read_document({"definition": definition}).graph
    fewer = switch_off(graph, parts)
    return definition if fewer is graph else to_definition(fewer)


def without_off(graph: Graph, questions: Iterable[Switching], answers: Mapping[str, Any]) -> Graph:
    return switch_off(graph, parts_off(questions, answers))
