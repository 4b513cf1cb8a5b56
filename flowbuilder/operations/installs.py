"""A merchant takes a template flow: start, choose the account, answer, confirm; before that nothing is made in Klaviyo.

Each act locks the install's row and reads it again, so two tabs and two presses meet one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.access import accounts_of
from accounts.audit import Act, record
from accounts.clock import now as right_now
from accounts.models import CatalogEntry, KlaviyoAccount, User, Workspace
from flowbuilder.definition.answering import WrongAnswer, checked
from flowbuilder.definition.finding import Known
from flowbuilder.definition.frozen import Frozen, Landing, Question
from flowbuilder.definition.shaping import SETTINGS, UnableToShape, shape
from flowbuilder.graph import Problem
from flowbuilder.models import Attempt, Install, Publication, TemplateFlow, Version
from flowbuilder.operations.moving_on import move_on, version_to_take
from flowbuilder.operations.publications import ask_for_publication
from flowbuilder.publisher import fits, made
from flowbuilder.publisher.fits import CATALOG_KINDS, Answer, find_answer, is_there
from flowbuilder.publisher.fits import shown_values as shown_values
from flowbuilder.publisher.fits import values_of as values_of
from flowbuilder.publisher.made import MAKE, is_to_make

LONGEST_NAME = 200  # of a list or segment


class UnableToInstall(Exception):
    """The install cannot go on; the text says why and what to do. `problems` name the steps, where it is theirs."""

    def __init__(self, text: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(text)
        self.problems = problems


# --- Beginning -----------------------------------------------------------------------------------------------------


@transaction.atomic
def start_install(*, template: TemplateFlow, workspace: Workspace, by: User) -> Install:
    """Begin, or go on with what this workspace began before. One connected account is chosen by itself.

    What is gone on with moves to the version that this workspace may take, and keeps the answers to questions that
    are still asked.
    """
    Workspace.objects.select_for_update().get(pk=workspace.pk)  # two presses begin one install
    begun = Install.objects.filter(template_flow=template, workspace=workspace, state=Install.State.CHOOSING)
    # Locked until it is written: another tab may choose the account of it, or confirm it, at this very moment.
    install = begun.select_for_update().first() or Install(
        template_flow=template, workspace=workspace, created_by=by
    )
    move_on(install, _to_take(install))
    if install.account is None:
        usable = list(accounts_of(workspace, "publish")[:2])
        if len(usable) == 1 and usable[0].is_connected:
            install.account = usable[0]
    install.save()
    return install


@transaction.atomic
def take_current(*, install: Install) -> None:
    """Go on with the version that stands in the place of a withdrawn one; answers that still fit come along."""
    _lock(install)
    if install.state == Install.State.CHOOSING:
        move_on(install, _to_take(install))
        install.save(update_fields=["version", "answers", "shape"])


def _to_take(install: Install) -> Version:
    version = version_to_take(install)
    if version is None:
        template = install.template_flow
        if template.current_version.withdrawn_at:
            why = "was withdrawn: nobody can begin with it now."
        else:
            why = "is not open to everybody yet: a reviewer of this site has to say yes first."
        raise UnableToInstall(f"“{template}” {why} The library has other template flows.")
    return version


@transaction.atomic
def choose_account(*, install: Install, account: KlaviyoAccount) -> None:
    """Install into this account. Answers that were found in another one are forgotten."""
    lock_open(install)
    if not accounts_of(install.workspace, "publish").filter(pk=account.pk).exists():
        raise UnableToInstall(f"{install.workspace} may not publish to that account. Choose another one.")
    if not account.is_connected:
        raise UnableToInstall(f"{account} is disconnected. Connect it again, or choose another one.")
    _not_there_yet(install, account)
    if install.account_id != account.pk:
        install.account = account
        install.answers, install.shape = {}, {}
        install.save(update_fields=["account", "answers", "shape"])


def lock_open(install: Install) -> None:
    """Read the install again, locked until the act is done; it must still be open."""
    _lock(install)
    _is_choosing(install)
    if install.version.withdrawn_at:
        raise UnableToInstall(
            f"Version {install.version.number} was withdrawn meanwhile: {install.version.withdrawn_reason} "
            "Open the install again and take the version that is offered now; your answers come along."
        )


def _is_choosing(install: Install) -> None:
    if install.state == Install.State.GIVEN_UP:
        raise UnableToInstall("This install was given up. Start again from the library.")
    if install.state != Install.State.CHOOSING:
        raise UnableToInstall("This install was confirmed already: see how it went.")


def _lock(install: Install) -> None:
    rows = Install.objects.select_for_update(of=("self",))
    install.refresh_from_db(
        from_queryset=rows.select_related(
            "workspace",
            "template_flow__current_version",
            "template_flow__public__version",
            "version",
            "account",
        )
    )


def _not_there_yet(install: Install, account: KlaviyoAccount) -> None:
    """At most one of a template flow in an account: there, or on its way by another install."""
    template = install.template_flow
    if other := fits.installs_in_the_way(template, [account.pk], but=install).get(account.pk):
        raise UnableToInstall(fits.way_is_taken(other, account, template))


@transaction.atomic
def give_up_install(*, install: Install) -> None:
    """The merchant does not want it after all. Nothing was made in the account yet."""
    _lock(install)
    _is_choosing(install)
    install.state = Install.State.GIVEN_UP
    install.save(update_fields=["state"])


# --- Answering -----------------------------------------------------------------------------------------------------


@transaction.atomic
def find_answers(*, install: Install, known: Known | None = None) -> list[Question]:
    """Answer what can be found in the account. `known` is what it has, as its catalog was read (here, if it is not
    given). What was found before is found anew, for it may be better known now; what a person chose stays, unless it
    is no longer in the account: those questions are open again, and returned."""
    lock_open(install)
    answers: dict[str, Answer] = {}
    gone: list[Question] = []
    questions = Frozen(install.version.document).questions
    if known is None:
        known = fits.known_in(install.account, fits.kinds_needed(questions)) if install.account else Known([])
    for question in questions:
        held = install.answers.get(question.key)
        if held and held["by"] != "found":
            if install.account is None or is_there(question, held["value"], known):
                answers[question.key] = held
                continue
            gone.append(question)
        elif install.account and (found := find_answer(install.account, question, known)):
            answers[question.key] = found
    if answers != install.answers:
        install.answers = answers
        install.save(update_fields=["answers"])
    return gone


def _are_there(account: KlaviyoAccount, question: Question, value: Any) -> bool:
    """Whether the account has what the answer names. One query, however much it has."""
    if question.kind not in CATALOG_KINDS or is_to_make(value):
        return True
    wanted = {one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)}
    found = CatalogEntry.objects.filter(
        account=account, kind__in=CATALOG_KINDS[question.kind], klaviyo_id__in=wanted
    )
    return wanted == set(found.order_by().values_list("klaviyo_id", flat=True))


@transaction.atomic
def answer_question(*, install: Install, key: str, value: Any, by: str = "person") -> None:
    """A person's answer; an empty one takes the answer back."""
    lock_open(install)
    questions = {one.key: one for one in Frozen(install.version.document).questions}
    if key not in questions:
        raise UnableToInstall("That question is not part of this template flow.")
    if install.account is None:
        raise UnableToInstall("Choose the Klaviyo account first.")
    answers = {other: held for other, held in install.answers.items() if other != key}
    if value not in (None, "", [], {}):
        value = checked_answer(install.account, questions[key], value)
        answers[key] = {"value": value, "how": "Your choice.", "by": by}
    install.answers = answers
    install.save(update_fields=["answers"])
    record(Act.ANSWERED, workspace=install.workspace_id, thing=install, detail=questions[key].question)


