"""The history at a million rows against ten thousand: a page with each filter, sort and search, as somebody opens it.

Both are of the same year, in databases of one PostgreSQL; each page is opened in both in turns. Held are the ratios (a
million rows to ten thousand, the last page to the first) and that the number of queries is the same. The export of all
rows is taken as a stream, and what the process grows by meanwhile is measured.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.line import missed, tell

SIZES = {"small": 10_000, "large": 1_000_000}
MOST = 1.5  # times as long
LITTLE = 50.0  # milliseconds: what two pages may differ by on a machine that does other things too
ROUNDS = 7
MEMORY = 25.0  # MB
# name -> (who opens it, what the address carries). {name} is the first thing of that kind.
PAGES: dict[str, tuple[str, str]] = {
    "all": ("operator", ""),
    "oldest first": ("operator", "sort=oldest"),
    "by flow": ("operator", "sort=flow"),
    "published": ("operator", "outcome=published"),
    "refused or failed": ("operator", "outcome=refused"),
    "waiting": ("operator", "outcome=waiting"),
    "cancelled, by flow": ("operator", "outcome=cancelled&sort=flow"),
    "a day": ("operator", "from={day}&to={day}"),
    "a large workspace": ("operator", "workspace={big}"),
    "an account": ("operator", "account={account}"),
    "a template": ("operator", "template={template}"),
    "a version": ("operator", "version=2"),
    "a person": ("operator", "person={person}"),
    "a rollout": ("operator", "rollout={rollout}"),
    "an error: refused": ("operator", "error=refused"),
    "an error: lost": ("operator", "error=lost"),
    "an error: unlike": ("operator", "error=unlike"),
    "a search: a flow": ("operator", "q=cart"),
    "a search: an account": ("operator", "q=K00007"),
    "a search: one flow's id": ("operator", "q=F9508"),
    "a search: nothing": ("operator", "q=nowhere"),
    "a search and an outcome": ("operator", "q=vanished&outcome=refused"),
    "a search and an outcome that none has": ("operator", "q=vanished&outcome=published"),
    "a search, an account and a person": ("operator", "q=cart&account={account}&person={person}"),
    "a search for two words that no row has both of": ("operator", "q=ca+bi"),
    "a search for two letters": ("operator", "q=zq"),
    "a search, by flow": ("operator", "q=vanished&sort=flow"),
    "an error and a workspace": ("operator", "error=refused&workspace={big}"),
    "an error, by flow": ("operator", "error=lost&sort=flow"),
    "partner: all": ("partner", ""),
    "partner: refused": ("partner", "outcome=refused"),
    "partner: an error": ("partner", "error=lost"),
    "partner: a search": ("partner", "q=cart"),
    "partner: by flow": ("partner", "sort=flow"),
    "small workspace: all": ("small", ""),
    "small workspace: an error": ("small", "error=refused"),
    "small workspace: a search": ("small", "q=cart"),
}


def main() -> int:
    from tests.stack import Stack, missing

    if lacks := missing():
        sys.stderr.write(f"Not measured: this machine lacks {', '.join(lacks)}.\n")
        return 1
    with Stack(environment={"LOG_LEVEL": "ERROR"}) as stack:
        os.environ.update(stack.environment)
        import django

        django.setup()
        sessions, first = _make(stack.database_url)
        measure(sessions, first)
    return 1 if missed else 0


def _make(url: str) -> tuple[dict[str, str], dict[str, int]]:
    """Two databases with the same people: who -> the key of their session."""
    import psycopg
    from django.db import connections
    from django.test import Client

    from benchmarks import million

    world = million.prepare()
    sessions = {}
    for who, person in world["people"].items():
        client = Client()
        client.force_login(person)
        sessions[who] = client.cookies["sessionid"].value
    connections["default"].close()
    with psycopg.connect(url.rsplit("/", 1)[0] + "/template1", autocommit=True) as admin:
        for name in SIZES:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE postgres")
    for name, number in SIZES.items():
        with _in(name):
            start = time.perf_counter()
            million.fill(number, world["first"])
            tell(
                f"history, {number:,} publications made",
                time.perf_counter() - start,
                "s",
                goal="none",
                met=True,
            )
    return sessions, world["first"]


@contextmanager
def _in(name: str) -> Iterator[Any]:
    """Everything is asked of this database."""
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    if name not in _known:
        _known[name] = DatabaseWrapper({**connections.databases["default"], "NAME": name}, "default")
    connections["default"] = _known[name]
    yield connections["default"]


_known: dict[str, Any] = {}


class Page:
    """One address, opened by one person in both databases."""

    def __init__(self, sessions: dict[str, str], who: str, query: str) -> None:
        from django.test import Client

        self.query = query
        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.cookies["sessionid"] = sessions[who]

    def open(self, name: str, also: str = "") -> Callable[[], str]:
        address = f"/history/?{'&'.join(part for part in (self.query, also) if part)}"

        def open_it() -> str:
            with _in(name):
                answer = self.client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            return answer.content.decode()

        return open_it

    def cost(self, name: str) -> tuple[int, float]:
        """(queries, milliseconds of the database)."""
        spent: list[float] = []

        def watch(execute: Any, *given: Any) -> Any:
            start = time.perf_counter()
            try:
                return execute(*given)
            finally:
                spent.append((time.perf_counter() - start) * 1000)

        with _in(name) as connection, connection.execute_wrapper(watch):
            self.open(name)()
        return len(spent), sum(spent)


def quickest(*works: Callable[[], Any]) -> list[float]:
    """Milliseconds of each at its best, taken in turns: whatever else the machine does only adds to it."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            start = time.perf_counter()
            work()
            times[index].append((time.perf_counter() - start) * 1000)
    return [min(one) for one in times]


