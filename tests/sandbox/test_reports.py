"""The two reports on flows: as strict as the vendor's document, the same numbers in every run, none that contradict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.frames import days_of
from flowbuilder.sandbox.numbers import STATISTICS
from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import client, connect, definition, flow, mail

ALL = sorted(STATISTICS)
EXACT = {"recipients": 10, "delivered": 8, "opens_unique": 4, "clicks_unique": 2, "conversion_value": 30.5}
PATH = {"values": "/api/flow-values-reports", "series": "/api/flow-series-reports"}


def made(api: httpx.Client, sandbox: RunningSandbox, **numbers: Any) -> str:
    created = api.post("/api/flows", json=flow(definition(mail("a", "b"), mail("b"))))
    assert created.status_code == 201, created.text
    id = str(created.json()["data"]["id"])
    if numbers:
        sandbox.edit("flow", id, attributes={"numbers": numbers})
    return id


def placed_order(api: httpx.Client) -> str:
    found = api.get("/api/metrics", params={"filter": 'equals(integration.name,"Shopify")'}).json()["data"]
    return next(str(one["id"]) for one in found if one["attributes"]["name"] == "Placed Order")


def ask(api: httpx.Client, kind: str = "values", **given: Any) -> httpx.Response:
    attributes = {
        "statistics": ALL,
        "timeframe": {"key": "last_30_days"},
        "conversion_metric_id": placed_order(api),
        **({"interval": "daily"} if kind == "series" else {}),
        **given,
    }
    kept = {name: value for name, value in attributes.items() if value is not None}
    return api.post(PATH[kind], json={"data": {"type": f"flow-{kind}-report", "attributes": kept}})


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["attributes"]["results"]
    return found


def test_a_row_for_each_message_the_same_twice(api: httpx.Client, klaviyo: RunningSandbox) -> None:
    id = made(api, klaviyo)
    rows = results(ask(api, filter=f'equals(flow_id,"{id}")'))
    assert [row["groupings"]["send_channel"] for row in rows] == ["email", "email"]
    assert {row["groupings"]["flow_id"] for row in rows} == {id}
    assert len({row["groupings"]["flow_message_id"] for row in rows}) == 2
    assert rows == results(ask(api, filter=f'contains-any(flow_id,["{id}","NoSuch"])'))


def test_numbers_fit_together(api: httpx.Client, klaviyo: RunningSandbox) -> None:
    id = made(api, klaviyo)
    for row in results(ask(api, "series", filter=f'equals(flow_id,"{id}")')):
        days = [
            dict(zip(row["statistics"], one, strict=True))
            for one in zip(*row["statistics"].values(), strict=True)
        ]
        assert len(days) == 30
        for day in days:
            assert day["recipients"] >= day["delivered"] >= day["opens_unique"] >= day["clicks_unique"]
            assert (
                day["recipients"] - day["delivered"]
                == day["bounced_or_failed"]
                == day["bounced"] + day["failed"]
            )
            assert day["opens"] >= day["opens_unique"]
            assert day["conversions"] >= day["conversion_uniques"]
            assert day["delivered"] >= day["conversion_uniques"]
        assert sum(day["recipients"] for day in days) > 100


def test_a_series_sums_up_to_its_values(api: httpx.Client, klaviyo: RunningSandbox) -> None:
    id = made(api, klaviyo)
    given = {
        "filter": f'equals(flow_id,"{id}")',
        "timeframe": {"key": "last_7_days"},
        "statistics": ["recipients", "clicks"],
    }
    whole = [row["statistics"] for row in results(ask(api, **given))]
    for interval in ("hourly", "daily", "weekly", "monthly"):
        rows = results(ask(api, "series", interval=interval, **given))
        sums = [{name: sum(one) for name, one in row["statistics"].items()} for row in rows]
        assert sums == whole, interval


def test_counts_as_told_and_rates_worked_out(api: httpx.Client, klaviyo: RunningSandbox) -> None:
    id = made(api, klaviyo, exactly=EXACT)
    row, _ = results(ask(api, filter=f'equals(flow_id,"{id}")', timeframe={"key": "last_7_days"}))
    got = row["statistics"]
    assert (got["recipients"], got["delivered"], got["conversion_value"]) == (70, 56, 213.5)
    assert (got["open_rate"], got["click_rate"], got["delivery_rate"]) == (0.5, 0.25, 0.8)
    assert got["click_to_open_rate"] == 0.5
    assert got["revenue_per_recipient"] == 3.8125
    assert got["average_order_value"] == 0  # nothing to divide by


def test_numbers_that_are_late_and_numbers_that_still_grow(
    api: httpx.Client, klaviyo: RunningSandbox
) -> None:
    id = made(api, klaviyo, exactly=EXACT, silent=3)
    (row, _) = results(ask(api, "series", filter=f'equals(flow_id,"{id}")', timeframe={"key": "last_7_days"}))
    assert row["statistics"]["recipients"] == [10] * 4 + [0] * 3
    growing = made(api, klaviyo, daily=400)
    today = datetime.fromtimestamp(klaviyo.sandbox.store.now(), UTC).date() - timedelta(days=1)
    frame = {"start": f"{today}T00:00:00", "end": f"{today + timedelta(days=1)}T00:00:00"}
    early, *_ = results(ask(api, filter=f'equals(flow_id,"{growing}")', timeframe=frame))
    klaviyo.advance(10 * 86_400)
    later, *_ = results(ask(api, filter=f'equals(flow_id,"{growing}")', timeframe=frame))
    assert early["statistics"]["recipients"] == later["statistics"]["recipients"]
    assert early["statistics"]["opens_unique"] < later["statistics"]["opens_unique"]


def test_every_grouping(api: httpx.Client, klaviyo: RunningSandbox) -> None:
    id = made(api, klaviyo)
    tag = api.post("/api/tags", json={"data": {"type": "tag", "attributes": {"name": "Ours"}}}).json()[
        "data"
    ]["id"]
    api.post(f"/api/tags/{tag}/relationships/flows", json={"data": [{"type": "flow", "id": id}]})
    groups = [
        *(
            "flow_id",
            "flow_message_id",
            "flow_name",
            "flow_message_name",
            "send_channel",
            "tag_id",
            "tag_name",
        ),
        *("text_message_format", "variation", "variation_name"),
    ]
    row, _ = results(ask(api, group_by=groups, filter=f'contains-any(tag_id,["{tag}"])'))
    assert list(row["groupings"]) == groups
    assert (row["groupings"]["tag_name"], row["groupings"]["flow_message_name"]) == ("Ours", "a")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"statistics": []}, "statistics"),
        ({"statistics": ["opens", "happiness"]}, "statistics/1"),
        ({"statistics": None}, "statistics"),
        ({"timeframe": None}, "timeframe"),
        ({"timeframe": {"key": "last_5_days"}}, "timeframe/key"),
        ({"timeframe": {"key": "today", "start": "2026-01-01"}}, "timeframe"),
        ({"timeframe": {"start": "2026-01-01T00:00:00"}}, "timeframe"),
        ({"timeframe": {"start": "2026-02-01T00:00:00", "end": "2026-01-01T00:00:00"}}, "timeframe/start"),
        ({"timeframe": {"start": "2025-01-01T00:00:00", "end": "2026-02-01T00:00:00"}}, "timeframe"),
        ({"timeframe": {"start": "soon", "end": "2026-02-01T00:00:00"}}, "timeframe/start"),
        ({"conversion_metric_id": None}, "conversion_metric_id"),
        ({"conversion_metric_id": "NoSuch"}, "conversion_metric_id"),
        ({"group_by": ["flow_id"]}, "group_by"),
        ({"group_by": ["flow_id", "flow_message_id", "weather"]}, "group_by/weather"),
        ({"filter": "greater-than(flow_id,1)"}, "filter"),
        ({"filter": 'or(equals(flow_id,"A"),equals(flow_id,"B"))'}, "filter"),
        ({"filter": 'and(equals(flow_id,"A"),equals(flow_id,"B"))'}, "filter"),
        ({"filter": 'equals(tag_id,"A")'}, "filter"),
        ({"filter": 'contains-any(send_channel,["letter"])'}, "filter"),
        ({"filter": f"contains-any(flow_id,{[str(n) for n in range(101)]})".replace("'", '"')}, "filter"),
        ({"colour": "red"}, "colour"),
        ({"interval": "daily"}, "interval"),  # of a series only
    ],
)  # fmt: skip
def test_what_values_refuse(api: httpx.Client, given: Any, pointer: str) -> None:
    answer = ask(api, **given)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"]["pointer"] == f"/data/attributes/{pointer}"


@pytest.mark.parametrize(
    ("interval", "key", "status"),
    [
        *(("hourly", key, status) for key, status in (("last_7_days", 200), ("last_30_days", 400))),
        *(("daily", key, status) for key, status in (("last_30_days", 200), ("last_90_days", 400))),
        *(("weekly", key, status) for key, status in (("last_90_days", 200), ("last_365_days", 200))),
        *(("monthly", key, status) for key, status in (("last_3_months", 200), ("last_365_days", 400))),
        ("yearly", "last_30_days", 400),
        (None, "last_30_days", 400),
    ],
)
def test_which_interval_fits_which_time_frame(
    api: httpx.Client, interval: str | None, key: str, status: int
) -> None:
    assert ask(api, "series", interval=interval, timeframe={"key": key}).status_code == status


def test_named_time_frames() -> None:
    friday = date(2026, 3, 20)
    spans = {
        "today": ("2026-03-20", "2026-03-20"),
        "yesterday": ("2026-03-19", "2026-03-19"),
        "this_week": ("2026-03-16", "2026-03-20"),
        "last_week": ("2026-03-09", "2026-03-15"),
        "this_month": ("2026-03-01", "2026-03-20"),
        "last_month": ("2026-02-01", "2026-02-28"),
        "this_year": ("2026-01-01", "2026-03-20"),
        "last_year": ("2025-01-01", "2025-12-31"),
        "last_7_days": ("2026-03-14", "2026-03-20"),
        "last_3_months": ("2025-12-21", "2026-03-20"),
        "last_12_months": ("2025-03-21", "2026-03-20"),
    }
    found = {key: tuple(day.isoformat() for day in days_of(key, friday)) for key in spans}
    assert found == spans


def test_pages_of_rows(api: httpx.Client, klaviyo: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowbuilder.sandbox.reports.PAGE", 1)
    id = made(api, klaviyo)
    first = ask(api, filter=f'equals(flow_id,"{id}")')
    assert len(results(first)) == 1
    following = first.json()["links"]["next"]
    body = {
        "statistics": ["recipients"],
        "timeframe": {"key": "last_7_days"},
        "conversion_metric_id": placed_order(api),
        "filter": f'equals(flow_id,"{id}")',
    }
    second = api.post(following, json={"data": {"type": "flow-values-report", "attributes": body}})
    assert len(results(second)) == 1
    assert "next" not in second.json()["links"]


@pytest.fixture(scope="module")
def limited() -> Iterator[RunningSandbox]:
    with RunningSandbox(limits=True) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", PATH)
def test_two_a_minute_and_225_a_day(limited: RunningSandbox, kind: str) -> None:
    limited.reset()
    with client(limited) as api:
        first = ask(api, kind)
        assert first.headers["ratelimit-limit"] == "1, 1;w=1, 2;w=60, 225;w=86400"
        assert ask(api, kind).status_code == 429
        limited.advance(1)
        assert ask(api, kind).status_code == 200
        limited.advance(1)
        assert ask(api, kind).status_code == 429
        for _ in range(223):
            limited.advance(60)
            assert api.post(PATH[kind], json={}).status_code == 400
        limited.advance(60)
        refused = ask(api, kind)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 3600


def test_it_takes_the_scope(klaviyo: RunningSandbox) -> None:
    token = connect(klaviyo, scope="accounts:read metrics:read")["access_token"]
    with client(klaviyo, token=token) as api:
        assert ask(api).status_code == 403
