"""A merchant's change offered to those who design the template flow, who take it by one press or decline it.

What belongs to one account does not travel: lists, senders, conditions, whole steps. Words and waits do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.timezone import now as right_now

from accounts.models import User
from flowbuilder.definition.drifting import differences
from flowbuilder.definition.merging import Point
from flowbuilder.graph.change import Draft
from flowbuilder.graph.surgery import UnableToChange
from flowbuilder.kinds.asks import find_asks, get_at, is_ask, set_at
from flowbuilder.kinds.registry import action_kind
from flowbuilder.models import Email, Flow, Install, Proposal, Reading
from flowbuilder.operations.acts import perform
from flowbuilder.operations.emails import UnableToSave, write_email
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.readings import Left, graph_of, last_reading, left_of

HTML = ["html"]
WORDS = ("subject_line", "preview_text", "name", "body", "title")
LONGEST_NOTE = 2000


def travels(point: Point, type_: str) -> bool:
    """Whether a difference means the same in every account."""
    if point.what != "setting":
        return False
    if point.path[:1] == ("message",):
        return point.path[-1] == "template_id" or (len(point.path) == 2 and point.path[1] in WORDS)
    return point.path == () and action_kind(type_).FAMILY == "timing"


def proposable(install: Install, reading: Reading, left: Left | None = None) -> dict[str, dict[str, Any]]:
    """id of a difference -> the change of the design that it would be; what cannot travel is left out."""
    left = left or left_of(install)
    if left is None or reading.definition is None:
        return {}
    found, steps = graph_of(reading, left), left.standing.steps
    written = {key: reading.emails.get(str(one["action"]), {}).get("html") for key, one in steps.items()}
    texts = {one["id"]: one["text"] for one in reading.differences}
    changes: dict[str, dict[str, Any]] = {}
    for one in differences(left.told, found):
        point = one.point
        step = found.by_key.get(point.key)
        if point.id not in texts or step is None or not travels(point, step.type):
            continue
        change = {"key": steps.get(point.key, {}).get("of") or point.key, "text": texts[point.id]}
        if point.path[-1:] == ("template_id",):
            if written.get(point.key):
                changes[point.id] = {**change, "path": HTML, "before": None, "after": written[point.key]}
        else:
            values = {"path": list(point.path), "before": point.base, "after": point.found}
            changes[point.id] = {**change, **values}
    return changes


@transaction.atomic
def propose(*, install: Install, by: User, reading_id: int, ids: Collection[str], note: str = "") -> Proposal:
    reading = last_reading(install)
    if reading is None or reading.pk != reading_id:
        raise UnableToAct("The flow was read again since. Look at what was found now, then choose.")
    Install.objects.select_for_update().get(pk=install.pk)  # two presses make one
    if reading.proposals.filter(state=Proposal.State.OPEN).exists():
        raise UnableToAct(f"This was proposed already. {install.template_flow.workspace} will look at it.")
    possible = proposable(install, reading)
    changes = [possible[id] for id in ids if id in possible]
    if not changes:
        raise UnableToAct(
            "Choose what is to be proposed. Words and waits can be; lists, senders, conditions and whole steps "
            "belong to one account."
        )
    return Proposal.objects.create(
        template_flow=install.template_flow,
        reading=reading,
        workspace=install.workspace,
        by=by,
        note=note.replace("\0", "").strip()[:LONGEST_NOTE],
        changes=changes,
    )


@transaction.atomic
def take(*, proposal: Proposal, by: User) -> None:
    """Into the working design: one act, which can be undone; an email's words into the email."""
    proposal = _open(proposal)
    flow = proposal.template_flow.flow
    settings = [one for one in proposal.changes if one["path"] != HTML]
    edit = None
    if settings:
        try:
            edit = perform(
                flow=flow, by=by, name=f"Take what {proposal.workspace} proposed", do=_doing(settings)
            )
        except UnableToChange as error:
            raise UnableToAct(str(error)) from None
    for one in proposal.changes:
        if one["path"] == HTML:
            _write(flow, by, one)
    _decide(proposal, by, Proposal.State.TAKEN, edit=edit)


@transaction.atomic
def decline(*, proposal: Proposal, by: User) -> None:
    _decide(_open(proposal), by, Proposal.State.DECLINED)


def _open(proposal: Proposal) -> Proposal:
    held = Proposal.objects.select_for_update(of=("self",)).select_related("template_flow__flow", "workspace")
    found = held.get(pk=proposal.pk)
    if found.state != Proposal.State.OPEN:
        raise UnableToAct(f"This proposal was {found.get_state_display().lower()} already.")
    return found


def _decide(proposal: Proposal, by: User, state: str, **more: Any) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(state=state, decided_by=by, decided_at=right_now(), **more)


def _doing(changes: list[dict[str, Any]]) -> Any:
    def do(draft: Draft) -> Draft:
        graph = draft.graph
        for one in changes:
            step = graph.by_key.get(one["key"])
            if step is None:
                raise UnableToChange("A step that it changes is no longer in the design. Change it by hand.")
            fresh = replace(step, config=_with(step.config, one))
            graph = graph.with_steps(fresh if each.key == step.key else each for each in graph.steps)
        return replace(draft, graph=graph)

    return do


def _with(config: Mapping[str, Any], change: Mapping[str, Any]) -> Mapping[str, Any]:
    path = tuple(change["path"])
    is_open = is_ask(get_at(config, path)) if path else bool(list(find_asks(config)))
    if is_open:
        raise UnableToChange("What it changes is asked of each account in the design. Change it by hand.")
    return set_at(config, path, change["after"]) if path else dict(change["after"])


def _write(flow: Flow, by: User, change: Mapping[str, Any]) -> None:
    action = flow.actions.filter(key=change["key"]).first()
    key = get_at(action and action.config, ("message", "template_id", "$content"))
    email = Email.objects.filter(workspace=flow.workspace_id, key=key or "").first()
    if email is None:
        raise UnableToAct("The email that it changes is no longer in the design. Change it by hand.")
    try:
        write_email(
            email=email,
            by=by,
            name=email.name,
            html=change["after"],
            text=email.text,
            revision=email.revision,
        )
    except UnableToSave as error:
        raise UnableToAct(str(error)) from None
