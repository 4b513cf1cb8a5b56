"""The publisher: what a publication costs beside a plain loop over the official SDK, and how near the limits' floor
many of them land.

    cost    processor time and queries of one publication, with few and with 10,000 rows that wait, against a loop
            that makes the same calls with no record, no limits and no recovery, on the same sandbox, in turns
    floor   versions x accounts through real workers, PostgreSQL and Redis, against the time that the account's
            limits alone take; how often Klaviyo had to say 429; the memory of a worker's processes
    throttled   how much later the rest lands because one account is throttled

`python -m benchmarks.publisher` does small ones, `... large` those that are asked for, `... floor 100 100 --speed 0.25`
a single one.

The sandbox runs in a process of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.line import missed, tell

ROUNDS, BATCH = 6, 12
# What each is measured at, so that two cores carry it: they land some ten publications a second, with Klaviyo,
# PostgreSQL, Redis and the workers on them. The slower Klaviyo's clock, the longer it takes.
USUAL = (
    "floor 1 10 --speed 0.25 --processes 10 --latency 0.5",
    "floor 15 20 --speed 0.4",
    "throttled 2 50 --speed 0.05",
)
LARGE = (  # an hour
    "floor 1 100 --speed 0.1 --processes 100 --latency 1",
    "floor 15 100 --speed 0.08",
    "floor 100 100 --speed 0.25",
    "throttled 5 50 --speed 0.05",
)


def main(arguments: list[str]) -> int:
    if arguments and arguments != ["large"]:
        return one(arguments)
    if not arguments:
        cost()
    codes = [bool(missed)]
    for figure in (
        LARGE if arguments else USUAL
    ):  # each with a database of its own, so in a process of its own
        command = [sys.executable, "-m", "benchmarks.publisher", *figure.split()]
        codes.append(bool(subprocess.run(command, check=False).returncode))
    return int(any(codes))


def one(arguments: list[str]) -> int:
    """floor|throttled VERSIONS ACCOUNTS [--speed 0.25] [--processes 8] [--latency 0.3]"""
    from benchmarks.landing import measure, throttled

    parser = ArgumentParser(prog="python -m benchmarks.publisher", description=__doc__)
    parser.add_argument("figure", choices=("floor", "throttled"))
    parser.add_argument("versions", type=int)
    parser.add_argument("accounts", type=int)
    parser.add_argument("--speed", type=float, default=1.0, help="seconds at Klaviyo in one of ours")
    parser.add_argument("--processes", type=int, default=8, help="of all workers together")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds at Klaviyo that an answer takes")
    given = parser.parse_args(arguments)
    if given.figure == "floor":
        measure(given.versions, given.accounts, given.speed, given.processes, given.latency)
    else:
        throttled(given.versions, given.accounts, given.speed, given.processes)
    return 1 if missed else 0


# --- What one costs --------------------------------------------------------------------------------------------


@contextmanager
def sandbox(folder: Path) -> Iterator[str]:
    from urllib.error import URLError
    from urllib.request import urlopen

    from tests.processes import free_port, wait_until

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "flowbuilder.sandbox", "--quiet", "--no-limits", "--port", str(port)]
    process = subprocess.Popen([*command, "--data", str(folder / "klaviyo.sqlite3")])

    def answers() -> bool:
        try:
            with urlopen(f"{url}/_sandbox/", timeout=2) as answer:
                return int(answer.status) == 200
        except (URLError, OSError):
            return False

    try:
        wait_until(answers, "The pretend Klaviyo's answer")
        yield url
    finally:
        process.kill()
        process.wait()


def cost() -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    with sandbox(folder) as url:
        os.environ |= {
            "VAR_DIR": str(folder),
            "KLAVIYO_BASE_URL": url,
            "KLAVIYO_SPEED": "1000000",  # what our limits cost is measured, not their waiting
            "DJANGO_SETTINGS_MODULE": "flowbuilder.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _compare(url)


def _compare(url: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from klaviyo_api import KlaviyoAPI

    from flowbuilder.models import Publication
    from flowbuilder.publisher import lanes
    from tests import make

    person = make.user("bench@example.org")
    room = make.workspace("bench", owner=person)
    account = make.account(room)
    install = make.install(make.template(room), account, person)
    answers = {
        "started-checkout": "UpixsZ",
        "placed-order": "UpixsZ",
        "sender": {"email": "mia@example.com", "label": "Mia"},
    }

    def ask(number: int, **more: Any) -> list[Publication]:
        return Publication.objects.bulk_create(
            Publication(
                **{
                    "workspace": room,
                    "version": install.version,
                    "account": account,
                    "asked_by": person,
                    "answers": answers,
                    "flow_name": "Bench",
                    **more,
                }
            )
            for _ in range(number)
        )

    def ours() -> float:
        ask(BATCH)
        start = time.process_time()
        lanes.run_lane(account.pk)
        spent = time.process_time() - start
        assert not Publication.objects.filter(not_before=None).exclude(state="published").exists()
        return spent / BATCH * 1000

    sdk = KlaviyoAPI("pk_sandbox_harbour", max_delay=1, max_retries=0, test_host=url)
    ask(1)
    lanes.run_lane(account.pk)
    one = Publication.objects.latest("pk")
    assert one.state == "published", one.reason
    calls = [(call.step, call.request) for call in one.attempts.all()]
    tag = one.made.filter(kind="tag").first()

    def theirs() -> float:
        start = time.process_time()
        for _ in range(BATCH):
            for step, body in calls:
                if step.startswith("make-template"):
                    sdk.Templates.create_template(body)
                elif step == "create-flow":
                    made = sdk.Flows.create_flow(body).data.id
                elif step == "tag-flow" and tag:
                    links = {"data": [{"type": "flow", "id": made}]}
                    sdk.Tags.tag_flows(tag.klaviyo_id, links)
                elif step == "read-back":
                    sdk.Flows.get_flow(made, additional_fields_flow=["definition"])
        return (time.process_time() - start) / BATCH * 1000

    ours()
    theirs()
    few, loop = (
        statistics.median(one) for one in zip(*((ours(), theirs()) for _ in range(ROUNDS)), strict=True)
    )
    with CaptureQueriesContext(connection) as queries:
        ask(1)
        lanes.run_lane(account.pk)
    plain = [one for one in queries.captured_queries if not one["sql"].startswith(("BEGIN", "COMMIT"))]
    tell(
        "publication, processor time",
        few,
        "ms",
        against=f"the SDK's loop: {loop:.1f} ms",
        ratio=few / loop,
        goal="at most twice",
        met=few <= 2 * loop,
    )
    tell("publication, queries", len(plain), "queries", against="0 in the loop", goal="none", met=True)
    _wait_in_line(ask, 10_000)
    many = statistics.median(ours() for _ in range(ROUNDS))
    tell(
        "publication, processor time, 10,000 rows wait",
        many,
        "ms",
        against=f"{few:.1f} ms with few",
        ratio=many / few,
        goal="at most 1.2 times",
        met=many <= 1.2 * few,
    )


def _wait_in_line(ask: Any, number: int) -> None:
    from datetime import timedelta

    from django.utils.timezone import now

    later = now() + timedelta(days=1)
    for _ in range(number // 500):
        ask(500, not_before=later)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
