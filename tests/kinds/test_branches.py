# ruff: noqa: E501
"""The multi-branch split: ways out by branch_id, rows that move, the mandatory last branch, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from flowbuilder.definition.preflight import blocking, check
from flowbuilder.definition.reading import read_document
from flowbuilder.definition.writing import create_body, to_definition
from flowbuilder.kinds import form
from flowbuilder.kinds.base import Words
from flowbuilder.kinds.branches import FRESH_ELSE, MultiBranchSplit
from flowbuilder.kinds.examine import examine
from flowbuilder.kinds.registry import action_kind
from tests.definition.judges import judge
from tests.kinds.test_form import as_posted

KIND = action_kind("multi-branch-split")
HALF = {"condition_groups": [{"conditions": [{"type": "profile-sample", "percentage": 50}]}]}


def branch(key: str, **more: Any) -> dict[str, Any]:
    return {"branch_id": key, "branch_filter": HALF, **more}


def split(*branches: Any, name: Any = "Which") -> dict[str, Any]:
    return {"name": name, "branches": list(branches)}


def ids(config: dict[str, Any]) -> list[str]:
    return [one["branch_id"] for one in config["branches"]]


def act(config: dict[str, Any], command: str) -> dict[str, Any]:
    return KIND.tidy(form.act(KIND, config, command))


def test_a_new_one_has_two_branches_and_everyone_else():
    config = KIND.start()
    assert [(port.name, port.label) for port in KIND.ports(config)] == [
        ("branch-1", "Branch 1"),
        ("branch-2", "Branch 2"),
        ("else", "Everyone else"),
    ]
    assert KIND.tidy(config) is config


def test_branches_are_added_before_everyone_else_with_an_id_of_their_own():
    one = act(KIND.start(), "add:branches")
    two = act(one, "add:branches")
    assert [ids(one)[0], ids(one)[1], ids(one)[-1]] == ["branch-1", "branch-2", "else"]
    assert ids(two)[:3] == ids(one)[:3], "what is there keeps its id"
    assert len(set(ids(two))) == 5
    assert [one.get("order") for one in two["branches"]] == [0, 1, 2, 3, None]
    assert [port.label for port in KIND.ports(two)][2:] == ["Branch 3", "Branch 4", "Everyone else"]
    assert ids(act(KIND.start(), "add:branches")) != ids(one), "two people who add one add two"


def test_branches_change_places_and_keep_their_ways():
    """[m] -1-> a, -2-> b. After “up” the second is asked first, and still leads to b."""
    config = split(
        branch("1", order=5, links={"next": "a"}), branch("2", order=6, links={"next": "b"}), FRESH_ELSE
    )
    moved = act(config, "up:branches.1")
    assert [(one["branch_id"], one.get("order")) for one in moved["branches"]] == [
        ("2", 5),
        ("1", 6),
        ("else", None),
    ]
    assert KIND.read_links({"data": moved})[1] == {"1": "a", "2": "b"}
    assert act(moved, "down:branches.0") == config
    assert act(config, "down:branches.1") == config, "nobody comes after everyone else"
    assert act(config, "drop:branches.2") == config, "and nobody takes it away"
    assert ids(act(config, "drop:branches.0")) == ["2", "else"]


def test_an_order_that_nobody_wrote_is_not_made_up():
    config = split(branch("1"), branch("2"), FRESH_ELSE)
    assert act(config, "up:branches.1") == split(branch("2"), branch("1"), FRESH_ELSE)


def test_names_and_conditions_come_from_the_form():
    config = form.act(KIND, KIND.start(), "add:branches.0.branch_filter")
    posted = {
        **as_posted(form.build(KIND, config)),
        "branches.0.name": ["Gold"],
        "branches.2.name": ["The rest"],
    }
    here = "branches.0.branch_filter.condition_groups.0.conditions.0"
    config, refused = form.read(KIND, config, {**posted, f"{here}.@": ["profile-sample"]})
    assert refused == {}
    assert [port.label for port in KIND.ports(config)] == ["Gold", "Branch 2", "The rest"]
    assert config["branches"][0]["branch_filter"] == HALF
    assert config["branches"][2] == {**FRESH_ELSE, "name": "The rest"}


def test_everyone_else_comes_back_and_comes_last():
    assert ids(KIND.tidy(split(branch("1")))) == ["1", "else"]
    assert ids(KIND.tidy(split(FRESH_ELSE, branch("1")))) == ["1", "else"]
    assert ids(KIND.mend(split(branch("1")), "no-else")) == ["1", "else"]
    for odd in (
        split(),
        split(None, branch("1")),
        {"name": "x"},
        {"branches": "many"},
        {"branches": {"a": 1}},
    ):
        assert KIND.tidy(odd) is odd


FOUND: list[tuple[str, dict[str, Any], str, tuple[Any, ...]]] = [
    ("no branch", split(FRESH_ELSE), "no-branch", ("branches",)),
    ("nothing", split(), "no-branch", ("branches",)),
    ("no condition", split(branch("1") | {"branch_filter": None}, FRESH_ELSE), "no-conditions", ("branches", 0, "branch_filter")),
    ("an empty condition", split(branch("1") | {"branch_filter": {"condition_groups": []}}, FRESH_ELSE), "no-conditions", ("branches", 0, "branch_filter", "condition_groups")),
    ("no else", split(branch("1"), branch("2")), "no-else", ("branches",)),
    ("else first", split(FRESH_ELSE, branch("1")), "else-not-last", ("branches",)),
    ("else twice", split(branch("1"), FRESH_ELSE, {**FRESH_ELSE, "branch_id": "e"}), "else-not-last", ("branches",)),
    ("a condition of else", split(branch("1"), {**FRESH_ELSE, "branch_filter": HALF}), "else-filter", ("branches", 1, "branch_filter")),
    ("twenty beside else", split(*(branch(str(one)) for one in range(20)), FRESH_ELSE), "many-branches", ("branches",)),
    ("one id twice", split(branch("1"), branch("1"), FRESH_ELSE), "same-branch", ("branches", 1)),
    ("no id", split(branch(""), FRESH_ELSE), "no-branch-id", ("branches", 0)),
    ("no name", split(branch("1"), FRESH_ELSE, name=" "), "no-name", ("name",)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "config", "code", "path"), FOUND, ids=[row[0] for row in FOUND])
def test_what_is_wrong_is_found(what, config, code, path):
    found = [one for one in examine(KIND, config, {}).findings if (one.code, one.path) == (code, path)]
    assert [one.blocks for one in found] == [True]
    assert found[0].text.endswith(".")
    assert bool(found[0].repair) is (code == "no-else")


def test_twenty_ways_are_fine():
    config = split(*(branch(str(one)) for one in range(19)), FRESH_ELSE)
    assert examine(KIND, config, {}).findings == ()


def test_in_words():
    def said(*names: str | None) -> str:
        config = split(*(branch(str(index), name=name) for index, name in enumerate(names)), FRESH_ELSE)
        return MultiBranchSplit.model_validate(config).summary(Words())

    assert said() == "No branch yet."
    assert said("Gold", None) == "Gold, Branch 2, or everyone else."
    assert said("A", "B", "C", "D") == "A, B, C, D, or everyone else."
    assert said("A", "B", "C", "D", "E") == "A, B, C, 2 more ways, or everyone else."


def test_a_design_made_by_hand_is_taken_by_both_judges():
    """[metric] -> (which) -1-> wait, else -> end."""
    config = act(KIND.start(), "add:branches")
    for index in range(3):
        config["branches"][index]["branch_filter"] = HALF
    wait = {
        "temporary_id": "w",
        "type": "time-delay",
        "data": {"unit": "days", "value": 1},
        "links": {"next": None},
    }
    written = {"temporary_id": "m", "type": KIND.TYPE, **KIND.write_links(config, {"branch-1": "w"})}
    body = create_body(
        "x",
        {
            "triggers": [{"type": "metric", "id": "CheckM", "trigger_filter": None}],
            "profile_filter": None,
            "actions": [written, wait],
            "entry_action_id": "m",
        },
    )
    graph = read_document(body).graph
    assert judge(body) == []
    assert blocking(check(graph)) == []
    assert graph.out["m"] == {"branch-1": "w"}
    assert to_definition(graph)["actions"][0] == written


def test_only_branches_with_a_branch_below_them_offer_to_go_down():
    rows = next(one for one in form.build(KIND, KIND.start()) if one.name == "branches").nodes
    assert [(one.is_fixed, one.is_lowest) for one in rows] == [(False, False), (False, True), (True, True)]
