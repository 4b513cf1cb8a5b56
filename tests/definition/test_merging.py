"""Three-way merges: laws that hold for any flow, and the cases that people meet."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.merging import NEW, YOURS, Merged, merge, merge_graphs
from flowbuilder.definition.updating import Where, is_linear, plan_update, with_step, without
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Link, Step
from flowbuilder.graph.rules import check_shape
from flowbuilder.kinds.registry import action_kind
from tests.definition.flows import ACTIONS, filter_of, graphs

WAIT = {"unit": "hours", "value": 3, "secondary_value": 0, "timezone": "profile"}
MAIL = {
    "message": {
        "name": "Email 1",
        "subject_line": "Your cart",
        "preview_text": "Still there",
        "template_id": "T1",
    },
    "status": "draft",
}
SHORT = settings(max_examples=120, deadline=None)


def is_same(one: Graph, other: Graph) -> bool:
    """With the same keys, and the same in every way that a person would see. Statuses are an account's own."""
    return set(one.by_key) == set(other.by_key) and _seen(one) == _seen(other)


def _seen(graph: Graph) -> Any:
    steps = tuple(
        replace(step, config={key: each for key, each in step.config.items() if key != "status"})
        for step in graph.steps
    )
    whole = replace(graph, steps=tuple(sorted(steps, key=lambda step: step.key)))
    names = {(link.source, link.port, link.target) for link in graph.links}
    return canonical({"definition": to_definition(whole)}), names


# --- Any flow, changed anyhow -----------------------------------------------------------------------------------


@st.composite
def sound(draw: st.DrawFn) -> Graph:
    """A flow of which every step can be reached, as those in accounts are."""
    graph = draw(graphs(most=7))
    reached = set(graph.reached)
    kept = tuple(step for step in graph.steps if step.key in reached)
    return replace(
        graph, steps=kept, links=tuple(link for link in graph.links if link.source in {None, *reached})
    )


def changed(draw: st.DrawFn, graph: Graph, who: str, only: set[str] | None = None) -> Graph:
    """A few things that people do to a flow; `only` these steps, where it is given."""
    for number in range(draw(st.integers(0, 3))):
        keys = [key for key in graph.by_key if only is None or key in only]
        act = draw(
            st.sampled_from(
                ["set", "insert", "delete", "flow", "swap", "split", "prune"]
                if only is None
                else ["set", "insert", "delete"]
            )
        )
        if act == "flow":
            graph = replace(graph, profile_filter=filter_of(f"{who}{number}"))
        elif act == "swap":
            graph = _swapped(graph, draw)
        elif act == "split" and graph.links:
            graph = _split(graph, draw, f"{who}-{number}")
        elif act == "prune":
            graph = _pruned(graph, draw)
        elif not keys or act == "split":
            continue
        elif act == "set":
            graph = _set(graph, draw(st.sampled_from(keys)), draw, f"{who}{number}")
        elif act == "delete":
            key = draw(st.sampled_from(keys))
            if is_linear(graph.by_key[key]):
                graph = without(graph, key)
        else:
            key = draw(st.sampled_from(keys))
            port = draw(st.sampled_from(graph.by_key[key].ports)) if graph.by_key[key].ports else None
            if port is not None:
                step = Step(f"{who}-{number}", "time-delay", {**WAIT, "value": draw(st.integers(1, 9))})
                if step.key not in graph.by_key:
                    graph = with_step(graph, step, Where(after=key, port=port))
    return graph


def _set(graph: Graph, key: str, draw: st.DrawFn, text: str) -> Graph:
    step = graph.by_key[key]
    config = copy.deepcopy(dict(step.config))
    if isinstance(config.get("message"), dict):
        name = draw(st.sampled_from(["name", "subject_line", "preview_text", "body", "template_id"]))
        config["message"][name] = text
    else:
        config["status" if "status" in config and draw(st.booleans()) else "mark"] = text
    return graph.with_steps(replace(one, config=config) if one.key == key else one for one in graph.steps)


