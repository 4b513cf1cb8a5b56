"""What is answered to a flow that is no longer what it was left as: put it back, accept it, or propose it to those who
design the template flow. And the look at it that a person asks for.

Putting back is a publication like any other: an update to what was left, point by point, and a change of status.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from accounts.access import accounts_of
from accounts.clock import now as right_now
from accounts.klaviyo.errors import KlaviyoError
from accounts.models import User
from flowbuilder.definition.drifting import in_our_keys
from flowbuilder.definition.merging import NEW, merge
from flowbuilder.definition.updating import plan_update
from flowbuilder.definition.writing import to_definition
from flowbuilder.models import Install, Publication, Reading
from flowbuilder.operations.after import ask, lock
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.after import RESTORE
from flowbuilder.publisher.before import BACK, CHOICES
from flowbuilder.publisher.held import THEN
from flowbuilder.publisher.readings import Left, last_reading, left_of, read_install
from flowbuilder.publisher.standing import FLOW, steps_in

Kind = Publication.Kind
STATUS = " status"  # ends the id of a difference in status


def look(*, install: Install, by: User) -> Reading:
    """Read the flow now. UnableToAct says why not, and what to do."""
    if install.state != Install.State.LIVE or not install.live_flow_id or install.account is None:
        raise UnableToAct("There is no flow of this install in the account. Install it first.")
    if not accounts_of(install.workspace).filter(pk=install.account.pk).exists():
        raise UnableToAct(f"{install.workspace} may no longer read {install.account}. Ask its owner.")
    if not install.account.is_connected:
        raise UnableToAct(f"{install.account} is disconnected. Reconnect it, then look again.")
    try:
        reading = read_install(install, by=by)
    except KlaviyoError as error:
        raise UnableToAct(f"Klaviyo did not show the flow: {error} Look again in a moment.") from None
    if reading is None:
        raise UnableToAct("What was sent to this account is not known, so there is nothing to compare with.")
    return reading


@transaction.atomic
def accept(*, install: Install, by: User, reading_id: int) -> Reading:
    """From now on the flow is right as it was read."""
    reading = _the_last(install, reading_id)
    if reading.verdict == Reading.Verdict.GONE:
        raise UnableToAct("The flow is gone. Remove it here as well, then install it anew.")
    if reading.accepted_at is None:
        reading.accepted_at, reading.accepted_by = right_now(), by
        reading.save(update_fields=["accepted_at", "accepted_by"])
    return reading


@transaction.atomic
def put_back(*, install: Install, by: User, reading_id: int, ids: Collection[str]) -> Publication:
    """The differences of these ids, as they were left. UnableToAct where it takes a new flow."""
    lock(install)
    reading = _the_last(install, reading_id)
    known = {one["id"] for one in reading.differences}
    chosen = [one for one in ids if one in known]
    left = left_of(install)
    if not chosen or left is None or reading.definition is None:
        raise UnableToAct("Choose what is to be put back.")
    is_status = any(one.endswith(STATUS) for one in chosen)
    points = [one for one in chosen if not one.endswith(STATUS) and one != "flow name"]
    statuses = {FLOW: install.live_flow_id, RESTORE: left.status} if is_status and left.status else None
    if not points:
        if statuses is None:
            raise UnableToAct("The name of a flow can only be changed in Klaviyo.")
        return ask(install, by, Kind.STATUS, statuses)
    reasons = reasons_against(left, reading, points)
    if reasons:
        raise UnableToAct(
            f"Klaviyo lets nobody put this back in the flow that is there: {' '.join(reasons)} Put version "
            f"{left.standing.version.number} beside it instead, or accept it."
        )
    wanted: dict[str, Any] = {
        FLOW: install.live_flow_id,
        BACK: True,
        CHOICES: dict.fromkeys(points, NEW),
        **({THEN: statuses} if statuses else {}),
    }
    by_version = left.standing.version
    return ask(
        install,
        by,
        Kind.UPDATE,
        wanted,
        version=by_version,
        flow_name=by_version.name,
        answers=left.standing.by.answers,
    )


def reasons_against(left: Left, reading: Reading, points: Collection[str]) -> tuple[str, ...]:
    """Why these cannot be put back in the flow that is there."""
    standing = left.standing
    found = in_our_keys(reading.definition or {}, standing.definition, standing.steps)
    account, before = to_definition(found), to_definition(left.graph)
    both = merge(before, before, account, dict.fromkeys(points, NEW))
    steps = steps_in(found, standing)
    return plan_update(account, both.definition, steps, standing.version.document.get("names", {})).reasons


def _the_last(install: Install, reading_id: int) -> Reading:
    """What a person decides about is what they saw."""
    reading = last_reading(install)
    if reading is None or reading.pk != reading_id:
        raise UnableToAct("The flow was read again since. Look at what was found now, then choose.")
    return Reading.objects.select_for_update(of=("self",)).get(pk=reading.pk)
