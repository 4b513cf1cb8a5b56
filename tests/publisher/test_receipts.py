"""A receipt for what landed: written with the last move, held by the database, proved link by link."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from flowbuilder.guards import RECEIPTS
from flowbuilder.models import Attempt, Publication, Receipt
from flowbuilder.publisher.receipts import verify
from flowbuilder.publisher.states import S, move
from tests import make
from tests.publisher.test_states import asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(workspace):
    return make.account(workspace)


def landed(workspace, account, number: int = 1) -> list[Publication]:
    template = workspace.template_flows.first() or make.template(workspace)
    found = []
    for index in range(number):
        one = asked(template, account)
        body = {"data": {"attributes": {"name": f"Flow {index}"}}}
        for step, (method, outcome) in enumerate((("POST", "done"), ("POST", "throttled"), ("GET", "done"))):
            Attempt.objects.create(
                publication=one, number=step + 1, step="x", method=method, path="/api/flows", request=body,
                outcome=outcome,
            )  # fmt: skip
        for state in (S.PREPARING, S.SENDING, S.VERIFYING):
            move(one, state)
        move(one, S.PUBLISHED, klaviyo_flow_id=f"F{index}")
        found.append(one)
    return found


def unguarded(sql: str) -> None:
    """What somebody does who has the database in hand."""
    with connection.cursor() as cursor:
        for guard in RECEIPTS:
            on = " ON flowbuilder_receipt" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {guard.name}{on}")
        cursor.execute(sql)


def told() -> tuple[int, list[dict]]:
    out = StringIO()
    try:
        call_command("verify_receipts", stdout=out)
    except CommandError:
        return 1, [json.loads(line) for line in out.getvalue().splitlines()]
    return 0, [json.loads(line) for line in out.getvalue().splitlines()]


def test_what_landed_has_a_receipt_and_nothing_else(workspace, account):
    ones = landed(workspace, account, 3)
    refused = asked(ones[0].version.flow.template_flow, account)
    move(refused, S.PREPARING)
    move(refused, S.REFUSED, "No.")
    links = list(Receipt.objects.order_by("number"))
    assert [(link.number, link.publication_id) for link in links] == [
        (number, one.pk) for number, one in enumerate(ones, 1)
    ]
    assert [link.previous_hash for link in links] == ["", links[0].hash, links[1].hash]
    assert len({link.body_hash for link in links}) == 3
    assert told() == (0, [{"account": account.klaviyo_id, "receipts": 3, "broken": None}])


def test_a_move_that_is_taken_back_leaves_no_receipt(workspace, account):
    [one] = landed(workspace, account)
    other = asked(one.version.flow.template_flow, account)
    for state in (S.PREPARING, S.SENDING, S.VERIFYING):
        move(other, state)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        move(other, S.PUBLISHED)
        raise ZeroDivisionError
    assert Receipt.objects.count() == 1


def test_accounts_have_chains_of_their_own(workspace, account):
    landed(workspace, account, 2)
    landed(workspace, make.account(workspace, "QwE92b", "pk_other"), 1)
    assert sorted(Receipt.objects.values_list("account__klaviyo_id", "number")) == [
        ("QwE92b", 1),
        (account.klaviyo_id, 1),
        (account.klaviyo_id, 2),
    ]
    assert told()[0] == 0


def test_the_database_refuses_change_and_a_second_of_one_number(workspace, account):
    first, _ = landed(workspace, account, 2)
    with pytest.raises(DatabaseError, match="a receipt never changes"), transaction.atomic():
        Receipt.objects.update(body_hash="x")
    with pytest.raises(DatabaseError, match="a receipt stays"), transaction.atomic():
        Receipt.objects.all().delete()
    third = asked(first.version.flow.template_flow, account)
    with pytest.raises(IntegrityError), transaction.atomic():
        Receipt.objects.create(account=account, number=2, publication=third, body_hash="x", hash="y")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE flowbuilder_receipt SET hash = 'x' WHERE number = 2", "Receipt 2 is broken: its hash"),
        (
            "UPDATE flowbuilder_receipt SET previous_hash = 'x' WHERE number = 3",
            "Receipt 3 is broken: it does",
        ),
        ("UPDATE flowbuilder_receipt SET body_hash = 'x' WHERE number = 1", "Receipt 1 is broken: what"),
        ("UPDATE flowbuilder_attempt SET request = '{}' WHERE number = 1", "Receipt 1 is broken: what"),
        ("UPDATE flowbuilder_publication SET klaviyo_flow_id = 'Z'", "Receipt 1 is broken: its hash"),
        ("DELETE FROM flowbuilder_receipt WHERE number = 2", "Receipt 2 is missing: 3 follows."),
        ("DELETE FROM flowbuilder_receipt WHERE number = 3", "landed and has no receipt."),
    ],
)
def test_the_first_broken_link_is_named(workspace, account, sql, says):
    landed(workspace, account, 3)
    unguarded(sql)
    code, [line] = told()
    assert code == 1
    assert says in line["broken"]


def test_the_proof_takes_as_many_queries_a_link_in_long_chains(
    workspace, account, django_assert_num_queries, monkeypatch
):
    landed(workspace, account, 7)
    monkeypatch.setattr("flowbuilder.publisher.receipts.CHUNK", 3)
    with django_assert_num_queries(5):  # the links; the calls of each three; what has none
        assert verify(account) is None
