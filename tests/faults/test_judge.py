"""The judge and the draw of the fault runs: each wrong is seen, and a seed gives the same faults again."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import pytest

from tests.faults.draw import CREATE, KILL_AFTER, KILL_BEFORE, STEPS, Draw, endpoint_of, plan_of
from tests.faults.judge import Row, There, Verdict, judge
from tests.faults.options import Options

LATER = datetime(2026, 11, 22, tzinfo=UTC)


def verdict(row: Row | None, *there: There, made: tuple[str, ...] = ("f1",)) -> Verdict:
    ours = {("flow" if id.startswith("f") else "template", id): "A" for id in made}
    return judge([("A", 1)], [row] if row else [], there, ours)


def flow(id: str, design: int = 1) -> There:
    return There("flow", "A", id, "Cart", design)


def test_landed_is_good():
    assert verdict(Row(1, "A", 1, "published", flow="f1"), flow("f1")).is_good


def test_no_row_and_a_flow_that_is_not_there_are_lost():
    assert verdict(None).lost == ["design 1 in A: no row"]
    assert "which is not there" in verdict(Row(1, "A", 1, "published", flow="f1"), made=()).lost[0]


def test_a_row_that_went_astray_is_lost_there_and_found_here():
    assert verdict(Row(1, "A", 2, "published", flow="f1"), flow("f1", 2)).lost == [
        "design 2 in A: publication 1 (published), and nobody asked for it there",
        "design 1 in A: no row",
    ]


def test_an_end_or_a_wait_without_a_word_is_lost():
    for state in ("failed", "refused", "cancelled", "waiting", "unknown"):
        assert verdict(Row(1, "A", 1, state), made=()).lost, state
        assert verdict(Row(1, "A", 1, state, "Because.", not_before=LATER), made=()).is_good, state
    assert verdict(Row(1, "A", 1, "waiting", "Because."), made=()).lost, "until when?"
    assert verdict(Row(1, "A", 1, "sending"), made=()).is_good, "it is under way, and counted as open"


def test_two_flows_of_one_publication_are_doubled_and_not_orphaned_too():
    found = verdict(Row(1, "A", 1, "published", flow="f1"), flow("f1"), flow("f2"))
    assert (len(found.doubled), found.orphaned, found.lost) == (1, [], [])


def test_two_publications_of_one_ask_are_doubled_though_one_was_cancelled():
    rows = Row(1, "A", 1, "cancelled", "Because."), Row(2, "A", 1, "published", flow="f1")
    found = judge([("A", 1)], rows, [flow("f1")], {("flow", "f1"): "A"})
    assert (len(found.doubled), found.lost) == (1, [])


def test_what_no_row_knows_is_orphaned():
    row = Row(1, "A", 1, "failed", "Because.")
    assert len(verdict(row, flow("f1"), made=()).orphaned) == 1, "told as failed, and it is there"
    template = There("template", "A", "t1", "Mail")
    assert len(verdict(row, template, made=()).orphaned) == 1
    assert verdict(row, template, made=("t1",)).is_good
    elsewhere = There("template", "B", "t1", "Mail")
    assert len(verdict(row, elsewhere, made=("t1",)).orphaned) == 1


def test_a_seed_gives_the_same_faults_in_any_order():
    calls = [(f"F{number}", endpoint) for number in range(30) for endpoint in STEPS]
    one, other, third = (Draw(seed, 0.2, 2.0) for seed in (7, 7, 8))
    drawn = {call: one(*call) for call in calls}
    assert {call: other(*call) for call in reversed(calls)} == drawn
    assert {call: third(*call) for call in calls} != drawn


def test_as_many_faults_as_asked_for():
    draw = Draw(1, 0.2, 2.0)
    kinds = [draw(f"F{number}", CREATE)[0] for number in range(5000)]
    assert 0.18 < sum(map(bool, kinds)) / len(kinds) < 0.22
    assert {KILL_BEFORE, KILL_AFTER, "late effect", "201 without an id"} <= set(kinds)
    assert "401" not in kinds, "a key does not run out"


def test_a_worker_dies_in_every_step_before_and_after():
    accounts = [f"F{number}" for number in range(9)]
    plan = plan_of(accounts, tokens=accounts[-2:])
    planned = {(step, kind) for account in plan.values() for step, kind in account.items()}
    assert {(step, kind) for step in STEPS for kind in (KILL_BEFORE, KILL_AFTER)} <= planned
    draw = Draw(1, 0, 2.0, plan=plan)
    assert draw(accounts[0], STEPS[0])[0] == KILL_BEFORE
    assert draw(accounts[0], STEPS[0]) == ("", None), "once"


def test_an_endpoint_is_a_call_without_its_ids():
    assert endpoint_of("GET", "/api/flows/abc") == "GET /api/flows/{id}"
    assert (
        endpoint_of("POST", "/api/tags/a-b/relationships/flows") == "POST /api/tags/{id}/relationships/flows"
    )
    assert endpoint_of("POST", "/api/flows") == CREATE


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_run_without_the_servers_says_so_and_fails_in_ci(monkeypatch, capsys, ci, code):
    command = import_module("tests.faults.__main__")
    monkeypatch.setattr(command, "missing", lambda: ["Redis (redis-server is not here)"])
    monkeypatch.setenv("CI", ci)
    assert command.main([]) == code
    assert "NOT TESTED" in capsys.readouterr().out


def test_options_are_those_of_the_command_line():
    given = Options.read(["--publications", "660", "--seed", "9", "--no-waits", "--quiet", "6"])
    assert given == Options(publications=660, seed=9, waits=False, quiet=6.0)
    assert given.number_of_accounts == 20
