"""Consent: known on every way to a message, asked for once a channel."""

from __future__ import annotations

import pytest

from flowbuilder.definition.preflight import check
from flowbuilder.definition.repairs import repair
from flowbuilder.graph import Trigger
from tests.definition.drawn import (
    GOLD,
    LIST,
    codes,
    consent,
    flow,
    found,
    groups,
    mail,
    multi,
    split,
    step,
    text,
    wait,
)

ELSE = ">many many.a>a many.else>b"


@pytest.mark.parametrize(
    ("graph", "alone"),
    [
        (flow(mail("m"), trigger=LIST), True),
        (flow(mail("m"), trigger=Trigger("segment", {"id": "SegmID"})), True),
        (flow(mail("m"), profile_filter=groups(consent("sms"))), False),
        (flow(mail("m"), profile_filter=groups(consent("email", can=False, why="any"))), False),
        (
            flow(mail("m"), profile_filter={"condition_groups": [{"conditions": [consent("email"), GOLD]}]}),
            False,
        ),
        (flow(mail("m", additional_filters=groups(consent("email")))), True),
        (flow(split(filter=groups(consent("email"))), mail("a")), True),
        (flow(split(filter=groups(consent("email", can=False))), mail("b"), links=">split split.no>b"), True),
        (flow(split(filter=groups(consent("email", can=False))), mail("b")), False),
        (flow(multi("many", a=groups(consent("email"))), mail("a")), True),
        (flow(multi("many", a=groups(consent("email"))), wait("a"), mail("b"), links=ELSE), False),
        (flow(multi("many", a=groups(consent("email", can=False))), wait("a"), mail("b"), links=ELSE), True),
        (
            flow(split(filter=groups(consent("email"))), mail("m"), links=">split split.yes>m split.no>m"),
            False,
        ),
    ],
)
def test_consent_is_known_on_every_way(graph, alone):
    assert ("no-consent" not in {code for code, _ in codes(graph)}) is alone


def test_consent_is_asked_for_once_a_channel():
    graph = flow(mail("a"), wait(), text("b"), wait("w"), mail("c"), text("d"))
    assert [one for one in codes(graph) if one[0] == "no-consent"] == [
        ("no-consent", "a"),
        ("no-consent", "b"),
    ]


@pytest.mark.parametrize("type", ["send-mobile-push", "send-whatsapp"])
def test_consent_of_other_channels(type):
    graph = flow(step("p", type, {"message": {"body": "Hello"}, "status": "draft"}))
    better = repair(graph, found(graph, "no-consent"), lambda: "x")
    assert "no-consent" not in {code for code, _ in codes(better)}
    assert [one for one in check(better) if one.step is None] == []
