"""What the editor shows of a flow's questions: the panel that lists them, and what switches a step. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowbuilder.definition.answering import as_text, has_unit, options_of, told, units_of
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.proving import Proof
from flowbuilder.definition.switching import KINDS as SWITCHING
from flowbuilder.definition.switching import is_on, part_of
from flowbuilder.graph.switching import Part, take
from flowbuilder.graph.walk import breadth_first, descendants
from flowbuilder.kinds import form
from flowbuilder.kinds.describe import ports_of
from flowbuilder.kinds.marking import OF_ACCOUNT
from flowbuilder.models import Requirement
from flowbuilder.operations.editing import FLOW_KEY, subject_of
from flowbuilder.operations.questions import Stand, kinds_for, stands_of
from flowbuilder.queries import Design

LABELS = dict(Requirement.Kind.choices)
LONGEST_SPAN = 60  # steps that are offered as the end of a part


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: “Email 1”, “Subject”."""

    subject: str
    title: str
    label: str


@dataclass(frozen=True, slots=True)
class Switched:
    """A part that a question switches: what it is, what happens when it is off, and with which answers it is there."""

    index: int
    start: str
    what: str
    off: str
    answers: tuple[tuple[str, str, bool], ...]  # (as posted, label, is it on)


@dataclass(frozen=True, slots=True)
class Line:
    question: Question
    kind: str
    kinds: list[tuple[str, str]]
    places: list[Place]
    switches: list[Switched]
    answers: list[tuple[str, str, bool]] = field(default_factory=list)
    units: tuple[str, ...] = ()
    amount: Any = ""
    unit: str = ""
    default: str = ""

    @property
    def is_found(self) -> bool:
        return self.question.kind in OF_ACCOUNT

    @property
    def is_fixed(self) -> bool:
        """A choice whose values are the setting's own: they are worded, not made."""
        return self.question.kind == "choice" and not self.switches and len(self.kinds) == 1


@dataclass(frozen=True, slots=True)
class Panel:
    lines: list[Line]
    proof: Proof | None  # None while the flow itself cannot be published


def panel(design: Design, is_sound: bool) -> Panel:
    stands = stands_of(design.draft)
    lines = [_line(design, one, stands.get(key, [])) for key, one in design.requirements.items()]
    return Panel(lines, design.proof if is_sound else None)


def _line(design: Design, one: Question, stands: list[Stand]) -> Line:
    default = one.default
    is_delay = has_unit(one) and isinstance(default, Mapping)
    return Line(
        question=one,
        kind=LABELS.get(one.kind, one.kind),
        kinds=[(kind, LABELS.get(kind, kind)) for kind in kinds_for(design.draft, one.key)],
        places=[_place(design, stand) for stand in stands],
        switches=switches_of(design, one),
        answers=[
            (
                as_text(value),
                label,
                value in default if isinstance(default, list) else is_same(value, default),
            )
            for value, label in options_of(one)
        ],
        units=units_of(one) if is_delay else (),
        amount=default.get("value", "") if is_delay else "",
        unit=str(default.get("unit", "")) if is_delay else "",
        default="\n".join(map(str, default))
        if isinstance(default, list)
        else told(one, default)
        if not isinstance(default, Mapping)
        else "",
    )


def is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _place(design: Design, stand: Stand) -> Place:
    title = design.cards[stand.subject].title if stand.subject in design.cards else "This flow"
    subject = subject_of(design.draft, stand.subject)
    nodes = [inner for outer in form.build(subject.kind, subject.config) for inner in outer.walk()]
    label = next((node.label for node in nodes if node.path == stand.path), "a setting")
    return Place("" if stand.subject == FLOW_KEY else stand.subject, title, label)


def switches_of(design: Design, one: Question, start: str = "") -> list[Switched]:
    """Of one question: all its parts, or those that begin at a step."""
    return [
        Switched(
            index,
            str(switch["start"]),
            what_is(design, part_of(switch)),
            what_follows(design, part_of(switch)),
            tuple((as_text(value), label, is_on(switch, value)) for value, label in options_of(one)),
        )
        for index, switch in enumerate(one.switches)
        if not start or switch["start"] == start
    ]


def what_is(design: Design, part: Part) -> str:
    """A part in words."""
    title = _title(design, part.start)
    if part.side:
        return f"The side “{_side(design, part.start, part.side)}” of {title}"
    return f"From {title} to {_title(design, part.last)}" if part.end else title


def what_follows(design: Design, part: Part) -> str:
    """What happens to people where the part is off."""
    taken = take(design.graph, part)
    if taken is None:
        return "This part is not there any more: mark it again."
    if part.side:
        join = next(iter(taken.ways.values()))
        if join is None:
            return "Off: that side is empty, and people leave the flow there."
        return f"Off: people on that side go straight on to {_title(design, join)}, where the sides join."
    source, port = taken.onward
    target = design.graph.out.get(source, {}).get(port)
    then = f"go on with {_title(design, target)}" if target else "leave the flow there"
    ports = design.graph.by_key[part.last].ports
    if len(ports) > 1:
        side = _side(design, part.last, port)
        return (
            f"Off: everybody goes the way “{side}”: they {then}. What only other ways lead to goes as well."
        )
    return f"Off: people {then}."


def _title(design: Design, key: str) -> str:
    return f"“{design.cards[key].title}”" if key in design.cards else "a step that is gone"


def _side(design: Design, key: str, port: str) -> str:
    step = design.graph.by_key.get(key)
    return ports_of(step).get(port, port) if step else port


@dataclass(frozen=True, slots=True)
class Switches:
    """For the inspector of one step: what switches it, and what can be marked there."""

    there: list[tuple[Question, Switched]]
    parts: list[tuple[str, str]]
    sides: list[tuple[str, str]]
    questions: list[Question]


def switches_at(design: Design, key: str) -> Switches:
    graph, step = design.graph, design.graph.by_key[key]
    below = descendants(graph, key)
    ends = [one for one in breadth_first(graph) if one in below][:LONGEST_SPAN]
    sides = list(ports_of(step).items()) if len(step.ports) > 1 else []
    parts = [("step", "This step" if not sides else "This split, with all sides but one")]
    parts += [(f"side:{port}", f"The side “{label}”") for port, label in sides]
    parts += [(f"to:{one}", f"From here to {_title(design, one)}") for one in ends]
    questions = list(design.requirements.values())
    return Switches(
        [(one, switch) for one in questions for switch in switches_of(design, one, key)],
        parts,
        sides,
        [
            one
            for one in questions
            if one.kind in SWITCHING and not one.limits.get("many") and options_of(one)
        ],
    )


def part_from(key: str, said: str, keep: str) -> Part:
    """A part as the form of a step posts it."""
    what, _, name = said.partition(":")
    if what == "side":
        return Part(key, side=name)
    return Part(key, end=name) if what == "to" else Part(key, keep=keep)
