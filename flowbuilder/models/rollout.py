"""One version to many accounts, wave by wave."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Workspace
from flowbuilder.models.offer import Version


class Rollout(models.Model):
    """Who gets which version in which order, and when it stops by itself. Its accounts are its publications and
    its choices that are not sent yet."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Under way"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped by its rule"
        FINISHED = "finished", "Finished"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.PLANNED, State.RUNNING, State.PAUSED, State.STOPPED)

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="rollouts")
    version = models.ForeignKey(Version, models.PROTECT, related_name="rollouts")
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    reason = models.TextField(blank=True)
    canary = models.PositiveIntegerField(default=1)  # so many accounts first; 0: none
    wave_size = models.PositiveIntegerField(default=100)  # accounts in each wave after it
    # percent of the ended ones that failed or were refused
    stop_above = models.PositiveSmallIntegerField(default=10)
    # requirement key -> what is answered for every account: a value, or {"name"} of a thing that each account
    # has; with "$make": "list" it is made where there is none
    answers = models.JSONField(default=dict, blank=True)
    shape = models.JSONField(default=dict, blank=True)  # how it is built in every account, as Install.shape
    wave = models.PositiveSmallIntegerField(null=True, blank=True)  # the one under way
    judged_from = models.DateTimeField(null=True, blank=True)  # what ended before is forgiven by the rule
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="rollouts"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @cached_property
    def awaits_approval(self) -> bool:
        """A second person's word is open. One query."""
        return self.approvals.filter(verdict="").exists()


class Choice(models.Model):
    """An account that a rollout is for, with what the dry run found and the wave it goes in."""

    class Fit(models.TextChoices):
        UNCHECKED = "unchecked", "Not looked at yet"
        READY = "ready", "Ready"
        ASKS = "asks", "Needs answers"
        CANNOT = "cannot", "Cannot"

    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="choices")
    account = models.ForeignKey("accounts.KlaviyoAccount", models.PROTECT, related_name="+")
    fit = models.CharField(max_length=10, choices=Fit, default=Fit.UNCHECKED)
    reason = models.TextField(blank=True)
    # [{"name", "tone", "text"}]: the columns of the grid, each good, warn, bad or open
    checks = models.JSONField(default=list, blank=True)
    answers = models.JSONField(default=dict, blank=True)  # as Install.answers
    wave = models.PositiveSmallIntegerField(
        null=True, blank=True
    )  # 0 is the canary; null while it is not sent
    publication = models.OneToOneField(
        "flowbuilder.Publication", models.PROTECT, null=True, blank=True, related_name="choice"
    )

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=["rollout", "fit"]),)
        constraints = (
            models.UniqueConstraint(fields=["rollout", "account"], name="an_account_once_a_rollout"),
        )

    def __str__(self) -> str:
        return f"{self.account} in {self.rollout}"
