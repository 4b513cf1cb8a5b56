"""The next version of a flow in its place, against the running sandbox; beside it; and back again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from accounts.connection import client_for
from flowbuilder.definition.canonical import canonical, content_hash, differences
from flowbuilder.models import Install, Publication, Version
from flowbuilder.operations import after
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.publisher.standing import standing_of
from tests import make
from tests.definition.flows import branches
from tests.hands import action_of, change_action, put_action_in, take_action_out
from tests.publisher.test_after import ACTIONS, asked, calls_of, deaths, flow_of, set_step, statuses
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import created, ripen, run, sent_long_ago
from tests.sandbox.talk import definition, split, wait
from tests.sandbox.talk import step as a_step

pytestmark = pytest.mark.django_db
INSERT = ("POST", "/api/flow-actions")
PAUSE = {
    "temporary_id": "pause",
    "type": "time-delay",
    "data": {"unit": "hours", "value": 6, "secondary_value": 0, "timezone": "profile"},
}
TEXT = {
    "temporary_id": "text-2",
    "type": "send-sms",
    "data": {"message": {"name": "Text 2", "body": "Last call"}, "status": "draft"},
}


def next_version(install: Install, change: Callable[[dict[str, Any]], None]) -> Version:
    """The version that is there, changed, as the flow's next one."""
    flow = install.template_flow.flow
    document = copy.deepcopy(install.version.document)
    change(document)
    number = flow.versions.latest("number").number + 1
    return Version.objects.create(
        flow=flow,
        number=number,
        name=install.version.name,
        document=document,
        content_hash=content_hash(document),
    )


def step(document: dict[str, Any], key: str) -> dict[str, Any]:
    actions = document["definition"]["actions"]
    return next(one for one in actions if one["temporary_id"] == key)


def put(document: dict[str, Any], action: dict[str, Any], source: str, link: str = "next") -> None:
    """A new step on one way out of a step, or as the first."""
    definition = document["definition"]
    holder, name = (
        (definition, "entry_action_id") if source == "start" else (step(document, source)["links"], link)
    )
    definition["actions"].append({**copy.deepcopy(action), "links": {"next": holder[name]}})
    holder[name] = action["temporary_id"]


def take(document: dict[str, Any], key: str) -> None:
    gone = step(document, key)
    document["definition"]["actions"].remove(gone)
    for one in document["definition"]["actions"]:
        one["links"] = {name: gone["links"]["next"] if to == key else to for name, to in one["links"].items()}
    if document["definition"]["entry_action_id"] == key:
        document["definition"]["entry_action_id"] = gone["links"]["next"]


def everything(document: dict[str, Any]) -> None:
    """Something of each kind: three in, three changed, one out."""
    put(document, PAUSE, "mail-1")
    put(document, TEXT, "mail-2")
    put(document, {**PAUSE, "temporary_id": "first"}, "start")
    step(document, "mail-1")["data"]["message"]["subject_line"] = "Still yours"
    step(document, "wait-2")["data"]["value"] = 2
    content = step(document, "mail-2")["data"]["message"]["template_id"]["$content"]
    document["contents"][content]["html"] += "<p>New</p>"
    take(document, "wait-1")


def as_meant(install: Install, version: Version) -> list[str]:
    """Where the account's flow is not what a new flow of this version would be, statuses apart."""
    standing = standing_of(install)
    assert standing is not None
    assert standing.version == version
    found = differences(canonical(standing.definition), canonical(flow_of(install).definition))
    return [one for one in found if ".settings.status:" not in one]


def updated(
    install: Install, by: Any, change: Callable[[dict[str, Any]], None]
) -> tuple[Publication, Version]:
    version = next_version(install, change)
    publication = run(after.ask_for_update(install=install, by=by, version=version))
    install.refresh_from_db()
    return publication, version


# --- In its place -----------------------------------------------------------------------------------------------


