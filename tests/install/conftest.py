"""A merchant's workspace with a connected account of the sandbox, and a template flow to install."""

from __future__ import annotations

import pytest

from accounts.models import KlaviyoAccount, User, Workspace
from flowbuilder.models import Install, TemplateFlow
from flowbuilder.operations.installs import start_install
from flowbuilder.sandbox.testing import RunningSandbox
from tests import make
from tests.install.make import offer


@pytest.fixture
def partner(db) -> Workspace:
    return make.workspace("partner", owner=make.user("pat@example.org", "Pat"))


@pytest.fixture
def account(workspace: Workspace, klaviyo: RunningSandbox) -> KlaviyoAccount:
    return make.account(workspace)


@pytest.fixture
def template(partner: Workspace) -> TemplateFlow:
    return offer(partner)


@pytest.fixture
def install(template: TemplateFlow, account: KlaviyoAccount, alice: User) -> Install:
    """Begun by Alice, into the only account of her workspace."""
    return start_install(template=template, workspace=account.owner, by=alice)
