"""The whole product on one machine: web, worker, and a pretend Klaviyo, in one process tree. Ctrl-C ends all of it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import demo

WEB, SANDBOX = 8000, 8010
DEATHSIG = 1  # PR_SET_PDEATHSIG


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="Forget the demo's data first.")
        parser.add_argument("--port", type=int, default=WEB)
        parser.add_argument("--sandbox-port", type=int, default=SANDBOX)

    def handle(self, *args: Any, reset: bool, port: int, sandbox_port: int, **options: Any) -> None:
        for one, what in ((port, "the web app"), (sandbox_port, "the pretend Klaviyo")):
            _need_port(one, what)
        folder = settings.VAR_DIR / "demo"
        _need_folder(folder, reset)
        environment = {
            **os.environ,
            "DEMO": "1",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "SITE_URL": f"http://127.0.0.1:{port}",
            "KLAVIYO_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
            "KLAVIYO_AUTHORIZE_URL": f"http://127.0.0.1:{sandbox_port}/oauth/authorize",
            "KLAVIYO_SITE_URL": f"http://127.0.0.1:{sandbox_port}",
            "KLAVIYO_CLIENT_ID": "sandbox-client",
            "KLAVIYO_CLIENT_SECRET": "sandbox-secret",
            "KLAVIYO_INTEGRATION": "API",  # what the pretend shops' own software sends
            "COLLECT_EVERY": "5",
            "PUBLISH_QUIET_PERIOD": "5",
            "SWEEP_EVERY": "5",
        }
        for name in ("CELERY_BROKER_URL", "REDIS_URL", "PRODUCTION", "DEBUG"):
            environment.pop(name, None)
        _manage(environment, "migrate", "--verbosity=0")
        _manage(environment, "demo_data")
        python = sys.executable
        web = f"--bind=127.0.0.1:{port}"
        children = {
            "pretend Klaviyo": [
                *(python, "-m", "flowbuilder.sandbox", "--quiet", "--port", str(sandbox_port)),
                *("--data", str(folder / "sandbox.sqlite3")),
                *("--redirect-uri", f"http://127.0.0.1:{port}/accounts/callback/"),
                *("--redirect-uri", f"http://localhost:{port}/accounts/callback/"),
            ],
            "worker": [
                *(
                    python,
                    "-W",
                    "ignore",
                    "-m",
                    "celery",
                    "-q",
                    "-A",
                    "flowbuilder",
                    "worker",
                    "-B",
                    "--pool=threads",
                    "--concurrency=4",
                ),
                *("--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            "web app": [
                python,
                "-m",
                "gunicorn",
                "flowbuilder.wsgi",
                web,
                "--threads=8",
                "--log-level=error",
            ],
        }
        self._run(children, environment, port, sandbox_port)

    def _run(
        self, children: dict[str, list[str]], environment: dict[str, str], port: int, sandbox_port: int
    ) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # also when started in the background
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in children.items():
                running[name] = subprocess.Popen(
                    command,
                    env=environment,
                    cwd=settings.BASE_DIR,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            for one in (sandbox_port, port):
                _wait_for(one, running)
            self.stdout.write(_welcome(port, sandbox_port))
            self.stdout.flush()
            while True:
                for name, process in running.items():
                    if process.poll() is not None:
                        raise CommandError(
                            f"The {name} stopped (code {process.returncode}); so does the demo."
                        )
                time.sleep(0.5)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            _stop(list(running.values()))


def _need_port(port: int, what: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port}, for {what}, is busy: stop what runs there (is the demo running already?), "
                "then start again."
            ) from None


def _need_folder(folder: Path, reset: bool) -> None:
    try:
        if reset and folder.exists():
            shutil.rmtree(folder)
        for part in ("", "broker/messages", "broker/control"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "probe").write_text("")
        (folder / "probe").unlink()
    except OSError as error:
        raise CommandError(
            f"The demo keeps its data in {folder}, and may not write there ({error.strerror}). "
            "Set VAR_DIR to a folder of your own."
        ) from None


def _manage(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], env=environment, cwd=settings.BASE_DIR, check=False
    )
    if done.returncode:
        raise CommandError(f"Setting up the demo stopped at: manage.py {' '.join(arguments)}")


def _wait_for(port: int, running: dict[str, subprocess.Popen[bytes]]) -> None:
    for _ in range(300):
        if any(process.poll() is not None for process in running.values()):
            return  # the loop in _run says which
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise CommandError(f"Nothing answers at port {port} after 30 seconds.")


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + 8
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _die_with_parent() -> None:
    """Even when the demo itself is killed, nothing of it stays behind (Linux; elsewhere Ctrl-C does it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATHSIG, signal.SIGTERM)


def _welcome(port: int, sandbox_port: int) -> str:
    people = "\n".join(f"  {one.email:<28} {one.password:<18} {one.role}" for one in demo.PEOPLE)
    return (
        f"\nOpen http://127.0.0.1:{port}/ : it says what to try first.\n\nSign in as\n{people}\n\n"
        f"The pretend Klaviyo is at http://127.0.0.1:{sandbox_port}/. Ctrl-C ends it all.\n"
    )
