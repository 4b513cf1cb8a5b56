"""A change of an account as a change of its design: laws that hold for any flow, and each class of change that people
make."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flowbuilder.definition.asking import ask_all
from flowbuilder.definition.drifting import emails_in, with_template
from flowbuilder.definition.extracting import Known, extract
from flowbuilder.definition.lifting import UNREAD, WRITTEN, Lifted, lift
from flowbuilder.definition.proposing import lay_on, only, parts_of, points_of
from flowbuilder.definition.shaping import UnableToShape, shape
from flowbuilder.definition.unshaping import unshape
from flowbuilder.definition.updating import Where, graph_in, with_step, without
from flowbuilder.definition.writing import bind, to_definition
from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.graph.rules import check_shape
from flowbuilder.kinds.asks import GAP, ask, find_asks, get_at
from tests.definition.flows import branches, filter_of
from tests.definition.test_merging import SHORT, WAIT, changed, is_same, sound

METRICS = {"M1": Known("metric", "Placed Order", "Shopify"), "M2": Known("metric", "Viewed Product", "API")}


# --- Any flow, changed anyhow -----------------------------------------------------------------------------------


def in_account(design: Graph, answers: dict[str, Any]) -> Graph:
    """The design as it stands in an account that answered so."""
    templates = {one: one for one in ("mail", UNREAD)}
    return graph_in(bind(to_definition(design), answers, templates).definition)


def written(found: Graph, before: Graph) -> Graph:
    """Emails that somebody wrote anew say so."""
    was = emails_in(to_definition(before), "temporary_id")
    for email, template in emails_in(to_definition(found), "temporary_id").items():
        if was.get(email) != template:
            found = with_template(found, email, f"{WRITTEN}{template}")
    return found


def answered(lifted: Lifted, found: Graph, answers: dict[str, Any]) -> dict[str, Any]:
    """With what the account has in the place of each new question."""
    fresh: dict[str, Any] = dict(answers)
    pairs: list[tuple[Any, Any]] = [(one.config, found.by_key[one.key].config) for one in lifted.graph.steps]
    pairs.append(({"filter": lifted.graph.profile_filter}, {"filter": found.profile_filter}))
    if lifted.graph.trigger and found.trigger:
        pairs.append((lifted.graph.trigger.config, found.trigger.config))
    for asking, own in pairs:
        for path, key, part in find_asks(asking):
            if key not in answers:
                value = get_at(own, path)
                fresh[key] = {**fresh.get(key, {}), part: value} if part and GAP not in part else value
    return fresh


@st.composite
def designs(draw: st.DrawFn) -> tuple[Graph, dict[str, Any], dict[str, Any]]:
    """A design that asks for all that belongs to an account: it, its questions, one account's answers."""
    return ask_all(graph := draw(sound()), {}, extract(graph).lines, {})


@SHORT
@given(designs(), st.data())
def test_proposed_onto_an_unchanged_design_and_installed_again_it_is_the_accounts_flow(held, data):
    design, questions, answers = held
    sent = in_account(design, answers)
    found = written(changed(data.draw, sent, "own"), sent)
    lifted = lift(design, sent, found, questions)
    assume(not lifted.notes)  # an answer of the account's own was changed: that stays there
    merged = lay_on(design, lifted.graph, design, {})
    assert merged.of("clash") == ()
    assert check_shape(merged.graph) == []
    values = answered(lifted, found, answers)
    templates = {one: one for one in emails_in(to_definition(found), "temporary_id").values()}
    again = bind(to_definition(merged.graph), values, templates)
    assert is_same(graph_in(again.definition), found)


@SHORT
@given(designs())
def test_a_flow_that_nobody_touched_is_its_design(held):
    design, questions, answers = held
    sent = in_account(design, answers)
    lifted = lift(design, sent, sent, questions)
    assert points_of(design, lifted.graph) == ()
    assert (lifted.asked, lifted.notes) == ((), {})


@SHORT
@given(sound(), st.data())
def test_parts_are_taken_in_any_choice_and_nothing_else_is(base, data):
    offered = changed(data.draw, base, "own")
    parts = parts_of(base, offered)
    ids = [id for part in parts for id in part.ids]
    assert sorted(ids) == sorted(one.id for one in points_of(base, offered))
    for part in parts:
        alone = only(base, offered, part.ids)
        assert {one.id for one in points_of(base, alone)} == part.ids
    chosen = {id for part in parts if data.draw(st.booleans()) for id in part.ids}
    some = only(base, offered, chosen)
    assert check_shape(some) == []
    assert set(some.reached) == set(some.by_key)


