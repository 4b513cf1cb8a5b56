"""The history as a file: whose rows, which ones, in which order, and that no cell is a formula."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import KlaviyoAccount
from flowbuilder.access import publications_for
from flowbuilder.history.exports import COLUMNS, as_csv, as_json
from flowbuilder.models import Publication
from flowbuilder.spreadsheet import FORMULA, harmless
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S

URL = "/history/publications"


def rows_of(user, form: str, query: str = "") -> list[dict]:
    answer = signed_in(user).get(f"{URL}.{form}{query}")
    assert answer.status_code == 200
    assert answer.streaming
    text = answer.getvalue().decode()
    if form == "json":
        return json.loads(text)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_everybody_takes_their_own_as_the_page_shows_it(world: World, form: str):
    mine = make.publication(world.version, world.account, world.mia)
    bad = make.publication(world.version, world.account, world.mia, S.REFUSED, reason="No,\n“no”.")
    theirs = make.publication(world.version, world.account, world.ada, workspace=world.partner)
    pks = lambda rows: [int(row["publication"]) for row in rows]  # noqa: E731
    assert pks(rows_of(world.rowan, form)) == [theirs.pk, bad.pk, mine.pk]
    assert pks(rows_of(world.mia, form)) == [bad.pk, mine.pk]
    assert pks(rows_of(world.mia, form, "?sort=oldest")) == [mine.pk, bad.pk]
    assert pks(rows_of(world.mia, form, "?outcome=published")) == [mine.pk]
    assert rows_of(world.charlie, form) == []
    [one] = rows_of(world.mia, form, "?outcome=refused")
    assert set(one) == set(COLUMNS)
    assert (one["reason"], one["account_id"], one["asked_by"]) == ("No,\n“no”.", "UpK3sZ", "Mia")
    assert "pk_" not in str(one)
    assert "@example.com" not in str(one)


def test_filters_that_make_no_sense_lead_to_the_page(world: World):
    kettle = make.account(make.workspace("kettle"), "QwE92b", "Kettle & Co")
    answer = signed_in(world.mia).get(f"{URL}.csv?account={kettle.pk}")
    assert (answer.status_code, answer["Location"]) == (302, f"/history/?account={kettle.pk}")


def test_no_cell_is_a_formula(world: World):
    KlaviyoAccount.objects.filter(pk=world.account.pk).update(name="=HYPERLINK(1)")
    make.publication(world.version, world.account, world.mia, flow_name="  +1")
    [one] = rows_of(world.mia, "csv")
    assert (one["account"], one["flow"]) == ("'=HYPERLINK(1)", "'  +1")
    [one] = rows_of(world.mia, "json")
    assert one["account"] == "=HYPERLINK(1)"


@given(st.text())
def test_what_is_harmless_is_left_alone(text: str):
    told = harmless(text)
    assert not told.lstrip(" ").startswith(FORMULA)
    assert told in (text, "'" + text)


def test_ten_times_the_rows_take_no_more_memory_and_one_query(world: World):
    def peak(number: int) -> int:
        Publication.objects.bulk_create(
            Publication(
                workspace=world.shop, version=world.version, account=world.account, flow_name="F" * 180
            )
            for _ in range(number)
        )
        tracemalloc.start()
        with CaptureQueriesContext(connection) as caught:
            for form in (as_csv, as_json):
                for _ in form(publications_for(world.rowan)):
                    pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(caught) <= 4
        return most

    small = peak(4000)
    assert peak(20000) < small * 1.5
