"""Flows that landed, read again: what is a difference, how much it matters, since when, and what is answered to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils.timezone import now as right_now

from accounts.connection import client_for
from flowbuilder.models import Install, Reading
from flowbuilder.operations import after, drift
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher import readings
from tests.definition.flows import filter_of
from tests.hands import delete_flow, put_action_in, take_action_out
from tests.publisher.test_after import flow_of, set_step, statuses
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import run
from tests.publisher.versions import PAUSE, edit, everything, held_message, updated

pytestmark = pytest.mark.django_db


def look(install: Install) -> Reading:
    found = readings.read_install(install)
    assert found is not None
    return found


def texts(reading: Reading) -> list[str]:
    return [one["text"] for one in reading.differences]


def put_in(install: Install) -> str:
    """A person puts a wait in behind the first email."""
    anchor = {"id": install.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    return put_action_in(install.account, {**PAUSE, "temporary_id": "own"}, anchor)


def write(klaviyo: Any, install: Install, key: str, html: str) -> None:
    klaviyo.advance(60)
    klaviyo.edit("template", held_message(install, key)["template_id"], attributes={"html": html})


def test_a_flow_that_nobody_touched_is_as_it_was_left(landed):
    reading = look(landed)
    assert (reading.verdict, reading.differences, reading.since) == ("none", [], None)
    landed.refresh_from_db()
    assert landed.looked_at is not None


def test_a_setting_is_content_and_told_in_words(landed):
    edit(landed, "mail-1", subject_line="Ours")
    reading = look(landed)
    assert reading.verdict == "content"
    assert len(texts(reading)) == 1
    assert "subject" in texts(reading)[0]
    assert "to “Ours”" in texts(reading)[0]


def test_an_email_written_anew_is_content(landed, klaviyo):
    write(klaviyo, landed, "mail-2", "<p>Ours</p>")
    reading = look(landed)
    assert reading.verdict == "content"
    assert reading.differences[0]["id"] == "mail-2 message.template_id"
    assert "written anew" in texts(reading)[0]
    assert [one["html"] for one in reading.emails.values() if one["edited"]] == ["<p>Ours</p>"]


def test_an_email_that_klaviyo_writes_down_otherwise_is_no_edit(landed, klaviyo):
    """A copy that nobody touched since it was made says what we wrote."""
    template = held_message(landed, "mail-2")["template_id"]
    klaviyo.edit("template", template, attributes={"html": "<html>normalised</html>"})
    assert look(landed).verdict == "none"


def test_a_name_is_cosmetic_a_status_is_a_status_and_the_worst_one_counts(landed, klaviyo):
    klaviyo.edit("flow", landed.live_flow_id, attributes={"name": "Our cart"})
    reading = look(landed)
    assert (reading.verdict, texts(reading)) == ("cosmetic", ["The flow is now called “Our cart”."])
    set_step(landed, "mail-1", "live")
    reading = look(landed)
    assert reading.verdict == "status"
    assert any("was draft and is live" in one for one in texts(reading))
    put_in(landed)
    reading = look(landed)
    assert reading.verdict == "logic"
    assert {one["weight"] for one in reading.differences} == {"cosmetic", "status", "logic"}


def test_steps_that_came_and_went_and_another_filter_are_logic(landed, klaviyo):
    put_in(landed)
    take_action_out(landed.account, landed.step_map["text-1"]["action"])
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": filter_of("gold")})
    reading = look(landed)
    found = " ".join(texts(reading))
    assert reading.verdict == "logic"
    assert "Added “Wait 6 hours” after" in found
    assert "Removed “" in found
    assert "Whom it is for" in found


def test_a_flow_that_is_gone_is_gone(landed):
    delete_flow(landed.account, landed.live_flow_id)
    reading = look(landed)
    assert (reading.verdict, reading.definition) == ("gone", None)


def test_found_the_same_again_only_the_time_moves_on_and_since_stays(landed):
    now = right_now()
    edit(landed, "mail-1", subject_line="Ours")
    first = readings.read_install(landed, now=now)
    again = readings.read_install(landed, now=now + timedelta(days=1))
    assert again.pk == first.pk
    assert Reading.objects.get().at == now + timedelta(days=1)
    edit(landed, "mail-1", subject_line="Ours again")
    third = readings.read_install(landed, now=now + timedelta(days=2))
    assert third.pk != first.pk
    assert third.since == now


def test_what_was_read_never_changes(landed):
    reading = look(landed)
    for field, value in (("verdict", "logic"), ("definition", {}), ("differences", [{}])):
        with pytest.raises(DatabaseError), transaction.atomic():
            Reading.objects.filter(pk=reading.pk).update(**{field: value})


# --- Answers -----------------------------------------------------------------------------------------------------


def test_what_is_accepted_is_no_difference_any_more_and_what_comes_after_it_is(landed, alice):
    edit(landed, "mail-1", subject_line="Ours")
    set_step(landed, "mail-2", "live")
    reading = look(landed)
    drift.accept(install=landed, by=alice, reading_id=reading.pk)
    assert look(landed).verdict == "none"
    edit(landed, "mail-1", subject_line="Ours again")
    assert "from “Ours” to “Ours again”" in texts(look(landed))[0]


def test_an_email_that_is_accepted_is_no_difference_any_more(landed, alice, klaviyo):
    write(klaviyo, landed, "mail-2", "<p>Ours</p>")
    drift.accept(install=landed, by=alice, reading_id=look(landed).pk)
    assert look(landed).verdict == "none"
    write(klaviyo, landed, "mail-2", "<p>Ours again</p>")
    assert look(landed).verdict == "content"


def test_all_is_put_back(landed, alice, klaviyo):
    before = flow_of(landed).definition
    edit(landed, "mail-1", subject_line="Ours")
    write(klaviyo, landed, "mail-2", "<p>Ours</p>")
    put_in(landed)
    take_action_out(landed.account, landed.step_map["text-1"]["action"])
    set_step(landed, "mail-1", "live")
    reading = look(landed)
    ids = [one["id"] for one in reading.differences]
    publication = run(drift.put_back(install=landed, by=alice, reading_id=reading.pk, ids=ids))
    assert publication.state == "published", publication.reason
    run(landed.publications.latest("pk"))
    landed.refresh_from_db()
    assert set(statuses(landed).values()) == {"draft"}
    reading = look(landed)
    assert (reading.verdict, texts(reading)) == ("none", [])
    assert len(flow_of(landed).definition["actions"]) == len(before["actions"])
    html = client_for(landed.account).get_template(held_message(landed, "mail-2")["template_id"]).html
    assert html != "<p>Ours</p>"


def test_one_is_put_back_and_the_others_stay(landed, alice):
    edit(landed, "mail-1", subject_line="Ours", preview_text="Our preview")
    own = put_in(landed)
    reading = look(landed)
    asked = drift.put_back(
        install=landed, by=alice, reading_id=reading.pk, ids=["mail-1 message.subject_line"]
    )
    publication = run(asked)
    assert publication.state == "published", publication.reason
    message = held_message(landed, "mail-1")
    assert message["subject_line"] != "Ours"
    assert message["preview_text"] == "Our preview"
    assert own in {one["id"] for one in flow_of(landed).definition["actions"]}
    assert look(landed).verdict == "none", "what stayed was seen, and stays on purpose"


def test_statuses_alone_are_put_back_by_a_change_of_status(landed, alice):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-1", "draft")
    reading = look(landed)
    assert reading.verdict == "status"
    ids = [one["id"] for one in reading.differences]
    publication = run(drift.put_back(install=landed, by=alice, reading_id=reading.pk, ids=ids))
    assert (publication.kind, publication.state) == ("status", "published")
    assert set(statuses(landed).values()) == {"live"}
    assert look(landed).verdict == "none"


def test_what_klaviyo_lets_nobody_put_back_says_why(landed, alice, klaviyo):
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": filter_of("gold")})
    reading = look(landed)
    with pytest.raises(UnableToAct, match="Whom the flow is for"):
        drift.put_back(install=landed, by=alice, reading_id=reading.pk, ids=["flow profile_filter"])


def test_a_person_decides_about_what_they_saw(landed, alice):
    first = look(landed)
    edit(landed, "mail-1", subject_line="Ours")
    look(landed)
    with pytest.raises(UnableToAct, match="read again since"):
        drift.accept(install=landed, by=alice, reading_id=first.pk)


def test_after_an_update_what_was_kept_is_how_it_was_left(landed, alice, klaviyo):
    edit(landed, "mail-2", preview_text="Ours")
    updated(landed, alice, everything)
    reading = look(landed)
    assert (reading.verdict, texts(reading)) == ("none", [])


# --- By the clock ------------------------------------------------------------------------------------------------


def test_each_is_read_once_a_day(landed):
    now = right_now()
    assert readings.due_installs(now, 10) == [landed.pk]
    assert readings.read_due(landed.pk, now).verdict == "none"
    assert readings.due_installs(now, 10) == []
    assert readings.read_due(landed.pk, now) is None
    assert readings.due_installs(now + timedelta(days=1, minutes=1), 10) == [landed.pk]


def test_what_cannot_be_read_now_is_tried_again_in_an_hour(landed, klaviyo):
    now = right_now()
    klaviyo.fault("status", "GET", "/api/flows/*", status=503, times=9)
    assert readings.read_due(landed.pk, now) is None
    assert not Reading.objects.exists()
    assert readings.due_installs(now, 10) == []
    assert readings.due_installs(now + timedelta(minutes=61), 10) == [landed.pk]


def test_an_account_that_is_busy_is_left_alone(landed, alice):
    after.ask_for_status(install=landed, by=alice, status="live")
    assert readings.due_installs(right_now(), 10) == []
