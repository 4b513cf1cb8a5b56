"""What is done with a flow that landed, against the running sandbox: status, removal, and going on after a crash."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.connection import client_for
from accounts.klaviyo.client import Klaviyo
from flowbuilder.definition.statuses import statuses_of
from flowbuilder.models import Install, Made, Publication
from flowbuilder.operations import after
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import UnableToAct, cancel_publication, retry_publication
from tests import make
from tests.hands import action_of, change_action, delete_flow
from tests.publisher.test_made import LIST_ASKED, NEW
from tests.publisher.test_publish import created, ripen, run, sent_long_ago

pytestmark = pytest.mark.django_db
FLOWS, ACTIONS = "/api/flows/*", "/api/flow-actions/*"


@pytest.fixture
def landed(ready, alice, klaviyo) -> Install:
    """The abandoned cart, in the account as a draft."""
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "published", publication.reason
    ready.refresh_from_db()
    return ready


def flow_of(install: Install) -> Any:
    return client_for(install.account).get_flow(install.live_flow_id)


def statuses(install: Install) -> dict[str, str]:
    """step -> its own status; and the flow's."""
    flow = flow_of(install)
    found = statuses_of(flow.definition)
    own = {key: found[one["action"]][""] for key, one in install.step_map.items() if one["action"] in found}
    return {"flow": flow.status, **own}


def set_step(install: Install, key: str, status: str) -> None:
    """A person in Klaviyo sets one step."""
    action = action_of(install.account, install.step_map[key]["action"])
    change_action(install.account, {**action, "data": {**action["data"], "status": status}})


def calls_of(publication: Publication) -> list[str]:
    return list(publication.attempts.values_list("step", flat=True))


def asked(klaviyo: Any, method: str, path: str) -> int:
    return sum(one["method"] == method and one["path"].startswith(path) for one in klaviyo.requests())


# --- Status -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["live", "manual", "draft"])
def test_a_flow_is_set_with_all_its_steps(landed, alice, status):
    set_step(landed, "mail-1", "manual")
    publication = run(after.ask_for_status(install=landed, by=alice, status=status))
    assert (publication.state, publication.reason) == ("published", "")
    assert set(statuses(landed).values()) == {status}
    assert publication.klaviyo_flow_id == landed.live_flow_id
    landed.refresh_from_db()
    assert landed.state == Install.State.LIVE


def test_a_flow_that_is_so_already_is_left_alone(landed, alice):
    publication = run(after.ask_for_status(install=landed, by=alice, status="draft"))
    assert calls_of(publication) == ["read-before", "read-back"]


def test_a_pause_of_a_flow_that_is_live_throughout_is_one_call(landed, alice):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    pause = run(after.ask_for_pause(install=landed, by=alice))
    assert calls_of(pause) == ["read-before", "set-status", "read-back"]
    assert set(statuses(landed).values()) == {"draft"}
    assert after.status_of(landed) == "paused"
    back = run(after.ask_for_restore(install=landed, by=alice))
    assert set(statuses(landed).values()) == {"live"}
    assert "set-status" in calls_of(back)
    assert after.status_of(landed) == "live"


def test_a_pause_brings_back_each_step_exactly_and_none_is_more_live_on_the_way(landed, alice, monkeypatch):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-1", "manual")
    set_step(landed, "mail-2", "draft")
    before = statuses(landed)
    assert len(set(before.values())) == 3
    run(after.ask_for_pause(install=landed, by=alice))
    paused = statuses(landed)
    assert paused.pop("flow") == "live"
    assert set(paused.values()) == {"draft"}

    seen = []
    send = Klaviyo.call

    def watch(self, method, path, **more):
        answer = send(self, method, path, **more)
        if method == "PATCH":
            monkeypatch.setattr(Klaviyo, "call", send)
            seen.append(statuses(landed))
            monkeypatch.setattr(Klaviyo, "call", watch)
        return answer

    monkeypatch.setattr(Klaviyo, "call", watch)
    run(after.ask_for_restore(install=landed, by=alice))
    monkeypatch.setattr(Klaviyo, "call", send)
    assert statuses(landed) == before
    rank = {"draft": 0, "manual": 1, "live": 2}
    assert len(seen) == 2
    assert all(rank[moment[key]] <= rank[before[key]] for moment in seen for key in before)


def test_a_draft_set_over_steps_that_differed_is_taken_back_exactly(landed, alice):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-2", "draft")
    before = statuses(landed)
    run(after.ask_for_status(install=landed, by=alice, status="draft"))
    assert set(statuses(landed).values()) == {"draft"}
    run(after.ask_for_restore(install=landed, by=alice))
    assert statuses(landed) == before


