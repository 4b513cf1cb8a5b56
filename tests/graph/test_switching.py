"""Switching parts off: pictures, then properties over any flow and any parts.

Each docstring draws the flow before and after.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.rules import check_shape
from flowbuilder.graph.switching import Part, switch_off, take, why_not
from tests.make import graph


def ways(one: Graph) -> set[str]:
    return {f"{link.source or ''}:{link.port}:{link.target}" for link in one.links}


def test_a_step_off_lets_people_go_on() -> None:
    """-> a -> b -> c   b off:   -> a -> c"""
    flow = graph("-> a", "a -> b", "b -> c")
    assert ways(switch_off(flow, [Part("b")])) == {":next:a", "a:next:c"}


def test_the_first_and_the_last_step() -> None:
    """-> a -> b   a off: -> b   b off: -> a   both: nothing is left"""
    flow = graph("-> a", "a -> b")
    assert ways(switch_off(flow, [Part("a")])) == {":next:b"}
    assert ways(switch_off(flow, [Part("b")])) == {":next:a"}
    bare = switch_off(flow, [Part("a"), Part("b")])
    assert not bare.steps
    assert not bare.links


def test_a_side_that_does_not_join_becomes_empty() -> None:
    """-> s -yes-> a -> b;  s -no-> c      yes off:   -> s -no-> c"""
    flow = graph("-> s", "s -yes-> a", "a -> b", "s -no-> c", splits="s")
    after = switch_off(flow, [Part("s", side="yes")])
    assert ways(after) == {":next:s", "s:no:c"}
    assert set(after.by_key) == {"s", "c"}


def test_a_side_that_joins_leads_straight_to_the_joint() -> None:
    """-> s -yes-> a -> e;  s -no-> c -> e      yes off:   s -yes-> e"""
    flow = graph("-> s", "s -yes-> a", "a -> e", "s -no-> c", "c -> e", splits="s")
    assert ways(switch_off(flow, [Part("s", side="yes")])) == {":next:s", "s:yes:e", "s:no:c", "c:next:e"}
    both = switch_off(flow, [Part("s", side="yes"), Part("s", side="no")])
    assert ways(both) == {":next:s", "s:yes:e", "s:no:e"}


def test_a_split_off_keeps_the_chosen_side() -> None:
    """-> w -> s -yes-> a;  s -no-> b     s off, no kept:  -> w -> b     without a word: the first side"""
    flow = graph("-> w", "w -> s", "s -yes-> a", "s -no-> b", splits="s")
    assert ways(switch_off(flow, [Part("s", keep="no")])) == {":next:w", "w:next:b"}
    assert ways(switch_off(flow, [Part("s")])) == {":next:w", "w:next:a"}


def test_a_split_off_with_an_empty_side_kept_ends_there() -> None:
    """-> w -> s -yes-> a    s off, no kept:   -> w"""
    flow = graph("-> w", "w -> s", "s -yes-> a", splits="s")
    assert ways(switch_off(flow, [Part("s", keep="no")])) == {":next:w"}


def test_from_here_to_there_takes_what_stands_between_and_hangs_off() -> None:
    """-> a -> s -yes-> b -> c -> d;  s -no-> x      a to c off:   -> d"""
    flow = graph("-> a", "a -> s", "s -yes-> b", "b -> c", "c -> d", "s -no-> x", splits="s")
    after = switch_off(flow, [Part("a", "c")])
    assert ways(after) == {":next:d"}
    assert set(after.by_key) == {"d"}


def test_who_enters_in_the_middle_of_a_span_goes_on_after_it() -> None:
    """-> s -yes-> a -> b -> c;  s -no-> b      a to b off:   s -yes-> c;  s -no-> c"""
    flow = graph("-> s", "s -yes-> a", "a -> b", "b -> c", "s -no-> b", splits="s")
    assert ways(switch_off(flow, [Part("a", "b")])) == {":next:s", "s:yes:c", "s:no:c"}


def test_parts_one_after_the_other_and_one_in_the_other() -> None:
    """-> a -> b -> c -> d"""
    flow = graph("-> a", "a -> b", "b -> c", "c -> d")
    assert ways(switch_off(flow, [Part("a", "b"), Part("c")])) == {":next:d"}
    assert ways(switch_off(flow, [Part("b"), Part("a", "c")])) == {":next:d"}
    assert ways(switch_off(flow, [Part("a", "c"), Part("b", "d")])) == set()


def test_what_is_not_there_switches_nothing() -> None:
    flow = graph("-> s", "s -yes-> a", splits="s")
    for part, word in (
        (Part("gone"), "not there"),
        (Part("s", "gone"), "not there"),
        (Part("s", side="maybe"), "side"),
        (Part("s", keep="maybe"), "stays"),
        (Part("a", "s"), "does not lead"),
    ):
        assert word in why_not(flow, part)
        assert take(flow, part) is None
        assert switch_off(flow, [part]) is flow


# --- Any flow, any parts -----------------------------------------------------------------------------------------


@st.composite
def flows(draw: Any) -> tuple[Graph, list[Part]]:
    """Steps in a row, each link further down it: no circle, joins wherever they fall, ends, steps out of reach."""
    number = draw(st.integers(1, 9))
    keys = [f"s{index}" for index in range(number)]
    links = [Link(None, "next", keys[0])]
    steps = []
    for index, key in enumerate(keys):
        ports = draw(st.sampled_from([("next",), ("yes", "no"), ("one", "two", "rest")]))
        steps.append(Step(key, "wait", ports=ports))
        for port in ports:
            if (to := draw(st.integers(index + 1, number + 1))) < number:
                links.append(Link(key, port, keys[to]))
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, number - 1))
        end = draw(st.integers(start, number - 1))
        shape = draw(st.sampled_from(["step", "span", "side"]))
        last = keys[end] if shape == "span" else ""
        ports = steps[end if last else start].ports
        side = draw(st.sampled_from(steps[start].ports)) if shape == "side" else ""
        keep = draw(st.sampled_from(("", *ports))) if not side else ""
        parts.append(Part(keys[start], last, keep, side))
    return Graph(Trigger("metric"), tuple(steps), tuple(links)), parts


@given(flows())
@settings(max_examples=600, deadline=None)
def test_never_an_illegal_flow(drawn: tuple[Graph, list[Part]]) -> None:
    flow, parts = drawn
    after = switch_off(flow, parts)
    assert not check_shape(after)
    assert {link.target for link in after.links} <= set(after.by_key)
    assert set(after.by_key) <= set(flow.by_key)
    assert all(after.by_key[key] is flow.by_key[key] for key in after.by_key)  # steps are never changed
    # whatever could be reached and is still there can still be reached
    assert set(flow.reached) & set(after.by_key) == set(after.reached) & set(flow.reached)


@given(flows())
@settings(max_examples=400, deadline=None)
def test_links_heal_along_ways_that_were_there(drawn: tuple[Graph, list[Part]]) -> None:
    """Each link leads where its source led before, by what was taken out: with networkx as the other judge."""
    flow, parts = drawn
    after = switch_off(flow, parts)
    before = nx.DiGraph([(link.source or "trigger", link.target) for link in flow.links])
    for link in after.links:
        assert nx.has_path(before, link.source or "trigger", link.target)
        old = flow.out.get(link.source, {}).get(link.port)
        assert old is not None, "a way that ended does not begin to lead somewhere"
        if old in after.by_key and not any(
            (one.start, one.side) == (link.source, link.port) for one in parts
        ):
            assert link.target == old, "what stays linked stays as it is"


@given(flows(), st.randoms())
@settings(max_examples=400, deadline=None)
def test_the_order_of_switches_means_nothing(drawn: tuple[Graph, list[Part]], random: Any) -> None:
    flow, parts = drawn
    shuffled = parts + parts[:1]
    random.shuffle(shuffled)
    assert switch_off(flow, shuffled) == switch_off(flow, parts)


@given(flows())
def test_all_on_is_the_flow_itself(drawn: tuple[Graph, list[Part]]) -> None:
    flow, _ = drawn
    assert switch_off(flow, []) is flow


@given(flows())
@settings(max_examples=300, deadline=None)
def test_a_part_that_is_off_is_gone_and_its_continuation_is_not(drawn: tuple[Graph, list[Part]]) -> None:
    flow, parts = drawn
    for part in parts:
        taken = take(flow, part)
        if taken is None:
            continue
        after = switch_off(flow, [part])
        assert not taken.steps & set(after.by_key)
        onward = flow.out.get(taken.onward[0], {}).get(taken.onward[1])
        if taken.steps and onward and part.start in flow.reached:
            assert onward in after.by_key


@pytest.mark.parametrize("off", [[Part("a")], [Part("a", "c")], [Part("b", side="next")]])
def test_a_circle_ends_all_the_same(off: list[Part]) -> None:
    """-> a -> b -> c -> a is no flow; it is answered nevertheless."""
    switch_off(graph("-> a", "a -> b", "b -> c", "c -> a"), off)
