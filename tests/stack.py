"""The real stack on this machine: PostgreSQL, Redis, the pretend Klaviyo, workers and beat, each a process of its own.

Used by tests/faults and benchmarks. The servers are the machine's own programs, on free ports, with their files in a
temporary folder; FAULTS_DATABASE_URL and FAULTS_REDIS_URL name others to use. All is stopped at the end, also after a
crash.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import pytest
import redis

from tests.processes import MARK, ROOT, Process, free_port, wait_until

DATABASE, BROKER = "FAULTS_DATABASE_URL", "FAULTS_REDIS_URL"
CLOCK = "FAULTS_CLOCK"  # a file with the seconds by which a worker's clock is off
ROOMY = 8 << 30  # bytes of the disk of the database
POSTGRES_OPTIONS = (
    # What was committed must survive the end of the process, so synchronous_commit stays on; it need not survive
    # the end of the machine, so nothing is forced to the disk.
    *("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200"),
    *("listen_addresses=127.0.0.1", "unix_socket_directories=", "log_min_messages=fatal"),
)


# --- What there is -------------------------------------------------------------------------------------------------


def find_postgres() -> Path | None:
    """The folder of the newest PostgreSQL that is installed here."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if here := shutil.which("initdb"):
        found.append(Path(here).resolve().parent)
    return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))], default=None)


def missing() -> list[str]:
    """What the stack needs and this machine does not have, in words."""
    lacks = []
    if not os.environ.get(DATABASE) and find_postgres() is None:
        lacks.append(f"PostgreSQL (initdb is not here; install it, or set {DATABASE})")
    if not os.environ.get(BROKER) and shutil.which("redis-server") is None:
        lacks.append(f"Redis (redis-server is not here; install it, or set {BROKER})")
    if sys.platform != "linux":
        lacks.append("Linux (workers are found and killed by /proc)")
    return lacks


def require_stack(what: str) -> None:
    """Fail in CI where something is missing; else say loudly what was not tested, and skip."""
    if lacks := missing():
        text = f"NOT TESTED: {what}. Here is no {', no '.join(lacks)}."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(text)
        sys.__stderr__.write(f"\n{text}\n")
        pytest.skip(text)


def _mount(folder: Path, *how: str) -> bool:
    """Whether it could be done: it needs root's rights."""
    return not subprocess.run(["mount", *how, folder], capture_output=True, check=False).returncode


# --- The whole -----------------------------------------------------------------------------------------------------


