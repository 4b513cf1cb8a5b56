"""Leaving out people whom another flow of the account writes to: a condition in the flow's own filter. Pure.

Klaviyo has no condition for “in flow X” but for the flow itself; what it knows of everybody is which flow sent an
email: its own metric “Received Email” says so in $flow. `shape["excluded"]`, kept on the install, holds the answer:

    {"metric": "VTrXm9", "flows": {"XyZ123": "Browse abandonment"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXCLUDED = "excluded"
METRIC_NAME = "Received Email"
DAYS = 30


def excluding(definition: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with one more group of its filter for each flow that is left out: all groups must hold."""
    held = settings.get(EXCLUDED) or {}
    if not held.get("flows"):
        return dict(definition)
    before = definition.get("profile_filter") or {}
    groups = [
        *(before.get("condition_groups") or []),
        *(_group(held["metric"], one) for one in held["flows"]),
    ]
    return {**definition, "profile_filter": {**before, "condition_groups": groups}}


def _group(metric: str, flow: str) -> dict[str, Any]:
    condition = {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": DAYS},
        "metric_filters": [
            {"property": "$flow", "filter": {"type": "string", "operator": "equals", "value": flow}}
        ],
    }
    return {"conditions": [condition]}
