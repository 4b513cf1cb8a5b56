"""A template flow as one person is shown it: which version, by which name, with which text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.offering import description_of, is_own, outside
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import TemplateFlow, Version


@dataclass(frozen=True)
class Offer:
    """What a card and a page show. Of a template flow that is not theirs, people see what was said yes to: nothing
    that was written since."""

    template: TemplateFlow
    version: Version
    is_ours: bool

    @cached_property
    def frozen(self) -> Frozen:
        return Frozen(self.version.document)

    @property
    def name(self) -> str:
        return self.version.name

    @property
    def description(self) -> str:
        """What somebody wrote; empty where nobody did."""
        public = self.template.public
        return self.template.description if self.is_ours or public is None else public.description

    @cached_property
    def describer(self) -> Describer:
        """For its own people with what stands in the design, for others without the designer's own answers."""
        return self.frozen.describer() if self.template.is_mine else outside(self.frozen)

    @property
    def questions(self) -> tuple[Question, ...]:
        """For others without what the designer's own account answers."""
        if self.template.is_mine:
            return self.frozen.questions
        return tuple(replace(one, default=None) if is_own(one) else one for one in self.frozen.questions)

    @property
    def trigger(self) -> str:
        return self.describer.trigger(self.frozen.graph.trigger).title

    @property
    def standing(self) -> str:
        """What its own people should know of who sees it; empty where everybody does."""
        if self.version.withdrawn_at:
            return "Withdrawn"
        if not self.template.is_mine or (
            self.template.public and self.template.public.version_id == self.version.pk
        ):
            return "" if self.template.visibility == TemplateFlow.Visibility.SITE else self._limit
        return self._limit or "Waits for a reviewer"

    @property
    def _limit(self) -> str:
        return {"workspace": "Only your workspace", "link": "By link"}.get(self.template.visibility, "")

    @cached_property
    def sentence(self) -> str:
        return self.description or description_of(self.frozen)


def offer_of(template: TemplateFlow) -> Offer | None:
    """For whom `template` was read by access. None where nothing of it is for them."""
    is_ours = template.is_mine or template.visibility == TemplateFlow.Visibility.LINK
    version = template.version_for(mine=is_ours)
    return Offer(template, version, is_ours) if version else None
