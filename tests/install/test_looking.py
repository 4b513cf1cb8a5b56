"""What can be chosen, how it is found, its figures, and what is made here: through the doors, on the sandbox."""

from __future__ import annotations

import time
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import figures
from accounts.catalog import read_catalog
from accounts.connection import client_for
from accounts.models import KlaviyoAccount, User
from flowbuilder.models import Install
from flowbuilder.operations.installs import start_install
from flowbuilder.publisher import publish
from flowbuilder.sandbox.testing import RunningSandbox
from tests.install.make import ask, confirm, everything, offer, requirement

HTMX = {"HX-Request": "true"}
HARBOUR = "UpK3sZ"
SHOPIFY = {
    "object": "integration",
    "id": "0eMvjm",
    "key": "shopify",
    "name": "Shopify",
    "category": "eCommerce",
}
WOO = {**SHOPIFY, "id": "0eWoo1", "key": "woocommerce", "name": "WooCommerce"}


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def at(install: Install, name: str, *more: str) -> str:
    return reverse(f"install:{name}", args=[install.pk, *more])


def asking_for(partner: Any, account: KlaviyoAccount, by: User, **more: Any) -> Install:
    """An install whose first question looks for something."""
    document = everything()
    document["requirements"][0] |= {"integration": "", **more}
    return start_install(template=offer(partner, document), workspace=account.owner, by=by)


def add_metric(klaviyo: RunningSandbox, name: str, integration: dict[str, str], **more: Any) -> str:
    attributes = {"name": name, "integration": integration, **more}
    return klaviyo.sandbox.store.add("metric", HARBOUR, attributes).id


def fill(klaviyo: RunningSandbox, metrics: int) -> None:
    with klaviyo.sandbox.store.transaction():
        for number in range(metrics):
            add_metric(klaviyo, f"Campaign {number} landing", SHOPIFY)


# --- Figures that come after the page


def test_the_page_itself_asks_for_no_figures(install, klaviyo, as_alice):
    as_alice.get(at(install, "answers"))
    paths = [one["path"] for one in klaviyo.requests()]
    assert "/api/metric-aggregates" not in paths
    assert not [one for one in klaviyo.requests() if "profile_count" in one["query"]]


def test_what_is_found_says_how_often_it_was_seen(install, as_alice):
    page = text_of(as_alice.get(at(install, "answers")))
    assert "Your account maps it as “started checkout”." in page
    assert f'hx-get="{at(install, "figures", "started")}?round=0"' in page
    answer = as_alice.get(at(install, "figures", "started"), {"round": "0"}, headers=HTMX)
    assert "1,200 events in 30 days" in text_of(answer)
    assert answer.headers["HX-Retarget"] == "closest section"
    assert "1,200 events in 30 days" in text_of(as_alice.get(at(install, "answers")))


def test_two_of_a_name_are_settled_by_their_events(partner, account, alice, as_alice):
    """Shopify's views and the API's: nobody can say which, until both were counted."""
    install = asking_for(partner, account, alice, looks_for="Viewed Product")
    page = text_of(as_alice.get(at(install, "answers")))
    assert "Your account has 2 named “Viewed Product”" in page
    answer = as_alice.get(at(install, "figures", "started"), {"open": "1"}, headers=HTMX)
    assert "Found" in text_of(answer)
    assert 'id="answers-head" hx-swap-oob="true"' in text_of(answer)
    install.refresh_from_db()
    assert install.answers["started"]["by"] == "found"
    assert "7,800 events in 30 days" in install.answers["started"]["how"]


def test_two_that_weigh_the_same_stay_open(partner, account, alice, as_alice, klaviyo):
    add_metric(klaviyo, "Ticket Closed", SHOPIFY, daily=9)
    add_metric(klaviyo, "Ticket Closed", WOO, daily=9)
    install = asking_for(partner, account, alice, looks_for="Ticket Closed")
    as_alice.get(at(install, "answers"))
    answer = as_alice.get(at(install, "figures", "started"), {"open": "1"}, headers=HTMX)
    assert text_of(answer).count("270 events in 30 days") == 2
    assert "HX-Retarget" not in answer.headers, "what somebody may have chosen stays"
    install.refresh_from_db()
    assert "started" not in install.answers


def test_a_shop_that_was_left_is_not_taken(partner, account, alice, as_alice, klaviyo):
    add_metric(klaviyo, "Checkout Started", WOO, daily=40, quiet=70, mapped_as=["started_checkout"])
    install = asking_for(partner, account, alice, looks_for="Checkout Started")
    as_alice.get(at(install, "answers"))
    answer = as_alice.get(at(install, "figures", "started"), {"open": "1"}, headers=HTMX)
    assert "last seen" in text_of(answer)
    install.refresh_from_db()
    assert "started" not in install.answers, "the mapped one is dead, and another one lives"


