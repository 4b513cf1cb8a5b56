"""Rules beyond the schema: each problem with its step and place, and the repair that one press makes.

A flow is drawn on one line: `wait > (split) yes: mail ; no: text`. See `flow` below for the pieces.
"""

from __future__ import annotations

import copy
from itertools import count

import pytest

from flowbuilder.definition.preflight import Checking, blocking, check, step_problems, whole_problems
from flowbuilder.definition.repairs import REPAIRS, repair
from flowbuilder.graph import Graph, Link, Problem
from flowbuilder.graph.surgery import UnableToFind
from tests.definition.drawn import (
    AGREED,
    DATE,
    EVENT,
    GOLD,
    LIST,
    METRIC,
    NOT_IN_FLOW,
    TREE,
    codes,
    consent,
    flow,
    found,
    groups,
    mail,
    multi,
    ordered,
    split,
    step,
    text,
    wait,
)


def test_a_good_flow_has_none():
    assert check(flow(wait(), mail("mail"), profile_filter=AGREED)) == []


# name -> (a flow, the problem's code, its step, its path, whether it blocks, the label of its repair)
ROWS: dict[str, tuple[Graph, str, str | None, tuple[str | int, ...], bool, str]] = {
    "nothing after the trigger": (
        Graph(trigger=METRIC, steps=(wait("w"), mail("m")), links=(Link("w", "next", "m"),)),
        *("no-entry", "trigger", (), True, "Link it to the first step"),
    ),
    "a step nothing leads to": (
        flow(mail("m"), wait("w"), links=">m"),
        *("unreachable", "w", (), True, "Delete what cannot be reached"),
    ),
    "a link to nowhere": (
        flow(mail("m"), links=">m m>ghost"),
        *("dangling", "m", (), True, "Take the link away"),
    ),
    "a way that is not there": (
        flow(mail("m"), mail("n"), wait("w"), links=">m m.next>w w>n m.maybe>n"),
        *("no-such-port", "m", (), True, "Take the link away"),
    ),
    "a circle": (
        flow(wait("a"), mail("m"), wait("b"), links=">a a>m m>b b>a"),
        *("cycle", "m", (), True, "Take the link back away"),
    ),
    "a step to itself": (
        flow(mail("m"), links=">m m>m"),
        *("cycle", "m", (), True, "Take the link back away"),
    ),
    "a split with both sides empty": (
        flow(mail("m"), wait(), split(), links=">m m>wait wait>split"),
        *("empty-split", "split", (), False, "Remove the split"),
    ),
    "a split whose sides are one": (
        flow(split(), mail("m"), links=">split split.yes>m split.no>m"),
        *("same-sides", "split", (), False, "Remove the split"),
    ),
    "a date flow that begins with a message": (
        flow(mail("m"), trigger=DATE),
        *("date-first", "m", (), True, "Put a target date first"),
    ),
    "a countdown without a date": (
        flow(step("c", "countdown-delay", {"unit": "weeks", "value": 2, "timezone": "profile"}), mail("m")),
        *("no-date", "c", (), False, "Make it a delay"),
    ),
    "a trigger split without an event": (
        flow(
            step(
                "t",
                "trigger-split",
                {"trigger_filter": groups(EVENT), "trigger_id": "ListID", "trigger_type": "list"},
            ),
            mail("m"),
            trigger=LIST,
        ),
        *("no-event", "t", (), True, "Remove the split"),
    ),
    "a trigger split on another metric": (
        flow(
            step(
                "t",
                "trigger-split",
                {
                    "trigger_filter": groups(EVENT | {"metric_id": "Other1"}),
                    "trigger_id": "Other1",
                    "trigger_type": "metric",
                },
            ),
            mail("m"),
        ),
        *("other-trigger", "t", ("trigger_id",), True, "Use the flow's trigger"),
    ),
    "two messages at once": (
        flow(mail("m"), text("t")),
        *("no-wait", "t", (), False, "Wait a day before it"),
    ),
    "two messages at once, with a split between": (
        flow(mail("m"), split(), mail("a"), text("b"), links=">m m>split split.yes>a split.no>b"),
        *("no-wait", "b", (), False, "Wait a day before it"),
    ),
    "two messages at once on one of two ways": (
        flow(split(), mail("m"), wait(), mail("n"), links=">split split.yes>m m>n split.no>wait wait>n"),
        *("no-wait", "n", (), False, "Wait a day before it"),
    ),
    "a split on an order, at once": (
        flow(split(filter=groups(GOLD, ordered())), mail("a"), mail("b"), links=TREE),
        "reads-too-soon",
        "split",
        ("profile_filter", "condition_groups", 1, "conditions", 0),
        *(False, "Wait a day before it"),
    ),
    "a split on an order, right after a message": (
        flow(wait(), mail("m"), split(filter=groups(ordered())), wait("w"), mail("a")),
        "reads-too-soon",
        "split",
        ("profile_filter", "condition_groups", 0, "conditions", 0),
        *(False, "Wait a day before it"),
    ),
    "a branch on an order, at once": (
        flow(multi("many", one=groups(ordered())), mail("a")),
        "reads-too-soon",
        "many",
        ("branches", 0, "branch_filter", "condition_groups", 0, "conditions", 0),
        *(False, "Wait a day before it"),
    ),
    "a text to anybody": (
        flow(text("t"), wait("w"), text("u")),
        *("no-consent", "t", (), False, "Ask for consent in the profile filter"),
    ),
    "an email on the side where nobody agreed": (
        flow(split(filter=groups(consent("email"))), mail("a"), mail("b"), links=TREE),
        *("no-consent", "b", (), False, "Ask for consent in the profile filter"),
    ),
    "a delay at the end": (
        flow(mail("m"), wait()),
        *("last-delay", "wait", (), False, "Remove the delay"),
    ),
    "messages that are live": (
        flow(
            step("m", "send-email", mail("m").config | {"status": "live"}),
            wait(),
            step("n", "send-email", mail("n").config | {"status": "manual"}),
        ),
        *("lands-as-draft", "m", ("status",), False, "Make them drafts"),
    ),
    "a transactional text": (
        flow(text("t", transactional=True)),
        *("transactional", "t", ("message", "transactional"), False, "Turn it off"),
    ),
    "not in this flow, in a split": (
        flow(split(filter=groups(GOLD, NOT_IN_FLOW)), mail("a"), mail("b"), links=TREE),
        "not-in-flow-here",
        "split",
        ("profile_filter", "condition_groups", 1, "conditions", 0),
        *(True, "Take the condition away"),
    ),
    "not in this flow, in a message": (
        flow(mail("m", additional_filters=groups(NOT_IN_FLOW))),
        "not-in-flow-here",
        "m",
        ("message", "additional_filters", "condition_groups", 0, "conditions", 0),
        *(True, "Take the condition away"),
    ),
    "a tag that is not closed": (
        flow(mail("m", subject_line="For you, {{ first_name")),
        *("tag-unclosed", "m", ("message", "subject_line"), True, "Close it"),
    ),
    "a delay of nothing": (
        flow(wait(value=0), mail("m")),
        *("not-positive", "wait", ("value",), True, "Make it 1"),
    ),
    "48 hours until ten": (
        flow(wait(unit="hours", value=48, delay_until_time="10:00:00"), mail("m")),
        *("until-needs-days", "wait", ("delay_until_time",), True, "Make it 2 days"),
    ),
    "5 hours on Mondays": (
        flow(wait(unit="hours", value=5, delay_until_weekdays=["monday"]), mail("m")),
        *("until-needs-days", "wait", ("delay_until_weekdays",), True, "Leave the time of day out"),
    ),
    "1 hour 90 minutes": (
        flow(wait(unit="hours", value=1, secondary_value=90), mail("m")),
        *("no-minutes", "wait", ("secondary_value",), True, "Make it 2 hours 30 minutes"),
    ),
    "a unit nearly right": (
        flow(wait(unit="day"), mail("m")),
        *("literal-error", "wait", ("unit",), True, "Write “days”"),
    ),
    "a setting of another world": (
        flow(wait(colour="blue"), mail("m")),
        *("extra-forbidden", "wait", ("colour",), True, "Leave it out"),
    ),
    "a bare property": (
        flow(split(filter=groups(GOLD | {"property": "Tier"})), mail("a"), mail("b"), links=TREE),
        "custom-property",
        "split",
        ("profile_filter", "condition_groups", 0, "conditions", 0, "property"),
        *(True, "Write properties['Tier']"),
    ),
    "a standard property in capitals": (
        flow(mail("m"), profile_filter=groups(GOLD | {"property": "First_Name"})),
        "custom-property",
        None,
        ("profile_filter", "condition_groups", 0, "conditions", 0, "property"),
        *(True, "Write first_name"),
    ),
    "an empty group": (
        flow(mail("m"), profile_filter={"condition_groups": [{"conditions": [GOLD]}, {"conditions": []}]}),
        "no-conditions",
        None,
        ("profile_filter", "condition_groups", 1, "conditions"),
        *(True, "Remove the empty group"),
    ),
    "an empty filter": (
        flow(mail("m"), profile_filter={"condition_groups": []}),
        *("no-conditions", None, ("profile_filter", "condition_groups"), True, "Take the filter away"),
    ),
    "an empty list of event filters": (
        flow(mail("m"), profile_filter=groups(ordered("alltime") | {"metric_filters": []})),
        "empty-filters",
        None,
        ("profile_filter", "condition_groups", 0, "conditions", 0, "metric_filters"),
        *(True, "Leave it out"),
    ),
    "re-entry in days": (
        flow(mail("m"), reentry={"duration": 3, "unit": "days"}),
        *("literal-error", None, ("reentry_criteria", "unit"), True, "Write “day”"),
    ),
    "re-entry ever and ever": (
        flow(mail("m"), reentry={"duration": 3, "unit": "alltime"}),
        *("not-0-or-1", None, ("reentry_criteria", "duration"), True, "Never again"),
    ),
    "re-entry before it began": (
        flow(mail("m"), reentry={"duration": -3, "unit": "day"}),
        *("negative", None, ("reentry_criteria", "duration"), True, "Make it 0"),
    ),
    "a sample of everybody": (
        flow(mail("m"), profile_filter=groups({"type": "profile-sample", "percentage": 100})),
        "no-sample",
        None,
        ("profile_filter", "condition_groups", 0, "conditions", 0, "percentage"),
        *(True, "Make it 50 percent"),
    ),
    "not in a list, in a time": (
        flow(
            mail("m"),
            profile_filter=groups(
                {
                    "type": "profile-group-membership",
                    "is_member": False,
                    "group_ids": ["ListID"],
                    "timeframe_filter": {
                        "type": "date",
                        "operator": "in-the-last",
                        "unit": "day",
                        "quantity": 3,
                    },
                }
            ),
        ),
        "no-time-frame",
        None,
        ("profile_filter", "condition_groups", 0, "conditions", 0, "timeframe_filter"),
        *(True, "Leave it out"),
    ),
    "a copy to nobody": (
        flow(mail("m", cc_email="boss")),
        *("no-address", "m", ("message", "cc_email"), True, "Leave it out"),
    ),
    "a sender who is none": (
        flow(mail("m", from_email="shop")),
        *("no-address", "m", ("message", "from_email"), True, "Use the account's sender"),
    ),
}
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