@SHORT
@given(sound(), st.data())
def test_never_an_illegal_graph_on_a_design_that_changed_too(base, data):
    offered, draft = changed(data.draw, base, "own"), changed(data.draw, base, "new")
    parts = parts_of(base, offered)
    some = only(base, offered, {id for one in parts if data.draw(st.booleans()) for id in one.ids})
    first = lay_on(base, some, draft, {})
    choices = {one.id: data.draw(st.sampled_from(["yours", "new"])) for one in first.points}
    for merged in (first, lay_on(base, some, draft, choices)):
        assert check_shape(merged.graph) == []


@SHORT
@given(sound(), st.sampled_from([(True, False), (False, True), (True, True)]))
def test_what_was_built_otherwise_comes_back_as_it_was_designed(design, how):
    settings = {"duplicate_tails": how[0], "nest_branches": how[1]}
    try:
        built = shape(design, settings)
    except UnableToShape:
        assume(False)
    found = unshape(built.graph, design, settings).graph
    assume(len(found.by_key) == len(design.by_key))  # a branch that nobody can take was left out
    assert is_same(found, design)


# --- The cases that people meet ---------------------------------------------------------------------------------

MAIL = {
    "message": {
        "name": "Email 1",
        "subject_line": "Your cart",
        "from_email": ask("sender", "email"),
        "from_label": ask("sender", "label"),
        "template_id": {"$content": "mail"},
    },
    "status": "draft",
}
QUESTIONS: dict[str, Any] = {
    "start": {"kind": "metric", "question": "Which metric starts it?"},
    "bought": {"kind": "metric", "question": "Which metric is an order?"},
    "sender": {"kind": "sender", "question": "Who should the emails come from?"},
    "pause": {"kind": "number", "question": "How many hours?"},
    "text": {"kind": "coupon", "question": "Which coupon?", "limits": {"inside": "coupon"}},
}
ANSWERS = {
    "start": "M0",
    "bought": "M1",
    "sender": {"email": "mia@shop.example", "label": "Mia"},
    "pause": 3,
    "text": "SAVE10",
}
BOUGHT = {
    "condition_groups": [
        {"conditions": [{"type": "profile-metric", "metric_id": ask("bought"), "measurement": "count"}]},
        filter_of("gold")["condition_groups"][0],
    ]
}


def design() -> Graph:
    """[metric] -> <wait> -> (split) -yes-> [mail]
    -no--> [text]"""
    return Graph(
        trigger=Trigger("metric", {"id": ask("start"), "trigger_filter": None}),
        steps=(
            Step("wait", "time-delay", {**WAIT, "value": ask("pause")}, name="First wait"),
            Step("split", "conditional-split", {"profile_filter": BOUGHT}, ports=("yes", "no")),
            Step("mail", "send-email", copy.deepcopy(MAIL), note="Ours"),
            Step(
                "text",
                "send-sms",
                {"message": {"name": "Text", "body": ask("text", f"Use {GAP} today")}, "status": "draft"},
            ),
        ),
        links=(
            Link(None, "next", "wait"),
            Link("wait", "next", "split"),
            Link("split", "yes", "mail"),
            Link("split", "no", "text"),
        ),
    )


def sent() -> Graph:
    return in_account(design(), ANSWERS)


def changed_step(graph: Graph, key: str, **config: Any) -> Graph:
    return graph.with_steps(
        replace(one, config={**one.config, **config}) if one.key == key else one for one in graph.steps
    )


def carried(found: Graph, **more: Any) -> Lifted:
    return lift(design(), sent(), found, QUESTIONS, METRICS, **more)


def ids(lifted: Lifted) -> list[str]:
    return [one.id for one in points_of(design(), lifted.graph)]


def laid(lifted: Lifted, draft: Graph | None = None, **choices: str) -> Any:
    return lay_on(design(), lifted.graph, draft or design(), choices)


