"""Connecting a Klaviyo account and ending the connection: the OAuth trip, the private key, the farewell.

Operations: keyword-only, the only writers. The network is never inside a transaction. What can go wrong is in
refusals.py; tokens leave this module only into encrypted fields.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import refusals
from accounts.access import MAY_CONNECT
from accounts.audit import Act, record
from accounts.connection import door, oauth_app, text_of
from accounts.klaviyo.auth import ApiKey, BearerToken
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import (
    BadAppCredentials,
    CodeRefused,
    KlaviyoError,
    MissingScope,
    NotAllowed,
    NotAuthorized,
    Refused,
)
from accounts.klaviyo.oauth import Tokens
from accounts.klaviyo.scopes import SCOPES, missing_scopes
from accounts.klaviyo.shapes import Account
from accounts.models import Grant, KlaviyoAccount, Membership, OAuthState, User, Workspace
from accounts.operations import mark_disconnected

log = logging.getLogger(__name__)

STATE_LIFE = timedelta(minutes=10)
STATE_KEPT = timedelta(days=1)  # so that a second use is told apart from an invented one
ALL_RIGHTS = {"can_read": True, "can_publish": True, "can_report": True}
# One small reading call for each scope that can be tried without changing anything.
PROBES = {
    "flows:read": ("/api/flows", {"page[size]": "1"}),
    "metrics:read": ("/api/metrics", {"fields[metric]": "name"}),
    "lists:read": ("/api/lists", {"page[size]": "1"}),
    "segments:read": ("/api/segments", {"page[size]": "1"}),
    "templates:read": ("/api/templates", {"page[size]": "1", "fields[template]": "name"}),
    "tags:read": ("/api/tags", {"page[size]": "1"}),
}


@dataclass(frozen=True)
class Arrival:
    """Where an OAuth trip ended: the account, for which workspace, and the path to go on to ("": none)."""

    account: KlaviyoAccount
    workspace: Workspace
    next_url: str


# --- OAuth --------------------------------------------------------------------------------------------------


def begin_connecting(
    *,
    user: User,
    workspace: Workspace,
    session_nonce: str,
    redirect_uri: str,
    next_url: str = "",
    expected: KlaviyoAccount | None = None,
    now: datetime | None = None,
) -> str:
    """The address of Klaviyo's consent page; what the way back needs is stored, hashed or sealed.

    `session_nonce`: unguessable, kept in the browser's session. `next_url`: a path of ours, else dropped.
    """
    if not (settings.KLAVIYO_CLIENT_ID and settings.KLAVIYO_CLIENT_SECRET):
        raise refusals.BadApp()
    now = now or timezone.now()
    state = secrets.token_urlsafe(32)
    url, verifier = oauth_app().authorization(redirect_uri, SCOPES, state)
    with transaction.atomic():
        OAuthState.objects.filter(created_at__lt=now - STATE_KEPT).delete()
        OAuthState.objects.create(
            state_hash=_hash(state),
            session_hash=_hash(session_nonce),
            user=user,
            workspace=workspace,
            verifier=verifier,
            next_url=local_path(next_url),
            expected_account=expected,
            created_at=now,
        )
    return url


def finish_connecting(
    *,
    user: User,
    session_nonce: str,
    params: Mapping[str, str],
    redirect_uri: str,
    now: datetime | None = None,
) -> Arrival:
    """The account that the person consented to, connected. UnableToConnect otherwise, and then nothing is.

    `params`: the query of the callback: code and state, or error.
    """
    now = now or timezone.now()
    given = params.get("state", "")
    if params.get("error") and not given:
        raise _of_consent(params)
    trip = _use_state(user=user, session_nonce=session_nonce, given=given, now=now)
    try:
        if params.get("error"):
            raise _of_consent(params)
        tokens = _exchange(params.get("code", ""), text_of(trip.verifier), redirect_uri)
        found = _identify(tokens)
        _require_what_was_agreed(trip, tokens, found)
        account = _keep(
            user=user,
            workspace=trip.workspace,
            found=found,
            now=now,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=tokens.expires_at,
            scopes=sorted(tokens.scopes or SCOPES),
            api_key=None,
        )
    except refusals.UnableToConnect as refusal:
        refusal.workspace, refusal.next_url = trip.workspace, trip.next_url
        refusal.expected = trip.expected_account
        log.info("connecting refused: %s, workspace %s", type(refusal).__name__, trip.workspace_id)
        raise
    return Arrival(account, trip.workspace, trip.next_url)


def _use_state(*, user: User, session_nonce: str, given: str, now: datetime) -> OAuthState:
    """The stored trip, marked as used: committed before the code is spent, so that it counts once."""
    with transaction.atomic():
        trip = (
            OAuthState.objects.select_related("workspace", "expected_account")
            .filter(state_hash=_hash(given))
            .first()
        )
        if trip is None:
            raise refusals.StateUnknown()
        if trip.user_id != user.pk or not secrets.compare_digest(trip.session_hash, _hash(session_nonce)):
            raise refusals.StateForeign()
        unused = OAuthState.objects.filter(pk=trip.pk, used_at=None)
        if not unused.update(used_at=max(now, trip.created_at)):
            reused = refusals.StateReused()
            reused.workspace = trip.workspace
            raise reused
        is_member = Membership.objects.filter(
            user=user, workspace=trip.workspace_id, role__in=MAY_CONNECT
        ).exists()
    problem: refusals.UnableToConnect | None = None
    if now - trip.created_at > STATE_LIFE:
        problem = refusals.StateExpired()
    elif not is_member:
        problem = refusals.NotAMember()
    if problem:
        problem.workspace, problem.next_url = trip.workspace if is_member else None, trip.next_url
        problem.expected = trip.expected_account
        raise problem
    return trip


def _of_consent(params: Mapping[str, str]) -> refusals.UnableToConnect:
    """What Klaviyo said in place of a code. Its description is not shown: anybody can write a link."""
    return refusals.Denied() if params.get("error") == "access_denied" else refusals.ConsentFailed()


def _exchange(code: str, verifier: str, redirect_uri: str) -> Tokens:
    try:
        return oauth_app().exchange(code, verifier, redirect_uri)
    except BadAppCredentials:
        problem: refusals.UnableToConnect = refusals.BadApp()
    except (CodeRefused, NotAllowed, Refused):
        problem = refusals.CodeNotAccepted()
    except KlaviyoError:
        problem = refusals.Unreachable()
    raise problem


def _identify(tokens: Tokens) -> Account:
    try:
        return door(BearerToken(lambda renew: tokens.access_token)).get_account()
    except MissingScope:
        problem: refusals.UnableToConnect = refusals.ScopesMissing(["accounts:read"])
    except NotAuthorized:
        problem = refusals.CodeNotAccepted()
    except KlaviyoError:
        problem = refusals.Unreachable()
    raise problem


def _require_what_was_agreed(trip: OAuthState, tokens: Tokens, found: Account) -> None:
    """WrongAccount or ScopesMissing. A new installation that we shall not use is taken back at Klaviyo."""
    problem: refusals.UnableToConnect | None = None
    missing = (
        missing_scopes(tokens.scopes) if tokens.scopes else frozenset()
    )  # RFC 6749 3.3: unsaid is as asked
    expected = trip.expected_account
    if expected is not None and expected.klaviyo_id != found.id:
        problem = refusals.WrongAccount(expected=expected.name, found=found.name or found.id)
    elif missing:
        problem = refusals.ScopesMissing(missing)
    if problem is None:
        return
    connected = KlaviyoAccount.objects.filter(klaviyo_id=found.id, state=KlaviyoAccount.State.CONNECTED)
    if not connected.exists():  # revoking would end that connection too
        with suppress(KlaviyoError):
            oauth_app().revoke(tokens.refresh_token)
    raise problem


# --- Private key --------------------------------------------------------------------------------------------


def connect_with_key(
    *, user: User, workspace: Workspace, key: str, now: datetime | None = None
) -> KlaviyoAccount:
    """The account of a private key, connected after the key was tried. UnableToConnect otherwise.

    An account that is connected by OAuth stays so (its limits are our own), and so does one that its owner
    connected by a key: then this key only proves that the workspace may use it, and is not kept. Writing
    scopes cannot be tried without writing: `scopes` are those that were tried.
    """
    try:
        client = door(ApiKey(key.strip()))
        found = client.get_account()
        missing = _missing_of_key(client)
    except (NotAuthorized, NotAllowed):
        problem: refusals.UnableToConnect = refusals.KeyRefused()
    except MissingScope:
        problem = refusals.KeyLacksScopes(["accounts:read"])
    except KlaviyoError:
        problem = refusals.Unreachable()
    else:
        if not missing:
            return _keep(
                user=user,
                workspace=workspace,
                found=found,
                now=now or timezone.now(),
                access_token=None,
                refresh_token=None,
                expires_at=None,
                scopes=sorted(["accounts:read", *PROBES]),
                api_key=key.strip(),
            )
        problem = refusals.KeyLacksScopes(missing)
    problem.workspace = workspace
    raise problem


def _missing_of_key(client: Klaviyo) -> list[str]:
    missing = []
    for scope, (path, params) in PROBES.items():
        try:
            client.call("GET", path, params=params)
        except MissingScope:
            missing.append(scope)
    return missing


# --- Keeping and letting go ---------------------------------------------------------------------------------


def _keep(
    *, user: User, workspace: Workspace, found: Account, now: datetime, **way_in: Any
) -> KlaviyoAccount:
    with transaction.atomic():
        account, is_new = KlaviyoAccount.objects.select_for_update().get_or_create(
            klaviyo_id=found.id, defaults={"owner": workspace, "name": found.name or found.id}
        )
        is_kept = (  # a key neither replaces OAuth nor, from a workspace that only uses it, the owner's key
            account.is_connected
            and way_in["api_key"] is not None
            and (account.refresh_token is not None or account.owner_id != workspace.pk)
        )
        if not is_kept:
            if is_new or not account.is_connected:
                account.connected_at = now
            for name, value in way_in.items():
                setattr(account, name, value)
            account.renewing_until = None  # whoever was renewing the old token finds that it is not theirs
        account.name = (found.name or account.name)[:200]
        account.timezone = (found.timezone or "")[:64]
        account.currency = (found.currency or "")[:8]
        account.is_test = found.is_test
        account.sender_email = (found.sender_email or "")[:254]
        account.sender_name = (found.sender_name or "")[:200]
        account.state = KlaviyoAccount.State.CONNECTED
        account.state_reason, account.disconnected_at = "", None
        account.save()
        Grant.objects.get_or_create(
            account=account,
            workspace=workspace,
            withdrawn_at=None,
            defaults={**ALL_RIGHTS, "given_by": user, "given_at": now},
        )
        way = "By a private API key." if way_in["api_key"] else "By OAuth."
        record(Act.CONNECTED, workspace=workspace, thing=account, detail=way, by=user, now=now)
        for name in settings.AFTER_CONNECTING:
            # robust: the account is connected even if the doorbell is broken
            transaction.on_commit(partial(current_app.send_task, name, (account.pk,)), robust=True)
    log.info("account %s connected for workspace %s", account.pk, workspace.pk)
    return account


def disconnect(*, account: KlaviyoAccount, by: User, now: datetime | None = None) -> bool:
    """End the connection: tokens are erased here whatever Klaviyo says; by OAuth the app is removed there.

    Returns whether nothing is left at Klaviyo: False for a private key, which only a person can delete, and
    when Klaviyo could not be told.
    """
    token = text_of(account.refresh_token)
    is_gone = False
    try:
        if token:
            with suppress(KlaviyoError):
                oauth_app().revoke(token)
                is_gone = True
    finally:
        mark_disconnected(account=account, reason=f"Disconnected by {by}.", now=now)
    log.info("account %s disconnected by user %s", account.pk, by.pk)
    return is_gone


def local_path(url: str) -> str:
    """The address if it is a path of this site, else nothing."""
    is_local = url.startswith("/") and len(url) <= 500 and url_has_allowed_host_and_scheme(url, None)
    return url if is_local else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
