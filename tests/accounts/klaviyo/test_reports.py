"""Reports on flows as the pretend Klaviyo answers them; strange answers are Unknown, and never a number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.auth import ApiKey
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import NotAllowed, Refused, Unknown
from accounts.klaviyo.limits import limits_for
from accounts.klaviyo.reports import GROUPS, KEYS, Page, Query, app_metrics, flow_report
from flowbuilder.definition.performing import RATES, STATISTICS, rate
from flowbuilder.sandbox.numbers import STATISTICS as PLAYED
from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import definition, flow, mail

WEEK = {"key": "last_7_days"}


@pytest.fixture(scope="module")
def sandbox():
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def klaviyo(sandbox) -> Klaviyo:
    sandbox.reset()
    return Klaviyo(sandbox.url, ApiKey(sandbox.api_key()), "2026-10-15")


@pytest.fixture
def order(klaviyo) -> str:
    return next(one.id for one in klaviyo.list_metrics("Shopify") if one.name == "Placed Order")


def landed(klaviyo: Klaviyo) -> str:
    return klaviyo.create_flow(flow(definition(mail("a", "b"), mail("b")))).id


def test_the_same_statistics_as_the_pretend_one_has():
    assert set(STATISTICS) == PLAYED


def test_values_and_a_series(klaviyo, order):
    id = landed(klaviyo)
    values = flow_report(klaviyo, Query([id], list(STATISTICS), WEEK, order))
    assert [row.groupings["flow_id"] for row in values.rows] == [id, id]
    assert values.following == ""
    for row in values.rows:  # our own arithmetic is Klaviyo's
        for name in RATES:
            assert (rate(row.statistics, name) or 0) == pytest.approx(row.statistics[name], abs=1e-5), name
    series = flow_report(klaviyo, Query([id], ["recipients"], WEEK, order, interval="daily"))
    assert len(series.rows) == 14
    assert sum(row.statistics["recipients"] for row in series.rows) == sum(
        row.statistics["recipients"] for row in values.rows
    )
    assert all(isinstance(row.at, datetime) for row in series.rows)


def test_page_by_page(klaviyo, order, monkeypatch):
    monkeypatch.setattr("flowbuilder.sandbox.reports.PAGE", 1)
    query = Query([landed(klaviyo)], ["recipients"], WEEK, order)
    first = flow_report(klaviyo, query)
    second = flow_report(klaviyo, query, first.following)
    assert first.following
    assert not second.following
    assert len({row.groupings["flow_message_id"] for page in (first, second) for row in page.rows}) == 2


def test_every_key_and_grouping_is_taken(klaviyo, order):
    id = landed(klaviyo)
    for key in KEYS:
        flow_report(klaviyo, Query([id], ["opens"], {"key": key}, order))
    found = flow_report(klaviyo, Query([id], ["opens"], WEEK, order, GROUPS))
    assert set(found.rows[0].groupings) == set(GROUPS)


def test_what_is_not_asked_and_what_is_refused(klaviyo, order):
    for flows in ([], ["a"] * 101, ['a"b']):
        with pytest.raises(NotAllowed):
            flow_report(klaviyo, Query(flows, ["opens"], WEEK, order))
    with pytest.raises(Refused):
        flow_report(klaviyo, Query(["a"], ["opens"], WEEK, "NoSuch"))


def test_metrics_of_an_app_and_what_they_start(klaviyo):
    assert app_metrics(klaviyo, "api") == []  # case-sensitive
    mine = app_metrics(klaviyo, "API", "API")
    assert "Loyalty Tier Reached" in {one.name for one in mine}
    assert app_metrics(klaviyo, "API", "api") == []
    id = landed(klaviyo)
    assert id in klaviyo.flow_trigger_ids("UpixsZ")
    assert id in {one.id for one in klaviyo.flow_triggers("UpixsZ")}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"results": {}},
        {"results": [{"groupings": {"flow_id": "A"}, "statistics": {}}]},
        {
            "results": [
                {"groupings": {"flow_id": "A", "flow_message_id": "B"}, "statistics": {"opens": "many"}}
            ]
        },
        {"results": [{"groupings": {"flow_id": "A", "flow_message_id": "B"}, "statistics": {"opens": True}}]},
    ],
)
def test_strange_answers_are_no_numbers(attributes: Any):
    with pytest.raises(Unknown):
        flow_report(Told(attributes), Query(["A"], ["opens"], WEEK, "M"))


def test_a_series_with_a_number_too_few():
    groupings = {"flow_id": "A", "flow_message_id": "B"}
    dates = ["2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"]
    answer = {"date_times": dates, "results": [{"groupings": groupings, "statistics": {"opens": [1]}}]}
    query = Query(["A"], ["opens"], WEEK, "M", interval="daily")
    with pytest.raises(Unknown):
        flow_report(Told(answer), query)
    answer["results"] = [{"groupings": groupings, "statistics": {"opens": [1, None]}}]
    page: Page = flow_report(Told(answer), query)
    assert [row.statistics["opens"] for row in page.rows] == [1, 0]


class Told(Klaviyo):
    def __init__(self, attributes: Any) -> None:
        self.attributes = attributes

    def call(self, *args: Any, **named: Any) -> Answer:
        return Answer(200, {"data": {"type": "x", "attributes": self.attributes}}, {}, None, 0.0)


def test_limits():
    for kind in ("values", "series"):
        found = limits_for("POST", f"/api/flow-{kind}-reports?page_cursor=x")
        assert (found.burst, found.steady, found.daily) == (1, 2, 225)
    assert limits_for("GET", "/api/metrics/abc/relationships/flow-triggers").steady == 150
