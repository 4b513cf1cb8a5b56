"""Sums that the database keeps are the ones that counting gives, whatever was filtered and whatever happened since."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flowbuilder import worked_out
from flowbuilder.access import publications_for, workspaces_seen
from flowbuilder.history import sums
from flowbuilder.history.filters import Filters
from flowbuilder.history.sums import sums_of
from flowbuilder.models import DayCount, Publication
from flowbuilder.operations.library import offer_in_library
from flowbuilder.publisher.states import move
from flowbuilder.queries import counts
from tests.history import make
from tests.history.conftest import World
from tests.history.make import S

NOON = timezone.now().replace(hour=12)


@pytest.fixture
def history(world: World) -> World:
    """Two versions, two workspaces, every state, over five weeks."""
    other = make.version(world.partner, "Birthday", by=world.ada)
    offer_in_library(version=other)
    elsewhere = make.account(make.workspace("kettle"), "QwE92b", "Kettle & Co")
    for index, state in enumerate([*S, *S, S.PUBLISHED, S.FAILED]):
        make.publication(
            (world.version, other)[index % 2],
            (world.account, elsewhere)[index % 3 == 0],
            world.mia,
            state,
            created_at=NOON - timedelta(days=(index * 5) % 37),
        )
    return world


def told(world: World, user, **wanted: object) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    given = {name: str(value) for name, value in wanted.items()}
    seen = publications_for(user)
    filters = Filters(given, workspaces=workspaces_seen(user))
    assert filters.is_valid(), filters.errors
    found, days = sums_of(filters, seen, workspaces_seen(user), NOON.date())
    return (
        (found.asked, found.published, found.refused, found.waiting, found.cancelled),
        [(day.published, day.refused, day.waiting, day.cancelled) for day in days],
    )


def counted(world: World, user, **wanted: object) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The same by hand, row by row."""
    given = {name: str(value) for name, value in wanted.items()}
    seen = publications_for(user)
    filters = Filters(given, workspaces=workspaces_seen(user))
    name = lambda one: sums.GROUP[one.state]  # noqa: E731
    all_of = Counter(name(one) for one in filters.narrow(seen))
    days = Counter(
        (one.created_at.astimezone(UTC).date(), name(one)) for one in filters.narrow(seen, by_day=False)
    )
    order = ("published", "refused", "waiting", "cancelled")
    return (
        (sum(all_of.values()), *(all_of[one] for one in order)),
        [tuple(days[NOON.date() - timedelta(29 - index), one] for one in order) for index in range(30)],
    )


WANTED = (
    {},
    {"outcome": "published"},
    {"outcome": "refused"},
    {"outcome": "waiting"},
    {"outcome": "unknown"},
    {"from": (NOON - timedelta(days=9)).date()},
    {"from": (NOON - timedelta(days=20)).date(), "to": (NOON - timedelta(days=3)).date()},
    {"sort": "flow"},
    {"q": "birth"},
    {"version": 1},
)


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_they_are_what_counting_gives(history: World, wanted):
    for user in (history.rowan, history.mia, history.ada):
        assert told(history, user, **wanted) == counted(history, user, **wanted), user


def test_of_one_workspace_and_of_one_template(history: World):
    template = history.partner.template_flows.get()
    for wanted in (
        {"workspace": history.shop.pk},
        {"template": template.pk},
        {"workspace": history.shop.pk, "template": template.pk, "outcome": "published"},
    ):
        found = told(history, history.rowan, **wanted)
        assert found == counted(history, history.rowan, **wanted)
        assert found[0][0] > 0


def test_whatever_happens_to_a_publication(world: World):
    """Tried again, put to another day, taken away: by a statement or by the ORM."""
    one = make.publication(world.version, world.account, world.mia, S.FAILED, created_at=NOON)
    make.publication(world.version, world.account, world.mia, S.CANCELLED, created_at=NOON)
    both = lambda: told(world, world.rowan) == counted(world, world.rowan)  # noqa: E731
    assert told(world, world.rowan)[0] == (2, 0, 1, 0, 1)
    move(one, S.ASKED, by=world.mia)
    assert told(world, world.rowan)[0] == (2, 0, 0, 1, 1)
    assert both()
    Publication.objects.filter(state=S.CANCELLED).update(created_at=NOON - timedelta(days=3))
    assert both()
    Publication.objects.filter(state=S.CANCELLED).update(reason="Nothing that is counted changes.")
    assert both()
    Publication.objects.filter(state=S.CANCELLED).delete()
    assert told(world, world.rowan)[0] == (1, 0, 0, 1, 0)
    assert both()


def test_the_days_are_those_of_utc(world: World):
    late = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    make.publication(world.version, world.account, world.mia, created_at=late)
    make.publication(world.version, world.account, world.mia, created_at=late + timedelta(microseconds=1))
    kept = DayCount.objects.filter(of_workspace=0, of_flow=0)
    assert list(kept.values_list("day", "number")) == [(late.date(), 1), (late.date() + timedelta(days=1), 1)]


def test_what_ended_before_is_counted_by_the_migration(history: World):
    rows = lambda: sorted(  # noqa: E731
        DayCount.objects.filter(number__gt=0).values_list("of_workspace", "of_flow", "day", "state", "number")
    )
    kept = rows()
    DayCount.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(worked_out.count_all(connection.vendor))
    assert rows() == kept
    assert len(kept) > 20


def test_of_too_many_only_the_newest_are_counted_and_it_says_so(history: World, monkeypatch):
    monkeypatch.setattr(counts, "MOST", 5)
    monkeypatch.setattr(sums, "MOST", 5)
    seen = publications_for(history.rowan)
    filters = Filters({"version": "1"}, workspaces=None)
    found, days = sums_of(filters, seen, None, NOON.date())
    newest = list(filters.narrow(seen).order_by("-created_at", "-pk")[:5])
    assert (found.asked, found.is_cut) == (5, True)
    assert sum(day.total for day in days) == sum(
        one.created_at.date() > NOON.date() - timedelta(days=30) for one in newest
    )
    assert sums_of(Filters({}, workspaces=None), seen, None, NOON.date())[0].asked == seen.count()


def test_no_row_of_the_history_is_read_for_what_is_kept(history: World):
    seen = publications_for(history.rowan)
    filters = Filters({}, workspaces=None)
    filters.is_valid()
    with CaptureQueriesContext(connection) as caught:
        sums_of(filters, seen, None, NOON.date())
    assert len(caught) == 4
    for query in caught:
        kept = '"flowbuilder_daycount"' in query["sql"]
        assert kept or '"state" IN (' in query["sql"], query["sql"]
