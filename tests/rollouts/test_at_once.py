"""Several workers at one rollout: one wave is made once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils.timezone import now as right_now

from flowbuilder.models import Rollout
from flowbuilder.publisher.states import S
from flowbuilder.publisher.waves import advance
from tests.rollouts.make import accounts, end, sent, started


def wave_sizes(rollout: Rollout) -> list[int]:
    waves = list(sent(rollout).values_list("wave", flat=True))
    return [waves.count(number) for number in range(max(waves) + 1)]


@contextmanager
def for_threads(path: Path) -> Iterator[None]:
    """The database as it is, for threads: SQLite's in-memory one cannot be written by two, so they get a file."""
    if connection.vendor != "sqlite":
        yield
        return
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
    held = connections.settings["default"]
    name = held["NAME"]
    held["NAME"] = str(path)
    yield
    held["NAME"] = name


@pytest.mark.django_db(transaction=True)
def test_many_workers_make_one_wave(template, workspace, alice, tmp_path):
    rollout = started(template, alice, accounts(workspace, 13), canary=1, wave_size=4)
    end(sent(rollout)[0], S.PUBLISHED)
    made: list[int] = []
    sizes: list[list[int]] = []
    start = threading.Barrier(6)

    def work() -> None:
        try:
            start.wait(20)
            made.append(len(advance(rollout.pk, now=right_now())))
        finally:
            connections.close_all()

    def look() -> None:
        sizes.append(wave_sizes(rollout))
        connections.close_all()

    with for_threads(tmp_path / "race.sqlite3"):
        for jobs in ([work] * 6, [look]):
            threads = [threading.Thread(target=job) for job in jobs]
            for one in threads:
                one.start()
            for one in threads:
                one.join(60)
    assert sorted(made) == [0, 0, 0, 0, 0, 4]
    assert sizes == [[1, 4]]
