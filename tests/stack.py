"""The real stack on this machine: PostgreSQL, Redis, the pretend Klaviyo, workers and beat, each a process of its own.

Used by tests/faults. The servers are the machine's own programs, on free ports, with their files in a temporary
folder; FAULTS_DATABASE_URL and FAULTS_REDIS_URL name others to use. All is stopped at the end, also after a crash.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import psycopg
import redis

ROOT = Path(__file__).resolve().parents[1]
DATABASE, BROKER = "FAULTS_DATABASE_URL", "FAULTS_REDIS_URL"
MARK = "FAULTS_RUN"  # in the environment of every process of a stack: nothing else is ever killed
DEATHSIG = 1  # PR_SET_PDEATHSIG
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], Any], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen within {seconds:.0f} seconds.")
        time.sleep(0.05)


# --- One process ---------------------------------------------------------------------------------------------------


class Process:
    """A program that can be started, killed and started again. Must be started from the main thread."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        at_our_end: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name, self.command, self.log, self.user = name, command, log, user
        self.environment = dict(environment or os.environ)
        self.at_our_end = at_our_end
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        who: dict[str, Any] = {}
        if self.user:
            entry = pwd.getpwnam(self.user)
            who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.log.parent if self.user else ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, so that all of it can be killed at once
                preexec_fn=self._end_with_us,
                **who,
            )
        return self

    def _end_with_us(self) -> None:
        ctypes.CDLL(None).prctl(DEATHSIG, self.at_our_end)

    @property
    def is_alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def kill(self, how: signal.Signals = signal.SIGKILL, wait: float = 10) -> None:
        """End the whole group; with kill -9 unless told otherwise."""
        if self.running is None:
            return
        try:
            if how == signal.SIGKILL:
                os.killpg(self.running.pid, how)
            elif self.running.poll() is None:
                self.running.send_signal(how)
        except ProcessLookupError:
            pass
        try:
            self.running.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()


def owner_of(port: int, mark: str) -> int | None:
    """Which process of this run holds the near end of a connection from this port of 127.0.0.1 (Linux)."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inode = next((line.split()[9] for line in lines if line.split()[1] == wanted), None)
    if inode in (None, "0"):
        return None
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            if any(os.readlink(one) == f"socket:[{inode}]" for one in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue  # it ended while we looked
    return None


# --- The whole -----------------------------------------------------------------------------------------------------


class Stack:
    """`with Stack(...) as stack:` starts the servers and makes the tables; then start_klaviyo and start_workers.

    Workers are prefork, as in production: a call that dies takes one child with it, `kill` takes the whole worker.
    `environment`: settings of ours, on top of what leads to the servers.
    """

    def __init__(self, *, workers: int = 2, concurrency: int = 4, environment: Mapping[str, str]) -> None:
        self.mark = uuid4().hex
        self.own_database = not os.environ.get(DATABASE)
        self.own_broker = not os.environ.get(BROKER)
        self.count, self.concurrency = workers, concurrency
        self.given = dict(environment)
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

    def crash_postgres(self, down: float) -> None:
        """As when the server is lost: no goodbye to anybody; `down` seconds later it comes back and recovers."""
        self.postgres.kill(signal.SIGQUIT)
        time.sleep(down)
        self.postgres.start()
        self._wait_for_database(self.database_url)

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

    def start_workers(self) -> None:
        celery = [sys.executable, "-W", "ignore", "-m", "celery", "-q", "-A", "flowbuilder"]
        calm = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
        for number in range(1, self.count + 1):
            command = [*celery, "worker", "-n", f"w{number}@%h", f"--concurrency={self.concurrency}", *calm]
            log = self.folder / f"worker-{number}.log"
            worker = Process(f"worker-{number}", command, log, environment=self.environment)
            self.workers.append(worker)
            self._add(worker)
        beat = [*celery, "beat", "--loglevel=WARNING", "--pidfile="]
        log = self.folder / "beat.log"
        self.beat = self._add(Process("beat", beat, log, environment=self.environment))

    def replace_worker(self, number: int) -> None:
        """Tell one to end when it has done what it is doing, and start another one beside it."""
        old = self.workers[number]
        if old.running is not None and old.is_alive:
            old.running.send_signal(signal.SIGTERM)
        new = Process(old.name, old.command, old.log, environment=self.environment)
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
