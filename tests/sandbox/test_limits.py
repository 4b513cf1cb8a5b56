"""Fixed windows for each app, account and endpoint, and how they show."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator
from math import ceil

import pytest

from flowbuilder.sandbox.options import add_arguments, from_arguments
from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import PLAIN, client, connect, definition, flow


@pytest.fixture(scope="module")
def _limited() -> Iterator[RunningSandbox]:
    with RunningSandbox(limits=True) as sandbox:
        yield sandbox


@pytest.fixture
def limited(_limited: RunningSandbox) -> RunningSandbox:
    _limited.reset()
    return _limited


def test_headers_of_a_request_that_is_let_through(limited: RunningSandbox) -> None:
    with client(limited) as api:
        created = api.post("/api/flows", json=flow(definition()))
        listed = api.get("/api/flows")
    assert created.status_code == 201
    assert created.headers["ratelimit-limit"] == "1, 1;w=1, 15;w=60, 100;w=86400"
    assert (created.headers["ratelimit-remaining"], created.headers["ratelimit-reset"]) == ("0", "0")
    assert listed.headers["ratelimit-limit"] == "3, 3;w=1, 60;w=60"
    assert listed.headers["ratelimit-remaining"] == "2"


def test_429_has_retry_after_and_no_other_header(limited: RunningSandbox) -> None:
    with client(limited) as api:
        api.get("/api/accounts")
        refused = api.get("/api/accounts")
    assert refused.status_code == 429
    assert not [name for name in refused.headers if name.startswith("ratelimit")]
    assert refused.headers["retry-after"] == "1"
    error = refused.json()["errors"][0]
    assert error["code"] == "throttled"
    assert error["status"] == 429
    assert error["detail"] == "Request was throttled. Expected available in 1 second."


def test_a_refused_request_does_not_count_but_a_bad_one_does(limited: RunningSandbox) -> None:
    with client(limited) as api:
        for _ in range(15):
            assert api.post("/api/flows", json={}).status_code == 400
            assert api.post("/api/flows", json={}).status_code == 429
            limited.advance(1)
        refused = api.post("/api/flows", json=flow(definition()))
        assert refused.status_code == 429
        assert 40 < int(refused.headers["retry-after"]) <= 60
        limited.advance(60)
        assert api.post("/api/flows", json=flow(definition())).status_code == 201


def test_the_daily_hundred_is_a_wait_of_hours(limited: RunningSandbox) -> None:
    with client(limited) as api:
        for _ in range(100):
            assert api.post("/api/flows", json={}).status_code == 400
            limited.advance(60)
        refused = api.post("/api/flows", json=flow(definition()))
        assert refused.status_code == 429
        assert 20 * 3600 < int(refused.headers["retry-after"]) <= 86_400
        assert api.get("/api/flows").status_code == 200  # another endpoint has its own windows
        limited.advance(86_400)
        assert api.post("/api/flows", json=flow(definition())).status_code == 201


def test_apps_and_accounts_do_not_share(limited: RunningSandbox) -> None:
    token = connect(limited)["access_token"]
    clients = [client(limited), client(limited, "kettle"), client(limited, token=token)]
    assert [api.get("/api/accounts").status_code for api in clients] == [200, 200, 200]
    assert [api.get("/api/accounts").status_code for api in clients] == [429, 429, 429]
    for api in clients:
        api.close()


def test_what_does_not_pass_the_door_does_not_count(limited: RunningSandbox) -> None:
    for headers in ({}, {"authorization": "Bearer nobody"}):
        assert PLAIN.get(f"{limited.url}/api/accounts", headers=headers).status_code == 401
    with client(limited) as api:
        assert api.get("/api/accounts").status_code == 200


@pytest.mark.parametrize("speed", [4, 0.25])
def test_a_clock_that_hurries_or_takes_its_time(speed: float) -> None:
    """Whoever is told to wait is told in its own seconds; a window is announced in Klaviyo's."""
    time = [1000.0]
    with RunningSandbox(limits=True, speed=speed, clock=lambda: time[0]) as slow, client(slow) as api:
        first = api.get("/api/accounts")
        assert first.headers["ratelimit-limit"] == "1, 1;w=1, 15;w=60"
        assert first.headers["ratelimit-reset"] == "0"
        assert api.get("/api/accounts").headers["retry-after"] == str(ceil(1 / speed))
        time[0] += 0.9 / speed
        assert api.get("/api/accounts").status_code == 429
        time[0] += 0.2 / speed
        assert api.get("/api/accounts").status_code == 200


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast"])
def test_a_clock_goes_forward(speed: str) -> None:
    parser = ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    with pytest.raises(ArgumentError):
        parser.parse_args(["--speed", speed])
    assert from_arguments(vars(parser.parse_args(["--speed", "0.25"]))).speed == 0.25
