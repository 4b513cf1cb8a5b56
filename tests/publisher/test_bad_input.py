"""What can go wrong between asking and landing: each ends in a state, with a sentence and a next press."""

from __future__ import annotations

import copy
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.catalog import read_catalog
from accounts.connection import client_for
from accounts.operations import mark_disconnected
from flowbuilder.models import Install, Move, Publication, Version
from flowbuilder.operations import after
from flowbuilder.operations.installs import confirm_install, reopen_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.operations.publications import retry_publication
from flowbuilder.publisher import late, publish
from flowbuilder.publisher.states import found_flows
from flowbuilder.sandbox import templates
from tests import make
from tests.hands import delete_flow
from tests.publisher.test_made import LIST_ASKED
from tests.publisher.test_publish import CREATE, created, ripen, run, sent_long_ago
from tests.publisher.versions import next_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def there(ready, alice, klaviyo) -> Install:
    """The abandoned cart, landed."""
    assert run(confirm_install(install=ready, by=alice)).state == "published"
    ready.refresh_from_db()
    return ready


@pytest.fixture
def page(as_alice):
    """What the pages of a publication say, and where their buttons and links lead."""

    def read(publication: Publication) -> str:
        urls = [reverse("history:publication", args=[publication.pk])]
        if publication.install.state == Install.State.PUBLISHING:
            urls.append(reverse("install:progress", args=[publication.install_id]))
        return " ".join(" ".join(as_alice.get(url).content.decode().split()) for url in urls)

    return read


def told(publication: Publication, state: str, words: str) -> None:
    assert publication.state == state, publication.reason
    assert re.search(words, publication.reason), publication.reason
    assert publication.reason.rstrip().endswith((".", "”")), "a sentence"


# --- A new flow -------------------------------------------------------------------------------------------------


def test_an_account_disconnected_between_asking_and_sending(ready, alice, klaviyo, page):
    publication = confirm_install(install=ready, by=alice)
    mark_disconnected(account=ready.account, reason="Disconnected by Bob.")
    told(run(publication), "failed", "is disconnected: Disconnected by Bob. Then try again")
    assert created(klaviyo) == []
    shown = page(publication)
    assert reverse("history:retry", args=[publication.pk]) in shown
    assert reverse("accounts:reconnect", args=[ready.account_id]) in shown
    ready.account.state, ready.account.api_key = "connected", klaviyo.api_key()
    ready.account.save()
    retry_publication(publication=publication, by=alice)
    publication.refresh_from_db()
    assert run(publication).state == "published"


def test_a_list_that_was_deleted_after_it_was_answered(workspace, account, alice, klaviyo, page):
    read_catalog(account, ["list"])
    lists = client_for(account).list_lists()
    flow = flow_from_document(workspace=workspace, by=alice, document=LIST_ASKED)
    template = make.approved(offer_in_library(version=publish_version(flow=flow, by=alice)))
    install = make.install(template, account, alice, newsletter=lists[0].id)
    publication = confirm_install(install=install, by=alice)
    klaviyo.remove("list", lists[0].id)
    publication = run(publication)
    told(publication, "refused", "did not accept")
    assert publication.refusals[0]["step"] == "trigger"
    shown = page(publication)
    assert "What Klaviyo refused" in shown
    assert "Change the answers" in shown
    assert reverse("install:reopen", args=[install.pk]) in shown
    reopen_install(install=install)
    assert not created(klaviyo, "Welcome")


def test_an_account_full_of_templates_is_tried_again_when_there_is_room(
    ready, alice, klaviyo, page, monkeypatch
):
    there = client_for(ready.account).list_templates()
    monkeypatch.setattr(templates, "MOST", len(there) + 1)
    publication = run(confirm_install(install=ready, by=alice))
    told(publication, "failed", "no room for another email template; Klaviyo holds 1,000. Delete some there")
    assert reverse("history:retry", args=[publication.pk]) in page(publication)
    assert created(klaviyo) == []
    monkeypatch.setattr(templates, "MOST", len(there) + 2)
    retry_publication(publication=publication, by=alice)
    publication.refresh_from_db()
    assert run(publication).state == "published"
    assert publication.made.filter(kind="template").count() == 2, "the first one was kept for this"


