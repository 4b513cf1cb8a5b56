"""The next version of a flow in its place, against the running sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.connection import client_for
from flowbuilder.operations import after
from flowbuilder.operations.publications import UnableToAct
from tests import make
from tests.hands import put_action_in, take_action_out
from tests.publisher.test_after import asked, calls_of, flow_of, set_step, statuses
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import created, run
from tests.publisher.versions import (
    PAUSE,
    as_meant,
    edit,
    everything,
    held_message,
    next_version,
    step,
    take,
    updated,
)

pytestmark = pytest.mark.django_db


def test_a_version_is_taken_in_the_place_of_the_one_before(landed, alice, klaviyo):
    flow, ids = landed.live_flow_id, dict(landed.step_map)
    publication, version = updated(landed, alice, everything)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(landed, version) == []
    assert [one["id"] for one in created(klaviyo)] == [flow]
    assert (landed.version, landed.live_flow_id) == (version, flow)
    assert set(landed.step_map) == (set(ids) - {"wait-1"}) | {"pause", "text-2", "first"}
    assert all(landed.step_map[key] == ids[key] for key in ids if key != "wait-1")
    assert landed.step_map["text-2"]["message"]
    held = {one["id"]: one for one in flow_of(landed).definition["actions"]}
    assert {held[one["action"]]["type"] for key, one in landed.step_map.items() if "mail" in key} == {
        "send-email"
    }
    assert [one for one in calls_of(publication) if "read" not in one and "make" not in one] == [
        "insert-first",
        "insert-pause",
        "insert-text-2",
        "patch-mail-1",
        "patch-wait-2",
        "patch-mail-2",
        "delete-wait-1",
    ]


def test_only_the_email_that_changed_gets_a_new_template(landed, alice, klaviyo):
    before = {key: held_message(landed, key)["template_id"] for key in ("mail-1", "mail-2")}
    publication, _ = updated(landed, alice, everything)
    assert publication.made.count() == 1
    after_ = {key: held_message(landed, key)["template_id"] for key in ("mail-1", "mail-2")}
    assert after_["mail-1"] == before["mail-1"]
    assert after_["mail-2"] != before["mail-2"]
    html = client_for(landed.account).get_template(after_["mail-2"]).html
    assert html.endswith("<p>New</p>")


def test_statuses_stay_and_a_new_message_is_a_draft(landed, alice):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-2", "manual")
    before = statuses(landed)
    publication, _ = updated(landed, alice, everything)
    assert publication.state == "published", publication.reason
    now = statuses(landed)
    assert now.pop("text-2") == "draft"
    assert now == before
    assert "“Text 2”" in publication.reason
    assert "draft" in publication.reason


def test_what_was_edited_in_klaviyo_is_kept(landed, alice):
    edit(landed, "mail-1", subject_line="Our own subject")
    edit(landed, "mail-2", preview_text="Our own preview")
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed", "both changed the subject"
    assert "“Your cart is waiting”" in publication.reason or "Our own subject" in publication.reason
    assert not publication.attempts.filter(method="PATCH").exists()
    choices = {"mail-1 message.subject_line": "yours"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published"
    assert held_message(landed, "mail-1")["subject_line"] == "Our own subject"
    assert held_message(landed, "mail-2")["preview_text"] == "Our own preview"
    assert "Kept as it was edited in Klaviyo" in publication.reason
    assert "not quite" not in publication.reason


def test_of_what_both_changed_the_new_is_taken_where_a_person_says_so(landed, alice):
    edit(landed, "mail-1", subject_line="Our own subject")
    version = next_version(landed, everything)
    choices = {"mail-1 message.subject_line": "new"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert (publication.state, publication.reason) == ("published", "")
    assert held_message(landed, "mail-1")["subject_line"] == "Still yours"


def test_an_edit_that_was_kept_stays_with_the_version_after_the_next(landed, alice):
    """What the account has is not taken for what was sent."""
    edit(landed, "mail-2", preview_text="Our own preview")
    updated(landed, alice, everything)

    def third(document: dict[str, Any]) -> None:
        step(document, "mail-2")["data"]["message"]["subject_line"] = "A third subject"

    publication, _ = updated(landed, alice, third)
    assert publication.state == "published", publication.reason
    message = held_message(landed, "mail-2")
    assert (message["subject_line"], message["preview_text"]) == ("A third subject", "Our own preview")


def test_an_email_that_was_written_anew_on_both_sides_is_a_question(landed, alice, klaviyo):
    template = held_message(landed, "mail-2")["template_id"]
    klaviyo.advance(60)
    klaviyo.edit("template", template, attributes={"html": "<p>Ours</p>"})
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed"
    assert "written anew" in publication.reason
    choices = {"mail-2 message.template_id": "yours"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published", publication.reason
    assert held_message(landed, "mail-2")["template_id"] == template
    choices = {"mail-2 message.template_id": "new"}

    def third(document: dict[str, Any]) -> None:
        content = step(document, "mail-2")["data"]["message"]["template_id"]["$content"]
        document["contents"][content]["html"] += "<p>Third</p>"

    version = next_version(landed, third)
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published", publication.reason
    html = client_for(landed.account).get_template(held_message(landed, "mail-2")["template_id"]).html
    assert html.endswith("<p>Third</p>")


def test_a_step_that_a_person_put_in_stays(landed, alice):
    anchor = {"id": landed.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    own = put_action_in(landed.account, {**PAUSE, "temporary_id": "own"}, anchor)
    publication, _ = updated(landed, alice, everything)
    assert publication.state == "published"
    assert "Added “Wait 6 hours”" in publication.reason
    assert own in {one["id"] for one in flow_of(landed).definition["actions"]}


def test_a_step_that_a_person_deleted_stays_away_or_comes_back_as_they_say(landed, alice, klaviyo):
    take_action_out(landed.account, landed.step_map["mail-1"]["action"])
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed", "the version changes it"
    assert "Removed “Email 1" in publication.reason
    assert asked(klaviyo, "PATCH", "/api/flow-actions") == 0
    away = after.ask_for_update(install=landed, by=alice, version=version, choices={"mail-1 step": "yours"})
    assert run(away).state == "published", away.reason
    landed.refresh_from_db()
    assert "mail-1" not in landed.step_map
    assert "wait-1" not in landed.step_map


def test_a_step_that_a_person_deleted_comes_back_in_its_place(landed, alice):
    take_action_out(landed.account, landed.step_map["mail-1"]["action"])
    version = next_version(landed, everything)
    back = run(
        after.ask_for_update(install=landed, by=alice, version=version, choices={"mail-1 step": "new"})
    )
    assert back.state == "published", back.reason
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert held_message(landed, "mail-1")["subject_line"] == "Still yours"


def test_one_update_after_the_other(landed, alice):
    updated(landed, alice, everything)
    publication, version = updated(landed, alice, lambda one: take(one, "pause"))
    assert publication.state == "published", publication.reason
    assert as_meant(landed, version) == []
    assert not publication.made.exists(), "no email changed"


def test_a_version_is_only_taken_when_it_is_another_one_of_this_flow(landed, alice, workspace):
    with pytest.raises(UnableToAct, match="already"):
        after.ask_for_update(install=landed, by=alice, version=landed.version)
    with pytest.raises(UnableToAct, match="another template flow"):
        other = make.template(workspace, name="Other").current_version
        after.ask_for_update(install=landed, by=alice, version=other)


def test_a_new_question_is_asked_first(landed, alice):
    def ask(document: dict[str, Any]) -> None:
        document["requirements"].append({"key": "code", "kind": "coupon", "question": "Which code?"})
        step(document, "text-1")["data"]["message"]["body"] = {"$ask": "code"}

    with pytest.raises(UnableToAct, match="Which code"):
        updated(landed, alice, ask)
