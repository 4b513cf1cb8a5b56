"""Before a version is published, the panel says what changed since the last one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from flowbuilder.models import Flow
from flowbuilder.operations import designs, editing
from flowbuilder.operations.emails import write_email
from flowbuilder.operations.library import publish_version
from flowbuilder.queries import Design
from flowbuilder.queries.changes import changes_since
from tests import make

pytestmark = pytest.mark.django_db


def test_what_changed_is_said_in_sentences(as_alice, alice, workspace):
    flow = make.flow(workspace)
    version = publish_version(flow=flow, by=alice)
    assert changes_since(Design(flow), version.document) == []
    url = reverse("editor:editor", args=[flow.pk])
    assert "Nothing changed since version 1" in as_alice.get(url, {"panel": "publish"}).content.decode()

    designs.insert_step(flow=flow, action_type="time-delay", source="trigger", port="next", by=alice)
    editing.apply_form(flow=flow, key="mail-1", posted={"message.subject_line": ["New <b>"]}, by=alice)
    email = workspace.emails.first()
    write_email(email=email, by=alice, name=email.name, html="<p>x</p>", text="", revision=email.revision)
    said = changes_since(Design(Flow.objects.get(pk=flow.pk)), version.document)
    assert any(one.startswith("Added “Wait 1 day”") for one in said)
    assert any("subject changed from" in one and "New <b>" in one for one in said)
    assert f"The email “{email.name}” says something else." in said
    page = as_alice.get(url, {"panel": "publish"}).content.decode()
    assert f"{len(said)} changes since version 1" in page
    assert "New &lt;b&gt;" in page
