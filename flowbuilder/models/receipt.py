"""What landed in an account, link by link; and the questions to the history that somebody keeps."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.models.landing import Publication


class Receipt(models.Model):
    """A publication that landed: the next link of its account's chain. Written by the publisher with the last move,
    never changed and never taken away; the database sees to that (guards.py)."""

    account = models.ForeignKey(KlaviyoAccount, models.PROTECT, related_name="receipts")
    number = models.PositiveIntegerField()  # from 1, without a gap
    publication = models.OneToOneField(Publication, models.PROTECT, related_name="receipt")
    at = models.DateTimeField(default=timezone.now)
    body_hash = models.CharField(max_length=64)  # of what was sent and taken
    previous_hash = models.CharField(max_length=64, blank=True)  # empty for the first
    hash = models.CharField(max_length=64)  # of all this, see publisher/receipts.py

    class Meta:
        ordering = ("account", "number")
        constraints = (models.UniqueConstraint(fields=["account", "number"], name="one_receipt_a_number"),)

    def __str__(self) -> str:
        return f"Receipt {self.number} of {self.account}"


class SavedView(models.Model):
    """A set of filters of the history under a name, of one person in one workspace."""

    person = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)  # as the address carries it

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(fields=["person", "workspace", "name"], name="one_view_a_name"),
        )

    def __str__(self) -> str:
        return self.name
