"""What a merchant's answers leave of a template, from the form to the account: landed in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from flowbuilder.definition.frozen import Question
from flowbuilder.install.forms import form_for
from flowbuilder.models import Made
from flowbuilder.operations.installs import UnableToInstall, answer_question, open_questions, start_install
from tests.install.make import ask, mail, offer, publish_now, requirement

pytestmark = pytest.mark.django_db


def document() -> dict[str, Any]:
    """[list] -> <wait> -> [mail-1] -> [text-1] -> [mail-2]"""

    def switch(start: str, end: str = "") -> dict[str, Any]:
        return {"start": start, "end": end, "keep": "", "side": "", "on": [True]}

    wait = {
        "unit": ask("wait", "unit"),
        "value": ask("wait", "value"),
        "secondary_value": None,
        "timezone": "profile",
    }
    text = {"name": "Text 1", "body": ask("words")}
    sender = {"email": "hello@harbourpine.example", "label": "Harbour"}
    return {
        "name": "With switches",
        "definition": {
            "triggers": [{"type": "metric", "id": "UpixsZ", "trigger_filter": None}],
            "profile_filter": None,
            "entry_action_id": "wait",
            "actions": [
                {"temporary_id": "wait", "type": "time-delay", "links": {"next": "mail-1"}, "data": wait},
                mail("mail-1", "text-1", "Hello", {"$content": "hello"}),
                {
                    "temporary_id": "text-1",
                    "type": "send-sms",
                    "links": {"next": "mail-2"},
                    "data": {"status": "draft", "message": text},
                },
                mail("mail-2", None, ask("subject"), {"$content": "bye"}),
            ],
        },
        "requirements": [
            requirement("texts", "yes-no", "Send texts?", default=True, switches=[switch("text-1")]),
            requirement(
                "first", "yes-no", "Send the first email?", default=True, switches=[switch("mail-1")]
            ),
            requirement("words", "text", "What does the text say?"),
            requirement("sender", "sender", "Who writes?", default=sender),
            requirement("wait", "delay", "How long?", default={"value": 1, "unit": "hours"}),
            requirement(
                "subject",
                "choice",
                "Which subject?",
                default="Soon",
                options=[{"value": "Soon", "label": "Short"}, {"value": "See you soon", "label": "Long"}],
            ),
        ],
        "contents": {
            "hello": {"name": "Hello", "html": "<h1>Hello</h1>", "text": "Hello"},
            "bye": {"name": "Bye", "html": "<h1>Bye</h1>", "text": "Bye"},
        },
        "names": {},
    }


@pytest.fixture
def begun(partner, account, alice):
    return start_install(template=offer(partner, document()), workspace=account.owner, by=alice)


def test_what_is_off_does_not_land(begun, account, alice):
    """Without the first email and the text: [metric] -> <wait 2 days> -> [mail-2], and nothing else is made."""
    for key, value in {
        "texts": False,
        "first": "no",
        "sender": {"email": "hello@harbourpine.example", "label": "Harbour"},
        "wait": "2 days",
        "subject": "Long",
    }.items():
        answer_question(install=begun, key=key, value=value)
    assert open_questions(begun) == []  # nobody asks what the text says
    publication = publish_now(begun, alice)
    assert publication.state == "published"
    assert publication.reason == ""  # read back, it is what was meant
    sent = publication.attempts.get(step="create-flow").request["data"]["attributes"]["definition"]
    template = Made.objects.get(publication=publication, kind="template")
    assert template.name.startswith("Bye")
    last = mail("mail-2", None, "See you soon", template.klaviyo_id)
    last["data"]["message"] |= {"from_email": "hello@harbourpine.example", "from_label": "Harbour"}
    assert sent == {
        "triggers": [{"type": "metric", "id": "UpixsZ", "trigger_filter": None}],
        "profile_filter": None,
        "entry_action_id": "wait",
        "actions": [
            {
                "temporary_id": "wait",
                "type": "time-delay",
                "links": {"next": "mail-2"},
                "data": {"unit": "days", "value": 2, "secondary_value": None, "timezone": "profile"},
            },
            last,
        ],
    }


def test_the_page_asks_and_refuses_in_sentences(begun, as_alice):
    url = reverse("install:answers", args=[begun.pk])
    page = as_alice.get(url).content.decode()
    assert "What does the text say?" in page
    for key, value, sentence in (
        ("texts", "perhaps", "Answer yes or no."),
        ("subject", "Else", "Choose one of these."),
        ("wait", "soon", "Write a whole number from 1 to 10,000."),
    ):
        door = reverse("install:answer", args=[begun.pk, key])
        bad = as_alice.post(door, {"value": value, "unit": "days"})
        assert bad.status_code == 422
        assert sentence in bad.content.decode()
    assert (
        as_alice.post(reverse("install:answer", args=[begun.pk, "texts"]), {"value": "false"}).status_code
        == 302
    )
    page = as_alice.get(url).content.decode()
    assert "What does the text say?" not in page  # it is switched off
    assert "1 hour" in page
    with pytest.raises(UnableToInstall, match="Answer yes or no"):
        answer_question(install=begun, key="texts", value={"a": 1})


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (Question("q", "yes-no", "?", default=True), 'type="radio"'),
        (Question("q", "choice", "?", options=({"value": 1, "label": "One"},)), 'type="radio"'),
        (
            Question("q", "choice", "?", options=({"value": 1, "label": "One"},), limits={"many": True}),
            'type="checkbox"',
        ),
        (Question("q", "number", "?", limits={"whole": True, "least": 1}), 'inputmode="numeric"'),
        (Question("q", "image", "?"), 'type="url"'),
        (Question("q", "text", "?", limits={"form": "time"}, default="09:00:00"), 'type="time"'),
        (Question("q", "text", "?", limits={"form": "moment"}), 'type="date"'),
        (Question("q", "text", "?", limits={"lines": True}, default=["a", "b"]), "a\nb"),
        (Question("q", "coupon", "?"), 'type="text"'),
        (Question("q", "delay", "?", default={"value": 2, "unit": "days"}), '<option value="days" selected>'),
    ],
    ids=lambda one: one.kind if isinstance(one, Question) else "",
)
def test_each_kind_has_its_field(question, field):
    assert field in str(form_for(question, []))


def test_an_image_is_looked_at():
    question = Question("q", "image", "?", default="https://cdn.example.com/a.png")
    assert form_for(question, []).picture == "https://cdn.example.com/a.png"
    assert form_for(question, [], "javascript:alert(1)").picture == ""
