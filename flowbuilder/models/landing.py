"""What happens to accounts: installs, publications, every call, and what was made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.models.offer import TemplateFlow, Version
from flowbuilder.models.rollout import Rollout

# What can go wrong with a call (which calls those are: worked_out.py).
ERRORS = {
    "refused": "A value was refused",
    "access": "Access was missing",
    "gone": "Something was not there",
    "limits": "Klaviyo's limits",
    "klaviyo": "Klaviyo had a fault",
    "lost": "The answer was lost",
}


class Install(models.Model):
    """A template flow on its way into an account, or there: version, answers, the live flow."""

    class State(models.TextChoices):
        CHOOSING = "choosing", "Being set up"
        PUBLISHING = "publishing", "Being published"
        LIVE = "live", "Installed"
        GIVEN_UP = "given-up", "Given up"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="installs")
    template_flow = models.ForeignKey(TemplateFlow, models.PROTECT, related_name="installs")
    version = models.ForeignKey(Version, models.PROTECT, related_name="installs")
    account = models.ForeignKey(
        KlaviyoAccount, models.PROTECT, null=True, blank=True, related_name="installs"
    )
    state = models.CharField(max_length=12, choices=State, default=State.CHOOSING)
    # requirement key -> {"value": ..., "how": "in words", "by": "found", "person", or who answered by a link}
    answers = models.JSONField(default=dict, blank=True)
    # how it is built in this account: {"duplicate_tails": true, "excluded": ...} (definition/shaping.py, excluding.py)
    shape = models.JSONField(default=dict, blank=True)
    live_flow_id = models.CharField(max_length=40, blank=True)
    # our step key -> {"action": id, "message": id or null}
    step_map = models.JSONField(default=dict, blank=True)
    # somebody's tick on the go-live list: the emails were read as they landed
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    # what links to one question and to the preview are signed with: a new number ends the old ones
    link_number = models.PositiveIntegerField(default=0)
    # a reviewer's yes by link: {"hash": of what would land, "name": ..., "at": ...}; it counts while the hash holds
    approval = models.JSONField(default=dict, blank=True)
    # where it began, on a partner's own site, if the way back was allowed
    return_to = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # when the clock last set out to read its flow (publisher/readings.py)
    looked_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["template_flow", "account"],
                condition=Q(state="live"),
                name="one_live_install_an_account",
            ),
        )

    def __str__(self) -> str:
        return f"{self.template_flow} in {self.account or 'an account'}"


class Lane(models.Model):
    """The way into one account. One worker at a time goes along it, so that accounts never wait for each other."""

    account = models.OneToOneField(KlaviyoAccount, models.CASCADE, related_name="lane")
    lease_until = models.DateTimeField(null=True, blank=True)
    turn = models.PositiveBigIntegerField(default=0)  # who has it: each worker that takes it counts one up
    not_before = models.DateTimeField(null=True, blank=True)  # the account's limits say so
    rung_at = models.DateTimeField(null=True, blank=True)  # a message is under way: no second one is needed

    def __str__(self) -> str:
        return f"Lane of {self.account}"


class Publication(models.Model):
    """One thing that somebody wants done in one account. The row is the intent, committed before any call."""

    class Kind(models.TextChoices):
        CREATE = "create", "New flow"
        UPDATE = "update", "Update in place"
        STATUS = "status", "Change of status"
        REMOVE = "remove", "Removal"

    class State(models.TextChoices):
        ASKED = "asked", "Asked"
        APPROVED = "approved", "Approved"
        PREPARING = "preparing", "Preparing"
        SENDING = "sending", "Sending"
        VERIFYING = "verifying", "Checking"
        PUBLISHED = "published", "Published"
        WAITING = "waiting", "Waiting"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Being looked up"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (
        State.ASKED,
        State.APPROVED,
        State.PREPARING,
        State.SENDING,
        State.VERIFYING,
        State.WAITING,
        State.UNKNOWN,
    )

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="publications")
    install = models.ForeignKey(Install, models.PROTECT, null=True, blank=True, related_name="publications")
    version = models.ForeignKey(Version, models.PROTECT, related_name="publications")
    account = models.ForeignKey(KlaviyoAccount, models.PROTECT, related_name="publications")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="publications")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.CREATE)
    rollout = models.ForeignKey(Rollout, models.PROTECT, null=True, blank=True, related_name="publications")
    wave = models.PositiveSmallIntegerField(null=True, blank=True)  # of the rollout; 0 is the canary
    # what a change is to do: {"status": "live"}, {"steps": {...}}; empty for a new flow
    wanted = models.JSONField(default=dict, blank=True)
    flow_name = models.CharField(max_length=200)
    answers = models.JSONField(default=dict, blank=True)
    shape = models.JSONField(default=dict, blank=True)  # as the install said when it was asked
    state = models.CharField(max_length=12, choices=State, default=State.ASKED)
    needs_approval = models.BooleanField(default=False)
    approved_hash = models.CharField(max_length=64, blank=True)  # of all that the yes was for
    reason = models.TextField(blank=True)
    # [{"text", "pointer", "step", "path"}]: what Klaviyo refused, mapped to our steps
    refusals = models.JSONField(default=list, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempt_number = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    klaviyo_flow_id = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    # given up: what it made beside a flow is taken away from then on
    tidy_at = models.DateTimeField(null=True, blank=True, db_index=True)
    # whether one of its calls went wrong so, also where it landed in the end: kept by the database (worked_out.py)
    has_error_refused = models.BooleanField(default=False, db_default=False, editable=False)
    has_error_access = models.BooleanField(default=False, db_default=False, editable=False)
    has_error_gone = models.BooleanField(default=False, db_default=False, editable=False)
    has_error_limits = models.BooleanField(default=False, db_default=False, editable=False)
    has_error_klaviyo = models.BooleanField(default=False, db_default=False, editable=False)
    has_error_lost = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=["state", "not_before"]),
            models.Index(fields=["-created_at", "-id"]),  # the history, page by page
            models.Index(fields=["workspace", "-created_at", "-id"]),
            models.Index(fields=["account", "state", "not_before"]),  # what a lane does next
            models.Index(fields=["rollout", "state"]),
            models.Index(fields=["account", "-created_at", "-id"]),
            models.Index(fields=["state", "-created_at", "-id"]),
            models.Index(fields=["asked_by", "-created_at", "-id"], name="by_person"),
            # With the state, by which they are narrowed while they are read
            models.Index(fields=["flow_name", "id", "state"], name="by_flow"),
            models.Index(fields=["workspace", "flow_name", "id", "state"], name="by_workspace_and_flow"),
            # Who and which account a workspace's pickers offer: one seek each, however much they did elsewhere
            models.Index(fields=["workspace", "asked_by"], name="by_workspace_and_person"),
            models.Index(fields=["workspace", "account"], name="by_workspace_and_account"),
            models.Index(  # few rows among many
                fields=["-created_at", "-id"],
                condition=Q(state="published") & ~Q(reason=""),
                name="landed_not_as_meant",
            ),
            *(
                models.Index(
                    fields=["-created_at", "-id"],
                    condition=Q(**{f"has_error_{error}": True}),
                    name=f"with_error_{error}",
                )
                for error in ERRORS
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["install"],
                condition=Q(
                    state__in=[
                        "asked",
                        "approved",
                        "preparing",
                        "sending",
                        "verifying",
                        "waiting",
                        "unknown",
                    ]
                ),
                name="one_open_publication_an_install",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} to {self.account}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def awaits_approval(self) -> bool:
        """No worker takes it before a second person said yes."""
        return self.needs_approval and self.state == self.State.ASKED

    @property
    def flow_url(self) -> str:
        """Where the flow can be seen in Klaviyo."""
        return f"{settings.KLAVIYO_SITE_URL}/flow/{self.klaviyo_flow_id}/edit" if self.klaviyo_flow_id else ""


class Attempt(models.Model):
    """One call, written before it is sent. Tokens and personal data are never in it."""

    class Outcome(models.TextChoices):
        SENT = "sent", "No answer yet"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        THROTTLED = "throttled", "Throttled"
        NOT_SENT = "not-sent", "Not sent"
        UNKNOWN = "unknown", "Answer lost"

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=80)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    request = models.JSONField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SENT)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["publication", "number"], name="one_attempt_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.outcome}"

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


class Made(models.Model):
    """What a publication made in the account: what we may remove later, and nothing else."""

    class Kind(models.TextChoices):
        TEMPLATE = "template", "Email template"
        LIST = "list", "List"
        SEGMENT = "segment", "Segment"
        TAG = "tag", "Tag"
        FLOW = "flow", "Flow"

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="made")
    kind = models.CharField(max_length=10, choices=Kind)
    step = models.CharField(max_length=80, blank=True)
    klaviyo_id = models.CharField(max_length=40)
    name = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)  # taken away again, or found to be gone

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "made"
        constraints = (
            models.UniqueConstraint(
                fields=["publication", "kind", "step"],
                condition=Q(removed_at=None),
                name="made_once_a_step",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.klaviyo_id}"


class Move(models.Model):
    """A publication went from one state to another: when, why, and who said so. Rows are only ever added; the
    database sees to that (guards.py). The first state is always "asked", by whoever asked for the publication."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="moves")
    number = models.PositiveIntegerField()
    from_state = models.CharField(max_length=12, choices=Publication.State)
    to_state = models.CharField(max_length=12, choices=Publication.State)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)  # nothing was to happen before
    by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+"
    )  # null: the machine
    attempt_number = models.PositiveIntegerField(default=0)  # whose turn it was among the workers

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["publication", "number"], name="one_move_a_number"),)

    def __str__(self) -> str:
        return f"{self.from_state} to {self.to_state}"


