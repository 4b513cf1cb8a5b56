"""The designs to start from: complete, without a problem, valid for both judges, and written for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from accounts.models import User, Workspace
from flowbuilder.definition.consent import messages_in
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.preflight import Checking, check
from flowbuilder.kinds.asks import find_asks, find_contents
from flowbuilder.kinds.messages import segments
from flowbuilder.kinds.tags import SAMPLE, check_tags, has_unsubscribe, render
from flowbuilder.models import Email, Version
from flowbuilder.operations.library import flow_from_document, publish_version
from flowbuilder.queries import Design
from flowbuilder.starters import FOLDER, GOALS, Starter, starters
from flowbuilder.starters.written import html_of, text_of
from tests import make
from tests.definition.judges import judge

SLUGS = [
    "1-abandoned-cart",
    "2-browse-abandonment",
    "3-birthday",
    "4-price-drop",
    "5-welcome-series",
    "6-win-back",
    "7-post-purchase",
    "8-replenishment",
    "9-low-inventory",
    "10-sunset",
]
ANSWERS: dict[str, Any] = {
    "metric": "MetrId",
    "list": "ListId",
    "segment": "SegmId",
    "text": "Green tea, 100 g",
    "delay": 45,
    "sender": {"email": "hello@harbourpine.example", "label": "Harbour & Pine"},
}
OPT_OUT = " Reply STOP to opt-out"  # about what Klaviyo adds
VOID = {"meta", "br", "img"}

each = pytest.mark.parametrize("starter", starters(), ids=lambda one: one.slug)
EMAILS = [
    pytest.param(one, id=f"{starter.slug}-{key}")
    for starter in starters()
    for key, one in starter.document["contents"].items()
]
each_email = pytest.mark.parametrize("email", EMAILS)


def test_there_are_ten_and_each_has_a_goal():
    assert [one.slug for one in starters()] == SLUGS
    assert {one.goal for one in starters()} == set(GOALS)


# --- As flows ----------------------------------------------------------------------------------------------------


@each
@pytest.mark.django_db
def test_a_flow_of_it_has_no_problem_and_can_be_published(
    starter: Starter, workspace: Workspace, alice: User
):
    flow = flow_from_document(workspace=workspace, by=alice, document=starter.document)
    assert [(one.step, one.text) for one in Design(flow).problems] == []
    version = publish_version(flow=flow, by=alice)
    assert len(version.document["contents"]) == len(starter.document["contents"])
    assert version.document["names"] == starter.document["names"]
    assert version.document["notes"] == starter.document["notes"]


@each
@pytest.mark.django_db
def test_what_lands_is_valid_for_both_judges(starter: Starter, workspace: Workspace, alice: User):
    """From the published version, as an account's worker builds it."""
    flow = flow_from_document(workspace=workspace, by=alice, document=starter.document)
    document = Version.objects.get(pk=publish_version(flow=flow, by=alice).pk).document
    frozen = Frozen(document)
    landing = frozen.landing(document["name"], {one.key: ANSWERS[one.kind] for one in frozen.questions})
    assert landing.missing == ()
    assert "$ask" not in str(landing.body)
    assert judge(landing.body) == []


@pytest.mark.django_db
def test_all_of_them_go_into_one_workspace(workspace: Workspace, alice: User):
    """Their emails do not get into each other's way: each is kept once, under a name of its own."""
    for starter in (*starters(), *starters()):
        flow_from_document(workspace=workspace, by=alice, document=starter.document)
    assert Email.objects.filter(workspace=workspace).count() == len(EMAILS)
    names = list(Email.objects.filter(workspace=workspace).values_list("name", flat=True))
    assert len(set(names)) == len(names)


@each
def test_every_question_is_used_and_every_use_has_a_question(starter: Starter):
    asked = {one["key"] for one in starter.document["requirements"]}
    assert {key for _, key, _ in find_asks(starter.document["definition"])} == asked
    for one in starter.document["requirements"]:
        assert one["question"].endswith("?")
        assert len(one["question"]) <= 200
        assert len(one["help"]) <= 300


@each
def test_every_email_is_used_and_every_file_is_an_email(starter: Starter):
    contents = set(starter.document["contents"])
    assert {key for _, key in find_contents(starter.document["definition"])} == contents
    assert {path.stem for path in (FOLDER / starter.slug).glob("*.html")} == contents


@each
def test_it_says_how_often_people_may_enter_and_lands_as_a_draft(starter: Starter):
    definition = starter.document["definition"]
    assert definition["reentry_criteria"]
    assert {one["data"].get("status", "draft") for one in definition["actions"]} == {"draft"}


@pytest.mark.parametrize("slug", ["2-browse-abandonment", "3-birthday", "6-win-back", "9-low-inventory"])
def test_without_its_consent_the_check_would_speak(slug: str):
    """The guard itself: what makes these flows clean is that they ask for consent."""
    frozen = Frozen(make.starter(slug))
    graph = frozen.graph
    steps = []
    for step in graph.steps:
        config = dict(step.config)
        if isinstance(config.get("message"), dict):
            config["message"] = {**config["message"], "additional_filters": None}
        steps.append(step.__class__(step.key, step.type, config, step.name, step.ports))
    bare = graph.with_steps(steps).__class__(graph.trigger, tuple(steps), graph.links, None, graph.reentry)
    codes = [
        one.code for one in check(bare, Checking(frozen.describer().defaults, frozenset(frozen.contents)))
    ]
    assert "no-consent" in codes


