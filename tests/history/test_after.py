"""The page of a flow in its account: what it says, what each press asks for, and what comes back as a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.models import Install, Publication
from flowbuilder.operations import after
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.library import offer_in_library
from tests import make
from tests.conftest import client_of
from tests.publisher.conftest import account as account
from tests.publisher.conftest import merchant as merchant
from tests.publisher.conftest import ready as ready
from tests.publisher.test_after import landed as landed
from tests.publisher.test_after import welcome as welcome
from tests.publisher.test_publish import run
from tests.publisher.versions import another_trigger, everything, next_version

pytestmark = pytest.mark.django_db


def page(client: Any, install: Install) -> str:
    answer = client.get(f"/history/installs/{install.pk}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def press(client: Any, install: Install, act: str, **given: Any) -> Publication:
    answer = client.post(f"/history/installs/{install.pk}/{act}/", given)
    asked = install.publications.latest("pk")
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == f"/history/{asked.pk}/"
    return asked


def refused(client: Any, install: Install, act: str, **given: Any) -> str:
    before = install.publications.count()
    answer = client.post(f"/history/installs/{install.pk}/{act}/", given)
    assert answer.status_code == 422
    assert install.publications.count() == before
    return str(answer.content.decode())


def test_a_flow_is_set_live_paused_and_restored(landed, as_alice):
    html = page(as_alice, landed)
    assert landed.live_flow_id in html
    for text in ("Set live", "Set manual", "Set draft", "Pause", "Remove it"):
        assert text in html
    assert "Restore" not in html
    live = press(as_alice, landed, "status", status="live")
    assert live.wanted == {"flow": landed.live_flow_id, "status": "live"}
    assert "Change of status is under way" in page(as_alice, landed)
    run(live)
    pause = run(press(as_alice, landed, "pause"))
    html = page(as_alice, landed)
    assert "Paused" in html
    assert "Restore what was before" in html
    assert ">Pause<" not in html
    assert pause.wanted["pause"]
    assert run(press(as_alice, landed, "restore")).state == "published"
    shown = as_alice.get(f"/history/{pause.pk}/").content.decode()
    assert "Change of status: done." in shown
    assert "Set the status of the flow and all its steps" in shown


def test_an_update_is_told_in_words_and_asked_for(landed, as_alice):
    version = next_version(landed, everything)
    make.approved(offer_in_library(version=version))
    html = page(as_alice, landed)
    assert "Update to version 2" in html
    assert "Still yours" in html
    assert "is written anew" in html
    publication = run(press(as_alice, landed, "update", version="2"))
    assert (publication.kind, publication.state) == ("update", "published")
    html = page(as_alice, landed)
    assert "Update to" not in html
    assert "Roll back to version 1" in html
    back = run(press(as_alice, landed, "back"))
    assert back.version.number == 1
    html = page(as_alice, landed)
    assert "Update to version 2" in html
    assert "Roll back" not in html, "it would be the same"


def test_what_takes_a_new_flow_says_why_and_hands_over(landed, as_alice):
    make.approved(offer_in_library(version=next_version(landed, another_trigger)))
    html = page(as_alice, landed)
    assert "How often somebody may enter the flow changed." in html
    assert "How often" in refused(as_alice, landed, "update", version="2")
    assert run(press(as_alice, landed, "beside", version="2")).state == "published"
    landed.refresh_from_db()
    html = page(as_alice, landed)
    assert "Hand over to the new flow" in html
    run(press(as_alice, landed, "hand-over"))
    assert run(landed.publications.latest("pk")).wanted["status"] == "live"


def test_a_removal_lists_what_goes_and_deletes_a_list_only_when_it_is_ticked(welcome, as_alice):
    html = page(as_alice, welcome)
    made = {one.kind: one for one in after.removable(welcome)}
    assert made["flow"].klaviyo_id in html
    assert f'value="{made["list"].pk}"' in html
    assert "checked" not in html
    publication = run(press(as_alice, welcome, "remove"))
    assert publication.wanted["made"] == [made["flow"].pk]
    assert "what we made is deleted" in as_alice.get(f"/history/{publication.pk}/").content.decode()
    gone = as_alice.get(f"/history/installs/{welcome.pk}/")
    assert gone["Location"] == f"/history/{publication.pk}/"


def test_a_ticked_list_is_deleted(welcome, as_alice):
    made = {one.kind: one for one in after.removable(welcome)}
    publication = press(as_alice, welcome, "remove", delete=[str(made["list"].pk), "999", "x"])
    assert publication.wanted["made"] == [made["flow"].pk, made["list"].pk]


def test_what_cannot_be_done_is_a_sentence(landed, as_alice):
    assert "Choose one" in refused(as_alice, landed, "status", status="paused")
    assert "Choose a version" in refused(as_alice, landed, "update", version="x")
    assert "no change of status" in refused(as_alice, landed, "restore")
    assert "no flow of before" in refused(as_alice, landed, "hand-over")
    assert "first version" in refused(as_alice, landed, "back")
    assert as_alice.post(f"/history/installs/{landed.pk}/explode/").status_code == 404
    press(as_alice, landed, "pause")
    assert "under way" in refused(as_alice, landed, "pause")


def test_an_update_that_stopped_half_way_says_so_and_offers_both_ways(landed, as_alice, klaviyo):
    make.approved(offer_in_library(version=next_version(landed, everything)))
    klaviyo.fault("status", "PATCH", "/api/flow-actions/*", status=400)
    assert run(press(as_alice, landed, "update", version="2")).state == "refused"
    html = page(as_alice, landed)
    assert "stopped half-way" in html
    assert "Go on to version 2" in html
    assert "Roll back to version 1" in html
    assert run(press(as_alice, landed, "back")).state == "published"


def test_only_who_may_install_there_comes_in(landed, bob, charlie):
    url = f"/history/installs/{landed.pk}/"
    assert client_of(charlie).get(url).status_code == 404
    assert client_of(charlie).post(f"{url}pause/").status_code == 404


def test_an_install_that_is_no_flow_yet_leads_to_its_own_page(ready, as_alice, alice):
    url = f"/history/installs/{ready.pk}/"
    assert as_alice.get(url)["Location"] == f"/installs/{ready.pk}/"
    confirm_install(install=ready, by=alice)
    assert as_alice.post(f"{url}pause/")["Location"] == f"/installs/{ready.pk}/"


def test_the_pages_of_the_install_and_of_the_publication_lead_here(landed, as_alice):
    url = f"/history/installs/{landed.pk}/"
    run(press(as_alice, landed, "status", status="live"))
    progress = as_alice.get(f"/installs/{landed.pk}/progress/").content.decode()
    assert url in progress
    assert "It is in your account" in progress
    for one in landed.publications.all():
        assert url in as_alice.get(f"/history/{one.pk}/").content.decode()
