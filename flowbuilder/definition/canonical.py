"""One form for definitions that mean the same: to compare what was meant with what an account holds. Pure.

What Klaviyo changes by itself is listed here, each line with its reason; everything else is a difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from flowbuilder.definition.reading import read_document
from flowbuilder.graph.walk import all_in_order
from flowbuilder.kinds.asks import get_at

# Settings of a message that the server fills in when they are left out, with the value it gives.
FILLED_IN: dict[str, Any] = {
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


def canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    """A definition (or a document that holds one) with steps renumbered as they are reached, and noise taken out."""
    graph = read_document(document).graph
    number = {key: f"s{index}" for index, key in enumerate(all_in_order(graph), 1)}
    return {
        "trigger": {"type": graph.trigger.type, **_plain(graph.trigger.config)} if graph.trigger else None,
        "profile_filter": _plain(graph.profile_filter),
        "reentry": _plain(graph.reentry),
        "entry": number.get(graph.entry or ""),
        "steps": {
            number[step.key]: {
                "type": step.type,
                "settings": _settings(step.type, step.config),
                "links": {port: number[target] for port, target in graph.out.get(step.key, {}).items()},
            }
            for step in graph.steps
        },
    }


def _settings(action_type: str, config: Mapping[str, Any]) -> Any:
    config = dict(config)
    if action_type == "time-delay":
        config.setdefault("unit", "days")  # the default of the schema
        config.setdefault("timezone", "profile")
        config["secondary_value"] = (
            config.get("secondary_value") or 0
        )  # hours come back with 0, days with null
    message = config.get("message")
    if isinstance(message, Mapping):
        config["message"] = _message(message)
        config.setdefault("status", "draft")
    branches = config.get("branches")
    if isinstance(branches, list):  # links stand in the graph
        config["branches"] = [_no_links(one) if isinstance(one, Mapping) else one for one in branches]
    return _plain(_experiment(config))


def _no_links(branch: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in branch.items() if key != "links"}


def _experiment(config: dict[str, Any]) -> dict[str, Any]:
    """The actions inside an experiment get new ids too, and its allocations are re-keyed by them."""
    if isinstance(main := config.get("main_action"), Mapping):
        config["main_action"] = _inner(main, "main")
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
    settings = _settings(str(action.get("type")), data) if isinstance(data, Mapping) else data
    return {**action, "temporary_id": name, "data": settings, "links": None}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    message = {**FILLED_IN, **message}
    message["transactional"] = False  # needs an approval outside the API: stored false whatever was sent
    if message.get("template_id"):
        message["template_id"] = "a template"  # the server copies the template: its id is never the one sent
    sender = message.get("from_email")
    if message.get("reply_to_email") in (None, sender):
        message["reply_to_email"] = None  # null becomes the sender's address
    return message


def _plain(value: Any) -> Any:
    """Without keys that are null, with 30.0 as 30: the server writes both forms."""
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def content_hash(document: Any) -> str:
    """SHA-256 over the document as JSON with sorted keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(meant: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where two canonical forms differ, each as a sentence. What only the account has, and we left open, is fine
    for senders: the account's default stands in."""
    if isinstance(meant, Mapping) and isinstance(found, Mapping):
        for key in sorted({*meant, *found}, key=str):
            if key not in meant and path.endswith(".message") and key in ("from_email", "from_label"):
                continue
            yield from differences(meant.get(key), found.get(key), f"{path}.{key}")
    elif isinstance(meant, list) and isinstance(found, list) and len(meant) == len(found):
        for index, (one, other) in enumerate(zip(meant, found, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif meant != found:
        yield f"{path.lstrip('.')}: meant {meant!r}, found {found!r}"


def step_map(sent: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """Our step keys -> the ids the account gave: both graphs walked side by side from the entry."""
    ours, theirs = read_document(sent).graph, read_document(held).graph
    raw = {str(action.get("id")): action for action in _definition(held).get("actions") or []}
    pairs = zip(all_in_order(ours), all_in_order(theirs), strict=False)
    found: dict[str, dict[str, str | None]] = {}
    for own, their in pairs:
        found[own] = {"action": their, "message": get_at(raw.get(their), ("data", "message", "id"))}
    return found


def _definition(document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "data" in document:
        inner: Mapping[str, Any] = document["data"]["attributes"]["definition"]
        return inner
    return document
