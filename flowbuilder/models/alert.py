"""What a workspace is told when something goes wrong, who hears it, and whether it arrived."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.crypto import EncryptedTextField
from accounts.models import User, Workspace


class AlertLimits(models.Model):
    """From when on something counts as wrong in a workspace. Without a row: as a new one says."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="alert_limits")
    failed_above = models.PositiveSmallIntegerField(default=20)  # percent of what ended since yesterday
    stuck_after = models.PositiveSmallIntegerField(default=12)  # hours since it was asked for

    class Meta:
        verbose_name_plural = "alert limits"

    def __str__(self) -> str:
        return f"Limits of {self.workspace}"


class Listener(models.Model):
    """Somebody who hears of what goes wrong in a workspace: a member's mailbox, or an address of another system."""

    class Kind(models.TextChoices):
        EMAIL = "email", "Email"
        WEBHOOK = "webhook", "Webhook"

    class Pace(models.TextChoices):
        AT_ONCE = "at-once", "At once"
        DAILY = "daily", "Once a day"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="listeners")
    kind = models.CharField(max_length=8, choices=Kind)
    address = models.CharField(max_length=500)  # an email address of a member, or an https address
    secret = EncryptedTextField(null=True, blank=True)  # of a webhook: what it is signed with
    hears = models.JSONField(default=list)  # kinds of Alert
    pace = models.CharField(max_length=8, choices=Pace, default=Pace.AT_ONCE)
    digest_at = models.DateTimeField(null=True, blank=True)  # when the last one was put together
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["workspace", "kind", "address"], name="an_address_listens_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} listener {self.pk}"


class Alert(models.Model):
    """One occurrence of something that is wrong: opened when it is found, told once to each listener, closed when it
    is no longer found. `key` says of what it is: of one thing there is one open alert of a kind."""

    class Kind(models.TextChoices):
        DISCONNECTED = "disconnected", "An account is disconnected"
        SCOPES = "scopes", "Permissions of an account are missing"
        FAILED = "failed", "Many publications of a template failed"
        STUCK = "stuck", "Work is stuck"
        DRIFT = "drift", "An installed flow was changed or deleted"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=12, choices=Kind)
    key = models.CharField(max_length=80)
    text = models.TextField()
    path = models.CharField(max_length=300)  # of the page where one acts
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True, db_index=True)
    listeners: models.ManyToManyField[Listener, Told] = models.ManyToManyField(
        Listener, through="Told", related_name="alerts"
    )

    class Meta:
        ordering = ("-opened_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "kind", "key"],
                condition=Q(closed_at=None),
                name="one_open_alert_a_thing",
            ),
        )

    def __str__(self) -> str:
        return self.text


class Delivery(models.Model):
    """One message to one listener, written before it is sent, and tried again a few times."""

    class State(models.TextChoices):
        WAITING = "waiting", "On its way"
        SENT = "sent", "Delivered"
        FAILED = "failed", "Given up"

    MOST_TRIES: ClassVar[int] = 6

    listener = models.ForeignKey(Listener, models.CASCADE, related_name="deliveries")
    is_test = models.BooleanField(default=False)
    is_digest = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # of the last answer of a webhook
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name_plural = "deliveries"
        indexes = (models.Index(fields=["state", "not_before"]),)

    def __str__(self) -> str:
        return f"Delivery {self.pk}: {self.state}"


class Told(models.Model):
    """That a listener was told of an alert, and in which message: never twice."""

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="told")
    listener = models.ForeignKey(Listener, models.CASCADE, related_name="told")
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="told")

    class Meta:
        verbose_name_plural = "told"
        constraints = (models.UniqueConstraint(fields=["alert", "listener"], name="an_alert_is_told_once"),)

    def __str__(self) -> str:
        return f"Alert {self.alert_id} in delivery {self.delivery_id}"
