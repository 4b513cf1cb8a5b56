"""A step of one type as a step of another: what both have in common is kept. Pure; registry.py offers it.

candidates("time-delay", config)                     what it may become
changed("time-delay", "target-date", config, fresh)  its settings then; `fresh` are those of a new step
matching_ports(old type, new type, before, after)    old way out -> new way out
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import get_at, is_ask
from flowbuilder.kinds.branches import MultiBranchSplit
from flowbuilder.kinds.conditions import EVENT_TYPES
from flowbuilder.kinds.experiments import AbTest, ContentExperiment, Experiment
from flowbuilder.kinds.logic import ConditionalSplit, TriggerSplit
from flowbuilder.kinds.messages import MessageKind

MESSAGES = ("send-email", "send-sms", "send-mobile-push", "send-whatsapp", "send-internal-alert")
DELAYS = ("time-delay", "target-date", "countdown-delay", "back-in-stock-delay")
EXPERIMENTS: dict[str, type[Experiment]] = {kind.TYPE: kind for kind in (AbTest, ContentExperiment)}
_INSIDE: dict[str, tuple[type[Experiment], type[MessageKind]]] = {
    message.TYPE: (kind, message) for kind in EXPERIMENTS.values() for message in kind.MESSAGES
}
_MULTI, _CONDITIONAL, _TRIGGER = MultiBranchSplit.TYPE, ConditionalSplit.TYPE, TriggerSplit.TYPE


def candidates(action_type: str, config: Config) -> list[str]:
    if action_type in EXPERIMENTS:  # what was wrapped comes out again
        inner = get_at(config, ("main_action", "type"))
        return [one.TYPE for one in EXPERIMENTS[action_type].MESSAGES if inner == one.TYPE]
    if action_type in MESSAGES:
        around = [_INSIDE[action_type][0].TYPE] if action_type in _INSIDE else []
        return [one for one in MESSAGES if one != action_type] + around
    if action_type in DELAYS:
        return [one for one in DELAYS if one != action_type]
    if action_type == _CONDITIONAL:
        return [_TRIGGER, _MULTI]
    if action_type == _TRIGGER:
        return [_CONDITIONAL]
    if action_type == _MULTI:
        return [_CONDITIONAL] if _two_ways(config) else []
    return []


def changed(action_type: str, new_type: str, config: Config, fresh: dict[str, Any]) -> dict[str, Any]:
    if action_type in EXPERIMENTS:
        data = get_at(config, ("main_action", "data"))
        return dict(data) if isinstance(data, Mapping) else fresh
    if new_type in EXPERIMENTS:
        around, inside = _INSIDE[action_type]
        wrapped = around.wrap(inside, config)
        return {**wrapped, "status": config["status"]} if "status" in config else wrapped
    if action_type in MESSAGES:
        return _message(new_type, config, fresh)
    if action_type in DELAYS:
        return _delay(action_type, new_type, config, fresh)
    if new_type == _MULTI:
        branch = {
            "branch_id": "branch-1",
            "order": 0,
            "name": "Yes",
            "branch_filter": config.get("profile_filter"),
        }
        return {**fresh, "branches": [branch, fresh["branches"][-1]]}
    if action_type == _MULTI:
        return {"profile_filter": get_at(config, ("branches", 0, "branch_filter"))}
    return fresh  # a condition about a person is none about an event


def matching_ports(action_type: str, new_type: str, before: list[str], after: list[str]) -> dict[str, str]:
    """Ways out by the ways in which they are the same. Yes is the first branch, No is everyone else."""
    if _MULTI in (action_type, new_type) and len(before) == len(after):
        return dict(zip(before, after, strict=True))
    return {one: one for one in before if one in after}


def _two_ways(config: Config) -> bool:
    """One branch and everyone else, and the branch asks about the person only."""
    branches = config.get("branches")
    if not isinstance(branches, list) or len(branches) != 2:
        return False
    if [get_at(one, ("is_else",)) is True for one in branches] != [False, True]:
        return False
    groups = get_at(branches[0], ("branch_filter", "condition_groups"))
    listed = [get_at(one, ("conditions",)) for one in (groups if isinstance(groups, list) else [])]
    conditions = [one for inner in listed if isinstance(inner, list) for one in inner]
    return not any(get_at(one, ("type",)) in _ABOUT_EVENTS for one in conditions)


_ABOUT_EVENTS = [one for types in EVENT_TYPES.values() for one in types]


# Messages may hold more than a new one shows.
_MAY_HOLD: dict[str, tuple[str, ...]] = {
    "send-email": ("additional_filters", "custom_tracking_params", "reply_to_email", "cc_email", "bcc_email"),
    "send-sms": ("additional_filters", "custom_tracking_params", "image_id", "dynamic_image"),
    "send-mobile-push": ("additional_filters", "image_id", "dynamic_image"),
    "send-whatsapp": ("additional_filters",),
}
_SAME_TEXT = {"subject_line": "title", "title": "subject_line"}


def _message(new_type: str, config: Config, fresh: dict[str, Any]) -> dict[str, Any]:
    old, message = config.get("message"), dict(fresh["message"])
    if isinstance(old, Mapping):
        for key in (*message, *_MAY_HOLD.get(new_type, ())):
            for name in (key, _SAME_TEXT.get(key, key)):
                if old.get(name) not in (None, ""):
                    message[key] = old[name]
                    break
    status = {"status": config["status"]} if "status" in config else {}
    return {**fresh, "message": message, **status}


_TIME = {"target-date": "target_time"}  # elsewhere delay_until_time
_WEEKDAYS = {"target-date": "target_days"}  # elsewhere delay_until_weekdays
_IN_DAYS = {"days": 1, "weeks": 7}


def _delay(action_type: str, new_type: str, config: Config, fresh: dict[str, Any]) -> dict[str, Any]:
    if not fresh:  # Klaviyo takes no settings there
        return fresh
    made = dict(fresh)
    if config.get("timezone"):
        made["timezone"] = config["timezone"]
    for names, usual in ((_TIME, "delay_until_time"), (_WEEKDAYS, "delay_until_weekdays")):
        if config.get(names.get(action_type, usual)):
            made[names.get(new_type, usual)] = config[names.get(action_type, usual)]
    value, unit = config.get("value"), config.get("unit", "days")
    if "value" in made and (is_ask(value) and unit == "days"):
        made |= {"value": value, "unit": unit}
    elif "value" in made and isinstance(value, int) and unit in _IN_DAYS:
        made |= {"value": value * _IN_DAYS[unit], "unit": "days"}
    return made
