"""A flow that starts from a segment: what that is made of comes along, and is made in accounts that have none."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.catalog import read_catalog
from accounts.connection import client_for
from accounts.models import KlaviyoAccount
from flowbuilder.definition.extracting import Extraction, Line
from flowbuilder.models import Flow, Install, Made, Requirement
from flowbuilder.operations.extracting import segments_of
from flowbuilder.operations.installs import answer_question, confirm_install, find_answers, open_questions
from flowbuilder.operations.library import offer_in_library, publish_version
from flowbuilder.operations.question_acts import drop_question
from flowbuilder.operations.rollouts import answer_for_all, look_on, start_rollout
from flowbuilder.publisher.lanes import run_lane
from tests import make
from tests.library.test_extracting import pressed, text_of
from tests.publisher.test_publish import run
from tests.rollouts.make import planned, sent

pytestmark = pytest.mark.django_db
NAME = "Gold members"


@pytest.fixture
def account(workspace, klaviyo) -> KlaviyoAccount:
    made = make.account(workspace)
    read_catalog(made)
    return made


@pytest.fixture
def other(workspace, klaviyo) -> KlaviyoAccount:
    """An account that has the metric and no segment of that name."""
    made = make.account(workspace, "QwE92b", klaviyo.api_key("kettle"))
    read_catalog(made)
    return made


def condition(metric: Any) -> dict[str, Any]:
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 2},
        "timeframe_filter": {"type": "date", "operator": "alltime"},
        "metric_filters": None,
    }


def definition(metric: Any) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": [condition(metric)]}]}


def metric_of(account: KlaviyoAccount) -> str:
    found = client_for(account).list_metrics()
    return next(one.id for one in found if one.name == "Placed Order" and one.integration == "Shopify")


def segments(account: KlaviyoAccount) -> dict[str, dict[str, Any] | None]:
    client = client_for(account)
    return {one.name: client.get_segment(one.id).definition for one in client.list_segments()}


@pytest.fixture
def flow(as_alice, workspace, account) -> Flow:
    """Brought in from the account, and everything asked as it is proposed."""
    client = client_for(account)
    attributes = {"name": NAME, "definition": definition(metric_of(account))}
    made = client.call("POST", "/api/segments", json={"data": {"type": "segment", "attributes": attributes}})
    wait = {"temporary_id": "wait", "type": "time-delay", "links": {"next": None}}
    held = {
        "triggers": [{"type": "segment", "id": made.body["data"]["id"]}],
        "profile_filter": None,
        "entry_action_id": "wait",
        "actions": [{**wait, "data": {"unit": "days", "value": 1, "timezone": "profile"}}],
    }
    attributes = {"name": "Gold", "definition": held}
    live = client.create_flow({"data": {"type": "flow", "attributes": attributes}})
    as_alice.post(reverse("library:extract_flow", args=[workspace.slug, account.pk, live.id]))
    found = Flow.objects.get(name="Gold")
    page = text_of(as_alice.get(reverse("library:found", args=[found.pk])))
    assert "What it is made of comes along" in page
    assert "has placed an order more than 2 times" in page
    as_alice.post(reverse("library:found", args=[found.pk]), pressed(as_alice, found))
    return Flow.objects.get(pk=found.pk)


def template(flow: Flow, by: Any) -> Any:
    return make.approved(offer_in_library(version=publish_version(flow=flow, by=by)))


def test_a_segment_is_read_with_what_it_is_made_of(account, flow):
    assert segments(account)[NAME] == definition(metric_of(account))
    assert {one.kind for one in Requirement.objects.filter(flow=flow)} == {"segment", "metric"}
    held = Requirement.objects.get(flow=flow, kind="segment").limits["segment"]
    assert held["definition"] == definition({"$ask": "metric"})
    assert held["told"] == "has placed an order more than 2 times over all time."


def test_it_is_offered_and_made_once_in_an_account_without_it(as_alice, alice, flow, other):
    install: Install = make.install(template(flow, alice), other, alice)
    find_answers(install=install)
    assert [one.key for one in open_questions(install)] == ["segment"]
    url = reverse("install:open", args=[install.pk])
    page = as_alice.get(url, follow=True).content.decode()
    assert "As in the template: has placed an order" in page
    given = {"value": "+new", "new_name": NAME, "recipe": "segment", "days": "90"}
    as_alice.post(reverse("install:answer", args=[install.pk, "segment"]), given)
    install.refresh_from_db()
    assert install.answers["segment"]["value"]["definition"] == definition({"$ask": "metric"})
    assert install.answers["metric"]["value"] == metric_of(other)
    assert not open_questions(install)
    publication = run(confirm_install(install=install, by=alice))
    assert publication.state == "published", publication.reason
    assert segments(other)[NAME] == definition(metric_of(other)), "with that account's own metric"
    made = publication.made.get(kind=Made.Kind.SEGMENT)
    sent = publication.attempts.get(step="create-flow").request["data"]["attributes"]["definition"]
    assert sent["triggers"][0]["id"] == made.klaviyo_id
    assert publication.receipt.body_hash


def test_without_its_metric_it_waits_for_an_answer(alice, flow, other):
    install: Install = make.install(template(flow, alice), other, alice)
    held = Requirement.objects.get(flow=flow, kind="segment").limits["segment"]["definition"]
    answer_question(
        install=install, key="segment", value={"$make": "segment", "name": NAME, "definition": held}
    )
    install.refresh_from_db()
    assert [one.key for one in open_questions(install)] == ["metric"]


def test_a_rollout_makes_it_once_in_each_account_that_has_none(alice, flow, account, other, klaviyo):
    rollout = planned(template(flow, alice), alice, [account, other])
    given = {"$make": "segment", "name": NAME, "as": "segment", "days": 90}
    answer_for_all(rollout=rollout, values={"segment": given})
    look_on(rollout=rollout)
    here, there = rollout.choices.order_by("pk")
    assert (here.fit, there.fit) == ("ready", "ready"), (here.reason, there.reason)
    assert here.checks[2]["text"] == "2 found"
    assert there.checks[2]["text"] == "1 found, 1 will be made"
    start_rollout(rollout=rollout, by=alice, canary=0, wave_size=9, stop_above=10, now=right_now())
    for one in (account, other):
        run_lane(one.pk)
        run_lane(one.pk)
    assert [(one.state, one.reason) for one in sent(rollout)] == [("published", "")] * 2
    made = Made.objects.get(kind=Made.Kind.SEGMENT)
    assert made.publication.account == other
    calls = [one for one in klaviyo.requests() if (one["method"], one["path"]) == ("POST", "/api/segments")]
    assert len(calls) == 2, "the one that it was read from, and this one"
    assert segments(other)[NAME] == definition(metric_of(other))
    assert [bool(one.receipt.hash) for one in sent(rollout)] == [True, True]


def test_a_question_that_is_dropped_ends_what_needs_it(alice, flow):
    drop_question(flow=flow, by=alice, key="metric")
    limits = Requirement.objects.get(flow=flow, kind="segment").limits
    assert "segment" not in limits


def test_of_several_in_one_question_it_is_said_that_nothing_comes_along(workspace):
    lines = (
        Line("group", ["Seg111", "Seg222"], "“VIPs” and “Gold members”", (), ("question", "constant")),
        Line("group", ["Seg333"], "“Silver”", (), ("question", "constant")),
        Line("list", ["List11", "List22"], "two lists", (), ("question", "constant")),
    )
    found = segments_of(make.flow(workspace), Extraction(lines=lines, stays=()))
    assert not found.taken
    assert list(found.stays.values()) == [
        "“VIPs” and “Gold members”: what they are made of does not come along, since one question asks for all of "
        "them. Each account chooses its own."
    ]
