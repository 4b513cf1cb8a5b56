"""The joint between rows and HTTP: a door to Klaviyo for an account, with its token kept fresh.

Called by connecting, catalog, tasks and the publisher. The only caller of Secret.reveal(). A token is
renewed by one process at a time: whoever holds the lease `renewing_until` on the row; the others wait and
read the row again. No transaction is open over the network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts import rows
from accounts.crypto import Secret, UnableToDecrypt
from accounts.klaviyo.auth import ApiKey, BearerToken
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import ConnectionLost, NotSent, Throttled, Unknown
from accounts.klaviyo.oauth import OAuthApp
from accounts.klaviyo.wire import Auth, Transport
from accounts.models import KlaviyoAccount
from accounts.operations import mark_disconnected

EARLY = timedelta(seconds=60)  # renew that long before the end
LEASE = timedelta(seconds=20)
RENEWAL_DEADLINE = 15.0  # seconds; well below the lease, so that its holder never outlives it
LONGEST_WAIT = 25.0  # seconds, for somebody else's renewal
ACCOUNT = "SELECT * FROM accounts_klaviyoaccount WHERE id = %s"  # before every call: see rows.py
PAUSE = 0.1  # seconds, between two looks at the row

LOST = "Klaviyo has ended this connection: the app was removed there, or was not used for 90 days."


def oauth_app(*, transport: Transport | None = None, deadline: float | None = None) -> OAuthApp:
    """This app at Klaviyo, from the settings."""
    return OAuthApp(
        settings.KLAVIYO_CLIENT_ID,
        settings.KLAVIYO_CLIENT_SECRET,
        settings.KLAVIYO_AUTHORIZE_URL,
        f"{settings.KLAVIYO_BASE_URL}/oauth/token",
        f"{settings.KLAVIYO_BASE_URL}/oauth/revoke",
        transport=transport,
        deadline=settings.KLAVIYO_TIMEOUT if deadline is None else deadline,
    )


def door(
    auth: Auth,
    *,
    transport: Transport | None = None,
    deadline: float | None = None,
    kind: Callable[..., Klaviyo] = Klaviyo,
) -> Klaviyo:
    """Klaviyo's API as the settings have it, for whoever `auth` says."""
    return kind(
        settings.KLAVIYO_BASE_URL,
        auth,
        settings.KLAVIYO_REVISION,
        transport=transport,
        deadline=settings.KLAVIYO_TIMEOUT if deadline is None else deadline,
    )


def client_for(
    account: KlaviyoAccount,
    *,
    transport: Transport | None = None,
    deadline: float | None = None,
    kind: Callable[..., Klaviyo] = Klaviyo,
) -> Klaviyo:
    """An account's door. ConnectionLost when it is disconnected, here or at any later call.

    Its calls are not counted: that is a lane's own work, or counted.py's, which is the door for everybody else.
    `deadline`: seconds for one call, where a person waits for it.
    Safe to share between threads. The row is read again when a token is needed, so the instance may be old.
    """
    if not account.is_connected:
        raise ConnectionLost(f"{account.name} is not connected to Klaviyo any more; connect it again.")
    if account.api_key is not None:
        auth: Auth = ApiKey(_reveal(account.api_key))
    else:
        auth = BearerToken(StoredToken(account.pk, transport=transport))
    return door(auth, transport=transport, deadline=deadline, kind=kind)


def text_of(secret: Secret | None) -> str:
    """A stored secret, for the operations beside this module and whoever signs webhooks; "" when there is none or it
    cannot be read."""
    try:
        return secret.reveal() if secret is not None else ""
    except UnableToDecrypt:
        return ""


class StoredToken:
    """`get_token(renew)` for BearerToken: the row's access token, renewed when it is due or when told to.

    Raises ConnectionLost (the account is then marked as disconnected), Throttled, NotSent, Unknown or
    BadAppCredentials.
    """

    def __init__(self, pk: int, *, transport: Transport | None = None) -> None:
        self._pk = pk
        self._transport = transport
        self._given = threading.local()  # what this thread sent last: "renew" means newer than that

    def __call__(self, renew: bool) -> str:
        give_up_at = time.monotonic() + LONGEST_WAIT
        while True:
            row = _read(self._pk)
            token = _reveal(row.access_token)
            if not self._is_good(row, token, renew):
                renewed = self._renew(renew) if _take_lease(self._pk) else None
                if renewed is None:
                    if time.monotonic() > give_up_at:
                        raise NotSent("The connection to Klaviyo is being renewed elsewhere; try again soon.")
                    time.sleep(PAUSE)
                    continue
                token = renewed
            self._given.token = token
            return token

    def _is_good(self, row: KlaviyoAccount, token: str, renew: bool) -> bool:
        if renew:
            return token != getattr(self._given, "token", None) and _lasts(row)
        return _lasts(row, EARLY)

    def _renew(self, renew: bool) -> str | None:
        """With the lease held: a good token, or None if the row was changed by somebody else meanwhile."""
        row = _read(self._pk)  # again: the lease may have become free because somebody has just renewed
        held = row.renewing_until
        if held is None:
            return None  # connected anew between taking the lease and reading
        token = _reveal(row.access_token)
        mine = KlaviyoAccount.objects.filter(
            pk=self._pk, renewing_until=held, state=KlaviyoAccount.State.CONNECTED
        )
        try:
            if self._is_good(row, token, renew):
                return token
            app = oauth_app(transport=self._transport, deadline=RENEWAL_DEADLINE)
            tokens = app.refresh(_reveal(row.refresh_token))
            changes = {
                "access_token": tokens.access_token,
                "refresh_token": tokens.refresh_token,
                "expires_at": tokens.expires_at,
                "renewing_until": None,
            }
            if tokens.scopes:
                changes["scopes"] = sorted(tokens.scopes)
            return tokens.access_token if mine.update(**changes) else None
        except ConnectionLost:
            if mark_disconnected(account=row, reason=LOST, holding=held):
                raise
            return None
        except (NotSent, Throttled, Unknown):
            if renew or not _lasts(row):
                raise
            return token  # it was only due: it still serves, and the next call tries again
        finally:
            mine.update(renewing_until=None)


def _take_lease(pk: int) -> bool:
    """By the database's clock, which all workers share."""
    free = Q(renewing_until=None) | Q(renewing_until__lt=Now())
    until = ExpressionWrapper(Now() + LEASE, output_field=DateTimeField())
    connected = KlaviyoAccount.objects.filter(pk=pk, state=KlaviyoAccount.State.CONNECTED)
    return connected.filter(free).update(renewing_until=until) == 1


def _read(pk: int) -> KlaviyoAccount:
    row = rows.read(KlaviyoAccount, ACCOUNT, pk)
    if row is None or not row.is_connected or row.refresh_token is None:
        raise ConnectionLost("This account is not connected to Klaviyo any more; connect it again.")
    return row


def _lasts(row: KlaviyoAccount, margin: timedelta = timedelta(0), now: datetime | None = None) -> bool:
    return row.expires_at is not None and row.expires_at - margin > (now or timezone.now())


def _reveal(secret: Secret | None) -> str:
    if text := text_of(secret):
        return text
    raise ConnectionLost("The stored token of this account cannot be read any more; connect it again.")
