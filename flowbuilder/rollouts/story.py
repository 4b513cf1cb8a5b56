"""A rollout as its page tells it: what came of its accounts, its waves, when it is done. Reads only.

A constant number of queries, however many accounts it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.urls import reverse

from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.kinds.base import count
from flowbuilder.models import Choice, Rollout
from flowbuilder.publisher.dry_run import COLUMNS
from flowbuilder.publisher.fits import values_of
from flowbuilder.queries.rollouts import (
    NOT_READY,
    choice_rows,
    lines_of,
    pace_of,
    parked_for,
    standings_of,
    waves_of,
)
from flowbuilder.rollouts.estimate import in_words, seconds_left

A_PAGE = 50
WIDTH = 1000  # of the bar
MOST_WAVES = 7  # in the row of steps
State = Rollout.State

# standing -> (label, tone, icon). A colour never stands alone.
TOLD: dict[str, tuple[str, str, str]] = {
    "published": ("Published", "good", "check"),
    "under-way": ("Under way", "accent", "loader"),
    "waiting": ("Waiting", "warn", "clock"),
    "failed": ("Failed", "bad", "x"),
    "refused": ("Refused", "bad", "x-circle"),
    "ready": ("Ready", "ready", "minus"),
    "unchecked": ("Not looked at", "", "search"),
    "asks": ("Needs answers", "warn", "help"),
    "cannot": ("Cannot", "bad", "alert-circle"),
}
MANY = {"asks": "Need answers"}
FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", tuple(TOLD)),
    "not-ready": ("Not ready", NOT_READY),
    "ready": ("Ready", ("ready",)),
    "open": ("Under way", ("under-way", "waiting")),
    "bad": ("Failed or refused", ("failed", "refused")),
    "published": ("Published", ("published",)),
}
TONES: dict[str, str] = {
    State.PLANNED: "",
    State.RUNNING: "accent",
    State.PAUSED: "warn",
    State.STOPPED: "bad",
    State.FINISHED: "good",
    State.CANCELLED: "",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar. `x` and `width` are of WIDTH."""

    standing: str
    label: str
    tone: str
    icon: str
    number: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    choice: Choice
    label: str
    tone: str
    icon: str
    text: str
    url: str = ""
    action: str = ""
    is_ours: bool = True  # where the press leads


