"""How flows do in their accounts: what is to be collected, what was, and who may see it. Written by
publisher/collecting.py and operations/performance.py, read by pages; no page calls Klaviyo for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import KlaviyoAccount, User, Workspace


class Measuring(models.Model):
    """The collecting of one account. `flows`: id -> {"name", "ours", "metrics"} of those that are measured; `metrics`:
    [{"id", "name", "category", "flows": [ids]}] of this app."""

    account = models.OneToOneField(KlaviyoAccount, models.CASCADE, related_name="measuring")
    # what counts as a conversion; by a person, or (chosen_at null) the metric that Klaviyo maps to orders
    metric_id = models.CharField(max_length=40, blank=True)
    metric_name = models.CharField(max_length=300, blank=True)
    chosen_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    chosen_at = models.DateTimeField(null=True, blank=True)
    flows = models.JSONField(default=dict, blank=True)
    metrics = models.JSONField(default=list, blank=True)
    listed_at = models.DateTimeField(null=True, blank=True)  # when both were read last
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)  # a sentence: why nothing comes, and what to do

    def __str__(self) -> str:
        return f"Measuring of {self.account}"


class Report(models.Model):
    """One question to Klaviyo about an account's flows, and how far its answer is. Standing ones are asked every day,
    others because a person wanted them.

    `frame`: past_30 or prior_30 (days, ending yesterday, and those before them), days, weeks (a standing series), a key
    of Klaviyo's, or two dates as 2026-10-01/2026-10-31. `progress`: where an answer of several pages stands.
    """

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="reports")
    metric_id = models.CharField(max_length=40)
    frame = models.CharField(max_length=24)
    interval = models.CharField(max_length=8, blank=True)  # empty: values
    groups = models.CharField(max_length=200, blank=True)  # empty: the usual ones
    is_standing = models.BooleanField(default=False)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, blank=True)  # null: settled, or no longer asked
    collected_at = models.DateTimeField(null=True, blank=True)  # the whole of it, last
    filled = models.JSONField(default=list, blank=True)  # flows of a standing series whose past is known
    progress = models.JSONField(default=dict, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-is_standing", "-asked_at", "pk")
        indexes = (models.Index(fields=["due_at"]),)
        constraints = (
            models.UniqueConstraint(
                fields=["account", "metric_id", "frame", "interval", "groups"], name="one_report_a_question"
            ),
        )

    def __str__(self) -> str:
        return f"{self.interval or 'values'} of {self.frame} in {self.account}"


class Figure(models.Model):
    """What one message did, or one part of it as it was grouped: in a whole time frame (interval empty; `at` is the day
    on which it was asked) or in one interval that begins `at`. Times are the account's own, written as if
    they were UTC.

    Found again, it is written over: never twice. Kept as publisher/collecting.py says.
    """

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="figures")
    metric_id = models.CharField(max_length=40)
    frame = models.CharField(max_length=24)
    interval = models.CharField(max_length=8, blank=True)
    groups = models.CharField(max_length=200, blank=True)
    flow_id = models.CharField(max_length=40)
    message_id = models.CharField(max_length=40)
    part = models.CharField(max_length=64)  # a hash of the other groupings
    groupings = models.JSONField(default=dict)  # all others than flow and message
    at = models.DateTimeField()
    statistics = models.JSONField(default=dict)
    collected_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=["account", "flow_id", "frame", "at"]),)
        constraints = (
            models.UniqueConstraint(
                fields=[
                    *("account", "metric_id", "frame", "interval", "groups"),
                    *("flow_id", "message_id", "part", "at"),
                ],
                name="one_figure_a_moment",
            ),
        )

    def __str__(self) -> str:
        return f"{self.flow_id} {self.message_id} {self.at:%Y-%m-%d}"


class Sharing(models.Model):
    """An account's owner lets others see how its flows do: one workspace the flows that it designed or installed; or,
    without a workspace, everybody who has or designs the same template flow, as one of at least five. Never deleted:
    it says who agreed, when, and who ended it."""

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="sharings")
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, null=True, blank=True, related_name="shared_numbers"
    )
    given_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-given_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["account", "workspace"],
                condition=Q(withdrawn_at=None, workspace__isnull=False),
                name="one_live_sharing_a_workspace",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(withdrawn_at=None, workspace__isnull=True),
                name="one_live_sharing_with_peers",
            ),
        )

    def __str__(self) -> str:
        return f"Numbers of {self.account} for {self.workspace or 'groups of five'}"