def test_a_step_that_came_in_is_a_draft_in_its_place():
    text = Step("klaviyo-7", "send-sms", {"message": {"name": "Own", "body": "Hi"}, "status": "live"})
    found = carried(with_step(sent(), text, Where(after="wait")))
    assert ids(found) == ["klaviyo-7 step"]
    graph = laid(found).graph
    assert graph.out["wait"]["next"] == "klaviyo-7"
    assert graph.out["klaviyo-7"]["next"] == "split"
    assert graph.by_key["klaviyo-7"].config["status"] == "draft"
    assert (graph.by_key["wait"].name, graph.by_key["mail"].note) == ("First wait", "Ours")


def test_a_step_that_was_taken_out_goes():
    found = carried(without(sent(), "text"))
    assert ids(found) == ["text step"]
    assert set(laid(found).graph.by_key) == {"wait", "split", "mail"}


def test_a_step_that_was_moved_is_one_part():
    moved = with_step(without(sent(), "wait"), sent().by_key["wait"], Where(after="split", port="yes"))
    found = carried(moved)
    assert [sorted(one.ids) for one in parts_of(design(), found.graph)] == [["order"]]
    graph = laid(found).graph
    assert (graph.entry, graph.out["split"]["yes"], graph.out["wait"]["next"]) == ("split", "wait", "mail")
    assert graph.by_key["wait"].config["value"] == ask("pause")


def test_a_split_that_came_in_is_one_part_with_the_steps_behind_it():
    split = Step("own", "conditional-split", {"profile_filter": filter_of("vip")}, ports=("yes", "no"))
    pause = Step("own-wait", "time-delay", dict(WAIT))
    links = [one for one in sent().links if one.source]
    links += [Link(None, "next", "own"), Link("own", "yes", "own-wait"), Link("own", "no", "wait")]
    links += [Link("own-wait", "next", "wait")]
    found = carried(replace(sent(), steps=(*sent().steps, split, pause), links=tuple(links)))
    (part,) = parts_of(design(), found.graph)
    assert {"own step", "own-wait step"} <= part.ids
    assert is_same(laid(found).graph, found.graph)


def test_a_condition_that_changed_keeps_the_questions_of_the_others():
    mine = copy.deepcopy(sent().by_key["split"].config["profile_filter"])
    mine["condition_groups"][1] = filter_of("silver")["condition_groups"][0]
    found = carried(changed_step(sent(), "split", profile_filter=mine))
    assert ids(found) == ["split settings"]
    groups = laid(found).graph.by_key["split"].config["profile_filter"]["condition_groups"]
    assert groups[0] == BOUGHT["condition_groups"][0]
    assert groups[1] == filter_of("silver")["condition_groups"][0]


def test_a_condition_that_came_in_asks_for_what_the_account_answered_before():
    mine = {"condition_groups": [{"conditions": [{"type": "profile-metric", "metric_id": "M1"}]}]}
    found = carried(replace(sent(), profile_filter=mine))
    assert ids(found) == ["flow profile_filter"]
    assert found.asked == ()
    assert found.graph.profile_filter["condition_groups"][0]["conditions"][0]["metric_id"] == ask("bought")


def test_what_nobody_asked_for_becomes_a_new_question_without_an_answer():
    mine = {"condition_groups": [{"conditions": [{"type": "profile-metric", "metric_id": "M2"}]}]}
    found = carried(replace(sent(), profile_filter=mine))
    (key,) = found.asked
    assert found.graph.profile_filter["condition_groups"][0]["conditions"][0]["metric_id"] == ask(key)
    asked = found.questions[key]
    assert (asked["kind"], asked["looks_for"], asked["default"]) == ("metric", "Viewed Product", None)


def test_a_trigger_and_its_filter():
    trigger = Trigger("metric", {"id": "M1", "trigger_filter": filter_of("x")})
    found = carried(replace(sent(), trigger=trigger))
    assert ids(found) == ["flow trigger"]
    assert found.graph.trigger == Trigger("metric", {"id": ask("bought"), "trigger_filter": filter_of("x")})
    other = carried(replace(sent(), trigger=Trigger("list", {"id": "L1"})))
    assert other.graph.trigger == Trigger("list", {"id": ask("list")})
    assert "L1" not in str(other)