def test_an_email_that_klaviyo_reads_and_refuses_is_no_full_account(ready, alice, klaviyo):
    said = {"status": 400, "detail": "The limit is 5.", "source": {"pointer": "/data/attributes/html"}}
    klaviyo.fault("status", "POST", "/api/templates", status=400, body=json.dumps({"errors": [said]}))
    told(run(confirm_install(install=ready, by=alice)), "refused", "An email could not be made")


def test_an_email_larger_than_klaviyo_takes_is_not_sent(workspace, account, alice, klaviyo, page, ready):
    install = ready
    large = copy.deepcopy(install.version.document)
    large["contents"][next(iter(large["contents"]))]["html"] = "é" * 2_600_000
    install.version = Version.objects.create(
        flow=install.version.flow, number=99, name="Big", document=large, content_hash="big"
    )
    install.save()
    publication = confirm_install(install=install, by=alice)
    before = len(klaviyo.requests())
    publication = run(publication)
    told(publication, "refused", r"It has 5.2 MB, and Klaviyo takes 5 MB at once. Nothing was sent")
    assert publication.refusals[0]["step"]
    assert [one["path"] for one in klaviyo.requests()[before:]] == ["/api/accounts"]
    assert "Change the answers" in page(publication)


# --- Afterwards -------------------------------------------------------------------------------------------------


def ask_status(install, by):
    return after.ask_for_status(install=install, by=by, status="live")


def ask_update(install, by):
    def change(document):
        document["contents"][next(iter(document["contents"]))]["html"] += "<p>New</p>"

    return after.ask_for_update(install=install, by=by, version=next_version(install, change))


def ask_pause(install, by):
    return after.ask_for_pause(install=install, by=by)


@pytest.mark.parametrize("ask", [ask_status, ask_update, ask_pause])
def test_a_flow_deleted_behind_our_back(there, alice, klaviyo, page, as_alice, ask):
    publication = ask(there, alice)
    delete_flow(there.account, there.live_flow_id)
    publication = run(publication)
    told(
        publication, "failed", "somebody deleted it in Klaviyo. Remove it here as well, then install it anew"
    )
    after_url = reverse("history:after", args=[there.pk])
    assert after_url in page(publication)
    assert reverse("history:act", args=[there.pk, "remove"]) in as_alice.get(after_url).content.decode()
    assert run(after.ask_for_removal(install=there, by=alice)).state == "published"
    there.refresh_from_db()
    assert there.state == Install.State.GIVEN_UP


def test_a_step_back_from_a_flow_that_is_gone(there, alice, klaviyo, page):
    publication = run(ask_update(there, alice))
    assert publication.state == "published", publication.reason
    there.refresh_from_db()
    delete_flow(there.account, there.live_flow_id)
    publication = run(after.roll_back(install=there, by=alice))
    told(publication, "failed", "somebody deleted it in Klaviyo")
    assert reverse("history:after", args=[there.pk]) in page(publication)


def test_a_status_that_is_refused_changes_nothing_and_can_be_asked_again(there, alice, klaviyo, page):
    klaviyo.fault("status", "PATCH", "/api/flows/*", status=400)
    publication = run(ask_status(there, alice))
    told(publication, "refused", "did not accept")
    assert reverse("history:after", args=[there.pk]) in page(publication)
    assert run(ask_status(there, alice)).state == "published"


# --- Nothing waits for ever without saying so -------------------------------------------------------------------

