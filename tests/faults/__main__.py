"""`python -m tests.faults`, behind `make faults PUBLICATIONS=n SEED=s`: the real stack, broken on purpose.

Ends with a table and the same as one line of JSON. Exit code 1 when anything was lost, doubled or orphaned or is
still open, and when it could not be run although CI is true.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

import django

from tests.faults.options import Options
from tests.stack import Stack, missing

FIRST = (
    "asked",
    "published",
    "refused",
    "waiting",
    "failed",
    "cancelled",
    "open",
    "lost",
    "doubled",
    "orphaned",
)
THEN = ("calls", "faults", "kills", "seconds", "seed", "accounts", "workers", "pressed_again")


def main(arguments: list[str]) -> int:
    options = Options.read(arguments)
    if lacks := missing():
        say(
            "NOT TESTED: the publisher on the real stack, with faults. Here is no "
            + ", no ".join(lacks)
            + "."
        )
        return 1 if os.environ.get("CI", "").lower() in ("1", "true") else 0
    with Stack(
        workers=options.workers,
        concurrency=options.concurrency,
        environment=options.environment,
        is_to_break=True,
    ) as stack:
        os.environ.update(stack.environment)
        django.setup()
        # Only now is it known which database there is.
        report = import_module("tests.faults.run").run(options, stack)
        is_good = not any(report[name] for name in ("open", "lost", "doubled", "orphaned"))
        if not is_good:
            sys.stderr.write(stack.tails() + "\n")
    say(table(report))
    say(json.dumps(report, ensure_ascii=False))
    return 0 if is_good else 1


def table(report: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):<14}{report[name]:>10}" for name in (*FIRST, *THEN)]
    for title in ("by_kind", "killed_in", "beside"):
        lines += ["", title.replace("_", " ")]
        lines += [f"  {name:<62}{many:>6}" for name, many in report[title].items()]
    lines += [f"NOT TESTED: {one}" for one in report["not_tested"]]
    lines += [f"WRONG: {one}" for one in report["wrong"]]
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
