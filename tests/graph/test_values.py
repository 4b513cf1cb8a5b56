"""Graphs are drawn; what must hold for any flow, and where it is drawn."""

from __future__ import annotations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.layout import place
from flowbuilder.graph.rules import check_completeness, check_shape
from flowbuilder.graph.walk import all_in_order, breadth_first, depths, descendants, find_cycle, way_to
from tests.make import graph


def codes(problems):
    return [problem.code for problem in problems]


def test_breadth_first_goes_yes_before_no():
    """[t] -> a -> (s) -yes-> b -> d
    -no--> c"""
    flow = graph("-> a", "a -> s", "s -no-> c", "s -yes-> b", "b -> d", splits="s")
    assert breadth_first(flow) == ["a", "s", "b", "c", "d"]


def test_a_rejoined_step_stands_below_the_longest_way():
    """[t] -> (s) -yes-> a -> b -> z
    -no------------> z"""
    flow = graph("-> s", "s -yes-> a", "a -> b", "b -> z", "s -no-> z", splits="s")
    assert depths(flow)["z"] == 3
    layout = place(flow, lambda key: 70)
    boxes = {box.key: box for box in layout.boxes}
    assert boxes["z"].y > boxes["b"].bottom
    assert len([wire for wire in layout.wires if wire.target == "z"]) == 2


def test_shape_refuses_what_cannot_be_kept():
    """[t] -> a -> b -> a"""
    assert codes(check_shape(graph("-> a", "a -> b", "b -> a"))) == ["cycle"]
    assert codes(check_shape(graph("-> a", "a -> a"))) == ["cycle"]
    steps = (Step("a", "wait"), Step("a", "wait"))
    assert codes(check_shape(Graph(Trigger("m"), steps, (Link(None, "next", "a"),)))) == ["doubled-id"]
    dangling = Graph(
        Trigger("m"), (Step("a", "wait"),), (Link(None, "next", "a"), Link("a", "next", "ghost"))
    )
    assert codes(check_shape(dangling)) == ["dangling"]
    twice = Graph(
        Trigger("m"), (Step("a", "w"), Step("b", "w")), (Link(None, "next", "a"), Link(None, "next", "b"))
    )
    assert codes(check_shape(twice)) == ["doubled-port"]
    wrong = Graph(
        Trigger("m"), (Step("a", "w"), Step("b", "w")), (Link(None, "next", "a"), Link("a", "yes", "b"))
    )
    assert codes(check_shape(wrong)) == ["no-such-port"]


def test_completeness_names_what_lacks():
    assert codes(check_completeness(Graph())) == ["no-trigger", "no-steps"]
    stray = Graph(Trigger("m"), (Step("a", "w"), Step("b", "w")), (Link(None, "next", "a"),))
    assert [(one.code, one.step) for one in check_completeness(stray)] == [("unreachable", "b")]
    empty = graph("-> s", splits="s")
    assert [(one.code, one.blocks) for one in check_completeness(empty)] == [("empty-split", False)]


def test_the_way_to_a_step_is_all_ways():
    flow = graph("-> s", "s -yes-> a", "a -> z", "s -no-> z", splits="s")
    assert way_to(flow, "z") == {(None, "next"), ("s", "yes"), ("a", "next"), ("s", "no")}
    assert descendants(flow, "s") == {"a", "z"}


@st.composite
def trees(draw):
    """A flow without rejoined steps: each step hangs on a free way of an earlier one."""
    count = draw(st.integers(1, 24))
    splits = [draw(st.booleans()) for _ in range(count)]
    steps = [
        Step(f"k{index}", "split" if split else "wait", ports=("yes", "no") if split else ("next",))
        for index, split in enumerate(splits)
    ]
    free: list[tuple[str | None, str]] = [(None, "next")]
    links = []
    for step in steps:
        source, port = free.pop(draw(st.integers(0, len(free) - 1)))
        links.append(Link(source, port, step.key))
        free += [(step.key, way) for way in step.ports]
    return Graph(Trigger("metric"), tuple(steps), tuple(links))


@given(trees())
def test_the_layout_of_a_tree_has_no_overlap_and_no_crossing(flow):
    layout = place(flow, lambda key: 60 + 10 * (len(key) % 3))
    boxes = [*layout.boxes, *(one.box for one in layout.exits)]
    for index, one in enumerate(boxes):
        assert one.x >= 0
        assert one.x + one.width <= layout.width
        for other in boxes[index + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            below = one.bottom <= other.y or other.bottom <= one.y
            assert apart or below, (one, other)
    by_key = {box.key: box for box in layout.boxes}
    for step in flow.steps:
        targets = [by_key[target].middle for _, target in flow.targets(step.key) if target]
        assert targets == sorted(targets), "branches stand in port order"
        assert all(
            by_key[target].y > by_key[step.key].bottom for _, target in flow.targets(step.key) if target
        )


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16))
def test_walks_agree_with_an_oracle(pairs):
    """Against networkx: cycles, order of all steps, descendants."""
    edges = [(f"n{a}", f"n{b}") for a, b in dict.fromkeys(pairs) if a != b]
    oracle = networkx.DiGraph(edges)
    oracle.add_nodes_from(f"n{index}" for index in range(8))
    ports = {
        f"n{index}": tuple(f"p{n}" for n, (a, _) in enumerate(edges) if a == f"n{index}")
        for index in range(8)
    }
    flow = Graph(
        Trigger("metric"),
        tuple(Step(key, "wait", ports=ways) for key, ways in ports.items()),
        (Link(None, "next", "n0"), *(Link(a, f"p{n}", b) for n, (a, b) in enumerate(edges))),
    )
    assert bool(find_cycle(flow)) == (not networkx.is_directed_acyclic_graph(oracle))
    assert sorted(all_in_order(flow)) == sorted(oracle)
    assert set(breadth_first(flow)) == {"n0", *networkx.descendants(oracle, "n0")}
    if not find_cycle(flow):
        assert descendants(flow, "n0") == networkx.descendants(oracle, "n0")
        longest = depths(flow)
        assert all(longest[a] < longest[b] for a, b in edges if a in longest and b in longest)


def test_a_rejoined_step_stands_below_the_tallest_way():
    """[t] -> (s) -yes-> a -> b -> z
    -no--> c (tall) -> z"""
    flow = graph("-> s", "s -yes-> a", "a -> b", "b -> z", "s -no-> c", "c -> z", "z -> y", splits="s")
    boxes = {box.key: box for box in place(flow, lambda key: 600 if key == "c" else 60).boxes}
    assert boxes["z"].y > boxes["c"].bottom
    assert boxes["y"].y > boxes["z"].bottom
