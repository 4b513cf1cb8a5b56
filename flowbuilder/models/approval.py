"""What waits for a second person's yes, and what was said."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User, Workspace
from flowbuilder.models.landing import Publication
from flowbuilder.models.rollout import Rollout


class Approval(models.Model):
    """One workspace's word on one publication, or on a rollout with all its publications: for this content hash and no
    other. `verdict` is empty until it is decided; a yes may lapse afterwards, and nothing else ever changes."""

    class Verdict(models.TextChoices):
        YES = "yes", "Approved"
        NO = "no", "Refused"
        LAPSED = "lapsed", "Lapsed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="approvals")  # whose people decide
    asked_in = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    publication = models.ForeignKey(
        Publication, models.PROTECT, null=True, blank=True, related_name="approvals"
    )
    rollout = models.ForeignKey(Rollout, models.PROTECT, null=True, blank=True, related_name="approvals")
    content_hash = models.CharField(max_length=64)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["workspace", "verdict"]),
            models.Index(fields=["asked_in", "verdict"]),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["publication", "workspace"],
                condition=Q(verdict=""),
                name="one_open_approval_a_publication",
            ),
            models.UniqueConstraint(
                fields=["rollout", "workspace"], condition=Q(verdict=""), name="one_open_approval_a_rollout"
            ),
            models.CheckConstraint(
                condition=Q(publication=None, rollout__isnull=False)
                | Q(publication__isnull=False, rollout=None),
                name="an_approval_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(verdict="", decided_at=None) | (~Q(verdict="") & Q(decided_at__isnull=False)),
                name="approval_decided_with_a_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(verdict__in=("yes", "no"), decided_by=F("asked_by")),
                name="nobody_approves_their_own",
            ),
        )

    def __str__(self) -> str:
        return f"{self.publication or self.rollout}: {self.get_verdict_display() or 'open'}"

    @property
    def is_open(self) -> bool:
        return not self.verdict

    @property
    def tone(self) -> str:
        return {"yes": "good", "no": "bad"}.get(self.verdict, "")


class Letter(models.Model):
    """A mail that is owed to one person about an approval: that it is asked for, or what was said. Written with what it
    tells, and gone when it was sent or given up."""

    class Kind(models.TextChoices):
        ASKED = "asked", "Is asked for"
        SAID = "said", "Was decided"

    MOST_TRIES = 6

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="letters")
    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind)
    not_before = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["approval", "person", "kind"], name="one_letter_a_person"),
        )

    def __str__(self) -> str:
        return f"{self.approval} to {self.person}: {self.get_kind_display()}"
