"""Answers inside of emails: in the template that is made, in the preview, when it is looked at again, in an upgrade."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.urls import reverse

from accounts.connection import client_for
from flowbuilder.definition.canonical import content_hash
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.pieces import with_place
from flowbuilder.models import Email, Flow, Install, Requirement, Version
from flowbuilder.operations.installs import UnableToInstall, answer_question, confirm_install
from flowbuilder.operations.journeys import hash_of
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.operations.upgrades import offer_of
from flowbuilder.publisher.standing import emails_sent, standing_of, target_of
from flowbuilder.queries import Design
from tests import make
from tests.publisher.test_publish import run

pytestmark = pytest.mark.django_db
SALE = "https://shop.example/sale?a=1&b=2"
HTML = "<p><a href=\"https://shop.example/sale?a=1&amp;b=2\">Sale</a> {% coupon_code 'SAVE10' %} {% unsubscribe %}</p>"
MINE = "https://mine.example/?x=1&y='2'"
ANSWERS = {"coupon": "MINE5", "url": "https://mine.example/?x=1&y=2"}


def question(key: str, kind: str, value: str, **more: Any) -> dict[str, Any]:
    made = {"key": key, "kind": kind, "question": f"Which {key}?", "default": value, "limits": {}, **more}
    return with_place(made, "mail-1", key, value)


DOCUMENT: dict[str, Any] = {
    "name": "Sale",
    "definition": {
        "triggers": [{"type": "metric", "id": {"$ask": "metric"}, "trigger_filter": None}],
        "profile_filter": None,
        "entry_action_id": "mail",
        "actions": [
            {
                "temporary_id": "mail",
                "type": "send-email",
                "links": {"next": None},
                "data": {
                    "message": {
                        "name": "Sale",
                        "from_email": "hello@harbourpine.example",
                        "from_label": "Harbour",
                        "subject_line": "Sale!",
                        "template_id": {"$content": "mail-1"},
                    },
                    "status": "draft",
                },
            }
        ],
    },
    "requirements": [
        {"key": "metric", "kind": "metric", "question": "Which metric?", "looks_for": "Placed Order"},
        question("coupon", "coupon", "SAVE10"),
        question("url", "text", SALE),
    ],
    "contents": {"mail-1": {"name": "Sale", "html": HTML, "text": "{% coupon_code 'SAVE10' %}"}},
}


@pytest.fixture
def flow(workspace, alice) -> Flow:
    return flow_from_document(workspace=workspace, by=alice, document=copy.deepcopy(DOCUMENT))


@pytest.fixture
def install(flow, workspace, account, alice) -> Install:
    template = make.approved(offer_in_library(version=publish_version(flow=flow, by=alice)))
    metric = next(one for one in client_for(account).list_metrics() if one.name == "Placed Order")
    made = make.install(template, account, alice, **ANSWERS)
    made.answers = {**made.answers, "metric": {"value": metric.id, "how": "", "by": "found"}}
    made.save()
    return made


@pytest.fixture
def landed(install, alice, monkeypatch) -> Install:
    monkeypatch.setattr("flowbuilder.operations.installs._are_there", lambda *args: True)
    publication = run(confirm_install(install=install, by=alice))
    assert publication.state == "published", publication.reason
    install.refresh_from_db()
    return install


def test_a_flow_that_is_made_of_a_document_asks_in_its_own_copies(flow, workspace):
    """In a workspace where the email's key is taken, the questions follow it to its new one."""
    Email.objects.filter(workspace=workspace).update(html="<p>Other {% unsubscribe %}</p>")
    other = flow_from_document(workspace=workspace, by=None, document=copy.deepcopy(DOCUMENT))
    limits = Requirement.objects.get(flow=other, key="coupon").limits
    (key,) = Design(other).emails
    assert [one["email"] for one in limits["emails"]] == [key]
    assert key != Email.objects.order_by("pk").first().key
    assert not [one for one in Design(other).problems if one.code == "piece-gone"]


