"""Every combination of a template's switches, and what an answer may be."""

from __future__ import annotations

import json
from itertools import combinations, product
from itertools import pairwise as pairwise_of
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.definition.answering import WrongAnswer, checked, told
from flowbuilder.definition.frozen import Frozen, Question
from flowbuilder.definition.preflight import Checking, blocking, check, part_stops
from flowbuilder.definition.proving import MOST, pairwise, prove
from flowbuilder.definition.switching import parts_off, switched
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.switching import switch_off
from tests.conftest import CASES
from tests.graph.test_switching import flows

GOLD = {
    "type": "profile-property",
    "property": "properties['Tier']",
    "filter": {"type": "string", "operator": "equals", "value": "gold"},
}
ASKS = {"profile_filter": {"condition_groups": [{"conditions": [GOLD]}]}}
START = Trigger("list", {"id": "Abc123"})


def text(key: str, body: Any = "Hello") -> Step:
    return Step(key, "send-sms", {"status": "draft", "message": {"name": key, "body": body}}, name=key)


def split(key: str) -> Step:
    return Step(key, "conditional-split", ASKS, name=key, ports=("yes", "no"))


def wait(key: str) -> Step:
    return Step(key, "time-delay", {"unit": "days", "value": 1, "timezone": "profile"}, name=key)


def flow(*steps: Step, links: str) -> Graph:
    made = []
    for one in links.split():
        left, _, target = one.partition(">")
        source, _, port = left.partition(":")
        made.append(Link(source or None, port or "next", target))
    return Graph(START, steps, tuple(made))


def yes_no(key: str, start: str, question: str = "", **more: Any) -> Question:
    switch = {"start": start, "end": "", "keep": "", "side": "", "on": [True], **more}
    return Question(key, "yes-no", question or f"{key}?", default=True, switches=(switch,))


def proved(graph: Graph, *questions: Question) -> Any:
    return prove(graph, questions, Checking({one.key: one.stands_for for one in questions}))


# --- Combinations ------------------------------------------------------------------------------------------------


def test_a_flow_without_switches_has_nothing_to_prove() -> None:
    proof = proved(flow(text("a"), links=">a"))
    assert (proof.total, proof.tried, proof.failure) == (0, 0, None)


def test_every_combination_is_tried() -> None:
    """-> a -> b -> c: two of them may go, together as well"""
    graph = flow(text("a"), text("b"), text("c"), links=">a a>b b>c")
    proof = proved(graph, yes_no("one", "a"), yes_no("two", "b"))
    assert (proof.total, proof.tried, proof.is_pairwise, proof.failure) == (4, 4, False, None)


def test_the_combination_that_leaves_nothing_is_named() -> None:
    """-> a -> b: without both there is no flow"""
    graph = flow(text("a"), text("b"), links=">a a>b")
    proof = proved(graph, yes_no("one", "a", "Send a?"), yes_no("two", "b", "Send b?"))
    assert proof.failure.text == "With “Send a?” no and “Send b?” no: Add a first step below the trigger."
    assert proof.problems[0].blocks


def test_a_split_left_with_nothing_on_any_side_is_named_with_the_answers_it_takes() -> None:
    """-> a -> s -yes-> b, -no-> c: without both texts the split does nothing; a has no part in it"""
    graph = flow(text("a"), split("s"), text("b"), text("c"), links=">a a>s s:yes>b s:no>c")
    questions = (
        yes_no("zero", "a"),
        yes_no("one", "b", "Send b?"),
        yes_no("two", "s", "The rest?", side="no"),
    )
    failure = proved(graph, *questions).failure
    assert failure.answers == (("Send b?", "no"), ("The rest?", "no"))
    assert "Both ways out of “s” are empty" in failure.text


def test_an_empty_split_that_somebody_drew_stays_a_warning() -> None:
    graph = flow(text("a"), split("s"), links=">a a>s")
    assert proved(graph, yes_no("one", "a")).failure is None


def test_a_date_flow_that_loses_its_countdown_is_named() -> None:
    """A flow that starts with a date begins with a countdown: without that step nothing else may be the first."""
    config = next(iter(json.loads((CASES / "kinds" / "date.json").read_text())))["trigger"]
    date = Trigger("date", config)
    first = Step("c", "countdown-delay", {"unit": "weeks", "value": 1, "timezone": "profile"}, name="c")
    graph = Graph(date, (first, text("a")), (Link(None, "next", "c"), Link("c", "next", "a")))
    failure = proved(graph, yes_no("one", "c", "Count down?")).failure
    assert "begins with a target date or a countdown" in failure.text


def test_a_choice_switches_by_its_answers() -> None:
    graph = flow(text("a"), text("b"), links=">a a>b")
    options = tuple({"value": value, "label": value.title()} for value in ("both", "first", "none"))
    switches = (
        {"start": "a", "on": ["both", "first"]},
        {"start": "b", "on": ["both"]},
    )
    question = Question("which", "choice", "Which?", default="both", options=options, switches=switches)
    failure = proved(graph, question).failure
    assert failure.answers == (("Which?", "“None”"),)


