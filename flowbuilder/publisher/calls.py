"""Every call of a publication: an attempt row is committed before it is sent, its outcome after. Never a token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts import budget, rows
from accounts.clock import now as right_now
from accounts.crypto import Secret
from accounts.klaviyo.answers import Answer
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, NotAllowed, NotSent, Refused, Throttled
from accounts.models import Allowance
from flowbuilder.models import Attempt, Publication
from flowbuilder.publisher.states import keep

# Longer than any one call may take, with its renewal of a token: three minutes by default.
LEASE = timedelta(seconds=6 * settings.KLAVIYO_TIMEOUT)
MOMENT = timedelta(seconds=0.3)


@dataclass
class Known:
    """What a worker learned of an account since it took its lane: not read again for each publication.

    `allowances`: see budget.spend. `checked_at`: when the connection was seen to lead there. `tag`: the id of ours.
    `client`: its door, by `key` where it has one: to make a door its secret is read.
    """

    allowances: dict[str, Allowance] = field(default_factory=dict)
    checked_at: datetime | None = None
    tag: str = ""
    client: Klaviyo | None = None
    key: Secret | None = None


class Calls:
    """The door to one account for one publication, held by the worker that has the lease."""

    def __init__(
        self, publication: Publication, client: Klaviyo, *, is_first: bool = False, known: Known | None = None
    ) -> None:
        """`is_first`: nothing was called for this publication before."""
        self.publication = publication
        self.client = client
        self.is_first = is_first
        self.known = known or Known()
        # of other runs, without what was sent and answered; None: not read yet
        self._earlier: list[Attempt] | None = [] if is_first else None
        self._made: list[Attempt] = []  # in this run

    def call(
        self,
        step: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One call. Raises what the client raises, after writing it down; MustWait before anything is sent."""
        self._keep_lease()
        taken = self._spend(method, path)
        attempt = Attempt(
            publication=self.publication,
            number=max((one.number for one in self._attempts()), default=0) + 1,
            step=step,
            method=method,
            path=path + ("?" + "&".join(f"{key}={value}" for key, value in params.items()) if params else ""),
            request=json,
            started_at=right_now(),
        )
        rows.add(attempt)
        self._made.append(attempt)
        try:
            answer = self.client.call(method, path, params=params, json=json)
        except KlaviyoError as error:
            self._end(
                attempt, outcome_of(error), status=error.status, error=str(error), answer=_refusal(error)
            )
            budget.failed(taken, error, right_now())
            raise
        self._end(
            attempt,
            Attempt.Outcome.DONE,
            status=answer.status,
            answer=_without_people(path, answer.body),
            headers=dict(answer.headers_of_use),
        )
        budget.settle(taken, answer.headers_of_use, right_now())
        return answer

    def _spend(self, method: str, path: str) -> budget.Taken:
        """All is ready to be sent: the last moment of a wait is spent here, and the call leaves as the window opens."""
        while True:
            try:
                account_id, now = self.publication.account_id, right_now()
                return budget.spend(account_id, method, path, now, self.known.allowances)
            except budget.MustWait as wait:
                left = wait.until - right_now()
                if left > MOMENT:
                    raise
                time.sleep(max(0.0, left.total_seconds()))

    def was_done(self, step: str) -> bool:
        return any(one.step == step and one.outcome == Attempt.Outcome.DONE for one in self._attempts())

    def lost_at(self, step: str) -> datetime | None:
        """When a call of this step was sent that may have taken effect without our knowing; the last of them."""
        return self._last(step, Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN)

    def sent_at(self, step: str) -> datetime | None:
        """The same, and also when it surely took effect: for whoever did not write down what it made."""
        return self._last(step, Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN, Attempt.Outcome.DONE)

    def first_at(self, step: str) -> datetime:
        """When the first call of this step was about to be sent: nothing that it made is older."""
        times = (one.started_at for one in self._attempts() if one.step == step)
        return min(times, default=self.publication.created_at)

    def _last(self, step: str, *outcomes: str) -> datetime | None:
        times = [one.started_at for one in self._attempts() if one.step == step and one.outcome in outcomes]
        return times[-1] if times else None

    def was_lost(self, step: str) -> bool:
        return self.lost_at(step) is not None

    def sent(self, step: str) -> Any:
        """The body of the last call of this step; {} where there was none."""
        mine = next((one for one in reversed(self._made) if one.step == step), None)
        last = mine or self.publication.attempts.filter(step=step).order_by("-number").first()
        return (last.request if last else None) or {}

    def _attempts(self) -> list[Attempt]:
        """All of this publication, in order."""
        if self._earlier is None:
            self._earlier = list(self.publication.attempts.defer("request", "answer", "headers"))
        return self._earlier + self._made

    def _keep_lease(self) -> None:
        """Renewed when half of it is over: until then nobody else can have the publication."""
        now, held = right_now(), self.publication.lease_until
        if held is not None and held - now > LEASE / 2:
            return
        keep(self.publication, lease_until=now + LEASE)

    def _end(self, attempt: Attempt, outcome: str, **known: Any) -> None:
        rows.change(Attempt, {"id": attempt.pk}, {"outcome": outcome, "ended_at": right_now(), **known})
        attempt.outcome = outcome


def outcome_of(error: KlaviyoError) -> str:
    if isinstance(error, Throttled):
        return Attempt.Outcome.THROTTLED
    if isinstance(error, Refused):
        return Attempt.Outcome.REFUSED
    if isinstance(error, NotSent | NotAllowed):
        return Attempt.Outcome.NOT_SENT
    return Attempt.Outcome.UNKNOWN


def _refusal(error: KlaviyoError) -> Any:
    if not isinstance(error, Refused):
        return None
    return {
        "errors": [
            {
                "status": one.status,
                "code": one.code,
                "title": one.title,
                "detail": one.detail,
                "source": {"pointer": one.pointer, "parameter": one.parameter},
            }
            for one in error.errors
        ]
    }


def _without_people(path: str, body: Any) -> Any:
    """An account's answer names people and streets: of it, only what says which account it is."""
    if not path.startswith("/api/accounts") or not isinstance(body, dict):
        return body
    kept = ("test_account", "timezone", "preferred_currency", "public_api_key", "locale")
    data = body.get("data")
    rows = data if isinstance(data, list) else [data]
    return {
        "data": [
            {
                "type": row.get("type"),
                "id": row.get("id"),
                "attributes": {key: row.get("attributes", {}).get(key) for key in kept},
            }
            for row in rows
            if isinstance(row, dict)
        ]
    }
