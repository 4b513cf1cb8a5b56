"""Emails inside an A/B test, and those that were copied in the account, against the running sandbox: what was written
anew in Klaviyo is seen, stays, and comes along."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from accounts.connection import client_for
from flowbuilder.kinds.asks import get_at
from flowbuilder.models import Install
from flowbuilder.operations import after, drift
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.upgrades import offer_of
from flowbuilder.publisher.readings import last_reading
from tests import make
from tests.install.make import offer
from tests.publisher.test_after import flow_of
from tests.publisher.test_publish import run
from tests.publisher.test_readings import look, texts
from tests.publisher.versions import another_trigger, next_version, step

pytestmark = pytest.mark.django_db
VARIATIONS = ("current_experiment", "variations")


def mail(id: str, template: Any, **more: Any) -> dict[str, Any]:
    message = {"name": f"Email {id}", "subject_line": "Hello", "template_id": template, **more}
    return {
        "temporary_id": id,
        "type": "send-email",
        "links": {"next": None},
        "data": {"status": "draft", "message": message},
    }


def document(template: str) -> dict[str, Any]:
    """[metric] -> (A/B test of two emails written here) -> [an email of the account]"""
    running = {
        "name": "Which one?",
        "variations": [mail("a", {"$content": "a"}), mail("b", {"$content": "b"})],
        "allocations": {"a": 0.25, "b": 0.75},
        "winner_metric": "unique-opens",
    }
    data = {"status": "draft", "main_action": mail("m", {"$content": "m"}), "current_experiment": running}
    return {
        "name": "Which one",
        "definition": {
            "triggers": [{"type": "metric", "id": "UpixsZ", "trigger_filter": None}],
            "profile_filter": None,
            "entry_action_id": "test",
            "actions": [
                {"temporary_id": "test", "type": "ab-test", "links": {"next": "own"}, "data": data},
                mail("own", template),
            ],
        },
        "requirements": [],
        "contents": {key: {"name": key, "html": f"<p>{key}</p>", "text": ""} for key in "mab"},
        "names": {},
    }


@pytest.fixture
def landed(workspace, account, alice) -> Install:
    template = client_for(account).create_template("Theirs", "<p>of the account</p>").id
    install = make.install(offer(workspace, document(template)), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    assert (publication.state, publication.reason) == ("published", "")
    install.refresh_from_db()
    return install


def action(install: Install, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in flow_of(install).definition["actions"] if one["type"] == kind)
    return found


def template_of(install: Install, index: int) -> str:
    inner = get_at(action(install, "ab-test"), ("data", *VARIATIONS, index))
    return str(inner["data"]["message"]["template_id"])


def write(klaviyo: Any, template: str, html: str) -> None:
    klaviyo.advance(60)
    klaviyo.edit("template", template, attributes={"html": html})


def html_of(install: Install, template: str) -> str:
    return str(client_for(install.account).get_template(template).html)


def test_what_nobody_touched_is_no_difference(landed):
    assert (look(landed).verdict, texts(look(landed))) == ("none", [])


def test_an_email_inside_a_test_that_was_written_anew_is_content(landed, klaviyo):
    write(klaviyo, template_of(landed, 1), "<p>Ours</p>")
    reading = look(landed)
    assert reading.verdict == "content"
    assert [one["key"] for one in reading.differences] == ["test"]
    assert texts(reading) == ["“Which one?”: variations changed."]


def test_accepted_it_is_no_difference_any_more(landed, alice, klaviyo):
    write(klaviyo, template_of(landed, 0), "<p>Ours</p>")
    drift.accept(install=landed, by=alice, reading_id=look(landed).pk)
    assert look(landed).verdict == "none"
    write(klaviyo, template_of(landed, 0), "<p>Ours again</p>")
    assert look(landed).verdict == "content"


def test_a_copied_email_that_was_written_anew_is_content(landed, klaviyo):
    write(klaviyo, action(landed, "send-email")["data"]["message"]["template_id"], "<p>Ours</p>")
    reading = look(landed)
    assert reading.verdict == "content"
    assert [one["id"] for one in reading.differences] == ["own message.template_id"]


def test_a_version_that_writes_a_variation_anew_says_that_a_test_cannot_be_changed_in_place(landed):
    def change(found: dict[str, Any]) -> None:
        found["contents"]["b"]["html"] = "<p>new</p>"

    look(landed)
    found = offer_of(landed, next_version(landed, change))
    assert found.kind == "beside"
    assert "what it compares changed" in " ".join(found.plan.reasons)


def test_what_was_written_anew_comes_along_beside(landed, alice, klaviyo):
    write(klaviyo, template_of(landed, 1), "<p>Ours</p>")
    write(klaviyo, action(landed, "send-email")["data"]["message"]["template_id"], "<p>Ours too</p>")
    look(landed)
    version = next_version(landed, another_trigger)
    publication = run(after.ask_for_successor(install=landed, by=alice, version=version))
    assert publication.state == "published", publication.reason
    assert "Kept as it was edited in Klaviyo" in publication.reason
    landed.refresh_from_db()
    assert html_of(landed, template_of(landed, 0)) == "<p>a</p>"
    assert html_of(landed, template_of(landed, 1)) == "<p>Ours</p>"
    own = action(landed, "send-email")["data"]["message"]["template_id"]
    assert html_of(landed, own) == "<p>Ours too</p>"
    assert get_at(action(landed, "ab-test"), ("data", "current_experiment", "allocations"))
    assert look(landed).verdict == "none"


def test_a_variation_that_both_wrote_anew_is_one_question(landed, alice, klaviyo):
    write(klaviyo, template_of(landed, 1), "<p>Ours</p>")

    def change(found: dict[str, Any]) -> None:
        another_trigger(found)
        found["contents"]["b"]["html"] = "<p>new</p>"

    look(landed)
    version = next_version(landed, change)
    asked = offer_of(landed, version)
    assert asked.kind == "answers"
    (point,) = [one.point.id for one in asked.undecided]
    run(after.ask_for_successor(install=landed, by=alice, version=version, choices={point: "new"}))
    landed.refresh_from_db()
    assert html_of(landed, template_of(landed, 1)) == "<p>new</p>"


def test_the_copy_of_a_step_is_not_taken_for_another(landed):
    """What was read names the emails inside by the step and their place."""
    look(landed)
    reading = last_reading(landed)
    assert reading is not None
    id = landed.step_map["test"]["action"]
    assert {f"{id} main", f"{id} v0", f"{id} v1"} < set(reading.emails)
    assert step(copy.deepcopy(landed.version.document), "test")["type"] == "ab-test"
