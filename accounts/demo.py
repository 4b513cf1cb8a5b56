"""The people of the demo and of the tests: one of each role, each with a workspace.

`make_people` is called by the demo command. The password is public, so production refuses to make them.
"""

from __future__ import annotations

from typing import NamedTuple

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.models import Membership, User, Workspace

PASSWORD = "flowbuilder-demo"
Role, Kind = Membership.Role, Workspace.Kind


class DemoPerson(NamedTuple):
    name: str
    email: str
    member_as: str  # Membership.Role
    workspace: str
    slug: str
    kind: str  # Workspace.Kind
    role: str  # in words, for the sign-in page
    icon: str
    first: str  # what to try first
    password: str = PASSWORD


PEOPLE = (
    DemoPerson(
        *("Ada Brandt", "ada@northwind.example", Role.OWNER, "Northwind Apps", "northwind", Kind.PARTNER),
        role="Partner at Northwind Apps: designs flows",
        icon="flow",
        first="Open a flow, drag a step into it, publish a version; and say yes or no to what waits under Approvals.",
    ),
    DemoPerson(
        *("Mia Sund", "mia@harbourpine.example", Role.OWNER, "Harbour & Pine", "harbour-pine", Kind.MERCHANT),
        role="Merchant at Harbour & Pine: installs them",
        icon="store",
        first="Connect the pretend Klaviyo, pick a flow, answer one question, and see it land.",
    ),
    DemoPerson(
        *(
            "Rowan Vale",
            "rowan@flowbuilder.example",
            Role.REVIEWER,
            "Flowbuilder",
            "flowbuilder",
            Kind.OPERATOR,
        ),
        role="Reviewer at Flowbuilder: watches over it all",
        icon="shield-check",
        first="Look through the publish history: who, when, which version, the exact request and the exact answer.",
    ),
)


class UnableToMakePeople(Exception):
    """str() is a sentence for people."""


@transaction.atomic
def make_people() -> dict[str, User]:
    """The three people with their workspaces, by email. Running it again changes nothing."""
    if settings.PRODUCTION:
        raise UnableToMakePeople("The demo's people have a public password: production does without them.")
    made = {}
    for person in PEOPLE:
        user = User.objects.filter(email=person.email).first()
        if user is None:
            user = User.objects.create_user(person.email, PASSWORD, name=person.name)
        EmailAddress.objects.get_or_create(
            user=user, email=person.email, defaults={"verified": True, "primary": True}
        )
        workspace, _ = Workspace.objects.get_or_create(
            slug=person.slug, defaults={"name": person.workspace, "kind": person.kind}
        )
        Membership.objects.get_or_create(user=user, workspace=workspace, defaults={"role": person.member_as})
        made[person.email] = user
    return made
