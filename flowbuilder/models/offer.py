"""Frozen versions of a design, the library's pages on which they are offered, and what reviewers said of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User, Workspace
from flowbuilder.models.design import Flow


class Version(models.Model):
    """A frozen snapshot. `document` holds all that could change what lands; the hash covers exactly that."""

    flow = models.ForeignKey(Flow, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    label = models.CharField(max_length=80, blank=True, help_text="What people call it: “Shorter waits”.")
    notes = models.TextField(blank=True)
    # Read from the design: " send-email send-sms ", so that a word can be looked for.
    channels = models.CharField(max_length=100, blank=True)
    document = models.JSONField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    withdrawn_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["flow", "number"], name="one_version_a_number"),)

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class TemplateFlow(models.Model):
    """A flow offered in the library. Its own people see the current version; strangers the last one that a reviewer
    said yes to. `link_number` is what share links are signed with: a new one ends the old."""

    class Visibility(models.TextChoices):
        SITE = "site", "Everybody, after a reviewer's yes"
        LINK = "link", "Whoever has the link"
        WORKSPACE = "workspace", "Only this workspace"

    class Category(models.TextChoices):
        WELCOME = "welcome", "Welcome"
        CART = "cart", "Abandoned cart"
        BROWSE = "browse", "Browse abandonment"
        AFTER = "post-purchase", "Post-purchase"
        REVIEWS = "reviews", "Reviews and feedback"
        REPLENISH = "replenish", "Replenishment"
        WIN_BACK = "win-back", "Win-back and sunset"
        BIRTHDAY = "birthday", "Birthdays and dates"
        STOCK = "stock", "Price and stock"
        LOYALTY = "loyalty", "Loyalty and VIP"
        SERVICE = "service", "Service messages"

    class Language(models.TextChoices):
        EN = "en", "English"
        CS = "cs", "Czech"
        DA = "da", "Danish"
        NL = "nl", "Dutch"
        FI = "fi", "Finnish"
        FR = "fr", "French"
        DE = "de", "German"
        IT = "it", "Italian"
        JA = "ja", "Japanese"
        NB = "nb", "Norwegian"
        PL = "pl", "Polish"
        PT = "pt", "Portuguese"
        ES = "es", "Spanish"
        SV = "sv", "Swedish"

    slug = models.SlugField(unique=True, max_length=80)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="template_flows")
    flow = models.OneToOneField(Flow, models.PROTECT, related_name="template_flow")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, help_text="Empty: generated from the design.")
    # Both as words between spaces, " cart win-back ", so that one can be looked for.
    categories = models.CharField(max_length=200, blank=True)
    languages = models.CharField(max_length=100, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.SITE)
    link_number = models.PositiveIntegerField(default=1)
    # wherever it goes, a second person of its workspace says yes first
    needs_approval = models.BooleanField(default=False)
    current_version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    public = models.ForeignKey("Review", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    is_mine: bool  # whether it is of a workspace of the person for whom access read it

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def version_for(self, *, mine: bool) -> Version | None:
        """What somebody may take: its own people, and who has the link, the current version; others the last with
        a yes. None where there is nothing for them."""
        if mine or self.visibility == self.Visibility.LINK:
            return self.current_version
        return self.public.version if self.public else None

    def offered_to(self, workspace_id: int) -> Version | None:
        """The version that a workspace's installs could begin or go on with; None where there is none."""
        version = self.version_for(mine=self.workspace_id == workspace_id)
        return version if version and not version.withdrawn_at else None

    def versions_for(self, *, mine: bool) -> QuerySet[Version]:
        """All that somebody may read about, withdrawn ones too, newest first."""
        found = Version.objects.filter(flow=self.flow_id, number__lte=self.current_version.number)
        if mine or self.visibility == self.Visibility.LINK:
            return found
        return found.filter(Exists(Review.objects.filter(version=OuterRef("pk"), verdict=Review.Verdict.YES)))


class Review(models.Model):
    """A version that wants to be seen by everybody, and a reviewer's word: for this content hash, this name and
    this description and no other. Decided once, it never changes; `verdict` is empty until then."""

    class Verdict(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        LAPSED = "lapsed", "Lapsed"

    template_flow = models.ForeignKey(TemplateFlow, models.CASCADE, related_name="reviews")
    version = models.ForeignKey(Version, models.PROTECT, related_name="reviews")
    content_hash = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=6, choices=Verdict, blank=True)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["template_flow"], condition=Q(verdict=""), name="one_open_review_a_template"
            ),
            models.CheckConstraint(
                condition=Q(verdict="", decided_at=None) | (~Q(verdict="") & Q(decided_at__isnull=False)),
                name="decided_with_a_verdict",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version}: {self.get_verdict_display() or 'open'}"


class ReturnAddress(models.Model):
    """A site to which an install of this workspace's template flows may lead back, by exact origin."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="return_addresses")
    origin = models.CharField(max_length=300)  # https://www.example.com, with its port where it is not 443

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "return addresses"
        constraints = (
            models.UniqueConstraint(fields=["workspace", "origin"], name="one_return_address_an_origin"),
        )

    def __str__(self) -> str:
        return self.origin
