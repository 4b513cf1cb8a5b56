"""Segments that can be made while a flow is installed: a few plain ones, written with the account's own metrics.

recipes(known) offers those whose metrics the account has; definition_of(key, known, days) is what Klaviyo takes. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowbuilder.definition.finding import Known, Wanted, find

LONGEST = 730  # days
BOUGHT = Wanted(("metric",), "Placed Order", "", "revenue")
OPENED, CLICKED = (Wanted(("metric",), name, "Klaviyo") for name in ("Opened Email", "Clicked Email"))


class UnableToWriteSegment(ValueError):
    """The account has not what this segment is about."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`metrics`: whose events are counted; `any`: one of them is enough, else each must hold. `days` is what is
    suggested, 0 where there is no time to it."""

    key: str
    label: str
    metrics: tuple[Wanted, ...]
    operator: str = "greater-than"
    any: bool = True
    days: int = 0


RECIPES = (
    Recipe("subscribed", "Everybody who agreed to emails", ()),
    Recipe("engaged", "Opened or clicked an email in the last days", (OPENED, CLICKED), days=90),
    Recipe(
        "unengaged", "Opened and clicked nothing in the last days", (OPENED, CLICKED), "equals", False, 180
    ),
    Recipe("bought", "Bought something in the last days", (BOUGHT,), days=90),
    Recipe("customers", "Bought something at any time", (BOUGHT,)),
    Recipe("never-bought", "Never bought anything", (BOUGHT,), "equals", False),
)
BY_KEY: Mapping[str, Recipe] = {one.key: one for one in RECIPES}
_WORDS = {
    "unengaged": ("unengaged", "inactive", "not engaged", "sunset", "lapsed"),
    "engaged": ("engaged", "active", "openers", "clickers"),
    "never-bought": ("never", "prospect", "non buyer", "not bought", "leads"),
    "bought": ("recent",),
    "customers": ("customer", "buyer", "bought", "vip", "repeat"),
}


def recipes(known: Known) -> list[Recipe]:
    """Those that this account can have."""
    return [one for one in RECIPES if all(find(metric, known).thing for metric in one.metrics)]


def likely(name: str) -> str:
    """The recipe that a segment of this name is probably made by."""
    text = name.casefold().replace("-", " ")
    return next((key for key, words in _WORDS.items() if any(word in text for word in words)), "subscribed")


def definition_of(key: str, known: Known, days: int) -> dict[str, Any]:
    """{"condition_groups": [...]}: groups are all to hold, of the conditions in one it takes one."""
    recipe = BY_KEY.get(key)
    if recipe is None:
        raise UnableToWriteSegment("Choose who belongs to the new segment.")
    if not recipe.metrics:
        status = {"subscription": "subscribed", "filters": None}
        consent = {"channel": "email", "can_receive_marketing": True, "consent_status": status}
        conditions: list[dict[str, Any]] = [{"type": "profile-marketing-consent", "consent": consent}]
        return {"condition_groups": [{"conditions": conditions}]}
    found = [find(metric, known).thing for metric in recipe.metrics]
    if not all(found):
        raise UnableToWriteSegment("Your account has no metric for that yet. Choose another kind of segment.")
    time: dict[str, Any] = {"type": "date", "operator": "alltime"}
    if recipe.days:
        time = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}
    conditions = [
        {
            "type": "profile-metric",
            "metric_id": one.id,
            "measurement": "count",
            "measurement_filter": {"type": "numeric", "operator": recipe.operator, "value": 0},
            "timeframe_filter": time,
            "metric_filters": None,
        }
        for one in found
        if one is not None
    ]
    groups = [conditions] if recipe.any else [[one] for one in conditions]
    return {"condition_groups": [{"conditions": one} for one in groups]}


def written_by(definition: Mapping[str, Any], known: Known) -> tuple[str, int]:
    """The recipe and the days by which it was written; ("", 0) where it was not by one of these."""
    first = definition["condition_groups"][0]["conditions"][0]
    days = (first.get("timeframe_filter") or {}).get("quantity", 0)
    for one in recipes(known):
        if definition_of(one.key, known, days) == definition:
            return one.key, days
    return "", 0
