# ruff: noqa: E501
"""Mappings, picked ids, shares, written emails, rows that move: what a form shows of them, and what it reads back."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest

from flowbuilder.kinds import form
from flowbuilder.kinds.asks import CONTENT, ask
from flowbuilder.kinds.base import Hint, Settings
from flowbuilder.kinds.registry import action_kind
from flowbuilder.kinds.unions import Choice

WEBHOOK, SPLIT = action_kind("send-webhook"), action_kind("multi-branch-split")


class Left(Settings):
    CHOICES: ClassVar[dict[str, str]] = {"": "Left"}
    ROW = "Turn"
    START: ClassVar[dict[str, Any]] = {"steps": [1]}
    side: Literal["left"]
    steps: list[int]


class Stay(Settings):
    CHOICES: ClassVar[dict[str, str]] = {"": "Stay"}
    ROW = "The end"
    IS_FIXED = True
    side: Literal["stay"]


class Box(Settings):
    """All widgets, small."""

    ids: Annotated[list[str] | None, Hint("Lists", picks="list")] = None
    lines: list[str] = []
    pairs: Annotated[dict[str, str] | None, Hint("Pairs")] = None
    must: dict[str, str] = {}
    share: Annotated[float | None, Hint(widget="percent")] = None
    mail: Annotated[str | None, Hint(widget="email", picks="email")] = None
    turn: Annotated[Annotated[Settings, Choice(Left, Stay)] | None, Hint()] = None
    way: list[Annotated[Settings, Choice(Left, Stay, offered=False)]] = []
    late: Annotated[str, Hint(advanced=True)] = ""
    soon: str = ""


def node(config: dict[str, Any], name: str) -> form.Node:
    return next(one for outer in form.build(Box, config) for one in outer.walk() if one.name == name)


def read(config: dict[str, Any], **posted: list[str]) -> dict[str, Any]:
    result, refused = form.read(
        Box, config, {name.replace("__", "."): texts for name, texts in posted.items()}
    )
    assert refused == {}
    return result


def test_widgets_follow_from_types():
    found = {one.name: one.widget for one in form.build(Box, {})}
    assert found == {
        **{"ids": "pickers", "lines": "lines", "pairs": "pairs", "must": "pairs", "share": "percent"},
        **{"mail": "email", "turn": "choice", "way": "rows", "soon": "text", "late": "text"},
    }
    assert list(found)[-1] == "late", "advanced ones come last"


# --- Mappings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "keys", "values", "becomes"),
    [
        (None, [""], [""], None),
        (None, ["a", ""], ["1", ""], {"a": "1"}),
        (None, [" a ", "b"], [" 1 ", ""], {"a": " 1 ", "b": ""}),
        (None, ["", " "], ["lost", "lost"], None),  # blank keys are ignored
        (None, ["a", "a"], ["1", "2"], {"a": "2"}),
        (None, ["a"], [], None),  # half a pair is none
        ({"a": "1"}, [""], [""], None),
        ({"a": "1"}, [], [], None),
        ({"a": "1", "b": "2"}, ["b", "a", ""], ["2", "1", ""], {"b": "2", "a": "1"}),
        ({" a ": "1\n2", "b": 5}, [" a ", "b"], ["12", "5"], {" a ": "1\n2", "b": 5}),  # untouched
        ({" a ": "1\n2", "b": 5}, [" a ", "c"], ["12", "7"], {" a ": "1\n2", "c": "7"}),
        ({"": "kept", "a": None}, ["", "a", ""], ["kept", "", ""], {"": "kept", "a": None}),
        (0, ["", ""], ["", ""], 0),  # what is no mapping is not shown, and stays
        ("odd", ["a"], ["1"], {"a": "1"}),
    ],
)
def test_pairs(held, keys, values, becomes):
    config = {"pairs": held}
    result = read(config, pairs__k=keys, pairs__v=values)
    assert result == {"pairs": becomes}


def test_pairs_that_must_be_there_become_an_empty_mapping():
    assert read({"must": {"a": "1"}}, must__k=[""], must__v=[""]) == {"must": {}}
    assert read({}, must__k=[""], must__v=[""]) == {}


# --- Picked ids ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "texts", "becomes"),
    [
        (["A", "B"], ["A", "B", ""], ["A", "B"]),
        (["A", "B"], ["B"], ["B"]),
        (["A", "B"], [""], None),
        (None, ["A", "A", " B "], ["A", "B"]),
        (["A", "B"], ["A\r\nB"], ["A", "B"]),  # where it is drawn as lines
        ([" A", "", "b\nc"], [" A", "bc", ""], [" A", "", "b\nc"]),  # untouched
        (5, [""], 5),
    ],
)
def test_pickers(held, texts, becomes):
    assert read({"ids": held}, ids=texts) == {"ids": becomes}


# --- Shares, emails --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "shown", "text", "becomes"),
    [
        (0.5, 50, "50", 0.5),
        (0.5, 50, "33,3 %", 0.333),
        (1 / 3, 33.3333333333, "33.3333", 1 / 3),  # as a page shows it
        (0.07, 7, "7", 0.07),
        (1, 100, "100", 1),
        (None, None, "", None),
        (0.5, 50, "", None),
        (True, True, "True", True),  # no number at all
    ],
)
def test_shares_are_shown_as_percent(held, shown, text, becomes):
    config = {"share": held}
    assert node(config, "share").value == shown
    result = read(config, share=[text])
    assert result == {"share": becomes}
    assert type(result["share"]) is type(becomes)


@pytest.mark.parametrize("text", ["", "half", "1,000", "nan", "%"])
def test_a_share_that_cannot_be_read_is_said(text):
    kind, config = action_kind("ab-test"), action_kind("ab-test").start()
    name = next(iter(config["current_experiment"]["allocations"]))
    result, refused = form.read(kind, config, {f"current_experiment.allocations.{name}": [text]})
    assert result == config
    assert refused[("current_experiment", "allocations", name)][1].startswith("Write ")


@pytest.mark.parametrize(
    ("held", "shown", "text", "becomes"),
    [
        ({CONTENT: "mail-1"}, "content:mail-1", "content:mail-1", {CONTENT: "mail-1"}),
        ({CONTENT: "mail-1"}, "content:mail-1", "TmplId", "TmplId"),
        ("TmplId", "TmplId", "content:mail-2", {CONTENT: "mail-2"}),
        ("TmplId", "TmplId", "", None),
        (None, None, "content:", "content:"),
    ],
)
def test_an_email_is_written_here_or_cloned(held, shown, text, becomes):
    config = {"mail": held}
    assert node(config, "mail").value == shown
    assert read(config, mail=[text]) == {"mail": becomes}


# --- Unions and rows -------------------------------------------------------------------------------------------------


def test_an_optional_choice_can_be_taken_back():
    config = {"turn": {"side": "left", "steps": [2]}}
    assert read(config, **{"turn__@": [""]}) == {"turn": None}
    assert read(config, **{"turn__@": ["left"]}) == config
    assert read({"turn": {"side": "up"}}, **{"turn__@": [""]}) == {"turn": {"side": "up"}}, (
        "nothing was chosen"
    )


WAY: list[dict[str, Any]] = [{"side": "left", "steps": [1]}, {"side": "left", "steps": [2]}, {"side": "stay"}]


def test_rows_are_called_by_what_they_are():
    rows = node({"way": WAY}, "way").nodes
    assert [(one.label, one.widget, one.is_fixed) for one in rows] == [
        ("Turn 1", "group", False),
        ("Turn 2", "group", False),
        ("The end", "group", True),
    ]
    assert node({"way": [ask("q"), 5, {"side": "up"}]}, "way").nodes[0].widget == "asked"


@pytest.mark.parametrize(
    ("command", "order"),
    [
        ("up:way.1", [1, 0, 2]),
        ("down:way.0", [1, 0, 2]),
        ("up:way.0", [0, 1, 2]),
        ("down:way.1", [0, 1, 2]),  # nobody changes places with the end
        ("up:way.2", [0, 1, 2]),
        ("drop:way.2", [0, 1, 2]),
        ("drop:way.0", [1, 2]),
        ("down:way.99", [0, 1, 2]),
        ("up:way.99", [0, 1, 2]),
    ],
)
def test_rows_move_but_for_the_fixed_one(command, order):
    assert form.act(Box, {"way": WAY}, command) == {"way": [WAY[index] for index in order]}


def test_a_new_row_starts_as_its_kind_says():
    made = form.act(Box, {"way": []}, "add:way")
    assert made == {"way": [{"side": "left", "steps": [1]}]}
    made["way"][0]["steps"].append(2)
    assert form.act(Box, {"way": []}, "add:way") == {"way": [{"side": "left", "steps": [1]}]}, "its own list"


@pytest.mark.parametrize("command", ["up:", "up:way", "down:ids.x", "up:pairs.a", "up:way.0.side", "jump:way.0", "up:..", "up:way.-1"])  # fmt: skip
def test_what_cannot_move_is_refused(command):
    with pytest.raises(ValueError, match=r"\.$"):
        form.act(Box, {"way": WAY, "ids": ["A", "B"], "pairs": {"a": "1"}}, command)


@pytest.mark.parametrize(
    "name",
    ["message.headers", "message.headers.k", "message.headers.v", "message.headers.X", "message.headers.k.k", "branches.0.branch_id", "branches.2.branch_filter", "branches.0.is_else", "branches.0.links.next"],
)  # fmt: skip
def test_hidden_and_hostile_names_write_nothing(name):
    for kind in (WEBHOOK, SPLIT):
        config = kind.start()
        posted = {name: ["Content-Type"] if name.endswith(".k") else ["x"]}
        result, refused = form.read(kind, config, posted)
        expected = {**config, "message": {**config["message"], "headers": None}} if name == "message.headers.k" and kind is WEBHOOK else config  # fmt: skip
        assert (result, refused) == (expected, {})
