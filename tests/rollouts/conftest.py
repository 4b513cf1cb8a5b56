"""Alice's workspace, which rolls out a template flow of its own."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Workspace
from flowbuilder.models import TemplateFlow
from tests.rollouts import make as rollouts


@pytest.fixture
def template(workspace: Workspace) -> TemplateFlow:
    return rollouts.template(workspace)


@pytest.fixture
def new_url(workspace) -> str:
    return reverse("rollouts:new", args=[workspace.slug])