def checked_answer(account: KlaviyoAccount, question: Question, value: Any) -> Any:
    """The answer as it is kept; UnableToInstall where it is none, or names what is not in this account."""
    if is_to_make(value):
        return _checked_making(question, value)
    if question.kind in CATALOG_KINDS:
        wanted = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in wanted) or not _are_there(account, question, wanted):
            raise UnableToInstall("That is not in this account. Read the choices again and choose.")
        if question.kind == "group":
            return list(dict.fromkeys(wanted))
        if len(wanted) != 1:
            raise UnableToInstall("Choose one.")
        return wanted[0]
    if question.kind == "sender":
        return _checked_sender(value)
    try:
        return checked(question, value)
    except WrongAnswer as error:
        raise UnableToInstall(str(error)) from None


MAKEABLE = {"list": ("list",), "segment": ("segment",), "group": ("list", "segment")}


def _checked_making(question: Question, value: Mapping[str, Any]) -> dict[str, Any]:
    """A list or segment that is to be made in the account: {"$make": "list", "name": "Newsletter"}; a segment says
    its `definition` as Klaviyo takes it."""
    what, name = value[MAKE], str(value.get("name", "")).strip()
    if what not in MAKEABLE.get(question.kind, ()):
        raise UnableToInstall("That cannot be made here. Choose one that is there.")
    if not name or len(name) > LONGEST_NAME:
        raise UnableToInstall(f"Give the new {what} a name of at most {LONGEST_NAME} characters.")
    many = {"many": True} if question.kind == "group" else {}
    if what == "list":
        return {MAKE: what, "name": name, **many}
    definition = value.get("definition")
    if not isinstance(definition, Mapping) or not definition.get("condition_groups"):
        raise UnableToInstall("A new segment needs at least one condition.")
    return {MAKE: what, "name": name, "definition": dict(definition), **many}


