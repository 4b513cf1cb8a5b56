"""A partner, a merchant, the operator and a stranger; an account; a version that goes there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.models import Version
from tests.history import make
from tests.history.make import Kind, Role


@dataclass
class World:
    partner: Workspace
    shop: Workspace
    ada: User  # designs at the partner
    mia: User  # owns the shop
    bob: User  # reads in the shop
    rowan: User  # reviews for the operator
    charlie: User  # a stranger with a workspace of his own
    account: KlaviyoAccount
    version: Version


@pytest.fixture
def world(db: None) -> World:
    partner, shop = make.workspace("northwind"), make.workspace("harbour", Kind.MERCHANT)
    operator, other = make.workspace("site", Kind.OPERATOR), make.workspace("elsewhere", Kind.MERCHANT)
    ada = make.person("Ada", partner, Role.DESIGNER)
    return World(
        partner,
        shop,
        ada,
        make.person("Mia", shop),
        make.person("Bob", shop, Role.REVIEWER),
        make.person("Rowan", operator, Role.REVIEWER),
        make.person("Charlie", other),
        make.account(shop),
        make.version(partner, by=ada),
    )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
