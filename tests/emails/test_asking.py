"""A piece of an email made a question by hand, on the email's page; and taken back."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse

from flowbuilder.definition.preflight import blocking
from flowbuilder.models import Email, Flow, Requirement
from flowbuilder.operations.acts import undo
from flowbuilder.operations.clipboard import copy_steps, paste_steps
from flowbuilder.operations.email_questions import as_suggested, ask_in_email, stop_asking_in_email
from flowbuilder.operations.emails import write_email
from flowbuilder.operations.question_acts import change_question
from flowbuilder.operations.questions import stands_of
from flowbuilder.queries import Design, draft_of
from tests import make

pytestmark = pytest.mark.django_db
SALE = "https://shop.example/?a=1&b=<2>"
HTML = (
    "<a href='https://shop.example/sale'>Sale</a><img src='https://cdn.example/a.png'> "
    "{% coupon_code 'SAVE10' %} {% unsubscribe %}"
)


@pytest.fixture
def flow(workspace) -> Flow:
    return make.flow(workspace)


@pytest.fixture
def email(flow) -> Email:
    one = next(iter(Design(flow).emails.values()))
    Email.objects.filter(pk=one.pk).update(html=HTML, text="Use {% coupon_code 'SAVE10' %}")
    return Email.objects.get(pk=one.pk)


def fresh(flow: Flow) -> Flow:
    return Flow.objects.get(pk=flow.pk)


def posted(flow: Flow, **more: str) -> dict[str, str]:
    return {"flow": str(flow.pk), "what": "coupon", "value": "SAVE10", **more}


def test_a_coupon_is_marked_and_taken_back_without_script(as_alice, flow, email):
    page = reverse("emails:email", args=[email.pk])
    assert "Asked of each account" in as_alice.get(page).content.decode()
    answer = as_alice.post(
        reverse("emails:ask", args=[email.pk]), posted(flow, question="Which <i>code</i>?")
    )
    assert answer.url == f"{page}?flow={flow.pk}#asked"
    one = Requirement.objects.get(flow=flow, kind="coupon")
    assert (one.default, one.question, one.limits["inside"]) == ("SAVE10", "Which <i>code</i>?", "coupon")
    shown = as_alice.get(page).content.decode()
    assert "Asked as “Which &lt;i&gt;code&lt;/i&gt;?”" in shown
    email.refresh_from_db()
    assert email.html == HTML, "the email stays as it is"
    as_alice.post(reverse("emails:unask", args=[email.pk]), posted(flow))
    assert not Requirement.objects.filter(flow=flow, kind="coupon").exists()


def test_with_script_only_the_section_comes_back(as_alice, flow, email):
    htmx = {"HX-Request": "true"}
    answer = as_alice.post(reverse("emails:ask", args=[email.pk]), posted(flow), headers=htmx)
    text = answer.content.decode()
    assert text.lstrip().startswith('<section class="card pad mail-asked" id="asked"')
    assert "Ask no longer" in text
    gone = as_alice.post(reverse("emails:ask", args=[email.pk]), posted(flow, value="OLD<b>"), headers=htmx)
    assert gone.status_code == 422
    assert "look at what it says now" in gone.content.decode()


def test_what_is_saved_is_listed_at_once(as_alice, flow, email):
    url, htmx = reverse("emails:email", args=[email.pk]), {"HX-Request": "true"}
    new = "<p>{% coupon_code 'NEW20' %} {% unsubscribe %}</p>"
    values = {"name": email.name, "html": new, "text": "", "revision": str(email.revision)}
    answer = as_alice.post(url, {**values, "flow": str(flow.pk)}, headers=htmx).content.decode()
    assert 'id="asked" aria-labelledby="asked-title" hx-swap-oob="true"' in answer
    assert "NEW20" in answer
    assert "SAVE10" not in answer


def test_it_can_be_undone_and_the_same_thing_is_one_question(flow, email, alice):
    kinds = {"url": "https://shop.example/sale", "picture": "https://cdn.example/a.png"}
    for what, value in kinds.items():
        ask_in_email(flow=fresh(flow), by=alice, email=email, what=what, value=value)
    assert ask_in_email(flow=fresh(flow), by=alice, email=email, what="url", value=kinds["url"]) is None
    asked = {
        key: one["kind"]
        for key, one in draft_of(fresh(flow)).requirements.items()
        if "emails" in one["limits"]
    }
    assert sorted(asked.values()) == ["image", "text"]
    stands = stands_of(draft_of(fresh(flow)))
    assert all(one.path[-1] == "template_id" for key in asked for one in stands[key])
    undo(flow=fresh(flow), by=alice)
    left = [one["kind"] for one in draft_of(fresh(flow)).requirements.values() if "emails" in one["limits"]]
    assert left == ["text"]


def test_another_workspaces_flow_or_email_is_not_there(as_alice, flow, email, alice, charlie):
    theirs = make.flow(make.workspace("elsewhere", owner=charlie))
    hers = make.flow(make.workspace("another", owner=alice))
    assert as_alice.post(reverse("emails:ask", args=[email.pk]), posted(hers)).status_code == 404
    for given in (posted(theirs), {**posted(flow), "flow": "x"}, {**posted(flow), "flow": ""}):
        assert as_alice.post(reverse("emails:ask", args=[email.pk]), given).status_code == 404


def test_what_the_email_does_not_say_any_more_blocks_a_version(as_alice, flow, email, alice):
    ask_in_email(flow=flow, by=alice, email=email, what="coupon", value="SAVE10")
    assert not [one for one in Design(fresh(flow)).problems if one.code == "piece-gone"]
    words = {"html": "<p>{% unsubscribe %}</p>", "text": ""}
    write_email(email=email, by=alice, name=email.name, revision=email.revision, **words)
    found = [one for one in blocking(Design(fresh(flow)).problems) if one.code == "piece-gone"]
    assert len(found) == 1
    assert "does not say it any more" in found[0].text
    assert found[0].step in Design(fresh(flow)).graph.by_key
    page = as_alice.get(reverse("emails:email", args=[email.pk])).content.decode()
    assert "The email does not say this any more." in page
    stop_asking_in_email(flow=fresh(flow), by=alice, email=email, what="coupon", value="SAVE10")
    assert not [one for one in Design(fresh(flow)).problems if one.code == "piece-gone"]


def test_a_question_goes_with_its_email(flow, email, alice):
    """Copied with the step that sends it; gone with the last one."""
    ask_in_email(flow=flow, by=alice, email=email, what="coupon", value="SAVE10")
    design = Design(fresh(flow))
    step = next(step for step, told in design._told.items() if email.key in told.contents)
    assert ("accent", "question in the email") in design.cards[step].chips
    copy_steps(flow=fresh(flow), key=step, by=alice)
    other = make.flow(flow.workspace, name="Other")
    entry = draft_of(other).graph.entry
    paste_steps(flow=other, source=entry, port="next", by=alice)
    kept = [one for one in draft_of(fresh(other)).requirements.values() if one["kind"] == "coupon"]
    assert [place["email"] for one in kept for place in one["limits"].get("emails", ())] == [email.key]


def test_a_test_email_says_what_the_flow_suggests(flow, email, alice):
    ask_in_email(flow=flow, by=alice, email=email, what="coupon", value="SAVE10")
    key = next(key for key, one in draft_of(fresh(flow)).requirements.items() if one["kind"] == "coupon")
    change_question(flow=fresh(flow), by=alice, key=key, posted={"default": "TEST5"})
    sent = as_suggested(fresh(flow), email)
    assert "coupon_code 'TEST5'" in sent.html
    assert sent.text == "Use {% coupon_code 'TEST5' %}"
    assert as_suggested(None, email) is email


def test_what_stands_in_an_email_is_shown_as_text(as_alice, flow, email):
    Email.objects.filter(pk=email.pk).update(html=f'<a href="{html.escape(SALE)}">x</a> {{% unsubscribe %}}')
    page = as_alice.get(reverse("emails:email", args=[email.pk])).content.decode()
    assert "https://shop.example/?a=1&amp;b=" in page
    assert "b=<2>" not in page
