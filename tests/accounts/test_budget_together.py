"""Limits under real workers: threads in several processes, on SQLite and on PostgreSQL, never make a call too many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.stack import Stack, require_stack

PROCESSES, THREADS = 2, 5
CALLS = {"GET /api/lists": 75, "GET /api/flows": 3, "POST /api/flows": 1}  # in a second
FILL = """
import django
django.setup()
from django.core.management import call_command
from accounts.models import KlaviyoAccount, Workspace
call_command("migrate", "accounts", verbosity=0)
owner = Workspace.objects.create(slug="north", name="North")
print(KlaviyoAccount.objects.create(klaviyo_id="AbCdEf", name="Harbour", owner=owner).pk)
"""
# All at the same moment, by their clocks; each thread until it is told to wait by the account's limits.
WORK = """
import django
django.setup()
import json, sys, threading, time
from datetime import UTC, datetime
from django.db import connections
from accounts.budget import MustWait, settle, spend

account, threads, calls = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
now = datetime(2026, 11, 21, 12, tzinfo=UTC)
made = dict.fromkeys(calls, 0)

def work():
    for call in calls:
        while True:
            try:
                settle(spend(account, *call.split(), now), {}, now)
            except MustWait as wait:
                if wait.until > now:
                    break
                continue  # others were faster, too often in a row
            with counting:
                made[call] += 1
            time.sleep(0.005)  # or one process is done before the other has begun
    connections.close_all()

counting = threading.Lock()
print("ready", flush=True)
sys.stdin.readline()
running = [threading.Thread(target=work) for _ in range(threads)]
[one.start() for one in running]
[one.join() for one in running]
print(json.dumps(made))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What leads processes to a database of their own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        ours = {"DATABASE_URL": url, "VAR_DIR": str(tmp_path), "REDIS_URL": "", "KLAVIYO_SPEED": "1"}
        yield {**os.environ, "DJANGO_SETTINGS_MODULE": "flowbuilder.settings", **ours}
        return
    require_stack("limits shared by workers on PostgreSQL")
    with Stack(environment={"KLAVIYO_SPEED": "1"}) as stack:
        yield stack.environment


def test_workers_together_make_as_many_calls_as_the_account_may_and_not_one_more(environment):
    account = run(FILL, environment=environment).communicate(timeout=120)[0].strip()
    workers = [run(WORK, account, str(THREADS), *CALLS, environment=environment) for _ in range(PROCESSES)]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline().strip() == "ready"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    made = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert {call: sum(one[call] for one in made) for call in CALLS} == CALLS
    assert sum(sum(one.values()) > 0 for one in made) > 1, "they did it together"


def run(program: str, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
