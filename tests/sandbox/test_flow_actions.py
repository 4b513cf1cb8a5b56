"""One action of a flow: changed and deleted. What has to stay, and what each leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.acting import AT, actions_of, insertion, make, patch, path_of, read, sent
from tests.sandbox.examples import all_definitions, ids_of
from tests.sandbox.talk import (
    TEMPLATE,
    Json,
    client,
    connect,
    mail,
    problems,
    split,
    step,
    wait,
)

# -- changing


def test_a_delay_is_changed_in_its_place(api: httpx.Client) -> None:
    made = make(api)
    delay = sent(actions_of(made)[0])
    delay["data"] = {"unit": "days", "value": 3, "delay_until_time": "09:00:00"}
    answer = patch(api, delay)
    assert answer.status_code == 200, answer.text
    stored = answer.json()["data"]["attributes"]["definition"]
    assert stored["data"]["value"] == 3
    assert stored["id"] == delay["id"]
    assert read(api, made)["actions"] == [stored, actions_of(made)[1]]
    assert api.get(f"/api/flow-actions/{delay['id']}").json()["data"] == answer.json()["data"]


def test_a_message_keeps_its_id_and_its_template_until_another_is_named(api: httpx.Client) -> None:
    made = make(api)
    email = actions_of(made)[1]
    before = email["data"]["message"]
    email["data"]["status"] = "live"
    email["data"]["message"]["subject_line"] = "New"
    first = patch(api, email).json()["data"]["attributes"]["definition"]["data"]
    assert first["status"] == "live"
    assert first["message"]["subject_line"] == "New"
    assert (first["message"]["id"], first["message"]["template_id"]) == (before["id"], before["template_id"])
    email["data"]["message"]["template_id"] = TEMPLATE
    second = patch(api, email).json()["data"]["attributes"]["definition"]["data"]["message"]
    assert second["template_id"] not in (TEMPLATE, before["template_id"])
    assert (
        api.get(f"/api/templates/{before['template_id']}").status_code == 200
    )  # the old copy stays for ever
    message = api.get(f"/api/flow-messages/{before['id']}").json()["data"]
    assert message["attributes"]["definition"] == second
    template = api.get(f"/api/flow-messages/{before['id']}/template").json()["data"]
    assert template["id"] == second["template_id"]


def test_a_status_that_is_left_out_is_draft(api: httpx.Client) -> None:
    """As the official document says: the default of a status, not the one that was there."""
    made = make(api)
    email = actions_of(made)[1]
    email["data"]["status"] = "live"
    assert patch(api, email).json()["data"]["attributes"]["definition"]["data"]["status"] == "live"
    del email["data"]["status"]
    assert patch(api, email).json()["data"]["attributes"]["definition"]["data"]["status"] == "draft"


def test_a_message_where_there_was_none(api: httpx.Client) -> None:
    made = make(api, step("send-email", {"status": "draft"}, "a"))
    (empty,) = actions_of(made)
    empty["data"]["message"] = {"name": "Now", "subject_line": "Hello", "template_id": TEMPLATE}
    message = patch(api, empty).json()["data"]["attributes"]["definition"]["data"]["message"]
    listed = api.get(f"/api/flow-actions/{empty['id']}/flow-messages").json()["data"]
    assert [item["id"] for item in listed] == [message["id"]]
    ids = api.get(f"/api/flow-actions/{empty['id']}/relationships/flow-messages").json()["data"]
    assert ids == [{"type": "flow-message", "id": message["id"]}]


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "another id": ({"id": "999"}, [f"{AT}/id"]),
    "no id": ({"id": None}, [f"{AT}/id"]),
    "another type": ({"type": "send-sms"}, [f"{AT}/type"]),
    "a temporary id": ({"temporary_id": "a"}, [f"{AT}/temporary_id"]),
    "other links": ({"links": {"next": "116466001"}}, [f"{AT}/links"]),
    "links of a split": (
        {"links": {"next_if_true": None, "next_if_false": None}},
        [f"{AT}/links/next_if_true"],
    ),
    "an unknown field": ({"colour": "red"}, [f"{AT}/colour"]),
    "an unknown status": ({"data": {"status": "paused"}}, [f"{AT}/data/status"]),
    "another message": ({"data": {"message": {"id": "Zzzzzz"}}}, [f"{AT}/data/message/id"]),
    "a missing template": (
        {"data": {"message": {"template_id": "Zzzzzz"}}},
        [f"{AT}/data/message/template_id"],
    ),
    "a wrong address": ({"data": {"message": {"from_email": "me"}}}, [f"{AT}/data/message/from_email"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_change_is_refused_with_its_pointer(api: httpx.Client, name: str) -> None:
    made = make(api)
    email = actions_of(made)[1]
    changes, pointers = REFUSED[name]
    body = {"data": {"type": "flow-action", "id": email["id"], "attributes": {"definition": email | changes}}}
    answer = api.patch(f"/api/flow-actions/{email['id']}", json=body)
    assert answer.status_code == 400, answer.text
    assert set(pointers) <= {pointer for pointer, _ in problems(answer)}
    assert read(api, made) == made["attributes"]["definition"]


@pytest.mark.parametrize("attributes", [{}, {"definition": 5}, {"definition": {}}, {"status": "live"}])
def test_an_action_is_sent_whole(api: httpx.Client, attributes: Json) -> None:
    made = make(api)
    id = actions_of(made)[0]["id"]
    body = {"data": {"type": "flow-action", "id": id, "attributes": attributes}}
    assert api.patch(f"/api/flow-actions/{id}", json=body).status_code == 400
    for name in ("links", "data"):
        part = {key: value for key, value in sent(actions_of(made)[0]).items() if key != name}
        assert f"{AT}/{name}" in [pointer for pointer, _ in problems(patch(api, part))]


def test_the_weekdays_that_the_service_added_are_refused(api: httpx.Client) -> None:
    delay = actions_of(make(api))[0]
    assert len(delay["data"]["delay_until_weekdays"]) == 7
    assert [pointer for pointer, _ in problems(patch(api, delay))] == [f"{AT}/data"]


def test_every_example_can_be_sent_back_as_it_is(api: httpx.Client) -> None:
    """An action that nothing was changed on is accepted, whatever its type, and comes back the same."""
    types = set()
    for name, about in all_definitions(ids_of(api)).items():
        made = make(api, **about)
        for action in actions_of(made):
            if action["type"] in types and name.startswith("condition"):
                continue
            types.add(action["type"])
            answer = patch(api, sent(action))
            assert answer.status_code == 200, f"{name}: {answer.text}"
            assert answer.json()["data"]["attributes"]["definition"] == action, name
        assert read(api, made) == made["attributes"]["definition"], name
    assert len(types) == 20


def test_branches_stay_in_number_order_and_direction(api: httpx.Client) -> None:
    examples = all_definitions(ids_of(api))
    about = next(
        one for one in examples.values() if any("branches" in (a.get("data") or {}) for a in one["actions"])
    )
    made = make(api, **about)
    branching = next(a for a in actions_of(made) if a["type"] == "multi-branch-split")
    renamed = deepcopy(branching)
    renamed["data"]["name"] = "Another name"
    answer = patch(api, renamed)
    assert answer.json()["data"]["attributes"]["definition"] == renamed
    fewer, turned = deepcopy(branching), deepcopy(branching)
    del fewer["data"]["branches"][0]
    first = turned["data"]["branches"][0]
    first["links"] = {"next": None if (first["links"] or {}).get("next") else actions_of(made)[0]["id"]}
    for changed in (fewer, turned):
        assert problems(patch(api, changed))[0][0] == f"{AT}/data/branches"


def test_an_experiment_is_not_started_by_a_change(api: httpx.Client) -> None:
    examples = all_definitions(ids_of(api))
    about = next(one for one in examples.values() if one["actions"][0]["type"] == "ab-test")
    (test,) = [a for a in actions_of(make(api, **about)) if a["type"] == "ab-test"]
    started, fewer, other = deepcopy(test), deepcopy(test), deepcopy(test)
    started["data"]["experiment_status"] = "live"
    fewer["data"]["current_experiment"]["variations"].pop()
    other["data"]["main_action"]["id"] = "1"
    for changed, pointer in (
        (started, "experiment_status"),
        (fewer, "current_experiment/variations"),
        (other, "main_action/id"),
    ):
        assert f"{AT}/data/{pointer}" in [at for at, _ in problems(patch(api, changed))]


def test_the_answer_may_show_the_template_of_before() -> None:
    with RunningSandbox(stale_patches=True) as late, client(late) as api:
        made = make(api)
        email = actions_of(made)[1]
        before = email["data"]["message"]["template_id"]
        email["data"]["message"]["template_id"] = TEMPLATE
        shown = patch(api, email).json()["data"]["attributes"]["definition"]["data"]["message"]
        assert shown["template_id"] == before
        assert read(api, made)["actions"][1]["data"]["message"]["template_id"] not in (before, TEMPLATE)


# -- deleting


def test_what_came_before_goes_on_with_what_came_after(api: httpx.Client) -> None:
    """[metric] -> <wait> -> (mail) -> <wait> -> (mail)"""
    made = make(api, wait("a", "b"), mail("b", "c"), wait("c", "d"), mail("d"))
    ids = [action["id"] for action in actions_of(made)]
    for number, left in (
        (2, ["time-delay", "send-email", "send-email"]),
        (0, ["send-email", "send-email"]),
        (3, ["send-email"]),
        (1, []),
    ):
        assert api.delete(f"/api/flow-actions/{ids[number]}").status_code == 204
        assert path_of(api, made) == left
        assert api.get(f"/api/flow-actions/{ids[number]}").status_code == 404
        assert api.delete(f"/api/flow-actions/{ids[number]}").status_code == 404
    assert read(api, made)["entry_action_id"] is None
    assert api.get(f"/api/flows/{made['id']}/flow-actions").json()["data"] == []


def test_the_message_and_the_copy_of_a_deleted_action_stay(api: httpx.Client) -> None:
    email = actions_of(make(api))[1]
    message = email["data"]["message"]
    assert api.delete(f"/api/flow-actions/{email['id']}").status_code == 204
    assert api.get(f"/api/flow-messages/{message['id']}").status_code == 200
    assert api.delete(f"/api/templates/{message['template_id']}").status_code == 409


def test_branches_that_rejoin_lead_on_together(api: httpx.Client) -> None:
    """(split) -yes-> <wait> -> (mail); (split) -no-> <wait>: the shared wait is taken out of both paths."""
    made = make(api, split("s", "a", "w"), wait("a", "w"), wait("w", "m"), mail("m"))
    ids = {name: action["id"] for name, action in zip("sawm", actions_of(made), strict=True)}
    assert api.delete(f"/api/flow-actions/{ids['w']}").status_code == 204
    top, first, _ = read(api, made)["actions"]
    assert top["links"] == {"next_if_true": ids["a"], "next_if_false": ids["m"]}
    assert first["links"] == {"next": ids["m"]}


def test_a_split_goes_only_when_nothing_follows_it(api: httpx.Client) -> None:
    made = make(api, wait("a", "s"), split("s", "m", None), mail("m"))
    _, fork, email = actions_of(made)
    assert api.delete(f"/api/flow-actions/{fork['id']}").status_code == 400
    assert path_of(api, made) == ["time-delay", "conditional-split", "send-email"]
    assert api.delete(f"/api/flow-actions/{email['id']}").status_code == 204
    assert api.delete(f"/api/flow-actions/{fork['id']}").status_code == 204
    assert path_of(api, made) == ["time-delay"]


# -- who may, since when, how often


def requests(action: Json) -> Iterator[tuple[str, str, Json | None]]:
    path = f"/api/flow-actions/{action['id']}"
    body = {"type": "flow-action", "id": action["id"], "attributes": {"definition": sent(action)}}
    yield "POST", "/api/flow-actions", insertion(wait("n", action["id"]))
    yield "PATCH", path, {"data": body}
    yield "DELETE", path, None


@pytest.mark.parametrize(
    ("revision", "statuses"),
    [
        ("2025-07-15", [404, 405, 405]),
        ("2025-10-15", [404, 200, 405]),
        ("2026-04-15", [404, 200, 204]),
        ("2026-07-15", [404, 200, 204]),
        ("2026-07-15.pre", [404, 200, 204]),
        ("2026-10-15", [201, 200, 204]),
    ],
)
def test_each_came_with_a_revision(api: httpx.Client, revision: str, statuses: list[int]) -> None:
    action = actions_of(make(api))[0]
    for (method, path, body), status in zip(requests(action), statuses, strict=True):
        answer = api.request(method, path, json=body, headers={"revision": revision})
        assert answer.status_code == status, (method, answer.text)


def test_each_needs_its_scope(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    action = actions_of(make(api))[0]
    token = connect(klaviyo, scope="accounts:read flows:read")["access_token"]
    with client(klaviyo, token=token) as reader:
        assert reader.get(f"/api/flow-actions/{action['id']}").status_code == 200
        for method, path, body in requests(action):
            answer = reader.request(method, path, json=body)
            assert answer.status_code == 403
            assert answer.json()["errors"][0]["meta"] == {"missing_scopes": ["flows:write"]}


def test_what_an_action_belongs_to(api: httpx.Client) -> None:
    made = make(api)
    path = f"/api/flow-actions/{actions_of(made)[1]['id']}"
    one = api.get(path, params={"include": "flow,flow-messages"}).json()
    assert [item["type"] for item in one["included"]] == ["flow", "flow-message"]
    assert api.get(f"{path}/flow").json()["data"]["id"] == made["id"]
    assert api.get(f"{path}/relationships/flow").json()["data"] == {"type": "flow", "id": made["id"]}
    assert "included" not in api.get(path).json()
