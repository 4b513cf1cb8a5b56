"""What the demo begins with: a library, and something that waits for Ada, which really lands when she says yes."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from accounts.models import User
from flowbuilder.models import Publication, TemplateFlow
from flowbuilder.operations.approvals import decide
from flowbuilder.publisher import lanes
from flowbuilder.queries.approvals import waiting_for
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


def test_something_waits_for_ada_and_lands_when_she_says_yes(klaviyo):
    call_command("demo_data")
    ada = User.objects.get(email="ada@northwind.example")
    approval = waiting_for(ada).get()
    page = client_of(ada).get(f"/approvals/{approval.pk}/").content.decode()
    assert "May it be sent?" in page
    assert "Noor Haddad" in page
    decide(approval=approval, by=ada, verdict="yes", seen=approval.content_hash)
    publication = Publication.objects.get()
    for _ in range(5):
        lanes.run_lane(publication.account_id)
    publication.refresh_from_db()
    assert (publication.state, publication.reason) == ("published", "")


def test_again_it_changes_nothing(klaviyo):
    call_command("demo_data")
    counts = TemplateFlow.objects.count(), Publication.objects.count(), User.objects.count()
    call_command("demo_data")
    assert counts == (TemplateFlow.objects.count(), Publication.objects.count(), User.objects.count())
