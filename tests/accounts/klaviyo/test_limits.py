"""The table of limits and what the headers say, including absurd Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.klaviyo.limits import Limits, Window, limits_for, parse_windows, retry_after

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("1.2", 2),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 30, 86_400),
        ("9" * 5000, 86_400),
        (None, 60),
        ("", 60),
        ("-5", 60),
        ("soon", 60),
        ("nan", 60),
        ("inf", 60),
        ("1e9", 60),
        ("٣", 60),
        ("7, 8", 60),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 1),
        ("Sat, 21 Nov 2026 12:00:30 -0000", 30),
        ("Mon, 21 Nov 2050 12:00:00 GMT", 86_400),
        ("Sat, 99 Nov 2026 12:00:00 GMT", 60),
        ("Sat, 21 Nov 999999 12:00:00 GMT", 60),
    ],
)
def test_retry_after(header: str | None, seconds: int) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("header", "windows"),
    [
        ("1, 1;w=1, 15;w=60, 100;w=86400", [(1, 1), (15, 60), (100, 86400)]),
        ("60;w=60, 3; w=1", [(3, 1), (60, 60)]),
        ("75", []),
        ("", []),
        (None, []),
        ("-1;w=1, x;w=2, 3;w=-1, 4;w=0, 5;w=1.5, 6;w=6", [(6, 6)]),
        ("9" * 5000 + ";w=1", []),
    ],
)
def test_the_windows_a_header_announces(header: str | None, windows: list[tuple[int, int]]) -> None:
    assert parse_windows(header) == tuple(Window(*window) for window in windows)


@pytest.mark.parametrize(
    ("method", "path", "limits"),
    [
        ("POST", "/api/flows", ("POST /api/flows", 1, 15, 100)),
        ("post", "/api/flows/", ("POST /api/flows", 1, 15, 100)),
        ("GET", "/api/flows?filter=equals(name,%22a/b%22)", ("GET /api/flows", 3, 60, None)),
        ("GET", "/api/flows/AbCdEf", ("GET /api/flows/{id}", 3, 60, None)),
        ("GET", "/api/metrics/AbCdEf/flow-triggers", ("GET /api/metrics/{id}/flow-triggers", 10, 150, None)),
        ("POST", "/api/template-clone", ("POST /api/template-clone", 75, 750, None)),
        ("POST", "/api/flow-values-reports", ("POST /api/flow-values-reports", 1, 2, 225)),
        ("GET", "/api/coupons/7/codes", ("GET /api/coupons", 1, 15, None)),
    ],
)
def test_limits_for(method: str, path: str, limits: tuple[str, int, int, int | None]) -> None:
    assert limits_for(method, path) == Limits(*limits)


def test_every_call_the_client_makes_has_its_own_row() -> None:
    from tests.accounts.klaviyo.test_client import REQUESTS

    by_the_publisher = ("DELETE /api/flows/XyZ123", "POST /api/flow-actions", "DELETE /api/flow-actions/12")
    for line in (*(sent[2] for sent in REQUESTS.values()), "PATCH /api/flow-actions/12", *by_the_publisher):
        method, path = line.split(" ")
        assert limits_for(method, path).endpoint.count("/") == path.count("/"), line


def test_a_count_of_profiles_has_limits_of_its_own():
    assert limits_for("GET", "/api/lists/Y6nRLr").steady == 750
    counted = limits_for("GET", "/api/lists/Y6nRLr?additional-fields[list]=profile_count")
    assert counted == Limits("GET /api/lists/{id}?profile_count", 1, 15)
    assert limits_for("GET", "/api/nothing?profile_count").endpoint == "GET /api/nothing"
