"""One flow as the editor and the publisher see it: its values, its questions, names for ids, cards, problems.

Reading a flow is two queries, however large it is. What was worked out for a step is kept in this process, by flow,
and used again while the step, its questions and its names are what they were: an act on one step of a thousand
describes and checks one step. What is kept is never trusted for truth: it is compared with what was read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import Any

from django.db.models import QuerySet, Value

from accounts import catalog
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.pieces import EMAILS, pieces_of, places_in, stands_in
from flowbuilder.definition.preflight import Checking, step_problems, whole_problems
from flowbuilder.definition.proving import Proof, prove
from flowbuilder.definition.writing import pointer_to, to_definition
from flowbuilder.graph import Graph, Link, Problem, Step, Trigger
from flowbuilder.graph.change import Draft
from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import TRIGGER_KEY, Card, Describer
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Action, Email, Flow, Requirement
from flowbuilder.models import Link as LinkRow
from flowbuilder.queries.flows import refusals
from flowbuilder.queries.within import ids_of

_FLOWS_KEPT = 64
SWITCHED, ASKED = ("accent", "switched"), ("accent", "question in the email")  # chips
QUESTION = (  # what a question is, beside its key; `place` is its place in the order
    *("kind", "question", "help", "looks_for", "integration", "role", "default"),
    *("who", "place", "options", "limits", "switches"),
)


# --- Rows -> values --------------------------------------------------------------------------------------------


def ports_of_type(action_type: str, config: Config) -> tuple[str, ...]:
    return tuple(port.name for port in action_kind(action_type).ports(config))


def as_step(action: Action) -> Step:
    return _step(action.key, action.type, action.name, action.config, action.note, action.extra)


def _step(key: str, action_type: str, name: str, config: Any, note: str, extra: Any) -> Step:
    return Step(key, action_type, config, name, ports_of_type(action_type, config), note, extra)


def graph_of(flow: Flow) -> Graph:
    return draft_of(flow).graph


def draft_of(flow: Flow) -> Draft:
    """The flow with its steps, links and questions. No query where this process read this very state before."""
    state = (flow.revision, flow.changed_at)
    held = _held.get(flow.pk)
    if held and held.state == state:
        return held.draft
    steps: dict[str, Step] = {}
    links: list[Link] = []
    for key, kind, name, config, note, extra, port, target in (
        Action.objects.filter(flow=flow)
        .order_by("pk", "links_out__pk")
        .values_list(
            *("key", "type", "name", "config", "note", "extra", "links_out__port", "links_out__target__key")
        )
    ):
        if key not in steps:
            steps[key] = _step(key, kind, name, config, note, extra)
        if port is not None:
            links.append(Link(key, port, target))
    trigger = getattr(flow, "trigger", None)
    draft = Draft(
        flow.name,
        Graph(
            trigger=Trigger(trigger.type, trigger.config) if trigger else None,
            steps=tuple(_known(held, steps)),
            links=(*_entry(flow), *links),
            profile_filter=flow.profile_filter,
            reentry=flow.reentry,
            extra=flow.extra,
        ),
        {
            one["key"]: {name: one[name] for name in QUESTION}
            for one in Requirement.objects.filter(flow=flow).values("key", *QUESTION)
        },
    )
    remember(flow.pk, state, draft)
    return draft


def _known(held: _Held | None, steps: Mapping[str, Step]) -> Iterator[Step]:
    """Steps that are as they were, as the very objects that they were."""
    before = held.draft.graph.by_key if held else {}
    for key, step in steps.items():
        yield before[key] if before.get(key) == step else step


def _entry(flow: Flow) -> Iterator[Link]:
    entry = getattr(flow, "entry", None)
    if not hasattr(flow, "entry"):
        entry = LinkRow.objects.filter(flow=flow, source=None).values_list("target__key", flat=True).first()
    if entry:
        yield Link(None, "next", entry)


# --- What this process keeps -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Told:
    """What was worked out for one step."""

    step: Step
    ids: frozenset[str]
    contents: frozenset[str]
    card: Card | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Held:
    state: tuple[int, datetime]
    draft: Draft
    told: dict[str, _Told]
    known: Any = None  # the words and defaults that `told` was worked out with
    whole: tuple[tuple[Draft, Any, list[Problem]], ...] = ()
    proof: tuple[Draft, Any, Proof] | None = None
    before: tuple[int, Draft] | None = None  # the revision before the last act, when that was done here


_held: OrderedDict[int, _Held] = OrderedDict()
_lock = Lock()


def remember(
    pk: int, state: tuple[int, datetime], draft: Draft, before: tuple[int, Draft] | None = None
) -> None:
    """Keep a state that is committed, and the one before the act that led to it."""
    with _lock:
        old = _held.pop(pk, None)
        made = _Held(state, draft, {}, before=before)
        if old:
            made.told, made.known, made.whole = old.told, old.known, old.whole
        _held[pk] = made
        while len(_held) > _FLOWS_KEPT:
            _held.popitem(last=False)


def draft_before(flow: Flow, revision: int) -> Draft | None:
    """The flow as it was at that revision, where this process did the one act since."""
    held = _held.get(flow.pk)
    if held and held.state == (flow.revision, flow.changed_at) and held.before and held.before[0] == revision:
        return held.before[1]
    return None


def forget(pk: int) -> None:
    """As if this process had never seen the flow."""
    with _lock:
        _held.pop(pk, None)


# --- A flow and all that is said of it -------------------------------------------------------------------------


class Design:
    """A flow, or a state of it from before, with what is said of it."""

    def __init__(self, flow: Flow, draft: Draft | None = None) -> None:
        self.flow = flow
        self.draft = draft or draft_of(flow)

    @property
    def graph(self) -> Graph:
        return self.draft.graph

    @cached_property
    def requirements(self) -> dict[str, Question]:
        found = [Question.of({"key": key, **one}) for key, one in self.draft.requirements.items()]
        return {one.key: one for one in sorted(found, key=lambda one: one.place)}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What each question stands for until an account answers."""
        return {key: one.stands_for for key, one in self.requirements.items()}

    @cached_property
    def _told(self) -> dict[str, _Told]:
        """Ids and emails of every step; those of steps that are as they were are not looked for again."""
        held = _held.get(self.flow.pk)
        before = held.told if held else {}
        told = {}
        for step in self.graph.steps:
            old = before.get(step.key)
            if old is None or old.step is not step:
                if old is not None and old.step == step:
                    old.step = step
                else:
                    ids, contents = frozenset(ids_of(step.config)), find_contents(step.config)
                    old = _Told(step, ids, frozenset(key for _, key in contents))
            told[step.key] = old
        return told

    @cached_property
    def looked_up(self) -> tuple[dict[str, str], dict[str, Email]]:
        """Names for the ids that the flow speaks of, and the emails of the workspace that it uses. One query."""
        ids = {one for told in self._told.values() for one in told.ids}
        ids.update(ids_of(self.graph.trigger.config if self.graph.trigger else {}))
        ids.update(ids_of(self.graph.profile_filter or {}))
        keys = {key for one in self._told.values() for key in one.contents}
        emails = Email.objects.filter(workspace=self.flow.workspace_id, key__in=keys).order_by()
        columns = ("key", "name", "pk", "revision", "html", "text")
        none = {"row": Value(0), "revision": Value(-1), "html": Value(""), "text": Value("")}
        named: QuerySet[Any] = catalog.known(self.flow.workspace, ids).annotate(**none)
        found: Any = emails.values_list(*columns) if keys else ()
        if ids:
            found = named.values_list("klaviyo_id", "name", "row", "revision", "html", "text")
            found = found.union(emails.values_list(*columns), all=True) if keys else found
        names, written = {}, {}
        for key, name, row, revision, html, text in found:
            if revision < 0:
                names[key] = name
            else:
                workspace = self.flow.workspace_id
                made = Email(row, workspace, key, name, html, text, revision)
                written[key] = made
        return names, written

    @property
    def emails(self) -> dict[str, Email]:
        return self.looked_up[1]

    @cached_property
    def words(self) -> Words:
        asked = {
            value: self.requirements[key].looks_for
            for key, value in self.defaults.items()
            if isinstance(value, str) and self.requirements[key].looks_for
        }
        return Words({**self.looked_up[0], **asked})

    @cached_property
    def describer(self) -> Describer:
        return Describer(self.words, self.defaults)

    @cached_property
    def checking(self) -> Checking:
        contents = {key: (one.html, one.text) for key, one in self.emails.items()}
        return Checking(self.defaults, contents, self.words)

    @cached_property
    def said(self) -> dict[str, _Told]:
        """Card and problems of every step."""
        told, held = self._told, _held.get(self.flow.pk)
        if held is not None and held.draft is not self.draft:
            held = _Held(held.state, held.draft, {}, held.known)  # of another state: used, not kept
        known = (self.words.names, self.defaults, self.checking.contents)
        is_known = held is not None and held.known == known
        for one in told.values():
            if one.card is None or not is_known:
                one.card = self.describer.step(one.step)
                one.problems = step_problems(one.step, self.checking)
        if held is not None:
            held.told, held.known = told, known
        return told

    @cached_property
    def cards(self) -> dict[str, Card]:
        """The trigger's card, then those of the steps. Where a part begins that a question switches, it says so; and
        where one stands inside of the email."""
        cards = {
            TRIGGER_KEY: self._start,
            **{key: one.card for key, one in self.said.items() if one.card},
        }
        for one in self.requirements.values():
            for switch in one.switches:
                if (card := cards.get(switch["start"])) and SWITCHED not in card.chips:
                    cards[switch["start"]] = replace(card, chips=(*card.chips, SWITCHED))
        asking = [one.limits for one in self.requirements.values() if EMAILS in one.limits]
        for key, told in self._told.items() if asking else ():
            if any(stands_in(one, told.contents) for one in asking):
                cards[key] = replace(cards[key], chips=(*cards[key].chips, ASKED))
        return cards

    @property
    def _start(self) -> Card:
        """The trigger says as well whom the flow is for."""
        card = self.describer.trigger(self.graph.trigger)
        who = self.describer.profile_filter(self.graph.profile_filter)
        return replace(card, summary=f"{card.summary} {who}".strip())

    @cached_property
    def problems(self) -> list[Problem]:
        found = [*self._whole]
        for one in self.said.values():
            found += one.problems
        return [*found, *self._gone, *self._refusals]

    @property
    def _gone(self) -> Iterator[Problem]:
        """Questions about something in an email that does not say it any more."""
        asking = [one for one in self.requirements.values() if one.limits.get(EMAILS)]
        for key, email in self.emails.items() if asking else ():
            there = {(one.what, one.value) for one in pieces_of({"html": email.html, "text": email.text})}
            step = next((step for step, told in self._told.items() if key in told.contents), None)
            for one in asking:
                for place in places_in(one.limits, key):
                    if (place["what"], place["value"]) not in there:
                        text = (
                            f"“{one.question}” asks for “{place['value'][:80]}” in the email “{email.name}”, which "
                            "does not say it any more: take the question away, or ask for what stands there now."
                        )
                        yield Problem("piece-gone", text, step, ("message", "template_id"))

    @property
    def _whole(self) -> list[Problem]:
        """What is wrong beyond single steps; of the two states before and after an act, it is kept."""
        held = _held.get(self.flow.pk)
        known = (self.words.names, self.defaults)
        for draft, with_known, found in held.whole if held else ():
            if draft is self.draft and with_known == known:
                return found
        titles = self.cards
        found = whole_problems(self.graph, self.checking, lambda key: titles[key].title)
        if held:
            # Three are kept: of the two states around an act, either may be asked for first.
            held.whole = ((self.draft, known, found), *held.whole[:2])
        return found

    @cached_property
    def proof(self) -> Proof:
        """Whether every answer to its switches leaves a flow that can be published. Kept while the flow is the same."""
        held, known = _held.get(self.flow.pk), (self.words.names, self.defaults, self.checking.contents)
        if held and held.proof and held.proof[0] is self.draft and held.proof[1] == known:
            return held.proof[2]
        titles, said = self.cards, self.said
        found = prove(
            self.graph,
            list(self.requirements.values()),
            self.checking,
            lambda step: said[step.key].problems,
            lambda key: titles[key].title,
        )
        if held:
            held.proof = (self.draft, known, found)
        return found

    @property
    def _refusals(self) -> list[Problem]:
        """What Klaviyo refused of the latest version, on the steps it spoke of. The account is not named: it may
        be somebody else's."""
        refused = getattr(self.flow, "refused", None)
        if not hasattr(self.flow, "refused"):
            refused = refusals(self.flow.pk).first()
        return [
            Problem(
                "refused",
                f"Klaviyo refused this: {one['text']}",
                one["step"],
                tuple(one["path"]),
                blocks=False,
            )
            for one in (refused or [])
            if one["step"] in (*self.graph.by_key, TRIGGER_KEY, None)
        ]

    def told(self, problems: Iterable[Problem]) -> list[dict[str, Any]]:
        """Problems as plain values, for scripts and the API; a pointer leads into the flow's create body."""
        definition = to_definition(self.graph)
        return [
            {
                "code": one.code,
                "blocks": one.blocks,
                "text": one.text,
                "step": one.step,
                "pointer": pointer_to(definition, one.step, one.path),
            }
            for one in problems
        ]
