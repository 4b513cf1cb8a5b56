"""One publication, from the committed intent to the flow in the account. Called by the task; resumes anywhere.

    check the account -> make or clone each email template -> create the flow -> read it back -> published

Create Flow is not idempotent and has no key: it is sent again only when surely nothing was created. When its
answer is lost, reconcile.py looks for the flow first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now as right_now

from accounts.connection import client_for
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    ConnectionLost,
    KlaviyoError,
    MissingScope,
    NotAllowed,
    NotAuthorized,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from accounts.models import Grant, KlaviyoAccount, Membership
from flowbuilder.definition.canonical import canonical, differences, step_map
from flowbuilder.definition.shaping import UnableToShape, shape_definition
from flowbuilder.definition.writing import bind, create_body, place_of
from flowbuilder.kinds.asks import find_contents, is_ask, is_content, set_at
from flowbuilder.models import Install, Made, Publication
from flowbuilder.publisher.calls import LEASE, Calls
from flowbuilder.publisher.reconcile import look_for_flow
from flowbuilder.publisher.states import MOVES, LostLease, S, move, take

ClientFor = Callable[[KlaviyoAccount], Klaviyo]
SOON = timedelta(seconds=20)  # until the next try when nothing reached Klaviyo
LATER = timedelta(minutes=10)  # until the next try when a person must do something first


class Stop(Exception):
    """The publication cannot go on; the text tells a person why."""


def run(publication_id: int, *, client_for: ClientFor = client_for) -> str | None:
    """Work on one publication if it is due and nobody else does. Returns its state, or None."""
    publication = take(publication_id, lease=LEASE)
    if publication is None:
        return None
    try:
        _work(publication, client_for)
    except LostLease:
        return None
    return publication.state


def _work(publication: Publication, client_for: ClientFor) -> None:
    if publication.state == S.SENDING:
        # Whoever sent it died before writing what came back.
        move(publication, S.UNKNOWN, "The answer was lost while sending.", not_before=_quiet(publication))
        return
    try:
        _check_consent(publication)
        calls = Calls(publication, client_for(publication.account))
        if publication.state == S.UNKNOWN:
            _look(publication, calls)
        if publication.state in (S.ASKED, S.WAITING):
            move(publication, S.VERIFYING if publication.klaviyo_flow_id else S.PREPARING)
        if publication.state == S.PREPARING:
            _prepare_and_send(publication, calls)
        if publication.state == S.VERIFYING:
            _verify(publication, calls)
    except Stop as stop:
        _give_up(publication, S.FAILED, str(stop))
    except KlaviyoError as error:
        _handle(publication, error)


def _handle(publication: Publication, error: KlaviyoError) -> None:
    """What an error outside the create call means. Nothing was created that we would lose by trying again."""
    now = right_now()
    match error:
        case ConnectionLost() | NotAuthorized():
            text = "The connection to Klaviyo is broken. Reconnect the account, then try again."
            _give_up(publication, S.FAILED, text)
        case MissingScope():
            _give_up(publication, S.FAILED, f"{error} Reconnect the account and allow it, then try again.")
        case Throttled():
            text = "Klaviyo asked us to wait: this account has used what it may in this time."
            _park(publication, text, now + timedelta(seconds=error.retry_after))
        case Refused() | NotAllowed():
            if publication.state in (S.UNKNOWN, S.VERIFYING):
                _park(publication, f"Klaviyo would not show the flow: {error}", now + SOON)
            else:
                _give_up(publication, S.REFUSED, str(error))
        case _:
            _park(publication, f"{error} We try again.", now + SOON)


def _park(publication: Publication, reason: str, until: datetime) -> None:
    """Wait without holding a worker; what is being looked up stays so."""
    move(publication, S.UNKNOWN if publication.state == S.UNKNOWN else S.WAITING, reason, not_before=until)


def _give_up(publication: Publication, state: str, reason: str) -> None:
    """End it; but what may be in the account is never given up, and what is there has landed."""
    if publication.state == S.UNKNOWN:
        _park(publication, f"{reason} Then we look whether the flow is there.", right_now() + LATER)
    elif publication.state == S.VERIFYING:
        _publish(publication, f"Landed, but it could not be read back: {reason}")
    else:
        move(publication, state if state in MOVES[publication.state] else S.FAILED, reason)


def _quiet(publication: Publication) -> datetime:
    """When what we sent can no longer take effect unseen: then we look."""
    return (publication.sent_at or right_now()) + timedelta(
        seconds=settings.PUBLISH_QUIET_PERIOD + settings.KLAVIYO_TIMEOUT
    )


def _check_consent(publication: Publication) -> None:
    """The right to publish, looked at again at the time of sending."""
    account = publication.account
    if not account.is_connected:
        raise Stop(f"{account} is disconnected: {account.state_reason or 'reconnect it'} Then try again.")
    if not Grant.objects.filter(
        account=account, workspace=publication.workspace, can_publish=True, withdrawn_at=None
    ).exists():
        raise Stop(f"{publication.workspace} may no longer publish to {account}.")
    if (
        publication.asked_by
        and not Membership.objects.filter(user=publication.asked_by, workspace=publication.workspace).exists()
    ):
        raise Stop(f"{publication.asked_by}, who asked for this, is no longer in {publication.workspace}.")


# --- Preparing -------------------------------------------------------------------------------------------------


def _prepare_and_send(publication: Publication, calls: Calls) -> None:
    _check_account(publication, calls)
    document = publication.version.document
    definition = document["definition"]
    made = {one.step: one.klaviyo_id for one in publication.made.filter(kind=Made.Kind.TEMPLATE)}
    try:
        for key in dict.fromkeys(key for _, key in find_contents(definition)):
            made.setdefault(key, _make_template(publication, calls, key, document["contents"][key]))
        for index, key, template_id in _named_templates(definition):
            step = f"clone-{key}"
            made.setdefault(step, _clone_template(publication, calls, step, template_id))
            definition = set_at(definition, ("actions", index, "data", "message", "template_id"), made[step])
    except Refused as error:
        if isinstance(error, NotAuthorized | MissingScope | ConnectionLost):
            raise
        _refuse(publication, error, definition)
        return
    bound = bind(_shaped(publication, definition)[0], publication.answers, made)
    if bound.missing or bound.unmade:
        raise Stop("Some questions have no answer: " + ", ".join((*bound.missing, *bound.unmade)) + ".")
    _send(publication, calls, create_body(publication.flow_name, bound.definition))


def _shaped(publication: Publication, definition: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The definition as it is built in this account, and the step of the design that each step it made stands for."""
    try:
        return shape_definition(definition, publication.shape)
    except UnableToShape as error:
        raise Stop(str(error)) from None