def _checked_sender(value: Any) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {}
    email = str(given.get("email", "")).strip()
    try:
        validate_email(email)
    except ValidationError:
        raise UnableToInstall("A sender needs an email address, such as hello@example.com.") from None
    return {"email": email, "label": str(given.get("label", "")).strip()[:200] or email}


def open_questions(install: Install) -> list[Question]:
    """Those that matter with the answers so far: what is switched off is not asked for."""
    asked = Frozen(install.version.document).asked(values_of(install.answers))
    return [one for one in asked if one.key not in install.answers]


# --- Confirming ----------------------------------------------------------------------------------------------------


def landing_of(install: Install) -> Landing:
    """What a confirmation of this install would make in its account."""
    frozen = Frozen(install.version.document)
    return fits.landing_of(frozen, install.version.name, install.answers, install.shape)


@transaction.atomic
def choose_shape(*, install: Install, settings: Mapping[str, bool]) -> None:
    """How the flow is built in this account: see shaping.SETTINGS. What cannot be built is refused."""
    lock_open(install)
    chosen = {key: one for key, one in install.shape.items() if key not in SETTINGS}
    chosen |= {key: True for key in SETTINGS if settings.get(key)}
    try:
        shape(Frozen(install.version.document).graph, chosen)
    except UnableToShape as error:
        raise UnableToInstall(str(error)) from None
    install.shape = chosen
    install.save(update_fields=["shape"])


@transaction.atomic
def confirm_install(*, install: Install, by: User) -> Publication:
    """The merchant's yes: the publication row is the intent, and the worker is called when it is committed.

    Pressed twice it is the same publication.
    """
    _lock(install)
    if install.state in (Install.State.PUBLISHING, Install.State.LIVE):
        return install.publications.latest("pk")
    lock_open(install)
    if install.account is None or not install.account.is_connected:
        raise UnableToInstall("Connect the Klaviyo account first.")
    if install.publications.exclude(klaviyo_flow_id="").exists():
        raise UnableToInstall("A flow of this install is in the account already. See it in the history.")
    # Two installs into one account are confirmed one after the other.
    account = KlaviyoAccount.objects.select_for_update().get(pk=install.account.pk)
    if not accounts_of(install.workspace, "publish").filter(pk=account.pk).exists():
        raise UnableToInstall(f"{install.workspace} may no longer publish to {account}.")
    _not_there_yet(install, account)
    for question in Frozen(install.version.document).questions:
        held = install.answers.get(question.key)
        if held and not _are_there(account, question, held["value"]):
            raise UnableToInstall(
                f"“{question.question}” needs a new answer: it is not in {account} any more."
            )
    landing = landing_of(install)
    if landing.missing:
        raise UnableToInstall("Some questions are still open: answer them first.")
    if stops := fits.stops(landing):
        text = "With these answers it cannot be published: " + " ".join(one.text for one in stops)
        raise UnableToInstall(text, tuple(stops))
    install.state = Install.State.PUBLISHING
    install.save(update_fields=["state"])
    return ask_for_publication(install=install, by=by, answers=values_of(install.answers))


@transaction.atomic
def reopen_install(*, install: Install) -> None:
    """After a refusal: back to the questions. The refused publication stays in the history.

    Not while it is under way, and not when its flow is in the account, or may be: then only trying again is safe.
    """
    _lock(install)
    if install.state != Install.State.PUBLISHING:
        return
    last = install.publications.latest("pk")
    if last.is_open:
        raise UnableToInstall("It is still under way.")
    if last.klaviyo_flow_id:
        raise UnableToInstall("The flow is in your account already: try again, and we finish checking it.")
    if last.state == Publication.State.FAILED and _may_have_landed(last):
        raise UnableToInstall("The flow may be in your account: try again, and we look before sending it.")
    install.state = Install.State.CHOOSING
    install.save(update_fields=["state"])
    made.give_back(last, right_now())


def _may_have_landed(publication: Publication) -> bool:
    """Whether the answer to the last create call was lost."""
    sent = publication.attempts.filter(step="create-flow").order_by("-number").first()
    return sent is not None and sent.outcome in (Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN)