class Orphan(models.Model):
    """A flow of an account that does not fit our rows, as last compared. Written by the publisher at night."""

    class Kind(models.TextChoices):
        UNKNOWN = "unknown", "In Klaviyo, unknown here"
        GONE = "gone", "Installed here, gone in Klaviyo"

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="orphans")
    kind = models.CharField(max_length=8, choices=Kind)
    klaviyo_flow_id = models.CharField(max_length=40)
    name = models.CharField(max_length=300, blank=True)
    why = models.TextField()
    install = models.ForeignKey(Install, models.CASCADE, null=True, blank=True, related_name="+")
    found_at = models.DateTimeField(default=timezone.now)  # first
    seen_at = models.DateTimeField(default=timezone.now)  # last

    class Meta:
        ordering = ("-found_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["account", "kind", "klaviyo_flow_id"], name="an_orphan_once_an_account"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name or self.klaviyo_flow_id} in {self.account}"


class DayCount(models.Model):
    """How many of the publications that were asked for on one day (in UTC) ended in one state. 0 stands for all
    workspaces, or for all flows, so that a sum is over as many rows as there are days. Kept by the database
    (worked_out.py), whoever moves a publication."""

    of_workspace = models.PositiveBigIntegerField(default=0)
    of_flow = models.PositiveBigIntegerField(default=0)  # the flow of the version
    day = models.DateField()
    state = models.CharField(max_length=12)
    number = models.IntegerField(default=0)

    class Meta:
        ordering = ("day",)
        constraints = (
            models.UniqueConstraint(
                fields=["of_workspace", "of_flow", "day", "state"], name="a_count_once_a_day"
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.state} on {self.day}"
