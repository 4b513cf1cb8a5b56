"""The inspector: what is drawn and posted back untouched changes nothing; conditions in words; clashes; repairs."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import CatalogEntry
from flowbuilder.kinds.registry import ACTIONS, PALETTE, TRIGGERS
from flowbuilder.models import Action, Flow, Trigger
from flowbuilder.operations import designs
from flowbuilder.queries import draft_of
from tests import make
from tests.conftest import CASES, client_of
from tests.editor.forms import drawn

pytestmark = pytest.mark.django_db

GROUPS = {
    "condition_groups": [
        {
            "conditions": [
                {"type": "profile-sample", "percentage": 50},
                {"type": "profile-group-membership", "is_member": True, "group_ids": ["LiSt01"]},
            ]
        },
        {"conditions": [{"type": "profile-sample", "percentage": 20}]},
    ]
}


@pytest.fixture
def flow(workspace) -> Flow:
    made = designs.create_flow(workspace=workspace, by=None, name="Test")
    designs.choose_trigger(flow=made, by=None, trigger_type="metric")
    return made


def add(flow: Flow, action_type: str, config: dict | None = None) -> str:
    step = designs.insert_step(flow=flow, action_type=action_type, source="trigger", port="next")
    if config is not None:
        Action.objects.filter(flow=flow, key=step.key).update(config=config)
        Flow.objects.filter(pk=flow.pk).update(revision=flow.revision + 100)
        flow.refresh_from_db()
    return step.key


def page(client, flow: Flow, key: str) -> str:
    answer = client.get(
        reverse("editor:editor", args=[flow.pk]), {"step": key}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    return answer.content.decode()


def change(client, flow: Flow, key: str, posted: dict, **headers: str):
    return client.post(reverse("editor:change", args=[flow.pk, key]), posted, headers=headers)


def config_of(flow: Flow, key: str) -> dict:
    return dict(draft_of(Flow.objects.get(pk=flow.pk)).graph.by_key[key].config)


# --- Drawn and read back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action_type", ACTIONS)
def test_a_form_posted_untouched_changes_nothing(flow, as_alice, action_type):
    """Of a new step, and of the settings that the contract tests send."""
    case = CASES / "kinds" / f"{action_type}.json"
    configs = json.loads(case.read_text()) if case.exists() else []
    for config in [None, *(one["data"] for one in configs)]:
        flow = designs.create_flow(workspace=flow.workspace, by=None, name="Test")
        designs.choose_trigger(flow=flow, by=None, trigger_type="metric")
        if config and "trigger_id" in config:  # a trigger split follows the trigger of its flow
            of_trigger = {"id": config["trigger_id"], "trigger_filter": None}
            Trigger.objects.filter(flow=flow).update(type=config["trigger_type"], config=of_trigger)
        key = add(flow, action_type, config)
        before, html = config_of(flow, key), page(as_alice, flow, key)
        form = drawn(html)
        assert "note" in form.posted
        answer = change(as_alice, flow, key, form.posted)
        assert answer.status_code == 302, answer.content.decode()[:2000]
        assert config_of(flow, key) == before


@pytest.mark.parametrize("trigger_type", TRIGGERS)
def test_a_trigger_posted_untouched_changes_nothing(flow, as_alice, trigger_type):
    designs.choose_trigger(flow=flow, by=None, trigger_type=trigger_type)
    before = dict(draft_of(Flow.objects.get(pk=flow.pk)).graph.trigger.config)
    assert change(as_alice, flow, "trigger", drawn(page(as_alice, flow, "trigger")).posted).status_code == 302
    assert dict(draft_of(Flow.objects.get(pk=flow.pk)).graph.trigger.config) == before


@pytest.mark.parametrize("kind", PALETTE, ids=lambda kind: kind.TYPE)
def test_every_field_has_a_label_and_every_act_works(flow, as_alice, kind):
    key = add(flow, kind.TYPE)
    html = page(as_alice, flow, key)
    form = drawn(html)
    for act in form.acts:
        if act.startswith(("add:", "ask:")):
            answer = change(as_alice, flow, key, {**form.posted, "act": act})
            assert answer.status_code == 302, act
            undone = as_alice.post(reverse("editor:undo", args=[flow.pk]))
            assert undone.status_code == 302
    for field, text in form.labels.items():
        assert text, field
    assert html.count('id="settings-form"') == 1


def test_the_name_stands_in_the_head(flow, as_alice):
    mail, wait = add(flow, "send-email"), add(flow, "time-delay")
    assert ("message.name", "") in drawn(page(as_alice, flow, mail)).fields
    change(as_alice, flow, mail, {"message.name": "Hello <b>"})
    change(as_alice, flow, wait, {"step_name": "A while", "note": "Why so long?"})
    assert "Hello &lt;b&gt;" in page(as_alice, flow, mail)
    assert "Hello <b>" not in page(as_alice, flow, mail)
    step = draft_of(Flow.objects.get(pk=flow.pk)).graph.by_key[wait]
    assert (step.name, step.note) == ("A while", "Why so long?")
    assert ("step_name", "A while") in drawn(page(as_alice, flow, wait)).fields


# --- Conditions --------------------------------------------------------------------------------------------------


def test_groups_and_conditions_say_how_they_hold(flow, as_alice):
    key = add(flow, "conditional-split", {"profile_filter": GROUPS})
    html = page(as_alice, flow, key)
    assert html.count("All of these must hold:") == 1
    assert html.count("Any of these:") == 1
    assert html.count("<span>and</span>") == 1
    assert html.count("<span>or</span>") == 1
    assert "+ and another condition" in html
    add_to_group = "add:profile_filter.condition_groups.1.conditions"
    assert add_to_group in drawn(html).acts


@pytest.mark.parametrize(
    ("act", "shape"),
    [
        ("copy:profile_filter.condition_groups.0.conditions.1", [3, 1]),
        ("copy:profile_filter.condition_groups.0", [2, 2, 1]),
        ("drop:profile_filter.condition_groups.0", [1]),
        ("drop:profile_filter.condition_groups.1.conditions.0", [2]),
        ("add:profile_filter", [2, 1, 1]),
        ("drop:profile_filter.condition_groups.0.conditions.1.group_ids.0", [2, 1]),
    ],
)
def test_acts_on_conditions(flow, as_alice, act, shape):
    key = add(flow, "conditional-split", {"profile_filter": GROUPS})
    assert act in drawn(page(as_alice, flow, key)).acts
    assert (
        change(as_alice, flow, key, {**drawn(page(as_alice, flow, key)).posted, "act": act}).status_code
        == 302
    )
    groups = config_of(flow, key)["profile_filter"]["condition_groups"]
    assert [len(group["conditions"]) for group in groups] == shape


def test_only_conditions_can_be_copied(flow, as_alice):
    key = add(flow, "update-profile")
    answer = change(as_alice, flow, key, {"act": "copy:profile_operations.0"})
    assert answer.status_code == 422


def test_several_things_are_chips_and_one_more_field(flow, as_alice):
    key = add(flow, "conditional-split", {"profile_filter": GROUPS})
    name = "profile_filter.condition_groups.0.conditions.1.group_ids"
    posted = drawn(page(as_alice, flow, key)).posted
    assert posted[name] == ["LiSt01", ""]
    change(as_alice, flow, key, {**posted, name: ["LiSt01", "SeGm02"]})
    condition = config_of(flow, key)["profile_filter"]["condition_groups"][0]["conditions"][1]
    assert condition["group_ids"] == ["LiSt01", "SeGm02"]


def test_pairs_keep_what_is_there_and_take_one_more(flow, as_alice):
    key, name = add(flow, "send-webhook"), "message.headers"
    posted = drawn(page(as_alice, flow, key)).posted
    assert posted[f"{name}.k"][-1] == posted[f"{name}.v"][-1] == ""
    posted[f"{name}.k"][-1], posted[f"{name}.v"][-1] = "X-Key", "secret & more"
    change(as_alice, flow, key, posted)
    headers = config_of(flow, key)["message"]["headers"]
    assert headers["X-Key"] == "secret & more"
    assert len(headers) == len(posted[f"{name}.k"])
    posted = drawn(page(as_alice, flow, key)).posted
    posted[f"{name}.k"][posted[f"{name}.k"].index("X-Key")] = ""
    posted[f"{name}.v"][posted[f"{name}.v"].index("secret & more")] = ""
    change(as_alice, flow, key, posted)
    assert "X-Key" not in config_of(flow, key)["message"]["headers"]


# --- Names, counts, acts -----------------------------------------------------------------------------------------


def picker_queries(client, flow: Flow, key: str) -> list[str]:
    """The queries for what stands beside the ids of a form. Sentences have names of their own."""
    with CaptureQueriesContext(connection) as queries:
        page(client, flow, key)
    return [one["sql"] for one in queries if f'"{CatalogEntry._meta.db_table}"."integration"' in one["sql"]]


def test_names_of_pickers_take_one_query_and_none_without(flow, as_alice, workspace):
    account = make.account(workspace)
    CatalogEntry.objects.create(account=account, kind="list", klaviyo_id="LiSt01", name="VIP <3")
    wait = add(flow, "time-delay")
    split = add(flow, "conditional-split", {"profile_filter": GROUPS})
    html = page(as_alice, flow, split)
    assert "VIP &lt;3" in html
    assert "Harbour &amp; Pine" in html
    [query] = picker_queries(as_alice, flow, split)
    assert "api_key" not in query
    assert picker_queries(as_alice, flow, wait) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No text yet."),
        ("a" * 160, "160 characters, 1 segment"),
        ("a" * 161, "161 characters, 2 segments"),
        ("€" * 81, "81 characters, 2 segments"),
        ("ж" * 71, "71 characters, 2 segments"),
        ("Hi {{ first_name }}", "19 characters, 1 segment, and what the tags become"),
    ],
)
def test_texts_are_counted(flow, as_alice, text, said):
    key = add(flow, "send-sms")
    change(as_alice, flow, key, {"message.body": text})
    assert f'data-count="segments">{said}</output>' in page(as_alice, flow, key)


def test_the_menu_offers_what_fits_the_step(flow, as_alice):
    """A step with one way out can be moved and cut; of a split one side is kept; an end can go on elsewhere."""
    wait, split = add(flow, "time-delay"), add(flow, "conditional-split")
    of_wait, of_split = page(as_alice, flow, wait), page(as_alice, flow, split)
    base = reverse("editor:change", args=[flow.pk, wait])
    for act in ("duplicate/", "copy/", "cut/", "delete/", "type/"):
        assert f'formaction="{base}{act}"' in of_wait, act
    assert f"?step={wait}" in of_wait
    assert "Swap Yes and No" not in of_wait
    assert "Delete, keep Yes" in of_split
    assert "Delete, keep No" in of_split
    assert "Swap Yes and No" in of_split
    assert f"?at={split}:no" in of_split
    assert f"?at={split}:yes" not in of_split


def test_a_problem_is_repaired_by_its_button(flow, as_alice):
    first = add(flow, "send-sms")
    add(flow, "send-sms")
    html = page(as_alice, flow, first)
    repair = reverse("editor:repair", args=[flow.pk, first])
    assert f'action="{repair}"' in html
    code = html.split(f'action="{repair}"')[1].split('name="code" value="')[1].split('"')[0]
    answer = as_alice.post(repair, {"code": code, "step": first})
    assert answer.status_code == 302
    assert answer.url.endswith(f"?step={first}")
    assert f'name="code" value="{code}"' not in page(as_alice, flow, first)


def test_a_clash_shows_both_values_and_both_names(flow, as_alice, bob):
    key = add(flow, "send-sms")
    flow.refresh_from_db()
    revision = flow.revision
    change(client_of(bob), flow, key, {"message.body": "Bob's <words>", "revision": revision})
    answer = change(
        as_alice, flow, key, {"message.body": "Alice's words", "revision": revision}, HX_Request="true"
    )
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "was changed by Bob while you did" in html
    assert "Alice (you)" in html
    assert "<dd>Bob&#x27;s &lt;words&gt;</dd>" in html
    assert "<dd>Alice&#x27;s words</dd>" in html
    assert config_of(flow, key)["message"]["body"] == "Bob's <words>"
    token = html.split('name="token" value="')[1].split('"')[0]
    as_alice.post(reverse("editor:settle", args=[flow.pk, key]), {"token": token})
    assert config_of(flow, key)["message"]["body"] == "Alice's words"


# --- The gallery -------------------------------------------------------------------------------------------------


def test_the_gallery_shows_every_kind(as_alice, settings):
    url = reverse("editor:styleguide")
    assert as_alice.get(url).status_code == 404
    settings.DEMO = True
    html = as_alice.get(url).content.decode()
    for kind in PALETTE:
        assert f'id="action-{kind.TYPE}"' in html
    for name in TRIGGERS:
        assert f'id="trigger-{name}"' in html
    assert html.count('id="condition-') > 20
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
