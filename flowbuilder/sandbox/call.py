"""One API request as a handler sees it, and the answer it gives back.

Used by the server (which builds it) and by every handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, Problem, bad_parameter
from .options import Options
from .store import Store


@dataclass(frozen=True)
class Call:
    store: Store
    options: Options
    account: str
    app: str
    method: str
    path: str
    base: str  # scheme and host, e.g. http://127.0.0.1:8010
    query: Mapping[str, str]
    body: Any = None

    def url(self, path: str) -> str:
        return f"{self.base}{path}"

    def listed(self, name: str, allowed: set[str]) -> set[str]:
        """A comma-separated parameter such as `include`, checked against what is allowed."""
        asked = [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]
        for part in asked:
            if part not in allowed:
                known = ", ".join(sorted(allowed)) or "none"
                raise bad_parameter(name, f"'{part}' is not an allowed value of '{name}'. Allowed: {known}.")
        return set(asked)

    def resource(
        self,
        kind: str,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        *,
        id: str | None = None,
        needs_id: bool = False,
        relationships: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The attributes of the body's `data`, after a strict look at its keys, type and id.

        `id` is the id in the path, which the body has to repeat.
        """
        data = self.body.get("data") if isinstance(self.body, dict) else None
        if not isinstance(data, dict):
            raise ApiError(Problem("The body must be an object with a 'data' object.", "/data"))
        problems = unknown_keys(self.body, {"data"}, kind, "")
        with_id = needs_id or id is not None
        members = {"type", "attributes"} | ({"id"} if with_id else set())
        members |= {"relationships"} if relationships else set()
        problems += unknown_keys(data, members, kind, "/data")
        if data.get("type") != kind:
            problems.append(Problem(f"'type' must be '{kind}'.", "/data/type"))
        if with_id and not isinstance(data.get("id"), str):
            problems.append(Problem("'id' is a required field and must be a string.", "/data/id"))
        elif id is not None and data["id"] != id:
            problems.append(Problem("'id' must be the id in the path.", "/data/id"))
        attributes = data.get("attributes", {} if not required else None)
        if not isinstance(attributes, dict):
            problems.append(
                Problem(f"'attributes' is required for the resource '{kind}'.", "/data/attributes")
            )
            raise ApiError(*problems)
        problems += unknown_keys(attributes, {*required, *optional}, kind, "/data/attributes")
        for name in required:
            if name not in attributes:
                detail = f"'{name}' is a required field for the resource '{kind}'."
                problems.append(Problem(detail, f"/data/attributes/{name}"))
        if problems:
            raise ApiError(*problems)
        return attributes


def unknown_keys(given: Mapping[str, Any], known: set[str], kind: str, pointer: str) -> list[Problem]:
    text = "'{}' is not a valid field for the resource '{}'."
    return [Problem(text.format(key, kind), f"{pointer}/{key}") for key in given if key not in known]


@dataclass
class Reply:
    status: int = 200
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)