def _check_account(publication: Publication, calls: Calls) -> None:
    answer = calls.call("check-account", "GET", "/api/accounts")
    rows = (answer.body or {}).get("data") or [{}]
    if rows[0].get("id") != publication.account.klaviyo_id:
        raise Stop(
            f"This connection leads to another Klaviyo account than {publication.account}. Reconnect it."
        )


def _named_templates(definition: Any) -> Iterator[tuple[int, str, str]]:
    """(index, step key, template id) of every email whose design names a Klaviyo template."""
    for index, action in enumerate(definition["actions"]):
        message = (action.get("data") or {}).get("message") or {}
        template_id = message.get("template_id")
        if (
            action["type"] == "send-email"
            and template_id
            and not is_ask(template_id)
            and not is_content(template_id)
        ):
            yield index, action["temporary_id"], template_id


def _make_template(publication: Publication, calls: Calls, key: str, content: dict[str, str]) -> str:
    if found := _made(publication, key):
        return found
    name = _template_name(publication, content["name"], key)
    step = f"make-template-{key}"
    if calls.was_lost(step) and (found := _find_template(calls, step, name)):
        return _remember(publication, Made.Kind.TEMPLATE, key, found, name)
    attributes = {"name": name, "editor_type": "CODE", "html": content["html"]}
    if content.get("text"):
        attributes["text"] = content["text"]
    body = {"data": {"type": "template", "attributes": attributes}}
    answer = calls.call(step, "POST", "/api/templates", json=body)
    return _remember(publication, Made.Kind.TEMPLATE, key, _id_of(answer.body), name)


def _clone_template(publication: Publication, calls: Calls, key: str, template_id: str) -> str:
    if found := _made(publication, key):
        return found
    name = _template_name(publication, publication.flow_name, key)
    step = f"make-template-{key}"
    if calls.was_lost(step) and (found := _find_template(calls, step, name)):
        return _remember(publication, Made.Kind.TEMPLATE, key, found, name)
    body = {"data": {"type": "template", "id": template_id, "attributes": {"name": name}}}
    answer = calls.call(step, "POST", "/api/template-clone", json=body)
    return _remember(publication, Made.Kind.TEMPLATE, key, _id_of(answer.body), name)


def _template_name(publication: Publication, name: str, key: str) -> str:
    """Names are the only text of ours that Klaviyo can search: unique for each publication and email."""
    return f"{name[:120]} · {publication.pk}/{key}"


