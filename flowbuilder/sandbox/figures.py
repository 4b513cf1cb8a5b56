"""Handler of metric aggregates: how often a metric was seen, day by day.

A metric's `daily` is its events each day, until `quiet` days ago; both are 0 where nobody said so. Only counts without
grouping are played, which is what the product asks for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from .call import Call, Reply
from .envelope import resource
from .errors import ApiError, Problem, invalid, not_found

AT = "/data/attributes"
MEASUREMENTS = ("count", "sum_value", "unique")
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
BOUND = re.compile(r"(greater-or-equal|less-than)\(datetime,(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\)")
LONGEST = timedelta(days=366)


def query_metric_aggregates(call: Call) -> Reply:
    optional = ("interval", "page_size", "page_cursor", "by", "return_fields", "timezone", "sort")
    given = call.resource("metric-aggregate", ("metric_id", "measurements", "filter"), optional)
    metric = call.store.get("metric", call.account, str(given["metric_id"]))
    if metric is None:
        raise not_found("Metric", str(given["metric_id"]))
    wanted = given["measurements"]
    if not isinstance(wanted, list) or not wanted or not set(map(str, wanted)) <= set(MEASUREMENTS):
        raise invalid(f"'measurements' must be some of {', '.join(MEASUREMENTS)}.", f"{AT}/measurements")
    step = STEPS.get(given.get("interval") or "day")
    if step is None:
        raise invalid("'interval' must be hour, day or week here.", f"{AT}/interval")
    if given.get("by"):
        raise invalid("'by' is not played by the sandbox.", f"{AT}/by")
    if given.get("timezone") not in (None, "UTC"):
        raise invalid("Only UTC is played by the sandbox.", f"{AT}/timezone")
    start, end = _range(given["filter"])
    dates = []
    while start < end:
        dates.append(start)
        start += step
    now = datetime.fromtimestamp(call.store.now(), UTC)
    quiet = timedelta(days=metric.attributes.get("quiet", 0))
    daily = metric.attributes.get("daily", 0)
    counts = [daily * step.total_seconds() / 86_400 if one <= now - quiet else 0.0 for one in dates]
    row: dict[str, Any] = {"dimensions": [], "measurements": dict.fromkeys(wanted, counts)}
    attributes = {"dates": [one.isoformat() for one in dates], "data": [row]}
    id = f"agg{call.store.next_number('aggregates')}"
    document = resource(call, "metric-aggregate", id, attributes, path="/api/metric-aggregates")
    return Reply(200, {"data": document, "links": {"self": call.url(call.path)}})


def _range(given: Any) -> tuple[datetime, datetime]:
    """Both bounds are needed, at most a year apart."""
    bounds = {}
    for text in given if isinstance(given, list) else ():
        found = BOUND.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise invalid(f"'{text}' is not a filter on datetime.", f"{AT}/filter")
        bounds[found[1]] = datetime.fromisoformat(found[2]).replace(tzinfo=UTC)
    if len(bounds) != 2:
        raise ApiError(
            Problem("'filter' needs a greater-or-equal and a less-than filter on datetime.", f"{AT}/filter")
        )
    start, end = bounds["greater-or-equal"], bounds["less-than"]
    if not start < end <= start + LONGEST:
        raise invalid("The range must be of at most one year, its start before its end.", f"{AT}/filter")
    return start, end
