"""Where a flow differs after a trip through us or through Klaviyo: one table, each line with its reason. Pure.

LEFT_OUT   what an account's answer holds and Create Flow refuses, or calls by a new name: reading leaves it out or
           renames it (the kinds' `renew` does it, this table says why). Everything else comes out as it came in.
FILLED_IN  what Klaviyo changes by itself between a request and its answer: two definitions that differ only so are
           equal. canonical.py applies the lines in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
ABSENT = "absent"  # stands for a key that is not there


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between an action that came in and the same one going out; `path` leads into the action."""

    action: Mapping[str, Any]
    path: tuple[str | int, ...]
    was: Any
    now: Any

    @property
    def last(self) -> str:
        return str(self.path[-1]) if self.path else ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    what: str
    reason: str
    explains: Callable[[Change], bool]


@dataclass(frozen=True, slots=True)
class FilledIn:
    what: str
    reason: str
    in_one_form: Callable[[str, Config], Config]  # (action type, its settings) -> settings


# --- Coming in --------------------------------------------------------------------------------------------------

_NO_WAY_ON: tuple[Any, ...] = ({"next": None}, {}, None, ABSENT)
_ADDRESSES = ("from_email", "reply_to_email", "cc_email", "bcc_email")


def _hours(change: Change) -> bool:
    return (change.action.get("data") or {}).get("unit") in ("minutes", "hours")


LEFT_OUT: tuple[LeftOut, ...] = (
    LeftOut(
        "ids of actions, messages, experiments and variations",
        "Create Flow refuses ids of an account: actions are named by temporary ids, messages by none.",
        lambda one: one.last in ("id", "temporary_id") and ABSENT in (one.was, one.now),
    ),
    LeftOut(
        "links that lead nowhere",
        "“{next: null}”, “{}”, null and nothing mean the same; one form is written.",
        lambda one: one.last == "links" and one.was in _NO_WAY_ON and one.now in _NO_WAY_ON,
    ),
    LeftOut(
        "a way out that is not written",
        "Create Flow wants every way out of a split named, null where it ends.",
        lambda one: len(one.path) == 2 and one.path[0] == "links" and one.was == ABSENT and one.now is None,
    ),
    LeftOut(
        "weekdays of delays in hours and minutes",
        "The server adds all seven by itself and refuses them when they come back.",
        lambda one: one.last == "delay_until_weekdays" and _hours(one) and one.now == ABSENT,
    ),
    LeftOut(
        "respecting_sms_quiet_hours",
        "The beta's name of sms_quiet_hours_enabled.",
        lambda one: one.last in ("respecting_sms_quiet_hours", "sms_quiet_hours_enabled"),
    ),
    LeftOut(
        "the state of an experiment",
        "Create Flow takes no experiment_status: a new experiment has not started.",
        lambda one: one.last == "experiment_status" and one.now == ABSENT,
    ),
    LeftOut(
        "an address that is an empty text",
        "Create Flow refuses an empty address; null is the account's own.",
        lambda one: one.last in _ADDRESSES and one.was == "" and one.now is None,
    ),
    LeftOut(
        "settings that are an empty object",
        "An action without settings is written without any.",
        lambda one: one.path == ("data",) and one.was in ({}, None, ABSENT) and one.now in ({}, None, ABSENT),
    ),
)


def why_left_out(change: Change) -> str:
    """The reason for a difference between what came in and what goes out; empty where there is none."""
    return next((line.reason for line in LEFT_OUT if line.explains(change)), "")


# --- Between a request and its answer ---------------------------------------------------------------------------

# Settings of a message that the server fills in when they are left out, with the value it gives.
MESSAGE_DEFAULTS: dict[str, Any] = {
    "smart_sending_enabled": True,
    "transactional": False,
    "add_tracking_params": False,
    "custom_tracking_params": None,
    "additional_filters": None,
    "shorten_links": True,
    "include_contact_card": False,
    "add_org_prefix": True,
    "add_info_link": True,
    "add_opt_out_language": False,
    "sms_quiet_hours_enabled": True,
    "image_id": None,
    "dynamic_image": None,
    "message_hierarchy": None,
    "cc_email": None,
    "bcc_email": None,
    "preview_text": None,
    "name": None,
}
# Left out of a message, these come back as the account's default sender; see canonical.differences.
SENDER = ("from_email", "from_label")


