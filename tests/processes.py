"""One process of a stack: started, killed as a group, started again; and whose a connection is. Used by tests/stack.py
and whoever starts a server of its own.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
MARK = "FAULTS_RUN"  # in the environment of every process of a stack: nothing else is ever killed
DEATHSIG = 1  # PR_SET_PDEATHSIG


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