class Stack:
    """`with Stack(...) as stack:` starts the servers and makes the tables; then start_klaviyo and start_workers.

    Workers are prefork, as in production: a call that dies takes one child with it, `kill` takes the whole worker.
    `environment`: settings of ours, on top of what leads to the servers.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        concurrency: int = 4,
        environment: Mapping[str, str],
        is_to_break: bool = False,
    ) -> None:
        """`is_to_break`: the clocks of workers can be set, and the disk of PostgreSQL can be full."""
        self.mark = uuid4().hex
        self.own_database = not os.environ.get(DATABASE)
        self.own_broker = not os.environ.get(BROKER)
        self.count, self.concurrency = workers, concurrency
        self.given = dict(environment)
        self.is_to_break, self.own_disk = is_to_break, False
        self.processes: list[Process] = []
        self.workers: list[Process] = []

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="stack-"))
        try:
            self.folder.chmod(0o755)
            self.database_url = self._start_postgres() if self.own_database else self._make_database()
            self.redis_url = self._start_redis() if self.own_broker else os.environ[BROKER]
            self.klaviyo_port = free_port()
            self.klaviyo_url = f"http://127.0.0.1:{self.klaviyo_port}"
            self.environment = self._environment()
            done = subprocess.run(
                [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=self.environment, check=False
            )
            if done.returncode:
                raise RuntimeError("The tables could not be made: see above.")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self.processes):
            # PostgreSQL alone gets a word of warning: its processes leave shared memory behind when they are killed.
            process.kill(signal.SIGQUIT if process.name == "postgres" else signal.SIGKILL)
        if not self.own_database and hasattr(self, "database_url"):
            with psycopg.connect(os.environ[DATABASE], autocommit=True) as admin:
                admin.execute(f'DROP DATABASE IF EXISTS "{self._database_name}" WITH (FORCE)')
        if not self.own_broker and hasattr(self, "redis_url"):
            self.flush_redis()
        if self.own_disk:
            subprocess.run(["umount", "--lazy", self.folder / "postgres"], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KLAVIYO_", "PUBLISH_", "CELERY_", "COVERAGE"))
            and name not in ("SITE_URL", "PRODUCTION", "DEBUG", "DEMO", "SECRET_KEY", "TOKEN_KEYS")
        }
        return {
            **ours,
            MARK: self.mark,
            "DJANGO_SETTINGS_MODULE": "flowbuilder.settings",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "VAR_DIR": str(self.folder),
            "KLAVIYO_BASE_URL": self.klaviyo_url,
            "KLAVIYO_CLIENT_ID": "sandbox-client",
            "KLAVIYO_CLIENT_SECRET": "sandbox-secret",
            **self.given,
        }

    def _add(self, process: Process) -> Process:
        self.processes.append(process)
        return process.start()

    # PostgreSQL

    def _start_postgres(self) -> str:
        programs = find_postgres()
        assert programs is not None, missing()
        user = None
        if os.geteuid() == 0:  # it refuses to be root
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = "postgres" if "postgres" in names else "nobody"
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        self.own_disk = self.is_to_break and _mount(
            data, "-t", "tmpfs", "-o", f"size={ROOMY},mode=700", "none"
        )
        if user:
            shutil.chown(data, user)
        make = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "-N",
            "-E",
            "UTF8",
            "--no-locale",
        ]
        done = subprocess.run(make, cwd=data, user=user, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL's files could not be made: {done.stderr}")
        port = free_port()
        options = [part for one in POSTGRES_OPTIONS for part in ("-c", one)]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options]
        log = self.folder / "postgres.log"
        log.touch()
        self.postgres = Process("postgres", command, log, user=user, at_our_end=signal.SIGQUIT)
        self._add(self.postgres)
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        self._wait_for_database(url)
        return url

    def _wait_for_database(self, url: str) -> None:
        def answers() -> bool:
            try:
                psycopg.connect(url, connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, "PostgreSQL's answer")

    def _make_database(self) -> str:
        """A database of our own on the server that was named."""
        self._database_name = f"faults_{os.getpid()}"
        with psycopg.connect(os.environ[DATABASE], autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{self._database_name}"')
        return urlsplit(os.environ[DATABASE])._replace(path=f"/{self._database_name}").geturl()

    def fill_disk(self) -> bool:
        """Not a page more fits onto the disk of the database. False where it grew faster than it could be measured."""
        data = self.folder / "postgres"
        return any(_mount(data, "-o", f"remount,size={shutil.disk_usage(data).used}") for _ in range(20))

    def free_disk(self) -> None:
        """There is room again; a server that gave up is started again, as whoever watches over it does."""
        _mount(self.folder / "postgres", "-o", f"remount,size={ROOMY}")
        self.start_postgres_again()

    def start_postgres_again(self) -> None:
        if not self.postgres.is_alive:
            self.postgres.start()
        self._wait_for_database(self.database_url)

    def crash_postgres(self, down: float) -> None:
        """As when the server is lost: no goodbye to anybody; `down` seconds later it comes back and recovers."""
        self.postgres.kill(signal.SIGQUIT)
        time.sleep(down)
        self.start_postgres_again()

    # Redis

    def _start_redis(self) -> str:
        program = shutil.which("redis-server")
        assert program is not None, missing()
        port = free_port()
        options = [
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--loglevel",
            "warning",
            "--dir",
            str(self.folder),
        ]
        self.redis = Process("redis", [program, "--port", str(port), *options], self.folder / "redis.log")
        self._add(self.redis)
        url = f"redis://127.0.0.1:{port}/0"
        self._wait_for_broker(url)
        return url

    def _wait_for_broker(self, url: str) -> None:
        def answers() -> bool:
            try:
                with redis.Redis.from_url(url, socket_timeout=2) as client:
                    return bool(client.ping())
            except redis.ConnectionError:
                return False

        wait_until(answers, "Redis' answer")

    def kill_redis(self) -> None:
        """And with it every message."""
        self.redis.kill()

    def start_redis_again(self) -> None:
        self.redis.start()
        self._wait_for_broker(self.redis_url)

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    # Ours

    def start_klaviyo(self, *arguments: str, module: str = "flowbuilder.sandbox") -> Process:
        """It is never started again: what it holds is the truth that all else is compared with."""
        given = ["--quiet", "--port", str(self.klaviyo_port), *arguments]
        command = [sys.executable, "-m", module, *given]
        process = self._add(
            Process("klaviyo", command, self.folder / "klaviyo.log", environment=self.environment)
        )

        def answers() -> bool:
            if not process.is_alive:
                raise RuntimeError(f"The pretend Klaviyo ended: {process.log.read_text()}")
            try:
                with urlopen(f"{self.klaviyo_url}/_sandbox/", timeout=2) as answer:
                    return int(answer.status) == 200
            except (URLError, OSError):
                return False

        wait_until(answers, "The pretend Klaviyo's answer")
        return process

    def control(self, what: str, given: dict[str, Any]) -> None:
        """One act of the pretend Klaviyo's control path."""
        head = {"Content-Type": "application/json"}
        request = Request(f"{self.klaviyo_url}/_sandbox/{what}", json.dumps(given).encode(), head)
        urlopen(request, timeout=10).close()

    def start_workers(self) -> None:
        python = [sys.executable, "-W", "ignore", "-m"]
        app = ["-q", "-A", "flowbuilder"]
        calm = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
        for number in range(1, self.count + 1):
            program = "tests.faults.elsewhen" if self.is_to_break else "celery"
            command = [
                *python,
                program,
                *app,
                "worker",
                "-n",
                f"w{number}@%h",
                f"--concurrency={self.concurrency}",
                *calm,
            ]
            log = self.folder / f"worker-{number}.log"
            clock = {CLOCK: str(self.folder / f"worker-{number}.clock")}
            worker = Process(f"worker-{number}", command, log, environment=self.environment | clock)
            self.workers.append(worker)
            self._add(worker)
        beat = [*python, "celery", *app, "beat", "--loglevel=WARNING", "--pidfile="]
        log = self.folder / "beat.log"
        self.beat = self._add(Process("beat", beat, log, environment=self.environment))

    def set_clock(self, number: int, seconds: float) -> None:
        """Of the host of a worker: so much off, from now on."""
        (self.folder / f"worker-{number + 1}.clock").write_text(str(seconds))

    def replace_worker(self, number: int) -> None:
        """Tell one to end when it has done what it is doing, and start another one beside it."""
        old = self.workers[number]
        if old.running is not None and old.is_alive:
            old.running.send_signal(signal.SIGTERM)
        new = Process(old.name, old.command, old.log, environment=old.environment)
        self.workers[number] = self._add(new)

    def tails(self, lines: int = 30) -> str:
        """The ends of what they wrote, for whoever looks for the reason."""
        texts = []
        for process in self.processes:
            last = (
                process.log.read_text(errors="replace").splitlines()[-lines:] if process.log.exists() else []
            )
            texts.append("\n".join((f"--- {process.name}", *last)))
        return "\n".join(texts)
