"""One run: the world, the asks, what breaks meanwhile, the people who repair, and the verdict. Called by __main__.py.

The product is driven by its operations and watched by its rows. What a person would do is done here: connect a shop
again that had removed the app, press “Try again” on what failed, come back when a long wait is over.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil
from random import Random
from threading import Thread
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connections
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now

from accounts.connecting import connect_with_key
from accounts.models import Allowance, KlaviyoAccount
from accounts.refusals import UnableToConnect
from flowbuilder.models import Attempt, Lane, Made, Publication
from flowbuilder.operations.installs import UnableToInstall
from flowbuilder.operations.publications import UnableToAct, cancel_publication, retry_publication
from tests.faults import world as worlds
from tests.faults.chaos import Chaos
from tests.faults.draw import CREATE, KILL_AFTER, KILL_BEFORE, plan_of
from tests.faults.judge import Row, There, Verdict, judge
from tests.faults.options import Options
from tests.stack import Stack

T = TypeVar("T")
LONG = timedelta(minutes=8)  # who is told to wait so long comes back, when what was broken is repaired
MINDS_CHANGED, PRESSED_TWICE = 0.03, 0.05  # of all asks
TRIES = 5  # of a person who presses “Try again”
MARKED = re.compile(worlds.MARKER.format(r"(\d+)"))
CALLS_BETWEEN = 10  # two things that break
A_DAY = 100  # flows that an account may make
LEFT_TODAY = 2  # of them, in the limited accounts


def run(options: Options, stack: Stack) -> dict[str, Any]:
    return Run(options, stack).go()


class Run:
    def __init__(self, options: Options, stack: Stack) -> None:
        self.options, self.stack = options, stack
        self.plan = worlds.Plan.of(options.number_of_accounts, options.seed)
        self.chaos = Chaos(stack, options.seed, away=options.away)
        self.klaviyo_file = stack.folder / "klaviyo.sqlite3"
        self.to_ask: deque[tuple[int, str]] = deque()
        self.asked: list[tuple[str, int]] = []
        self.pressed: Counter[int] = Counter()  # “Try again”, by publication
        self.random = Random(f"people {options.seed}")
        self.say_at = 10.0
        self.calls = 0  # when something was broken last
        self.is_app_removed = False  # by some merchants, at Klaviyo

    def go(self) -> dict[str, Any]:
        self.begin()
        started = time.monotonic()
        next_act, next_look = started + self.options.every, started
        is_settled = False
        while not is_settled and time.monotonic() - started < self.options.seconds:
            self.ask_some()
            self.chaos.come_back()
            self.chaos.start_what_ended()
            if time.monotonic() >= next_look:
                steady(self.do_what_people_do)
                is_settled = steady(self.is_settled)
                self.say_how_far(time.monotonic() - started)
                next_look = time.monotonic() + 0.5
            if time.monotonic() >= next_act and steady(self.is_time_to_break):
                self.chaos.act()
                next_act = time.monotonic() + self.options.every
            time.sleep(0.02)
        self.chaos.come_back(at_once=True)
        return steady(lambda: self.report(time.monotonic() - started, is_settled))

    def begin(self) -> None:
        options, plan = self.options, self.plan
        metrics = worlds.fill_klaviyo(
            self.klaviyo_file, plan, speed=options.speed, skew=options.skew, made_today=A_DAY - LEFT_TODAY
        )
        drawn = {
            "seed": options.seed,
            "share": options.share,
            "kills": options.kills,
            "patience": options.timeout,
            "waits": options.waits,
            "tokens": sorted(plan.tokens),
            "plan": plan_of(plan.plain, plan.tokens),
        }
        file = self.stack.folder / "draw.json"
        file.write_text(json.dumps(drawn))
        given = ["--data", str(self.klaviyo_file), "--speed", str(options.speed), "--draw", str(file)]
        given += ["--token-seconds", str(worlds.TOKEN_SECONDS)]
        self.stack.start_klaviyo(*given, module="tests.faults.klaviyo")
        designs = ceil(options.publications / len(plan.accounts))
        self.world = worlds.fill_database(plan, metrics, designs=designs)
        self.to_ask.extend(self.world.asks(options.publications, options.seed))
        self.stack.start_workers()

    # What people do

    def ask_some(self) -> None:
        for _ in range(min(5, len(self.to_ask))):
            design, account = self.to_ask.popleft()
            try:
                steady(partial(self.press, design, account))
            except UnableToInstall:  # it is disconnected: the merchant is told so, and comes back
                self.to_ask.append((design, account))
                return
            self.asked.append((account, design))
            if self.random.random() < MINDS_CHANGED:
                self.cancel(design, account)

    def cancel(self, design: int, account: str) -> None:
        asked = Publication.objects.filter(
            account__klaviyo_id=account, install__template_flow=self.world.designs[design - 1]
        )
        with suppress(UnableToAct):  # too late: it is under way
            steady(lambda: cancel_publication(publication=asked.get(), by=self.world.asker))

    def press(self, design: int, account: str) -> None:
        """Now and then in two tabs at once."""
        if self.random.random() < PRESSED_TWICE:
            other = Thread(target=worlds.ask_elsewhere, args=(self.world, design, account))
            other.start()
            try:
                worlds.ask(self.world, design, account)
            finally:
                other.join()
        else:
            worlds.ask(self.world, design, account)

    def do_what_people_do(self) -> None:
        if not self.is_app_removed and len(self.asked) > self.options.publications * 0.3:
            self.is_app_removed = True
            for id in self.plan.revoked:
                self.stack.control("uninstall", {"account": id})
        self.come_back_tomorrow()
        for account in KlaviyoAccount.objects.filter(state="disconnected").select_related("owner"):
            self.connect_again(account)
        for publication in self.to_try_again():
            self.pressed[publication.pk] += 1
            with suppress(UnableToAct):
                retry_publication(publication=publication, by=self.world.asker)

    def connect_again(self, account: KlaviyoAccount) -> None:
        """By a private key now; and what was told to wait for that is looked at, as it would be in ten minutes."""
        try:
            connect_with_key(
                user=self.world.asker, workspace=account.owner, key=worlds.key_of(account.klaviyo_id)
            )
        except UnableToConnect:
            return  # Klaviyo could not be reached: once more at the next look
        Publication.objects.filter(account=account, state="unknown", not_before__gt=now() + LONG).update(
            not_before=now()
        )
        Lane.objects.filter(account=account).update(not_before=None)

    def come_back_tomorrow(self) -> None:
        """Who was told to wait for a day, and never longer, comes back then. It passes here at once, but not for the
        day's own hundred."""
        late, day = now() + LONG, now() + timedelta(days=1, minutes=5)
        blocked = Allowance.objects.filter(blocked_until__gt=late.timestamp()).exclude(
            account__klaviyo_id__in=self.plan.limited, endpoint=CREATE
        )
        accounts = set(blocked.values_list("account_id", flat=True))
        blocked.update(blocked_until=None, version=F("version") + 1)
        told = Publication.objects.filter(state__in=Publication.OPEN, not_before__gt=late).filter(
            Q(account__in=accounts) | ~Q(account__klaviyo_id__in=self.plan.limited) | Q(state="unknown")
        )
        if told.filter(not_before__gt=day).exists():
            raise AssertionError("Somebody was told to wait for longer than a day.")
        if pks := list(told.values_list("pk", flat=True)):
            Publication.objects.filter(pk__in=pks, not_before__gt=late).update(not_before=now())
            Lane.objects.filter(account__publications__in=pks).update(not_before=None)
            self.chaos.counts["told to wait for a day, and came back"] += len(pks)

    def to_try_again(self) -> list[Publication]:
        failed = Publication.objects.filter(state="failed", account__state="connected")
        return [one for one in failed.select_related("install") if self.pressed[one.pk] < TRIES]

    # Whether it is over

    def open_ones(self) -> QuerySet[Publication]:
        """Without those that wait for tomorrow, as they were told."""
        tomorrow = Q(account__klaviyo_id__in=self.plan.limited, state="waiting", not_before__gt=now() + LONG)
        return Publication.objects.filter(state__in=Publication.OPEN).exclude(tomorrow)

    def is_time_to_break(self) -> bool:
        """Things break while there is much to do, so the last few may end in peace; and only when calls were made
        since the last time: on a slow machine workers would be killed before they have begun."""
        calls = Attempt.objects.count()
        if calls < self.calls + CALLS_BETWEEN or not self.is_busy():
            return False
        self.calls = calls
        return True

    def is_busy(self) -> bool:
        return len(self.to_ask) + self.open_ones().count() > max(3, self.options.publications * 0.1)

    def is_settled(self) -> bool:
        return (
            not self.to_ask and not self.open_ones().exists() and not self.to_try_again() and self.is_tidy()
        )

    def is_tidy(self) -> bool:
        """Whether what given-up publications made is taken away. Ten minutes between two tries pass here at once."""
        left = Publication.objects.exclude(tidy_at=None)
        if left.exists() and not self.open_ones().exists():
            left.filter(
                tidy_at__gt=now() + timedelta(seconds=self.options.timeout + self.options.quiet)
            ).update(tidy_at=now() + timedelta(seconds=self.options.timeout + self.options.quiet))
            Lane.objects.filter(account__in=left.values("account"), not_before__gt=now()).update(
                not_before=None
            )
        return not left.exists()

    def say_how_far(self, seconds: float) -> None:
        if seconds >= self.say_at:
            self.say_at = seconds + 10
            left = steady(lambda: self.open_ones().count())
            text = f"{seconds:5.0f} s: {len(self.asked)} asked, {left} open, {self.chaos.killed} killed beside calls\n"
            sys.stderr.write(text)

    # What came of it

    def report(self, seconds: float, is_settled: bool) -> dict[str, Any]:
        rows = [
            Row(*one)
            for one in Publication.objects.values_list(
                *("pk", "account__klaviyo_id", "version__document", "state", "reason", "klaviyo_flow_id"),
                "not_before",
            )
        ]
        rows = [replace(row, design=marker_of(json.dumps(row.design)) or 0) for row in rows]
        made = Made.objects.filter(removed_at=None).values_list(
            "kind", "klaviyo_id", "publication__account__klaviyo_id"
        )
        verdict = judge(self.asked, rows, self.there(), {(kind, id): account for kind, id, account in made})
        return self.told(verdict, seconds, is_settled)

    def told(self, verdict: Verdict, seconds: float, is_settled: bool) -> dict[str, Any]:
        drawn = self.drawn("kind")
        deaths = {kind: many for kind, many in drawn.items() if kind in (KILL_BEFORE, KILL_AFTER)}
        calls = self.read("select count(*) from request where path like '/api/%' or path = '/oauth/token'")[
            0
        ][0]
        left = steady(lambda: list(self.open_ones().values_list("account__klaviyo_id", "state", "reason")))
        wrong = verdict.lost + verdict.doubled + verdict.orphaned
        sys.stderr.write("\n".join(self.chaos.last_words[:3]) + "\n")
        known = set(self.plan.accounts)
        told = [word for text in (*wrong, *(one[0] for one in left)) for word in re.split(r"\W+", text)]
        sys.stderr.write(self.stories([word for word in dict.fromkeys(told) if word in known][:3]) + "\n")
        return {
            "benchmark": "faults",
            "asked": len(self.asked),
            **{
                state: verdict.states[state]
                for state in ("published", "refused", "waiting", "failed", "cancelled")
            },
            "open": len(left),
            "lost": len(verdict.lost),
            "doubled": len(verdict.doubled),
            "orphaned": len(verdict.orphaned),
            "calls": calls,
            "faults": sum(drawn.values()),
            "kills": self.chaos.killed + sum(deaths.values()),
            "seconds": round(seconds, 1),
            "seed": self.options.seed,
            "accounts": len(self.plan.accounts),
            "workers": self.options.workers,
            "is_settled": is_settled,
            "by_kind": drawn,
            "killed_in": self.drawn("endpoint || ' ' || kind", "where kind like 'kill%'"),
            "beside": dict(sorted(self.chaos.counts.items())),
            "pressed_again": sum(self.pressed.values()),
            "not_tested": self.chaos.not_tested(),
            "wrong": [*wrong, *(f"{account}: {state}: {reason}" for account, state, reason in left)][:50],
        }

    def stories(self, accounts: Iterable[str]) -> str:
        """All that happened in these accounts, as we wrote it down and as Klaviyo saw it."""
        lines = []
        for account in accounts:
            lines += ["", f"--- {account}, with us"]
            attempts = Attempt.objects.filter(publication__account__klaviyo_id=account).order_by("started_at")
            lines += [
                f"{one.started_at:%T.%f} {one.publication_id}/{one.number} {one.step} {one.outcome} {one.error}"
                for one in attempts
            ]
            lines += [f"--- {account}, at Klaviyo (its clock)"]
            asked = self.read(
                f"select at, method, path, query, status, fault from request where account = '{account}'"
            )
            lines += [" ".join(map(str, row)) for row in asked]
        return "\n".join(lines)

    def there(self) -> list[There]:
        rows = self.read("select kind, account, id, attributes, body from thing where kind = 'flow'")
        rows += self.read(
            "select kind, account, id, attributes, body from thing where kind = 'template' and not is_copy"
        )
        return [
            There(kind, account, id, json.loads(attributes)["name"], marker_of(body))
            for kind, account, id, attributes, body in rows
        ]

    def drawn(self, by: str, which: str = "") -> dict[str, int]:
        return dict(self.read(f"select {by}, count(*) from drawn {which} group by 1 order by 1"))

    def read(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.klaviyo_file}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()


def marker_of(text: str) -> int | None:
    found = MARKED.search(text)
    return int(found[1]) if found else None


def steady(act: Callable[[], T]) -> T:
    """As a person does whose page failed because the database was away: once more."""
    for _ in range(200):
        try:
            return act()
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(0.1)
    return act()
