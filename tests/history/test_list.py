"""The list: who sees what, what the filters find, and that it stays quick and true as rows are added."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flowbuilder.access import publications_for
from flowbuilder.history.chart import columns
from flowbuilder.history.filters import Filters
from flowbuilder.history.finding import page_of, place_of, read_place
from flowbuilder.history.sums import Day, sums_of
from flowbuilder.models import Publication
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S
from tests.make import way

URL = "/history/"
HTMX = {"HX-Request": "true"}


def text(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(URL + query, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_sees_their_own_and_the_operator_sees_all(world: World):
    mine = make.publication(world.version, world.account, world.mia)
    for user, sees in ((world.mia, 1), (world.bob, 1), (world.rowan, 1), (world.ada, 0), (world.charlie, 0)):
        client = signed_in(user)
        assert (f"/history/{mine.pk}/" in text(client)) == bool(sees), user
        expected = 200 if sees else 404
        assert client.get(f"{URL}{mine.pk}/").status_code == expected
        assert client.get(f"{URL}{mine.pk}/attempts/3/request.json").status_code == expected
        acts = {act: client.post(f"{URL}{mine.pk}/{act}/").status_code for act in ("cancel", "retry")}
        right = {world.mia: 302, world.rowan: 302, world.bob: 403}.get(user, 404)
        assert acts == {"cancel": right, "retry": right}, user
    assert Client().get(URL).status_code == 302


def test_a_row_says_what_happened(world: World):
    now = timezone.now()
    put = lambda state, **more: make.publication(world.version, world.account, world.mia, state, **more)  # noqa: E731
    put(S.PUBLISHED)
    put(S.REFUSED, refusals=make.REFUSALS, reason="Klaviyo refused it.")
    put(
        S.WAITING,
        reason="The 100 flows of a day are used.",
        not_before=now + timedelta(hours=6, minutes=14, seconds=30),
    )
    put(S.UNKNOWN, reason="The answer was lost.", not_before=now + timedelta(seconds=40, milliseconds=900))
    put(S.PUBLISHED, reason="Landed, but not quite as meant: entry: meant 's1', found 's2'")
    html = text(signed_in(world.mia))
    for part in (
        'Flow <span class="mono">T23ivh</span>, 2 steps, 1 email made',
        "4 calls in 1.2 s",
        "<b>Wait 1 hour</b>: A time of day needs a delay in days.",
        "and 1 more · 3 calls in 0.93 s",
        "The 100 flows of a day are used.",
        "(in 6 h 14 min)",
        "landed, but not quite as meant · 4 calls",
        '<span class="sub">owner</span>',
        world.version.content_hash[:4] + "…",
    ):
        assert part in html, part
    assert re.search(r"Next look in (39|40|41) s", html)
    assert "show on the canvas" not in html  # Mia may not design the partner's flow


def test_who_designs_the_flow_is_led_to_the_step(world: World):
    make.publication(
        world.version, world.account, world.ada, S.REFUSED, refusals=make.REFUSALS, workspace=world.partner
    )
    assert f'href="/flows/{world.version.flow_id}/?step=wait"' in text(signed_in(world.ada))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b", "c"}),
        ("?q=ABANDONED", {"a"}),
        ("?q=kettle", {"b"}),
        ("?q=QwE92b", {"b"}),
        ("?q=mia@example.com", {"a", "c"}),
        ("?q=mia+abandoned", {"a"}),
        ("?q=vanished", {"c"}),
        ("?q=T23ivh", {"a"}),
        ("?q=%25", set()),
        ("?outcome=published", {"a"}),
        ("?outcome=refused", {"b"}),
        ("?outcome=waiting", {"c"}),
        ("?outcome=cancelled", set()),
        ("?from=2026-03-02", {"b", "c"}),
        ("?to=2026-03-01", {"a"}),
        ("?from=2026-03-02&to=2026-03-02", {"b"}),
        ("?outcome=published&q=kettle", set()),
    ],
)
def test_filters(world: World, query: str, found: set[str]):
    kettle = make.account(world.shop, "QwE92b", "Kettle & Co")
    at = timezone.datetime(2026, 3, 1, 23, 59, 59, tzinfo=timezone.get_fixed_timezone(0))
    other = make.version(world.partner, "Birthday")
    rows = {
        "a": make.publication(world.version, world.account, world.mia, created_at=at),
        "b": make.publication(other, kettle, world.bob, S.REFUSED, created_at=at + timedelta(seconds=1)),
        "c": make.publication(
            other,
            world.account,
            world.mia,
            S.WAITING,
            created_at=at + timedelta(days=2),
            reason="It vanished.",
        ),
    }
    client = signed_in(world.rowan)
    html = text(client, query)
    assert {name for name, row in rows.items() if f'href="/history/{row.pk}/"' in html} == found
    assert {name for name, row in rows.items() if f"{URL}{row.pk}/" in text(client, query, **HTMX)} == found


def test_the_account_filter_offers_only_what_one_may_see(world: World):
    kettle = make.account(make.workspace("kettle"), "QwE92b", "Kettle & Co")
    make.publication(world.version, world.account, world.mia)
    theirs = make.publication(world.version, kettle, None)
    html = text(signed_in(world.mia))
    assert "Harbour &amp; Pine</option>" in html
    assert "Kettle" not in html
    answer = signed_in(world.mia).get(f"{URL}?account={kettle.pk}")
    assert answer.status_code == 422
    assert f"/history/{theirs.pk}/" not in answer.content.decode()
    assert f"/history/{theirs.pk}/" in text(signed_in(world.rowan), f"?account={kettle.pk}")


@pytest.mark.parametrize("query", ["?from=never", "?outcome=odd", "?account=x", "?q=" + "a" * 300, "?q=%00"])
def test_filters_that_make_no_sense_say_so(world: World, query: str):
    answer = signed_in(world.mia).get(URL + query)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()


@pytest.mark.parametrize(
    "place", ["x", "1-", "-1", "9" * 40 + "-1", "1-" + "9" * 40, "²-1", "99999999999999999-1"]
)
def test_a_place_that_makes_no_sense_is_the_start(world: World, place: str):
    make.publication(world.version, world.account, world.mia)
    for name in ("after", "before"):
        assert signed_in(world.mia).get(f"{URL}?{name}={place}").status_code == 200


def test_an_empty_history_says_what_will_stand_here(world: World):
    html = text(signed_in(world.mia))
    assert "Nothing was published yet" in html
    assert "publish-chart" not in html
    assert "Nothing fits" in text(signed_in(world.mia), "?q=x")


def test_htmx_is_given_the_part_that_changes(world: World):
    make.publication(world.version, world.account, world.mia)
    client = signed_in(world.mia)
    answer = client.get(URL, {"q": "aband", "outcome": ""}, headers=HTMX)
    html = answer.content.decode()
    assert html.strip().startswith('<div id="found">')
    assert "<html" not in html
    assert answer["HX-Push-Url"] == "/history/?q=aband"
    assert "HX-Request" in answer["Vary"]
    page = client.get(URL, {"after": place_of(Publication(pk=1, created_at=timezone.now()))}, headers=HTMX)
    assert page.content.decode().strip().startswith('<div id="publications"')


# --- Pages -------------------------------------------------------------------------------------------------------


def many(world: World, number: int, **more: Any) -> list[Publication]:
    """Rows at five different moments, so that many share one."""
    now = timezone.now()
    made = Publication.objects.bulk_create(
        Publication(
            workspace=world.shop,
            version=world.version,
            account=world.account,
            asked_by=world.mia,
            flow_name=f"Flow {index}",
            created_at=now - timedelta(minutes=index % 5),
            **more,
        )
        for index in range(number)
    )
    for state in way(S.ASKED, S.PUBLISHED):
        Publication.objects.filter(pk__in=[one.pk for one in made]).update(state=state)
    return made


def test_pages_hold_every_row_once_while_rows_are_added(world: World):
    before = {one.pk for one in many(world, 25)}
    rows = publications_for(world.rowan)
    expected = list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True))
    seen: list[int] = []
    place = ""
    while True:
        page = page_of(rows, after=place, size=4)
        seen += [one.pk for one in page.rows]
        many(world, 1)  # somebody publishes between two presses
        if not page.older:
            break
        place = page.older
    assert seen == expected
    assert set(seen) == before


def test_back_is_where_one_came_from(world: World):
    many(world, 12)
    rows = publications_for(world.rowan)
    first = page_of(rows, size=5)
    second = page_of(rows, after=first.older, size=5)
    third = page_of(rows, after=second.older, size=5)
    assert (first.newer, len(third.rows), third.older) == ("", 2, "")
    assert page_of(rows, before=third.newer, size=5) == second
    assert page_of(rows, before=second.newer, size=5) == first


def test_the_last_page_is_a_seek(world: World):
    many(world, 9)
    rows = publications_for(world.rowan)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        page_of(rows, after=page_of(rows, size=3).older, size=3)
    assert len(caught) == 4  # the keys of each page, and its rows
    assert all("OFFSET" not in query["sql"] for query in caught)
    at, pk = read_place(place_of(rows[0])) or (None, 0)
    assert (at, pk) == (rows[0].created_at, rows[0].pk)


def test_as_many_queries_for_fifty_rows_as_for_five(world: World):
    def fill(number: int) -> None:
        for index in range(number):
            state = (S.PUBLISHED, S.REFUSED, S.WAITING, S.FAILED, S.UNKNOWN)[index % 5]
            refusals = make.REFUSALS if state == S.REFUSED else []
            version = make.version(world.partner, f"Flow {index}")
            make.publication(version, world.account, world.mia, state, refusals=refusals)

    client = signed_in(world.rowan)
    counts = []
    for number in (5, 45):
        fill(number)
        text(client)
        with CaptureQueriesContext(connection) as caught:
            html = text(client)
        counts.append(len(caught))
        assert html.count("<tr>") >= number
    assert counts[0] == counts[1] <= 27


# --- Sums --------------------------------------------------------------------------------------------------------


def test_counts_and_days_are_of_what_was_found(world: World):
    now = timezone.now().replace(hour=12)
    for days, state in (
        (0, S.PUBLISHED),
        (0, S.REFUSED),
        (1, S.FAILED),
        (29, S.WAITING),
        (30, S.PUBLISHED),
        (2, S.CANCELLED),
    ):
        make.publication(
            world.version, world.account, world.mia, state, created_at=now - timedelta(days=days)
        )
    rows = publications_for(world.rowan)
    counts, days = sums_of(Filters({}, workspaces=None), rows, None, now.date())
    assert (counts.asked, counts.published, counts.refused, counts.waiting, counts.cancelled) == (
        6,
        2,
        2,
        1,
        1,
    )
    assert len(days) == 30
    assert [day.total for day in days] == [1] + [0] * 26 + [1, 1, 2]
    assert (days[-1].published, days[-1].refused) == (1, 1)
    assert sums_of(Filters({"outcome": "refused"}, workspaces=None), rows, None, now.date())[0].asked == 2


def test_bars_stay_inside_and_a_single_refusal_is_seen():
    day = Day(timezone.now().date(), published=100_000, refused=1, waiting=1, cancelled=1)
    [column] = columns([day])
    assert [bar.tone for bar in column.bars] == ["good", "quiet", "warn", "bad"]
    assert all(float(bar.height) >= 2.5 and 0 <= float(bar.y) <= 80 for bar in column.bars)
    assert columns([Day(day.when)])[0].bars == ()


def test_the_chart_has_a_table_and_no_inline_style(world: World):
    make.publication(world.version, world.account, world.mia)
    html = text(signed_in(world.mia))
    assert 'role="group" aria-label="Publications a day' in html
    assert "<details" in html
    assert "Publications a day, by outcome</caption>" in html
    assert "style=" not in html
