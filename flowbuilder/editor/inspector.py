"""What stands beside the canvas: the form of a step, a choice of steps or triggers, the flow itself, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import CatalogEntry
from flowbuilder.graph import Problem
from flowbuilder.graph.values import Path
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import get_at, is_content
from flowbuilder.kinds.describe import Card, ports_of
from flowbuilder.kinds.form import Node, Option
from flowbuilder.kinds.registry import FAMILIES, PALETTE, TRIGGERS
from flowbuilder.models import EmailContent
from flowbuilder.operations.editing import FLOW_KEY, START_HTML, Subject
from flowbuilder.queries import Design

Refused = Mapping[Path, tuple[str, str]]


@dataclass(frozen=True)
class Content:
    """The email content part of the form: which way, and what it says."""

    mode: str
    html: str
    template: str
    written: EmailContent | None


@dataclass(frozen=True)
class StepPanel:
    subject: Subject
    card: Card
    nodes: list[Node]
    advanced: list[Node]
    problems: list[Problem]
    position: str = ""
    content: Content | None = None
    is_split: bool = False
    can_swap: bool = False
    ways: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_advanced_open(self) -> bool:
        return any(node.errors or node.notes for outer in self.advanced for node in outer.walk())


def step_panel(design: Design, subject: Subject, refused: Refused | None = None) -> StepPanel:
    nodes = _flat(form.build(subject.kind, subject.config))
    problems = [one for one in design.problems if one.step == _problem_key(subject)]
    _annotate(nodes, problems, refused or {}, design)
    graph = design.graph
    is_step = subject.key in graph.by_key
    ways = ports_of(graph.by_key[subject.key]) if is_step else {}
    shown = {node.path for outer in nodes for node in outer.walk()}
    return StepPanel(
        subject=subject,
        card=_card(design, subject),
        nodes=[node for node in nodes if not node.hint.advanced],
        advanced=[node for node in nodes if node.hint.advanced],
        problems=[one for one in problems if one.path not in shown],
        position=_position(design, subject.key),
        content=_content(design, subject) if is_step else None,
        is_split=len(ways) > 1,
        can_swap=len(ways) == 2,
        ways=list(ways.items()),
    )


def _problem_key(subject: Subject) -> str | None:
    return None if subject.key == FLOW_KEY else subject.key


def _card(design: Design, subject: Subject) -> Card:
    if subject.key == FLOW_KEY:
        return Card(FLOW_KEY, subject.kind, design.flow.name, "")
    return design.describer.card(design.graph, subject.key)


def _position(design: Design, key: str) -> str:
    keys = [step.key for step in design.graph.steps]
    return f"Step {keys.index(key) + 1} of {len(keys)}" if key in keys else ""


def _flat(nodes: list[Node]) -> list[Node]:
    """A group without a label of its own is no group for people."""
    flat: list[Node] = []
    for node in nodes:
        flat += _flat(node.nodes) if node.widget == "group" and not node.hint.label else [node]
    return flat


def _annotate(nodes: list[Node], problems: list[Problem], refused: Refused, design: Design) -> None:
    """Hang problems, refusals, choices of the account and questions on the fields they belong to."""
    entries: dict[str, list[Option]] | None = None
    for node in [inner for outer in nodes for inner in outer.walk()]:
        if node.path in refused:
            node.text, sentence = refused[node.path]
            node.errors.append(sentence)
        for one in problems:
            if one.path == node.path:
                (node.errors if one.blocks else node.notes).append(one.text)
        if node.widget == "picker":
            if entries is None:
                entries = _entries(design)
            node.options = entries.get(node.hint.picks, [])
            if name := design.words.names.get(str(node.value)):
                node.sentence = name


def _entries(design: Design) -> dict[str, list[Option]]:
    """What the connected accounts of the workspace offer to pickers. One query."""
    found: dict[str, list[Option]] = {}
    rows = CatalogEntry.objects.filter(
        account__grants__workspace=design.flow.workspace, account__grants__withdrawn_at=None
    ).select_related("account")
    for row in rows:
        option = Option(row.klaviyo_id, f"{row} · {row.account}")
        found.setdefault(row.kind, []).append(option)
        if row.kind in ("list", "segment"):
            found.setdefault("group", []).append(option)
    return found


def _content(design: Design, subject: Subject) -> Content | None:
    if subject.kind.TYPE != "send-email":
        return None
    value = get_at(subject.config, ("message", "template_id"))
    written = design.flow.contents.filter(key=subject.key).first()
    mode = "write" if is_content(value) else "clone" if value else ""
    template = value if isinstance(value, str) else ""
    return Content(mode, written.html if written else START_HTML, template, written)


def palette() -> list[tuple[str, str, list[Any]]]:
    """(family, its name, kinds) in the order of the palette."""
    return [
        (family, name, kinds)
        for family, name in FAMILIES.items()
        if (kinds := [kind for kind in PALETTE if family == kind.FAMILY])
    ]


def trigger_choices() -> list[Any]:
    return list(TRIGGERS.values())