def test_figures_keep_to_the_limits_of_the_account(account, settings, klaviyo):
    settings.KLAVIYO_SPEED = 0.01  # a second of Klaviyo's is longer than this test
    read_catalog(account)
    lists = [one.klaviyo_id for one in account.catalog.filter(kind="list")]
    assert [one.count for one in figures.count(account, lists)] == [8_412], "one a second"
    assert len(figures.uncounted(account, lists, figures.timezone.now())) == 2
    metrics = [one.klaviyo_id for one in account.catalog.filter(kind="metric")]
    assert len(figures.count(account, metrics)) == 3, "three a second"
    assert not [one for one in klaviyo.requests() if one["status"] == 429]


@pytest.mark.parametrize(("fault", "counted"), [(403, True), (404, True), (429, False), (500, False)])
def test_figures_that_cannot_be_read_disturb_nobody(install, account, as_alice, klaviyo, fault, counted):
    as_alice.get(at(install, "answers"))
    klaviyo.fault("status", "POST", "/api/metric-aggregates", status=fault)
    answer = as_alice.get(at(install, "figures", "started"), headers=HTMX)
    assert answer.status_code == 200
    entry = account.catalog.get(klaviyo_id="UpixsZ")
    assert (entry.count, entry.counted_at is not None) == (None, counted)


def test_figures_are_asked_for_in_rounds_that_end(install, as_alice, klaviyo):
    as_alice.get(at(install, "answers"))
    for _ in range(9):
        klaviyo.fault("status", "GET", "/api/segments/*", status=500)
        klaviyo.fault("status", "GET", "/api/lists/*", status=500)
    given = {"open": "1", "change": "1"}
    more = text_of(as_alice.get(at(install, "figures", "groups"), {"round": "3", **given}, headers=HTMX))
    assert "?round=4" in more
    last = text_of(as_alice.get(at(install, "figures", "groups"), {"round": "19", **given}, headers=HTMX))
    assert "hx-get" not in last


# --- Choices


def test_choices_are_found_by_what_is_typed(install, as_alice):
    as_alice.get(at(install, "answers"))
    found = text_of(as_alice.get(at(install, "choices", "started"), {"q": "order shop"}, headers=HTMX))
    for name in ("Placed Order", "Fulfilled Order", "Refunded Order"):
        assert f"<span>{name}</span>" in found
    assert "Opened Email" not in found
    assert 'value="UpixsZ" checked' in found, "what is chosen stays"
    none = text_of(as_alice.get(at(install, "choices", "started"), {"q": "<b>zzz"}, headers=HTMX))
    assert "Nothing here is named “<b>zzz”" in none


def test_choices_are_found_without_scripts(install, as_alice):
    page = text_of(
        as_alice.get(at(install, "answers"), {"of": "started", "change": "started", "q": "refund"})
    )
    assert "<span>Refunded Order</span>" in page
    assert "<span>Placed Order</span>" not in page
    assert 'name="q" form="finder-started" value="refund"' in page


def test_there_are_no_choices_of_a_text(install, as_alice):
    assert as_alice.get(at(install, "choices", "subject")).status_code == 404
    assert as_alice.get(at(install, "figures", "sender")).status_code == 404


def test_templates_say_when_they_were_changed(install, as_alice):
    assert "changed 2 Mar 2026" in text_of(as_alice.get(at(install, "answers")))


def test_a_metric_that_is_not_there_says_what_creates_it(partner, account, alice, as_alice, klaviyo):
    store = klaviyo.sandbox.store
    for one in store.all("metric", HARBOUR):
        if one.attributes["name"] == "Refunded Order":
            store.remove(one)
    install = asking_for(partner, account, alice, looks_for="Refunded Order")
    page = text_of(as_alice.get(at(install, "answers")))
    assert "It appears after the first order that is refunded in Shopify." in page


def test_an_account_without_metrics_says_what_to_do(install, as_alice, klaviyo):
    for one in klaviyo.sandbox.store.all("metric", HARBOUR):
        klaviyo.sandbox.store.remove(one)
    page = text_of(as_alice.get(at(install, "answers")))
    assert "This account has no metrics at all: connect your shop in Klaviyo" in page
    assert "Read the choices again" in page


def test_five_thousand_metrics(install, account, klaviyo, as_alice, django_assert_max_num_queries):
    """The page shows a few of them, asks the database as often as for twenty, and takes an answer."""
    fill(klaviyo, 4_978)
    as_alice.get(at(install, "answers"))
    assert account.catalog.filter(kind="metric").count() == 5_000
    started = time.perf_counter()
    with django_assert_max_num_queries(30):
        page = text_of(as_alice.get(at(install, "answers"), {"change": "started"}))
    assert time.perf_counter() - started < 5, "seconds; a busy machine is no fault, a list in a list is"
    assert "4,992 more: type a part of the name." in page
    assert len(page) < 100_000
    found = text_of(as_alice.get(at(install, "choices", "started"), {"q": "4711"}, headers=HTMX))
    wanted = account.catalog.get(name="Campaign 4711 landing").klaviyo_id
    assert wanted in found
    with django_assert_max_num_queries(30):
        as_alice.post(at(install, "answer", "started"), {"value": wanted}, headers=HTMX)
    install.refresh_from_db()
    assert install.answers["started"]["value"] == wanted


