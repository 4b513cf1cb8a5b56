"""A working design, the acts on it, and the emails that its workspace wrote."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User, Workspace


class Flow(models.Model):
    """A working design. `revision` counts the acts on it, and is the number of the last Edit."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="flows")
    name = models.CharField(max_length=200)
    profile_filter = models.JSONField(null=True, blank=True)
    reentry = models.JSONField(null=True, blank=True)
    extra = models.JSONField(
        default=dict, blank=True, help_text="Keys of the definition that nobody here knows."
    )
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
    note = models.TextField(blank=True, help_text="What people wrote on it; never published.")
    extra = models.JSONField(default=dict, blank=True, help_text="Keys of the action that nobody here knows.")

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
        COUPON = "coupon", "Coupon"
        IMAGE = "image", "Image"
        NUMBER = "number", "Number"
        YES_NO = "yes-no", "Yes or no"
        CHOICE = "choice", "Choice"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="requirements")
    key = models.SlugField(max_length=40)
    kind = models.CharField(max_length=10, choices=Kind)
    question = models.CharField(max_length=200)
    help = models.CharField(max_length=300, blank=True)
    looks_for = models.CharField(max_length=200, blank=True, help_text="The name to look for in the account.")
    integration = models.CharField(
        max_length=200, blank=True, help_text="The integration a metric comes from."
    )
    role = models.CharField(
        max_length=30, blank=True, help_text="Klaviyo's mapped metric that plays this part, such as revenue."
    )
    default = models.JSONField(null=True, blank=True, help_text="What stood there in the design.")
    who = models.CharField(max_length=60, blank=True, help_text="Who answers it; the merchant where empty.")
    place = models.PositiveSmallIntegerField(default=0, help_text="Its place among the questions.")
    # [{"value", "label"}] of a choice; {"least", "most", "whole", "units", "many", "lines"} as its kind needs them,
    # "emails" in which it stands (definition/pieces.py), what its "segment" is made of (definition/taken.py)
    options = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    # [{"start", "end", "keep", "side", "on": [answers]}]: parts of the flow that it switches (definition/switching.py)
    switches = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ("place", "pk")
        constraints = (models.UniqueConstraint(fields=["flow", "key"], name="one_requirement_a_key"),)

    def __str__(self) -> str:
        return self.question


# --- Acts, and who is there -------------------------------------------------------------------------------------


class Edit(models.Model):
    """One act on a flow and what it changed, before and after: appended, never changed.

    An undo is an edit of its own that takes back the act `of`; a redo brings it again.
    """

    class Kind(models.TextChoices):
        ACT = "act", "Act"
        UNDO = "undo", "Undo"
        REDO = "redo", "Redo"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=4, choices=Kind, default=Kind.ACT)
    of = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="repeats")
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=300)
    # [{"path": [...], "before": ..., "after": ...}]: a missing key is a value that is not there (graph/change.py)
    change = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["flow", "number"], name="one_edit_a_number"),)

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Who has a flow open, and the step they look at."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="people")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    step = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "user"], name="one_presence_a_person"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.flow}"


class Clip(models.Model):
    """What a person copied: steps with their links, to be pasted into any flow of theirs."""

    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    document = models.JSONField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Clip of {self.user}"


# --- Emails -----------------------------------------------------------------------------------------------------


class Email(models.Model):
    """What an email says, written here and used by any flow of the workspace: made as an email template in each
    account before the flow is. Versions hold a frozen copy."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="emails")
    key = models.SlugField(max_length=64)
    name = models.CharField(max_length=200)
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=0)
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=["workspace", "key"], name="one_email_a_key"),)

    def __str__(self) -> str:
        return self.name
