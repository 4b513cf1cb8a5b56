"""The short form of `make faults`: real PostgreSQL, Redis, workers and beat, with everything breaking for a minute.

It runs in a process of its own, on a database of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.processes import ROOT
from tests.stack import require_stack

SHORT = [
    *("--publications=60", "--accounts=12", "--workers=2", "--concurrency=4"),
    "--deadline=400",  # it takes one minute, or three where much else runs
    *("--timeout=1.2", "--quiet=6", "--sweep=1", "--every=2", "--no-waits", "--away=0"),
]
BESIDE = (
    *("Redis flushed", "Redis lost and restarted", "PostgreSQL lost and restarted", "beat killed"),
    *("the database's disk full", "a worker's clock set by an hour", "a worker stopped and replaced"),
)


def test_nothing_is_lost_doubled_or_orphaned_when_everything_breaks():
    require_stack("the publisher on the real stack, with faults")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *SHORT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    shown = f"{done.stdout}\n{done.stderr}"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, shown
    report = json.loads(lines[-1])
    assert (report["lost"], report["doubled"], report["orphaned"], report["open"]) == (0, 0, 0, 0), shown
    assert done.returncode == 0, shown
    # It was a real test: most landed, much went wrong, workers died in every step.
    assert report["asked"] == 60
    assert report["published"] >= 40
    assert report["waiting"] > 0, "the day's limit was reached nowhere"
    assert report["refused"] > 0
    assert report["faults"] > 0.1 * report["calls"]
    assert len(report["killed_in"]) >= 12, "a worker dies in each step, before its effect and after it"
    assert any(one.startswith("POST /api/flows kill") for one in report["killed_in"])
    assert report["kills"] >= 15
    assert all(report["beside"].get(name) for name in BESIDE if name not in str(report["not_tested"])), shown
    assert not [one for one in report["beside"] if "ended by itself" in one], shown
