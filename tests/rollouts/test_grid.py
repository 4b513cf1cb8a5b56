"""The fit grid: what each cell says and why, what begins from it, and that a page of it costs the same for any size."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CatalogEntry, Grant, KlaviyoAccount
from flowbuilder.models import Install, Rollout
from tests import make

pytestmark = pytest.mark.django_db
URL = "/w/northwind/fit/"


def an_account(workspace: Any, number: int, *metrics: str, **more: Any) -> KlaviyoAccount:
    """Connected by a key; `metrics` are what its catalog has, all from Shopify."""
    fields = {"sender_email": "a@b.example", "sender_name": "A", "api_key": "k", **more}
    made = KlaviyoAccount.objects.create(
        klaviyo_id=f"AC{number:04}", name=f"Shop {number}", owner=workspace, **fields
    )
    Grant.objects.create(account=made, workspace=workspace, can_publish=True, can_report=True)
    CatalogEntry.objects.bulk_create(
        CatalogEntry(
            account=made, kind="metric", klaviyo_id=f"M{number}{index}", name=name, integration="Shopify"
        )
        for index, name in enumerate(metrics)
    )
    return made


def cells(client: Any, **query: str) -> list[tuple[str, str, str]]:
    """(account, chip, why) of each cell."""
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return [(row.account.name, cell.short, cell.why) for row in answer.context["rows"] for cell in row.cells]


def test_each_cell_says_whether_it_fits_and_why(workspace, as_alice):
    make.template(workspace, name="Cart")
    an_account(workspace, 1, "Checkout Started", "Placed Order")
    an_account(workspace, 2, "Checkout Started", "Other")
    an_account(workspace, 3)
    an_account(workspace, 4, "Placed Order", state="disconnected", state_reason="The key was deleted.")
    found = {name: (chip, why) for name, chip, why in cells(as_alice)}
    assert found["Shop 1"][0] == "Fits"
    assert found["Shop 2"][0] == "Needs 1 answer"
    assert "“" in found["Shop 2"][1]
    assert found["Shop 3"][0] == "Not read yet"
    assert found["Shop 4"] == ("Cannot", "It is disconnected: The key was deleted.")


def test_what_is_there_is_said(workspace, as_alice, alice):
    template = make.template(workspace, name="Cart")
    one = an_account(workspace, 1, "Checkout Started", "Placed Order")
    made = Install.objects.create(
        workspace=workspace,
        template_flow=template,
        version=template.current_version,
        account=one,
        state="live",
    )
    assert cells(as_alice)[0][1] == "Version 1"
    assert f"/installs/{made.pk}/" in as_alice.get(URL).content.decode()


def test_an_install_begins_from_a_cell(workspace, as_alice):
    template = make.template(workspace, name="Cart")
    one = an_account(workspace, 1, "Checkout Started", "Placed Order")
    answer = as_alice.post(f"{URL}{one.pk}/{template.slug}/install/")
    install = Install.objects.get()
    assert install.account == one
    assert answer["Location"] == f"/installs/{install.pk}/"


def test_a_rollout_begins_from_the_ticked(workspace, as_alice):
    template = make.template(workspace, name="Cart")
    one = an_account(workspace, 1, "Checkout Started", "Placed Order")
    an_account(workspace, 2, "Other")
    answer = as_alice.get(URL, {"tick": template.slug})
    assert [row.is_ticked for row in answer.context["rows"]] == [True, False]
    given = {"which": "ticked", "version": template.current_version_id, "account": [one.pk]}
    assert as_alice.post("/w/northwind/rollouts/new/", given).status_code == 302
    assert [choice.account for choice in Rollout.objects.get().choices.all()] == [one]


def test_a_page_costs_the_same_for_any_number_of_cells(workspace, as_alice):
    make.template(workspace, name="Cart")
    an_account(workspace, 1, "Checkout Started", "Placed Order")
    as_alice.get(URL)
    with CaptureQueriesContext(
        connection,
    ) as few:
        as_alice.get(URL)
    for number in range(2, 40):
        an_account(workspace, number, "Checkout Started", "Placed Order")
    for number in range(7):
        make.template(workspace, name=f"Cart {number}")
    with CaptureQueriesContext(connection) as many:
        answer = as_alice.get(URL)
    assert len(answer.context["rows"]) * len(answer.context["heads"]) == 39 * 8
    assert len(many) == len(few)


def test_searches_and_pages(workspace, as_alice):
    for number in range(9):
        make.template(workspace, name=f"Cart {number}")
    for number in range(52):
        an_account(workspace, number, "Checkout Started", "Placed Order")
    first = as_alice.get(URL)
    assert (len(first.context["rows"]), len(first.context["heads"])) == (50, 8)
    assert len(as_alice.get(URL, {"page": "2", "across": "2"}).context["heads"]) == 1
    assert {one[0] for one in cells(as_alice, account="AC0007", template="cart 3")} == {"Shop 7"}
    assert cells(as_alice, account="nobody") == []
