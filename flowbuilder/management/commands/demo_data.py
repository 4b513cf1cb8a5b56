"""The demo's people, template flows in the library, and an install that waits for Ada's approval. Running it again
changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts import demo
from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.models import Flow, TemplateFlow
from flowbuilder.operations.installs import answer_question, choose_account, confirm_install, start_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version, settle_offer
from flowbuilder.operations.reviews import decide
from flowbuilder.starters import starters

KETTLE = "QwE92b"  # one of the pretend Klaviyo's accounts, and its key


class Command(BaseCommand):
    help = __doc__

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        people = demo.make_people()
        northwind = Workspace.objects.get(slug="northwind")
        if Flow.objects.filter(workspace=northwind).exists():
            return
        ada, rowan = people["ada@northwind.example"], people["rowan@flowbuilder.example"]
        _offer(northwind, "1-abandoned-cart", "cart", ada, rowan)
        birthday = _offer(northwind, "3-birthday", "birthday", ada, rowan)
        birthday.needs_approval = True
        birthday.save(update_fields=["needs_approval"])
        _ask(birthday)


def _offer(workspace: Workspace, slug: str, category: str, ada: User, rowan: User) -> TemplateFlow:
    """For everybody, with a reviewer's yes."""
    document = next(one.document for one in starters() if one.slug == slug)
    flow = flow_from_document(workspace=workspace, by=ada, document=document)
    template = offer_in_library(version=publish_version(flow=flow, by=ada, notes="The first one."))
    settle_offer(
        template=template, by=ada, visibility="site", categories=[category], languages=["en"], description=""
    )
    for review in template.reviews.filter(verdict=""):
        decide(review=review, by=rowan, verdict="yes", reason="Does what it says.", seen=review.content_hash)
    template.refresh_from_db()
    return template


def _ask(template: TemplateFlow) -> None:
    """Another merchant wants it: nobody signs in as her, and what she asked for waits until somebody decides."""
    noor = User.objects.create_user("noor@kettleandco.example", name="Noor Haddad")
    kettle = Workspace.objects.create(slug="kettle", name="Kettle & Co", kind=Workspace.Kind.MERCHANT)
    Membership.objects.create(user=noor, workspace=kettle, role=Membership.Role.OWNER)
    account = KlaviyoAccount.objects.create(
        klaviyo_id=KETTLE,
        name="Kettle & Co",
        timezone="Europe/London",
        currency="GBP",
        is_test=True,
        sender_email="hello@kettleandco.example",
        sender_name="Kettle & Co",
        owner=kettle,
        api_key="pk_sandbox_kettle",
    )
    Grant.objects.create(account=account, workspace=kettle, can_publish=True, given_by=noor)
    install = start_install(template=template, workspace=kettle, by=noor)
    choose_account(install=install, account=account)
    sender = {"email": account.sender_email, "label": account.sender_name}
    answer_question(install=install, key="sender", value=sender)
    confirm_install(install=install, by=noor)