def _delay(action_type: str, config: Config) -> Config:
    return {"unit": "days", "timezone": "profile", **config} if action_type == "time-delay" else config


def _minutes(action_type: str, config: Config) -> Config:
    if action_type != "time-delay":
        return config
    return {**config, "secondary_value": config.get("secondary_value") or 0}


def _on_message(change: Callable[[Config], Config]) -> Callable[[str, Config], Config]:
    def do(action_type: str, config: Config) -> Config:
        message = config.get("message")
        return {**config, "message": change(dict(message))} if isinstance(message, Mapping) else config

    return do


def _status(action_type: str, config: Config) -> Config:
    return {"status": "draft", **config} if isinstance(config.get("message"), Mapping) else config


def _copied(message: Config) -> Config:
    return {**message, "template_id": "a template"} if message.get("template_id") else message


def _answers(message: Config) -> Config:
    own = message.get("reply_to_email") in (None, message.get("from_email"))
    return {**message, "reply_to_email": None} if own else message


def _branches(action_type: str, config: Config) -> Config:
    branches = config.get("branches")
    if not isinstance(branches, list):
        return config
    bare = [
        {**{key: value for key, value in one.items() if key != "links"}, "branch_id": f"b{index}"}
        if isinstance(one, Mapping)
        else one
        for index, one in enumerate(branches)
    ]
    return {**config, "branches": bare}


def _experiment(action_type: str, config: Config) -> Config:
    """The actions inside stand by their place; each is brought to one form like any other."""
    if isinstance(main := config.get("main_action"), Mapping):
        config = {**config, "main_action": _inner(main, "main")}
    running = config.get("current_experiment")
    if not isinstance(running, Mapping) or not isinstance(running.get("variations"), list):
        return config
    variations = running["variations"]
    names = {
        str(one["temporary_id"]): f"v{index}"
        for index, one in enumerate(variations)
        if isinstance(one, Mapping) and one.get("temporary_id") is not None
    }
    running = {**running, "variations": [_inner(one, f"v{index}") for index, one in enumerate(variations)]}
    if isinstance(shares := running.get("allocations"), Mapping):
        running["allocations"] = {names.get(str(key), key): share for key, share in shares.items()}
    return {**config, "current_experiment": running}


def _inner(action: Any, name: str) -> Any:
    if not isinstance(action, Mapping):
        return action
    data = action.get("data")
    settings = in_one_form(str(action.get("type")), data) if isinstance(data, Mapping) else data
    return {**action, "temporary_id": name, "data": settings, "links": None}


FILLED_IN: tuple[FilledIn, ...] = (
    FilledIn("unit and timezone of a delay", "The schema's defaults are written into the answer.", _delay),
    FilledIn(
        "minutes beside a delay", "Delays in hours come back with 0 minutes, others with null.", _minutes
    ),
    FilledIn(
        "settings of a message",
        "Left out, they come back with the server's defaults.",
        _on_message(lambda message: {**MESSAGE_DEFAULTS, **message}),
    ),
    FilledIn(
        "transactional",
        "It needs an approval outside the API: stored false whatever was sent.",
        _on_message(lambda message: {**message, "transactional": False}),
    ),
    FilledIn(
        "the id of a template",
        "The server copies the template when the action is made: the id is never the one sent.",
        _on_message(_copied),
    ),
    FilledIn("reply-to", "Null becomes the sender's address.", _on_message(_answers)),
    FilledIn("the status of a message", "Left out, it is a draft.", _status),
    FilledIn(
        "ids and links of branches",
        "Branches get ids of the account, and their links name actions by new ones: the graph holds them.",
        _branches,
    ),
    FilledIn(
        "ids inside an experiment",
        "Its actions get ids of the account, and its allocations are re-keyed by them.",
        _experiment,
    ),
)


def in_one_form(action_type: str, config: Mapping[str, Any]) -> Config:
    """The settings of an action as every account that means the same gives them back."""
    found = dict(config)
    for line in FILLED_IN:
        found = line.in_one_form(action_type, found)
    return found