def test_a_part_that_is_not_there_any_more_is_said() -> None:
    graph = flow(text("a"), text("b"), links=">a a>b")
    assert "not there any more" in proved(graph, yes_no("one", "gone")).failure.text
    assert "does not lead to its last one" in proved(graph, yes_no("one", "b", end="a")).failure.text


def test_an_answer_that_does_not_fit_where_it_stands_is_named() -> None:
    """A delay in minutes with a time of day; an option that the setting does not know."""
    delay = {
        "unit": {"$ask": "d", "part": "unit"},
        "value": {"$ask": "d", "part": "value"},
        "timezone": "profile",
    }
    step = Step("w", "time-delay", {**delay, "delay_until_time": "10:00:00"}, name="w")
    graph = flow(step, text("a"), links=">w w>a")
    question = Question("d", "delay", "How long?", default={"value": 1, "unit": "days"})
    assert proved(graph, question).failure.answers == (("How long?", "in minutes"),)
    only_days = Question(
        "d", "delay", "How long?", default={"value": 1, "unit": "days"}, limits={"units": ["days"]}
    )
    assert proved(graph, only_days).failure is None

    graph = flow(Step("w", "time-delay", {"unit": {"$ask": "u"}, "value": 1}), links=">w")
    options = ({"value": "days", "label": "Days"}, {"value": "weeks", "label": "Weeks"})
    question = Question("u", "choice", "Unit?", default="days", options=options)
    assert proved(graph, question).failure.answers == (("Unit?", "Weeks"),)


def test_beyond_the_most_pairs_are_covered_and_it_is_said() -> None:
    keys = [f"k{number}" for number in range(12)]
    steps = [text("first"), *(text(key) for key in keys)]
    links = " ".join([">first", *(f"{a.key}>{b.key}" for a, b in pairwise_of(steps))])
    proof = proved(flow(*steps, links=links), *(yes_no(key, key) for key in keys))
    assert proof.total == 4096 > MOST
    assert proof.is_pairwise
    assert 4 <= proof.tried < 40
    assert proof.failure is None


def test_pairs_find_what_two_answers_break_together() -> None:
    """Eleven switches; the split is left empty by two of them."""
    keys = [f"k{number}" for number in range(9)]
    steps = [*(text(key) for key in keys), split("s"), text("x"), text("y")]
    links = " ".join(
        [">k0", *(f"{a}>{b}" for a, b in zip(keys, [*keys[1:], "s"], strict=True)), "s:yes>x s:no>y"]
    )
    questions = [yes_no(key, key) for key in (*keys, "x", "y")]
    proof = proved(flow(*steps, links=links), *questions)
    assert proof.is_pairwise
    assert {question for question, _ in proof.failure.answers} == {"x?", "y?"}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_each_two_answers_stand_together_in_a_row(sizes: list[int]) -> None:
    rows = pairwise(sizes)
    assert all(0 <= value < size for row in rows for value, size in zip(row, sizes, strict=True))
    for one, other in combinations(range(len(sizes)), 2):
        wanted = set(product(range(sizes[one]), range(sizes[other])))
        assert {(row[one], row[other]) for row in rows} == wanted


@given(flows())
@settings(max_examples=150, deadline=None)
def test_what_is_looked_for_in_a_combination_is_all_that_blocks(drawn: Any) -> None:
    """The short way of a proof against the whole check, on any flow and any parts."""
    graph, parts = drawn
    if blocking(check(graph)):
        steps = tuple(
            Step(one.key, "conditional-split", ASKS, ports=one.ports)
            if len(one.ports) == 2
            else text(one.key)
            for one in graph.steps
        )
        keep = {one.key: one.ports for one in steps}
        links = tuple(one for one in graph.links if one.source is None or one.port in keep[one.source])
        graph = Graph(START, steps, links)
    fewer = switch_off(graph, parts)
    whole = {(one.code, one.step) for one in blocking(check(fewer))}
    short = {(one.code, one.step) for one in part_stops(fewer, Checking()) if one.blocks}
    assert short == whole - {
        (one.code, one.step) for one in blocking(check(graph)) if one.code != "unreachable"
    }


# --- Binding -----------------------------------------------------------------------------------------------------


def document(graph: Graph, *questions: Question) -> dict[str, Any]:
    names = ("key", "kind", "question", "default", "options", "limits", "switches", "place")
    return {
        "name": "A flow",
        "definition": to_definition(graph),
        "requirements": [{name: getattr(one, name) for name in names} for one in questions],
        "contents": {},
        "names": {step.key: step.name for step in graph.steps},
    }


def test_what_is_off_is_not_in_the_request_and_not_asked() -> None:
    graph = flow(text("a", {"$ask": "t"}), text("b"), links=">a a>b")
    asked = Question("t", "text", "What?", place=2)
    frozen = Frozen(document(graph, asked, yes_no("one", "a")))
    on = frozen.landing("A flow", {"one": True, "t": "Hi"})
    assert [step.key for step in on.graph.steps] == ["a", "b"]
    assert not on.missing
    off = frozen.landing("A flow", {"one": False})
    assert [action["temporary_id"] for action in off.body["data"]["attributes"]["definition"]["actions"]] == [
        "b"
    ]
    assert not off.missing
    assert [one.key for one in frozen.asked({"one": False})] == ["one"]
    assert [one.key for one in frozen.asked({})] == ["one", "t"]
    assert frozen.landing("A flow", {"t": "Hi"}).missing == ("one",)  # nobody decided


