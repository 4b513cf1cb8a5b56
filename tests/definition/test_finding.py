"""Finding what a template asks for in an account: measured on written accounts, and what must always hold."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbuilder.definition.finding import Known, Thing, Verdict, Wanted, find
from flowbuilder.definition.metric_names import role_of, what_creates
from tests.conftest import CASES

TODAY = date(2026, 11, 2)
ACCOUNTS: list[dict[str, Any]] = [
    one for file in sorted((CASES / "binding").glob("*.json")) for one in json.loads(file.read_text())
]
NATIVE = (
    *("Received Email", "Opened Email", "Clicked Email", "Bounced Email", "Marked Email as Spam"),
    *("Unsubscribed from Email Marketing", "Subscribed to Email Marketing", "Subscribed to List"),
    *("Unsubscribed from List", "Received SMS", "Clicked SMS", "Sent SMS", "Consented to Receive SMS"),
    *("Dropped Email", "Form submitted by profile", "Viewed Form", "Merged Profile"),
)


def known_of(account: dict[str, Any], *, looked: bool = True) -> Known:
    """An account of the cases; where nobody `looked`, without events."""
    rows = [*account["metrics"]]
    if account.get("native"):
        rows += [[f"k:{name}", name, "Klaviyo", 5000] for name in NATIVE]
    rows += [[f"n{one}", f"Campaign {one} landing", "API", one % 7] for one in range(account.get("noise", 0))]
    return Known([thing_of(row, looked) for row in rows], account["mapped"])


def thing_of(row: list[Any], looked: bool) -> Thing:
    id, name, integration, events, *ago = row
    if not looked:
        return Thing(id, name, "metric", integration)
    days = ago[0] if ago else 0 if events else None
    return Thing(id, name, "metric", integration, events, None if days is None else TODAY - timedelta(days))


def wanted_of(name: str, integration: str) -> Wanted:
    return Wanted(("metric",), name, integration, role_of(name))


def judge(looked: bool) -> dict[str, Any]:
    """Every want of every account against its right answer."""
    bound = right = could = missing = told = 0
    wrong = []
    for account in ACCOUNTS:
        known = known_of(account, looked=looked)
        for name, integration, answer in account["wants"]:
            verdict = find(wanted_of(name, integration), known)
            could += answer not in ("ask", "none")
            missing += answer == "none"
            told += answer == "none" and verdict.state == "missing"
            if verdict.thing is not None:
                bound += 1
                right += verdict.thing.id == answer
                if verdict.thing.id != answer:
                    wrong.append((account["account"], name, integration, answer, verdict.thing.id))
    return {
        "accounts": len(ACCOUNTS),
        "pairs": sum(len(one["wants"]) for one in ACCOUNTS),
        "bound": bound,
        "right": right,
        "precision": right / bound,
        "recall": right / could,
        "missing": f"{told} of {missing}",
        "wrong": wrong,
    }


@pytest.mark.parametrize("looked", [True, False], ids=["events known", "events not known"])
def test_of_what_it_binds_99_of_100_are_right(looked, capsys):
    found = judge(looked)
    with capsys.disabled():
        sys.stdout.write(
            f"\nbinding, {'with' if looked else 'without'} events: {json.dumps(found, ensure_ascii=False)}\n"
        )
    assert found["accounts"] >= 40
    assert found["pairs"] >= 200
    assert found["precision"] >= 0.99, found["wrong"]
    assert found["recall"] >= (0.9 if looked else 0.7), "what is clear is bound, and not asked"


# --- What must always hold

NAMES = (
    "Placed Order",
    "placed_order",
    "Placed Order (test)",
    "Order Completed",
    "Checkout Started",
    "Started Checkout",
)
WHERE = ("Shopify", "WooCommerce", "API", "Klaviyo", "Segment")
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
SEEN = st.one_of(st.none(), st.integers(0, 300))


@st.composite
def accounts(draw: st.DrawFn) -> Known:
    rows = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(WHERE), SEEN), max_size=7))
    things = [Thing(f"m{i}", name, "metric", where, seen) for i, (name, where, seen) in enumerate(rows)]
    roles = {}
    if things and draw(st.booleans()):
        roles["revenue"] = draw(st.sampled_from(things)).id
    return Known(things, roles)


WANTED = st.builds(
    wanted_of, st.sampled_from(("Placed Order", "Checkout Started")), st.sampled_from(("", *WHERE))
)


@BUSY
@given(accounts(), WANTED)
def test_the_order_of_an_account_decides_nothing(known, wanted):
    one, two = find(wanted, known), find(wanted, Known(known.things[::-1], known.roles))
    assert (one.state, one.thing) == (two.state, two.thing)


@BUSY
@given(accounts(), WANTED)
def test_what_has_nothing_to_do_with_it_changes_nothing(known, wanted):
    more = Known([*known.things, Thing("x", "Song Opened", "metric", "API", 9000)], known.roles)
    assert find(wanted, more).thing == find(wanted, known).thing


@BUSY
@given(accounts(), WANTED)
def test_a_verdict_says_why_and_speaks_of_the_account_only(known, wanted):
    verdict = find(wanted, known)
    assert verdict.why
    assert (verdict.thing is not None) == (verdict.state == "found")
    assert verdict.thing is None or verdict.thing in known.things
    assert set(verdict.look_at) <= known.by_id.keys()
    assert bool(verdict.candidates) == (verdict.state == "unsure")
    if verdict.thing and verdict.thing.id not in known.roles.values():
        assert "(test)" not in verdict.thing.name
        assert verdict.thing.name != "Order Completed"


@BUSY
@given(st.sampled_from(WHERE), st.sampled_from(WHERE), st.integers(0, 10_000))
def test_two_that_weigh_the_same_are_asked(one, other, events):
    known = Known(
        [
            Thing("a", "Ticket Closed", "metric", one, events),
            Thing("b", "Ticket Closed", "metric", other, events),
        ]
    )
    assert find(wanted_of("Ticket Closed", ""), known).state == "unsure"


@BUSY
@given(accounts(), WANTED)
def test_events_only_sharpen_what_was_unsure(known, wanted):
    """Nobody looked yet: what is found then stays found, or is asked; it never becomes another one."""
    blind = Known([Thing(one.id, one.name, one.kind, one.integration) for one in known.things], known.roles)
    before, after = find(wanted, blind), find(wanted, known)
    if before.thing and after.thing:
        assert before.thing.id == after.thing.id


# --- In words


def said(verdict: Verdict) -> list[str]:
    return [verdict.why, *(f"{one.thing.id}: {one.why}" for one in verdict.candidates)]


def test_the_reasons_in_words():
    shop, old = (
        Thing("a", "Placed Order", "metric", "Shopify", 980),
        Thing("b", "Placed Order", "metric", "WooCommerce", 20),
    )
    wanted = wanted_of("Placed Order", "")
    assert said(find(wanted, Known([shop], {"revenue": "a"}))) == ["Your account maps it as “revenue”."]
    assert said(find(wanted, Known([shop]))) == ["The only one of this name in your account."]
    assert said(find(wanted, Known([shop, old]))) == [
        "Nearly all events of this name are its: 980 of 1,000 in 30 days."
    ]
    test = Thing("t", "Placed Order (test)", "metric", "API", 5)
    assert said(find(wanted_of("Placed Order", "BigCommerce"), Known([shop, test]))) == [
        "The template looks for “Placed Order” from BigCommerce, which your account does not have.",
        "a: of this name",
        "t: looks like a test, or left behind",
    ]


@pytest.mark.parametrize(
    ("name", "integration", "connected", "says"),
    [
        ("Placed Order", "Shopify", {"Shopify"}, "It appears after the first order in Shopify."),
        ("Checkout Started", "", {"Shopify"}, "It appears after the first checkout that somebody starts in Shopify."),
        ("Placed Order", "Shopify", {"API"}, "Nothing in your account comes from Shopify: connect it in Klaviyo."),
        ("Opened Email", "", set(), "It appears after the first email that somebody opens in Klaviyo."),
        ("Trial Ended", "API", set(), "with the first event of this name that your own software sends"),
        ("Placed Order", "", set(), "once your shop is connected to Klaviyo"),
        ("Trial Ended", "", {"Shopify"}, "sent by an app or by your own software"),
    ],
)  # fmt: skip
def test_what_creates_a_metric_that_is_not_there(name, integration, connected, says):
    assert says in what_creates(name, integration, frozenset(connected))


def test_lists_segments_and_templates_are_found_by_name():
    vip, segment = Thing("a", "VIP", "list"), Thing("b", "VIP", "segment")
    news = Thing("c", "newsletter", "list")
    known = Known([vip, segment, news])
    assert find(Wanted(("list",), "VIP"), known).thing == vip
    assert find(Wanted(("list", "segment"), "VIP"), known).state == "unsure"
    assert find(Wanted(("list",), "Newsletter"), known).thing == news, "written differently"
    assert find(Wanted(("list",), "Newsletter 2"), known).candidates[0].thing == news
    assert find(Wanted(("template",), "VIP"), known).state == "missing"
