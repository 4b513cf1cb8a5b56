"""`manage.py verify_receipts`: proves each account's chain of receipts, a JSON line each. Exits 1 at a broken one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from accounts.models import KlaviyoAccount
from flowbuilder.management.commands.check_flow import as_line, get_ready
from flowbuilder.publisher.receipts import verify


class Command(BaseCommand):
    help = (
        "Prove that the receipts of every account are an unbroken chain and say what was sent: one JSON line an "
        "account, with the first broken link. Exits 1 if there is any."
    )
    requires_system_checks = ()  # nothing but the lines, and quickly

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="*", help="Klaviyo's ids of accounts; else all")

    def handle(self, *args: Any, **options: Any) -> None:
        get_ready()
        accounts = KlaviyoAccount.objects.annotate(links=Count("receipts")).filter(links__gt=0)
        if options["account"]:
            accounts = accounts.filter(klaviyo_id__in=options["account"])
        broken = 0
        for account in accounts.order_by("klaviyo_id").iterator():
            wrong = verify(account)
            broken += wrong is not None
            line = {"account": account.klaviyo_id, "receipts": account.links, "broken": wrong}
            self.stdout.write(as_line(line))
        if broken:
            raise CommandError(f"{broken} broken.")