def _split(graph: Graph, draw: st.DrawFn, key: str) -> Graph:
    """A split comes in on one way: whoever says yes goes on."""
    data = ACTIONS["conditional-split"][0]
    config, _ = action_kind("conditional-split").read_links({"type": "conditional-split", "data": data})
    split = Step(key, "conditional-split", config, ports=("yes", "no"))
    link = draw(st.sampled_from(graph.links))
    others = tuple(one for one in graph.links if one != link)
    links = (*others, replace(link, target=key), Link(key, "yes", link.target))
    return replace(graph, steps=(*graph.steps, split), links=links)


def _pruned(graph: Graph, draw: st.DrawFn) -> Graph:
    """A split goes: what led there leads to one of its branches, and what nobody reaches any more goes with it."""
    splits = [one.key for one in graph.steps if len(one.ports) > 1 and graph.out.get(one.key)]
    if not splits:
        return graph
    key = draw(st.sampled_from(splits))
    target = draw(st.sampled_from(sorted(graph.out[key].values())))
    links = [
        replace(one, target=target) if one.target == key else one for one in graph.links if one.source != key
    ]
    left = replace(graph, links=tuple(links))
    reached = set(left.reached)
    steps = tuple(one for one in graph.steps if one.key in reached)
    return replace(left, steps=steps, links=tuple(one for one in links if one.source in {None, *reached}))


def _swapped(graph: Graph, draw: st.DrawFn) -> Graph:
    """Two neighbours of one way out change places."""
    pairs = [
        (link.source, link.target)
        for link in graph.links
        if link.source and is_linear(graph.by_key[link.source]) and is_linear(graph.by_key[link.target])
    ]
    if not pairs:
        return graph
    first, second = draw(st.sampled_from(pairs))
    if len(graph.into[second]) != 1:
        return graph
    step = graph.by_key[first]
    return with_step(without(graph, first), step, Where(after=second))


@st.composite
def three(draw: st.DrawFn) -> tuple[Graph, Graph, Graph]:
    base = draw(sound())
    return base, changed(draw, base, "new"), changed(draw, base, "own")


@SHORT
@given(three())
def test_with_no_change_on_one_side_it_is_the_other(flows):
    base, offered, found = flows
    assert is_same(merge_graphs(base, offered, base, {}).graph, offered)
    assert is_same(merge_graphs(base, base, found, {}).graph, found)
    assert merge_graphs(base, base, base, {}).points == ()


@SHORT
@given(three())
def test_both_the_same_is_that(flows):
    base, offered, _ = flows
    merged = merge_graphs(base, offered, offered, {})
    assert is_same(merged.graph, offered)
    assert merged.points == ()


@SHORT
@given(three(), st.data())
def test_never_an_illegal_graph_whatever_is_chosen(flows, data):
    base, offered, found = flows
    first = merge_graphs(base, offered, found, {})
    choices = {one.id: data.draw(st.sampled_from(["", YOURS, NEW])) for one in first.points}
    for merged in (first, merge_graphs(base, offered, found, choices)):
        assert check_shape(merged.graph) == []
        assert set(merged.graph.reached) == set(merged.graph.by_key)
        assert {link.port for link in merged.graph.links if link.source is None} <= {"next"}
        canonical({"definition": merged.definition})  # it can be written and read


@SHORT
@given(three())
def test_a_clash_that_is_decided_is_no_clash(flows):
    base, offered, found = flows
    for choice in (YOURS, NEW):
        merged = merge_graphs(base, offered, found, {})
        for _ in range(3):  # one decision may bring up another
            merged = merge_graphs(base, offered, found, {one.id: choice for one in merged.points})
        assert merged.open == ()


@SHORT
@given(three())
def test_all_new_is_the_offer_and_all_yours_is_the_account(flows):
    """Every point, decided one way, leaves nothing of the other side: nothing happens that is not told."""
    base, offered, found = flows
    for choice, whole in ((NEW, offered), (YOURS, found)):
        merged, seen = merge_graphs(base, offered, found, {}), set()
        while {one.id for one in merged.points} - seen:
            seen |= {one.id for one in merged.points}
            merged = merge_graphs(base, offered, found, dict.fromkeys(seen, choice))
        if choice == NEW or not merged.of("taken"):
            assert is_same(merged.graph, whole)