def test_the_template_holds_the_answers_and_nothing_else_differs(landed, account):
    (made,) = landed.publications.get().made.filter(kind="template")
    template = client_for(account).get_template(made.klaviyo_id)
    assert template.html == HTML.replace("SAVE10", "MINE5").replace(
        "https://shop.example/sale?a=1&amp;b=2", "https://mine.example/?x=1&amp;y=2"
    )
    assert template.text == "{% coupon_code 'MINE5' %}"
    standing = standing_of(landed)
    assert emails_sent(landed, standing.definition) == {"mail": template.html}, "so nothing looks edited"


def test_an_open_question_inside_an_email_keeps_it_back(install, alice):
    answers = {key: one for key, one in install.answers.items() if key != "coupon"}
    landing = Frozen(install.version.document).landing(
        "Sale", {key: one["value"] for key, one in answers.items()}
    )
    assert landing.missing == ("coupon",)
    install.answers = answers
    install.save()
    with pytest.raises(UnableToInstall, match=r"open|any more"):
        confirm_install(install=install, by=alice)


def test_an_answer_that_would_end_its_place_is_refused(install):
    for key, value in (("coupon", "A' %}"), ("url", MINE), ("url", "javascript:alert(1)")):
        with pytest.raises(UnableToInstall):
            answer_question(install=install, key=key, value=value)


def test_the_preview_shows_the_answers(install, as_alice):
    page = as_alice.get(reverse("install:content", args=[install.pk, "mail"])).content.decode()
    assert 'href="https://mine.example/?x=1&amp;y=2"' in page
    assert "shop.example" not in page


def test_a_yes_is_for_each_answer_in_its_place(install):
    """Two answers that change places make another email, so what was read is not what would land."""
    before = hash_of(install)
    assert hash_of(install) == before
    both = install.answers
    install.answers = {**both, "coupon": both["url"], "url": both["coupon"]}
    assert hash_of(install) != before


def next_of(install: Install, html: str) -> Version:
    document = copy.deepcopy(install.version.document)
    key = next(iter(document["contents"]))
    document["contents"][key]["html"] = html
    flow = install.template_flow.flow
    return Version.objects.create(
        flow=flow, number=9, name="Sale", document=document, content_hash=content_hash(document)
    )


def test_an_upgrade_keeps_the_answers_and_the_template_that_is_the_same(landed):
    standing, values = standing_of(landed), {key: one["value"] for key, one in landed.answers.items()}
    assert target_of(landed, landed.version, values, {}, standing).make == ()
    other = target_of(landed, landed.version, {**values, "coupon": "NEW"}, {}, standing)
    assert other.make == tuple(landed.version.document["contents"]), "another answer is another template"
    offer = offer_of(landed, next_of(landed, HTML.replace("Sale", "Big sale")))
    assert not offer.open
    assert {key: one["value"] for key, one in offer.answers.items()} == values
    assert "email" in " ".join(one.new for one in offer.lines)


def test_a_question_of_an_email_that_is_switched_off_is_not_asked():
    document = copy.deepcopy(DOCUMENT)
    wait = {"temporary_id": "wait", "type": "time-delay", "data": {"unit": "hours", "value": 1}}
    document["definition"]["actions"].append({**wait, "links": {"next": "mail"}})
    document["definition"]["entry_action_id"] = "wait"
    switch = {"start": "mail", "end": "", "keep": "", "side": "", "on": [True]}
    wanted = {"key": "wanted", "kind": "yes-no", "question": "Sale?", "default": True, "switches": [switch]}
    document["requirements"].append({**wanted, "place": 0})
    frozen = Frozen(document)
    assert {one.key for one in frozen.asked({"wanted": True})} == {"metric", "wanted", "coupon", "url"}
    assert {one.key for one in frozen.asked({"wanted": False})} == {"metric", "wanted"}
