"""Two doors for machines, without a sign-in, a session or a redirect.

/healthz    this process lives; asks nobody
/readyz     it can do its work: 200, or 503 with what is not there. Never why: that may name hosts and people
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from flowbuilder.celery import app

PATIENCE = 2.0  # seconds, for the broker


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"alive": True})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    found = {name: check() for name, check in CHECKS.items()}
    is_ready = all(found.values())
    words = {name: "ok" if is_there else "not there" for name, is_there in found.items()}
    return JsonResponse({"ready": is_ready, "checks": words}, status=200 if is_ready else 503)


def has_database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def has_migrations() -> bool:
    """Whether all of this code's are applied."""
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False


def has_broker() -> bool:
    try:
        with app.connection_for_write(connect_timeout=PATIENCE) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
    except (OperationalError, OSError):
        return False
    return True


CHECKS: dict[str, Callable[[], bool]] = {
    "database": has_database,
    "migrations": has_migrations,
    "broker": has_broker,
}
