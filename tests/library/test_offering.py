"""Who reads what of a template flow: share links, a reviewer's yes, withdrawn versions, two versions side by side."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Workspace
from flowbuilder.access import link_of, template_flow_or_404
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.offering import description_of
from flowbuilder.models import Install, Review, TemplateFlow
from flowbuilder.operations.designs import rename_flow
from flowbuilder.operations.installs import UnableToInstall, confirm_install, start_install
from flowbuilder.operations.library import offer_in_library, publish_version, withdraw_version
from flowbuilder.operations.reviews import UnableToReview, decide
from flowbuilder.queries.library import offer_of
from tests import make
from tests.conftest import client_of
from tests.install.make import everything, offer
from tests.install.make import newer as next_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(workspace: Workspace) -> TemplateFlow:
    return make.template(workspace)


@pytest.fixture
def as_ruth(db) -> Client:
    return client_of(make.reviewer())


def page_of(template: TemplateFlow, name: str = "page") -> str:
    return reverse(f"library:{name}", args=[template.slug])


def text_of(response: Any) -> str:
    return response.content.decode()


def second(template: TemplateFlow, by: User, name: str = "Better cart", **more: Any) -> TemplateFlow:
    rename_flow(flow=template.flow, name=name, by=by)
    version = publish_version(flow=template.flow, by=by, notes="Notes of two.", label="Shorter")
    return offer_in_library(version=version, **more)


def settle(client: Client, template: TemplateFlow, **more: Any) -> Any:
    given = {"visibility": "site", "description": "", **more}
    return client.post(page_of(template, "offer"), given)


# --- A reviewer's yes ----------------------------------------------------------------------------------------------


def test_nothing_is_public_before_a_yes(workspace, alice, client, as_alice):
    template = offer_in_library(version=publish_version(flow=make.flow(workspace), by=alice))
    assert client.get(page_of(template)).status_code == 404
    assert template.slug not in text_of(client.get("/library/"))
    own = text_of(as_alice.get(page_of(template)))
    assert "Until then only your workspace sees it." in own
    make.approved(template)
    assert client.get(page_of(template)).status_code == 200


def test_a_new_version_waits_and_the_earlier_stays(template, alice, client, as_alice, as_ruth):
    second(template, alice, description="Words nobody reviewed.")
    for page in (text_of(client.get(page_of(template))), text_of(client.get("/library/"))):
        for hidden in ("Better cart", "Notes of two.", "Shorter", "Words nobody reviewed."):
            assert hidden not in page, hidden
        assert "Abandoned cart" in page
    assert "Better cart" in text_of(as_alice.get(page_of(template)))
    assert template.slug not in text_of(client.get("/library/", {"q": "nobody"}))
    [review] = Review.objects.filter(verdict="")
    page = text_of(as_ruth.get(reverse("library:review", args=[review.pk])))
    for words in (
        "May everybody see it?",
        "Words nobody reviewed.",
        review.content_hash,
        'id="compared"',
        "Its emails",
    ):
        assert words in page, words
    given = {"verdict": "yes", "seen": review.content_hash, "reason": ""}
    assert as_ruth.post(reverse("library:decide", args=[review.pk]), given).status_code == 302
    assert "Better cart" in text_of(client.get(page_of(template)))


def test_a_no_says_why_and_changes_nothing(template, alice, client, as_alice, as_ruth):
    second(template, alice)
    review = Review.objects.get(verdict="")
    decision = reverse("library:decide", args=[review.pk])
    assert "Say what to change" in text_of(as_ruth.post(decision, {"verdict": "no"}))
    assert as_ruth.post(decision, {"verdict": "no", "reason": "Too many texts."}).status_code == 302
    assert "Abandoned cart" in text_of(client.get(page_of(template)))
    assert "Too many texts." in text_of(as_alice.get(page_of(template, "offer")))
    answer = as_ruth.post(decision, {"verdict": "yes", "seen": review.content_hash})
    assert answer.status_code == 422
    assert "decided already" in text_of(answer)


def test_a_yes_is_for_the_hash_that_was_read(template, alice, as_ruth):
    second(template, alice)
    review = Review.objects.get(verdict="")
    answer = as_ruth.post(reverse("library:decide", args=[review.pk]), {"verdict": "yes", "seen": "0" * 64})
    assert answer.status_code == 422
    assert "not what was asked for" in text_of(answer)
    template.refresh_from_db()
    assert template.public.version.number == 1


def test_a_request_lapses_when_something_newer_asks(template, alice, as_ruth):
    second(template, alice)
    first = Review.objects.get(verdict="")
    second(template, alice, name="Best cart")
    first.refresh_from_db()
    assert first.verdict == "lapsed"
    answer = as_ruth.post(
        reverse("library:decide", args=[first.pk]), {"verdict": "yes", "seen": first.content_hash}
    )
    assert "lapsed" in text_of(answer)


def test_nobody_says_yes_to_their_own(template, alice):
    make.workspace("site", kind="operator", owner=alice)
    second(template, alice)
    review = Review.objects.get(verdict="")
    with pytest.raises(UnableToReview, match="Somebody else"):
        decide(review=review, by=alice, verdict="yes", seen=review.content_hash)


def test_other_people_of_the_operator_do_not_review(template, bob, charlie):
    make.workspace("site", kind="operator", merchant=charlie)
    assert client_of(charlie).get(reverse("library:reviews")).status_code == 404
    assert client_of(bob).get(reverse("library:reviews")).status_code == 404


def test_the_database_keeps_what_was_said(template):
    review = Review.objects.exclude(verdict="").first()
    for change in ({"verdict": "no"}, {"reason": "x"}, {"content_hash": "1" * 64}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Review.objects.filter(pk=review.pk).update(**change)
    assert connection.vendor in ("sqlite", "postgresql")


def test_a_changed_text_waits_like_a_version(template, client, as_alice):
    settle(as_alice, template, description="New words.")
    assert "New words." not in text_of(client.get(page_of(template)))
    assert "New words." in text_of(as_alice.get(page_of(template)))
    make.approved(template)
    assert "New words." in text_of(client.get(page_of(template)))


def test_others_read_no_answers_of_the_designer(workspace, alice, charlie, client, as_alice):
    document = everything()
    own = {
        "metric": "Own1D9",
        "sender": {"email": "own@shop.example", "label": "Own1D9"},
        "group": ["Own1D9"],
    }
    for one in document["requirements"]:
        one["default"] = own.get(one["kind"], one["default"])
        one["looks_for"] = ""
        if one["key"] == "subject":
            one["default"] = "Ask own@shop.example"
    template = offer(workspace, document)
    shown = [
        *client.get("/library/"),
        *client.get(page_of(template)),
        *client.get(page_of(template, "compare")),
    ]
    assert not any(b"Own1D9" in part or b"own@shop" in part for part in shown)
    for reader, others in ((charlie, True), (alice, False)):
        found = offer_of(template_flow_or_404(reader, template.slug))
        assert found is not None
        kept = str([one.default for one in found.questions])
        assert ("Own1D9" not in kept and "own@shop" not in kept) is others


# --- What is offered -----------------------------------------------------------------------------------------------


def test_a_generated_text_stays_generated_until_a_word_is_changed(template, as_alice):
    text = description_of(Frozen(template.current_version.document))
    page = text_of(as_alice.get(page_of(template, "offer")))
    assert "The description is generated." in page
    settle(
        as_alice,
        template,
        description=text.replace(". ", ".\r\n"),
        categories=["cart"],
        languages=["en", "de"],
    )
    template.refresh_from_db()
    assert (template.description, template.categories, template.languages) == ("", " cart ", " en de ")
    settle(as_alice, template, description=f"{text} Really.")
    template.refresh_from_db()
    assert template.description.endswith("Really.")


@pytest.mark.parametrize(
    "more", [{"visibility": "moon"}, {"visibility": ""}, {"categories": ["x"]}, {"description": "x" * 5001}]
)
def test_what_is_none_of_the_choices_is_said(template, as_alice, more):
    answer = settle(as_alice, template, **more)
    assert answer.status_code == 422
    assert "errorlist" in text_of(answer)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"category": "cart"}, True),
        ({"category": "welcome"}, False),
        ({"channel": "send-sms"}, True),
        ({"channel": "send-whatsapp"}, False),
        ({"language": "de"}, True),
        ({"language": "fr"}, False),
        ({"author": "northwind"}, True),
        ({"author": "nobody"}, True),
        ({"category": "cart", "channel": "send-email", "q": "aband"}, True),
        ({"category": "no-such", "page": "x"}, True),
        ({"whose": "mine"}, True),
    ],
)
def test_filters(template, as_alice, client, query, found):
    settle(as_alice, template, categories=["cart"], languages=["de", "en"])
    page = text_of(client.get("/library/", query))
    assert (page_of(template) in page) is found
    assert ("Nothing fits" in page) is not found


def test_whose(template, as_alice, charlie):
    assert template.slug in text_of(as_alice.get("/library/", {"whose": "mine"}))
    assert template.slug not in text_of(client_of(charlie).get("/library/", {"whose": "mine"}))
    assert template.slug in text_of(client_of(charlie).get("/library/", {"whose": "public"}))


# --- A share link --------------------------------------------------------------------------------------------------


def test_who_has_the_link_reads_and_installs(template, alice, as_alice, charlie, client):
    settle(as_alice, template, visibility="link")
    template.refresh_from_db()
    make.workspace("elsewhere", owner=charlie)
    url, link = page_of(template), link_of(template)
    assert link in text_of(as_alice.get(page_of(template, "offer")))
    for reader in (client, client_of(charlie)):
        assert reader.get(url).status_code == 404
        assert reader.get(url, {"link": "wrong"}).status_code == 404
        assert reader.get(url, {"link": link}).status_code == 200
        assert reader.get(page_of(template, "compare"), {"link": link}).status_code == 200
        assert template.slug not in text_of(reader.get("/library/"))
    assert "noindex" in text_of(client.get(url, {"link": link}))
    start = reverse("install:start", args=[template.slug])
    assert client_of(charlie).post(start).status_code == 404
    assert client_of(charlie).post(start, {"link": link}).status_code == 302
    assert Install.objects.get().workspace.slug == "elsewhere"
    as_alice.post(page_of(template, "renew_link"))
    assert client.get(url, {"link": link}).status_code == 404
    template.refresh_from_db()
    assert client.get(url, {"link": link_of(template)}).status_code == 200


def test_a_link_opens_nothing_that_is_not_shared(template, as_alice, client):
    settle(as_alice, template, visibility="workspace")
    template.refresh_from_db()
    assert client.get(page_of(template), {"link": link_of(template)}).status_code == 404


def test_the_link_of_one_opens_no_other(workspace, template, as_alice, client):
    other = offer(workspace)
    for one in (template, other):
        settle(as_alice, one, visibility="link")
    assert client.get(page_of(other), {"link": link_of(template)}).status_code == 404


# --- Side by side --------------------------------------------------------------------------------------------------


def test_any_two_versions_stand_side_by_side(template, alice, client, as_alice):
    make.approved(second(template, alice))
    url = page_of(template, "compare")
    page = text_of(client.get(url))
    assert "from version 1 to version 2" in page or "Nothing differs" in page
    assert 'id="picture-old"' in page
    assert 'id="picture-new"' in page
    assert "one and the same version" in text_of(client.get(url, {"old": "1", "new": "1"}))
    fragment = text_of(client.get(url, {"old": "2", "new": "1"}, headers={"HX-Request": "true"}))
    assert "<html" not in fragment
    for wrong in ("3", "x", "-1", ""):
        assert client.get(url, {"old": "1", "new": wrong}).status_code == 404


def test_strangers_compare_what_was_said_yes_to_alone(template, alice, client, as_alice):
    second(template, alice)
    url = page_of(template, "compare")
    assert client.get(url, {"old": "1", "new": "2"}).status_code == 404
    assert as_alice.get(url, {"old": "1", "new": "2"}).status_code == 200


def test_names_of_ways_stand_under_their_split(template, client):
    """“Yes” and “No” stand inside the picture, each below the split and beside the other."""
    page = text_of(client.get(page_of(template)))
    label = re.compile(r'x="(-?\d+)" y="(-?\d+)" width="150" height="22"')
    (yes_x, yes_y), (no_x, no_y) = [(int(x), int(y)) for x, y in label.findall(page)]
    split = re.search(r'y="(\d+)"[^>]*><div class="step" data-family="logic"', page)
    assert split is not None
    assert yes_y == no_y > int(split[1])
    assert 0 < yes_x < no_x


# --- Withdrawn -----------------------------------------------------------------------------------------------------


def withdraw(template: TemplateFlow, by: User, reason: str = "It sends twice.") -> None:
    withdraw_version(template=template, version=template.current_version, by=by, reason=reason)
    template.refresh_from_db()


def test_the_version_before_takes_its_place(template, alice, client):
    make.approved(second(template, alice))
    template.refresh_from_db()
    withdraw(template, alice)
    assert (template.current_version.number, template.public.version.number) == (1, 1)
    page = text_of(client.get(page_of(template)))
    assert "Abandoned cart" in page
    assert "It sends twice." not in page  # strangers see what stands; the withdrawn one was newer


def test_where_none_is_left_nobody_begins(template, alice, bob, client, as_alice, charlie):
    withdraw(template, alice)
    assert client.get(page_of(template)).status_code == 404
    page = text_of(as_alice.get(page_of(template)))
    assert "All versions of it are withdrawn" in page
    assert reverse("install:start", args=[template.slug]) not in page
    with pytest.raises(UnableToInstall, match="was withdrawn"):
        start_install(template=template, workspace=template.workspace, by=alice)


def test_withdrawing_takes_a_reason_and_happens_once(template, as_alice):
    url = reverse("library:withdraw", args=[template.slug, 1])
    assert "Say why" in text_of(as_alice.post(url, {"reason": " "}, follow=True))
    assert "Version 1 was withdrawn." in text_of(as_alice.post(url, {"reason": "Wrong."}, follow=True))
    assert "withdrawn already" in text_of(as_alice.post(url, {"reason": "Again."}, follow=True))
    assert (
        as_alice.post(reverse("library:withdraw", args=[template.slug, 9]), {"reason": "x"}).status_code
        == 404
    )


@pytest.fixture
def midway(workspace: Workspace, alice: User, klaviyo) -> Install:
    """Version 2 of everything is being set up, with an answer, when it is withdrawn."""
    template = offer(workspace)
    document = everything()
    for one in document["requirements"]:
        one["question"] += " New."
    next_version(template, document)
    template.refresh_from_db()
    install = make.install(template, make.account(workspace), alice, hours=3)
    withdraw(template, alice)
    install.refresh_from_db()
    return install


def test_an_install_under_way_is_told_and_goes_on_with_its_answers(midway, as_alice, alice):
    page = as_alice.get(reverse("install:answers", args=[midway.pk]))
    assert page.url == reverse("install:withdrawn", args=[midway.pk])
    told = text_of(as_alice.get(page.url))
    for words in ("Version 2 of", "It sends twice.", "Go on with version 1", "all your answers come along"):
        assert words in told, words
    with pytest.raises(UnableToInstall, match="withdrawn meanwhile"):
        confirm_install(install=midway, by=alice)
    answer = as_alice.post(reverse("install:take_current", args=[midway.pk]))
    assert answer.url == reverse("install:open", args=[midway.pk])
    before = midway.answers
    midway.refresh_from_db()
    assert (midway.version.number, midway.answers) == (1, before)
    assert before
    assert as_alice.get(reverse("install:withdrawn", args=[midway.pk])).url == answer.url


def test_an_install_with_nothing_to_go_on_with_can_be_given_up(midway, as_alice, alice):
    template = TemplateFlow.objects.get(pk=midway.template_flow_id)
    withdraw(template, alice, "This one too.")
    told = text_of(as_alice.get(reverse("install:withdrawn", args=[midway.pk])))
    assert "there is no other version" in told
    again = as_alice.post(reverse("install:take_current", args=[midway.pk]), follow=True)
    assert "nobody can begin with it now" in text_of(again)
    as_alice.post(reverse("install:cancel", args=[midway.pk]))
    midway.refresh_from_db()
    assert midway.state == Install.State.GIVEN_UP


# --- How often the database is asked -------------------------------------------------------------------------------


def test_strangers_cost_as_many_queries_for_ten_as_for_one(
    workspace, alice, client, django_assert_num_queries
):
    offer(workspace)
    with CaptureQueriesContext(connection) as one:
        client.get("/library/")
    assert len(one) <= 4
    for _ in range(9):
        offer(workspace)
    with django_assert_num_queries(len(one)):
        client.get("/library/")


def test_the_queue_costs_as_many_queries_for_ten_as_for_one(
    workspace, alice, as_ruth, django_assert_num_queries
):
    def ask() -> None:
        offer_in_library(version=publish_version(flow=make.flow(workspace), by=alice))

    ask()
    url = reverse("library:reviews")
    as_ruth.get(url)
    with CaptureQueriesContext(connection) as one:
        as_ruth.get(url)
    for _ in range(9):
        ask()
    with django_assert_num_queries(len(one)):
        as_ruth.get(url)
