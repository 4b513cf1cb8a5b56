"""An account's flow in the words of its design: questions and emails stand where an account's own values were. Pure.

    lifted = lift(of, sent, found, ...)     `of` the design, `sent` what became of it in the account, `found` what
                                            the account has; the three name their steps by the same keys
    lifted.graph                            what the design would have to be
    lifted.notes                            what stays in the account, in sentences, by step

What did not change stays as the design has it, so an id of the account comes in only with what somebody changed; and
then it becomes the question whose answer it is, else a new one. Senders, other addresses, headers and images never
come along: each account answers its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowbuilder.definition.asking import Choice, ask_again, ask_all
from flowbuilder.definition.extracting import CONSTANT, QUESTION, Known, Line, extract
from flowbuilder.definition.merging import alike
from flowbuilder.definition.platform import SENDER, in_one_form
from flowbuilder.definition.updating import TEMPLATE, emails_inside, same
from flowbuilder.definition.writing import as_draft
from flowbuilder.graph import Graph, Step, Trigger
from flowbuilder.graph.values import Config, Path
from flowbuilder.kinds.asks import ASK, CONTENT, GAP, find_asks, get_at, is_ask, set_at
from flowbuilder.kinds.describe import TRIGGER_KEY

Questions = Mapping[str, Config]
OWN = frozenset({"sender", "address", "secret", "image"})  # groups of extracting.py whose values stay at home
WORDS = ("subject_line", "preview_text", "name", "body", "title")  # of a message
FLOW = "flow"
WRITTEN, UNREAD = (
    "written-",
    "unread",
)  # begins what stands for an email of the account; one that nobody could read


@dataclass(frozen=True)
class Lifted:
    """`questions`: those of the design and the new ones, whose keys are `asked`. An email that was written in the
    account stands as {"$content": what `found` has for its template}, which begins with WRITTEN. `notes`: step, or
    TRIGGER_KEY, or FLOW, -> why something of it stays in the account. `stays`: what cannot travel at all."""

    graph: Graph
    questions: Questions
    asked: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    stays: Mapping[str, str] = field(default_factory=dict)


def lift(
    of: Graph,
    sent: Graph,
    found: Graph,
    questions: Questions,
    known: Mapping[str, Known] | None = None,
    *,
    origins: Mapping[str, str] | None = None,
    sender: str = "",
) -> Lifted:
    """`origins`: a step of the account -> the step of the design that it is a copy of; `sender`: the account's default
    one, which a message has that names none."""
    lifting = _Lifting(of, sent, questions, origins or {}, sender)
    steps = tuple(lifting.step(one) for one in found.steps)
    graph = replace(
        found,
        trigger=lifting.trigger(found.trigger),
        profile_filter=lifting.of_the_flow("profile_filter", found),
        reentry=lifting.of_the_flow("reentry", found),
        extra=of.extra if same(sent.extra, found.extra) else found.extra,
        steps=steps,
    )
    graph, all_questions, asked = lifting.asking(graph, known or {})
    was = {(one.step, one.text) for one in extract(of).stays}
    stays = {one.step or FLOW: one.text for one in extract(graph).stays if (one.step, one.text) not in was}
    return Lifted(graph, all_questions, asked, lifting.notes, stays)


class _Lifting:
    def __init__(
        self, of: Graph, sent: Graph, questions: Questions, origins: Mapping[str, str], sender: str
    ) -> None:
        self.of, self.sent, self.questions, self.origins, self.sender = of, sent, questions, origins, sender
        self.notes: dict[str, str] = {}
        self.here = FLOW
        self.answers = self._answers()

    def _answers(self) -> dict[tuple[str, str, str], str]:
        """(kind, part, value) -> the question that the account answered with it: by what stands in its place."""
        found: dict[tuple[str, str, str], str] = {}
        for design, account in self._settings():
            for path, key, part in find_asks(design):
                value = get_at(account, path)
                if GAP in part:
                    part, value = "", _in_the_gap(part, value)
                if value not in (None, "", []):
                    found.setdefault((self._kind(key), part, _plain(value)), key)
        return found

    def _settings(self) -> Iterator[tuple[Any, Any]]:
        of, sent = self.of, self.sent
        if of.trigger and sent.trigger and of.trigger.type == sent.trigger.type:
            yield of.trigger.config, sent.trigger.config
        yield {"filter": of.profile_filter}, {"filter": sent.profile_filter}
        for step in of.steps:
            if step.key in sent.by_key:
                yield step.config, sent.by_key[step.key].config

    def _kind(self, key: str) -> str:
        return str(self.questions.get(key, {}).get("kind", ""))

    # --- Parts of the flow ---

    def trigger(self, found: Trigger | None) -> Trigger | None:
        of, sent = self.of.trigger, self.sent.trigger
        self.here = TRIGGER_KEY
        if found is None or of is None or sent is None or not of.type == sent.type == found.type:
            return found
        return Trigger(of.type, self.value(of.config, sent.config, found.config))

    def of_the_flow(self, name: str, found: Graph) -> Any:
        self.here = FLOW
        of, sent, now = (getattr(one, name) for one in (self.of, self.sent, found))
        return of if same(sent, now) else self.value(of, sent, now)

    def step(self, now: Step) -> Step:
        origin = self.origins.get(now.key, now.key)
        of, was = self.of.by_key.get(origin), self.sent.by_key.get(now.key) or self.sent.by_key.get(origin)
        self.here = now.key
        if of is None or was is None or not of.type == was.type == now.type:
            return self._emails(self._new(now), None)
        if alike(was, now):
            return replace(of, key=now.key)
        forms = (in_one_form(one.type, one.config) for one in (was, now))
        config = self.value(of.config, was.config, now.config, *forms)
        if "status" in of.config:
            config["status"] = of.config["status"]
        step = replace(of, key=now.key, config=config, ports=now.ports, extra=now.extra)
        return self._emails(step, was, now)

    def _new(self, now: Step) -> Step:
        """A step that the design never had: a draft, from the account's default sender where that is its sender."""
        data = dict(as_draft({"type": now.type, "data": dict(now.config)})["data"])
        message = data.get("message")
        if isinstance(message, Mapping) and self.sender and message.get("from_email") == self.sender:
            data["message"] = {key: one for key, one in message.items() if key not in SENDER}
        return replace(now, config=data)

    def _emails(self, step: Step, was: Step | None, now: Step | None = None) -> Step:
        """Emails that were written in the account stand for contents of the design."""
        places: list[Path] = [*emails_inside(step.config).values()]
        if step.type == "send-email":
            places.append(TEMPLATE)
        for path in places:
            held = get_at((now or step).config, path)
            if held and (was is None or get_at(was.config, path) != held):
                step = replace(
                    step,
                    config=set_at(
                        step.config, path, {CONTENT: held if str(held).startswith(WRITTEN) else UNREAD}
                    ),
                )
        return step

    # --- Values ---

    def value(self, of: Any, sent: Any, now: Any, was_in_form: Any = None, now_in_form: Any = None) -> Any:
        """`now`, with what is as it was sent as the design has it."""
        if same(sent, now):
            return of
        if is_ask(of):
            return self._instead_of(of, now)
        if isinstance(of, Mapping) and isinstance(sent, Mapping) and isinstance(now, Mapping):
            return self._object(of, sent, now, was_in_form, now_in_form)
        if isinstance(of, list) and isinstance(sent, list) and isinstance(now, list):
            return self._list(of, sent, now)
        return now

    def _object(self, of: Config, sent: Config, now: Config, was: Any, is_: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key in dict.fromkeys([*of, *now]):
            if same(get_at(was, (key,)), get_at(is_, (key,))) and isinstance(was, Mapping) and key in was:
                if key in of:  # the account filled it in or left it out
                    made[key] = of[key]
            elif key in now:
                inner = get_at(was, (key,)), get_at(is_, (key,))
                made[key] = self.value(of.get(key), sent.get(key), now[key], *inner)
            elif same(sent.get(key), None):
                made[key] = of[key]
        return made

    def _list(self, of: list[Any], sent: list[Any], now: list[Any]) -> list[Any]:
        """What is as one that was sent is that one. The others stand for those that are left, each for the next, if
        nothing came in or went; what was sent past the end of the design's was put there for this account alone."""
        free = dict(enumerate(sent))
        stands: list[int | None] = []
        for one in now:
            index = next((at for at, other in free.items() if same(other, one)), None)
            free.pop(index, None)  # type: ignore[arg-type]
            stands.append(index)
        if len(free) == stands.count(None):
            rest = iter(free)
            stands = [next(rest) if index is None else index for index in stands]
        made = []
        for index, one in zip(stands, now, strict=True):
            if index is None:
                made.append(one)
            elif index < len(of):
                made.append(self.value(of[index], sent[index], one))
            elif not same(sent[index], one):
                made.append(one)
        return made

    def _instead_of(self, of: Config, now: Any) -> Any:
        """What a question stands for was changed: it is another question's answer, another metric, or the account's
        own business, which the design goes on to ask for."""
        key, part = str(of[ASK]), str(of.get("part", ""))
        kind = self._kind(key)
        if GAP in part and isinstance(now, str):
            for (of_kind, _, value), other in self.answers.items():
                if of_kind == kind and (text := str(json.loads(value))) in now and GAP not in now:
                    return {ASK: other, "part": now.replace(text, GAP)}
        elif other := self.answers.get((kind, part, _plain(now)), ""):
            return {**of, ASK: other}
        if kind == "metric" and isinstance(now, str):
            return now
        said = self.questions.get(key, {}).get("question", key)
        self.notes[self.here] = (
            f"The template asks each account “{said}”: this account's own answer stays here."
        )
        return dict(of)

    # --- Ids of the account ---

    def asking(self, graph: Graph, known: Mapping[str, Known]) -> tuple[Graph, Questions, tuple[str, ...]]:
        """What came in of the account becomes a question: one that it answered with this, else a new one."""
        own = {(one.what, _plain(one.value)) for one in extract(self.of).lines}
        fresh: list[Line] = []
        for line in extract(graph, known).lines:
            if (line.what, _plain(line.value)) in own or not line.places:
                continue
            if again := self._answered(line):
                graph = ask_again(graph, *again)
            elif line.proposal != CONSTANT and (places := _to_ask(line)):
                fresh.append(replace(line, places=places))
        treat = {line.id: Choice(line.proposal if line.proposal != CONSTANT else QUESTION) for line in fresh}
        graph, questions, originals = ask_all(graph, self.questions, tuple(fresh), treat)
        for key in originals:
            questions[key] = {**questions[key], "default": None}
        return graph, questions, tuple(originals)

    def _answered(self, line: Line) -> tuple[Line, str] | None:
        """(what of it is asked for, the question); another address that is a sender's own follows that answer."""
        is_sender = line.what == "sender"
        part, value = ("email", line.value["email"]) if is_sender else ("", line.value)
        if key := self.answers.get((line.asks, part, _plain(value)), ""):
            return line, key
        if line.what == "address" and line.is_whole:
            key = self.answers.get(("sender", "email", _plain(value)), "")
            line = replace(line, places=tuple(replace(one, part="email") for one in line.places))
            return (line, key) if key else None
        return None


def _to_ask(line: Line) -> tuple[Any, ...]:
    """Where a value is to be asked for. What somebody wrote to customers travels as it is written."""
    if line.is_whole or line.what in ("metric", "list", "segment", "group", "template"):
        return line.places
    return tuple(one for one in line.places if line.what in OWN and str(one.path[-1]) not in WORDS)


def _in_the_gap(around: str, text: Any) -> str:
    before, _, after = around.partition(GAP)
    is_so = isinstance(text, str) and text.startswith(before) and text.endswith(after)
    return text[len(before) : len(text) - len(after)] if is_so else ""


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
