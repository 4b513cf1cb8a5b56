"""A merchant takes a template flow: start, choose the account, answer, confirm. Nothing is made in Klaviyo before
the confirmation."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import catalog
from accounts.models import CatalogEntry, KlaviyoAccount, User, Workspace
from flowbuilder.frozen import Frozen, Question
from flowbuilder.models import Install, Publication, TemplateFlow
from flowbuilder.operations.publications import ask_for_publication
from flowbuilder.publisher.definition import bind

CATALOG_KINDS = {
    "metric": (CatalogEntry.Kind.METRIC,),
    "list": (CatalogEntry.Kind.LIST,),
    "segment": (CatalogEntry.Kind.SEGMENT,),
    "group": (CatalogEntry.Kind.LIST, CatalogEntry.Kind.SEGMENT),
    "template": (CatalogEntry.Kind.TEMPLATE,),
}


class UnableToInstall(Exception):
    """The install cannot go on; the text says why and what to do."""


@transaction.atomic
def start_install(*, template: TemplateFlow, workspace: Workspace, by: User) -> Install:
    """Begin, or go on with what this workspace began before. One connected account is chosen by itself."""
    install = Install.objects.filter(
        template_flow=template, workspace=workspace, state=Install.State.CHOOSING
    ).first() or Install(template_flow=template, workspace=workspace, created_by=by)
    if install.version_id != template.current_version_id:
        install.version = template.current_version
        install.answers = {}
    install.save()
    return install


@transaction.atomic
def choose_account(*, install: Install, account: KlaviyoAccount) -> None:
    """Install into this account. Answers that were found in another one are forgotten."""
    _still_open(install)
    if install.account_id != account.pk:
        install.account = account
        install.answers = {}
        install.save(update_fields=["account", "answers"])


def _still_open(install: Install) -> None:
    if install.state != Install.State.CHOOSING:
        raise UnableToInstall("This install was confirmed already: see how it went.")


def find_answers(*, install: Install) -> None:
    """Answer what can be found in the account (its catalog must have been read). What a person chose stays."""
    _still_open(install)
    answers = dict(install.answers)
    for question in Frozen(install.version.document).questions:
        if question.key not in answers and (found := _find(install.account, question)):
            answers[question.key] = found
    if answers != install.answers:
        install.answers = answers
        install.save(update_fields=["answers"])


def _find(account: KlaviyoAccount | None, question: Question) -> dict[str, Any] | None:
    """{"value", "how", "by": "found"} where there is one clear answer, else None."""
    if account is None:
        return None
    if question.kind == "sender":
        if not account.sender_email:
            return None
        value = {"email": account.sender_email, "label": account.sender_name or account.name}
        return {"value": value, "how": "The default sender of your account.", "by": "found"}
    if question.kind in ("text", "delay", "property"):
        if question.default in (None, ""):
            return None
        return {"value": question.default, "how": "As the template suggests.", "by": "found"}
    entries = [one for kind in CATALOG_KINDS[question.kind] for one in catalog.choices(account, kind)]
    named = [one for one in entries if question.looks_for and one.name == question.looks_for]
    from_integration = [
        one for one in named if question.integration and one.integration == question.integration
    ]
    fits = from_integration or named
    if len(fits) != 1:
        return None
    where = f" from {fits[0].integration}" if fits[0].integration else ""
    value = [fits[0].klaviyo_id] if question.kind == "group" else fits[0].klaviyo_id
    return {"value": value, "how": f"{fits[0].name}{where}: the only one of this name.", "by": "found"}


@transaction.atomic
def answer_question(*, install: Install, key: str, value: Any) -> None:
    """A person's answer; an empty one takes the answer back."""
    _still_open(install)
    questions = {one.key: one for one in Frozen(install.version.document).questions}
    if key not in questions:
        raise UnableToInstall("That question is not part of this template flow.")
    answers = dict(install.answers)
    if value in (None, "", [], {}):
        answers.pop(key, None)
    else:
        answers[key] = {
            "value": _checked(install, questions[key], value),
            "how": "Your choice.",
            "by": "person",
        }
    install.answers = answers
    install.save(update_fields=["answers"])


def _checked(install: Install, question: Question, value: Any) -> Any:
    """Ids must be of this account; a sender needs an address."""
    if question.kind in CATALOG_KINDS and install.account is not None:
        known = {
            one.klaviyo_id
            for kind in CATALOG_KINDS[question.kind]
            for one in catalog.choices(install.account, kind)
        }
        wanted = value if isinstance(value, list) else [value]
        if not set(wanted) <= known:
            raise UnableToInstall("That is not in this account any more. Read the choices again and choose.")
        return wanted if question.kind == "group" else wanted[0]
    if question.kind == "sender":
        email = str(value.get("email", "")).strip()
        if "@" not in email:
            raise UnableToInstall("A sender needs an email address.")
        return {"email": email, "label": str(value.get("label", "")).strip() or email}
    if question.kind == "delay":
        if not str(value).strip().isdigit() or int(value) < 1:
            raise UnableToInstall("Write a whole number of 1 or more.")
        return int(value)
    return str(value).strip()


def values_of(answers: dict[str, Any]) -> dict[str, Any]:
    """requirement key -> the bare value."""
    return {key: one["value"] for key, one in answers.items()}


def open_questions(install: Install) -> list[Question]:
    return [one for one in Frozen(install.version.document).questions if one.key not in install.answers]


@transaction.atomic
def confirm_install(*, install: Install, by: User) -> Publication:
    """The merchant's yes: the publication row is the intent, and the worker is called when it is committed."""
    install = Install.objects.select_for_update().get(pk=install.pk)
    if install.state == Install.State.PUBLISHING:
        return install.publications.latest("pk")  # pressed twice: the same publication
    _still_open(install)
    if install.account is None or not install.account.is_connected:
        raise UnableToInstall("Connect the Klaviyo account first.")
    values = values_of(install.answers)
    templates = dict.fromkeys(install.version.document.get("contents", {}), "to be made")
    if bind(install.version.document["definition"], values, templates).missing:
        raise UnableToInstall("Some questions are still open: answer them first.")
    if Install.objects.filter(
        template_flow=install.template_flow, account=install.account, state=Install.State.LIVE
    ).exists():
        raise UnableToInstall(
            f"“{install.template_flow}” is installed in {install.account} already. Remove that copy first."
        )
    install.state = Install.State.PUBLISHING
    install.save(update_fields=["state"])
    return ask_for_publication(install=install, by=by, answers=values)


@transaction.atomic
def reopen_install(*, install: Install) -> None:
    """After a refusal: back to the questions. The refused publication stays in the history."""
    install = Install.objects.select_for_update().get(pk=install.pk)
    if install.publications.filter(state__in=Publication.OPEN).exists():
        raise UnableToInstall("It is still under way.")
    if install.state == Install.State.PUBLISHING:
        install.state = Install.State.CHOOSING
        install.save(update_fields=["state"])
