"""What a merchant changed, proposed and taken: the pages of both, against the running sandbox."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import pytest

from accounts.connection import client_for
from accounts.models import CatalogEntry
from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.drifting import key_in_design
from flowbuilder.definition.proposing import points_of
from flowbuilder.definition.updating import without
from flowbuilder.models import Edit, Email, Flow, Install, Proposal
from flowbuilder.operations import after, proposals
from flowbuilder.operations.acts import perform, undo
from flowbuilder.operations.installs import choose_shape, confirm_install
from flowbuilder.operations.library import offer_in_library, publish_version, withdraw_version
from flowbuilder.operations.proposing import graphs_in
from flowbuilder.operations.publications import UnableToAct
from flowbuilder.queries import Design
from tests import make
from tests.conftest import client_of
from tests.hands import change_action, delete_flow, put_action_in, take_action_out
from tests.installed.test_pages import SUBJECT, changes, html_of, press
from tests.publisher.conftest import account as account
from tests.publisher.conftest import merchant as merchant
from tests.publisher.conftest import ready as ready
from tests.publisher.test_after import flow_of
from tests.publisher.test_after import landed as landed
from tests.publisher.test_publish import run
from tests.publisher.test_readings import look, put_in, write
from tests.publisher.test_shapes import BOTH, document
from tests.publisher.versions import edit

pytestmark = pytest.mark.django_db
METRIC = {
    "type": "profile-metric",
    "measurement": "count",
    "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 1},
    "timeframe_filter": {"type": "date", "operator": "flow-start"},
}


def design(install: Install) -> Flow:
    return Flow.objects.get(template_flow=install.template_flow)


def config(install: Install, key: str) -> dict[str, Any]:
    return dict(design(install).actions.get(key=key).config)


def proposed(install: Install, by: Any, *ids: str, **more: Any) -> Proposal:
    """These differences, all of them where none is named."""
    reading = look(install)
    wanted = ids or [one["id"] for one in reading.differences]
    return proposals.propose(install=install, by=by, reading_id=reading.pk, ids=wanted, **more)


def page_of(client: Any, proposal: Proposal, query: str = "", status: int = 200) -> str:
    return html_of(client, f"/proposals/{proposal.pk}/{query}", status)


def take(client: Any, proposal: Proposal, **given: Any) -> Any:
    return client.post(f"/proposals/{proposal.pk}/take/", given)


def own_key(install: Install, id: str) -> str:
    return key_in_design(install.live_flow_id, id)


def subject(install: Install, text: str, key: str = "mail-1") -> None:
    """Those who design it write another subject."""
    row = design(install).actions.get(key=key)
    row.config["message"]["subject_line"] = text
    row.save()
    flow = design(install)
    flow.revision += 1
    flow.save()


# --- Words ---------------------------------------------------------------------------------------------------------


def test_words_are_proposed_and_taken_into_the_design(landed, as_alice, klaviyo):
    edit(landed, "mail-1", subject_line="Ours")
    write(klaviyo, landed, "mail-2", "<p>Our words</p>")
    reading = look(landed)
    ids = [SUBJECT, "mail-2 message.template_id"]
    answer = press(as_alice, landed, "changes/propose", reading=reading.pk, id=ids, note="It sells better.")
    assert answer.status_code == 302
    again = press(as_alice, landed, "changes/propose", reading=reading.pk, id=ids)
    assert "proposed already" in again.content.decode()
    assert "It sells better." in html_of(as_alice, "/w/northwind/proposals/")
    proposal = Proposal.objects.get()
    html = page_of(as_alice, proposal)
    for text in ("It sells better.", "Our words", "to “Ours”", 'data-mark="warn"', "says something else"):
        assert text in html, text
    was = config(landed, "mail-2")["message"]["template_id"]["$content"]
    before = Email.objects.get(workspace=design(landed).workspace, key=was).html
    take(as_alice, proposal)
    flow = design(landed)
    assert config(landed, "mail-1")["message"]["subject_line"] == "Ours"
    assert flow.edits.latest("number").name == "Take what Harbour Pine proposed"
    content = config(landed, "mail-2")["message"]["template_id"]["$content"]
    assert Email.objects.get(workspace=flow.workspace, key=content).html == "<p>Our words</p>"
    assert Email.objects.get(workspace=flow.workspace, key=was).html == before, "it may stand in other flows"
    assert "already" in as_alice.post(f"/proposals/{proposal.pk}/decline/").content.decode()
    undo(flow=flow, by=proposal.by)
    assert config(landed, "mail-2")["message"]["template_id"]["$content"] == was


def test_what_belongs_to_one_account_is_not_proposed(landed, as_alice, klaviyo):
    edit(landed, "mail-1", from_email="other@harbourpine.example")
    klaviyo.edit("flow", landed.live_flow_id, attributes={"name": "Our cart"})
    reading = look(landed)
    html = changes(as_alice, landed)
    assert "It cannot be proposed. The template asks each account" in html
    ids = [one["id"] for one in reading.differences]
    answer = press(as_alice, landed, "changes/propose", reading=reading.pk, id=ids)
    assert answer.status_code == 422
    assert not Proposal.objects.exists()


# --- Logic ---------------------------------------------------------------------------------------------------------


def test_steps_that_came_and_went_and_a_filter_are_taken_part_by_part(landed, as_alice, alice, klaviyo):
    id = put_in(landed)
    take_action_out(landed.account, landed.step_map["text-1"]["action"])
    own = {
        "condition_groups": [
            {"conditions": [{**METRIC, "metric_id": landed.answers["placed-order"]["value"]}]}
        ]
    }
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": own})
    proposal = proposed(landed, alice)
    html = page_of(as_alice, proposal)
    for text in (
        "Added “Wait 6 hours”",
        "Removed “",
        "Whom it is for",
        'data-mark="good"',
        'data-mark="bad"',
    ):
        assert text in html, text
    assert "It asks" not in html
    added = f"{own_key(landed, id)} step"
    some = page_of(as_alice, proposal, f"?picked=1&part={added}")
    assert some.count(" checked") == 1
    answer = take(as_alice, proposal, picked="1", part=[added])
    assert answer["Location"] == f"/proposals/{proposal.pk}/"
    flow = design(landed)
    assert set(flow.actions.values_list("key", flat=True)) > {"text-1", own_key(landed, id)}
    assert flow.profile_filter != own
    html = page_of(as_alice, proposal)
    assert "In the design" in html
    assert "Decline the rest" in html
    nothing = take(as_alice, proposal, picked="1")
    assert "Choose what is to be taken" in nothing.content.decode()
    take(as_alice, proposal)
    flow = design(landed)
    assert not flow.actions.filter(key="text-1").exists()
    assert flow.profile_filter["condition_groups"][0]["conditions"][0]["metric_id"] == {
        "$ask": "placed-order"
    }
    proposal.refresh_from_db()
    assert proposal.state == "taken"
    assert "was taken already" in take(as_alice, proposal).content.decode()
    undo(flow=flow, by=alice)
    undo(flow=design(landed), by=alice)
    assert Design(design(landed)).graph.by_key.keys() == set(landed.step_map)


def test_a_metric_that_nobody_asked_for_is_a_question_that_the_partner_chooses(
    landed, as_alice, alice, klaviyo
):
    other = CatalogEntry.objects.filter(account=landed.account, kind="metric").exclude(
        klaviyo_id__in=[one["value"] for one in landed.answers.values() if isinstance(one["value"], str)]
    )[0]
    own = {"condition_groups": [{"conditions": [{**METRIC, "metric_id": other.klaviyo_id}]}]}
    klaviyo.edit("flow", landed.live_flow_id, body={"profile_filter": own})
    proposal = proposed(landed, alice)
    assert other.klaviyo_id not in str(proposal.document) + str(proposal.changes)
    html = page_of(as_alice, proposal)
    assert f"Which metric is “{other.name}” in your account?" in html
    assert "Your question: " in html
    key = proposal.document["asked"][0]
    here = design(landed).requirements.filter(kind="metric").first()
    same = page_of(as_alice, proposal, f"?picked=1&part=flow+profile_filter&question+{key}={here.key}")
    assert f'value="{here.key}" selected' in same
    take(as_alice, proposal)
    asked = design(landed).requirements.get(key=key)
    assert (asked.looks_for, asked.default) == (other.name, None)
    condition = design(landed).profile_filter["condition_groups"][0]["conditions"][0]
    assert condition["metric_id"] == {"$ask": key}


def test_an_email_that_was_put_in_comes_with_its_words(landed, as_alice, alice):
    template = client_for(landed.account).create_template("Own", "<p>Own words</p>").id
    message = {"name": "Own email", "subject_line": "Hi", "template_id": template}
    step = {"temporary_id": "own", "type": "send-email", "data": {"message": message, "status": "draft"}}
    anchor = {"id": landed.step_map["mail-1"]["action"], "type": "send-email", "links": {"next": "own"}}
    id = put_action_in(landed.account, step, anchor)
    proposal = proposed(landed, alice)
    assert "Own words" in page_of(as_alice, proposal)
    take(as_alice, proposal)
    content = config(landed, own_key(landed, id))["message"]["template_id"]["$content"]
    assert Email.objects.get(workspace=design(landed).workspace, key=content).html == "<p>Own words</p>"


def test_the_next_version_knows_the_step_that_came_from_the_account(landed, as_alice, alice):
    id = put_in(landed)
    held = canonical(flow_of(landed).definition)
    take(as_alice, proposed(landed, alice))
    version = publish_version(flow=design(landed), by=alice)
    make.approved(offer_in_library(version=version))
    publication = run(after.ask_for_update(install=landed, by=alice, version=version))
    assert (publication.state, publication.reason) == ("published", "")
    landed.refresh_from_db()
    assert landed.step_map[own_key(landed, id)]["action"] == id
    assert canonical(flow_of(landed).definition) == held
    assert look(landed).verdict == "none"


# --- What does not go so easily -------------------------------------------------------------------------------------


def test_a_design_that_changed_since_asks_which_is_to_stand(landed, as_alice, alice):
    edit(landed, "mail-1", subject_line="Ours")
    edit(landed, "mail-2", subject_line="Ours too")
    proposal = proposed(landed, alice)
    subject(landed, "New in the design")
    html = page_of(as_alice, proposal)
    assert "Keep the design" in html
    assert "“New in the design”" in html
    answer = take(as_alice, proposal)
    assert answer.status_code == 422
    assert "The design changed this as well since" in answer.content.decode()
    assert config(landed, "mail-2")["message"]["subject_line"] != "Ours too"
    take(as_alice, proposal, **{f"choice {SUBJECT}": "yours"})
    assert config(landed, "mail-1")["message"]["subject_line"] == "New in the design"
    assert config(landed, "mail-2")["message"]["subject_line"] == "Ours too"
    proposal.refresh_from_db()
    assert proposal.state == "taken", "what was chosen against is decided"


def test_a_step_that_the_design_lost_is_a_question(landed, as_alice, alice):
    edit(landed, "mail-2", subject_line="Ours")
    proposal = proposed(landed, alice)
    perform(
        flow=design(landed),
        by=alice,
        name="Delete it",
        do=lambda draft: replace(draft, graph=without(draft.graph, "mail-2")),
    )
    assert take(as_alice, proposal).status_code == 422
    take(as_alice, proposal, **{"choice mail-2 step": "new"})
    assert config(landed, "mail-2")["message"]["subject_line"] == "Ours"


def test_a_withdrawn_version_says_so_and_can_still_be_taken_from(landed, as_alice, alice):
    edit(landed, "mail-1", subject_line="Ours")
    proposal = proposed(landed, alice)
    withdraw_version(
        template=landed.template_flow, version=landed.version, by=alice, reason="It was too loud."
    )
    assert "It was too loud." in page_of(as_alice, proposal)
    take(as_alice, proposal)
    assert config(landed, "mail-1")["message"]["subject_line"] == "Ours"


def test_a_flow_that_is_gone_and_a_proposal_that_holds_nothing(landed, as_alice, alice):
    delete_flow(landed.account, landed.live_flow_id)
    with pytest.raises(UnableToAct, match="The flow is gone"):
        proposed(landed, alice)
    empty = landed.template_flow.proposals.create(
        reading=landed.readings.latest("pk"), workspace=landed.workspace, by=alice, changes=[{"text": "Old"}]
    )
    assert "holds nothing that could be taken" in page_of(as_alice, empty)
    assert take(as_alice, empty).status_code == 422
    assert Edit.objects.filter(flow=design(landed), name__startswith="Take").count() == 0


def test_what_is_in_the_design_already_is_taken_without_an_act(landed, as_alice, alice):
    edit(landed, "mail-1", subject_line="Ours")
    proposal = proposed(landed, alice)
    subject(landed, "Ours")
    html = page_of(as_alice, proposal)
    assert "In the design" in html
    take(as_alice, proposal)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.edit) == ("taken", None)


def test_nobody_else_looks_at_it(landed, alice, charlie):
    edit(landed, "mail-1", subject_line="Ours <b>")
    proposal = proposed(landed, alice)
    stranger = client_of(charlie)
    assert stranger.get(f"/proposals/{proposal.pk}/").status_code == 404
    assert take(stranger, proposal).status_code == 404
    html = page_of(client_of(alice), proposal)
    assert "Ours &lt;b&gt;" in html


def test_a_page_takes_as_many_queries_whatever_it_holds(
    landed, as_alice, alice, django_assert_max_num_queries
):
    edit(landed, "mail-1", subject_line="Ours")
    put_in(landed)
    proposal = proposed(landed, alice)
    with django_assert_max_num_queries(14):
        page_of(as_alice, proposal)


def test_what_waited_before_today_is_written_anew():
    """Proposals of words and waits, as they were kept once."""
    module = importlib.import_module("flowbuilder.migrations.0020_proposals")
    mail = {
        "temporary_id": "mail",
        "type": "send-email",
        "data": {"message": {"subject_line": "a", "name": "M"}},
    }
    wait = {"temporary_id": "wait", "type": "time-delay", "data": {"unit": "hours", "value": 1}}
    frozen = {"definition": {"triggers": [], "entry_action_id": "mail", "actions": [mail, wait]}}
    longer = {"unit": "hours", "value": 2}
    found = module.document_of(
        3,
        frozen,
        [
            {"key": "mail", "path": ["message", "subject_line"], "before": "a", "after": "b", "text": "b"},
            {"key": "mail", "path": ["html"], "before": None, "after": "<p>b</p>", "text": "anew"},
            {"key": "wait", "path": [], "before": wait["data"], "after": longer, "text": "2"},
            {"key": "gone", "path": ["message", "name"], "before": "a", "after": "b", "text": "b"},
        ],
    )
    base, offered = graphs_in(found)
    assert [one.id for one in points_of(base, offered)] == [
        "mail message.subject_line",
        "mail message.template_id",
        "wait settings",
    ]
    assert [one["html"] for one in found["contents"].values()] == ["<p>b</p>"]
    assert (found["version"], base.by_key["wait"].config["value"]) == (3, 1)
    assert module.document_of(3, {}, []) == {}


def test_a_flow_that_was_built_otherwise_is_proposed_as_it_was_designed(workspace, alice, as_alice, klaviyo):
    """Branches that join stand twice in the account: changed in both copies alike, it is one change."""
    merchant = make.workspace("harbour-pine", "merchant", owner=alice)
    install = make.install(make.template(workspace, document(), "Joined"), make.account(merchant), alice)
    choose_shape(install=install, settings=BOTH)
    run(confirm_install(install=install, by=alice))
    install.refresh_from_db()
    for one in _texts(install):
        if "from y" in one["data"]["message"]["body"]:
            message = {**one["data"]["message"], "body": "Ours"}
            change_action(install.account, {**one, "data": {**one["data"], "message": message}})
    reading = look(install)
    assert len(reading.differences) > 1
    proposal = proposed(install, alice)
    assert [one["text"] for one in proposal.changes] == ["“y”: text changed from “Hello from y” to “Ours”."]
    take(as_alice, proposal)
    keys = [
        one.key
        for one in Design(design(install)).graph.steps
        if one.config.get("message", {}).get("body") == "Ours"
    ]
    assert len(keys) == 1
    assert len(Design(design(install)).graph.steps) == 4


def _texts(install: Install) -> list[dict[str, Any]]:
    return [one for one in flow_of(install).definition["actions"] if one["type"] == "send-sms"]
