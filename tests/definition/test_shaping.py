"""How a flow is built in an account: a strict tree, nested splits. Everybody goes the same way as in the design.

The oracle walks people one by one: each has an answer to every question, which may change after each step.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.definition.preflight import blocking, check
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.shaping import (
    MOST_STEPS,
    UnableToShape,
    duplicate_tails,
    nest_branches,
    offers,
    shape,
    shape_definition,
)
from flowbuilder.definition.ways import same_ways
from flowbuilder.definition.writing import create_body, to_definition
from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.walk import breadth_first
from tests.definition.drawn import EVENT, METRIC, flow, groups, mail, split, step, text, wait
from tests.definition.flows import branches, filter_of, graphs
from tests.definition.judges import judge

BOTH = {"duplicate_tails": True, "nest_branches": True}
calm = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
TYPES = (
    "conditional-split",
    "multi-branch-split",
    "time-delay",
    "send-email",
    "trigger-split",
    "update-profile",
)


# --- The oracle -------------------------------------------------------------------------------------------------


def answer(person: int, question: Any, moment: int) -> bool:
    return random.Random(f"{person} {question} {moment}").random() < 0.5


def walked(graph: Graph, person: int) -> list[Any]:
    """What happens to one person: what each step that does something says, until the flow ends."""
    key, seen = graph.entry, []
    while key is not None:
        one = graph.by_key[key]
        out = graph.out.get(key, {})
        asks = one.config.get("profile_filter") or one.config.get("trigger_filter")
        if one.type in ("conditional-split", "trigger-split"):
            key = out.get("yes" if asks and answer(person, asks, len(seen)) else "no")
        elif one.type == "multi-branch-split":
            rows = zip(one.ports, one.config["branches"], strict=True)
            port = next(
                port
                for port, row in rows
                if row.get("is_else")
                or (row["branch_filter"] and answer(person, row["branch_filter"], len(seen)))
            )
            key = out.get(port)
        else:
            seen.append((one.type, one.config))
            key = out.get("next")
    return seen


def everybody(graph: Graph) -> list[list[Any]]:
    return [walked(graph, person) for person in range(40)]


# --- Any flow ---------------------------------------------------------------------------------------------------


@calm
@given(
    graphs(most=8, types=TYPES), st.sampled_from([{"duplicate_tails": True}, {"nest_branches": True}, BOTH])
)
def test_everybody_goes_the_same_way(graph, how):
    shaped = shape(graph, how)
    assert everybody(shaped.graph) == everybody(graph)
    assert same_ways(graph, shaped.graph)
    assert set(shaped.origins) <= set(shaped.graph.by_key) - set(graph.by_key)
    assert set(shaped.origins.values()) <= set(graph.by_key)
    if how.get("duplicate_tails"):
        reached = set(breadth_first(shaped.graph))
        counted = Counter(link.target for link in shaped.graph.links if link.source in (None, *reached))
        assert max(counted.values()) == 1, "a strict tree"
    if how.get("nest_branches"):
        assert "multi-branch-split" not in {one.type for one in shaped.graph.steps}
    assert shape(shaped.graph, how).graph == shaped.graph, "nothing is left to shape"


@calm
@given(graphs(most=6, types=TYPES), graphs(most=6, types=TYPES), st.data())
def test_the_proof_is_never_wrong(graph, other, data):
    """Whatever is called the same is the same for everybody, also after a change somewhere."""
    changed = shape(graph, {"nest_branches": True}).graph
    one = data.draw(st.sampled_from(changed.links))
    target = data.draw(st.sampled_from([link.target for link in changed.links]))
    links = tuple(replace(link, target=target) if link == one else link for link in changed.links)
    swapped = replace(changed, links=links)
    for candidate in (replace(other, trigger=graph.trigger, profile_filter=None), changed):
        if same_ways(graph, candidate):
            assert everybody(graph) == everybody(candidate)
    if one.source != target and not _leads_to(changed, target, one.source) and same_ways(graph, swapped):
        assert everybody(graph) == everybody(swapped)


def _leads_to(graph: Graph, key: str, other: str | None) -> bool:
    todo = [key]
    while todo:
        if (one := todo.pop()) == other:
            return True
        todo += graph.out.get(one, {}).values()
    return False


@pytest.mark.parametrize("seed", range(3))
def test_the_proof_sees_what_the_oracle_sees(seed):
    """(split) -yes-> [a]; -no-> [b], and the same with its sides exchanged."""
    links = ">split split.yes>a split.no>b"
    graph = flow(split(), mail("a"), text("b"), links=links)
    other = flow(split(), mail("a"), text("b"), links=">split split.no>a split.yes>b")
    assert everybody(graph) != everybody(other)
    assert not same_ways(graph, other)
    assert not same_ways(graph, replace(graph, trigger=Trigger("list", {"id": "x"})))
    assert not same_ways(graph, replace(graph, profile_filter=groups()))
    shorter = flow(split(), mail("a"), text("b"), links=">split split.yes>a")
    assert not same_ways(graph, shorter)
    assert not same_ways(shorter, graph)


def test_what_was_known_may_change_while_somebody_waits():
    """(x) -yes-> <wait> -> (x) -yes-> [a]; -no-> [b]: who waited may have become another, so [b] is no dead end."""
    asks = filter_of("x")
    links = ">x x.yes>wait wait>y y.yes>a y.no>b"
    again = flow(split("x", asks), wait(), split("y", asks), mail("a"), text("b"), links=links)
    once = flow(split("x", asks), wait(), mail("a"), links=">x x.yes>wait wait>a")
    assert everybody(again) != everybody(once)
    assert not same_ways(again, once)
    at_once = flow(
        split("x", asks), split("y", asks), mail("a"), text("b"), links=">x x.yes>y y.yes>a y.no>b"
    )
    assert same_ways(at_once, flow(split("x", asks), mail("a"), links=">x x.yes>a")), (
        "at one moment nothing changes"
    )


# --- Tails ------------------------------------------------------------------------------------------------------


def test_a_shared_tail_is_copied():
    """(split) -yes-> [a] -> [end]; -no-> [end]   ->   [end] for Yes and [end-2] for No, each with what follows."""
    graph = flow(
        split(),
        mail("a"),
        wait("end"),
        text("last"),
        links=">split split.yes>a a>end split.no>end end>last",
    )
    shaped = duplicate_tails(graph)
    assert shaped.graph.out == {
        None: {"next": "split"},
        "split": {"yes": "a", "no": "end-2"},
        "a": {"next": "end"},
        "end": {"next": "last"},
        "end-2": {"next": "last-2"},
    }
    assert shaped.origins == {"end-2": "end", "last-2": "last"}
    assert (shaped.origin("end-2"), shaped.origin("a")) == ("end", "a")
    assert duplicate_tails(shaped.graph).graph is shaped.graph


def test_keys_of_copies_are_new_and_short():
    long = "x" * 64
    graph = flow(
        split(),
        wait(long),
        mail("m"),
        mail("m-2"),
        links=f">split split.yes>{long} split.no>m {long}>m m>m-2",
    )
    keys = {one.key for one in duplicate_tails(graph).graph.steps}
    assert {"m", "m-3", "m-2", "m-2-2"} <= keys
    assert max(map(len, keys)) <= 64


def test_an_experiment_in_a_tail_keeps_ids_of_its_own():
    inner = {"type": "send-email", "data": mail("x").config, "links": None}
    config = {
        "main_action": {**inner, "temporary_id": "main"},
        "current_experiment": {
            "name": "Which?",
            "variations": [{**inner, "temporary_id": "other"}],
            "allocations": {"main": 0.5, "other": 0.5},
        },
    }
    graph = flow(
        split(),
        wait(),
        step("test", "ab-test", config),
        links=">split split.yes>wait wait>test split.no>test",
    )
    shaped = shape(graph, {"duplicate_tails": True}).graph
    copy = shaped.by_key["test-2"].config
    assert copy["main_action"]["temporary_id"] == "test-2-main"
    assert copy["current_experiment"]["allocations"] == {"test-2-main": 0.5, "test-2-v0": 0.5}
    assert shaped.by_key["test"].config == config


def test_what_would_grow_without_end_is_refused():
    """Twelve joins in a row double everything twelve times."""
    steps: list[Step] = []
    links = [Link(None, "next", "s0")]
    for index in range(12):
        steps += [split(f"s{index}", filter_of(str(index))), wait(f"w{index}")]
        links += [Link(f"s{index}", "yes", f"w{index}"), Link(f"s{index}", "no", f"s{index + 1}")]
        links.append(Link(f"w{index}", "next", f"s{index + 1}"))
    graph = Graph(trigger=METRIC, steps=(*steps, mail("s12")), links=tuple(links))
    with pytest.raises(UnableToShape, match=rf"12,286 steps, and {MOST_STEPS:,} is the most"):
        duplicate_tails(graph)


def test_circles_are_refused():
    graph = flow(wait("a"), wait("b"), links=">a a>b b>a")
    with pytest.raises(UnableToShape, match="circle"):
        duplicate_tails(graph)


def test_a_long_chain_with_a_join_is_no_trouble():
    steps = [split(), *(wait(f"w{index}") for index in range(400))]
    links = [Link(None, "next", "split"), Link("split", "yes", "w0"), Link("split", "no", "w1")]
    links += [Link(f"w{index}", "next", f"w{index + 1}") for index in range(399)]
    shaped = shape(Graph(trigger=METRIC, steps=tuple(steps), links=tuple(links)), BOTH)
    assert len(shaped.graph.steps) == 800


# --- Branches ---------------------------------------------------------------------------------------------------


def test_branches_become_a_row_of_splits():
    """(many) -a-> [x]; -b-> exit; -else-> [y]   ->   (a?) -yes-> [x]; -no-> (b?) -no-> [y]"""
    graph = flow(
        replace(step("many", "multi-branch-split", branches("a", "b")), name="Which tier"),
        mail("x"),
        text("y"),
        links=">many many.a>x many.else>y",
    )
    shaped = nest_branches(graph)
    first, second = shaped.graph.by_key["many"], shaped.graph.by_key["many-2"]
    assert first.config == {"profile_filter": filter_of("a")}
    assert second.config == {"profile_filter": filter_of("b")}
    assert (first.type, first.ports, first.name) == ("conditional-split", ("yes", "no"), "Which tier: A")
    assert shaped.graph.out["many"] == {"yes": "x", "no": "many-2"}
    assert shaped.graph.out["many-2"] == {"no": "y"}
    assert shaped.origins == {"many-2": "many"}


def test_branches_that_ask_nothing_fit_nobody():
    config = branches("a")
    config["branches"][0]["branch_filter"] = None
    graph = flow(
        *(wait("w"), step("many", "multi-branch-split", config), mail("x"), text("y")),
        links=">w w>many many.a>x many.else>y",
    )
    shaped = shape(graph, BOTH)
    assert shaped.graph.out == {None: {"next": "w"}, "w": {"next": "y"}}
    assert set(shaped.graph.by_key) == {"w", "y"}, "what only that branch led to is left out"


def test_a_branch_on_the_event_becomes_a_trigger_split():
    config = branches("a")
    config["branches"][0]["branch_filter"] = groups(EVENT)
    graph = flow(step("many", "multi-branch-split", config), mail("x"), links=">many many.a>x")
    shaped = shape(graph, BOTH).graph
    assert shaped.by_key["many"].config == {
        "trigger_filter": groups(EVENT),
        "trigger_id": "CheckM",
        "trigger_type": "metric",
    }
    assert blocking(check(shaped)) == []


def test_a_branch_on_both_is_refused_by_name():
    config = branches("vip")
    config["branches"][0]["branch_filter"]["condition_groups"] += groups(EVENT)["condition_groups"]
    with pytest.raises(UnableToShape, match="“VIP”"):
        nest_branches(flow(step("many", "multi-branch-split", config), mail("x"), links=">many many.vip>x"))


def test_what_nobody_knows_is_not_lost_in_silence():
    config = branches("a")
    config["branches"][0]["colour"] = "blue"
    with pytest.raises(UnableToShape, match="“colour”"):
        nest_branches(flow(step("many", "multi-branch-split", config), mail("x"), links=">many many.a>x"))


# --- Definitions ------------------------------------------------------------------------------------------------

JOINED = flow(
    step("many", "multi-branch-split", branches("a", "b")),
    mail("x"),
    wait(),
    text("y"),
    links=">many many.a>x x>wait many.b>wait wait>y many.else>y",
)


def test_a_definition_is_shaped_and_the_judges_take_it():
    definition, origins = shape_definition(to_definition(JOINED), BOTH)
    assert judge(create_body("x", definition)) == []
    assert origins == {"many-2": "many", "wait-2": "wait", "y-2": "y", "y-3": "y"}
    assert same_ways(JOINED, read_document(definition).graph)


def test_a_definition_with_nothing_to_shape_stays_as_it_is():
    definition = to_definition(flow(mail("m")))
    assert shape_definition(definition, BOTH) == (definition, {})
    assert shape_definition(to_definition(JOINED), {}) == (to_definition(JOINED), {})
    assert shape_definition(to_definition(JOINED), {"duplicate_tails": False}) == (to_definition(JOINED), {})


def test_settings_are_offered_where_they_change_something():
    assert offers(flow(mail("m"))) == ()
    assert offers(JOINED) == ("duplicate_tails", "nest_branches")
    assert offers(nest_branches(JOINED).graph) == ("duplicate_tails",)
    assert offers(duplicate_tails(JOINED).graph) == ("nest_branches",)
