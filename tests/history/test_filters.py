"""The filters behind "More filters", the orders, and the indexes that they go along."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flowbuilder import worked_out
from flowbuilder.access import publications_for, workspaces_seen
from flowbuilder.history.filters import Filters
from flowbuilder.history.finding import ORDERS, page_of, sorted_by
from flowbuilder.models import Attempt, Publication, Rollout
from flowbuilder.models.landing import ERRORS
from flowbuilder.operations.library import offer_in_library, publish_version
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S

URL = "/history/"


def found(world: World, user, **wanted: object) -> set[int]:
    filters = Filters({name: str(value) for name, value in wanted.items()}, workspaces=workspaces_seen(user))
    rows = set(filters.narrow(publications_for(user)).values_list("pk", flat=True))
    assert filters.is_valid(), filters.errors
    return rows


def test_each_filter_finds_its_own(world: World):
    template = offer_in_library(version=world.version)
    second = publish_version(flow=make.flow(world.partner, "Birthday"), by=None)
    rollout = Rollout.objects.create(workspace=world.shop, version=second, name="To all", asked_by=world.mia)
    put = make.publication
    a = put(world.version, world.account, world.mia)
    b = put(second, world.account, world.bob, rollout=rollout)
    c = put(second, world.account, world.mia, workspace=world.partner, reason="Landed, but not as meant.")
    assert found(world, world.rowan, template=template.pk) == {a.pk}
    assert found(world, world.rowan, person=world.bob.pk) == {b.pk}
    assert found(world, world.rowan, workspace=world.partner.pk) == {c.pk}
    assert found(world, world.rowan, rollout=rollout.pk) == {b.pk}
    assert found(world, world.rowan, version=1, person=world.mia.pk) == {a.pk, c.pk}
    assert found(world, world.rowan, version=2) == set()
    assert found(world, world.rowan, error="unlike") == {c.pk}


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        ("refused", "refused", 400),
        ("access", "refused", 403),
        ("gone", "refused", 404),
        ("limits", "throttled", 429),
        ("klaviyo", "unknown", 502),
        ("lost", "unknown", None),
    ],
)
def test_errors_are_of_the_calls(world: World, error: str, outcome: str, status: int | None):
    wrong, _ = (make.publication(world.version, world.account, world.mia) for _ in range(2))
    make.attempt(wrong, 9, "x", "POST", "/api/x", timezone.now(), outcome=outcome, status=status)
    assert found(world, world.mia, error=error) == {wrong.pk}


def test_an_error_stands_on_its_publication_however_it_ended(world: World):
    """Whatever is done to its calls, the row says what looking through them says."""
    one, other = (make.publication(world.version, world.account, world.mia) for _ in range(2))
    now = timezone.now()
    assert errors_of(one) == set()
    first = make.attempt(one, 8, "x", "POST", "/api/x", now, outcome="sent", ended=False)
    assert errors_of(one) == set()
    Attempt.objects.filter(pk=first.pk).update(outcome="unknown", status=502)
    assert errors_of(one) == {"klaviyo", "lost"}
    make.attempt(one, 9, "x", "POST", "/api/x", now, outcome="throttled", status=429)
    make.attempt(one, 10, "x", "POST", "/api/x", now)
    assert errors_of(one) == {"klaviyo", "lost", "limits"}
    assert one.state == S.PUBLISHED
    Attempt.objects.filter(pk=first.pk).update(outcome="done", status=200)
    assert errors_of(one) == {"limits"}
    one.attempts.filter(outcome="throttled").delete()
    assert errors_of(one) == set()
    assert errors_of(other) == set()


def test_what_went_wrong_before_is_filled_in_by_the_migration(world: World):
    wrong = make.publication(world.version, world.account, world.mia, S.REFUSED)
    well = make.publication(world.version, world.account, world.mia)
    Publication.objects.update(has_error_refused=False)
    assert errors_of(wrong) == set()
    with connection.cursor() as cursor:
        cursor.execute(worked_out.SET_ALL_ERRORS)
    assert errors_of(wrong) == {"refused"}
    assert errors_of(well) == set()
    assert set(worked_out.WENT_WRONG) == set(ERRORS)


def errors_of(publication: Publication) -> set[str]:
    publication.refresh_from_db()
    return {name for name in ERRORS if getattr(publication, f"has_error_{name}")}


def test_a_picker_offers_and_takes_only_what_one_may_see(world: World):
    theirs = make.publication(world.version, world.account, world.ada, workspace=world.partner)
    make.publication(world.version, world.account, world.mia)
    page = signed_in(world.mia).get(URL).content.decode()
    assert ">Mia</option>" in page
    assert ">Ada</option>" not in page
    answer = signed_in(world.mia).get(f"{URL}?person={world.ada.pk}")
    assert answer.status_code == 422
    assert f"/history/{theirs.pk}/" not in answer.content.decode()
    assert ">Ada</option>" in signed_in(world.rowan).get(URL).content.decode()


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_holds_each_row_once_there_and_back(world: World, order: str):
    now = timezone.now()
    Publication.objects.bulk_create(
        Publication(
            workspace=world.shop,
            version=world.version,
            account=world.account,
            flow_name=("A-1", "B 2", "ä-", "")[index % 4],
            created_at=now - timedelta(minutes=index % 3),
        )
        for index in range(23)
    )
    rows = publications_for(world.mia)
    column, is_rising = ORDERS[order]
    keys = ("", "") if is_rising else ("-", "-")
    meant = list(rows.order_by(f"{keys[0]}{column}", f"{keys[1]}pk").values_list("pk", flat=True))
    pages = [page_of(rows, size=4, order=order)]
    while pages[-1].older:
        pages.append(page_of(rows, after=pages[-1].older, size=4, order=order))
    assert [one.pk for page in pages for one in page.rows] == meant
    for earlier, later in pairwise(pages):
        assert page_of(rows, before=later.newer, size=4, order=order).rows == earlier.rows
    html = signed_in(world.mia).get(f"{URL}?sort={order}").content.decode()
    assert ("newest first</caption>" in html) == (order == "")


def test_a_place_is_of_one_order(world: World):
    make.publication(world.version, world.account, world.mia, S.WAITING)
    for order in ORDERS:
        for place in ("x-1", "A-b-", "%00-1", "-1", "1-1"):
            answer = signed_in(world.mia).get(f"{URL}?sort={order}&after={place}")
            assert answer.status_code == 200


def test_each_word_of_a_search_is_in_the_row_or_in_what_it_names(world: World):
    kettle = make.account(world.shop, "QwE92b", "Kettle & Co")
    a = make.publication(world.version, world.account, world.mia, reason="It vanished.")
    b = make.publication(world.version, kettle, world.bob)
    start = world.version.content_hash[:12]
    assert found(world, world.mia, q="kettle BOB aban") == {b.pk}
    assert found(world, world.mia, q="kettle mia@") == set()
    assert found(world, world.mia, q="anish pine") == {a.pk}
    assert found(world, world.mia, q=start) == {a.pk, b.pk}
    assert found(world, world.mia, q="100%_") == set()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the indexes of PostgreSQL")
def test_the_database_may_go_along_an_index(world: World):
    """With what is only good for few rows made dear, the plans are the ones of a million."""
    rows = publications_for(world.rowan)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    words = Filters({"q": "vanished"}, workspaces=None).search.conditions
    searched = rows.filter(*words).order_by().explain()
    assert searched.count("publication_words_") == 3, searched
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")  # which is cheap for no rows, and sorts them
    for order, (column, _) in ORDERS.items():
        place = "5-5" if column == "created_at" else "Flow-5"
        with CaptureQueriesContext(connection) as caught:
            page_of(rows, after=place, order=order)
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + caught[0]["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Index Cond: (ROW(" in plan, plan
        assert "Sort" not in plan, plan
    for error in ERRORS:
        found = Filters({"error": error}, workspaces=None).narrow(rows)
        plan = sorted_by(found, "").explain()
        assert f"Index Scan using with_error_{error} on" in plan, plan
        assert "Sort" not in plan, plan
