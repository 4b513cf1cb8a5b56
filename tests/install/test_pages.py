"""Every door of the install: who may pass, what a form with mistakes gets, and the way through without script."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.catalog import choices, read_catalog
from accounts.models import KlaviyoAccount, Membership
from flowbuilder.models import Install
from flowbuilder.operations.installs import confirm_install, give_up_install, start_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.publisher import publish
from tests import make
from tests.conftest import client_of
from tests.install.make import cart, confirm, everything, newer, offer, publish_now
from tests.publisher.test_made import LIST_ASKED

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


# --- Preview


@pytest.fixture
def answered(install, account, as_alice) -> Install:
    """Every question answered, as a merchant would."""
    as_alice.get(at(install, "answers"))
    as_alice.post(at(install, "answer", "subject"), {"value": "Come back, {{ first_name }}"})
    template_id = choices(account, "template").get(name="Welcome").klaviyo_id
    as_alice.post(at(install, "answer", "body"), {"value": template_id})
    install.refresh_from_db()
    return install


def test_preview_waits_for_the_answers(install, as_alice):
    assert as_alice.get(at(install, "preview")).url == at(install, "answers")
    assert confirm(as_alice, install).status_code == 422


def test_preview_shows_exactly_what_will_land(answered, as_alice):
    page = text_of(as_alice.get(at(answered, "preview")))
    assert "Install in Harbour &amp; Pine" in page
    assert "Come back, {{ first_name }}" in page
    assert "Harbour &amp; Pine &lt;hello@harbourpine.example&gt;" in page
    assert "The email template “Hello”" in page
    assert "From your email template “Welcome”" in page
    assert "Hi &lt;b&gt;you&lt;/b&gt;" in page
    assert "1 segment" in page
    assert "Wait 4 hours" in page
    assert "&quot;id&quot;: &quot;UpixsZ&quot;" in page
    assert "$ask" not in page
    assert "2 other flows start here too" in page
    assert "“Checkout reminder” (live)" in page
    assert 'sandbox=""' in page
    assert '<svg class="canvas"' in page


@pytest.mark.parametrize("status", [400, 403, 404])
def test_preview_stands_when_klaviyo_will_not_say_what_else_starts_there(answered, klaviyo, as_alice, status):
    klaviyo.fault("status", "GET", "/api/metrics/UpixsZ/flow-triggers", status=status)
    page = as_alice.get(at(answered, "preview"))
    assert page.status_code == 200
    assert "We could not ask whether other flows start" in text_of(page)


def test_an_email_stands_in_a_frame_that_can_do_nothing(answered, as_alice):
    response = as_alice.get(at(answered, "content", "mail-1"))
    assert text_of(response) == "<h1>Hello <script>x</script></h1>"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_an_email_from_a_template_of_the_account_is_read_there(answered, klaviyo, as_alice):
    assert "<h1>Welcome</h1>" in text_of(as_alice.get(at(answered, "content", "mail-2")))
    klaviyo.fault("status", "GET", "/api/templates/*", status=503)
    assert "There is no preview" in text_of(as_alice.get(at(answered, "content", "mail-2")))


@pytest.mark.parametrize("key", ["nothing", "text-1", "wait", "a/b"])
def test_there_is_no_content_of_what_is_no_email(answered, as_alice, key):
    assert as_alice.get(at(answered, "content", key)).status_code == 404


def test_answers_that_make_it_wrong_are_named_at_the_confirmation(answered, as_alice):
    as_alice.post(at(answered, "answer", "subject"), {"value": "x" * 300})
    response = confirm(as_alice, answered)
    assert response.status_code == 422
    assert "It was not installed" in text_of(response)
    assert "<b>Mail mail-1</b>" in text_of(response)


def test_what_was_not_read_is_not_installed(answered, workspace, as_alice):
    """In another tab, or by a colleague, it got another account meanwhile: it is shown again as it is now."""
    shown = as_alice.get(at(answered, "preview"))
    read = re.search(r'name="hash" value="([^"]+)"', text_of(shown))[1]
    before = answered.account
    other = make.account(workspace, klaviyo_id="OtHer1")
    KlaviyoAccount.objects.filter(pk=other.pk).update(name="Other shop")
    Install.objects.filter(pk=answered.pk).update(account=other)
    response = as_alice.post(at(answered, "confirm"), {"hash": read})
    assert response.status_code == 422
    assert "It was changed while you read." in text_of(response)
    assert "Install in Other shop" in text_of(response)
    assert read not in text_of(response)
    assert as_alice.post(at(answered, "confirm")).status_code == 422, "without what was read"
    assert not answered.publications.exists()
    Install.objects.filter(pk=answered.pk).update(account=before)
    assert as_alice.post(at(answered, "confirm"), {"hash": read}).status_code == 302, "as it was read"
    assert answered.publications.get().account == before


# --- Following it


def test_the_whole_way_to_the_flow(answered, klaviyo, as_alice):
    assert confirm(as_alice, answered).url == at(answered, "progress")
    assert confirm(as_alice, answered).url == at(answered, "progress"), "pressed twice"
    publication = answered.publications.get()
    waiting = text_of(as_alice.get(at(answered, "progress")))
    assert 'hx-trigger="every 1s"' in waiting
    assert "Email “Hello” made" in waiting
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "published", publication.reason
    fragment = text_of(as_alice.get(at(answered, "progress"), headers=HTMX))
    assert "<html" not in fragment
    assert "hx-trigger" not in fragment, "it stops by itself"
    assert fragment.split('id="golive"')[0].count('data-state="done"') == 4 + 4
    assert publication.klaviyo_flow_id in fragment
    assert publication.flow_url in fragment
    page = text_of(as_alice.get(at(answered, "progress")))
    assert page.count("Before it goes live") == 1
    assert "What someone will get" in page.split('id="progress"')[1]


def test_a_refusal_names_the_step_and_leads_back(answered, klaviyo, as_alice, account):
    body = choices(account, "template").get(name="Welcome").klaviyo_id
    klaviyo.remove("template", body)
    confirm(as_alice, answered)
    publication = answered.publications.get()
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "refused", publication.reason
    page = text_of(as_alice.get(at(answered, "progress")))
    assert "Klaviyo refused it" in page
    assert "<b>Mail mail-2</b>" in page
    assert as_alice.post(at(answered, "reopen")).url == at(answered, "answers")
    assert "is not in your account any more" in text_of(as_alice.get(at(answered, "answers"), {"again": "1"}))
    other = choices(account, "template").get(name="Thank you").klaviyo_id
    as_alice.post(at(answered, "answer", "body"), {"value": other})
    confirm(as_alice, answered)
    again = answered.publications.latest("pk")
    assert again != publication
    publish.run(again.pk)
    again.refresh_from_db()
    assert again.state == "published", again.reason
    assert answered.publications.count() == 2


def test_a_lost_answer_says_that_we_look_first(account, alice, as_alice, klaviyo):
    install = cart(account, alice)
    klaviyo.fault("after_reset", "POST", "/api/flows")
    publication = publish_now(install, alice)
    assert publication.state == "unknown"
    page = text_of(as_alice.get(at(install, "progress")))
    assert "we look whether the flow is there before anything is sent again" in page
    assert 'hx-trigger="every 5s"' in page
    assert 'data-state="waiting"' in page
    refused = as_alice.post(at(install, "cancel"))
    assert refused.status_code == 422
    assert as_alice.post(at(install, "reopen")).status_code == 422


def test_waiting_says_until_when(account, alice, as_alice, klaviyo):
    install = cart(account, alice)
    klaviyo.fault("status", "GET", "/api/accounts", status=429, retry_after="90")
    publication = publish_now(install, alice)
    assert publication.state == "waiting"
    assert publication.not_before > right_now()
    page = text_of(as_alice.get(at(install, "progress")))
    assert "We go on at" in page
    assert publication.not_before.strftime("%H:%M:%S UTC") in page


def test_a_wait_can_be_cancelled_and_begun_again(account, alice, as_alice):
    install = cart(account, alice)
    confirm_install(install=install, by=alice)
    cancelled = as_alice.post(at(install, "cancel"))
    assert cancelled.url == at(install, "open")
    assert "Your answers are kept" in str(next(iter(get_messages(cancelled.wsgi_request))))
    assert as_alice.get(at(install, "open")).url == at(install, "preview")
    polled = as_alice.get(at(install, "progress"), headers=HTMX)
    assert polled.headers["HX-Redirect"] == at(install, "open"), "a page that still asks leaves by itself"
    confirm(as_alice, install)
    assert install.publications.count() == 2


def test_what_landed_is_not_sent_again_after_a_cancellation(account, alice, as_alice):
    install = cart(account, alice)
    publication = confirm_install(install=install, by=alice)
    make.bring(publication, "cancelled", klaviyo_flow_id="AbC123")
    Install.objects.update(state="choosing")
    refused = confirm(as_alice, install)
    assert refused.status_code == 422
    assert "in the account already" in text_of(refused)


def test_a_broken_connection_is_mended_and_tried_again(account, alice, as_alice, klaviyo):
    install = cart(account, alice)
    KlaviyoAccount.objects.filter(pk=account.pk).update(state="disconnected", state_reason="It was removed.")
    install.account.state = "connected"
    confirmed = confirm(as_alice, install)
    assert confirmed.url == at(install, "connect"), "an account that is away must be connected first"
    KlaviyoAccount.objects.update(state="connected")
    publication = confirm_install(install=install, by=alice)
    KlaviyoAccount.objects.update(state="disconnected")
    publish.run(publication.pk)
    page = text_of(as_alice.get(at(install, "progress")))
    assert "It did not go through" in page
    assert f'action="{reverse("accounts:reconnect", args=[account.pk])}"' in page
    KlaviyoAccount.objects.update(state="connected")
    fragment = as_alice.post(at(install, "retry"), headers=HTMX)
    assert 'hx-trigger="every 1s"' in text_of(fragment)
    publish.run(publication.pk)
    publication.refresh_from_db()
    assert publication.state == "published"
    assert install.publications.count() == 1


def test_only_what_failed_is_tried_again(account, alice, as_alice):
    install = cart(account, alice)
    assert as_alice.post(at(install, "retry")).url == at(install, "open")
    publish_now(install, alice)
    assert as_alice.post(at(install, "retry")).status_code == 422
    assert as_alice.post(at(install, "cancel")).status_code == 422
    assert as_alice.post(at(install, "reopen")).url == at(install, "answers")
    install.refresh_from_db()
    assert install.state == "live", "what is there stays there"


def test_what_may_have_landed_is_not_reopened(account, alice, as_alice, klaviyo):
    install = cart(account, alice)
    klaviyo.fault("after_reset", "POST", "/api/flows")
    publication = publish_now(install, alice)
    make.bring(publication, "failed")
    refused = as_alice.post(at(install, "reopen"))
    assert refused.status_code == 422
    assert "may be in your account" in text_of(refused)
    publication.klaviyo_flow_id = "AbC123"
    publication.save()
    assert "in your account already" in text_of(as_alice.post(at(install, "reopen")))


# --- The list


def test_the_list_shows_the_installs_of_my_workspaces(account, alice, as_alice, template, bob, charlie):
    empty = text_of(as_alice.get(reverse("install:list")))
    assert "Nothing installed yet" in empty
    install = cart(account, alice)
    publication = publish_now(install, alice)
    newer(install.template_flow, install.version.document)
    page = text_of(as_alice.get(reverse("install:list")))
    assert at(install, "open") in page
    assert publication.klaviyo_flow_id in page
    assert "Version 2 is out" in page
    assert "Installed" in page
    assert at(install, "open") not in text_of(client_of(bob).get(reverse("install:list"))), "no role, no link"
    assert "Nothing installed yet" in text_of(client_of(charlie).get(reverse("install:list")))


def test_the_list_says_how_each_one_stands(account, alice, as_alice):
    install = cart(account, alice)
    publication = confirm_install(install=install, by=alice)
    for state, words in (("asked", "Being published"), ("unknown", "Waiting"), ("refused", "Refused")):
        make.bring(publication, state)
        assert words in text_of(as_alice.get(reverse("install:list")))


def test_the_list_asks_as_often_for_ten_as_for_one(
    account, alice, as_alice, template, workspace, django_assert_num_queries, django_assert_max_num_queries
):
    def more(number: int) -> None:
        for _ in range(number):
            Install.objects.create(
                template_flow=template, version=template.current_version, workspace=workspace, account=account
            )

    more(1)
    as_alice.get(reverse("install:list"))
    with django_assert_max_num_queries(8) as one:
        as_alice.get(reverse("install:list"))
    more(9)
    with django_assert_num_queries(len(one.captured_queries)):
        as_alice.get(reverse("install:list"))


def test_a_merchant_may_install(account, template, charlie, workspace):
    Membership.objects.create(user=charlie, workspace=workspace, role="merchant")
    read_catalog(account)
    client = client_of(charlie)
    response = client.post(reverse("install:start", args=[template.slug]))
    assert client.get(response.url).status_code == 302


def test_an_install_can_be_given_up_only_while_it_is_set_up(account, alice, as_alice):
    install = cart(account, alice)
    give_up_install(install=install)
    assert as_alice.post(at(install, "cancel")).url == at(install, "open")


def test_a_new_list_can_be_made_instead_of_choosing_one(workspace, account, alice, as_alice):
    flow = flow_from_document(workspace=workspace, by=alice, document=LIST_ASKED)
    install = make.install(offer_in_library(version=publish_version(flow=flow, by=alice)), account, alice)
    url = reverse("install:answer", args=[install.pk, "newsletter"])
    page = as_alice.post(url, {"value": "+new", "new_name": " "})
    assert page.status_code == 422
    assert "Give the new list a name." in page.content.decode()
    as_alice.post(url, {"value": "+new", "new_name": "Spring <b>"})
    install.refresh_from_db()
    assert install.answers["newsletter"]["value"] == {"$make": "list", "name": "Spring <b>"}
    shown = as_alice.get(reverse("install:answers", args=[install.pk])).content.decode()
    assert "A new list, “Spring &lt;b&gt;”" in shown
    preview = as_alice.get(reverse("install:preview", args=[install.pk]))
    assert preview.status_code == 200
    assert "New list “Spring &lt;b&gt;”" in preview.content.decode()
