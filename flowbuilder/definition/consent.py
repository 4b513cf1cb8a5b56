"""Who has agreed to be written to, as far as a flow says it itself: what each filter makes sure of, way by way. Pure.

Read from settings as they are stored, so that it holds for conditions that have no form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowbuilder.graph import Graph, Step
from flowbuilder.graph.values import Path
from flowbuilder.kinds.asks import get_at

# A message's channel, by the type of the step that sends it.
CHANNELS = {
    "send-email": "email",
    "send-sms": "sms",
    "send-mobile-push": "push",
    "send-whatsapp": "whatsapp",
}
EXPERIMENTS = ("ab-test", "content-experiment")
SENDS = frozenset({*CHANNELS, *EXPERIMENTS})
WORDS = {"email": "emails", "sms": "texts", "push": "push notifications", "whatsapp": "WhatsApp messages"}
# Triggers that say nothing about consent. Whoever is in a list or a segment was put there on purpose.
SAY_NOTHING = ("metric", "date", "price-drop", "low-inventory")
_REACHABLE = ("explicitly_reachable", "implicitly_reachable", "implicitly_or_explicitly_reachable")
Channels = frozenset[str]
NONE: Channels = frozenset()
ALL: Channels = frozenset(WORDS)


def sent_by(step: Step) -> str:
    """The channel in which a step writes to people, or empty. An experiment sends what its main action sends."""
    if step.type in EXPERIMENTS:
        return CHANNELS.get(str(get_at(step.config, ("main_action", "type"))), "")
    return CHANNELS.get(step.type, "")


def senders(graph: Graph) -> dict[str, str]:
    """Key of each step that writes to people -> the channel in which it does."""
    return {step.key: channel for step in graph.steps if step.type in SENDS and (channel := sent_by(step))}


def messages_in(step: Step) -> Sequence[tuple[Path, Mapping[str, Any]]]:
    """(path, message) of a step, and of the actions inside an experiment."""
    if step.type not in EXPERIMENTS:
        own = step.config.get("message")
        return ((("message",), own),) if isinstance(own, dict) else ()
    places: list[Path] = [("main_action", "data", "message")]
    variations = get_at(step.config, ("current_experiment", "variations"))
    for index in range(len(variations) if isinstance(variations, list) else 0):
        places.append(("current_experiment", "variations", index, "data", "message"))
    inside = ((path, get_at(step.config, path)) for path in places)
    return [(path, message) for path, message in inside if isinstance(message, Mapping)]


def condition_for(channel: str) -> dict[str, Any]:
    """The condition that somebody agreed to a channel."""
    if channel == "whatsapp":
        return {
            "type": "profile-permissions",
            "permission": {"reachable_status": "explicitly_reachable", "filters": []},
            "channel": "whatsapp_marketing",
        }
    return {
        "type": "profile-marketing-consent",
        "consent": {
            "channel": channel,
            "can_receive_marketing": True,
            "consent_status": {"subscription": "subscribed" if channel == "sms" else "any", "filters": None},
        },
    }


def sure_of(condition: Any) -> tuple[str, bool]:
    """(channel, agreed) that a condition speaks of; ("", ...) for all others."""
    if not isinstance(condition, Mapping):
        return "", False
    if condition.get("type") == "profile-permissions":
        return "whatsapp", get_at(condition, ("permission", "reachable_status")) in _REACHABLE
    if condition.get("type") != "profile-marketing-consent":
        return "", False
    return str(get_at(condition, ("consent", "channel"))), get_at(
        condition, ("consent", "can_receive_marketing")
    ) is True


def groups_of(value: Any) -> list[list[Any]]:
    """The groups of conditions of a filter; anything broken counts as no condition."""
    groups = value.get("condition_groups") if isinstance(value, Mapping) else None
    found = [get_at(group, ("conditions",)) for group in (groups if isinstance(groups, list) else [])]
    return [one for one in found if isinstance(one, list)]


def when_true(value: Any) -> Channels:
    """Channels that everybody who fits a filter agreed to: each condition of some group says so."""
    found: set[str] = set()
    for group in groups_of(value):
        sure = {sure_of(one) for one in group}
        if len(sure) == 1 and (only := sure.pop())[1]:
            found.add(only[0])
    return frozenset(found & ALL)


def when_false(value: Any) -> Channels:
    """Channels that everybody who does not fit agreed to: “cannot receive” is false of them."""
    groups = groups_of(value)
    if len(groups) != 1:
        return NONE
    return frozenset(channel for channel, agreed in map(sure_of, groups[0]) if channel and not agreed) & ALL


def _beyond(step: Step) -> dict[str, Channels]:
    """port -> what is known on it beyond what was known before the step."""
    if step.type == "conditional-split":
        value = step.config.get("profile_filter")
        return {"yes": when_true(value), "no": when_false(value)}
    if step.type != "multi-branch-split":
        return {}
    found: dict[str, Channels] = {}
    passed = NONE  # the first branch that fits is taken: those before it did not fit
    branches = step.config.get("branches")
    for port, branch in zip(step.ports, branches if isinstance(branches, list) else [], strict=False):
        value = get_at(branch, ("branch_filter",))
        found[port] = passed | when_true(value)
        passed |= when_false(value)
    return found


def without_consent(graph: Graph, sends: Mapping[str, str]) -> dict[str, str]:
    """channel -> the first step that writes to people of whom nothing says that they agreed to it.

    `sends` are the senders.
    """
    if graph.trigger is None or graph.trigger.type not in SAY_NOTHING:
        return {}
    known: dict[str, Channels] = {}
    found: dict[str, str] = {}
    everybody = when_true(graph.profile_filter)
    open_yet = set(sends.values()) - everybody
    for key in graph.order:
        if not open_yet:
            break
        step = graph.by_key[key]
        here = known.get(key, everybody)
        channel = sends.get(key)
        if channel and channel not in here | _of_message(step):
            found.setdefault(channel, key)
            open_yet.discard(channel)
        beyond = _beyond(step)
        for port, target in graph.targets(key):
            if target is not None:  # where ways join, only what all of them know
                known[target] = known.get(target, ALL) & (here | beyond.get(port, NONE))
    return found


def _of_message(step: Step) -> Channels:
    """What the filters of the message itself make sure of; of an experiment, of all of its messages."""
    found = [when_true(message.get("additional_filters")) for _, message in messages_in(step)]
    return NONE if not found else found[0].intersection(*found[1:])
