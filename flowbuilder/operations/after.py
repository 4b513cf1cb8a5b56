"""Asking for what is done with a flow that landed: another status, the next version, a step back, its removal.

Each act locks the install, looks at the right to publish, and writes one publication; the calls are the publisher's.
UnableToAct says why not, and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from accounts.access import accounts_of
from accounts.models import User
from flowbuilder.definition.merging import NEW, YOURS
from flowbuilder.models import Install, Made, Publication, Version
from flowbuilder.operations.publications import UnableToAct, submit
from flowbuilder.operations.upgrades import Offer, offer_of
from flowbuilder.publisher import fits
from flowbuilder.publisher.after import BEFORE, INSTALL, MADE, PAUSE, RESTORE, STATUS
from flowbuilder.publisher.before import CHOICES
from flowbuilder.publisher.held import THEN
from flowbuilder.publisher.standing import FLOW, INSTEAD, standing_of

Kind, State = Publication.Kind, Publication.State
STATUSES = ("live", "manual", "draft")


# --- What there is to be done ----------------------------------------------------------------------------------


def restorable(install: Install) -> Publication | None:
    """The last change of this flow's status, where it can be taken back."""
    if not install.live_flow_id:
        return None
    ended = install.publications.filter(kind=Kind.STATUS, state=State.PUBLISHED).order_by("-pk")
    last = next((one for one in ended if one.wanted[FLOW] == install.live_flow_id), None)
    return last if last and BEFORE in last.wanted and RESTORE not in last.wanted else None


def status_of(install: Install) -> str:
    """What the flow was set to last from here: live, manual, draft, paused. Draft where nobody did."""
    ended = install.publications.filter(kind=Kind.STATUS, state=State.PUBLISHED).order_by("-pk")
    last = next((one for one in ended if one.wanted[FLOW] == install.live_flow_id), None)
    if last is None:
        return "draft"
    if RESTORE in last.wanted:
        return str(last.wanted[RESTORE]["flow"])
    return "paused" if last.wanted.get(PAUSE) else str(last.wanted[STATUS])


def predecessor(install: Install) -> dict[str, Any] | None:
    """{"flow", "install"} of the flow beside which the present one was put, while it is there."""
    rows = install.publications.filter(kind=Kind.CREATE, klaviyo_flow_id=install.live_flow_id)
    successor = rows.order_by("-pk").first() if install.live_flow_id else None
    instead: dict[str, Any] | None = successor.wanted.get(INSTEAD) if successor else None
    return instead if instead and _is_ours(install, instead["flow"]) else None


def version_before(install: Install) -> Version | None:
    """Where a step back leads to: out of an update that stopped half-way, or to what was there before."""
    standing = standing_of(install)
    if standing is None:
        return None
    if not standing.is_whole:
        return install.version
    if before := _gave_way(install):
        return Version.objects.get(pk=before[INSTALL]["version_id"])
    landed = install.publications.filter(kind__in=(Kind.CREATE, Kind.UPDATE), state=State.PUBLISHED)
    earlier = landed.filter(pk__lt=standing.by.pk).exclude(version=standing.version)
    found = earlier.select_related("version").order_by("-pk").first()
    return found.version if found else None


def _gave_way(install: Install) -> dict[str, Any] | None:
    """The flow of before, where the present one was put beside it and not changed since."""
    standing = standing_of(install)
    return predecessor(install) if standing and standing.by.kind == Kind.CREATE else None


def removable(install: Install) -> list[Made]:
    """What we made for this install and is still there, as far as we know: flows, then what they were made with."""
    kinds = (Made.Kind.FLOW, Made.Kind.TEMPLATE, Made.Kind.LIST, Made.Kind.SEGMENT)
    rows = Made.objects.filter(publication__install=install, removed_at=None, kind__in=kinds)
    return sorted(rows, key=lambda one: (kinds.index(Made.Kind(one.kind)), one.pk))


def _is_ours(install: Install, flow_id: str) -> bool:
    return any(one.kind == Made.Kind.FLOW and one.klaviyo_id == flow_id for one in removable(install))


# --- Asking ----------------------------------------------------------------------------------------------------