@st.composite
def apart(draw: st.DrawFn) -> tuple[Graph, Graph, Graph]:
    """Each side changes steps of its own, of which none is next to one of the other's."""
    base = draw(sound())
    keys = sorted(base.by_key)
    mine = set(draw(st.lists(st.sampled_from(keys), max_size=3)))
    near = mine | {link.target for link in base.links if link.source in mine}
    near |= {link.source for link in base.links if link.target in near and link.source}
    near |= {link.target for link in base.links if link.source in near}
    rest = set(keys) - near
    return base, changed(draw, base, "new", rest), changed(draw, base, "own", mine)


@SHORT
@given(apart())
def test_it_commutes_where_each_has_its_own_place(flows):
    base, offered, found = flows
    one, other = merge_graphs(base, offered, found, {}), merge_graphs(base, found, offered, {})
    assert one.open == other.open == ()
    assert is_same(one.graph, other.graph)
    flipped = {"kept": "taken", "taken": "kept"}
    assert {(point.id, point.state) for point in one.points} == {
        (point.id, flipped[point.state]) for point in other.points
    }


# --- What people meet -------------------------------------------------------------------------------------------


def flow(*steps: Step, links: tuple[tuple[str | None, str, str], ...] = ()) -> Graph:
    """A chain, or with links of its own."""
    chain = [
        (before.key if before else None, "next", step.key)
        for before, step in zip((None, *steps), steps, strict=False)
    ]
    return Graph(steps=steps, links=tuple(Link(*one) for one in (links or chain)))


def wait(key: str = "wait", value: int = 3) -> Step:
    return Step(key, "time-delay", {**WAIT, "value": value})


def text(key: str, body: str = "Hello") -> Step:
    return Step(key, "send-sms", {"message": {"name": key, "body": body}, "status": "draft"})


def mail(**message: Any) -> Step:
    return Step("mail", "send-email", {**MAIL, "message": {**MAIL["message"], **message}})


def states(merged: Merged) -> dict[str, str]:
    return {one.id: one.state for one in merged.points}


def together(base: Graph, offered: Graph, found: Graph, **choices: str) -> Merged:
    return merge_graphs(base, offered, found, {key.replace("__", " "): one for key, one in choices.items()})


def test_their_subject_stays_and_the_new_preview_comes():
    """<wait> -> [mail]   each changes another setting of one email"""
    base, offered, found = (
        flow(wait(), one) for one in (mail(), mail(preview_text="New"), mail(subject_line="Mine"))
    )
    merged = together(base, offered, found)
    message = merged.graph.by_key["mail"].config["message"]
    assert (message["subject_line"], message["preview_text"]) == ("Mine", "New")
    assert states(merged) == {"mail message.preview_text": "taken", "mail message.subject_line": "kept"}


def test_one_setting_that_both_changed_is_one_question():
    base, offered, found = (
        flow(one) for one in (mail(), mail(subject_line="New"), mail(subject_line="Mine"))
    )
    name = "mail message.subject_line"
    merged = merge_graphs(base, offered, found, {})
    assert [(one.id, one.base, one.offered, one.found) for one in merged.open] == [
        (name, "Your cart", "New", "Mine")
    ]
    for choice, subject in ((YOURS, "Mine"), (NEW, "New")):
        decided = merge_graphs(base, offered, found, {name: choice})
        assert decided.open == ()
        assert decided.graph.by_key["mail"].config["message"]["subject_line"] == subject


def test_a_delay_is_one_value():
    """Half of one delay and half of another is neither."""
    base = flow(wait(value=3))
    offered = flow(replace(wait(), config={"unit": "days", "value": 1, "timezone": "profile"}))
    merged = together(base, offered, flow(wait(value=5)))
    assert states(merged) == {"wait settings": "clash"}
    assert (
        together(base, offered, flow(wait(value=5)), wait__settings=NEW).graph.by_key["wait"].config["unit"]
        == "days"
    )


