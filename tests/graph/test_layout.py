"""Where steps are drawn: nothing overlaps and no wire runs through a card, whatever the flow; trees have no crossings;
ways that join meet under the middle of their branches; a chain of thousands is no deeper than one of ten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.layout import CARD_WIDTH, GAP_JOIN, Layout, path_of, place
from flowbuilder.graph.tiers import tiers_of
from tests.make import graph

PORTS = [("next",), ("next",), ("yes", "no"), ("a", "b", "c"), ()]
HEIGHTS = [55, 72, 117, 155]


@st.composite
def flows(draw, *, joins: bool = True, loose: bool = True):
    """A flow without circles: each step hangs on a free way of an earlier one; others may lead there too, or none."""
    steps: list[Step] = []
    links: list[Link] = []
    free: list[tuple[str | None, str]] = [(None, "next")]
    for index in range(draw(st.integers(0, 22))):
        step = Step(f"k{index}", "x", ports=draw(st.sampled_from(PORTS)))
        steps.append(step)
        ways = draw(st.integers(0 if loose else 1, 3 if joins else 1))
        for _ in range(min(ways, len(free))):
            links.append(Link(*free.pop(draw(st.integers(0, len(free) - 1))), step.key))
        free += [(step.key, port) for port in step.ports]
    return Graph(Trigger("metric"), tuple(steps), tuple(links))


def segments(wire) -> list[tuple[int, int, int, int]]:
    """The straight parts of a wire, corner to corner."""
    x, y, shape, found = wire.x, wire.y, wire.shape, []
    for index in range(0, len(shape) - 1, 2):
        bend, across = wire.y + shape[index], wire.x + shape[index + 1]
        found += [(x, y, x, bend), (x, bend, across, bend)]
        x, y = across, bend
    return [*found, (x, y, x, wire.y + shape[-1])]


def check(flow: Graph, layout: Layout) -> None:
    boxes = {box.key: box for box in layout.boxes}
    assert boxes.keys() == {"trigger", *flow.by_key}
    assert len(boxes) == len(layout.boxes)
    ends = {(end.source, end.port): end.box for end in layout.exits}
    taken = [*boxes.values(), *ends.values()]
    for index, one in enumerate(taken):
        assert layout.left <= one.x <= one.x + one.width <= layout.left + layout.width
        assert 0 <= one.y <= one.bottom <= layout.height
        for other in taken[:index]:
            assert (
                one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.bottom <= other.y
                or other.bottom <= one.y
            ), (one, other)
    for wire in layout.wires:
        above = boxes[wire.source or "trigger"]
        assert (wire.x, wire.y) == (above.middle, above.bottom)
        end = ends.get((wire.source, wire.port)) or boxes[wire.target]
        parts = segments(wire)
        assert parts[-1][2:] == (end.middle, end.y), "it ends where it leads"
        for x1, y1, x2, y2 in parts:
            assert y2 >= y1, "no way points upward"
            for box in taken:
                is_through = (
                    max(x1, x2) > box.x and min(x1, x2) < box.x + box.width and y2 > box.y and y1 < box.bottom
                )
                assert not is_through, (wire, box)
        plus_x, plus_y = wire.x + wire.plus[0], wire.y + wire.plus[1]
        assert any(x1 == x2 == plus_x and y1 < plus_y < y2 for x1, y1, x2, y2 in parts), "its + is on it"
    spots = [(wire.x + wire.plus[0], wire.y + wire.plus[1]) for wire in layout.wires]
    assert len(set(spots)) == len(spots)


@given(flows(), st.data(), st.booleans())
def test_nothing_ever_overlaps(flow, data, around):
    heights = {key: data.draw(st.sampled_from(HEIGHTS)) for key in ("trigger", *flow.by_key)}
    layout = place(flow, heights.__getitem__, around_trigger=around)
    check(flow, layout)
    assert place(flow, heights.__getitem__, around_trigger=around) == layout, "always the same"
    if around:
        assert layout.boxes[0].middle == 0


@given(flows(joins=False, loose=False))
def test_trees_have_no_crossings(flow):
    layout = place(flow, lambda key: 72)
    lines = [(wire, part) for wire in layout.wires for part in segments(wire)]
    for one, (x1, y1, x2, y2) in lines:
        for other, (u1, v1, u2, v2) in lines:
            if one is other or one.source == other.source:
                continue
            crosses = (
                y1 == y2 and u1 == u2 and min(x1, x2) < u1 < max(x1, x2) and v1 < y1 < v2
            )  # one goes across, the other down
            assert not crosses, (one, other)


@given(flows())
def test_reading_order_has_each_step_after_all_that_lead_to_it(flow):
    layout = place(flow, lambda key: 72)
    order = {box.key: index for index, box in enumerate(layout.boxes)}
    elsewhere = {(end.source, end.port) for end in layout.exits}
    for wire in layout.wires:
        if wire.target and (wire.source, wire.port) not in elsewhere:
            assert order[wire.source or "trigger"] < order[wire.target]


def test_branches_join_under_their_split():
    """[t] -> (s) -yes-> a -> b -> z
    -no------------> z"""
    flow = graph("-> s", "s -yes-> a", "a -> b", "b -> z", "s -no-> z", splits="s")
    layout = place(flow, lambda key: 72)
    boxes = {box.key: box for box in layout.boxes}
    assert boxes["z"].middle == boxes["s"].middle
    assert boxes["z"].y == boxes["b"].bottom + GAP_JOIN
    assert [box.key for box in layout.boxes] == ["trigger", "s", "a", "b", "z"]
    no = next(wire for wire in layout.wires if (wire.source, wire.port) == ("s", "no"))
    assert len(no.shape) == 5, "down, across, down its own column, across, down"


def test_a_join_inside_a_branch_stays_in_it():
    """[t] -> (s) -yes-> (q) -yes-> a -> z -> m
    -no--------> z
    -no-> m"""
    flow = graph(
        *("-> s", "s -yes-> q", "q -yes-> a", "a -> z", "q -no-> z", "z -> m", "s -no-> m"), splits="sq"
    )
    layout = place(flow, lambda key: 72)
    boxes = {box.key: box for box in layout.boxes}
    assert boxes["z"].middle == boxes["q"].middle
    assert boxes["m"].middle == boxes["s"].middle
    check(flow, layout)


def test_a_way_passes_beside_a_step_on_which_others_join():
    """[t] -> (s) -yes-> (q) -yes-> m -> z       s.no leads to m as well, and q.no past it to z"""
    flow = graph(
        *("-> s", "s -yes-> q", "q -yes-> m", "q -no-> w", "s -no-> m", "m -> z", "w -> z"), splits="sq"
    )
    layout = place(flow, lambda key: 72)
    check(flow, layout)
    passing = next(wire for wire in layout.wires if wire.source == "w")
    assert len(passing.shape) == 5


def test_what_parts_again_stays_straight_below_and_its_end_stands_beside_it():
    """Five times (bought?) -yes-> exit, -no-> mail: no staircase."""
    links, splits = ["-> 0"], "01234"
    for key in range(4):
        links.append(f"{key} -no-> {key + 1}")
    layout = place(graph(*links, splits=splits), lambda key: 72)
    middles = {box.middle for box in layout.boxes}
    assert len(middles) == 1
    assert layout.width < 4 * CARD_WIDTH


def test_what_nothing_leads_to_is_drawn_below_as_its_own_tree():
    """[t] -> a;  x -> y;  x is led to by nothing, y goes on with a"""
    flow = Graph(
        Trigger("m"),
        (Step("a", "w"), Step("x", "w"), Step("y", "w")),
        (Link(None, "next", "a"), Link("x", "next", "y"), Link("y", "next", "a")),
    )
    layout = place(flow, lambda key: 72)
    check(flow, layout)
    boxes = {box.key: box for box in layout.boxes}
    assert boxes["x"].y > boxes["a"].bottom
    assert boxes["y"].middle == boxes["x"].middle
    assert [(end.source, end.target) for end in layout.exits] == [("a", None), ("y", "a")]


def test_a_circle_is_drawn_and_does_not_hang():
    """Reading refuses circles; a picture of one still ends."""
    steps = tuple(Step(key, "w") for key in "abc")
    circle = (Link("a", "next", "b"), Link("b", "next", "c"), Link("c", "next", "a"))
    check(Graph(Trigger("m"), steps, circle), place(Graph(Trigger("m"), steps, circle), lambda key: 72))
    joined = Graph(Trigger("m"), steps, (Link(None, "next", "a"), *circle))
    check(joined, place(joined, lambda key: 72))


@pytest.mark.parametrize("count", [1, 5000])
def test_a_chain_may_be_as_long_as_one_likes(count):
    steps = tuple(Step(f"k{index}", "w") for index in range(count))
    links = tuple(Link(f"k{index - 1}" if index else None, "next", f"k{index}") for index in range(count))
    layout = place(Graph(Trigger("m"), steps, links), lambda key: 72)
    assert len(layout.boxes) == count + 1
    assert layout.height == pytest.approx(40 + 72 + count * 132 + 60 + 24 + 40)


def test_dominators_are_those_of_the_textbook():
    """a parts into b and c; both lead to d and e; d and e lead to f: all three hang under a."""
    ports = {"a": ("1", "2"), "b": ("1", "2"), "c": ("1", "2")}
    steps = tuple(Step(key, "w", ports=ports.get(key, ("1",))) for key in "abcdef")
    ways = ["a1b", "a2c", "b1d", "b2e", "c1d", "c2e", "d1f", "e1f"]
    flow = Graph(
        Trigger("m"), steps, (Link(None, "next", "a"), *(Link(way[0], way[1], way[2]) for way in ways))
    )
    tiers = tiers_of(flow, "trigger", [("trigger", flow.targets(None))])
    assert {key: set(joins) for key, joins in tiers.joins.items()} == {"a": {"d", "e", "f"}}


def test_paths_have_round_corners():
    assert path_of((60,)) == "M0 0V60"
    assert path_of((34, -162, 102)) == "M0 0V22Q0 34 -12 34H-150Q-162 34 -162 46V102"
    assert path_of((34, 162, 102), 10, 5) == "M10 5V27Q10 39 22 39H160Q172 39 172 51V107"
