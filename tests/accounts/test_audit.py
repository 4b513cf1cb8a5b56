"""Who did what: written by one function, changed by nobody, read by owners and the operator, kept as said."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now
from rest_framework.authtoken.models import Token

from accounts.audit import Act, record
from accounts.models import AuditEntry, Membership
from accounts.operations import create_workspace
from accounts.tasks import forget_old_entries
from flowbuilder.operations.library import publish_version
from tests import make
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
URL = "/history/audit/"


def acts(**where) -> list[tuple[str, str, str]]:
    rows = (
        AuditEntry.objects.filter(**where)
        .order_by("pk")
        .values_list("act", "person__email", "workspace__slug")
    )
    return list(rows)


def signs_in(email: str, password: str) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return client


def test_signing_in_and_out_stands_in_each_workspace_of_the_person(alice, workspace):
    make.workspace("second", owner=alice)
    client = signs_in("alice@example.org", make.PASSWORD)
    client.post(reverse("account_logout"))
    expected = [
        (act, "alice@example.org", slug)
        for act in ("signed-in", "signed-out")
        for slug in ("northwind", "second")
    ]
    assert acts() == expected


def test_a_failed_sign_in_keeps_nothing_that_was_typed(alice, workspace):
    signs_in("alice@example.org", "S3cret-typed-here")
    signs_in("my-password-by-mistake@example.org", "S3cret-typed-here")
    assert acts() == [
        ("sign-in-failed", "alice@example.org", "northwind"),
        ("sign-in-failed", None, None),
    ]
    everything = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert "S3cret" not in everything
    assert "mistake" not in everything
    assert "127.0.0.1" not in everything


def test_what_a_person_may_not_is_written_down(bob, workspace):
    address = reverse("install:addresses", args=[workspace.slug])
    assert client_of(bob).get(address).status_code == 403
    entry = AuditEntry.objects.get(act=Act.REFUSED)
    assert (entry.person, entry.workspace, entry.name) == (bob, workspace, f"GET {address}")
    assert "owner" in entry.detail


def test_a_refusal_of_the_api_too(bob, workspace, alice):
    Membership.objects.filter(user=bob).update(role="merchant")
    flow = make.flow(workspace)
    token = Token.objects.create(user=bob)
    entries = AuditEntry.objects.filter(act=Act.REFUSED)
    answer = Client().post(
        f"/api/flows/{flow.pk}/versions/",
        {},
        "application/json",
        headers={"Authorization": f"Token {token.key}"},
    )
    assert answer.status_code == 403
    assert entries.filter(person=bob, name=f"POST /api/flows/{flow.pk}/versions/").exists()
    assert token.key not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_acts_are_by_whoever_is_named_or_asks(alice, workspace):
    record(Act.SETTINGS, workspace=workspace)
    assert AuditEntry.objects.get().person is None
    publish_version(flow=make.flow(workspace), by=alice)
    assert acts(act="version") == [("version", "alice@example.org", "northwind")]
    create_workspace(by=alice, name="Another", kind="partner")
    assert acts(act="workspace") == [("workspace", "alice@example.org", "another")]


def test_one_query_an_act(workspace, alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        record(Act.SETTINGS, workspace=workspace, thing=workspace, by=alice)


def test_the_export_of_the_history_is_an_act(alice, workspace):
    assert client_of(alice).get("/history/publications.csv?q=x").status_code == 200
    entry = AuditEntry.objects.get(act=Act.EXPORTED)
    assert (entry.person, entry.name, entry.detail) == (alice, "publications.csv", "q=x")


# --- Nothing changes it --------------------------------------------------------------------------------------------


def test_the_database_only_takes_more(alice, workspace, bob):
    record(Act.SETTINGS, workspace=workspace, by=alice)
    rows = AuditEntry.objects.all()
    for change in ({"detail": "Nothing."}, {"act": "offered"}, {"at": now()}, {"person": bob}):
        with pytest.raises(DatabaseError, match="what was done never changes"), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError, match="what was done stays"), transaction.atomic():
        rows.all().delete()


def test_a_person_who_leaves_is_taken_out(workspace, bob):
    record(Act.SETTINGS, workspace=workspace, by=bob)
    bob.delete()
    assert AuditEntry.objects.get(act=Act.SETTINGS).person is None


def test_what_was_kept_long_enough_goes_and_only_that(workspace, settings):
    settings.AUDIT_KEPT_DAYS = 30
    for days in (29, 31):
        record(Act.SETTINGS, workspace=workspace, detail=f"{days} days", now=now() - timedelta(days=days))
    assert forget_old_entries() == 1
    left = AuditEntry.objects.filter(act=Act.SETTINGS)
    assert [one.detail for one in left] == ["29 days"]
    assert AuditEntry.objects.get(act=Act.CLEARED).name.startswith("1 from before")
    with pytest.raises(DatabaseError, match="what was done stays"), transaction.atomic():
        left.delete()  # the door is shut again


# --- Reading it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def log(alice, bob, charlie, workspace):
    elsewhere = make.workspace("elsewhere", owner=charlie)
    record(Act.SETTINGS, workspace=workspace, name="Ours", by=alice)
    record(Act.OFFERED, workspace=workspace, name="Cart", detail="=HYPERLINK()", by=bob)
    record(Act.SETTINGS, workspace=elsewhere, name="Theirs", by=charlie)


def test_owners_read_their_own_and_the_operator_all(log, alice, bob, charlie):
    text = client_of(alice).get(URL).content.decode()
    assert "Ours" in text
    assert "Theirs" not in text
    assert "kept for 730 days" in text
    assert client_of(bob).get(URL).status_code == 403
    assert "Ours" not in client_of(charlie).get(URL).content.decode()
    text = client_of(make.reviewer()).get(URL).content.decode()
    assert "Ours" in text
    assert "Theirs" in text


def test_filters_narrow_and_never_widen(log, alice, bob, charlie):
    def names(**given) -> list[str]:
        answer = client_of(alice).get(URL, given)
        return [one.name for one in answer.context["page"].rows if one.act != "signed-in"]

    assert names() == ["Cart", "Ours"]
    assert names(act="settings") == ["Ours"]
    assert names(person=bob.pk) == ["Cart"]
    assert names(q="car") == ["Cart"]
    assert names(to="2000-01-01") == []
    answer = client_of(alice).get(URL, {"person": charlie.pk})
    assert answer.status_code == 422  # nobody of hers
    assert "Theirs" not in answer.content.decode()


def test_pages_seek_and_cost_the_same(alice, workspace):
    for number in range(120):
        record(
            Act.SETTINGS,
            workspace=workspace,
            name=f"N{number}",
            by=alice,
            now=now() + timedelta(seconds=number),
        )
    client = client_of(alice)
    first = client.get(URL, {"act": "settings"}).context["page"]
    second = client.get(URL, {"act": "settings", "after": first.older}).context["page"]
    last = client.get(URL, {"act": "settings", "after": second.older}).context["page"]
    assert [one.name for one in (*first.rows, *second.rows, *last.rows)][:120] == [
        f"N{n}" for n in range(119, -1, -1)
    ]
    assert not last.older
    counts = []
    for given in ({}, {"after": second.older}):
        with CaptureQueriesContext(connection) as seen:
            client.get(URL, given)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_the_export_has_the_same_rows_and_harmless_cells(log, alice):
    client = client_of(alice)
    rows = list(csv.DictReader(io.StringIO(b"".join(client.get("/history/audit.csv")).decode("utf-8-sig"))))
    assert [row["name"] for row in rows if row["act"] not in ("exported", "signed-in")] == ["Cart", "Ours"]
    assert next(row for row in rows if row["name"] == "Cart")["detail"] == "'=HYPERLINK()"
    found = json.loads(b"".join(client.get("/history/audit.json?act=settings")))
    assert [(one["name"], one["person"]) for one in found] == [("Ours", "alice@example.org")]
    assert AuditEntry.objects.filter(act=Act.EXPORTED, person=alice).count() == 2
