"""Handlers of the two reports on flows. Called by the server through routes.py.

Rules: query_flow_values and query_flow_series of the vendor's OpenAPI document. A message without recipients in the
time frame has no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from .call import Call, Reply, unknown_keys
from .envelope import cursor, only_asked_fields, read_cursor
from .errors import ApiError, Problem, invalid
from .filters import Reader
from .frames import AT, Frame, check_interval, local_now, parts_of, read_frame
from .numbers import STATISTICS, Counts, day_of, hours_of, statistic, summed
from .store import Thing

PAGE = 500  # rows
GROUPS = (
    *("flow_id", "flow_message_id", "flow_message_name", "flow_name", "send_channel", "tag_id", "tag_name"),
    *("text_message_format", "variation", "variation_name"),
)
USUAL = ("flow_id", "flow_message_id", "send_channel")
LISTED = ("tag_id", "tag_name")
CHANNELS = {
    "send-email": "email",
    "send-sms": "sms",
    "send-mobile-push": "push-notification",
    "send-whatsapp": "whatsapp",
}
MOST_IN_A_FILTER = 100
Groupings = dict[str, Any]


def query_flow_values(call: Call) -> Reply:
    asked = read(call, "flow-values-report", ())
    rows = []
    for message in chosen(call, asked):
        counts = message.counts(*asked.frame)
        if counts["recipients"]:
            statistics = {name: statistic(counts, name) for name in asked.statistics}
            rows += [
                {"groupings": groupings, "statistics": statistics} for groupings in message.grouped(asked)
            ]
    return answer(call, "flow-values-report", {}, rows)


def query_flow_series(call: Call) -> Reply:
    asked = read(call, "flow-series-report", ("interval",))
    parts = list(parts_of(asked.frame, check_interval(asked.interval, asked.frame)))
    rows = []
    for message in chosen(call, asked):
        counts = [message.counts(*part) for part in parts]
        if any(one["recipients"] for one in counts):
            statistics = {name: [statistic(one, name) for one in counts] for name in asked.statistics}
            rows += [
                {"groupings": groupings, "statistics": statistics} for groupings in message.grouped(asked)
            ]
    dates = [f"{start.isoformat()}+00:00" for start, _ in parts]
    return answer(call, "flow-series-report", {"date_times": dates}, rows)


def answer(call: Call, kind: str, more: dict[str, Any], rows: list[dict[str, Any]]) -> Reply:
    start = read_cursor(call.query.get("page_cursor"))
    page = rows[start : start + PAGE]
    links: dict[str, Any] = {"self": call.url(call.path)}
    if start + PAGE < len(rows):
        links["next"] = call.url(f"{call.path}?page_cursor={cursor(start + PAGE)}")

    def named(type: str, key: str) -> dict[str, Any]:
        ids = dict.fromkeys(row["groupings"][key] for row in page)
        return {"data": [{"type": type, "id": id} for id in ids]}

    attributes = only_asked_fields(call, kind, {"results": page, **more})
    parts = {
        "flows": named("flow", "flow_id"),
        "flow-messages": named("flow-message", "flow_message_id"),
    }
    return Reply(
        200, {"data": {"type": kind, "attributes": attributes, "relationships": parts}, "links": links}
    )


# -- what was asked


@dataclass(frozen=True)
class Asked:
    statistics: list[str]
    frame: Frame
    interval: Any
    groups: tuple[str, ...]
    filter: dict[str, tuple[str, Any]]  # attribute -> operator, value


def read(call: Call, kind: str, more: tuple[str, ...]) -> Asked:
    required = ("statistics", "timeframe", *more, "conversion_metric_id")
    given = call.resource(kind, required, ("group_by", "filter"))
    wanted = given["statistics"]
    if not isinstance(wanted, list) or not wanted:
        raise invalid("'statistics' must be a list of at least one statistic.", f"{AT}/statistics")
    for number, name in enumerate(wanted):
        if not isinstance(name, str) or name not in STATISTICS:
            raise invalid(f"'{name}' is not a valid statistic.", f"{AT}/statistics/{number}")
    metric = given["conversion_metric_id"]
    if not isinstance(metric, str) or call.store.get("metric", call.account, metric) is None:
        raise invalid(f"'{metric}' is not the id of a metric.", f"{AT}/conversion_metric_id")
    frame = read_frame(given["timeframe"], here(call))
    return Asked(wanted, frame, given.get("interval"), read_groups(given), read_filter(given.get("filter")))


def here(call: Call) -> datetime:
    row = call.store.row("select attributes from account where id = ?", call.account)
    assert row is not None
    return local_now(call.store.now(), json.loads(row["attributes"])["timezone"])


def read_groups(given: dict[str, Any]) -> tuple[str, ...]:
    groups = given.get("group_by")
    if groups is None:
        return USUAL
    if not isinstance(groups, list):
        raise invalid("'group_by' must be a list.", f"{AT}/group_by")
    problems = unknown_keys(dict.fromkeys(map(str, groups)), set(GROUPS), "group_by", f"{AT}/group_by")
    if problems:
        raise ApiError(*problems)
    for name in ("flow_id", "flow_message_id"):
        if name not in groups:
            raise invalid(f"'{name}' is required in 'group_by'.", f"{AT}/group_by")
    return tuple(dict.fromkeys(groups))


def read_filter(text: Any) -> dict[str, tuple[str, Any]]:
    if text is None:
        return {}
    place = f"{AT}/filter"
    if not isinstance(text, str):
        raise invalid("'filter' must be a string.", place)
    try:
        tests = Reader(text).tests(None)
    except ApiError as problem:
        raise invalid(problem.problems[0].detail, place) from None
    found: dict[str, tuple[str, Any]] = {}
    for operator, field, value in tests:
        if field not in GROUPS:
            raise invalid(f"'{field}' is not a filterable field.", place)
        allowed = ("contains-any", "contains-all") if field in LISTED else ("equals", "contains-any")
        if operator not in allowed:
            raise invalid(
                f"'{operator}' is not an allowed operator for '{field}': {', '.join(allowed)}.", place
            )
        if field in found:
            raise invalid(f"Only one filter can be used for '{field}'.", place)
        if isinstance(value, list) != (operator != "equals"):
            raise invalid(
                f"'{operator}' takes {'a value' if operator == 'equals' else 'a list of values'}.", place
            )
        values = value if isinstance(value, list) else [value]
        if len(values) > MOST_IN_A_FILTER:
            raise invalid(f"A list in a filter has at most {MOST_IN_A_FILTER} items.", place)
        if field == "send_channel" and not set(values) <= set(CHANNELS.values()):
            detail = f"'send_channel' is one of {', '.join(CHANNELS.values())}."
            raise ApiError(Problem(detail, place))
        found[field] = operator, value
    return found


# -- what there is


@dataclass(frozen=True)
class Message:
    flow: Thing
    id: str
    name: str
    channel: str
    variation: str | None
    tags: tuple[tuple[str, str], ...]
    today: date

    def values(self) -> Groupings:
        return {
            "flow_id": self.flow.id,
            "flow_name": self.flow.attributes["name"],
            "flow_message_id": self.id,
            "flow_message_name": self.name,
            "send_channel": self.channel,
            "text_message_format": "sms" if self.channel == "sms" else None,
            "variation": self.variation,
            "variation_name": self.name if self.variation else None,
        }

    def grouped(self, asked: Asked) -> list[Groupings]:
        """One, or one for each tag where that is asked for."""
        by_tag = any(name in asked.groups for name in LISTED)
        tags: tuple[tuple[str | None, str | None], ...] = (
            self.tags if by_tag and self.tags else ((None, None),)
        )
        found = []
        for id, name in tags:
            values = {**self.values(), "tag_id": id, "tag_name": name}
            found.append({group: values[group] for group in asked.groups})
        return found

    def passes(self, filter: dict[str, tuple[str, Any]]) -> bool:
        values = self.values()
        for field, (operator, value) in filter.items():
            if field in LISTED:
                have = {tag[LISTED.index(field)] for tag in self.tags}
                if not (set(value) <= have if operator == "contains-all" else have & set(value)):
                    return False
            elif values[field] not in (value if isinstance(value, list) else [value]):
                return False
        return True

    def counts(self, start: datetime, end: datetime) -> Counts:
        """Of the hours that begin in [start, end)."""
        return summed(self._hours(start, end))

    def _hours(self, start: datetime, end: datetime) -> Iterator[Counts]:
        day, created = start.date(), day_of(self.flow.created)
        numbers = self.flow.attributes.get("numbers", {})
        last = end.hour + bool(end.minute or end.second)
        while day < end.date() or (day == end.date() and last):
            if day > self.today:
                return
            hours = hours_of(self.flow.id, self.id, self.channel, created, numbers, day, self.today)
            first = start.hour if day == start.date() else 0
            yield from hours[first : last if day == end.date() else 24]
            day += timedelta(days=1)


def chosen(call: Call, asked: Asked) -> list[Message]:
    return [one for one in messages(call) if one.passes(asked.filter)]


def messages(call: Call) -> Iterator[Message]:
    store, today = call.store, here(call).date()
    flows = {flow.id: flow for flow in store.all("flow", call.account)}
    names = {tag.id: tag.attributes["name"] for tag in store.all("tag", call.account)}
    tags: dict[str, list[tuple[str, str]]] = {}
    for row in store.rows("select tag, flow from tagged order by seq"):
        if row["tag"] in names:
            tags.setdefault(row["flow"], []).append((row["tag"], names[row["tag"]]))
    steps = {action["id"] for flow in flows.values() for action in flow.body["actions"]}
    for thing in store.all("flow-message", call.account):
        flow, channel = flows.get(thing.attributes["flow"]), CHANNELS.get(thing.attributes["channel"])
        if flow is None or channel is None:
            continue
        variation = None if thing.attributes["action"] in steps else thing.id  # inside an experiment
        name = str((thing.body or {}).get("name") or "")
        yield Message(flow, thing.id, name, channel, variation, tuple(tags.get(flow.id, ())), today)
