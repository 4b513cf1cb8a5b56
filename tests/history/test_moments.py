"""The time line of a publication: every state, when, why, by whom, until when; short, however long the way was."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flowbuilder.history.moments import MOST_OPEN, MOST_READ, TimeLine, moves_of, time_line
from flowbuilder.models import Move, Publication
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.publisher.states import move
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S

START = timezone.datetime(2026, 3, 2, 23, 59, 50, tzinfo=timezone.get_fixed_timezone(0))


def at(seconds: float) -> time_machine.travel:
    return time_machine.travel(START + timedelta(seconds=seconds), tick=False)


@pytest.fixture
def asked(world: World) -> Publication:
    return make.publication(world.version, world.account, world.mia, S.ASKED, created_at=START)


def line(publication: Publication, seconds: float) -> TimeLine:
    return time_line(publication, moves_of(publication), START + timedelta(seconds=seconds))


def shown(publication: Publication, world: World) -> str:
    html = signed_in(world.mia).get(f"/history/{publication.pk}/").content.decode()
    section = html.split('<ol class="states"', 1)[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", section).split())


def test_every_state_with_its_time_its_reason_and_who(world: World, asked: Publication):
    with at(2):
        move(asked, S.PREPARING)
    with at(5):
        move(asked, S.WAITING, "The day's flows are used.", not_before=START + timedelta(hours=1))
    found = line(asked, 6)
    assert (found.between, found.more) == ((), 0)
    first, second, third = found.first
    assert (first.label, first.clock, first.by, first.lasted) == ("Asked", "23:59:50", "Mia", "2.0 s")
    assert (second.label, second.clock, second.by, second.lasted) == ("Preparing", "23:59:52", "", "3.0 s")
    assert (third.reason, third.tone, third.lasted) == ("The day's flows are used.", "warn", "")
    assert third.until == "tomorrow 00:59:50"
    with at(20):
        cancel_publication(publication=asked, by=world.mia)
    asked.refresh_from_db()
    *_, waited, cancelled = line(asked, 30).first
    assert (waited.until, waited.lasted) == ("", "15 s")
    assert (cancelled.reason, cancelled.by) == ("Cancelled by Mia.", ""), "named once"
    assert cancelled.clock == "today 00:00:10", "the day stands where it changes"


def test_it_stands_on_the_page_as_a_list(world: World, asked: Publication):
    later = timezone.now() + timedelta(minutes=30)
    move(asked, S.WAITING, "Klaviyo asked us to wait.", not_before=later)
    text = shown(asked, world)
    assert re.search(r"Asked .* by Mia .* Waiting", text)
    assert "Klaviyo asked us to wait." in text
    assert f"until {later:%H:%M}" in text or "until tomorrow" in text
    html = signed_in(world.mia).get(f"/history/{asked.pk}/").content.decode()
    assert html.count('<ol class="states"') == 1


def test_waiting_again_for_the_same_reason_is_one_line(asked: Publication):
    for seconds in (1, 2, 3):
        with at(seconds):
            move(asked, S.WAITING, "Nothing reached Klaviyo. We try again.")
    _, waiting = line(asked, 9).first
    assert (waiting.times, waiting.clock) == (3, "23:59:51")


def test_a_long_way_is_folded_and_its_end_stands_open(world: World, asked: Publication):
    for number in range(40):
        move(asked, S.WAITING, f"Wait {number}.")
    found = line(asked, 9)
    assert [one.label for one in found.first] == ["Asked"]
    assert [one.reason for one in found.last] == [f"Wait {number}." for number in range(33, 40)]
    assert (len(found.between), len(found.last), found.more) == (33, MOST_OPEN, 0)
    assert "33 more between" in shown(asked, world)


def test_of_a_very_long_way_only_the_latest_is_read(world: World, asked: Publication):
    Move.objects.bulk_create(
        Move(publication=asked, number=number, from_state="waiting", to_state="waiting", reason=str(number))
        for number in range(1, MOST_READ + 51)
    )
    with CaptureQueriesContext(connection) as caught:
        moves = moves_of(asked)
    assert len(caught) == 1
    assert (moves[0].number, moves[-1].number) == (51, MOST_READ + 50)
    assert "And 50 before those." in shown(asked, world)


def test_what_is_older_than_the_writing_down_says_how_it_ended(world: World):
    one = make.publication(
        world.version, world.account, None, S.FAILED, created_at=START, reason="The connection is broken."
    )
    first, last = line(one, 9).first
    assert first.by == "somebody who left"
    assert (last.label, last.reason, last.clock) == ("Failed", "The connection is broken.", "23:59:53")


def test_the_page_that_asks_sees_a_new_move(world: World, asked: Publication):
    client = signed_in(world.mia)
    seen = client.get(f"/history/{asked.pk}/").content.decode().split("?seen=")[1].split('"')[0]
    url = f"/history/{asked.pk}/?seen={seen}"
    assert client.get(url, headers={"HX-Request": "true"}).status_code == 204
    move(asked, S.APPROVED, "Looked through.", by=world.rowan)
    html = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "Approved" in html
    assert "by Rowan" in html
    assert f'action="/history/{asked.pk}/cancel/"' in html
