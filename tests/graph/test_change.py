"""Acts as values: whatever is done to the shape of a flow, it stays a flow, and what it changed can be taken back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.graph import Graph, Step, surgery, walk
from flowbuilder.graph.change import Clash, Draft, apply, as_data, compare, inverse
from flowbuilder.graph.rules import check_shape
from flowbuilder.graph.surgery import UnableToChange
from tests.make import graph

SIDES = {"wait": ("next",), "split": ("yes", "no"), "many": ("a", "b", "c")}


def ports(kind, config):
    return SIDES[kind]


def text(draft: Draft) -> str:
    return json.dumps(as_data(draft), sort_keys=True)


def ways(made: Graph) -> list[str]:
    return sorted(f"{one.source or ''} {one.port} {one.target}" for one in made.links)


# --- Single acts -----------------------------------------------------------------------------------------------


def test_a_branch_moves_with_all_it_holds():
    """-> a -> (s) -yes-> b -> c, -no-> d; the branch s moves before a"""
    old = graph("-> a", "a -> s", "s -yes-> b", "b -> c", "s -no-> d", splits="s")
    new = surgery.move_branch(old, "s", None, "next")
    assert ways(new) == sorted([" next s", "s yes b", "b next c", "c next a", "s no d"])


def test_a_branch_cannot_come_after_its_own_steps():
    old = graph("-> s", "s -yes-> b", splits="s")
    with pytest.raises(UnableToChange, match="own steps"):
        surgery.move_branch(old, "s", "b", "next")


def test_connecting_rejoins_and_never_makes_a_circle():
    """(s) -yes-> a -> z; -no-> b; b joins z"""
    old = graph("-> s", "s -yes-> a", "a -> z", "s -no-> b", splits="s")
    new = surgery.connect(old, "b", "next", "z")
    assert "b next z" in ways(new)
    for source, target in (("z", "s"), ("z", "z"), ("b", "b")):
        with pytest.raises(UnableToChange, match="circle"):
            surgery.connect(new if source != "b" else old, source, "next", target)
    with pytest.raises(UnableToChange, match="already"):
        surgery.connect(old, "a", "next", "b")


def test_a_way_that_is_gone_takes_its_steps_along():
    """A split of three sides becomes one of two: what stood on the third goes, but not what others lead to."""
    step = Step("m", "many", ports=SIDES["many"])
    old = graph("-> m", "m -a-> x", "m -c-> y", "y -> z", "x -> z", splits="")
    old = old.with_steps(step if one.key == "m" else one for one in old.steps)
    new = surgery.change(old, Step("m", "many", ports=("a", "b")))
    assert ways(new) == sorted([" next m", "m a x", "x next z"])


def test_a_change_in_one_setting_is_one_entry():
    old = Draft("A", Graph(steps=(Step("s", "wait", {"message": {"body": "a", "name": "n"}}),)))
    new = Draft("A", Graph(steps=(Step("s", "wait", {"message": {"body": "b", "name": "n"}}),)))
    path = ["steps", "s", "config", "message", "body"]
    assert compare(old, new) == [{"path": path, "before": "a", "after": "b"}]


def test_two_people_change_two_settings():
    base = Draft("A", Graph(steps=(Step("s", "wait", {"unit": "days", "value": 1}),)))
    mine = Draft("A", Graph(steps=(Step("s", "wait", {"unit": "days", "value": 2}),)))
    theirs = Draft("A", Graph(steps=(Step("s", "wait", {"unit": "hours", "value": 1}),)))
    both = apply(theirs, compare(base, mine), ports)
    assert both.graph.by_key["s"].config == {"unit": "hours", "value": 2}
    again = Draft("A", Graph(steps=(Step("s", "wait", {"unit": "days", "value": 7}),)))
    with pytest.raises(Clash) as clash:
        apply(again, compare(base, mine), ports)
    [one] = clash.value.conflicts
    assert (one.path, one.theirs, one.mine) == (("steps", "s", "config", "value"), 7, 2)
    forced = apply(again, compare(base, mine), ports, force=True)
    assert forced.graph.by_key["s"].config["value"] == 2


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), (None, False), ([1], [True])])
def test_values_that_python_takes_for_equal_are_told_apart(one, other):
    old = Draft("A", Graph(steps=(Step("s", "wait", {"value": one}),)))
    new = Draft("A", Graph(steps=(Step("s", "wait", {"value": other}),)))
    assert len(compare(old, new)) == 1


def test_a_branch_that_joins_another_way_does_not_go_below_it():
    """[trigger] -> (a) -yes-> (b) -yes-> [c], and a -no-> [c]: b leads to c, so it cannot come after c."""
    old = graph("-> a", "a -yes-> b", "b -yes-> c", "a -no-> c", splits="ab")
    with pytest.raises(UnableToChange, match="circle"):
        surgery.move(old, "b", "c", "next")


# --- Any acts --------------------------------------------------------------------------------------------------

KINDS = st.sampled_from(sorted(SIDES))
ACT = st.tuples(
    st.sampled_from(
        ["put", "remove", "branch", "move", "drag", "swap", "connect", "cut off", "copy", "set", "type"]
    ),
    st.integers(0, 999),
    st.integers(0, 999),
    KINDS,
)


def do(old: Graph, act: tuple[str, int, int, str], number: int) -> Graph:
    """One act, its place picked by the two numbers. Raises UnableToChange where it does not fit."""
    name, one, other, kind = act
    keys = sorted(old.by_key)
    places = [(None, "next"), *((key, port) for key in keys for port in old.by_key[key].ports)]
    source, port = places[other % len(places)]
    if name == "put" or not keys:
        return surgery.put(old, Step(f"n{number}", kind, ports=SIDES[kind]), source, port)
    key = keys[one % len(keys)]
    step = old.by_key[key]
    if name == "remove":
        return surgery.remove(old, key, (*step.ports, "")[other % (len(step.ports) + 1)])
    if name == "branch":
        return surgery.remove_branch(old, key)
    if name == "move":
        return surgery.move(old, key, source, port)
    if name == "drag":
        return surgery.move_branch(old, key, source, port)
    if name == "swap":
        return surgery.swap(old, key)
    if name == "connect":
        return surgery.connect(old, source, port, key)
    if name == "cut off":
        return surgery.disconnect(old, source, port)
    if name == "copy":
        count = iter(range(1000))
        piece = surgery.cut(old, surgery.branch_of(old, key), key)
        fresh, _ = surgery.renamed(piece, lambda: f"n{number}x{next(count)}")
        return surgery.put_all(old, fresh, source, port)
    if name == "type":
        return surgery.change(old, Step(key, kind, step.config, ports=SIDES[kind]))
    config = {**step.config, "value": one % 3, "deep": {"er": [other % 2]}}
    return surgery.change(old, Step(key, step.type, config, ports=step.ports))


@settings(max_examples=150, deadline=None)
@given(st.lists(ACT, max_size=25))
def test_any_acts_leave_a_flow_and_can_be_taken_back(acts):
    start = draft = Draft("Flow")
    done = []
    for number, act in enumerate(acts):
        try:
            new = Draft(draft.name, do(draft.graph, act, number))
        except UnableToChange:
            continue
        assert check_shape(new.graph) == []
        assert not walk.find_cycle(new.graph)
        change = json.loads(json.dumps(compare(draft, new)))  # as the database keeps it
        assert text(apply(draft, change, ports)) == text(new), act
        done.append((draft, change, new))
        draft = new
    last = text(draft)
    for old, change, _ in reversed(done):
        draft = apply(draft, inverse(change), ports)
        assert text(draft) == text(old)
    assert text(draft) == text(start)
    for _, change, _ in done:
        draft = apply(draft, change, ports)
    assert text(draft) == last


@settings(max_examples=100, deadline=None)
@given(st.lists(ACT, min_size=3, max_size=12), ACT, ACT)
def test_two_acts_at_once_both_hold_or_one_is_told(acts, mine, theirs):
    """Two people act on the same state: the second act holds beside the first, or says where they clash."""
    made = Graph()
    for number, act in enumerate(acts):
        try:
            made = do(made, act, number)
        except UnableToChange:
            continue
    try:
        one, other = do(made, mine, 500), do(made, theirs, 600)
    except UnableToChange:
        return
    base = Draft("Flow", made)
    change = compare(base, Draft("Flow", one))
    try:
        both = apply(Draft("Flow", other), change, ports)
    except Clash:
        return  # it is told, and nothing was done
    found = {tuple(entry["path"]): entry for entry in compare(Draft("Flow", other), both)}
    mine_paths = {tuple(entry["path"]) for entry in change}
    assert found.keys() <= mine_paths, "nothing else of theirs is touched"
    both_data, one_data = as_data(Draft("Flow", both.graph)), as_data(Draft("Flow", one))
    for path in mine_paths:  # nothing of mine is lost
        assert _at(both_data, path) == _at(one_data, path)


def _at(value, path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