@each_row
def test_it_is_found_at_its_place(row):
    graph, code, key, path, blocks, label = row
    one = next(one for one in check(graph) if (one.code, one.step, one.path) == (code, key, path))
    assert (one.blocks, one.repair) == (blocks, label)
    assert one.text.endswith(".")
    assert one.text[:1] in "“" or one.text[:1].isupper() or one.text[:1].isdigit()


@each_row
def test_one_press_puts_it_right(row):
    """The problem is gone, and nothing new keeps the flow from being published."""
    graph, code, key, path, _, _ = row
    before = copy.deepcopy(graph)
    problem = next(one for one in check(graph) if (one.code, one.step, one.path) == (code, key, path))
    numbers = count(100)
    better = repair(graph, problem, lambda: f"new-{next(numbers)}")
    assert graph == before, "a repair is pure"
    left = check(better)
    assert (code, key, path) not in [(one.code, one.step, one.path) for one in left]
    old = {(one.code, one.step) for one in blocking(check(graph))}
    assert {(one.code, one.step) for one in blocking(left)} <= old
    if problem.code not in ("unreachable", "dangling", "no-such-port", "cycle"):
        assert {one.key for one in better.steps} >= {one.key for one in graph.steps} - {key}


def test_every_repair_is_tried():
    assert {row[1] for row in ROWS.values()} >= set(REPAIRS)


