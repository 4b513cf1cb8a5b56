"""A receipt for what landed, and the proof of an account's receipts.

    seal(publication)   the next link of its account, in the transaction of the last move
    verify(account)     None, or the first link that is broken, in words
    wrong_with(receipt) the same of one link

A link's hash is that of its account, its number, what was published and when, what was sent, and the hash before it.
Who changes one changes all that follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

from django.db import connection

from accounts import rows
from accounts.models import KlaviyoAccount
from flowbuilder.models import Attempt, Publication, Receipt

CHUNK = 200
LOCK = "SELECT id FROM accounts_klaviyoaccount WHERE id = %s FOR NO KEY UPDATE"
LAST = "SELECT number, hash FROM flowbuilder_receipt WHERE account_id = %s ORDER BY number DESC LIMIT 1"
SENT = """
SELECT method, path, request FROM flowbuilder_attempt
WHERE publication_id = %s AND outcome = 'done' AND method <> 'GET' ORDER BY number"""


def seal(publication: Publication, at: datetime) -> None:
    """One worker after the other, whatever became of their lanes: PostgreSQL by the account's row, SQLite since the
    move was written before."""
    if connection.vendor == "postgresql":
        rows.one(LOCK, publication.account_id)
    number, previous = rows.one(LAST, publication.account_id) or (0, "")
    made = Receipt(
        account_id=publication.account_id,
        number=number + 1,
        publication=publication,
        at=at,
        body_hash=_digest(
            [[method, path, _read(sent)] for method, path, sent in rows.every(SENT, publication.pk)]
        ),
        previous_hash=previous,
    )
    made.hash = hash_of(made, publication, publication.account.klaviyo_id, publication.version.content_hash)
    rows.add(made)


def hash_of(receipt: Receipt, publication: Publication, klaviyo_id: str, content_hash: str) -> str:
    """SHA-256 over canonical JSON, so that anybody can work it out again from the printed page."""
    approved = {"approved": publication.approved_hash} if publication.approved_hash else {}
    return _digest(
        {
            **approved,
            "account": klaviyo_id,
            "number": receipt.number,
            "publication": publication.pk,
            "kind": publication.kind,
            "name": publication.flow_name,
            "flow": publication.klaviyo_flow_id,
            "content": content_hash,
            "at": receipt.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "body": receipt.body_hash,
            "previous": receipt.previous_hash,
        }
    )


def bodies(publications: Iterable[int]) -> dict[int, str]:
    """publication -> hash of every call that changed something in the account, as it was sent. One query."""
    done = Attempt.objects.filter(publication__in=publications, outcome=Attempt.Outcome.DONE)
    calls = done.exclude(method="GET").order_by("publication_id", "number")
    found = calls.values_list("publication_id", "method", "path", "request")
    return {
        pk: _digest([list(call) for _, *call in group]) for pk, group in groupby(found, lambda row: row[0])
    }


def _read(sent: Any) -> Any:
    """A column of JSON in a plain statement."""
    return json.loads(sent) if isinstance(sent, str) else sent


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


EMPTY = _digest([])


# --- The proof ---------------------------------------------------------------------------------------------------


def verify(account: KlaviyoAccount) -> str | None:
    """The first broken link of this account in words. Reads some hundred links at a time."""
    related = ("publication", "publication__version")
    columns = (
        "number", "at", "body_hash", "previous_hash", "hash", "account_id",
        "publication__kind", "publication__flow_name", "publication__klaviyo_flow_id", "publication__state",
        "publication__account_id", "publication__version__content_hash", "publication__approved_hash",
    )  # fmt: skip
    links = account.receipts.select_related(*related).only(*columns).order_by("number")
    previous, began = "", None
    for number, (link, body) in enumerate(_with_bodies(links.iterator(chunk_size=CHUNK)), 1):
        began = began or link.at
        if link.number != number:
            return f"Receipt {number} is missing: {link.number} follows."
        if wrong := _wrong_with(link, body, previous, account.klaviyo_id):
            return f"Receipt {number} is broken: {wrong}"
        previous = link.hash
    landed = account.publications.filter(state=Publication.State.PUBLISHED, receipt=None)
    gone = landed.filter(ended_at__gte=began).order_by("ended_at", "pk").first() if began else None
    return f"Publication {gone.pk} landed and has no receipt." if gone else None


def wrong_with(link: Receipt) -> str:
    """What does not hold of one link and the one before it, in words; else empty."""
    before = Receipt.objects.filter(account=link.account_id, number=link.number - 1)
    previous = before.values_list("hash", flat=True).first() or ""
    body = bodies([link.publication_id]).get(link.publication_id, EMPTY)
    return _wrong_with(link, body, previous, link.publication.account.klaviyo_id)


def _with_bodies(links: Iterator[Receipt]) -> Iterator[tuple[Receipt, str]]:
    while chunk := list(islice(links, CHUNK)):
        found = bodies([link.publication_id for link in chunk])
        yield from ((link, found.get(link.publication_id, EMPTY)) for link in chunk)


def _wrong_with(link: Receipt, body: str, previous: str, klaviyo_id: str) -> str:
    publication = link.publication
    if link.previous_hash != previous:
        return "it does not follow from the one before it."
    if publication.account_id != link.account_id or publication.state != Publication.State.PUBLISHED:
        return f"publication {publication.pk} did not land in this account."
    if link.body_hash != body:
        return f"what publication {publication.pk} sent is not what was sealed."
    if link.hash != hash_of(link, publication, klaviyo_id, publication.version.content_hash):
        return "its hash is not that of what it says."
    return ""
