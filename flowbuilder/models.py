"""Designs, their versions, and what happened to accounts. Facts and constraints; the rules live in operations.

    Flow - Trigger, Action, Link        a working design: one trigger, steps, links from a port to a step
    Flow - Version - TemplateFlow       frozen snapshots, and the page on which one is offered
    Install - Publication - Attempt     a template flow in an account, and every call that brought it there

Two promises are kept by triggers in the database (guards.py): the ends of a link lie in its flow,
and a version never changes.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import KlaviyoAccount, User, Workspace

# --- The design --------------------------------------------------------------------------------------------------


class Flow(models.Model):
    """A working design. `revision` counts the acts on it; an act says which one it was made against."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="flows")
    name = models.CharField(max_length=200)
    profile_filter = models.JSONField(null=True, blank=True)
    reentry = models.JSONField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-changed_at", "-pk")

    def __str__(self) -> str:
        return self.name


class Trigger(models.Model):
    flow = models.OneToOneField(Flow, models.CASCADE, related_name="trigger")
    type = models.CharField(max_length=40)
    config = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.type} of {self.flow}"


class Action(models.Model):
    """A step. `key` names it inside the flow, through moves and versions; `config` is Klaviyo's `data`."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="actions")
    key = models.CharField(max_length=64)
    type = models.CharField(max_length=40)
    name = models.CharField(max_length=200, blank=True)
    config = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["flow", "key"], name="one_step_a_key"),)

    def __str__(self) -> str:
        return f"{self.type} {self.key}"


class Link(models.Model):
    """From a port of a step, or from the trigger where `source` is null, to a step."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="links")
    source = models.ForeignKey(Action, models.CASCADE, null=True, blank=True, related_name="links_out")
    port = models.CharField(max_length=64, default="next")
    target = models.ForeignKey(Action, models.CASCADE, related_name="links_in")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["source", "port"], name="one_link_a_port"),
            models.UniqueConstraint(
                fields=["flow"], condition=Q(source=None), name="one_link_from_the_trigger"
            ),
            models.CheckConstraint(
                condition=~Q(source=F("target")) | Q(source=None), name="no_link_to_itself"
            ),
        )

    def __str__(self) -> str:
        return f"{self.source or 'trigger'} -{self.port}-> {self.target}"


class Requirement(models.Model):
    """Something each account must supply: the question, and how to find the answer in the account."""

    class Kind(models.TextChoices):
        METRIC = "metric", "Metric"
        LIST = "list", "List"
        SEGMENT = "segment", "Segment"
        GROUP = "group", "Lists and segments"
        SENDER = "sender", "Sender"
        TEMPLATE = "template", "Email template"
        TEXT = "text", "Text"
        DELAY = "delay", "Delay"
        PROPERTY = "property", "Profile property"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="requirements")
    key = models.SlugField(max_length=40)
    kind = models.CharField(max_length=10, choices=Kind)
    question = models.CharField(max_length=200)
    help = models.CharField(max_length=300, blank=True)
    looks_for = models.CharField(max_length=200, blank=True, help_text="The name to look for in the account.")
    integration = models.CharField(
        max_length=200, blank=True, help_text="The integration a metric comes from."
    )
    default = models.JSONField(null=True, blank=True, help_text="What stood there in the design.")

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["flow", "key"], name="one_requirement_a_key"),)

    def __str__(self) -> str:
        return self.question


class EmailContent(models.Model):
    """What an email says, written here: made as an email template in each account before the flow is."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="contents")
    key = models.SlugField(max_length=64)
    name = models.CharField(max_length=200)
    html = models.TextField()
    text = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["flow", "key"], name="one_content_a_key"),)

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A frozen snapshot. `document` holds all that could change what lands; the hash covers exactly that."""

    flow = models.ForeignKey(Flow, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    notes = models.TextField(blank=True)
    document = models.JSONField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["flow", "number"], name="one_version_a_number"),)

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class TemplateFlow(models.Model):
    """A flow offered in the library."""

    class Visibility(models.TextChoices):
        SITE = "site", "Everybody on this site"
        WORKSPACE = "workspace", "Only this workspace"

    slug = models.SlugField(unique=True, max_length=80)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="template_flows")
    flow = models.OneToOneField(Flow, models.PROTECT, related_name="template_flow")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.SITE)
    current_version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


# --- What happens to accounts ------------------------------------------------------------------------------------


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
    # requirement key -> {"value": ..., "how": "in words", "by": "found" or "person"}
    answers = models.JSONField(default=dict, blank=True)
    live_flow_id = models.CharField(max_length=40, blank=True)
    # our step key -> {"action": id, "message": id or null}
    step_map = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

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


class Publication(models.Model):
    """One version on its way to one account. The row is the intent, committed before any call."""

    class State(models.TextChoices):
        ASKED = "asked", "Asked"
        PREPARING = "preparing", "Preparing"
        SENDING = "sending", "Sending"
        VERIFYING = "verifying", "Checking"
        PUBLISHED = "published", "Published"
        WAITING = "waiting", "Waiting"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Being looked up"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.ASKED, State.PREPARING, State.SENDING, State.VERIFYING, State.WAITING, State.UNKNOWN)

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="publications")
    install = models.ForeignKey(Install, models.PROTECT, null=True, blank=True, related_name="publications")
    version = models.ForeignKey(Version, models.PROTECT, related_name="publications")
    account = models.ForeignKey(KlaviyoAccount, models.PROTECT, related_name="publications")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="publications")
    flow_name = models.CharField(max_length=200)
    answers = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.ASKED)
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

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=["state", "not_before"]),
            models.Index(fields=["-created_at", "-id"]),  # the history, page by page
            models.Index(fields=["workspace", "-created_at", "-id"]),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["install"],
                condition=Q(state__in=["asked", "preparing", "sending", "verifying", "waiting", "unknown"]),
                name="one_open_publication_an_install",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} to {self.account}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

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
        FLOW = "flow", "Flow"

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="made")
    kind = models.CharField(max_length=10, choices=Kind)
    step = models.CharField(max_length=80, blank=True)
    klaviyo_id = models.CharField(max_length=40)
    name = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "made"
        constraints = (
            models.UniqueConstraint(fields=["publication", "kind", "step"], name="made_once_a_step"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.klaviyo_id}"
