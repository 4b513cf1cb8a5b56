"""A merchant's change offered to those who design the template flow, who take all of it or parts, or decline it.

What can be proposed is proposing.py's, what the design would be with it laying.py's. What is taken is one act of the
editor, which can be undone; what is left of a proposal stays open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.timezone import now as right_now

from accounts.models import User
from flowbuilder.definition.merging import YOURS
from flowbuilder.definition.proposing import concerns
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.kinds.asks import CONTENT
from flowbuilder.models import Install, Proposal, Reading
from flowbuilder.operations.acts import perform
from flowbuilder.operations.emails import keep_contents
from flowbuilder.operations.laying import EVERYTHING, Laid, Picked, lay, with_contents
from flowbuilder.operations.proposing import Carried, carry, words_of
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.readings import Left, last_reading

LONGEST_NOTE = 2000


# --- Proposing -----------------------------------------------------------------------------------------------------


def proposable(install: Install, reading: Reading, left: Left | None = None) -> Carried | str:
    """What of a reading could be proposed, else why nothing can."""
    try:
        return carry(install, reading, left)
    except UnableToAct as error:
        return str(error)


@transaction.atomic
def propose(*, install: Install, by: User, reading_id: int, ids: Collection[str], note: str = "") -> Proposal:
    reading = last_reading(install)
    if reading is None or reading.pk != reading_id:
        raise UnableToAct("The flow was read again since. Look at what was found now, then choose.")
    Install.objects.select_for_update().get(pk=install.pk)  # two presses make one
    if reading.proposals.filter(state=Proposal.State.OPEN).exists():
        raise UnableToAct(f"This was proposed already. {install.template_flow.workspace} will look at it.")
    known = {one["id"] for one in reading.differences}
    document = carry(install, reading).document([one for one in ids if one in known])
    if not document:
        raise UnableToAct(
            "Choose what is to be proposed. Statuses, the flow's name and what is answered to the template's questions "
            "belong to one account."
        )
    return Proposal.objects.create(
        template_flow=install.template_flow,
        reading=reading,
        workspace=install.workspace,
        by=by,
        note=note.replace("\0", "").strip()[:LONGEST_NOTE],
        changes=[{"text": text} for text in words_of(document).values()],
        document=document,
    )


# --- Taking --------------------------------------------------------------------------------------------------------


@transaction.atomic
def take(*, proposal: Proposal, by: User, picked: Picked = EVERYTHING) -> None:
    """Into the working design. What is left of it stays open. UnableToAct where something is to be chosen first."""
    proposal = _open(proposal)
    flow = proposal.template_flow.flow
    done: list[Laid] = []

    def do(draft: Draft) -> Draft:
        laid = lay(proposal, picked)
        done.append(laid)
        if not any(one.is_taken for one in laid.left) and laid.left:
            raise UnableToAct("Choose what is to be taken.")
        if laid.merged.open:
            raise UnableToAct("The design changed this as well since. Choose what is to stand, then take it.")
        kept = keep_contents(workspace=flow.workspace, by=by, contents=laid.contents)
        graph = with_contents(laid.draft.graph, lambda key: {CONTENT: kept.get(key, key)})
        return replace(laid.draft, graph=graph)

    try:
        edit = perform(flow=flow, by=by, name=f"Take what {proposal.workspace} proposed", do=do)
    except UnableToChange as error:
        raise UnableToAct(f"{error} Take less of it, or change it by hand.") from None
    proposal.document = {**proposal.document, **_decided(proposal.document, done[-1])}
    proposal.edit = edit or proposal.edit
    if not lay(proposal, EVERYTHING).left:
        proposal.state, proposal.decided_by, proposal.decided_at = Proposal.State.TAKEN, by, right_now()
    proposal.save(update_fields=["document", "edit", "state", "decided_by", "decided_at"])


def _decided(document: Mapping[str, Any], laid: Laid) -> dict[str, Any]:
    """What is not to be asked again while parts of it are open."""
    against = [one.point for one in laid.clashes if one.point.choice == YOURS]
    kept = (
        one.part.id
        for one in laid.left
        if one.is_taken and any(concerns(point, one.part) for point in against)
    )
    return {
        "kept": [*document.get("kept", []), *kept],
        "picked": {**document.get("picked", {}), **{one.key: one.choice for one in laid.asked}},
    }


@transaction.atomic
def decline(*, proposal: Proposal, by: User) -> None:
    """What was not taken of it yet."""
    proposal = _open(proposal)
    proposal.state = Proposal.State.TAKEN if proposal.edit_id else Proposal.State.DECLINED
    proposal.decided_by, proposal.decided_at = by, right_now()
    proposal.save(update_fields=["state", "decided_by", "decided_at"])


def _open(proposal: Proposal) -> Proposal:
    held = Proposal.objects.select_for_update(of=("self",)).select_related(
        "template_flow__flow__workspace", "workspace"
    )
    found = held.get(pk=proposal.pk)
    if found.state != Proposal.State.OPEN:
        raise UnableToAct(f"This proposal was {found.get_state_display().lower()} already.")
    return found
