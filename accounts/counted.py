"""A door to an account whose calls are counted against its limits before they are sent, as the publisher's are.

For everybody outside a lane: pages that somebody waits for, and work in the back. A lane counts with its attempts
(flowbuilder/publisher/calls.py); nobody else calls Klaviyo for an account that we know.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.utils.timezone import now as right_now

from accounts import budget
from accounts.budget import MustWait, Taken
from accounts.connection import client_for
from accounts.klaviyo.answers import Answer
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import ConnectionLost, KlaviyoError, NotAuthorized, Throttled
from accounts.klaviyo.wire import Transport
from accounts.models import KlaviyoAccount
from accounts.operations import mark_disconnected

ON_A_PAGE = 4.0  # seconds: somebody looks at an empty page so long
IN_THE_BACK = 30.0  # seconds, in breaths: between the pages of a long list there is less than a second
BREATH = 4.0  # seconds: whoever is told to wait for longer comes back then, and holds no worker meanwhile


class Counted(Klaviyo):
    """`patience`: seconds that this door waits for the account's limits, over all its calls. A longer wait, and one
    of more than a breath, is Throttled, and nothing is sent: `retry_after` says how long, str() until when."""

    def __init__(self, account_id: int, patience: float, *args: Any, **named: Any) -> None:
        super().__init__(*args, sleep=self._wait, **named)
        self._account_id = account_id
        self._patience = patience
        self._not_now: Throttled | None = None  # what the last call was told

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        self._not_now = None
        taken = self._spend(
            method, f"{path}?{urlencode(params)}" if params else path
        )  # a query may have limits
        try:
            answer = super().call(method, path, params=params, json=json)
        except KlaviyoError as error:
            budget.failed(taken, error, right_now())
            self._not_now = error if isinstance(error, Throttled) else None
            raise
        budget.settle(taken, answer.headers_of_use, right_now())
        return answer

    def _spend(self, method: str, path: str) -> Taken:
        while True:
            now = right_now()
            try:
                return budget.spend(self._account_id, method, path, now)
            except MustWait as wait:
                self._not_now = _not_now(wait, now)
                self._wait(max((wait.until - now).total_seconds(), 0.001))

    def _wait(self, seconds: float) -> None:
        """For the limits, or before a page is asked for once more. Out of patience: what the last call was told."""
        if self._not_now and seconds > min(self._patience, BREATH):
            raise self._not_now from None
        self._patience -= seconds
        time.sleep(seconds)


def counted(
    account: KlaviyoAccount,
    *,
    patience: float = ON_A_PAGE,
    transport: Transport | None = None,
    deadline: float | None = None,
) -> Klaviyo:
    """As client_for, which see; every call is counted."""
    kind = partial(Counted, account.pk, patience)
    return client_for(account, transport=transport, deadline=deadline, kind=kind)


def is_over(account: KlaviyoAccount, *, transport: Transport | None = None) -> bool:
    """After a 401: whether these credentials have ended for good. The account is then marked as disconnected.

    A 401 alone erases no token, which only a person could bring back. An OAuth connection that was revoked says so
    when its token is renewed, which every 401 makes it do (connection.py): a renewed token that is refused all the
    same is Klaviyo's trouble of the moment. A key has nothing to renew, so it is tried once more.
    """
    account.refresh_from_db()
    if not account.is_connected:
        return True
    if account.api_key is None:
        return False
    try:
        counted(account, transport=transport).get_account()
    except (ConnectionLost, NotAuthorized):
        mark_disconnected(
            account=account, reason="Klaviyo no longer accepts the private key of this account."
        )
    except KlaviyoError:
        return False
    return not account.is_connected


def _not_now(wait: MustWait, now: datetime) -> Throttled:
    seconds = max(1, math.ceil((wait.until - now).total_seconds()))
    text = f"{wait.why} Nothing was sent; try again in {in_words(seconds)}."
    return Throttled(text, retry_after=seconds, status=None)


def in_words(seconds: float) -> str:
    """1 second, 40 seconds, 3 minutes, 7 hours: never less than what is left."""
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds > 2 * size:
            return f"{math.ceil(seconds / size)} {name}s"
    whole = math.ceil(seconds)
    return f"{whole} second{'s' * (whole != 1)}"