def _find_template(calls: Calls, step: str, name: str) -> str | None:
    answer = calls.call(f"look-{step}", "GET", "/api/templates", params={"filter": f'equals(name,"{name}")'})
    rows = (answer.body or {}).get("data") or []
    return str(rows[0]["id"]) if rows else None


def _made(publication: Publication, step: str) -> str | None:
    one = publication.made.filter(kind=Made.Kind.TEMPLATE, step=step).first()
    return one.klaviyo_id if one else None


def _remember(publication: Publication, kind: str, step: str, klaviyo_id: str, name: str) -> str:
    Made.objects.get_or_create(
        publication=publication, kind=kind, step=step, defaults={"klaviyo_id": klaviyo_id, "name": name}
    )
    return klaviyo_id


def _id_of(body: Any) -> str:
    data = (body or {}).get("data")
    found = data.get("id") if isinstance(data, dict) else None
    if not isinstance(found, str) or not found:
        raise Unknown("Klaviyo's answer does not say what it made.")
    return found


# --- Sending, once ---------------------------------------------------------------------------------------------


def _send(publication: Publication, calls: Calls, body: dict[str, Any]) -> None:
    """The one call that must never happen twice."""
    move(publication, S.SENDING, sent_at=right_now())
    try:
        flow_id = _id_of(calls.call("create-flow", "POST", "/api/flows", json=body).body)
    except (NotAuthorized, ConnectionLost, MissingScope, Throttled, NotAllowed) as error:
        _handle(publication, error)
    except NotSent as error:
        _park(publication, f"{error} We try again.", right_now() + SOON)
    except Refused as error:
        _refuse(publication, error, body["data"]["attributes"]["definition"])
    except Unknown as error:
        text = f"{error} We look whether the flow is there before anything is sent again."
        move(publication, S.UNKNOWN, text, not_before=_quiet(publication))
    else:
        _landed(publication, flow_id)


def _landed(publication: Publication, flow_id: str) -> None:
    with transaction.atomic():
        move(publication, S.VERIFYING, klaviyo_flow_id=flow_id)
        _remember(publication, Made.Kind.FLOW, "", flow_id, publication.flow_name)


def _refuse(publication: Publication, error: Refused, definition: Any) -> None:
    """Klaviyo said no: each of its errors mapped to the step of the design that it speaks of."""
    designed = publication.version.document["definition"]
    origins = _shaped(publication, designed)[1]
    types = {action["temporary_id"]: action["type"] for action in designed["actions"]}
    sent = {action["temporary_id"]: action["type"] for action in definition["actions"]}
    refusals = []
    for one in error.errors:
        step, path = place_of(definition, one.pointer) if one.pointer else (None, ())
        origin = origins.get(step or "", step)
        if types.get(origin or "") != sent.get(step or ""):
            path = ()  # a split built otherwise than it was designed: its settings stand elsewhere there
        step = origin
        refusals.append({"text": str(one), "pointer": one.pointer, "step": step, "path": list(path)})
    move(publication, S.REFUSED, str(error), refusals=refusals)


# --- Looking -------------------------------------------------------------------------------------------------------


def _look(publication: Publication, calls: Calls) -> None:
    """The answer was lost: adopt the flow if it is there, else send again."""
    found = look_for_flow(publication, calls)
    if found.several:
        text = "Several flows in the account look like this one: a person must say which is ours."
        move(publication, S.UNKNOWN, text, not_before=right_now() + timedelta(hours=1))
    elif found.flow_id:
        _landed(publication, found.flow_id)
    else:
        move(publication, S.WAITING, "The flow is not in the account: nothing was created. Sending again.")


def _verify(publication: Publication, calls: Calls) -> None:
    """Read the flow back and compare it with what was meant."""
    path = f"/api/flows/{publication.klaviyo_flow_id}"
    held = calls.call("read-back", "GET", path, params={"additional-fields[flow]": "definition"}).body or {}
    sent = publication.attempts.filter(step="create-flow").latest("number").request or {}
    meant = sent["data"]["attributes"]["definition"]
    found = list(differences(canonical(meant), canonical(held)))
    reason = f"Landed, but not quite as meant: {'; '.join(found)}" if found else ""
    origins = _shaped(publication, publication.version.document["definition"])[1]
    steps: dict[str, dict[str, str | None]] = step_map(meant, held)
    for key, origin in origins.items():
        if key in steps:
            steps[key]["of"] = origin
    _publish(publication, reason, step_map=steps)


@transaction.atomic
def _publish(publication: Publication, reason: str, **known: Any) -> None:
    move(publication, S.PUBLISHED, reason)
    Install.objects.filter(publications=publication).update(
        state=Install.State.LIVE, live_flow_id=publication.klaviyo_flow_id, **known
    )
