"""What differs between two versions: in sentences, and as marks for their two pictures. Pure.

between = Between(old, new)          Frozen, Frozen
between.sentences, between.old_marks, between.new_marks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.offering import outside
from flowbuilder.definition.telling import Told, tell_diff
from flowbuilder.graph.diff import Diff, compare
from flowbuilder.kinds.asks import find_contents
from flowbuilder.kinds.describe import TRIGGER_KEY

Mark = tuple[str, str]  # (tone, word), as on a card
ADDED, REMOVED, CHANGED, MOVED = (
    ("good", "Added"),
    ("bad", "Removed"),
    ("warn", "Changed"),
    ("accent", "Moved"),
)


@dataclass(frozen=True)
class Between:
    """As strangers may read it: of what accounts supply, the questions stand and not the designer's answers. Or, with
    `was` and `now`, as both land in an account."""

    old: Frozen
    new: Frozen
    was: Told | None = None
    now: Told | None = None

    @cached_property
    def before(self) -> Told:
        return self.was or Told(self.old.graph, outside(self.old))

    @cached_property
    def after(self) -> Told:
        return self.now or Told(self.new.graph, outside(self.new))

    @cached_property
    def diff(self) -> Diff:
        return compare(self.before.graph, self.after.graph)

    @cached_property
    def old_marks(self) -> Mapping[str, Mark]:
        return {**self._both, **dict.fromkeys(self.diff.removed, REMOVED)}

    @cached_property
    def new_marks(self) -> Mapping[str, Mark]:
        return {**self._both, **dict.fromkeys(self.diff.added, ADDED)}

    @cached_property
    def _both(self) -> dict[str, Mark]:
        """Steps that both have and that differ; settings before place, since a step carries one mark."""
        marks = dict.fromkeys(self.diff.moved, MOVED) | dict.fromkeys(self.diff.changed, CHANGED)
        rewritten = set(self._rewritten)
        for step in self.new.graph.steps:
            if step.key in self.old.graph.by_key and rewritten & {
                key for _, key in find_contents(step.config)
            }:
                marks[step.key] = CHANGED
        if self.diff.trigger or self.diff.profile_filter or self.diff.reentry:
            marks[TRIGGER_KEY] = CHANGED
        return marks

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Steps, trigger, settings, then questions, then emails. Empty where both are the same."""
        asked = () if self.now else self._questions()
        return (*tell_diff(self.diff, self.before, self.after), *asked, *self._emails())

    def _questions(self) -> Iterator[str]:
        before, after = ({one.key: one for one in frozen.questions} for frozen in (self.old, self.new))
        yield from (f"Asks “{after[key].question}”." for key in after if key not in before)
        yield from (f"No longer asks “{before[key].question}”." for key in before if key not in after)
        for key in after:
            if key in before and _public(before[key]) != _public(after[key]):
                yield f"Asks “{after[key].question}” otherwise than before."

    def _emails(self) -> Iterator[str]:
        for key in self._rewritten:
            yield f"The email “{self.new.contents[key]['name']}” says something else."

    @cached_property
    def _rewritten(self) -> list[str]:
        was, now = self.old.contents, self.new.contents
        return [
            key
            for key in now
            if key in was
            and any(was[key].get(part, "") != now[key].get(part, "") for part in ("html", "text"))
        ]


def _public(question: Question) -> tuple[object, ...]:
    """Of a question, all but what the designer's own account answers."""
    return (question.kind, question.question, question.help, question.looks_for, question.integration)
