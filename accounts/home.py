"""What the start page suggests next, by the kind of workspace. Values only; called by views.home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accounts.context import address
from accounts.models import KlaviyoAccount, Workspace

Kind = Workspace.Kind


@dataclass(frozen=True)
class Step:
    """`url` "" means that the room is not there; `note` is what is known already; `is_done` ticks it off.

    `is_next` marks the one to press first.
    """

    icon: str
    family: str
    title: str
    text: str
    action: str
    url: str
    note: str = ""
    is_done: bool = False
    is_next: bool = False


def next_steps(workspace: Workspace, accounts: Sequence[KlaviyoAccount]) -> list[Step]:
    """In the order in which one takes them."""
    steps = {Kind.PARTNER: _partner, Kind.MERCHANT: _merchant, Kind.OPERATOR: _operator}[Kind(workspace.kind)]
    open_rooms = [step for step in steps(workspace, accounts) if step.url]
    first = next((step for step in open_rooms if not step.is_done), None)
    return [replace(step, is_next=step is first) for step in open_rooms]


def _partner(workspace: Workspace, accounts: Sequence[KlaviyoAccount]) -> list[Step]:
    return [
        Step(
            *("flow", "trigger", "Design a flow"),
            "Start from an abandoned cart, a welcome or an empty page, or go on where you stopped.",
            *("Open your flows", address("editor:flows", workspace)),
        ),
        _connect(
            workspace, accounts, "See real metrics, lists and templates while you design, and try a flow out."
        ),
        Step(
            *("library", "logic", "Offer it in the library"),
            "Publish a version with its questions; merchants install it with their own answers.",
            *("Open the library", address("library:list", workspace)),
        ),
        _history(workspace, "See where your versions landed, and what each account answered."),
    ]


def _merchant(workspace: Workspace, accounts: Sequence[KlaviyoAccount]) -> list[Step]:
    return [
        _connect(
            workspace, accounts, "You allow it at Klaviyo, permission by permission. Nothing is created yet."
        ),
        Step(
            *("library", "logic", "Pick a flow"),
            "Read what it does and what it needs, answer what could not be found, see what will land.",
            *("Browse the library", address("library:list", workspace)),
        ),
        _history(
            workspace,
            "Everything that was installed in your account, step by step, with every request and answer.",
        ),
    ]


def _operator(workspace: Workspace, accounts: Sequence[KlaviyoAccount]) -> list[Step]:
    return [
        _history(workspace, "Every publication of every account: who asked, what was sent, what came back."),
        Step(
            *("library", "logic", "Look over the library"),
            "What partners offer, version by version.",
            *("Open the library", address("library:list", workspace)),
        ),
        _connect(workspace, accounts, "Accounts that your own workspace may use, for trying things out."),
    ]


def _connect(workspace: Workspace, accounts: Sequence[KlaviyoAccount], text: str) -> Step:
    connected = [account for account in accounts if account.is_connected]
    note = connected[0].name if len(connected) == 1 else f"{len(connected)} connected" if connected else ""
    return Step(
        *("plug", "data", "Connect Klaviyo", text),
        action="Your accounts" if connected else "Connect an account",
        url=address("accounts:list", workspace),
        note=note,
        is_done=bool(connected),
    )


def _history(workspace: Workspace, text: str) -> Step:
    return Step(
        *("history", "timing", "Follow what was published", text),
        *("Open the history", address("history:list", workspace)),
    )
