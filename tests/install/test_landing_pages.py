"""The pages of the guided install from the preview on: the yes, following it, and the list of all of them."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.catalog import choices, read_catalog
from accounts.models import KlaviyoAccount, Membership
from flowbuilder.models import Install
from flowbuilder.operations.installs import confirm_install, give_up_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.publisher import publish
from tests import make
from tests.conftest import client_of
from tests.install.make import cart, confirm, newer, publish_now
from tests.install.test_pages import HTMX, at, text_of
from tests.publisher.test_made import LIST_ASKED

pytestmark = pytest.mark.django_db


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
