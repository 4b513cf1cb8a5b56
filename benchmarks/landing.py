"""Versions x accounts through the real stack, against the floor of the limits. Called by publisher.py, in a process
of its own for each size.

The floor: every account takes one flow a second, fifteen a minute, and works by itself. What a publication costs in
processor time is the machine's part; the sandbox, PostgreSQL, Redis and the workers share its cores.
"""

from __future__ import annotations

import os
import time
from importlib import import_module
from typing import Any

import django

from benchmarks.line import tell
from tests.faults.options import Options
from tests.stack import Stack

PATIENCE = 10.0  # times the floor, then it has failed


def measure(versions: int, accounts: int, seconds: float, speed: int) -> None:
    options = Options(publications=versions * accounts, accounts=accounts, speed=speed, quiet=120.0)
    environment = {**options.environment, "KLAVIYO_TIMEOUT": "30", "SWEEP_EVERY": "15"}
    with Stack(workers=2, concurrency=3, environment=environment) as stack:
        os.environ.update(stack.environment)
        django.setup()
        _measure(stack, versions, accounts, seconds / speed, speed)


def _measure(stack: Stack, versions: int, accounts: int, floor: float, speed: int) -> None:
    worlds: Any = import_module("tests.faults.world")
    models: Any = import_module("flowbuilder.models")
    tasks: Any = import_module("flowbuilder.tasks")
    names = tuple(f"B{number:05d}" for number in range(accounts))
    plan = worlds.Plan(names, frozenset(), (), frozenset(), frozenset())
    file = stack.folder / "klaviyo.sqlite3"
    metrics = worlds.fill_klaviyo(file, plan, speed=speed, skew=0, made_today=0)
    stack.start_klaviyo("--data", str(file), "--speed", str(speed))
    world = worlds.fill_database(plan, metrics, designs=versions)
    rows = models.Publication.objects
    ring, tasks.ring = tasks.ring, lambda *given, **more: None  # all is asked for before anything begins
    for version, account in world.asks(versions * accounts, 1):
        worlds.ask(world, version, account)
    tasks.ring = ring
    stack.start_workers()
    started = time.monotonic()
    for account in world.accounts.values():
        ring(account.pk, queue=tasks.ROLLOUTS)
    while rows.exclude(state="published").exists() and time.monotonic() - started < PATIENCE * floor + 60:
        time.sleep(0.1)
    left = rows.exclude(state="published").count()
    refused = models.Attempt.objects.filter(outcome="throttled").count()
    # Workers take seconds to start: from the first create on.
    times = rows.aggregate(first=_least("sent_at"), last=_most("ended_at"))
    wall = (times["last"] - times["first"]).total_seconds()
    size = f"{versions} versions x {accounts} accounts"
    tell(
        f"{size}, until the last has landed",
        wall,
        "s",
        against=f"the limits' floor: {floor:.0f} s ({speed} seconds at Klaviyo in one of ours)",
        ratio=wall / floor,
        goal="at most 1.10 times",
        met=not left and wall <= 1.10 * floor,
    )
    tell(
        f"{size}, 429s",
        refused,
        "answers",
        against=f"{versions * accounts} publications, {left} not landed",
        goal="none",
        met=refused == 0 and not left,
    )


def _least(name: str) -> Any:
    return import_module("django.db.models").Min(name)


def _most(name: str) -> Any:
    return import_module("django.db.models").Max(name)
