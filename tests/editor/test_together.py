"""Two people, or two windows, on one flow: nothing is lost, a clash is told with both values, people see each other."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from flowbuilder.models import Flow, Presence
from flowbuilder.operations import clipboard, designs, editing
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.queries import draft_of
from tests import make

pytestmark = pytest.mark.django_db
WAIT, MAIL = "time-delay", "send-email"


@pytest.fixture
def flow(workspace) -> Flow:
    made = designs.create_flow(workspace=workspace, by=None, name="Test")
    designs.insert_step(flow=made, action_type=MAIL, source="trigger", port="next")
    return made


def mail(flow: Flow) -> dict:
    return draft_of(Flow.objects.get(pk=flow.pk)).graph.by_key["s1"].config["message"]


def change(flow, by, revision, **values):
    posted = {name.replace("__", "."): [value] for name, value in values.items()}
    return editing.apply_form(flow=flow, key="s1", by=by, posted=posted, revision=revision)


def test_different_settings_of_one_step_both_hold(flow, alice, bob):
    seen = flow.revision
    change(flow, bob, seen, message__subject_line="Bob's", message__preview_text="")
    applied = change(flow, alice, seen, message__subject_line="", message__preview_text="Alice's")
    assert applied.clashes == ()
    assert (mail(flow)["subject_line"], mail(flow)["preview_text"]) == ("Bob's", "Alice's")


def test_one_setting_twice_is_a_clash_with_both_values_and_names(flow, alice, bob):
    seen = flow.revision
    change(flow, bob, seen, message__subject_line="Bob's")
    applied = change(flow, alice, seen, message__subject_line="Alice's", message__preview_text="Only mine")
    [one] = applied.clashes
    assert (one.theirs, one.their_name, one.mine, one.my_name) == ("Bob's", str(bob), "Alice's", str(alice))
    assert one.label == "Subject"
    assert mail(flow)["subject_line"] == "Bob's", "theirs stays until the later one chooses"
    assert mail(flow)["preview_text"] == "Only mine", "what does not clash holds"
    editing.settle(flow=flow, by=alice, token=one.token)
    assert mail(flow)["subject_line"] == "Alice's"


def test_a_choice_fits_only_its_flow_and_only_while_the_step_is_there(flow, alice, bob, workspace):
    seen = flow.revision
    change(flow, bob, seen, message__subject_line="Bob's")
    token = change(flow, alice, seen, message__subject_line="Alice's").clashes[0].token
    other = designs.create_flow(workspace=workspace, by=None, name="Other")
    with pytest.raises(UnableToChange, match="another flow"):
        editing.settle(flow=other, by=alice, token=token)
    with pytest.raises(UnableToChange, match="too old"):
        editing.settle(flow=flow, by=alice, token=token + "x")
    designs.delete_step(flow=flow, key="s1")
    with pytest.raises(UnableToChange, match="not there any more"):
        editing.settle(flow=flow, by=alice, token=token)


def test_the_same_value_twice_is_no_clash(flow, alice, bob):
    seen = flow.revision
    change(flow, bob, seen, message__subject_line="Same")
    assert change(flow, alice, seen, message__subject_line="Same").clashes == ()


def test_a_step_that_was_deleted_meanwhile_is_said(flow, as_alice, bob):
    seen = flow.revision
    designs.delete_step(flow=flow, key="s1", by=bob)
    url = reverse("editor:change", args=[flow.pk, "s1"])
    answer = as_alice.post(
        url, {"message.subject_line": "Late", "revision": seen}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert "not there any more" in answer.content.decode()


def test_a_stale_page_is_told_of_the_clash_and_both_can_be_chosen(flow, as_alice, alice, bob):
    seen = flow.revision
    change(flow, bob, seen, message__subject_line="Bob's <b>")
    url = reverse("editor:change", args=[flow.pk, "s1"])
    answer = as_alice.post(
        url, {"message.subject_line": "Alice's", "revision": seen}, headers={"HX-Request": "true"}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Bob&#x27;s &lt;b&gt;" in page
    assert "Alice&#x27;s" in page
    assert str(bob) in page
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    as_alice.post(reverse("editor:settle", args=[flow.pk, "s1"]), {"token": token})
    assert mail(flow)["subject_line"] == "Alice's"


def test_acts_on_two_places_both_hold(flow, alice, bob):
    """Both opened the same page; each puts a step somewhere else."""
    one, other = Flow.objects.get(pk=flow.pk), Flow.objects.get(pk=flow.pk)
    designs.insert_step(flow=one, action_type=WAIT, source="trigger", port="next", by=alice)
    designs.insert_step(flow=other, action_type=WAIT, source="s1", port="next", by=bob)
    links = {(one.source, one.target) for one in draft_of(Flow.objects.get(pk=flow.pk)).graph.links}
    assert links == {(None, "s2"), ("s2", "s1"), ("s1", "s3")}


# --- Who is here -----------------------------------------------------------------------------------------------


def pulse(client, flow, **values):
    headers = {"HX-Request": "true", "X-View": "canvas", "X-Revision": values.pop("revision", "0")}
    return client.post(reverse("editor:pulse", args=[flow.pk]), values, headers=headers)


def test_people_see_each_other(flow, as_alice, alice, bob):
    Presence.objects.create(flow=flow, user=bob, step="s1")
    page = pulse(as_alice, flow, step="s1", revision=str(flow.revision)).content.decode()
    assert str(bob) in page
    assert str(alice) not in re.sub(r"<!--.*?-->", "", page), "not oneself"
    assert Presence.objects.get(user=alice).step == "s1"
    Presence.objects.filter(user=bob).update(seen_at=timezone.now() - timedelta(minutes=2))
    assert str(bob) not in pulse(as_alice, flow, revision=str(flow.revision)).content.decode()


def test_what_others_did_comes_by_itself(flow, as_alice, bob):
    seen = str(flow.revision)
    assert 'id="canvas' not in pulse(as_alice, flow, revision=seen).content.decode()
    designs.insert_step(flow=flow, action_type=WAIT, source="s1", port="next", by=bob)
    page = pulse(as_alice, flow, revision=seen).content.decode()
    assert 'id="canvas-patch"' in page
    assert "Wait 1 day" in page


def test_a_stranger_pulses_nothing(client, flow, charlie):
    client.force_login(charlie)
    assert pulse(client, flow).status_code == 404


# --- Copies ----------------------------------------------------------------------------------------------------


def test_a_branch_goes_to_another_workspace_with_all_it_needs(as_alice, workspace, alice):
    flow = make.flow(workspace)
    abroad = make.workspace("abroad", owner=alice)
    other = designs.create_flow(workspace=abroad, by=alice, name="Other")
    entry = draft_of(flow).graph.entry
    number = clipboard.copy_steps(flow=flow, key=entry, by=alice, branch=True)
    pasted = clipboard.paste_steps(flow=other, source="trigger", port="next", by=alice)
    old, new = draft_of(flow), draft_of(Flow.objects.get(pk=other.pk))
    assert pasted.number == number == len(old.graph.steps) == len(new.graph.steps)
    assert len(new.graph.links) == len(old.graph.links)
    assert {one["question"] for one in new.requirements.values()} <= {
        one["question"] for one in old.requirements.values()
    }
    assert sorted(abroad.emails.values_list("html", flat=True)) == sorted(
        workspace.emails.values_list("html", flat=True)
    )
    clipboard.paste_steps(flow=other, source=pasted.entry, port="next", by=alice)
    assert abroad.emails.count() == workspace.emails.count(), "the same email is kept once"


def test_what_will_not_resolve_is_said(workspace, alice):
    flow = designs.create_flow(workspace=workspace, by=alice, name="Here")
    key = designs.insert_step(flow=flow, action_type="conditional-split", source="trigger", port="next").key
    editing.apply_form(flow=flow, key=key, posted={"act": ["add:profile_filter"]})
    name = "profile_filter.condition_groups.0.conditions.0"
    editing.apply_form(flow=flow, key=key, posted={f"{name}.@": ["profile-metric"]})
    editing.apply_form(flow=flow, key=key, posted={f"{name}.metric_id": ["MINE99"]})
    clipboard.copy_steps(flow=flow, key=key, by=alice)
    abroad = make.workspace("abroad", owner=alice)
    other = designs.create_flow(workspace=abroad, by=alice, name="Other")
    [note] = clipboard.paste_steps(flow=other, source="trigger", port="next", by=alice).notes
    assert "not known in the accounts of “Abroad”" in note
    assert clipboard.paste_steps(flow=flow, source=key, port="yes", by=alice).notes == ()


def test_a_copy_of_an_experiment_shares_no_id_with_it(flow, alice):
    key = designs.insert_step(flow=flow, action_type="ab-test", source="s1", port="next").key
    copied = clipboard.duplicate_step(flow=flow, key=key, by=alice)
    clipboard.copy_steps(flow=flow, key=key, by=alice)
    pasted = clipboard.paste_steps(flow=flow, source=copied, port="next", by=alice).entry
    steps = draft_of(Flow.objects.get(pk=flow.pk)).graph.by_key
    ids = [
        inner["temporary_id"]
        for one in (key, copied, pasted)
        for inner in (
            steps[one].config["main_action"],
            *steps[one].config["current_experiment"]["variations"],
        )
    ]
    assert len(ids) == len(set(ids)) == 9
