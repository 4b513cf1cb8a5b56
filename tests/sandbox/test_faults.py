"""Every kind of fault as a client sees it, and whether the flow was created all the same."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import client, definition, flow, renew

BODY = flow(definition(), "Under fault")


def created(klaviyo: RunningSandbox) -> int:
    return [item["name"] for item in klaviyo.flows()].count("Under fault")


@pytest.mark.parametrize(
    ("kind", "effects"), [("status", 0), ("after_status", 1), ("html", 0), ("after_html", 1)]
)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 524, 401])
def test_a_status_in_place_of_the_answer(
    klaviyo: RunningSandbox, api: httpx.Client, kind: str, effects: int, status: int
) -> None:
    klaviyo.fault(kind, "POST", "/api/flows", status=status, retry_after=7)
    answer = api.post("/api/flows", json=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert ("text/html" in answer.headers["content-type"]) == ("html" in kind)
    assert created(klaviyo) == effects
    assert api.post("/api/flows", json=BODY).status_code == 201  # a fault happens once


@pytest.mark.parametrize(("kind", "effects"), [("reset", 0), ("after_reset", 1)])
def test_a_reset(klaviyo: RunningSandbox, api: httpx.Client, kind: str, effects: int) -> None:
    klaviyo.fault(kind, "POST", "/api/flows")
    with pytest.raises(httpx.ReadError):  # RST, not an orderly end
        api.post("/api/flows", json=BODY)
    assert created(klaviyo) == effects


@pytest.mark.parametrize(("kind", "effects"), [("timeout", 0), ("after_timeout", 1)])
def test_a_timeout(klaviyo: RunningSandbox, api: httpx.Client, kind: str, effects: int) -> None:
    klaviyo.fault(kind, "POST", "/api/flows", delay=0.4)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/api/flows", json=BODY, timeout=0.2)
    assert created(klaviyo) == effects
    klaviyo.fault(kind, "POST", "/api/flows", delay=0.05)
    with pytest.raises(httpx.RemoteProtocolError):  # hangs up without an answer
        api.post("/api/flows", json=BODY)


def test_a_late_effect_comes_after_the_client_gave_up(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("late", "POST", "/api/flows", delay=0.4)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/api/flows", json=BODY, timeout=0.1)
    assert created(klaviyo) == 0
    deadline = time.monotonic() + 3
    while created(klaviyo) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert created(klaviyo) == 1


def test_a_slow_answer_has_its_effect_at_once(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("slow", "POST", "/api/flows", delay=0.4)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/api/flows", json=BODY, timeout=0.2)
    assert created(klaviyo) == 1


def test_a_truncated_body(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("truncate", "POST", "/api/flows")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("/api/flows", json=BODY)
    assert created(klaviyo) == 1


def test_bad_json_and_a_missing_id(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("bad_json", "POST", "/api/flows")
    spoilt = api.post("/api/flows", json=BODY)
    assert spoilt.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        spoilt.json()
    klaviyo.fault("no_id", "POST", "/api/flows")
    nameless = api.post("/api/flows", json=BODY)
    assert nameless.status_code == 201
    assert "id" not in nameless.json()["data"]
    assert created(klaviyo) == 2


def test_a_drip_defeats_a_read_timeout(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("drip", "GET", "/api/accounts", delay=0.002)
    started = time.monotonic()
    assert api.get("/api/accounts", timeout=0.2).status_code == 200
    assert time.monotonic() - started > 0.8


def test_faults_choose_by_path_account_and_number(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("status", "GET", "/api/metrics*", times=2, account=klaviyo.account("kettle"), status=429)
    with client(klaviyo, "kettle") as other:
        assert api.get("/api/metrics").status_code == 200
        assert other.get("/api/lists").status_code == 200
        throttled = other.get("/api/metrics")
        assert throttled.status_code == 429
        assert "retry-after" not in throttled.headers
        assert klaviyo.control("GET", "faults")["faults"][0]["times"] == 1
        assert [other.get("/api/metrics/Zzzzzz").status_code for _ in range(2)] == [429, 404]
    klaviyo.fault("status", times=5)
    klaviyo.clear_faults()
    assert api.get("/api/metrics").status_code == 200


def test_faults_reach_the_token_endpoint(klaviyo: RunningSandbox) -> None:
    klaviyo.fault("status", "POST", "/oauth/token", status=503)
    assert renew(klaviyo, "anything").status_code == 503


def test_absurd_retry_after_is_passed_on(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("status", status=429, retry_after="soon")
    assert api.get("/api/accounts").headers["retry-after"] == "soon"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"kind": "explode"},
        {"kind": "status", "times": 0},
        {"kind": "status", "match": {"x": 1}},
        {"x": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(klaviyo: RunningSandbox, body: object) -> None:
    with pytest.raises(ValueError, match=r"fault|match|kind|times"):
        klaviyo.control("POST", "faults", body)


def test_the_log_says_what_happened(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.fault("reset", "GET", "/api/lists")
    with pytest.raises(httpx.ReadError):
        api.get("/api/lists")
    api.get("/api/lists", params={"sort": "name"})
    first, second = klaviyo.requests()
    assert (first["status"], first["fault"], first["account"]) == (None, "reset", "UpK3sZ")
    assert (second["method"], second["path"], second["query"], second["status"]) == (
        "GET",
        "/api/lists",
        "sort=name",
        200,
    )
    assert klaviyo.control("DELETE", "requests") == {"requests": []}


def test_many_threads_at_once(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    barrier = threading.Barrier(8)

    def create(number: int) -> str:
        barrier.wait()
        answer = api.post("/api/flows", json=BODY)
        assert answer.status_code == 201
        id: str = answer.json()["data"]["id"]
        return id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(create, range(8)))
    assert len(set(ids)) == created(klaviyo) == 8
