"""The library of emails: written once, used by any flow, never lost, shown in a cage, tested by Klaviyo."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.urls import reverse
from openapi_client.models.template_preview_send_job_create_query import TemplatePreviewSendJobCreateQuery

from accounts.connection import client_for
from flowbuilder import tasks
from flowbuilder.emails.judging import judge
from flowbuilder.emails.showing import STAYS
from flowbuilder.models import Email
from flowbuilder.operations import designs, editing
from flowbuilder.operations.emails import (
    LIMIT,
    UnableToSave,
    WrittenMeanwhile,
    copy_email,
    delete_email,
    keep_contents,
    start_email,
    write_email,
)
from flowbuilder.operations.library import publish_version
from flowbuilder.operations.trial_sends import UnableToSend, read_recipients, send_test
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def email(workspace, alice) -> Email:
    return start_email(workspace=workspace, by=alice, name="Welcome")


def save(email: Email, by, revision: int, html: str = "<p>x</p>") -> Email:
    return write_email(email=email, by=by, name=email.name, html=html, text="", revision=revision)


def test_keys_are_their_own(workspace, email):
    assert email.key == "welcome"
    assert start_email(workspace=workspace, by=None, name="Welcome").key == "welcome-2"
    assert start_email(workspace=workspace, by=None, name="¿").key == "email"


def test_what_comes_along_is_kept_once(workspace, alice, django_assert_max_num_queries):
    contents = {f"m{n}": {"name": f"Mail {n % 2}", "html": f"<p>{n % 2}</p>", "text": ""} for n in range(6)}
    with django_assert_max_num_queries(6):
        kept = keep_contents(workspace=workspace, by=alice, contents=contents)
    assert list(kept) == list(contents)
    assert set(kept.values()) == {"mail-0", "mail-1"}
    assert keep_contents(workspace=workspace, by=alice, contents=contents) == kept
    assert Email.objects.filter(workspace=workspace).count() == 2


def test_the_later_one_loses_nothing(as_alice, email, alice, bob):
    save(email, bob, 0, "<p>Bob's</p>")
    with pytest.raises(WrittenMeanwhile, match=str(bob)):
        save(email, alice, 0, "<p>Alice's</p>")
    url = reverse("emails:email", args=[email.pk])
    values = {"name": "Welcome", "html": "<p>Alice's</p>", "text": "", "revision": "0"}
    answer = as_alice.post(url, values)
    page = answer.content.decode()
    assert answer.status_code == 409
    for words in ("&lt;p&gt;Alice&#x27;s&lt;/p&gt;</ins>", "&lt;p&gt;Bob&#x27;s&lt;/p&gt;</del>", str(bob)):
        assert words in page
    assert 'name="revision" value="0"' in page, "saving once more by accident replaces nothing"
    assert as_alice.post(url, values).status_code == 409
    assert as_alice.post(url, {**values, "name": ""}).context["said"].revision == "0"
    assert as_alice.post(url, {**values, "over": "1"}).status_code == 302
    email.refresh_from_db()
    assert (email.html, email.revision, email.changed_by) == ("<p>Alice's</p>", 2, alice)


@pytest.mark.parametrize(
    ("name", "html", "why"),
    [("  ", "x", "needs a name"), ("A", "x" * (LIMIT + 1), "at most"), ("A", "a\0b", "NUL")],
)
def test_what_cannot_be_kept_is_said(email, alice, name, html, why):
    with pytest.raises(UnableToSave, match=why):
        write_email(email=email, by=alice, name=name, html=html, text="", revision=0)


def test_saving_without_leaving(as_alice, email):
    """To htmx only what is said, with the revision that the next saving is based on."""
    url, htmx = reverse("emails:email", args=[email.pk]), {"HX-Request": "true"}
    values = {"name": "Hello", "html": "<p>1</p>\r\n", "text": "", "revision": "0"}
    answer = as_alice.post(url, values, headers=htmx).content.decode()
    assert 'name="revision" value="1"' in answer
    assert 'id="mail-title" hx-swap-oob="true">Hello<' in answer
    again = as_alice.post(url, values, headers=htmx)
    assert again.status_code == 409
    assert "<!doctype" not in again.content.decode()
    email.refresh_from_db()
    assert (email.html, email.revision) == ("<p>1</p>\n", 1)


def test_a_teammate_without_the_role_reads(email, workspace, client):
    reviewer = make.user("rita@example.org", "Rita")
    workspace.memberships.create(user=reviewer, role="reviewer")
    client.force_login(reviewer)
    page = client.get(reverse("emails:email", args=[email.pk]))
    assert page.status_code == 200
    assert "Only to read" in page.content.decode()
    assert "Send the test email" not in page.content.decode()
    assert 'id="new"' not in client.get(reverse("emails:list", args=[workspace.slug])).content.decode()
    for name in ("preview", "check"):
        assert client.post(reverse(f"emails:{name}", args=[email.pk]), {"html": "x"}).status_code == 200
    assert client.get(reverse("emails:frame", args=[email.pk])).status_code == 200
    for name in ("email", "copy", "delete", "test"):
        assert client.post(reverse(f"emails:{name}", args=[email.pk])).status_code == 403
    assert client.post(reverse("emails:new", args=[workspace.slug])).status_code == 403


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_stays_here(as_alice, email, back):
    url = reverse("emails:email", args=[email.pk])
    assert "evil" not in as_alice.get(url, {"back": back}).content.decode()
    answer = as_alice.post(url, {"name": "A", "html": "x", "text": "", "revision": "0", "back": back})
    assert answer["Location"] == url


def test_the_way_back_is_kept(as_alice, email):
    url, back = reverse("emails:email", args=[email.pk]), "/flows/7/?step=a&view=outline"
    answer = as_alice.post(url, {"name": "A", "html": "x", "text": "", "revision": "0", "back": back})
    assert as_alice.get(answer["Location"]).context["back"] == back


@pytest.mark.parametrize("kind", ["designed", "html", "text", "", "no-such"])
def test_every_start_is_a_whole_email(as_alice, workspace, kind):
    as_alice.post(reverse("emails:new", args=[workspace.slug]), {"name": "A\0B", "kind": kind})
    made = Email.objects.get(workspace=workspace)
    assert made.name == "AB"
    assert judge(made.html, made.text).remarks == ()
    assert bool(made.html) == (kind != "text")


def test_the_list(as_alice, workspace, email, django_assert_max_num_queries):
    flow = make.flow(workspace)
    for number in range(5):
        start_email(workspace=workspace, by=None, name=f"Other {number}")
    url = reverse("emails:list", args=[workspace.slug])
    with django_assert_max_num_queries(12):
        page = as_alice.get(url).content.decode()
    assert f'<a href="{reverse("editor:editor", args=[flow.pk])}">{flow.name}</a>' in page
    found = as_alice.get(url, {"q": "other 3"}).context["rows"]
    assert [one.name for one, _ in found] == ["Other 3"]
    assert as_alice.get(url, {"q": "\0<b>"}).status_code == 200


def test_a_bad_post_is_answered_in_place(as_alice, email):
    url = reverse("emails:email", args=[email.pk])
    for revision in ("", "soon", "9" * 30):
        answer = as_alice.post(url, {"name": "A", "html": "<b>kept</b>", "revision": revision})
        assert answer.status_code == 422
        assert "&lt;b&gt;kept" in answer.content.decode(), "what was written stays in the field"


def test_an_email_in_use_stays(workspace, email, alice):
    flow = designs.create_flow(workspace=workspace, by=alice, name="Hello")
    key = designs.insert_step(flow=flow, action_type="send-email", source="trigger", port="next").key
    posted = {"content.mode": ["write"], "content.email": [email.key]}
    editing.apply_form(flow=flow, key=key, posted=posted, by=alice)
    with pytest.raises(UnableToSave, match="“Hello” uses this email"):
        delete_email(email=email)
    designs.delete_step(flow=flow, key=key)
    delete_email(email=email)
    assert not Email.objects.filter(workspace=workspace).exists()


def test_a_change_of_mind_leaves_no_emails(workspace, alice):
    """Written here, cloned, written here: the same one again, unless another step has it."""
    flow = designs.create_flow(workspace=workspace, by=alice, name="Hello")
    keys = [
        designs.insert_step(flow=flow, action_type="send-email", source="trigger", port="next").key
        for _ in range(2)
    ]

    def choose(key: str, **posted: str) -> None:
        values = {f"content.{name}": [value] for name, value in posted.items()}
        editing.apply_form(flow=flow, key=key, posted=values, by=alice)

    for _ in range(3):
        choose(keys[0], mode="clone", template="")
        choose(keys[0], mode="write")
    assert Email.objects.filter(workspace=workspace).count() == 1
    choose(keys[1], mode="write")
    assert Email.objects.filter(workspace=workspace).count() == 2
    choose(keys[1], mode="write", email="new")
    assert Email.objects.filter(workspace=workspace).count() == 3


def test_a_version_keeps_its_words(workspace, alice):
    flow = make.flow(workspace)
    version = publish_version(flow=flow, by=alice)
    email = workspace.emails.first()
    before = version.document["contents"][email.key]["html"]
    save(email, alice, email.revision, "<p>New words</p>")
    version.refresh_from_db()
    assert version.document["contents"][email.key]["html"] == before
    assert publish_version(flow=flow, by=alice).document["contents"][email.key]["html"] == "<p>New words</p>"


def test_another_workspace_finds_nothing(client, email, charlie):
    client.force_login(charlie)
    for name in ("email", "frame"):
        assert client.get(reverse(f"emails:{name}", args=[email.pk])).status_code == 404


def test_a_foreign_email_cannot_be_chosen(workspace, alice):
    other = make.workspace("other")
    foreign = start_email(workspace=other, by=None, name="Secret")
    flow = designs.create_flow(workspace=workspace, by=alice, name="Hello")
    key = designs.insert_step(flow=flow, action_type="send-email", source="trigger", port="next").key
    posted = {"content.mode": ["write"], "content.email": [foreign.key]}
    with pytest.raises(designs.UnableToChange, match="not in the library"):
        editing.apply_form(flow=flow, key=key, posted=posted, by=alice)


def test_copies(email, alice):
    made = copy_email(email=email, by=alice)
    assert (made.name, made.html, made.key) == ("Welcome (copy)", email.html, "welcome-copy")


# --- The preview ------------------------------------------------------------------------------------------------


def test_the_frame_is_a_cage(as_alice, email, alice):
    save(email, alice, 0, "<script>alert(1)</script><p>{{ first_name }}</p>")
    answer = as_alice.get(reverse("emails:frame", args=[email.pk]))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_draft_is_shown_with_sample_data(as_alice, email):
    url = reverse("emails:preview", args=[email.pk])
    html = "<p>{{ first_name }} {{ event.color }}</p>"
    own = {"who": "own", "sample": json.dumps({"event": {"color": "<red>"}})}
    shown = as_alice.post(url, {"html": html, **own})
    assert shown.content.decode() == f"<p>Alex &lt;red&gt;</p>{STAYS}"
    assert as_alice.post(url, {"html": html, "tags": "raw"}).content.decode() == html + STAYS
    plain = as_alice.post(url, {"text": "Hi <b> {{ first_name }}", "part": "text"}).content.decode()
    assert "Hi &lt;b&gt; Alex" in plain
    nobody = as_alice.post(url, {"html": "{{ first_name|default:'you' }}", "who": "stranger"})
    assert nobody.content.decode() == f"you{STAYS}"
    broken = as_alice.post(url, {"html": "{% if x %}{{", "who": "own", "sample": "[" * 3000})
    assert broken.status_code == 200
    email.refresh_from_db()
    assert email.revision == 0, "a preview saves nothing"


def test_an_email_is_judged():
    said = " ".join(one.text for one in judge("<p>{% if a %}{{ b }}</p>" + "x" * 110_000, "").remarks)
    assert "unsubscribe" in said
    assert "Gmail" in said
    assert any(one.tone == "bad" and one.line == 1 for one in judge("{% if a %}", "").remarks)
    assert judge("<style>a b c</style><p>one two</p>{% unsubscribe %}", "").words == 2
    assert judge("<p>one</p>{% unsubscribe %}", "").remarks == ()


# --- A test email -----------------------------------------------------------------------------------------------


@pytest.fixture
def bell(monkeypatch) -> list[tuple[tuple, dict]]:
    """What was put off for a worker."""
    rung: list[tuple[tuple, dict]] = []
    monkeypatch.setattr(tasks.remove_template, "apply_async", lambda args, **more: rung.append((args, more)))
    return rung


def calls_of(klaviyo) -> list[tuple[str, str, int]]:
    return [(one["method"], one["path"].split("?")[0], one["status"]) for one in klaviyo.requests()]


def test_a_test_email_is_sent_and_leaves_nothing(email, workspace, klaviyo, bell):
    account = make.account(workspace)
    send_test(email=email, account=account, recipients=["me@example.org"], context={"a": 1})
    assert calls_of(klaviyo) == [
        ("POST", "/api/templates", 201),
        ("POST", "/api/template-preview-send-jobs", 202),
    ]
    [job] = klaviyo.sandbox.store.all("template-preview-send-job", account.klaviyo_id)
    assert job.attributes["html"] == email.html
    assert (job.attributes["recipients"], job.attributes["context"]) == (["me@example.org"], {"a": 1})
    [(args, more)] = bell
    assert more["countdown"] >= 60, "Klaviyo has only put it into its queue: it still needs the template"
    tasks.remove_template(*args)
    assert calls_of(klaviyo)[-1] == ("DELETE", f"/api/templates/{args[1]}", 200)
    tasks.remove_template(*args)  # gone already: nothing to say


def test_what_is_sent_is_what_the_sdk_would_send(email, workspace, klaviyo, bell):
    """The official models read the body, and give the same one back."""
    sent = {}
    client = client_for(make.account(workspace))
    client.call = lambda method, path, json: sent.update(json) or SimpleNamespace(body={"data": {"id": "1"}})
    client.send_template_preview("AbC123", ["a@example.org"], {"person": {"first_name": "Alex"}})
    assert TemplatePreviewSendJobCreateQuery.from_dict(sent).to_dict() == sent


@pytest.mark.parametrize("kind", ["after_reset", "after_status", "truncate"])
def test_a_test_email_is_never_sent_twice(email, workspace, klaviyo, bell, kind):
    account = make.account(workspace)
    klaviyo.fault(kind, "POST", "/api/template-preview-send-jobs")
    with pytest.raises(UnableToSend, match="may have been sent"):
        send_test(email=email, account=account, recipients=["me@example.org"], context={})
    sent = [one for one in klaviyo.requests() if one["path"].startswith("/api/template-preview")]
    assert len(sent) <= 1
    assert len(bell) == 1, "it may be on its way: the template stays for a while"


@pytest.mark.parametrize(
    ("wait", "said"), [("7", "try again in 7 seconds"), ("40000", "try again in 12 hours")]
)
def test_too_many_tests_are_said(email, workspace, klaviyo, bell, wait, said):
    """1 a second, 15 a minute, 100 a day: nothing is sent, nothing is left behind, and the next press is said."""
    klaviyo.fault("status", "POST", "/api/template-preview-send-jobs", status=429, retry_after=wait)
    with pytest.raises(UnableToSend, match=said):
        send_test(email=email, account=make.account(workspace), recipients=["me@example.org"], context={})
    assert [one[0] for one in calls_of(klaviyo)] == ["POST", "POST", "DELETE"]
    assert bell == []


def test_an_account_that_went_away_is_said(email, workspace, klaviyo):
    account = make.account(workspace)
    account.state = "disconnected"
    account.save()
    with pytest.raises(UnableToSend, match="Nothing was sent"):
        send_test(email=email, account=account, recipients=["me@example.org"], context={})
    assert klaviyo.requests() == []


def test_a_test_email_by_post(as_alice, email, workspace, klaviyo, bell):
    account = make.account(workspace)
    url = reverse("emails:test", args=[email.pk])
    assert as_alice.post(url, {"account": account.pk, "recipients": "a@example.org"}).status_code == 302
    wrong = [
        {"recipients": "a@example.org"},
        {"account": account.pk, "recipients": "nobody"},
        {"account": account.pk, "recipients": "a@example.org", "html": " ", "text": ""},
        {"account": account.pk, "recipients": "a@example.org", "who": "own", "sample": "{"},
    ]
    for values in wrong:
        answer = as_alice.post(url, values)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
    assert len([one for one in calls_of(klaviyo) if "preview" in one[1]]) == 1
    foreign = make.account(make.workspace("other"), "QwE92b", "pk_sandbox_kettle")
    assert as_alice.post(url, {"account": foreign.pk, "recipients": "a@example.org"}).status_code == 404


def test_the_draft_is_tested_before_it_is_saved(as_alice, email, workspace, klaviyo, bell):
    account = make.account(workspace)
    values = {"account": account.pk, "recipients": "a@example.org", "html": "<p>Not saved</p>", "text": ""}
    answer = as_alice.post(reverse("emails:test", args=[email.pk]), values, headers={"HX-Request": "true"})
    assert "sends the test email now" in answer.content.decode()
    [job] = klaviyo.sandbox.store.all("template-preview-send-job", account.klaviyo_id)
    assert job.attributes["html"] == "<p>Not saved</p>"
    email.refresh_from_db()
    assert "Not saved" not in email.html


@pytest.mark.parametrize("text", ["", "nobody", "a@b.example " * 6, "a@example.org\nb@"])
def test_addresses_are_looked_at(text):
    with pytest.raises(UnableToSend):
        read_recipients(text)


def test_addresses_may_stand_in_any_way():
    assert read_recipients(" a@example.org;b@example.org\n c@example.org ,") == [
        "a@example.org",
        "b@example.org",
        "c@example.org",
    ]
