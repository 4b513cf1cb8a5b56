"""What of a flow belongs to the one account it comes from: found, and proposed as a question, a role or a constant.

    found = extract(graph, known, emails)
    found.stays                                 sentences on what cannot travel, each with its step
    found.lines                                 an id, a sender, an address, a URL, a coupon: with a proposal

The same value in many places is one line. asking.py makes questions of lines. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowbuilder.definition.pieces import KIND_OF, TAGS, Piece, pieces_in, pieces_of
from flowbuilder.graph import Graph
from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import is_ask, is_content
from flowbuilder.kinds.describe import TRIGGER_KEY
from flowbuilder.kinds.registry import ACTIONS, action_kind

ROLE, QUESTION, CONSTANT = "role", "question", "constant"


@dataclass(frozen=True, slots=True)
class Known:
    """What an account says of an id: “Placed Order” from Shopify, a metric."""

    kind: str
    name: str
    integration: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: in a step, in TRIGGER_KEY, or (None) in the flow's own filter. `part` of an answer."""

    step: str | None
    path: Path
    part: str = ""


@dataclass(frozen=True, slots=True)
class Stays:
    """Something that cannot travel, in a sentence that says what to do."""

    text: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One value of the account. `what` is its group; `asks` the kind of question it can be; `may` the ways to treat it,
    the proposed one first. `is_whole` is false where it stands inside a longer text, of which it alone is asked for.
    `emails` are the keys of the emails in which it stands."""

    what: str
    value: Any
    shown: str
    places: tuple[Place, ...]
    may: tuple[str, ...]
    asks: str = ""
    question: str = ""
    looks_for: str = ""
    integration: str = ""
    is_whole: bool = True
    is_secret: bool = False
    emails: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        text = json.dumps([self.what, self.value, self.is_whole], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def proposal(self) -> str:
        return self.may[0]


@dataclass(frozen=True, slots=True)
class Extraction:
    stays: tuple[Stays, ...]
    lines: tuple[Line, ...]


# --- Tables --------------------------------------------------------------------------------------------------------

IDS = {  # setting -> what its value is in an account
    "metric_id": "metric",
    "conversion_metric_id": "metric",
    "list_id": "list",
    "group_ids": "group",
    "template_id": "template",
    "image_id": "image",
    "video_asset_id": "image",
}
TRIGGERS = frozenset({"metric", "list", "segment"})  # whose `id` is one of those
ADDRESSES = ("reply_to_email", "cc_email", "bcc_email", "to_emails")
LABELS = {  # group -> its title, in the order in which a page shows them
    "metric": "Metrics",
    "list": "Lists",
    "segment": "Segments",
    "group": "Lists and segments",
    "template": "Email templates",
    "sender": "Senders",
    "address": "Other addresses",
    "coupon": "Coupons",
    "url": "Web addresses",
    "picture": "Images in emails",
    "secret": "Headers of webhooks",
    "image": "Images and videos",
}
WHOLE_TEXT = "What should the text say?"
_KINDS = {**KIND_OF, "secret": "text", "image": "text"}
_WORDING = {  # with a name that the account knows, and without
    "metric": ("Which metric is “{}” in your account?", "Which metric is it in your account?"),
    "list": ("Which list stands for “{}”?", "Which list?"),
    "segment": ("Which segment stands for “{}”?", "Which segment?"),
    "group": ("Which lists or segments stand for “{}”?", "Which lists or segments?"),
    "template": ("Which email template stands for “{}”?", "Which email template?"),
    "sender": ("", "Who should the emails come from?"),
    "url": ("", "Which web address?"),
    "coupon": ("", "Which coupon?"),
    "picture": ("", "Which image?"),
    "secret": ("What should the header “{}” hold?", ""),
    "image": ("", "Which image or video? Its id in Klaviyo."),
}
_ASKED_ADDRESS = {
    "reply_to_email": "Where should answers to the emails go?",
    "cc_email": "Who gets a copy of the emails?",
    "bcc_email": "Who gets a hidden copy of the emails?",
    "to_emails": "Who should be alerted?",
}
_CANNOT = {
    "code": "runs code that Klaviyo keeps in its account",
    "internal-service": "calls a service of Klaviyo's own that its account set up",
    "action-output-split": "splits by what another step of its account gave back",
    "send-whatsapp": "sends a WhatsApp template that was approved for its account alone",
}
_DEEP = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_FEED = re.compile(r"\{%-?\s*(web_feed|catalog)\b|\bfeeds\.")


# --- Finding -------------------------------------------------------------------------------------------------------


def extract(
    graph: Graph,
    known: Mapping[str, Known] | None = None,
    emails: Mapping[str, tuple[str, str, str]] | None = None,
    asked: Collection[tuple[str, str, str]] = (),
) -> Extraction:
    """`known`: id -> what the account says of it. `emails`: key -> (name, HTML, text) of what the flow's own emails
    say. What is a question already is left out: in emails that is `asked`, (key of the email, group, value)."""
    finder = _Finder(known or {})
    if graph.trigger:
        finder.look(TRIGGER_KEY, graph.trigger.config, kind=graph.trigger.type)
    if graph.profile_filter is not None:
        finder.look(None, graph.profile_filter)
    for step in (graph.by_key[key] for key in _in_order(graph)):
        finder.look(step.key, step.config)
    for key, (_, html, text) in (emails or {}).items():
        pieces = pieces_of({"html": html, "text": text})
        finder.read_email(key, [one for one in pieces if (key, one.what, one.value) not in asked])
    order = list(LABELS)
    lines = sorted(finder.lines(), key=lambda line: order.index(line.what))
    return Extraction(tuple(_cannot(graph, emails or {})), tuple(lines))


def _in_order(graph: Graph) -> list[str]:
    return [*graph.reached, *(step.key for step in graph.steps if step.key not in set(graph.reached))]


class _Finder:
    def __init__(self, known: Mapping[str, Known]) -> None:
        self.known = known
        self.found: dict[tuple[str, str, bool], tuple[Any, list[Place]]] = {}
        self.in_emails: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, what: str, value: Any, place: Place, whole: bool = True) -> None:
        key = (what, json.dumps(value, sort_keys=True), whole)
        self.found.setdefault(key, (value, []))[1].append(place)

    def look(self, step: str | None, config: Config, kind: str = "") -> None:
        if kind in TRIGGERS and (own := config.get("id")) and isinstance(own, str):
            self.add(kind, own, Place(step, ("id",)))
        todo: list[tuple[Path, Any]] = [((), config)]
        while todo:
            path, value = todo.pop()
            if isinstance(value, Mapping):
                if is_ask(value) or is_content(value):
                    continue
                self._sender(step, path, value)
                self._of_split(step, path, value)
                todo += [((*path, key), value[key]) for key in reversed(list(value))]
            elif isinstance(value, list) and path[-1:] == ("group_ids",):
                if value and all(isinstance(one, str) for one in value):
                    self.add("group", value, Place(step, path))
            elif isinstance(value, list):
                todo += [((*path, index), value[index]) for index in range(len(value) - 1, -1, -1)]
            elif isinstance(value, str) and value:
                self._text(step, path, value)

    def _sender(self, step: str | None, path: Path, value: Config) -> None:
        """The address and the name of a sender are one answer."""
        parts = {"email": value.get("from_email"), "label": value.get("from_label")}
        held = {part: one for part, one in parts.items() if isinstance(one, str) and one and "{{" not in one}
        if "email" in held:
            for part in held:
                self.add("sender", held, Place(step, (*path, f"from_{part}"), part))

    def _of_split(self, step: str | None, path: Path, value: Config) -> None:
        """A split on the trigger names the trigger's own metric, list or segment."""
        kind, own = value.get("trigger_type"), value.get("trigger_id")
        if kind in TRIGGERS and isinstance(own, str) and own:
            self.add(str(kind), own, Place(step, (*path, "trigger_id")))

    def _text(self, step: str | None, path: Path, value: str) -> None:
        place, name = Place(step, path), _setting(path)
        if name in IDS:
            if name != "template_id" or not value.startswith("{"):
                self.add(IDS[name], value, place)
        elif name in ADDRESSES:
            if "{{" not in value and "@" in value:
                self.add("address", value, place)
        elif len(path) > 1 and path[-2] == "headers":
            if str(path[-1]).lower() not in ("content-type", "accept"):
                self.add("secret", value, place)
        elif name in ("from_email", "from_label", "trigger_id", "id"):
            return
        elif _DEEP.fullmatch(value) and not TAGS.search(value):
            self.add("url", value, place)
        else:
            for what, inner in sorted({(one.what, one.value) for one in pieces_in(value)}):
                self.add(what, inner, place, whole=False)

    def read_email(self, key: str, pieces: list[Piece]) -> None:
        for what, inner in sorted({(one.what, one.value) for one in pieces}):
            self.in_emails.setdefault((what, inner), {})[key] = None

    def lines(self) -> Iterator[Line]:
        senders = {
            value["email"]: value for (what, _, _), (value, _) in self.found.items() if what == "sender"
        }
        answered: dict[str, list[Place]] = {}  # addresses that are a sender's own: they follow that answer
        for (what, _, whole), (value, places) in self.found.items():
            if what == "address" and whole and value in senders:
                answered[json.dumps(senders[value], sort_keys=True)] = [
                    replace(one, part="email") for one in places
                ]
        for (what, key, whole), (value, places) in self.found.items():
            if what == "address" and whole and value in senders:
                continue
            also = answered.get(key, []) if what == "sender" else []
            emails = tuple(self.in_emails.pop((what, value), {})) if isinstance(value, str) else ()
            yield self._line(what, value, (*places, *also), whole, emails)
        for (what, value), keys in self.in_emails.items():
            yield self._line(what, value, (), False, tuple(keys))

    def line(self, what: str, value: str) -> Line:
        return self._line(what, value, (), True, ())

    def _line(
        self, what: str, value: Any, places: tuple[Place, ...], whole: bool, emails: tuple[str, ...]
    ) -> Line:
        entry = self.known.get(value) if isinstance(value, str) else None
        shown = self._shown(value)
        may: tuple[str, ...] = (QUESTION, CONSTANT)
        if what == "metric":
            may = (ROLE, QUESTION, CONSTANT) if entry else (QUESTION, CONSTANT)
        elif what == "picture" or (what == "url" and not whole):
            may = (CONSTANT, QUESTION)
        elif what == "secret":
            may, shown = (QUESTION,), str(places[0].path[-1])
        question = self._question(what, value, shown, places)
        return Line(
            what=what,
            value=value,
            shown=shown,
            places=places,
            may=may,
            asks=_KINDS.get(what, what),
            question=question[:200],
            looks_for=self._looks_for(what, value),
            integration=entry.integration if entry and what == "metric" else "",
            is_whole=whole,
            is_secret=what == "secret",
            emails=emails,
        )

    def _question(self, what: str, value: Any, shown: str, places: tuple[Place, ...]) -> str:
        if what == "address":
            setting = _setting(places[0].path) if places else ""
            return _ASKED_ADDRESS.get(setting, "Which email address?")
        named, unnamed = _WORDING[what]
        if named and (what == "secret" or any(one in self.known for one in _listed(value))):
            return named.format(shown)
        starts = bool(places) and what in TRIGGERS and places[0].step == TRIGGER_KEY
        return f"Which {what} starts this flow?" if starts else unnamed

    def _shown(self, value: Any) -> str:
        """As people know it: an id by its name."""
        if isinstance(value, Mapping):
            return " ".join(
                f"<{value[part]}>" if part == "email" and "label" in value else value[part]
                for part in ("label", "email")
                if part in value
            )
        if isinstance(value, list):
            return ", ".join(map(self._shown, value))
        entry = self.known.get(value)
        return entry.name if entry else str(value)

    def _looks_for(self, what: str, value: Any) -> str:
        """The name by which an account of its own can find it."""
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        entry = self.known.get(value) if isinstance(value, str) else None
        return (
            entry.name[:200] if entry and what in ("metric", "list", "segment", "group", "template") else ""
        )


