"""The pages of this room against the running sandbox: what they say, and what each press asks for."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.models import Install, Publication
from flowbuilder.operations.library import offer_in_library
from tests import make
from tests.conftest import client_of
from tests.publisher.conftest import account as account
from tests.publisher.conftest import merchant as merchant
from tests.publisher.conftest import ready as ready
from tests.publisher.test_after import landed as landed
from tests.publisher.test_after import set_step, statuses
from tests.publisher.test_publish import run
from tests.publisher.test_readings import look, put_in
from tests.publisher.versions import another_trigger, edit, everything, held_message, next_version, step

pytestmark = pytest.mark.django_db
SUBJECT = "mail-1 message.subject_line"


def html_of(client: Any, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return str(answer.content.decode())


def press(client: Any, install: Install, path: str, **given: Any) -> Any:
    return client.post(f"/installs/{install.pk}/{path}/", given)


def asked(install: Install, answer: Any) -> Publication:
    assert answer.status_code == 302, answer.content.decode()
    publication = install.publications.latest("pk")
    assert answer["Location"] == f"/history/{publication.pk}/"
    return run(publication)


def changes(client: Any, install: Install) -> str:
    return html_of(client, f"/installs/{install.pk}/changes/")


# --- What differs ------------------------------------------------------------------------------------------------


def test_a_look_finds_nothing_then_an_edit_in_words_and_on_the_canvas(landed, as_alice):
    assert "Not read yet" in changes(as_alice, landed)
    assert press(as_alice, landed, "changes/look").status_code == 302
    assert "It is as it was left" in changes(as_alice, landed)
    edit(landed, "mail-1", subject_line="Ours <b>")
    put_in(landed)
    press(as_alice, landed, "changes/look")
    html = changes(as_alice, landed)
    assert "Logic changed" in html
    assert "Ours &lt;b&gt;" in html
    assert 'data-mark="warn"' in html
    assert 'data-mark="good"' in html
    assert "Look now" in html
    assert "Logic changed" in html_of(as_alice, f"/history/installs/{landed.pk}/")


def test_it_is_put_back_by_a_press(landed, as_alice):
    before = held_message(landed, "mail-1")["subject_line"]
    edit(landed, "mail-1", subject_line="Ours")
    reading = look(landed)
    done = asked(landed, press(as_alice, landed, "changes/put-back", reading=reading.pk, id=[SUBJECT]))
    assert done.state == "published", done.reason
    assert held_message(landed, "mail-1")["subject_line"] == before
    assert "Nobody looked at the flow since" in changes(as_alice, landed)


def test_bad_presses_are_sentences(landed, as_alice, klaviyo):
    reading = look(landed)
    for path, given, text in (
        ("changes/put-back", {"reading": reading.pk}, "Choose what is to be put back"),
        ("changes/put-back", {"reading": "x", "id": [SUBJECT]}, "read again since"),
        ("changes/accept", {"reading": 99}, "read again since"),
        ("changes/propose", {"reading": reading.pk, "id": ["no such"]}, "Choose what is to be proposed"),
        ("versions/1/take", {}, "already"),
    ):
        answer = press(as_alice, landed, path, **given)
        assert answer.status_code == 422, path
        assert text in answer.content.decode()
    klaviyo.fault("status", "GET", "/api/flows/*", status=503, times=9)
    answer = press(as_alice, landed, "changes/look")
    assert answer.status_code == 422
    assert "Klaviyo did not show the flow" in answer.content.decode()
    assert as_alice.get(f"/installs/{landed.pk}/versions/9/").status_code == 404


def test_it_is_accepted(landed, as_alice, alice):
    edit(landed, "mail-1", subject_line="Ours")
    reading = look(landed)
    press(as_alice, landed, "changes/accept", reading=reading.pk)
    html = changes(as_alice, landed)
    assert "Accepted by Alice" in html
    assert "Put back" not in html


def test_what_cannot_be_put_back_offers_a_new_flow(landed, as_alice, klaviyo):
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": None})
    look(landed)
    html = changes(as_alice, landed)
    assert "Whom the flow is for changed" in html
    assert "Put version 1 beside it" in html
    done = asked(landed, as_alice.post(f"/history/installs/{landed.pk}/beside/", {"version": "1"}))
    assert (done.kind, done.state) == ("create", "published")


# --- Another version ---------------------------------------------------------------------------------------------


def test_what_no_reviewer_said_yes_to_is_not_offered_to_others(landed, as_alice):
    """The installs of other workspaces than the designer's hear nothing of it."""
    waiting = next_version(landed, everything)
    template = offer_in_library(version=waiting)
    assert "Look at version" not in html_of(as_alice, f"/w/{landed.workspace.slug}/copies/")
    html_of(as_alice, f"/installs/{landed.pk}/versions/{waiting.number}/", status=404)
    make.approved(template)
    assert f"Look at version {waiting.number}" in html_of(as_alice, f"/w/{landed.workspace.slug}/copies/")
    html_of(as_alice, f"/installs/{landed.pk}/versions/{waiting.number}/")