def test_the_page_asks_as_often_for_many_as_for_few(install, klaviyo, as_alice):
    as_alice.get(at(install, "answers"))
    with CaptureQueriesContext(connection) as few:
        as_alice.get(at(install, "answers"), {"change": "started"})
    fill(klaviyo, 500)
    as_alice.get(at(install, "answers"), {"again": "1"})
    with CaptureQueriesContext(connection) as many:
        as_alice.get(at(install, "answers"), {"change": "started"})
    assert len(many) == len(few)


# --- Made here


@pytest.fixture
def of_a_segment(partner, account, alice) -> Install:
    document = {
        "name": "A segment starts it",
        "definition": {
            "triggers": [{"type": "segment", "id": ask("who")}],
            "profile_filter": None,
            "entry_action_id": "text-1",
            "actions": [
                {
                    "temporary_id": "text-1",
                    "type": "send-sms",
                    "links": {"next": None},
                    "data": {"status": "draft", "message": {"name": "Text 1", "body": "Hello"}},
                }
            ],
        },
        "requirements": [
            requirement("who", "segment", "Who is unengaged?", looks_for="Unengaged for half a year")
        ],
        "contents": {},
        "names": {},
    }
    return start_install(template=offer(partner, document), workspace=account.owner, by=alice)


def test_a_segment_that_is_missing_is_made_with_the_flow(of_a_segment, account, alice, as_alice, klaviyo):
    page = text_of(as_alice.get(at(of_a_segment, "answers")))
    assert "Make a new segment in your account" in page
    assert 'value="Unengaged for half a year"' in page
    assert '<option value="unengaged" selected>' in page
    given = {"value": "+new", "new_name": "Sleepers", "recipe": "unengaged", "days": "120"}
    assert as_alice.post(at(of_a_segment, "answer", "who"), given).status_code == 302
    of_a_segment.refresh_from_db()
    made = of_a_segment.answers["who"]["value"]
    assert (made["$make"], made["name"], len(made["definition"]["condition_groups"])) == (
        "segment",
        "Sleepers",
        2,
    )
    again = text_of(as_alice.get(at(of_a_segment, "answers"), {"change": "who"}))
    assert '<option value="unengaged" selected>' in again, "what was said is kept"
    assert 'value="120"' in again
    assert confirm(as_alice, of_a_segment).url == at(of_a_segment, "progress")
    publication = of_a_segment.publications.get()
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "published", publication.reason
    assert "Sleepers" in [one.attributes["name"] for one in klaviyo.sandbox.store.all("segment", HARBOUR)]


@pytest.mark.parametrize(
    "recipe", ["subscribed", "engaged", "unengaged", "bought", "customers", "never-bought"]
)
def test_klaviyo_takes_every_kind_of_segment(of_a_segment, account, as_alice, recipe, klaviyo):
    as_alice.get(at(of_a_segment, "answers"))
    given = {"value": "+new", "new_name": "Made", "recipe": recipe, "days": "30"}
    as_alice.post(at(of_a_segment, "answer", "who"), given)
    of_a_segment.refresh_from_db()
    definition = of_a_segment.answers["who"]["value"]["definition"]
    body = {"data": {"type": "segment", "attributes": {"name": "Made", "definition": definition}}}
    assert client_for(account).call("POST", "/api/segments", json=body).status == 201


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"new_name": "", "recipe": "engaged", "days": "30"}, "Give the new segment a name."),
        ({"new_name": "A", "recipe": "nothing", "days": "30"}, "not one of the available choices"),
        ({"new_name": "A", "recipe": "", "days": "30"}, "Choose who belongs to the new segment."),
        ({"new_name": "A", "recipe": "engaged", "days": "0"}, "greater than or equal to 1"),
        ({"new_name": "A", "recipe": "engaged", "days": "soon"}, "whole number"),
    ],
)
def test_a_segment_that_is_not_whole_comes_back(of_a_segment, as_alice, given, says):
    as_alice.get(at(of_a_segment, "answers"))
    answer = as_alice.post(at(of_a_segment, "answer", "who"), {"value": "+new", **given})
    assert answer.status_code == 422
    assert says in text_of(answer)


def test_a_list_for_a_question_of_lists_and_segments(install, account, as_alice, alice, klaviyo):
    as_alice.get(at(install, "answers"))
    both = as_alice.post(
        at(install, "answer", "groups"),
        {"value": ["+new", account.catalog.get(name="VIP").klaviyo_id], "new_name": "Club", "recipe": "list"},
    )
    assert both.status_code == 422
    assert "not both" in text_of(both)
    as_alice.post(at(install, "answer", "groups"), {"value": ["+new"], "new_name": "Club", "recipe": "list"})
    install.refresh_from_db()
    assert install.answers["groups"]["value"] == {"$make": "list", "name": "Club", "many": True}
    as_alice.post(at(install, "answer", "subject"), {"value": "Hello"})
    as_alice.post(at(install, "answer", "body"), {"value": account.catalog.get(name="Welcome").klaviyo_id})
    confirm(as_alice, install)
    publication = install.publications.get()
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "published", publication.reason