@pytest.mark.parametrize("kind", ["after_reset", "reset", "after_status", "bad_json", "status"])
def test_a_lost_answer_is_sent_again_and_what_was_before_is_not_forgotten(landed, alice, klaviyo, kind):
    """The second run finds the flow live already: what is restored is what it was, not what it found then."""
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    klaviyo.fault(kind, "PATCH", FLOWS, status=502)
    publication = run(after.ask_for_status(install=landed, by=alice, status="manual"))
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "published"
    assert set(statuses(landed).values()) == {"manual"}
    assert publication.wanted["before"]["flow"] == "live"
    run(after.ask_for_restore(install=landed, by=alice))
    assert set(statuses(landed).values()) == {"live"}


def test_a_worker_that_dies_while_it_restores_is_followed_by_one_that_ends_it(landed, alice, monkeypatch):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-1", "manual")
    set_step(landed, "mail-2", "draft")
    before = statuses(landed)
    run(after.ask_for_status(install=landed, by=alice, status="draft"))
    publication = after.ask_for_restore(install=landed, by=alice)
    assert deaths(publication, monkeypatch) >= 2
    assert publication.state == "published"
    assert statuses(landed) == before


def deaths(publication: Publication, monkeypatch: Any) -> int:
    """Workers that die before an answer is written down: the first at its second call, each at a later one, until one
    comes to the end. How many died."""
    send, number = Klaviyo.call, 0
    for fatal in range(2, 30):
        made: list[str] = []

        def call(self, method, path, made=made, fatal=fatal, **more):
            made.append(path)
            answer = send(self, method, path, **more)
            if len(made) == fatal:
                raise SystemExit
            return answer

        monkeypatch.setattr(Klaviyo, "call", call)
        try:
            run(publication)
            break
        except SystemExit:
            number += 1
            publication.refresh_from_db()
            assert publication.state == "preparing"
            sent_long_ago(publication)
    monkeypatch.setattr(Klaviyo, "call", send)
    publication.refresh_from_db()
    return number


def test_a_flow_that_somebody_deleted_is_said(landed, alice, klaviyo):
    delete_flow(landed.account, landed.live_flow_id)
    publication = run(after.ask_for_status(install=landed, by=alice, status="live"))
    assert publication.state == "failed"
    assert "somebody deleted it" in publication.reason


