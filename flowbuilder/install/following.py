"""How far a publication is, as steps a merchant understands. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.utils.timezone import now as right_now

from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.offering import outside
from flowbuilder.kinds.asks import find_contents, is_ask, is_content
from flowbuilder.kinds.base import count
from flowbuilder.models import Attempt, Made, Publication
from flowbuilder.publisher.late import alarm
from flowbuilder.publisher.states import found_flows
from flowbuilder.queries.approvals import approvals_of, in_words

S = Publication.State
DONE, NOW, FAILED, WAITING, TODO = "done", "now", "failed", "waiting", "todo"
ICONS = {DONE: "check", NOW: "loader", FAILED: "x", WAITING: "clock", TODO: "minus"}
SLOW = (S.WAITING, S.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Stage:
    text: str
    state: str
    when: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.state]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of Klaviyo's reasons; `step` is the name of the step it speaks of, or empty."""

    step: str
    text: str


@dataclass(frozen=True)
class Progress:
    publication: Publication
    stages: list[Stage]
    refusals: list[Refusal]
    templates: int

    @property
    def pause(self) -> str:
        """How often the page asks again: what waits is not hurried."""
        return "5s" if self.publication.state in SLOW or self.publication.awaits_approval else "1s"

    @property
    def steps(self) -> list[dict[str, str]]:
        """For the stepper."""
        state = self.publication.state
        last = "done" if state == S.PUBLISHED else "now" if self.publication.is_open else "failed"
        done = [{"label": label, "state": "done"} for label in ("Connect", "Your answers", "Preview")]
        return [*done, {"label": "Install", "state": last}]

    @property
    def left_behind(self) -> str:
        """What stays in the account when it does not go on."""
        return (
            f"{count(self.templates, 'email template')} made for it can be deleted in Klaviyo."
            if self.templates
            else ""
        )

    @property
    def must_decide(self) -> bool:
        """Several flows look like it: a person says which one it is."""
        return bool(found_flows(self.publication))

    @cached_property
    def alarm(self) -> str:
        return alarm(self.publication, right_now())

    @cached_property
    def who_can(self) -> str:
        """Who can say yes, while it waits for a second person."""
        one = self.publication
        return in_words(approvals_of(one)) if one.awaits_approval else ""

    @property
    def has_broken_connection(self) -> bool:
        return self.publication.state == S.FAILED and not self.publication.account.is_connected


def progress_of(publication: Publication) -> Progress:
    frozen = Frozen(publication.version.document)
    attempts: dict[str, Attempt] = {}
    for attempt in publication.attempts.defer("request", "answer", "headers"):
        attempts[attempt.step] = attempt  # the last of each step
    made = {(one.kind, one.step) for one in publication.made.all()}
    checked = "check-account" in attempts and attempts["check-account"].outcome == Attempt.Outcome.DONE
    begun = checked or bool(made) or bool(publication.klaviyo_flow_id)
    facts: list[tuple[str, bool, str]] = [("Account checked", begun, "check-account")]
    for step, name in _emails(frozen):
        text = f"Email “{name}” made"
        facts.append((text, (Made.Kind.TEMPLATE, step) in made, f"make-template-{step}"))
    facts.append(("Flow created", bool(publication.klaviyo_flow_id), "create-flow"))
    facts.append(("Read back and compared", publication.state == S.PUBLISHED, "read-back"))
    return Progress(
        publication=publication,
        stages=list(_stages(publication, facts, attempts)),
        refusals=_refusals(publication, frozen),
        templates=sum(kind == Made.Kind.TEMPLATE for kind, _ in made),
    )


def _emails(frozen: Frozen) -> Iterator[tuple[str, str]]:
    """(name of the step in the publisher, name for people) of every template that is made or copied."""
    definition = frozen.document["definition"]
    for key in dict.fromkeys(key for _, key in find_contents(definition)):
        yield key, frozen.contents[key]["name"]
    describer = outside(frozen)
    for action in definition["actions"]:
        source = ((action.get("data") or {}).get("message") or {}).get("template_id")
        if action["type"] == "send-email" and source and not is_ask(source) and not is_content(source):
            key = action["temporary_id"]
            yield f"clone-{key}", describer.step(frozen.graph.by_key[key]).title


def _stages(
    publication: Publication, facts: list[tuple[str, bool, str]], attempts: dict[str, Attempt]
) -> Iterator[Stage]:
    state = publication.state
    first_open = WAITING if state in SLOW else NOW if publication.is_open else FAILED
    for text, is_done, step in facts:
        seconds = attempts[step].seconds if step in attempts else None
        when = f"{max(seconds, 0.1):.1f} s" if seconds is not None and is_done else ""
        if is_done:
            yield Stage(text, DONE, when)
        else:
            yield Stage(text, first_open)
            first_open = TODO


def _refusals(publication: Publication, frozen: Frozen) -> list[Refusal]:
    describer = outside(frozen)
    found = []
    for one in publication.refusals:
        key = one.get("step")
        known = key == "trigger" or key in frozen.graph.by_key
        title = describer.card(frozen.graph, key).title if known else ""
        found.append(Refusal(title, one.get("text", "")))
    return found
