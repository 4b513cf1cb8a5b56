"""What is the same for accounts of a version that want the same parts of it, worked out once: its shape, and what
has to be made first.

The publisher asks for it by publication; versions never change, so what was worked out is kept by content.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.pieces import email_for, missing_in
from flowbuilder.definition.shaping import shape_definition
from flowbuilder.definition.switching import parts_off, switched
from flowbuilder.definition.writing import Approved
from flowbuilder.graph.switching import Part
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import CONTENT, find_contents, is_ask, is_content, set_at
from flowbuilder.models import Publication, Version

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST_KEPT = 64
_kept: OrderedDict[tuple[str, str, frozenset[Part]], Recipe] = OrderedDict()
# content hash -> those of its document
_questions: OrderedDict[str, tuple[Question, ...]] = OrderedDict()
_contents: OrderedDict[str, Mapping[str, Any]] = OrderedDict()


@dataclass(frozen=True)
class Recipe:
    """`contents`: keys of the emails that are written in the design (email_of). `clones`: key -> the Klaviyo template
    that its email names. `origins`: step that shaping made -> step of the design. `types`: step of the design -> its
    type."""

    approved: Approved
    contents: tuple[str, ...]
    clones: Mapping[str, str]
    origins: Mapping[str, str]
    types: Mapping[str, str]


def recipe_of(publication: Publication) -> Recipe:
    """UnableToShape where the flow cannot be built as this account wants it."""
    return recipe(publication.version, publication.shape, publication.answers)


def recipe(version: Version, shape: Mapping[str, Any], answers: Mapping[str, Any]) -> Recipe:
    """What the answers switch off is neither made nor sent."""
    of = version.content_hash
    off = parts_off(_questions_of(version), answers)
    name = (of, json.dumps(shape, sort_keys=True), off)

    def work_out() -> Recipe:
        document = {**version.document, "definition": switched(version.document["definition"], off)}
        return _work_out(document, shape)

    return _once(_kept, name, work_out)


def email_of(version: Version, key: str, answers: Mapping[str, Any]) -> Any:
    """An email that is written in the design, with an account's answers in it; None where it holds none of this key."""
    content = _once(_contents, version.content_hash, lambda: version.document["contents"]).get(key)
    return content and email_for(content, key, _questions_of(version), answers)


def missing_in_emails(version: Version, recipe: Recipe, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Questions inside of its emails that have no answer."""
    return tuple(missing_in(_questions_of(version), recipe.contents, answers))


def _questions_of(version: Version) -> tuple[Question, ...]:
    return _once(_questions, version.content_hash, lambda: Frozen(version.document).questions)


def _once(kept: OrderedDict[K, V], name: K, work_out: Callable[[], V]) -> V:
    if name not in kept:
        kept[name] = work_out()
        if len(kept) > MOST_KEPT:
            kept.popitem(last=False)
    return kept[name]


def _work_out(document: Mapping[str, Any], shape: Mapping[str, Any]) -> Recipe:
    designed = document["definition"]
    contents = tuple(dict.fromkeys(key for _, key in find_contents(designed)))
    definition: Any = designed
    clones = {}
    for path, step, template_id in _named_templates(designed):
        key = f"clone-{step}"
        clones[key] = template_id
        definition = set_at(definition, path, {CONTENT: key})
    shaped, origins = shape_definition(definition, shape)
    types = {action["temporary_id"]: action["type"] for action in designed["actions"]}
    return Recipe(Approved.of(shaped), contents, clones, origins, types)


def _named_templates(definition: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """(where its id stands, key, id) of every email that names a Klaviyo template, those in experiments too."""
    for index, action in enumerate(definition["actions"]):
        for path, email in _emails(action, ("actions", index)):
            template_id = ((email.get("data") or {}).get("message") or {}).get("template_id")
            if template_id and not is_ask(template_id) and not is_content(template_id):
                place: Path = (*path, "data", "message", "template_id")
                key = action["temporary_id"] if path == ("actions", index) else str(email.get("temporary_id"))
                yield place, key, template_id


def _emails(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if value.get("type") == "send-email":
            yield path, value
        else:
            for key, child in value.items():
                yield from _emails(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _emails(child, (*path, index))