# --- Emails --------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Every tag is closed in its turn; notes addresses and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.images: list[str | None] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.addresses.append(held["href"] or "")
        if tag == "img":
            assert held["alt"] is not None
            self.images.append(held["src"])
        assert tag not in ("script", "link", "iframe", "form")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data.strip())


def read(html: str) -> Tags:
    found = Tags()
    found.feed(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    found.close()
    assert found.open == []
    return found


@each_email
def test_its_tags_are_right_and_it_offers_a_way_out(email: dict[str, str]):
    for held in (email["html"], email["text"]):
        assert list(check_tags(held)) == []
        assert has_unsubscribe(held)
        assert "[[" not in held
        assert "lorem" not in held.lower()
        assert "organization.full_address" in held  # the law asks for it


@each_email
def test_it_is_sound_html_that_reaches_for_nothing_foreign(email: dict[str, str]):
    """Every address and image is the shop's own, through a tag of Klaviyo; styles of bodies stand on the tags."""
    found = read(email["html"])
    for address in (*found.addresses, *(one or "" for one in found.images)):
        assert address.startswith(("{{", "{%")), address
    assert "url(" not in email["html"]
    assert re.findall(r"<(?:p|h1|h2|ul|li|a)(?![^>]*style=)[ >]", email["html"]) == []
    assert 'name="color-scheme" content="light dark"' in email["html"]
    assert "<!-- item" not in email["html"]


@each_email
def test_a_person_can_read_it(email: dict[str, str]):
    """Filled with sample data: names and things in their places, no gap, no tag left, and something to say."""
    html = render(email["html"])
    said = " ".join(one for one in read(html).words if one)
    assert "{{" not in said
    assert "{%" not in said
    assert " ," not in said
    assert "Northwind" in said
    assert 40 < len(said.split()) < 260
    text = render(email["text"], escape=False)
    assert "{{" not in text
    assert "<" not in text


@each_email
def test_its_plain_text_says_the_same(email: dict[str, str]):
    """Every address of the HTML but the shop's name, and every sentence of its paragraphs."""
    text = render(email["text"], escape=False)
    flat = " ".join(text.split())
    for paragraph in re.findall(r'<p class="ink"[^>]*>(.*?)</p>', render(email["html"]), flags=re.DOTALL):
        first = re.sub(r"<[^>]+>", " ", paragraph).split(".")[0].split("(")[0]
        assert " ".join(first.split())[:40].strip() in flat
    for address in set(re.findall(r'class="fill".*?href="([^"]+)"', email["html"])):
        assert address in email["text"]


def test_a_person_without_a_name_is_greeted_as_well():
    context = {**SAMPLE, "first_name": "", "person": {}}
    for param in EMAILS:
        html = render(param.values[0]["html"], context)
        assert "Hi ," not in html
        assert "Hi  " not in html


def test_a_body_gets_its_frame():
    """Plain tags become tags with styles; a button, a link and a piece are what they say, in HTML and in text."""
    body = (
        '<h1>Hello</h1>\n<p>One<br>two, <a href="{{ a }}">here</a>.</p>\n<!-- items -->\n'
        '<a class="button" href="{{ b }}">Go</a>\n<ul>\n<li>First &amp; last</li>\n</ul>'
    )
    html = html_of(body, title="A title", because="you asked")
    assert "<title>A title</title>" in html
    assert "because you asked." in html
    assert html.count("{% for item in event.extra.line_items %}") == 1
    assert '<td class="fill"' in html
    assert 'href="{{ b }}"' in html
    text = text_of(body, because="you asked")
    assert "One\ntwo, here ({{ a }})." in text
    assert "Go: {{ b }}" in text
    assert "- First & last" in text
    assert "You get this email because you asked." in text


# --- Subjects and texts ----------------------------------------------------------------------------------------------


def messages(starter: Starter, kind: str) -> list[dict[str, Any]]:
    steps = [step for step in Frozen(starter.document).graph.steps if step.type == kind]
    return [dict(message) for step in steps for _, message in messages_in(step)]


@each
def test_its_subjects_fit_into_an_inbox(starter: Starter):
    found = messages(starter, "send-email")
    assert found
    for message in found:
        subject, preview = render(message["subject_line"]), render(message["preview_text"])
        assert 10 < len(subject) <= 60
        assert 10 < len(preview) <= 90
        assert subject != preview


@each
def test_its_texts_are_one_segment_and_say_how_to_stop(starter: Starter):
    for message in messages(starter, "send-sms"):
        assert segments(message["body"]) == 1
        assert message["add_opt_out_language"] is True
        assert message["add_org_prefix"] is True
        assert message["sms_quiet_hours_enabled"] is True
        shortened = re.sub(r"https?://\S+", "https://klv1.io/AbCdEf", render(message["body"], escape=False))
        assert segments(f"Northwind: {shortened}{OPT_OUT}") == 1
