"""Filters of the history that somebody keeps under a name, for themselves in one workspace."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User, Workspace
from flowbuilder.models import SavedView

MOST = 30


class UnableToSave(Exception):
    """The text says why, and what to do."""


@transaction.atomic
def save_view(*, person: User, workspace: Workspace, name: str, query: str) -> SavedView:
    """The name says which: a view of that name is put otherwise."""
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise UnableToSave("Give the view a name of at most 60 letters.")
    if not query or len(query) > 1000:
        raise UnableToSave("There is nothing to save yet: choose a filter first.")
    mine = SavedView.objects.filter(person=person, workspace=workspace)
    if mine.exclude(name=name).count() >= MOST:
        raise UnableToSave(f"You have {MOST} views here: forget one first.")
    return mine.update_or_create(name=name, person=person, workspace=workspace, defaults={"query": query})[0]


def forget_view(*, view: SavedView) -> None:
    view.delete()