def test_their_text_keeps_its_place_when_a_wait_comes_in_before():
    """base <wait> -> [mail]    offered <wait> -> <day> -> [mail]    found <wait> -> [mail] -> [thanks]"""
    day = wait("day", 24)
    merged = together(flow(wait(), mail()), flow(wait(), day, mail()), flow(wait(), mail(), text("thanks")))
    assert merged.graph.reached == ("wait", "day", "mail", "thanks")
    assert states(merged) == {"day step": "taken", "thanks step": "kept"}


def test_a_step_that_they_deleted_stays_away_until_the_offer_changes_it():
    base, found = flow(wait(), mail()), flow(wait())
    assert together(base, flow(wait(value=4), mail()), found).graph.reached == ("wait",)
    changed_too = flow(wait(), mail(subject_line="New"))
    merged = together(base, changed_too, found)
    assert states(merged) == {"mail step": "clash"}
    assert merged.graph.reached == ("wait",)
    assert together(base, changed_too, found, mail__step=NEW).graph.reached == ("wait", "mail")


def test_a_step_that_the_offer_drops_and_they_edited_is_a_question():
    base, offered = flow(wait(), mail(), text("t")), flow(wait(), text("t"))
    merged = together(base, offered, flow(wait(), mail(subject_line="Mine"), text("t")))
    assert states(merged) == {"mail step": "clash"}
    assert merged.graph.reached == ("wait", "mail", "t")


def test_two_new_orders_are_one_question():
    """base a -> b -> c    offered b -> a -> c    found a -> c -> b"""
    a, b, c = (text(key) for key in "abc")
    merged = together(flow(a, b, c), flow(b, a, c), flow(a, c, b))
    assert states(merged) == {"order": "clash"}
    assert merged.graph.reached == ("a", "c", "b")
    assert together(flow(a, b, c), flow(b, a, c), flow(a, c, b), order=NEW).graph.reached == ("b", "a", "c")


def test_what_one_branch_gets_never_becomes_everybodys():
    """base (s) -yes-> [b] -no-> [c]    offered [b]    found (s) -yes-> [b] -no-> [c] -> [x]"""
    data = ACTIONS["conditional-split"][0]
    config, _ = action_kind("conditional-split").read_links({"type": "conditional-split", "data": data})
    s = Step("s", "conditional-split", config, ports=("yes", "no"))
    b, c, x = (text(key) for key in "bcx")
    ways = ((None, "next", "s"), ("s", "yes", "b"), ("s", "no", "c"))
    base, found = flow(s, b, c, links=ways), flow(s, b, c, x, links=(*ways, ("c", "next", "x")))
    merged = together(base, flow(b), found)
    assert states(merged)["order"] == "clash"
    assert ("s", "no") in {(one.source, one.port) for one in merged.graph.links}


def test_to_put_everything_back_is_the_same_merge():
    """Restoring: the offer is what was sent, and each edit of theirs is decided against them."""
    base = flow(wait(), mail(), text("t"))
    found = flow(wait(value=9), mail(subject_line="Mine"), text("extra"))
    points = merge_graphs(base, base, found, {}).points
    assert {one.state for one in points} == {"kept"}
    assert is_same(merge_graphs(base, base, found, {one.id: NEW for one in points}).graph, base)
    only = merge_graphs(base, base, found, {"mail message.subject_line": NEW})
    assert only.graph.by_key["mail"].config["message"]["subject_line"] == "Your cart"
    assert only.graph.reached == ("wait", "mail", "extra")


def test_what_is_to_be_done_is_a_plan_from_what_is_there():
    base, found = flow(wait(), mail()), flow(wait(), mail(subject_line="Mine"), text("thanks"))
    offered = flow(wait(), mail(preview_text="New"), text("last"))
    one, other = (to_definition(each) for each in (found, base))
    merged = merge(other, to_definition(offered), one)
    steps = {key: {"action": str(index)} for index, key in enumerate(found.by_key)}
    plan = plan_update(one, merged.definition, steps)
    assert [(change.kind, change.key) for change in plan.changes] == [("insert", "last"), ("patch", "mail")]
    assert plan.changes[1].body["data"]["message"]["subject_line"] == "Mine"
