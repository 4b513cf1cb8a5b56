"""`manage.py check_flow ID`: what is wrong with a flow, a JSON line for each problem. Exits 1 if any blocks."""

from __future__ import annotations

import io
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from flowbuilder.definition.preflight import blocking
from flowbuilder.models import Flow
from flowbuilder.queries import Design

MOST_DIGITS = 18  # what any database keeps as an id


class Command(BaseCommand):
    help = (
        "List what is wrong with a flow: one JSON line a problem. Exits 1 if any of them blocks publishing."
    )
    requires_system_checks = ()  # nothing but the lines, and quickly

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", help="the number of the flow")

    def handle(self, *args: Any, **options: Any) -> None:
        get_ready()
        flow = find_flow(options["id"])
        if flow is None:
            raise CommandError(f"There is no flow {options['id']}.")
        design = Design(flow)
        for one in design.told(design.problems):
            self.stdout.write(as_line(one))
        if stops := blocking(design.problems):
            many = "1 problem keeps" if len(stops) == 1 else f"{len(stops)} problems keep"
            raise CommandError(f"{many} “{flow}” from being published.")


def find_flow(number: str) -> Flow | None:
    if not number.isascii() or not number.isdigit() or len(number) > MOST_DIGITS:
        return None
    return Flow.objects.select_related("workspace", "trigger").filter(pk=int(number)).first()


def as_line(value: Any) -> str:
    """One line of JSON, readable in any language; what UTF-8 cannot hold is escaped."""
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return line


def get_ready() -> None:
    """The lines are UTF-8, whatever the terminal's language; and there are tables to read."""
    if Flow._meta.db_table not in connection.introspection.table_names():
        raise CommandError("The database has no tables yet. First run: manage.py migrate")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