def lock(install: Install) -> None:
    """Read again, held until the act is done; its flow is there and may be touched, and nothing else is under way."""
    rows = Install.objects.select_for_update(of=("self",))
    install.refresh_from_db(
        from_queryset=rows.select_related("workspace", "template_flow", "version", "account")
    )
    if install.state != Install.State.LIVE or not install.live_flow_id or install.account is None:
        raise UnableToAct("There is no flow of this install in the account. Install it first.")
    if install.publications.filter(state__in=Publication.OPEN).exists():
        raise UnableToAct(
            "Something is under way for this flow already. Wait until it has ended, then ask again."
        )
    if not accounts_of(install.workspace, "publish").filter(pk=install.account.pk).exists():
        raise UnableToAct(f"{install.workspace} may no longer publish to {install.account}. Ask its owner.")
    if not install.account.is_connected:
        raise UnableToAct(f"{install.account} is disconnected. Reconnect it, then ask again.")


def ask(install: Install, by: User, kind: str, wanted: Mapping[str, Any], **more: Any) -> Publication:
    assert install.account is not None
    fields = {"version": install.version, "flow_name": install.version.name, **more}
    publication = Publication(
        workspace=install.workspace,
        install=install,
        account=install.account,
        asked_by=by,
        kind=kind,
        wanted=dict(wanted),
        shape=install.shape,
        **fields,
    )
    return submit(publication)


@transaction.atomic
def ask_for_status(*, install: Install, by: User, status: str) -> Publication:
    """Live, manual or draft, for the flow and all its actions."""
    lock(install)
    if status not in STATUSES:
        raise UnableToAct("A flow is set live, manual or draft. Choose one.")
    return ask(install, by, Kind.STATUS, {FLOW: install.live_flow_id, STATUS: status})


@transaction.atomic
def ask_for_pause(*, install: Install, by: User) -> Publication:
    """Draft for now: it can be restored step by step."""
    lock(install)
    if status_of(install) == "paused":
        raise UnableToAct("The flow is paused already. Restore it, or set it live, manual or draft.")
    return ask(install, by, Kind.STATUS, {FLOW: install.live_flow_id, STATUS: "draft", PAUSE: True})


@transaction.atomic
def ask_for_restore(*, install: Install, by: User) -> Publication:
    """Back to the statuses that the flow and each of its actions had before the last change."""
    lock(install)
    last = restorable(install)
    if last is None:
        raise UnableToAct("There is no change of status to take back.")
    return ask(install, by, Kind.STATUS, {FLOW: install.live_flow_id, RESTORE: last.wanted[BEFORE]})


