"""The editor: one act, and opening a flow, at 10 to 1,000 steps. In a process of its own, with a database of its own.

What a server does (time, queries, bytes) is measured through Django's test client; what a person waits for in
benchmarks/painted.py, in a real browser.
"""

from __future__ import annotations

import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10, 100, 500, 1000)
KB = 1024


def set_up() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ |= {
        "VAR_DIR": tempfile.mkdtemp(prefix="bench-"),
        "DJANGO_SETTINGS_MODULE": "flowbuilder.settings",
    }
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)


def main() -> int:
    set_up()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from benchmarks.line import missed, tell
    from flowbuilder.models import Flow
    from flowbuilder.queries import design
    from tests import make

    person = make.user("bench@example.org")
    room = make.workspace("bench", owner=person)
    client = Client()
    client.force_login(person)
    flows = {size: make.big_flow(room, size) for size in SIZES}
    one_step = make.big_flow(room, 1)

    @contextmanager
    def counted(into: list[int]) -> Iterator[None]:
        with CaptureQueriesContext(connection) as queries:
            yield
        into.append(sum(not one["sql"].startswith(("BEGIN", "COMMIT")) for one in queries.captured_queries))

    def insert(flow: Flow, size: int) -> bytes:
        flow.refresh_from_db(fields=["revision"])
        middle = f"b{size // 2 - (size // 2) % 10 + 5}" if size > 10 else "b5"
        answer = client.post(
            f"/flows/{flow.pk}/steps/add/",
            {"type": "time-delay", "source": middle, "port": "next"},
            headers={"HX-Request": "true", "X-View": "canvas", "X-Revision": str(flow.revision)},
        )
        assert answer.status_code == 200, answer.status_code
        return bytes(answer.content)

    def opened(flow: Flow) -> bytes:
        return bytes(client.get(f"/flows/{flow.pk}/").content)

    for flow in flows.values():  # a page that was opened, as before any act
        opened(flow)
        insert(flow, flow.actions.count())
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    queries: dict[int, list[int]] = {size: [] for size in SIZES}
    sizes: dict[int, int] = {}
    for _ in range(15):
        for size, flow in flows.items():
            start = time.perf_counter()
            answer = insert(flow, size)
            times[size].append((time.perf_counter() - start) * 1000)
            sizes[size] = len(gzip.compress(answer, 6))
    for size, flow in flows.items():
        with counted(queries[size]):
            insert(flow, size)
    small = statistics.median(times[10])
    for size in SIZES:
        took = statistics.median(times[size])
        goal = "at most 3 times 10 steps" if size == 1000 else "none"
        tell(
            f"act, server time, {size} steps", took, "ms",
            against=f"{small:.1f} ms at 10 steps", ratio=took / small, goal=goal,
            met=size != 1000 or took <= 3 * small,
        )  # fmt: skip
        same = queries[size] == queries[10]
        tell(
            f"act, queries, {size} steps", queries[size][0], "queries",
            against=f"{queries[10][0]} at 10 steps", ratio=queries[size][0] / queries[10][0], goal="the same", met=same,
        )  # fmt: skip
        tell(
            f"act, answer compressed, {size} steps", sizes[size] / KB, "KB",
            against=f"{sizes[10] / KB:.1f} KB at 10 steps", ratio=sizes[size] / sizes[10],
            goal="under 15 KB" if size == 500 else "none", met=size != 500 or sizes[size] < 15 * KB,
        )  # fmt: skip

    pages: dict[int, list[float]] = {size: [] for size in (1, *SIZES)}
    found: dict[int, list[int]] = {size: [] for size in SIZES}
    page = b""
    for _ in range(7):
        for size, flow in {1: one_step, **flows}.items():
            start = time.perf_counter()
            page = opened(flow)
            pages[size].append((time.perf_counter() - start) * 1000)
    for size, flow in flows.items():
        design.forget(flow.pk)  # as a process that never saw it
        with counted(found[size]):
            page = opened(flow)
        tell(
            f"open, queries, {size} steps, nothing known", found[size][0], "queries",
            against=f"{found[10][0]} at 10 steps", ratio=found[size][0] / found[10][0],
            goal="at most 6", met=found[size][0] <= 6,
        )  # fmt: skip
        if size == 500:
            packed = len(gzip.compress(page, 6)) / KB
            tell("open, page compressed, 500 steps", packed, "KB", goal="under 150 KB", met=packed < 150)
    one, large = statistics.median(pages[1]), statistics.median(pages[1000])
    tell(
        "open, server time, 1,000 steps", large, "ms",
        against=f"{one:.1f} ms for a page of one step", ratio=large / one, goal="at most 100 such pages",
        met=large <= 100 * one,
    )  # fmt: skip
    scripts = [ROOT / "static" / path for path in scripts_of(page.decode())]
    weight = sum(len(gzip.compress(path.read_bytes(), 6)) for path in scripts) / KB
    tell(
        "editor's scripts compressed", weight, "KB",
        against="3.16 MB of n8n's editor, 138 KB of React Flow's floor", ratio=weight / 138,
        goal="under 70 KB", met=weight < 70,
    )  # fmt: skip
    return 1 if missed else 0


def scripts_of(page: str) -> list[str]:
    import re

    return re.findall(r'<script[^>]* src="/static/([^"]+)"', page)


if __name__ == "__main__":
    sys.exit(main())
