"""Plain statements: what they write is what Django reads, and a row that changed is not written over."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts import rows
from accounts.models import Allowance
from flowbuilder.models import Attempt, Publication
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def publication(workspace) -> Publication:
    version = make.template(workspace).current_version
    return Publication.objects.create(
        workspace=workspace, version=version, account=make.account(workspace), flow_name="One"
    )


def attempt(publication: Publication, **more: object) -> Attempt:
    return Attempt(publication=publication, number=1, step="a", method="GET", path="/a%s?b", **more)


@pytest.mark.parametrize("request_", [None, {}, {"text": "ü % \" ' \\ \n", "list": [1, 2.5, None, True]}])
def test_what_is_added_is_what_is_read(publication, request_):
    made = attempt(publication, request=request_, ended_at=now())
    rows.add(made)
    found = Attempt.objects.get()
    assert found == made
    for field in Attempt._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(made, field.attname), field.name
    assert Attempt.objects.filter(request__isnull=True).exists() == (request_ is None)
    made.save()  # it knows that it is there
    assert Attempt.objects.count() == 1


def test_the_database_refuses_what_it_would_refuse_django(publication):
    rows.add(attempt(publication))
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.add(attempt(publication))


def test_a_value_may_be_worked_out_there(publication):
    made = attempt(publication)
    given = {field.attname: getattr(made, field.attname) for field in Attempt._meta.concrete_fields}
    for name in ("id", "number"):
        given.pop(name)
    rows.insert(Attempt, given, number=("(SELECT %s + 41)", 1))
    assert Attempt.objects.get().number == 42


def test_what_is_still_so_is_changed_and_nothing_else(publication):
    other = Publication.objects.get(pk=publication.pk)
    other.pk = None
    other.save(force_insert=True)
    later = now() + timedelta(hours=1)
    known = {"id": publication.pk, "state": "asked", "lease_until": None}
    changed = {"lease_until": later, "wanted": {"status": "live"}, "klaviyo_flow_id": "AbCdEf"}
    assert rows.change(Publication, known, changed)
    publication.refresh_from_db()
    assert (publication.lease_until, publication.wanted) == (later, {"status": "live"})
    assert not rows.change(Publication, known, {"klaviyo_flow_id": "GhIjKl"}), "somebody has it by now"
    publication.refresh_from_db()
    other.refresh_from_db()
    assert (publication.klaviyo_flow_id, other.klaviyo_flow_id) == ("AbCdEf", "")
    assert rows.change(Publication, {**known, "lease_until": later}, {"klaviyo_flow_id": "GhIjKl"})


def test_a_list_in_a_row_stays_a_list(workspace):
    row = Allowance.objects.create(account=make.account(workspace), endpoint="GET /api/tags")
    assert rows.change(Allowance, {"id": row.pk, "version": 0}, {"version": 1, "log": [[1.5, 2]]})
    assert not rows.change(Allowance, {"id": row.pk, "version": 0}, {"version": 1, "log": []})
    assert Allowance.objects.get().log == [[1.5, 2]]


def test_the_first_row_or_none(publication):
    sql = "SELECT id FROM flowbuilder_publication WHERE created_at <= %s"
    assert rows.one(sql, publication.created_at) == (publication.pk,)
    assert rows.one(sql, publication.created_at - timedelta(microseconds=1)) is None


def test_an_instance_is_what_django_reads(publication):
    publication.refresh_from_db()
    Publication.objects.filter(pk=publication.pk).update(wanted={"a": [1, None, "ü"]}, lease_until=now())
    sql = "SELECT *, 1 + 1 AS two FROM flowbuilder_publication WHERE id = %s"
    found, theirs = rows.read(Publication, sql, publication.pk), Publication.objects.get()
    assert found is not None
    assert found.two == 2
    assert found == theirs
    for field in Publication._meta.concrete_fields:
        mine, other = getattr(found, field.attname), getattr(theirs, field.attname)
        assert (mine, type(mine)) == (other, type(other)), field.name
    assert not found.get_deferred_fields()
    assert not found._state.adding
    assert rows.read(Publication, sql, publication.pk + 1) is None


@pytest.mark.parametrize("text", ["half \ud83d of one", "zero \0 end", "whole \U0001f600"])
def test_every_text_is_written_as_json(text):
    """What of it a database refuses is its own affair."""
    assert json.loads(rows._as_json({text: [text, 1e300, -0.5, 2**70]}, None)) == {
        text: [text, 1e300, -0.5, 2**70]
    }