def line_for(what: str, value: str, known: Mapping[str, Known]) -> Line:
    """A line of something that stands in no step: inside of a segment that comes along."""
    return _Finder(known).line(what, value)


def question_for(what: str) -> str:
    """The words in which something inside of an email is asked for, as long as nobody wrote others."""
    return _WORDING[what][1] if what in _WORDING else "Which email address?"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _setting(path: Path) -> str:
    """The name of the setting that a value belongs to: of one in a list, the list's."""
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "")


def _cannot(graph: Graph, emails: Mapping[str, tuple[str, str, str]]) -> Iterator[Stays]:
    trigger = graph.trigger
    if trigger and "custom_object_property_id" in trigger.config:
        yield Stays("The trigger starts from an object of its account. Choose another trigger.", TRIGGER_KEY)
    for key in _in_order(graph):
        step = graph.by_key[key]
        kind = action_kind(step.type)
        name = f"“{step.name or kind.LABEL}”"
        if step.type in _CANNOT:
            yield Stays(f"{name} {_CANNOT[step.type]}. Take it out, or put another step in its place.", key)
        elif step.type not in ACTIONS:
            yield Stays(
                f"{name} is a step that nobody here knows: what it holds of its account cannot be found.", key
            )
        if _holds(step.config, ("object_type_id", "object_type_relationship_id")):
            yield Stays(
                f"{name} looks at objects of its account, by numbers that mean nothing elsewhere.", key
            )
        if _holds(step.config, ("message_hierarchy",)):
            yield Stays(f"{name} has rich content that names things of its account. Write it as a text.", key)
    if _holds(graph.profile_filter, ("object_type_id", "object_type_relationship_id")):
        yield Stays("Whom it is for looks at objects of its account, by numbers that mean nothing elsewhere.")
    for name, *texts in emails.values():
        if any(_FEED.search(text) for text in texts):
            yield Stays(f"The email “{name}” takes things from a feed or catalogue of its account.")


def _holds(config: Any, names: tuple[str, ...]) -> bool:
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            if any(one.get(name) for name in names):
                return True
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return False
