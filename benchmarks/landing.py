"""Versions x accounts through the real stack, against the floor of the limits. Called by publisher.py, in a process
of its own for each size.

    measure     from the ring of the bell until the last has landed; 429s; the memory of each worker's processes
    throttled   how much later the others land because one account is told to wait

The floor is computed: what a publication calls is read from the calls of one that landed in the same run (its rows in
Attempt), and accounts/klaviyo/limits.py says how often each may be called in a second, a minute, a day. The last of n
such calls of an account can be sent no sooner than `floor_of` says, all accounts work by themselves, and the last
publication takes one round trip more, which was measured before with nothing else going on. Klaviyo's clock is slowed
down (`speed`) until two cores carry it: the sandbox, PostgreSQL, Redis and the workers share them.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from accounts.klaviyo.limits import Limits, limits_for
from benchmarks.line import tell
from tests.stack import Stack

PATIENCE = 5.0  # times the floor, then it has failed
ROUND_TRIPS = 3
EVERY = 1000  # publications between two looks at the memory
WORKERS = 2


def floor_of(limits: Limits, calls: int) -> int:
    """Seconds from the first to the last of so many calls: the k-th waits until the one that is a whole window's
    number before it has left that window."""
    windows = ((limits.burst, 1), (limits.steady, 60), (limits.daily or calls, 86_400))
    at: list[int] = []
    for call in range(calls):
        at.append(max((at[call - most] + seconds for most, seconds in windows if call >= most), default=0))
    return at[-1] if at else 0


class Landing:
    """A stack with accounts and versions, its workers warm. `with Landing(...) as landing`."""

    def __init__(
        self, versions: int, accounts: int, speed: float, *, processes: int, latency: float = 0.0
    ) -> None:
        self.versions, self.speed, self.latency = versions, speed, latency
        self.names = [f"B{number:05d}" for number in range(accounts)]
        self.warm = [f"W{number:05d}" for number in range(processes + ROUND_TRIPS)]
        settings = {"KLAVIYO_TIMEOUT": "30", "PUBLISH_QUIET_PERIOD": "120", "SWEEP_EVERY": "15"}
        environment = {**settings, "KLAVIYO_SPEED": str(speed), "LOG_LEVEL": "ERROR"}
        self.stack = Stack(workers=WORKERS, concurrency=processes // WORKERS, environment=environment)

    def __enter__(self) -> Landing:
        self.stack.__enter__()
        try:
            self._begin()
        except BaseException:
            self.stack.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def _begin(self) -> None:
        os.environ.update(self.stack.environment)
        django.setup()
        worlds: Any = import_module("tests.faults.world")
        self.models: Any = import_module("flowbuilder.models")
        self.tasks: Any = import_module("flowbuilder.tasks")
        plan = worlds.Plan((*self.names, *self.warm), frozenset(), (), frozenset(), frozenset())
        file = self.stack.folder / "klaviyo.sqlite3"
        self.metrics = worlds.fill_klaviyo(file, plan, speed=self.speed, skew=0, made_today=0)
        given = ["--speed", str(self.speed), "--latency", str(self.latency)]
        self.klaviyo = self.stack.start_klaviyo("--data", str(file), *given)
        self.world = worlds.fill_database(plan, self.metrics, designs=self.versions)
        self.stack.start_workers()
        self._warm_up()

    def _warm_up(self) -> None:
        """Every process has seen a publication; then a few by themselves, to know what one takes."""
        crowd, alone = self.warm[:-ROUND_TRIPS], self.warm[-ROUND_TRIPS:]
        for _ in range(2):
            self.ask(crowd, 1)
            self.ring(crowd)
            self.wait_for(self.rows(crowd), 600)
        for name in alone:
            self.ask([name], 1)
            self.ring([name])
            self.wait_for(self.rows([name]), 600)
        times = self.rows(alone).values_list("created_at", "ended_at")
        self.round_trip = statistics.median((ended - asked).total_seconds() for asked, ended in times)
        one = self.rows(crowd).latest(
            "pk"
        )  # the second of its account: what is done once for an account is no part of it
        self.calls = Counter(limits_for(call.method, call.path) for call in one.attempts.all())

    def rows(self, names: list[str]) -> Any:
        return self.models.Publication.objects.filter(account__klaviyo_id__in=names)

    def ask(self, names: list[str], versions: int) -> None:
        """So many versions to each of these accounts: rows, and no bell."""
        sender = {"email": "hello@harbourpine.example", "label": "Harbour & Pine"}
        made = [
            self.models.Publication(
                workspace=account.owner,
                version=design.current_version,
                account=account,
                asked_by=self.world.asker,
                flow_name=f"{design.name} {number}",
                answers={
                    "started-checkout": self.metrics[account.klaviyo_id]["Checkout Started"],
                    "placed-order": self.metrics[account.klaviyo_id]["Placed Order"],
                    "sender": sender,
                },
            )
            for number, design in enumerate(self.world.designs[:versions])
            for account in (self.world.accounts[name] for name in names)
        ]
        self.models.Publication.objects.bulk_create(made, batch_size=500)

    def ring(self, names: list[str]) -> None:
        for name in names:
            self.tasks.ring(self.world.accounts[name].pk, queue=self.tasks.ROLLOUTS)

    def wait_for(self, rows: Any, seconds: float, look: Any = None) -> None:
        end = time.monotonic() + seconds
        while (left := rows.exclude(state="published").count()) and time.monotonic() < end:
            if look is not None:
                look(left)
            time.sleep(min(0.5, 0.02 + left / 1000))

    def floor(self, versions: int) -> tuple[float, str]:
        """Seconds of Klaviyo's own that the limits alone take, and the endpoint that says so."""
        return max((floor_of(one, versions * many), one.endpoint) for one, many in self.calls.items())

    def throttled(self) -> int:
        """429s, as the pretend Klaviyo wrote them down itself."""
        return int(self._asked("status = 429"))

    def _asked(self, which: str) -> Any:
        file = self.stack.folder / "klaviyo.sqlite3"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(f"select count(*) from request where {which}").fetchone()[0]


