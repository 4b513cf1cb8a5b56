"""`manage.py orphans`: what does not fit between Klaviyo and our rows, a JSON line each. Exits 1 if any."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now as right_now

from accounts.klaviyo.errors import KlaviyoError
from accounts.models import KlaviyoAccount
from flowbuilder.management.commands.check_flow import as_line, get_ready
from flowbuilder.models import Orphan
from flowbuilder.publisher import late, orphans


class Command(BaseCommand):
    help = (
        "List flows in Klaviyo that look like ours and no row knows, installs whose flow is gone, and publications "
        "that take too long: one JSON line each, as last compared. Exits 1 if there are any."
    )
    requires_system_checks = ()  # nothing but the lines, and quickly

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", action="store_true", help="compare with Klaviyo first; else by night's")

    def handle(self, *args: Any, **options: Any) -> None:
        get_ready()
        now, number = right_now(), 0
        if options["now"]:
            for account in KlaviyoAccount.objects.filter(pk__in=orphans.accounts_to_compare()):
                try:
                    orphans.compare(account, now)
                except KlaviyoError as error:
                    self.stderr.write(f"{account} ({account.klaviyo_id}) was not compared: {error}")
        for one in Orphan.objects.select_related("account"):
            number += 1
            self.stdout.write(as_line(orphans.told(one)))
        for publication in late.late_ones(now).select_related("account"):
            number += 1
            line = {
                "kind": "late",
                "account": publication.account.klaviyo_id,
                "publication": publication.pk,
                "state": publication.state,
                "why": late.alarm(publication, now),
            }
            self.stdout.write(as_line(line))
        if number:
            raise CommandError(f"{number} to be looked at.")
