"""Texts and emails: their tags, and contents that are gone; and what a kind mends itself."""

from __future__ import annotations

from flowbuilder.definition.preflight import Checking, check
from flowbuilder.definition.repairs import repair
from tests.definition.drawn import (
    AGREED,
    codes,
    flow,
    found,
    mail,
    step,
    text,
    wait,
)


def test_tags_are_checked_in_texts_and_emails():
    graph = flow(
        mail("m", preview_text="{% if x %}", template_id={"$content": "mail-1"}),
        wait(),
        text("t", body="{{ a"),
    )
    known = Checking(contents={"mail-1": ("<p>\n{% nothing %}{{ b</p>", "{% endif %}")})
    told = {
        (one.code, one.step, one.path[-1], one.blocks)
        for one in check(graph, known)
        if one.code[:4] in ("tag-", "bloc")
    }
    assert told >= {
        ("block-unclosed", "m", "preview_text", True),
        ("tag-unclosed", "t", "body", True),
        ("tag-unclosed", "m", "template_id", True),
        ("tag-unknown", "m", "template_id", False),
        ("block-unopened", "m", "template_id", True),
    }
    texts = [one.text for one in check(graph, known) if one.path[-1:] == ("template_id",)]
    assert any(one.startswith("In the email's HTML, line 2: ") for one in texts)
    assert any(one.startswith("In the email's plain text, line 1: ") for one in texts)


def test_an_email_that_is_gone_is_said():
    graph = flow(mail("m", template_id={"$content": "mail-1"}))
    assert ("no-content", "m") in codes(graph)
    assert "no-content" not in {
        one.code for one in check(graph, Checking(contents={"mail-1": ("<p>Hi</p>", "")}))
    }


def test_what_a_kind_mends_itself_is_one_press_too():
    """An experiment whose shares do not add up: its kind shares them evenly."""
    inner = {"type": "send-email", "data": mail("x").config, "links": None}
    config = {
        "main_action": {**inner, "temporary_id": "a"},
        "current_experiment": {
            "name": "Which?",
            "variations": [{**inner, "temporary_id": "a"}, {**inner, "temporary_id": "b"}],
            "allocations": {"a": 0.5, "b": 0.2},
            "winner_metric": "unique-opens",
        },
        "status": "draft",
    }
    graph = flow(step("test", "ab-test", config), profile_filter=AGREED)
    problem = found(graph, "shares-do-not-add-up")
    assert problem.repair
    better = repair(graph, problem, lambda: "x")
    assert "shares-do-not-add-up" not in {code for code, _ in codes(better)}