OTHER = "/api/templates"
WAITS = {
    "the connection is refused": ("waiting", lambda k: k.fault("reset", "GET", "/api/accounts", times=9)),
    "klaviyo has trouble": ("waiting", lambda k: k.fault("status", "POST", OTHER, status=503, times=9)),
    "klaviyo says 401": ("waiting", lambda k: k.fault("status", "POST", OTHER, status=401, times=9)),
    "too many calls": (
        "waiting",
        lambda k: k.fault("status", "POST", OTHER, status=429, retry_after="9000", times=9),
    ),
    "the day is used up": ("waiting", lambda k: k.fault("status", *CREATE, status=429, retry_after="40000")),
    "a template was lost": ("waiting", lambda k: k.fault("after_reset", "POST", OTHER)),
    "the answer was lost": ("unknown", lambda k: k.fault("after_reset", *CREATE)),
    "the flow is not shown": (
        "waiting",
        lambda k: k.fault("status", "GET", "/api/flows/*", status=400, times=9),
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_waits_says_until_when_and_after_half_a_day_that_it_is_late(ready, alice, klaviyo, page, name):
    state, fault = WAITS[name]
    publication = confirm_install(install=ready, by=alice)
    fault(klaviyo)
    publication = run(publication)
    told(publication, state, r"\w")
    assert publication.not_before, "it goes on by itself"
    assert publication.not_before - now() < timedelta(days=1, minutes=1)
    shown = page(publication)
    assert re.search(r"Goes on (in|at)|Next look (in|at)", shown)
    assert "This takes long" not in shown
    assert late.alarm(again(publication), publication.not_before + timedelta(minutes=1)) == ""
    then = now() + timedelta(hours=13)
    Publication.objects.filter(pk=publication.pk).update(not_before=then)
    told_late = late.alarm(again(publication), then)
    assert re.search("on its way for 1[34] hours, far longer than it should. It goes on by itself", told_late)
    assert [one.pk for one in late.late_ones(then)] == [publication.pk]
    assert list(late.late_ones(now())) == []


def again(publication: Publication) -> Publication:
    return Publication.objects.get(pk=publication.pk)


def test_what_nobody_takes_up_says_so(ready, alice, klaviyo, page):
    publication = confirm_install(install=ready, by=alice)
    assert late.alarm(again(publication), now() + timedelta(minutes=50)) == ""
    Publication.objects.filter(pk=publication.pk).update(created_at=now() - timedelta(hours=2))
    assert "Nobody has come by for 3 hours" in late.alarm(again(publication), now())
    assert "tell whoever runs this site" in page(publication)
    assert run(publication).state == "published"
    assert late.alarm(publication, now() + timedelta(days=2)) == ""


def test_asked_again_the_time_begins_anew(ready, alice, klaviyo):
    publication = confirm_install(install=ready, by=alice)
    mark_disconnected(account=ready.account, reason="Gone.")
    publication = run(publication)
    retry_publication(publication=publication, by=alice)
    Publication.objects.filter(pk=publication.pk).update(created_at=now() - timedelta(days=3))
    assert Move.objects.filter(to_state="asked").exists()
    assert late.alarm(again(publication), now()) == ""


def test_what_waits_for_a_person_names_the_press(ready, alice, klaviyo, page):
    klaviyo.fault("after_reset", *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    twin = publication.attempts.get(step="create-flow").request
    client_for(ready.account).create_flow(twin)
    sent_long_ago(publication)
    Publication.objects.filter(pk=publication.pk).update(sent_at=now() - timedelta(hours=1))
    publication = run(publication)
    assert len(found_flows(publication)) == 2
    shown = page(publication)
    assert "Say which one it is" in shown
    assert "Which one is it?" in shown
    then = now() + timedelta(hours=13)
    Publication.objects.filter(pk=publication.pk).update(not_before=then)
    assert "for somebody to say which flow is this one" in late.alarm(again(publication), then)


def test_what_waits_for_its_connection_names_the_press(ready, alice, klaviyo, page):
    klaviyo.fault("after_reset", *CREATE)
    publication = run(confirm_install(install=ready, by=alice))
    mark_disconnected(account=ready.account, reason="Gone.")
    ripen(publication)
    publication = run(publication)
    told(publication, "unknown", "Then we look whether the flow is there")
    assert publish.run(publication.pk) is None
    then = now() + timedelta(hours=13)
    Publication.objects.filter(pk=publication.pk).update(not_before=then)
    assert "to be connected again. Reconnect it." in late.alarm(again(publication), then)