def measure(sessions: dict[str, str], first: dict[str, int]) -> None:
    from flowbuilder.models import Publication, Version

    with _in("large"):
        names: dict[str, Any] = dict(first)
        version = Version.objects.get(pk=first["version"])
        names["template"] = version.flow.template_flow.pk
        names["day"] = Publication.objects.order_by("created_at")[0].created_at.date()
        last = Publication.objects.order_by("created_at")[20]
    from flowbuilder.history.finding import place_of

    place = place_of(last)
    for name, (who, query) in PAGES.items():
        page = Page(sessions, who, query.format_map(names))
        small, large = quickest(page.open("small"), page.open("large"))
        (few, _), (many, spent) = page.cost("small"), page.cost("large")
        tell(
            f"history, {name}",
            large,
            "ms",
            against=f"{small:.0f} ms with 10,000",
            ratio=large / small,
            goal=f"a million at most {MOST} times as long, or {LITTLE:.0f} ms longer, and as many queries",
            met=(large <= MOST * small or large - small <= LITTLE) and few == many,
            queries=many,
            database_ms=round(spent, 1),
        )
    page = Page(sessions, "operator", "")
    begin, end = quickest(page.open("large"), page.open("large", f"after={place}"))
    tell(
        "history, the last page of a million",
        end,
        "ms",
        against=f"the first: {begin:.0f} ms",
        ratio=end / begin,
        goal=f"at most {MOST} times as long",
        met=end <= MOST * begin,
    )
    _export()


def _resident() -> float:
    """MB of this process, right now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _export() -> None:
    from flowbuilder.history.exports import as_csv, as_json
    from flowbuilder.history.finding import sorted_by
    from flowbuilder.models import Publication

    for name, lines in (("CSV", as_csv), ("JSON", as_json)):
        with _in("large"):
            stream = lines(sorted_by(Publication.objects.all(), ""))
            for _ in range(1000):
                next(stream)
            before = most = _resident()
            start = time.perf_counter()
            number = 0
            for number, _ in enumerate(stream, 1):
                if number % 10_000 == 0:
                    most = max(most, _resident())
            took = time.perf_counter() - start
            grown = most - before
        tell(
            f"history, {name} of a million: memory",
            grown,
            "MB",
            against=f"{number + 1000:,} lines in {took:.0f} s",
            goal=f"at most {MEMORY:.0f} MB more than after a thousand",
            met=grown <= MEMORY,
        )


if __name__ == "__main__":
    sys.exit(main())
