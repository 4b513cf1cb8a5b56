"""What the page of a template flow says of a design: what it does, what it needs, what it makes, how it speaks. Pure.

description_of(frozen)     "Starts with “Checkout Started”. Waits 1 hour, ..."
channels_of(definition)    ("send-email", "send-sms")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowbuilder.definition.frozen import MESSAGES, Frozen, Question, rules_of, stand_in
from flowbuilder.kinds.base import both, count
from flowbuilder.kinds.describe import Describer

# What a channel is called where one is chosen.
CHANNELS: Mapping[str, str] = {
    "send-email": "Email",
    "send-sms": "Text message",
    "send-whatsapp": "WhatsApp",
    "send-mobile-push": "Push",
}
_NEEDS: Mapping[str, tuple[str, str]] = {  # kind of question -> (icon, what)
    "metric": ("zap", "A metric"),
    "list": ("list", "A list"),
    "segment": ("users", "A segment"),
    "group": ("users", "Lists or segments"),
    "sender": ("mail", "A sender"),
    "template": ("mail", "An email template"),
    "delay": ("clock", "A length of time"),
    "property": ("user", "A profile property"),
    "coupon": ("tag", "A coupon"),
    "image": ("image", "An image"),
    "number": ("text", "A number"),
    "boolean": ("check", "A yes or no"),
    "choice": ("list", "A choice"),
}
# What a question asks of an account itself: the designer's own answer to it is nobody else's business.
OF_AN_ACCOUNT = frozenset({"metric", "list", "segment", "group", "sender", "template", "coupon", "image"})
_WAITS = {"time-delay", "countdown-delay", "back-in-stock-delay", "target-date"}


def channels_of(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """The types of messages in it, in the order of CHANNELS; those inside an experiment too."""
    types = {str(one.get("type")) for one in definition.get("actions") or []}
    for one in definition.get("actions") or []:
        main = (one.get("data") or {}).get("main_action")
        if isinstance(main, Mapping):
            types.add(str(main.get("type")))
    return tuple(one for one in CHANNELS if one in types)


def outside(frozen: Frozen) -> Describer:
    """Sentences for people who are not of the design's workspace: of what an account supplies, the question stands
    and not the designer's own answer."""
    answers = {
        one.key: stand_in(one.kind, one.looks_for or one.question) for one in frozen.questions if is_own(one)
    }
    return frozen.describer(answers)


def is_own(question: Question) -> bool:
    """Whether the designer's own answer stays with the designer: things of an account, addresses of all sorts."""
    own = question.default
    return question.kind in OF_AN_ACCOUNT or (isinstance(own, str) and ("@" in own or "://" in own))


def description_of(frozen: Frozen) -> str:
    """What it does in a few plain sentences, for a flow that nobody described."""
    graph, describer = frozen.graph, outside(frozen)
    card = describer.trigger(graph.trigger)
    start = (
        f"Starts with “{card.title}”." if card.title != card.label else f"Starts when {_small(card.label)}."
    )
    parts = [start, *rules_of(graph, describer)]
    steps = [graph.by_key[key] for key in graph.reached]
    types = [step.type for step in steps]
    sends = both([count(types.count(one), word) for one, (_, word) in MESSAGES.items() if one in types])
    waits = sum(one in _WAITS for one in types)
    ways = sum(len(step.ports) > 1 for step in steps)
    if sends:
        parts.append(f"Sends {sends}{f', and waits {_often(waits)} on the way' if waits else ''}.")
    if ways:
        parts.append(f"Splits people {_often(ways)}, so that not everybody gets the same.")
    if asked := len(frozen.questions):
        parts.append(f"Asks each account {count(asked, 'question')}.")
    return " ".join(parts)


def _often(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def need_of(question: Question) -> tuple[str, str]:
    """(icon, “A metric: “Checkout Started” from Shopify”)."""
    icon, what = _NEEDS.get(question.kind, ("help", "An answer"))
    if not question.looks_for:
        return icon, what
    origin = f" from {question.integration}" if question.integration else ""
    return icon, f"{what}: “{question.looks_for}”{origin}"


def made_by(frozen: Frozen, tag: str) -> list[tuple[str, str]]:
    """(icon, what) that an install makes in an account."""
    made = [("flow", "1 flow, as a draft: it sends nothing until somebody sets it live in Klaviyo")]
    if frozen.templates_made:
        names = [f"“{one['name']}”" for one in frozen.contents.values()]
        told = f": {both(names[:4])}" if names and len(names) == frozen.templates_made <= 4 else ""
        made.append(("mail", f"{count(frozen.templates_made, 'email template')}, for its emails{told}"))
    kinds = {one.kind for one in frozen.questions}
    if kinds & {"list", "group"}:
        made.append(("list", "A list, if you have none that fits and ask for a new one"))
    if kinds & {"segment", "group"}:
        made.append(("users", "A segment, if you have none that fits and ask for a new one"))
    if tag:
        made.append(("tag", f"The tag “{tag}”, by which you find the flow again"))
    return made
