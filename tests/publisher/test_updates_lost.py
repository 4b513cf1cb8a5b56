"""The next version of a flow in its place: answers that are lost, workers that die, refusals."""

from __future__ import annotations

import pytest

from flowbuilder.operations import after
from flowbuilder.publisher.standing import standing_of
from tests.hands import put_action_in
from tests.publisher.test_after import ACTIONS, asked, deaths
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import ripen, run, sent_long_ago
from tests.publisher.versions import (
    INSERT,
    PAUSE,
    as_meant,
    everything,
    next_version,
    put,
    updated,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["after_reset", "after_status", "bad_json", "truncate", "no_id"])
def test_an_insertion_whose_answer_was_lost_is_found_and_not_made_twice(landed, alice, klaviyo, kind):
    klaviyo.fault(kind, *INSERT)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "waiting", "it may still take effect: a look says nothing yet"
    assert asked(klaviyo, *INSERT) == 1
    sent_long_ago(publication)
    assert run(publication).state == "published", publication.reason
    landed.refresh_from_db()
    assert asked(klaviyo, *INSERT) == 3
    assert as_meant(landed, version) == []


@pytest.mark.parametrize("kind", ["reset", "status", "html"])
def test_an_insertion_that_was_lost_without_effect_is_sent_again(landed, alice, klaviyo, kind):
    klaviyo.fault(kind, *INSERT, status=502)
    publication, version = updated(landed, alice, everything)
    sent_long_ago(publication)
    assert run(publication).state == "published", publication.reason
    landed.refresh_from_db()
    assert as_meant(landed, version) == []


def test_a_step_of_the_same_settings_that_was_there_before_is_not_taken_for_it(landed, alice, klaviyo):
    anchor = {"id": landed.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    own = put_action_in(landed.account, {**PAUSE, "temporary_id": "own"}, anchor)
    klaviyo.fault("reset", *INSERT)
    publication, _ = updated(landed, alice, lambda one: put(one, PAUSE, "mail-1"))
    sent_long_ago(publication)
    assert run(publication).state == "published"
    landed.refresh_from_db()
    assert landed.step_map["pause"]["action"] != own


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["after_reset", "reset"])
def test_what_may_be_sent_twice_is_sent_again(landed, alice, klaviyo, method, kind):
    klaviyo.fault(kind, method, ACTIONS)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "published"
    landed.refresh_from_db()
    assert as_meant(landed, version) == []


def test_a_worker_may_die_at_every_call(landed, alice, klaviyo, monkeypatch):
    version = next_version(landed, everything)
    publication = after.ask_for_update(install=landed, by=alice, version=version)
    assert deaths(publication, monkeypatch) >= 3
    assert (publication.state, publication.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert asked(klaviyo, *INSERT) == 3, "a step was put in twice"
    assert asked(klaviyo, "POST", "/api/templates") == 3, "two of the install, one of the update"


def test_a_refusal_names_the_step_and_what_was_done_before_is_known(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", ACTIONS, status=400)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "refused"
    assert publication.refusals[0]["step"] == "mail-1"
    assert "stays" in publication.reason
    standing = standing_of(landed)
    assert standing is not None
    assert not standing.is_whole
    assert landed.version != version
    # Forwards again, or back: from what is there now.
    back = run(after.roll_back(install=landed, by=alice))
    assert (back.state, back.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, landed.version) == []
    assert landed.version.number == 1


def test_an_update_that_was_refused_half_way_can_be_asked_for_again(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", ACTIONS, status=400)
    first, version = updated(landed, alice, everything)
    assert first.state == "refused"
    again = run(after.ask_for_update(install=landed, by=alice, version=version))
    assert (again.state, again.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert asked(klaviyo, *INSERT) == 3
