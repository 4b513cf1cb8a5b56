# ruff: noqa: E501
"""A/B tests and content experiments: whole messages inside a step, shares that follow them, and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowbuilder.definition.writing import bind, create_body
from flowbuilder.graph.values import Step
from flowbuilder.kinds import form
from flowbuilder.kinds.asks import find_contents, get_at, set_at
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.describe import Describer
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.registry import action_kind
from tests.conftest import CASES
from tests.definition.judges import judge
from tests.kinds.test_form import as_posted

AB, CONTENT = action_kind("ab-test"), action_kind("content-experiment")
RUNNING = ("current_experiment",)
SHARES = (*RUNNING, "allocations")


def case(kind: type[Any], index: int = 0) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((CASES / "kinds" / f"{kind.TYPE}.json").read_text())[index]["data"]
    return data


def variations(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get_at(config, (*RUNNING, "variations"))
    return found


def names(config: dict[str, Any]) -> list[str]:
    return [one["temporary_id"] for one in variations(config)]


def act(kind: type[Any], config: dict[str, Any], command: str) -> dict[str, Any]:
    return dict(kind.tidy(form.act(kind, config, command)))


def choose(kind: type[Any], config: dict[str, Any], **posted: str) -> dict[str, Any]:
    fields = {name.replace("__", "."): [text] for name, text in posted.items()}
    changed, refused = form.read(kind, config, {**as_posted(form.build(kind, config)), **fields})
    assert refused == {}
    return dict(kind.tidy(changed))


@pytest.mark.parametrize("kind", [AB, CONTENT])
def test_a_new_one_tries_two_messages_half_and_half(kind):
    one, two = kind.start(), kind.start()
    assert set(get_at(one, SHARES)) == set(names(one))
    assert list(get_at(one, SHARES).values()) == [0.5, 0.5]
    assert kind.tidy(one) == one
    ids = {*names(one), one["main_action"]["temporary_id"], *names(two), two["main_action"]["temporary_id"]}
    assert len(ids) == 6, "two tests in one flow share no id"


def test_shares_follow_the_variations():
    config = act(AB, AB.start(), "add:current_experiment.variations")
    assert len(set(names(config))) == 3
    assert get_at(config, SHARES) == dict(zip(names(config), [0.3333, 0.3333, 0.3334], strict=True))
    fewer = act(AB, config, "drop:current_experiment.variations.1")
    assert get_at(fewer, SHARES) == dict.fromkeys([names(config)[0], names(config)[2]], 0.5)
    own = set_at(fewer, (*SHARES, names(fewer)[0]), 0.9)
    assert AB.tidy(own) == own, "what a person wrote stays"


def test_a_share_is_written_in_percent_beside_the_variation_s_name():
    config = case(AB)
    shown = next(one for top in form.build(AB, config) for one in top.walk() if one.path == SHARES)
    assert [(one.label, one.value, one.widget) for one in shown.nodes] == [
        ("A", 50, "percent"),
        ("B", 50, "percent"),
    ]
    changed = choose(
        AB, config, current_experiment__allocations__a="80", current_experiment__allocations__b="20"
    )
    assert get_at(changed, SHARES) == {"a": 0.8, "b": 0.2}


def test_another_kind_of_message_changes_all_of_them():
    config = AB.start()
    changed = choose(AB, config, **{"main_action__@": "send-sms"})
    assert [one["type"] for one in (changed["main_action"], *variations(changed))] == ["send-sms"] * 3
    assert names(changed) == names(config)
    assert changed["main_action"]["temporary_id"]
    assert {one.code for one in examine(AB, changed, {}).findings} == {"no-text"}


def test_a_test_can_be_taken_away_and_begun_again():
    none = act(AB, case(AB), "drop:current_experiment")
    assert none["current_experiment"] is None
    again = act(AB, none, "add:current_experiment")
    assert len(names(again)) == 2
    assert list(get_at(again, SHARES).values()) == [0.5, 0.5]
    ended = act(AB, again, "add:current_experiment.automatic_winner_selection_settings")
    assert get_at(ended, (*RUNNING, "automatic_winner_selection_settings", "enabled")) is True
    text = act(CONTENT, case(CONTENT, 2), "add:current_experiment")  # of WhatsApp, like its main message
    assert [one["type"] for one in variations(text)] == ["send-whatsapp"] * 2


def test_what_a_message_tidies_is_tidied_inside():
    config = set_at(case(CONTENT), ("main_action", "data", "message", "badge_options"), None)
    assert "badge_options" not in CONTENT.tidy(dict(config))["main_action"]["data"]["message"]


def test_an_email_written_here_stands_in_a_variation():
    inside = (*RUNNING, "variations", 0, "data", "message", "template_id")
    config = choose(AB, case(AB), **{".".join(map(str, inside)).replace(".", "__"): "content:mail-1"})
    assert list(find_contents(config)) == [(inside, "mail-1")]
    assert [one for one in examine(AB, config, {}).findings if one.blocks] == []
    step = {"temporary_id": "t", "type": "ab-test", "links": {"next": None}, "data": config}
    definition = {
        "triggers": [{"type": "metric", "id": "CheckM", "trigger_filter": None}],
        "profile_filter": None,
        "actions": [step],
        "entry_action_id": "t",
    }
    bound = bind(definition, {}, {"mail-1": "Made1"}).definition
    assert get_at(bound["actions"][0]["data"], inside) == "Made1"
    assert judge(create_body("x", bound)) == []


FOUND: list[tuple[str, type[Any], tuple[Any, ...], Any, str, tuple[Any, ...], bool]] = [
    ("a sum below one", AB, SHARES, {"a": 0.5, "b": 0.4}, "shares-do-not-add-up", SHARES, True),
    ("a negative share", AB, SHARES, {"a": 1.5, "b": -0.5}, "shares-do-not-add-up", SHARES, True),
    ("another's share", AB, SHARES, {"a": 0.5, "c": 0.5}, "shares-of-others", SHARES, True),
    ("no shares", AB, SHARES, None, "no-shares", SHARES, False),
    ("one variation", AB, (*RUNNING, "variations"), case(AB)["current_experiment"]["variations"][:1], "no-variations", (*RUNNING, "variations"), True),
    ("no winner", AB, (*RUNNING, "winner_metric"), None, "no-winner-metric", (*RUNNING, "winner_metric"), False),
    ("another's winner", CONTENT, (*RUNNING, "winner_metric"), "unique-opens", "literal-error", (*RUNNING, "winner_metric"), True),
    ("an end that never comes", AB, (*RUNNING, "automatic_winner_selection_settings"), {"enabled": True, "automatic_end_statistical_certainty": False}, "never-ends", (*RUNNING, "automatic_winner_selection_settings", "automatic_end_date"), False),
    ("a text among emails", AB, (*RUNNING, "variations", 1), case(AB, 1)["current_experiment"]["variations"][1], "other-message", (*RUNNING, "variations", 1), True),
    ("no subject inside", AB, (*RUNNING, "variations", 1, "data", "message", "subject_line"), "", "no-subject", (*RUNNING, "variations", 1, "data", "message", "subject_line"), True),
    ("no subject beside", AB, ("main_action", "data", "message", "subject_line"), None, "no-subject", ("main_action", "data", "message", "subject_line"), True),
    ("an account's state", AB, ("experiment_status",), "draft", "extra-forbidden", ("experiment_status",), True),
    ("a push among emails", AB, ("main_action", "type"), "send-mobile-push", "union-tag-not-found", ("main_action",), True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "path", "value", "code", "at", "blocks"), FOUND, ids=[row[0] for row in FOUND])  # fmt: skip
def test_what_is_wrong_is_found(what, kind, path, value, code, at, blocks):
    assert [one for one in examine(kind, case(kind), {}).findings if one.code == code] == []
    found = [
        one for one in examine(kind, dict(set_at(case(kind), path, value)), {}).findings if one.path == at
    ]
    assert (code, blocks) in [(one.code, one.blocks) for one in found]
    assert all(one.text.endswith(".") for one in found)


def test_wrong_shares_are_mended_evenly():
    config = dict(set_at(case(AB), SHARES, {"a": 0.5, "c": 0.9}))
    (found,) = (one for one in examine(AB, config, {}).findings if one.repair)
    assert found.repair == "Share evenly"
    assert get_at(AB.mend(config, found.code), SHARES) == {"a": 0.5, "b": 0.5}
    assert AB.mend(config, "no-subject") is config


@pytest.mark.parametrize(
    ("kind", "index", "title", "summary"),
    [
        (AB, 0, "Subjects", "Tries 2 emails; the one with most opens wins."),
        (AB, 1, "A/B test", "Tries 3 texts; the one with most forms sent in wins."),
        (AB, 3, "A/B test", "Tries 2 emails; the one with most orders wins."),
        (AB, 4, "A/B test", "No test is under way: “Text Main”"),
        (CONTENT, 0, "Tone", "Tries 2 notifications; the one with the best open rate wins."),
        (
            CONTENT,
            1,
            "Content experiment",
            "Tries 2 WhatsApp messages; the one with the best click rate wins.",
        ),
    ],
)
def test_in_words(kind, index, title, summary):
    card = Describer(Words(), {}).step(Step("s", kind.TYPE, case(kind, index)))
    assert (card.title, card.summary) == (title, summary)


ODD: list[dict[str, Any]] = [
    {},
    {"main_action": 5},
    {"main_action": {}, "current_experiment": {"variations": [None], "allocations": {"a": 1}}},
    {"main_action": {}, "current_experiment": {"variations": "x", "allocations": 5}},
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_ones_are_left_alone(odd):
    assert AB.tidy(dict(odd)) == odd
    assert AB.mend(dict(odd), "no-shares") == odd


@pytest.mark.parametrize("kind", [action_kind("ab-test"), action_kind("content-experiment")])
def test_a_copy_names_its_messages_anew_and_keeps_their_shares(kind):
    config = kind.start()
    first, second = config["current_experiment"]["allocations"]
    config["current_experiment"]["allocations"] = {first: 0.3, second: 0.7}
    copy = kind.again(config)
    running = copy["current_experiment"]
    ids = [one["temporary_id"] for one in running["variations"]]
    assert running["allocations"] == dict(zip(ids, (0.3, 0.7), strict=True))
    assert not {*ids, copy["main_action"]["temporary_id"]} & {
        first,
        second,
        config["main_action"]["temporary_id"],
    }
    assert kind.tidy(copy) == copy
    assert kind.again({"status": "draft", "current_experiment": 7}) == {
        "status": "draft",
        "current_experiment": 7,
    }