def test_a_version_is_taken_in_the_place_of_the_one_before(landed, alice, klaviyo):
    flow, ids = landed.live_flow_id, dict(landed.step_map)
    publication, version = updated(landed, alice, everything)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(landed, version) == []
    assert [one["id"] for one in created(klaviyo)] == [flow]
    assert (landed.version, landed.live_flow_id) == (version, flow)
    assert set(landed.step_map) == (set(ids) - {"wait-1"}) | {"pause", "text-2", "first"}
    assert all(landed.step_map[key] == ids[key] for key in ids if key != "wait-1")
    assert landed.step_map["text-2"]["message"]
    held = {one["id"]: one for one in flow_of(landed).definition["actions"]}
    assert {held[one["action"]]["type"] for key, one in landed.step_map.items() if "mail" in key} == {
        "send-email"
    }
    assert [one for one in calls_of(publication) if "read" not in one and "make" not in one] == [
        "insert-first",
        "insert-pause",
        "insert-text-2",
        "patch-mail-1",
        "patch-wait-2",
        "patch-mail-2",
        "delete-wait-1",
    ]


def test_only_the_email_that_changed_gets_a_new_template(landed, alice, klaviyo):
    before = {key: held_message(landed, key)["template_id"] for key in ("mail-1", "mail-2")}
    publication, _ = updated(landed, alice, everything)
    assert publication.made.count() == 1
    after_ = {key: held_message(landed, key)["template_id"] for key in ("mail-1", "mail-2")}
    assert after_["mail-1"] == before["mail-1"]
    assert after_["mail-2"] != before["mail-2"]
    html = client_for(landed.account).get_template(after_["mail-2"]).html
    assert html.endswith("<p>New</p>")


def held_message(install: Install, key: str) -> dict[str, Any]:
    action = action_of(install.account, install.step_map[key]["action"])
    return dict(action["data"]["message"])


def test_statuses_stay_and_a_new_message_is_a_draft(landed, alice):
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-2", "manual")
    before = statuses(landed)
    publication, _ = updated(landed, alice, everything)
    assert publication.state == "published", publication.reason
    now = statuses(landed)
    assert now.pop("text-2") == "draft"
    assert now == before
    assert "“Text 2”" in publication.reason
    assert "draft" in publication.reason


