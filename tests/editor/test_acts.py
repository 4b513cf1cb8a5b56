"""Acts on a flow: each by a plain form post and by htmx; links heal; bad input is a sentence and changes nothing."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from flowbuilder.models import Action, Flow, Link, Publication
from flowbuilder.operations import designs
from flowbuilder.operations.designs import UnableToChange
from flowbuilder.queries import Design, graph_of
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(workspace) -> Flow:
    return designs.create_flow(workspace=workspace, by=None, name="Test")


def shape(flow: Flow) -> list[str]:
    """The links as texts: [">s1", "s1>s2", "s2-yes>s3"]."""
    graph = graph_of(Flow.objects.get(pk=flow.pk))
    return sorted(
        f"{link.source or ''}{'' if link.port == 'next' else '-' + link.port}>{link.target}"
        for link in graph.links
    )


def grow(flow: Flow, *steps: tuple[str, str, str]) -> None:
    for action_type, source, port in steps:
        designs.insert_step(flow=flow, action_type=action_type, source=source, port=port)


WAIT, SPLIT, MAIL = "time-delay", "conditional-split", "send-email"


def test_a_step_goes_between(flow):
    """[t] -> s1 becomes [t] -> s2 -> s1"""
    grow(flow, (WAIT, "trigger", "next"), (MAIL, "trigger", "next"))
    assert shape(flow) == [">s2", "s2>s1"]


def test_below_a_split_the_rest_goes_to_yes(flow):
    grow(flow, (WAIT, "trigger", "next"), (SPLIT, "trigger", "next"), (MAIL, "s2", "no"))
    assert shape(flow) == [">s2", "s2-no>s3", "s2-yes>s1"]


@pytest.mark.parametrize(
    ("key", "keep", "left"),
    [
        ("s1", "", [">s2", "s2-no>s4", "s2-yes>s3"]),
        ("s3", "", [">s1", "s1>s2", "s2-no>s4"]),
        ("s2", "yes", [">s1", "s1>s3"]),
        ("s2", "no", [">s1", "s1>s4"]),
    ],
)
def test_deleting_heals(flow, key, keep, left):
    """[t] -> s1 -> (s2) -yes-> s3, -no-> s4"""
    grow(flow, (WAIT, "trigger", "next"), (SPLIT, "s1", "next"), (MAIL, "s2", "yes"), (MAIL, "s2", "no"))
    designs.delete_step(flow=flow, key=key, keep=keep)
    assert shape(flow) == left


def test_a_branch_goes_but_not_what_others_lead_to(workspace):
    """[t] -> (s) -yes-> a -> z, -no-> z: deleting from a leaves z"""
    split = {
        "profile_filter": {
            "condition_groups": [{"conditions": [{"type": "profile-sample", "percentage": 50}]}]
        }
    }
    flow = make.flow(
        workspace,
        {
            "triggers": [{"type": "metric", "id": "M"}],
            "entry_action_id": "s",
            "actions": [
                {
                    "id": "s",
                    "type": SPLIT,
                    "data": split,
                    "links": {"next_if_true": "a", "next_if_false": "z"},
                },
                {"id": "a", "type": WAIT, "data": {"unit": "days", "value": 1}, "links": {"next": "z"}},
                {"id": "z", "type": WAIT, "data": {"unit": "days", "value": 1}, "links": {"next": None}},
            ],
        },
    )
    assert designs.delete_branch(flow=flow, key="a") == 1
    assert shape(flow) == [">s", "s-no>z"]


def test_moving_leaves_no_gap(flow):
    grow(flow, (WAIT, "trigger", "next"), (MAIL, "s1", "next"), (WAIT, "s2", "next"))
    designs.move_step(flow=flow, key="s1", source="s3", port="next")
    assert shape(flow) == [">s2", "s2>s3", "s3>s1"]
    designs.move_step(flow=flow, key="s1", source="s3", port="next")
    assert shape(flow) == [">s2", "s2>s3", "s3>s1"], "where it is already"
    with pytest.raises(UnableToChange):
        designs.move_step(flow=flow, key="s1", source="s1", port="next")


def test_swapping_sides(flow):
    grow(flow, (SPLIT, "trigger", "next"), (WAIT, "s1", "yes"))
    designs.swap_sides(flow=flow, key="s1")
    assert shape(flow) == [">s1", "s1-no>s2"]


def test_every_act_counts(flow):
    before = flow.revision
    grow(flow, (WAIT, "trigger", "next"))
    designs.rename_flow(flow=flow, name="Other")
    assert Flow.objects.get(pk=flow.pk).revision == before + 2


def test_the_database_keeps_links_in_their_flow(flow, workspace):
    grow(flow, (WAIT, "trigger", "next"), (WAIT, "s1", "next"))
    other = designs.create_flow(workspace=workspace, by=None, name="Other")
    foreign = Action.objects.create(flow=other, key="x", type=WAIT)
    one, two = Action.objects.filter(flow=flow)
    bad = (
        {"flow": flow, "source": two, "target": foreign},
        {"flow": other, "source": two, "target": foreign},
        {"flow": flow, "source": two, "target": two},
        {"flow": flow, "source": None, "target": two},
        {"flow": flow, "source": one, "target": one},
    )
    for link in bad:
        with pytest.raises(IntegrityError), transaction.atomic():
            Link.objects.create(**link)
    with pytest.raises(IntegrityError), transaction.atomic():
        Link.objects.filter(flow=flow).update(target=foreign)


# --- Through the views -------------------------------------------------------------------------------------------


def post(client, act, flow, /, *args, htmx=True, **values):
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(reverse(f"editor:{act}", args=[flow.pk, *args]), values, headers=headers)


@pytest.mark.parametrize("htmx", [True, False])
def test_the_seed_is_built_by_posts(as_alice, flow, htmx):
    """The whole example with and without script."""
    act = lambda name, *args, **values: post(as_alice, name, flow, *args, htmx=htmx, **values)  # noqa: E731
    answers = []

    def add(kind: str, source: str, port: str) -> str:
        answers.append(act("add", type=kind, source=source, port=port))
        return flow.actions.latest("pk").key

    answers.append(act("trigger", type="metric"))
    answers.append(act("change", "trigger", id="UpixsZ", act="add:trigger_filter"))
    values = {
        "trigger_filter.condition_groups.0.conditions.0.field": "price",
        "trigger_filter.condition_groups.0.conditions.0.filter.value": "5",
    }
    answers.append(act("change", "trigger", **values))
    wait = add(WAIT, "trigger", "next")
    answers.append(act("change", wait, unit="hours"))
    split = add(SPLIT, wait, "next")
    answers.append(act("change", split, act="add:profile_filter"))
    consent = {"profile_filter.condition_groups.0.conditions.0.consent.@": "sms:true"}
    answers.append(act("change", split, **consent))
    text = add("send-sms", split, "yes")
    answers.append(act("change", text, **{"message.name": "SMS #1", "message.body": "Hello world!"}))
    mail = add(MAIL, split, "no")
    words = {"message.subject_line": "Email #1 Subject", "content.mode": "write", "content.email": "new"}
    answers.append(act("change", mail, **words))
    answers.append(act("change", mail, act="ask:message.from_email"))
    assert {answer.status_code for answer in answers} == {200 if htmx else 302}
    design = Design(Flow.objects.get(pk=flow.pk))
    assert [one for one in design.problems if one.blocks] == []
    trigger = design.graph.trigger
    condition = trigger.config["trigger_filter"]["condition_groups"][0]["conditions"][0]
    assert (trigger.config["id"], condition["metric_id"], condition["field"]) == ("UpixsZ", "UpixsZ", "price")
    assert condition["filter"] == {"type": "numeric", "operator": "greater-than", "value": 5}
    message = design.graph.by_key[mail].config["message"]
    assert message["from_email"] == {"$ask": "sender", "part": "email"}
    assert message["template_id"] == {"$content": flow.workspace.emails.get().key}
    assert shape(flow) == sorted([f">{wait}", f"{wait}>{split}", f"{split}-no>{mail}", f"{split}-yes>{text}"])


def test_what_cannot_be_read_is_said_and_not_kept(as_alice, flow):
    grow(flow, (WAIT, "trigger", "next"))
    answer = post(as_alice, "change", flow, "s1", value="soon")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Write a whole number." in page
    assert 'value="soon"' in page, "what was typed stays to be mended"
    assert Action.objects.get(flow=flow, key="s1").config["value"] == 1


@pytest.mark.parametrize(
    ("status", "name", "args", "values"),
    [
        (422, "add", (), {"type": "nonsense", "source": "trigger", "port": "next"}),
        (409, "add", (), {"type": WAIT, "source": "ghost", "port": "next"}),
        (409, "add", (), {"type": WAIT, "source": "trigger", "port": "yes"}),
        (422, "trigger", (), {"type": "nonsense"}),
        (409, "change", ("ghost",), {}),
        (422, "change", ("s1",), {"act": "add:no.such.place"}),
        (422, "change", ("s1",), {"act": "explode"}),
        (422, "change", ("s1",), {"act": "ask:nothing"}),
        (422, "change", ("s1",), {"revision": "soon"}),
        (409, "delete", ("ghost",), {}),
        (409, "delete", ("s1",), {"keep": "yes"}),
        (409, "move", ("s1",), {"to": "ghost:next"}),
        (422, "move", ("s1",), {"to": "s1:next"}),
        (422, "swap", ("s1",), {}),
        (409, "type", ("ghost",), {"type": WAIT}),
        (422, "type", ("s1",), {"type": "nonsense"}),
        (409, "repair", ("s1",), {"code": "nonsense"}),
        (422, "settle", ("s1",), {"token": "forged"}),
        (409, "duplicate", ("ghost",), {}),
        (409, "copy", ("ghost",), {}),
        (409, "cut", ("ghost",), {"what": "branch"}),
        (422, "paste", (), {"source": "trigger", "port": "next"}),
        (422, "connect", (), {"source": "s1", "port": "next", "target": "s1"}),
        (409, "connect", (), {"source": "s1", "port": "next", "target": "ghost"}),
        (422, "connect", (), {"source": "trigger", "port": "next", "target": "s1"}),
        (422, "disconnect", (), {"source": "s1", "port": "next"}),
        (422, "undo", (), {"number": "99"}),
        (422, "undo", (), {"number": "x"}),
        (422, "redo", (), {}),
        (422, "restore", (), {"number": "77"}),
        (422, "rename", (), {"name": "  "}),
    ],
)
def test_what_does_not_fit_is_a_sentence(as_alice, flow, status, name, args, values):
    grow(flow, (WAIT, "trigger", "next"))
    before = (shape(flow), Action.objects.get(flow=flow).config)
    answer = post(as_alice, name, flow, *args, **values)
    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()
    assert (shape(flow), Action.objects.get(flow=flow).config) == before


def test_a_version_waits_until_nothing_blocks(as_alice, flow):
    answer = post(as_alice, "publish", flow)
    assert answer.status_code == 422
    assert "Choose what starts this flow." in answer.content.decode()
    assert flow.versions.count() == 0


def test_versions_never_change(workspace):
    template = make.template(workspace)
    version = template.current_version
    with pytest.raises(IntegrityError), transaction.atomic():
        type(version).objects.filter(pk=version.pk).update(document={})
    again = make.template(workspace).current_version
    assert again.content_hash == version.content_hash, "the same design has the same hash"


def test_the_number_of_queries_does_not_grow(as_alice, workspace, django_assert_max_num_queries):
    small = make.flow(workspace)
    large = designs.create_flow(workspace=workspace, by=None, name="Large")
    grow(large, (WAIT, "trigger", "next"), *((WAIT, f"s{number}", "next") for number in range(1, 60)))
    for flow in (small, large):
        with django_assert_max_num_queries(6 + 3):  # the panel of a step asks for its choices
            as_alice.get(reverse("editor:editor", args=[flow.pk]), {"step": "s1"})


def test_what_people_write_is_escaped(as_alice, flow):
    grow(flow, (MAIL, "trigger", "next"))
    attack = '"><script>alert(1)</script>'
    post(as_alice, "change", flow, "s1", **{"message.subject_line": attack, "message.name": attack})
    post(as_alice, "rename", flow, name=attack)
    page = as_alice.get(reverse("editor:editor", args=[flow.pk]), {"step": "s1"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_what_klaviyo_refused_stands_on_its_step(as_alice, alice, workspace, klaviyo):
    """A 400 names a pointer: its message is on that step in the editor, until the next version."""
    template = make.template(workspace)
    publication = Publication.objects.create(
        workspace=workspace,
        version=template.current_version,
        account=make.account(workspace),
        flow_name="Abandoned cart",
        refusals=[
            {
                "text": "Not allowed to set delay_until_time unless unit is 'days'",
                "pointer": "/data/attributes/definition/actions/0/data",
                "step": "wait-1",
                "path": [],
            }
        ],
    )
    make.bring(publication, "refused")
    url = reverse("editor:editor", args=[template.flow.pk])
    page = as_alice.get(url, {"step": "wait-1"}).content.decode()
    assert page.count("Klaviyo refused this: Not allowed to set delay_until_time") == 1
    assert ">Refused</span>" in page, "on the card as well"
    assert str(publication.account) not in page, "whose account it was is not the designer's business"
    post(as_alice, "publish", template.flow)
    assert "Klaviyo refused this" not in as_alice.get(url, {"step": "wait-1"}).content.decode()
