"""Alice's workspace, which rolls out a template flow of its own."""

from __future__ import annotations

import pytest

from accounts.models import Workspace
from flowbuilder.models import TemplateFlow
from tests.rollouts import make as rollouts


@pytest.fixture
def template(workspace: Workspace) -> TemplateFlow:
    return rollouts.template(workspace)
