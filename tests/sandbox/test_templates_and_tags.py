"""Templates with their copies, and tags on flows."""

from __future__ import annotations

import httpx

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import TEMPLATE, client, definition, flow, problems

HTML = "<html><body>Hello</body></html>"


def template(**attributes: object) -> dict[str, object]:
    given = {"name": "T", "editor_type": "CODE", "html": HTML, **attributes}
    return {"data": {"type": "template", "attributes": given}}


def test_create_read_change_delete(api: httpx.Client) -> None:
    made = api.post("/api/templates", json=template(text="Hello"))
    assert made.status_code == 201
    about = made.json()["data"]["attributes"]
    assert (about["name"], about["html"], about["text"], about["editor_type"]) == ("T", HTML, "Hello", "CODE")
    id = made.json()["data"]["id"]
    change = {"data": {"type": "template", "id": id, "attributes": {"html": "<p>New</p>"}}}
    assert api.patch(f"/api/templates/{id}", json=change).json()["data"]["attributes"]["html"] == "<p>New</p>"
    assert api.get(f"/api/templates/{id}").json()["data"]["attributes"]["name"] == "T"
    change["data"]["id"] = "Another"
    assert api.patch(f"/api/templates/{id}", json=change).status_code == 400
    assert api.delete(f"/api/templates/{id}").status_code == 200
    assert api.get(f"/api/templates/{id}").status_code == 404


def test_what_a_template_may_be(api: httpx.Client) -> None:
    for changes, pointer in (
        ({"editor_type": "WORD"}, "editor_type"),
        ({"html": 5}, "html"),
        ({"editor_type": "SYSTEM_DRAGGABLE"}, "html"),
        ({"definition": {}}, "definition"),
        ({"name": " "}, "name"),
    ):
        answer = api.post("/api/templates", json=template(**changes))
        assert answer.status_code == 400
        assert f"/data/attributes/{pointer}" in [at for at, _ in problems(answer)]


def test_clone_answers_200_and_stays_in_the_account(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    body = {"data": {"type": "template", "id": TEMPLATE, "attributes": {"name": "Copy"}}}
    clone = api.post("/api/template-clone", json=body)
    assert clone.status_code == 200
    assert clone.json()["data"]["id"] != TEMPLATE
    assert clone.json()["data"]["attributes"]["name"] == "Copy"
    with client(klaviyo, "kettle") as other:
        assert other.post("/api/template-clone", json=body).status_code == 404


def test_a_thousand_templates_are_the_end(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    store = klaviyo.sandbox.store
    with store.transaction():
        for _ in range(1000 - store.count("template", "UpK3sZ")):
            store.add("template", "UpK3sZ", {"name": "x", "editor_type": "CODE"})
    assert api.post("/api/templates", json=template()).status_code == 400
    clone = {"data": {"type": "template", "id": TEMPLATE, "attributes": {}}}
    assert api.post("/api/template-clone", json=clone).status_code == 400
    assert api.post("/api/flows", json=flow(definition())).status_code == 201  # its copy is not counted


def test_a_flow_keeps_its_own_copy_for_ever(api: httpx.Client) -> None:
    made = api.post("/api/flows", json=flow(definition())).json()["data"]
    message = made["attributes"]["definition"]["actions"][1]["data"]["message"]
    copy = message["template_id"]
    assert copy != TEMPLATE
    source = api.get(f"/api/templates/{TEMPLATE}").json()["data"]["attributes"]["html"]
    change = {"data": {"type": "template", "id": TEMPLATE, "attributes": {"html": "<p>Later</p>"}}}
    assert api.patch(f"/api/templates/{TEMPLATE}", json=change).status_code == 200
    assert api.get(f"/api/templates/{copy}").json()["data"]["attributes"]["html"] == source
    assert copy not in [item["id"] for item in api.get("/api/templates").json()["data"]]
    change["data"]["id"] = copy
    assert api.patch(f"/api/templates/{copy}", json=change).status_code == 404
    for _ in range(2):
        refused = api.delete(f"/api/templates/{copy}")
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["code"] == "conflict"
        assert f"attached to FlowMessage {message['id']}" in refused.json()["errors"][0]["detail"]
        api.delete(f"/api/flows/{made['id']}")  # the copy outlives its flow
    assert api.delete(f"/api/templates/{TEMPLATE}").status_code == 200


def test_tags(api: httpx.Client) -> None:
    body = {"data": {"type": "tag", "attributes": {"name": "flow-builder"}}}
    tag = api.post("/api/tags", json=body)
    assert tag.status_code == 201
    assert api.post("/api/tags", json=body).status_code == 400  # names are unique
    found = api.get("/api/tags", params={"filter": 'equals(name,"flow-builder")'}).json()["data"]
    assert [item["id"] for item in found] == [tag.json()["data"]["id"]]

    made = api.post("/api/flows", json=flow(definition())).json()["data"]["id"]
    path = f"/api/tags/{found[0]['id']}/relationships/flows"
    link = {"data": [{"type": "flow", "id": made}]}
    assert [api.post(path, json=link).status_code for _ in range(2)] == [204, 204]
    assert api.get(path).json()["data"] == link["data"]
    assert [item["id"] for item in api.get(f"/api/flows/{made}/tags").json()["data"]] == [found[0]["id"]]
    assert api.post(path, json={"data": [{"type": "flow", "id": "Zzzzzz"}]}).status_code == 404
    assert api.post(path, json={"data": [{"type": "list", "id": made}]}).status_code == 400
    assert api.post(path, json={"data": []}).status_code == 400
    assert api.request("DELETE", path, json=link).status_code == 204
    assert api.get(path).json()["data"] == []
