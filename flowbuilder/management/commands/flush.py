"""`manage.py flush`: Django's own, and the one guard lifted that keeps moves from being cleared away on SQLite."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

from flowbuilder.guards import lifted


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        with lifted(connections[options["database"]]):
            super().handle(**options)
