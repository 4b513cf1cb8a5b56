"""What the history shows, as a file: the same filters, the same people, line by line as the database gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import current_workspace
from accounts.audit import Act, record
from flowbuilder.access import publications_in, user_of, workspaces_seen
from flowbuilder.history.filters import Filters
from flowbuilder.history.finding import sorted_by
from flowbuilder.spreadsheet import as_file, csv_lines

CHUNK = 2000  # rows in memory
Columns = Mapping[str, str]
COLUMNS = {  # name in the file -> column
    "publication": "pk",
    "asked_at": "created_at",
    "ended_at": "ended_at",
    "kind": "kind",
    "state": "state",
    "reason": "reason",
    "flow": "flow_name",
    "version": "version__number",
    "content_hash": "version__content_hash",
    "template": "version__flow__template_flow__name",
    "workspace": "workspace__name",
    "account": "account__name",
    "account_id": "account__klaviyo_id",
    "flow_id": "klaviyo_flow_id",
    "asked_by": "asked_by__name",
    "rollout": "rollout__name",
    "receipt": "receipt__hash",
}


@require_safe
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Filters that make no sense lead to the page, which says so."""
    workspaces = workspaces_seen(user_of(request))
    seen = publications_in(workspaces)
    filters = Filters(request.GET, workspaces=workspaces)
    if not filters.is_valid():
        return redirect(f"{reverse('history:list')}?{filters.query}")
    rows = sorted_by(filters.narrow(seen), filters.order)
    record(
        Act.EXPORTED, workspace=current_workspace(request), name=f"publications.{form}", detail=filters.query
    )
    return streamed(rows, "publications", form, COLUMNS)


def streamed(rows: QuerySet[Any], name: str, form: str, columns: Columns) -> StreamingHttpResponse:
    """A file called `name` with these columns (name in the file -> column), "csv" or "json"."""
    is_csv = form == "csv"
    lines = as_csv(rows, columns) if is_csv else as_json(rows, columns)
    return as_file(lines, f"{name}.{form}", "text/csv" if is_csv else "application/json")


def values_of(rows: QuerySet[Any], columns: Columns) -> Iterator[tuple[Any, ...]]:
    """By a cursor on the server where there is one: as much memory for a million rows as for a thousand."""
    for row in rows.values_list(*columns.values()).iterator(chunk_size=CHUNK):
        yield tuple(_plain(value) for value in row)


def as_csv(rows: QuerySet[Any], columns: Columns = COLUMNS) -> Iterator[str]:
    yield from csv_lines(columns, values_of(rows, columns))


def as_json(rows: QuerySet[Any], columns: Columns = COLUMNS) -> Iterator[str]:
    between = "[\n"
    for row in values_of(rows, columns):
        yield between + json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)
        between = ",\n"
    yield "\n]\n" if between == ",\n" else "[]\n"


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
