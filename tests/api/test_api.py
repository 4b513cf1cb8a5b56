"""What the API does: flows in and out, versions, the library, accounts, publications; for whom, in how many queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Grant, KlaviyoAccount
from flowbuilder.api.urls import urlpatterns
from flowbuilder.definition.canonical import canonical
from flowbuilder.models import Flow, Install, Publication, TemplateFlow
from flowbuilder.operations.installs import start_install
from tests.api.conftest import know_metric, schema, speak
from tests.api.test_errors import errors, told
from tests.history import make
from tests.history.conftest import World
from tests.history.make import S
from tests.make import approved

Json = dict[str, Any]


def got(client: Any, path: str) -> Any:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_schema_is_complete_and_has_every_address(world: World, tmp_path: Path):
    schema(tmp_path / "schema.yml")
    text = (tmp_path / "schema.yml").read_text()
    for one in urlpatterns:
        if one.name not in ("schema", "nothing"):
            path = str(one.pattern).replace("<int:pk>", "{id}").replace("<slug:slug>", "{slug}")
            assert f"\n  /api/{path}:\n" in text, path
    assert speak(None).get(reverse("api:schema")).status_code == 200
    assert "<script" not in speak(None).get(reverse("api:schema")).content.decode()


def test_the_start_leads_everywhere(world: World):
    ada = speak(world.ada)
    addresses = got(ada, "")
    assert set(addresses) == {"flows", "template_flows", "accounts", "publications", "schema"}
    assert all(ada.get(address).status_code == 200 for address in addresses.values())


# --- Flows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_flow_comes_in_and_goes_out(world: World, wrapped: bool):
    document: Json = make.definition()
    if wrapped:
        document = {"data": {"type": "flow", "attributes": {"name": "Överge", "definition": document}}}
    ada = speak(world.ada)
    name = {} if wrapped else {"name": "Överge"}
    answer = ada.post("/api/flows/", {"workspace": "northwind", "document": document} | name, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert answer["Location"] == f"/api/flows/{made['id']}/"
    assert made["problems"] == got(ada, f"flows/{made['id']}/problems/")["problems"]
    assert {one["code"] for one in made["problems"]} == {"no-consent"}, "a warning, and nothing else"
    flow = got(ada, f"flows/{made['id']}/")
    assert (flow["name"], flow["workspace"], flow["revision"]) == ("Överge", "northwind", 0)
    assert canonical(flow["definition"]) == canonical(document)
    body = got(ada, f"flows/{made['id']}/export/")
    assert body["data"]["attributes"]["name"] == "Överge"
    assert canonical(body) == canonical(document)
    assert Flow.objects.get(pk=made["id"]).created_by == world.ada


def test_a_definition_shows_its_questions_and_an_export_their_defaults(world: World):
    flow = make.asking_flow(world.partner)
    ada = speak(world.ada)
    assert got(ada, f"flows/{flow.pk}/")["definition"]["triggers"][0]["id"] == {"$ask": "started"}
    exported = got(ada, f"flows/{flow.pk}/export/")["data"]["attributes"]["definition"]
    assert exported["triggers"][0]["id"] == "UpixsZ"


def test_problems_point_into_the_create_body(world: World):
    document = make.definition()
    document["actions"][1]["data"]["message"]["subject_line"] = ""
    ada = speak(world.ada)
    made = ada.post("/api/flows/", {"workspace": "northwind", "document": document}, format="json").json()
    [one] = [one for one in made["problems"] if one["blocks"]]
    assert one["pointer"] == "/data/attributes/definition/actions/1/data/message/subject_line"
    assert one["step"] == "mail"


def test_flows_are_ones_own_newest_first_in_pages(world: World):
    home = make.workspace("second")
    world.ada.memberships.create(workspace=home)
    made = [make.flow(world.partner, f"Flow {index}").pk for index in range(5)]
    second = make.flow(home).pk
    make.flow(world.shop)
    ada = speak(world.ada)
    assert [one["id"] for one in got(ada, "flows/?workspace=second")["results"]] == [second]
    seen: list[int] = []
    address = "/api/flows/?workspace=northwind&page_size=2"
    while address:
        page = ada.get(address).json()
        seen += [one["id"] for one in page["results"]]
        address = page["next"]
        make.flow(world.partner, "Meanwhile")
    assert seen == [*made[::-1], world.version.flow_id]


# --- Versions and the library ----------------------------------------------------------------------------------------


def test_a_version_is_published_and_offered(world: World):
    flow = make.asking_flow(world.partner)
    ada = speak(world.ada)
    path = f"flows/{flow.pk}/versions/"
    first = ada.post(f"/api/{path}", {"notes": "First."}, format="json")
    assert first.status_code == 201
    assert (first.json()["number"], first.json()["template_flow"]) == (1, None)
    offer = {"description": "Wins them back.", "visibility": "workspace"}
    second = ada.post(f"/api/{path}", {"notes": "Second.", "offer": offer}, format="json").json()
    template = TemplateFlow.objects.get()
    assert (second["template_flow"], template.visibility) == (template.slug, "workspace")
    listed = got(ada, path)["results"]
    assert [(one["number"], one["notes"], one["author"]) for one in listed] == [
        (2, "Second.", "ada@example.com"),
        (1, "First.", "ada@example.com"),
    ]
    whole = got(ada, f"versions/{second['id']}/")
    assert whole["document"]["requirements"][0]["key"] == "started"
    assert whole["content_hash"] == listed[0]["content_hash"]

    shown = got(ada, f"template-flows/{template.slug}/")
    assert shown["version"] == 2
    assert [one["key"] for one in shown["questions"]] == ["started"]
    assert [one["slug"] for one in got(ada, "template-flows/")["results"]] == [template.slug]
    assert got(speak(world.mia), "template-flows/")["results"] == []


def test_an_offer_for_everybody_is_the_default_and_waits_for_a_yes(world: World):
    flow = make.flow(world.partner)
    speak(world.ada).post(f"/api/flows/{flow.pk}/versions/", {"offer": {}}, format="json")
    assert got(speak(world.charlie), "template-flows/")["results"] == []
    approved(TemplateFlow.objects.get())
    assert [one["name"] for one in got(speak(world.charlie), "template-flows/")["results"]] == [
        "Abandoned cart"
    ]


# --- Accounts ----------------------------------------------------------------------------------------------------


def test_accounts_are_those_of_live_grants_without_their_secrets(world: World):
    mia, ada = speak(world.mia), speak(world.ada)
    [one] = got(mia, "accounts/")["results"]
    assert one == {
        "id": world.account.pk,
        "klaviyo_id": "UpK3sZ",
        "name": "Harbour & Pine",
        "timezone": "",
        "currency": "",
        "is_test": False,
        "is_connected": True,
        "state_reason": "",
        "can_publish": True,
    }
    assert got(ada, "accounts/")["results"] == []
    grant = Grant.objects.create(account=world.account, workspace=world.partner)
    assert [each["can_publish"] for each in got(ada, "accounts/")["results"]] == [False]
    Grant.objects.filter(pk=grant.pk).update(withdrawn_at=world.version.created_at)
    assert got(ada, "accounts/")["results"] == []
    with CaptureQueriesContext(connection) as caught:
        got(mia, "accounts/")
    assert not [query for query in caught if "access_token" in query["sql"] or "api_key" in query["sql"]]


# --- Publications ------------------------------------------------------------------------------------------------


def ask(world: World, template: TemplateFlow, user: Any = None, **more: Any) -> Any:
    body = {"template_flow": template.slug, "account": world.account.pk} | more
    return speak(user or world.mia).post("/api/publications/", body, format="json")


def test_a_publication_is_asked_for_with_its_answers(world: World):
    know_metric(world)
    template = make.template(world.partner, asks=True)
    answer = ask(world, template, answers={"started": "Chk111"})
    assert answer.status_code == 201, answer.content
    one = answer.json()
    assert answer["Location"] == f"/api/publications/{one['id']}/"
    assert (one["state"], one["is_open"], one["workspace"]) == ("asked", True, "harbour")
    assert (one["template_flow"], one["asked_by"]) == (template.slug, "mia@example.com")
    row = Publication.objects.get(pk=one["id"])
    assert row.answers == {"started": "Chk111"}
    assert row.install is not None
    assert row.install.state == Install.State.PUBLISHING
    assert told(ask(world, template, answers={"started": "Chk111"}), 422) == [("unable-to-install", None)]
    assert Publication.objects.count() == 1


def test_missing_and_wrong_answers_are_named_and_leave_nothing(world: World):
    know_metric(world)
    template = make.template(world.partner, asks=True)
    missing = ask(world, template)
    assert told(missing, 422) == [("missing-answer", "/answers/started")]
    assert "started" in errors(missing, 422)[0]["detail"]
    for wrong in ("Nope11", 7, {"id": "x"}, [["x"]], ["Chk111", "Chk111"], True):
        assert told(ask(world, template, answers={"started": wrong}), 422) == [
            ("wrong-answer", "/answers/started")
        ]
    both = ask(world, template, answers={"started": "Nope11", "a/b": 1})
    assert told(both, 422) == [("wrong-answer", "/answers/started"), ("wrong-answer", "/answers/a~1b")]
    assert not Install.objects.exists()
    assert not Publication.objects.exists()


def test_answers_chosen_on_the_site_before_do_not_slip_in(world: World):
    know_metric(world)
    template = make.template(world.partner, asks=True)
    begun = start_install(template=template, workspace=world.shop, by=world.mia)
    Install.objects.filter(pk=begun.pk).update(
        account=world.account, answers={"started": {"value": "Chk111", "how": "", "by": "person"}}
    )
    assert told(ask(world, template), 422) == [("missing-answer", "/answers/started")]
    begun.refresh_from_db()
    assert begun.answers["started"]["value"] == "Chk111"  # and what was begun there is as it was


def test_a_workspace_is_chosen_where_several_may_publish(world: World):
    template = make.template(world.partner)
    second = make.workspace("second", make.Kind.MERCHANT)
    world.mia.memberships.create(workspace=second)
    errors(ask(world, template, workspace="second"), 404)  # no grant
    Grant.objects.create(account=world.account, workspace=second, can_publish=True)
    assert ask(world, template, workspace="second").json()["workspace"] == "second"


def test_a_disconnected_account_is_refused(world: World):
    KlaviyoAccount.objects.update(state="disconnected")
    [one] = errors(ask(world, make.template(world.partner)), 422)
    assert "disconnected" in one["detail"]


def test_a_publication_shows_its_attempts_to_those_who_may_see_it(world: World):
    one = make.publication(world.version, world.account, world.mia)
    shown = got(speak(world.mia), f"publications/{one.pk}/")
    assert [each["step"] for each in shown["attempts"]][-2:] == ["create-flow", "read-back"]
    assert shown["attempts"][2]["request"]["data"]["type"] == "flow"
    assert shown["attempts"][2]["seconds"] == 0.31
    assert [each["kind"] for each in shown["made"]] == ["template", "flow"]
    assert (shown["template_flow"], shown["klaviyo_flow_id"]) == (None, "T23ivh")
    for user, sees in ((world.bob, 1), (world.rowan, 1), (world.ada, 0), (world.charlie, 0)):
        client = speak(user)
        assert len(got(client, "publications/")["results"]) == sees
        assert client.get(f"/api/publications/{one.pk}/").status_code == (200 if sees else 404)


def test_as_many_queries_for_fifty_rows_as_for_five(world: World):
    client = speak(world.rowan)
    world.rowan.memberships.create(workspace=world.partner)

    def fill(number: int) -> None:
        for index in range(number):
            template = make.template(world.partner, name=f"Flow {index}")
            install = Install.objects.create(
                workspace=world.shop, template_flow=template, version=template.current_version
            )
            version = template.current_version
            make.publication(version, world.account, world.mia, S.REFUSED, install=install)
            make.account(world.partner, f"A{Flow.objects.count()}", f"Account {index}")

    def queries(path: str) -> int:
        got(client, path)
        with CaptureQueriesContext(connection) as caught:
            got(client, path)
        return len(caught)

    paths = [
        "flows/",
        "template-flows/",
        "accounts/",
        "publications/",
        f"flows/{world.version.flow_id}/versions/",
    ]
    fill(5)
    few = [queries(path) for path in paths]
    fill(45)
    assert [queries(path) for path in paths] == few
    assert max(few) <= 5
