"""Settings as they are stored -> everything that is wrong with them, and the typed model, if they make one.

    examine(TimeDelay, {"unit": "hours", "value": 1}, defaults).findings
    model_of(TimeDelay, {"unit": "hours", "value": 1}, defaults)

The same settings are read again and again (cards, problems, versions, accounts): both answers are kept, by value. They
are shared, so nobody may change them. A check needs no models, and lets go of them: they are most of the memory.

Questions (`$ask`) stand for their default; without one they are taken on trust until an account answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import Place, fill, find_open, is_open, part_of, set_at
from flowbuilder.kinds.base import Finding, Kind

_WORDS = {
    "missing": "“{name}” is missing.",
    "extra_forbidden": "Klaviyo knows no setting “{name}” here.",
    "string_type": "“{name}” must be a text.",
    "int_type": "“{name}” must be a whole number.",
    "float_type": "“{name}” must be a number.",
    "bool_type": "“{name}” must be yes or no.",
    "list_type": "“{name}” must be a list.",
    "literal_error": "“{input}” is not one of the choices for “{name}”: {expected}.",
}


class Reading(NamedTuple):
    """`asks` and `contents` are the places that are open in the settings."""

    findings: tuple[Finding, ...] = ()
    asks: tuple[Place, ...] = ()
    contents: tuple[Place, ...] = ()


SOUND = Reading()
NOTHING = b"{}"


def examine(kind: type[Kind], config: Config, defaults: Mapping[str, Any]) -> Reading:
    """Everything that is wrong with settings."""
    try:
        text = to_json(config)
    except ValueError:  # a text that no JSON can hold
        return _look(kind, config, defaults)[1]
    return _reading(kind, text, _asked(text, defaults) if defaults else NOTHING)


def model_of(kind: type[Kind], config: Config, defaults: Mapping[str, Any]) -> Kind | None:
    """The settings typed; None where they do not make a model."""
    try:
        text = to_json(config)
    except ValueError:
        return _look(kind, config, defaults)[0]
    return _model(kind, text, _asked(text, defaults) if defaults else NOTHING)


def _asked(config: bytes, defaults: Mapping[str, Any]) -> bytes:
    """The defaults, where they can matter."""
    return to_json(defaults) if is_open(config) else NOTHING


@lru_cache(maxsize=4096)
def _reading(kind: type[Kind], config: bytes, defaults: bytes) -> Reading:
    if (model := _at_once(kind, config)) is None:
        return _look(kind, from_json(config), from_json(defaults))[1]
    found = model.findings()
    return Reading(tuple(found)) if found else SOUND


@lru_cache(maxsize=4096)
def _model(kind: type[Kind], config: bytes, defaults: bytes) -> Kind | None:
    return _at_once(kind, config) or _look(kind, from_json(config), from_json(defaults))[0]


def _at_once(kind: type[Kind], config: bytes) -> Kind | None:
    """The model, where nothing is open and every setting fits: nearly always."""
    if is_open(config):
        return None
    try:
        return kind.__pydantic_validator__.validate_json(config)  # type: ignore[no-any-return]
    except ValidationError:
        return None


def forget() -> None:
    """Let go of what was read: for measuring."""
    _reading.cache_clear()
    _model.cache_clear()


def _look(kind: type[Kind], config: Config, defaults: Mapping[str, Any]) -> tuple[Kind | None, Reading]:
    """Settings in which something is open or wrong."""
    asks, written = find_open(config)
    asked, contents = [path for path, _, _ in asks], [path for path, _, _ in written]
    open_paths = asked + [path for path in contents if path[-1:] == ("template_id",)]
    filled: Any = config
    if asks or written:
        filled = fill(
            config,
            answer=lambda key, part: part_of(defaults.get(key), part),
            content=lambda key: f"content-{key}",
        )
    text = "Content that is written here can only be an email's."
    findings = [Finding("misplaced-content", text, path) for path in contents if path not in open_paths]
    try:
        model = kind.model_validate(filled)
    except ValidationError as error:
        pruned = filled
        for one in error.errors(include_url=False):
            path = _path_in(filled, one["loc"])
            if one["type"] == "extra_forbidden":
                pruned = _without(pruned, path)
            elif any(path[: len(trusted)] == trusted for trusted in open_paths):
                continue
            findings.append(Finding(one["type"].replace("_", "-"), _sentence(dict(one), path), path))
        try:
            model = kind.model_validate(pruned)
        except ValidationError:
            return None, Reading(tuple(findings), tuple(asks), tuple(written))
    findings += [one for one in model.findings() if one.path not in asked]
    return model, Reading(tuple(findings), tuple(asks), tuple(written))


def _path_in(value: Any, loc: tuple[str | int, ...]) -> Path:
    """The path of a pydantic error in the settings themselves, without the names of union members."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif (
            index == len(loc) - 1 and isinstance(value, Mapping) and isinstance(step, str) and step.islower()
        ):
            path.append(step)  # the setting that is missing
            break
        else:
            continue
        path.append(step)
    return tuple(path)


def _without(value: Any, path: Path) -> Any:
    if len(path) == 1 and isinstance(value, Mapping):
        return {key: child for key, child in value.items() if key != path[0]}
    if path and isinstance(value, Mapping):
        return set_at(value, path[:1], _without(value.get(path[0]), path[1:]))
    if path and isinstance(value, list) and isinstance(path[0], int):
        return [_without(child, path[1:]) if index == path[0] else child for index, child in enumerate(value)]
    return value


def _sentence(error: dict[str, Any], path: Path) -> str:
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "settings").replace("_", " ")
    context = error.get("ctx", {})
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        what = error["input"].get("type") if isinstance(error["input"], Mapping) else error["input"]
        return f"“{what}” with these settings is nothing that Klaviyo knows for “{name}”."
    words = _WORDS.get(error["type"])
    if words:
        return words.format(name=name, input=error["input"], expected=context.get("expected", ""))
    if error["type"] == "value_error":
        text = str(context.get("error", error["msg"]))
        return f"{text[:1].upper()}{text[1:]}."
    return f"“{name}”: {error['msg'][:1].lower()}{error['msg'][1:]}."
