"""What is done with a flow that landed: another status, an update in its place (updates.py), its removal.

    outcome = RUN[publication.kind](publication, calls)     of one that is PREPARING; goes on after a crash
    end(publication, outcome)                               published; and what its install is from now on

Raises what the client raises, Stop and MustWait, all while PREPARING: publish.py knows what each means there. None
for an outcome: it was refused, and has ended. A status and a deletion may be sent again as they are: twice is once.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from accounts.budget import MustWait
from accounts.clock import now as right_now
from accounts.klaviyo.errors import ConnectionLost, NotAuthorized, NotFound, Refused
from flowbuilder.definition.statuses import (
    Statuses,
    all_as,
    is_mixed,
    liveliness,
    statuses_of,
    with_statuses,
)
from flowbuilder.kinds.asks import get_at
from flowbuilder.models import Install, Made, Publication
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.held import THEN, Held, Outcome, keep, read_flow
from flowbuilder.publisher.made import REMOVABLE
from flowbuilder.publisher.reconcile import quiet_until
from flowbuilder.publisher.standing import FLOW
from flowbuilder.publisher.states import S, move
from flowbuilder.publisher.updates import update

# In `wanted`: what is asked, and what was found before anything was changed.
STATUS, PAUSE, RESTORE, BEFORE, INSTALL, MADE = "status", "pause", "restore", "before", "install", "made"
SET_STATUS = "set-status"


# --- Status ----------------------------------------------------------------------------------------------------


def change_status(publication: Publication, calls: Calls) -> Outcome:
    """Of the flow and its actions; what each had before is kept, so that it can be restored exactly.

    Klaviyo sets a flow with all its actions at once. Where they differ among themselves a pause therefore leaves the
    flow alone and turns to each action: then its restoring never makes an action more live than it was, not even for
    a moment.
    """
    wanted = publication.wanted
    held = read_flow(publication, calls, "read-before")
    if BEFORE not in wanted or not publication.attempts.filter(method="PATCH").exists():
        keep(publication, before={"flow": held.status, "actions": statuses_of(held.definition)})
        wanted = publication.wanted
    before: Statuses = wanted[BEFORE]["actions"]
    now = statuses_of(held.definition)
    goal: str | None
    if RESTORE in wanted:
        goal, old = wanted[RESTORE]["flow"], wanted[RESTORE]["actions"]
        # What came in since keeps what it had.
        goals = {id: {**before.get(id, places), **old.get(id, {})} for id, places in now.items()}
    else:
        is_gentle = wanted.get(PAUSE) and is_mixed(before, wanted[BEFORE]["flow"])
        goal, goals = None if is_gentle else wanted[STATUS], all_as(now, wanted[STATUS])
    if goal and (held.status != goal or (now != goals and not is_mixed(goals, goal))):
        body = {"data": {"type": "flow", "id": wanted[FLOW], "attributes": {"status": goal}}}
        calls.call(SET_STATUS, "PATCH", f"/api/flows/{wanted[FLOW]}", json=body)
        now = all_as(now, goal)
    _set_actions(calls, held, {id: places for id, places in goals.items() if places != now[id]})
    found = read_flow(publication, calls, "read-back")
    return Outcome(_wrong(found, goal, goals), wanted.get(INSTALL, {}), wanted.get(THEN))


def _set_actions(calls: Calls, held: Held, goals: Statuses) -> None:
    if goals and (lost := calls.lost_at(SET_STATUS)) and quiet_until(lost) > right_now():
        text = (
            "An answer of Klaviyo was lost. We wait until it can no longer change the status of every step."
        )
        raise MustWait(quiet_until(lost), text)
    for id in sorted(goals, key=lambda one: liveliness(goals[one])):
        action = with_statuses(held.actions[id], goals[id])
        body = {"data": {"type": "flow-action", "id": id, "attributes": {"definition": action}}}
        calls.call(f"set-status-{id}", "PATCH", f"/api/flow-actions/{id}", json=body)


def _wrong(found: Held, goal: str | None, goals: Statuses) -> str:
    there = statuses_of(found.definition)
    names = [
        f"“{get_at(found.actions[id], ('data', 'message', 'name')) or found.actions[id]['type']}”"
        for id, places in goals.items()
        if id in there and there[id] != places
    ]
    texts = [f"the flow is {found.status}"] if goal and found.status != goal else []
    texts += [f"{', '.join(names)} did not take the status"] if names else []
    return f"Klaviyo said yes, but {' and '.join(texts)}. Look at it in Klaviyo." if texts else ""


# --- Removal ---------------------------------------------------------------------------------------------------


def remove(publication: Publication, calls: Calls) -> Outcome:
    """Delete the flows that we made for this install, then what we made for them; nothing that is not ours.

    A flow that Klaviyo does not delete ends it: what it uses stays. Of the rest, what stays is named with its reason.
    """
    ours = Made.objects.filter(
        pk__in=publication.wanted[MADE], publication__install=publication.install, removed_at=None
    )
    rows = sorted(ours, key=lambda one: (one.kind != Made.Kind.FLOW, one.pk))
    left = []
    for one in rows:
        path = "/api/flows" if one.kind == Made.Kind.FLOW else REMOVABLE[Made.Kind(one.kind)]
        try:
            calls.call(f"remove-{one.kind}-{one.pk}", "DELETE", f"{path}/{one.klaviyo_id}")
        except NotFound:
            pass
        except (ConnectionLost, NotAuthorized):
            raise
        except Refused as error:
            if one.kind == Made.Kind.FLOW:
                raise
            left.append(f"The {one.get_kind_display().lower()} “{one.name}” stays in Klaviyo: {error}")
            continue
        Made.objects.filter(pk=one.pk).update(removed_at=right_now())
    return Outcome(" ".join(left), {"state": Install.State.GIVEN_UP, "live_flow_id": "", "step_map": {}})


# --- All of them -----------------------------------------------------------------------------------------------

Run = Callable[[Publication, Calls], Outcome | None]
RUN: dict[str, Run] = {
    Publication.Kind.STATUS: change_status,
    Publication.Kind.UPDATE: update,
    Publication.Kind.REMOVE: remove,
}


def run(publication: Publication, calls: Calls) -> None:
    """From PREPARING to PUBLISHED, or as far as it goes today."""
    if outcome := RUN[publication.kind](publication, calls):
        end(publication, outcome)


@transaction.atomic
def end(publication: Publication, outcome: Outcome) -> Publication | None:
    """Published. The publication that follows by itself, where there is one."""
    is_there = publication.kind != Publication.Kind.REMOVE
    move(publication, S.SENDING)
    move(publication, S.VERIFYING)
    move(
        publication,
        S.PUBLISHED,
        outcome.reason,
        klaviyo_flow_id=publication.wanted[FLOW] if is_there else "",
    )
    if outcome.install:
        Install.objects.filter(publications=publication).update(**outcome.install)
    if outcome.then is None:
        return None
    return Publication.objects.create(
        workspace=publication.workspace,
        install=publication.install,
        version=publication.version,
        account=publication.account,
        asked_by=publication.asked_by,
        kind=Publication.Kind.STATUS,
        wanted=dict(outcome.then),
        flow_name=publication.flow_name,
    )
