"""Django's admin for the operator: people, workspaces, accounts and grants. No secret is on any page of it.

One signs in through allauth, with its limits. Accounts are connected and disconnected by operations only.
"""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest
from rest_framework.authtoken.models import TokenProxy

from accounts.audit import Act, record
from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign,no-untyped-call]
if admin.site.is_registered(TokenProxy):
    admin.site.unregister(TokenProxy)  # it would list everybody's API token

SECRETS = ("access_token", "refresh_token", "api_key")


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "workspace")


class WithRoles(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who gives, changes or takes a role is written down."""

    inlines = (MembershipInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        done = [(one, "given") for one in formset.new_objects]
        done += [(one, "changed") for one, _ in formset.changed_objects]
        done += [(one, "taken") for one in formset.deleted_objects]
        for one, what in done:
            text = f"{one.get_role_display()}: {what}"
            record(Act.ROLE, workspace=one.workspace_id, thing=one.user, name=str(one.user), detail=text)


@admin.register(User)
class UserAdmin(WithRoles):
    list_display = ("email", "name", "is_active", "is_staff", "joined_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    exclude = ("password", "groups", "user_permissions")
    readonly_fields = ("joined_at", "last_login")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()  # the person sets one by letter
        super().save_model(request, obj, form, change)


@admin.register(Workspace)
class WorkspaceAdmin(WithRoles):
    list_display = ("name", "slug", "kind", "created_at")
    list_filter = ("kind",)
    search_fields = ("name", "slug")


@admin.register(KlaviyoAccount)
class KlaviyoAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "klaviyo_id", "way_in", "state", "is_test", "owner", "connected_at")
    list_filter = ("state", "is_test")
    list_select_related = ("owner",)
    search_fields = ("name", "klaviyo_id")
    exclude = SECRETS
    readonly_fields = tuple(
        field.name for field in KlaviyoAccount._meta.fields if field.name not in (*SECRETS, "id", "owner")
    )
    autocomplete_fields = ("owner",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("access_token", "refresh_token")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "account",
        "workspace",
        "can_read",
        "can_publish",
        "can_report",
        "given_at",
        "withdrawn_at",
    )
    list_filter = ("withdrawn_at",)
    list_select_related = ("account", "workspace")
    search_fields = ("account__name", "account__klaviyo_id", "workspace__name")
    autocomplete_fields = ("account", "workspace", "given_by")