# --- The figures -----------------------------------------------------------------------------------------------


def measure(versions: int, accounts: int, speed: float, processes: int, latency: float) -> None:
    with Landing(versions, accounts, speed, processes=processes, latency=latency) as landing:
        limits, endpoint = landing.floor(versions)
        floor = limits / speed + landing.round_trip
        landing.ask(landing.names, versions)
        rows, memory = landing.rows(landing.names), Memory(landing, versions * accounts)
        refused, began, spent = landing.throttled(), _now(), _spent(landing)
        landing.ring(landing.names)
        landing.wait_for(rows, PATIENCE * floor + 60, memory.look)
        memory.look(rows.exclude(state="published").count())
        landed = rows.filter(state="published").count()
        last = rows.aggregate(last=import_module("django.db.models").Max("ended_at"))["last"]
        wall = (last - began).total_seconds() if last else PATIENCE * floor
        refused = landing.throttled() - refused
        size = f"{versions} version{'s' if versions > 1 else ''} x {accounts} accounts"
        about = {
            **{"speed": speed, "cores": os.cpu_count(), "processes": processes, "wall": round(wall, 2)},
            **{"floor": round(floor, 2), "floor_at_klaviyo": limits, "floor_of": endpoint},
            **{"round_trip": round(landing.round_trip, 3), "latency": latency},
            **{"landed": landed, "throttled": refused, "landed_a_second": round(landed / wall, 1)},
            "load": round(
                os.getloadavg()[2], 1
            ),  # of the last quarter of an hour, with whatever else runs here
            "processor_seconds": {
                name: round(many - spent[name], 1) for name, many in _spent(landing).items()
            },
        }
        tell(
            f"{size}, until the last has landed",
            wall,
            "s",
            against=f"the limits' floor and a round trip: {floor:.1f} s ({speed:g} seconds at Klaviyo in one of ours)",
            ratio=wall / floor,
            goal="at most 1.10 times",
            met=landed == versions * accounts and wall <= 1.10 * floor,
            **about,
        )
        tell(
            f"{size}, 429s",
            refused,
            "answers",
            against=f"{versions * accounts} publications, {versions * accounts - landed} not landed",
            goal="none",
            met=refused == 0 and landed == versions * accounts,
        )
        memory.tell(size)


