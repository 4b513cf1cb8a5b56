"""Mails about approvals: to those who may decide, and to whoever asked once it is decided. One mail a person and round,
with all that is owed to them. Called every minute by tasks.py.

As with alerts, a try is written down before it is made. What does not hold any more when its turn comes is not sent:
somebody else decided meanwhile, or the person left.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Membership, User
from flowbuilder.alerts.sending import WAITS
from flowbuilder.models import Letter
from flowbuilder.queries.approvals import DECIDERS

log = logging.getLogger(__name__)
Kind = Letter.Kind


def send_letters(now: datetime) -> int:
    """To how many people a mail went out."""
    due = Letter.objects.filter(not_before__lte=now).order_by().values_list("person", flat=True)
    return sum(_send(person, now) for person in sorted(set(due)))


def _send(person_id: int, now: datetime) -> bool:
    person = User.objects.get(pk=person_id)
    mine = _take(person, now)
    asked = [one for one in mine if one.kind == Kind.ASKED]
    said = [one for one in mine if one.kind == Kind.SAID]
    if not mine:
        return False
    context = {
        "asked": [_line(one) for one in asked],
        "said": [_line(one) for one in said],
        "all": f"{settings.SITE_URL}{reverse('approvals:list')}",
    }
    text = render_to_string("approvals/letter.txt", context)
    subject = " ".join(_subject(asked, said).split())[:150]
    try:
        EmailMessage(subject, text, to=[person.email]).send()
    except (SMTPException, OSError) as error:
        log.warning("a mail about approvals to person %s failed: %s", person_id, type(error).__name__)
        return False
    Letter.objects.filter(pk__in=[one.pk for one in mine]).delete()
    return True


def _take(person: User, now: datetime) -> list[Letter]:
    """Compare and set: of two workers one sends. What holds no more is thrown away, as is what was tried too often."""
    related = ("workspace", "asked_in", "asked_by", "decided_by", "rollout", "publication__account")
    rows = Letter.objects.filter(person=person, not_before__lte=now).select_related(
        *(f"approval__{one}" for one in related)
    )
    roles = dict(Membership.objects.filter(user=person).values_list("workspace", "role"))
    taken = []
    for row in rows:
        if row.tries >= Letter.MOST_TRIES or not (person.is_active and _still_holds(row, roles)):
            row.delete()
            continue
        wait = WAITS[min(row.tries, len(WAITS) - 1)]
        same = Letter.objects.filter(pk=row.pk, tries=row.tries, not_before__lte=now)
        if same.update(tries=F("tries") + 1, not_before=now + wait):
            taken.append(row)
    return taken


def _still_holds(row: Letter, roles: dict[int, str]) -> bool:
    one = row.approval
    if row.kind == Kind.ASKED:
        return one.is_open and roles.get(one.workspace_id) in DECIDERS
    return one.asked_in_id in roles


def _line(row: Letter) -> dict[str, Any]:
    one = row.approval
    thing = one.rollout or one.publication
    return {
        "one": one,
        "name": _name(row),
        "where": "many accounts" if one.rollout else str(one.publication and one.publication.account),
        "url": f"{settings.SITE_URL}{reverse('approvals:approval', args=[one.pk])}",
        "others": thing.approvals.filter(verdict="").exists() if thing and row.kind == Kind.SAID else False,
    }


def _name(row: Letter) -> str:
    one = row.approval
    return one.rollout.name if one.rollout else one.publication.flow_name if one.publication else ""


def _subject(asked: Sequence[Letter], said: Sequence[Letter]) -> str:
    if asked:
        first = asked[0]
        more = f", and {len(asked) - 1} more" if len(asked) > 1 else ""
        return f"{first.approval.workspace}: “{_name(first)}” waits for your approval{more}"
    first = said[0]
    more = f", and {len(said) - 1} more" if len(said) > 1 else ""
    return f"“{_name(first)}”: {first.approval.get_verdict_display().lower()}{more}"