def test_a_switch_inside_a_part_that_is_off_is_not_asked() -> None:
    graph = flow(text("a"), text("b"), text("c"), links=">a a>b b>c")
    frozen = Frozen(document(graph, yes_no("all", "a", end="b"), yes_no("one", "b")))
    assert [one.key for one in frozen.asked({"all": False})] == ["all"]
    assert [one.key for one in frozen.asked({"all": True, "one": False})] == ["all", "one"]
    assert [one.key for one in frozen.asked({"all": False, "one": False})] == ["all"]


def test_nothing_off_leaves_the_definition_as_it_is() -> None:
    definition = to_definition(flow(text("a"), links=">a"))
    assert switched(definition, parts_off([yes_no("one", "a")], {"one": True})) is definition
    assert parts_off([yes_no("one", "a")], {}) == frozenset()  # the suggestion counts


# --- Answers -----------------------------------------------------------------------------------------------------


def question(kind: str, default: Any = None, **limits: Any) -> Question:
    options = ({"value": "a", "label": "First"}, {"value": 2, "label": "Second"})
    return Question(
        "q", kind, "?", default=default, limits=limits, options=options if kind == "choice" else ()
    )


@pytest.mark.parametrize(
    ("asked", "given", "kept", "words"),
    [
        (question("number", whole=True, least=1, most=30), " 7 ", 7, "7"),
        (question("number"), "2,5", 2.5, "2.5"),
        (question("number"), 0, 0, "0"),
        (question("yes-no"), "no", False, "No"),
        (question("yes-no"), True, True, "Yes"),
        (question("choice"), "Second", 2, "Second"),
        (question("choice"), "2", 2, "Second"),
        (question("choice", many=True), ["2", "a"], ["a", 2], "First, Second"),
        (question("delay", {"value": 1, "unit": "days"}), {"value": "3", "unit": "hours"}, None, "3 hours"),
        (question("delay", {"value": 1, "unit": "days"}), "1 day", {"value": 1, "unit": "days"}, "1 day"),
        (question("delay", 4), "5", 5, "5"),
        (question("image"), "https://cdn.example.com/a.png?x=1", None, "https://cdn.example.com/a.png?x=1"),
        (question("coupon"), " WELCOME ", "WELCOME", "WELCOME"),
        (question("text", lines=True), "a\n\n b ", ["a", "b"], "a, b"),
        (question("text", form="time"), "09:30", "09:30:00", "09:30:00"),
        (question("text", form="moment"), "2026-03-31", "2026-03-31T00:00:00+00:00", None),
    ],
)
def test_an_answer_is_read_as_people_write_it(
    asked: Question, given: Any, kept: Any, words: str | None
) -> None:
    found = checked(asked, given)
    if kept is not None:
        assert found == kept
        assert type(found) is type(kept)
    assert words is None or told(asked, found) == words
    assert checked(asked, found) == found  # what is kept is an answer itself


@pytest.mark.parametrize(
    ("asked", "given", "sentence"),
    [
        (question("number", whole=True, least=1, most=30), "31", "Write a whole number from 1 to 30."),
        (question("number", whole=True), "2.5", "Write a whole number."),
        (question("number", least=2), "1", "Write a number, 2 or more."),
        (question("number"), "nan", "Write a number."),
        (question("number"), True, "Write a number."),
        (question("number"), {"a": 1}, "Write a number."),
        (question("yes-no"), "perhaps", "Answer yes or no."),
        (question("choice"), "third", "Choose “First” or “Second”."),
        (question("choice"), ["a"], "Choose one."),
        (question("delay", {"value": 1, "unit": "days"}, units=["days"]), "2 hours", "Say how long in days."),
        (question("delay", {"value": 1, "unit": "days"}), "0 days", "Write a whole number from 1 to 10,000."),
        (question("delay", {"value": 1, "unit": "days"}), [], "Write a whole number from 1 to 10,000."),
        (question("delay", 4), "1" * 40, "Write a whole number from 1 to 10,000."),
        (question("image"), "http://a.example/x.png", "Write the address of an image"),
        (question("image"), "javascript:alert(1)", "Write the address of an image"),
        (question("image"), 'https://a.example/"onerror=', "Write the address of an image"),
        (question("coupon"), "a\nb", "Write it in one line."),
        (question("text"), "  ", "Write something."),
        (question("text"), "x" * 5001, "Write at most 5,000 characters."),
        (question("text", form="time"), "25:00", "Write a time of day, such as 09:30."),
    ],
)
def test_what_is_no_answer_gets_a_sentence(asked: Question, given: Any, sentence: str) -> None:
    with pytest.raises(WrongAnswer, match=sentence.replace("(", r"\(").replace(".", r"\.")):
        checked(asked, given)
