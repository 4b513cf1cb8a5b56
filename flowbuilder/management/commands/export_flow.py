"""`manage.py export_flow ID...`: each flow as the body that Klaviyo's Create Flow takes, one JSON line a flow."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flowbuilder.definition.writing import create_body, to_definition, with_defaults
from flowbuilder.management.commands.check_flow import as_line, find_flow, get_ready
from flowbuilder.queries import Design


class Command(BaseCommand):
    help = (
        "Print flows as create-flow bodies, one JSON line a flow, in the order asked for. Questions are replaced "
        "by their defaults. Exits 1 if a flow is not there; the others are printed all the same."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", metavar="ID", nargs="+", help="the number of a flow")

    def handle(self, *args: Any, **options: Any) -> None:
        get_ready()
        missing = 0
        for number in options["ids"]:
            flow = find_flow(number)
            if flow is None:
                missing += 1
                self.stderr.write(f"There is no flow {number}.")
                continue
            design = Design(flow)
            definition = with_defaults(to_definition(design.graph), design.defaults)
            self.stdout.write(as_line(create_body(flow.name, definition)))
            self.stdout.flush()
        if missing:
            raise CommandError(f"{missing} of {len(options['ids'])} flows are not there.")
