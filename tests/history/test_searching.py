"""A search looks through so many rows at a time, and says so; what few rows have is found wherever they stand."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flowbuilder.access import publications_for
from flowbuilder.history import finding, searching, sums
from flowbuilder.history.filters import Filters
from flowbuilder.history.finding import ORDERS, Page, page_of
from flowbuilder.history.sums import sums_of
from flowbuilder.models import Publication
from tests.history.conftest import World, signed_in

URL = "/history/"
NOW = timezone.now().replace(hour=12)


@pytest.fixture
def rows(world: World, monkeypatch) -> World:
    """Thirty, a minute apart, by name as by age; every seventh is about a kettle. Four are looked through at a time."""
    monkeypatch.setattr(finding, "SPAN", 4)
    monkeypatch.setattr(sums, "SPAN", 4)
    Publication.objects.bulk_create(
        Publication(
            workspace=world.shop,
            version=world.version,
            account=world.account,
            flow_name=f"Flow {index:02}",
            reason="The kettle was gone." if index % 7 == 3 else "",
            created_at=NOW - timedelta(minutes=index),
        )
        for index in range(30)
    )
    return world


def known(monkeypatch, rare: bool) -> None:
    """Whether what few rows have is known, as on PostgreSQL."""
    monkeypatch.setattr(searching, "is_indexed", lambda word: rare)


def page(world: World, query: dict[str, str], **where: Any) -> Page:
    filters = Filters(query, workspaces=None)
    seen = publications_for(world.rowan)
    return page_of(filters.narrow(seen), order=filters.order, among=filters.among(seen), **where)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 50])
def test_every_row_that_fits_is_on_one_page_there_and_back(rows: World, monkeypatch, order: str, size: int):
    known(monkeypatch, rare=False)
    query = {"q": "kettle", "sort": order}
    found = Publication.objects.filter(reason__contains="kettle")
    meant = list(finding.sorted_by(found, order).values_list("pk", flat=True))
    pages = [page(rows, query, size=size)]
    while pages[-1].older:
        pages.append(page(rows, query, size=size, after=pages[-1].older))
    assert [one.pk for each in pages for one in each.rows] == meant
    assert len(meant) == 4
    assert any(each.is_part and not each.rows for each in pages), "somewhere nothing fits so far"
    for earlier, later in pairwise(pages):
        assert earlier.is_part or len(earlier.rows) == size
        assert later.newer
    back = [page(rows, query, size=size, before=pages[-1].newer)]
    while back[-1].newer:
        back.append(page(rows, query, size=size, before=back[-1].newer))
    assert [one.pk for each in reversed(back) for one in each.rows] + [
        one.pk for one in pages[-1].rows
    ] == meant


def test_one_can_turn_round_on_a_page_where_nothing_fits(rows: World, monkeypatch):
    known(monkeypatch, rare=False)
    query = {"q": "Flow 03"}
    first = page(rows, query)
    assert [one.flow_name for one in first.rows] == ["Flow 03"]  # the last row that was looked through
    empty = page(rows, query, after=first.older)
    assert empty.rows == []
    assert page(rows, query, before=empty.newer).rows == first.rows


@pytest.mark.parametrize("order", ORDERS)
def test_what_few_have_is_found_wherever_it_stands(rows: World, monkeypatch, order: str):
    known(monkeypatch, rare=True)
    monkeypatch.setattr(searching, "FEW", 4)
    found = Publication.objects.filter(reason__contains="kettle")
    query = {"q": "kettle flow", "sort": order}  # what all have is no help
    monkeypatch.setattr(finding, "SPAN", 5)
    whole = page(rows, query)
    assert whole.rows == list(finding.sorted_by(found, order))
    assert not whole.is_part
    first = page(rows, query, size=3)
    assert page(rows, query, size=3, after=first.older).rows == whole.rows[3:]
    assert page(rows, {"q": "kettle 03", "sort": order}).rows == list(found.filter(flow_name="Flow 03"))
    assert page(rows, {"q": "kettle nowhere"}).rows == []
    monkeypatch.setattr(searching, "FEW", 3)
    assert page(rows, query).is_part


def test_the_sums_are_of_what_a_page_looks_through(rows: World, monkeypatch):
    known(monkeypatch, rare=False)
    seen = publications_for(rows.rowan)

    def told(rows: World) -> tuple[int, int, str]:
        counts, days = sums_of(Filters({"q": "kettle"}, workspaces=None), seen, None, NOW.date())
        return counts.asked, sum(day.total for day in days), counts.among

    assert told(rows) == (1, 1, "4")
    monkeypatch.setattr(finding, "SPAN", 100)
    assert told(rows) == (4, 4, "")
    monkeypatch.setattr(finding, "SPAN", 5)
    known(monkeypatch, rare=True)
    assert told(rows) == (4, 4, "")


def test_the_page_says_how_far_it_looked_and_leads_on(rows: World, monkeypatch):
    known(monkeypatch, rare=False)
    client = signed_in(rows.rowan)
    html = client.get(URL, {"q": "kettle", "to": NOW.date()}).content.decode()
    assert "publications were looked through" in html
    assert "Look further" in html
    assert "Among the newest 4." in html
    html = client.get(URL, {"q": "elsewhere"}).content.decode()
    assert "Nothing fits so far" in html
    assert html.count("publications were looked through") == 1
    assert "Look further" in html
    html = client.get(URL, {"q": "elsewhere", "from": NOW.date() + timedelta(days=1)}).content.decode()
    assert "Nothing fits</h2>" in html
    assert "Look further" not in html
    html = client.get(URL).content.decode()
    assert "looked through" not in html


@pytest.mark.parametrize("rare", [True, False])
def test_no_more_rows_are_read_as_there_are_more(rows: World, monkeypatch, rare: bool):
    """As many queries, and none without an end."""
    known(monkeypatch, rare=rare)
    filters = Filters({"q": "kettle", "outcome": "waiting"}, workspaces=None)
    seen = publications_for(rows.rowan)
    with CaptureQueriesContext(connection) as caught:
        page_of(filters.narrow(seen), among=filters.among(seen))
        sums_of(filters, seen, None, NOW.date())
    of_rows = [one["sql"] for one in caught if 'FROM "flowbuilder_publication"' in one["sql"]]
    assert len(of_rows) == 7 + rare
    for sql in of_rows:
        assert "LIMIT" in sql or '"created_at" >= ' in sql or '"id" IN (' in sql, sql
