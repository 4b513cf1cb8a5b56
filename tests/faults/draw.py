"""Which call meets which fault: drawn from a seed, so that a run can be had again. Pure.

A draw depends on the seed, the account, the endpoint and how often that account has called it, and on nothing else:
not on the order in which accounts have their turn. Used by klaviyo.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from threading import Lock

from flowbuilder.sandbox.faults import Fault

KILL_BEFORE, KILL_AFTER = "kill_before", "kill_after"  # the caller dies: before the effect, or after it
CREATE = "POST /api/flows"
FAR = "Fri, 31 Dec 2199 23:59:59 GMT"
# A worker dies in each of these calls, before the effect and after it. Those that only follow a lost answer are
# given one: `CREATE` is lost first.
STEPS = (
    "GET /api/accounts",
    "POST /api/templates",
    CREATE,
    "GET /api/flows/{id}",
    "GET /api/flows",
    "GET /api/templates",
    "GET /api/tags",
    "POST /api/tags",
    "POST /api/tags/{id}/relationships/flows",
    "POST /oauth/token",
)
FOLLOWS = {"GET /api/flows": CREATE, "GET /api/templates": "POST /api/templates"}


@dataclass(frozen=True)
class Kind:
    """`weight`: how often among its like. `fits`: which endpoints, and whether the caller has a token that expires."""

    weight: int
    make: Callable[[Random, float], Fault]
    fits: Callable[[str, bool], bool] = lambda endpoint, is_token: True


def is_write(endpoint: str, is_token: bool) -> bool:
    return endpoint.startswith("POST /api")


def _status(kind: str, *statuses: int) -> Callable[[Random, float], Fault]:
    return lambda random, patience: Fault(kind, status=random.choice(statuses))


def _throttled(*texts: str | None) -> Callable[[Random, float], Fault]:
    return lambda random, patience: Fault("status", status=429, retry_after=random.choice(texts))


def _plain(kind: str) -> Callable[[Random, float], Fault]:
    return lambda random, patience: Fault(kind, status=502)


def _longer(kind: str, by: float = 1.0) -> Callable[[Random, float], Fault]:
    """It lasts longer than the client waits."""
    return lambda random, patience: Fault(kind, delay=patience + by)


# Answers that are lost after the effect are the hard ones: they are drawn most often.
KINDS = {
    "connection reset": Kind(3, _plain("reset")),
    "connection reset after the effect": Kind(4, _plain("after_reset")),
    "500, 502, 503, 504, 524": Kind(4, _status("status", 500, 502, 503, 504, 524)),
    "500, 502, 503, 504, 524 after the effect": Kind(4, _status("after_status", 500, 502, 503, 504, 524)),
    "time-out": Kind(1, _longer("timeout")),
    "time-out after the effect": Kind(2, _longer("after_timeout")),
    "late effect": Kind(3, _longer("late", 1.5), is_write),
    "truncated": Kind(2, _plain("truncate")),
    "wrong JSON": Kind(2, _plain("bad_json")),
    "201 without an id": Kind(2, _plain("no_id"), is_write),
    "HTML from a proxy": Kind(2, _plain("html")),
    "HTML from a proxy after the effect": Kind(2, _plain("after_html")),
    "slow drip": Kind(1, lambda random, patience: Fault("drip", delay=0.2)),
    "429 with Retry-After": Kind(4, _throttled("1", "2", "3")),
    "429 without or with an absurd one": Kind(1, _throttled(None, "-1", "soon")),
    # Cut to a day: run.py has people come back then.
    "429 with a Retry-After beyond all bounds": Kind(1, _throttled("99999999999", "31536000", FAR)),
    "401": Kind(2, _status("status", 401), lambda endpoint, is_token: is_token and "oauth" not in endpoint),
}


def endpoint_of(method: str, path: str) -> str:
    """The call without its ids: GET /api/flows/{id}."""
    return f"{method} " + re.sub(r"^(/api/[a-z-]+)/[^/]+", r"\1/{id}", path)


@dataclass
class Draw:
    """`share`: of all calls, between 0 and 1. `patience`: seconds that the client waits. `plan`: account ->
    what is certain to happen there, endpoint -> kind, each once. `calm`: accounts that are left in peace.
    `kills`: of the calls that meet a fault, the share in which the caller dies. `waits`: whether a 429 may leave it
    to us how long to wait, which is a minute."""

    seed: int
    share: float
    patience: float
    tokens: frozenset[str] = frozenset()
    plan: dict[str, dict[str, str]] = field(default_factory=dict)
    kills: float = 0.03
    waits: bool = True

    def __post_init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.lock = Lock()

    def __call__(self, account: str, endpoint: str) -> tuple[str, Fault | None]:
        """The kind in words and the fault; ("", None) for a call that goes well, no fault with a kill."""
        with self.lock:
            number = self.counts[account, endpoint]
            self.counts[account, endpoint] += 1
            planned = self.plan.get(account, {}).pop(endpoint, "")
        random = Random(f"{self.seed} {account} {endpoint} {number}")
        if planned in (KILL_BEFORE, KILL_AFTER):
            return planned, None
        if planned:
            return planned, KINDS[planned].make(random, self.patience)
        if random.random() >= self.share:
            return "", None
        if random.random() < self.kills:
            return random.choice((KILL_BEFORE, KILL_AFTER)), None
        fitting = {
            name: kind.weight
            for name, kind in KINDS.items()
            if kind.fits(endpoint, account in self.tokens)
            and (self.waits or name != "429 without or with an absurd one")
        }
        name = random.choices(list(fitting), list(fitting.values()))[0]
        return name, KINDS[name].make(random, self.patience)


def plan_of(accounts: list[str], tokens: Collection[str]) -> dict[str, dict[str, str]]:
    """A death in every step, before the effect and after it, in turn over the accounts."""
    plan: dict[str, dict[str, str]] = {}
    turns = [(step, side) for step in STEPS for side in (KILL_BEFORE, KILL_AFTER)]
    for number, (step, side) in enumerate(turns):
        fitting = [one for one in accounts if one in tokens] if step.endswith("token") else accounts
        if fitting:
            one = plan.setdefault(fitting[number % len(fitting)], {})
            one[step] = side
            if before := FOLLOWS.get(step):
                one.setdefault(before, "connection reset after the effect")
    return plan