def test_of_a_sender_and_a_wait_that_are_asked_the_accounts_own_answer_stays_there():
    message = {**sent().by_key["mail"].config["message"], "from_email": "bo@shop.example"}
    found = carried(changed_step(changed_step(sent(), "mail", message=message), "wait", value=9))
    assert ids(found) == []
    assert "Who should the emails come from?" in found.notes["mail"]
    assert "How many hours?" in found.notes["wait"]
    assert "bo@shop.example" not in str(found.graph)


def test_words_around_an_answer_travel_and_the_answer_does_not():
    message = {"name": "Text", "body": "Only now: SAVE10"}
    found = carried(changed_step(sent(), "text", message=message))
    assert found.graph.by_key["text"].config["message"]["body"] == ask("text", f"Only now: {GAP}")


def test_a_new_email_asks_for_the_sender_and_keeps_no_address():
    message = {
        "name": "Own",
        "subject_line": "Hi",
        "from_email": "mia@shop.example",
        "from_label": "Mia",
        "reply_to_email": "desk@shop.example",
        "template_id": f"{WRITTEN}1",
    }
    mail = Step("own", "send-email", {"message": message, "status": "draft"})
    found = carried(with_step(sent(), mail, Where(after="mail")))
    now = found.graph.by_key["own"].config["message"]
    assert (now["from_email"], now["from_label"]) == (ask("sender", "email"), ask("sender", "label"))
    assert now["reply_to_email"] == ask(*found.asked)
    assert now["template_id"] == {"$content": f"{WRITTEN}1"}
    assert "shop.example" not in str(found)
    default = carried(with_step(sent(), mail, Where(after="mail")), sender="mia@shop.example")
    assert "from_email" not in default.graph.by_key["own"].config["message"]


def test_an_email_that_nobody_could_read_says_so_and_one_written_anew_is_a_content():
    found = carried(with_template(sent(), "mail", f"{WRITTEN}2"))
    assert ids(found) == ["mail message.template_id"]
    assert found.graph.by_key["mail"].config["message"]["template_id"] == {"$content": f"{WRITTEN}2"}
    mail = Step("own", "send-email", {"message": {"name": "Own", "template_id": "T9"}, "status": "draft"})
    found = carried(with_step(sent(), mail, Where(after="mail")))
    assert found.graph.by_key["own"].config["message"]["template_id"] == {"$content": UNREAD}


def test_what_the_account_was_to_leave_out_stays_there():
    """Flows that are left out stand in the account's filter alone."""
    own = {
        "condition_groups": [filter_of("a")["condition_groups"][0], filter_of("left")["condition_groups"][0]]
    }
    of = replace(design(), profile_filter=filter_of("a"))
    there = replace(sent(), profile_filter=own)
    mine = {"condition_groups": [filter_of("b")["condition_groups"][0], own["condition_groups"][1]]}
    found = lift(of, there, replace(there, profile_filter=mine), QUESTIONS)
    assert found.graph.profile_filter == filter_of("b")


def test_a_headers_value_stays_and_its_name_is_asked_for():
    hook = Step("hook", "send-webhook", {"url": "https://shop.example/in", "headers": {"X-Key": "s3cret"}})
    found = carried(with_step(sent(), hook, Where(after="mail")))
    assert "s3cret" not in str(found)
    assert "https://shop.example" not in str(found)
    assert len(found.asked) == 2


def test_what_cannot_travel_says_so():
    code = Step("code", "code", {"function": "f"})
    found = carried(with_step(sent(), code, Where(after="mail")))
    assert "runs code" in found.stays["code"]


# --- A design that changed since --------------------------------------------------------------------------------


def test_both_changed_the_same_it_is_one_question():
    message = {**sent().by_key["mail"].config["message"], "subject_line": "Ours"}
    found = carried(changed_step(sent(), "mail", message=message))
    draft = changed_step(design(), "mail", message={**MAIL["message"], "subject_line": "New"})
    (clash,) = laid(found, draft).open
    assert (clash.id, clash.found, clash.offered) == ("mail message.subject_line", "New", "Ours")
    both = lay_on(design(), found.graph, draft, {clash.id: "new"})
    assert both.graph.by_key["mail"].config["message"]["subject_line"] == "Ours"


