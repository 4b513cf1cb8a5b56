"""Faults on request: what goes wrong, for which requests, and how often.

Used by the server (to act) and control.py (to set). A fault is taken by the first request that it matches.

Kinds in which nothing happens at the server:
  status, html (a proxy's page), reset, timeout (waits `delay`, then hangs up)
Kinds in which the request takes effect and the answer is lost or spoilt:
  after_status, after_html, after_reset, after_timeout, truncate, bad_json, no_id, drip (a byte every `delay`), slow
And `late`: the effect comes only after `delay`, when the client may have given up; then a normal answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .store import Store

BEFORE = ("status", "html", "reset", "timeout")
AFTER = (
    "after_status",
    "after_html",
    "after_reset",
    "after_timeout",
    "truncate",
    "bad_json",
    "no_id",
    "drip",
    "slow",
)
KINDS = (*BEFORE, *AFTER, "late")
PAUSES = {"timeout": 30.0, "after_timeout": 30.0, "drip": 1.0, "slow": 5.0, "late": 5.0}
KEYS = {"match", "times", "kind", "status", "retry_after", "delay", "body"}


@dataclass(frozen=True)
class Fault:
    kind: str
    method: str | None = None  # None matches any
    path: str | None = None  # exact, or a prefix when it ends in *
    account: str | None = None
    status: int = 503
    retry_after: str | None = None  # sent as it is, so that absurd values can be tried
    delay: float = 0
    body: str | None = None

    def matches(self, method: str, path: str, account: str | None) -> bool:
        if self.method and self.method != method:
            return False
        if self.account and self.account != account:
            return False
        if self.path is None:
            return True
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path.rstrip("/")


def read(given: Any) -> tuple[Fault, int]:
    """A fault and how often it happens, from the JSON of the control path. ValueError says what is wrong."""
    if not isinstance(given, dict) or set(given) - KEYS:
        raise ValueError(f"A fault is an object with the keys {', '.join(sorted(KEYS))}.")
    match = given.get("match", {})
    if not isinstance(match, dict) or set(match) - {"method", "path", "account"}:
        raise ValueError("'match' is an object with method, path and account, each of them optional.")
    kind = given.get("kind")
    if kind not in KINDS:
        raise ValueError(f"'kind' must be one of {', '.join(KINDS)}.")
    times = given.get("times", 1)
    if not isinstance(times, int) or times < 1:
        raise ValueError("'times' must be a whole number above 0.")
    retry_after = given.get("retry_after")
    fault = Fault(
        kind=kind,
        method=match["method"].upper() if match.get("method") else None,
        path=match.get("path"),
        account=match.get("account"),
        status=int(given.get("status", 502 if kind == "html" else 503)),
        retry_after=None if retry_after is None else str(retry_after),
        delay=float(given.get("delay", PAUSES.get(kind, 0))),
        body=given.get("body"),
    )
    return fault, times


def add(store: Store, fault: Fault, times: int) -> int:
    with store.transaction():
        made = store.run(
            "insert into fault (spec, remaining) values (?, ?)", json.dumps(asdict(fault)), times
        )
        return int(made.lastrowid or 0)


def waiting(store: Store) -> Iterator[tuple[int, int, Fault]]:
    """(id, times left, fault) of every fault that can still happen."""
    for row in store.rows("select * from fault where remaining > 0 order by id"):
        yield row["id"], row["remaining"], Fault(**json.loads(row["spec"]))


def take(store: Store, method: str, path: str, account: str | None) -> Fault | None:
    """The fault for this request, if one is due; it is used up by this."""
    with store.transaction():
        for id, _, fault in waiting(store):
            if fault.matches(method, path, account):
                store.run("update fault set remaining = remaining - 1 where id = ?", id)
                return fault
    return None
