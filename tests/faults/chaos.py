"""What breaks beside the calls: workers killed at a write or at any moment, servers lost, a disk full, clocks set.

`Chaos.act()` does the next of these things; run.py calls it again and again. All from outside: the product has no
hook for it. Which fault is where (KINDS, STEPS: draw.py; acts: here; S: also in the short form, test_short.py):

    kill -9 before, after the call             STEPS, each both ways S; its effect done or not, see klaviyo.py
    kill -9 during it, and at a write          kill_a_child, kill_a_worker, kill_at_a_write, S
    time-out, reset, late effect after it      KINDS, S; also before the effect
    500, 502, 503, 504, 524, before and after  KINDS, S
    truncated, bad JSON, 201 without an id     KINDS, S
    HTML from a proxy, before and after        KINDS, S
    one byte a second                          KINDS “slow drip”, a byte every 0.2 s, S
    429 with Retry-After                       KINDS, S
    429 without, with a nonsensical one        KINDS; a minute's wait, so not in the short form
    429 with an absurd one (a year, 2199)      KINDS, S: cut to a day, then run.py has people come back
    the daily hundred                          accounts that have two left (world.Plan.limited), S
    401 in the middle                          KINDS, S; token revoked: run.py removes the app in some accounts, S
    refresh raced by eight workers             tests/accounts/test_connection.py; lost and killed: STEPS, S
    broker down, wiped                         lose_redis, flush, S; beat killed: kill_beat, S
    database restarted                         lose_postgres, S; down for a minute: lose_postgres_for_long
    disk full on commit                        fill_disk, S; SQLite: tests/publisher/test_disk_full.py
    clock jumped an hour                       jump, S: a worker's host, ahead and back. Klaviyo's is off: Options.skew
    double click, two tabs, replayed form      run.py presses in two tabs at once, S; tests/install/test_operations.py
    SIGTERM in the middle                      stop_a_worker, S
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, zip_longest

import psycopg

from tests.processes import owner_of
from tests.stack import Stack

HELD = (  # a write to each of these is held up, and who waits there dies
    "flowbuilder_attempt",
    "flowbuilder_publication",
    "flowbuilder_made",
    "flowbuilder_install",
    "flowbuilder_lane",
)
HOLD = 0.4  # seconds
AN_HOUR = 3600.0
FULL = 2.0  # seconds
LATE = 8  # kills, until the database is away for long
MOST_AT_ONCE = 2  # workers' children that one held table costs
WAITING = """
    SELECT client_port, query FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND client_port IS NOT NULL
