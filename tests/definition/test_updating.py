"""What can be changed in a flow that is there: the plan, made on a simple account, gives the wanted flow; and what
cannot is said. The account here is a table of actions that knows what Klaviyo does with one call, and no graph."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.updating import Change, Where, applied, as_sent, merged, plan_update
from flowbuilder.definition.writing import to_definition
from flowbuilder.graph import Graph, Link, Step
from tests.definition.flows import ACTIONS, branches, filter_of, graphs
from tests.sandbox.talk import definition as of
from tests.sandbox.talk import mail, split, step, wait

calm = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
LINEAR = ("time-delay", "send-sms", "update-profile", "send-webhook")
TYPES = (*LINEAR, "time-delay", "conditional-split", "multi-branch-split", "send-email")
Json = dict[str, Any]


class Account:
    """One flow as an account keeps it: way -> id, a way being (id or "start", the name of its link)."""

    def __init__(self, definition: Json) -> None:
        graph = read(definition)
        self.number = 100
        self.ids: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        for one in graph.steps:
            self.take(one.key, one.type, one.config)
        self.ways = {
            (self.ids[link.source] if link.source else "start", link.port): self.ids[link.target]
            for link in graph.links
        }

    def take(self, key: str, type_: str, data: Any) -> str:
        self.number += 1
        id = self.ids[key] = str(self.number)
        self.types[id], self.data[id] = type_, copy.deepcopy(data)
        return id

    @property
    def steps(self) -> dict[str, Json]:
        return {key: {"action": id, "message": None} for key, id in self.ids.items()}

    def do(self, change: Change) -> None:
        if change.kind == "patch":
            assert change.action == self.ids[change.key]
            assert change.body["type"] == self.types[change.action]
            self.data[change.action] = change.body["data"]
        elif change.kind == "delete":
            id = self.ids.pop(change.key)
            assert change.action == id
            assert [port for source, port in self.ways if source == id] in ([], ["next"]), "no split goes"
            after = self.ways.pop((id, "next"), None)
            for way in [way for way, target in self.ways.items() if target == id]:
                del self.ways[way]
                if after:
                    self.ways[way] = after
        else:
            self.insert(change, change.where)

    def insert(self, change: Change, where: Where | None) -> None:
        assert where is not None
        assert "links" not in change.body
        new = self.take(change.key, change.body["type"], change.body["data"])
        if where.after is not None:
            taken = [(self.ids[where.after], where.port)]
            following = self.ways.get(taken[0])
        elif where.before is not None:
            following = self.ids[where.before]
            taken = [way for way, target in self.ways.items() if target == following]
        else:
            assert not self.ways, "the first step is put into an empty flow only"
            taken, following = [("start", "next")], None
        self.ways |= dict.fromkeys(taken, new)
        if following:
            self.ways[new, "next"] = following

    def graph(self, like: Graph) -> Graph:
        """As a graph with our keys, to compare."""
        key = {id: key for key, id in self.ids.items()}
        steps = tuple(
            Step(one, self.types[id], self.data[id], ports=like.by_key[one].ports)
            for one, id in self.ids.items()
        )
        links = tuple(Link(key.get(source), port, key[id]) for (source, port), id in self.ways.items())
        return replace(like, steps=steps, links=links)


def read(definition: Json) -> Graph:
    return read_document({"definition": definition}).graph


def text(id: str = "text", next: str | None = None) -> Json:
    return step(
        "send-sms", {"message": {"name": id, "body": "Hi"}, "status": "draft"}, id, links={"next": next}
    )


# --- Any flow, any edits ----------------------------------------------------------------------------------------


@st.composite
def edited(draw: st.DrawFn, most: int = 5) -> tuple[Graph, Graph]:
    """A flow, and the same after some acts that a person may do to it."""
    old = new = reachable(draw(graphs(types=TYPES)))
    for number in range(draw(st.integers(0, most))):
        new = draw(acts(new, f"n{number}"))
    return old, new


def reachable(graph: Graph) -> Graph:
    """Without what the trigger does not lead to: Klaviyo takes no such step."""
    keys = set(graph.reached)
    links = tuple(one for one in graph.links if one.source is None or one.source in keys)
    return replace(graph, steps=tuple(one for one in graph.steps if one.key in keys), links=links)


@st.composite
def acts(draw: st.DrawFn, graph: Graph, key: str) -> Graph:
    ways = [(None, "next"), *((one.key, port) for one in graph.steps for port in one.ports)]
    linear = [one for one in graph.steps if one.ports == ("next",)]
    act = draw(st.sampled_from(("on a way", "before", "delete", "change")))
    links = {(link.source, link.port): link.target for link in graph.links}
    if act == "on a way":
        kind = draw(st.sampled_from(LINEAR))
        way = draw(st.sampled_from(ways))
        if way in links:
            links[key, "next"] = links[way]
        links[way] = key
        steps = (*graph.steps, Step(key, kind, draw(st.sampled_from(ACTIONS[kind]))))
    elif act == "before" and links:
        target = draw(st.sampled_from(sorted(set(links.values()))))
        links = {way: key if to == target else to for way, to in links.items()}
        links[key, "next"] = target
        steps = (*graph.steps, Step(key, "time-delay", {"unit": "days", "value": 3}))
    elif act == "delete" and linear:
        gone = draw(st.sampled_from(linear)).key
        after = links.pop((gone, "next"), None)
        links = {way: after if to == gone else to for way, to in links.items()}
        links = {way: to for way, to in links.items() if to}
        steps = tuple(one for one in graph.steps if one.key != gone)
    else:
        waits = [one for one in graph.steps if one.type == "time-delay"]
        if not waits:
            return graph
        changed = draw(st.sampled_from(waits)).key
        fresh = {"unit": "days", "value": draw(st.integers(20, 30))}
        steps = tuple(replace(one, config=fresh) if one.key == changed else one for one in graph.steps)
    return replace(
        graph,
        steps=steps,
        links=tuple(Link(source, port, target) for (source, port), target in links.items()),
    )


@given(edited())
@calm
def test_the_plan_made_on_an_account_gives_the_wanted_flow(pair: tuple[Graph, Graph]) -> None:
    old, new = pair
    sent, wanted = to_definition(old), to_definition(new)
    account = Account(sent)
    plan = plan_update(sent, wanted, account.steps)
    assert bool(plan.reasons) != bool(plan.changes) or canonical(sent) == canonical(wanted)
    assume(plan.is_in_place)
    assert len({one.key for one in plan.changes}) == len(plan.changes), "each step is touched once"
    now = sent
    for change in plan.changes:
        account.do(change)
        now = applied(now, change)
    assert canonical(to_definition(account.graph(new))) == canonical(wanted)
    assert canonical(now) == canonical(wanted)


@given(edited())
@calm
def test_after_each_change_the_rest_can_be_planned_anew(pair: tuple[Graph, Graph]) -> None:
    """A worker that died goes on from what was done: it plans again, and comes to the same end."""
    now, wanted = map(to_definition, pair)
    account = Account(now)
    plan = plan_update(now, wanted, account.steps)
    assume(plan.is_in_place)
    for _ in plan.changes:
        fresh = plan_update(now, wanted, account.steps)
        assert fresh.is_in_place, fresh.reasons
        account.do(fresh.changes[0])
        now = applied(now, fresh.changes[0])
    assert plan_update(now, wanted, account.steps).changes == ()
    assert canonical(now) == canonical(wanted)


@given(graphs(types=TYPES), st.data())
@calm
def test_one_act_of_a_kind_that_klaviyo_knows_is_always_made_in_place(
    graph: Graph, data: st.DataObject
) -> None:
    old = reachable(graph)
    new = data.draw(acts(old, "n"))
    account = Account(to_definition(old))
    plan = plan_update(to_definition(old), to_definition(new), account.steps)
    assert plan.is_in_place, plan.reasons
    assert len(plan.changes) <= 1


@given(graphs())
@calm
def test_no_difference_is_an_empty_plan(graph: Graph) -> None:
    definition = to_definition(graph)
    plan = plan_update(definition, copy.deepcopy(definition), {})
    assert (plan.changes, plan.reasons) == ((), ())


# --- In which order ---------------------------------------------------------------------------------------------


def plan_of(old: Json, new: Json) -> list[tuple[str, str]]:
    account = Account(old)
    plan = plan_update(old, new, account.steps)
    assert plan.is_in_place, plan.reasons
    return [(one.kind, one.key) for one in plan.changes]


def test_a_new_wait_comes_in_before_the_old_one_goes() -> None:
    """<old> -> [mail]   becomes   <new> -> [mail]: never [mail] at once."""
    old = of(wait("old", "m"), mail("m"))
    new = of(wait("new", "m"), mail("m"))
    assert plan_of(old, new) == [("insert", "new"), ("delete", "old")]


def test_a_message_goes_before_the_wait_that_held_it_back() -> None:
    old = of(wait("a", "b"), text("b", "c"), wait("c", "d"), text("d"))
    new = of(text("d"))
    assert plan_of(old, new) == [("delete", "b"), ("delete", "a"), ("delete", "c")]


def test_new_steps_in_a_row_come_in_from_the_top() -> None:
    old = of(wait("a"))
    new = of(wait("a", "b"), wait("b", "c"), text("c"))
    account = Account(old)
    plan = plan_update(old, new, account.steps)
    assert [(one.key, one.where) for one in plan.changes] == [
        ("b", Where(after="a")),
        ("c", Where(after="b")),
    ]
    assert all("links" not in one.body and one.body["temporary_id"] == one.key for one in plan.changes)


def test_a_step_that_branches_share_comes_in_before_what_they_shared() -> None:
    """(s) -yes-> [m], -no-> [m]   becomes   (s) -yes-> <w> -> [m], -no-> <w>"""
    old = of(split("s", "m", "m"), text("m"))
    new = of(split("s", "w", "w"), wait("w", "m"), text("m"))
    account = Account(old)
    assert plan_update(old, new, account.steps).changes[0].where == Where(before="m")


def test_a_flow_without_steps_gets_its_first() -> None:
    old = {**of(wait("a")), "actions": [], "entry_action_id": None}
    plan = plan_update(old, of(wait("a")), {})
    assert [one.where for one in plan.changes] == [Where()]


# --- Why not in place -------------------------------------------------------------------------------------------

BASE = of(split("s", "w", "m"), wait("w", "t"), text("t"), mail("m"))
MANY = of(step("multi-branch-split", branches("x", "y"), "b"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (BASE, {**BASE, "triggers": [{"type": "list", "id": "L"}]}, "another kind of trigger"),
        (BASE, {**BASE, "triggers": [{**BASE["triggers"][0], "id": "Other"}]}, "settings of the trigger"),
        (BASE, {**BASE, "profile_filter": filter_of("vip")}, "Whom the flow is for"),
        (BASE, {**BASE, "reentry_criteria": {"duration": 1, "unit": "day"}}, "may enter"),
        (BASE, {**BASE, "beta": True}, "Settings of the whole flow"),
        (BASE, of(split("s", "m", "w"), wait("w", "t"), text("t"), mail("m")), "another place"),
        (BASE, of(split("s", "t", "m"), text("t", "w"), wait("w"), mail("m")), "another place"),
        (BASE, of(wait("w", "t"), text("t")), "a split cannot be taken out"),
        (BASE, of(wait("s", "t"), text("t")), "of another kind"),
        (
            BASE,
            of(split("s", "w", "m"), wait("w", "n"), split("n", "t", None), text("t"), mail("m")),
            "no step of its kind",
        ),
        (MANY, of(step("multi-branch-split", branches("x", "z"), "b")), "other branches"),
        (
            of(split("s", None, None)),
            of({**split("s", None, None), "data": {"profile_filter": filter_of("vip")}}),
            "other conditions",
        ),
        (of(wait("w")), of({**wait("w"), "colour": "red"}), "not known here"),
        (of(wait("w")), of(wait("w", "x"), step("send-hologram", {}, "x")), "no step of its kind"),
    ],
)
def test_what_takes_a_new_flow_is_said(old: Json, new: Json, said: str) -> None:
    plan = plan_update(old, new, Account(old).steps)
    assert plan.changes == ()
    assert said in " ".join(plan.reasons)


def test_a_step_that_nobody_knows_in_the_account_is_said() -> None:
    plan = plan_update(of(wait("w")), of(wait("w", "t"), text("t")), {"w": {"action": "1"}})
    assert plan.is_in_place
    plan = plan_update(of(wait("w"), entry_action_id="w"), of(text("t")), {})
    assert "not known" in plan.reasons[0]


def test_names_that_people_gave_stand_in_the_sentences() -> None:
    new = of(split("s", "t", "m"), text("t", "w"), wait("w"), mail("m"))
    plan = plan_update(BASE, new, Account(BASE).steps, {"t": "Second text", "w": "The pause"})
    assert any("“Second text”" in one for one in plan.reasons)


# --- Settings ---------------------------------------------------------------------------------------------------

OLD = {"message": {"name": "M", "subject_line": "a", "template_id": "T1"}, "status": "draft"}
HELD = {
    "message": {
        "id": "Msg",
        "name": "M",
        "subject_line": "a",
        "template_id": "Copy",
        "from_email": "shop@example.org",
        "reply_to_email": "shop@example.org",
        "smart_sending_enabled": True,
        "transactional": False,
    },
    "status": "live",
}


def at(value: Json, **changes: Any) -> Json:
    return {**value, "message": {**value["message"], **changes}}


def test_what_did_not_change_stays_as_the_account_has_it() -> None:
    data, kept = merged("send-email", OLD, at(OLD, subject_line="b"), HELD)
    assert kept == ()
    assert data["status"] == "live"
    assert (data["message"]["id"], data["message"]["template_id"]) == ("Msg", "Copy")
    assert data["message"]["subject_line"] == "b"


def test_what_was_edited_in_klaviyo_is_kept_and_said() -> None:
    data, kept = merged("send-email", OLD, at(OLD, subject_line="b", name="N"), at(HELD, subject_line="own"))
    assert data["message"]["subject_line"] == "own"
    assert data["message"]["name"] == "N"
    assert kept == (("message", "subject_line"),)


def test_another_template_and_another_sender_replace_the_copy_and_the_default() -> None:
    new = at(OLD, template_id="T2", from_email="mia@example.org", from_label="Mia")
    data, kept = merged("send-email", OLD, new, HELD)
    assert kept == ()
    assert (data["message"]["template_id"], data["message"]["from_email"]) == ("T2", "mia@example.org")
    assert "reply_to_email" not in data["message"], "it follows the sender"


def test_a_setting_that_is_left_out_goes() -> None:
    held = {"unit": "days", "value": 1, "timezone": "profile", "delay_until_time": "09:00:00"}
    old = {"unit": "days", "value": 1, "delay_until_time": "09:00:00"}
    assert merged("time-delay", old, {"unit": "days", "value": 1}, held) == (
        {"unit": "days", "value": 1, "timezone": "profile"},
        (),
    )


def test_weekdays_that_klaviyo_added_are_not_sent_back() -> None:
    held = {"unit": "hours", "value": 1, "secondary_value": 0, "delay_until_weekdays": ["monday"] * 7}
    assert as_sent("time-delay", held) == {"unit": "hours", "value": 1}
    data, _ = merged("time-delay", {"unit": "hours", "value": 1}, {"unit": "days", "value": 2}, held)
    assert data == {"unit": "days", "value": 2}


def test_a_merge_made_again_changes_nothing() -> None:
    """The answer of a patch was lost: it is worked out again from what it made, and is the same."""
    new = at(OLD, subject_line="b")
    once, _ = merged("send-email", OLD, new, HELD)
    assert merged("send-email", OLD, new, once) == (once, ())
