"""Errors read from any junk, and exceptions that survive a pickle (a worker may hand them on)."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from accounts.klaviyo import errors
from accounts.klaviyo.errors import ApiError, KlaviyoError, parse_errors


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"x"',
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"errors": null}',
        b'{"errors": {}}',
        b'{"errors": [null, 7, "x", []]}',
        b'{"error": {"a": 1}}',
    ],
)
def test_junk_explains_nothing(body: bytes) -> None:
    assert parse_errors(body, 400) == ()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, ApiError(400)),
        ({"status": "422", "code": 7, "title": None, "detail": [], "source": "x"}, ApiError(400)),
        ({"status": True, "source": {"pointer": 7}}, ApiError(400)),
        ({"status": 422, "detail": "x" * 600}, ApiError(422, detail="x" * 500)),
        (
            {"source": {"pointer": "/data/", "parameter": "sort"}},
            ApiError(400, pointer="/data/", parameter="sort"),
        ),
    ],
)
def test_an_odd_entry_is_read_as_far_as_it_goes(entry: Any, expected: ApiError) -> None:
    assert parse_errors(json.dumps({"errors": [entry, 7]}).encode(), 400) == (expected,)


def test_the_sentence_names_three_and_counts_the_rest() -> None:
    found = tuple(ApiError(400, detail=f"Problem {n}.") for n in range(5))
    sentence = str(errors.refusal(400, found, None))
    assert sentence.endswith("(400): Problem 0; Problem 1; Problem 2 (and 2 more).")


def every_class(root: type[KlaviyoError]) -> list[type[KlaviyoError]]:
    return [root] + [found for child in root.__subclasses__() for found in every_class(child)]


@pytest.mark.parametrize("kind", every_class(KlaviyoError))
def test_an_exception_survives_a_pickle_and_stands_in_the_drawing(kind: type[KlaviyoError]) -> None:
    error = kind("It went wrong.", status=400, request_id="r-1")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))
    assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")


def test_only_what_surely_did_nothing_may_be_repeated() -> None:
    repeatable = {kind for kind in every_class(KlaviyoError) if kind.is_safe_to_repeat}
    assert repeatable == {errors.NotSent, errors.Throttled}
