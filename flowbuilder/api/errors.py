"""Every error of the API in one shape. settings.EXCEPTION_HANDLER points to `answer`.

    {"errors": [{"status": 422, "code": "required", "title": ..., "detail": ..., "source": {"pointer": "/workspace"}}]}

`code` is stable; `detail` is a sentence for people. `pointer` leads into what was sent, for the problems of a
flow into its create body; null where neither is meant.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.audit import record_refusal

logger = logging.getLogger("django.request")

NOT_YOURS = "There is nothing of yours here."
OURS = "Something went wrong on our side. It is written down for us."


class TooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"


class Refusal(exceptions.APIException):
    """What was asked makes sense but cannot be done; each error as (code, detail, pointer)."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: Iterable[tuple[str, str, str | None]]) -> None:
        self.errors = list(errors)
        super().__init__(" ".join(detail for _, detail, _ in self.errors))


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to any exception of a view."""
    known = _known(error)
    set_rollback()
    headers = {}
    if header := getattr(known, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(known, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if known.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        request = getattr(context.get("request"), "_request", None)
        got_request_exception.send(sender=answer, request=request)
        path = getattr(request, "path", "")
        logger.error("Internal Server Error: %s", path, exc_info=error)
    if known.status_code == HTTPStatus.FORBIDDEN and (
        asked := getattr(context.get("request"), "_request", None)
    ):
        record_refusal(asked, str(known.detail))
    errors = [describe(known.status_code, *one) for one in _errors(known)]
    return Response({"errors": errors}, status=known.status_code, headers=headers)


def describe(status: int, code: str, detail: str, pointer: str | None = None) -> dict[str, Any]:
    return {
        "status": int(status),
        "code": code.replace("_", "-"),
        "title": HTTPStatus(status).phrase,
        "detail": detail,
        "source": {"pointer": pointer},
    }


def _known(error: Exception) -> exceptions.APIException:
    """The exception as one of DRF's, with its status."""
    match error:
        case exceptions.ValidationError():
            error.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
            return error
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound(NOT_YOURS)
        case PermissionDenied():
            return exceptions.PermissionDenied(str(error) or None)
        case RequestDataTooBig():
            return TooLarge("What was sent is too large.")
        case SuspiciousOperation():
            return exceptions.ParseError("This request makes no sense.")
    return exceptions.APIException(OURS, "our-fault")


def _errors(error: exceptions.APIException) -> Iterator[tuple[str, str, str | None]]:
    if isinstance(error, Refusal):
        yield from error.errors
    elif isinstance(error, exceptions.ValidationError):
        yield from _fields(error.detail, "")
    else:
        yield str(error.detail.code), str(error.detail), None


def _fields(detail: Any, pointer: str) -> Iterator[tuple[str, str, str | None]]:
    """Each message of a serializer, with the pointer to the field that it speaks of."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            part = str(key).replace("~", "~0").replace("/", "~1")
            yield from _fields(inner, pointer if key == "non_field_errors" else f"{pointer}/{part}")
    elif isinstance(detail, list):
        messages = [one for one in detail if isinstance(one, exceptions.ErrorDetail)]
        yield from ((str(one.code), str(one), pointer) for one in messages)
        for index, inner in enumerate(detail):
            if not isinstance(inner, exceptions.ErrorDetail):
                yield from _fields(inner, f"{pointer}/{index}")
    else:
        yield getattr(detail, "code", "invalid"), str(detail), pointer
