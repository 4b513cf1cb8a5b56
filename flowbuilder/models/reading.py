"""What installed flows were found to be in their accounts, and what of it was proposed to those who design them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User, Workspace
from flowbuilder.models.design import Edit
from flowbuilder.models.landing import Install
from flowbuilder.models.offer import TemplateFlow


class Reading(models.Model):
    """A flow as its account had it. What was found never changes (guards.py); found again the same, only `at` moves
    on. `since` is when it was first seen to be another than it was left."""

    class Verdict(models.TextChoices):
        NONE = "none", "As it was left"
        COSMETIC = "cosmetic", "Names changed"
        STATUS = "status", "Statuses changed"
        CONTENT = "content", "Content changed"
        LOGIC = "logic", "Logic changed"
        GONE = "gone", "Gone"

    install = models.ForeignKey(Install, models.CASCADE, related_name="readings")
    flow_id = models.CharField(max_length=40)
    first_at = models.DateTimeField(default=timezone.now)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")  # null: the clock
    name = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, blank=True)
    definition = models.JSONField(null=True, blank=True)  # null where the flow is gone
    # action id -> {"hash", "edited", "html" where it was edited or is none of ours}
    emails = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict)
    # [{"weight", "id", "key", "text"}]
    differences = models.JSONField(default=list, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    content_hash = models.CharField(max_length=64)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=["install", "-at"]),)

    def __str__(self) -> str:
        return f"{self.install}: {self.verdict}"


class Proposal(models.Model):
    """What somebody changed in their copy of a template flow, offered to those who design it.

    `document`: {"version": its number, "base" and "offered": definitions in the design's words, "requirements": the
    questions of both, of which "asked" are new, "names", "contents": emails that were written in the account, "hashes"
    of those of the version; and, of what was taken already, "kept": parts for which the design's own was chosen,
    "picked": new question -> the one that was asked instead}. Nothing in it is an id of the account.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        TAKEN = "taken", "Taken"
        DECLINED = "declined", "Declined"

    template_flow = models.ForeignKey(TemplateFlow, models.CASCADE, related_name="proposals")
    reading = models.ForeignKey(Reading, models.CASCADE, related_name="proposals")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="proposals")  # whose copy it is
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    note = models.TextField(blank=True)
    changes = models.JSONField(default=list)  # [{"text"}], as it was proposed
    document = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    edit = models.ForeignKey(Edit, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["reading"],
                condition=models.Q(state="open"),
                name="one_open_proposal_a_reading",
            ),
        )

    def __str__(self) -> str:
        return f"Proposal for {self.template_flow}"