def test_a_step_that_the_design_lost_is_a_question():
    message = {**sent().by_key["mail"].config["message"], "subject_line": "Ours"}
    found = carried(changed_step(sent(), "mail", message=message))
    draft = without(design(), "mail")
    assert [one.id for one in laid(found, draft).open] == ["mail step"]
    back = lay_on(design(), found.graph, draft, {"mail step": "new"})
    assert back.graph.by_key["mail"].config["message"]["subject_line"] == "Ours"


def test_taken_twice_changes_nothing():
    mine = {"condition_groups": [{"conditions": [{"type": "profile-metric", "metric_id": "M2"}]}]}
    text = Step("in-7", "send-sms", {"message": {"name": "Own", "body": "Hi"}, "status": "draft"})
    found = carried(replace(with_step(sent(), text, Where(after="wait")), profile_filter=mine))
    once = laid(found).graph
    assert laid(found, once).points == ()


# --- Built otherwise --------------------------------------------------------------------------------------------


def tails() -> Graph:
    """[metric] -> (split) -yes-> <wait> -> [text]      -no--^"""
    return Graph(
        trigger=Trigger("metric", {"id": "M0"}),
        steps=(
            Step("split", "conditional-split", {"profile_filter": filter_of("gold")}, ports=("yes", "no")),
            Step("wait", "time-delay", dict(WAIT)),
            Step("text", "send-sms", {"message": {"name": "Text", "body": "Hi"}, "status": "draft"}),
        ),
        links=(
            Link(None, "next", "split"),
            Link("split", "yes", "wait"),
            Link("split", "no", "wait"),
            Link("wait", "next", "text"),
        ),
    )


def test_copies_that_changed_alike_are_one_change():
    built = shape(tails(), {"duplicate_tails": True})
    assert len(built.graph.steps) == 5
    texts = [one.key for one in built.graph.steps if one.type == "send-sms"]
    found = built.graph
    for key in texts:
        found = changed_step(found, key, message={"name": "Text", "body": "Ours"})
    back = unshape(found, tails(), {"duplicate_tails": True})
    assert [one.id for one in points_of(tails(), back.graph)] == ["text message.body"]


def test_a_copy_that_changed_alone_is_a_step_of_its_own():
    built = shape(tails(), {"duplicate_tails": True})
    other = next(one.key for one in built.graph.steps if one.type == "send-sms" and one.key in built.origins)
    found = changed_step(built.graph, other, message={"name": "Text", "body": "Ours"})
    back = unshape(found, tails(), {"duplicate_tails": True})
    assert back.origins[other] == "text"
    assert len(back.graph.steps) == 5, "two waits lead to two texts"
    assert check_shape(back.graph) == []


def test_a_step_in_both_copies_is_one_step():
    built = shape(tails(), {"duplicate_tails": True}).graph
    for number, key in enumerate([one.key for one in built.steps if one.type == "time-delay"]):
        built = with_step(
            built, Step(f"klaviyo-{number}", "time-delay", {**WAIT, "value": 7}), Where(after=key)
        )
    back = unshape(built, tails(), {"duplicate_tails": True}).graph
    assert [one.what for one in points_of(tails(), back)] == ["step"]


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_row_of_splits_is_one_split_again_or_says_why_not(is_whole):
    config, ports = branches("a", "b"), ("a", "b", "else")
    many = replace(
        tails(),
        steps=(Step("split", "multi-branch-split", config, ports=ports), *tails().steps[1:]),
        links=(Link(None, "next", "split"), Link("split", "b", "wait"), Link("wait", "next", "text")),
    )
    built = shape(many, {"nest_branches": True}).graph
    row = [one.key for one in built.steps if one.type == "conditional-split"]
    assert len(row) == 2
    found = changed_step(built, row[1], profile_filter=filter_of("c"))
    if is_whole:
        back = unshape(found, many, {"nest_branches": True}).graph
        asks = [one["branch_filter"] for one in back.by_key["split"].config["branches"]]
        assert asks == [filter_of("a"), filter_of("c"), None]
        assert back.out["split"] == {"b": "wait"}
    else:
        found = with_step(found, Step("own", "time-delay", dict(WAIT)), Where(after=row[0], port="no"))
        with pytest.raises(UnableToShape, match="yes-or-no"):
            unshape(found, many, {"nest_branches": True})
