"""All state of the sandbox in one SQLite file, behind one lock.

Used by every handler. One connection and one lock keep requests in a strict order, which is what makes runs
repeatable; the file survives a restart.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import ceil
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from .ids import nine_digits, six_characters

TABLES = """
create table if not exists meta (name text primary key, value integer not null);
create table if not exists account (id text primary key, seq integer, api_key text unique, attributes text not null);
create table if not exists thing (
    seq integer primary key autoincrement, kind text not null, id text not null, account text not null,
    attributes text not null, body text not null, is_copy integer not null default 0,
    created text not null, updated text not null, unique (kind, id));
create index if not exists thing_by_account on thing (kind, account, seq);
create table if not exists tagged (tag text, flow text, seq integer primary key autoincrement, unique (tag, flow));
create table if not exists code (
    hash text primary key, client text, redirect_uri text, challenge text, account text, scopes text, expires real);
create table if not exists installation (
    id integer primary key autoincrement, refresh_hash text unique, client text, account text, scopes text,
    used real, revoked integer not null default 0);
create table if not exists access (hash text primary key, installation integer, expires real);
create table if not exists allowance (
    bucket text, seconds integer, started real, used integer, primary key (bucket, seconds));
create table if not exists fault (id integer primary key autoincrement, spec text not null, remaining integer not null);
create table if not exists request (
    seq integer primary key autoincrement, at text, method text, path text, query text, status integer,
    account text, fault text);
"""


@dataclass
class Thing:
    """One stored object of an account: a metric, list, segment, template, tag, flow, action or message."""

    kind: str
    id: str
    account: str
    attributes: dict[str, Any]
    body_json: str
    is_copy: bool
    created: str
    updated: str

    @cached_property
    def body(self) -> Any:
        """The definition of a flow or message. Parsed when somebody looks: a list of flows does not."""
        return json.loads(self.body_json)


class Store:
    def __init__(self, path: Path | str, clock: Callable[[], float], speed: float = 1) -> None:
        """`speed`: how many seconds pass here in one of `clock`. A second start begins at the clock's time again."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.speed = speed
        self.started = clock()
        self.lock = RLock()
        self.depth = 0
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.executescript(TABLES)

    def close(self) -> None:
        with self.lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Re-entrant: an inner block joins the outer one."""
        with self.lock:
            if self.depth == 0:
                self.db.execute("begin immediate")
            self.depth += 1
            try:
                yield
            except BaseException:
                self.depth -= 1
                if self.depth == 0:
                    self.db.execute("rollback")
                raise
            self.depth -= 1
            if self.depth == 0:
                self.db.execute("commit")

    def rows(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        with self.lock:
            return self.db.execute(sql, args).fetchall()

    def row(self, sql: str, *args: Any) -> sqlite3.Row | None:
        with self.lock:
            found: sqlite3.Row | None = self.db.execute(sql, args).fetchone()
            return found

    def run(self, sql: str, *args: Any) -> sqlite3.Cursor:
        with self.lock:
            return self.db.execute(sql, args)

    def now(self) -> float:
        """Seconds since the epoch, sped up, and moved by what the control path asked for."""
        passed = (self.clock() - self.started) * self.speed
        return self.started + passed + self.number("clock_offset")

    def waiting_time(self, seconds: float) -> int:
        """How long somebody outside has to wait for so many seconds of ours. Whole seconds, upwards."""
        return ceil(seconds / self.speed)

    def stamp(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="microseconds")

    def number(self, name: str) -> int:
        row = self.row("select value from meta where name = ?", name)
        return row["value"] if row else 0

    def set_number(self, name: str, value: int) -> None:
        self.run(
            "insert into meta values (?, ?) on conflict (name) do update set value = excluded.value",
            name,
            value,
        )

    def next_number(self, name: str) -> int:
        with self.transaction():
            self.set_number(name, self.number(name) + 1)
            return self.number(name)

    def next_id(self, kind: str) -> str:
        if kind == "tag":
            return str(uuid5(NAMESPACE_URL, f"tag{self.next_number('tags')}"))
        if kind == "flow-action":
            return nine_digits(self.next_number("actions"))
        while True:
            id = six_characters(self.next_number("ids"))
            if not self.row("select 1 from thing where id = ?", id):
                return id

    # -- things

    def add(
        self,
        kind: str,
        account: str,
        attributes: dict[str, Any],
        *,
        body: Any = None,
        id: str | None = None,
        is_copy: bool = False,
        created: str | None = None,
    ) -> Thing:
        with self.transaction():
            thing_id = id or self.next_id(kind)
            stamp = created or self.stamp()
            self.run(
                "insert into thing (kind, id, account, attributes, body, is_copy, created, updated)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                *(kind, thing_id, account, json.dumps(attributes), json.dumps(body), is_copy, stamp, stamp),
            )
        return Thing(kind, thing_id, account, attributes, json.dumps(body), is_copy, stamp, stamp)

    def get(self, kind: str, account: str, id: str) -> Thing | None:
        row = self.row("select * from thing where kind = ? and id = ? and account = ?", kind, id, account)
        return as_thing(row) if row else None

    def all(self, kind: str, account: str, *, copies: bool = False) -> list[Thing]:
        """In order of creation; flows' own copies of templates only when asked for."""
        rows = self.rows("select * from thing where kind = ? and account = ? order by seq", kind, account)
        return [as_thing(row) for row in rows if copies or not row["is_copy"]]

    def count(self, kind: str, account: str) -> int:
        row = self.row(
            "select count(*) n from thing where kind = ? and account = ? and not is_copy", kind, account
        )
        return row["n"] if row else 0

    def save(self, thing: Thing) -> None:
        """Write back changed attributes or body and move `updated`."""
        thing.updated = self.stamp()
        self.run(
            "update thing set attributes = ?, body = ?, updated = ? where kind = ? and id = ?",
            *(json.dumps(thing.attributes), json.dumps(thing.body), thing.updated, thing.kind, thing.id),
        )

    def remove(self, thing: Thing) -> None:
        self.run("delete from thing where kind = ? and id = ?", thing.kind, thing.id)

    def wipe(self) -> None:
        """Forget everything, counters included; the seed comes next."""
        tables = "meta account thing tagged code installation access allowance fault request sqlite_sequence"
        with self.transaction():
            for table in tables.split():
                self.run(f"delete from {table}")


def as_thing(row: sqlite3.Row) -> Thing:
    attributes = json.loads(row["attributes"])
    about = (row["kind"], row["id"], row["account"], attributes, row["body"], bool(row["is_copy"]))
    return Thing(*about, created=row["created"], updated=row["updated"])
