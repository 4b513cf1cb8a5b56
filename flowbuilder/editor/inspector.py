"""What stands beside the canvas: the form of a step, a choice of steps or triggers, the flow itself, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts import catalog
from flowbuilder.editor.offers import name_ids
from flowbuilder.graph import Problem
from flowbuilder.graph.values import Path
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import CONTENT, get_at, is_content
from flowbuilder.kinds.base import Kind, count
from flowbuilder.kinds.describe import Card, ports_of
from flowbuilder.kinds.form import Node
from flowbuilder.kinds.messages import segments
from flowbuilder.kinds.registry import FAMILIES, PALETTE, TRIGGERS, action_kind, can_become
from flowbuilder.models import Email
from flowbuilder.operations.editing import FLOW_KEY, Subject
from flowbuilder.queries import Design

Refused = Mapping[Path, tuple[str, str]]
TITLES: frozenset[Path] = frozenset({("message", "name"), ("name",)})


@dataclass(frozen=True)
class Content:
    """The email part of the form: written here (which email of the library), or cloned from a Klaviyo template."""

    mode: str
    email: Email | None
    emails: list[tuple[str, str]]
    template: str
    template_name: str = ""


@dataclass(frozen=True)
class StepPanel:
    """`title` is the field of the name, shown in the head; `ends` are ways out that lead nowhere yet."""

    subject: Subject
    card: Card
    nodes: list[Node]
    problems: list[Problem]
    title: Node | None = None
    position: str = ""
    content: Content | None = None
    ways: list[tuple[str, str]] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    becomes: list[type[Kind]] = field(default_factory=list)
    counted: frozenset[str] = frozenset()

    @property
    def is_step(self) -> bool:
        return bool(self.position)

    @property
    def can_swap(self) -> bool:
        return len(self.ways) == 2

    @property
    def is_split(self) -> bool:
        return len(self.ways) > 1


def step_panel(design: Design, subject: Subject, refused: Refused | None = None) -> StepPanel:
    nodes = flat(form.build(subject.kind, subject.config))
    every = [inner for outer in nodes for inner in outer.walk()]
    problems = [one for one in design.problems if one.step == _problem_key(subject)]
    annotate(every, problems, refused or {})
    name_ids(every, design.flow.workspace, design.emails)
    graph = design.graph
    step = graph.by_key.get(subject.key)
    ways = ports_of(step) if step else {}
    ended = {port for port, target in graph.targets(subject.key) if target is None} if step else set()
    title = next((node for node in nodes if node.path in TITLES and not node.asked and not node.errors), None)
    shown = {node.path for node in every}
    return StepPanel(
        subject=subject,
        card=_card(design, subject),
        nodes=[node for node in nodes if node is not title],
        problems=[one for one in problems if one.path not in shown or one.repair],
        title=title,
        position=_position(design, subject.key),
        content=_content(design, subject) if step else None,
        ways=list(ways.items()),
        ends=[(port, label) for port, label in ways.items() if port in ended],
        becomes=[action_kind(one) for one in can_become(step.type, step.config)] if step else [],
        counted=counts(every),
    )


def _problem_key(subject: Subject) -> str | None:
    return None if subject.key == FLOW_KEY else subject.key


def _card(design: Design, subject: Subject) -> Card:
    if subject.key == FLOW_KEY:
        return Card(FLOW_KEY, subject.kind, design.flow.name, "")
    return design.cards[subject.key]


def _position(design: Design, key: str) -> str:
    keys = [step.key for step in design.graph.steps]
    return f"Step {keys.index(key) + 1} of {len(keys)}" if key in keys else ""


def flat(nodes: list[Node]) -> list[Node]:
    """A group without a label of its own is no group for people, wherever it stands."""
    flattened: list[Node] = []
    for node in nodes:
        if node.widget not in ("conditions", "rows"):  # their nodes are groups for a reason of their own
            node.nodes = flat(node.nodes)
        else:
            for row in node.nodes:
                row.nodes = flat(row.nodes) if node.widget == "rows" else row.nodes
                for one in row.nodes if node.widget == "conditions" else []:
                    for condition in one.nodes:
                        condition.nodes = flat(condition.nodes)
        flattened += node.nodes if node.widget == "group" and not node.hint.label else [node]
    return flattened


def annotate(nodes: list[Node], problems: list[Problem], refused: Refused) -> None:
    """Hang problems and refusals on the fields they belong to. What one press can repair stands above the form."""
    for node in nodes:
        if node.widget == "lines" and node.hint.picks:
            node.widget = "pickers"
        if node.path in refused:
            node.text, sentence = refused[node.path]
            node.errors.append(sentence)
        for one in problems:
            if one.path == node.path and not one.repair:
                (node.errors if one.blocks else node.notes).append(one.text)


def counts(nodes: list[Node]) -> frozenset[str]:
    """The names of texts that phones get, which are counted in segments; their count becomes their sentence."""
    names = {node.name for node in nodes}
    found = set()
    for node in nodes:
        head = ".".join(str(one) for one in node.path[:-1])
        if node.widget == "textarea" and f"{head}.add_opt_out_language" in names:
            text = node.text if node.text is not None else node.value
            node.sentence = counted(text if isinstance(text, str) else "")
            found.add(node.name)
    return frozenset(found)


def counted(text: str) -> str:
    """“82 characters, 1 segment”: as static/js/forms.js says it while one types."""
    if not text:
        return "No text yet."
    told = f"{count(len(text), 'character')}, {count(segments(text), 'segment')}"
    return f"{told}, and what the tags become" if "{{" in text or "{%" in text else told


def _content(design: Design, subject: Subject) -> Content | None:
    if subject.kind.TYPE != "send-email":
        return None
    value = get_at(subject.config, ("message", "template_id"))
    mode = "write" if is_content(value) else "clone" if value else ""
    email = design.emails.get(str(value[CONTENT])) if is_content(value) else None
    emails = list(Email.objects.filter(workspace=design.flow.workspace_id).values_list("key", "name"))
    template = value if isinstance(value, str) else ""
    known = catalog.names(design.flow.workspace, [template] if template else [])
    return Content(mode, email, emails, template, known.get(template, ""))


def palette() -> list[tuple[str, str, list[Any]]]:
    """(family, its name, kinds) in the order of the palette."""
    return [
        (family, name, kinds)
        for family, name in FAMILIES.items()
        if (kinds := [kind for kind in PALETTE if family == kind.FAMILY])
    ]


def trigger_choices() -> list[Any]:
    return list(TRIGGERS.values())
