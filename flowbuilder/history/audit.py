"""The audit log: who did what. Owners read their workspaces', the operator's people all of it; nobody changes it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import current_workspace
from accounts.audit import record
from accounts.models import AuditEntry, Membership, User, Workspace
from flowbuilder.access import audit_for, user_of
from flowbuilder.history.exports import streamed
from flowbuilder.history.filters import FilterForm
from flowbuilder.history.finding import Orders, page_of, sorted_by

ORDERS: Orders = {"": ("at", False)}
MOST_PICKED = 500
COLUMNS = {  # name in the file -> column
    "entry": "pk",
    "at": "at",
    "person": "person__email",
    "act": "act",
    "kind": "kind",
    "thing": "thing_id",
    "name": "name",
    "detail": "detail",
    "workspace": "workspace__name",
}


class AuditFilters(FilterForm):
    """What the log is narrowed to."""

    q = forms.CharField(
        required=False,
        max_length=200,
        label="Thing",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search what it was about"}),
    )
    act = forms.ChoiceField(
        required=False,
        label="Act",
        choices=[("", "Act: any"), *((one.value, one.label) for one in AuditEntry.Act)],
    )

    def __init__(self, data: Any, *, workspaces: QuerySet[Workspace]) -> None:
        super().__init__(data)
        here = Membership.objects.filter(workspace__in=workspaces, user=OuterRef("pk"))
        for name, label, rows in (
            ("person", "Person", User.objects.filter(Exists(here))),
            ("workspace", "Workspace", workspaces),
        ):
            field = forms.ModelChoiceField(queryset=rows, required=False, label=label)
            field.choices = partial(_offered, rows, f"{label}: any")
            self.fields[name] = field
        self.add_days()
        self.order_fields(["q", "person", "act", "workspace", "from", "to"])

    def narrow(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """As far as the filters make sense."""
        self.is_valid()
        wanted = self.cleaned_data
        for name in ("person", "act", "workspace"):
            if chosen := wanted.get(name):
                rows = rows.filter(**{name: chosen})
        for word in (wanted.get("q") or "").split()[:8]:
            rows = rows.filter(Q(name__icontains=word) | Q(kind__icontains=word) | Q(detail__icontains=word))
        return self.on_days(rows, "at")


def _offered(rows: QuerySet[Any], nothing: str) -> list[tuple[Any, str]]:
    found = rows.order_by("name", "pk")[:MOST_PICKED]
    return [("", nothing), *((one.pk, str(one)) for one in found)]


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    seen, workspaces = audit_for(user_of(request))
    filters = AuditFilters(request.GET, workspaces=workspaces)
    found = page_of(
        filters.narrow(seen),
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
        orders=ORDERS,
        read=lambda rows: rows.select_related("person", "workspace"),
    )
    context = {"page": found, "filters": filters, "query": filters.query, "kept": settings.AUDIT_KEPT_DAYS}
    return render(request, "history/audit.html", context, status=200 if filters.is_valid() else 422)


@require_safe
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Filters that make no sense lead to the page, which says so."""
    seen, workspaces = audit_for(user_of(request))
    filters = AuditFilters(request.GET, workspaces=workspaces)
    if not filters.is_valid():
        return redirect(f"{reverse('history:audit')}?{filters.query}")
    rows = sorted_by(filters.narrow(seen), "", ORDERS)
    name = f"audit.{form}"
    record(AuditEntry.Act.EXPORTED, workspace=current_workspace(request), name=name, detail=filters.query)
    return streamed(rows, "audit", form, COLUMNS)
