"""Several flows look like the one whose answer was lost: a person says which one it is, or that none is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.catalog import read_catalog
from accounts.connection import client_for
from accounts.models import CatalogEntry
from flowbuilder.models import Made, Publication
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import UnableToAct, decide_publication
from flowbuilder.publisher import publish
from tests import make as site
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S

HTMX = {"HX-Request": "true"}
FOUND = [
    {"id": "AaAaA1", "name": "Abandoned cart", "created": "2026-11-20T10:00:00+00:00"},
    {"id": "BbBbB2", "name": "Abandoned cart", "created": "2026-11-20T10:00:04+00:00"},
]


@pytest.fixture
def lost(world: World) -> Publication:
    later = timezone.now() + timedelta(minutes=40)
    wanted = {"found": FOUND}
    return make.publication(
        world.version, world.account, world.mia, S.UNKNOWN, wanted=wanted, not_before=later, reason="Several."
    )


def decide(client: Client, publication: Publication, **form: str) -> Any:
    return client.post(f"/history/{publication.pk}/decide/", form, headers=HTMX)


def test_the_page_asks_which_one_it_is(world: World, lost: Publication):
    html = signed_in(world.mia).get(f"/history/{lost.pk}/").content.decode()
    assert "Which of these flows is it?" in html
    for one in FOUND:
        assert f'name="flow" id="found-{one["id"]}" value="{one["id"]}"' in html
        assert f"/flow/{one['id']}/edit" in html
    assert "20 Nov 2026, 10:00:04 UTC" in html
    assert "None of these: send it again" in html


def test_who_may_not_publish_there_sees_them_and_decides_nothing(world: World, lost: Publication):
    html = signed_in(world.bob).get(f"/history/{lost.pk}/").content.decode()
    assert "BbBbB2" in html
    assert 'type="radio"' not in html
    assert "A merchant or an owner of Harbour decides." in html
    for person, answer in ((world.bob, 403), (world.ada, 404), (world.charlie, 404)):
        assert decide(signed_in(person), lost, decision="ours", flow="AaAaA1").status_code == answer
    lost.refresh_from_db()
    assert lost.state == S.UNKNOWN


def test_this_is_it(world: World, lost: Publication):
    answer = decide(signed_in(world.mia), lost, decision="ours", flow="BbBbB2")
    assert answer.status_code == 200
    lost.refresh_from_db()
    assert (lost.state, lost.klaviyo_flow_id, lost.wanted) == (S.VERIFYING, "BbBbB2", {})
    assert lost.not_before is None, "it goes on at once"
    assert lost.made.get(kind=Made.Kind.FLOW).klaviyo_id == "BbBbB2"
    move = lost.moves.get()
    assert (move.from_state, move.to_state, move.by) == ("unknown", "verifying", world.mia)
    assert "Mia says that flow BbBbB2 is this one." in answer.content.decode()
    assert "Which of these" not in answer.content.decode()


def test_none_of_these(world: World, lost: Publication):
    plain = signed_in(world.mia).post(f"/history/{lost.pk}/decide/", {"decision": "none"}, follow=True)
    assert "It is sent again." in plain.content.decode()
    lost.refresh_from_db()
    assert (lost.state, lost.klaviyo_flow_id) == (S.WAITING, "")
    assert lost.wanted == {"not_ours": ["AaAaA1", "BbBbB2"]}
    assert not lost.made.filter(kind=Made.Kind.FLOW).exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose one of the flows that were found."),
        ({"decision": "ours"}, "Choose one of the flows that were found."),
        ({"decision": "ours", "flow": "ZzZzZ9"}, "Choose one of the flows that were found."),
        ({"decision": "ours", "flow": "AaAaA1"}, "That flow is another publication&#x27;s."),
    ],
)
def test_an_answer_that_is_none_changes_nothing(world: World, lost: Publication, form: Any, words: str):
    other = make.publication(world.version, world.account, world.mia)
    Made.objects.filter(publication=other, kind=Made.Kind.FLOW).update(klaviyo_id="AaAaA1")
    answer = decide(signed_in(world.mia), lost, **form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    lost.refresh_from_db()
    assert (lost.state, lost.wanted) == (S.UNKNOWN, {"found": FOUND})


def test_decided_twice_is_decided_once(world: World, lost: Publication):
    decide_publication(publication=lost, flow_id="AaAaA1", by=world.mia)
    for flow_id in ("BbBbB2", None):
        with pytest.raises(UnableToAct, match="nothing to decide any more"):
            decide_publication(publication=lost, flow_id=flow_id, by=world.mia)
    lost.refresh_from_db()
    assert (lost.klaviyo_flow_id, lost.moves.count()) == ("AaAaA1", 1)


def test_what_is_not_being_looked_up_is_not_decided(world: World):
    """What an earlier look found is no question for a later state."""
    one = make.publication(world.version, world.account, world.mia, S.WAITING, wanted={"found": FOUND})
    assert "Which of these" not in signed_in(world.mia).get(f"/history/{one.pk}/").content.decode()
    with pytest.raises(UnableToAct):
        decide_publication(publication=one, flow_id="AaAaA1", by=world.mia)


# --- Against the running sandbox


@pytest.fixture
def twice(alice, workspace, klaviyo) -> Publication:
    """Sent, the answer lost, and a second flow that looks the same."""
    merchant = site.workspace("harbour-pine", "merchant", owner=alice)
    account = site.account(merchant)
    read_catalog(account, [CatalogEntry.Kind.METRIC])
    placed = CatalogEntry.objects.get(kind="metric", name="Placed Order", integration="Shopify").klaviyo_id
    sender = {"email": "mia@harbourpine.example", "label": "Mia"}
    template = site.template(workspace)
    install = site.install(
        template, account, alice, started_checkout="UpixsZ", placed_order=placed, sender=sender
    )
    klaviyo.fault("after_reset", "POST", "/api/flows")
    publication = confirm_install(install=install, by=alice)
    assert run(publication) == "unknown"
    sent = publication.attempts.get(step="create-flow").request
    client_for(account).call("POST", "/api/flows", json=sent)
    assert run(publication) == "unknown"
    return publication


def run(publication: Publication) -> str:
    Publication.objects.filter(pk=publication.pk).update(not_before=None, lease_until=None)
    publish.run(publication.pk)
    publication.refresh_from_db()
    return publication.state


def test_two_are_found_and_the_chosen_one_is_finished(twice: Publication, alice, klaviyo):
    assert "a person must say" in twice.reason
    ids = [one["id"] for one in twice.wanted["found"]]
    assert sorted(ids) == sorted(one["id"] for one in klaviyo.flows() if one["name"] == "Abandoned cart")
    decide_publication(publication=twice, flow_id=ids[1], by=alice)
    assert run(twice) == "published", twice.reason
    assert twice.install is not None
    twice.install.refresh_from_db()
    assert (twice.install.state, twice.install.live_flow_id) == ("live", ids[1])


def test_none_of_them_is_sent_once_more_and_they_are_never_taken_for_it(twice: Publication, alice, klaviyo):
    ids = {one["id"] for one in twice.wanted["found"]}
    decide_publication(publication=twice, flow_id=None, by=alice)
    klaviyo.fault("after_reset", "POST", "/api/flows")
    assert run(twice) == "unknown"
    assert run(twice) == "published", "the third is found, and alone"
    assert twice.klaviyo_flow_id not in ids
    assert twice.attempts.filter(step="create-flow").count() == 2
