"""What an approval would let happen: in words, as pictures, message by message. Values for this room; reads only.

Of a publication all is shown as it lands in its account, beside what was installed there before. A rollout lands in
many accounts: its design is shown with its questions, and each account that this workspace decides for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import CatalogEntry, KlaviyoAccount, User
from flowbuilder.definition.between import Between
from flowbuilder.definition.frozen import Frozen, Landing, Line, rules_of, tell
from flowbuilder.definition.messages import Message, messages_of
from flowbuilder.definition.offering import outside
from flowbuilder.definition.telling import Told
from flowbuilder.graph import Graph
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.models import Approval, Made, Publication, Rollout, Version
from flowbuilder.operations.approvals import content_of
from flowbuilder.publisher.after import MADE, RESTORE, STATUS
from flowbuilder.publisher.fits import shown_values
from flowbuilder.publisher.held import THEN
from flowbuilder.publisher.standing import standing_of
from flowbuilder.queries.approvals import DECIDERS, in_words

Kind = Publication.Kind
MOST_ACCOUNTS = 100  # that stand on the page


@dataclass(frozen=True)
class Shown:
    approval: Approval
    user: User

    # --- What it is

    @property
    def publication(self) -> Publication | None:
        return self.approval.publication

    @property
    def rollout(self) -> Rollout | None:
        return self.approval.rollout

    @property
    def version(self) -> Version:
        thing = self.publication or self.rollout
        assert thing is not None
        return thing.version

    @property
    def name(self) -> str:
        if self.rollout:
            return self.rollout.name
        return self.publication.flow_name if self.publication else ""

    @property
    def sentence(self) -> str:
        """What would be done, in one sentence."""
        if self.rollout:
            return f"Version {self.version.number} of “{self.version.name}” goes to many accounts, as a draft in each."
        assert self.publication is not None
        return what_of(self.publication)

    @cached_property
    def is_same(self) -> bool:
        """Whether what is shown here is what was asked for."""
        return bool(self.approval.verdict) or content_of(self.approval) == self.approval.content_hash

    # --- The design

    @cached_property
    def frozen(self) -> Frozen:
        return Frozen(self.version.document)

    @cached_property
    def told(self) -> Told:
        """As it lands; of a rollout, as it is designed."""
        if self._landing is None:
            return Told(self.frozen.graph, outside(self.frozen))
        return Told(self._landing.graph, Describer(Words(self._names), {}))

    @property
    def graph(self) -> Graph:
        return self.told.graph

    @property
    def describer(self) -> Describer:
        return self.told.describer

    @property
    def lines(self) -> list[Line]:
        return tell(self.graph, self.describer)

    @property
    def rules(self) -> list[str]:
        return rules_of(self.graph, self.describer)

    @property
    def messages(self) -> list[Message]:
        if self._landing is None:
            return []
        return messages_of(self._landing, self.frozen, self.describer, self._names)

    @cached_property
    def _landing(self) -> Landing | None:
        one = self.publication
        return _landed(self.frozen, one) if one else None

    @cached_property
    def _names(self) -> dict[str, str]:
        """Of what the answers name in the account. One query."""
        if self.publication is None:
            return {}
        values = self.publication.answers.values()
        said = [each for one in values for each in (one if isinstance(one, list) else [one])]
        ids = {one for one in said if isinstance(one, str)}
        entries = CatalogEntry.objects.filter(account=self.publication.account, klaviyo_id__in=ids)
        return dict(entries.order_by().values_list("klaviyo_id", "name"))

    # --- What differs

    @cached_property
    def earlier(self) -> Publication | None:
        """What is installed there now, where that is known and this would put something else there."""
        one = self.publication
        if one is None or one.install is None or one.kind not in (Kind.CREATE, Kind.UPDATE):
            return None
        standing = standing_of(one.install) if one.install.live_flow_id else None
        return standing.by if standing and standing.by.pk != one.pk else None

    @cached_property
    def between(self) -> Between | None:
        if self.earlier is None:
            return None
        old = Frozen(self.earlier.version.document)
        was = Told(_landed(old, self.earlier).graph, self.describer)
        now = self.frozen.answered(self.publication.answers) if self.publication else self.frozen
        return Between(old.answered(self.earlier.answers), now, was, self.told)

    @property
    def differs(self) -> str:
        """The heading over the sentences."""
        if self.between is None:
            return ""
        number = len(self.between.sentences)
        if not number:
            return "Nothing differs from what is there"
        return f"{number} change{'' if number == 1 else 's'} to what is there"

    @property
    def is_new(self) -> bool:
        return self.rollout is not None or (
            self.publication is not None and self.publication.kind == Kind.CREATE and self.earlier is None
        )

    @property
    def goes(self) -> list[Made]:
        """Of a removal: what it deletes."""
        return (
            list(Made.objects.filter(pk__in=self.publication.wanted.get(MADE, [])))
            if self.publication
            else []
        )

    # --- Answers and accounts

    @property
    def answers(self) -> list[tuple[str, str]]:
        """(question, answer in words)."""
        if self.rollout:
            given: Mapping[str, Any] = self.rollout.answers
        else:
            assert self.publication is not None
            given = shown_values({key: {"value": one} for key, one in self.publication.answers.items()})
        return [
            (one.question, self._said(given[one.key])) for one in self.frozen.questions if one.key in given
        ]

    def _said(self, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(self._said(one) for one in value)
        if isinstance(value, Mapping):
            email, label = value.get("email"), value.get("label")
            return f"{label} <{email}>" if email and label else str(email or value.get("name") or "")
        if isinstance(value, bool):
            return "Yes" if value else "No"
        return self._names.get(str(value), str(value))

    @cached_property
    def accounts(self) -> list[KlaviyoAccount]:
        """Those for which this approval is, at most a hundred by name."""
        if self.publication:
            return [self.publication.account]
        rows = KlaviyoAccount.objects.filter(pk__in=self._covered).only("name", "klaviyo_id")
        return list(rows.order_by("name", "pk")[:MOST_ACCOUNTS])

    @property
    def more_accounts(self) -> int:
        return 0 if self.publication else max(0, len(self._covered) - MOST_ACCOUNTS)

    @cached_property
    def _covered(self) -> list[int]:
        one, workspace = self.rollout, self.approval.workspace_id
        if one is None:
            return []
        choices = one.choices.order_by()
        if workspace != one.version.flow.template_flow.workspace_id:
            choices = choices.filter(account__owner=workspace)
        return list(choices.values_list("account_id", flat=True))

    # --- What one may do

    @cached_property
    def may_decide(self) -> bool:
        if self.approval.verdict or self.approval.asked_by_id == self.user.pk:
            return False
        return self.user.memberships.filter(workspace=self.approval.workspace_id, role__in=DECIDERS).exists()

    @property
    def may_withdraw(self) -> bool:
        return self.approval.is_open and self.approval.asked_by_id == self.user.pk

    @cached_property
    def who_can(self) -> str:
        return in_words([self.approval])


def what_of(publication: Publication) -> str:
    """What a publication would do in its account."""
    wanted, account = publication.wanted, publication.account
    if publication.kind == Kind.CREATE:
        return f"A new flow in {account}, as a draft."
    if publication.kind == Kind.UPDATE:
        return f"Version {publication.version.number} in the place of what is in {account}."
    if publication.kind == Kind.REMOVE:
        return f"The flow is deleted in {account}, with what was made for it."
    if THEN in wanted:
        return f"One flow hands over to another in {account}."
    status = "what it was before" if RESTORE in wanted else wanted.get(STATUS, "")
    return f"The flow in {account} and all its messages are set to {status}."


def _landed(frozen: Frozen, one: Publication) -> Landing:
    values = shown_values({key: {"value": each} for key, each in one.answers.items()})
    return frozen.landing(one.flow_name, values, one.shape)
