"""Properties that a form can offer: of people (standard ones, and those that flows of the workspace speak of) and
of the event that a setting is about, as Klaviyo tells it, else those that shops usually send. For pickers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts import catalog
from accounts.models import Workspace
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import ASK, get_at, is_ask
from flowbuilder.kinds.conditions import STANDARD_PROPERTIES
from flowbuilder.models import Action, Flow, Trigger
from flowbuilder.queries import Design

Offer = tuple[str, str]  # the property, and what is known of it

OWN = re.compile(r"properties\['(.+?)'\]")
_PLACE = ("city", "region", "country", "zip", "timezone")
_READ = 300  # rows of a workspace that are looked through
_KEPT = 30  # seconds

# What integrations of shops call the properties of their events; Klaviyo's own metrics carry the last few.
_OFTEN: tuple[tuple[str, str, str], ...] = (
    ("order|checkout|cart|product|purchase", "$value", "The value of the order"),
    ("order|checkout|cart", "Items", "Names of the items"),
    ("order|checkout|cart", "ItemCount", "How many items"),
    ("order|checkout|cart", "Collections", "Collections of the items"),
    ("order|checkout", "Discount Codes", "Codes that were used"),
    ("order|checkout", "Source Name", "Where it was ordered"),
    ("product|cart|viewed", "ProductName", "Name of the product"),
    ("product|viewed", "ProductID", "Id of the product"),
    ("product|viewed", "Categories", "Categories of the product"),
    ("product|cart|viewed", "Price", "Price of the product"),
    ("product|viewed", "Brand", "Brand of the product"),
    ("email|sms|message|push", "Subject", "Subject of the message"),
    ("email|sms|message|push", "Campaign Name", "Name of the campaign"),
    ("email|sms|message|push", "$flow", "Id of the flow that sent it"),
    ("click", "URL", "The link that was pressed"),
)


def of_people(workspace: Workspace) -> list[Offer]:
    """Standard properties, then the workspace's own by name."""
    standard = [(name, name.replace("_", " ").capitalize()) for name in sorted(STANDARD_PROPERTIES)]
    standard += [(f"location['{one}']", f"Where they are: {one}") for one in _PLACE]
    return standard + [(f"properties['{name}']", "Used in your flows") for name in _own(workspace)]


def _own(workspace: Workspace) -> list[str]:
    """Names of own properties that flows of the workspace speak of. The flows changed last are looked through."""
    key = f"own-properties:{workspace.pk}"
    kept: list[str] | None = cache.get(key)
    if kept is None:
        found = {name for text in _texts(workspace) for name in OWN.findall(text)}
        kept = sorted(found, key=str.casefold)
        cache.set(key, kept, _KEPT)
    return kept


def _texts(workspace: Workspace) -> Iterator[str]:
    sources = (
        (Action.objects.filter(flow__workspace=workspace), "config", "-flow__changed_at"),
        (Trigger.objects.filter(flow__workspace=workspace), "config", "-flow__changed_at"),
        (Flow.objects.filter(workspace=workspace), "profile_filter", "-changed_at"),
    )
    for rows, column, order in sources:
        speaking = rows.annotate(said=Cast(column, TextField())).filter(said__contains="properties['")
        for value in speaking.order_by(order).values_list(column, flat=True)[:_READ]:
            yield from _strings(value)


def _strings(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def of_event(workspace: Workspace, metric_id: str, metric_name: str) -> list[Offer]:
    """What events of the metric carry. Where no account knows: what is often there, the likely ones first."""
    known = catalog.metric_properties(workspace, metric_id)
    if known:
        return [(one.name, _told(one.label, one.name, one.type, one.samples)) for one in known]
    name = metric_name.casefold()
    likely = [one for one in _OFTEN if name and re.search(one[0], name)]
    return [(value, f"{told}: often there") for _, value, told in likely or _OFTEN]


def _told(label: str, name: str, kind: str, samples: tuple[str, ...]) -> str:
    such = f"such as {', '.join(samples[:2])}"[:80] if samples else ""
    return " · ".join(part for part in (label if label != name else "", kind.lower(), such) if part)


def metric_of(design: Design, key: str, path: Path) -> tuple[str, str]:
    """Id and name of the metric whose events a setting is about: the nearest one above it, else the trigger's."""
    step = design.graph.by_key.get(key)
    config: Any = step.config if step else {}
    if key == "flow":
        config = {"profile_filter": design.graph.profile_filter}
    for length in range(len(path) - 1, -1, -1):
        near = get_at(config, (*path[:length], "metric_id"))
        if near:
            return _named(design, near)
    trigger = design.graph.trigger
    return _named(design, trigger.config.get("id") if trigger and trigger.type == "metric" else "")


def _named(design: Design, metric: Any) -> tuple[str, str]:
    if is_ask(metric):
        metric = design.defaults.get(str(metric[ASK]))
    if not isinstance(metric, str):
        return "", ""
    return metric, design.words.names.get(metric, "")
