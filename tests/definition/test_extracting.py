"""What an extraction finds, proposes and leaves; and that a flow bound with what stood there is what it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.definition.answering import WrongAnswer, checked
from flowbuilder.definition.asking import Choice, ask_all
from flowbuilder.definition.extracting import LABELS, Extraction, Known, Line, extract
from flowbuilder.definition.frozen import Question
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import Approved, bind, to_definition, with_defaults
from flowbuilder.kinds.asks import GAP, part_of
from flowbuilder.models import Requirement
from tests.conftest import CASES, SHARED
from tests.definition.flows import graphs
from tests.definition.good import GOOD

KNOWN = {
    "PlaceD": Known("metric", "Placed Order", "Shopify"),
    "NewsL1": Known("list", "Newsletter"),
    "VipS01": Known("segment", "VIPs"),
}


def case() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((CASES / "extract" / "winback.json").read_text())
    return document


def found_in(document: dict[str, Any], **emails: tuple[str, str, str]) -> Extraction:
    return extract(read_document(document).graph, KNOWN, emails)


def lines_of(found: Extraction, what: str) -> list[Line]:
    return [line for line in found.lines if line.what == what]


def test_every_bound_thing_of_a_real_shape_is_found_once():
    found = found_in(case())
    assert [(line.what, line.shown, line.proposal) for line in found.lines] == [
        ("metric", "Placed Order", "role"),
        ("metric", "Unkn0w", "question"),
        ("list", "Newsletter", "question"),
        ("group", "VIPs", "question"),
        ("template", "TmplA1", "question"),
        ("template", "TmplA2", "question"),
        ("sender", "Harbour <hello@harbour.example>", "question"),
        ("address", "boss@harbour.example", "question"),
        ("coupon", "COMEBACK15", "question"),
        ("url", "https://harbour.example/sale", "constant"),
        ("url", "https://hooks.harbour.example/in", "question"),
        ("secret", "Authorization", "question"),
        ("image", "Img0001", "question"),
    ]


def test_the_same_value_is_one_line_with_all_its_places():
    metric = lines_of(found_in(case()), "metric")[0]
    assert [(place.step, place.path[-1]) for place in metric.places] == [
        ("trigger", "id"),
        (None, "metric_id"),
        ("split", "trigger_id"),
        ("split", "metric_id"),
    ]
    [sender] = lines_of(found_in(case()), "sender")
    assert {place.part for place in sender.places} == {"email", "label"}
    # The reply-to is the sender's own address: it follows the same answer.
    assert ("mail", ("message", "reply_to_email"), "email") in [
        (place.step, place.path, place.part) for place in sender.places
    ]


def test_a_metric_is_looked_for_by_name_and_integration_only_as_a_role():
    graph = read_document(case()).graph
    lines = extract(graph, KNOWN).lines
    _, questions, _ = ask_all(graph, {}, lines, {})
    assert questions["metric"]["looks_for"] == "Placed Order"
    assert questions["metric"]["integration"] == "Shopify"
    _, questions, _ = ask_all(graph, {}, lines, {lines[0].id: Choice("question", "Which one?")})
    assert (questions["metric"]["looks_for"], questions["metric"]["question"]) == ("", "Which one?")


def test_questions_name_what_the_account_knows_and_no_bare_ids():
    asked = {line.value: line.question for line in found_in(case()).lines if isinstance(line.value, str)}
    assert asked["PlaceD"] == "Which metric is “Placed Order” in your account?"
    assert asked["Unkn0w"] == "Which metric is it in your account?"
    assert asked["boss@harbour.example"] == "Who should be alerted?"
    strange = extract(read_document(case()).graph).lines[0]
    assert (strange.question, strange.proposal) == ("Which metric starts this flow?", "question")


def test_what_cannot_travel_is_said_with_its_step():
    stays = found_in(case()).stays
    assert [one.step for one in stays] == ["code"]
    assert "runs code" in stays[0].text
    feed = found_in(case(), mail=("Mail", "{% web_feed 'shop' %}", "")).stays
    assert "The email “Mail” takes things from a feed" in feed[-1].text


def test_what_stands_in_emails_is_asked_there():
    html = "<a href='https://harbour.example/sale'>x</a> {% coupon_code 'MAILONLY' %} https://www.w3.org/1999/xhtml"
    found = found_in(case(), mail=("Goodbye", html, ""))
    [coupon] = [line for line in lines_of(found, "coupon") if line.value == "MAILONLY"]
    assert (coupon.may, coupon.places, coupon.emails) == (("question", "constant"), (), ("mail",))
    [sale] = [line for line in lines_of(found, "url") if line.value == "https://harbour.example/sale"]
    assert sale.emails == ("mail",)
    assert sale.places
    assert "w3.org" not in str(found.lines)


def test_a_secret_is_asked_for_and_kept_nowhere():
    graph = read_document(case()).graph
    made, questions, originals = ask_all(graph, {}, extract(graph, KNOWN).lines, {})
    assert questions["secret"]["default"] is None
    assert originals["secret"] == "Bearer s3cret"
    assert "s3cret" not in json.dumps([to_definition(made), questions])


def test_what_is_a_question_already_is_left_alone():
    graph = read_document(case()).graph
    made, questions, _ = ask_all(graph, {}, extract(graph, KNOWN).lines, {})
    again = extract(made, KNOWN)
    assert again.lines == ()
    assert ask_all(made, questions, again.lines, {}) == (made, questions, {})


def test_a_text_with_a_coupon_and_an_address_is_asked_for_once():
    graph = read_document(case()).graph
    lines = extract(graph, KNOWN).lines
    everything = {line.id: Choice("question") for line in lines}
    _, questions, originals = ask_all(graph, {}, lines, everything)
    texts = [key for key in questions if key.startswith("text")]
    assert len(texts) == 1
    assert originals[texts[0]].startswith("15% off with")


def test_a_way_that_a_line_does_not_allow_changes_nothing():
    graph = read_document(case()).graph
    [url] = [line for line in extract(graph, KNOWN).lines if line.shown.endswith("/sale")]
    assert ask_all(graph, {}, (url,), {url.id: Choice("role")})[0] is graph


@pytest.mark.parametrize("path", sorted(SHARED.glob("klaviyo/samples/*.json")) or [None], ids=str)
def test_samples_come_back_as_they_were(path):
    """The platform's own shapes where they lie beside the project; the ones of the cases always."""
    documents = [case(), GOOD, json.loads((CASES / "seed.json").read_text())]
    if path is not None and "error" not in path.name:
        documents.append(json.loads(path.read_text()))
    for document in documents:
        come_back(read_document(document).graph)


