"""The library: what is offered to whom, found by its words, and what its page says."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from flowbuilder.models import TemplateFlow
from flowbuilder.operations.installs import start_install
from flowbuilder.operations.library import offer_in_library, publish_version
from tests import make
from tests.conftest import client_of
from tests.install.make import newer, offer

pytestmark = pytest.mark.django_db
LIST = "/library/"


@pytest.fixture
def template(workspace: Workspace) -> TemplateFlow:
    return make.template(workspace)


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    return client_of(charlie)


def page_of(template: TemplateFlow) -> str:
    return reverse("library:page", args=[template.slug])


def text_of(response) -> str:
    return response.content.decode()


def test_a_stranger_reads_what_is_public_and_signs_in_to_install(client, template):
    assert page_of(template) in text_of(client.get(LIST))
    page = text_of(client.get(page_of(template)))
    assert f"{reverse('account_login')}?next=%2Flibrary%2F{template.slug}%2F" in page
    assert reverse("install:start", args=[template.slug]) not in page
    assert '<meta property="og:title" content="Abandoned cart">' in page


def test_the_empty_library_says_so(as_alice):
    assert "The library is empty" in text_of(as_alice.get(LIST))


def test_a_card_says_what_it_is(as_charlie, template):
    page = text_of(as_charlie.get(LIST))
    assert page_of(template) in page
    assert "Abandoned cart" in page
    assert "by Northwind · version 1" in page
    assert "Starts with “Checkout Started”." in page
    assert "Sends 2 emails and 1 text, and waits twice on the way." in page
    assert '<svg class="canvas"' in page


def test_its_own_words_stand_before_ours(as_charlie, template):
    make.approved(offer_in_library(version=template.current_version, description="Wins back <b>carts</b>."))
    for url in (LIST, page_of(template)):
        page = text_of(as_charlie.get(url))
        assert "Wins back &lt;b&gt;carts&lt;/b&gt;." in page
        assert "Starts with “Checkout" not in page


@pytest.mark.parametrize(
    ("words", "found"),
    [("abandoned", True), ("CART aband", True), ("northwind", True), ("cart nothing", False), ("%", False)],
)
def test_it_is_found_by_its_words(as_charlie, template, words, found):
    page = text_of(as_charlie.get(LIST, {"q": words}))
    assert (page_of(template) in page) is found
    assert ("Nothing fits" in page) is not found


def test_htmx_gets_the_cards_alone(as_charlie, template):
    fragment = text_of(as_charlie.get(LIST, {"q": "cart"}, headers={"HX-Request": "true"}))
    assert "<html" not in fragment
    assert '<div id="cards">' in fragment


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "9" * 30])
def test_a_page_that_is_not_there_shows_one_that_is(as_charlie, template, page):
    assert page_of(template) in text_of(as_charlie.get(LIST, {"page": page}))


def test_what_is_offered_to_a_workspace_is_seen_there_alone(template, as_alice, as_charlie):
    offer_in_library(version=template.current_version, visibility="workspace")
    assert page_of(template) in text_of(as_alice.get(LIST))
    assert page_of(template) not in text_of(as_charlie.get(LIST))
    assert as_alice.get(page_of(template)).status_code == 200
    assert as_charlie.get(page_of(template)).status_code == 404
    assert as_charlie.get("/library/nothing/").status_code == 404


def test_it_only_shows(as_alice, template):
    for url in (LIST, page_of(template)):
        assert as_alice.post(url).status_code == 405


def test_the_page_says_what_it_does_needs_and_creates(as_charlie, template):
    page = text_of(as_charlie.get(page_of(template)))
    for words in (
        "Only if: ",
        "Wait 1 hour",
        "Can receive texts?",
        "Email 1: Did you forget this?",
        "We look for “Checkout Started” from Shopify in your account.",
        "Who should the emails come from?",
        "1 flow, as a draft",
        "2 email templates",
        "Version 1",
    ):
        assert words in page, words


def test_versions_stand_with_their_notes_newest_first(as_charlie, template):
    make.approved(
        offer_in_library(version=publish_version(flow=template.flow, by=None, notes="Shorter waits."))
    )
    publish_version(flow=template.flow, by=None, notes="Not offered yet.")
    page = text_of(as_charlie.get(page_of(template)))
    assert page.index("Version 2") < page.index("Version 1")
    assert "Shorter waits." in page
    assert "Not offered yet." not in page


def test_install_is_for_those_who_may(template, as_alice, bob, as_charlie):
    action = f'action="{reverse("install:start", args=[template.slug])}"'
    assert action in text_of(as_alice.get(page_of(template)))
    for_bob = text_of(client_of(bob).get(page_of(template)))
    assert action not in for_bob
    assert "Merchants and owners install template flows." in for_bob
    assert "make one first" in text_of(as_charlie.get(page_of(template)))


def test_the_editor_is_for_designers_of_its_workspace(template, as_alice, bob, as_charlie):
    url = reverse("editor:editor", args=[template.flow_id])
    assert url in text_of(as_alice.get(page_of(template)))
    assert url in text_of(client_of(bob).get(page_of(template)))
    assert url not in text_of(as_charlie.get(page_of(template)))


def test_what_my_workspace_has_of_it_is_shown(template, alice, as_alice, as_charlie, workspace):
    install = start_install(template=template, workspace=workspace, by=alice)
    url = reverse("install:open", args=[install.pk])
    assert url in text_of(as_alice.get(page_of(template)))
    assert url not in text_of(as_charlie.get(page_of(template)))


def test_the_list_asks_as_often_for_ten_as_for_one(
    workspace, as_alice, django_assert_max_num_queries, django_assert_num_queries
):
    offer(workspace)
    as_alice.get(LIST)
    with django_assert_max_num_queries(8) as one:
        as_alice.get(LIST)
    for _ in range(9):
        offer(workspace)
    with django_assert_num_queries(len(one.captured_queries)):
        as_alice.get(LIST)


def test_the_page_asks_as_often_for_ten_versions_as_for_one(
    template, as_alice, django_assert_max_num_queries, django_assert_num_queries
):
    as_alice.get(page_of(template))
    with django_assert_max_num_queries(8) as one:
        as_alice.get(page_of(template))
    for _ in range(9):
        template.refresh_from_db()
        newer(template, template.current_version.document)
    with django_assert_num_queries(len(one.captured_queries)):
        as_alice.get(page_of(template))


def test_many_are_shown_page_by_page(workspace, as_alice):
    for _ in range(25):
        offer(workspace)
    assert "Page 1 of 2" in text_of(as_alice.get(LIST))
    second = text_of(as_alice.get(LIST, {"q": "everything", "page": "2"}))
    assert "Page 2 of 2" in second
    assert "q=everything&amp;page=1" in second
