"""`manage.py sandbox`: start the pretend Klaviyo of the demo. All of it lives in flowbuilder.sandbox."""

import sys
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import BaseCommand

from flowbuilder.sandbox.options import add_arguments, from_arguments
from flowbuilder.sandbox.server import serve


class Command(BaseCommand):
    help = "Run a pretend Klaviyo (OAuth and API) on this machine. No real account is touched."
    requires_system_checks: ClassVar[list[str]] = []  # it needs nothing of the product, not even a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        code = serve(from_arguments(options))
        if code:
            sys.exit(code)