def test_a_status_that_klaviyo_refuses_has_a_sentence(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", FLOWS, status=400)
    publication = run(after.ask_for_status(install=landed, by=alice, status="live"))
    assert publication.state == "refused"
    assert publication.reason
    landed.refresh_from_db()
    assert (landed.state, flow_of(landed).status) == (Install.State.LIVE, "draft")
    assert run(after.ask_for_status(install=landed, by=alice, status="live")).state == "published"


def test_what_may_not_be_asked_is_said(landed, ready, alice, klaviyo):
    with pytest.raises(UnableToAct, match="live, manual or draft"):
        after.ask_for_status(install=landed, by=alice, status="paused")
    with pytest.raises(UnableToAct, match="no change of status"):
        after.ask_for_restore(install=landed, by=alice)
    first = after.ask_for_status(install=landed, by=alice, status="live")
    with pytest.raises(UnableToAct, match="under way"):
        after.ask_for_status(install=landed, by=alice, status="draft")
    cancel_publication(publication=first, by=alice)
    landed.refresh_from_db()
    assert landed.state == Install.State.LIVE
    run(after.ask_for_pause(install=landed, by=alice))
    with pytest.raises(UnableToAct, match="paused already"):
        after.ask_for_pause(install=landed, by=alice)
    landed.account.grants.update(can_publish=False)
    with pytest.raises(UnableToAct, match="may no longer publish"):
        after.ask_for_status(install=landed, by=alice, status="live")


def test_a_change_that_failed_can_be_asked_again_and_the_install_stays_there(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", FLOWS, status=403)
    publication = run(after.ask_for_status(install=landed, by=alice, status="live"))
    assert publication.state == "failed"
    retry_publication(publication=publication, by=alice)
    landed.refresh_from_db()
    assert landed.state == Install.State.LIVE
    klaviyo.clear_faults()
    publication.refresh_from_db()
    assert run(publication).state == "published"


# --- Removal ----------------------------------------------------------------------------------------------------


@pytest.fixture
def welcome(workspace, account, alice, klaviyo) -> Install:
    """A flow with a list that was made for it."""
    from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version

    flow = flow_from_document(workspace=workspace, by=alice, document=LIST_ASKED)
    template = make.approved(offer_in_library(version=publish_version(flow=flow, by=alice)))
    install = make.install(template, account, alice, newsletter=NEW)
    assert run(confirm_install(install=install, by=alice)).state == "published"
    install.refresh_from_db()
    return install


def there(install: Install) -> tuple[set[str], set[str]]:
    client = client_for(install.account)
    return {one.id for one in client.list_templates()}, {one.id for one in client.list_lists()}


def test_a_removal_takes_away_what_we_made_and_nothing_else(ready, alice, klaviyo):
    flows, before = [one["id"] for one in klaviyo.flows()], there(ready)
    run(confirm_install(install=ready, by=alice))
    ready.refresh_from_db()
    made = after.removable(ready)
    assert [one.kind for one in made] == ["flow", "template", "template"]
    publication = run(after.ask_for_removal(install=ready, by=alice))
    assert (publication.state, publication.reason) == ("published", "")
    assert [one["id"] for one in klaviyo.flows()] == flows
    assert there(ready) == before
    ready.refresh_from_db()
    assert (ready.state, ready.live_flow_id, ready.step_map) == (Install.State.GIVEN_UP, "", {})
    assert not Made.objects.exclude(kind="tag").filter(removed_at=None).exists()
    assert after.removable(ready) == []


def test_a_list_goes_too_unless_it_is_to_stay(welcome, alice):
    one = Made.objects.get(kind="list")
    publication = run(after.ask_for_removal(install=welcome, by=alice, keep=[one.pk]))
    assert publication.state == "published"
    assert one.klaviyo_id in there(welcome)[1]
    one.refresh_from_db()
    assert one.removed_at is None


def test_a_list_that_was_made_is_deleted_after_the_flow(welcome, alice):
    one = Made.objects.get(kind="list")
    publication = run(after.ask_for_removal(install=welcome, by=alice))
    assert [step.rsplit("-", 1)[0] for step in calls_of(publication)] == ["remove-flow", "remove-list"]
    assert one.klaviyo_id not in there(welcome)[1]


def test_what_klaviyo_does_not_delete_is_named_with_its_reason(welcome, alice, klaviyo):
    klaviyo.fault("status", "DELETE", "/api/lists/*", status=409)
    publication = run(after.ask_for_removal(install=welcome, by=alice))
    assert publication.state == "published"
    assert NEW["name"] in publication.reason
    assert Made.objects.get(kind="list").removed_at is None
    welcome.refresh_from_db()
    assert welcome.state == Install.State.GIVEN_UP


def test_a_flow_that_klaviyo_does_not_delete_keeps_what_it_uses(landed, alice, klaviyo):
    klaviyo.fault("status", "DELETE", FLOWS, status=409)
    publication = run(after.ask_for_removal(install=landed, by=alice))
    assert publication.state == "refused"
    assert asked(klaviyo, "DELETE", "/api/templates") == 0
    landed.refresh_from_db()
    assert landed.state == Install.State.LIVE


def test_what_is_gone_already_is_removed(landed, alice, klaviyo):
    delete_flow(landed.account, landed.live_flow_id)
    assert run(after.ask_for_removal(install=landed, by=alice)).state == "published"


@pytest.mark.parametrize("kind", ["after_reset", "reset", "after_status"])
def test_a_removal_goes_on_after_a_lost_answer(landed, alice, klaviyo, kind):
    klaviyo.fault(kind, "DELETE", "/api/templates/*", status=500)
    publication = run(after.ask_for_removal(install=landed, by=alice))
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "published"
    assert asked(klaviyo, "DELETE", "/api/flows") == 1, "what is known to be gone is not asked for again"
    assert not Made.objects.exclude(kind="tag").filter(removed_at=None).exists()


def test_a_flow_of_somebody_else_is_never_deleted(landed, alice, klaviyo):
    other = next(one["id"] for one in klaviyo.flows() if one["id"] != landed.live_flow_id)
    publication = after.ask_for_removal(install=landed, by=alice)
    foreign = Made.objects.create(
        publication=make_foreign(publication), kind="flow", klaviyo_id=other, name="Not of this install"
    )
    publication.wanted["made"].append(foreign.pk)
    publication.save()
    run(publication)
    assert other in [one["id"] for one in klaviyo.flows()]
    assert created(klaviyo) == []


def make_foreign(publication: Publication) -> Publication:
    """A publication of another install."""
    return Publication.objects.create(
        workspace=publication.workspace,
        version=publication.version,
        account=publication.account,
        flow_name="Other",
    )
