"""What goes with an install besides its own people's answers: links for those without an account, their answers and
their yes; the tick on the go-live list.

A yes is for the hash of what would land, so any change lets it lapse without anybody doing anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now as right_now

from accounts.models import CatalogEntry, User
from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.excluding import EXCLUDED, METRIC_NAME
from flowbuilder.definition.frozen import Frozen
from flowbuilder.models import Install, Publication
from flowbuilder.operations.installs import (
    UnableToInstall,
    answer_question,
    confirm_install,
    landing_of,
    lock_open,
    values_of,
)


@transaction.atomic
def say_reviewed(*, install: Install, by: User, is_reviewed: bool, now: datetime | None = None) -> None:
    """Somebody read the emails as they landed, or takes that back."""
    install.reviewed_at = (now or right_now()) if is_reviewed else None
    install.reviewed_by = by if is_reviewed else None
    install.save(update_fields=["reviewed_at", "reviewed_by"])


@transaction.atomic
def end_links(*, install: Install) -> None:
    """Every link to this install that was handed on opens nothing from now on."""
    Install.objects.filter(pk=install.pk).update(link_number=F("link_number") + 1)
    install.refresh_from_db(fields=["link_number"])


def is_answered(install: Install, key: str) -> str:
    """By whom, where a person answered it; what was found is only a suggestion."""
    by = install.answers.get(key, {}).get("by", "found")
    return "" if by == "found" else "somebody" if by == "person" else str(by)


@transaction.atomic
def answer_by_link(*, install: Install, key: str, value: Any, name: str) -> None:
    """A colleague's answer. The first one counts: two links to one question never overwrite each other."""
    fresh = Install.objects.select_for_update().get(pk=install.pk)
    if fresh.link_number != install.link_number:
        raise UnableToInstall("This link was ended by whoever made it. Ask for a new one.")
    if by := is_answered(fresh, key):
        raise UnableToInstall(f"It was answered already, by {by}. Nothing more is needed from you.")
    answer_question(install=install, key=key, value=value, by=f"{name} (by link)")


def hash_of(install: Install) -> str:
    """Of all that would land: the request, the emails written with the design, and the account."""
    return content_hash(
        {
            "account": install.account_id,
            "body": landing_of(install).body,
            "contents": dict(Frozen(install.version.document).answered(values_of(install.answers)).contents),
            "making": sorted(str(one["value"]) for one in install.answers.values()),
        }
    )


@transaction.atomic
def approve(*, install: Install, read: str, name: str, now: datetime | None = None) -> None:
    """A reviewer's yes to what they read: its hash must still be that of what would land."""
    fresh = Install.objects.select_for_update(of=("self",)).select_related("version").get(pk=install.pk)
    if fresh.link_number != install.link_number or fresh.state != Install.State.CHOOSING:
        raise UnableToInstall(
            "This link was ended, or the install is confirmed already. Ask whoever sent it."
        )
    _is_as_read(fresh, read)
    fresh.approval = {"hash": read, "name": name, "at": (now or right_now()).isoformat()}
    fresh.save(update_fields=["approval"])


@transaction.atomic
def confirm_as_read(*, install: Install, by: User, read: str) -> Publication:
    """The merchant's yes to what they read, and to nothing else: in another tab, or by a colleague, it may have got
    another account or other answers meanwhile. Pressed twice it is the same publication."""
    fresh = Install.objects.select_for_update(of=("self",)).select_related("version").get(pk=install.pk)
    if fresh.state == Install.State.CHOOSING and not fresh.version.withdrawn_at:
        _is_as_read(fresh, read)
    return confirm_install(install=install, by=by)


def _is_as_read(install: Install, read: str) -> None:
    if hash_of(install) != read:
        raise UnableToInstall("It was changed while you read. Below is how it is now: read it again.")


@transaction.atomic
def leave_out(*, install: Install, flow_id: str, name: str, is_out: bool) -> None:
    """People whom that flow of the account wrote to lately do not get this one; or they do again."""
    lock_open(install)
    held = install.shape.get(EXCLUDED) or {"flows": {}}
    flows = {key: one for key, one in held["flows"].items() if key != flow_id}
    metric = held.get("metric", "")
    if is_out:
        rows = CatalogEntry.objects.filter(account=install.account, kind="metric", name=METRIC_NAME)
        metric = rows.order_by("pk").values_list("klaviyo_id", flat=True).first() or ""
        if not metric:
            raise UnableToInstall(
                f"This account has no metric “{METRIC_NAME}” yet, by which Klaviyo knows whom to leave out. "
                "Send a first email, or choose in Klaviyo which of the flows is live."
            )
        flows[flow_id] = name
    rest = {key: one for key, one in install.shape.items() if key != EXCLUDED}
    install.shape = {**rest, EXCLUDED: {"metric": metric, "flows": flows}} if flows else rest
    install.save(update_fields=["shape"])
