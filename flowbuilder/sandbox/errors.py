"""JSON:API errors as values, and the exception that carries them out of a handler.

Used by every room of the sandbox. Shapes: developers.klaviyo.com, "Rate limits, status codes, and errors".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

TITLES = {
    "invalid": "Invalid input.",
    "not_found": "Not found.",
    "authentication_failed": "Incorrect authentication credentials.",
    "not_authenticated": "Authentication credentials were not provided.",
    "permission_denied": "You do not have permission to perform this action.",
    "method_not_allowed": "Method not allowed.",
    "conflict": "Conflict.",
    "gone": "Gone.",
    "payload_too_large": "Payload too large.",
    "unsupported_media_type": "Unsupported media type.",
    "throttled": "Request was throttled.",
    "error": "A server error occurred.",
}


@dataclass(frozen=True)
class Problem:
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    code: str = "invalid"
    status: int = 400
    title: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        source = {"parameter": self.parameter} if self.parameter else {"pointer": self.pointer or "/data/"}
        return {
            "id": str(uuid4()),
            "status": self.status,
            "code": self.code,
            "title": self.title or TITLES.get(self.code, self.detail),
            "detail": self.detail,
            "source": source,
            "links": {},
            "meta": self.meta,
        }


class ApiError(Exception):
    """Ends a request with one or several problems; the first decides the status."""

    def __init__(self, *problems: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__("; ".join(p.detail for p in problems))
        self.problems = problems
        self.headers = headers or {}

    @property
    def status(self) -> int:
        return self.problems[0].status

    def document(self) -> dict[str, Any]:
        return {"errors": [p.document() for p in self.problems]}


def invalid(detail: str, pointer: str = "/data/") -> ApiError:
    return ApiError(Problem(detail, pointer))


def bad_parameter(name: str, detail: str) -> ApiError:
    return ApiError(Problem(detail, parameter=name))


def not_found(what: str, id: str) -> ApiError:
    return ApiError(Problem(f"{what} with id '{id}' does not exist.", code="not_found", status=404))


def unauthenticated() -> ApiError:
    text = TITLES["authentication_failed"]
    return ApiError(Problem(text, code="authentication_failed", status=401, title=text))


def conflict(detail: str, pointer: str = "/data/") -> ApiError:
    return ApiError(Problem(detail, pointer, code="conflict", status=409))
