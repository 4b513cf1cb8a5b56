"""A new flow in an account: what it needs, the one call that must never happen twice, and what came of it.

Called by publish.py, by state: prepare and send (preparing), look (unknown), verify (verifying). Raises what the
client raises; publish.py knows what each error means in which state.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.clock import now as right_now
from accounts.klaviyo.errors import (
    Conflict,
    ConnectionLost,
    KlaviyoError,
    MissingScope,
    NotAllowed,
    NotAuthorized,
    NotFound,
    Refused,
)
from accounts.rows import change as change_row
from flowbuilder.definition.canonical import landed_as
from flowbuilder.definition.drifting import THEIRS
from flowbuilder.definition.shaping import UnableToShape
from flowbuilder.definition.writing import create_body, place_of
from flowbuilder.models import Attempt, Install, Made, Publication
from flowbuilder.publisher import carrying, made
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.recipe import Recipe, email_of, missing_in_emails, recipe_of
from flowbuilder.publisher.reconcile import look_for_flow, rows_named
from flowbuilder.publisher.states import S, move
from flowbuilder.publisher.stops import RefusedHere, Stop

CHECKED_FOR = timedelta(minutes=5)  # so long an account that was seen to be the right one is not asked again
DECIDE_AFTER = timedelta(hours=1)


# --- Preparing, and the one call -------------------------------------------------------------------------------


def prepare_and_send(publication: Publication, calls: Calls) -> None:
    _check_account(publication, calls)
    recipe = _recipe(publication)
    templates, answers = _make_all(publication, calls, recipe)
    bound = recipe.approved.bind(answers, templates)
    inside = missing_in_emails(publication.version, recipe, publication.answers)
    if missing := (*bound.missing, *inside, *bound.unmade):
        raise Stop("Some questions have no answer: " + ", ".join(missing) + ".")
    definition = bound.definition
    if carrying.is_asked(publication):
        definition = carrying.carried(publication, calls, templates, answers)
    body = create_body(publication.flow_name, definition)
    move(publication, S.SENDING, sent_at=right_now())
    landed(publication, made.id_of(calls.call("create-flow", "POST", "/api/flows", json=body).body))


def _make_all(
    publication: Publication, calls: Calls, recipe: Recipe
) -> tuple[dict[str, str], dict[str, Any]]:
    """(content or clone key -> template id, answers with what had to be made in its place)."""
    standing = {} if calls.is_first else made.made_by(publication)
    templates: dict[str, str] = {}
    for key in (*recipe.contents, *recipe.clones):
        templates[key] = standing.get((Made.Kind.TEMPLATE, key)) or ""
        try:
            if not templates[key] and key in recipe.clones:
                templates[key] = made.clone_template(publication, calls, key, recipe.clones[key])
            elif not templates[key]:
                content = email_of(publication.version, key, publication.answers)
                templates[key] = made.make_template(publication, calls, key, content)
        except (NotAuthorized, MissingScope, ConnectionLost):
            raise
        except (NotAllowed, Refused) as error:
            raise RefusedHere(key, error) from error
    return templates, made.make_answers(publication, calls, standing)


def _recipe(publication: Publication) -> Recipe:
    try:
        return recipe_of(publication)
    except UnableToShape as error:
        raise Stop(str(error)) from None


def _check_account(publication: Publication, calls: Calls) -> None:
    """That the connection leads where it says; not again when it did a moment ago."""
    since, known = max(right_now() - CHECKED_FOR, publication.account.connected_at), calls.known
    if known.checked_at is None or known.checked_at <= since:
        lately = Attempt.objects.filter(
            publication__account=publication.account,
            step="check-account",
            outcome=Attempt.Outcome.DONE,
            started_at__gt=since,
            answer__data__0__id=publication.account.klaviyo_id,
        )
        known.checked_at = lately.values_list("started_at", flat=True).first()
    if known.checked_at:
        return
    answer = calls.call("check-account", "GET", "/api/accounts")
    rows = (answer.body or {}).get("data") or [{}]
    if rows[0].get("id") != publication.account.klaviyo_id:
        raise Stop(
            f"This connection leads to another Klaviyo account than {publication.account}. Reconnect it."
        )


@transaction.atomic
def landed(publication: Publication, flow_id: str) -> None:
    move(publication, S.VERIFYING, klaviyo_flow_id=flow_id)
    made.remember(publication, Made.Kind.FLOW, "", flow_id, publication.flow_name)


# --- Refused ---------------------------------------------------------------------------------------------------


def refuse(publication: Publication, error: Refused) -> None:
    """Klaviyo said no to the flow: each of its errors mapped to the step of the design that it speaks of."""
    sent = publication.attempts.filter(step="create-flow").latest("number").request or {}
    definition = sent["data"]["attributes"]["definition"]
    recipe = _recipe(publication)
    types = {action["temporary_id"]: action["type"] for action in definition["actions"]}
    refusals = []
    for one in error.errors:
        step, path = place_of(definition, one.pointer) if one.pointer else (None, ())
        origin = recipe.origins.get(step or "", step)
        if recipe.types.get(origin or "") != types.get(step or ""):
            path = ()  # a split built otherwise than it was designed: its settings stand elsewhere there
        refusals.append({"text": str(one), "pointer": one.pointer, "step": origin, "path": list(path)})
    _end_refused(publication, str(error), refusals)


def refuse_email(publication: Publication, refused: RefusedHere) -> None:
    """Klaviyo took an email's template not: said at the steps that send it. An account that is full is no fault of the
    email: it can be tried again once there is room."""
    if _is_full(refused.error):
        text = f"{publication.account} has no room for another email template; Klaviyo holds 1,000. Delete some there, "
        move(publication, S.FAILED, text + f"then try again. Klaviyo says: {refused.error}")
        return
    steps = [
        step
        for (step, path) in _places_of(publication, refused.key)
        if path  # the setting that holds the content
    ]
    errors = refused.error.errors if isinstance(refused.error, Refused) else ()
    texts = [str(one) for one in errors] or [str(refused.error)]
    refusals = [
        {"text": text, "pointer": "", "step": step, "path": ["message", "template_id"]}
        for text in texts
        for step in (steps or [None])
    ]
    _end_refused(publication, f"An email could not be made: {refused.error}", refusals)


def _is_full(error: KlaviyoError) -> bool:
    """https://developers.klaviyo.com/en/reference/create_template: no more after 1,000. How that is worded is not
    documented; a refusal in other words stays one."""
    said = error.errors if isinstance(error, Refused) else ()
    of_it = any((one.pointer or "").startswith("/data/attributes/") for one in said)
    return bool(said) and not of_it and bool(re.search(r"maximum|limit|1,?000", str(error), re.IGNORECASE))


def _places_of(publication: Publication, key: str) -> list[tuple[str | None, tuple[str | int, ...]]]:
    approved = _recipe(publication).approved
    found = []
    for path, content, _ in approved.contents:
        if content == key and path[:1] == ("actions",):
            step = approved.definition["actions"][path[1]]["temporary_id"]
            found.append((_recipe(publication).origins.get(step, step), path[2:]))
    return found


def _end_refused(publication: Publication, reason: str, refusals: list[dict[str, Any]]) -> None:
    move(publication, S.REFUSED, reason, refusals=refusals)
    made.give_back(publication, right_now())


# --- Looking ---------------------------------------------------------------------------------------------------


def look(publication: Publication, calls: Calls) -> None:
    """The answer was lost: adopt the flow if it is there, else send again."""
    found = look_for_flow(publication, calls).flows
    if len(found) > 1:
        text = "Several flows in the account look like this one: a person must say which is ours."
        wanted = {**publication.wanted, "found": list(found)}
        move(publication, S.UNKNOWN, text, not_before=right_now() + DECIDE_AFTER, wanted=wanted)
    elif found:
        landed(publication, found[0]["id"])
    else:
        move(publication, S.WAITING, "The flow is not in the account: nothing was created. Sending again.")


# --- Afterwards ------------------------------------------------------------------------------------------------


def verify(publication: Publication, calls: Calls) -> None:
    """Tag the flow as ours, read it back, compare it with what was meant."""
    untagged = _tag(publication, calls)
    path = f"/api/flows/{publication.klaviyo_flow_id}"
    held = calls.call("read-back", "GET", path, params={"additional-fields[flow]": "definition"}).body or {}
    meant = calls.sent("create-flow")["data"]["attributes"]["definition"]
    found, steps = landed_as(meant, held)
    reasons = [f"Landed, but not quite as meant: {'; '.join(found)}"] if found else []
    for key, origin in _recipe(publication).origins.items():
        if key in steps:
            steps[key]["of"] = origin
    if carrying.is_asked(publication):
        reasons += carrying.words_of(publication, calls, held, steps)
    ours = {key: one for key, one in steps.items() if not key.startswith(THEIRS)}
    publish(publication, " ".join((*reasons, untagged)).strip(), step_map=ours)


@transaction.atomic
def publish(publication: Publication, reason: str, **known: Any) -> None:
    move(publication, S.PUBLISHED, reason)
    is_there = {
        "state": Install.State.LIVE,
        "version_id": publication.version_id,
        "live_flow_id": publication.klaviyo_flow_id,
    }
    change_row(Install, {"id": publication.install_id}, {**is_there, **known})


def _tag(publication: Publication, calls: Calls) -> str:
    """Our tag on the flow, so that its owner sees where it came from. A flow without it is a flow all the same."""
    name = settings.PUBLISH_TAG
    if not name or not _may_tag(publication) or calls.was_done("tag-flow"):
        return ""
    try:
        body = {"data": [{"type": "flow", "id": publication.klaviyo_flow_id}]}
        for is_fresh in (False, True):
            calls.known.tag = tag = _tag_id(publication, calls, name, anew=is_fresh)
            try:
                calls.call("tag-flow", "POST", f"/api/tags/{tag}/relationships/flows", json=body)
                break
            except NotFound:
                if is_fresh:
                    raise
    except Refused as error:
        return f"It has no tag: {error}"
    return ""


def _may_tag(publication: Publication) -> bool:
    scopes = publication.account.scopes
    return not scopes or {"tags:read", "tags:write"} <= set(scopes)


def _tag_id(publication: Publication, calls: Calls, name: str, *, anew: bool) -> str:
    """The tag's id: as we know it, as the account has it, or made now. Tags have a name each."""
    if calls.known.tag and not anew:
        return calls.known.tag
    known = Made.objects.filter(
        kind=Made.Kind.TAG, name=name, publication__account=publication.account, removed_at=None
    )
    if anew:
        known.update(removed_at=right_now())
    elif one := known.first():
        return one.klaviyo_id
    if rows := rows_named(calls, "look-tag", "/api/tags", name):
        return made.remember(publication, Made.Kind.TAG, "", str(rows[0]["id"]), name)
    try:
        answer = calls.call(
            "make-tag", "POST", "/api/tags", json={"data": {"type": "tag", "attributes": {"name": name}}}
        )
    except Conflict:  # somebody was faster
        rows = rows_named(calls, "look-tag", "/api/tags", name)
        if not rows:
            raise
        return made.remember(publication, Made.Kind.TAG, "", str(rows[0]["id"]), name)
    return made.remember(publication, Made.Kind.TAG, "", made.id_of(answer.body), name)
