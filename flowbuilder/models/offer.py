"""Frozen versions of a design, and the library's pages on which they are offered."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User, Workspace
from flowbuilder.models.design import Flow


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
