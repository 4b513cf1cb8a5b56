"""The extractor's pages and operations: a live flow of the sandbox, a file, what is found, what is set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.connection import client_for
from accounts.models import KlaviyoAccount, Membership, Workspace
from flowbuilder.definition.canonical import canonical
from flowbuilder.definition.writing import bind, to_definition, with_defaults
from flowbuilder.models import Edit, Email, Flow, Requirement, TemplateFlow
from flowbuilder.operations.acts import undo
from flowbuilder.operations.extracting import find_in
from flowbuilder.queries import Design, graph_of
from tests import make
from tests.conftest import CASES, client_of

pytestmark = pytest.mark.django_db
CASE = (CASES / "extract" / "winback.json").read_text()
HTML = "<a href='https://harbour.example/shop'>Shop</a> {% coupon_code 'HELLO10' %} {% unsubscribe %}"


@pytest.fixture
def account(workspace: Workspace, klaviyo) -> KlaviyoAccount:
    return make.account(workspace)


@pytest.fixture
def live(account: KlaviyoAccount) -> str:
    """The id of a flow in the account: [metric] -> <wait> -> [mail], with a template of its own."""
    client = client_for(account)
    metric = next(one for one in client.list_metrics() if one.name == "Placed Order")
    template = client.create_template("Thanks", HTML)
    message = {
        "name": "Thank you",
        "from_email": "hello@harbourpine.example",
        "from_label": "Harbour",
        "subject_line": "Thanks!",
        "template_id": template.id,
    }
    definition = {
        "triggers": [{"type": "metric", "id": metric.id, "trigger_filter": None}],
        "profile_filter": None,
        "entry_action_id": "wait",
        "actions": [
            {
                "temporary_id": "wait",
                "type": "time-delay",
                "links": {"next": "mail"},
                "data": {"unit": "days", "value": 2},
            },
            {
                "temporary_id": "mail",
                "type": "send-email",
                "links": {"next": None},
                "data": {"message": message, "status": "draft"},
            },
        ],
    }
    body = {"data": {"type": "flow", "attributes": {"name": "Thanks for buying", "definition": definition}}}
    return client.create_flow(body).id


def text_of(response: Any) -> str:
    return response.content.decode()


def paste(client: Client, workspace: Workspace, text: str = CASE) -> Any:
    return client.post(reverse("library:extract_file", args=[workspace.slug]), {"text": text})


def pressed(client: Client, flow: Flow, **more: str) -> dict[str, str]:
    """The form as it stands, with some of it chosen otherwise."""
    found = find_in(flow)
    given = {}
    for line in found.lines:
        given[f"way-{line.id}"] = line.proposal
        given[f"question-{line.id}"] = line.question
    return {**given, **more}


def test_flows_of_an_account_are_read_live(as_alice, workspace, account, live):
    url = reverse("library:extract_from", args=[workspace.slug, account.pk])
    page = text_of(as_alice.get(url))
    assert "Thanks for buying" in page
    assert reverse("library:extract_flow", args=[workspace.slug, account.pk, live]) in page
    assert "No flow has “nothing such”" in text_of(as_alice.get(url, {"q": "nothing such"}))


def test_a_live_flow_comes_with_its_emails_and_the_names_of_its_ids(as_alice, workspace, account, live):
    answer = as_alice.post(reverse("library:extract_flow", args=[workspace.slug, account.pk, live]))
    flow = Flow.objects.get(name="Thanks for buying")
    assert answer.url == reverse("library:found", args=[flow.pk])
    assert Email.objects.get(workspace=workspace).html == HTML
    page = text_of(as_alice.get(answer.url))
    for words in (
        "1 email came along",
        "Nothing: every step can be installed in any account.",
        "Placed Order",
        "Found by itself in each account",
        "Harbour &lt;hello@harbourpine.example&gt;",
        "HELLO10",
        "https://harbour.example/shop",
        "the email “Thank you”",
    ):
        assert words in page, words
    assert "Email templates" not in page  # it came along


def test_what_cannot_travel_stands_first(as_alice, workspace):
    answer = paste(as_alice, workspace)
    page = text_of(as_alice.get(answer.url))
    assert page.index("runs code") < page.index("Metrics")


def test_confirming_sets_the_questions_in_one_act(as_alice, alice, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    before = to_definition(graph_of(flow))
    answer = as_alice.post(reverse("library:found", args=[flow.pk]), pressed(as_alice, flow))
    assert answer.url == f"{reverse('editor:editor', args=[flow.pk])}?panel=publish"
    kinds = sorted(Requirement.objects.filter(flow=flow).values_list("kind", flat=True))
    assert kinds == ["coupon", "group", "list", *["metric"] * 2, "sender", *["template"] * 2, *["text"] * 4]
    edit = Edit.objects.get(flow=flow)
    assert edit.name == "Ask 12 questions"
    flow.refresh_from_db()
    defaults = dict(Requirement.objects.filter(flow=flow).values_list("key", "default"))
    defaults["secret"] = "Bearer s3cret"
    assert with_defaults(to_definition(graph_of(flow)), defaults) == before
    undo(flow=flow, by=alice)
    assert to_definition(graph_of(flow)) == before
    assert not Requirement.objects.filter(flow=flow).exists()


def test_what_lands_with_the_same_answers_is_the_live_flow(as_alice, workspace, account, live):
    """From the account, to a template, and bound again: the flow that is there, but for the id of its template."""
    as_alice.post(reverse("library:extract_flow", args=[workspace.slug, account.pk, live]))
    flow = Flow.objects.get(name="Thanks for buying")
    as_alice.post(reverse("library:found", args=[flow.pk]), pressed(as_alice, flow))
    design = Design(Flow.objects.get(pk=flow.pk))
    answers = {key: one["default"] for key, one in design.draft.requirements.items()}
    assert set(answers) == {"metric", "sender", "coupon"}
    bound = bind(to_definition(design.graph), answers, dict.fromkeys(design.emails, "Made01"))
    assert bound.missing == bound.unmade == ()
    held = client_for(account).get_flow(live).definition
    assert canonical({"definition": bound.definition}) == canonical({"definition": held})


def test_what_stands_in_an_email_is_asked_there(as_alice, workspace, account, live):
    """The coupon as proposed, the link as pressed; what is a question is not found again."""
    as_alice.post(reverse("library:extract_flow", args=[workspace.slug, account.pk, live]))
    flow = Flow.objects.get(name="Thanks for buying")
    link = next(one for one in find_in(flow).lines if one.what == "url")
    assert link.may == ("constant", "question")
    url = reverse("library:found", args=[flow.pk])
    as_alice.post(url, pressed(as_alice, flow, **{f"way-{link.id}": "question"}))
    limits = dict(Requirement.objects.filter(flow=flow).values_list("key", "limits"))
    key = Email.objects.get(workspace=workspace).key
    assert limits["coupon"]["emails"] == [{"email": key, "what": "coupon", "value": "HELLO10"}]
    assert limits["url"]["emails"] == [{"email": key, "what": "url", "value": "https://harbour.example/shop"}]
    assert Email.objects.get(workspace=workspace).html == HTML
    assert not find_in(Flow.objects.get(pk=flow.pk)).lines


def test_all_of_a_group_at_once(as_alice, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    given = pressed(as_alice, flow, **{"all-metric": "constant", "all-url": "question"})
    as_alice.post(reverse("library:found", args=[flow.pk]), given)
    kinds = list(Requirement.objects.filter(flow=flow).values_list("kind", flat=True))
    assert "metric" not in kinds
    assert graph_of(Flow.objects.get(pk=flow.pk)).trigger.config["id"] == "PlaceD"


def test_nothing_asked_is_said(as_alice, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    found = find_in(flow)
    ways = {f"way-{line.id}": "constant" for line in found.lines if "constant" in line.may}
    given = pressed(as_alice, flow, **ways)
    as_alice.post(reverse("library:found", args=[flow.pk]), given)
    assert list(Requirement.objects.filter(flow=flow).values_list("key", flat=True)) == ["secret"]
    again = as_alice.post(reverse("library:found", args=[flow.pk]), given, follow=True)
    assert "Nothing is asked" in text_of(again)


def test_own_words_become_the_question(as_alice, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    line = next(one for one in find_in(flow).lines if one.what == "list")
    given = pressed(as_alice, flow, **{f"question-{line.id}": "Where do <b>they</b> go?"})
    as_alice.post(reverse("library:found", args=[flow.pk]), given)
    assert Requirement.objects.get(kind="list").question == "Where do <b>they</b> go?"


def test_a_way_that_is_none_is_said_and_nothing_is_set(as_alice, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    line = find_in(flow).lines[0]
    answer = as_alice.post(
        reverse("library:found", args=[flow.pk]), pressed(as_alice, flow, **{f"way-{line.id}": "moon"})
    )
    assert answer.status_code == 422
    assert "Choose for each" in text_of(answer)
    assert not Requirement.objects.filter(flow=flow).exists()


def test_a_flow_without_anything_says_so(as_alice, workspace):
    wait = {"id": "1", "type": "time-delay", "links": {"next": None}, "data": {"unit": "days", "value": 1}}
    answer = paste(
        as_alice, workspace, json.dumps({"triggers": [], "actions": [wait], "entry_action_id": "1"})
    )
    assert "Nothing belongs to one account" in text_of(as_alice.get(answer.url))


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"data": {"type": "list"}}'])
def test_what_is_no_flow_is_said_and_leaves_nothing(as_alice, workspace, text):
    answer = paste(as_alice, workspace, text)
    assert answer.status_code == 422
    assert "That could not be read." in text_of(answer)
    assert not Flow.objects.exists()


@pytest.mark.parametrize("flow", ["NoSuch", "0"])
def test_a_flow_that_is_gone_is_said_with_a_way_on(as_alice, workspace, account, flow):
    answer = as_alice.post(reverse("library:extract_flow", args=[workspace.slug, account.pk, flow]))
    assert answer.status_code == 422
    assert "Try again" in text_of(answer)
    assert not Flow.objects.exists()


def test_an_account_that_does_not_answer_is_said(as_alice, workspace, account):
    account.api_key = "pk_wrong"
    account.save()
    page = as_alice.get(reverse("library:extract_from", args=[workspace.slug, account.pk]))
    assert page.status_code == 200
    assert 'role="alert"' in text_of(page)


def test_an_account_of_another_workspace_is_not_there(as_alice, workspace, charlie, klaviyo):
    other = make.account(make.workspace("elsewhere", owner=charlie))
    for name, *more in (("extract_from",), ("extract_flow", "Flow1")):
        url = reverse(f"library:{name}", args=[workspace.slug, other.pk, *more])
        assert (as_alice.post if more else as_alice.get)(url).status_code == 404


def test_merchants_of_the_workspace_do_not_extract(workspace, charlie):
    Membership.objects.create(user=charlie, workspace=workspace, role="merchant")
    assert client_of(charlie).get(reverse("library:extract", args=[workspace.slug])).status_code == 403


def test_what_was_extracted_is_published_and_read_by_strangers(as_alice, client, workspace):
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    as_alice.post(reverse("library:found", args=[flow.pk]), pressed(as_alice, flow))
    given = {"label": "The first", "notes": "", "description": "", "visibility": "site"}
    published = as_alice.post(
        reverse("editor:publish", args=[flow.pk]), given, headers={"HX-Request": "true"}
    )
    assert published.status_code == 200
    assert "is in the library." in text_of(published)
    template = make.approved(TemplateFlow.objects.get())
    page = text_of(client.get(reverse("library:page", args=[template.slug])))
    assert "Version 1: The first" in page
    for hidden in ("hello@harbour.example", "boss@harbour.example", "s3cret"):
        assert hidden not in page, hidden


def test_a_problem_with_a_repair_does_not_end_the_form_that_publishes(as_alice, workspace):
    """A form inside a form ends the outer one: then no press publishes anything."""
    paste(as_alice, workspace)
    flow = Flow.objects.get()
    as_alice.post(reverse("library:found", args=[flow.pk]), pressed(as_alice, flow))
    page = text_of(as_alice.get(reverse("editor:editor", args=[flow.pk]), {"panel": "publish"}))
    panel = page[page.index('id="_panel_publish"') :]
    start = panel.index(f'action="{reverse("editor:publish", args=[flow.pk])}"')
    assert "worth a look" in panel
    assert "<form" not in panel[start : panel.index("Publish to the library", start)]
