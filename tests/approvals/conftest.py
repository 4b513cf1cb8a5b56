"""A workspace in which a second person must say yes: Alice asks, Ruben reviews, Bob designs."""

from __future__ import annotations

import pytest

from accounts.models import Membership
from flowbuilder.models import Publication
from flowbuilder.operations.installs import confirm_install
from tests import make
from tests.approvals.make import answered


@pytest.fixture
def ruben(workspace):
    person = make.user("ruben@example.org", "Ruben")
    Membership.objects.create(user=person, workspace=workspace, role="reviewer")
    return person


@pytest.fixture
def strict(workspace, ruben):
    workspace.needs_approval = True
    workspace.save()
    return workspace


@pytest.fixture
def template(workspace):
    return make.template(workspace)


@pytest.fixture
def ready(template, workspace, alice, klaviyo):
    """An install into Alice's account, answered."""
    return answered(template, make.account(workspace), alice)


@pytest.fixture
def asked(strict, ready, alice) -> Publication:
    """Confirmed by Alice: it waits."""
    return confirm_install(install=ready, by=alice)