class Memory:
    """What is resident in each process of the workers' pools, at every thousand publications."""

    def __init__(self, landing: Landing, total: int) -> None:
        self.workers = [one.running.pid for one in landing.stack.workers if one.running]
        self.total, self.at = total, EVERY
        self.seen: dict[int, dict[int, float]] = {}  # publications -> process -> MB

    def look(self, left: int) -> None:
        if self.total - left >= self.at:
            self.seen[self.at] = {pid: _memory(pid) for worker in self.workers for pid in _children(worker)}
            self.at = (self.total - left) // EVERY * EVERY + EVERY

    def tell(self, size: str) -> None:
        if len(self.seen) < 3:
            return
        means = {at: statistics.mean(pids.values()) for at, pids in self.seen.items()}
        base = means.get(2 * EVERY) or means[min(means)]
        last = means[max(means)]
        known = {pid for pids in self.seen.values() for pid in pids}
        tell(
            f"{size}, memory of a worker's process",
            last,
            "MB",
            against=f"{base:.1f} MB at {2 * EVERY:,} publications",
            ratio=last / base,
            goal="at most 1.10 times",
            met=last <= 1.10 * base,
            at={at: round(mean, 1) for at, mean in means.items()},
            largest=round(max(max(pids.values()) for pids in self.seen.values()), 1),
            processes=len(self.seen[max(self.seen)]),
            replaced=len(known) - len(self.seen[max(self.seen)]),
            # a process is replaced after so many tasks, or above so many KB
            **{
                name: import_module("django.conf").settings.__getattr__(
                    f"CELERY_WORKER_MAX_{name.upper()}_PER_CHILD"
                )
                for name in ("tasks", "memory")
            },
        )


def throttled(versions: int, accounts: int, speed: float, processes: int, rounds: int = 3) -> None:
    """So many accounts, in turns alone and beside one more that holds as many publications as a day allows, and to
    which Klaviyo answers nothing but 429. Each round has accounts of its own, so that all limits are fresh."""
    with Landing(versions, (accounts + 1) * 2 * rounds, speed, processes=processes) as landing:
        names, walls, landed = list(landing.names), {False: list[list[float]](), True: list[list[float]]()}, 0
        for number in range(2 * rounds):
            others, blocked = [names.pop() for _ in range(accounts)], names.pop()
            is_beside = bool(number % 2)
            if is_beside:
                landing.stack.control(
                    "faults",
                    {
                        **{"match": {"account": blocked}, "kind": "status", "status": 429},
                        **{"retry_after": "3600", "times": 100_000},
                    },
                )
                for _ in range(100 // versions):
                    landing.ask([blocked], versions)
            landing.ask(others, versions)
            began = _now()
            landing.ring([blocked, *others] if is_beside else others)
            landing.wait_for(landing.rows(others), PATIENCE * landing.floor(versions)[0] / speed + 60)
            ended = landing.rows(others).filter(state="published").values_list("ended_at", flat=True)
            walls[is_beside].append(sorted((one - began).total_seconds() for one in ended))
            landed += len(walls[is_beside][-1])
            landing.rows([blocked]).update(
                not_before=began + timedelta(days=1)
            )  # or the next round had it beside it
        later = _difference(walls, lambda times: times[-1])
        mean = _difference(walls, statistics.mean)
        tell(
            f"{accounts} accounts x {versions} versions beside a throttled one, the last lands later by",
            later,
            "s",
            against=f"{statistics.median(times[-1] for times in walls[False]):.2f} s without it, median of {rounds}",
            goal="at most 1 s",
            met=later <= 1 and landed == 2 * rounds * accounts * versions,
            **{"speed": speed, "cores": os.cpu_count(), "processes": processes},
            **{"on_average": round(mean, 3), "landed": landed, "asked": 2 * rounds * accounts * versions},
            last=[[round(times[-1], 2) for times in walls[is_beside]] for is_beside in (False, True)],
        )


def _difference(walls: dict[bool, list[list[float]]], of: Any) -> float:
    """Seconds by which it is later, median against median."""
    without, beside = (statistics.median(of(times) for times in walls[one]) for one in (False, True))
    return float(beside - without)


def _now() -> Any:
    return import_module("django.utils.timezone").now()


def _spent(landing: Landing) -> dict[str, float]:
    """Processor seconds so far of each part, with the processes that it has now."""
    parts: Counter[str] = Counter()
    for process in landing.stack.processes:
        if process.running:
            name = "worker" if process in landing.stack.workers else process.name
            parts[name] += sum(map(_seconds, (process.running.pid, *_children(process.running.pid))))
    return dict(parts)


def _seconds(pid: int) -> float:
    """Of a processor, also those of children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    """Of a worker: the processes of its pool."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _memory(pid: int) -> float:
    """MB that are resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