def test_what_was_edited_in_klaviyo_is_kept(landed, alice):
    edit(landed, "mail-1", subject_line="Our own subject")
    edit(landed, "mail-2", preview_text="Our own preview")
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed", "both changed the subject"
    assert "“Your cart is waiting”" in publication.reason or "Our own subject" in publication.reason
    assert not publication.attempts.filter(method="PATCH").exists()
    choices = {"mail-1 message.subject_line": "yours"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published"
    assert held_message(landed, "mail-1")["subject_line"] == "Our own subject"
    assert held_message(landed, "mail-2")["preview_text"] == "Our own preview"
    assert "Kept as it was edited in Klaviyo" in publication.reason
    assert "not quite" not in publication.reason


def test_of_what_both_changed_the_new_is_taken_where_a_person_says_so(landed, alice):
    edit(landed, "mail-1", subject_line="Our own subject")
    version = next_version(landed, everything)
    choices = {"mail-1 message.subject_line": "new"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert (publication.state, publication.reason) == ("published", "")
    assert held_message(landed, "mail-1")["subject_line"] == "Still yours"


def test_an_edit_that_was_kept_stays_with_the_version_after_the_next(landed, alice):
    """What the account has is not taken for what was sent."""
    edit(landed, "mail-2", preview_text="Our own preview")
    updated(landed, alice, everything)

    def third(document: dict[str, Any]) -> None:
        step(document, "mail-2")["data"]["message"]["subject_line"] = "A third subject"

    publication, _ = updated(landed, alice, third)
    assert publication.state == "published", publication.reason
    message = held_message(landed, "mail-2")
    assert (message["subject_line"], message["preview_text"]) == ("A third subject", "Our own preview")


def test_an_email_that_was_written_anew_on_both_sides_is_a_question(landed, alice, klaviyo):
    template = held_message(landed, "mail-2")["template_id"]
    klaviyo.advance(60)
    klaviyo.edit("template", template, attributes={"html": "<p>Ours</p>"})
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed"
    assert "written anew" in publication.reason
    choices = {"mail-2 message.template_id": "yours"}
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published", publication.reason
    assert held_message(landed, "mail-2")["template_id"] == template
    choices = {"mail-2 message.template_id": "new"}

    def third(document: dict[str, Any]) -> None:
        content = step(document, "mail-2")["data"]["message"]["template_id"]["$content"]
        document["contents"][content]["html"] += "<p>Third</p>"

    version = next_version(landed, third)
    publication = run(after.ask_for_update(install=landed, by=alice, version=version, choices=choices))
    assert publication.state == "published", publication.reason
    html = client_for(landed.account).get_template(held_message(landed, "mail-2")["template_id"]).html
    assert html.endswith("<p>Third</p>")


def edit(install: Install, key: str, **message: Any) -> None:
    action = action_of(install.account, install.step_map[key]["action"])
    data = {**action["data"], "message": {**action["data"]["message"], **message}}
    change_action(install.account, {**action, "data": data})


def test_a_step_that_a_person_put_in_stays(landed, alice):
    anchor = {"id": landed.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    own = put_action_in(landed.account, {**PAUSE, "temporary_id": "own"}, anchor)
    publication, _ = updated(landed, alice, everything)
    assert publication.state == "published"
    assert "Added “Wait 6 hours”" in publication.reason
    assert own in {one["id"] for one in flow_of(landed).definition["actions"]}


def test_a_step_that_a_person_deleted_stays_away_or_comes_back_as_they_say(landed, alice, klaviyo):
    take_action_out(landed.account, landed.step_map["mail-1"]["action"])
    publication, version = updated(landed, alice, everything)
    assert publication.state == "failed", "the version changes it"
    assert "Removed “Email 1" in publication.reason
    assert asked(klaviyo, "PATCH", "/api/flow-actions") == 0
    away = after.ask_for_update(install=landed, by=alice, version=version, choices={"mail-1 step": "yours"})
    assert run(away).state == "published", away.reason
    landed.refresh_from_db()
    assert "mail-1" not in landed.step_map
    assert "wait-1" not in landed.step_map


def test_a_step_that_a_person_deleted_comes_back_in_its_place(landed, alice):
    take_action_out(landed.account, landed.step_map["mail-1"]["action"])
    version = next_version(landed, everything)
    back = run(
        after.ask_for_update(install=landed, by=alice, version=version, choices={"mail-1 step": "new"})
    )
    assert back.state == "published", back.reason
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert held_message(landed, "mail-1")["subject_line"] == "Still yours"


def test_one_update_after_the_other(landed, alice):
    updated(landed, alice, everything)
    publication, version = updated(landed, alice, lambda one: take(one, "pause"))
    assert publication.state == "published", publication.reason
    assert as_meant(landed, version) == []
    assert not publication.made.exists(), "no email changed"


def test_a_version_is_only_taken_when_it_is_another_one_of_this_flow(landed, alice, workspace):
    with pytest.raises(UnableToAct, match="already"):
        after.ask_for_update(install=landed, by=alice, version=landed.version)
    with pytest.raises(UnableToAct, match="another template flow"):
        other = make.template(workspace, name="Other").current_version
        after.ask_for_update(install=landed, by=alice, version=other)


def test_a_new_question_is_asked_first(landed, alice):
    def ask(document: dict[str, Any]) -> None:
        document["requirements"].append({"key": "code", "kind": "coupon", "question": "Which code?"})
        step(document, "text-1")["data"]["message"]["body"] = {"$ask": "code"}

    with pytest.raises(UnableToAct, match="Which code"):
        updated(landed, alice, ask)


# --- Answers that are lost, workers that die --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["after_reset", "after_status", "bad_json", "truncate", "no_id"])
def test_an_insertion_whose_answer_was_lost_is_found_and_not_made_twice(landed, alice, klaviyo, kind):
    klaviyo.fault(kind, *INSERT)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "waiting", "it may still take effect: a look says nothing yet"
    assert asked(klaviyo, *INSERT) == 1
    sent_long_ago(publication)
    assert run(publication).state == "published", publication.reason
    landed.refresh_from_db()
    assert asked(klaviyo, *INSERT) == 3
    assert as_meant(landed, version) == []


@pytest.mark.parametrize("kind", ["reset", "status", "html"])
def test_an_insertion_that_was_lost_without_effect_is_sent_again(landed, alice, klaviyo, kind):
    klaviyo.fault(kind, *INSERT, status=502)
    publication, version = updated(landed, alice, everything)
    sent_long_ago(publication)
    assert run(publication).state == "published", publication.reason
    landed.refresh_from_db()
    assert as_meant(landed, version) == []


def test_a_step_of_the_same_settings_that_was_there_before_is_not_taken_for_it(landed, alice, klaviyo):
    anchor = {"id": landed.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    own = put_action_in(landed.account, {**PAUSE, "temporary_id": "own"}, anchor)
    klaviyo.fault("reset", *INSERT)
    publication, _ = updated(landed, alice, lambda one: put(one, PAUSE, "mail-1"))
    sent_long_ago(publication)
    assert run(publication).state == "published"
    landed.refresh_from_db()
    assert landed.step_map["pause"]["action"] != own


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["after_reset", "reset"])
def test_what_may_be_sent_twice_is_sent_again(landed, alice, klaviyo, method, kind):
    klaviyo.fault(kind, method, ACTIONS)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "waiting"
    ripen(publication)
    assert run(publication).state == "published"
    landed.refresh_from_db()
    assert as_meant(landed, version) == []


def test_a_worker_may_die_at_every_call(landed, alice, klaviyo, monkeypatch):
    version = next_version(landed, everything)
    publication = after.ask_for_update(install=landed, by=alice, version=version)
    assert deaths(publication, monkeypatch) >= 3
    assert (publication.state, publication.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert asked(klaviyo, *INSERT) == 3, "a step was put in twice"
    assert asked(klaviyo, "POST", "/api/templates") == 3, "two of the install, one of the update"


def test_a_refusal_names_the_step_and_what_was_done_before_is_known(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", ACTIONS, status=400)
    publication, version = updated(landed, alice, everything)
    assert publication.state == "refused"
    assert publication.refusals[0]["step"] == "mail-1"
    assert "stays" in publication.reason
    standing = standing_of(landed)
    assert standing is not None
    assert not standing.is_whole
    assert landed.version != version
    # Forwards again, or back: from what is there now.
    back = run(after.roll_back(install=landed, by=alice))
    assert (back.state, back.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, landed.version) == []
    assert landed.version.number == 1


def test_an_update_that_was_refused_half_way_can_be_asked_for_again(landed, alice, klaviyo):
    klaviyo.fault("status", "PATCH", ACTIONS, status=400)
    first, version = updated(landed, alice, everything)
    assert first.state == "refused"
    again = run(after.ask_for_update(install=landed, by=alice, version=version))
    assert (again.state, again.reason) == ("published", "")
    landed.refresh_from_db()
    assert as_meant(landed, version) == []
    assert asked(klaviyo, *INSERT) == 3


# --- Beside it, and back ----------------------------------------------------------------------------------------


def another_trigger(document: dict[str, Any]) -> None:
    document["definition"]["reentry_criteria"] = {"duration": 30, "unit": "day"}


def test_what_cannot_be_changed_in_place_is_put_beside_it_and_takes_over(landed, alice, klaviyo):
    old = landed.live_flow_id
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    set_step(landed, "mail-2", "draft")
    before = statuses(landed)
    version = next_version(landed, another_trigger)
    with pytest.raises(UnableToAct, match="How often somebody may enter"):
        after.ask_for_update(install=landed, by=alice, version=version)
    publication = run(after.ask_for_successor(install=landed, by=alice, version=version))
    assert (publication.state, publication.reason) == ("published", "")
    landed.refresh_from_db()
    new = landed.live_flow_id
    assert new != old
    assert (landed.version, landed.state) == (version, Install.State.LIVE)
    assert as_meant(landed, version) == []
    client = client_for(landed.account)
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("live", "draft")

    first = run(after.ask_for_handover(install=landed, by=alice))
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("draft", "draft"), "never both"
    second = landed.publications.latest("pk")
    assert second != first
    assert run(second).state == "published"
    assert (client.get_flow(old).status, client.get_flow(new).status) == ("draft", "live")

    back = run(after.roll_back(install=landed, by=alice))
    assert client.get_flow(new).status == "draft"
    run(landed.publications.latest("pk"))
    landed.refresh_from_db()
    assert back.state == "published"
    assert (landed.live_flow_id, landed.version.number) == (old, 1)
    assert statuses(landed) == before
    assert as_meant(landed, landed.version) == []

    removal = run(after.ask_for_removal(install=landed, by=alice))
    assert removal.state == "published"
    assert created(klaviyo) == [], "both flows were ours"


def test_a_successor_that_never_took_over_is_left_by_one_change(landed, alice):
    old = landed.live_flow_id
    run(after.ask_for_status(install=landed, by=alice, status="live"))
    version = next_version(landed, another_trigger)
    run(after.ask_for_successor(install=landed, by=alice, version=version))
    landed.refresh_from_db()
    run(after.roll_back(install=landed, by=alice))
    landed.refresh_from_db()
    assert not landed.publications.filter(state__in=Publication.OPEN).exists()
    assert (landed.live_flow_id, landed.version.number) == (old, 1)
    assert statuses(landed)["flow"] == "live"


def test_an_update_is_rolled_back_by_an_update(landed, alice, klaviyo):
    held = canonical(flow_of(landed).definition)
    updated(landed, alice, everything)
    publication = run(after.roll_back(install=landed, by=alice))
    assert publication.kind == Publication.Kind.UPDATE
    assert publication.state == "published"
    landed.refresh_from_db()
    assert landed.version.number == 1
    assert canonical(flow_of(landed).definition) == held
    with pytest.raises(UnableToAct, match="first version"):
        landed.publications.filter(kind="update").update(version=landed.version)
        after.roll_back(install=landed, by=alice)


def test_a_successor_that_klaviyo_refuses_changes_nothing(landed, alice, klaviyo):
    old = landed.live_flow_id
    version = next_version(landed, another_trigger)
    klaviyo.fault("status", "POST", "/api/flows", status=400)
    publication = run(after.ask_for_successor(install=landed, by=alice, version=version))
    assert publication.state == "refused"
    landed.refresh_from_db()
    assert (landed.live_flow_id, landed.version.number, landed.state) == (old, 1, Install.State.LIVE)
    with pytest.raises(UnableToAct, match="no flow of before"):
        after.ask_for_handover(install=landed, by=alice)


def test_the_offer_tells_what_changes_in_words(landed):
    offer = after.offer_of(landed, next_version(landed, everything))
    assert offer.is_in_place
    assert "The email “Email 2" in " ".join(offer.texts) or "is written anew" in " ".join(offer.texts)
    assert any("Still yours" in text for text in offer.texts)
    offer = after.offer_of(landed, next_version(landed, another_trigger))
    assert not offer.is_in_place
    assert offer.is_possible
    assert "enter" in offer.plan.reasons[0]


# --- Places -----------------------------------------------------------------------------------------------------


def landed_flow(workspace: Any, account: Any, alice: Any, *actions: dict[str, Any]) -> Install:
    install = make.install(make.template(workspace, definition(*actions), "Ways"), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    assert publication.state == "published", publication.reason
    install.refresh_from_db()
    return install


def test_a_step_goes_on_the_one_way_of_a_split_that_it_is_meant_for(workspace, account, alice, klaviyo):
    install = landed_flow(workspace, account, alice, split("s", "w", None), wait("w"))

    def change(document: dict[str, Any]) -> None:
        put(document, TEXT, "s", "next_if_false")
        put(document, {**PAUSE, "temporary_id": "before"}, "s", "next_if_true")

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_a_step_goes_on_its_branch_of_many(workspace, account, alice, klaviyo):
    many = branches("a", "b")
    install = landed_flow(workspace, account, alice, a_step("multi-branch-split", many, "many", links=None))

    def change(document: dict[str, Any]) -> None:
        for index, action in ((1, PAUSE), (2, TEXT)):
            held = step(document, "many")["data"]["branches"][index]
            held["links"] = {"next": action["temporary_id"]}
            document["definition"]["actions"].append({**action, "links": {"next": None}})

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []
    held = flow_of(install).definition["actions"]
    ways = next(one for one in held if one["type"] == "multi-branch-split")["data"]["branches"]
    assert [(one["links"] or {}).get("next") for one in ways] == [
        None,
        install.step_map["pause"]["action"],
        install.step_map["text-2"]["action"],
    ]


def test_a_step_that_branches_share_comes_in_once(workspace, account, alice, klaviyo):
    actions = (
        split("s", "w", "v"),
        wait("w", "t"),
        wait("v", "t"),
        {**TEXT, "temporary_id": "t", "links": {"next": None}},
    )
    install = landed_flow(workspace, account, alice, *actions)

    def change(document: dict[str, Any]) -> None:
        document["definition"]["actions"].append({**PAUSE, "links": {"next": "t"}})
        for key in ("w", "v"):
            step(document, key)["links"]["next"] = "pause"

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_all_steps_may_be_others(workspace, account, alice, klaviyo):
    install = landed_flow(workspace, account, alice, wait("w"))

    def change(document: dict[str, Any]) -> None:
        put(document, PAUSE, "start")
        put(document, TEXT, "pause")
        take(document, "w")

    publication, version = updated(install, alice, change)
    assert (publication.state, publication.reason) == ("published", "")
    assert as_meant(install, version) == []


def test_a_step_that_came_in_and_was_edited_before_we_looked_is_known_by_its_place(landed, alice, klaviyo):
    klaviyo.fault("after_reset", *INSERT)
    publication, _ = updated(landed, alice, lambda one: put(one, TEXT, "mail-2"))
    known = {one["action"] for one in landed.step_map.values()}
    new = next(one for one in flow_of(landed).definition["actions"] if one["id"] not in known)
    message = {**new["data"]["message"], "body": "Their own words"}
    change_action(landed.account, {**new, "data": {**new["data"], "message": message}})
    sent_long_ago(publication)
    assert run(publication).state == "published"
    assert asked(klaviyo, *INSERT) == 1
    assert "body of “text-2”" in publication.reason


def test_a_flow_with_many_branches_lands_as_meant_and_once(workspace, account, alice, klaviyo):
    """Its branches get ids of the account: that is no difference, and a lost one is known again."""
    klaviyo.fault("after_reset", "POST", "/api/flows")
    flow = definition(a_step("multi-branch-split", branches("a", "b"), "many", links=None))
    install = make.install(make.template(workspace, flow, "Ways"), account, alice)
    publication = run(confirm_install(install=install, by=alice))
    sent_long_ago(publication)
    assert (run(publication).state, publication.reason) == ("published", "")
    assert len(created(klaviyo, "Ways")) == 1
