"""The next version of a flow beside it, and back again."""

from __future__ import annotations

import pytest

from accounts.connection import client_for
from flowbuilder.definition.canonical import canonical
from flowbuilder.models import Install, Publication
from flowbuilder.operations import after
from flowbuilder.operations.publications import UnableToAct
from tests.publisher.test_after import flow_of, set_step, statuses
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import created, run
from tests.publisher.versions import (
    another_trigger,
    as_meant,
    everything,
    next_version,
    updated,
)

pytestmark = pytest.mark.django_db


def test_what_cannot_be_changed_in_place_is_put_beside_it_and_takes_over(landed, alice, klaviyo):
    old = landed.live_flow_id
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-2", "draft")
    before = statuses(landed)
    version = next_version(landed, another_trigger)
    with pytest.raises(UnableToAct, match="How often somebody may enter"):
        after.ask_for_update(install=landed, by=alice, version=version)
    publication = run(after.ask_for_successor(install=landed, by=alice, version=version))
    assert (publication.state, publication.reason) == ("published", "")
    landed.refresh_from_db()
    new = landed.live_flow_id
    assert new != old
    assert (landed.version, landed.state) == (version, Install.State.LIVE)
    assert as_meant(landed, version) == []
    client = client_for(landed.account)
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("live", "draft")

    first = run(after.ask_for_handover(install=landed, by=alice))
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("draft", "draft"), "never both"
    second = landed.publications.latest("pk")
    assert second != first
    assert run(second).state == "published"
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("draft", "live")

    back = run(after.roll_back(install=landed, by=alice))
    assert client.get_flow(new).status == "draft"
    run(landed.publications.latest("pk"))
    landed.refresh_from_db()
    assert back.state == "published"
    assert (landed.live_flow_id, landed.version.number) == (old, 1)
    assert statuses(landed) == before
    assert as_meant(landed, landed.version) == []

    removal = run(after.ask_for_removal(install=landed, by=alice))
    assert removal.state == "published"
    assert created(klaviyo) == [], "both flows were ours"


def test_a_successor_that_never_took_over_is_left_by_one_change(landed, alice):
    old = landed.live_flow_id
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    version = next_version(landed, another_trigger)
    run(after.ask_for_successor(install=landed, by=alice, version=version))
    landed.refresh_from_db()
    run(after.roll_back(install=landed, by=alice))
    landed.refresh_from_db()
    assert not landed.publications.filter(state__in=Publication.OPEN).exists()
    assert (landed.live_flow_id, landed.version.number) == (old, 1)
    assert statuses(landed)["flow"] == "live"


def test_an_update_is_rolled_back_by_an_update(landed, alice, klaviyo):
    held = canonical(flow_of(landed).definition)
    updated(landed, alice, everything)
    publication = run(after.roll_back(install=landed, by=alice))
    assert publication.kind == Publication.Kind.UPDATE
    assert publication.state == "published"
    landed.refresh_from_db()
    assert landed.version.number == 1
    assert canonical(flow_of(landed).definition) == held
    with pytest.raises(UnableToAct, match="first version"):
        landed.publications.filter(kind="update").update(version=landed.version)
        after.roll_back(install=landed, by=alice)


def test_a_successor_that_klaviyo_refuses_changes_nothing(landed, alice, klaviyo):
    old = landed.live_flow_id
    version = next_version(landed, another_trigger)
    klaviyo.fault("status", "POST", "/api/flows", status=400)
    publication = run(after.ask_for_successor(install=landed, by=alice, version=version))
    assert publication.state == "refused"
    landed.refresh_from_db()
    assert (landed.live_flow_id, landed.version.number, landed.state) == (old, 1, Install.State.LIVE)
    with pytest.raises(UnableToAct, match="no flow of before"):
        after.ask_for_handover(install=landed, by=alice)


def test_the_offer_tells_what_changes_in_words(landed):
    offer = after.offer_of(landed, next_version(landed, everything))
    assert offer.is_in_place
    assert "The email “Email 2" in " ".join(offer.texts) or "is written anew" in " ".join(offer.texts)
    assert any("Still yours" in text for text in offer.texts)
    offer = after.offer_of(landed, next_version(landed, another_trigger))
    assert not offer.is_in_place
    assert offer.is_possible
    assert "enter" in offer.plan.reasons[0]
