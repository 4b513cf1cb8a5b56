"""The site's own admin: everything can be looked at, nothing changed. Changes go through operations.

Accounts, with their tokens, are in accounts.admin.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from flowbuilder.models import (
    Action,
    Attempt,
    Flow,
    Install,
    Link,
    Made,
    Move,
    Orphan,
    Proposal,
    Publication,
    Reading,
    Receipt,
    Requirement,
    Review,
    TemplateFlow,
    Trigger,
    Version,
)


class ReadOnly:
    """For a model's page and for its lines on another's: no adding, no changing, no deleting."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Lines(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    show_change_link = False


class TriggerLines(Lines):
    model = Trigger


class ActionLines(Lines):
    model = Action


class LinkLines(Lines):
    model = Link

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("source", "target")


class RequirementLines(Lines):
    model = Requirement


class AttemptLines(Lines):
    model = Attempt
    fields = ("number", "step", "method", "path", "status", "outcome", "started_at", "ended_at")
    show_change_link = True


class MadeLines(Lines):
    model = Made


class MoveLines(Lines):
    model = Move
    fields = ("number", "from_state", "to_state", "reason", "at", "until", "by", "attempt_number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("by")


@admin.register(Flow)
class FlowAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "workspace", "revision", "changed_at")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    inlines = (TriggerLines, ActionLines, LinkLines, RequirementLines)


@admin.register(Version)
class VersionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "number", "content_hash", "author", "created_at")
    list_select_related = ("author",)
    search_fields = ("name", "content_hash")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        return super().get_queryset(request).select_related("flow")


@admin.register(TemplateFlow)
class TemplateFlowAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "workspace", "visibility", "current_version")
    list_select_related = ("workspace", "current_version")
    search_fields = ("name", "slug")


@admin.register(Review)
class ReviewAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("template_flow", "version", "verdict", "asked_by", "asked_at", "decided_by", "decided_at")
    list_select_related = ("template_flow", "version", "asked_by", "decided_by")
    list_filter = ("verdict",)


@admin.register(Install)
class InstallAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("template_flow", "account", "workspace", "state", "live_flow_id", "created_at")
    list_select_related = ("template_flow", "account", "workspace")
    list_filter = ("state",)
    search_fields = ("template_flow__name", "account__name", "live_flow_id")


@admin.register(Publication)
class PublicationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "flow_name", "version", "account", "state", "asked_by", "klaviyo_flow_id")
    list_select_related = ("version", "account", "asked_by")
    list_filter = ("state",)
    search_fields = ("flow_name", "account__name", "account__klaviyo_id", "klaviyo_flow_id", "reason")
    inlines = (MoveLines, AttemptLines, MadeLines)


@admin.register(Attempt)
class AttemptAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("publication_id", "number", "step", "method", "path", "status", "outcome", "started_at")
    list_filter = ("outcome",)
    search_fields = ("path", "step")


@admin.register(Move)
class MoveAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "publication_id", "number", "from_state", "to_state", "reason", "by")
    list_select_related = ("by",)
    list_filter = ("to_state",)
    search_fields = ("=publication__pk", "reason")


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("account", "number", "publication_id", "at", "hash")
    list_select_related = ("account",)
    search_fields = ("account__name", "account__klaviyo_id", "=publication__pk", "hash")


@admin.register(Orphan)
class OrphanAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("account", "kind", "name", "klaviyo_flow_id", "why", "found_at", "seen_at")
    list_select_related = ("account",)
    list_filter = ("kind",)
    search_fields = ("account__name", "account__klaviyo_id", "name", "klaviyo_flow_id")


@admin.register(Reading)
class ReadingAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "install_id", "flow_id", "verdict", "since", "accepted_at")
    list_filter = ("verdict",)
    search_fields = ("flow_id",)


@admin.register(Proposal)
class ProposalAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "template_flow", "workspace", "by", "state")
    list_select_related = ("template_flow", "workspace", "by")
    list_filter = ("state",)
