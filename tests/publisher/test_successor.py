"""A new flow beside the old one takes along what was changed in the old one, against the running sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.connection import client_for
from flowbuilder.models import Install, Publication
from flowbuilder.operations import after, drift
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.operations.upgrades import offer_of
from flowbuilder.publisher.standing import standing_of
from tests.hands import take_action_out
from tests.publisher.test_after import flow_of
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import run
from tests.publisher.test_readings import look, put_in, write
from tests.publisher.versions import another_trigger, edit, held_message, next_version, step, updated

pytestmark = pytest.mark.django_db
SUBJECT = "mail-1 message.subject_line"


def beside(install: Install, by: Any, version: Any, **more: Any) -> Publication:
    publication = run(after.ask_for_successor(install=install, by=by, version=version, **more))
    install.refresh_from_db()
    return publication


def html_of(install: Install, key: str) -> str:
    template = held_message(install, key)["template_id"]
    return str(client_for(install.account).get_template(template).html)


def test_their_edits_come_along_and_are_kept_with_the_version_after_the_next(landed, alice, klaviyo):
    old = landed.live_flow_id
    edit(landed, "mail-1", subject_line="Ours")
    write(klaviyo, landed, "mail-2", "<p>Ours too</p>")
    own = put_in(landed)
    take_action_out(landed.account, landed.step_map["text-1"]["action"])

    def change(document: dict[str, Any]) -> None:
        another_trigger(document)
        step(document, "mail-1")["data"]["message"]["preview_text"] = "New"

    version = next_version(landed, change)
    look(landed)
    assert offer_of(landed, version).kind == "beside"
    publication = beside(landed, alice, version)
    assert publication.state == "published", publication.reason
    assert "Kept as it was edited in Klaviyo" in publication.reason
    assert "Landed, but" not in publication.reason
    assert landed.live_flow_id != old
    assert held_message(landed, "mail-1")["subject_line"] == "Ours"
    assert held_message(landed, "mail-1")["preview_text"] == "New"
    assert html_of(landed, "mail-2") == "<p>Ours too</p>"
    held = flow_of(landed).definition
    assert held["reentry_criteria"] == {"duration": 30, "unit": "day"}
    assert {"time-delay", "send-email"} <= {one["type"] for one in held["actions"]}
    assert "send-sms" not in {one["type"] for one in held["actions"]}, "they took the text out"
    waits = [one["data"] for one in held["actions"] if one["type"] == "time-delay"]
    assert any((one["unit"], one["value"]) == ("hours", 6) for one in waits), "they put a wait in"
    assert own not in landed.step_map
    assert not any(key.startswith("klaviyo-") for key in landed.step_map)
    assert all(one["data"].get("status", "draft") == "draft" for one in held["actions"])

    # What was taken along is no drift; and it is theirs for good.
    assert look(landed).verdict == "none"
    standing = standing_of(landed)
    assert standing is not None
    assert standing.version == version
    kept, _ = updated(
        landed,
        alice,
        lambda document: step(document, "mail-1")["data"]["message"].update(preview_text="Newer"),
    )
    assert kept.state == "published", kept.reason
    assert held_message(landed, "mail-1")["subject_line"] == "Ours"
    assert held_message(landed, "mail-1")["preview_text"] == "Newer"
    assert html_of(landed, "mail-2") == "<p>Ours too</p>"


def test_what_both_changed_is_one_question(landed, alice):
    edit(landed, "mail-1", subject_line="Ours")

    def change(document: dict[str, Any]) -> None:
        another_trigger(document)
        step(document, "mail-1")["data"]["message"]["subject_line"] = "Theirs"

    version = next_version(landed, change)
    look(landed)
    offer = offer_of(landed, version)
    assert offer.kind == "answers"
    assert [one.point.id for one in offer.undecided] == [SUBJECT]
    with pytest.raises(UnableToAct, match="choose one of the two"):
        after.ask_for_successor(install=landed, by=alice, version=version)
    assert offer_of(landed, version, choices={SUBJECT: "yours"}).kind == "beside"
    publication = beside(landed, alice, version, choices={SUBJECT: "yours"})
    assert publication.state == "published", publication.reason
    assert held_message(landed, "mail-1")["subject_line"] == "Ours"


def test_the_new_is_taken_where_a_person_says_so(landed, alice):
    edit(landed, "mail-1", subject_line="Ours")

    def change(document: dict[str, Any]) -> None:
        another_trigger(document)
        step(document, "mail-1")["data"]["message"]["subject_line"] = "Theirs"

    publication = beside(landed, alice, next_version(landed, change), choices={SUBJECT: "new"})
    assert publication.state == "published", publication.reason
    assert held_message(landed, "mail-1")["subject_line"] == "Theirs"


def test_an_email_that_came_along_is_a_question_when_a_later_version_writes_it_anew(landed, alice, klaviyo):
    write(klaviyo, landed, "mail-2", "<p>Ours</p>")
    beside(landed, alice, next_version(landed, another_trigger))

    def rewrite(document: dict[str, Any]) -> None:
        content = step(document, "mail-2")["data"]["message"]["template_id"]["$content"]
        document["contents"][content]["html"] += "<p>New</p>"

    later = next_version(landed, rewrite)
    look(landed)
    assert [one.point.id for one in offer_of(landed, later).undecided] == ["mail-2 message.template_id"]


def test_a_clash_that_came_up_since_we_looked_stops_it_before_anything_is_sent(landed, alice, klaviyo):
    def change(document: dict[str, Any]) -> None:
        another_trigger(document)
        step(document, "mail-1")["data"]["message"]["subject_line"] = "Theirs"

    version = next_version(landed, change)
    publication = after.ask_for_successor(install=landed, by=alice, version=version)
    edit(landed, "mail-1", subject_line="Ours")
    done = run(publication)
    assert done.state == "failed"
    assert "Choose one of the two" in done.reason
    assert not done.attempts.filter(step="create-flow").exists()


def test_put_beside_itself_it_is_as_it_was_designed(landed, alice, klaviyo):
    """The way to put back what nobody can put back in its place."""
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": None})
    before = landed.version
    reading = look(landed)
    with pytest.raises(UnableToAct, match="beside it"):
        drift.put_back(
            install=landed, by=alice, reading_id=reading.pk, ids=[one["id"] for one in reading.differences]
        )
    publication = beside(landed, alice, before)
    assert publication.state == "published", publication.reason
    assert flow_of(landed).definition["profile_filter"] is not None