"""


class Chaos:
    """`seed` decides the order and the victims. `counts`: what was done how often, in words."""

    def __init__(self, stack: Stack, seed: int, *, down: float = 1.0, away: float = 0.0) -> None:
        self.stack, self.down, self.away = stack, down, away
        self.off: int | None = None  # the worker whose clock is
        self.random = random.Random(f"chaos {seed}")
        self.counts: Counter[str] = Counter()
        self.killed = 0
        self.back_at: float | None = None
        self.last_words: list[str] = []
        self.acts = cycle(self._order())

    def _order(self) -> list[Callable[[], None]]:
        """Something is lost and somebody is killed, in turn."""
        losses: list[Callable[[], None]] = [self.flush, self.kill_beat, self.stop_a_worker, self.jump]
        losses += [self.lose_redis] if self.stack.own_broker else []
        losses += [self.lose_postgres] if self.stack.own_database else []
        losses += [self.fill_disk] if self.stack.own_disk else []
        kills: list[Callable[[], None]] = [partial(self.kill_at_a_write, table) for table in HELD]
        kills += [self.kill_a_worker, self.kill_a_child]
        for acts in (losses, kills):
            self.random.shuffle(acts)
        return [act for pair in zip_longest(kills, losses) for act in pair if act is not None]

    def act(self) -> None:
        self.come_back()
        if self.away and self.stack.own_database and self.killed > LATE:
            self.lose_postgres_for_long()
        else:
            next(self.acts)()

    def come_back(self, *, at_once: bool = False) -> None:
        """Start Redis again when it has been away long enough; until then people go on asking without it."""
        if self.back_at is not None and (at_once or time.monotonic() >= self.back_at):
            self.stack.start_redis_again()
            self.back_at = None

    def not_tested(self) -> list[str]:
        found = []
        if not self.stack.own_broker:
            found.append("Redis lost and restarted (it is not ours)")
        if not self.stack.own_database:
            found.append("PostgreSQL lost and restarted (it is not ours)")
        if not self.stack.own_disk:
            found.append("the database's disk full (its disk is not ours: that needs the right to mount one)")
        return found

    # Killing

    def kill_at_a_write(self, table: str) -> None:
        """Hold up every write to a table for a moment, and kill who waits for it: before or after its call, but never
        between two whole steps."""
        with psycopg.connect(self.stack.database_url) as holder:
            holder.execute(f"SET lock_timeout = '5s'; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            end = time.monotonic() + HOLD
            dead = 0
            while time.monotonic() < end and dead < MOST_AT_ONCE:
                dead += sum(map(self._kill_at, self._waiting()))
                time.sleep(0.02)
            holder.rollback()

    def _waiting(self) -> Iterator[tuple[int, str]]:
        with psycopg.connect(self.stack.database_url, autocommit=True) as looker:
            yield from looker.execute(WAITING).fetchall()[:1]

    def _kill_at(self, waiting: tuple[int, str]) -> bool:
        port, query = waiting
        pid = owner_of(port, self.stack.mark)
        if pid is None or pid == os.getpid():
            return False
        os.kill(pid, signal.SIGKILL)
        words = query.replace('"', "").split()
        self._killed(f"at {words[0]} {next((one for one in words if one.startswith('flowbuilder_')), '')}")
        return True

    def kill_a_child(self) -> None:
        """One process of a worker's pool, as when memory runs out. The worker goes on with a new one."""
        worker = self.random.choice(self.stack.workers)
        if worker.running is None:
            return
        path = f"/proc/{worker.running.pid}/task/{worker.running.pid}/children"
        with open(path) as children:
            pids = [int(one) for one in children.read().split()]
        if pids:
            os.kill(self.random.choice(pids), signal.SIGKILL)
            self._killed("a child at any moment")

    def kill_a_worker(self) -> None:
        """All of a worker at once, as when a host is lost. Another one is started in its place."""
        worker = self.random.choice(self.stack.workers)
        worker.kill()
        worker.start()
        self._killed("a whole worker at any moment")

    def stop_a_worker(self) -> None:
        """Asked politely, as at every deployment: it finishes what it is doing while the new one works already."""
        number = self.random.randrange(len(self.stack.workers))
        self.stack.replace_worker(number)
        self.counts["a worker stopped and replaced"] += 1

    def _killed(self, where: str) -> None:
        self.killed += 1
        self.counts[f"kill -9 {where}"] += 1

    def start_what_ended(self) -> None:
        """As whoever watches over the processes of a host does."""
        for process in (*self.stack.workers, self.stack.beat):
            if not process.is_alive:
                process.kill()  # what is left of its group
                said = process.log.read_text(errors="replace").splitlines()[-40:]
                self.last_words.append("\n".join((f"--- {process.name} ended by itself", *said)))
                process.start()
                self.counts[f"a {process.name.partition('-')[0]} that ended by itself, started again"] += 1

    # Losing

    def kill_beat(self) -> None:
        self.stack.beat.kill()
        self.stack.beat.start()
        self.counts["beat killed"] += 1

    def flush(self) -> None:
        self.come_back(at_once=True)
        self.stack.flush_redis()
        self.counts["Redis flushed"] += 1

    def lose_redis(self) -> None:
        self.come_back(at_once=True)
        self.stack.kill_redis()
        self.back_at = time.monotonic() + self.down
        self.counts["Redis lost and restarted"] += 1

    def lose_postgres(self) -> None:
        self.stack.crash_postgres(self.down)
        self.counts["PostgreSQL lost and restarted"] += 1

    def lose_postgres_for_long(self) -> None:
        away, self.away = self.away, 0.0
        self.stack.crash_postgres(away)
        self.counts[f"PostgreSQL away for {away:g} seconds"] += 1

    def fill_disk(self) -> None:
        """Writes fail, commits as well; the server may end by that, and recovers when there is room again."""
        if self.stack.fill_disk():
            time.sleep(FULL)
            self.counts["the database's disk full"] += 1
        if not self.stack.postgres.is_alive:
            self.counts["the database's disk full, and the server ended by it"] += 1
        self.stack.free_disk()

    def jump(self) -> None:
        """The clock of one worker's host is set by an hour, ahead or back; the next time it is set right again."""
        if self.off is None:
            self.off = self.random.randrange(len(self.stack.workers))
            self.stack.set_clock(self.off, self.random.choice((AN_HOUR, -AN_HOUR)))
        else:
            self.stack.set_clock(self.off, 0.0)
            self.off = None
        self.counts["a worker's clock set by an hour"] += 1
