"""The demo's people, and a template flow in the library. Running it again changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts import demo
from accounts.models import Workspace
from flowbuilder.models import Flow
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version, settle_offer
from flowbuilder.operations.reviews import decide
from flowbuilder.starters import starters


class Command(BaseCommand):
    help = __doc__

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        people = demo.make_people()
        northwind = Workspace.objects.get(slug="northwind")
        if Flow.objects.filter(workspace=northwind).exists():
            return
        ada = people["ada@northwind.example"]
        documents = {one.slug: one.document for one in starters()}
        cart = flow_from_document(workspace=northwind, by=ada, document=documents["1-abandoned-cart"])
        template = offer_in_library(version=publish_version(flow=cart, by=ada, notes="The first one."))
        settle_offer(
            template=template,
            by=ada,
            visibility="site",
            categories=["cart"],
            languages=["en"],
            description="",
        )
        for review in template.reviews.filter(verdict=""):
            rowan = people["rowan@flowbuilder.example"]
            decide(
                review=review, by=rowan, verdict="yes", reason="Does what it says.", seen=review.content_hash
            )
        flow_from_document(workspace=northwind, by=ada, document=documents["3-birthday"])
