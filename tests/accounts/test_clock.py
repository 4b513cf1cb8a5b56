"""The clock that all workers share: a host whose own is set by an hour goes on by the database's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.processes import ROOT
from tests.stack import Stack, require_stack

WORK = """
import django
django.setup()
import json
from datetime import UTC, datetime, timedelta
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from accounts import clock

def ahead():
    return round((clock.now() - began).total_seconds())

told = {}
began = datetime.now(UTC)
with CaptureQueriesContext(connection) as queries:
    told["at first"] = ahead()
    for _ in range(50):
        clock.now()
    told["exactly"] = abs((datetime.now(UTC) - clock.now()).total_seconds()) < 0.01
    told["queries"] = len(queries)
    for name, hours in (("ahead", 1), ("back", -1)):
        with time_machine.travel(timedelta(hours=hours), tick=True):
            told[name] = ahead()
        told[f"after {name}"] = ahead()
    told["queries of four jumps"] = len(queries) - told["queries"]
print(json.dumps(told))
"""


@pytest.fixture
def postgres() -> Iterator[dict[str, str]]:
    require_stack("the clock that workers on PostgreSQL share")
    with Stack(environment={}) as stack:
        yield stack.environment


def test_a_host_that_is_set_by_an_hour_goes_on_by_the_databases_clock(postgres):
    command = [sys.executable, "-W", "ignore", "-c", WORK]
    done = subprocess.run(command, cwd=ROOT, env=postgres, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: told[name] for name in ("at first", "ahead", "after ahead", "back", "after back")} == {
        "at first": 0,
        "ahead": 0,
        "after ahead": 0,
        "back": 0,
        "after back": 0,
    }
    assert told["exactly"], "hosts that keep time go by their own clock"
    assert (told["queries"], told["queries of four jumps"]) == (1, 4), "not one a call"
