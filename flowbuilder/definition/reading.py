"""A document from outside read as a flow: a create-flow body, a GET answer, or a bare definition.

    name, graph, notes = read_document(text)           raises UnableToImport with every reason

Old names are written in today's form. What cannot be kept at all (two triggers, a link to nowhere, a circle)
refuses the document; what is merely incomplete comes in, for the preflight to list. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.graph.rules import check_shape
from flowbuilder.graph.values import NEXT
from flowbuilder.kinds.logic import Kept
from flowbuilder.kinds.registry import ACTIONS, action_kind, trigger_kind

MAX_DEPTH = 60  # levels of nesting; real definitions have about a dozen
_BROKEN = re.compile("[\0\ud800-\udfff]")  # characters that no database keeps
KEYS = frozenset({"triggers", "profile_filter", "actions", "entry_action_id", "reentry_criteria"})
ACTION_KEYS = frozenset({"id", "temporary_id", "type", "links", "data"})


class UnableToImport(Exception):
    """The document is no flow we can keep; `problems` say why, each naming its place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Read:
    name: str
    graph: Graph
    notes: tuple[Problem, ...]


def read_text(text: str | bytes, limit: int) -> Read:
    """Read a document from its text, at most `limit` bytes long."""
    size = len(text) if isinstance(text, bytes) else len(text.encode())
    if size > limit:
        raise _refuse("too-large", f"The file has {size:,} bytes; a flow may have at most {limit:,}.")
    try:
        document = json.loads(text.decode() if isinstance(text, bytes) else text, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _refuse("not-json", "The file is not text in UTF-8, so it is no JSON.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refuse("not-json", f"The file is not JSON: {error.msg} at {place}.") from None
    except RecursionError:
        raise _refuse("too-deep", "The file is nested too deeply to be a flow.") from None
    except ValueError:
        raise _refuse("not-json", "The file holds a number with more digits than any flow has.") from None
    return read_document(document)


def _no_number(name: str) -> Any:
    raise _refuse("not-json", f"The file is not JSON: it holds {name}, which is no number there.")


def read_document(document: Any) -> Read:
    _look_through(document)
    name, definition = _find_definition(document)
    notes: list[Problem] = []
    trigger = _read_trigger(definition, notes)
    steps, links = _read_actions(definition, notes)
    entry = definition.get("entry_action_id")
    if entry is not None:
        links.insert(0, Link(None, NEXT, str(entry)))
    graph = Graph(
        trigger=trigger,
        steps=tuple(steps),
        links=tuple(links),
        profile_filter=_object_or_none(definition, "profile_filter"),
        reentry=_object_or_none(definition, "reentry_criteria"),
        extra={key: value for key, value in definition.items() if key not in KEYS},
    )
    if broken := check_shape(graph):
        raise UnableToImport(broken)
    return Read(name, graph, tuple(notes))


def _find_definition(document: Any) -> tuple[str, Mapping[str, Any]]:
    """The flow's name and definition, from any of the three forms; also wrapped in {"result": ...}."""
    if isinstance(document, Mapping) and isinstance(document.get("result"), Mapping):
        document = document["result"]
    if not isinstance(document, Mapping):
        raise _refuse("no-flow", f"This JSON is {_what(document)}, not a flow.")
    attributes: Any = document
    if "data" in document:
        data = document["data"]
        if not isinstance(data, Mapping):
            raise _refuse("no-flow", f"“data” is {_what(data)}, not a flow.")
        if data.get("type", "flow") != "flow":
            raise _refuse("no-flow", f"“data” holds a {data.get('type')}, not a flow.")
        attributes = data.get("attributes")
        if not isinstance(attributes, Mapping):
            raise _refuse("no-flow", "“data.attributes” is missing: this is no flow.")
    name = attributes.get("name")
    definition = attributes.get("definition")
    if "actions" in attributes or "triggers" in attributes:  # the name beside it is the flow's
        definition = {key: value for key, value in attributes.items() if key != "name"}
    if not isinstance(definition, Mapping) or not ("actions" in definition or "triggers" in definition):
        raise _refuse(
            "no-flow", "There is no definition with triggers and actions in this JSON: it is no flow."
        )
    for key in ("triggers", "actions"):
        if not isinstance(definition.get(key, []), list):
            raise _refuse("no-flow", f"“{key}” is {_what(definition[key])}, not a list.")
    return (name.strip()[:200] if isinstance(name, str) else ""), definition


def _read_trigger(definition: Mapping[str, Any], notes: list[Problem]) -> Trigger | None:
    triggers = definition.get("triggers") or []
    if len(triggers) > 1:
        text = f"The flow has {len(triggers)} triggers; Klaviyo takes exactly one."
        raise UnableToImport([Problem("two-triggers", text, "trigger")])
    if not triggers:
        return None
    raw = triggers[0]
    if not isinstance(raw, Mapping) or not isinstance(raw.get("type"), str):
        raise _refuse("no-type", "The trigger has no type.", "trigger")
    config = {key: value for key, value in raw.items() if key != "type"}
    config, found = trigger_kind(raw["type"], config).renew(config)
    notes += [Problem(one.code, one.text, "trigger", one.path, one.blocks) for one in found]
    return Trigger(raw["type"], config)


def _read_actions(definition: Mapping[str, Any], notes: list[Problem]) -> tuple[list[Step], list[Link]]:
    steps: list[Step] = []
    links: list[Link] = []
    for index, raw in enumerate(definition.get("actions") or []):
        where = f"Action {index + 1}"
        if not isinstance(raw, Mapping):
            raise _refuse("no-action", f"{where} is {_what(raw)}, not an action.")
        key = raw.get("id") if raw.get("id") is not None else raw.get("temporary_id")
        if key is None or isinstance(key, bool) or not isinstance(key, str | int) or not str(key).strip():
            raise _refuse("no-id", f"{where} has no id and no temporary_id.")
        if not isinstance(raw.get("type"), str):
            raise _refuse("no-type", f"{where} (“{key}”) has no type.", str(key))
        if len(str(key)) > 64:
            raise _refuse("long-id", f"{where} has an id of more than 64 characters.")
        for part in ("links", "data"):
            if raw.get(part) is not None and not isinstance(raw[part], Mapping):
                raise _refuse(
                    "no-object",
                    f"{where} (“{key}”): “{part}” is {_what(raw[part])}, not an object.",
                    str(key),
                )
        kind = action_kind(raw["type"])
        raw, extra = _apart(raw)
        config, targets = kind.read_links(raw)
        if ways := _ways(raw):  # a type of a future revision, with ways out of its own
            config = {**config, Kept.WAYS: ways}
            targets = {key: str(to) for key, to in raw["links"].items() if to is not None}
        config, found = kind.renew(config)
        notes += [Problem(one.code, one.text, str(key), one.path, one.blocks) for one in found]
        ports = tuple(port.name for port in kind.ports(config))
        steps.append(Step(str(key), raw["type"], config, ports=ports, extra=extra))
        links += [Link(str(key), port, target) for port, target in targets.items()]
    return steps, links


def _apart(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """An action, and what nobody here knows of it: keys beside the known ones, links whose value is no step's id."""
    extra = {key: value for key, value in raw.items() if key not in ACTION_KEYS}
    links = raw.get("links")
    if not isinstance(links, Mapping):
        return raw, extra
    known = {port.key for port in action_kind(raw["type"]).ports({})} | {NEXT}
    own = raw["type"] not in ACTIONS  # what it links to nothing is a way too
    odd = {
        key: to
        for key, to in links.items()
        if not isinstance(to, str | int) and (to is not None if own else key not in known)
    }
    if not odd:
        return raw, extra
    kept = {key: to for key, to in links.items() if key not in odd}
    return {**raw, "links": kept}, {**extra, "links": odd}


def _ways(raw: Mapping[str, Any]) -> list[str]:
    """The names of all ways out of an action whose type nobody here knows, where they are more than “next”."""
    links = raw.get("links")
    if raw["type"] in ACTIONS or not isinstance(links, Mapping) or set(links) <= {NEXT}:
        return []
    return list(links)


def _object_or_none(definition: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = definition.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise _refuse("no-object", f"“{key}” is {_what(value)}, not an object.")
    return value


def _refuse(code: str, text: str, step: str | None = None) -> UnableToImport:
    return UnableToImport([Problem(code, text, step)])


def _what(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a yes or no", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), "something else")


def _look_through(document: Any) -> None:
    """Refuse what no database keeps: too many levels, broken characters. Level by level, without recursion."""
    level = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        if not below:
            break
        level = below
    else:
        raise _refuse("too-deep", "The file is nested too deeply to be a flow.")
    if (text := _broken_in(document)) is not None:
        shown = text.encode("ascii", "backslashreplace").decode()[:40]
        raise _refuse("bad-character", f"The text “{shown}” holds a character that cannot be kept.")


def _broken_in(document: Any) -> str | None:
    """The first text that cannot be kept; None where all can. Written as JSON, nearly every document shows at once that
    it holds none."""
    try:
        if b"\\u0000" not in to_json(document):
            return None
    except ValueError:  # half a character
        pass
    todo = [document]
    for one in todo:  # grows as it goes
        if isinstance(one, str) and _BROKEN.search(one):
            return one
        if isinstance(one, dict):
            todo += [*one, *one.values()]
        elif isinstance(one, list):
            todo += one
    return None