@transaction.atomic
def ask_for_update(
    *,
    install: Install,
    by: User,
    version: Version,
    choices: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Publication:
    """The version in the place of the one that is there; where that cannot be, UnableToAct with the reasons. `choices`:
    where both sides changed something, "yours" or "new"; `given`: answers to what this version asks first."""
    lock(install)
    offer = _offer(install, version, choices, given)
    if offer.plan.reasons:
        raise UnableToAct(f"It takes a new flow beside the one that is there. {' '.join(offer.plan.reasons)}")
    return _update(install, by, offer, choices)


def _update(
    install: Install, by: User, offer: Offer, choices: Mapping[str, str] | None = None
) -> Publication:
    wanted = {FLOW: install.live_flow_id, CHOICES: _chosen(offer, choices)}
    _keep_answers(install, offer)
    version, values = offer.version, fits.values_of(offer.answers)
    return ask(install, by, Kind.UPDATE, wanted, version=version, flow_name=version.name, answers=values)


def _chosen(offer: Offer, choices: Mapping[str, str] | None) -> dict[str, str]:
    """For each that both sides changed, "yours" or "new"; of what was changed since we looked as well."""
    if offer.undecided:
        asked = " ".join(one.yours or one.title for one in offer.undecided)
        raise UnableToAct(
            f"Version {offer.version.number} changes what was changed in Klaviyo as well: {asked} Look at that "
            "version, and choose one of the two for each."
        )
    return {id: one for id, one in (choices or {}).items() if one in (YOURS, NEW)}


@transaction.atomic
def ask_for_successor(
    *,
    install: Install,
    by: User,
    version: Version,
    choices: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Publication:
    """The version as a new flow beside the one that is there, as a draft, with what was changed in Klaviyo; a hand-over
    changes their places later. `choices`, `given`: as in an update. The version that is there may be put beside itself
    where it can no longer be put back in its place: then without what was changed."""
    lock(install)
    return _succeed(install, by, _offer(install, version, choices, given, is_again=True), choices)


def _succeed(
    install: Install, by: User, offer: Offer, choices: Mapping[str, str] | None = None
) -> Publication:
    before = {
        "live_flow_id": install.live_flow_id,
        "version_id": install.version_id,
        "step_map": install.step_map,
    }
    wanted: dict[str, Any] = {INSTEAD: {FLOW: install.live_flow_id, INSTALL: before}}
    standing = standing_of(install)
    if standing is not None and standing.version != offer.version:
        wanted[CHOICES] = _chosen(offer, choices)
    _keep_answers(install, offer)
    version, values = offer.version, fits.values_of(offer.answers)
    return ask(install, by, Kind.CREATE, wanted, version=version, flow_name=version.name, answers=values)


def _offer(
    install: Install,
    version: Version,
    choices: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
    *,
    is_again: bool = False,
) -> Offer:
    if version.flow_id != install.template_flow.flow_id:
        raise UnableToAct("That version is of another template flow.")
    standing = standing_of(install)
    if standing is not None and standing.is_whole and standing.version == version and not is_again:
        raise UnableToAct(f"Version {version.number} is in the account already.")
    offer = offer_of(install, version, choices=choices, given=given)
    if offer.wrong:
        raise UnableToAct(" ".join(offer.wrong.values()))
    if offer.open:
        asked = " ".join(f"“{one.question}”" for one in offer.open)
        raise UnableToAct(f"Version {version.number} asks what nobody has answered: {asked}")
    if offer.stops:
        raise UnableToAct(f"With these answers it cannot be published: {' '.join(offer.stops)}")
    return offer


def _keep_answers(install: Install, offer: Offer) -> None:
    """Answers to questions that this version asks for the first time. Those of before stay: one may go back."""
    install.answers = {**install.answers, **offer.answers}
    install.save(update_fields=["answers"])


@transaction.atomic
def ask_for_handover(*, install: Install, by: User, status: str = "live") -> Publication:
    """The flow of before to draft, then the new one to `status`: two changes, the second by itself after the first."""
    lock(install)
    before = predecessor(install)
    if before is None:
        raise UnableToAct("There is no flow of before that could hand over.")
    if status not in STATUSES:
        raise UnableToAct("A flow is set live, manual or draft. Choose one.")
    new = {FLOW: install.live_flow_id, STATUS: status}
    return ask(install, by, Kind.STATUS, {FLOW: before[FLOW], STATUS: "draft", THEN: new})


@transaction.atomic
def roll_back(*, install: Install, by: User) -> Publication:
    """To the version before: the flow of before takes over again while it is there, else by an update, else by a new
    flow beside this one."""
    lock(install)
    version = version_before(install)
    if version is None:
        raise UnableToAct("This is the first version that was in this account: there is none before it.")
    if before := _gave_way(install):
        return ask(install, by, Kind.STATUS, _give_back(install, before))
    offer = _offer(install, version)
    return (_update if offer.plan.is_in_place else _succeed)(install, by, offer)


def _give_back(install: Install, before: Mapping[str, Any]) -> dict[str, Any]:
    """The new flow to draft, then the statuses that the old one had when it handed over, if it did."""
    rows = install.publications.filter(kind=Kind.STATUS, state=State.PUBLISHED).order_by("-pk")
    gave = next((one for one in rows if one.wanted[FLOW] == before[FLOW] and THEN in one.wanted), None)
    wanted = {FLOW: install.live_flow_id, STATUS: "draft"}
    if gave is None:
        return {**wanted, INSTALL: before[INSTALL]}
    return {**wanted, THEN: {FLOW: before[FLOW], RESTORE: gave.wanted[BEFORE], INSTALL: before[INSTALL]}}


@transaction.atomic
def ask_for_removal(*, install: Install, by: User, keep: Collection[int] = ()) -> Publication:
    """Delete what we made for this install, but for `keep` (ids of Made). Flows are never kept: that is no removal."""
    lock(install)
    gone = [one for one in removable(install) if one.kind == Made.Kind.FLOW or one.pk not in keep]
    if not any(one.kind == Made.Kind.FLOW for one in gone):
        raise UnableToAct("The flow in the account is not one that we made: delete it in Klaviyo.")
    return ask(install, by, Kind.REMOVE, {FLOW: install.live_flow_id, MADE: [one.pk for one in gone]})