def test_a_clash_is_one_question_with_both_values(landed, as_alice):
    edit(landed, "mail-1", subject_line="Ours")
    make.approved(offer_in_library(version=next_version(landed, everything)))
    url = f"/installs/{landed.pk}/versions/2/"
    html = html_of(as_alice, url)
    assert "Nobody looked into the account" in html
    press(as_alice, landed, "versions/2/look")
    html = html_of(as_alice, url)
    assert "Needs your answers" in html
    assert "Keep yours" in html
    assert "“Ours”" in html
    assert "“Still yours”" in html
    answer = press(as_alice, landed, "versions/2/take")
    assert answer.status_code == 422
    assert "Answer what is asked below" in answer.content.decode()
    done = asked(landed, press(as_alice, landed, "versions/2/take", **{f"choice {SUBJECT}": "yours"}))
    assert done.state == "published", done.reason
    assert "Kept as it was edited in Klaviyo" in done.reason
    assert held_message(landed, "mail-1")["subject_line"] == "Ours"
    assert "Is there" in html_of(as_alice, url)


def test_a_new_question_is_answered_on_the_way_and_old_answers_carry_over(landed, as_alice):
    def ask(document: dict[str, Any]) -> None:
        document["requirements"].append({"key": "code", "kind": "text", "question": "Which code?"})
        step(document, "text-1")["data"]["message"]["body"] = {"$ask": "code"}

    make.approved(offer_in_library(version=next_version(landed, ask)))
    before = dict(landed.answers)
    assert "Which code?" in html_of(as_alice, f"/history/installs/{landed.pk}/")
    html = html_of(as_alice, f"/installs/{landed.pk}/versions/2/")
    assert "Which code?" in html
    assert press(as_alice, landed, "versions/2/take").status_code == 422
    done = asked(landed, press(as_alice, landed, "versions/2/take", **{"own-code": "SAVE10"}))
    assert done.state == "published", done.reason
    assert held_message(landed, "text-1")["body"] == "SAVE10"
    landed.refresh_from_db()
    assert landed.answers == {**before, "code": {"value": "SAVE10", "how": "Your choice.", "by": "person"}}


def test_what_takes_a_new_flow_says_so(landed, as_alice):
    make.approved(offer_in_library(version=next_version(landed, another_trigger)))
    html = html_of(as_alice, f"/installs/{landed.pk}/versions/2/")
    assert "Takes a new flow beside the old" in html
    done = asked(landed, press(as_alice, landed, "versions/2/take"))
    assert (done.kind, done.state) == ("create", "published")


# --- All of them -------------------------------------------------------------------------------------------------


def test_the_list_says_how_many_can_take_the_next_version(landed, as_alice, django_assert_max_num_queries):
    make.approved(offer_in_library(version=next_version(landed, everything)))
    look(landed)
    with django_assert_max_num_queries(20):
        html = html_of(as_alice, "/w/harbour-pine/copies/")
    assert "1 copy: 1 of version 1. 1 can take version 2 in place." in html
    assert "As it was left" in html
    assert f"/installs/{landed.pk}/versions/2/" in html


def test_all_are_paused_and_each_step_gets_its_own_status_back(landed, as_alice):
    set_step(landed, "mail-1", "live")
    before = statuses(landed)
    url = f"/w/harbour-pine/copies/{landed.template_flow.slug}"
    assert as_alice.post(f"{url}/pause/").status_code == 302
    run(landed.publications.latest("pk"))
    assert set(statuses(landed).values()) == {"draft"}
    again = as_alice.post(f"{url}/pause/")
    assert again.status_code == 422
    assert "paused already" in again.content.decode()
    assert as_alice.post(f"{url}/restore/").status_code == 302
    run(landed.publications.latest("pk"))
    assert statuses(landed) == before
    assert "not paused" in as_alice.post(f"{url}/restore/").content.decode()


# --- Leaving -----------------------------------------------------------------------------------------------------


def test_a_removal_lists_what_goes_and_what_stays_before_and_after(landed, as_alice):
    put_in(landed)
    look(landed)
    html = html_of(as_alice, f"/history/installs/{landed.pk}/")
    assert "1 step that somebody put in in Klaviyo" in html
    assert "Metric “Placed Order”" in html
    publication = asked(landed, as_alice.post(f"/history/installs/{landed.pk}/remove/"))
    after = html_of(as_alice, f"/history/{publication.pk}/")
    assert ": deleted" in after
    assert "What stays in" in after
    assert "Metric “Placed Order”" in after


def test_only_who_may_install_there_comes_in(landed, charlie):
    stranger = client_of(charlie)
    for path in ("changes/", "versions/1/"):
        assert stranger.get(f"/installs/{landed.pk}/{path}").status_code == 404