def test_a_repair_is_refused_where_the_problem_is_gone():
    graph = flow(wait(value=0), mail("m"))
    problem = found(graph, "not-positive")
    with pytest.raises(UnableToFind):
        repair(flow(mail("m")), problem, lambda: "x")
    with pytest.raises(UnableToFind):
        repair(graph, Problem("no-subject", "Write one.", "m"), lambda: "x")


# --- Waiting ----------------------------------------------------------------------------------------------------


def test_a_delay_is_put_only_on_the_ways_that_need_one():
    """(split) -yes-> [m] -> [n]; -no-> <wait> -> [n]: one delay, between m and n."""
    graph = flow(split(), mail("m"), wait(), mail("n"), links=">split split.yes>m m>n split.no>wait wait>n")
    better = repair(graph, found(graph, "no-wait"), lambda: "new")
    assert better.out["m"] == {"next": "new"}
    assert better.out["new"] == {"next": "n"}
    assert better.out["wait"] == {"next": "n"}
    assert better.by_key["new"].config["value"] == 1


@pytest.mark.parametrize(
    "steps",
    [
        (mail("m"), wait(), text("t")),
        (mail("m"), step("b", "back-in-stock-delay", {}), text("t")),
        (wait(), split(filter=groups(ordered())), mail("m")),
        (split(filter=groups(ordered("alltime"))), mail("m")),
    ],
)
def test_whoever_waits_is_left_alone(steps):
    assert not {"no-wait", "reads-too-soon"} & {code for code, _ in codes(flow(*steps))}


# --- In pieces --------------------------------------------------------------------------------------------------


@each_row
def test_the_pieces_are_the_whole(row):
    """What the editor keeps for each step, with what it asks anew, is the whole check."""
    graph = row[0]
    known = Checking()
    pieces = [*whole_problems(graph, known), *(p for one in graph.steps for p in step_problems(one, known))]
    assert pieces == check(graph)


def test_the_whole_asks_for_no_title_it_was_given(monkeypatch):
    """Titles that are known already are not worked out again: a thousand steps are not described for one act."""
    graph = flow(*(mail(f"m{index}") for index in range(50)))
    monkeypatch.setattr("flowbuilder.definition.preflight.Describer.step", None)
    found = whole_problems(graph, Checking(), lambda key: f"Mail {key}")
    assert [one.text for one in found if one.step == "m1"] == [
        "“Mail m1” goes out together with “Mail m0”: put a delay between them."
    ]


def test_a_chain_of_thousands_is_no_trouble():
    steps = [wait(f"s{index}") for index in range(5000)]
    assert codes(flow(*steps)) == [("many-steps", None), ("last-delay", "s4999")]
