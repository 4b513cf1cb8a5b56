"""The multi-branch split: people take the first branch they fit; “Everyone else” takes the last.

Each branch is a way out of its own, named by its `branch_id`, so links survive when branches change places. Klaviyo
writes the links inside the branches: read_links and write_links move them out and in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from pydantic import BeforeValidator

from flowbuilder.graph.values import Config
from flowbuilder.kinds.asks import get_at
from flowbuilder.kinds.base import ActionKind, Finding, Hint, Port, Settings, Words, few, yes_or_no
from flowbuilder.kinds.conditions import BranchConditions
from flowbuilder.kinds.unions import Choice

MOST_BRANCHES = 20  # with “Everyone else”
ELSE = "Everyone else"
FRESH_ELSE: dict[str, Any] = {"branch_id": "else", "branch_filter": None, "links": None, "is_else": True}


class AnyBranch(Settings):
    branch_id: Annotated[str, Hint(widget="hidden")]
    name: Annotated[str | None, Hint("Name")] = None
    order: Annotated[int | None, Hint(widget="hidden")] = None
    links: Annotated[Any, Hint(widget="hidden")] = None


class Branch(AnyBranch):
    ROW = "Branch"
    START: ClassVar[dict[str, Any]] = {"branch_id": "", "name": "", "branch_filter": None}
    branch_filter: Annotated[
        BranchConditions | None, Hint("People go here when", "Without a condition nobody takes this branch.")
    ] = None
    is_else: Annotated[Literal[False], BeforeValidator(yes_or_no)] = False

    def rules(self) -> Iterator[Finding]:
        if self.branch_filter is None:
            text = "Say who takes this branch: without a condition nobody does."
            yield Finding("no-conditions", text, ("branch_filter",))


class ElseBranch(AnyBranch):
    ROW = ELSE
    IS_FIXED = True
    is_else: Annotated[Literal[True], BeforeValidator(yes_or_no)]
    branch_filter: Annotated[Any, Hint(widget="hidden")] = None

    def rules(self) -> Iterator[Finding]:
        if self.branch_filter is not None:
            yield Finding("else-filter", f"“{ELSE}” takes no condition.", ("branch_filter",))


class MultiBranchSplit(ActionKind):
    TYPE = "multi-branch-split"
    LABEL = "Multi-branch split"
    ICON = "branches"
    FAMILY = "logic"
    HELP = "Up to twenty ways: people take the first one they fit."

    branches: Annotated[
        list[Annotated[AnyBranch, Choice(Branch, ElseBranch, offered=False)]],
        Hint("Branches", "From top to bottom: people take the first branch they fit."),
    ]
    name: Annotated[str, Hint("Name in Klaviyo", advanced=True)]

    @classmethod
    def start(cls) -> dict[str, Any]:
        first = {"branch_id": "branch-1", "order": 0, "name": "Branch 1", "branch_filter": None}
        second = {"branch_id": "branch-2", "order": 1, "name": "Branch 2", "branch_filter": None}
        return {"name": "Multi-branch split", "branches": [first, second, dict(FRESH_ELSE)]}

    @classmethod
    def tidy(cls, config: dict[str, Any]) -> dict[str, Any]:
        """New branches get an id of their own, “Everyone else” stays last and is always there, `order` follows."""
        branches = _branches(config)
        if not branches or not all(isinstance(one, Mapping) for one in branches):
            return config
        last = [one for one in branches if one.get("is_else") is True] or [FRESH_ELSE]
        fresh = [dict(one) for one in branches if one.get("is_else") is not True]
        for index, one in enumerate(fresh, 1):
            if one.get("branch_id") == "":
                one |= {"branch_id": uuid4().hex[:12], "name": one.get("name") or f"Branch {index}"}
        orders = [one.get("order") for one in fresh]
        known = [order for order in orders if isinstance(order, int)]
        if known and orders != sorted(set(known)):
            for order, one in enumerate(fresh, min(known)):
                one["order"] = order
        return config if [*fresh, *last] == branches else {**config, "branches": [*fresh, *last]}

    @classmethod
    def mend(cls, config: dict[str, Any], code: str) -> dict[str, Any]:
        return {**config, "branches": [*_branches(config), FRESH_ELSE]} if code == "no-else" else config

    @classmethod
    def ports(cls, config: Config) -> tuple[Port, ...]:
        branches = zip(_ports(config), _branches(config), strict=True)
        return tuple(
            Port(name, _label(one, index), "next") for index, (name, one) in enumerate(branches) if name
        )

    @classmethod
    def read_links(cls, action: Config) -> tuple[dict[str, Any], dict[str, str]]:
        data, targets = super().read_links(action)
        for name, branch in zip(_ports(data), _branches(data), strict=True):
            target = get_at(branch, ("links", "next"))
            if name and target is not None:
                targets[name] = str(target)
        return data, targets

    @classmethod
    def write_links(cls, config: Config, targets: Mapping[str, str]) -> dict[str, Any]:
        branches = []
        for name, branch in zip(_ports(config), _branches(config), strict=True):
            target = targets.get(name)
            if name and get_at(branch, ("links", "next")) != target:
                links = branch["links"] if isinstance(branch.get("links"), Mapping) else {}
                branch = {**branch, "links": {**links, "next": target}}
            branches.append(branch)
        return {"links": None, "data": {**config, "branches": branches} if branches else dict(config)}

    def title(self, words: Words) -> str:
        return self.name.strip() or self.LABEL

    def summary(self, words: Words) -> str:
        named = [
            one.name or f"Branch {index}"
            for index, one in enumerate(self.branches, 1)
            if not isinstance(one, ElseBranch)
        ]
        return f"{', '.join(few(named, 'way'))}, or everyone else." if named else "No branch yet."

    def rules(self) -> Iterator[Finding]:
        if not self.name.strip():
            yield Finding("no-name", "Klaviyo needs a name for this step: write one.", ("name",))
        path = ("branches",)
        elses = [index for index, one in enumerate(self.branches) if isinstance(one, ElseBranch)]
        if len(self.branches) == len(elses):
            yield Finding("no-branch", "Add a branch.", path)
        if len(self.branches) > MOST_BRANCHES:
            text = f"A split has at most {MOST_BRANCHES - 1} branches beside “{ELSE}”: take some away."
            yield Finding("many-branches", text, path)
        if not elses:
            text = f"The branch “{ELSE}” is missing: people who fit no other would have no way."
            yield Finding("no-else", text, path, repair=f"Add “{ELSE}”")
        elif elses != [len(self.branches) - 1]:
            yield Finding("else-not-last", f"“{ELSE}” is there once, as the last branch.", path)
        ids = [one.branch_id for one in self.branches]
        for index, one in enumerate(ids):
            if not one:
                yield Finding("no-branch-id", "This branch has no id.", (*path, index))
            elif one in ids[:index]:
                yield Finding("same-branch", f"Two branches have the id “{one}”.", (*path, index))


def _branches(config: Config) -> list[Any]:
    branches = config.get("branches")
    return branches if isinstance(branches, list) else []


def _ports(config: Config) -> list[str]:
    """The name of each branch's way out, in order, each once; empty for what is no branch."""
    names: list[str] = []
    for index, branch in enumerate(_branches(config)):
        name = ""
        if isinstance(branch, Mapping):
            key = branch.get("branch_id")
            name = str(key) if isinstance(key, str | int) and key != "" else f"branch {index + 1}"
            while name in names:
                name += " again"
        names.append(name)
    return names


def _label(branch: Mapping[str, Any], index: int) -> str:
    return str(branch.get("name") or (ELSE if branch.get("is_else") else f"Branch {index + 1}"))
