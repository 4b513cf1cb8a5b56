"""Every door of the install: who may pass, what a form with mistakes gets, and the way through without script."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.catalog import choices
from accounts.models import KlaviyoAccount
from flowbuilder.models import Install
from flowbuilder.operations.installs import confirm_install, start_install
from tests import make
from tests.conftest import client_of
from tests.install.make import cart, confirm, everything, newer, offer

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
READS = ("open", "connect", "answers", "preview", "progress")
ACTS = ("choose", "confirm", "reopen", "retry", "cancel")
ALL = [*((name, "get") for name in READS), *((name, "post") for name in ACTS)]


def at(install: Install, name: str, *more: str) -> str:
    return reverse(f"install:{name}", args=[install.pk, *more])


def text_of(response) -> str:
    return response.content.decode()


# --- Who may pass


@pytest.mark.parametrize(("name", "method"), ALL)
def test_a_stranger_finds_nothing(install, charlie, name, method):
    assert getattr(client_of(charlie), method)(at(install, name)).status_code == 404


@pytest.mark.parametrize(("name", "method"), ALL)
def test_a_designer_may_not(install, bob, name, method):
    assert getattr(client_of(bob), method)(at(install, name)).status_code == 403


@pytest.mark.parametrize(("name", "method"), ALL)
def test_nobody_is_sent_to_sign_in(install, client, name, method):
    response = getattr(client, method)(at(install, name))
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))


def test_answers_and_contents_are_not_for_strangers(install, charlie, bob):
    for person, status in ((charlie, 404), (bob, 403)):
        client = client_of(person)
        assert client.post(at(install, "answer", "subject"), {"value": "x"}).status_code == status
        assert client.get(at(install, "content", "mail-1")).status_code == status


@pytest.mark.parametrize("name", ACTS)
def test_acts_are_posts(install, as_alice, name):
    assert as_alice.get(at(install, name)).status_code == 405


# --- Beginning


def test_start_takes_a_post_a_role_and_something_to_see(template, account, as_alice, bob, charlie):
    url = reverse("install:start", args=[template.slug])
    assert as_alice.get(url).status_code == 405
    assert client_of(bob).post(url).status_code == 403
    assert client_of(charlie).post(url).status_code == 403, "a person without a workspace"
    assert as_alice.post(reverse("install:start", args=["nothing"])).status_code == 404
    assert Install.objects.count() == 0


def test_a_template_of_another_workspace_alone_cannot_be_started(partner, account, as_alice):
    hidden = offer(partner, visibility="workspace")
    assert as_alice.post(reverse("install:start", args=[hidden.slug])).status_code == 404


def test_start_goes_on_with_what_was_begun(template, account, as_alice):
    url = reverse("install:start", args=[template.slug])
    first = as_alice.post(url)
    assert as_alice.post(url).url == first.url
    assert Install.objects.count() == 1


def test_open_leads_to_the_step_at_which_it_was_left(account, alice, as_alice, template, workspace):
    install = cart(account, alice)
    kept, install.answers = install.answers, {}
    install.save()
    assert as_alice.get(at(install, "open")).url == at(install, "answers")
    install.answers = kept
    install.save()
    assert as_alice.get(at(install, "open")).url == at(install, "preview")
    confirm_install(install=install, by=alice)
    assert as_alice.get(at(install, "open")).url == at(install, "progress")
    begun = Install.objects.create(
        template_flow=template, version=template.current_version, workspace=workspace
    )
    assert as_alice.get(at(begun, "open")).url == at(begun, "connect")


@pytest.mark.parametrize("name", ["connect", "answers", "preview"])
def test_what_is_confirmed_is_followed_and_not_set_up(account, alice, as_alice, name):
    install = cart(account, alice)
    confirm_install(install=install, by=alice)
    assert as_alice.get(at(install, name)).url == at(install, "progress")
    fragment = as_alice.get(at(install, name), headers=HTMX)
    assert fragment.headers["HX-Redirect"] == at(install, "progress")
    answered = as_alice.post(at(install, "answer", "sender"), {"email": "a@b.example", "label": "A"})
    assert answered.url == at(install, "progress")
    assert as_alice.post(at(install, "choose"), {"account": account.pk}).url == at(install, "progress")


def test_what_was_given_up_leads_to_the_library(install, as_alice):
    response = as_alice.post(at(install, "cancel"))
    assert response.url == reverse("install:list")
    assert "Nothing was made" in str(next(iter(get_messages(response.wsgi_request))))
    library = reverse("library:page", args=[install.template_flow.slug])
    for name in ("connect", "answers", "preview"):
        assert as_alice.get(at(install, name)).url == library
    assert as_alice.get(at(install, "progress")).url == at(install, "open")
    assert confirm(as_alice, install).url == library


# --- Connect


def test_connect_offers_accounts_and_explains_every_scope(install, account, workspace, as_alice):
    other = make.account(workspace, "QwE92b", "pk_sandbox_kettle")
    KlaviyoAccount.objects.filter(pk=other.pk).update(state="disconnected", name="Gone & away")
    page = text_of(as_alice.get(at(install, "connect")))
    assert f'value="{account.pk}" checked' in page
    assert "Gone &amp; away" in page
    assert f'value="{other.pk}" disabled' in page
    assert "flows:write" in page
    assert f'<input type="hidden" name="next" value="{at(install, "connect")}">' in page
    assert f'action="{reverse("accounts:connect", args=[workspace.slug])}"' in page


def test_connect_tells_what_it_does_without_the_designers_own_answers(
    workspace, account, partner, alice, as_alice
):
    document = everything()
    document["requirements"][1] |= {"default": ["DsgnrL"], "looks_for": ""}
    template = offer(partner, document)
    begun = start_install(template=template, workspace=workspace, by=alice)
    page = text_of(as_alice.get(at(begun, "connect")))
    assert "Who is a member?" in page
    assert "DsgnrL" not in page


def test_connect_without_any_account(template, workspace, as_alice):
    install = Install.objects.create(
        template_flow=template, version=template.current_version, workspace=workspace
    )
    page = as_alice.get(at(install, "connect"))
    assert "Connect your Klaviyo account" in text_of(page)
    assert as_alice.get(at(install, "answers")).url == at(install, "connect")


@pytest.mark.parametrize(
    ("given", "status"), [({}, 422), ({"account": "x"}, 422), ({"account": "9" * 40}, 404)]
)
def test_choosing_no_account(install, as_alice, given, status):
    assert as_alice.post(at(install, "choose"), given).status_code == status


def test_choosing_accounts_of_others_or_disconnected_ones(install, workspace, charlie, as_alice):
    theirs = make.account(make.workspace("elsewhere", owner=charlie), "ZxT41p", "pk_sandbox_orchard")
    assert as_alice.post(at(install, "choose"), {"account": theirs.pk}).status_code == 404
    mine = make.account(workspace, "QwE92b", "pk_sandbox_kettle")
    KlaviyoAccount.objects.filter(pk=mine.pk).update(state="disconnected")
    refused = as_alice.post(at(install, "choose"), {"account": mine.pk})
    assert refused.status_code == 422
    assert "is disconnected" in text_of(refused)
    assert as_alice.post(at(install, "choose"), {"account": install.account_id}).url == at(install, "answers")


# --- Answers


def test_answers_reads_the_account_and_shows_what_it_found(install, account, as_alice):
    page = text_of(as_alice.get(at(install, "answers")))
    assert "2 questions left" in page
    assert "We found 4 of 6 things" in page
    assert "Checkout Started (Shopify)" in page
    assert "Harbour &amp; Pine, hello@harbourpine.example" in page
    assert page.index("What is the subject?") < page.index("What starts it?"), "open ones first"
    assert "which your account does not have" in page, "why the template is asked for"
    assert 'aria-disabled="true"' in page


def test_answers_asks_klaviyo_only_when_it_has_to(install, klaviyo, as_alice):
    as_alice.get(at(install, "answers"))
    before = len(klaviyo.requests())
    as_alice.get(at(install, "answers"))
    as_alice.get(at(install, "answers"), {"change": "started"}, headers=HTMX)
    assert len(klaviyo.requests()) == before
    as_alice.get(at(install, "answers"), {"again": "1"})
    assert len(klaviyo.requests()) > before


def test_klaviyo_away_is_said_and_can_be_tried_again(install, klaviyo, as_alice):
    klaviyo.fault("status", "GET", "/api/metrics", status=400)
    page = as_alice.get(at(install, "answers"))
    assert page.status_code == 200
    assert "We could not look into your account" in text_of(page)
    assert f"{at(install, 'answers')}?again=1" in text_of(page)
    assert "could not look" not in text_of(as_alice.get(at(install, "answers"), {"again": "1"}))


def test_a_key_that_was_withdrawn_offers_to_connect_again(install, klaviyo, as_alice, account):
    account.api_key = "pk_no_longer"
    account.save()
    page = text_of(as_alice.get(at(install, "answers")))
    assert "We could not look into your account" in page
    assert "Connect it again" in page


def test_changing_an_answer_shows_its_choices(install, as_alice):
    page = text_of(as_alice.get(at(install, "answers"), {"change": "started"}))
    assert 'value="UpixsZ" checked' in page
    assert reverse("install:choices", args=[install.pk, "started"]) in page, "they are found by typing"
    assert "Keep it as it is" in page


def test_one_answer_is_saved_as_a_form_and_by_htmx(install, account, as_alice):
    as_alice.get(at(install, "answers"))
    saved = as_alice.post(at(install, "answer", "subject"), {"value": "Ours"})
    assert saved.url == at(install, "answers")
    template_id = choices(account, "template").first().klaviyo_id
    fragment = as_alice.post(at(install, "answer", "body"), {"value": template_id}, headers=HTMX)
    assert fragment.status_code == 200
    assert text_of(fragment).lstrip().startswith('<div id="answers">')
    assert "All is answered" in text_of(fragment)
    groups = [one.klaviyo_id for one in choices(account, "list")[:2]]
    as_alice.post(at(install, "answer", "groups"), {"value": groups})
    install.refresh_from_db()
    assert install.answers["groups"]["value"] == groups


BAD = [
    ("started", {}, "Choose one."),
    ("started", {"value": "NoSuch"}, "not in this account"),
    ("groups", {}, "Choose one or more."),
    ("groups", {"value": ["NoSuch"]}, "not in this account"),
    ("body", {"value": "UpixsZ"}, "not in this account"),
    ("sender", {"label": "", "email": ""}, "required"),
    ("sender", {"label": "A", "email": "nobody"}, "Write an email address"),
    ("sender", {"label": "A" * 300, "email": "a@b.example"}, "at most 200"),
    ("subject", {"value": "  "}, "required"),
    ("subject", {"value": "x" * 5001}, "at most 5000"),
    ("subject", {"value": "a\x00b"}, "Null characters"),
    ("hours", {"value": "soon"}, "whole number"),
    ("hours", {"value": "0"}, "greater than or equal to 1"),
    ("hours", {"value": "10001"}, "less than or equal to 10000"),
]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
@pytest.mark.parametrize(("key", "given", "says"), BAD)
def test_a_bad_answer_comes_back_with_its_errors(install, as_alice, key, given, says, headers):
    as_alice.get(at(install, "answers"))
    before = Install.objects.get(pk=install.pk).answers
    response = as_alice.post(at(install, "answer", key), given, headers=headers)
    assert response.status_code == 422
    assert says in text_of(response)
    assert ("<html" in text_of(response)) is not bool(headers)
    assert Install.objects.get(pk=install.pk).answers == before


def test_a_question_that_nobody_asks(install, as_alice):
    assert as_alice.post(at(install, "answer", "nothing"), {"value": "x"}).status_code == 404


def test_a_flow_that_asks_nothing_goes_straight_on(partner, account, as_alice):
    document = everything()
    document["requirements"] = []
    document["definition"]["actions"] = []
    document["definition"]["entry_action_id"] = None
    plain = newer(offer(partner), document)
    as_alice.post(reverse("install:start", args=[plain.slug]))
    install = Install.objects.get(template_flow=plain)
    assert "Nothing to answer" in text_of(as_alice.get(at(install, "answers")))
    assert "It asks nothing" in text_of(as_alice.get(at(install, "preview")))


def test_what_is_gone_from_the_account_is_said(install, account, as_alice):
    as_alice.get(at(install, "answers"))
    install.refresh_from_db()
    install.answers["groups"] = {"value": ["Gone01"], "how": "Your choice.", "by": "person"}
    install.save()
    assert "is not in your account any more" in text_of(as_alice.get(at(install, "answers")))
