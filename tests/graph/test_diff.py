"""What differs between two states of a flow: in steps here, in sentences in tests/definition/test_telling.py."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.diff import Edit, compare
from flowbuilder.graph.surgery import put, remove, swap
from tests import make

OLD = make.graph("-> a", "a -> s", "s -yes-> b", "s -no-> c", splits="s")


def test_the_same_flow_differs_in_nothing():
    diff = compare(OLD, replace(OLD, links=tuple(reversed(OLD.links))))
    assert not diff
    assert diff == compare(OLD, OLD)


def test_a_step_put_in_between_moves_nobody():
    """[a] -> (s)   ->   [a] -> [new] -> (s)"""
    diff = compare(OLD, put(OLD, Step("new", "wait"), "a", "next"))
    assert (diff.added, diff.removed, diff.changed, diff.moved) == (("new",), (), {}, {})


def test_a_step_taken_out_moves_nobody():
    diff = compare(OLD, remove(OLD, "a"))
    assert (diff.added, diff.removed, diff.moved) == ((), ("a",), {})


def test_sides_exchanged_move_both():
    diff = compare(OLD, swap(OLD, "s"))
    assert diff.moved == {
        "b": (frozenset({("s", "yes")}), frozenset({("s", "no")})),
        "c": (frozenset({("s", "no")}), frozenset({("s", "yes")})),
    }


def test_a_step_cut_off_leads_from_nowhere():
    diff = compare(OLD, replace(OLD, links=tuple(link for link in OLD.links if link.target != "b")))
    assert diff.moved == {"b": (frozenset({("s", "yes")}), frozenset())}


def test_values_are_found_by_their_path():
    old = Graph(
        Trigger("metric", {"id": "M"}), (Step("a", "wait", {"unit": "days", "of": {"x": 1, "y": [1]}}),)
    )
    changed = replace(
        old.steps[0], config={"unit": "hours", "of": {"x": 1, "y": [1, 2]}}, name="Wait", note="!"
    )
    new = replace(old, steps=(changed,), trigger=Trigger("metric", {"id": "N"}), reentry={"duration": 1})
    diff = compare(old, new)
    assert sorted(diff.changed["a"], key=lambda one: one.path) == [
        Edit(("config", "of", "y"), [1], [1, 2]),
        Edit(("config", "unit"), "days", "hours"),
        Edit(("name",), "", "Wait"),
        Edit(("note",), "", "!"),
    ]
    assert diff.trigger == (Edit(("config", "id"), "M", "N"),)
    assert diff.reentry == (Edit((), None, {"duration": 1}),)
    assert diff


KEYS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)


@settings(deadline=None)
@given(KEYS, KEYS)
def test_places_in_two_chains(one, other):
    """In a chain, whoever stands in both has moved when another of both stands before it."""

    def chain(keys: list[str]) -> Graph:
        links = zip([None, *keys], keys, strict=False)
        return Graph(
            steps=tuple(Step(key, "wait") for key in keys), links=tuple(Link(a, "next", b) for a, b in links)
        )

    diff = compare(chain(one), chain(other))
    both = set(one) & set(other)
    assert set(diff.added) == set(other) - both
    assert set(diff.removed) == set(one) - both
    left, right = [key for key in one if key in both], [key for key in other if key in both]
    before = [dict(nx.utils.pairwise([None, *keys])) for keys in (left, right)]
    prior = [{to: key for key, to in pairs.items()} for pairs in before]
    assert set(diff.moved) == {key for key in both if prior[0][key] != prior[1][key]}


def test_thousands_of_steps_are_no_trouble():
    keys = [f"k{index}" for index in range(3000)]
    links = [Link(a, "next", b) for a, b in zip([None, *keys], keys, strict=False)]
    graph = Graph(steps=tuple(Step(key, "wait") for key in keys), links=tuple(links))
    diff = compare(graph, Graph(steps=graph.steps[:1], links=graph.links[:1]))
    assert len(diff.removed) == 2999
    assert compare(Graph(steps=graph.steps[-1:]), graph).moved == {
        "k2999": (frozenset(), frozenset({(None, "next")}))
    }
