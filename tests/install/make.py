"""A template flow that asks for everything, an install of it, and what its page is given."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.catalog import choices, read_catalog
from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.definition.canonical import content_hash
from flowbuilder.models import Install, Publication, TemplateFlow, Version
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.journeys import hash_of
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.publisher import publish
from tests import make


def confirm(browser: Client, install: Install) -> Any:
    """Press “Install” on its preview as it is now."""
    return browser.post(
        reverse("install:confirm", args=[install.pk]), {"hash": hash_of(Install.objects.get(pk=install.pk))}
    )


def ask(key: str, part: str = "") -> dict[str, str]:
    return {"$ask": key, "part": part} if part else {"$ask": key}


def requirement(key: str, kind: str, question: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "kind": kind,
        "question": question,
        "help": "",
        "looks_for": "",
        "integration": "",
        "default": None,
        **more,
    }


def mail(key: str, then: str | None, subject: Any, template: Any) -> dict[str, Any]:
    message = {
        "name": f"Mail {key}",
        "subject_line": subject,
        "template_id": template,
        "from_email": ask("sender", "email"),
        "from_label": ask("sender", "label"),
        "smart_sending_enabled": True,
        "transactional": False,
        "add_tracking_params": False,
    }
    return {
        "temporary_id": key,
        "type": "send-email",
        "links": {"next": then},
        "data": {"status": "draft", "message": message},
    }


def everything() -> dict[str, Any]:
    """[metric] -> <wait> -> (in a group) -yes-> [mail-1]
    -no--> [mail-2] -> [text-1]
    """
    member = {"type": "profile-group-membership", "is_member": True, "group_ids": ask("groups")}
    return {
        "name": "Everything asked",
        "definition": {
            "triggers": [{"type": "metric", "id": ask("started"), "trigger_filter": None}],
            "profile_filter": None,
            "entry_action_id": "wait",
            "actions": [
                {
                    "temporary_id": "wait",
                    "type": "time-delay",
                    "links": {"next": "split"},
                    "data": {
                        "unit": "hours",
                        "value": ask("hours"),
                        "secondary_value": 0,
                        "timezone": "profile",
                    },
                },
                {
                    "temporary_id": "split",
                    "type": "conditional-split",
                    "links": {"next_if_true": "mail-1", "next_if_false": "mail-2"},
                    "data": {"profile_filter": {"condition_groups": [{"conditions": [member]}]}},
                },
                mail("mail-1", None, ask("subject"), {"$content": "hello"}),
                mail("mail-2", "text-1", "Still there", ask("body")),
                {
                    "temporary_id": "text-1",
                    "type": "send-sms",
                    "links": {"next": None},
                    "data": {"status": "draft", "message": {"name": "Text 1", "body": "Hi <b>you</b>"}},
                },
            ],
        },
        "requirements": [
            requirement(
                "started", "metric", "What starts it?", looks_for="Checkout Started", integration="Shopify"
            ),
            requirement("groups", "group", "Who is a member?", looks_for="VIP"),
            requirement("sender", "sender", "Who writes?"),
            requirement("subject", "text", "What is the subject?"),
            requirement("hours", "delay", "How many hours?", default=4),
            requirement("body", "template", "Which template?", looks_for="No such template"),
        ],
        "contents": {
            "hello": {"name": "Hello", "html": "<h1>Hello <script>x</script></h1>", "text": "Hello"}
        },
        "names": {"split": "In the club?"},
    }


def offer(workspace: Workspace, document: dict[str, Any] | None = None, **more: Any) -> TemplateFlow:
    flow = flow_from_document(workspace=workspace, by=None, document=document or everything())
    version = publish_version(flow=flow, by=None, notes="The first.")
    return make.approved(offer_in_library(version=version, **more))


def newer(template: TemplateFlow, document: dict[str, Any]) -> TemplateFlow:
    """The next version of an offered flow, with another document."""
    version = Version.objects.create(
        flow=template.flow,
        number=template.current_version.number + 1,
        name=document["name"],
        document=document,
        content_hash=content_hash(document),
    )
    return make.approved(offer_in_library(version=version))


def cart(account: KlaviyoAccount, by: User) -> Install:
    """The starter “abandoned cart”, with every question answered."""
    read_catalog(account)
    return make.install(
        make.template(account.owner),
        account,
        by,
        started_checkout="UpixsZ",
        placed_order=metric_id(account, "Placed Order"),
        sender={"email": "hello@harbourpine.example", "label": "Harbour"},
    )


def metric_id(account: KlaviyoAccount, name: str, integration: str = "Shopify") -> str:
    return choices(account, "metric").get(name=name, integration=integration).klaviyo_id


def publish_now(install: Install, by: User) -> Publication:
    """Confirm it and let a worker do its work."""
    publication = confirm_install(install=install, by=by)
    publish.run(publication.pk)
    publication.refresh_from_db()
    install.refresh_from_db()
    return publication