def come_back(graph, ways: tuple[str, ...] = ()) -> None:
    found = extract(graph, KNOWN)
    choices = {line.id: Choice(way) for line, way in zip(found.lines, ways, strict=False)}
    made, questions, originals = ask_all(graph, {}, found.lines, choices)
    assert with_defaults(to_definition(made), originals) == to_definition(graph)
    assert set(originals) == set(questions)
    assert {one["kind"] for one in questions.values()} <= set(Requirement.Kind.values)
    assert {line.what for line in found.lines} <= set(LABELS)
    assert len({line.id for line in found.lines}) == len(found.lines)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.lists(st.sampled_from(["role", "question", "constant"]), max_size=30))
def test_any_flow_bound_with_what_stood_there_is_what_it_was(graph, ways):
    come_back(graph, tuple(ways))


# --- Inside a longer text ------------------------------------------------------------------------------------------


def texting(body: str) -> dict[str, Any]:
    message = {"name": "Text", "body": body}
    action = {"id": "text", "type": "send-sms", "links": {"next": None}, "data": {"message": message}}
    return {"triggers": [], "profile_filter": None, "entry_action_id": "text", "actions": [action]}


def asked_in(body: str, *treated: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """(what stands in the text, questions, what they stand for), with these groups asked for and no others."""
    graph = read_document(texting(body)).graph
    lines = extract(graph).lines
    choices = {line.id: Choice("question" if line.what in treated else "constant") for line in lines}
    graph, questions, originals = ask_all(graph, {}, lines, choices)
    return graph.by_key["text"].config["message"]["body"], dict(questions), originals


BODY = "Use {% coupon_code 'code' %} at https://a.example/code, or ask help@a.example. https://a.example is ours."


@pytest.mark.parametrize(
    ("what", "value", "around"),
    [
        ("coupon", "code", BODY.replace("'code'", f"'{GAP}'")),
        ("address", "help@a.example", BODY.replace("help@a.example", GAP)),
    ],
)
def test_what_stands_inside_a_text_is_asked_for_alone(what, value, around):
    held, questions, originals = asked_in(BODY, what)
    assert held == {"$ask": what, "part": around}
    assert originals == {what: value}
    assert questions[what]["limits"] == {"inside": what}
    assert part_of(value, held["part"]) == BODY
    assert part_of("other", held["part"]) == around.replace(GAP, "other")
    assert part_of(None, held["part"]) is None


def test_an_address_that_begins_as_another_is_another():
    body = "See https://a.example and https://a.example/sale."
    graph = read_document(texting(body)).graph
    lines = {line.value: line for line in extract(graph).lines}
    short = lines["https://a.example"]
    graph, _, _ = ask_all(graph, {}, (short,), {short.id: Choice("question")})
    assert graph.by_key["text"].config["message"]["body"]["part"] == f"See {GAP} and https://a.example/sale."


def test_a_text_with_several_of_them_is_asked_for_as_a_whole():
    held, questions, originals = asked_in(BODY, "coupon", "address")
    assert held == {"$ask": "text"}
    assert originals == {"text": BODY}
    assert questions["text"]["question"] == "What should the text say?"


def test_one_answer_fills_it_wherever_it_stands():
    document = texting("Use {% coupon_code 'TEN' %} now")
    again = texting("Still: {% coupon_code 'TEN' %}")["actions"][0] | {"id": "again"}
    document["actions"][0]["links"] = {"next": "again"}
    document["actions"].append(again)
    graph = read_document(document).graph
    lines = extract(graph).lines
    graph, questions, _ = ask_all(graph, {}, lines, {})
    assert list(questions) == ["coupon"]
    bound = bind(to_definition(graph), {"coupon": "ELEVEN"}, {})
    assert [one["data"]["message"]["body"] for one in bound.definition["actions"]] == [
        "Use {% coupon_code 'ELEVEN' %} now",
        "Still: {% coupon_code 'ELEVEN' %}",
    ]
    encoded = Approved.of(to_definition(graph)).encode("Name", {"coupon": "ELEVEN"}, {})
    assert json.loads(encoded)["data"]["attributes"]["definition"] == bound.definition
    assert bind(to_definition(graph), {}, {}).missing == ("coupon",)


@pytest.mark.parametrize(
    ("what", "fine", "wrong"),
    [
        (
            "coupon",
            ["TEN", "Ten percent", "10%-off"],
            ["T'EN", 'T"EN', "a %} b", "{{ x }}", "<b>", "a\\b", "a\nb"],
        ),
        (
            "url",
            ["https://a.example/x?y=1&z=%20"],
            ["a.example", "javascript:alert(1)", "https://a b", "https://a'"],
        ),
        ("address", ["help@a.example"], ["help", "a b@c.de", "a@b", "<a@b.de>"]),
    ],
)
def test_an_answer_ends_neither_the_tag_nor_the_attribute_that_it_stands_in(what, fine, wrong):
    kind = "coupon" if what == "coupon" else "text"
    question = Question("key", kind, "Which?", limits={"inside": what})
    assert [checked(question, one) for one in fine] == fine
    for one in wrong:
        with pytest.raises(WrongAnswer, match=r"Write .*\.$"):
            checked(question, one)
