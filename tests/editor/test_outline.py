"""The outline: every step once, in order, in well-formed nested lists; its presses lead somewhere. And the
search over steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from django.urls import resolve

from flowbuilder.editor.outline import Branch, find, outline
from flowbuilder.graph import Graph, Problem, surgery
from flowbuilder.kinds.describe import TRIGGER_KEY
from tests.editor.outlines import (
    MAIL,
    SPLIT,
    Page,
    Told,
    shape,
    told,
)

# --- What is told, and in which order --------------------------------------------------------------------------


def test_a_split_holds_its_branches():
    """[t] -> a -> (s) -yes-> b, -no-> exit"""
    made = outline(told(">a", "a>s", "s-yes>b", s=SPLIT))
    assert shape(made) == ["trigger", "a", "s", "s-yes:", "b", "s-no:"]
    assert [one.place.is_end for one in made.parts if isinstance(one, Branch)] == [False, True]


def test_a_rejoined_step_is_told_once():
    """[t] -> (s) -yes-> b -> c, -no-> c"""
    made = outline(told(">s", "s-yes>b", "s-no>c", "b>c", s=SPLIT))
    assert shape(made) == ["trigger", "s", "s-yes:", "b", "c", "s-no:", "=c"]
    assert 'Goes on with <a href="/flows/7/?step=c" data-goto="c">c</a>' in made.html


def test_what_nothing_leads_to_is_told_at_the_end():
    """[t] -> a; x -> y; and p -> q -> p, which nothing leads to."""
    made = outline(told(">a", "x>y", "p>q", "q>p", y=MAIL))
    assert shape(made) == ["trigger", "a", "loose:", "x", "y", "p", "q", "=p"]


def test_an_empty_flow_has_a_place_to_begin():
    assert shape(outline(Told(Graph()))) == ["trigger"]
    assert "?insert=trigger:next" in outline(Told(Graph())).html


def test_a_chain_of_a_thousand():
    keys = [f"s{number}" for number in range(1000)]
    made = outline(told(">s0", *(f"{one}>{other}" for one, other in pairwise(keys))))
    assert shape(made) == ["trigger", *keys]
    assert len(set(Page(made.html).ids)) == len(Page(made.html).ids)


def test_splits_nested_hundreds_deep():
    """Headings stop at six; nothing stops the nesting."""
    keys = [f"s{number}" for number in range(400)]
    made = outline(
        told(
            ">s0",
            *(f"{one}-yes>{other}" for one, other in pairwise(keys)),
            **dict.fromkeys(keys, SPLIT),
        )
    )
    assert len(made.rows) == 401
    page = Page(made.html)
    assert set(page.headings) == {3, 4, 5, 6}
    assert page.headings[:5] == [3, 4, 5, 6, 6]


def test_names_notes_and_problems_are_text():
    evil = "<script>alert(1)</script>"
    design = told(">a", a=MAIL)
    step = replace(design.graph.steps[0], note=evil)
    made = outline(
        Told(
            design.graph.with_steps([step]),
            [Problem("x", evil, "a"), Problem("y", "Look.", "a", blocks=False)],
            {"a": f'"{evil}"'},
        )
    )
    assert "<script" not in made.html
    assert made.html.count("&lt;script&gt;") >= 5
    [row] = [one for one in made.rows if one.card.key == "a"]
    assert row.problems == (("bad", evil), ("warn", "Look."))
    Page(made.html)


# --- Presses ----------------------------------------------------------------------------------------------------


def test_every_press_leads_somewhere():
    page = Page(outline(told(">a", "a>s", "s-yes>b", "s-no>c", "b>c", "x>y", s=SPLIT, b=MAIL)).html)
    assert {resolve(path).url_name for path, _ in page.posts} == {
        "duplicate",
        "copy",
        "cut",
        "paste",
        "move",
        "swap",
        "delete",
        "disconnect",
    }
    assert {resolve(link.partition("?")[0]).url_name for link in page.links} == {"editor", "pick"}


@pytest.mark.parametrize(
    ("key", "up", "down"),
    [
        ("a", None, ("b:next", "Move down")),
        ("b", ("trigger:next", "Move up"), ("s:yes", "Move down, into Yes")),
        ("y", ("b:next", "Move up, before “s”"), None),
        ("n", ("b:next", "Move up, before “s”"), None),
        ("j", None, None),
    ],
)
def test_up_and_down(key, up, down):
    """[t] -> a -> b -> (s) -yes-> y -> j, -no-> n -> j: nothing moves over the place where ways join."""
    made = outline(told(">a", "a>b", "b>s", "s-yes>y", "s-no>n", "y>j", "n>j", s=SPLIT))
    [row] = [one for one in made.rows if one.card.key == key]
    assert (row.up and (row.up.to, row.up.label)) == up
    assert (row.down and (row.down.to, row.down.label)) == down


def test_moved_up_and_down_is_where_it_was():
    """The places offered are those of the act itself: up and then down gives the same flow."""
    design = told(">a", "a>b", "b>c")
    [row] = [one for one in outline(design).rows if one.card.key == "b"]
    source, _, port = row.up.to.partition(":")
    higher = surgery.move(design.graph, "b", None if source == TRIGGER_KEY else source, port)
    assert [one.card.key for one in outline(Told(higher)).rows] == ["trigger", "b", "a", "c"]
    [row] = [one for one in outline(Told(higher)).rows if one.card.key == "b"]
    back = surgery.move(higher, "b", *row.down.to.split(":"))
    assert shape(outline(Told(back))) == shape(outline(design))


# --- Search -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("PLACED", ["trigger"]),
        ("email", ["m"]),
        ("does a", ["a"]),
        ("  ask   Bob ", ["a"]),
        ("conditional-split", ["s"]),
        ("<b>", []),
        ("", []),
    ],
)
def test_search_looks_at_names_sentences_notes_and_kinds(query, keys):
    design = told(">a", "a>s", "s-yes>m", s=SPLIT, m=MAIL)
    steps = [replace(one, note="Ask Bob first") if one.key == "a" else one for one in design.graph.steps]
    found = find(Told(design.graph.with_steps(steps)), query)
    assert [one.card.key for one in found.found] == keys


def test_search_stops_somewhere():
    keys = [f"s{number}" for number in range(100)]
    found = find(told(">s0", *(f"{one}>{other}" for one, other in pairwise(keys))), "does")
    assert (len(found.found), found.total, found.more) == (40, 100, 60)
