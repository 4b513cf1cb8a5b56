"""What must hold for any flow, and the order in which it is walked downwards."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings

from flowbuilder.graph import Graph, Link, Problem, Step
from flowbuilder.graph.rules import check_completeness, check_shape
from flowbuilder.graph.walk import breadth_first, downwards
from tests import make
from tests.definition.flows import graphs


def codes(found: list[Problem]) -> list[tuple[str, str | None]]:
    return [(one.code, one.step) for one in found]


def test_links_that_cannot_be():
    graph = make.graph("-> a", "a -> b")
    assert codes(check_shape(graph)) == []
    assert codes(check_shape(make.graph("-> a", "a -> b", "b -> a")))[0][0] == "cycle"
    assert codes(check_shape(make.graph("-> a", "a -> a"))) == [("cycle", "a")]
    assert codes(check_shape(make.graph("-> a", "a -maybe-> b"))) == [("no-such-port", "a")]
    doubled = Graph(steps=(Step("a", "wait"), Step("a", "wait")))
    assert codes(check_shape(doubled)) == [("doubled-id", "a")]
    ghost = Graph(steps=(Step("a", "wait"),), links=(Link("a", "next", "x"), Link("y", "next", "a")))
    assert codes(check_shape(ghost)) == [("dangling", "a"), ("dangling", None)]


def test_splits_that_make_no_difference():
    """(s) with nothing after it; (s) -yes-> [a] and -no-> [a]."""
    assert codes(check_completeness(make.graph("-> s", splits="s"))) == [("empty-split", "s")]
    joined = make.graph("-> s", "s -yes-> a", "s -no-> a", splits="s")
    assert codes(check_completeness(joined)) == [("same-sides", "s")]
    one_sided = make.graph("-> s", "s -yes-> a", splits="s")
    assert codes(check_completeness(one_sided)) == []


def test_what_is_not_there():
    assert codes(check_completeness(Graph())) == [("no-trigger", "trigger"), ("no-steps", None)]
    alone = make.graph("-> a", "b -> c")
    assert codes(check_completeness(alone)) == [("unreachable", "b"), ("unreachable", "c")]
    no_start = make.graph("a -> b")
    assert ("no-entry", "trigger") in codes(check_completeness(no_start))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_downwards_every_step_comes_after_all_that_lead_to_it(graph):
    order = downwards(graph)
    assert set(order) == set(breadth_first(graph))
    place = {key: index for index, key in enumerate(order)}
    ways = nx.DiGraph((link.source, link.target) for link in graph.links if link.source in place)
    assert all(place[source] < place[target] for source, target in ways.edges)


def test_a_circle_is_left_out_of_the_order():
    """[a] -> [b] -> [c] -> [b]"""
    assert downwards(make.graph("-> a", "a -> b", "b -> c", "c -> b")) == ["a"]
