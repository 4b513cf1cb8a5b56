"""The emails of a workspace: what they say, used by any of its flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify
from django.utils.timezone import now as right_now

from accounts.models import User, Workspace
from flowbuilder.models import Email
from flowbuilder.queries.emails import uses_of

LIMIT = 500_000  # characters of the HTML and of the text: both, in any script, fit into one form

START_HTML = """<!doctype html>
<html><body>
<p>Hello {{ first_name|default:'there' }},</p>
<p>Write your email here.</p>
<p>{% unsubscribe %}</p>
</body></html>
"""


class UnableToSave(Exception):
    """What was written cannot be kept; the text says why."""


class WrittenMeanwhile(UnableToSave):
    """Somebody saved the email since it was opened: nothing is lost, the later one chooses."""


def start_email(
    *, workspace: Workspace, by: User | None, name: str, html: str = START_HTML, text: str = ""
) -> Email:
    """A new email, with a key of its own."""
    title = name.replace("\0", "").strip()[:200] or "Email"
    return Email.objects.create(
        workspace=workspace,
        key=_free_keys(workspace, [title])[0],
        name=title,
        html=html,
        text=text,
        changed_by=by,
    )


def blank_email(*, workspace: Workspace, by: User | None, name: str) -> Email:
    """One of this name that nobody has written yet and no flow uses, else a new one: a change of mind leaves none."""
    title = name.strip()[:200] or "Email"
    blank = Email.objects.filter(
        workspace=workspace, name=title, revision=0, html=START_HTML, text=""
    ).first()
    if blank is not None and blank.key not in uses_of(workspace):
        return blank
    return start_email(workspace=workspace, by=by, name=name)


@transaction.atomic
def keep_contents(
    *, workspace: Workspace, by: User | None, contents: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Contents of a version or a starter put into the workspace's library: old key -> key here. One that is there
    already, word for word, is used again."""
    if not contents:
        return {}
    names = [one["name"].strip()[:200] or "Email" for one in contents.values()]
    there = {
        (one.name, one.html, one.text): one.key
        for one in Email.objects.filter(workspace=workspace, name__in=names)
    }
    kept: dict[str, str] = {}
    new: list[Email] = []
    for (key, one), name, free in zip(contents.items(), names, _free_keys(workspace, names), strict=True):
        what = (name, one.get("html", ""), one.get("text", ""))
        if what not in there:
            there[what] = free
            new.append(
                Email(workspace=workspace, key=free, name=name, html=what[1], text=what[2], changed_by=by)
            )
        kept[key] = there[what]
    Email.objects.bulk_create(new)
    return kept


@transaction.atomic
def write_email(
    *,
    email: Email,
    by: User | None,
    name: str,
    html: str,
    text: str,
    revision: int,
    now: datetime | None = None,
) -> Email:
    """Save what an email says, unless somebody did since `revision`."""
    check_words(name, html, text)
    held = Email.objects.select_for_update().get(pk=email.pk)
    if held.revision != revision:
        who = held.changed_by or "Somebody"
        raise WrittenMeanwhile(
            f"{who} saved this email while you wrote. Both are below: save yours over it, or take theirs."
        )
    held.name, held.html, held.text = name.strip()[:200], html, text
    held.revision += 1
    held.changed_by, held.changed_at = by, now or right_now()
    held.save()
    return held


def check_words(name: str, html: str, text: str) -> None:
    if not name.strip():
        raise UnableToSave("An email needs a name, by which you find it again.")
    if len(html) > LIMIT or len(text) > LIMIT:
        raise UnableToSave(
            f"An email may have at most {LIMIT:,} characters; this one has {max(len(html), len(text)):,}."
        )
    if any("\0" in one for one in (name, html, text)):
        raise UnableToSave("The email holds a character that cannot be kept (NUL). Paste it as plain text.")


def copy_email(*, email: Email, by: User | None) -> Email:
    name = f"{email.name} (copy)"[:200]
    return start_email(workspace=email.workspace, by=by, name=name, html=email.html, text=email.text)


@transaction.atomic
def delete_email(*, email: Email) -> None:
    """Take an email out of the library, unless a flow of the workspace uses it. Versions keep their own copies."""
    if flows := uses_of(email.workspace).get(email.key):
        names = ", ".join(f"“{one.name}”" for one in flows[:3])
        raise UnableToSave(
            f"{names} {'uses' if len(flows) == 1 else 'use'} this email: choose another there first."
        )
    email.delete()


def _free_keys(workspace: Workspace, names: Iterable[str]) -> list[str]:
    taken = set(Email.objects.filter(workspace=workspace).values_list("key", flat=True))
    found = []
    for name in names:
        stem = slugify(name)[:56] or "email"
        key, number = stem, 1
        while key in taken:
            number += 1
            key = f"{stem}-{number}"
        taken.add(key)
        found.append(key)
    return found
