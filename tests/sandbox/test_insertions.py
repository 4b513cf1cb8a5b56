"""POST /api/flow-actions: one action put into a flow."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.acting import AT, actions_of, anchor, bare, in_flow, insertion, make, patch, path_of, read
from tests.sandbox.examples import all_definitions, ids_of
from tests.sandbox.talk import (
    TEMPLATE,
    Json,
    client,
    mail,
    problems,
    split,
    step,
    wait,
)


def test_after_an_action_at_the_end_and_between(api: httpx.Client) -> None:
    made = make(api)
    first, last = actions_of(made)
    for before, expected in (
        (last, ["time-delay", "send-email", "send-sms"]),
        (first, ["time-delay", "send-sms", "send-email", "send-sms"]),
    ):
        text = bare(step("send-sms", {"message": {"body": "Hi"}}, "n"))
        answer = api.post("/api/flow-actions", json=insertion(text, anchor=anchor(before, {"next": "n"})))
        assert answer.status_code == 201, answer.text
        assert path_of(api, made) == expected
    assert api.get(answer.json()["data"]["links"]["self"]).json()["data"] == answer.json()["data"]


def test_into_an_empty_path_of_a_split(api: httpx.Client) -> None:
    made = make(api, split("s", "m", None), mail("m"))
    fork = actions_of(made)[0]
    body = insertion(bare(wait("n")), anchor=anchor(fork, {"next_if_false": "n"}))
    id = api.post("/api/flow-actions", json=body).json()["data"]["id"]
    assert read(api, made)["actions"][0]["links"] == {**fork["links"], "next_if_false": id}


def test_into_an_empty_branch(api: httpx.Client) -> None:
    examples = all_definitions(ids_of(api))
    about = next(one for one in examples.values() if one["actions"][0]["type"] == "multi-branch-split")
    made = make(api, **about)
    fork = actions_of(made)[0]
    last = fork["data"]["branches"][-1]
    assert not (last["links"] or {}).get("next")
    place = anchor(fork, None)
    shown = place["data"]["attributes"]["definition"]
    shown["data"] = {"branches": [{"branch_id": last["branch_id"], "links": {"next": "n"}}]}
    del shown["links"]
    answer = api.post("/api/flow-actions", json=insertion(bare(mail("n")), anchor=place))
    assert answer.status_code == 201, answer.text
    branches = read(api, made)["actions"][0]["data"]["branches"]
    assert branches[-1]["links"] == {"next": answer.json()["data"]["id"]}
    shown["data"]["branches"][0]["branch_id"] = "Zzzzzz"
    assert api.post("/api/flow-actions", json=insertion(bare(mail("n")), anchor=place)).status_code == 400


def test_before_an_action_every_path_to_it_is_reconnected(api: httpx.Client) -> None:
    """(split) -yes-> <wait> -> (mail); (split) -no-> (mail)"""
    made = make(api, split("s", "w", "m"), wait("w", "m"), mail("m"))
    fork, delay, email = actions_of(made)
    new = api.post("/api/flow-actions", json=insertion(wait("n", email["id"]))).json()["data"]
    assert new["attributes"]["definition"]["links"] == {"next": email["id"]}
    now = {action["id"]: action["links"] for action in read(api, made)["actions"]}
    assert now[fork["id"]] == {"next_if_true": delay["id"], "next_if_false": new["id"]}
    assert now[delay["id"]] == {"next": new["id"]}
    start = api.post("/api/flow-actions", json=insertion(wait("n", fork["id"]))).json()["data"]["id"]
    assert read(api, made)["entry_action_id"] == start


def test_the_first_of_a_flow_that_has_none(api: httpx.Client) -> None:
    made = make(api, wait("a"))
    body = insertion(bare(mail("n")), relationships=in_flow(made["id"]))
    assert [pointer for pointer, _ in problems(api.post("/api/flow-actions", json=body))] == [
        "/data/relationships/flow/data"
    ]
    api.delete(f"/api/flow-actions/{actions_of(made)[0]['id']}")
    id = api.post("/api/flow-actions", json=body).json()["data"]["id"]
    assert read(api, made)["entry_action_id"] == id
    assert path_of(api, made) == ["send-email"]
    body["data"]["relationships"] = in_flow("Zzzzzz")
    assert api.post("/api/flow-actions", json=body).status_code == 404


def test_messages_arrive_as_drafts_with_a_copy_of_their_template(api: httpx.Client) -> None:
    first = actions_of(make(api))[0]
    email = bare(mail("n"))
    email["data"]["status"] = "live"
    made = api.post("/api/flow-actions", json=insertion(email, anchor=anchor(first, {"next": "n"})))
    data = made.json()["data"]["attributes"]["definition"]["data"]
    assert data["status"] == "draft"
    assert data["message"]["template_id"] != TEMPLATE
    listed = api.get(f"/api/flow-actions/{made.json()['data']['id']}/flow-messages").json()["data"]
    assert [item["attributes"]["definition"] for item in listed] == [data["message"]]


def test_timing_in_a_live_flow_needs_to_be_allowed(api: httpx.Client) -> None:
    made = make(api)
    last = actions_of(made)[1]
    change = {"data": {"type": "flow", "id": made["id"], "attributes": {"status": "live"}}}
    assert api.patch(f"/api/flows/{made['id']}", json=change).status_code == 200
    body = insertion(bare(wait("n")), anchor=anchor(last, {"next": "n"}))
    refused = api.post("/api/flow-actions", json=body)
    assert [pointer for pointer, _ in problems(refused)] == ["/data/attributes/allow_live_action"]
    body["data"]["attributes"]["allow_live_action"] = True
    assert api.post("/api/flow-actions", json=body).status_code == 201
    text = bare(step("send-sms", {"message": {"body": "Hi"}}, "n"))
    body = insertion(text, anchor=anchor(last, {"next": "n"}))
    assert api.post("/api/flow-actions", json=body).status_code == 201  # a draft does nothing yet


def test_the_same_request_twice_makes_two(api: httpx.Client) -> None:
    made = make(api, mail("a"))
    body = insertion(wait("n", actions_of(made)[0]["id"]))
    assert [api.post("/api/flow-actions", json=body).status_code for _ in range(2)] == [201, 201]
    assert path_of(api, made) == ["time-delay", "time-delay", "send-email"]


@pytest.mark.parametrize(
    ("action", "more", "pointer"),
    [
        (bare(wait("n")), {}, AT),
        (wait("n", "{first}"), {"relationships": in_flow("{flow}")}, "/data/relationships"),
        (wait("n", "{first}"), {"anchor": "{first}"}, f"{AT}/links"),
        (wait("n", None), {}, f"{AT}/links"),
        (wait("n", "abc"), {}, f"{AT}/links/next"),
        (split("n", "{first}", None), {}, f"{AT}/type"),
        (step("magic", {}, "n"), {}, f"{AT}/type"),
        ({**wait("n", "{first}"), "temporary_id": ""}, {}, f"{AT}/temporary_id"),
        ({**wait("n", "{first}"), "id": "5"}, {}, f"{AT}/id"),
        (wait("n", "{first}", delay_until_time="08:00:00"), {}, f"{AT}/data"),
        (wait("n", "{first}"), {"allow_live_action": "yes"}, "/data/attributes/allow_live_action"),
        (bare(wait("n")), {"anchor": {"data": {}}}, "/data/attributes/anchor-action/data"),
        (bare(wait("n")), {"relationships": {"flow": 5}}, "/data/relationships/flow/data"),
    ],
)
def test_insertions_that_are_refused(api: httpx.Client, action: Json, more: Json, pointer: str) -> None:
    made = make(api)
    words = {"{first}": actions_of(made)[0]["id"], "{flow}": made["id"]}
    body = insertion(action, **more)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return words.get(value, value) if isinstance(value, str) else value

    answer = api.post("/api/flow-actions", json=filled(body))
    assert answer.status_code == 400, answer.text
    assert pointer in [at for at, _ in problems(answer)]
    assert read(api, made) == made["attributes"]["definition"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"type": "send-email"}, "type"),
        ({"links": {"next": "m"}}, "links"),
        ({"links": {}}, "links"),
        ({"links": {"next_if_true": "n"}}, "links/next_if_true"),
    ],
)
def test_an_anchor_names_one_link_and_the_new_action(api: httpx.Client, change: Json, pointer: str) -> None:
    made = make(api)
    place = anchor(actions_of(made)[0], {"next": "n"})
    place["data"]["attributes"]["definition"] |= change
    answer = api.post("/api/flow-actions", json=insertion(bare(wait("n")), anchor=place))
    at = f"/data/attributes/anchor-action/data/attributes/definition/{pointer}"
    assert [where for where, _ in problems(answer)] == [at]


def test_an_action_that_is_not_there_is_404(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    made = make(api)
    first = actions_of(made)[0]
    with client(klaviyo, "kettle") as other:
        assert patch(other, first).status_code == 404
        assert other.delete(f"/api/flow-actions/{first['id']}").status_code == 404
        placed = insertion(wait("n", first["id"]))
        assert other.post("/api/flow-actions", json=placed).status_code == 404
        placed = insertion(bare(wait("n")), anchor=anchor(first, {"next": "n"}))
        assert other.post("/api/flow-actions", json=placed).status_code == 404
    assert api.post("/api/flow-actions", json=insertion(wait("n", "1"))).status_code == 404


def test_a_date_flow_keeps_its_beginning(api: httpx.Client) -> None:
    dated = {
        "type": "date",
        "date_field_type": "profile-property",
        "date_profile_property": "properties['Birthday']",
        "timedelta_value_before_date": 0,
        "trigger_time": "09:00:00",
    }
    made = make(api, step("target-date", {"target_time": "09:00:00"}, "a"), triggers=[dated])
    first = actions_of(made)[0]["id"]
    refused = api.post("/api/flow-actions", json=insertion(mail("n", first)))
    assert [pointer for pointer, _ in problems(refused)] == [f"{AT}/type"]
    counted = step("countdown-delay", {"value": 1}, "n", links={"next": first})
    assert api.post("/api/flow-actions", json=insertion(counted)).status_code == 201
