"""What breaks beside the calls: workers killed at a write or at any moment, Redis and PostgreSQL lost, beat killed.

`Chaos.act()` does the next of these things; run.py calls it again and again. All from outside: the product has no
hook for it.
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

from tests.stack import Stack, owner_of

HELD = (  # a write to each of these is held up, and who waits there dies
    "flowbuilder_attempt",
    "flowbuilder_publication",
    "flowbuilder_made",
    "flowbuilder_install",
    "flowbuilder_lane",
)
HOLD = 0.4  # seconds
MOST_AT_ONCE = 2  # workers' children that one held table costs
WAITING = """
    SELECT client_port, query FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND client_port IS NOT NULL
"""


class Chaos:
    """`seed` decides the order and the victims. `counts`: what was done how often, in words."""

    def __init__(self, stack: Stack, seed: int, *, down: float = 1.0) -> None:
        self.stack, self.down = stack, down
        self.random = random.Random(f"chaos {seed}")
        self.counts: Counter[str] = Counter()
        self.killed = 0
        self.back_at: float | None = None
        self.last_words: list[str] = []
        self.acts = cycle(self._order())

    def _order(self) -> list[Callable[[], None]]:
        """Something is lost and somebody is killed, in turn."""
        losses: list[Callable[[], None]] = [self.flush, self.kill_beat, self.stop_a_worker]
        losses += [self.lose_redis] if self.stack.own_broker else []
        losses += [self.lose_postgres] if self.stack.own_database else []
        kills: list[Callable[[], None]] = [partial(self.kill_at_a_write, table) for table in HELD]
        kills += [self.kill_a_worker, self.kill_a_child]
        for acts in (losses, kills):
            self.random.shuffle(acts)
        return [act for pair in zip_longest(kills, losses) for act in pair if act is not None]

    def act(self) -> None:
        self.come_back()
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
