"""A segment that accounts lack is made in each of them: as the template brings it along, or of a plain kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.models import CatalogEntry, KlaviyoAccount
from flowbuilder.operations import rollouts as operations
from flowbuilder.operations.rollouts import UnableToRollOut, answer_for_all, look_on
from tests.install.make import ask, offer, requirement
from tests.rollouts.make import accounts, newsletter, planned, sent, text_of

pytestmark = pytest.mark.django_db
ORDERED = "Placed Order"


def definition(metric: Any) -> dict[str, Any]:
    condition = {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 30},
        "metric_filters": None,
    }
    return {"condition_groups": [{"conditions": [condition]}]}


def document(*, brings: bool = True) -> dict[str, Any]:
    """[segment] -> <wait> -> [text]."""
    made = copy.deepcopy(newsletter())
    made["definition"]["triggers"] = [{"type": "segment", "id": ask("vips")}]
    along = {"segment": {"definition": definition(ask("ordered")), "told": "has done Placed Order."}}
    asked = requirement("vips", "segment", "Which segment?", looks_for="VIPs", limits=along if brings else {})
    ordered = requirement("ordered", "metric", "Which metric?", looks_for=ORDERED)
    made["requirements"] = [asked, *([ordered] if brings else []), *made["requirements"][1:]]
    return made


def shops(workspace: Any, *metrics: str) -> list[KlaviyoAccount]:
    """Two accounts, the first with the segment; each with these metrics."""
    made = accounts(workspace, 2, lists=())
    rows = [
        CatalogEntry(account=one, kind="metric", klaviyo_id=f"{one.klaviyo_id}-m{place}", name=name)
        for one in made
        for place, name in enumerate(metrics)
    ]
    rows += [
        CatalogEntry(account=one, kind="segment", klaviyo_id=f"{one.klaviyo_id}-s", name="Other")
        for one in made
    ]
    rows.append(CatalogEntry(account=made[0], kind="segment", klaviyo_id="AC0000-vip", name="VIPs"))
    for one in rows:
        one.read_at, one.counted_at = right_now(), right_now()
    CatalogEntry.objects.bulk_create(rows)
    return made


def test_what_the_template_brings_is_made_where_there_is_none(workspace, alice):
    rollout = planned(offer(workspace, document()), alice, shops(workspace, ORDERED))
    assert [one.fit for one in rollout.choices.order_by("pk")] == ["ready", "asks"]
    given = {"$make": "segment", "name": "VIPs", "as": "segment", "days": 90}
    answer_for_all(rollout=rollout, values={"vips": given})
    look_on(rollout=rollout)
    first, second = rollout.choices.order_by("pk")
    assert first.answers["vips"]["value"] == "AC0000-vip"
    made = {"$make": "segment", "name": "VIPs", "definition": definition(ask("ordered"))}
    assert (second.fit, second.answers["vips"]["value"]) == ("ready", made)
    assert second.answers["ordered"]["value"] == "AC0001-m0", "each with its own metric"
    assert second.checks[2]["text"].endswith("1 will be made")
    assert "will be made" not in first.checks[2]["text"]
    operations.start_rollout(rollout=rollout, by=alice, canary=0, wave_size=9, stop_above=10, now=right_now())
    assert [one.answers["vips"] for one in sent(rollout)] == ["AC0000-vip", made]


def test_an_account_without_its_metric_needs_an_answer(workspace, alice):
    rollout = planned(offer(workspace, document()), alice, shops(workspace, "Refunded Order"))
    assert [one.fit for one in rollout.choices.order_by("pk")] == ["ready", "asks"], (
        "not asked where it is there"
    )
    given = {"$make": "segment", "name": "VIPs", "as": "segment", "days": 90}
    answer_for_all(rollout=rollout, values={"vips": given})
    look_on(rollout=rollout)
    second = rollout.choices.order_by("pk")[1]
    assert (second.fit, second.reason) == ("asks", "Needs 1 answer: “Which metric?”.")


def test_a_plain_kind_is_written_with_each_accounts_own_metric(workspace, alice):
    rollout = planned(offer(workspace, document(brings=False)), alice, shops(workspace, ORDERED))
    given = {"$make": "segment", "name": "VIPs", "as": "bought", "days": 30}
    answer_for_all(rollout=rollout, values={"vips": given})
    look_on(rollout=rollout)
    second = rollout.choices.order_by("pk")[1]
    assert second.fit == "ready", second.reason
    assert second.answers["vips"]["value"]["definition"] == definition("AC0001-m0")


def test_an_account_that_cannot_have_it_needs_an_answer(workspace, alice):
    rollout = planned(offer(workspace, document(brings=False)), alice, shops(workspace, "Refunded Order"))
    given = {"$make": "segment", "name": "VIPs", "as": "bought", "days": 30}
    answer_for_all(rollout=rollout, values={"vips": given})
    look_on(rollout=rollout)
    assert [one.fit for one in rollout.choices.order_by("pk")] == ["ready", "asks"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"as": "no such"}, "Choose who belongs"),
        ({"as": "segment"}, "Choose who belongs"),
        ({"name": " "}, "a name of at most"),
        ({"days": 0, "name": "x" * 201}, "a name of at most"),
        ({"days": 9999}, "whole number of days"),
    ],
)
def test_what_cannot_be_made_is_said(workspace, alice, more, why):
    rollout = planned(offer(workspace, document(brings=False)), alice, accounts(workspace, 1))
    given = {"$make": "segment", "name": "VIPs", "as": "bought", "days": 30, **more}
    with pytest.raises(UnableToRollOut, match=why):
        answer_for_all(rollout=rollout, values={"vips": given})


def test_the_forms_offer_it(workspace, alice, as_alice):
    rollout = planned(offer(workspace, document()), alice, shops(workspace, ORDERED))
    url = reverse("rollouts:rollout", args=[rollout.pk])
    page = text_of(as_alice.get(url))
    assert "Make a segment as in the template: has done Placed Order." in page
    given = {"all-vips": "VIPs", "all-vips-make": "segment", "all-vips-days": "90"}
    answer = as_alice.post(reverse("rollouts:answers", args=[rollout.pk]), given)
    assert answer.status_code == 302, text_of(answer)
    rollout.refresh_from_db()
    assert rollout.answers["vips"] == {"$make": "segment", "name": "VIPs", "as": "segment", "days": 90}
    assert '<option value="segment" selected>' in as_alice.get(url).content.decode()
    look_on(rollout=rollout)
    assert "1 will be made" in text_of(as_alice.get(url))
    second = rollout.choices.order_by("pk")[1]
    one = reverse("rollouts:account", args=[rollout.pk, second.pk])
    assert "the name of a new segment" in text_of(as_alice.get(one))
    as_alice.post(one, {"own-vips": "", "own-vips-taken": "Mine", "own-hours": "4", "own-words": "Hello"})
    second.refresh_from_db()
    assert second.answers["vips"]["value"]["name"] == "Mine"
    assert second.fit == "ready", second.reason


def test_the_grid_says_that_it_can_be_made(workspace, alice, as_alice):
    offer(workspace, document())
    shops(workspace, ORDERED)
    page = as_alice.get(reverse("rollouts:grid", args=[workspace.slug])).content.decode()
    assert "It can be made there, as the template brings it along." in page
