"""What goes with an install besides its questions: when messages are sent, what is left before it goes live."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.connection import client_for
from accounts.klaviyo.scopes import SCOPES
from accounts.models import CatalogEntry
from flowbuilder.access import PREVIEW, QUESTION, shared_link
from flowbuilder.install.golive import golive_of
from flowbuilder.install.previewing import collisions_of, preview_of
from flowbuilder.models import Install
from flowbuilder.operations.installs import answer_question, confirm_install, find_answers, landing_of
from flowbuilder.operations.journeys import hash_of
from flowbuilder.operations.returning import origin_of, origins_of, set_addresses
from flowbuilder.publisher import publish
from tests.conftest import client_of
from tests.install.make import cart, publish_now

pytestmark = pytest.mark.django_db


def at(install: Install, name: str, *more: str) -> str:
    return reverse(f"install:{name}", args=[install.pk, *more])


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


# --- Connecting


def test_scopes_that_an_account_did_not_allow_are_named_with_what_they_are_for(install, account, as_alice):
    assert "did not allow everything" not in text_of(as_alice.get(at(install, "connect"))), (
        "a key does not say"
    )
    account.scopes = sorted(SCOPES)
    account.save()
    assert "did not allow everything" not in text_of(as_alice.get(at(install, "connect")))
    account.scopes = sorted(SCOPES.keys() - {"lists:write"})
    account.save()
    banner = (
        text_of(as_alice.get(at(install, "connect"))).split("did not allow everything")[1].split("</dl>")[0]
    )
    assert "lists:write" in banner
    assert SCOPES["lists:write"] in banner
    assert "flows:write" not in banner


# --- The preview


def test_messages_stand_in_the_order_they_are_sent_each_with_its_day_and_hour(account, alice, as_alice):
    install = cart(account, alice)
    page = text_of(as_alice.get(at(install, "preview")))
    found = preview_of(install).messages
    places = [
        page.index(f'<article class="card {"mail" if one.is_email else "pad text"}" aria-label="{one.title}"')
        for one in found
    ]
    assert len(found) >= 2
    assert places == sorted(places)
    assert all(one.when.startswith("Day ") and one.when in page for one in found)
    assert [int(one.when.split(",")[0][4:]) for one in found] == sorted(
        int(one.when.split(",")[0][4:]) for one in found
    )


# --- Before it goes live


def line(install: Install, key: str) -> Any:
    found = golive_of(Install.objects.get(pk=install.pk))
    assert found is not None
    return next(one for one in found.lines if one.key == key)


def test_the_lines_of_the_list_check_themselves(account, alice, as_alice):
    install = cart(account, alice)
    assert golive_of(install) is None, "nothing has landed"
    publish_now(install, alice)
    page = text_of(as_alice.get(at(install, "progress")))
    assert "Before it goes live" in page
    assert "hello@harbourpine.example" in page
    assert (line(install, "sender").state, line(install, "emails").state) == ("done", "todo")
    assert line(install, "status").state == "todo", "it lands as a draft"

    metric = CatalogEntry.objects.filter(account=account, klaviyo_id="UpixsZ")
    today = timezone.now().date()
    for last_on, state in ((today, "done"), (today - timedelta(days=60), "todo")):
        metric.update(last_on=last_on, count=5, counted_at=timezone.now())
        assert line(install, "trigger").state == state
    metric.update(last_on=None, count=None, counted_at=timezone.now())
    assert line(install, "trigger").state == "waiting", "not known is not the same as not seen"


def test_another_live_flow_on_the_trigger_is_named(account, alice, klaviyo):
    install = cart(account, alice)
    publish_now(install, alice)
    as_it_was = line(install, "others")
    assert as_it_was.state == "todo"
    assert as_it_was.detail.startswith("“Checkout reminder”: "), "its own flow is no other one"
    client = client_for(account)
    other = next(one for one in client.flow_triggers("UpixsZ") if one.name == "Checkout reminder")
    body = {"data": {"type": "flow", "id": other.id, "attributes": {"status": "draft"}}}
    client.call("PATCH", f"/api/flows/{other.id}", json=body)
    assert line(install, "others").state == "done", "a draft sends nothing"
    klaviyo.fault("status", "GET", "/api/metrics/*", status=503, times=9)
    assert line(install, "others").state == "waiting"


def test_a_tick_is_kept_and_can_be_taken_back(account, alice, as_alice):
    install = cart(account, alice)
    publish_now(install, alice)
    assert as_alice.post(at(install, "reviewed"), {"reviewed": "yes"}).status_code == 302
    assert line(install, "emails").state == "done"
    assert "Ticked by " in text_of(as_alice.get(at(install, "progress")))
    as_alice.post(at(install, "reviewed"), {"reviewed": ""})
    assert line(install, "emails").state == "todo"


def test_the_status_is_changed_from_the_list(account, alice, as_alice):
    install = cart(account, alice)
    publish_now(install, alice)
    as_alice.post(reverse("history:act", args=[install.pk, "status"]), {"status": "live"})
    assert "A change is under way" in text_of(as_alice.get(at(install, "progress")))
    publish.run(install.publications.latest("pk").pk)
    assert line(install, "status").state == "done"
    assert "Set it to draft" in text_of(as_alice.get(at(install, "progress")))


# --- Links for those without an account


def handed(install: Install, key: str = "started-checkout") -> str:
    install.refresh_from_db()
    return reverse("install:handed", args=[shared_link(install, QUESTION, key)])


def shared(install: Install) -> str:
    install.refresh_from_db()
    return reverse("install:shared", args=[shared_link(install, PREVIEW)])


def tampered(address: str) -> list[str]:
    """Each part of the link changed, and what is signed for something else."""
    parts = address.rstrip("/").split("/")[-1].split(":")
    changed = [
        [*parts[:n], ("A" if one[0] != "A" else "B") + one[1:], *parts[n + 1 :]]
        for n, one in enumerate(parts)
    ]
    head = address[: address.index(parts[0])]
    return [f"{head}{':'.join(one)}/" for one in changed] + [f"{head}x/", f"{head}{parts[0]}/"]


def begun(account, alice) -> Install:
    """All is answered but who sends."""
    install = cart(account, alice)
    install.answers = {key: one for key, one in install.answers.items() if key != "sender"}
    install.save()
    return install


def test_a_colleague_answers_one_question_without_an_account(account, alice, client, as_alice):
    install = begun(account, alice)
    address = handed(install, "sender")
    assert address in text_of(as_alice.get(at(install, "links")))
    page = client.get(address)
    text = text_of(page)
    assert page.status_code == 200
    assert "Who" in text or "sender" in text.lower()
    assert account.name not in text, "nothing of the account but the question"
    assert install.template_flow.name not in text
    assert page["Referrer-Policy"] == "no-referrer"

    post = f"{address}answer/"
    assert client.post(post, {"label": "Kim", "email": "no"}).status_code == 422
    done = client.post(post, {"label": "Shop", "email": "kim@harbour.example", "name": "Kim <b>"})
    assert "Thank you" in text_of(done)
    install.refresh_from_db()
    assert install.answers["sender"]["value"]["email"] == "kim@harbour.example"
    assert install.answers["sender"]["by"] == "Kim <b> (by link)"
    assert b"Kim &lt;b&gt; (by link)" in as_alice.get(at(install, "answers")).content

    again = client.post(post, {"label": "X", "email": "x@harbour.example", "name": "Lou"})
    assert (again.status_code, client.get(address).status_code) == (410, 410)
    assert "answered already, by Kim <b> (by link)" in text_of(again)
    install.refresh_from_db()
    assert install.answers["sender"]["value"]["email"] == "kim@harbour.example", "the first answer counts"


def test_what_a_colleague_said_stays_when_answers_are_found_anew(account, alice, client):
    install = begun(account, alice)
    client.post(
        f"{handed(install, 'sender')}answer/", {"label": "S", "email": "kim@harbour.example", "name": "Kim"}
    )
    find_answers(install=install)
    assert install.answers["sender"]["by"] == "Kim (by link)"


@pytest.mark.parametrize("make_link", [handed, shared])
def test_a_tampered_link_shows_nothing(account, alice, client, make_link):
    install = cart(account, alice)
    address = make_link(install)
    names = (install.template_flow.name, account.name, install.workspace.name, install.version.name)
    for one in tampered(address):
        for answer in (
            client.get(one),
            client.post(f"{one}{'answer' if make_link is handed else 'approve'}/"),
        ):
            assert answer.status_code == 404, one
            assert "was changed" in text_of(answer)
            assert not any(name in text_of(answer) for name in names)
    assert (
        client.get(reverse("install:shared", args=[shared_link(install, QUESTION, "sender")])).status_code
        == 404
    )
    assert client.get(reverse("install:handed", args=[shared_link(install, PREVIEW)])).status_code == 404


@pytest.mark.parametrize("make_link", [handed, shared])
def test_a_link_that_is_old_or_ended_or_too_late_says_so(
    account, alice, client, as_alice, make_link, monkeypatch
):
    install = cart(account, alice)
    install.answers["started-checkout"]["by"] = "found"
    install.save()
    address = make_link(install)
    assert client.get(address).status_code == 200
    with monkeypatch.context() as later:
        now = time.time()
        later.setattr("django.core.signing.time.time", lambda: now + 15 * 24 * 3600)
        assert "older than 14 days" in text_of(client.get(address))
    as_alice.post(at(install, "end_links"))
    ended = client.get(address)
    assert ended.status_code == 410
    assert "was ended" in text_of(ended)
    fresh = make_link(install)
    assert client.get(fresh).status_code == 200
    confirm_install(install=install, by=alice)
    assert "finished meanwhile" in text_of(client.get(fresh))


def test_a_reviewers_yes_is_for_what_they_read_and_lapses_with_a_change(account, alice, client, as_alice):
    install = cart(account, alice)
    address = shared(install)
    text = text_of(client.get(address))
    assert "Approve it" in text
    assert all(one.title in text for one in preview_of(install).messages)
    assert client.post(f"{address}approve/", {"hash": hash_of(install), "name": ""}).status_code == 422
    assert client.post(f"{address}approve/", {"hash": "0" * 64, "name": "Rae"}).status_code == 422
    install.refresh_from_db()
    assert install.approval == {}

    assert client.post(f"{address}approve/", {"hash": hash_of(install), "name": "Rae"}).status_code == 302
    assert "Rae read exactly this" in text_of(as_alice.get(at(install, "preview")))
    install.refresh_from_db()
    before = hash_of(install)
    sender = {"email": "other@harbourpine.example", "label": "Harbour"}
    answer_question(install=install, key="sender", value=sender)
    assert hash_of(install) != before
    assert "the approval has lapsed" in text_of(as_alice.get(at(install, "preview")))
    assert client.get(f"{address}content/mail-1/").status_code == 200


# --- From a partner's own site


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example/done?a=1", "https://shop.example"),
        ("https://Shop.Example:443/", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://shop.example/", ""),
        ("//shop.example/", ""),
        ("javascript:alert(1)", ""),
        ("https://shop.example@evil.example/", ""),
        ("https://shop.example\\@evil.example/", ""),
        ("https://evil.example\t/", ""),
        ("https:///shop.example", ""),
        ("https://shop.example:x/", ""),
        ("https://sh%6fp.example/", ""),
    ],
)
def test_an_origin_is_what_a_browser_would_go_to(address, origin):
    assert origin_of(address) == origin


def test_only_an_owner_sets_the_list_and_only_of_sites(workspace, as_alice, bob):
    url = reverse("install:set_addresses", args=[workspace.slug])
    assert client_of(bob).post(url, {"addresses": "https://x.example"}).status_code == 403
    bad = as_alice.post(url, {"addresses": "https://ok.example\nhttp://no.example"})
    assert bad.status_code == 422
    assert "http://no.example" in text_of(bad)
    assert origins_of(workspace) == []
    as_alice.post(url, {"addresses": "https://shop.example\nhttps://shop.example/"})
    assert origins_of(workspace) == ["https://shop.example"]


def test_an_install_that_began_on_a_partners_site_leads_back_there(template, account, alice, as_alice):
    set_addresses(workspace=template.workspace, addresses=["https://shop.example"])
    url = reverse("arrive", args=[template.slug])
    way = "https://shop.example/done?x=1"
    arrived = as_alice.get(url, {"return_to": way})
    assert arrived.url == reverse("library:page", args=[template.slug])
    as_alice.post(reverse("install:start", args=[template.slug]))
    install = Install.objects.get()
    assert install.return_to == way
    done = cart(account, alice)
    done.return_to = way
    done.save()
    publish_now(done, alice)
    set_addresses(workspace=done.template_flow.workspace, addresses=[])
    assert "shop.example" not in text_of(as_alice.get(at(done, "progress"))), "the list is asked again"
    set_addresses(workspace=done.template_flow.workspace, addresses=["https://shop.example"])
    assert f'href="{way}"' in text_of(as_alice.get(at(done, "progress")))


def test_an_address_that_is_not_on_the_list_is_a_sentence_and_a_way_on(template, account, as_alice):
    set_addresses(workspace=template.workspace, addresses=["https://shop.example"])
    for address in ("https://evil.example/", "https://shop.example.evil.example/", "javascript:alert(1)"):
        answer = as_alice.get(reverse("arrive", args=[template.slug]), {"return_to": address})
        assert answer.status_code == 400
        assert "You can go on all the same" in text_of(answer)
        assert f'href="{address}' not in text_of(answer)
    as_alice.post(reverse("install:start", args=[template.slug]))
    assert Install.objects.get().return_to == ""


# --- Other flows on the same trigger


def test_people_of_another_flow_are_left_out_with_one_press_and_let_in_with_another(account, alice, as_alice):
    install = cart(account, alice)
    plain = landing_of(install).body
    other = collisions_of(install, preview_of(install)).flows[0]
    refused = as_alice.post(at(install, "leave_out"), {"flow": "XXXXXX"})
    assert refused.status_code == 422
    assert "does not start here any more" in text_of(refused)

    as_alice.post(at(install, "leave_out"), {"flow": other.id})
    page = text_of(as_alice.get(at(install, "preview")))
    assert f"Whoever got an email of “{other.name}” in the last 30 days." in page
    assert "has not received an email" in page, "the rule in words"
    install.refresh_from_db()
    as_alice.post(at(install, "shape"), {})
    install.refresh_from_db()
    assert install.shape["excluded"]["flows"] == {other.id: other.name}, (
        "the boxes of the shape leave it alone"
    )
    groups = landing_of(install).body["data"]["attributes"]["definition"]["profile_filter"][
        "condition_groups"
    ]
    assert groups[-1]["conditions"][0]["metric_filters"][0]["filter"]["value"] == other.id

    as_alice.post(at(install, "leave_out"), {"flow": other.id, "back": "yes"})
    install.refresh_from_db()
    assert landing_of(install).body == plain


def test_who_is_left_out_stands_in_the_flow_that_lands(account, alice, as_alice):
    install = cart(account, alice)
    other = collisions_of(install, preview_of(install)).flows[0]
    as_alice.post(at(install, "leave_out"), {"flow": other.id})
    install.refresh_from_db()
    publication = publish_now(install, alice)
    assert publication.state == "published", publication.reason
    sent = publication.attempts.get(step="create-flow").request
    assert f'"value": "{other.id}"' in json.dumps(sent["data"]["attributes"]["definition"]["profile_filter"])