class Story:
    def __init__(
        self, rollout: Rollout, now: datetime, params: Mapping[str, str], *, may_act: bool, wrong: str = ""
    ) -> None:
        self.rollout = rollout
        self.now = now
        self.may_act = may_act
        self.wrong = wrong
        show = params.get("show", "")
        self.show = show if show in FILTERS else ""
        self.words = params.get("q", "").strip()[:100]
        self.number = params.get("page", "")
        self.standings = standings_of(rollout)

    # What there is

    @property
    def total(self) -> int:
        return sum(self.standings.values())

    @property
    def left(self) -> int:
        """Accounts that it still has to reach, or is reaching."""
        return self.on_way + (0 if self.rollout.state == State.CANCELLED else self.standings["ready"])

    @property
    def on_way(self) -> int:
        return self.standings["under-way"] + self.standings["waiting"]

    @property
    def bad(self) -> int:
        return self.standings["failed"] + self.standings["refused"]

    @property
    def not_ready(self) -> int:
        return sum(self.standings[one] for one in NOT_READY)

    @property
    def is_unsent(self) -> bool:
        """Whether an account is left to which answers would still matter."""
        return self.standings["ready"] + self.not_ready > 0

    @property
    def is_planned(self) -> bool:
        return self.rollout.state == State.PLANNED

    @property
    def is_looking(self) -> bool:
        return bool(self.standings["unchecked"]) and self.rollout.state != State.CANCELLED

    @property
    def look_after(self) -> str:
        """When the page asks for the next look; later where every account that is left waits for its limits."""
        unchecked = self.rollout.choices.filter(publication=None, fit=Choice.Fit.UNCHECKED)
        return "400ms" if unchecked.filter(reason="").exists() else "5s"

    @property
    def looked_at(self) -> int:
        return self.total - self.standings["unchecked"]

    @property
    def is_moving(self) -> bool:
        """Whether the page asks again by itself."""
        is_moving = self.is_looking or self.rollout.state == State.RUNNING or self.on_way > 0
        return is_moving or self.rollout.awaits_approval

    @property
    def may_resume(self) -> bool:
        state = self.rollout.state
        return state in (State.PAUSED, State.STOPPED) or (
            state == State.FINISHED and self.standings["ready"] > 0
        )

    @property
    def may_retry(self) -> bool:
        return self.standings["failed"] > 0 and self.rollout.state not in (State.PLANNED, State.CANCELLED)

    @property
    def tone(self) -> str:
        if self.rollout.state == State.FINISHED and self.bad:
            return "warn"
        return TONES[self.rollout.state]

    # In words

    @cached_property
    def sentence(self) -> str:
        one, told = self.rollout, self.standings
        if self.is_planned and self.is_looking:
            return (
                f"{self.looked_at:,} of {count(self.total, 'account')} looked at. Nothing is made meanwhile."
            )
        if self.is_planned and one.reason:  # asked of a second person, or refused by one
            return one.reason
        if self.is_planned:
            rest = self.total - told["ready"]
            if not told["ready"]:
                return "No account is ready yet: below is what each of them needs."
            if not rest:
                return f"{_all(self.total)} ready."
            return f"{told['ready']:,} of {count(self.total, 'account')} are ready; {rest:,} are left out."
        have = "has" if self.total == 1 else "have"
        landed = f"{told['published']:,} of {count(self.total, 'account')} {have} it"
        if one.state == State.RUNNING and self.estimate:
            return f"{landed}. Done in {self.estimate}."
        bad = f", {count(self.bad, 'publication')} failed or {_was(self.bad)} refused" if self.bad else ""
        reason = "" if one.state == State.STOPPED else one.reason  # that one has a banner
        return f"{landed}{bad}. {reason}".strip()

    @cached_property
    def estimate(self) -> str:
        """“about 4 minutes”; empty where nothing is left or nobody can tell."""
        if not self.left or self.rollout.state != State.RUNNING:
            return ""
        seconds = seconds_left(
            lines_of(self.rollout, self.now),
            left=self.left,
            waves=1 + self._waves_to_come,
            pace=pace_of(self.rollout, self.now),
            parked=parked_for(self.rollout, self.now),
        )
        return in_words(seconds)

    @cached_property
    def parts(self) -> list[Part]:
        found, x = [], 0.0
        for standing, (label, tone, icon) in TOLD.items():
            if number := self.standings[standing]:
                width = WIDTH * number / self.total
                many = MANY.get(standing, label) if number > 1 else label
                found.append(Part(standing, many.lower(), tone, icon, number, round(x, 2), round(width, 2)))
                x += width
        return found

    # Waves

    @property
    def _waves_to_come(self) -> int:
        one, ready = self.rollout, self.standings["ready"]
        if one.wave is None:
            ready = max(ready - one.canary, 0)
        return -(-ready // one.wave_size) + (1 if one.wave is None and one.canary else 0)

    @cached_property
    def waves(self) -> list[dict[str, str]]:
        """For the stepper: what was sent, then what is to come, the longest rows cut in the middle."""
        found = []
        for one in waves_of(self.rollout):
            state = "now" if one.open else "failed" if one.bad else "done"
            done = f"{one.total - one.bad:,} of " if one.bad else ""
            found.append({"label": f"{_wave(one.number)}: {done}{one.total:,}", "state": state, "url": ""})
        to_come = self._waves_to_come if self.rollout.is_open else 0
        total = len(found) + to_come
        found += self._to_come(min(to_come, MOST_WAVES))
        if total > MOST_WAVES:
            at = next(
                (place for place, one in enumerate(found) if one["state"] in ("now", "todo")), len(found)
            )
            first = max(0, min(at - 2, total - MOST_WAVES))
            rest = total - first - MOST_WAVES
            before = (
                [{"label": f"{count(first, 'wave')} before", "state": "done", "url": ""}] if first else []
            )
            after = [{"label": f"{count(rest, 'more wave')}", "state": "todo", "url": ""}] if rest else []
            found = [*before, *found[first : first + MOST_WAVES], *after]
        return found

    def _to_come(self, most: int) -> list[dict[str, str]]:
        one, ready = self.rollout, self.standings["ready"]
        found: list[dict[str, str]] = []
        number = 0 if one.wave is None and one.canary else (one.wave or 0) + 1
        while len(found) < most:
            size = min(ready, one.canary if number == 0 else one.wave_size)
            found.append({"label": f"{_wave(number)}: {size:,}", "state": "todo", "url": ""})
            ready, number = ready - size, number + 1
        return found

    # Accounts

    @cached_property
    def page(self) -> Page[Any]:
        rows = choice_rows(self.rollout)
        if self.show:
            rows = rows.filter(standing__in=FILTERS[self.show][1])
        for word in self.words.split():
            rows = rows.filter(Q(account__name__icontains=word) | Q(account__klaviyo_id__icontains=word))
        return Paginator(rows.order_by("pk"), A_PAGE).get_page(self.number)

    @cached_property
    def rows(self) -> list[Row]:
        return [row_of(one, self.rollout, self.may_act) for one in self.page.object_list]

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the grid, before it starts."""
        return COLUMNS

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The filters that find something, with how many."""
        found = []
        for key, (label, standings) in FILTERS.items():
            number = sum(self.standings[one] for one in standings)
            if number or key == self.show or not key:
                found.append(
                    {
                        "label": label,
                        "number": number,
                        "query": self.query(show=key),
                        "active": key == self.show,
                    }
                )
        return found

    def query(self, **changed: str) -> str:
        """What the address carries."""
        held = {"show": self.show, "q": self.words} | changed
        return urlencode({key: value for key, value in held.items() if value})

    @property
    def page_query(self) -> str:
        query = self.query()
        return f"{query}&" if query else ""

    @property
    def address(self) -> str:
        """Of the page as it stands, for asking again."""
        page = str(self.page.number) if self.page.number > 1 else ""
        query = self.query(page=page, seen=self.mark, was=self.rollout.state)
        return f"{reverse('rollouts:rollout', args=[self.rollout.pk])}?{query}"

    @cached_property
    def mark(self) -> str:
        """Changes with everything that the page shows."""
        shown: list[Any] = [self.rollout.state, self.is_moving, self.sentence, self.waves]
        shown += self.standings.items()
        shown += [(row.choice.pk, row.label, row.text) for row in self.rows]
        return sha1(repr(shown).encode(), usedforsecurity=False).hexdigest()[:12]

    # Questions

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        return Frozen(self.rollout.version.document).questions

    @cached_property
    def lacking(self) -> list[str]:
        """The questions that accounts lack an answer to, each in a sentence. One query."""
        if not self.standings["asks"]:
            return []
        found = {one.key: 0 for one in self.questions}
        asking = self.rollout.choices.filter(publication=None, fit=Choice.Fit.ASKS)
        frozen = Frozen(self.rollout.version.document)
        for answers in asking.values_list("answers", flat=True):
            needed = {one.key for one in frozen.needed(values_of(answers))}
            for key in needed - answers.keys():
                found[key] += 1
        return [
            f"“{one.question}” has no answer in {count(found[one.key], 'account')}."
            for one in self.questions
            if found[one.key]
        ]


def row_of(choice: Any, rollout: Rollout, may_act: bool) -> Row:
    """A line of the list: where the account stands, why, and what one can do about it."""
    standing, publication = choice.standing, choice.publication
    label, tone, icon = TOLD[standing]
    if standing == "ready" and rollout.state == State.CANCELLED:
        label = "Not sent"
    if publication is None or standing == "cannot":
        if standing == "asks" and may_act:
            url = reverse("rollouts:account", args=[rollout.pk, choice.pk])
            return Row(choice, label, tone, icon, choice.reason, url, "Answer")
        if standing == "cannot" and may_act and not choice.account.is_connected:
            url = reverse("accounts:list", args=[rollout.workspace.slug])
            return Row(choice, label, tone, icon, choice.reason, url, "Reconnect it")
        return Row(choice, label, tone, icon, choice.reason)
    history = reverse("history:publication", args=[publication.pk])
    if standing == "published":
        text = publication.reason or "Landed as a draft."
        return Row(choice, label, tone, icon, text, publication.flow_url, "Show in Klaviyo", is_ours=False)
    if standing == "refused":
        refusals = publication.refusals
        more = f" And {len(refusals) - 1} more." if len(refusals) > 1 else ""
        text = f"{refusals[0]['text']}{more}" if refusals else publication.reason
        return Row(choice, label, tone, icon, text, history, "See why")
    if standing == "failed":
        return Row(choice, label, tone, icon, publication.reason, history, "See why")
    text = publication.reason or f"{publication.get_state_display()}."
    if publication.not_before and standing == "waiting":
        text = f"{text} Goes on at {publication.not_before:%H:%M} UTC on {publication.not_before:%-d %b}."
    return Row(choice, label, tone, icon, text, history, "Follow it")


def _wave(number: int) -> str:
    return f"Wave {number}" if number else "Canary"


def _all(number: int) -> str:
    return "The account is" if number == 1 else f"All {number:,} accounts are"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
