"""How flows do, as Klaviyo reports it; and the metrics of an app. One call each, through a client; the caller keeps to
the limits: 1/s, 2/min and 225 a day for each of the two reports. Scopes flows:read and metrics:read.

Source: operations query_flow_values and query_flow_series of Klaviyo's OpenAPI document. Rates are from 0 to 1; days
and hours are of the account's own time, whatever offset is written behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import NotAllowed, Unknown
from accounts.klaviyo.shapes import Metric

MOST_FLOWS = 100  # in one call
GROUPS = (
    *("flow_id", "flow_message_id", "send_channel", "flow_name", "flow_message_name", "tag_id", "tag_name"),
    *("text_message_format", "variation", "variation_name"),
)
USUAL_GROUPS = GROUPS[:3]
INTERVALS = ("hourly", "daily", "weekly", "monthly")
LONGEST = {"hourly": 7, "daily": 60, "weekly": 366, "monthly": 364}  # days of a time frame
KEYS = (
    *(
        "today",
        "yesterday",
        "this_week",
        "last_7_days",
        "last_week",
        "this_month",
        "last_30_days",
        "last_month",
    ),
    *("last_90_days", "last_3_months", "last_365_days", "last_12_months", "this_year", "last_year"),
)


@dataclass(frozen=True, slots=True)
class Query:
    """`timeframe`: {"key": ...} or {"start", "end"}; `groups`: the usual ones where empty; `interval`: of a series."""

    flows: Sequence[str]
    statistics: Sequence[str]
    timeframe: Mapping[str, str]
    metric_id: str
    groups: Sequence[str] = ()
    interval: str = ""

    @property
    def kind(self) -> str:
        return "series" if self.interval else "values"


@dataclass(frozen=True, slots=True)
class Row:
    """One message, or one part of it as it was grouped, in one interval: `at` is None for values."""

    groupings: Mapping[str, Any]
    statistics: Mapping[str, float]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`following`: the cursor of the next page, another call; empty on the last."""

    rows: tuple[Row, ...]
    following: str


def flow_report(klaviyo: Klaviyo, query: Query, cursor: str = "") -> Page:
    """query_flow_values, or query_flow_series where there is an interval: a page of it."""
    if not 0 < len(query.flows) <= MOST_FLOWS or any('"' in one or "\\" in one for one in query.flows):
        raise NotAllowed(f"A report is of 1 to {MOST_FLOWS} flows, so nothing was asked.")
    listed = ",".join(f'"{one}"' for one in query.flows)
    attributes: dict[str, Any] = {
        "statistics": list(query.statistics),
        "timeframe": dict(query.timeframe),
        "conversion_metric_id": query.metric_id,
        "filter": f"contains-any(flow_id,[{listed}])",
    }
    if query.groups:
        attributes["group_by"] = list(query.groups)
    if query.interval:
        attributes["interval"] = query.interval
    body = {"data": {"type": f"flow-{query.kind}-report", "attributes": attributes}}
    params = {"page_cursor": cursor} if cursor else None
    answer = klaviyo.call("POST", f"/api/flow-{query.kind}-reports", params=params, json=body)
    return Page(tuple(_rows(answer, query)), _following(answer))


def app_metrics(klaviyo: Klaviyo, integration: str, category: str = "") -> list[Metric]:
    """get_metrics of one integration, by its name and, where it is given, its category. Both are case-sensitive."""
    found = klaviyo.list_metrics(integration)
    return [one for one in found if category in ("", one.category)]


def _rows(answer: Answer, query: Query) -> list[Row]:
    data = (answer.body or {}).get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    results = attributes.get("results") if isinstance(attributes, dict) else None
    if not isinstance(results, list) or not isinstance(attributes, dict):
        raise Unknown("Klaviyo's report has no results.")
    moments = _moments(attributes.get("date_times")) if query.interval else []
    found = []
    for one in results:
        groupings, statistics = one.get("groupings"), one.get("statistics")
        if not isinstance(groupings, dict) or not isinstance(statistics, dict):
            raise Unknown("Klaviyo's report has a result that cannot be read.")
        if not all(isinstance(groupings.get(name), str) for name in ("flow_id", "flow_message_id")):
            raise Unknown("Klaviyo's report does not say which message a result is of.")
        if not query.interval:
            found.append(Row(groupings, {name: _number(value) for name, value in statistics.items()}))
            continue
        if any(not isinstance(values, list) or len(values) != len(moments) for values in statistics.values()):
            raise Unknown("Klaviyo's report has not one number for each of its dates.")
        for index, at in enumerate(moments):
            numbers = {name: _number(values[index]) for name, values in statistics.items()}
            found.append(Row(groupings, numbers, at))
    return found


def _moments(given: Any) -> list[datetime]:
    try:
        return [datetime.fromisoformat(one).replace(tzinfo=None) for one in given]
    except (TypeError, ValueError):
        raise Unknown("Klaviyo's report has dates that cannot be read.") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise Unknown("Klaviyo's report has a number that cannot be read.")
    return value or 0


def _following(answer: Answer) -> str:
    links = (answer.body or {}).get("links")
    address = links.get("next") if isinstance(links, dict) else None
    if not address:
        return ""
    query = parse_qs(urlsplit(str(address)).query)
    cursor = (query.get("page_cursor") or query.get("page[cursor]") or [""])[0]
    if not cursor:
        raise Unknown("Klaviyo's report goes on, and does not say where.")
    return cursor
