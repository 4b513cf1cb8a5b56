"""Every call of a publication: an attempt row is committed before it is sent, its outcome after. Never a token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.utils.timezone import now as right_now

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, NotAllowed, NotSent, Refused, Throttled
from flowbuilder.models import Attempt, Publication
from flowbuilder.publisher.states import LostLease

LEASE = timedelta(minutes=3)  # longer than any one call may take, with its renewal of a token


class Calls:
    """The door to one account for one publication, held by the worker that has the lease."""

    def __init__(self, publication: Publication, client: Klaviyo) -> None:
        self.publication = publication
        self.client = client

    def call(
        self,
        step: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One call. Raises what the client raises, after writing it down."""
        self._keep_lease()
        attempt = Attempt.objects.create(
            publication=self.publication,
            number=(self.publication.attempts.aggregate(last=Max("number"))["last"] or 0) + 1,
            step=step,
            method=method,
            path=path + ("?" + "&".join(f"{key}={value}" for key, value in params.items()) if params else ""),
            request=json,
        )
        try:
            answer = self.client.call(method, path, params=params, json=json)
        except KlaviyoError as error:
            self._end(
                attempt, outcome_of(error), status=error.status, error=str(error), answer=_refusal(error)
            )
            raise
        self._end(
            attempt,
            Attempt.Outcome.DONE,
            status=answer.status,
            answer=_without_people(path, answer.body),
            headers=dict(answer.headers_of_use),
        )
        return answer

    def _keep_lease(self) -> None:
        kept = Publication.objects.filter(
            pk=self.publication.pk,
            attempt_number=self.publication.attempt_number,
            state=self.publication.state,
        ).update(lease_until=right_now() + LEASE)
        if not kept:
            raise LostLease(f"publication {self.publication.pk} went to another worker")

    def _end(self, attempt: Attempt, outcome: str, **known: Any) -> None:
        Attempt.objects.filter(pk=attempt.pk).update(outcome=outcome, ended_at=right_now(), **known)

    def was_done(self, step: str) -> bool:
        return self.publication.attempts.filter(step=step, outcome=Attempt.Outcome.DONE).exists()

    def lost_at(self, step: str) -> datetime | None:
        """When a call of this step was sent that may have taken effect without our knowing; the last of them."""
        lost = self.publication.attempts.filter(
            step=step, outcome__in=(Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN)
        )
        return lost.order_by("-number").values_list("started_at", flat=True).first()

    def was_lost(self, step: str) -> bool:
        return self.lost_at(step) is not None


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
