"""What the whole database forgets: moves too, and only then."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from accounts.models import User
from flowbuilder import guards
from flowbuilder.models import Move, Publication
from flowbuilder.publisher.states import move
from tests import make


def moved() -> Publication:
    workspace = make.workspace("northwind", owner=make.user("alice@example.org"))
    publication = Publication.objects.create(
        workspace=workspace,
        version=make.template(workspace).current_version,
        account=make.account(workspace),
        flow_name="Test",
    )
    move(publication, "preparing")
    return publication


@pytest.mark.django_db(transaction=True)
def test_a_flush_clears_all_and_the_guard_stands_again():
    moved()
    call_command("flush", interactive=False, verbosity=0)
    assert not Move.objects.exists()
    assert not User.objects.exists()
    moved()
    with pytest.raises(DatabaseError, match="a move stays"):
        Move.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_the_guard_stands_again_when_it_fails_half_way():
    moved()
    with pytest.raises(ZeroDivisionError), guards.lifted(connection):
        raise ZeroDivisionError
    with pytest.raises(DatabaseError, match="a move stays"):
        Move.objects.all().delete()
