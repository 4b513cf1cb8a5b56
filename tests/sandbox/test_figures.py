"""Metric aggregates and counts of profiles: as strict as the real ones, within limits of their own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox

HEADERS = {"Authorization": "Klaviyo-API-Key pk_sandbox_harbour", "revision": "2026-10-15"}
RANGE = ["greater-or-equal(datetime,2026-10-01T00:00:00)", "less-than(datetime,2026-10-08T00:00:00)"]


def query(sandbox: RunningSandbox, **attributes: Any) -> httpx.Response:
    given = {"metric_id": "UpixsZ", "measurements": ["count"], "filter": RANGE, **attributes}
    data = {
        "type": "metric-aggregate",
        "attributes": {key: one for key, one in given.items() if one is not None},
    }
    return httpx.post(f"{sandbox.url}/api/metric-aggregates", headers=HEADERS, json={"data": data})


@pytest.fixture(scope="module")
def sandbox():
    with RunningSandbox() as running:
        yield running


def test_a_week_has_seven_days(sandbox):
    attributes = query(sandbox).json()["data"]["attributes"]
    assert len(attributes["dates"]) == 7
    assert attributes["data"] == [{"dimensions": [], "measurements": {"count": [40.0] * 7}}]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"metric_id": "NoSuch"}, 404),
        ({"measurements": []}, 400),
        ({"measurements": ["events"]}, 400),
        ({"interval": "minute"}, 400),
        ({"filter": None}, 400),
        ({"filter": RANGE[:1]}, 400),
        ({"filter": [*RANGE[:1], "less-than(datetime,2028-10-08T00:00:00)"]}, 400),
        ({"filter": ["equals(name,1)"]}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_what_it_refuses(sandbox, given, status):
    assert query(sandbox, **given).status_code == status


def test_profiles_are_counted_when_asked_for_and_seldom(tmp_path):
    with RunningSandbox(limits=True) as sandbox:
        one = sandbox.sandbox.store.all("list", "UpK3sZ")[0]
        url = f"{sandbox.url}/api/lists/{one.id}"
        plain = httpx.get(url, headers=HEADERS)
        assert "profile_count" not in plain.json()["data"]["attributes"]
        assert plain.headers["ratelimit-limit"].endswith("75;w=1, 750;w=60")
        asked = {"additional-fields[list]": "profile_count"}
        counted = httpx.get(url, headers=HEADERS, params=asked)
        assert counted.json()["data"]["attributes"]["profile_count"] == 8_412
        assert counted.headers["ratelimit-limit"].endswith("1;w=1, 15;w=60")
        codes = [httpx.get(url, headers=HEADERS, params=asked).status_code for _ in range(3)]
        assert 429 in codes
        wrong = httpx.get(url, headers=HEADERS, params={"additional-fields[list]": "profiles"})
        assert wrong.status_code in (400, 429)


def test_a_person_of_the_account_may_map_another_metric(sandbox):
    add = sandbox.sandbox.store.add
    made = add(
        "metric",
        "UpK3sZ",
        {"name": "Order Paid", "integration": {"name": "API", "category": "API"}, "mapped_as": ["revenue"]},
    )
    found = httpx.get(f"{sandbox.url}/api/mapped-metrics", headers=HEADERS).json()["data"]
    roles = {one["id"]: one["relationships"]["metric"].get("data", {}).get("id") for one in found}
    assert roles["revenue"] == made.id
    assert roles["started_checkout"] == "UpixsZ"
