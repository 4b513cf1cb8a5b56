"""What can be set on the sandbox, once as a value and once as command line options.

Used by the command line, the management command and tests.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import time
from typing import Any

DEFAULT_REDIRECTS = (
    "http://127.0.0.1:8000/accounts/callback/",
    "http://localhost:8000/accounts/callback/",
)


@dataclass(frozen=True)
class Options:
    """Every switch of the sandbox. Constructor defaults are the demo's."""

    host: str = "127.0.0.1"
    port: int = 8010
    data: Path = Path("var/sandbox.sqlite3")
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    app_name: str = "Flow Builder"
    redirect_uris: tuple[str, ...] = DEFAULT_REDIRECTS
    any_loopback_redirect: bool = False
    token_seconds: int = 3600
    limits: bool = True
    tree_only: bool = False
    multi_branch_fails: bool = False
    stale_patches: bool = False
    speed: float = 1
    latency: float = 0
    quiet: bool = False
    clock: Callable[[], float] = field(default=time, compare=False)


def above_nothing(text: str) -> float:
    number = float(text)
    if not 0 < number < inf:
        raise ArgumentTypeError("a number above 0 is needed")
    return number


def add_arguments(parser: ArgumentParser) -> None:
    base = Options()
    add = parser.add_argument
    add("--host", default=base.host, help="address to listen on (default %(default)s)")
    add("--port", type=int, default=base.port, help="port to listen on (default %(default)s)")
    add("--data", default=str(base.data), help="SQLite file with all state (default %(default)s)")
    add("--client-id", default=base.client_id, help="OAuth client id (default %(default)s)")
    add("--client-secret", default=base.client_secret, help="OAuth client secret (default %(default)s)")
    add("--app-name", default=base.app_name, help="name shown on the consent page")
    add(
        "--redirect-uri",
        action="append",
        dest="redirect_uris",
        metavar="URL",
        help="allowed redirect URI, may be repeated (default: port 8000 of this machine)",
    )
    add(
        "--any-loopback-redirect",
        action="store_true",
        help="also allow redirects to any port of this machine",
    )
    add(
        "--token-seconds",
        type=int,
        default=base.token_seconds,
        help="life of an access token (default %(default)s)",
    )
    add("--no-limits", action="store_false", dest="limits", help="never answer 429 by itself")
    add("--tree-only", action="store_true", help="refuse flows in which branches rejoin")
    add(
        "--multi-branch-fails", action="store_true", help="answer 500 to a new flow with a multi-branch split"
    )
    add(
        "--stale-patches",
        action="store_true",
        help="answer a change of an action with the template it had before",
    )
    add(
        "--speed",
        type=above_nothing,
        default=base.speed,
        help="how many of its seconds pass in one of ours: limits and created times; 0.25 for a minute that"
        " takes four (default %(default)s)",
    )
    add(
        "--latency",
        type=float,
        default=base.latency,
        help="how many of its seconds an answer of the API takes at least (default %(default)s)",
    )
    add("--quiet", action="store_true", help="do not print a line for each request")


def from_arguments(given: Mapping[str, Any]) -> Options:
    """Options from parsed arguments; keys that are not ours (Django adds some) are ignored."""
    return Options(
        host=given["host"],
        port=given["port"],
        data=Path(given["data"]),
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        app_name=given["app_name"],
        redirect_uris=tuple(given["redirect_uris"] or DEFAULT_REDIRECTS),
        any_loopback_redirect=given["any_loopback_redirect"],
        token_seconds=given["token_seconds"],
        limits=given["limits"],
        tree_only=given["tree_only"],
        multi_branch_fails=given["multi_branch_fails"],
        stale_patches=given["stale_patches"],
        speed=given["speed"],
        latency=given["latency"],
        quiet=given["quiet"],
    )
